package commands

import "quarry/store/zset"

var zsetScanCommands = []Spec{
	{
		Name: "ZSCAN", Group: SortedSet, Since: "2.8.0",
		Summary:    "Walks the members of a sorted set and their scores a few at a time",
		Complexity: "O(1) a call, O(N) for a whole walk over N members",
		Arity:      -3, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output"},
		Args: []Arg{
			keyArg("key"), intArg("cursor"), optional(withToken("MATCH", patternArg("pattern"))),
			optional(withToken("COUNT", intArg("count"))), optional(token("NOSCORES")),
		},
		Run: zscan,
	},
	{
		Name: "ZRANDMEMBER", Group: SortedSet, Since: "6.2.0",
		Summary:    "Picks random members of a sorted set",
		Complexity: "O(M*log(N)), M members being picked from a set of N",
		Arity:      -2, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output"},
		Args: []Arg{keyArg("key"), optional(block("options", intArg("count"), withScoresArg))},
		Run:  zrandmember,
	},
}

func zscan(c *Ctx) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Error(errInvalidCursor)
		return
	}
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	if z == nil { // before the options are looked at
		c.emptyScan()
		return
	}
	o, problem := parseElementScan(c.Args[3:], "NOSCORES")
	if problem != "" {
		c.Error(problem)
		return
	}
	var found rowList
	next := z.Scan(cursor, o.count, func(member []byte, score float64) {
		if o.matches(member) {
			found.add(member)
			found.scores = append(found.scores, score)
		}
	})
	c.beginScan(next)
	if o.keysOnly {
		found.keyList.reply(c)
	} else {
		found.reply(c)
	}
}

// rowList keeps the rows of one call.
type rowList struct {
	keyList
	scores []float64
}

// reply answers members and scores in turn; a score is a bulk string in RESP3 too.
func (l *rowList) reply(c *Ctx) {
	c.Array(2 * len(l.ends))
	start := 0
	for i, end := range l.ends {
		c.Bulk(l.bytes[start:end])
		c.BulkDouble(l.scores[i])
		start = end
	}
}

func zrandmember(c *Ctx) {
	if len(c.Args) == 2 {
		c.randomMember()
		return
	}
	count, withScores, ok := c.parseRandom("WITHSCORES")
	if !ok {
		return
	}
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	if z == nil || count == 0 {
		c.Array(0)
		return
	}
	shape := c.rowShape(withScores)
	if count < 0 {
		c.repeats(-count, &rowPicks{c: c, z: &z.Set, shape: shape})
		return
	}
	c.randomSubset(&z.Set, count, shape)
}

func (c *Ctx) randomMember() {
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	if z == nil {
		c.Null()
		return
	}
	c.iter.Seek(&z.Set, c.randBelow(z.Len()), false)
	c.iter.Next()
	c.Bulk(c.iter.Member())
}

// rowPicks answers members picked from a sorted set, with their scores or without.
type rowPicks struct {
	c     *Ctx
	z     *zset.Set
	shape rowShape
}

func (m *rowPicks) begin(n int) { m.c.beginRows(n, m.shape) }

func (m *rowPicks) draw() (bytes int) {
	m.c.iter.Seek(m.z, m.c.randBelow(m.z.Len()), false)
	m.c.iter.Next()
	return len(m.c.iter.Member())
}

func (m *rowPicks) answer() { m.c.row(m.c.iter.Member(), m.c.iter.Score(), m.shape) }

// randomSubset answers n different members, or all if there are not so many.
func (c *Ctx) randomSubset(z *zset.Set, n int64, shape rowShape) {
	size := z.Len()
	if n >= int64(size) {
		c.replyRows(z, 0, size, false, shape)
		return
	}
	c.beginRows(int(n), shape)
	if n > int64(size/4) {
		c.walkSubset(z, int(n), shape)
		return
	}
	for _, rank := range c.sample(int(n), size) {
		c.iter.Seek(z, rank, false)
		c.iter.Next()
		c.row(c.iter.Member(), c.iter.Score(), shape)
	}
}

// walkSubset answers n members in one walk over the set: each is taken with the
// probability (still wanted)/(still to come), so that any n are equally likely.
func (c *Ctx) walkSubset(z *zset.Set, n int, shape rowShape) {
	c.iter.Seek(z, 0, false)
	for left := z.Len(); n > 0 && c.iter.Next(); left-- {
		if c.randBelow(left) < n {
			c.row(c.iter.Member(), c.iter.Score(), shape)
			n--
		}
	}
}
