package commands

import (
	"quarry/store"
	"quarry/store/zset"
)

var zsetAddCommands = []Spec{
	{
		Name: "ZADD", Group: SortedSet, Since: "1.2.0",
		Summary:    "Adds members with their scores to a sorted set, or changes the scores of members it has",
		Complexity: "O(log(N)) for each member, N being the size of the set",
		Arity:      -4, Flags: Write | DenyOOM | Fast | Verbatim | SelfPropagate, Keys: KeyAt(1, RW|UpdateOp), Seeks: -1,
		History: [][2]string{
			{"2.4.0", "More than one member in a call."},
			{"3.0.2", "The options `XX`, `NX`, `CH` and `INCR`."},
			{"6.2.0", "The options `GT` and `LT`."},
		},
		Args: []Arg{
			keyArg("key"),
			optional(since("3.0.2", oneOf("condition", token("NX"), token("XX")))),
			optional(since("6.2.0", oneOf("comparison", token("GT"), token("LT")))),
			optional(since("3.0.2", namedToken("change", "CH"))),
			optional(since("3.0.2", namedToken("increment", "INCR"))),
			multiple(block("score_member", doubleArg("score"), stringArg("member"))),
		},
		Run: zadd,
	},
	{
		Name: "ZINCRBY", Group: SortedSet, Since: "1.2.0",
		Summary:    "Adds to the score of a member, which is made if it is not there",
		Complexity: "O(log(N)), N being the size of the set",
		Arity:      4, Flags: Write | DenyOOM | Fast | SelfPropagate, Keys: KeyAt(1, RW|AccessOp|UpdateOp), Seeks: 3,
		Args: []Arg{keyArg("key"), doubleArg("increment"), stringArg("member")},
		Run:  zincrby,
	},
	{
		Name: "ZREM", Group: SortedSet, Since: "1.2.0",
		Summary:    "Removes members from a sorted set",
		Complexity: "O(M*log(N)), M members being removed from a set of N",
		Arity:      -3, Flags: Write | Fast | Verbatim, Keys: KeyAt(1, RW|DeleteOp), Seeks: -1,
		History: [][2]string{{"2.4.0", "More than one member in a call."}},
		Args:    []Arg{keyArg("key"), multiple(stringArg("member"))},
		Run:     zrem,
	},
	{
		Name: "ZREMRANGEBYRANK", Group: SortedSet, Since: "2.0.0",
		Summary:    "Removes the members in a range of ranks",
		Complexity: "O(log(N)+M), M members being removed from a set of N",
		Arity:      4, Flags: Write | Verbatim, Keys: KeyAt(1, RW|DeleteOp),
		Args: []Arg{keyArg("key"), intArg("start"), intArg("stop")},
		Run:  func(c *Ctx) { c.zremrangeGeneric(byRank) },
	},
	{
		Name: "ZREMRANGEBYSCORE", Group: SortedSet, Since: "1.2.0",
		Summary:    "Removes the members in a range of scores",
		Complexity: "O(log(N)+M), M members being removed from a set of N",
		Arity:      4, Flags: Write | Verbatim, Keys: KeyAt(1, RW|DeleteOp),
		Args: []Arg{keyArg("key"), doubleArg("min"), doubleArg("max")},
		Run:  func(c *Ctx) { c.zremrangeGeneric(byScore) },
	},
	{
		Name: "ZREMRANGEBYLEX", Group: SortedSet, Since: "2.8.9",
		Summary:    "Removes the members between two members of a sorted set whose scores are all equal",
		Complexity: "O(log(N)+M), M members being removed from a set of N",
		Arity:      4, Flags: Write | SelfPropagate, Keys: KeyAt(1, RW|DeleteOp),
		Args: []Arg{keyArg("key"), stringArg("min"), stringArg("max")},
		Run:  func(c *Ctx) { c.zremrangeGeneric(byLex) },
	},
}

const (
	errNXXX     = "ERR XX and NX options at the same time are not compatible"
	errGTLTNX   = "ERR GT, LT, and/or NX options at the same time are not compatible"
	errIncrPair = "ERR INCR option supports a single increment-element pair"
)

func zadd(c *Ctx) {
	flags, changed, pairs := zaddOptions(c.Args[2:])
	if problem := checkZadd(flags, len(pairs)); problem != "" {
		c.Error(problem)
		return
	}
	// Every score is read before the first is applied.
	scores, ok := c.parseScores(pairs)
	if !ok {
		c.Error(errNotFloat)
		return
	}
	z, err := c.DB.ZSetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	if flags&zset.Incr != 0 {
		c.zincr(z, pairs[1], scores[0], flags)
		return
	}
	c.addRows(z, pairs, 2, scores, flags, changed)
}

