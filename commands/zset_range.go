package commands

import (
	"quarry/store"
	"quarry/store/zset"
)

var (
	withScoresArg = optional(token("WITHSCORES"))
	limitArg      = optional(withToken("LIMIT", block("offset_count", intArg("offset"), intArg("count"))))
	sortByArg     = optional(oneOf("sortby", token("BYSCORE"), token("BYLEX")))
	revArg        = optional(token("REV"))
)

const rangeComplexity = "O(log(N)+M), M members being answered of a set of N"

var zsetRangeCommands = []Spec{
	{
		Name: "ZRANGE", Group: SortedSet, Since: "1.2.0",
		Summary:    "Lists the members in a range of ranks, scores or members, in either direction",
		Complexity: rangeComplexity,
		Arity:      -4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		History: [][2]string{{"6.2.0", "The options `REV`, `BYSCORE`, `BYLEX` and `LIMIT`."}},
		Args: []Arg{
			keyArg("key"), stringArg("start"), stringArg("stop"), since("6.2.0", sortByArg), since("6.2.0", revArg),
			since("6.2.0", limitArg), withScoresArg,
		},
		Run: func(c *Ctx) { c.zrangeGeneric(rangeQuery{anyBy: true, anyDirection: true}) },
	},
	{
		Name: "ZRANGESTORE", Group: SortedSet, Since: "6.2.0",
		Summary:    "Stores the members in a range of ranks, scores or members as a new sorted set",
		Complexity: "O(log(N)+M), M members being stored of a set of N",
		Arity:      -5, Flags: Write | DenyOOM | Verbatim | SelfPropagate,
		Keys: []Keys{{Index: 1, Step: 1, Access: OW | UpdateOp}, {Index: 2, Step: 1, Access: RO | AccessOp}},
		Args: []Arg{
			keyArg("dst"), keyArgOf("src", 1), stringArg("min"), stringArg("max"), sortByArg, revArg, limitArg,
		},
		Run: zrangestore,
	},
	{
		Name: "ZREVRANGE", Group: SortedSet, Since: "1.2.0",
		Summary:    "Lists the members in a range of ranks that count from the highest score",
		Complexity: rangeComplexity,
		Arity:      -4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		DeprecatedSince: "6.2.0", ReplacedBy: "`ZRANGE` with `REV`",
		Args: []Arg{keyArg("key"), intArg("start"), intArg("stop"), withScoresArg},
		Run:  func(c *Ctx) { c.zrangeGeneric(rangeQuery{by: byRank, reverse: true}) },
	},
	{
		Name: "ZRANGEBYSCORE", Group: SortedSet, Since: "1.0.5",
		Summary:    "Lists the members in a range of scores",
		Complexity: rangeComplexity,
		Arity:      -4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		DeprecatedSince: "6.2.0", ReplacedBy: "`ZRANGE` with `BYSCORE`",
		History: [][2]string{{"2.0.0", "The option `WITHSCORES`."}},
		Args: []Arg{
			keyArg("key"), doubleArg("min"), doubleArg("max"), since("2.0.0", withScoresArg), limitArg,
		},
		Run: func(c *Ctx) { c.zrangeGeneric(rangeQuery{by: byScore}) },
	},
	{
		Name: "ZREVRANGEBYSCORE", Group: SortedSet, Since: "2.2.0",
		Summary:    "Lists the members in a range of scores, highest first",
		Complexity: rangeComplexity,
		Arity:      -4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		DeprecatedSince: "6.2.0", ReplacedBy: "`ZRANGE` with `REV` and `BYSCORE`",
		History: [][2]string{{"2.1.6", "Either end can be exclusive."}},
		Args: []Arg{
			keyArg("key"), doubleArg("max"), doubleArg("min"), withScoresArg, limitArg,
		},
		Run: func(c *Ctx) { c.zrangeGeneric(rangeQuery{by: byScore, reverse: true}) },
	},
	{
		Name: "ZRANGEBYLEX", Group: SortedSet, Since: "2.8.9",
		Summary:    "Lists the members between two members of a sorted set whose scores are all equal",
		Complexity: rangeComplexity,
		Arity:      -4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		DeprecatedSince: "6.2.0", ReplacedBy: "`ZRANGE` with `BYLEX`",
		Args: []Arg{keyArg("key"), stringArg("min"), stringArg("max"), limitArg},
		Run:  func(c *Ctx) { c.zrangeGeneric(rangeQuery{by: byLex}) },
	},
	{
		Name: "ZREVRANGEBYLEX", Group: SortedSet, Since: "2.8.9",
		Summary:    "Lists the members between two members, last first, of a sorted set whose scores are all equal",
		Complexity: rangeComplexity,
		Arity:      -4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		DeprecatedSince: "6.2.0", ReplacedBy: "`ZRANGE` with `REV` and `BYLEX`",
		Args: []Arg{keyArg("key"), stringArg("max"), stringArg("min"), limitArg},
		Run:  func(c *Ctx) { c.zrangeGeneric(rangeQuery{by: byLex, reverse: true}) },
	},
}

