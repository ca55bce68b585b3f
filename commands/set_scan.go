package commands

import (
	"math"
	"strconv"

	"quarry/store"
)

var setScanCommands = []Spec{
	{
		Name: "SSCAN", Group: SetGroup, Since: "2.8.0",
		Summary:    "Walks the members of a set a few at a time",
		Complexity: "O(1) a call, O(N) for a whole walk over N members",
		Arity:      -3, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output"},
		Args: []Arg{
			keyArg("key"), intArg("cursor"), optional(withToken("MATCH", patternArg("pattern"))),
			optional(withToken("COUNT", intArg("count"))),
		},
		Run: sscan,
	},
	{
		Name: "SRANDMEMBER", Group: SetGroup, Since: "1.0.0",
		Summary:    "Picks random members of a set",
		Complexity: "O(M) for M members, at most O(N) for a set of N",
		Arity:      -2, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips:    []string{"nondeterministic_output"},
		History: [][2]string{{"2.6.0", "The argument `count`."}},
		Args:    []Arg{keyArg("key"), optional(since("2.6.0", intArg("count")))},
		Run:     srandmember,
	},
	{
		Name: "SPOP", Group: SetGroup, Since: "1.0.0",
		Summary:    "Takes random members out of a set and answers them",
		Complexity: "O(M) for M members",
		Arity:      -2, Flags: Write | Fast, Keys: KeyAt(1, RW|AccessOp|DeleteOp),
		Tips:    []string{"nondeterministic_output"},
		History: [][2]string{{"3.2.0", "The argument `count`."}},
		Args:    []Arg{keyArg("key"), optional(since("3.2.0", intArg("count")))},
		Run:     spop,
	},
}

func sscan(c *Ctx) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Error(errInvalidCursor)
		return
	}
	s, err := c.DB.Set(c.Args[1])
	if c.fail(err) {
		return
	}
	if s == nil { // before the options are looked at
		c.Array(2)
		c.Str("0")
		c.Array(0)
		return
	}
	o, problem := parseZscan(c.Args[3:])
	if problem == "" && o.noScores {
		problem = errSyntax
	}
	if problem != "" {
		c.Error(problem)
		return
	}
	var found keyList
	next := s.Scan(cursor, o.count, func(member []byte) {
		if o.pattern == nil || globMatch(o.pattern, member) {
			found.add(member)
		}
	})
	c.Array(2)
	c.Str(strconv.FormatUint(next, 10))
	found.reply(c)
}

func srandmember(c *Ctx) {
	if len(c.Args) > 3 {
		c.Error(errSyntax)
		return
	}
	if len(c.Args) == 2 {
		s, err := c.DB.Set(c.Args[1])
		switch {
		case c.fail(err):
		case s == nil:
			c.Null()
		default:
			c.Bulk(s.Random(c.Rand))
		}
		return
	}
	count, ok := parseInt(c.Args[2])
	switch {
	case !ok:
		c.Error(errNotInt)
		return
	case count == math.MinInt64:
		c.Error(errCountRange)
		return
	}
	s, err := c.DB.Set(c.Args[1])
	switch {
	case c.fail(err):
	case s == nil || count == 0:
		c.Array(0)
	case count < 0:
		c.repeatedMembers(s, -count)
	default:
		c.distinctMembers(s, int(min(count, int64(s.Len()))))
	}
}

// repeatedMembers answers n members picked one by one: the same may come again.
func (c *Ctx) repeatedMembers(s *store.Set, n int64) {
	if n > maxRepeatBytes/repeatRowBytes {
		c.Error(errOutOfRange)
		return
	}
	mark, bytes := c.Mark(), 0
	c.Array(int(n))
	for range n {
		member := s.Random(c.Rand)
		if bytes += len(member) + repeatRowBytes; bytes > maxRepeatBytes {
			c.Undo(mark)
			c.Error(errOutOfRange)
			return
		}
		c.Bulk(member)
	}
}

// distinctMembers answers n different members, n being at most the length. Few of many are
// drawn until there are enough; else the set is walked, each member being taken with the
// probability (still wanted)/(still to come).
func (c *Ctx) distinctMembers(s *store.Set, n int) {
	size := s.Len()
	c.Array(n)
	if n <= size/8 {
		drawn := make(map[string]struct{}, n)
		for len(drawn) < n {
			member := s.Random(c.Rand)
			if _, again := drawn[string(member)]; !again {
				drawn[string(member)] = struct{}{}
				c.Bulk(member)
			}
		}
		return
	}
	left := size
	for c.members.Seek(&s.Table); n > 0 && c.members.Next(); left-- {
		if n == left || c.randBelow(left) < n {
			c.Bulk(c.members.Key())
			n--
		}
	}
}

func spop(c *Ctx) {
	switch len(c.Args) {
	case 2:
		c.popMember()
	case 3:
		c.popMembers()
	default:
		c.Error(errSyntax)
	}
}

func (c *Ctx) popMember() {
	s, err := c.DB.SetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	if s.Len() == 0 {
		c.Null()
		return
	}
	c.takeMember(s)
	c.membersGone(s, "spop", c.Args[1])
}

// takeMember answers a random member and removes it.
func (c *Ctx) takeMember(s *store.Set) {
	member := s.Random(c.Rand)
	c.Bulk(member)
	c.picked = append(c.picked[:0], member...) // removing it by itself would read what it changes
	s.Remove(c.picked)
}

func (c *Ctx) popMembers() {
	count, ok := parseInt(c.Args[2])
	if !ok || count < 0 {
		c.Error(errNotPositive)
		return
	}
	s, err := c.DB.SetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	size := int64(s.Len())
	switch {
	case size == 0 || count == 0:
		c.Set(0)
		return
	case count >= size:
		c.replyMembers(s)
		c.DB.Delete(c.Args[1])
		c.Modified(ClassSet, "spop", c.Args[1])
		c.Modified(ClassGeneric, "del", c.Args[1])
		return
	}
	c.Set(int(count))
	for range count {
		c.takeMember(s)
	}
	c.Modified(ClassSet, "spop", c.Args[1])
}
