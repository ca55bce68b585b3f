package commands

import "quarry/store"

var setCommands = []Spec{
	{
		Name: "SADD", Group: SetGroup, Since: "1.0.0",
		Summary: "Adds members to a set and tells how many are new", Complexity: "O(1) for each member",
		Arity: -3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|InsertOp), Seeks: -1,
		History: [][2]string{{"2.4.0", "More than one member in a call."}},
		Args:    []Arg{keyArg("key"), multiple(stringArg("member"))},
		Run:     sadd,
	},
	{
		Name: "SREM", Group: SetGroup, Since: "1.0.0",
		Summary: "Removes members from a set and tells how many there were", Complexity: "O(1) for each member",
		Arity: -3, Flags: Write | Fast | Verbatim, Keys: KeyAt(1, RW|DeleteOp), Seeks: -1,
		History: [][2]string{{"2.4.0", "More than one member in a call."}},
		Args:    []Arg{keyArg("key"), multiple(stringArg("member"))},
		Run:     srem,
	},
	{
		Name: "SISMEMBER", Group: SetGroup, Since: "1.0.0",
		Summary: "Tells whether a set has a member", Complexity: "O(1)",
		Arity: 3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO), Seeks: 2,
		Args: []Arg{keyArg("key"), stringArg("member")},
		Run:  sismember,
	},
	{
		Name: "SMISMEMBER", Group: SetGroup, Since: "6.2.0",
		Summary: "Tells for each of several members whether a set has it", Complexity: "O(1) for each member",
		Arity: -3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp), Seeks: -1,
		Args: []Arg{keyArg("key"), multiple(stringArg("member"))},
		Run:  smismember,
	},
	{
		Name: "SCARD", Group: SetGroup, Since: "1.0.0",
		Summary: "Counts the members of a set", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key")},
		Run:  scard,
	},
	{
		Name: "SMEMBERS", Group: SetGroup, Since: "1.0.0",
		Summary: "Lists the members of a set", Complexity: "O(N) for a set of N members",
		Arity: 2, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output_order"},
		Args: []Arg{keyArg("key")},
		Run:  smembers,
	},
	{
		Name: "SMOVE", Group: SetGroup, Since: "1.0.0",
		Summary: "Moves a member from one set to another", Complexity: "O(1)",
		Arity: 4, Flags: Write | Fast | Verbatim,
		Keys: []Keys{
			{Index: 1, Step: 1, Access: RW | AccessOp | DeleteOp},
			{Index: 2, Step: 1, Access: RW | InsertOp},
		},
		Args: []Arg{keyArg("source"), keyArgOf("destination", 1), stringArg("member")},
		Run:  smove,
	},
}

func sadd(c *Ctx) {
	s, err := c.DB.SetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	added := int64(0)
	for _, member := range c.Args[2:] {
		added += oneIf(s.Add(member))
	}
	if added > 0 {
		c.Modified(ClassSet, "sadd", c.Args[1])
	}
	c.Int(added)
}

func srem(c *Ctx) {
	s, err := c.DB.SetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	removed := int64(0)
	for _, member := range c.Args[2:] {
		removed += oneIf(s.Remove(member))
	}
	if removed > 0 {
		c.membersGone(s, "srem", c.Args[1])
	}
	c.Int(removed)
}

// membersGone tells of members taken out of a set, and of the key if they were the last.
func (c *Ctx) membersGone(s *store.Set, event string, key []byte) {
	c.Modified(ClassSet, event, key)
	if s.Len() == 0 {
		c.Modified(ClassGeneric, "del", key)
	}
}

func sismember(c *Ctx) {
	s, err := c.DB.Set(c.Args[1])
	if !c.fail(err) {
		c.Int(oneIf(s != nil && s.Has(c.Args[2])))
	}
}

func smismember(c *Ctx) {
	s, err := c.DB.Set(c.Args[1])
	if c.fail(err) {
		return
	}
	members := c.Args[2:]
	c.Array(len(members))
	for _, member := range members {
		c.Int(oneIf(s != nil && s.Has(member)))
	}
}

func scard(c *Ctx) {
	s, err := c.DB.Set(c.Args[1])
	switch {
	case c.fail(err):
	case s == nil:
		c.Int(0)
	default:
		c.Int(int64(s.Len()))
	}
}

func smembers(c *Ctx) {
	s, err := c.DB.Set(c.Args[1])
	if !c.fail(err) {
		c.replyMembers(s)
	}
}

// replyMembers answers all members of a set, which may be nil.
func (c *Ctx) replyMembers(s *store.Set) {
	if s == nil {
		c.Set(0)
		return
	}
	c.Set(s.Len())
	for c.members.Seek(&s.Table); c.members.Next(); {
		c.Bulk(c.members.Key())
	}
}

func smove(c *Ctx) {
	src, dst, member := c.Args[1], c.Args[2], c.Args[3]
	from, err := c.DB.SetForWrite(src)
	if c.fail(err) {
		return
	}
	if !c.DB.Has(src) {
		c.Int(0)
		return
	}
	to, err := c.DB.SetForWrite(dst)
	switch {
	case c.fail(err):
	case string(src) == string(dst):
		c.Int(oneIf(from.Has(member)))
	case !from.Remove(member):
		c.Int(0)
	default:
		c.membersGone(from, "srem", src)
		if to.Add(member) {
			c.Modified(ClassSet, "sadd", dst)
		}
		c.Int(1)
	}
}
