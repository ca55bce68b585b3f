//go:build invariants

package slab

import (
	"bytes"
	"fmt"
)

// With tag invariants a freed object is filled with a pattern, so that who reads it
// afterwards reads nonsense, and an object with that pattern that is freed is looked for among
// the free ones. The first two bytes of a free object belong to the chain.

const (
	poisonByte = 0xdd
	freshByte  = 0xa5 // what an object is filled with that is handed out again: its contents are unspecified
)

var poisoned = bytes.Repeat([]byte{poisonByte}, unit-2)

// poison is called with an object that is freed, before it is chained.
func (h *Heap) poison(pn, u uint32) {
	m := &h.meta[pn]
	if bytes.Equal(h.pages.R(pn, u*unit, unit).Bytes(2, unit-2), poisoned) {
		for f := m.free; f != 0; f = h.pages.R(pn, uint32(f-1)*unit, unit).U16(0) {
			if uint32(f-1) == u {
				panic(fmt.Sprintf("slab: %#x freed twice", pn<<unitBits|u))
			}
		}
	}
	h.fill(pn, u, poisonByte)
}

// unpoison is called with an object that is handed out again.
func (h *Heap) unpoison(pn, u uint32) { h.fill(pn, u, freshByte) }

func (h *Heap) fill(pn, u uint32, with byte) {
	b := h.pages.W(pn, u*unit, classes[h.meta[pn].class]).Mutable(0, classes[h.meta[pn].class])
	for i := range b {
		b[i] = with
	}
}
