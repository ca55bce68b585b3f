package commands

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"quarry/store"
	"quarry/store/field"
	"quarry/store/geo"
	"quarry/store/zset"
)

var huntNearbyCommands = []Spec{
	{
		Name: "HUNT.NEARBY", Group: Hunt, Since: huntSince,
		Summary:    "Finds what is near a place or a member, in a field or a sorted set of GEOADD's, the nearest first",
		Complexity: "O(log(N)+M), M members being looked at of N: those asked for and what is about as near, and those that filters leave out",
		Arity:      -5, Flags: ReadOnly,
		Keys: []Keys{
			{Index: 1, Step: 1, Access: RO | AccessOp},
			{Unknown: true, Find: excludeSetKey, Access: RO | AccessOp, Notes: "The key after EXCLUDESET, where that is an option and not a member"},
		},
		Args: []Arg{
			keyArg("key"),
			oneOf("from",
				withToken("FROMXY", block("xy", doubleArg("x"), doubleArg("y"), optional(doubleArg("z")))),
				withToken("FROMMEMBER", stringArg("member"))),
			optional(oneOf("by",
				block("circle", withToken("BYRADIUS", doubleArg("radius")), optional(unitArg)),
				block("box", withToken("BYBOX", doubleArg("width")), doubleArg("height"), optional(unitArg)),
				block("polygon", withToken("BYPOLYGON", intArg("num-vertices")), multiple(block("vertices", doubleArg("x"), doubleArg("y")))))),
			optional(withToken("LEVEL", block("level", doubleArg("zmin"), doubleArg("zmax")))),
			optional(repeated(withToken("WHERE", block("where", stringArg("name"), doubleArg("min"), doubleArg("max"))))),
			optional(repeated(withToken("TAG", block("tag", stringArg("name"), stringArg("text"))))),
			optional(token("NOSELF")),
			optional(oneOf("exclusion",
				withToken("EXCLUDE", block("names", intArg("num-members"), multiple(block("members", stringArg("member"))))),
				withToken("EXCLUDESET", keyArgOf("setkey", 1)))),
			countAnyArg, orderArg,
			optional(withToken("AFTER", block("after", doubleArg("dist"), stringArg("member")))),
			withDistArg, withCoordArg, optional(token("WITHFIELDS")), optional(token("WITHPAYLOAD")),
		},
		Run: huntNearby,
	},
}

// maxFilters bounds the WHEREs, and the TAGs, of one call.
const maxFilters = 32

// polygonMax bounds the vertices of polygons on a plane, so that products of two coordinates are finite.
const polygonMax = 1e150

const (
	errNearbyFrom   = "ERR exactly one of FROMXY and FROMMEMBER must be given"
	errNearbyShape  = "ERR at most one of BYRADIUS, BYBOX and BYPOLYGON can be given"
	errNearbyWhole  = "ERR a shape or COUNT must be given"
	errNoSelf       = "ERR NOSELF needs FROMMEMBER"
	errExclude      = "ERR EXCLUDE takes the number of members and as many members"
	errNumericFrom  = "ERR FROMXY takes finite coordinates"
	errLevel        = "ERR LEVEL needs a field of 3 dimensions"
	errPlaneUnits   = "ERR a field of a plane has no units"
	errSetFilters   = "ERR LEVEL, WHERE, TAG, WITHFIELDS and WITHPAYLOAD need a field"
	errSetPlace     = "ERR a place in a sorted set is a longitude and a latitude"
	errExcludeSet   = "ERR EXCLUDESET needs a set or a Bloom filter"
	errAfter        = "ERR AFTER takes a distance and a member"
	errBigVertices  = "ERR a polygon's vertices must be finite numbers of at most 1e150"
	errNumericVert  = "ERR a polygon's vertices must be numbers"
	errNumericShape = "ERR radius, width and height must be finite numbers and not negative"
)

