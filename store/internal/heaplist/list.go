// Package heaplist keeps a listpack in an object of a slab heap: the memory of packed
// sorted sets, hashes and sets.
package heaplist

import (
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// List is a listpack of up to slab.MaxSize bytes, alone in an object. A change of its
// size may move it; Ref is its name afterwards.
type List struct {
	Heap *slab.Heap
	Ref  slab.Ref
}

// New makes an empty list.
func New(h *slab.Heap) List {
	l := List{h, h.Alloc(listpack.HeaderSize)}
	l.Write().Init()
	return l
}

// Free gives the object back.
func (l *List) Free() { l.Heap.Free(l.Ref) }

// CopyTo copies the list to a heap, its own or another.
func (l *List) CopyTo(h *slab.Heap) List {
	size := l.Read().Size()
	c := List{h, h.Alloc(size)}
	h.W(c.Ref).CopyFrom(0, l.Heap.R(l.Ref), 0, size)
	return c
}

// Read is the object to be read.
func (l *List) Read() listpack.List { return l.Heap.R(l.Ref).Bytes(0, l.Heap.Cap(l.Ref)) }

// Write is the object to be changed.
func (l *List) Write() listpack.List { return l.Heap.W(l.Ref).Mutable(0, l.Heap.Cap(l.Ref)) }

// Resized is the object to be changed, with room for size bytes. It becomes
// smaller only when a quarter of it would be free, so that a list that changes
// back and forth does not move each time.
func (l *List) Resized(size int) listpack.List {
	if room := l.Heap.Cap(l.Ref); size > room || size <= room*3/4 {
		l.Ref = l.Heap.Resize(l.Ref, size, min(size, l.Read().Size()))
	}
	return l.Write()
}

// Cut removes n elements from pos on.
func (l *List) Cut(pos, n int) {
	w := l.Write()
	w.Delete(pos, n)
	l.Resized(w.Size())
}

// Check verifies the list, and names its object in a.
func (l *List) Check(a *slab.Audit) error {
	if err := a.Own(l.Ref, listpack.HeaderSize); err != nil {
		return err
	}
	return l.Read().Check()
}

// Bytes is the size of the object.
func (l *List) Bytes() int64 { return int64(l.Heap.Cap(l.Ref)) }
