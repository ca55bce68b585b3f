package field

import (
	"math"

	"quarry/store/geo"
	"quarry/store/zset"
)

// globeSpace is the metric of the globe. Rows are ranked by the haversine term, as in sets of geohashes (geo.Cells), but of the exact
// coordinates. In three dimensions the rank is the distance itself, in metres.
type globeSpace struct {
	q      *Query
	pole   geo.Pole
	solid  bool     // three dimensions
	within float64  // a row of a lower rank is in the circle for sure
	gate   geo.Gate // of the query's area
}

// degrees is a rectangle of longitudes and latitudes; west of -180 and east of 180 it goes on around the globe.
type degrees struct{ west, south, east, north float64 }

const radian = math.Pi / 180

// cellDegrees is more than a cell's size, and than what any edge is wrong by.
const cellDegrees = 2 * 360.0 / (1 << 32)

// prepare makes g the metric of q and returns the greatest rank there is in its area.
func (g *globeSpace) prepare(q *Query) float64 {
	*g = globeSpace{q: q, pole: geo.NewPole(q.X, q.Y), solid: q.f.head.shape.Dims == lastDimension, gate: geo.Open, within: 1}
	switch q.Area {
	case Box:
		g.gate = g.gateOf(degreesOf(&q.area))
	case Polygon:
		g.gate = g.gateOf(degrees{q.Polygon.MinX, q.Polygon.MinY, q.Polygon.MaxX, q.Polygon.MaxY})
	case Circle:
		if g.solid {
			return q.Radius
		}
		within, reach := geo.CircleRanks(q.Radius)
		g.within = within
		return reach
	}
	return math.Inf(1)
}

func degreesOf(s *geo.Shape) degrees {
	west, south, east, north := s.Bounds()
	return degrees{west, south, east, north}
}

// gateOf is the gate of a rectangle, and a cell more on each side.
func (g *globeSpace) gateOf(d degrees) geo.Gate {
	grid := &g.q.f.grid
	west, east := d.west-cellDegrees, d.east+cellDegrees
	y0, y1 := grid.y.cell(d.south-cellDegrees), grid.y.cell(d.north+cellDegrees)
	switch {
	case east-west >= 360-2*cellDegrees:
		return geo.MakeGate(0, lastCell, y0, y1)
	case west <= -180: // what is at 180 degrees is as far as what is at -180
		west += 360
	case east >= 180:
		east -= 360
	}
	return geo.MakeGate(grid.x.cell(west), grid.x.cell(east), y0, y1)
}

// Seed implements zset.Space.
func (g *globeSpace) Seed() uint64 { return g.q.f.grid.code(g.q.X, g.q.Y) }

// haversineOf is a haversine term that is not below that of any row with a rank.
func (g *globeSpace) haversineOf(rank float64) float64 {
	if !g.solid {
		return rank
	}
	h := geo.HaversineOf(rank)
	return h + geo.Slack(h)
}

// Gate implements zset.Space.
func (g *globeSpace) Gate(bound float64) geo.Gate {
	h := g.haversineOf(bound)
	if h >= 1 {
		return g.gate
	}
	lat, lon := g.pole.Cap(h)
	lat, lon = lat/radian, lon/radian
	return g.gate.Meet(g.gateOf(degrees{g.q.X - lon, g.q.Y - lat, g.q.X + lon, g.q.Y + lat}))
}

// Bound implements zset.Space.
func (g *globeSpace) Bound(x0, x1, y0, y1 uint32) float64 {
	b := g.q.f.grid.box(x0, x1, y0, y1)
	dy := max(0, b.y0-g.q.Y, g.q.Y-b.y1)
	dx := 0.0
	if g.q.X < b.x0 {
		dx = min(b.x0-g.q.X, g.q.X+360-b.x1)
	} else if g.q.X > b.x1 {
		dx = min(g.q.X-b.x1, b.x0+360-g.q.X)
	}
	h := g.pole.Bound(dy*(radian/2), max(dx, 0)*(radian/2), b.y0*radian, b.y1*radian)
	if !g.solid {
		return h
	}
	return 2 * geo.EarthRadius * math.Asin(math.Sqrt(max(0, h-geo.Slack(h)))) * almost
}

// Rank implements zset.Space.
func (g *globeSpace) Rank(_ uint64, r *zset.Row) float64 {
	if g.solid {
		return g.metres(r)
	}
	v := view{r.Value}
	h := g.pole.Haversine((v.y()-g.q.Y)*(radian/2), (v.x()-g.q.X)*(radian/2))
	if h > g.within && g.q.Area == Circle && g.metres(r) > g.q.Radius {
		return math.Inf(1)
	}
	return h
}

// Slack implements zset.Space.
func (g *globeSpace) Slack(rank float64) float64 {
	if g.solid {
		return rank * 0x1p-50 // what is apart in metres may be equal in another unit
	}
	return geo.Slack(rank)
}

// metres is the distance of a row in metres.
func (g *globeSpace) metres(r *zset.Row) float64 {
	v := view{r.Value}
	d := geo.Distance(g.q.X, g.q.Y, v.x(), v.y())
	if g.solid {
		return euclid(d, v.z()-g.q.Z, 0)
	}
	return d
}

// Distance implements zset.Space.
func (g *globeSpace) Distance(_ uint64, r *zset.Row) float64 { return g.metres(r) / g.q.Unit }

// Admits implements zset.Space.
func (g *globeSpace) Admits(h *zset.Hit) bool { return g.q.admits(h, g.Distance) }