const (
	errLimitByRank     = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
	errWithScoresByLex = "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
)

// rangeBy says what the ends of a range are.
type rangeBy uint8

const (
	byRank rangeBy = iota
	byScore
	byLex
)

// rangeQuery is what ZRANGE and its relations ask for.
type rangeQuery struct {
	// anyBy and anyDirection: BYSCORE, BYLEX and REV may choose them, which
	// only ZRANGE and ZRANGESTORE let them do. Once chosen they are fixed.
	anyBy, anyDirection bool

	by      rangeBy
	reverse bool

	start, stop int64      // byRank; negative: from the end
	scores      scoreRange // byScore
	members     lexRange   // byLex

	limited       bool
	offset, count int64 // of LIMIT; a negative count is all, a negative offset nothing
	withScores    bool
}

// zrangeGeneric answers the rows of a query whose fixed parts are given.
func (c *Ctx) zrangeGeneric(q rangeQuery) {
	if !c.parseRange(&q, c.Args[2:], true) {
		return
	}
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	if z == nil {
		c.Array(0)
		return
	}
	rank, n := c.window(&q, &z.Set)
	c.replyRows(&z.Set, rank, n, q.reverse, c.rowShape(q.withScores))
}

func zrangestore(c *Ctx) {
	q := rangeQuery{anyBy: true, anyDirection: true}
	if !c.parseRange(&q, c.Args[3:], false) {
		return
	}
	src, err := c.DB.ZSet(c.Args[2])
	if c.fail(err) {
		return
	}
	// The rows are gathered apart, so that the destination may be the source.
	dst := c.DB.NewZSet(c.Args[1])
	dst.Bound()
	rank, n := 0, 0
	if src != nil {
		rank, n = c.copyRows(dst, &q, &src.Set)
	}
	c.storeZSet(dst, c.Args[1], c.Spec.FullName())
	if c.changed && q.by == byLex { // which means something else in another encoding, if scores differ
		if n > 0 {
			c.Effect(5, "ZRANGESTORE").Bytes(c.Args[1]).Bytes(c.Args[2]).Int(int64(rank)).Int(int64(rank + n - 1))
		} else {
			c.Effect(2, "DEL").Bytes(c.Args[1])
		}
	}
}

// storeZSet puts a set at the key it was made for, in place of what is there, tells of an event, and answers its length; one that is
// full it refuses.
func (c *Ctx) storeZSet(z *store.ZSet, key []byte, event string) {
	z.Built()
	if z.Full() {
		z.Discard()
		c.Error(ErrOOM)
		return
	}
	removed := z.Len() == 0 && c.DB.Has(key)
	n := z.StoreAt()
	switch {
	case n > 0:
		c.Modified(ClassZSet, event, key)
	case removed:
		c.Modified(ClassGeneric, "del", key)
	}
	c.Int(int64(n))
}

// copyRows adds q's rows of src to dst, until it is full, in order. It returns the lowest rank and
// the number of the rows.
func (c *Ctx) copyRows(dst *store.ZSet, q *rangeQuery, src *zset.Set) (rank, n int) {
	rank, n = c.window(q, src)
	if q.reverse {
		rank -= n - 1
	}
	c.iter.Seek(src, rank, false)
	for left := n; left > 0 && !dst.Full() && c.iter.Next(); left-- {
		dst.Append(c.iter.Member(), c.iter.Score())
	}
	return rank, n
}

