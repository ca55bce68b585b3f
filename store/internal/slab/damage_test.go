package slab

import (
	"strings"
	"testing"
)

// damaged makes a heap with some objects of a size, two of which are free, has it damaged, and checks
// that fn finds so.
func damaged(t *testing.T, name, want string, damage func(h *Heap), fn func(h *Heap) error) {
	t.Helper()
	h, _ := newHeap(t)
	var refs []Ref
	for range 20 {
		refs = append(refs, h.Alloc(64))
	}
	h.Alloc(1000)
	h.Free(refs[3])
	h.Free(refs[7])
	if err := h.Check(); err != nil {
		t.Fatal(err)
	}
	damage(h)
	if err := fn(h); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	last := func(h *Heap) *page { return &h.meta[len(h.meta)-1] }
	for _, c := range []struct {
		name, want string
		damage     func(h *Heap)
	}{
		{"bytes", "counted", func(h *Heap) { h.bytes += 16 }},
		{"live", "counted", func(h *Heap) { h.live-- }},
		{"pages held", "counted", func(h *Heap) { h.held++ }},
		{"live of a page", "handed out", func(h *Heap) { h.meta[0].live++ }},
		{"fresh", "handed out", func(h *Heap) { h.meta[0].fresh++ }},
		{"lost free object", "handed out", func(h *Heap) { h.meta[0].free = 0 }},
		{"free chain into an object", "free chain", func(h *Heap) { h.meta[0].free++ }},
		{"free chain in a circle", "free chain", func(h *Heap) {
			u := uint32(h.meta[0].free - 1)
			h.pages.W(0, u*unit, unit).SetU16(0, uint16(u+1))
		}},
		{"free chain behind what was handed out", "free chain", func(h *Heap) { h.meta[0].free = h.meta[0].fresh*4 + 1 }},
		{"not in the list", "in the list", func(h *Heap) { h.meta[0].open = false }},
		{"list of another class", "list broken", func(h *Heap) { h.open[5] = h.open[3] }},
		{"not linked", "list", func(h *Heap) { h.open[3] = 0 }},
		{"link back", "list broken", func(h *Heap) { last(h).prev = 1 }},
		{"class", "", func(h *Heap) { h.meta[0].class = 0 }},
	} {
		damaged(t, c.name, c.want, c.damage, (*Heap).Check)
	}
}

// TestAuditFindsOwners: an object has one owner, and no other ref names anything.
func TestAuditFindsOwners(t *testing.T) {
	h, _ := newHeap(t)
	ref, free, blob := h.Alloc(64), h.Alloc(64), h.PutBlob(make([]byte, 3*MaxSize))
	h.Free(free)
	a, err := h.Audit()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []Ref{0, ref + 1, free, free + 4, 99 << unitBits} {
		if err := a.Own(r, 1); err == nil {
			t.Errorf("%#x passes for an object", uint32(r))
		}
	}
	if err := a.Own(ref, 65); err == nil {
		t.Error("an object is larger than it is")
	}
	if err := a.Own(ref, 64); err != nil {
		t.Error(err)
	}
	if err := a.Own(ref, 64); err == nil || !strings.Contains(err.Error(), "two owners") {
		t.Errorf("an object is owned twice: %v", err)
	}
	if err := a.Rest(); err == nil {
		t.Error("a blob without an owner is not found")
	}
	if err := a.OwnBlob(blob); err != nil {
		t.Error(err)
	}
	if err := a.Rest(); err != nil || a.Bytes() != h.Bytes() {
		t.Errorf("%d bytes of %d are owned: %v", a.Bytes(), h.Bytes(), err)
	}
}

func TestAuditFindsDamagedBlobs(t *testing.T) {
	const size = 2*MaxSize + 100 // three objects
	for _, c := range []struct {
		name   string
		damage func(h *Heap, first, second, third Ref)
	}{
		{"longer", func(h *Heap, first, _, _ Ref) { h.W(first).SetU32(4, size+2*MaxSize) }},
		{"shorter", func(h *Heap, first, _, _ Ref) { h.W(first).SetU32(4, 100) }},
		{"by one class", func(h *Heap, first, _, _ Ref) { h.W(first).SetU32(4, size+64) }},
		{"cut off", func(h *Heap, _, second, _ Ref) { h.W(second).SetU32(0, 0) }},
		{"longer chain", func(h *Heap, _, _, third Ref) { h.W(third).SetU32(0, uint32(h.Alloc(112))) }},
		{"circle", func(h *Heap, first, second, _ Ref) { h.W(second).SetU32(0, uint32(second)) }},
		{"back to the first", func(h *Heap, first, second, _ Ref) { h.W(second).SetU32(0, uint32(first)) }},
		{"into an object", func(h *Heap, first, _, _ Ref) { h.W(first).SetU32(0, h.R(first).U32(0)+1) }},
		{"away", func(h *Heap, first, _, _ Ref) { h.W(first).SetU32(0, 0xfffff000) }},
		{"free", func(h *Heap, _, _, third Ref) { h.Free(third) }},
	} {
		h, _ := newHeap(t)
		first := h.PutBlob(make([]byte, size))
		second := Ref(h.R(first).U32(0))
		c.damage(h, first, second, Ref(h.R(second).U32(0)))
		a, err := h.Audit()
		if err != nil {
			t.Fatal(err)
		}
		if err := a.OwnBlob(first); err == nil {
			t.Errorf("%s: not found", c.name)
		}
	}
}
