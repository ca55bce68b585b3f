package geo

import "math"

// The geohash grid in radians.
const (
	lonStep  = (LonMax - LonMin) * radian / cells
	latStep  = (LatMax - LatMin) * radian / cells
	latFirst = LatMin * radian
)

// Cells measures the distances of a shape's centre to the cells of the geohash grid, that is, to their centres, as all
// commands do. It ranks them by the haversine term, and knows which lie in the shape. It is what package zset
// searches sets of geohashes by, but for what to do with the members.
type Cells struct {
	shape  Shape
	pole   Pole
	x, y   float64 // the centre in cells
	gate   Gate    // of the shape
	within float64 // of a circle: a place of a lower rank is in it for sure
	reach  float64 // no place in the shape has a higher rank
}

// NewCells is the metric of a shape; a circle of infinite radius is everywhere.
func NewCells(s *Shape) Cells {
	c := Cells{shape: *s, pole: NewPole(s.lon, s.lat), gate: Open, within: 1, reach: 1}
	c.x, c.y = along(s.lon, LonMin, LonMax, cells), along(s.lat, LatMin, LatMax, cells)
	switch s.kind {
	case circle:
		c.within, c.reach = CircleRanks(s.radius)
	case box:
		c.gate = c.boxGate()
	case polygon:
		c.gate = polygonGate(s.polygon)
	}
	return c
}

// Reach is the greatest rank that a place in the shape may have.
func (c *Cells) Reach() float64 { return c.reach }

// Seed is the code of the cell that the centre is in.
func (c *Cells) Seed() uint64 { return Interleave(number(c.x), number(c.y)) }

// number is the cell number at a place of an axis, the nearest one for places beside it.
func number(at float64) uint32 {
	if !(at > 0) {
		return 0
	}
	return uint32(min(at, cells))
}

// Gate is a box with every cell that is in the shape, or on its border, and has a rank of at most bound.
func (c *Cells) Gate(bound float64) Gate {
	if bound >= 1 {
		return c.gate
	}
	return c.gate.Meet(c.around(c.pole.Cap(bound)))
}

// around is the gate of what lies at most so many radians to the north or south, and to the east or west. It
// takes in a cell more on each side, for places are the centres of cells, and numbers are rounded.
func (c *Cells) around(lat, lon float64) Gate {
	x0, x1 := c.meridians(lon)
	dy := lat/latStep + 1
	return MakeGate(x0, x1, number(c.y-dy), number(c.y+dy))
}

// meridians are the first and the last cell number of what lies at most so many radians to the east or west. The last is
// below the first if they go over the antimeridian, and the cell number of the antimeridian itself, at the end of
// the axis, is in between then.
func (c *Cells) meridians(lon float64) (x0, x1 uint32) {
	d := lon/lonStep + 1
	if d >= cells/2-2 {
		return 0, cells
	}
	west, east := c.x-d, c.x+d
	switch {
	case west < 1: // what is at 180 degrees is as far as what is at -180
		return number(west + cells - 1), number(east)
	case east >= cells-1:
		return number(west), number(max(east-cells, 0))
	}
	return number(west), number(east)
}

// boxGate is the gate of a box: what lies at most half its height north and south, and as far
// east and west as half its width reaches at the latitude, of those in it, that is nearest to a pole.
func (c *Cells) boxGate() Gate {
	lat := c.shape.height / 2 / EarthRadius * (1 + 1e-12)
	far := min(math.Abs(c.pole.Lat)+lat, LatMax*radian)
	half := c.shape.width / (4 * EarthRadius)
	lon := math.Pi
	if half < math.Pi/2 {
		// The width is the way over the sphere between two places of one latitude: sin(d/2R) = cos(lat) sin(lon/2).
		lon = 2 * asinAbove(math.Sin(half)*(1+1e-12)/math.Cos(far)) * (1 + 1e-12)
	}
	return c.around(lat, lon)
}

// polygonGate is the gate of what lies within the bounds of a polygon, and a cell more on each side.
func polygonGate(p *Polygon) Gate {
	x := func(lon float64) float64 { return along(lon, LonMin, LonMax, cells) }
	y := func(lat float64) float64 { return along(lat, LatMin, LatMax, cells) }
	return MakeGate(number(x(p.MinX)-1), number(x(p.MaxX)+1), number(y(p.MinY)-1), number(y(p.MaxY)+1))
}

// Bound is a lower bound of the haversine terms of the places in the cells x0 to x1 and y0 to y1. Of one cell it is
// the haversine term itself.
func (c *Cells) Bound(x0, x1, y0, y1 uint32) float64 {
	if x0 == x1 && y0 == y1 {
		return c.haversine(x0, y0)
	}
	south, north := float64(y0), float64(y1)+1
	dy := max(0, south-c.y, c.y-north)
	west, east := float64(x0), float64(x1)+1
	dx := 0.0
	if c.x < west {
		dx = min(west-c.x, c.x+cells-east)
	} else if c.x > east {
		dx = min(c.x-east, west+cells-c.x)
	}
	return c.pole.Bound(dy*(latStep/2), max(dx, 0)*(lonStep/2), latFirst+south*latStep, latFirst+north*latStep)
}

// haversine is the haversine term of a cell's place; what is beyond the ends of an axis is at its end.
func (c *Cells) haversine(x, y uint32) float64 {
	dy := min(float64(y)+0.5, cells) - c.y
	dx := math.Abs(min(float64(x)+0.5, cells) - c.x)
	return c.pole.Haversine(dy*(latStep/2), min(dx, cells-dx)*(lonStep/2))
}

// Haversine is the haversine term of a place, +Inf if it is outside of the shape and that is seen at once, as with a circle, or
// if the code is none's: a cell number is beyond the last and the one at the end of the axis.
func (c *Cells) Haversine(code uint64) float64 {
	x, y := Deinterleave(code)
	if x > cells || y > cells {
		return math.Inf(1)
	}
	h := c.haversine(x, y)
	if h > c.within && c.shape.kind == circle && !c.Holds(code) {
		return math.Inf(1)
	}
	return h
}

// Round reports whether all that Haversine tells to be in the shape is in it.
func (c *Cells) Round() bool { return c.shape.kind == circle }

// Holds reports whether a place lies in the shape.
func (c *Cells) Holds(code uint64) bool {
	_, within := c.shape.Distance(Decode(code))
	return within
}

// Exhausted reports whether the shape is [Shape.Exhausted].
func (c *Cells) Exhausted() bool { return c.shape.Exhausted() }

// Distance is the distance of a place in metres.
func (c *Cells) Distance(code uint64) float64 {
	lon, lat := Decode(code)
	return Distance(c.shape.lon, c.shape.lat, lon, lat)
}
