package server

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestBuffers takes and gives slices of all sizes: what is taken is empty, large enough and nobody else's, and no
// more is kept than is said.
func TestBuffers(t *testing.T) {
	var p buffers
	r := rand.New(rand.NewPCG(1, 2))
	type taken struct {
		b    []byte
		fill byte
	}
	var out []taken
	check := func(x taken) {
		t.Helper()
		if n := bytes.Count(x.b, []byte{x.fill}); n != len(x.b) {
			t.Fatalf("a buffer of %d bytes belongs to two", cap(x.b))
		}
	}
	for i := range 3000 {
		n := 1 + r.IntN(1<<r.IntN(23))
		switch {
		case len(out) > 40 || len(out) > 0 && r.IntN(3) == 0:
			at := r.IntN(len(out))
			check(out[at])
			p.Recycle(out[at].b)
			out = append(out[:at], out[at+1:]...)
		case len(out) > 0 && r.IntN(3) == 0:
			x := &out[r.IntN(len(out))]
			before := len(x.b)
			if x.b = p.Grow(x.b, n); cap(x.b)-before < n || len(x.b) != before {
				t.Fatalf("%d bytes, room for %d: %d, %d", before, n, len(x.b), cap(x.b))
			}
			for range min(n, 1000) {
				x.b = append(x.b, x.fill)
			}
			check(*x)
		default:
			b := p.sized(n)
			if len(b) != 0 || cap(b) < n {
				t.Fatalf("for %d bytes: %d, %d", n, len(b), cap(b))
			}
			x := taken{b, byte(i)}
			for range min(n, 1000) {
				x.b = append(x.b, x.fill)
			}
			out = append(out, x)
		}
		small, large := 0, 0
		for _, b := range p.small {
			small += cap(b)
		}
		for class, list := range p.large {
			for _, b := range list {
				if large += cap(b); cap(b) != 2*keepBytes<<class {
					t.Fatalf("%d bytes in class %d", cap(b), class)
				}
			}
		}
		if small != p.smallBytes || int64(large) != p.largeBytes.Load() || small > smallSpare || large > largeSpare {
			t.Fatalf("%d and %d bytes are kept, and counted as %d and %d", small, large, p.smallBytes, p.largeBytes.Load())
		}
	}
	p.needed = true
	if p.rest(); p.largeBytes.Load() == 0 {
		t.Error("what was needed just now has gone")
	}
	if p.rest(); p.largeBytes.Load() != 0 {
		t.Error("what is not needed stays")
	}
	for _, n := range []int{keepBytes + 1, 2 * keepBytes, 2*keepBytes + 1, 4 << 20, 4<<20 + 1} {
		if b := p.Large(n); cap(b) < n {
			t.Errorf("%d bytes for %d", cap(b), n)
		}
	}
}
