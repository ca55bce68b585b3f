package dict

import (
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// CopyTo copies the table to a heap, its own or another, each ref being replaced by what fn
// makes of it: a ref of the same hash there. Nothing is hashed or searched. fn must not
// use the tables. The note is not copied.
func (t *Table) CopyTo(heap *slab.Heap, hasher Hasher, fn func(ref uint32) uint32) Table {
	c := Make(heap, hasher)
	c.pop(mainArray)
	for _, a := range [...]array{mainArray, overArray} {
		for i := range t.len(a) {
			c.push(a)
			copyBucket(c.write(a, i), t.read(a, i), fn)
		}
	}
	c.addLen(t.Len())
	return c
}

// copyBucket copies a bucket; an overflow bucket's owner lies behind its refs and stays.
func copyBucket(to, from offheap.Block, fn func(ref uint32) uint32) {
	to.CopyFrom(0, from, 0, bucketSize)
	for i := range used(from) {
		to.SetU32(bucketRefs+i*refSize, fn(refAt(from, i)))
	}
}