// addRows adds members with their scores to the set at the first argument, and answers how many are new, or with
// changed, how many are new or have another score. Rows are so many arguments wide, of which the last is the member.
func (c *Ctx) addRows(z *store.ZSet, rows [][]byte, width int, scores []float64, flags zset.Flags, changed bool) {
	added, updated := 0, 0
	for i, score := range scores {
		switch out, _ := z.Add(rows[width*i+width-1], score, flags); out {
		case zset.Added:
			added++
		case zset.Updated:
			updated++
		}
	}
	if added+updated > 0 {
		c.Modified(ClassZSet, "zadd", c.Args[1])
	}
	if changed {
		added += updated
	}
	c.Int(int64(added))
}

// zaddOptions takes the options off the front of args and leaves the pairs.
// changed is CH: count the members that changed, not only the new ones.
func zaddOptions(args [][]byte) (f zset.Flags, changed bool, pairs [][]byte) {
	for i, a := range args {
		switch {
		case equalFold(a, "NX"):
			f |= zset.NX
		case equalFold(a, "XX"):
			f |= zset.XX
		case equalFold(a, "GT"):
			f |= zset.GT
		case equalFold(a, "LT"):
			f |= zset.LT
		case equalFold(a, "INCR"):
			f |= zset.Incr
		case equalFold(a, "CH"):
			changed = true
		default:
			return f, changed, args[i:]
		}
	}
	return f, changed, nil
}

// checkZadd words what is wrong with the options and the number of arguments
// after them, if anything, in the order in which Redis looks.
func checkZadd(f zset.Flags, n int) (problem string) {
	conflicts := 0
	for _, one := range [...]zset.Flags{zset.NX, zset.GT, zset.LT} {
		if f&one != 0 {
			conflicts++
		}
	}
	switch {
	case n == 0 || n%2 != 0:
		return errSyntax
	case f&zset.NX != 0 && f&zset.XX != 0:
		return errNXXX
	case conflicts > 1:
		return errGTLTNX
	case f&zset.Incr != 0 && n > 2:
		return errIncrPair
	}
	return ""
}

// scoresKept bounds the scratch that a ZADD of many pairs leaves behind.
const scoresKept = 4096

// emptyScores readies c.scores for the numbers of a call.
func (c *Ctx) emptyScores() {
	if cap(c.scores) > scoresKept {
		c.scores = nil
	}
	c.scores = c.scores[:0]
}

// parseScores reads every other argument of pairs. The scores are valid until the next call.
func (c *Ctx) parseScores(pairs [][]byte) (scores []float64, ok bool) {
	c.emptyScores()
	for i := 0; i < len(pairs); i += 2 {
		score, ok := parseFloat(pairs[i])
		if !ok {
			return nil, false
		}
		c.scores = append(c.scores, score)
	}
	return c.scores, true
}

// zincr adds to the score of a member of the set at the first argument, and answers the
// new score, or null if a condition stood against it.
func (c *Ctx) zincr(z *store.ZSet, member []byte, increment float64, flags zset.Flags) {
	out, score := z.Add(member, increment, flags)
	if out == zset.Added || out == zset.Updated {
		c.Modified(ClassZSet, "zincr", c.Args[1])
		c.Effect(4, "ZADD").Bytes(c.Args[1]).Score(score).Bytes(member)
	}
	switch out {
	case zset.NaN:
		c.Error(errScoreNaN)
	case zset.Nop:
		c.Null()
	default:
		c.Double(score)
	}
}

func zincrby(c *Ctx) {
	increment, ok := parseFloat(c.Args[2])
	if !ok {
		c.Error(zincrbyProblem(c.Args[2]))
		return
	}
	z, err := c.DB.ZSetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	c.zincr(z, c.Args[3], increment, zset.Incr)
}

// zincrbyProblem words what is wrong with an increment: Redis reads it as
// ZADD's arguments, where an option leaves too few.
func zincrbyProblem(increment []byte) string {
	if _, _, pairs := zaddOptions([][]byte{increment}); len(pairs) == 0 {
		return errSyntax
	}
	return errNotFloat
}

func zrem(c *Ctx) {
	z, err := c.DB.ZSetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	removed := 0
	for _, member := range c.Args[2:] {
		if z.Remove(member) {
			removed++
		}
	}
	if removed > 0 {
		c.shrunk("zrem", c.Args[1], z)
	}
	c.Int(int64(removed))
}

// shrunk says that an event took members out of the set at key, which goes with the last.
func (c *Ctx) shrunk(event string, key []byte, z *store.ZSet) {
	c.Modified(ClassZSet, event, key)
	if z.Len() == 0 {
		c.Modified(ClassGeneric, "del", key)
	}
}

func (c *Ctx) zremrangeGeneric(by rangeBy) {
	q := rangeQuery{by: by}
	if !c.parseEnds(&q, c.Args[2], c.Args[3]) {
		return
	}
	z, err := c.DB.ZSetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	rank, n := c.window(&q, &z.Set)
	removed := z.RemoveRange(rank, n, nil)
	if removed > 0 {
		c.shrunk(c.Spec.FullName(), c.Args[1], z)
		if by == byLex { // which means something else in another encoding, if scores differ
			c.Effect(4, "ZREMRANGEBYRANK").Bytes(c.Args[1]).Int(int64(rank)).Int(int64(rank + n - 1))
		}
	}
	c.Int(int64(removed))
}
