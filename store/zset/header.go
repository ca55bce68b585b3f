package zset

import (
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// The header of a tree: the first 64 bytes of block 0, where bucket slot 0 would be.
//
//	 0 u32 root      block
//	 4 u32 first     leaf
//	 8 u32 last      leaf
//	12 u8  height    levels of inner nodes; 0: the root is a leaf
//	13 u8  level     of the index: 2^level buckets plus split are in use
//	14 u16 flags    flagValued
//	16 u64 count     rows
//	24 u32 split     index: buckets below it have been split at this level
//	28 u32 overflow  index: overflow buckets in use
//	32 u32 used      medium: bitmap of the blocks in use
//	36 u32 blobs     heap objects that leaves and separators name
//	40 u64 blobBytes memory of the blobs
//	48 u8[8] main    medium: blocks of the main buckets
//	56 u8[4] ovf     medium: blocks of the overflow buckets
//	60 u32 free
const (
	hdRoot      = 0
	hdFirst     = 4
	hdLast      = 8
	hdHeight    = 12
	hdLevel     = 13
	hdFlags     = 14
	hdCount     = 16
	hdSplit     = 24
	hdOverflow  = 28
	hdUsed      = 32
	hdBlobs     = 36
	hdBlobBytes = 40
	hdMain      = 48
	hdOvf       = 56
	headerSize  = 64

	mediumMain = 8 // segments of main buckets a medium set may have
	mediumOvf  = 4

	// maxHeight is 10 levels for 2^24 leaves at 6 children a node, and some to spare. Merging
	// tries to leave no node below 12, but one whose siblings were full then
	// stays, down to a single child, until it or a sibling loses a child below 12 again: of two
	// siblings one has 12, most of the time. (Where nodes were joined, two small ones
	// may meet.) Removals cannot add a level; only a root with 50 children does.
	maxHeight = 16

	flagValued = 1 // rows have values (valued.go)
)

// tree is an open medium or large set: the header's fields, where the blocks lie, and
// the path of the last descent.
type tree struct {
	env *Env

	// Medium: the extent. Large: the arena and its number in the Env.
	ext    slab.Ref
	extCap int
	base   offheap.Block
	ar     *arena
	slot   uint32

	root, first, last uint32
	height            int
	level             uint8
	flags             uint16
	split, overflow   uint32
	used              uint32
	blobs             uint32
	blobBytes         int64
	count             int

	// row is the row on its way into a leaf. Its blobs, which no leaf names yet, move
	// with the others when the set becomes large meanwhile.
	row newRow

	// path[h] is the inner node at height h on the way to the leaf that descend
	// returned, at[h] the position of the child taken. They hold until the tree's shape changes.
	path [maxHeight + 1]uint32
	at   [maxHeight + 1]int
}

func (t *tree) openMedium(env *Env, ext slab.Ref) {
	t.env, t.ext, t.ar = env, ext, nil
	t.extCap = env.Heap.Cap(ext) >> blockShift
	t.base = env.Heap.R(ext)
	t.load()
}

func (t *tree) openLarge(env *Env, slot uint32) {
	t.env, t.slot, t.ar = env, slot, env.arenas.At(slot)
	t.ext, t.extCap, t.base = 0, 0, offheap.Block{}
	t.load()
}

func (t *tree) load() {
	h := t.read(0)
	t.root, t.first, t.last = h.U32(hdRoot), h.U32(hdFirst), h.U32(hdLast)
	t.height, t.level, t.flags = int(h.U8(hdHeight)), h.U8(hdLevel), h.U16(hdFlags)
	t.count = int(h.U64(hdCount))
	t.split, t.overflow, t.used = h.U32(hdSplit), h.U32(hdOverflow), h.U32(hdUsed)
	t.blobs, t.blobBytes = h.U32(hdBlobs), int64(h.U64(hdBlobBytes))
}

// save writes the header back; every change ends with it.
func (t *tree) save() {
	h := t.w(0)
	h.SetU32(hdRoot, t.root)
	h.SetU32(hdFirst, t.first)
	h.SetU32(hdLast, t.last)
	h.SetU8(hdHeight, uint8(t.height))
	h.SetU8(hdLevel, t.level)
	h.SetU16(hdFlags, t.flags)
	h.SetU64(hdCount, uint64(t.count))
	h.SetU32(hdSplit, t.split)
	h.SetU32(hdOverflow, t.overflow)
	h.SetU32(hdUsed, t.used)
	h.SetU32(hdBlobs, t.blobs)
	h.SetU64(hdBlobBytes, uint64(t.blobBytes))
}

// handle is the set's present name.
func (t *tree) handle() Handle {
	if t.ar != nil {
		return Handle{Large, t.slot}
	}
	return Handle{Medium, uint32(t.ext)}
}

// bytes is the memory of the set.
func (t *tree) bytes() int64 {
	if t.ar != nil {
		return t.ar.bytes()
	}
	return int64(t.env.Heap.Cap(t.ext)) + t.blobBytes
}

// create makes t an empty medium set: a header with one bucket, and a leaf.
func (t *tree) create(env *Env, flags uint16) {
	*t = tree{env: env, used: 1, flags: flags}
	t.ext = env.Heap.Alloc(2 * blockSize)
	t.extCap = env.Heap.Cap(t.ext) >> blockShift
	t.base = env.Heap.W(t.ext)
	t.w(0).Zero(0, headerSize) // main segment 0 is block 0
	t.bucket(0).Zero(0, bucketSize)
	t.root = t.newLeaf()
	t.first, t.last = t.root, t.root
	t.save()
}

// newBlob stores b with the set and keeps the accounts.
func (t *tree) newBlob(b []byte) slab.Ref {
	t.blobs++
	t.blobBytes += slab.BlobBytes(len(b))
	return t.blobHeap().PutBlob(b)
}

// newBlobOf stores the first n bytes of a blob of the set as another.
func (t *tree) newBlobOf(r slab.Ref, n int) slab.Ref {
	t.blobs++
	t.blobBytes += slab.BlobBytes(n)
	return t.blobHeap().CopyBlob(t.blobHeap(), r, n)
}

func (t *tree) freeBlob(r slab.Ref) {
	t.blobs--
	t.blobBytes -= slab.BlobBytes(t.blobHeap().BlobLen(r))
	t.blobHeap().FreeBlob(r)
}
