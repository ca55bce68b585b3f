package field

import (
	"math"

	"quarry/store/geo"
	"quarry/store/zset"
)

// Area is the part of a space that a query looks at.
type Area uint8

// The areas, all around the query's place but for the polygon.
const (
	Everywhere Area = iota
	Circle          // at most Radius away
	Box             // at most half of Width away along x, and of Height along y; on the globe as geo.Box says
	Polygon         // inside of the polygon, whatever z is
)

// Interval is an interval of numbers.
type Interval struct {
	Min, Max     float64
	MinEx, MaxEx bool // the end itself is left out
}

func (i *Interval) has(x float64) bool {
	return (x > i.Min || x == i.Min && !i.MinEx) && (x < i.Max || x == i.Max && !i.MaxEx)
}

// Where asks for a numeric field in an interval. A member without it does not match.
type Where struct {
	Name []byte
	Interval
	id int
}

// Sieve is asked last whether a hit belongs in the answer.
type Sieve interface{ Admits(h *zset.Hit) bool }

// Query is what a search of a field asks for. Lengths are in the units of a plane, or metres; so are
// distances, which are divided by Unit then. In three dimensions a distance on the globe is the square root of the squares
// of the way over the sphere and of the difference of z, and Box and Polygon look at x and y only.
type Query struct {
	X, Y, Z       float64
	Area          Area
	Radius        float64
	Width, Height float64
	Polygon       *geo.Polygon
	Unit          float64
	Level         *Interval // of z; nil: any
	Where         []Where
	Tags          []Tag
	Sieve         Sieve // nil: it lets everything pass

	f     *Field
	near  *zset.Near
	nowMS int64
	tags  []uint32  // hashes of Tags
	area  geo.Shape // on the globe, the box

	everywhere [1]geo.Range // for Range, which would have to allocate it

	plane planeSpace
	globe globeSpace
}

// Reset makes q a query of nothing, keeping its memory.
func (q *Query) Reset() {
	*q = Query{Unit: 1, Where: q.Where[:0], Tags: q.Tags[:0], tags: q.tags[:0]}
}

// Forget is Reset that lets go of what the query has named.
func (q *Query) Forget() {
	clear(q.Where[:cap(q.Where)])
	clear(q.Tags[:cap(q.Tags)])
	q.Reset()
}

// RefusesQuery says why nothing can be searched from a place.
func (f *Field) RefusesQuery(x, y, z float64) error {
	if f.head.shape.Space == Geo {
		return f.Refuses(x, y, z)
	}
	for _, c := range [...]float64{x, y, z} {
		if !(c >= -coordinateMax && c <= coordinateMax) {
			return ErrCoordinate
		}
	}
	return nil
}

// prepare readies q for a search of f. It reports false if nothing can match.
func (q *Query) prepare(f *Field, n *zset.Near, nowMS int64) bool {
	q.f, q.near, q.nowMS = f, n, nowMS
	if !f.hasPlaces() {
		return false
	}
	for i := range q.Where {
		if q.Where[i].id = f.names.find(q.Where[i].Name); q.Where[i].id < 0 {
			return false
		}
	}
	if q.Area == Box && f.head.shape.Space == Geo {
		q.area = geo.Box(q.X, q.Y, q.Width, q.Height)
	}
	q.tags = q.tags[:0]
	for _, t := range q.Tags {
		q.tags = append(q.tags, f.env.tagHash(t.Name, t.Text))
	}
	return true
}

// space is the metric of the query, and the greatest rank of what is in its area.
func (q *Query) space() (sp zset.Space, bound float64) {
	if q.f.head.shape.Space == Geo {
		return &q.globe, q.globe.prepare(q)
	}
	return &q.plane, q.plane.prepare(q)
}

// Nearest finds the k nearest members that match, the nearest first; see zset.Near.Nearest.
func (f *Field) Nearest(n *zset.Near, q *Query, nowMS int64, k, limit int) ([]zset.Hit, error) {
	if !q.prepare(f, n, nowMS) {
		return nil, nil
	}
	sp, bound := q.space()
	return n.Nearest(&f.places, sp, k, bound, limit)
}

// Search finds all members that match, or most of them if that is not 0, the nearest first, if they
// are sorted by near.Sort; see zset.Near.Range.
func (f *Field) Search(n *zset.Near, q *Query, nowMS int64, most, limit int) ([]zset.Hit, error) {
	if !q.prepare(f, n, nowMS) {
		return nil, nil
	}
	sp, bound := q.space()
	q.everywhere[0] = geo.Range{To: math.MaxUint64}
	return n.Range(&f.places, sp, bound, most, limit, q.everywhere[:]...)
}

// admits is the end of zset.Space: the row is near enough; is it alive, in the area, and does it
// pass the filters?
func (q *Query) admits(h *zset.Hit, distance func(code uint64, r *zset.Row) float64) bool {
	r := q.near.Row(h)
	v := view{r.Value}
	if past(v.expiresAt(), q.nowMS) || q.Level != nil && !q.Level.has(v.z()) || !q.inArea(v) || !q.passes(r) {
		return false
	}
	if q.Sieve == nil {
		return true
	}
	if math.IsNaN(h.Distance) {
		h.Distance = distance(h.Code, q.near.Row(h))
	}
	return q.Sieve.Admits(h)
}

// passes reports whether a row passes the filters on numeric fields and tags.
func (q *Query) passes(r *zset.Row) bool {
	v := view{r.Value} // r is not copied: this is done for every row near enough
	for i := range q.Where {
		w := &q.Where[i]
		value, ok := findNumber(v.numbers(), uint8(w.id))
		if !ok && v.has(moreNumbers) {
			value, ok = findNumber(tailNumbers(q.f.tailHead(*r)), uint8(w.id))
		}
		if !ok || !w.has(value) {
			return false
		}
	}
	if len(q.tags) == 0 {
		return true
	}
	for _, h := range q.tags {
		if !hasHash(v.hashes(), h) && !v.has(moreTags) {
			return false
		}
	}
	return q.hasTags(q.f.tailHead(*r))
}

// hasTags reports whether a tail has all the tags.
func (q *Query) hasTags(tail []byte) bool {
	for _, t := range q.Tags {
		found := false
		for w := tagsOf(tail); !found && w.next(); {
			found = string(w.tag.Name) == string(t.Name) && string(w.tag.Text) == string(t.Text)
		}
		if !found {
			return false
		}
	}
	return true
}

// inArea reports whether a place is in a box or a polygon; a circle the distances tell.
func (q *Query) inArea(v view) bool {
	switch {
	case q.Area == Polygon:
		return q.Polygon.Contains(v.x(), v.y())
	case q.Area != Box:
		return true
	case q.f.head.shape.Space == Geo:
		_, within := q.area.Distance(v.x(), v.y())
		return within
	}
	return math.Abs(v.x()-q.X) <= q.Width/2 && math.Abs(v.y()-q.Y) <= q.Height/2
}
