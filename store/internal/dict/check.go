package dict

import "fmt"

// Check walks the whole table and names the first broken place. It proves that
// every ref is in the bucket of its hash under its tag, that chains and the
// overflow array are dense and point at each other, and that the count is right.
func (t *Table) Check() error {
	refs, overflow := 0, 0
	n := t.len(mainArray)
	for main := range n {
		r, o, err := t.checkChain(main, n)
		if err != nil {
			return err
		}
		refs, overflow = refs+r, overflow+o
	}
	if refs != t.Len() {
		return fmt.Errorf("dict: %d refs in the chains, count is %d", refs, t.Len())
	}
	if have := int(t.len(overArray)); overflow != have {
		return fmt.Errorf("dict: %d overflow buckets in the chains of %d", overflow, have)
	}
	return nil
}

func (t *Table) checkChain(main, n uint32) (refs, overflow int, err error) {
	for link := uint32(0); ; {
		b := t.bucket(main, link)
		k := used(b)
		if err := t.checkBucket(main, link, k, n); err != nil {
			return 0, 0, err
		}
		refs += k
		next := b.U32(bucketNext)
		if next == 0 {
			return refs, overflow, nil
		}
		if k != slots(link) {
			return 0, 0, fmt.Errorf("dict: bucket %d/%d holds %d refs and has a next one", main, link, k)
		}
		if next > t.len(overArray) {
			return 0, 0, fmt.Errorf("dict: bucket %d/%d: next is %d of %d", main, link, next, t.len(overArray))
		}
		if overflow++; overflow > int(t.len(overArray)) {
			return 0, 0, fmt.Errorf("dict: chain of bucket %d is a circle", main)
		}
		link = next
	}
}

// checkBucket checks the k refs of a bucket and the emptiness of its other slots.
func (t *Table) checkBucket(main, link uint32, k int, n uint32) error {
	b := t.bucket(main, link)
	if link != 0 {
		if owner := b.U32(bucketOwner); owner != main {
			return fmt.Errorf("dict: overflow bucket %d of bucket %d says its owner is %d", link, main, owner)
		}
		if k == 0 {
			return fmt.Errorf("dict: overflow bucket %d of bucket %d is empty", link, main)
		}
	}
	for i := range slots(link) {
		tag, ref := b.U8(i), refAt(b, i)
		if i >= k {
			if tag != 0 || ref != 0 {
				return fmt.Errorf("dict: bucket %d/%d: slot %d behind the end is not empty", main, link, i)
			}
			continue
		}
		if ref == 0 {
			return fmt.Errorf("dict: bucket %d/%d: slot %d has a tag and no ref", main, link, i)
		}
		hash := t.hasher.HashOf(ref)
		if home := bucketOf(uint32(hash), n); home != main || tagOf(hash) != tag {
			return fmt.Errorf("dict: ref %#x under tag %#x in bucket %d/%d: hash %#x is of bucket %d", ref, tag, main, link, hash, home)
		}
	}
	return nil
}
