package field

import (
	"math"

	"quarry/store/geo"
	"quarry/store/zset"
)

// planeSpace is the metric of a plane. The distance itself is the rank: one square root costs less than to
// settle what squares, which may overflow and lose small differences, leave open.
type planeSpace struct {
	q    *Query
	area box // of the query
}

// almost makes a lower bound of what was computed in another order.
const almost = 1 - 0x1p-50

// euclid is the length of a vector. No product is fused with a sum, so that it is the same on all processors, and it never falls as
// one of the numbers grows, as long as their squares are in range.
func euclid(dx, dy, dz float64) float64 {
	s := float64(dx*dx) + float64(dy*dy) + float64(dz*dz)
	if s > 1e-280 && s < 1e300 {
		return math.Sqrt(s)
	}
	m := max(math.Abs(dx), math.Abs(dy), math.Abs(dz))
	if m == 0 {
		return 0
	}
	dx, dy, dz = dx/m, dy/m, dz/m
	return m * math.Sqrt(float64(dx*dx)+float64(dy*dy)+float64(dz*dz))
}

// around is the box of what is at most so far away along each axis, a little wider than that.
func (p *planeSpace) around(dx, dy float64) box {
	padX, padY := (math.Abs(p.q.X)+dx)*0x1p-50, (math.Abs(p.q.Y)+dy)*0x1p-50
	return box{p.q.X - dx - padX, p.q.Y - dy - padY, p.q.X + dx + padX, p.q.Y + dy + padY}
}

// prepare makes p the metric of q and returns the greatest distance there is in its area.
func (p *planeSpace) prepare(q *Query) float64 {
	p.q = q
	all := box{-coordinateMax, -coordinateMax, coordinateMax, coordinateMax}
	switch q.Area {
	case Circle:
		p.area = all
		return q.Radius
	case Box:
		p.area = p.around(q.Width/2, q.Height/2)
	case Polygon:
		p.area = box{q.Polygon.MinX, q.Polygon.MinY, q.Polygon.MaxX, q.Polygon.MaxY}
	default:
		p.area = all
	}
	return math.Inf(1)
}

// Seed implements zset.Space.
func (p *planeSpace) Seed() uint64 { return p.q.f.grid.code(p.q.X, p.q.Y) }

// Gate implements zset.Space.
func (p *planeSpace) Gate(bound float64) geo.Gate {
	b := p.around(bound, bound)
	b = box{max(b.x0, p.area.x0), max(b.y0, p.area.y0), min(b.x1, p.area.x1), min(b.y1, p.area.y1)}
	if b.x0 > b.x1 || b.y0 > b.y1 { // they do not meet
		return geo.Gate{XLo: 1, YLo: 1}
	}
	return p.q.f.grid.gate(b)
}

// Bound implements zset.Space.
func (p *planeSpace) Bound(x0, x1, y0, y1 uint32) float64 {
	b := p.q.f.grid.box(x0, x1, y0, y1)
	dx := max(0, b.x0-p.q.X, p.q.X-b.x1)
	dy := max(0, b.y0-p.q.Y, p.q.Y-b.y1)
	return euclid(dx, dy, 0) * almost
}

// Rank implements zset.Space.
func (p *planeSpace) Rank(code uint64, r *zset.Row) float64 { return p.Distance(code, r) }

// Slack implements zset.Space.
func (p *planeSpace) Slack(float64) float64 { return 0 }

// Distance implements zset.Space.
func (p *planeSpace) Distance(_ uint64, r *zset.Row) float64 {
	v := view{r.Value}
	dz := 0.0
	if p.q.f.head.shape.Dims == lastDimension {
		dz = v.z() - p.q.Z
	}
	return euclid(v.x()-p.q.X, v.y()-p.q.Y, dz)
}

// Admits implements zset.Space.
func (p *planeSpace) Admits(h *zset.Hit) bool { return p.q.admits(h, p.Distance) }
