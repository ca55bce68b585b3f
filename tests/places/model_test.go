package places

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"quarry/store/geo"
)

// sets are ways to draw places.
var sets = []struct {
	name string
	draw func(rng *rand.Rand) (lon, lat float64)
}{
	{"uniform", func(rng *rand.Rand) (lon, lat float64) { return rng.Float64() + 8, rng.Float64() + 52 }},
	{"worldwide", func(rng *rand.Rand) (lon, lat float64) { return rng.Float64()*360 - 180, rng.Float64()*170 - 85 }},
	{"clustered", func(rng *rand.Rand) (lon, lat float64) {
		town := float64(rng.IntN(5))
		return town*7 + rng.NormFloat64()/50, 40 + town + rng.NormFloat64()/50
	}},
	{"polar", func(rng *rand.Rand) (lon, lat float64) {
		return rng.Float64()*360 - 180, float64(1-2*rng.IntN(2)) * (geo.LatMax - rng.Float64()*2)
	}},
	{"antimeridian", func(rng *rand.Rand) (lon, lat float64) {
		return float64(1-2*rng.IntN(2)) * (180 - rng.Float64()/2*float64(rng.IntN(3))), rng.Float64()*2 - 17
	}},
	{"corners", func(rng *rand.Rand) (lon, lat float64) {
		return []float64{-180, 180, 0}[rng.IntN(3)], []float64{geo.LatMin, geo.LatMax, 0}[rng.IntN(3)]
	}},
	{"equal", func(*rand.Rand) (lon, lat float64) { return 2.35, 48.85 }},
	{"meridian", func(rng *rand.Rand) (lon, lat float64) { return 10, float64(rng.IntN(80)) - 40 }},
	{"parallel", func(rng *rand.Rand) (lon, lat float64) { return float64(rng.IntN(360)) - 180, 60 }},
}

// world is a sorted set as it should be, and chance.
type world struct {
	*rand.Rand
	draw    func(rng *rand.Rand) (lon, lat float64)
	members int
	scores  map[string]float64
}

func newWorld(seed uint64, members int, draw func(rng *rand.Rand) (lon, lat float64)) *world {
	return &world{Rand: rand.New(rand.NewPCG(seed, 1)), draw: draw, members: members, scores: map[string]float64{}}
}

func text(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// change makes a call that adds a member, moves or removes it, or gives it a score that is no place.
func (w *world) change() (call []string) {
	member := fmt.Sprint("m", w.IntN(w.members))
	switch w.IntN(12) {
	case 0, 1:
		delete(w.scores, member)
		return []string{"ZREM", "k", member}
	case 2:
		score := []float64{-1, -1.5, 0.5, 1 << 54, 1<<54 - 2, 1e18, 1e300, math.Inf(1), math.Inf(-1), 1 << 53}[w.IntN(10)]
		w.scores[member] = score
		return []string{"ZADD", "k", text(score), member}
	}
	lon, lat := w.draw(w.Rand)
	w.scores[member] = float64(geo.Encode(lon, lat))
	return []string{"GEOADD", "k", text(lon), text(lat), member}
}

// row is a member that is found.
type row struct {
	member          string
	score, distance float64
}

// isCode reports whether a score is the code of a place, whatever its fraction: none other is ever found.
func isCode(score float64) bool {
	x, y := geo.Deinterleave(geo.Code(score))
	return 0 <= score && score < geo.CodeEnd && x <= 1<<geo.Steps && y <= 1<<geo.Steps
}

// find is all that lies in a shape, in the order of the set.
func (w *world) find(s *geo.Shape) (all []row) {
	for member, score := range w.scores {
		if d, ok := s.Distance(geo.Decode(geo.Code(score))); ok && isCode(score) {
			all = append(all, row{member, score, d})
		}
	}
	slices.SortFunc(all, func(a, b row) int { return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.member, b.member)) })
	return all
}

