package geo

import (
	"math"
	"math/rand/v2"
	"testing"
)

// anywhere is a place, often at the ends of the axes or near other ones.
func anywhere(r *rand.Rand) (lon, lat float64) {
	lon, lat = r.Float64()*360-180, (r.Float64()*2-1)*LatMax
	switch r.IntN(8) {
	case 0:
		lon = []float64{LonMin, LonMax, 0}[r.IntN(3)]
	case 1:
		lat = []float64{LatMin, LatMax, 0}[r.IntN(3)]
	case 2:
		lon = math.Copysign(180-r.Float64()*1e-3, lon)
	case 3:
		lat = math.Copysign(LatMax-r.Float64()*1e-3, lat)
	}
	return lon, lat
}

// near is a place at a random distance from another, of any order of magnitude.
func near(r *rand.Rand, lon, lat float64) (float64, float64) {
	d := math.Pow(10, r.Float64()*9-7)
	lon += (r.Float64()*2 - 1) * d
	if lon > 180 {
		lon -= 360
	} else if lon < -180 {
		lon += 360
	}
	return min(max(lon, LonMin), LonMax), min(max(lat+(r.Float64()*2-1)*d, LatMin), LatMax)
}

// TestHaversineOrders: ranks order places as the literal distances do, up to Slack.
func TestHaversineOrders(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 200_000 {
		lon, lat := anywhere(r)
		s := Circle(lon, lat, math.Inf(1))
		c := NewCells(&s)
		alon, alat := near(r, lon, lat)
		blon, blat := near(r, alon, alat)
		a, b := Encode(alon, alat), Encode(blon, blat)
		ha, hb := c.Haversine(a), c.Haversine(b)
		if ha-hb > Slack(ha) && !(c.Distance(a) > c.Distance(b)) {
			t.Fatalf("from (%v, %v): h %v, %v m before h %v, %v m", lon, lat, ha, c.Distance(a), hb, c.Distance(b))
		}
	}
}

// TestBounds: no place of a box is nearer than its bound, and every place within a bound, or in a shape, passes the gate.
func TestBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 200_000 {
		lon, lat := anywhere(r)
		size := math.Pow(10, r.Float64()*9)
		var s Shape
		switch r.IntN(3) {
		case 0:
			s = Circle(lon, lat, size)
		case 1:
			s = Box(lon, lat, size, size*math.Pow(10, r.Float64()*4-2))
		default:
			v := make([]Point, 3+r.IntN(4))
			for i := range v {
				v[i].X, v[i].Y = near(r, lon, lat)
			}
			s = Area(NewPolygon(v))
			lon, lat = s.Centre()
		}
		c := NewCells(&s)
		plon, plat := near(r, lon, lat)
		code := Encode(plon, plat)
		x, y := Deinterleave(code)
		h := c.haversine(x, y)
		w, e, n := uint32(1)<<r.IntN(26), uint32(1)<<r.IntN(26), uint32(1)<<r.IntN(26)
		lb := c.Bound(x-min(x, w), min(x+e, cells), y-min(y, n), min(y+w, cells))
		if lb > h {
			t.Fatalf("from (%v, %v): h %v in a box with the bound %v", lon, lat, h, lb)
		}
		if g := c.Gate(h); c.Holds(code) && !g.Passes(code) {
			t.Fatalf("from (%v, %v): (%v, %v) with h %v is not in %+v of %+v", lon, lat, plon, plat, h, g, s)
		}
		if got := c.Haversine(code); c.Holds(code) && !(got <= c.Reach()) {
			t.Fatalf("from (%v, %v): (%v, %v) with h %v is beyond %v", lon, lat, plon, plat, got, c.Reach())
		}
	}
}
