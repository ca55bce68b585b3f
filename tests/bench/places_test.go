package bench

import (
	"math"
	"sort"
	"strconv"
	"testing"
)

// TestPlaces prints the README's tables of places and draws its picture.
func TestPlaces(t *testing.T) {
	s := newSettings(t)
	p := newPopulations(s.rows)
	t.Run("speed", func(t *testing.T) { s.speed(t, s.places) })
	t.Run("reach", func(t *testing.T) { s.compare(t, reachWorkloads(p)) })
	t.Run("latency", func(t *testing.T) { s.latency(t, s.places) })
	t.Run("crowd", func(t *testing.T) { s.crowd(t, crowdOfPlaces(p)) })
	t.Run("memory", func(t *testing.T) { s.memory(t, p.geo()) })
	t.Run("radius", func(t *testing.T) { s.radius(t, p.places) })
}

// geoKind is a sorted set whose rows were added by GEOADD.
var geoKind = &kind{row: (*generator).geoaddFirst, update: (*generator).geoaddFar, dump: boardKind.dump}

// Where places lie: from 5 degrees east and 45 degrees north, on 1 x 1 degree if there are a
// million of them, so that some 9,000 are within 5 km of one. As many to a square kilometre are
// there always; fewer places take less room.
const (
	millionth = 1_000_000 // the unit of coordinates in this package
	westLon   = 5 * millionth
	southLat  = 45 * millionth
)

// side is that of the square that places lie on, in millionths of a degree.
func side(places int) int { return int(1000 * math.Sqrt(float64(places))) }

func (p populations) geo() []*population { return []*population{p.places, p.towns} }

// uniform says where things are that may be anywhere on a square.
func uniform(west, south, side int) func(n int) (x, y int) {
	return func(n int) (x, y int) {
		return west + int(mix(2*uint64(n))%uint64(side)), south + int(mix(2*uint64(n)+1)%uint64(side))
	}
}

// clustered says where places are that lie in towns: the n-th largest has 1/n as many as the
// largest, normally distributed around a centre that may be anywhere on a square.
func clustered(west, south, side, towns int) func(n int) (x, y int) {
	const spread = 0.03 * millionth
	centre := uniform(west, south, side)
	upTo := make([]float64, towns) // the share of the towns up to each
	sum := 0.0
	for i := range upTo {
		sum += 1 / float64(i+1)
		upTo[i] = sum
	}
	return func(n int) (x, y int) {
		x, y = centre(sort.SearchFloat64s(upTo, sum*fraction(4*uint64(n))))
		distance := spread * math.Sqrt(-2*math.Log(1-fraction(4*uint64(n)+1)))
		sin, cos := math.Sincos(2 * math.Pi * fraction(4*uint64(n)+2))
		return x + int(distance*cos), y + int(distance*sin)
	}
}

// fraction is a number from 0 to below 1 that depends on every bit of n.
func fraction(n uint64) float64 { return float64(mix(n)>>11) / (1 << 53) }

