package slab

import (
	"slices"

	"quarry/store/internal/offheap"
)

// Arenas are the memories of a shard's large values, each of which has its own, by
// number. So such a value is renamed, moved to another shard or dropped by
// handing over a pointer; the pages of dropped ones go back in slices.
type Arenas[A interface {
	comparable
	// CloseSome gives up to n pages back and reports whether there are more.
	CloseSome(n int) bool
	Frozen[A]
}] struct {
	list   []A      // by number; the zero A where there is none
	shared bool     // a view has the list, too
	vacant []uint32 // such places
	grave  []A      // dropped; Reclaim gives their pages back

	open   Opener       // of a view: list is what there was at the cut
	opened map[uint32]A // those that have been opened
}

// Add takes an arena in and returns its number.
func (t *Arenas[A]) Add(a A) uint32 {
	if n := len(t.vacant); n > 0 {
		number := t.vacant[n-1]
		t.vacant = t.vacant[:n-1]
		t.own()
		t.list[number] = a
		return number
	}
	t.list = append(t.list, a)
	return uint32(len(t.list) - 1)
}

// own makes the list one that no view has: of what is shared nothing is changed, but it may be added to.
func (t *Arenas[A]) own() {
	if t.shared {
		t.list, t.shared = slices.Clone(t.list), false
	}
}

// At is the arena of a number.
func (t *Arenas[A]) At(number uint32) A {
	if t.open != nil {
		return t.frozenAt(number)
	}
	return t.list[number]
}

// Take takes an arena out. Views keep what it is now, as it may get under another lock.
func (t *Arenas[A]) Take(number uint32) A {
	var none A
	a := t.list[number]
	a.EachPages((*offheap.Pages).Hold)
	t.own()
	t.list[number] = none
	t.vacant = append(t.vacant, number)
	return a
}

// Bury takes an arena out and leaves it to Reclaim.
func (t *Arenas[A]) Bury(number uint32) { t.grave = append(t.grave, t.Take(number)) }

// Reclaim gives back up to n pages of buried arenas and reports whether there are more.
func (t *Arenas[A]) Reclaim(n int) bool {
	if last := len(t.grave) - 1; last >= 0 && !t.grave[last].CloseSome(n) {
		var none A
		t.grave[last] = none
		t.grave = t.grave[:last]
	}
	return len(t.grave) > 0
}

// Len is the number of arenas, without those buried.
func (t *Arenas[A]) Len() int { return len(t.list) - len(t.vacant) }
