package commands

import "quarry/store"

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
		Arity:      -2, Flags: Write | Fast | SelfPropagate, Keys: KeyAt(1, RW|AccessOp|DeleteOp),
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
		c.emptyScan()
		return
	}
	o, problem := parseElementScan(c.Args[3:], "")
	if problem != "" {
		c.Error(problem)
		return
	}
	var found keyList
	next := s.Scan(cursor, o.count, func(member []byte) {
		if o.matches(member) {
			found.add(member)
		}
	})
	c.beginScan(next)
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
	count, _, ok := c.parseRandom("")
	if !ok {
		return
	}
	s, err := c.DB.Set(c.Args[1])
	switch {
	case c.fail(err):
	case s == nil || count == 0:
		c.Array(0)
	case count < 0:
		c.repeats(-count, &memberPicks{c: c, s: s})
	default:
		n := int(min(count, int64(s.Len())))
		c.Array(n)
		s.Sample(n, c.Rand, func(member, _ []byte) { c.Bulk(member) })
	}
}

// memberPicks answers members picked from a set.
type memberPicks struct {
	c      *Ctx
	s      *store.Set
	member []byte // drawn
}

func (p *memberPicks) begin(n int) { p.c.Array(n) }

func (p *memberPicks) draw() (bytes int) {
	p.member = p.s.Random(p.c.Rand)
	return len(p.member)
}

func (p *memberPicks) answer() { p.c.Bulk(p.member) }

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
	c.Effect(3, "SREM").Bytes(c.Args[1]).Bytes(c.picked)
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
		c.Effect(2, "DEL").Bytes(c.Args[1])
		return
	}
	c.Set(int(count))
	e := c.Effect(2+int(count), "SREM").Bytes(c.Args[1])
	for range count {
		c.takeMember(s)
		e.Bytes(c.picked)
	}
	c.Modified(ClassSet, "spop", c.Args[1])
}
