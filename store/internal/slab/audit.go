package slab

import (
	"fmt"

	"quarry/store/internal/offheap"
)

// Audit finds out who owns the objects of a heap. Whoever checks a structure names the objects
// that it consists of, before it reads them: what is named twice, or is no object, is
// noticed there, and what nobody has named in the end.
type Audit struct {
	h     *Heap
	live  []units // by page: where live objects begin
	named []units // those of them that have been named
	bytes int64   // of them
}

// units is a bitmap of the units of a page.
type units [offheap.PageSize / unit / 64]uint64

func (u *units) has(i uint32) bool { return u[i>>6]>>(i&63)&1 != 0 }
func (u *units) flip(i uint32)     { u[i>>6] ^= 1 << (i & 63) }

// Audit begins an audit with what Check does.
func (h *Heap) Audit() (*Audit, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	a := &Audit{h: h, live: make([]units, len(h.meta)), named: make([]units, len(h.meta))}
	for pn := range h.meta {
		if h.pages.Has(uint32(pn)) {
			a.page(uint32(pn))
		}
	}
	return a, nil
}

// page notes the live objects of a page: those handed out, but for the free ones.
func (a *Audit) page(pn uint32) {
	m, live := &a.h.meta[pn], &a.live[pn]
	for i := uint32(firstFresh(pn)); i < uint32(m.fresh); i++ {
		live.flip(i * uint32(classes[m.class]/unit))
	}
	for f := m.free; f != 0; f = a.h.pages.R(pn, uint32(f-1)*unit, unit).U16(0) {
		live.flip(uint32(f - 1))
	}
}

// Own names an object that its owner takes to be of at least size bytes.
func (a *Audit) Own(r Ref, size int) error {
	pn, u := uint32(r)>>unitBits, uint32(r)&(1<<unitBits-1)
	switch {
	case int(pn) >= len(a.live) || !a.live[pn].has(u):
		return fmt.Errorf("slab: %#x is no object", uint32(r))
	case a.named[pn].has(u):
		return fmt.Errorf("slab: object %#x has two owners", uint32(r))
	case size > a.h.Cap(r):
		return fmt.Errorf("slab: object %#x of %d bytes is taken for one of %d", uint32(r), a.h.Cap(r), size)
	}
	a.named[pn].flip(u)
	a.bytes += int64(a.h.Cap(r))
	return nil
}

// OwnBlob names the objects of a blob, and checks that they are of the sizes that its length asks for.
func (a *Audit) OwnBlob(r Ref) error {
	if err := a.Own(r, blobFirst); err != nil {
		return err
	}
	for left, head := a.h.BlobLen(r), blobFirst; ; head = blobOther {
		n := min(left, MaxSize-head)
		if want := Class(head + n); a.h.Cap(r) != want {
			return fmt.Errorf("slab: object %#x of a blob has %d bytes, not %d", uint32(r), a.h.Cap(r), want)
		}
		next := Ref(a.h.R(r).U32(0))
		if left -= n; (left > 0) != (next != 0) {
			return fmt.Errorf("slab: a blob goes on from %#x to %#x, of %d bytes", uint32(r), uint32(next), left)
		}
		if next == 0 {
			return nil
		}
		if err := a.Own(next, blobOther); err != nil {
			return err
		}
		r = next
	}
}

// OwnBlobRest names the objects of what FreeBlobSome has left of a blob.
func (a *Audit) OwnBlobRest(r Ref) error {
	for ; r != 0; r = Ref(a.h.R(r).U32(0)) {
		if err := a.Own(r, blobOther); err != nil {
			return err
		}
	}
	return nil
}

// Bytes is the sum of the class sizes of the objects that have been named.
func (a *Audit) Bytes() int64 { return a.bytes }

// Rest ends the audit: an error if there are objects that nobody has named.
func (a *Audit) Rest() error {
	if n := a.h.bytes - a.bytes; n != 0 {
		return fmt.Errorf("slab: objects of %d bytes have no owner", n)
	}
	return nil
}
