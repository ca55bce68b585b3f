package commands

import (
	"bytes"
	"cmp"
	"slices"

	"quarry/store/geo"
	"quarry/store/zset"
)

// geoHit is a member in a shape.
type geoHit struct {
	distance float64 // from the centre, in metres
	score    float64
	member   []byte
}

const errGeoTooLarge = "ERR the search needs more than 1 GB of memory for what it finds"

// geoHits are the members of z that q asks for, in the order in which they are answered: by distance, and where that is equal, by
// the bytes of members, which Redis leaves open; or else as Redis finds them, area by area, and then what it does not find.
// Should there be too many, ok is false.
func (c *Ctx) geoHits(z *zset.Set, q *geoSearch) (hits []geoHit, ok bool) {
	w := geoWalk{c: c, z: z, shape: &q.shape}
	if q.any && q.order != nearestFirst {
		w.most = int(q.count)
	}
	var room [9]geo.Range
	areas := q.shape.Areas(room[:0])
	for _, r := range areas {
		w.walk(r)
	}
	var gaps [10]geo.Range
	for _, r := range q.shape.Rest(gaps[:0], areas) {
		w.walk(r)
	}
	if q.order != asFound {
		slices.SortFunc(w.hits, compareHits)
	}
	if q.order == farthestFirst {
		slices.Reverse(w.hits)
	}
	if q.count > 0 && q.count < int64(len(w.hits)) {
		w.hits = w.hits[:q.count]
	}
	return w.hits, w.kept <= maxSortBytes
}

func compareHits(a, b geoHit) int {
	if a.distance != b.distance {
		return cmp.Compare(a.distance, b.distance)
	}
	return bytes.Compare(a.member, b.member)
}

// geoWalk gathers hits.
type geoWalk struct {
	c     *Ctx
	z     *zset.Set
	shape *geo.Shape
	most  int // 0: all
	hits  []geoHit
	kept  int // bytes
}

// walk gathers what lies in the shape of the members with codes in r.
func (w *geoWalk) walk(r geo.Range) {
	if w.full() {
		return
	}
	it, end := &w.c.iter, float64(r.To)
	it.Seek(w.z, w.z.CountBelow(float64(r.From), false), false)
	for !w.full() && it.Next() && it.Score() < end {
		score := it.Score()
		if distance, within := w.shape.Distance(geo.Decode(geo.Code(score))); within {
			member := bytes.Clone(it.Member())
			w.hits = append(w.hits, geoHit{distance, score, member})
			w.kept += len(member) + geoHitBytes
		}
	}
}

const geoHitBytes = 48

func (w *geoWalk) full() bool {
	return w.most > 0 && len(w.hits) >= w.most || w.kept > maxSortBytes
}
