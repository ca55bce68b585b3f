package zset

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"quarry/store/geo"
)

// globe is the Space of a geo set in tests, as package commands has one.
type globe struct{ geo.Cells }

func (g *globe) Rank(code uint64, _ *Row) float64     { return g.Haversine(code) }
func (g *globe) Slack(rank float64) float64           { return geo.Slack(rank) }
func (g *globe) Distance(code uint64, _ *Row) float64 { return g.Cells.Distance(code) }
func (g *globe) Admits(h *Hit) bool                   { return g.Round() || g.Holds(h.Code) }

type spot struct{ lon, lat float64 }

// spotKinds are distributions of places, some of them nasty.
var spotKinds = []struct {
	name string
	at   func(r *rand.Rand) spot
}{
	{"uniform over a degree", func(r *rand.Rand) spot { return spot{13 + r.Float64(), 52 + r.Float64()} }},
	{"uniform over the world", func(r *rand.Rand) spot { return spot{r.Float64()*360 - 180, (r.Float64()*2 - 1) * geo.LatMax} }},
	{"clusters", func(r *rand.Rand) spot {
		c := r.IntN(20)
		return clamped(float64(c*17-170)+r.NormFloat64()*0.01, float64(c*7-70)+r.NormFloat64()*0.01)
	}},
	{"poles", func(r *rand.Rand) spot {
		return clamped(r.Float64()*360-180, []float64{-1, 1}[r.IntN(2)]*(84+r.Float64()*1.2))
	}},
	{"antimeridian", func(r *rand.Rand) spot {
		lon := 180 - math.Abs(r.NormFloat64())
		if r.IntN(2) == 0 {
			lon = -lon
		}
		return clamped(lon, r.Float64()*40-20)
	}},
	{"edges", func(r *rand.Rand) spot {
		return spot{[]float64{-180, 180, 0}[r.IntN(3)], []float64{geo.LatMin, geo.LatMax, 0}[r.IntN(3)]}
	}},
	{"all equal", func(*rand.Rand) spot { return spot{2.35, 48.85} }},
	{"few points", func(r *rand.Rand) spot { return spot{float64(r.IntN(3)), float64(r.IntN(3))} }},
	{"a line", func(r *rand.Rand) spot { return spot{r.Float64()*2 - 1, 10} }},
	{"a grid", func(r *rand.Rand) spot { return spot{float64(r.IntN(50)) / 64, float64(r.IntN(50)) / 64} }},
	{"tiny", func(r *rand.Rand) spot { return spot{10 + r.Float64()*1e-5, 20 + r.Float64()*1e-5} }},
}

func clamped(lon, lat float64) spot {
	return spot{min(max(lon, geo.LonMin), geo.LonMax), min(max(lat, geo.LatMin), geo.LatMax)}
}

// found is a row of an answer.
type found struct {
	distance float64
	member   string
}

// bruteNear is the k nearest of the places in a shape, by measuring all; 0: all.
func bruteNear(scores map[string]float64, shape geo.Shape, k int) []found {
	var all []found
	for m, score := range scores {
		if d, in := shape.Distance(geo.Decode(geo.Code(score))); in {
			all = append(all, found{d, m})
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.member, b.member))
	})
	if k > 0 && len(all) > k {
		all = all[:k]
	}
	return all
}

func answer(n *Near, hits []Hit) []found {
	var rows []found
	n.Measure(hits)
	for i := range hits {
		rows = append(rows, found{hits[i].Distance, string(n.AppendMember(nil, &hits[i]))})
	}
	return rows
}

func randomShape(r *rand.Rand, at spot) geo.Shape {
	size := math.Pow(10, r.Float64()*7.5) // to 30,000 km
	switch r.IntN(5) {
	case 0:
		return geo.Circle(at.lon, at.lat, math.Inf(1))
	case 1:
		return geo.Box(at.lon, at.lat, size, size*math.Pow(10, r.Float64()*2-1))
	case 2:
		var v []geo.Point
		for range 3 + r.IntN(6) {
			p := clamped(at.lon+r.NormFloat64()*size/1e5, at.lat+r.NormFloat64()*size/1e5)
			v = append(v, geo.Point{X: p.lon, Y: p.lat})
		}
		return geo.Area(geo.NewPolygon(v))
	}
	return geo.Circle(at.lon, at.lat, size)
}

