package geo

import "slices"

// MaxVertices is how many vertices a polygon may have.
const MaxVertices = 10_000

// Polygon is a polygon in the plane: the last vertex is joined to the first. It may be anything that vertices describe:
//
//   - Inside is what a ray to the right leaves through an odd number of edges. Where edges cross, what is wound around twice is outside:
//     the middle of a pentagram is.
//   - Of its border the left and lower sides belong to it, so that polygons that share a border share no place.
//     A rectangle from (0, 0) to (1, 1) has (0, 0) and has not (1, 1).
//   - One without area, all of whose vertices are equal or on a line, holds nothing.
//
// On the globe x is the longitude and y the latitude, both in degrees, and edges are straight in these: none goes over the
// antimeridian, and a shape that does is two polygons.
type Polygon struct {
	vertices []Point

	// MinX to MaxY are the bounds of the vertices.
	MinX, MinY, MaxX, MaxY float64

	// The edges by the y they span: strip i of height has those in edges[starts[i]:starts[i+1]]. Edge k goes
	// from the vertex before k to k.
	starts []int32
	edges  []int32
	height float64 // of a strip; 0: there is one

	spent int // edges looked at, without those that are free
}

// Point is a place in the plane.
type Point struct{ X, Y float64 }

// NewPolygon makes a polygon of at least 3 and at most MaxVertices vertices, which it keeps. Their coordinates are finite, and differ by finite numbers.
func NewPolygon(vertices []Point) *Polygon {
	first := vertices[0]
	p := &Polygon{vertices: vertices, MinX: first.X, MaxX: first.X, MinY: first.Y, MaxY: first.Y}
	for _, v := range vertices[1:] {
		p.MinX, p.MaxX = min(p.MinX, v.X), max(p.MaxX, v.X)
		p.MinY, p.MaxY = min(p.MinY, v.Y), max(p.MaxY, v.Y)
	}
	p.cut()
	return p
}

// Vertices are the vertices, which must not be changed.
func (p *Polygon) Vertices() []Point { return p.vertices }

// Centre is the mean of the vertices.
func (p *Polygon) Centre() Point {
	var c Point
	n := float64(len(p.vertices))
	for _, v := range p.vertices {
		c.X += v.X / n
		c.Y += v.Y / n
	}
	return c
}

// One place may have to be compared with thousands of edges, where most of a polygon's are about as high as itself, and there may be millions of
// places. The first freeEdges of each place count nothing, of others there are maxEdges: it takes less than a second to look at them.
const (
	freeEdges = 64
	maxEdges  = 1 << 26
)

// Exhausted reports whether so much has been asked of the polygon that it answers no more: it contains nothing any longer. Whoever
// asks of many places must look at it in the end.
func (p *Polygon) Exhausted() bool { return p.spent > maxEdges }

// Contains reports whether a place lies in the polygon. It looks at few edges, unless most of them are about as high as the
// polygon. It counts what it has looked at: a polygon is for one search.
func (p *Polygon) Contains(x, y float64) bool {
	if !(p.MinX <= x && x <= p.MaxX && p.MinY <= y && y <= p.MaxY) || p.Exhausted() {
		return false
	}
	i := p.strip(y)
	edges := p.edges[p.starts[i]:p.starts[i+1]]
	p.spent += max(len(edges)-freeEdges, 0)
	inside := false
	for _, k := range edges {
		if b := &p.vertices[k]; crosses(b, p.before(k), x, y) {
			inside = !inside
		}
	}
	return inside
}

// crosses reports whether a ray from (x, y) to the right meets the edge from a to b, which has its lower end and not its upper one.
func crosses(a, b *Point, x, y float64) bool {
	return (a.Y > y) != (b.Y > y) && x < float64((b.X-a.X)*(y-a.Y)/(b.Y-a.Y))+a.X
}

// before is the vertex before k.
func (p *Polygon) before(k int32) *Point {
	if k == 0 {
		k = int32(len(p.vertices))
	}
	return &p.vertices[k-1]
}

// strip is the strip that has a y between MinY and MaxY.
func (p *Polygon) strip(y float64) int {
	if p.height == 0 {
		return 0
	}
	return min(int((y-p.MinY)/p.height), len(p.starts)-2)
}

// cut cuts the polygon into as many strips as make it worth it: the edges must be in few of them.
func (p *Polygon) cut() {
	most := 4 * len(p.vertices)
	for n := len(p.vertices); ; n /= 2 {
		if n < 4 {
			n = 1
		}
		p.height = 0
		p.starts = slices.Grow(p.starts[:0], n+1)[:n+1]
		if n > 1 {
			p.height = (p.MaxY - p.MinY) / float64(n)
		}
		if n == 1 || p.height > 0 && p.countEdges(most) {
			break
		}
	}
	p.fill()
}

// spans calls fn with each edge and the first and last strip it is in, until it returns false. Those that are level are in none: no ray meets them.
func (p *Polygon) spans(fn func(k int32, first, last int) bool) {
	for k := range p.vertices {
		a, b := p.vertices[k].Y, p.before(int32(k)).Y
		if a != b && !fn(int32(k), p.strip(min(a, b)), p.strip(max(a, b))) {
			return
		}
	}
}

// countEdges reports whether the strips have at most so many edges together.
func (p *Polygon) countEdges(most int) bool {
	p.spans(func(_ int32, first, last int) bool {
		most -= last - first + 1
		return most >= 0
	})
	return most >= 0
}

// fill sorts the edges into their strips.
func (p *Polygon) fill() {
	clear(p.starts)
	total := int32(0)
	p.spans(func(_ int32, first, last int) bool {
		for i := first; i <= last; i++ {
			p.starts[i]++
			total++
		}
		return true
	})
	// From counts to ends, which filling from behind turns into starts.
	for i, n := range p.starts[1:] {
		p.starts[i+1] = p.starts[i] + n
	}
	p.edges = make([]int32, total)
	p.spans(func(k int32, first, last int) bool {
		for i := first; i <= last; i++ {
			p.starts[i]--
			p.edges[p.starts[i]] = k
		}
		return true
	})
}
