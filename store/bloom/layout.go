package bloom

import (
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// Header and links begin the object of a small filter, or page 0 of a large one:
//
//	 0 u64 items in all links
//	 8 u64 items that the last link still takes
//	16 u64 capacity of the last link
//	24 f64 rate of the last link
//	32 u32 expansion; 0: the filter does not expand
//	36 u32 number of links
//	40 u64 seed of the hash
//	48 links of 16 bytes, the oldest first:
//	       0 u32 its first block | 4 u32 blocks of a lane | 8 u32 lanes | 12 u32 0
//
// Capacity and rate of the other links follow from those of the last one: each but the last is full.
//
// Blocks are numbered through all links, a link's lanes lying one behind the other. In a small filter they
// follow the links. A large one is a list of pages, in the order in which they were needed:
//
//	page 0        0 header and links
//	         dirAt u32 for each of the first 4096 pages of bits: its place in the list; 0: not there, all its bits are 0
//	        rootAt u32 for each of 16 pages of 16384 such entries each: its place in the list, or 0
//	        bitsAt the first 746 blocks
//	others  1024 blocks each, or entries
//
// 16 GiB of bits is all a filter can have.
const (
	headItems     = 0
	headLeft      = 8
	headCapacity  = 16
	headRate      = 24
	headExpansion = 32
	headLinks     = 36
	headSeed      = 40
	headSize      = 48

	linkFirst  = 0
	linkBlocks = 4
	linkLanes  = 8
	linkSize   = 16

	// minRate is the lowest rate that a link can be made for.
	minRate = 0x1p-1000
	// From slowLinks links on, each is at least twice as large as the one before: a look-up asks them all.
	slowLinks = 32
	// maxLinks are more than a filter can have: those after slowLinks double, up to maxCapacity.
	maxLinks = 80

	direct  = 4096
	roots   = 16
	entries = offheap.PageSize / 4

	dirAt  = (headSize + maxLinks*linkSize + blockSize - 1) / blockSize * blockSize
	rootAt = dirAt + direct*4
	bitsAt = rootAt + roots*4

	pageBlocks  = offheap.PageSize / blockSize
	firstBlocks = (offheap.PageSize - bitsAt) / blockSize
	maxBlocks   = firstBlocks + (direct+roots*entries)*pageBlocks
)

// sizeOf is the size of header, links and bits, in bytes.
func sizeOf(links int, blocks uint64) uint64 {
	return uint64(headSize+links*linkSize) + blocks*blockSize
}

// link is one of a filter's links as it is read.
type link struct {
	first uint32
	plan
}

func linkOf(head offheap.Block, i int) link {
	at := headSize + i*linkSize
	return link{head.U32(at + linkFirst), plan{blocks: head.U32(at + linkBlocks), lanes: head.U32(at + linkLanes)}}
}

// next is the number of the block that follows the link.
func (l link) next() uint64 { return uint64(l.first) + l.total() }

func setLink(head offheap.Block, i int, l link) {
	at := headSize + i*linkSize
	head.SetU32(at+linkFirst, l.first)
	head.SetU32(at+linkBlocks, l.blocks)
	head.SetU32(at+linkLanes, l.lanes)
	head.SetU32(at+12, 0)
}

// arena is the memory of one large filter.
type arena struct{ pages offheap.Pages }

// CloseSome is slab.Arenas'.
func (a *arena) CloseSome(n int) bool { return a.pages.DropSome(n) > 0 }

// Freeze is the arena in a view.
func (a *arena) Freeze(open slab.Opener) *arena { return &arena{open(&a.pages)} }

// EachPages is slab.Arenas'.
func (a *arena) EachPages(fn func(*offheap.Pages)) { fn(&a.pages) }

func (a *arena) bytes() int64 { return int64(a.pages.Len()) * offheap.PageSize }

// newArena makes an arena of one page, which is all 0.
func newArena(r *offheap.Region) *arena {
	a := &arena{pages: offheap.NewPages(r)}
	a.addPage()
	return a
}

// addPage adds a page that is all 0 and returns its place.
func (a *arena) addPage() uint32 {
	n := a.pages.Append(0)
	a.pages.W(n, 0, offheap.PageSize).Zero(0, offheap.PageSize)
	return n
}

// entryOf is where the entry of a page of bits lies; ok is false if its page of entries is not there.
func (a *arena) entryOf(page uint32) (at uint32, off uint32, ok bool) {
	if page < direct {
		return 0, dirAt + page*4, true
	}
	page -= direct
	at = a.pages.Read(0, rootAt+page/entries*4, 4).U32(0)
	return at, page % entries * 4, at != 0
}

// place is where a block lies; ok is false if its page is not there.
func (a *arena) place(block uint32) (page, off uint32, ok bool) {
	if block < firstBlocks {
		return 0, bitsAt + block*blockSize, true
	}
	block -= firstBlocks
	at, entry, ok := a.entryOf(block / pageBlocks)
	if !ok {
		return 0, 0, false
	}
	page = a.pages.Read(at, entry, 4).U32(0)
	return page, block % pageBlocks * blockSize, page != 0
}

// provide makes the page of a block, if it is not there. room is asked before a page is taken.
func (a *arena) provide(block uint32, room func(n int64) bool) error {
	if _, _, ok := a.place(block); ok {
		return nil
	}
	if !room(2 * offheap.PageSize) {
		return ErrNoRoom
	}
	page := (block - firstBlocks) / pageBlocks
	at, entry, ok := a.entryOf(page)
	if !ok {
		at = a.addPage()
		a.pages.W(0, rootAt+(page-direct)/entries*4, 4).SetU32(0, at)
	}
	a.pages.W(at, entry, 4).SetU32(0, a.addPage())
	return nil
}

// block is a block of bits to be read; ok is false if it is all 0 and not there.
func (f *Filter) block(n uint32) (b offheap.Block, ok bool) {
	if f.enc == Small {
		return f.env.Heap.R(slab.Ref(f.ref)).Sub(f.bits+int(n)*blockSize, blockSize), true
	}
	page, off, ok := f.arena.place(n)
	if !ok {
		return b, false
	}
	return f.arena.pages.Read(page, off, blockSize), true
}

// blockForWrite is a block of bits, which is there, to be changed.
func (f *Filter) blockForWrite(n uint32) offheap.Block {
	if f.enc == Small {
		return f.env.Heap.W(slab.Ref(f.ref)).Sub(f.bits+int(n)*blockSize, blockSize)
	}
	page, off, _ := f.arena.place(n)
	return f.arena.pages.W(page, off, blockSize)
}

// head is header and links to be read, and headForWrite to be changed.
func (f *Filter) head() offheap.Block {
	if f.enc == Small {
		return f.env.Heap.R(slab.Ref(f.ref))
	}
	return f.arena.pages.Read(0, 0, dirAt)
}

func (f *Filter) headForWrite() offheap.Block {
	if f.enc == Small {
		return f.env.Heap.W(slab.Ref(f.ref))
	}
	return f.arena.pages.W(0, 0, dirAt)
}

// has reports whether the bits of a pattern are all set in a block.
func has(b offheap.Block, pattern uint64) bool {
	all := uint64(1)
	for i := range words {
		all &= b.U64(i*8) >> (pattern >> (6 * i) & 63)
	}
	return all != 0
}

// set sets them.
func set(b offheap.Block, pattern uint64) {
	for i := range words {
		b.SetU64(i*8, b.U64(i*8)|1<<(pattern>>(6*i)&63))
	}
}
