//go:build invariants

package slab

import (
	"strings"
	"testing"
)

func TestDoubleFreePanics(t *testing.T) {
	for _, size := range []int{1, 40, 3000, MaxSize} {
		h, _ := newHeap(t)
		var refs []Ref
		for range 20 {
			refs = append(refs, h.Alloc(size))
		}
		h.Free(refs[3])
		h.Free(refs[7])
		h.Free(refs[5])
		func() {
			defer func() {
				if msg, _ := recover().(string); !strings.Contains(msg, "freed twice") {
					t.Errorf("an object of %d bytes is freed twice: %q", size, msg)
				}
			}()
			h.Free(refs[7])
		}()
		check(t, h)
		// Handed out again, it may be freed again.
		for range 3 {
			refs = append(refs, h.Alloc(size))
		}
		h.Free(refs[len(refs)-1])
		h.Free(refs[len(refs)-2])
		h.Close()
	}
}
