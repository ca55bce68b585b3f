package table

import (
	"quarry/store/internal/dict"
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// Iter walks all elements of a table: a packed one in its order, others in no order that
// means anything. The table must not change meanwhile. The zero Iter is ready for Seek. It keeps
// buffers: reuse one to allocate nothing.
type Iter struct {
	stride int // 0: the table is hashed
	l      listpack.List
	pos    int // of the element it is at, then of the next one
	next   int

	sp   *space
	d    dict.Iter
	refs [dict.BucketRefs]uint32 // of the bucket it is in
	n, i int

	room room
}

// Seek places it before the first element.
func (it *Iter) Seek(t *Table) {
	it.stride, it.l, it.next, it.n, it.i = 0, nil, 0, 0, -1
	switch t.enc {
	case 0:
		it.stride = 1
	case Ints, Packed:
		it.stride, it.l, it.next = t.stride(), t.list.Read(), listpack.HeaderSize
	default:
		it.sp = t.sp
		it.d.Seek(&t.d)
	}
}

// Next moves to the next element (after Seek: onto the first) and reports whether there is one.
func (it *Iter) Next() bool {
	if it.stride == 0 {
		return it.nextHashed()
	}
	if it.l == nil || it.next == it.l.Size() {
		return false
	}
	it.pos, it.next = it.next, it.l.Skip(it.next, it.stride)
	return true
}

// nextHashed has the elements of a whole bucket on their way before it comes to the first.
func (it *Iter) nextHashed() bool {
	if it.i++; it.i < it.n {
		return true
	}
	it.i, it.n = 0, it.d.Next(&it.refs)
	for _, ref := range it.refs[:it.n] {
		it.sp.heap.R(slab.Ref(ref)).Prefetch(1)
	}
	return it.n > 0
}

// Key is the element's key, valid until the next call of Next or Seek.
func (it *Iter) Key() []byte {
	if it.stride == 0 {
		return it.sp.key(slab.Ref(it.refs[it.i]), &it.room.key)
	}
	return it.l.Bytes(it.pos, &it.room.keyDigits)
}

// Int is Key in a table of integers (Ints), which it walks in ascending order.
func (it *Iter) Int() int64 {
	n, _ := it.l.Int(it.pos)
	return n
}

// Value is the element's value, likewise; nil in a set.
func (it *Iter) Value() []byte {
	switch it.stride {
	case 0:
		return it.sp.value(slab.Ref(it.refs[it.i]), &it.room.value)
	case 1:
		return nil
	}
	return it.l.Bytes(it.l.Next(it.pos), &it.room.valueDigits)
}
