package places

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/store/geo"
	"quarry/tests/harness"
)

var (
	seed = flag.Uint64("seed", 1, "seed of the first round; 0 takes a new one, for long runs")
	long = flag.Int("long", 1, "how many rounds to run of each kind of set")
)

// eachWorld runs fn, from a clean state, with sets of all kinds and several sizes.
func eachWorld(t *testing.T, fn func(t *testing.T, w *world, searches int)) {
	first := *seed
	if first == 0 {
		first = rand.Uint64()
	}
	searches := 80
	if testing.Short() {
		searches = 30
	}
	for _, set := range sets {
		for _, members := range []int{3, 100, 1500} {
			t.Run(fmt.Sprintf("%s %d", set.name, members), func(t *testing.T) {
				for i := range uint64(*long) {
					s := first + i
					if fn(t, newWorld(s, members, set.draw), searches); t.Failed() {
						t.Fatalf("go test ./tests/places -run '%s' -seed=%d", t.Name(), s)
					}
				}
			})
		}
	}
}

// load makes the set anew.
func (w *world) load(clients ...*harness.Client) {
	calls := [][]string{{"DEL", "k"}}
	for range w.members * 3 / 2 {
		calls = append(calls, w.change())
	}
	for _, c := range clients {
		c.Pipeline(calls...)
	}
}

// rows reads an answer with distances.
func rows(t *testing.T, v harness.Value) (list []row) {
	t.Helper()
	for _, e := range v.Elems {
		d, err := strconv.ParseFloat(e.Elems[1].Str, 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, row{member: e.Elems[0].Str, distance: d})
	}
	return list
}

// draw draws rows with their distances as they are answered.
func draw(list []row) string {
	lines := make([]string, len(list))
	for i, r := range list {
		lines[i] = r.member + " " + strconv.FormatFloat(r.distance, 'f', 4, 64)
	}
	return strings.Join(lines, "\n")
}

// Searches find what brute force does, in that order, while members move.
func TestSearches(t *testing.T) {
	quarry := harness.Start(t, harness.Options{})
	c := quarry.Dial(t)
	eachWorld(t, func(t *testing.T, w *world, searches int) {
		c.Do("HELLO", strconv.Itoa(2+w.IntN(2)))
		w.load(c)
		hits := 0
		for range searches {
			q := w.query(true)
			ranges, _ := q.shape.Ranges(nil)
			all := w.find(&q.shape)
			found := in(all, ranges)
			if len(found) != len(all) {
				t.Fatalf("%q: of %d in the shape %d are in its ranges of codes", q.args, len(all), len(found))
			}
			want := draw(q.answer(found, false))
			args := append(q.args, q.options()...)
			if got := draw(rows(t, c.Do(append(args, "WITHDIST")...))); got != want {
				t.Fatalf("%q WITHDIST: %s", args, firstDifference(got, want))
			}
			for i, m := range c.Do(args...).Strings() {
				if want := q.answer(found, false)[i].member; m != want {
					t.Fatalf("%q answers %s as number %d, want %s", args, m, i, want)
				}
			}
			w.store(t, c, &q, q.answer(found, false))
			hits += len(found)
			c.Do(w.change()...)
		}
		if members := w.members; members > 3 && hits < searches {
			t.Errorf("%d hits in %d searches: they prove little", hits, searches)
		}
	})
	if err := quarry.Check(); err != nil {
		t.Error(err)
	}
}

// firstDifference is the first line that differs, with its neighbours.
func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	around := func(list []string) string {
		return strings.Join(list[min(max(i-1, 0), len(list)):min(i+3, len(list))], ", ")
	}
	return fmt.Sprintf("of %d and %d rows number %d differs:\n got %s\nwant %s", len(a), len(b), i, around(a), around(b))
}

// store has a search store what it finds, and compares.
func (w *world) store(t *testing.T, c *harness.Client, q *query, want []row) {
	args := append(append([]string{"GEOSEARCHSTORE", "d"}, q.args[1:]...), q.options()...)
	by := func(r row) float64 { return r.score }
	if w.IntN(2) == 0 {
		args, by = append(args, "STOREDIST"), func(r row) float64 { return r.distance }
	}
	if n := c.Do(args...); n.Int != int64(len(want)) {
		t.Fatalf("%q answers %s, want %d", args, n, len(want))
	}
	for _, r := range want {
		v := c.Do("ZSCORE", "d", r.member)
		if score, err := strconv.ParseFloat(v.Str, 64); err != nil || score != by(r) {
			t.Fatalf("%q has stored %s with %s, want %v", args, r.member, v, by(r))
		}
	}
}