var (
	errFilters     = fmt.Sprintf("ERR at most %d times WHERE, and as often TAG, in one call", maxFilters)
	errNumVertices = fmt.Sprintf("ERR a polygon has 3 to %d vertices", geo.MaxVertices)
	errHits        = errors.New(strings.TrimPrefix(errManyHits, "ERR "))
	errEdges       = errors.New(strings.TrimPrefix(errManyEdges, "ERR "))
)

// nearCall is what a call of HUNT.NEARBY asks for, and what it works with.
type nearCall struct {
	query field.Query
	cells setSpace
	sieve nearSieve

	hasXY, hasZ bool
	hasMember   bool
	member      []byte // FROMMEMBER's
	units       bool   // a unit was given
	vertices    []geo.Point
	level       field.Interval
	count       int64 // 0: all
	any, desc   bool
	noSelf      bool
	asked       parts
	excludeAt   int // position of EXCLUDESET's key; 0: none
}

// setSpace is a sorted set of geohashes as HUNT.NEARBY searches it: distances are in its unit, and members may be left out.
type setSpace struct {
	globe
	sieve *nearSieve
	unit  float64
}

// Distance implements zset.Space.
func (s *setSpace) Distance(code uint64, r *zset.Row) float64 {
	return s.globe.Distance(code, r) / s.unit
}

// Admits implements zset.Space.
func (s *setSpace) Admits(h *zset.Hit) bool {
	if !s.globe.Admits(h) {
		return false
	}
	if s.sieve.after && math.IsNaN(h.Distance) {
		h.Distance = s.Distance(h.Code, nil)
	}
	return s.sieve.Admits(h)
}

// nearSieve leaves out members by name, and what an earlier page had.
type nearSieve struct {
	near    *zset.Near
	hasSelf bool
	self    []byte
	exclude [][]byte // sorted
	set     *store.Set
	bloom   *store.Bloom

	after       bool
	desc        bool
	afterDist   float64
	afterMember []byte
	member      []byte // scratch
}

// idle reports whether everything passes.
func (s *nearSieve) idle() bool {
	return !s.hasSelf && len(s.exclude) == 0 && s.set == nil && s.bloom == nil && !s.after
}

// Admits implements field.Sieve.
func (s *nearSieve) Admits(h *zset.Hit) bool {
	if s.idle() {
		return true
	}
	if s.after && h.Distance != s.afterDist && (h.Distance < s.afterDist) != s.desc {
		return false
	}
	s.member = s.near.AppendMember(s.member[:0], h)
	switch {
	case s.after && h.Distance == s.afterDist && bytes.Compare(s.member, s.afterMember) <= 0,
		s.hasSelf && bytes.Equal(s.member, s.self),
		s.set != nil && s.set.Has(s.member),
		s.bloom != nil && s.bloom.Has(s.member):
		return false
	}
	_, excluded := slices.BinarySearchFunc(s.exclude, s.member, bytes.Compare)
	return !excluded
}

func (q *nearCall) reset() {
	q.query.Reset()
	q.sieve = nearSieve{exclude: q.sieve.exclude[:0], member: q.sieve.member}
	q.hasXY, q.hasZ, q.hasMember, q.member, q.units, q.vertices = false, false, false, nil, false, nil
	q.count, q.any, q.desc, q.noSelf, q.asked, q.excludeAt = 0, false, false, false, 0, 0
}

// end forgets the call's arguments, and scratch space that is large.
func (q *nearCall) end() {
	q.query.Forget()
	clear(q.sieve.exclude[:cap(q.sieve.exclude)])
	if cap(q.sieve.member) > keepElement || cap(q.sieve.exclude) > scoresKept {
		q.sieve = nearSieve{}
	}
	q.reset()
	q.cells = setSpace{}
}

// excludeSetKey is the position of EXCLUDESET's key in a call; 0 if there is none.
func excludeSetKey(args [][]byte) int {
	if !slices.ContainsFunc(args, func(a []byte) bool { return equalFold(a, "EXCLUDESET") }) {
		return 0
	}
	var q nearCall
	q.reset()
	q.parse(args)
	return q.excludeAt
}

