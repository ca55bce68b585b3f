package table

import (
	"quarry/store/internal/dict"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// A hashed table is a dict over elements. A medium one lies in the shard's heap, among all
// that is small. A large one has an arena, a heap of its own, so that it is dropped, renamed or
// moved to another shard by handing that over; but a page of 64 KiB for each size class its
// elements have, and three for the dict, are a lot for a few elements.
//
// Medium tables are bounded, since they are copied when they become large or move to
// another shard: some 100 ns an element. Dropping one is cut into slices.
const (
	mediumLen   = 4096
	mediumBytes = 256 << 10 // of elements

	// A large table with at most so much becomes medium again.
	smallLen   = mediumLen / 4
	smallBytes = mediumBytes / 4

	// freeAtOnce is how many elements a table may have that is freed at once. Others are dropped as
	// large ones are; a page of those is taken to be as much work as elementsPerPage.
	freeAtOnce      = 256
	elementsPerPage = 16
)

// arena is the memory of one large table.
type arena struct {
	space
	head  slab.Ref // of the dict
	pages int      // when empty ones were last given back
}

// CloseSome is slab.Arenas'.
func (a *arena) CloseSome(n int) bool { return a.heap.CloseSome(n) }

// Freeze is the arena in a view; space and head never change.
func (a *arena) Freeze(open slab.Opener) *arena {
	c := &arena{space: a.space, head: a.head}
	c.heap = a.heap.Freeze(open)
	return c
}

// EachPages is slab.Arenas'.
func (a *arena) EachPages(fn func(*offheap.Pages)) { a.heap.EachPages(fn) }

// bytes is the memory of the arena.
func (a *arena) bytes() int64 { return int64(a.heap.Pages()) * offheap.PageSize }

func (a *arena) clone() *arena {
	c := *a
	c.heap = a.heap.Clone()
	return &c
}

// trim gives back the empty pages that arrays of the dict have left while they grew.
func (a *arena) trim() {
	if a.heap.Pages() != a.pages {
		a.heap.Trim()
		a.pages = a.heap.Pages()
	}
}

// bury drops a medium table.
func (e *Env) bury(d dict.Table) {
	if d.Len() > freeAtOnce {
		e.graves = append(e.graves, d)
		return
	}
	e.drain(&d, freeAtOnce)
}

// drain frees up to n elements of a dropped table and reports whether there are more.
func (e *Env) drain(d *dict.Table, n int) bool {
	left, freed := d.Note(), int64(0)
	more := d.Drain(n, func(ref uint32) {
		freed += e.home.bytes(slab.Ref(ref))
		e.home.free(slab.Ref(ref))
	})
	if more {
		d.SetNote(left - uint32(freed))
	}
	return more
}

// Reclaim gives back up to n pages of dropped tables, or as much in other memory, and reports
// whether there are more.
func (e *Env) Reclaim(n int) bool {
	last := len(e.graves) - 1
	if last < 0 {
		return e.arenas.Reclaim(n)
	}
	if !e.drain(&e.graves[last], n*elementsPerPage) {
		e.graves = e.graves[:last]
	}
	return true
}

// startHashed makes t a medium table without elements.
func (t *Table) startHashed() {
	t.enc, t.sp = Medium, &t.env.home
	t.d = dict.Make(t.sp.heap, t.sp)
}

// find looks a key up whose hash is h; ref is 0 if it is not there.
func (t *Table) find(key []byte, h uint64) (p dict.Probe, ref slab.Ref) {
	for p = t.d.Find(h); p.Next(); {
		if ref := slab.Ref(p.Ref()); t.sp.hasKey(ref, key, h) {
			return p, ref
		}
	}
	return p, 0
}

// element is the element of that name.
func (t *Table) element(ref slab.Ref) (key, value []byte) {
	return t.sp.key(ref, &t.room.key), t.sp.value(ref, &t.room.value)
}

// putHashed does what Put says.
func (t *Table) putHashed(key, value []byte) (added bool) {
	h := t.sp.hash.Sum(key)
	p, ref := t.find(key, h)
	switch {
	case ref == 0:
		t.insert(key, h, value)
	case t.sp.pairs:
		if t.reserve(0, t.sp.sizeOf(len(key), len(value))-t.sp.bytes(ref)) {
			p, ref = t.find(key, h)
		}
		before := t.sp.bytes(ref)
		if moved := t.sp.setValue(ref, value); moved != ref {
			p.Replace(uint32(moved))
			ref = moved
		}
		t.account(t.sp.bytes(ref) - before)
	}
	return ref == 0
}

// insert adds an element whose key, of hash h, is not there.
func (t *Table) insert(key []byte, h uint64, value []byte) {
	size := t.sp.sizeOf(len(key), len(value))
	t.reserve(1, size)
	t.d.Insert(h, uint32(t.sp.newElement(key, h, value)))
	t.account(size)
}

// removeHashed does what Remove says.
func (t *Table) removeHashed(key []byte) bool {
	p, ref := t.find(key, t.sp.hash.Sum(key))
	if ref == 0 {
		return false
	}
	size := t.sp.bytes(ref)
	p.Delete()
	t.sp.free(ref)
	t.account(-size)
	if t.enc == Large && t.d.Len() <= smallLen && t.sp.heap.Bytes() <= smallBytes {
		t.toMedium()
	}
	return true
}

// account keeps the memory of a medium table's elements; an arena's heap knows it.
func (t *Table) account(delta int64) {
	if t.enc == Medium {
		if delta != 0 {
			t.d.SetNote(uint32(int64(t.d.Note()) + delta))
		}
		return
	}
	t.env.arenas.At(t.slot).trim()
}

// reserve makes a medium table large if n elements and size bytes more are too much for it, and
// reports whether it has. What was found before is void then.
func (t *Table) reserve(n int, size int64) bool {
	if t.enc == Large || t.d.Len()+n <= mediumLen && int64(t.d.Note())+size <= mediumBytes {
		return false
	}
	a := &arena{space: *t.sp}
	a.heap = slab.New(t.sp.heap.Region())
	old := t.d
	t.d = copyElements(&old, t.sp, &a.space)
	a.head = t.d.Ref()
	a.trim()
	t.env.bury(old)
	t.enc, t.sp, t.slot = Large, &a.space, t.env.arenas.Add(a)
	return true
}

// toMedium makes a large table medium.
func (t *Table) toMedium() {
	t.d = copyElements(&t.d, t.sp, &t.env.home)
	t.enc, t.sp = Medium, &t.env.home
	t.env.arenas.Bury(t.slot)
}

// copyElements copies a dict and its elements from one space to another.
func copyElements(d *dict.Table, from, to *space) dict.Table {
	size := int64(0)
	c := d.CopyTo(to.heap, to, func(ref uint32) uint32 {
		e := from.copyTo(to, slab.Ref(ref))
		size += to.bytes(e)
		return uint32(e)
	})
	c.SetNote(uint32(size))
	return c
}
