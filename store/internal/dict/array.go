package dict

import (
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// A table has two arrays of buckets that grow and shrink at their end. An array
// of up to 128 buckets is one object, which doubles; a longer one is made of
// segments of 128 buckets under a node of up to 1024 refs; beyond 131,072
// buckets there is a node of nodes:
//
//	log2 capacity  0..7      root: segment of 1..128 buckets
//	               8..17     root: node of 2..1024 segments
//	              18..30     root: node of 2..8192 full nodes
//
// So a table of a few keys takes 96 bytes, growth copies 8 KiB at most, and no
// object is larger than that but the topmost node of a table of a billion keys.
const (
	bucketSize = 64

	segmentBits    = 7
	segmentBuckets = 1 << segmentBits
	segmentSize    = bucketSize << segmentBits
	nodeBits       = 10
	nodeSize       = refSize << nodeBits
	nodeBuckets    = 1 << (segmentBits + nodeBits)
	refSize        = 4
	maxBits        = 30

	// Of an array's part of the header.
	arrayRoot = 0
	arrayLen  = 4
	arrayBits = 8
)

// array is an array of a table, named by the offset of its part of the header.
type array int

const (
	mainArray array = 4
	overArray array = 16
)

func (t *Table) len(a array) uint32 { return t.heap.R(t.head).U32(int(a) + arrayLen) }

// place is the segment that bucket i lies in and its offset there.
func (t *Table) place(a array, i uint32) (slab.Ref, int) {
	h := t.heap.R(t.head)
	ref := slab.Ref(h.U32(int(a) + arrayRoot))
	logCap := h.U32(int(a) + arrayBits)
	if logCap > segmentBits+nodeBits {
		ref = t.child(ref, i>>(segmentBits+nodeBits))
		i %= nodeBuckets
	}
	if logCap > segmentBits {
		ref = t.child(ref, i>>segmentBits)
		i %= segmentBuckets
	}
	return ref, int(i) * bucketSize
}

func (t *Table) child(node slab.Ref, i uint32) slab.Ref {
	return slab.Ref(t.heap.R(node).U32(int(i) * refSize))
}

// read is bucket i of a, write the same after a touch.
func (t *Table) read(a array, i uint32) offheap.Block {
	ref, off := t.place(a, i)
	return t.heap.R(ref).Sub(off, bucketSize)
}

func (t *Table) write(a array, i uint32) offheap.Block {
	ref, off := t.place(a, i)
	return t.heap.W(ref).Sub(off, bucketSize)
}

// push adds an empty bucket at the end of a and returns its index. Blocks of
// buckets taken before are void: the array may have moved.
func (t *Table) push(a array) uint32 {
	h := t.heap.R(t.head)
	root, n, logCap := slab.Ref(h.U32(int(a)+arrayRoot)), h.U32(int(a)+arrayLen), h.U32(int(a)+arrayBits)
	switch {
	case n == 0:
		root, logCap = t.heap.Alloc(bucketSize), 0
	case n == 1<<logCap:
		root, logCap = t.widen(root, logCap), logCap+1
	}
	if logCap > segmentBits && n%segmentBuckets == 0 {
		t.addSegment(root, logCap, n)
	}
	t.setArray(a, root, n+1, logCap)
	t.write(a, n).Zero(0, bucketSize)
	return n
}

// pop removes the last bucket of a.
func (t *Table) pop(a array) {
	h := t.heap.R(t.head)
	root, n, logCap := slab.Ref(h.U32(int(a)+arrayRoot)), h.U32(int(a)+arrayLen)-1, h.U32(int(a)+arrayBits)
	if logCap > segmentBits && n%segmentBuckets == 0 {
		t.dropSegment(root, logCap, n)
	}
	switch {
	case n == 0:
		t.heap.Free(root)
		root, logCap = 0, 0
	case n <= 1<<logCap/4:
		root, logCap = t.narrow(root, logCap, n), logCap-1
	}
	t.setArray(a, root, n, logCap)
}

func (t *Table) setArray(a array, root slab.Ref, n, logCap uint32) {
	h := t.heap.W(t.head)
	h.SetU32(int(a)+arrayRoot, uint32(root))
	h.SetU32(int(a)+arrayLen, n)
	h.SetU32(int(a)+arrayBits, logCap)
}

// rootSlots is the number of refs in the root node of a capacity of more than one segment.
func rootSlots(logCap uint32) int {
	if logCap > segmentBits+nodeBits {
		return 1 << (logCap - segmentBits - nodeBits)
	}
	return 1 << (logCap - segmentBits)
}

// widen doubles the capacity below root and returns the new root.
func (t *Table) widen(root slab.Ref, logCap uint32) slab.Ref {
	switch {
	case logCap < segmentBits:
		return t.heap.Resize(root, bucketSize<<(logCap+1), bucketSize<<logCap)
	case logCap == segmentBits || logCap == segmentBits+nodeBits:
		node := t.heap.Alloc(2 * refSize)
		t.heap.W(node).SetU32(0, uint32(root))
		return node
	default:
		size := rootSlots(logCap) * refSize
		return t.heap.Resize(root, 2*size, size)
	}
}

// narrow halves the capacity below root, of which the first n buckets, at most a
// quarter, are in use, and returns the new root.
func (t *Table) narrow(root slab.Ref, logCap, n uint32) slab.Ref {
	switch {
	case logCap <= segmentBits:
		return t.heap.Resize(root, bucketSize<<(logCap-1), int(n)*bucketSize)
	case logCap == segmentBits+1 || logCap == segmentBits+nodeBits+1:
		only := t.child(root, 0)
		t.heap.Free(root)
		return only
	default:
		size := rootSlots(logCap-1) * refSize
		return t.heap.Resize(root, size, size)
	}
}

// addSegment makes the segment that begins with bucket n.
func (t *Table) addSegment(root slab.Ref, logCap, n uint32) {
	node := root
	if logCap > segmentBits+nodeBits {
		if n%nodeBuckets == 0 {
			inner := t.heap.Alloc(nodeSize)
			t.heap.W(root).SetU32(int(n/nodeBuckets)*refSize, uint32(inner))
		}
		node = t.child(root, n/nodeBuckets)
		n %= nodeBuckets
	}
	segment := t.heap.Alloc(segmentSize)
	t.heap.W(node).SetU32(int(n/segmentBuckets)*refSize, uint32(segment))
}

// dropSegment frees the segment that begins with bucket n, and its node if it was the first there.
func (t *Table) dropSegment(root slab.Ref, logCap, n uint32) {
	if logCap <= segmentBits+nodeBits {
		t.heap.Free(t.child(root, n/segmentBuckets))
		return
	}
	node := t.child(root, n/nodeBuckets)
	t.heap.Free(t.child(node, n%nodeBuckets/segmentBuckets))
	if n%nodeBuckets == 0 {
		t.heap.Free(node)
	}
}

// arrayBytes is the memory of a, size classes included.
func (t *Table) arrayBytes(a array) int64 {
	h := t.heap.R(t.head)
	n, logCap := int64(h.U32(int(a)+arrayLen)), h.U32(int(a)+arrayBits)
	if n == 0 {
		return 0
	}
	if logCap <= segmentBits {
		return int64(slab.Class(bucketSize << logCap))
	}
	sum := (n + segmentBuckets - 1) / segmentBuckets * int64(slab.Class(segmentSize))
	if logCap > segmentBits+nodeBits {
		sum += (n + nodeBuckets - 1) / nodeBuckets * int64(slab.Class(nodeSize))
	}
	return sum + int64(slab.Class(rootSlots(logCap)*refSize))
}
