package commands

import (
	"quarry/store"
	"quarry/store/geo"
	"quarry/store/zset"
)

// globe is a set of geohashes as it is searched. What lies in a shape is told by the rank where that is easy, and else when a
// row is near enough to be in the answer.
type globe struct{ geo.Cells }

func (g *globe) Rank(code uint64, _ *zset.Row) float64     { return g.Haversine(code) }
func (g *globe) Slack(rank float64) float64                { return geo.Slack(rank) }
func (g *globe) Distance(code uint64, _ *zset.Row) float64 { return g.Cells.Distance(code) }
func (g *globe) Admits(h *zset.Hit) bool                   { return g.Round() || g.Holds(h.Code) }

const (
	// maxHits is how many a search may find: they take 1 GB with what sorting needs.
	maxHits = 16 << 20

	errManyEdges = "ERR the polygon has too many long edges for so many members"
	errManyHits  = "ERR more than 16777216 members lie in the shape: ask for fewer with COUNT" // maxHits
)

// everywhere is all codes there are.
var everywhere = geo.Range{To: geo.CodeEnd}

// geoHits are the members of z that q asks for, in the order in which they are answered: by distance, and where that is equal, by
// the bytes of members, which Redis leaves open; or else as Redis finds them, area by area, and then what it does not find.
// They are valid until the next search. problem says why they cannot be had, if so.
func (c *Ctx) geoHits(z *zset.Set, q *geoSearch) (hits []zset.Hit, problem string) {
	c.globe = globe{geo.NewCells(&q.shape)}
	hits = c.findHits(z, q)
	switch {
	case c.globe.Exhausted():
		return nil, errManyEdges
	case len(hits) > maxHits:
		return nil, errManyHits
	}
	if q.withDist || q.storeDist {
		c.near.Measure(hits)
	}
	return hits, ""
}

// findHits are at most one more than there may be.
func (c *Ctx) findHits(z *zset.Set, q *geoSearch) (hits []zset.Hit) {
	count := int(min(q.count, int64(z.Len())))
	// To find most of what there is in order costs more than to sort it all.
	if q.order == nearestFirst && 0 < count && count < z.Len()/8 {
		hits, _ = c.near.Nearest(z, &c.globe, min(count, maxHits+1), c.globe.Reach(), 0)
		return hits
	}
	most := maxHits + 1
	c.ranges = append(c.ranges[:0], everywhere)
	switch {
	case q.any && q.order != nearestFirst:
		most = min(count, most)
		c.ranges, _ = q.shape.Ranges(c.ranges[:0])
	case q.order == asFound && q.store == nil: // a set is built in its own order
		c.ranges, _ = q.shape.Ranges(c.ranges[:0])
	}
	hits, _ = c.near.Range(z, &c.globe, c.globe.Reach(), most, 0, c.ranges...)
	if len(hits) <= maxHits && q.order != asFound {
		hits = c.firstHits(hits, q.order, count)
	}
	return hits
}

// firstHits are the first count of hits in order, all for 0.
func (c *Ctx) firstHits(hits []zset.Hit, order geoOrder, count int) []zset.Hit {
	if count == 0 || count > len(hits) {
		count = len(hits)
	}
	c.near.Measure(hits)
	sign := 1
	if order == farthestFirst {
		sign = -1
	}
	return firstSorted(hits, count, func(a, b zset.Hit) int {
		return sign * c.near.Compare(&a, &b)
	})
}

// hitMember is the member of a hit, valid until the next call.
func (c *Ctx) hitMember(h *zset.Hit) []byte {
	c.picked = c.near.AppendMember(c.picked[:0], h)
	return c.picked
}

// answerHits answers members with what is known of them.
func (c *Ctx) answerHits(hits []zset.Hit, q *geoSearch) {
	parts := 1 + int(oneIf(q.withDist)+oneIf(q.withHash)+oneIf(q.withCoord))
	c.Array(len(hits))
	for i := range hits {
		h := &hits[i]
		if parts > 1 {
			c.Array(parts)
		}
		c.Bulk(c.hitMember(h))
		if q.withDist {
			c.distance(h.Distance / q.metres)
		}
		if q.withHash {
			c.Int(int64(h.Code))
		}
		if q.withCoord {
			c.lonLat(geo.Decode(h.Code))
		}
	}
}

// storeHits stores members of z, nil if there are none, with their scores or distances.
func (c *Ctx) storeHits(z *store.ZSet, hits []zset.Hit, q *geoSearch) {
	result := c.DB.NewZSet(q.store)
	result.Bound()
	for i := range hits {
		member := c.hitMember(&hits[i])
		score := hits[i].Distance / q.metres
		if !q.storeDist {
			score, _ = z.Score(member) // it may have a fraction, which codes have not
		}
		if result.Add(member, score, 0); result.Full() {
			break
		}
	}
	event := "geosearchstore"
	if c.Spec.Name != "GEOSEARCHSTORE" {
		event = "georadiusstore"
	}
	c.storeZSet(result, q.store, event)
	if c.changed {
		c.setEffects(q.store, &result.Set)
	}
}