// placesWorkloads are those of places: who is near, and moves. Searches come first, while everything
// is where it was put; those who go anywhere come last.
func placesWorkloads(p populations) []*workload {
	return []*workload{
		{name: "near150m", title: "nearest 10 within 150 m", command: "geosearch", on: p.places, mayMiss: true, next: nearest("150", "m"), targets: map[int]float64{16: 3.5, 1: 2}},
		{name: "near1km", title: "nearest 10 within 1 km", command: "geosearch", on: p.places, open: true, heavy: true, finds: 10, next: nearest("1", "km"), targets: map[int]float64{16: 60, 1: 30}},
		{name: "near5km", title: "nearest 10 within 5 km", command: "geosearch", on: p.places, heavy: true, finds: 10, next: nearest("5", "km"), targets: map[int]float64{16: 800, 1: 800}},
		{name: "all5km", title: "all within 5 km", command: "geosearch", on: p.places, heavy: true, next: (*generator).geosearchAll, targets: map[int]float64{16: 3, 1: 3}},
		{name: "geopos", title: "GEOPOS", command: "geopos", on: p.places, next: (*generator).geopos},
		{name: "geodist", title: "GEODIST", command: "geodist", on: p.places, next: (*generator).geodist},
		{name: "move", title: "GEOADD, moves of some metres", command: "geoadd", on: p.places, open: true, next: (*generator).geoaddNear, targets: map[int]float64{16: 4, 1: 2}},
		{name: "move-far", title: "GEOADD, moves anywhere", command: "geoadd", on: p.places, next: (*generator).geoaddFar, targets: map[int]float64{16: 4, 1: 2}},

		{name: "near150m-towns", title: "nearest 10 within 150 m, in towns", command: "geosearch", on: p.towns, mayMiss: true, next: nearest("150", "m")},
		{name: "near1km-towns", title: "nearest 10 within 1 km, in towns", command: "geosearch", on: p.towns, heavy: true, mayMiss: true, next: nearest("1", "km")},
		{name: "near5km-towns", title: "nearest 10 within 5 km, in towns", command: "geosearch", on: p.towns, heavy: true, mayMiss: true, next: nearest("5", "km")},
		{name: "move-towns", title: "GEOADD, moves of some metres, in towns", command: "geoadd", on: p.towns, next: (*generator).geoaddNear},
		{name: "move-far-towns", title: "GEOADD, moves anywhere, in towns", command: "geoadd", on: p.towns, next: (*generator).geoaddFar},
	}
}

// reachWorkloads are one search with more and more in its reach, up to the whole world.
func reachWorkloads(p populations) []*workload {
	return []*workload{
		{name: "near1km", title: "nearest 10 within 1 km", command: "geosearch", on: p.places, finds: 10, next: nearest("1", "km")},
		{name: "near5km", title: "nearest 10 within 5 km", command: "geosearch", on: p.places, finds: 10, next: nearest("5", "km"), limit: 1.3},
		{name: "nearest", title: "nearest 10 within 22,000 km", command: "geosearch", on: p.places, finds: 10, next: nearest("22000", "km"), limit: 1.3},
		{name: "nearest-hunt", title: "nearest 10, HUNT.NEARBY without a radius", command: "hunt.nearby", on: p.places, finds: 10, next: huntNearest(searchJitter), limit: 1.3},
	}
}

// crowdOfPlaces move and search at once.
func crowdOfPlaces(p populations) []crowd {
	list := placesWorkloads(p)
	move, search := named(list, "move"), named(list, "near1km")
	return []crowd{{"members of a GEO set", move, search}}
}

// named is the workload of that name.
func named(list []*workload, name string) *workload {
	for _, w := range list {
		if w.name == name {
			return w
		}
	}
	panic("bench: no workload " + name)
}

// nearest are searches for the 10 members nearest to somewhere, in a circle.
func nearest(radius, unit string) func(g *generator, dst []byte) []byte {
	circle := appendBulk(appendBulk([]byte("$8\r\nBYRADIUS\r\n"), []byte(radius)), []byte(unit))
	circle = append(circle, "$3\r\nASC\r\n$5\r\nCOUNT\r\n$2\r\n10\r\n"...)
	return func(g *generator, dst []byte) []byte {
		dst = g.appendKey(append(dst, "*11\r\n$9\r\nGEOSEARCH\r\n"...), g.key())
		dst = append(dst, "$10\r\nFROMLONLAT\r\n"...)
		return append(g.appendNear(dst, g.place(), searchJitter), circle...)
	}
}

// geosearchAll asks for all members within 5 km of somewhere, in no order.
func (g *generator) geosearchAll(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*8\r\n$9\r\nGEOSEARCH\r\n"...), g.key())
	dst = append(dst, "$10\r\nFROMLONLAT\r\n"...)
	dst = g.appendNear(dst, g.place(), searchJitter)
	return append(dst, "$8\r\nBYRADIUS\r\n$1\r\n5\r\n$2\r\nkm\r\n"...)
}