// TestNear compares searches with measuring every place, over all kinds of places, in sets of all forms, while places move.
func TestNear(t *testing.T) {
	for _, kind := range spotKinds {
		t.Run(kind.name, func(t *testing.T) {
			for _, size := range []int{1, 20, 127, 600, 5000} {
				testNear(t, kind.at, size, uint64(size))
			}
		})
	}
}

func testNear(t *testing.T, at func(*rand.Rand) spot, size int, seed uint64) {
	k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
	defer k.close()
	var set Set
	k.envs[0].Create(&set)
	defer func() { k.envs[0].Free(set.Handle()) }()
	r := rand.New(rand.NewPCG(seed, 7))
	scores := map[string]float64{}
	move := func(i int) {
		p := at(r)
		m := fmt.Sprintf("place:%d", i)
		scores[m] = float64(geo.Encode(p.lon, p.lat))
		set.Add([]byte(m), scores[m], 0)
	}
	for i := range size {
		move(i)
	}
	var n Near
	for round := range 40 {
		from := at(r)
		switch r.IntN(5) {
		case 0: // from where a member is: there may be many that are nearly as far
			for _, score := range scores {
				from.lon, from.lat = geo.Decode(geo.Code(score))
				break
			}
		case 1:
			from = clamped(r.Float64()*360-180, (r.Float64()*2-1)*geo.LatMax)
		}
		shape := randomShape(r, from)
		g := globe{geo.NewCells(&shape)}
		count := []int{1, 3, 10, 100, 1000}[r.IntN(5)]
		hits, err := n.Nearest(&set, &g, count, g.Reach(), 0)
		if err != nil {
			t.Fatal(err)
		}
		same(t, size, round, answer(&n, hits), bruteNear(scores, shape, count))
		hits, err = n.Range(&set, &g, g.Reach(), 0, 0, geo.Range{To: geo.CodeEnd})
		if err != nil {
			t.Fatal(err)
		}
		n.Sort(hits)
		same(t, size, round, answer(&n, hits), bruteNear(scores, shape, 0))
		for range size / 10 {
			i := r.IntN(size)
			if r.IntN(4) == 0 {
				m := fmt.Sprintf("place:%d", i)
				delete(scores, m)
				set.Remove([]byte(m))
				continue
			}
			move(i)
		}
	}
}

func same(t *testing.T, size, round int, got, want []found) {
	t.Helper()
	if !slices.Equal(got, want) {
		i := 0
		for i < len(got) && i < len(want) && got[i] == want[i] {
			i++
		}
		t.Fatalf("of %d, round %d: %d rows, want %d; at %d:\n%v\nwant\n%v", size, round, len(got), len(want), i,
			got[i:min(len(got), i+3)], want[i:min(len(want), i+3)])
	}
}

// benchPlaces is a geo set of n places over a degree, which were added in random order.
func benchPlaces(b *testing.B, n int) *Set {
	_, s := benchSet(b, 0, player)
	r := rand.New(rand.NewPCG(5, 6))
	var buf []byte
	for i := range n {
		buf = player(buf[:0], i)
		s.Add(buf, float64(geo.Encode(13+r.Float64(), 52+r.Float64())), 0)
	}
	return s
}

// BenchmarkNearest searches sets of places over a degree from random places.
func BenchmarkNearest(b *testing.B) {
	for _, rows := range []int{100_000, 1_000_000, 10_000_000} {
		if rows > 1_000_000 && testing.Short() {
			continue
		}
		s := benchPlaces(b, rows)
		r := rand.New(rand.NewPCG(7, 8))
		for _, c := range []struct {
			k      int
			radius float64
		}{{1, math.Inf(1)}, {10, math.Inf(1)}, {100, math.Inf(1)}, {10, 150}, {10, 1000}, {10, 5000}} {
			b.Run(fmt.Sprintf("%d/k=%d/radius=%v", rows, c.k, c.radius), func(b *testing.B) {
				b.ReportAllocs()
				var n Near
				visited, queued := 0, 0
				for b.Loop() {
					shape := geo.Circle(13+r.Float64(), 52+r.Float64(), c.radius)
					g := globe{geo.NewCells(&shape)}
					if _, err := n.Nearest(s, &g, c.k, g.Reach(), 0); err != nil {
						b.Fatal(err)
					}
					visited += n.visited
					queued += len(n.nodes)
				}
				b.ReportMetric(float64(visited)/float64(b.N), "rows/op")
				b.ReportMetric(float64(queued)/float64(b.N), "nodes/op")
			})
		}
	}
}

