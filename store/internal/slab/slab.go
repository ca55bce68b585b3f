// Package slab hands out objects of 16 bytes to 32 KiB from pages of one size
// class each, named by 32-bit refs: the place of everything small in a shard.
//
// A page knows how many of its objects live and chains its free ones, so that a
// page whose last object is freed goes back to the region at once, without a
// walk. Pages of a class with room are in a list; allocation takes the first.
//
// Nothing but their owners knows what objects belong to: an [Audit] goes through all owners and proves that each
// object has one (package store's Check).
package slab

import (
	"fmt"
	"slices"

	"quarry/store/internal/offheap"
)

// Ref names an object of a Heap:
//
//	31              12 11         0
//	+-----------------+-----------+
//	|      page       | offset/16 |     0: none
//	+-----------------+-----------+
//
// 2^20 pages of 64 KiB: a heap holds at most 64 GiB. Nothing refuses ahead of that: Alloc
// panics. A server with more memory needs more shards than one for each 64 GiB anyway.
type Ref uint32

const (
	unit     = 16
	unitBits = 12
	maxPages = 1 << (32 - unitBits)
	// MaxSize is the largest object.
	MaxSize = 32 << 10
)

// classes are the object sizes. Steps of a quarter of a power of two up to 4 KiB, then
// the largest multiples of 16 that fit a page 12, 10, ... 2 times. A page begins with
// its first object; Ref 0 is kept free by leaving out the first object of page 0.
var classes = [...]int{
	16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
	1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5456, 6544, 7280, 8192, 9360, 10912, 13104, 16384, 21840, 32768,
}

// classOf is the class of each size in units, rounded up.
var classOf = func() (t [MaxSize/unit + 1]uint8) {
	c := 0
	for u := range t {
		for u*unit > classes[c] {
			c++
		}
		t[u] = uint8(c)
	}
	return t
}()

// page is what a Heap knows of a page; none of it lies in the page.
type page struct {
	class      uint8
	open       bool   // in its class' list of pages with room
	live       uint16 // objects handed out
	fresh      uint16 // objects at and after this number were never handed out
	free       uint16 // first free object's unit + 1, 0 none; each holds the next in its first 2 bytes
	next, prev uint32 // in the class' list; page number + 1, 0 none
}

// Heap is one shard's objects. It is guarded by the shard's lock.
type Heap struct {
	r     *offheap.Region
	pages offheap.Pages // tagged with their classes
	meta  []page        // nil in a view (Freeze)
	holes []uint32      // places in pages that are empty
	open  [len(classes)]uint32
	bytes int64
	live  int64
	held  int
}

// New makes an empty heap.
func New(r *offheap.Region) *Heap { return &Heap{r: r, pages: offheap.NewPages(r)} }

// Region is where the heap's pages come from.
func (h *Heap) Region() *offheap.Region { return h.r }

// Class is the size of the object that Alloc(size) returns.
func Class(size int) int { return classes[classOf[(size+unit-1)/unit]] }

// Alloc returns an object of at least size bytes, 1 to MaxSize, contents unspecified.
func (h *Heap) Alloc(size int) Ref {
	if size < 1 || size > MaxSize {
		panic(fmt.Sprintf("slab: object of %d bytes", size))
	}
	c := classOf[(size+unit-1)/unit]
	pn := h.open[c]
	if pn == 0 {
		pn = h.addPage(c)
	}
	pn--
	m := &h.meta[pn]
	var u uint32
	if m.free != 0 {
		u = uint32(m.free - 1)
		m.free = h.pages.R(pn, u*unit, unit).U16(0)
		h.unpoison(pn, u)
	} else {
		u = uint32(m.fresh) * uint32(classes[c]/unit)
		m.fresh++
	}
	m.live++
	h.live++
	h.bytes += int64(classes[c])
	if m.free == 0 && (int(m.fresh)+1)*classes[c] > offheap.PageSize {
		h.close(pn)
	}
	return Ref(pn<<unitBits | u)
}

// Free gives an object back.
func (h *Heap) Free(r Ref) {
	pn, u := uint32(r)>>unitBits, uint32(r)&(1<<unitBits-1)
	m := &h.meta[pn]
	size := classes[m.class]
	if m.live == 0 {
		panic(fmt.Sprintf("slab: %#x freed twice", uint32(r)))
	}
	h.poison(pn, u)
	h.pages.W(pn, u*unit, unit).SetU16(0, m.free)
	m.free = uint16(u + 1)
	m.live--
	h.live--
	h.bytes -= int64(size)
	if !m.open {
		h.push(pn)
	}
	if m.live > 0 {
		return
	}
	// The last page with room of a class is kept, so that one object coming and going
	// does not take and give a page each time.
	if m.next != 0 || m.prev != 0 {
		h.dropPage(pn)
		return
	}
	m.free, m.fresh = 0, firstFresh(pn)
}

// firstFresh is the number of a page's first object: 1 on page 0, so that no Ref is 0.
func firstFresh(pn uint32) uint16 {
	if pn == 0 {
		return 1
	}
	return 0
}

// Cap is the size of the object's class: what it can hold.
func (h *Heap) Cap(r Ref) int {
	pn := uint32(r) >> unitBits
	if int(pn) < len(h.meta) {
		return classes[h.meta[pn].class]
	}
	return h.frozenCap(r)
}

// R is the object's memory for reading.
func (h *Heap) R(r Ref) offheap.Block {
	pn := uint32(r) >> unitBits
	if int(pn) < len(h.meta) { // takes the place of the compiler's check
		return h.pages.R(pn, uint32(r)&(1<<unitBits-1)*unit, classes[h.meta[pn].class])
	}
	return h.frozenR(r)
}

