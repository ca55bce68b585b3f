package field

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"quarry/store/geo"
	"quarry/store/zset"
)

// found is a row of an answer.
type found struct {
	distance float64
	member   string
}

func compareFound(a, b found) int {
	return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.member, b.member))
}

// want is the answer to a query by brute force, in order.
func (m *modeled) want(q *Query, after *found) (list []found) {
	for _, member := range m.members() {
		r := m.rows[member]
		d := m.distance(q, r)
		if !m.matches(q, r) || q.Area == Circle && d > q.Radius {
			continue
		}
		f := found{d / q.Unit, member}
		if after == nil || compareFound(*after, f) < 0 {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, compareFound)
	return list
}

func (m *modeled) distance(q *Query, r *record) float64 {
	if m.shape.Space == Geo {
		d := geo.Distance(q.X, q.Y, r.x, r.y)
		if m.shape.Dims == 3 {
			return euclid(d, r.z-q.Z, 0)
		}
		return d
	}
	if m.shape.Dims == 3 {
		return euclid(r.x-q.X, r.y-q.Y, r.z-q.Z)
	}
	return euclid(r.x-q.X, r.y-q.Y, 0)
}

func (m *modeled) matches(q *Query, r *record) bool {
	if q.Level != nil && !q.Level.has(r.z) {
		return false
	}
	for _, w := range q.Where {
		if v, ok := r.numbers[string(w.Name)]; !ok || !w.has(v) {
			return false
		}
	}
	for _, t := range q.Tags {
		if text, ok := r.tags[string(t.Name)]; !ok || text != string(t.Text) {
			return false
		}
	}
	switch {
	case q.Area == Polygon:
		return q.Polygon.Contains(r.x, r.y)
	case q.Area != Box:
		return true
	case m.shape.Space == Geo:
		s := geo.Box(q.X, q.Y, q.Width, q.Height)
		_, within := s.Distance(r.x, r.y)
		return within
	}
	return math.Abs(r.x-q.X) <= q.Width/2 && math.Abs(r.y-q.Y) <= q.Height/2
}

// afterSieve lets pass what comes after a row of an answer.
type afterSieve struct {
	near  *zset.Near
	after found
}

func (s *afterSieve) Admits(h *zset.Hit) bool {
	return compareFound(s.after, found{h.Distance, string(s.near.AppendMember(nil, h))}) < 0
}

// search asks the field.
func (m *modeled) search(n *zset.Near, q *Query, k int, after *found) (list []found) {
	m.k.Helper()
	q.Sieve = nil
	if after != nil {
		q.Sieve = &afterSieve{n, *after}
	}
	var hits []zset.Hit
	var err error
	if k > 0 {
		hits, err = m.f.Nearest(n, q, m.k.now, k, 0)
	} else {
		hits, err = m.f.Search(n, q, m.k.now, 0, 0)
		n.Sort(hits)
	}
	if err != nil {
		m.k.Fatal(err)
	}
	n.Measure(hits)
	for i := range hits {
		list = append(list, found{hits[i].Distance, string(n.AppendMember(nil, &hits[i]))})
	}
	return list
}

// query draws a query.
func (d *drawer) query(m *modeled) *Query {
	q := &Query{Unit: 1}
	q.X, q.Y, q.Z = d.place()
	if list := m.members(); len(list) > 0 && d.chance(3) { // where a member is
		r := m.rows[list[d.IntN(len(list))]]
		q.X, q.Y, q.Z = r.x, r.y, r.z
	}
	span := 200.0
	switch {
	case d.shape.Space == Geo:
		span = 2e7
		q.Unit = []float64{1, 1000, 0.3048, 1609.34}[d.IntN(4)]
	case d.shape.Bounded:
		span = d.shape.Bounds.MaxX - d.shape.Bounds.MinX
	}
	length := func() float64 { return span * []float64{0, 1e-9, 0.01, 0.2, 1, 2}[d.IntN(6)] * d.Float64() }
	switch q.Area = Area(d.IntN(4)); q.Area {
	case Circle:
		q.Radius = length()
		if list := m.members(); len(list) > 0 && d.chance(4) { // to a member exactly
			q.Radius = m.distance(q, m.rows[list[d.IntN(len(list))]])
		}
	case Box:
		q.Width, q.Height = length(), length()
	case Polygon:
		var v []geo.Point
		for range 3 + d.IntN(6) {
			x, y, _ := d.place()
			v = append(v, geo.Point{X: clamp(x, -1e6, 1e6), Y: clamp(y, -1e6, 1e6)})
		}
		q.Polygon = geo.NewPolygon(v)
	}
	if d.shape.Dims == 3 && d.chance(2) {
		q.Level = &Interval{Min: -20, Max: float64(d.IntN(60)), MinEx: d.chance(2), MaxEx: d.chance(2)}
	}
	for d.chance(3) {
		q.Where = append(q.Where, Where{Name: fmt.Appendf(nil, "n%d", d.IntN(41)),
			Interval: Interval{Min: float64(d.IntN(8)), Max: float64(d.IntN(12)), MinEx: d.chance(3), MaxEx: d.chance(3)}})
	}
	if d.chance(4) {
		q.Tags = append(q.Tags, Tag{fmt.Appendf(nil, "t%d", d.IntN(30)), []byte(strings.Repeat("x", d.IntN(4)))})
	}
	return q
}

// TestSearch: searches of all kinds against brute force, in fields that change meanwhile, and pages of them.
func TestSearch(t *testing.T) {
	for i, s := range shapes {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			k := newKit(t)
			defer k.close()
			d := &drawer{newRand(t), s}
			m := k.create(s, i > 0)
			var n zset.Near
			rounds := 60
			if testing.Short() {
				rounds = 15
			}
			some := 0
			for range rounds {
				for step := range 100 {
					m.step(d, step+1)
				}
				for range 40 {
					some += m.compareSearch(&n, d)
				}
			}
			if some == 0 {
				t.Error("no search has found anything")
			}
		})
	}
}