// parse reads a call's options, whatever the key holds.
func (q *nearCall) parse(args [][]byte) (problem string) {
	for i := 2; i < len(args); {
		n, problem := q.option(args, i)
		if problem != "" {
			return problem
		}
		i += n
	}
	switch {
	case q.hasXY == q.hasMember:
		return errNearbyFrom
	case q.any && q.count == 0:
		return errAnyCount
	case q.query.Area == field.Everywhere && q.count == 0:
		return errNearbyWhole
	case q.noSelf && !q.hasMember:
		return errNoSelf
	}
	q.sieve.hasSelf, q.sieve.self = q.noSelf, q.member
	q.sieve.desc = q.desc
	slices.SortFunc(q.sieve.exclude, bytes.Compare)
	return ""
}

// option reads the option at i, and returns of how many arguments it is.
func (q *nearCall) option(args [][]byte, i int) (n int, problem string) {
	a, left := args[i], len(args)-i-1
	const known = withDist | withCoord | withFields | withPayload
	if p := partNamed(a, known); p != 0 {
		q.asked |= p
		return 1, ""
	}
	switch {
	case left >= 2 && equalFold(a, "FROMXY"):
		return q.fromXY(args[i:])
	case left >= 1 && equalFold(a, "FROMMEMBER"):
		if q.hasXY || q.hasMember {
			return 0, errNearbyFrom
		}
		q.hasMember, q.member = true, args[i+1]
		return 2, ""
	case left >= 1 && equalFold(a, "BYRADIUS"):
		return q.lengths(args[i:], field.Circle, &q.query.Radius)
	case left >= 2 && equalFold(a, "BYBOX"):
		return q.lengths(args[i:], field.Box, &q.query.Width, &q.query.Height)
	case left >= 1 && equalFold(a, "BYPOLYGON"):
		return q.polygon(args[i:])
	case left >= 2 && equalFold(a, "LEVEL"):
		var ok bool
		q.level, ok = interval(args[i+1], args[i+2])
		q.query.Level = &q.level
		return 3, when(!ok, errMinMaxFloat)
	case left >= 3 && equalFold(a, "WHERE"):
		in, ok := interval(args[i+2], args[i+3])
		q.query.Where = append(q.query.Where, field.Where{Name: args[i+1], Interval: in})
		return 4, when(!ok, errMinMaxFloat) + when(len(q.query.Where) > maxFilters, errFilters)
	case left >= 2 && equalFold(a, "TAG"):
		q.query.Tags = append(q.query.Tags, field.Tag{Name: args[i+1], Text: args[i+2]})
		return 3, when(len(q.query.Tags) > maxFilters, errFilters)
	case equalFold(a, "NOSELF"):
		q.noSelf = true
		return 1, ""
	case left >= 1 && equalFold(a, "EXCLUDE") && q.excludeAt == 0 && len(q.sieve.exclude) == 0:
		return q.excluded(args[i:])
	case left >= 1 && equalFold(a, "EXCLUDESET") && q.excludeAt == 0 && len(q.sieve.exclude) == 0:
		q.excludeAt = i + 1
		return 2, ""
	case left >= 1 && equalFold(a, "COUNT"):
		var ok bool
		if q.count, ok = parseInt(args[i+1]); !ok {
			return 0, errNotInt
		}
		return 2, when(q.count <= 0, errCountPositive)
	case equalFold(a, "ANY"):
		q.any = true
		return 1, ""
	case equalFold(a, "ASC"), equalFold(a, "DESC"):
		q.desc = equalFold(a, "DESC")
		return 1, ""
	case left >= 2 && equalFold(a, "AFTER"):
		var ok bool
		q.sieve.after, q.sieve.afterMember = true, args[i+2]
		q.sieve.afterDist, ok = parseFloat(args[i+1])
		return 3, when(!ok, errAfter)
	}
	return 0, errSyntax
}

