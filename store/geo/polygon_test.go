package geo

import (
	"math"
	"math/rand/v2"
	"testing"
)

// naive is Contains that looks at every edge.
func (p *Polygon) naive(x, y float64) (inside bool) {
	for i := range p.vertices {
		if crosses(&p.vertices[i], p.before(int32(i)), x, y) {
			inside = !inside
		}
	}
	return inside
}

func polygonOf(xy ...float64) *Polygon {
	var vertices []Point
	for i := 0; i < len(xy); i += 2 {
		vertices = append(vertices, Point{xy[i], xy[i+1]})
	}
	return NewPolygon(vertices)
}

func TestPolygonContains(t *testing.T) {
	square := polygonOf(0, 0, 1, 0, 1, 1, 0, 1)
	bow := polygonOf(0, 0, 2, 2, 2, 0, 0, 2)
	hook := polygonOf(0, 0, 4, 0, 4, 4, 3, 4, 3, 1, 0, 1)
	// Every other vertex of a pentagon after the other: the middle is wound around twice.
	var star []float64
	for i := range 5 {
		angle := 4 * math.Pi / 5 * float64(i)
		star = append(star, math.Sin(angle), math.Cos(angle))
	}
	pentagram := polygonOf(star...)
	for _, c := range []struct {
		name string
		p    *Polygon
		x, y float64
		want bool
	}{
		{"square", square, 0.5, 0.5, true}, {"square", square, 1.5, 0.5, false}, {"square", square, -0.5, 0.5, false},
		{"square's left side", square, 0, 0.5, true}, {"square's lower side", square, 0.5, 0, true},
		{"square's right side", square, 1, 0.5, false}, {"square's upper side", square, 0.5, 1, false},
		{"square's corner", square, 0, 0, true}, {"square's other corner", square, 1, 1, false},
		{"clockwise square", polygonOf(0, 0, 0, 1, 1, 1, 1, 0), 0.5, 0.5, true},
		{"bow", bow, 0.1, 1, true}, {"bow", bow, 1.9, 1, true}, {"bow", bow, 1, 0.5, false}, {"bow", bow, 1, 1.5, false},
		{"hook", hook, 2, 0.5, true}, {"hook", hook, 2, 2, false}, {"hook", hook, 3.5, 3, true},
		{"pentagram", pentagram, 0, 0, false}, {"pentagram", pentagram, 0, 0.6, true}, {"pentagram", pentagram, 0, -0.9, false},
		{"point", polygonOf(1, 1, 1, 1, 1, 1), 1, 1, false}, {"line", polygonOf(0, 0, 1, 1, 2, 2), 1, 1, false},
		{"level line", polygonOf(0, 1, 1, 1, 2, 1), 1, 1, false}, {"there and back", polygonOf(0, 0, 1, 1, 2, 3, 1, 1), 1, 1, false},
		{"square with each vertex twice", polygonOf(0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 1, 0, 1), 0.5, 0.5, true},
	} {
		if got := c.p.Contains(c.x, c.y); got != c.want {
			t.Errorf("%s, %v,%v: %t", c.name, c.x, c.y, got)
		}
	}
	if c := square.Centre(); c != (Point{0.5, 0.5}) {
		t.Errorf("the square's centre is %v", c)
	}
}

// Strips leave out nothing that a look at all edges finds.
func TestPolygonStrips(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	inside := 0
	for i := range 3000 {
		n := 3 + rng.IntN(8)
		if i%10 == 0 {
			n = 3 + rng.IntN(1000)
		}
		vertices := make([]Point, n)
		for k := range vertices {
			switch rng.IntN(3) {
			case 0: // on a grid, where edges meet and are level
				vertices[k] = Point{float64(rng.IntN(5)), float64(rng.IntN(5))}
			case 1:
				vertices[k] = Point{rng.Float64() * 5, rng.Float64() * 5}
			default: // most of it far away
				vertices[k] = Point{rng.NormFloat64(), rng.NormFloat64() * rng.NormFloat64() * 3}
			}
		}
		p := NewPolygon(vertices)
		if len(p.edges) > 4*n {
			t.Fatalf("%d vertices: %d edges in strips", n, len(p.edges))
		}
		for range 50 {
			at := Point{rng.NormFloat64() * 5, rng.NormFloat64() * 5}
			if rng.IntN(4) == 0 {
				at = Point{float64(rng.IntN(5)), vertices[rng.IntN(n)].Y}
			}
			got := p.Contains(at.X, at.Y)
			if got != p.naive(at.X, at.Y) {
				t.Fatalf("%v, %v: %t", vertices, at, got)
			}
			if got {
				inside++
			}
		}
	}
	if inside < 10_000 {
		t.Errorf("only %d places were inside", inside)
	}
}

// The centre of a polygon on the globe is seen from the middle of the earth, and is a number whatever the vertices are.
func TestCentreOfArea(t *testing.T) {
	for _, c := range []struct {
		p        *Polygon
		lon, lat float64
	}{
		{polygonOf(-10, -10, 10, -10, 10, 10, -10, 10), 0, 0},
		{polygonOf(80, 0, 100, 0, 100, 0), 93.28, 0},
		{polygonOf(-180, 80, -60, 80, 60, 80), 0, 90},
		{polygonOf(0, 0, 180, 0, 0, 0, 180, 0), 0, 0},
	} {
		s := Area(c.p)
		lon, lat := s.Centre()
		if math.Abs(lat-c.lat) > 0.01 || math.Abs(lat) < 89 && c.p.MaxX < 180 && math.Abs(lon-c.lon) > 0.1 || math.IsNaN(lon) {
			t.Errorf("the centre of %v is %v,%v, want %v,%v", c.p.Vertices(), lon, lat, c.lon, c.lat)
		}
	}
}

// FuzzPolygon makes vertices and a place of bytes, each a coordinate, and compares strips with all edges.
func FuzzPolygon(f *testing.F) {
	f.Add([]byte{1, 1, 0, 0, 2, 0, 2, 2, 0, 2})
	f.Add([]byte{1, 1, 0, 0, 2, 2, 2, 0, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 8 {
			return
		}
		var vertices []Point
		for i := 2; i+1 < len(b); i += 2 {
			vertices = append(vertices, Point{float64(b[i]), float64(b[i+1])})
		}
		p := NewPolygon(vertices)
		x, y := float64(b[0]), float64(b[1])
		if got := p.Contains(x, y); got != p.naive(x, y) {
			t.Errorf("%v, %v,%v: %t", vertices, x, y, got)
		}
	})
}
