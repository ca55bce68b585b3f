package slab

import "quarry/store/internal/offheap"

// Opener opens pages in a view; Store.View has one for each shard.
type Opener func(*offheap.Pages) offheap.Pages

// Frozen is what makes an arena one that can be in a view. Nothing of an arena but its pages may change and be read in a
// view: what does not lie in pages is constant, or their mark.
type Frozen[A any] interface {
	// Freeze makes the arena as it was at the cut, to be read only. Nothing else is locked.
	Freeze(open Opener) A
	// EachPages calls fn for the lists of pages that the arena, a live one or a frozen one, consists of.
	EachPages(fn func(*offheap.Pages))
}

// Freeze is the heap in a view: what R, Cap, Mark and the blobs' readers tell is of the cut. Anything else panics.
func (h *Heap) Freeze(open Opener) *Heap { return &Heap{r: h.r, pages: open(&h.pages)} }

// EachPages calls fn with the heap's pages.
func (h *Heap) EachPages(fn func(*offheap.Pages)) { fn(&h.pages) }

// Mark is a number that the owner keeps with the heap, 0 at first: what is to be known in a view and lies in no object.
func (h *Heap) Mark() uint64 { return h.pages.Mark() }

// SetMark changes the owner's number.
func (h *Heap) SetMark(m uint64) { h.pages.SetMark(m) }

func (h *Heap) frozenCap(r Ref) int { return classes[h.pages.Tag(uint32(r)>>unitBits)] }

func (h *Heap) frozenR(r Ref) offheap.Block {
	return h.pages.Read(uint32(r)>>unitBits, uint32(r)&(1<<unitBits-1)*unit, h.frozenCap(r))
}

// A Cut is the arenas there were at one moment.
type Cut[A any] struct{ list []A }

// Cut is the arenas there are now. It copies nothing.
func (t *Arenas[A]) Cut() Cut[A] {
	t.shared = len(t.list) > 0
	return Cut[A]{t.list}
}

// Freeze makes t, which is new, the arenas of a cut in a view.
func (t *Arenas[A]) Freeze(c Cut[A], open Opener) { t.list, t.open = c.list, open }

func (t *Arenas[A]) frozenAt(number uint32) A {
	a, ok := t.opened[number]
	if !ok {
		a = t.list[number].Freeze(t.open)
		if t.opened == nil {
			t.opened = map[uint32]A{}
		}
		t.opened[number] = a
	}
	return a
}

// Leave forgets the arenas that have been opened in a view. If done, nobody will read them any more.
func (t *Arenas[A]) Leave(done bool) {
	if len(t.opened) == 0 {
		return
	}
	for _, a := range t.opened {
		if done {
			a.EachPages((*offheap.Pages).Done)
		}
	}
	clear(t.opened)
}