// in is what of the rows lies in ranges of codes, one range after the other.
func in(all []row, ranges []geo.Range) (rows []row) {
	for _, r := range ranges {
		for _, f := range all {
			if float64(r.From) <= f.score && f.score < float64(r.To) {
				rows = append(rows, f)
			}
		}
	}
	return rows
}

func nearer(a, b row) int {
	return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.member, b.member))
}

func farther(a, b row) int { return nearer(b, a) }

// query is a search.
type query struct {
	args  []string // GEOSEARCH, the key and the shape
	shape geo.Shape
	order string // "", "ASC" or "DESC"
	count int    // 0: all
	any   bool
}

// options are the arguments that say how much is wanted in which order.
func (q *query) options() (args []string) {
	if q.order != "" {
		args = append(args, q.order)
	}
	if q.count > 0 {
		args = append(args, "COUNT", strconv.Itoa(q.count))
	}
	if q.any {
		args = append(args, "ANY")
	}
	return args
}

// answer is what q makes of all that is found, in the order in which it is found. With anyFirst, ANY takes the first of them even if the
// nearest are wanted.
func (q *query) answer(found []row, anyFirst bool) []row {
	rows, order := slices.Clone(found), q.order
	if order == "" && q.count > 0 && !q.any {
		order = "ASC"
	}
	cut := func() {
		if q.count > 0 {
			rows = rows[:min(q.count, len(rows))]
		}
	}
	if q.any && (anyFirst || order != "ASC") {
		cut()
	}
	switch order {
	case "ASC":
		slices.SortFunc(rows, nearer)
	case "DESC":
		slices.SortFunc(rows, farther)
	}
	cut()
	return rows
}

// query draws a search, with a polygon only if these are wanted.
func (w *world) query(polygons bool) (q query) {
	q.args, q.shape = w.shape(polygons)
	q.order = []string{"", "ASC", "DESC"}[w.IntN(3)]
	if w.IntN(3) > 0 {
		q.count = 1 + w.IntN(12)
		q.any = w.IntN(2) == 0
	}
	return q
}

// length draws a number of metres, from one to around the earth.
func (w *world) length() float64 {
	switch w.IntN(20) {
	case 0:
		return 0
	case 1:
		return math.Inf(1)
	}
	return math.Pow(10, w.Float64()*7.7)
}

func (w *world) shape(polygons bool) (args []string, s geo.Shape) {
	lon, lat := w.draw(w.Rand)
	if w.IntN(4) == 0 {
		lon, lat = w.Float64()*360-180, w.Float64()*170-85
	}
	if polygons && w.IntN(4) == 0 {
		return w.polygon(lon, lat)
	}
	args = []string{"GEOSEARCH", "k", "FROMLONLAT", text(lon), text(lat)}
	member := fmt.Sprint("m", w.IntN(w.members))
	if score, ok := w.scores[member]; ok && w.IntN(3) == 0 {
		lon, lat = geo.Decode(geo.Code(score))
		args = []string{"GEOSEARCH", "k", "FROMMEMBER", member}
	}
	if w.IntN(2) == 0 {
		r := w.length()
		return append(args, "BYRADIUS", text(r), "m"), geo.Circle(lon, lat, r)
	}
	width, height := w.length(), w.length()
	return append(args, "BYBOX", text(width), text(height), "m"), geo.Box(lon, lat, width, height)
}

func (w *world) polygon(lon, lat float64) (args []string, s geo.Shape) {
	size, n := min(w.length()/1e5, 100), 3+w.IntN(5)
	if w.IntN(10) == 0 {
		n = 20
	}
	args = []string{"GEOSEARCH", "k", "BYPOLYGON", strconv.Itoa(n)}
	vertices := make([]geo.Point, n)
	for i := range vertices {
		x := min(max(lon+w.NormFloat64()*size, geo.LonMin), geo.LonMax)
		y := min(max(lat+w.NormFloat64()*size, geo.LatMin), geo.LatMax)
		vertices[i] = geo.Point{X: x, Y: y}
		args = append(args, text(x), text(y))
	}
	return args, geo.Area(geo.NewPolygon(vertices))
}