// parseRange reads the two ends and the options after them into q and
// reports whether they are right; if not it has answered the error.
func (c *Ctx) parseRange(q *rangeQuery, args [][]byte, scoresAllowed bool) bool {
	if problem := q.parseOptions(args[2:], scoresAllowed); problem != "" {
		c.Error(problem)
		return false
	}
	switch {
	case q.limited && q.count != -1 && q.by == byRank: // -1 is as good as no LIMIT
		c.Error(errLimitByRank)
		return false
	case q.withScores && q.by == byLex:
		c.Error(errWithScoresByLex)
		return false
	case q.reverse && q.by != byRank:
		return c.parseEnds(q, args[1], args[0])
	}
	return c.parseEnds(q, args[0], args[1])
}

func (q *rangeQuery) parseOptions(args [][]byte, scoresAllowed bool) (problem string) {
	for ; len(args) > 0; args = args[1:] {
		switch a := args[0]; {
		case scoresAllowed && equalFold(a, "WITHSCORES"):
			q.withScores = true
		case len(args) > 2 && equalFold(a, "LIMIT"):
			var ok, ok2 bool
			q.offset, ok = parseInt(args[1])
			q.count, ok2 = parseInt(args[2])
			if !ok || !ok2 {
				return errNotInt
			}
			q.limited, args = true, args[2:]
		case q.anyDirection && equalFold(a, "REV"):
			q.reverse, q.anyDirection = true, false
		case q.anyBy && equalFold(a, "BYSCORE"):
			q.by, q.anyBy = byScore, false
		case q.anyBy && equalFold(a, "BYLEX"):
			q.by, q.anyBy = byLex, false
		default:
			return errSyntax
		}
	}
	return ""
}

// parseEnds reads the ends of the range, the lower one first.
func (c *Ctx) parseEnds(q *rangeQuery, min, max []byte) bool {
	var ok, ok2 bool
	problem := errNotInt
	switch q.by {
	case byRank:
		q.start, ok = parseInt(min)
		q.stop, ok2 = parseInt(max)
		ok = ok && ok2
	case byScore:
		q.scores, ok = parseScoreRange(min, max)
		problem = errMinMaxFloat
	case byLex:
		q.members, ok = parseLexRange(min, max)
		problem = errMinMaxLex
	}
	if !ok {
		c.Error(problem)
	}
	return ok
}

// window turns q into rows of z: the rank of the first one in q's direction,
// and how many there are.
func (c *Ctx) window(q *rangeQuery, z *zset.Set) (rank, n int) {
	if q.by == byLex && c.mixedScores(z) {
		return c.mixedLexWindow(q, z)
	}
	lo, hi := q.interval(z)
	n = hi - lo
	skip := 0
	if q.limited && q.by != byRank {
		if q.offset < 0 || q.offset >= int64(n) {
			return 0, 0
		}
		skip = int(q.offset)
		n -= skip
		if q.count >= 0 {
			n = int(min(int64(n), q.count))
		}
	}
	if n <= 0 {
		return 0, 0
	}
	if q.reverse {
		return hi - 1 - skip, n
	}
	return lo + skip, n
}

// interval is the ranks from lo to below hi; there are none if hi <= lo.
func (q *rangeQuery) interval(z *zset.Set) (lo, hi int) {
	switch q.by {
	case byScore:
		r := &q.scores
		return z.CountBelow(r.min, r.minEx), z.CountBelow(r.max, !r.maxEx)
	case byLex:
		return lexRank(z, &q.members.min, false), lexRank(z, &q.members.max, true)
	}
	lo, hi = rankInterval(q.start, q.stop, z.Len())
	if q.reverse {
		lo, hi = z.Len()-hi, z.Len()-lo
	}
	return lo, hi
}

