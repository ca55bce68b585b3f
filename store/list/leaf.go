package list

import (
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// leaf is an object of a heap that holds a listpack: all of a packed list, or a run of
// the elements of a tree. The zero ref is the leaf without elements.
//
// # The mark
//
// A listpack is walked from the front, since its elements have no back-lengths: two bytes
// less for each of a list's elements than in Redis. So that the last element of a long one is found
// without a walk, objects of 512 bytes and more end with a place in the list
// that is known:
//
//	object of cap bytes
//	+----------------------------+------+---------+-----------+
//	| listpack ...               | free | u16 pos | u16 index |
//	+----------------------------+------+---------+-----------+
//	0                                   cap-4     cap-2
//
// The element of number index, counted from 0, begins at pos; or that is the end. Changes before the mark move
// it along. Who comes to a place far behind it to change something sets it markStep
// elements before that place, and who appends sets it there: popping an element at the end
// of n walks over markStep/2 elements, and over all of them one time in markStep.
type leaf struct {
	heap *slab.Heap
	ref  slab.Ref
}

const (
	markFrom = 512 // size of the smallest object with a mark
	markSize = 4
	markStep = 64
	beforeIt = 448 // size of the largest object without
)

// noElements is the listpack of the leaf without elements.
var noElements = listpack.List{listpack.HeaderSize, 0, 0, 0}

// roomOf is how long a listpack an object of the given size can hold.
func roomOf(object int) int {
	if object < markFrom {
		return object
	}
	return object - markSize
}

// objectFor is the size of the object for a listpack of size bytes.
func objectFor(size int) int {
	if size <= beforeIt {
		return size
	}
	return size + markSize
}

// newLeaf makes a leaf with room for a listpack of size bytes.
func newLeaf(h *slab.Heap, size int) leaf {
	p := leaf{h, h.Alloc(objectFor(size))}
	p.mutable().Init()
	p.setMark(mark{listpack.HeaderSize, 0})
	return p
}

// list is the listpack to be read.
func (p *leaf) list() listpack.List {
	if p.ref == 0 {
		return noElements
	}
	return p.heap.R(p.ref).Bytes(0, p.room())
}

// mutable is the listpack to be changed.
func (p *leaf) mutable() listpack.List { return p.heap.W(p.ref).Mutable(0, p.room()) }

// room is how long the listpack can become.
func (p *leaf) room() int { return roomOf(p.heap.Cap(p.ref)) }

// len is the number of elements.
func (p *leaf) len() int { return p.list().Len() }

// size is the length of the listpack.
func (p *leaf) size() int { return p.list().Size() }

// free gives the object back.
func (p *leaf) free() {
	if p.ref != 0 {
		p.heap.Free(p.ref)
		p.ref = 0
	}
}

// copyTo copies the leaf to another heap, where it has room for a listpack of size bytes.
func (p *leaf) copyTo(h *slab.Heap, size int) leaf {
	if p.ref == 0 {
		return leaf{h, 0}
	}
	c := newLeaf(h, size)
	h.W(c.ref).CopyFrom(0, p.heap.R(p.ref), 0, p.size())
	c.setMark(p.mark())
	return c
}

// resize gives the listpack, which is not longer than that, room for size bytes.
func (p *leaf) resize(size int) {
	if p.ref == 0 {
		*p = newLeaf(p.heap, size)
		return
	}
	m := p.mark()
	if ref := p.heap.Resize(p.ref, objectFor(size), min(size, p.size())); ref != p.ref {
		p.ref = ref
		p.setMark(m)
	}
}

type mark struct{ pos, index int }

func (p *leaf) mark() mark {
	if p.ref == 0 || p.heap.Cap(p.ref) < markFrom {
		return mark{listpack.HeaderSize, 0}
	}
	r, at := p.heap.R(p.ref), p.room()
	return mark{int(r.U16(at)), int(r.U16(at + 2))}
}

func (p *leaf) setMark(m mark) {
	if p.heap.Cap(p.ref) < markFrom {
		return
	}
	w, at := p.heap.W(p.ref), p.room()
	w.SetU16(at, uint16(m.pos))
	w.SetU16(at+2, uint16(m.index))
}

// seek is the position of element index; that after the last is the end.
func (p *leaf) seek(index int) int {
	m := p.mark()
	if m.index > index {
		m = mark{listpack.HeaderSize, 0}
	}
	return p.list().Skip(m.pos, index-m.index)
}

// seekForWrite is seek for one who will change the leaf, there or nearby.
func (p *leaf) seekForWrite(index int) int {
	l := p.list()
	if index == l.Len() {
		return l.Size()
	}
	m := p.mark()
	if m.index > index {
		m = mark{listpack.HeaderSize, 0}
	}
	if far := index - m.index - markStep; far > markStep {
		m = mark{l.Skip(m.pos, far), m.index + far}
		p.setMark(m)
	}
	return l.Skip(m.pos, index-m.index)
}

// insert puts e, for which there is room, before the element of number index at pos.
func (p *leaf) insert(pos, index int, e *listpack.Element) {
	l, m := p.mutable(), p.mark()
	switch n := l.Len(); {
	case pos < m.pos:
		p.setMark(mark{m.pos + e.Size(), m.index + 1})
	case index == n && n-m.index > 2*markStep:
		p.setMark(mark{pos, index})
	}
	l.Insert(pos, *e)
}

// remove removes n elements, of which the first has number index and lies at pos.
func (p *leaf) remove(pos, index, n int) {
	l, m := p.mutable(), p.mark()
	switch end := l.Skip(pos, n); {
	case end <= m.pos:
		p.setMark(mark{m.pos - (end - pos), m.index - n})
	case pos < m.pos:
		p.setMark(mark{pos, index})
	}
	l.Delete(pos, n)
}

// replace puts e in place of the element at pos; there is room for it.
func (p *leaf) replace(pos int, e *listpack.Element) {
	l, m := p.mutable(), p.mark()
	if pos < m.pos {
		p.setMark(mark{m.pos + e.Size() - (l.Next(pos) - pos), m.index})
	}
	l.Replace(pos, *e)
}

// removeEqual removes elements that equal e, of those with numbers from index on and below
// end: all but the first skip of them, and at most limit. It returns how many.
func (p *leaf) removeEqual(e *listpack.Element, index, end, skip, limit int) (removed int) {
	pos := p.seek(index)
	for l := p.list(); index < end && removed < limit; {
		is := l.Equal(pos, e)
		if is && skip == 0 {
			p.remove(pos, index, 1)
			l = p.list()
			removed++
			end--
			continue
		}
		if is {
			skip--
		}
		pos, index = l.Next(pos), index+1
	}
	return removed
}

// countEqual is the number of elements that equal e, of those with numbers from index on and
// below end.
func (p *leaf) countEqual(e *listpack.Element, index, end int) (n int) {
	l, pos := p.list(), p.seek(index)
	for ; index < end; index++ {
		if l.Equal(pos, e) {
			n++
		}
		pos = l.Next(pos)
	}
	return n
}