// Redis finds the same, but for what lies outside of the areas it looks through; and of what is equally far it may take any.
func TestSearchesOfRedis(t *testing.T) {
	oracle := harness.StartRedis(t).Dial(t)
	quarry := harness.Start(t, harness.Options{}).Dial(t)
	missed := 0
	eachWorld(t, func(t *testing.T, w *world, searches int) {
		w.load(oracle, quarry)
		for range searches {
			q := w.query(false)
			ranges, own := q.shape.Ranges(nil)
			all := w.find(&q.shape)
			if w.hasAntipode(&q.shape) {
				continue // whose distance is a matter of the last bit, or no number
			}
			args := append(append(q.args, q.options()...), "WITHDIST")
			a, b := rows(t, oracle.Do(args...)), rows(t, quarry.Do(args...))
			found := in(all, ranges[:own])
			if problem := differ(a, q.answer(found, true), q.order == "" && (q.any || q.count == 0)); problem != "" {
				t.Fatalf("%q: redis answers\n%s\nits areas hold\n%s\n%s", args, draw(a), draw(found), problem)
			}
			if len(found) == len(all) && !(q.any && q.order == "ASC") {
				if problem := differ(a, b, q.order == "" && (q.any || q.count == 0)); problem != "" {
					t.Fatalf("%q: redis answers\n%s\nquarry answers\n%s\n%s", args, draw(a), draw(b), problem)
				}
			}
			missed += len(all) - len(found)
			call := w.change()
			oracle.Do(call...)
			quarry.Do(call...)
		}
	})
	t.Logf("redis missed %d members", missed)
	if missed == 0 {
		t.Error("redis missed nothing: is what README says of it true?")
	}
}

// Codes, places and geohashes are Redis' to the last digit, whatever is added; distances to the last but one.
func TestPlacesOfRedis(t *testing.T) {
	oracle := harness.StartRedis(t).Dial(t)
	quarry := harness.Start(t, harness.Options{}).Dial(t)
	eachWorld(t, func(t *testing.T, w *world, _ int) {
		proto := strconv.Itoa(2 + w.IntN(2))
		oracle.Do("HELLO", proto)
		quarry.Do("HELLO", proto)
		w.load(oracle, quarry)
		names := []string{"nobody"}
		for member := range w.scores {
			names = append(names, member)
		}
		slices.Sort(names)
		for _, call := range []string{"ZMSCORE", "GEOPOS", "GEOHASH"} {
			args := append([]string{call, "k"}, names...)
			a, b := oracle.Do(args...), quarry.Do(args...)
			for i, name := range names {
				x, y := a.Elems[i].String(), b.Elems[i].String()
				if same := x == y || call == "ZMSCORE" && sameNumber(a.Elems[i].Str, b.Elems[i].Str); !same {
					t.Fatalf("%s of %s (score %v): redis answers %s, quarry %s", call, name, w.scores[name], x, y)
				}
			}
		}
		for range 100 {
			args := []string{"GEODIST", "k", names[w.IntN(len(names))], names[w.IntN(len(names))], []string{"m", "km", "ft", "mi"}[w.IntN(4)]}
			a, b := oracle.Do(args...), quarry.Do(args...)
			x, err := strconv.ParseFloat(a.Str, 64)
			y, err2 := strconv.ParseFloat(b.Str, 64)
			metres, _ := geo.Metres([]byte(args[4]))
			antipodes := x*metres > math.Pi*geo.EarthRadius-10
			if a.Nil != b.Nil || !a.Nil && (err != nil || err2 != nil || math.Abs(x-y) > 1.1e-4 && !antipodes) {
				t.Fatalf("%q: redis answers %s, quarry %s", args, a, b)
			}
		}
	})
}

// sameNumber reports whether two texts are one number.
func sameNumber(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err == nil && err2 == nil && x == y
}

// hasAntipode reports whether any member is about as far from the centre of a shape as can be.
func (w *world) hasAntipode(s *geo.Shape) bool {
	lon, lat := s.Centre()
	for _, score := range w.scores {
		lon2, lat2 := geo.Decode(geo.Code(score))
		if geo.Distance(lon, lat, lon2, lat2) > math.Pi*geo.EarthRadius-10 {
			return true
		}
	}
	return false
}

// differ says how two answers differ, "" if they do not. In order, they are the same row for row; else they have the same
// distances, and the same members where it is not open which of the last ones are taken.
func differ(a, b []row, inOrder bool) string {
	const near = 1.1e-4 // of the last digit
	if len(a) != len(b) {
		return fmt.Sprintf("%d and %d rows", len(a), len(b))
	}
	last := 0.0
	if len(a) > 0 {
		last = a[len(a)-1].distance
	}
	for i := range a {
		if math.Abs(a[i].distance-b[i].distance) > near || inOrder && a[i].member != b[i].member {
			return fmt.Sprintf("row %d: %s and %s", i, draw(a[i:i+1]), draw(b[i:i+1]))
		}
		if math.Abs(a[i].distance-last) > near && !slices.ContainsFunc(b, func(r row) bool { return r.member == a[i].member }) {
			return fmt.Sprintf("%s is in one only", draw(a[i:i+1]))
		}
	}
	return ""
}

func TestDifferCanFail(t *testing.T) {
	a := []row{{"a", 0, 1}, {"b", 0, 2}, {"c", 0, 2}}
	for _, b := range [][]row{a[:2], {a[0], a[1], {"c", 0, 2.001}}, {{"x", 0, 1}, a[1], a[2]}} {
		if differ(a, b, false) == "" {
			t.Errorf("%v and %v do not differ", a, b)
		}
	}
	other := []row{a[0], a[2], a[1]}
	if differ(a, other, false) != "" || differ(a, other, true) == "" {
		t.Error("equal distances in another order")
	}
}