// rankInterval cuts the indexes start to stop, negative ones counting from the
// end, to those that a set of n members has.
func rankInterval(start, stop int64, n int) (lo, hi int) {
	if start < 0 {
		start = max(start+int64(n), 0)
	}
	if stop < 0 {
		stop += int64(n)
	}
	stop = min(stop, int64(n)-1)
	if start > stop {
		return 0, 0
	}
	return int(start), int(stop) + 1
}

// lexRank is the number of members below the end b of a range. A member that
// is the end itself counts if the end is its upper one, unless it is left out.
func lexRank(z *zset.Set, b *lexBound, upper bool) int {
	switch {
	case b.kind < 0:
		return 0
	case b.kind > 0:
		return z.Len()
	}
	return z.CountBelowLex(b.member, b.exclusive != upper)
}

// mixedScores reports whether z is packed and has scores that differ. Members
// are not in byte order then, and a lex range is defined by how it is searched for.
func (c *Ctx) mixedScores(z *zset.Set) bool {
	n := z.Len()
	if n == 0 || z.Encoding() != zset.Packed {
		return false
	}
	c.iter.Seek(z, 0, false)
	c.iter.Next()
	lowest := c.iter.Score()
	c.iter.Seek(z, n-1, false)
	c.iter.Next()
	return c.iter.Score() != lowest
}

// mixedLexWindow is window for a lex range over mixed scores, as Redis finds
// it in a listpack: nothing, unless the last member admits the lower end and
// the first member the upper one; else it begins at the first member (in the
// query's direction) inside the near end, skips the offset unseen, and goes
// on while members are inside the far end.
func (c *Ctx) mixedLexWindow(q *rangeQuery, z *zset.Set) (rank, n int) {
	r := &q.members
	if !c.memberAt(z, z.Len()-1, r.admitsMin) || !c.memberAt(z, 0, r.admitsMax) {
		return 0, 0
	}
	near, far, rank, step := r.admitsMin, r.admitsMax, 0, 1
	if q.reverse {
		near, far, rank, step = far, near, z.Len()-1, -1
	}
	for !c.memberAt(z, rank, near) {
		if rank += step; rank < 0 || rank == z.Len() {
			return 0, 0
		}
	}
	if q.offset < 0 || q.offset >= int64(z.Len()) || !c.memberAt(z, rank, far) {
		return 0, 0
	}
	rank += step * int(q.offset)
	for i := rank; 0 <= i && i < z.Len() && c.memberAt(z, i, far); i += step {
		if q.limited && int64(n) == q.count {
			break
		}
		n++
	}
	return rank, n
}

// memberAt asks a question about the member of a rank.
func (c *Ctx) memberAt(z *zset.Set, rank int, ask func(member []byte) bool) bool {
	c.iter.Seek(z, rank, false)
	return c.iter.Next() && ask(c.iter.Member())
}

// rowShape is how rows are written.
type rowShape uint8

const (
	membersOnly rowShape = iota
	flat                 // member, score, member, score ...
	nested               // an array of [member, score]
)

// rowShape is the shape of most commands' rows: with scores they are flat in
// RESP2 and nested in RESP3.
func (c *Ctx) rowShape(withScores bool) rowShape {
	switch {
	case !withScores:
		return membersOnly
	case c.Proto() == 3:
		return nested
	}
	return flat
}

// replyRows answers n rows from rank on, towards lower ranks with reverse. All n exist.
func (c *Ctx) replyRows(z *zset.Set, rank, n int, reverse bool, shape rowShape) {
	c.beginRows(n, shape)
	if n == 0 {
		return
	}
	c.iter.Seek(z, rank, reverse)
	for ; n > 0 && c.iter.Next(); n-- {
		c.row(c.iter.Member(), c.iter.Score(), shape)
	}
}

// beginRows begins an answer of n rows.
func (c *Ctx) beginRows(n int, shape rowShape) {
	if shape == flat {
		n *= 2
	}
	c.Array(n)
}

// row answers one row.
func (c *Ctx) row(member []byte, score float64, shape rowShape) {
	if shape == nested {
		c.Array(2)
	}
	c.Bulk(member)
	if shape != membersOnly {
		c.Double(score)
	}
}