// BenchmarkRange finds all places of a million in a circle.
func BenchmarkRange(b *testing.B) {
	s := benchPlaces(b, 1_000_000)
	r := rand.New(rand.NewPCG(7, 8))
	for _, radius := range []float64{500, 5000, 20_000} {
		b.Run(fmt.Sprintf("radius=%v", radius), func(b *testing.B) {
			b.ReportAllocs()
			var n Near
			found, visited := 0, 0
			for b.Loop() {
				shape := geo.Circle(13+r.Float64(), 52+r.Float64(), radius)
				g := globe{geo.NewCells(&shape)}
				hits, err := n.Range(s, &g, g.Reach(), 0, 0, geo.Range{To: geo.CodeEnd})
				if err != nil {
					b.Fatal(err)
				}
				found += len(hits)
				visited += n.visited
			}
			b.ReportMetric(float64(visited)/float64(b.N), "rows/op")
			b.ReportMetric(float64(found)/float64(b.N), "hits/op")
		})
	}
}

// TestNearPile searches among many members at one place: from the place and from elsewhere, with some nearer ones.
func TestNearPile(t *testing.T) {
	const rows = 100_000
	k := newKit(t, Limits{})
	defer k.close()
	var set Set
	k.envs[0].Create(&set)
	defer func() { k.envs[0].Free(set.Handle()) }()
	scores := map[string]float64{}
	add := func(m string, lon, lat float64) {
		scores[m] = float64(geo.Encode(lon, lat))
		set.Add([]byte(m), scores[m], 0)
	}
	for i := range rows {
		add(fmt.Sprintf("pile:%d", i*7919%rows), 2.35, 48.85)
	}
	add("aside", 2.36, 48.85)
	add("zzz", 2.3501, 48.85)
	var n Near
	for _, from := range []spot{{2.35, 48.85}, {2.36, 48.85}, {100, -20}, {-177.65, -48.85}} {
		for _, count := range []int{1, 10, 200} {
			shape := geo.Circle(from.lon, from.lat, math.Inf(1))
			g := globe{geo.NewCells(&shape)}
			hits, err := n.Nearest(&set, &g, count, g.Reach(), 0)
			if err != nil {
				t.Fatal(err)
			}
			same(t, rows, count, answer(&n, hits), bruteNear(scores, shape, count))
			if n.visited > 2000 {
				t.Errorf("from %v: %d rows were read for %d", from, n.visited, count)
			}
		}
	}
}

// TestNearLimit: a search that would read more than it may says so.
func TestNearLimit(t *testing.T) {
	k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
	defer k.close()
	for _, rows := range []int{100, 10_000} {
		var set Set
		k.envs[0].Create(&set)
		for i := range rows {
			set.Add(player(nil, i), float64(geo.Encode(float64(i)*360/float64(rows)-180, 10)), 0)
		}
		shape := geo.Circle(0, 0, math.Inf(1))
		g := globe{geo.NewCells(&shape)}
		var n Near
		if _, err := n.Nearest(&set, &g, rows, g.Reach(), rows-1); err != ErrSearchLimit {
			t.Errorf("Nearest of %d: %v", rows, err)
		}
		if _, err := n.Range(&set, &g, g.Reach(), 0, rows-1, geo.Range{To: geo.CodeEnd}); err != ErrSearchLimit {
			t.Errorf("Range of %d: %v", rows, err)
		}
		if hits, err := n.Nearest(&set, &g, rows, g.Reach(), rows); err != nil || len(hits) != rows {
			t.Errorf("all of %d: %d, %v", rows, len(hits), err)
		}
		k.envs[0].Free(set.Handle())
	}
}