// W touches the object's page and is its memory for writing.
func (h *Heap) W(r Ref) offheap.Block {
	pn := uint32(r) >> unitBits
	return h.pages.W(pn, uint32(r)&(1<<unitBits-1)*unit, classes[h.meta[pn].class])
}

// Resize returns an object of at least size bytes with the first keep bytes of
// r, which is freed if it moved. It moves down too where a smaller class fits.
func (h *Heap) Resize(r Ref, size, keep int) Ref {
	if Class(size) == h.Cap(r) {
		return r
	}
	n := h.Alloc(size)
	h.W(n).CopyFrom(0, h.R(r), 0, keep)
	h.Free(r)
	return n
}

// Bytes is the sum of the live objects' class sizes, Live their number.
func (h *Heap) Bytes() int64 { return h.bytes }

// Live is the number of live objects.
func (h *Heap) Live() int64 { return h.live }

// Pages is the number of pages held.
func (h *Heap) Pages() int { return h.held }

// Trim gives back the empty pages that Free kept.
func (h *Heap) Trim() {
	for _, pn := range h.open {
		if pn != 0 && h.meta[pn-1].live == 0 {
			h.dropPage(pn - 1)
		}
	}
}

// Clone copies the heap, page by page: every object has the same name in the copy.
func (h *Heap) Clone() *Heap {
	c := *h
	c.pages = h.pages.Clone()
	c.meta, c.holes = slices.Clone(h.meta), slices.Clone(h.holes)
	return &c
}

// CloseSome gives up to n of the heap's pages back, whatever lives in them, and reports
// whether there are more. Nothing else may be called once it has been.
func (h *Heap) CloseSome(n int) bool {
	h.meta, h.bytes, h.live = nil, 0, 0
	h.held = h.pages.DropSome(n)
	return h.held > 0
}

// Close gives all pages back at once.
func (h *Heap) Close() {
	for h.CloseSome(1 << 20) {
	}
}

// addPage takes a page for class c and opens it; it returns its number + 1. Getting
// the page comes first: where there is none, nothing has changed.
func (h *Heap) addPage(c uint8) uint32 {
	var pn uint32
	if n := len(h.holes); n > 0 {
		pn = h.holes[n-1]
		h.pages.Put(pn, c)
		h.holes = h.holes[:n-1]
	} else {
		if len(h.meta) == maxPages {
			panic(fmt.Sprintf("slab: more than %d pages", maxPages))
		}
		pn = uint32(len(h.meta))
		if p := h.pages.Append(c); p != pn {
			panic(fmt.Sprintf("slab: page %d came as %d", pn, p))
		}
		h.meta = append(h.meta, page{})
	}
	h.held++
	h.meta[pn] = page{class: c, fresh: firstFresh(pn)}
	h.push(pn)
	return pn + 1
}

// dropPage gives an empty page back; its place in the table waits for the next page.
func (h *Heap) dropPage(pn uint32) {
	h.close(pn)
	h.pages.Drop(pn)
	h.held--
	h.meta[pn] = page{}
	h.holes = append(h.holes, pn)
}

// push puts a page in front of its class' list of pages with room.
func (h *Heap) push(pn uint32) {
	m := &h.meta[pn]
	m.open, m.prev, m.next = true, 0, h.open[m.class]
	if m.next != 0 {
		h.meta[m.next-1].prev = pn + 1
	}
	h.open[m.class] = pn + 1
}

// close takes a page out of its class' list.
func (h *Heap) close(pn uint32) {
	m := &h.meta[pn]
	if m.prev != 0 {
		h.meta[m.prev-1].next = m.next
	} else {
		h.open[m.class] = m.next
	}
	if m.next != 0 {
		h.meta[m.next-1].prev = m.prev
	}
	m.open, m.next, m.prev = false, 0, 0
}

// Check walks the pages, their free objects and the lists, and names the first broken place.
func (h *Heap) Check() error {
	var bytes, live int64
	held, open := 0, 0
	for pn := range h.meta {
		if !h.pages.Has(uint32(pn)) {
			continue
		}
		held++
		m := &h.meta[pn]
		size := classes[m.class]
		free := 0
		for f := m.free; f != 0; free++ {
			if free > int(m.fresh) || int(f-1)*unit%size != 0 || int(f-1)*unit >= int(m.fresh)*size {
				return fmt.Errorf("slab: page %d: free chain broken at unit %d", pn, f-1)
			}
			f = h.pages.R(uint32(pn), uint32(f-1)*unit, unit).U16(0)
		}
		first := int(firstFresh(uint32(pn)))
		if int(m.live)+free+first != int(m.fresh) {
			return fmt.Errorf("slab: page %d: %d live and %d free of %d handed out", pn, m.live, free, int(m.fresh)-first)
		}
		room := free > 0 || (int(m.fresh)+1)*size <= offheap.PageSize
		if room != m.open {
			return fmt.Errorf("slab: page %d: room %v, in the list %v", pn, room, m.open)
		}
		if m.open {
			open++
		}
		bytes += int64(m.live) * int64(size)
		live += int64(m.live)
	}
	if bytes != h.bytes || live != h.live || held != h.held {
		return fmt.Errorf("slab: counted %d bytes, %d objects, %d pages; kept %d, %d, %d", bytes, live, held, h.bytes, h.live, h.held)
	}
	for c, pn := range h.open {
		for prev := uint32(0); pn != 0; prev, pn = pn, h.meta[pn-1].next {
			if m := &h.meta[pn-1]; int(m.class) != c || !m.open || m.prev != prev {
				return fmt.Errorf("slab: class %d: list broken at page %d", classes[c], pn-1)
			}
			open--
		}
	}
	if open != 0 {
		return fmt.Errorf("slab: %d pages with room are in no list", open)
	}
	return nil
}