// when is the problem if there is one.
func when(wrong bool, problem string) string {
	if wrong {
		return problem
	}
	return ""
}

func interval(min, max []byte) (in field.Interval, ok bool) {
	r, ok := parseScoreRange(min, max)
	return field.Interval{Min: r.min, Max: r.max, MinEx: r.minEx, MaxEx: r.maxEx}, ok
}

// fromXY reads FROMXY: what follows y is z if it is a number, as no option is.
func (q *nearCall) fromXY(args [][]byte) (n int, problem string) {
	if q.hasXY || q.hasMember {
		return 0, errNearbyFrom
	}
	var xOK, yOK bool
	q.query.X, xOK = parseFloat(args[1])
	q.query.Y, yOK = parseFloat(args[2])
	q.hasXY, n = true, 3
	if len(args) > 3 && !startsOption(args[3]) {
		if q.query.Z, q.hasZ = parseFloat(args[3]); q.hasZ {
			n = 4
		}
	}
	finite := !math.IsInf(q.query.X, 0) && !math.IsInf(q.query.Y, 0) && !math.IsInf(q.query.Z, 0)
	return n, when(!xOK || !yOK || !finite, errNumericFrom)
}

// startsOption reports whether an argument begins with a letter, as all options do.
func startsOption(arg []byte) bool { return len(arg) > 0 && 'a' <= arg[0]|0x20 && arg[0]|0x20 <= 'z' }

// lengths reads BYRADIUS or BYBOX: lengths and maybe their unit.
func (q *nearCall) lengths(args [][]byte, area field.Area, into ...*float64) (n int, problem string) {
	if q.query.Area != field.Everywhere {
		return 0, errNearbyShape
	}
	q.query.Area, n = area, 1+len(into)
	for i, length := range into {
		v, ok := parseFloat(args[1+i])
		if !ok || math.IsInf(v, 0) || v < 0 {
			return 0, errNumericShape
		}
		*length = v + 0 // -0 is 0
	}
	if len(args) > n {
		if q.query.Unit, q.units = geo.Metres(args[n]); q.units {
			for _, length := range into {
				*length *= q.query.Unit
			}
			return n + 1, ""
		}
		q.query.Unit = 1
	}
	return n, ""
}

// polygon reads BYPOLYGON.
func (q *nearCall) polygon(args [][]byte) (n int, problem string) {
	if q.query.Area != field.Everywhere {
		return 0, errNearbyShape
	}
	q.query.Area = field.Polygon
	count, ok := parseInt(args[1])
	switch {
	case !ok:
		return 0, errNotInt
	case count < 3 || count > geo.MaxVertices:
		return 0, errNumVertices
	case len(args) < 2+2*int(count):
		return 0, errSyntax
	}
	for i := range int(count) {
		x, xOK := parseFloat(args[2+2*i])
		y, yOK := parseFloat(args[3+2*i])
		switch {
		case !xOK || !yOK:
			return 0, errNumericVert
		case !(math.Abs(x) <= polygonMax && math.Abs(y) <= polygonMax):
			return 0, errBigVertices
		}
		q.vertices = append(q.vertices, geo.Point{X: x, Y: y})
	}
	return 2 + 2*int(count), ""
}

// excluded reads EXCLUDE.
func (q *nearCall) excluded(args [][]byte) (n int, problem string) {
	count, ok := parseInt(args[1])
	if !ok || count < 1 || count > int64(len(args)-2) {
		return 0, errExclude
	}
	n = 2 + int(count)
	q.sieve.exclude = append(q.sieve.exclude, args[2:n]...)
	return n, ""
}

func huntNearby(c *Ctx) {
	q := &c.nearby
	q.reset()
	q.sieve.near, c.hunted = &c.near, true
	if problem := q.parse(c.Args); problem != "" {
		c.Error(problem)
		return
	}
	if len(q.vertices) > 0 {
		q.query.Polygon = geo.NewPolygon(q.vertices)
	}
	if c.DB.Kind(c.Args[1]) == store.TypeZSet {
		c.nearbySet(q)
		return
	}
	c.nearbyField(q)
}

