package geo

import (
	"math/rand/v2"
	"testing"
)

// TestGate compares gates with cell numbers compared one by one.
func TestGate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	random := func() uint32 { return r.Uint32() >> r.IntN(32) }
	for range 20_000 {
		x0, x1, y0, y1 := random(), random(), random(), random()
		g := MakeGate(x0, x1, y0, y1)
		inside := func(x, y uint32) bool {
			in := x >= x0 && x <= x1
			if x1 < x0 {
				in = x >= x0 || x <= x1
			}
			return in && y >= y0 && y <= y1
		}
		x, y := random(), random()
		code := Interleave(x, y)
		if a, b := Deinterleave(code); a != x || b != y {
			t.Fatalf("(%d, %d) comes back as (%d, %d)", x, y, a, b)
		}
		if got, want := g.Passes(code), inside(x, y); got != want {
			t.Fatalf("(%d, %d) in %d..%d, %d..%d: %v", x, y, x0, x1, y0, y1, got)
		}
		if lo, hi := g.Codes(); g.Passes(code) && (code < lo || code > hi) {
			t.Fatalf("code %#x is not from %#x to %#x", code, lo, hi)
		}
	}
}

// TestGateRectangles looks at rectangles of small grids cell by cell.
func TestGateRectangles(t *testing.T) {
	const size = 16
	r := rand.New(rand.NewPCG(2, 2))
	number := func() uint32 { return uint32(r.IntN(size)) }
	for range 20_000 {
		g := MakeGate(number(), number(), number(), number())
		a, b := uint64(r.IntN(size*size)), uint64(r.IntN(size*size))
		a, b = min(a, b), max(a, b)
		first, last := Rectangle(a, b)
		passes, all := 0, true
		for code := first; code <= last; code++ {
			if g.Passes(code) {
				passes++
			} else {
				all = false
			}
		}
		middle := first + (last-first+1)/2
		if first > a || last < b || a == b && first != last || a < b && (a >= middle || b < middle) {
			t.Fatalf("the rectangle of %d to %d goes from %d to %d", a, b, first, last)
		}
		if got := g.PassesAny(first, last); !got && passes > 0 || got && passes == 0 && !g.Wrap && g.XLo <= g.XHi && g.YLo <= g.YHi {
			t.Fatalf("%d to %d, %+v: %v, and %d cells pass", first, last, g, got, passes)
		}
		if got := g.Holds(first, last); got && !all {
			t.Fatalf("%d to %d, %+v: not all cells pass", first, last, g)
		}
		if a < b {
			if before, after := Halves(a, b); after != middle || after != before+1 {
				t.Fatalf("%d to %d is halved at %d and %d", a, b, before, after)
			}
		}
		testMeet(t, g, MakeGate(number(), number(), number(), number()), size)
	}
}

// testMeet verifies that a cell that is in both boxes is where they meet.
func testMeet(t *testing.T, g, o Gate, size uint64) {
	m := g.Meet(o)
	for code := range size * size {
		if g.Passes(code) && o.Passes(code) && !m.Passes(code) {
			t.Fatalf("%+v meets %+v in %+v, without %d", g, o, m, code)
		}
	}
	if meetings(g, o, size) > 1 {
		return
	}
	for code := range size * size {
		if m.Passes(code) && !(g.Passes(code) && o.Passes(code)) {
			t.Fatalf("%+v meets %+v in %+v, with %d", g, o, m, code)
		}
	}
}

// meetings is how often columns in both boxes begin, from the first one on; around the grid if both wrap. One that wraps and leaves no
// column out counts as meeting the other twice.
func meetings(g, o Gate, size uint64) (n int) {
	both := func(x uint64) bool {
		in := func(g Gate) bool {
			at := Interleave(uint32(x%size), 0)
			return at >= g.XLo && at <= g.XHi || g.Wrap && (at >= g.XLo || at <= g.XHi)
		}
		return in(g) && in(o)
	}
	around := g.Wrap && o.Wrap
	whole := func(g Gate) bool { return squash(g.XHi>>1)+1 == squash(g.XLo>>1) }
	if around && (whole(g) || whole(o)) {
		return 2
	}
	for x := range size {
		if both(x) && (x == 0 && !around || !both(x+size-1)) {
			n++
		}
	}
	return n
}
