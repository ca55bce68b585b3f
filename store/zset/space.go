package zset

import (
	"fmt"
	"math/bits"
	"slices"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// A tree is made of blocks of 1 KiB, named by number. Block 0 begins with the
// header (header.go), so 0 names none. Where a block lies depends on the size of the set:
//
//   - Medium: all blocks lie in one extent, an object of up to 32 KiB in the shard's heap.
//     A set that outgrows its extent gets the next larger one; the numbers stay.
//     Its blobs lie in the shard's heap too.
//   - Large: blocks lie in pages of the set's own arena, block n in page n/64. A
//     medium set becomes large by copying its extent into page 0; the numbers stay here too.
//     Its blobs lie in a heap of the arena's own.
//
// Changing form copies the blobs, so a set is medium only as long as it has few bytes
// of them (mediumBlobs).
//
// So dropping or renaming a large set hands over the arena and walks nothing, and
// a set of a few hundred rows does not pay for a page of 64 KiB.
//
// Growing an extent moves it: blocks that were looked at before reserve or
// grow lie elsewhere afterwards and must be looked at again by number.
const (
	blockShift   = 10
	blockSize    = 1 << blockShift
	pageBlocks   = offheap.PageSize / blockSize
	mediumBlocks = slab.MaxSize / blockSize // 32: fits the header's bitmap
	// maxBlocks is what an index slot can name: 16 GiB of rows in one set.
	maxBlocks = 1 << 24
)

// arena is the memory of one large set.
type arena struct {
	nodes offheap.Pages
	used  []uint64 // per page a bitmap of the blocks in use
	segs  []uint64 // per page a bitmap of the blocks that are segments of the index
	room  []uint64 // bitmap over pages: some block is free
	count int      // blocks in use
	main  []uint32 // index.go: blocks of the main buckets, in order
	ovf   []uint32 // index.go: blocks of the overflow buckets
	blobs *slab.Heap

	frozen bool // it is that of a view
}

func newArena(r *offheap.Region) *arena {
	return &arena{nodes: offheap.NewPages(r), blobs: slab.New(r)}
}

// alloc returns the lowest free block's number, so that the upper pages of a set
// that shrank run empty.
func (a *arena) alloc() uint32 {
	for i, w := range a.room {
		if w == 0 {
			continue
		}
		pn := i<<6 + bits.TrailingZeros64(w)
		slot := bits.TrailingZeros64(^a.used[pn])
		a.take(pn, slot)
		return uint32(pn*pageBlocks + slot)
	}
	pn := len(a.used)
	if pn*pageBlocks >= maxBlocks {
		panic(fmt.Sprintf("zset: a set of more than %d blocks", maxBlocks))
	}
	a.addPage()
	a.take(pn, 0)
	return uint32(pn * pageBlocks)
}

func (a *arena) addPage() {
	pn := len(a.used)
	a.nodes.Append(0)
	a.used, a.segs = append(a.used, 0), append(a.segs, 0)
	if pn>>6 == len(a.room) {
		a.room = append(a.room, 0)
	}
	a.room[pn>>6] |= 1 << (pn & 63)
}

func (a *arena) take(pn, slot int) {
	a.count++
	a.used[pn] |= 1 << slot
	if a.used[pn] == 1<<pageBlocks-1 {
		a.room[pn>>6] &^= 1 << (pn & 63)
	}
}

// free gives a block back, and the pages at the end of the arena that hold no block any more.
func (a *arena) free(id uint32) {
	pn, slot := int(id/pageBlocks), id%pageBlocks
	a.count--
	a.used[pn] &^= 1 << slot
	a.room[pn>>6] |= 1 << (pn & 63)
	last := len(a.used)
	for last > 0 && a.used[last-1] == 0 {
		last--
		a.room[last>>6] &^= 1 << (last & 63)
	}
	if last < len(a.used) {
		a.used, a.segs = a.used[:last], a.segs[:last]
		a.room = a.room[:(last+63)>>6]
		a.nodes.Truncate(last)
	}
}

// setSegment notes that a block is, or is no longer, a segment of the index.
func (a *arena) setSegment(id uint32, is bool) {
	if is {
		a.segs[id/pageBlocks] |= 1 << (id % pageBlocks)
	} else {
		a.segs[id/pageBlocks] &^= 1 << (id % pageBlocks)
	}
}

// isSegment reports whether block id is a segment of the index.
func (a *arena) isSegment(id uint32) bool { return a.segs[id/pageBlocks]>>(id%pageBlocks)&1 != 0 }

// isUsed reports whether block id is in use.
func (a *arena) isUsed(id uint32) bool {
	pn := int(id / pageBlocks)
	return pn < len(a.used) && a.used[pn]>>(id%pageBlocks)&1 != 0
}

// last is the highest block in use.
func (a *arena) last() uint32 {
	pn := len(a.used) - 1
	return uint32(pn*pageBlocks + 63 - bits.LeadingZeros64(a.used[pn]))
}

// CloseSome gives up to n pages back and reports whether there are more.
func (a *arena) CloseSome(n int) bool {
	if left := a.nodes.Len(); left > 0 {
		return a.nodes.DropSome(n) > 0 || a.blobs.Pages() > 0
	}
	return a.blobs.CloseSome(n)
}

// Freeze is the arena in a view. Its blocks are found from the header; the bitmaps and the index are not there.
func (a *arena) Freeze(open slab.Opener) *arena {
	return &arena{nodes: open(&a.nodes), blobs: a.blobs.Freeze(open), frozen: true}
}

// EachPages is slab.Arenas'.
func (a *arena) EachPages(fn func(*offheap.Pages)) {
	fn(&a.nodes)
	a.blobs.EachPages(fn)
}

// bytes is the memory of the arena.
func (a *arena) bytes() int64 {
	tables := 8*(cap(a.used)+cap(a.segs)+cap(a.room)+a.nodes.Len()) + 4*(cap(a.main)+cap(a.ovf))
	return int64(a.nodes.Len()+a.blobs.Pages())*offheap.PageSize + int64(tables)
}

// ---- the tree's view of its space ----

// r is block id for reading.
func (t *tree) r(id uint32) offheap.Block {
	if t.ar != nil {
		return t.ar.nodes.R(id/pageBlocks, id%pageBlocks<<blockShift, blockSize)
	}
	return t.base.Sub(int(id)<<blockShift, blockSize)
}

// read is r for walks, which go over sets of views, too.
func (t *tree) read(id uint32) offheap.Block {
	if t.ar != nil {
		return t.ar.nodes.Read(id/pageBlocks, id%pageBlocks<<blockShift, blockSize)
	}
	return t.base.Sub(int(id)<<blockShift, blockSize)
}

// index is w for buckets of the index, which no view reads; but block 0 has the header, too. A block that becomes a segment is
// touched once with w: it may have been a leaf when a view was cut.
func (t *tree) index(id uint32) offheap.Block {
	if t.ar != nil && id != 0 {
		return t.ar.nodes.Unseen(id/pageBlocks, id%pageBlocks<<blockShift, blockSize)
	}
	return t.w(id)
}

// w touches block id and is it for writing. A medium set is touched as a whole
// when a change begins (beginWrite).
func (t *tree) w(id uint32) offheap.Block {
	if t.ar != nil {
		return t.ar.nodes.W(id/pageBlocks, id%pageBlocks<<blockShift, blockSize)
	}
	return t.base.Sub(int(id)<<blockShift, blockSize)
}

// beginWrite must be called before the first change of every operation.
func (t *tree) beginWrite() {
	if t.ar == nil {
		t.base = t.env.Heap.W(t.ext)
	}
}

// blobHeap is where the set's long members and separators lie.
func (t *tree) blobHeap() *slab.Heap {
	if t.ar != nil {
		return t.ar.blobs
	}
	return t.env.Heap
}

// reserve makes sure that the next n calls of newBlock succeed. Blocks looked at
// before may have moved.
func (t *tree) reserve(n int) {
	for t.ar == nil && t.extCap-bits.OnesCount32(t.used) < n {
		t.growExtent(bits.OnesCount32(t.used) + n)
	}
}

// newBlock takes a block with unspecified contents; room for it has been reserved.
func (t *tree) newBlock() uint32 {
	if t.ar != nil {
		return t.ar.alloc()
	}
	slot := bits.TrailingZeros32(^t.used)
	if slot >= t.extCap {
		panic(fmt.Sprintf("zset: block %d taken of an extent of %d", slot, t.extCap))
	}
	t.used |= 1 << slot
	return uint32(slot)
}

func (t *tree) freeBlock(id uint32) {
	if t.ar != nil {
		t.ar.free(id)
		return
	}
	t.used &^= 1 << id
}

// blocks is the number of blocks in use.
func (t *tree) blocks() int {
	if t.ar != nil {
		return t.ar.count
	}
	return bits.OnesCount32(t.used)
}

// growExtent moves a medium set to an extent of at least n blocks or, past the
// largest, into an arena.
func (t *tree) growExtent(n int) {
	if n > mediumBlocks {
		t.toArena()
		return
	}
	t.ext = t.env.Heap.Resize(t.ext, n<<blockShift, t.extCap<<blockShift)
	t.extCap = t.env.Heap.Cap(t.ext) >> blockShift
	t.base = t.env.Heap.W(t.ext)
}

// mediumBlobs is how many bytes of blobs a medium set may have: what can be moved,
// or freed, at once (about 100 us where they are short and many).
const mediumBlobs = 64 << 10

// boundBlobs makes a medium set large before n bytes of blobs more, or the separators
// that were made since, are too much for it.
func (t *tree) boundBlobs(n int64) {
	if t.ar == nil && t.blobBytes+n > mediumBlobs {
		t.toArena()
	}
}

// toArena makes a medium set large. Every block keeps its number. The old form goes
// last: should memory run out on the way, it is all there.
func (t *tree) toArena() {
	old := *t
	a := newArena(t.env.Heap.Region())
	a.addPage()
	a.used[0], a.count = uint64(t.used), bits.OnesCount32(t.used)
	a.nodes.W(0, 0, offheap.PageSize).CopyFrom(0, t.base, 0, t.extCap<<blockShift)
	for i := range t.mainBlocks() {
		a.main = append(a.main, t.mainBlock(i))
		a.setSegment(t.mainBlock(i), true)
	}
	for i := range t.ovfBlocks() {
		a.ovf = append(a.ovf, t.ovfBlock(i))
		a.setSegment(t.ovfBlock(i), true)
	}
	t.ar, t.ext, t.extCap, t.used, t.base = a, 0, 0, 0, offheap.Block{}
	t.copyBlobs(t.env.Heap)
	if t.row.long != 0 {
		t.row.long = t.adopt(t.row.long)
	}
	if tail := t.row.tail(); tail != 0 {
		t.row.setTail(t.adopt(tail))
	}
	t.slot = t.env.arenas.Add(a)
	old.free()
}

// adopt takes a blob of the shard's heap over into the arena's own.
func (t *tree) adopt(r slab.Ref) slab.Ref {
	c := t.ar.blobs.CopyBlob(t.env.Heap, r, t.env.Heap.BlobLen(r))
	t.env.Heap.FreeBlob(r)
	return c
}

// toExtent makes a large set medium again; no block beyond n is in use. Every block keeps its number.
func (t *tree) toExtent(n int) {
	a := t.ar
	ext := t.env.Heap.Alloc(n << blockShift)
	base := t.env.Heap.W(ext)
	base.CopyFrom(0, a.nodes.R(0, 0, offheap.PageSize), 0, n<<blockShift)
	for i, id := range a.main {
		base.SetU8(hdMain+i, uint8(id))
	}
	for i, id := range a.ovf {
		base.SetU8(hdOvf+i, uint8(id))
	}
	slot := t.slot
	t.ar, t.slot, t.ext, t.base, t.used = nil, 0, ext, base, uint32(a.used[0])
	t.extCap = t.env.Heap.Cap(ext) >> blockShift
	t.copyBlobs(a.blobs)
	t.env.arenas.Bury(slot)
}

// ---- giving memory back ----

// compact brings a set that has shrunk together, by a bounded step: the highest
// block moves to the lowest free place, so that pages at the end run empty, and a set with
// few blocks left goes to a smaller extent.
func (t *tree) compact() {
	if t.ar != nil {
		t.compactLarge()
		return
	}
	n := t.blocks()
	if t.extCap <= 2 || n*2 > t.extCap {
		return
	}
	if n > 2 {
		n = max(4, n+n/4)
	}
	for top := bits.Len32(t.used); top > n; top = bits.Len32(t.used) {
		t.relocate(uint32(top - 1))
	}
	t.ext = t.env.Heap.Resize(t.ext, n<<blockShift, n<<blockShift)
	t.extCap = t.env.Heap.Cap(t.ext) >> blockShift
	t.base = t.env.Heap.W(t.ext)
}

// A large set with at most so many blocks and bytes of blobs becomes medium again: half
// of what made it large.
const (
	smallArena = mediumBlocks / 2
	smallBlobs = mediumBlobs / 2
)

func (t *tree) compactLarge() {
	a := t.ar
	if free := a.nodes.Len()*pageBlocks - a.count; free > pageBlocks+a.count/8 {
		t.relocate(a.last())
	}
	if a.count > smallArena || t.blobBytes > smallBlobs || len(a.main) > mediumMain || len(a.ovf) > mediumOvf {
		return
	}
	for a.last() >= mediumBlocks {
		t.relocate(a.last())
	}
	t.toExtent(mediumBlocks)
}

// relocate moves block from to the lowest free place and tells all that name it.
func (t *tree) relocate(from uint32) {
	to := t.newBlock()
	t.w(to).CopyFrom(0, t.r(from), 0, blockSize)
	switch {
	case t.moveSegment(from, to):
	case t.r(to).U8(nodeKind) == kindLeaf:
		t.moveLeaf(from, to)
	default:
		t.moveInner(from, to)
	}
	t.freeBlock(from)
}

// moveSegment renames a segment of the index; false if from is none.
func (t *tree) moveSegment(from, to uint32) bool {
	if t.ar == nil {
		for i := range t.mainBlocks() {
			if t.mainBlock(i) == from {
				t.base.SetU8(hdMain+i, uint8(to))
				return true
			}
		}
		for i := range t.ovfBlocks() {
			if t.ovfBlock(i) == from {
				t.base.SetU8(hdOvf+i, uint8(to))
				return true
			}
		}
		return false
	}
	if !t.ar.isSegment(from) {
		return false
	}
	table, i := t.segment(from)
	table[i] = to
	t.ar.setSegment(from, false)
	t.ar.setSegment(to, true)
	return true
}

// segment finds the place of a segment of a large set in its table. Nothing is kept for that: what the
// block holds leads there. An overflow bucket knows the bucket in whose chain it is, a row
// in a main bucket has the bucket's hash.
func (t *tree) segment(id uint32) (table []uint32, i int) {
	b, a := t.r(id), t.ar
	// Overflow segments first, since in them an owner is not a slot. In a main segment
	// this looks through the chain of some bucket, or none, to no effect.
	if owner := b.U32(bucketOwner); owner < t.buckets() {
		for w := t.bucketR(owner); w.U32(bucketNext) != 0; {
			o := w.U32(bucketNext) - 1
			if i := int(o) / segmentPlaces; a.ovf[i] == id {
				return a.ovf, i
			}
			w = t.ovfR(o)
		}
	}
	for p := uint32(0); p < segmentPlaces; p++ {
		if s := place(b, p).U32(mainSlots); s != 0 {
			if i := t.segmentOf(s, id); i >= 0 {
				return a.main, i
			}
		}
	}
	i = slices.Index(a.main, id) // all its buckets are empty: seldom, by the load the index keeps
	return a.main, i
}

// segmentOf is the number of main segment id, one of whose slots is s; -1 if s names no row.
func (t *tree) segmentOf(s, id uint32) int {
	l := t.leafR(s & (maxBlocks - 1))
	for pos := range l.n() {
		if uint32(l.fp(pos)) == s>>24 {
			if i := int(t.bucketOf(t.rowHash(l, pos))+1) / segmentPlaces; t.ar.main[i] == id {
				return i
			}
		}
	}
	return -1
}

func (t *tree) moveLeaf(from, to uint32) {
	l := t.leafR(to)
	if prev := l.U32(leafPrev); prev != 0 {
		t.w(prev).SetU32(leafNext, to)
	} else {
		t.first = to
	}
	if next := l.U32(leafNext); next != 0 {
		t.w(next).SetU32(leafPrev, to)
	} else {
		t.last = to
	}
	t.renameChild(from, to)
	s := &t.env.rows
	s.reset()
	s.read(t, from)
	t.rehome(s.all(), to)
}

func (t *tree) moveInner(from, to uint32) {
	p := t.innerR(to)
	for i := range p.n() {
		t.setParent(p.child(i), to)
	}
	t.renameChild(from, to)
}

func (t *tree) renameChild(from, to uint32) {
	par := t.parent(to)
	if par == 0 {
		t.root = to
		return
	}
	p := t.innerW(par)
	p.SetU32(innerChild+4*p.index(from), to)
}

// copyBlobs copies all blobs that leaves and inner nodes name from a heap to the set's own.
func (t *tree) copyBlobs(from *slab.Heap) {
	to := t.blobHeap()
	t.eachBlob(func(r slab.Ref) slab.Ref { return to.CopyBlob(from, r, from.BlobLen(r)) })
}

// eachBlob replaces every blob's name in leaves and inner nodes by what fn makes of it.
func (t *tree) eachBlob(fn func(slab.Ref) slab.Ref) {
	if t.blobs == 0 {
		return
	}
	for id := t.first; id != 0; id = t.r(id).U32(leafNext) {
		l := t.leafW(id)
		for i := range l.n() {
			if _, long := l.entry(i); long != 0 {
				l.renameLong(i, fn(long))
			}
			if tail := l.extra(i).tail(); tail != 0 {
				l.renameTail(i, fn(tail))
			}
		}
	}
	if t.height > 0 {
		t.eachSep(t.root, fn)
	}
}

func (t *tree) eachSep(id uint32, fn func(slab.Ref) slab.Ref) {
	p := t.innerW(id)
	for i := range p.n() {
		if s := p.sep(i); s != 0 {
			p.setSep(i, p.key(i), fn(s))
		}
		if p.level() > 1 {
			t.eachSep(p.child(i), fn)
		}
	}
}