func (m *modeled) compareSearch(n *zset.Near, d *drawer) int {
	m.k.Helper()
	q := d.query(m)
	want := m.want(q, nil)
	same := func(what string, got, want []found) {
		m.k.Helper()
		if !slices.Equal(got, want) {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			m.k.Fatalf("%s of area %d at %v %v %v, radius %v, %v x %v, where %v, tags %v: %d rows, want %d, from %d on\n got %v\nwant %v", what,
				q.Area, q.X, q.Y, q.Z, q.Radius, q.Width, q.Height, q.Where, q.Tags, len(got), len(want), i,
				got[i:min(i+3, len(got))], want[i:min(i+3, len(want))])
		}
	}
	same("all", m.search(n, q, 0, nil), want)
	k := 1 + d.IntN(20)
	same(fmt.Sprintf("nearest %d", k), m.search(n, q, k, nil), want[:min(k, len(want))])
	var pages []found
	var after *found
	for {
		page := m.search(n, q, k, after)
		if len(page) == 0 {
			break
		}
		pages = append(pages, page...)
		after = &page[len(page)-1]
	}
	same("pages", pages, want)
	return len(want)
}

// TestCrowd: very many members at few places, among them the one searched from.
func TestCrowd(t *testing.T) {
	for _, s := range shapes {
		k := newKit(t)
		d := &drawer{newRand(t), s}
		m := k.create(s, true)
		var places [3][3]float64
		for i := range places {
			places[i][0], places[i][1], places[i][2] = d.place()
		}
		for i := range 2000 {
			p := places[d.IntN(3)]
			m.put(fmt.Sprintf("m%d", i), p[0], p[1], p[2], &Change{})
		}
		var n zset.Near
		for _, p := range places {
			q := &Query{Unit: 1, X: p[0], Y: p[1], Z: p[2]}
			want := m.want(q, nil)
			for _, k := range []int{1, 10, 700, 1999, 2000, 5000} {
				if got := m.search(&n, q, k, nil); !slices.Equal(got, want[:min(k, len(want))]) {
					t.Errorf("%+v: nearest %d of %v are wrong", s, k, p)
				}
			}
		}
		k.close()
	}
}
