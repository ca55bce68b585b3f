package dict

// BucketRefs is the number of refs a bucket holds at most.
const BucketRefs = mainSlots

// Iter walks all refs of a table bucket by bucket, in no order that means
// anything. The table must not change meanwhile. The zero Iter is ready for Seek.
type Iter struct {
	t          Table
	main, link uint32
}

// Seek places it before the first bucket.
func (it *Iter) Seek(t *Table) { it.t, it.main, it.link = *t, 0, 0 }

// Next puts the refs of the next bucket that has any into refs and returns their
// number, 0 at the end.
func (it *Iter) Next(refs *[BucketRefs]uint32) int {
	for n := it.t.len(mainArray); it.main < n; {
		b := it.t.bucket(it.main, it.link)
		if it.link = b.U32(bucketNext); it.link == 0 {
			it.main++
		}
		if k := used(b); k > 0 {
			for i := range k {
				refs[i] = refAt(b, i)
			}
			return k
		}
	}
	return 0
}