// openExcluded opens what EXCLUDESET names: a missing key excludes nothing.
func (c *Ctx) openExcluded(q *nearCall) bool {
	if q.excludeAt == 0 {
		return true
	}
	var err error
	key := c.Args[q.excludeAt]
	switch c.DB.Kind(key) {
	case store.None:
	case store.TypeSet:
		q.sieve.set, err = c.DB.Set(key)
	case store.TypeBloom:
		q.sieve.bloom, err = c.DB.Bloom(key)
	default:
		c.Error(errExcludeSet)
		return false
	}
	return !c.fail(err)
}

// nearbyField searches a field.
func (c *Ctx) nearbyField(q *nearCall) {
	f, err := c.DB.Field(c.Args[1])
	if c.fail(err) || !c.openExcluded(q) {
		return
	}
	if f == nil {
		c.Array(0)
		return
	}
	if problem := c.fieldQuery(q, f); problem != "" {
		c.Error(problem)
		return
	}
	if !q.sieve.idle() {
		q.query.Sieve = &q.sieve
	}
	limit := c.Host.SearchLimit()
	hits, err := c.hunt(q, f.Rest(), func(k int) ([]zset.Hit, error) {
		return f.Nearest(&c.near, &q.query, c.NowMS, k, limit)
	}, func(most int) ([]zset.Hit, error) {
		return f.Search(&c.near, &q.query, c.NowMS, most, limit)
	})
	if c.searchFailed(q, err, limit) {
		return
	}
	c.nearbyReply(q, hits, func(h *zset.Hit) {
		f.Read(*c.near.Row(h), q.asked.depth(), &c.record)
		for p := withCoord; p <= withPayload; p <<= 1 {
			if q.asked&p != 0 {
				c.part(p, f.Shape().Dims)
			}
		}
	})
}

// fieldQuery completes the query by what the field is, and says what does not fit it.
func (c *Ctx) fieldQuery(q *nearCall, f *store.Field) (problem string) {
	s := f.Shape()
	switch {
	case s.Space == field.Plane && q.units:
		return errPlaneUnits
	case q.query.Level != nil && s.Dims != 3:
		return errLevel
	case q.hasXY && q.hasZ != (s.Dims == 3):
		return errDimensions(s.Dims)
	}
	if s.Space == field.Geo {
		for _, v := range q.vertices {
			if err := f.Refuses(v.X, v.Y, 0); err != nil {
				return "ERR " + err.Error()
			}
		}
	}
	if q.hasXY {
		if err := f.RefusesQuery(q.query.X, q.query.Y, q.query.Z); err != nil {
			return "ERR " + err.Error()
		}
		return ""
	}
	if !f.Get(q.member, c.NowMS, field.Shallow, &c.record) {
		return errMemberPlace
	}
	q.query.X, q.query.Y, q.query.Z = c.record.X, c.record.Y, c.record.Z
	return ""
}

// nearbySet searches a sorted set of geohashes.
func (c *Ctx) nearbySet(q *nearCall) {
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) || !c.openExcluded(q) {
		return
	}
	lon, lat, problem := q.setPlace(&z.Set)
	if problem != "" {
		c.Error(problem)
		return
	}
	shape := geo.Circle(lon, lat, math.Inf(1))
	switch q.query.Area {
	case field.Circle:
		shape = geo.Circle(lon, lat, q.query.Radius)
	case field.Box:
		shape = geo.Box(lon, lat, q.query.Width, q.query.Height)
	case field.Polygon:
		shape = geo.AreaFrom(lon, lat, q.query.Polygon)
	}
	q.cells = setSpace{globe: globe{geo.NewCells(&shape)}, sieve: &q.sieve, unit: q.query.Unit}
	limit, reach := c.Host.SearchLimit(), q.cells.Reach()
	hits, err := c.hunt(q, z.Len(), func(k int) ([]zset.Hit, error) {
		return c.near.Nearest(&z.Set, &q.cells, k, reach, limit)
	}, func(most int) ([]zset.Hit, error) {
		c.ranges = append(c.ranges[:0], everywhere)
		return c.near.Range(&z.Set, &q.cells, reach, most, limit, c.ranges...)
	})
	if c.searchFailed(q, err, limit) {
		return
	}
	c.nearbyReply(q, hits, func(h *zset.Hit) {
		if q.asked&withCoord != 0 {
			c.doubles(geo.Decode(h.Code))
		}
	})
}