func (g *generator) geopos(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*3\r\n$6\r\nGEOPOS\r\n"...), g.key())
	return g.appendMember(dst, g.place())
}

func (g *generator) geodist(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*4\r\n$7\r\nGEODIST\r\n"...), g.key())
	return g.appendMember(g.appendMember(dst, g.place()), g.place())
}

// How far from where a member is at first there is a search, and where it moves to: in millionths of a
// degree, of which nine are a metre.
const (
	searchJitter = 1000
	moveJitter   = 50
)

// geoaddNear moves a random member by some metres.
func (g *generator) geoaddNear(dst []byte) []byte {
	n := g.place()
	return g.appendMember(g.appendNear(g.appendGeoadd(dst, g.key()), n, moveJitter), n)
}

// geoaddFar moves a random member to where another one may be.
func (g *generator) geoaddFar(dst []byte) []byte {
	dst = g.appendNear(g.appendGeoadd(dst, g.key()), g.place(), moveJitter)
	return g.appendMember(dst, g.place())
}

// geoaddFirst adds member n where it is at first.
func (g *generator) geoaddFirst(dst []byte, key, n int) []byte {
	return g.appendMember(g.appendNear(g.appendGeoadd(dst, key), n, 0), n)
}

func (g *generator) appendGeoadd(dst []byte, key int) []byte {
	return g.appendKey(append(dst, "*5\r\n$6\r\nGEOADD\r\n"...), key)
}

// appendNear appends coordinates that differ by jitter at most from those of member n at first.
func (g *generator) appendNear(dst []byte, n, jitter int) []byte {
	x, y := g.on.at(n)
	if jitter > 0 {
		x, y = x+g.random.IntN(2*jitter+1)-jitter, y+g.random.IntN(2*jitter+1)-jitter
	}
	return appendBulkMillionths(appendBulkMillionths(dst, x), y)
}

// appendBulkMillionths appends a number of millionths with its six digits behind the point as a bulk
// string.
func appendBulkMillionths(dst []byte, n int) []byte {
	var digits [24]byte
	b := digits[:0]
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = append(strconv.AppendInt(b, int64(n/millionth), 10), '.')
	return appendBulk(dst, appendPadded(b, n%millionth, 6))
}

func TestMillionths(t *testing.T) {
	for n, want := range map[int]string{
		0: "0.000000", 1: "0.000001", -1: "-0.000001", 5_000_000: "5.000000", 45_123_456: "45.123456", -180_500_000: "-180.500000",
	} {
		if got := string(appendBulkMillionths(nil, n)); got != string(appendBulk(nil, []byte(want))) {
			t.Errorf("%d: %q, want %s", n, got, want)
		}
	}
}

// A million places are on 1 x 1 degree, evenly; in towns, most are close to many others.
func TestPlacesLieWhereTheyShould(t *testing.T) {
	const places = 1_000_000
	if got := side(places); got != millionth {
		t.Errorf("a million places lie on %d millionths of a degree", got)
	}
	p := newPopulations(places)
	// share is how many of the places lie in the fullest tenth of a hundred equal parts.
	share := func(at func(int) (int, int)) float64 {
		parts, inside := make([]int, 100), 0
		for n := 0; n < places; n += 10 {
			x, y := at(n)
			if x, y = x-westLon, y-southLat; x >= 0 && x < millionth && y >= 0 && y < millionth {
				parts[x/(millionth/10)*10+y/(millionth/10)]++
				inside++
			}
		}
		if inside < places/10*8/10 {
			t.Errorf("%d of %d places are inside", inside, places/10)
		}
		sort.Sort(sort.Reverse(sort.IntSlice(parts)))
		sum := 0
		for _, n := range parts[:10] {
			sum += n
		}
		return float64(sum) / float64(inside)
	}
	if got := share(p.places.at); got > 0.11 {
		t.Errorf("%.2f of the places lie in a tenth of the square", got)
	}
	if got := share(p.towns.at); got < 0.3 {
		t.Errorf("%.2f of the places of towns lie in a tenth of the square", got)
	}
}
