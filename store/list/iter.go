package list

import (
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// Iter walks a part of a list, in either direction. The zero Iter is ready for Seek; the list must
// not change while it walks. It keeps a little memory: reuse one to allocate nothing.
type Iter struct {
	l       *List
	next    int // number of the next element
	left    int // elements from there on
	reverse bool

	// The element: at pos of list, or the blob long of heap.
	list listpack.List
	pos  int
	heap *slab.Heap
	long slab.Ref

	here   int      // elements of the leaf that come next
	places []uint16 // backwards: the positions of the last here+1 of them

	buf     []byte
	scratch listpack.Scratch
}

// keepIter is how large a buffer for long elements Iter keeps.
const keepIter = 64 << 10

// Seek places it on n elements from number start on, fewer if there are fewer: Next goes
// through them from the first to the last or, if reverse, from the last to the first. Next must be called before
// the first Value. O(log n).
func (it *Iter) Seek(l *List, start, n int, reverse bool) {
	n = max(0, min(n, l.Len()-start))
	it.l, it.next, it.left, it.here, it.reverse = l, start, n, 0, reverse
	if reverse {
		it.next = start + n - 1
	}
}

// Next moves to the next element (after Seek: onto the first) and reports whether there is one.
func (it *Iter) Next() bool {
	switch {
	case it.left == 0:
		it.Trim()
		return false
	case it.here == 0:
		it.load()
	case it.reverse:
		it.here--
		it.pos = int(it.places[it.here])
	default:
		it.here--
		it.pos = it.list.Next(it.pos)
	}
	it.left--
	if it.reverse {
		it.next--
	} else {
		it.next++
	}
	return true
}

// Trim gives up the memory of a long element, whose Value is void then. A walk that has come to its end has done so.
func (it *Iter) Trim() {
	if cap(it.buf) > keepIter {
		it.buf = nil
	}
}

// load goes to the leaf, or the long element, of the next element.
func (it *Iter) load() {
	l, p, offset, count := it.l, it.l.p, it.next, 0
	if it.long = 0; l.enc == Packed {
		count = p.len()
	} else {
		offset = l.t.seek(it.next)
		c := l.t.here()
		if c.long {
			it.heap, it.long = l.t.heap, c.ref
			return
		}
		p, count = l.t.leafOf(c), c.count
	}
	it.list = p.list()
	if !it.reverse {
		it.pos, it.here = p.seek(offset), min(count-offset, it.left)-1
		return
	}
	it.here = min(offset+1, it.left) - 1
	it.places = it.places[:0]
	pos := p.seek(offset - it.here)
	for range it.here {
		it.places = append(it.places, uint16(pos))
		pos = it.list.Next(pos)
	}
	it.pos = pos
}

// Value is the element, valid until the next call of Next or Seek, and not longer than the list stays as it is.
func (it *Iter) Value() []byte {
	if it.long == 0 {
		return it.list.Bytes(it.pos, &it.scratch)
	}
	n := it.heap.BlobLen(it.long)
	p := it.heap.BlobParts(it.long, 0, n)
	if first := p.Next(); len(first) == n {
		return first
	}
	it.buf = it.heap.AppendBlob(it.buf[:0], it.long)
	return it.buf
}

// Match is a value made ready to be compared with elements. It keeps the slice it was made from.
type Match struct {
	v []byte
	e listpack.Element // if it is not too long for any
}

// MatchOf makes v ready.
func MatchOf(v []byte) Match {
	m := Match{v: v}
	if len(v) <= packedMax {
		m.e = listpack.String(v)
	}
	return m
}

// Is reports whether the element equals the value.
func (it *Iter) Is(m *Match) bool {
	if it.long != 0 {
		return it.heap.BlobLen(it.long) == len(m.v) && it.heap.CompareBlob(it.long, m.v) == 0
	}
	return len(m.v) <= packedMax && it.list.Equal(it.pos, &m.e)
}