// TestNearAllocs: what a search takes from the Go heap does not grow with the set.
func TestNearAllocs(t *testing.T) {
	k := newKit(t, Limits{})
	defer k.close()
	var set Set
	k.envs[0].Create(&set)
	defer func() { k.envs[0].Free(set.Handle()) }()
	r := rand.New(rand.NewPCG(9, 9))
	for i := range 50_000 {
		set.Add(player(nil, i), float64(geo.Encode(13+r.Float64(), 52+r.Float64())), 0)
	}
	var n Near
	var g globe
	search := func() {
		shape := geo.Circle(13+r.Float64(), 52+r.Float64(), math.Inf(1))
		g.Cells = geo.NewCells(&shape)
		if _, err := n.Nearest(&set, &g, 10, g.Reach(), 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		search()
	}
	// The queue and the children that geoindex makes for itself.
	if got := testing.AllocsPerRun(1000, search); got > 4 {
		t.Errorf("%v allocations a search", got)
	}
}

// TestNearScores searches sets whose scores are no geohashes: with fractions, which are cut off, or outside of the codes there are.
func TestNearScores(t *testing.T) {
	k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
	defer k.close()
	r := rand.New(rand.NewPCG(3, 3))
	for _, rows := range []int{60, 3000} {
		var set Set
		k.envs[0].Create(&set)
		scores := map[string]float64{}
		for i := range rows {
			score := float64(r.IntN(rows / 4)) // codes next to each other, each with several scores
			switch r.IntN(8) {
			case 0:
				score += float64(r.Uint64()&^(1<<(11+r.IntN(42))-1)) * 0x1p-2 // anywhere, also beyond all codes
			case 1:
				score = geo.CodeEnd - 2*score
			case 2:
				score = -score / 2
			case 3:
				score = math.Inf(1 - 2*r.IntN(2))
			case 4, 5:
				score += r.Float64()
			case 6:
				score = 7 + r.Float64() // more than a leaf
			}
			m := fmt.Sprintf("m%d", i)
			scores[m] = score
			set.Add([]byte(m), score, 0)
		}
		everywhere := geo.Circle(-170, -80, math.Inf(1))
		g := globe{geo.NewCells(&everywhere)}
		coded := maps.Clone(scores)
		maps.DeleteFunc(coded, func(_ string, score float64) bool {
			if score < 0 || score >= geo.CodeEnd {
				return true
			}
			x, y := geo.Deinterleave(uint64(score))
			return max(x, y) > 1<<geo.Steps
		})
		var n Near
		hits, _ := n.Nearest(&set, &g, rows, g.Reach(), 0)
		same(t, rows, 0, answer(&n, hits), bruteNear(coded, everywhere, 0))
		for round := range 300 {
			to := uint64(r.IntN(rows/4)) + 1
			if round%8 == 0 {
				to = 8
			}
			span := geo.Range{From: uint64(r.IntN(int(to))), To: to}
			within := maps.Clone(coded)
			maps.DeleteFunc(within, func(_ string, score float64) bool { return uint64(score) < span.From || uint64(score) >= span.To })
			hits, _ = n.Range(&set, &g, g.Reach(), 0, 0, span)
			n.Sort(hits)
			same(t, rows, round, answer(&n, hits), bruteNear(within, everywhere, 0))
		}
		k.envs[0].Free(set.Handle())
	}
}

// blurred is a space whose ranks are off by up to a hundredth: nearly every comparison is within the slack.
type blurred struct{ globe }

const blur = 0.01

func (b *blurred) Rank(code uint64, r *Row) float64 {
	noise := float64(code*0x9e3779b97f4a7c15>>11) * 0x1p-53 // 0 to 1
	return b.globe.Rank(code, r) * (1 + blur*(2*noise-1))
}
func (b *blurred) Slack(rank float64) float64  { return 2.1*blur*rank + geo.Slack(rank) }
func (b *blurred) Gate(bound float64) geo.Gate { return b.globe.Gate(bound * (1 + 1.1*blur)) }
func (b *blurred) Bound(x0, x1, y0, y1 uint32) float64 {
	if x0 == x1 && y0 == y1 {
		return b.Rank(geo.Interleave(x0, y0), nil)
	}
	return b.globe.Bound(x0, x1, y0, y1) * (1 - 1.1*blur)
}

// TestNearSlack: the answer is in the order of the distances, however much ranks differ from it within the slack.
func TestNearSlack(t *testing.T) {
	k := newKit(t, Limits{PackedEntries: 16, PackedValue: 64})
	defer k.close()
	for _, kind := range spotKinds {
		r := rand.New(rand.NewPCG(4, 4))
		for _, rows := range []int{16, 400, 4000} {
			var set Set
			k.envs[0].Create(&set)
			scores := map[string]float64{}
			for i := range rows {
				p := kind.at(r)
				m := fmt.Sprintf("m%d", i)
				scores[m] = float64(geo.Encode(p.lon, p.lat))
				set.Add([]byte(m), scores[m], 0)
			}
			var n Near
			for round := range 20 {
				from := kind.at(r)
				shape := geo.Circle(from.lon, from.lat, math.Inf(1))
				b := blurred{globe{geo.NewCells(&shape)}}
				count := []int{1, 2, 7, 50, 300}[round%5]
				hits, _ := n.Nearest(&set, &b, count, 2, 0)
				same(t, rows, round, answer(&n, hits), bruteNear(scores, shape, count))
			}
			k.envs[0].Free(set.Handle())
		}
	}
}

// FuzzNear compares searches of places and shapes that a fuzzer makes with measuring every place.
func FuzzNear(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 255, 255, 255, 255, 128, 0, 128, 0}, 10.0, 20.0, 1e6, 3e5, uint8(0), uint8(3))
	f.Add([]byte("a few places in some corner of the world"), 179.9, 85.0, 4e6, 1e7, uint8(1), uint8(1))
	f.Add([]byte("\x00\x01\x00\x01\x00\x02\x00\x01\x80\x00\x80\x01"), -180.0, -85.05112878, 1e7, 0.0, uint8(2), uint8(200))
	f.Add([]byte(nil), 0.0, 0.0, 0.0, 0.0, uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, lon, lat, size, other float64, kind, count uint8) {
		if !geo.Valid(lon, lat) || !(size >= 0 && other >= 0) || len(b) > 4000 {
			t.Skip()
		}
		src := &fuzzed{b}
		coordinate := func(end float64) float64 { return (float64(src.intN(1<<16))/(1<<16-1)*2 - 1) * end }
		var shape geo.Shape
		switch kind % 4 {
		case 0:
			shape = geo.Circle(lon, lat, size)
		case 1:
			shape = geo.Box(lon, lat, size, other)
		case 2:
			v := []geo.Point{{X: lon, Y: lat}}
			for range 2 + count%8 {
				v = append(v, geo.Point{X: coordinate(geo.LonMax), Y: coordinate(geo.LatMax)})
			}
			shape = geo.Area(geo.NewPolygon(v))
		default:
			shape = geo.Circle(lon, lat, math.Inf(1))
		}
		k := newKit(t, Limits{PackedEntries: int(kind) / 4, PackedValue: 64})
		defer k.close()
		var set Set
		k.envs[0].Create(&set)
		defer func() { k.envs[0].Free(set.Handle()) }()
		scores := map[string]float64{}
		for i := 0; !src.done(); i++ {
			m := strconv.Itoa(i)
			scores[m] = float64(geo.Encode(coordinate(geo.LonMax), coordinate(geo.LatMax)))
			set.Add([]byte(m), scores[m], 0)
		}
		var n Near
		g := globe{geo.NewCells(&shape)}
		if count > 0 {
			hits, err := n.Nearest(&set, &g, int(count), g.Reach(), 0)
			if err != nil {
				t.Fatal(err)
			}
			same(t, len(scores), 0, answer(&n, hits), bruteNear(scores, shape, int(count)))
		}
		hits, err := n.Range(&set, &g, g.Reach(), 0, 0, geo.Range{To: geo.CodeEnd})
		if err != nil {
			t.Fatal(err)
		}
		n.Sort(hits)
		same(t, len(scores), 1, answer(&n, hits), bruteNear(scores, shape, 0))
	})
}
