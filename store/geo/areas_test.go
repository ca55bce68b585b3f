package geo

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// somewhere draws a place: anywhere, near a pole, near or on the antimeridian or another end.
func somewhere(rng *rand.Rand) (lon, lat float64) {
	lon, lat = rng.Float64()*360-180, rng.Float64()*170-85
	switch rng.IntN(8) {
	case 0:
		lat = LatMax - rng.Float64()*rng.Float64()*3
	case 1:
		lat = LatMin + rng.Float64()*rng.Float64()*3
	case 2:
		lon = LonMax - rng.Float64()*rng.Float64()
	case 3:
		lon = LonMin + rng.Float64()*rng.Float64()
	case 4:
		lon = LonMax
	case 5:
		lat = []float64{LatMin, LatMax, 0}[rng.IntN(3)]
	}
	return lon, lat
}

// length draws metres, from a few to more than once around the earth.
func length(rng *rand.Rand) float64 {
	if rng.IntN(30) == 0 {
		return []float64{0, math.Inf(1), math.Pi * EarthRadius, math.Pi / 2 * EarthRadius}[rng.IntN(4)]
	}
	return math.Pow(10, rng.Float64()*6.8+1)
}

func anyShape(rng *rand.Rand) Shape {
	lon, lat := somewhere(rng)
	switch rng.IntN(3) {
	case 0:
		return Circle(lon, lat, length(rng))
	case 1:
		return Box(lon, lat, length(rng), length(rng))
	}
	size := length(rng) / 1e5
	vertices := make([]Point, 3+rng.IntN(6))
	for i := range vertices {
		vertices[i] = Point{clamp(lon+rng.NormFloat64()*size, LonMin, LonMax), clamp(lat+rng.NormFloat64()*size, LatMin, LatMax)}
	}
	return Area(NewPolygon(vertices))
}

func clamp(f, lo, hi float64) float64 { return min(max(f, lo), hi) }

func (s *Shape) String() string {
	if s.kind == polygon {
		return fmt.Sprintf("polygon %v", s.polygon.Vertices())
	}
	return fmt.Sprintf("%v,%v radius %v, box %v x %v", s.lon, s.lat, s.radius, s.width, s.height)
}

// nearby draws a place that has a chance to be in a shape.
func nearby(rng *rand.Rand, s *Shape) (lon, lat float64) {
	if rng.IntN(3) == 0 {
		return somewhere(rng)
	}
	width, height := s.halves()
	if s.kind == polygon {
		p := s.polygon
		return p.MinX + rng.Float64()*(p.MaxX-p.MinX), p.MinY + rng.Float64()*(p.MaxY-p.MinY)
	}
	far := func(metres float64) float64 { return min(degrees(metres/EarthRadius), 180) * (rng.Float64()*2 - 1) }
	lon = s.lon + far(width)/math.Cos(radians(clamp(s.lat, LatMin, LatMax)))
	lon = math.Mod(lon+540, 360) - 180
	return clamp(lon, LonMin, LonMax), clamp(s.lat+far(height), LatMin, LatMax)
}

// Whatever lies in a shape has its code in one of the areas, or in one of the rest, and in one only.
func TestRangesHoldShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	within, inRest, covered := 0, 0, 0
	const shapes, places = 20_000, 40
	for range shapes {
		s := anyShape(rng)
		ranges, own := s.Ranges(nil)
		areas, rest := ranges[:own], ranges[own:]
		if len(rest) == 0 {
			covered++
		}
		for range places {
			code := Code(float64(Encode(nearby(rng, &s)))) // as a score has it
			if _, ok := s.Distance(Decode(code)); !ok {
				continue
			}
			within++
			holds := func(r Range) bool { return r.From <= code && code < r.To }
			switch a, b := count(areas, holds), count(rest, holds); {
			case a+b != 1:
				lon, lat := Decode(code)
				t.Fatalf("%s: %v,%v (code %d) is in %d areas and %d of the rest\n%v\n%v", &s, lon, lat, code, a, b, areas, rest)
			case b == 1:
				inRest++
			}
		}
	}
	t.Logf("%d places in %d shapes, %d of them not in Redis' areas; %d shapes are covered", within, shapes, inRest, covered)
	if within < 100_000 || inRest < 100 || covered < shapes/2 {
		t.Errorf("%d places, %d of them in the rest, %d shapes covered: the test proves little", within, inRest, covered)
	}
}

func count[T any](list []T, is func(T) bool) (n int) {
	for _, v := range list {
		if is(v) {
			n++
		}
	}
	return n
}

func TestRangesAreApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for range 20_000 {
		s := anyShape(rng)
		ranges, _ := s.Ranges(nil)
		slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
		for i, r := range ranges {
			if r.From >= r.To || i > 0 && ranges[i-1].To > r.From {
				t.Fatalf("%s: %v", &s, ranges)
			}
		}
	}
}

// Nothing is left to look at around a town.
func TestTownsAreCovered(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for range 20_000 {
		lon, lat := rng.Float64()*350-175, rng.Float64()*120-60
		shape := Circle(lon, lat, math.Pow(10, rng.Float64()*5))
		if rng.IntN(2) == 0 {
			shape = Box(lon, lat, math.Pow(10, rng.Float64()*5), math.Pow(10, rng.Float64()*5))
		}
		if ranges, own := shape.Ranges(nil); len(ranges) > own {
			t.Fatalf("%s: %v", &shape, ranges[own:])
		}
	}
}

// TestStepsNearPoles: cells are taken larger from latitudes 66 and 80 on, as Redis does.
func TestStepsNearPoles(t *testing.T) {
	steps := func(lat float64) int {
		s := Circle(10, lat, 5000)
		b := s.redisBounds()
		return s.steps(&b)
	}
	for _, c := range []struct {
		lat  float64
		less int
	}{{66, 0}, {-66, 0}, {66.001, 1}, {-66.001, 1}, {80, 1}, {-80, 1}, {80.001, 2}, {-80.001, 2}} {
		if got, want := steps(c.lat), steps(0)-c.less; got != want {
			t.Errorf("at latitude %v: %d steps, want %d", c.lat, got, want)
		}
	}
}
