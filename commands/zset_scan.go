package commands

import (
	"math"
	"strconv"

	"quarry/store/zset"
)

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

// zscanOptions are the options of ZSCAN.
type zscanOptions struct {
	pattern  []byte // nil: all
	count    int
	noScores bool
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
		c.Array(2)
		c.Str("0")
		c.Array(0)
		return
	}
	o, problem := parseZscan(c.Args[3:])
	if problem != "" {
		c.Error(problem)
		return
	}
	// The cursor is answered before the rows but known after them.
	var found rowList
	next := z.Scan(cursor, o.count, func(member []byte, score float64) {
		if o.pattern == nil || globMatch(o.pattern, member) {
			found.add(member)
			found.scores = append(found.scores, score)
		}
	})
	c.Array(2)
	c.Str(strconv.FormatUint(next, 10))
	if o.noScores {
		found.keyList.reply(c)
	} else {
		found.reply(c)
	}
}

func parseZscan(args [][]byte) (o zscanOptions, problem string) {
	o.count = 10
	for len(args) > 0 {
		switch a := args[0]; {
		case len(args) > 1 && equalFold(a, "COUNT"):
			n, ok := parseInt(args[1])
			if !ok {
				return o, errNotInt
			}
			if n < 1 {
				return o, errSyntax
			}
			o.count = int(min(n, math.MaxInt32))
			args = args[2:]
		case len(args) > 1 && equalFold(a, "MATCH"):
			o.pattern = args[1]
			args = args[2:]
		case equalFold(a, "NOSCORES"):
			o.noScores = true
			args = args[1:]
		default:
			return o, errSyntax
		}
	}
	return o, ""
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

const errCountRange = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"

func zrandmember(c *Ctx) {
	if len(c.Args) == 2 {
		c.randomMember()
		return
	}
	count, ok := parseInt(c.Args[2])
	withScores := len(c.Args) == 4 && equalFold(c.Args[3], "WITHSCORES")
	problem := ""
	switch {
	case !ok:
		problem = errNotInt
	case count == math.MinInt64:
		problem = errCountRange
	case len(c.Args) > 3 && !withScores:
		problem = errSyntax
	case withScores && (count < -math.MaxInt64/2 || count > math.MaxInt64/2):
		problem = errOutOfRange
	}
	if problem != "" {
		c.Error(problem)
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
		c.randomRepeats(&z.Set, -count, shape)
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

// A count below zero asks for an answer of any size, whatever the size of the
// set. One above maxRepeatBytes is refused; a row is taken to cost repeatRowBytes
// more than its member.
const (
	maxRepeatBytes = 512 << 20
	repeatRowBytes = 32
)

// randomRepeats answers n members picked one by one: the same may come again.
func (c *Ctx) randomRepeats(z *zset.Set, n int64, shape rowShape) {
	if n > maxRepeatBytes/repeatRowBytes {
		c.Error(errOutOfRange)
		return
	}
	mark, bytes := c.Mark(), 0
	c.beginRows(int(n), shape)
	for range n {
		c.iter.Seek(z, c.randBelow(z.Len()), false)
		c.iter.Next()
		if bytes += len(c.iter.Member()) + repeatRowBytes; bytes > maxRepeatBytes {
			c.Undo(mark)
			c.Error(errOutOfRange)
			return
		}
		c.row(c.iter.Member(), c.iter.Score(), shape)
	}
}

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
