package geo

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Distances of Redis 7.0.15 between the ends of what can be hashed, and others.
func TestDistances(t *testing.T) {
	for _, c := range []struct{ lon1, lat1, lon2, lat2, want float64 }{
		{0, 0, 0, 0, 0},
		{10, -45, 10, 45, math.Pi / 2 * EarthRadius},
		{0, 0, 90, 0, math.Pi / 2 * EarthRadius},
		{-90, 0, 90, 0, math.Pi * EarthRadius},
		{-180, 12, 180, 12, 0},
		{179, 0, -179, 0, math.Pi / 90 * EarthRadius},
		{20, 90, -70, 90, 0},
		{20, 90, 20, -90, math.Pi * EarthRadius},
	} {
		if got := Distance(c.lon1, c.lat1, c.lon2, c.lat2); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// Antipodes have a distance, whatever rounding makes of them, and it is the same both ways.
func TestDistancesAreNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	const half = math.Pi * EarthRadius
	for range 200_000 {
		lon, lat := somewhere(rng)
		far := Distance(lon, lat, lon+180, -lat)
		if !(math.Abs(far-half) < 1) {
			t.Fatalf("the antipode of %v,%v is %v m away", lon, lat, far)
		}
		lon2, lat2 := somewhere(rng)
		there, back := Distance(lon, lat, lon2, lat2), Distance(lon2, lat2, lon, lat)
		if !(0 <= there && there <= half) || math.Abs(there-back) > 1e-6 {
			t.Fatalf("from %v,%v to %v,%v it is %v m, and back %v", lon, lat, lon2, lat2, there, back)
		}
	}
}

func TestMetres(t *testing.T) {
	for unit, want := range map[string]float64{"m": 1, "KM": 1000, "Ft": 0.3048, "mi": 1609.34} {
		if got, ok := Metres([]byte(unit)); !ok || got != want {
			t.Errorf("%s: %v, %t", unit, got, ok)
		}
	}
	if _, ok := Metres([]byte("mm")); ok {
		t.Error("mm is a unit")
	}
}
