package field

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"quarry/store/zset"
)

// TestSearchesBesideEdges: searches around places that lie closely about the antimeridian, the poles, and the edges of cells, as far as to
// a member exactly, which one cell too few would miss.
func TestSearchesBesideEdges(t *testing.T) {
	for _, s := range []Shape{{Space: Geo, Dims: 2}, {Space: Geo, Dims: 3}, {Dims: 2}, {Dims: 2, Bounded: true, Bounds: Bounds{-8, -8, 8, 8}}} {
		k := newKit(t)
		d := &drawer{newRand(t), s}
		m := k.create(s, true)
		anchors := [][2]float64{{180, 0}, {180, 60}, {0, 90}, {0, -90}, {180, 89.99}, {-77, 12}, {0, 0}}
		if s.Space == Plane {
			anchors = [][2]float64{{0, 0}, {1, 1}, {-4, 2}, {8, 8}, {-8, 0.5}}
		}
		near := func(c, end float64) float64 {
			unit := m.f.grid.y.unit
			if s.Space == Geo && end == 180 {
				unit = m.f.grid.x.unit
			} else if s.Space == Plane && !s.Bounded {
				unit = 0x1p-20
			}
			c += float64(d.IntN(9)-4) * unit * []float64{0, 1, 1, 1000, 1e6}[d.IntN(5)]
			for range d.IntN(3) {
				c = math.Nextafter(c, float64(d.IntN(3)-1)*1e9)
			}
			if s.Space == Geo && end == 180 && c > 180 {
				c -= 360
			}
			return clamp(c, -end, end)
		}
		place := func(a [2]float64) (x, y, z float64) {
			endX, endY := 180.0, 90.0
			if s.Space == Plane {
				endX, endY = 8, 8
			}
			if x, y = near(a[0], endX), near(a[1], endY); s.Space == Geo && math.Abs(a[1]) > 89 && d.chance(2) {
				x = 360*d.Float64() - 180
			}
			if s.Dims == 3 {
				z = float64(d.IntN(3))
			}
			return x, y, z
		}
		for i := range 700 {
			x, y, z := place(anchors[d.IntN(len(anchors))])
			m.put(fmt.Sprint(i), x, y, z, &Change{})
		}
		var n zset.Near
		members := m.members()
		for range 700 {
			a := anchors[d.IntN(len(anchors))]
			q := &Query{Unit: 1, Area: Circle}
			q.X, q.Y, q.Z = place(a)
			r := m.rows[members[d.IntN(len(members))]]
			for i := 0; i < 20 && m.distance(q, r) > 1e6; i++ {
				r = m.rows[members[d.IntN(len(members))]]
			}
			q.Radius = m.distance(q, r)
			if d.chance(3) {
				q.Area, q.Width, q.Height = Box, 2*q.Radius, 2*q.Radius
				if s.Space == Plane {
					q.Width, q.Height = 2*math.Abs(r.x-q.X), 2*math.Abs(r.y-q.Y)
				}
			}
			want := m.want(q, nil)
			if got := m.search(&n, q, 0, nil); !slices.Equal(got, want) {
				t.Fatalf("%+v: area %d at %v %v %v, radius %v, %v x %v: %d rows, want %d", s, q.Area, q.X, q.Y, q.Z, q.Radius, q.Width, q.Height, len(got), len(want))
			}
			c := 1 + d.IntN(len(want)+1)
			if got := m.search(&n, q, c, nil); !slices.Equal(got, want[:min(c, len(want))]) {
				t.Fatalf("%+v: the nearest %d in area %d at %v %v %v, radius %v, %v x %v are wrong", s, c, q.Area, q.X, q.Y, q.Z, q.Radius, q.Width, q.Height)
			}
		}
		k.close()
	}
}

// TestEuclidRises: made a little smaller, a length is not above that of a longer vector, also where one is computed with squares
// and the other without.
func TestEuclidRises(t *testing.T) {
	r := newRand(t)
	for range 300_000 {
		scale := []float64{1e-140, 1e150, 1, 1e-300, 1e300 / 4}[r.IntN(5)]
		x, y := scale*(r.Float64()+0.3), scale*(r.Float64()+0.3)
		x2 := x
		for range r.IntN(4) {
			x2 = math.Nextafter(x2, math.Inf(1))
		}
		if a, b := euclid(x, y, 0)*almost, euclid(x2, y, scale*float64(r.IntN(2))*1e-12); a > b {
			t.Fatalf("%v %v: %v > %v", x, y, a, b)
		}
	}
}
