package field

import (
	"errors"
	"math"

	"quarry/store/geo"
)

// Space is what coordinates mean.
type Space uint8

// The spaces.
const (
	Plane Space = iota // units of a game's world, Euclidean distance
	Geo                // longitude and latitude in degrees, metres on the sphere
)

// Shape is what a field is made with: its space, its dimensions, and the bounds of a plane.
type Shape struct {
	Space   Space
	Dims    int // 2 or 3
	Bounded bool
	Bounds  Bounds // of a plane, if Bounded
}

// Bounds are the least and the greatest coordinates, themselves included.
type Bounds struct{ MinX, MinY, MaxX, MaxY float64 }

// coordinateMax bounds the coordinates of a plane, so that distances are finite too.
const coordinateMax = 1e300

// The reasons for which a place, or bounds, are refused.
var (
	ErrLonLat     = errors.New("longitude or latitude out of range")
	ErrBounds     = errors.New("coordinates out of the field's bounds")
	ErrCoordinate = errors.New("coordinates must be finite numbers of at most 1e300")
	ErrNoBounds   = errors.New("bounds must be finite, with the least coordinates below the greatest")
	ErrGeoBounds  = errors.New("a GEO field has the bounds of the globe")
)

// Check says what is wrong with a shape.
func (s *Shape) Check() error {
	if !s.Bounded {
		return nil
	}
	b := &s.Bounds
	switch {
	case s.Space == Geo:
		return ErrGeoBounds
	case !(b.MinX >= -coordinateMax && b.MinY >= -coordinateMax && b.MaxX <= coordinateMax && b.MaxY <= coordinateMax &&
		b.MinX < b.MaxX && b.MinY < b.MaxY):
		return ErrNoBounds
	}
	return nil
}

// grid turns coordinates into cells, of which there are 2^32 on each axis, and cells into keys (package geo's
// Interleave). z is not in the key. Each axis' cell never falls as its coordinate rises, exactly: so the
// cells of a box's two edges bound the cells of all that is in it. There are two kinds:
//
//   - linear, for the globe and planes with bounds: (x - min) * scale, rounded down. On a plane scale is a power of
//     two, so that only the difference is rounded.
//   - logarithmic, for planes without: the upper half of the float's own bits, made to rise with it. A cell is
//     2^-20 of the coordinate wide, so that things lie as finely apart near the origin as it takes.
type grid struct {
	linear     bool
	x, y       axis
	minX, minY float64 // what coordinates are allowed
	maxX, maxY float64
	refuse     error // what is said of others
}

// axis is one axis of a linear grid.
type axis struct {
	min, scale float64 // scale: cells per unit
	unit       float64 // 1/scale
	slack      float64 // bounds the rounding of an edge, in units
}

// lastCell is one less than it might be: the last code of all, in which a range of codes cannot end, is nowhere.
const lastCell = math.MaxUint32 - 1

func newGrid(s *Shape) grid {
	switch {
	case s.Space == Geo:
		return grid{
			linear: true, x: newAxis(-180, 180, (1<<32)/360.0), y: newAxis(-90, 90, (1<<32)/180.0),
			minX: -180, maxX: 180, minY: -90, maxY: 90, refuse: ErrLonLat,
		}
	case s.Bounded:
		b := &s.Bounds
		return grid{
			linear: true, x: newAxis(b.MinX, b.MaxX, powerScale(b.MaxX-b.MinX)), y: newAxis(b.MinY, b.MaxY, powerScale(b.MaxY-b.MinY)),
			minX: b.MinX, maxX: b.MaxX, minY: b.MinY, maxY: b.MaxY, refuse: ErrBounds,
		}
	}
	return grid{minX: -coordinateMax, maxX: coordinateMax, minY: -coordinateMax, maxY: coordinateMax, refuse: ErrCoordinate}
}

func newAxis(min, max, scale float64) axis {
	return axis{
		min: min, scale: scale, unit: 1 / scale,
		slack: 0x1p-48 * math.Max(math.Abs(min), math.Abs(max)),
	}
}

// powerScale is the largest power of two by which a span becomes less than 2^32, within what has a
// finite reciprocal.
func powerScale(span float64) float64 {
	_, exp := math.Frexp(span) // span < 2^exp
	return math.Ldexp(1, min(32-exp, 1000))
}

// refuses says why a thing cannot be at a place, which may be any numbers.
func (g *grid) refuses(x, y float64) error {
	if x >= g.minX && x <= g.maxX && y >= g.minY && y <= g.maxY {
		return nil
	}
	return g.refuse
}

// code is the key of a place.
func (g *grid) code(x, y float64) uint64 {
	cx, cy := g.cells(x, y)
	return geo.Interleave(cx, cy)
}

// cells are the cells of a place; of one outside of the bounds the nearest there are.
func (g *grid) cells(x, y float64) (cx, cy uint32) {
	if g.linear {
		return g.x.cell(x), g.y.cell(y)
	}
	return floatCell(x), floatCell(y)
}

func (a *axis) cell(x float64) uint32 {
	c := (x - a.min) * a.scale
	switch {
	case !(c > 0):
		return 0
	case c >= lastCell:
		return lastCell
	}
	return uint32(c)
}

// edge is a number not above the coordinates in cell c; and with upper, not below them. The last cell has
// what lies behind it, too.
func (a *axis) edge(c uint32, upper bool) float64 {
	if upper {
		return a.min + (float64(c)+1)*a.unit + a.unit + a.slack
	}
	return a.min + float64(c)*a.unit - a.slack
}

// floatCell is the upper half of x's bits, made to rise with x; -0 is 0.
func floatCell(x float64) uint32 {
	u := math.Float64bits(x + 0)
	if u>>63 != 0 {
		return uint32(^u >> 32)
	}
	return uint32((u | 1<<63) >> 32)
}

// floatEdge is the least, or with upper the greatest coordinate in the cell.
func floatEdge(c uint32, upper bool) float64 {
	u := uint64(c) << 32
	if upper {
		u |= math.MaxUint32
	}
	if u>>63 != 0 {
		u &^= 1 << 63
	} else {
		u = ^u
	}
	x := math.Float64frombits(u)
	if !(math.Abs(x) <= coordinateMax) { // there is nothing as far away
		return math.Copysign(coordinateMax, float64(int64(c)-1<<31))
	}
	return x
}

// box is a rectangle of coordinates.
type box struct{ x0, y0, x1, y1 float64 }

// box is a rectangle that holds all places in the cells x0 to x1 and y0 to y1.
func (g *grid) box(x0, x1, y0, y1 uint32) box {
	if g.linear {
		return box{g.x.edge(x0, false), g.y.edge(y0, false), g.x.edge(x1, true), g.y.edge(y1, true)}
	}
	return box{floatEdge(x0, false), floatEdge(y0, false), floatEdge(x1, true), floatEdge(y1, true)}
}

// gate is a box of cells that holds those of all places in a rectangle.
func (g *grid) gate(b box) geo.Gate {
	x0, y0 := g.cells(b.x0, b.y0)
	x1, y1 := g.cells(b.x1, b.y1)
	return geo.MakeGate(x0, x1, y0, y1)
}
