package dict

import (
	"fmt"

	"quarry/store/internal/slab"
)

// Check walks the whole table and names the first broken place, and in a the objects
// that it consists of. It proves that the arrays have the shape that their lengths ask for,
// every ref is in the bucket of its hash under its tag, that chains and the
// overflow array are dense and point at each other, and that the count is right. own checks that a
// ref may be asked for its hash, and that it has not come before.
func (t *Table) Check(a *slab.Audit, own func(ref uint32) error) error {
	if err := a.Own(t.head, headerSize); err != nil {
		return err
	}
	for _, arr := range [...]array{mainArray, overArray} {
		if err := t.checkArray(a, arr); err != nil {
			return fmt.Errorf("dict: array at %d of the header: %w", arr, err)
		}
	}
	refs, overflow := 0, 0
	n := t.len(mainArray)
	for main := range n {
		r, o, err := t.checkChain(main, n, own)
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

func (t *Table) checkChain(main, n uint32, own func(uint32) error) (refs, overflow int, err error) {
	for link := uint32(0); ; {
		b := t.bucket(main, link)
		k := used(b)
		if err := t.checkBucket(main, link, k, n, own); err != nil {
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
func (t *Table) checkBucket(main, link uint32, k int, n uint32, own func(uint32) error) error {
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
		if err := own(ref); err != nil {
			return err
		}
		hash := t.hasher.HashOf(ref)
		if home := bucketOf(uint32(hash), n); home != main || tagOf(hash) != tag {
			return fmt.Errorf("dict: ref %#x under tag %#x in bucket %d/%d: hash %#x is of bucket %d", ref, tag, main, link, hash, home)
		}
	}
	return nil
}

// checkArray checks the capacity of an array against its length, and the objects it is made of.
func (t *Table) checkArray(a *slab.Audit, arr array) error {
	h := t.heap.R(t.head)
	root, n, logCap := slab.Ref(h.U32(int(arr)+arrayRoot)), h.U32(int(arr)+arrayLen), h.U32(int(arr)+arrayBits)
	if n == 0 && root == 0 && logCap == 0 && arr == overArray {
		return nil
	}
	if logCap > maxBits || n > 1<<logCap || n <= 1<<logCap/4 {
		return fmt.Errorf("%d buckets with a capacity of 2^%d", n, logCap)
	}
	if logCap <= segmentBits {
		return t.own(a, root, bucketSize<<logCap)
	}
	if err := t.own(a, root, rootSlots(logCap)*refSize); err != nil {
		return err
	}
	segments := (n + segmentBuckets - 1) / segmentBuckets
	if logCap <= segmentBits+nodeBits {
		return t.checkNode(a, root, segments)
	}
	for i := uint32(0); segments > 0; i++ {
		node, here := t.child(root, i), min(segments, 1<<nodeBits)
		if err := t.own(a, node, nodeSize); err != nil {
			return err
		}
		if err := t.checkNode(a, node, here); err != nil {
			return err
		}
		segments -= here
	}
	return nil
}

// checkNode checks the first n segments below a node.
func (t *Table) checkNode(a *slab.Audit, node slab.Ref, n uint32) error {
	for i := range n {
		if err := t.own(a, t.child(node, i), segmentSize); err != nil {
			return err
		}
	}
	return nil
}

// own names an object, which must be of the class for size bytes.
func (t *Table) own(a *slab.Audit, ref slab.Ref, size int) error {
	if err := a.Own(ref, size); err != nil {
		return err
	}
	if have := t.heap.Cap(ref); have != slab.Class(size) {
		return fmt.Errorf("object %#x has %d bytes, not %d", uint32(ref), have, slab.Class(size))
	}
	return nil
}