// setPlace is where a search of a sorted set begins, or what is wrong with the call.
func (q *nearCall) setPlace(z *zset.Set) (lon, lat float64, problem string) {
	switch {
	case q.query.Level != nil, len(q.query.Where)+len(q.query.Tags) > 0, q.asked&(withFields|withPayload) != 0:
		return 0, 0, errSetFilters
	case q.hasZ:
		return 0, 0, errSetPlace
	}
	for _, v := range q.vertices {
		if !geo.Valid(v.X, v.Y) {
			return 0, 0, "ERR " + field.ErrLonLat.Error()
		}
	}
	if q.hasXY {
		lon, lat = q.query.X, q.query.Y
		return lon, lat, when(!geo.Valid(lon, lat), "ERR "+field.ErrLonLat.Error())
	}
	score, ok := z.Score(q.member)
	if !ok {
		return 0, 0, errMemberPlace
	}
	lon, lat = geo.Decode(geo.Code(score))
	return lon, lat, ""
}

// hunt searches n rows as the call asks: by nearest, which finds the k nearest in order, or by all, which finds
// all, or any few, in no order.
func (c *Ctx) hunt(q *nearCall, n int, nearest, all func(int) ([]zset.Hit, error)) (hits []zset.Hit, err error) {
	k := int(min(q.count, math.MaxInt))
	if 0 < k && k < n && k <= maxHits && !q.any && !q.desc {
		return nearest(k)
	}
	most := maxHits + 1
	if q.any {
		most = min(k, most)
	}
	if hits, err = all(most); err == nil && len(hits) > maxHits {
		err = errHits
	}
	if err != nil {
		return nil, err
	}
	c.near.Sort(hits)
	if q.desc {
		reverse(hits)
	}
	if k > 0 && k < len(hits) {
		hits = hits[:k]
	}
	return hits, nil
}

// reverse turns hits in ascending order into descending order; of those with equal distances the order stays.
func reverse(hits []zset.Hit) {
	slices.Reverse(hits)
	for start := 0; start < len(hits); {
		end := start + 1
		for end < len(hits) && hits[end].Distance == hits[start].Distance {
			end++
		}
		slices.Reverse(hits[start:end])
		start = end
	}
}

// searchFailed answers that a search was ended, if it was.
func (c *Ctx) searchFailed(q *nearCall, err error, limit int) bool {
	if p := q.query.Polygon; err == nil && p != nil && p.Exhausted() {
		err = errEdges
	}
	if errors.Is(err, zset.ErrSearchLimit) {
		c.Error(fmt.Sprintf("ERR the search was ended: it had to look at more than %d members (hunt-search-limit)", limit))
		return true
	}
	return c.fail(err)
}

// nearbyReply answers members, or rows of a member and what is asked for; rest answers what of that is not the distance.
func (c *Ctx) nearbyReply(q *nearCall, hits []zset.Hit, rest func(h *zset.Hit)) {
	if q.asked&withDist != 0 {
		c.near.Measure(hits)
	}
	c.Array(len(hits))
	for i := range hits {
		h := &hits[i]
		if q.asked != 0 {
			c.Array(1 + q.asked.count())
		}
		c.Bulk(c.hitMember(h))
		if q.asked&withDist != 0 {
			c.Double(h.Distance)
		}
		if q.asked != 0 {
			rest(h)
		}
	}
}
