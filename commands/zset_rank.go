package commands

import "quarry/store/zset"

var zsetRankCommands = []Spec{
	{
		Name: "ZRANK", Group: SortedSet, Since: "2.0.0",
		Summary:    "Tells a member's rank, 0 being the lowest score",
		Complexity: "O(log(N)), N being the size of the set",
		Arity:      -3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp), Seeks: 2,
		History: [][2]string{{"7.2.0", "The option `WITHSCORE`."}},
		Args:    []Arg{keyArg("key"), stringArg("member"), optional(since("7.2.0", token("WITHSCORE")))},
		Run:     func(c *Ctx) { c.zrankGeneric(false) },
	},
	{
		Name: "ZREVRANK", Group: SortedSet, Since: "2.0.0",
		Summary:    "Tells a member's rank, 0 being the highest score",
		Complexity: "O(log(N)), N being the size of the set",
		Arity:      -3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp), Seeks: 2,
		History: [][2]string{{"7.2.0", "The option `WITHSCORE`."}},
		Args:    []Arg{keyArg("key"), stringArg("member"), optional(since("7.2.0", token("WITHSCORE")))},
		Run:     func(c *Ctx) { c.zrankGeneric(true) },
	},
	{
		Name: "ZSCORE", Group: SortedSet, Since: "1.2.0",
		Summary: "Tells the score of a member", Complexity: "O(1)",
		Arity: 3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp), Seeks: 2,
		Args: []Arg{keyArg("key"), stringArg("member")},
		Run:  zscore,
	},
	{
		Name: "ZMSCORE", Group: SortedSet, Since: "6.2.0",
		Summary: "Tells the scores of several members", Complexity: "O(M), M being the number of members asked for",
		Arity: -3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key"), multiple(stringArg("member"))},
		Run:  zmscore,
	},
	{
		Name: "ZCARD", Group: SortedSet, Since: "1.2.0",
		Summary: "Counts the members of a sorted set", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key")},
		Run:  zcard,
	},
	{
		Name: "ZCOUNT", Group: SortedSet, Since: "2.0.0",
		Summary: "Counts the members in a range of scores", Complexity: "O(log(N)), N being the size of the set",
		Arity: 4, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key"), doubleArg("min"), doubleArg("max")},
		Run:  func(c *Ctx) { c.zcountGeneric(byScore) },
	},
	{
		Name: "ZLEXCOUNT", Group: SortedSet, Since: "2.8.9",
		Summary:    "Counts the members between two members of a sorted set whose scores are all equal",
		Complexity: "O(log(N)), N being the size of the set",
		Arity:      4, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key"), stringArg("min"), stringArg("max")},
		Run:  func(c *Ctx) { c.zcountGeneric(byLex) },
	},
}

func (c *Ctx) zrankGeneric(reverse bool) {
	withScore := len(c.Args) == 4
	switch {
	case len(c.Args) > 4:
		c.Error(WrongArity(c.Spec))
		return
	case withScore && !equalFold(c.Args[3], "WITHSCORE"):
		c.Error(errSyntax)
		return
	}
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	rank, score, ok := 0, 0.0, false
	if z != nil {
		rank, score, ok = z.Rank(c.Args[2])
	}
	if ok && reverse {
		rank = z.Len() - 1 - rank
	}
	switch {
	case !ok && withScore:
		c.NullArray()
	case !ok:
		c.Null()
	case withScore:
		c.Array(2)
		c.Int(int64(rank))
		c.Double(score)
	default:
		c.Int(int64(rank))
	}
}

func zscore(c *Ctx) {
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	if z == nil {
		c.Null()
		return
	}
	if score, ok := z.Score(c.Args[2]); ok {
		c.Double(score)
	} else {
		c.Null()
	}
}

func zmscore(c *Ctx) {
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	c.Array(len(c.Args) - 2)
	for i, member := range c.Args[2:] {
		score, ok := 0.0, false
		if z != nil {
			if i%zset.PrefetchMax == 0 {
				z.Prefetch(c.Args[2+i:])
			}
			score, ok = z.Score(member)
		}
		if ok {
			c.Double(score)
		} else {
			c.Null()
		}
	}
}

func zcard(c *Ctx) {
	z, err := c.DB.ZSet(c.Args[1])
	switch {
	case c.fail(err):
	case z == nil:
		c.Int(0)
	default:
		c.Int(int64(z.Len()))
	}
}

func (c *Ctx) zcountGeneric(by rangeBy) {
	q := rangeQuery{by: by}
	if !c.parseEnds(&q, c.Args[2], c.Args[3]) {
		return
	}
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	n := 0
	if z != nil {
		_, n = c.window(&q, &z.Set)
	}
	c.Int(int64(n))
}
