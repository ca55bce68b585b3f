package geo

import "math/bits"

// A place's cell is named by two cell numbers, x (longitude) and y (latitude), whose bits are
// interleaved into its code, y's in the even positions:
//
//	code  63                               0
//	      x31 y31 x30 y30  ...  x1 y1 x0 y0
//
// Codes that share their first bits lie in one rectangle of cells; so an interval of codes, which is what
// a node of a tree holds, lies in one too. The bits of one axis, left in their places, compare as the
// cell numbers do. So a box of cells is tested without taking codes apart.
const (
	xBits = 0xaaaaaaaaaaaaaaaa
	yBits = 0x5555555555555555
)

// Interleave is the code of cell (x, y).
func Interleave(x, y uint32) uint64 { return spread(y) | spread(x)<<1 }

// Deinterleave is the cell of a code.
func Deinterleave(code uint64) (x, y uint32) { return squash(code >> 1), squash(code) }

// Gate is a box of cells, its borders included, each in the places of its own axis. If it wraps, x runs from XLo
// up and, from 0 on, to XHi.
type Gate struct {
	XLo, XHi, YLo, YHi uint64
	Wrap               bool
}

// Open lets every cell pass.
var Open = Gate{XHi: xBits, YHi: yBits}

// MakeGate is the gate of the cells x0 to x1 and y0 to y1; with x1 below x0 it wraps.
func MakeGate(x0, x1, y0, y1 uint32) Gate {
	return Gate{
		XLo: spread(x0) << 1, XHi: spread(x1) << 1, YLo: spread(y0), YHi: spread(y1),
		Wrap: x1 < x0,
	}
}

// Passes reports whether the cell of a code is in the box.
func (g *Gate) Passes(code uint64) bool {
	x, y := code&xBits, code&yBits
	if y < g.YLo || y > g.YHi {
		return false
	}
	if g.Wrap {
		return x >= g.XLo || x <= g.XHi
	}
	return x >= g.XLo && x <= g.XHi
}

// Codes are the least and the greatest code in the box.
func (g *Gate) Codes() (lo, hi uint64) {
	if g.Wrap {
		return g.YLo, xBits | g.YHi
	}
	return g.XLo | g.YLo, g.XHi | g.YHi
}

// PassesAny reports whether some cell of a rectangle of codes (Rectangle) is in the box.
func (g *Gate) PassesAny(lo, hi uint64) bool {
	if hi&yBits < g.YLo || lo&yBits > g.YHi {
		return false
	}
	if g.Wrap {
		return hi&xBits >= g.XLo || lo&xBits <= g.XHi
	}
	return hi&xBits >= g.XLo && lo&xBits <= g.XHi
}

// Holds reports whether all cells of a rectangle of codes are in the box.
func (g *Gate) Holds(lo, hi uint64) bool {
	if lo&yBits < g.YLo || hi&yBits > g.YHi {
		return false
	}
	if g.Wrap {
		return lo&xBits >= g.XLo || hi&xBits <= g.XHi
	}
	return lo&xBits >= g.XLo && hi&xBits <= g.XHi
}

// Meet is a box with every cell that is in both; and, where boxes that wrap meet in two places, some more of one of them.
func (g Gate) Meet(o Gate) Gate {
	m := Gate{YLo: max(g.YLo, o.YLo), YHi: min(g.YHi, o.YHi)}
	switch {
	case g.Wrap && o.Wrap:
		m.XLo, m.XHi, m.Wrap = max(g.XLo, o.XLo), min(g.XHi, o.XHi), true
		if g.XHi >= o.XLo || o.XHi >= g.XLo { // together they go around
			m.XLo, m.XHi = g.XLo, g.XHi
		}
	case g.Wrap:
		m.XLo, m.XHi = o.XLo, o.XHi
		if m.XHi < g.XLo { // of two parts only the lower one can meet it
			m.XHi = min(m.XHi, g.XHi)
		} else if m.XLo > g.XHi {
			m.XLo = max(m.XLo, g.XLo)
		}
	case o.Wrap:
		return o.Meet(g)
	default:
		m.XLo, m.XHi = max(g.XLo, o.XLo), min(g.XHi, o.XHi)
	}
	return m
}

// Rectangle is the smallest rectangle of codes with a common beginning that holds the interval lo to hi: its
// first code and its last.
func Rectangle(lo, hi uint64) (first, last uint64) {
	rest := uint64(1)<<bits.Len64(lo^hi) - 1 // all ones for a length of 64, since 1<<64 is 0
	return lo &^ rest, lo | rest
}

// Halves splits the interval lo to hi, which is more than one code, at the coarsest border in it: the last code before
// the border and the first after it. The rectangles of the two parts are together often much smaller than that of the whole.
func Halves(lo, hi uint64) (before, after uint64) {
	after = hi &^ (uint64(1)<<(bits.Len64(lo^hi)-1) - 1)
	return after - 1, after
}
