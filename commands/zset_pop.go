package commands

import (
	"quarry/store"
)

var whereArg = oneOf("where", token("MIN"), token("MAX"))

var zsetPopCommands = []Spec{
	{
		Name: "ZPOPMIN", Group: SortedSet, Since: "5.0.0",
		Summary:    "Takes the members with the lowest scores out of a sorted set and answers them",
		Complexity: "O(log(N)*M), M members being taken out of a set of N",
		Arity:      -2, Flags: Write | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|DeleteOp),
		Args: []Arg{keyArg("key"), optional(intArg("count"))},
		Run:  func(c *Ctx) { c.zpopGeneric(false) },
	},
	{
		Name: "ZPOPMAX", Group: SortedSet, Since: "5.0.0",
		Summary:    "Takes the members with the highest scores out of a sorted set and answers them",
		Complexity: "O(log(N)*M), M members being taken out of a set of N",
		Arity:      -2, Flags: Write | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|DeleteOp),
		Args: []Arg{keyArg("key"), optional(intArg("count"))},
		Run:  func(c *Ctx) { c.zpopGeneric(true) },
	},
	{
		Name: "ZMPOP", Group: SortedSet, Since: "7.0.0",
		Summary:    "Takes members with the lowest or highest scores out of the first of several sorted sets that has any",
		Complexity: "O(K) + O(M*log(N)), K keys being looked at and M members taken out of a set of N",
		Arity:      -4, Flags: Write | SelfPropagate, Keys: KeyNum(1, RW|AccessOp|DeleteOp),
		Args: []Arg{
			intArg("numkeys"), multiple(keyArg("key")), whereArg, optional(withToken("COUNT", intArg("count"))),
		},
		Run: zmpop,
	},
	{
		Name: "BZPOPMIN", Group: SortedSet, Since: "5.0.0",
		Summary:    "Takes the member with the lowest score out of the first sorted set that has any, and waits for one if none has",
		Complexity: "O(log(N)), N being the size of the set",
		Arity:      -3, Flags: Write | NoScript | Blocking | Fast | SelfPropagate, Keys: KeyRange(1, -2, 1, RW|AccessOp|DeleteOp),
		History: [][2]string{{"6.0.0", "A timeout with a fraction."}},
		Args:    []Arg{multiple(keyArg("key")), doubleArg("timeout")},
		Run:     func(c *Ctx) { c.bzpopGeneric(false) },
	},
	{
		Name: "BZPOPMAX", Group: SortedSet, Since: "5.0.0",
		Summary:    "Takes the member with the highest score out of the first sorted set that has any, and waits for one if none has",
		Complexity: "O(log(N)), N being the size of the set",
		Arity:      -3, Flags: Write | NoScript | Blocking | Fast | SelfPropagate, Keys: KeyRange(1, -2, 1, RW|AccessOp|DeleteOp),
		History: [][2]string{{"6.0.0", "A timeout with a fraction."}},
		Args:    []Arg{multiple(keyArg("key")), doubleArg("timeout")},
		Run:     func(c *Ctx) { c.bzpopGeneric(true) },
	},
	{
		Name: "BZMPOP", Group: SortedSet, Since: "7.0.0",
		Summary:    "Takes members out of the first of several sorted sets that has any, and waits if none has",
		Complexity: "O(K) + O(M*log(N)), K keys being looked at and M members taken out of a set of N",
		Arity:      -5, Flags: Write | Blocking | SelfPropagate, Keys: KeyNum(2, RW|AccessOp|DeleteOp),
		Args: []Arg{
			doubleArg("timeout"), intArg("numkeys"), multiple(keyArg("key")), whereArg,
			optional(withToken("COUNT", intArg("count"))),
		},
		Run: bzmpop,
	},
}

const (
	errNumKeys  = "ERR numkeys should be greater than 0"
	errPopCount = "ERR count should be greater than 0"
)

func (c *Ctx) zpopGeneric(highest bool) {
	if len(c.Args) > 3 {
		c.Error(errSyntax)
		return
	}
	count, shape := int64(1), flat
	if len(c.Args) == 3 {
		var ok bool
		if count, ok = parseInt(c.Args[2]); !ok || count < 0 {
			c.Error(errNotPositive)
			return
		}
		shape = c.rowShape(true) // RESP3 nests rows only when a count is given
	}
	z, err := c.DB.ZSetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	c.pop(c.Args[1], z, highest, count, shape)
}

// pop answers up to count rows from one end of the set at key and removes them.
func (c *Ctx) pop(key []byte, z *store.ZSet, highest bool, count int64, shape rowShape) {
	size := z.Len()
	n := int(min(count, int64(size)))
	if highest {
		c.replyRows(&z.Set, size-1, n, true, shape)
		z.RemoveRange(size-n, n, nil)
	} else {
		c.replyRows(&z.Set, 0, n, false, shape)
		z.RemoveRange(0, n, nil)
	}
	if n > 0 {
		c.shrunk(popEvent(highest), key, z)
	}
}

// popCommand is what pops from one key.
func popCommand(highest bool) string {
	if highest {
		return "ZPOPMAX"
	}
	return "ZPOPMIN"
}

func popEvent(highest bool) string {
	if highest {
		return "zpopmax"
	}
	return "zpopmin"
}

// mpop is what ZMPOP and LMPOP and their blocking forms ask for.
type mpop struct {
	keys  [][]byte
	last  bool // MAX or RIGHT
	count int64
}

// parseMpop reads numkeys, the keys and what follows them, of which the first word is first or
// last; if something is wrong it answers the error.
func (c *Ctx) parseMpop(args [][]byte, first, last string) (m mpop, ok bool) {
	m.count = 1
	n, ok := parseInt(args[0])
	rest := args[1:]
	problem := errSyntax
	switch {
	case !ok || n < 1:
		problem = errNumKeys
	case n >= int64(len(rest)): // the word is wanted after the keys
	default:
		m.keys, rest = rest[:n], rest[n:]
		if m.last = equalFold(rest[0], last); m.last || equalFold(rest[0], first) {
			problem = m.parseCount(rest[1:])
		}
	}
	if problem != "" {
		c.Error(problem)
	}
	return m, problem == ""
}

func (m *mpop) parseCount(args [][]byte) (problem string) {
	switch {
	case len(args) == 0:
		return ""
	case len(args) == 1 || !equalFold(args[0], "COUNT"):
		return errSyntax
	}
	n, ok := parseInt(args[1])
	switch {
	case !ok || n < 1:
		return errPopCount
	case len(args) > 2:
		return errSyntax
	}
	m.count = n
	return ""
}

func zmpop(c *Ctx) {
	m, ok := c.parseMpop(c.Args[1:], "MIN", "MAX")
	if !ok {
		return
	}
	if done := c.mpopFirst(&m); !done {
		c.NullArray()
	}
}

func bzmpop(c *Ctx) {
	m, ok := c.parseMpop(c.Args[2:], "MIN", "MAX")
	if !ok {
		return
	}
	timeoutMS, problem := parseTimeout(c.Args[1], c.NowMS)
	if problem != "" {
		c.Error(problem)
		return
	}
	if done := c.mpopFirst(&m); !done {
		c.Block(m.keys, timeoutMS, nothingPopped)
	}
}

// mpopFirst pops from the first set of m that has members and reports whether
// it has answered.
func (c *Ctx) mpopFirst(m *mpop) (done bool) {
	key, z, done := c.firstFilled(m.keys)
	if z == nil {
		return done
	}
	c.Array(2)
	c.Bulk(key)
	c.Effect(3, popCommand(m.last)).Bytes(key).Int(m.count)
	c.pop(key, z, m.last, m.count, nested)
	return true
}

func (c *Ctx) bzpopGeneric(highest bool) {
	last := len(c.Args) - 1
	timeoutMS, problem := parseTimeout(c.Args[last], c.NowMS)
	if problem != "" {
		c.Error(problem)
		return
	}
	keys := c.Args[1:last]
	key, z, done := c.firstFilled(keys)
	switch {
	case done:
	case z == nil:
		c.Block(keys, timeoutMS, nothingPopped)
	default:
		c.replyPopped(key, z, highest)
	}
}

// replyPopped answers key, member and score, flat in both protocols, and removes the row.
func (c *Ctx) replyPopped(key []byte, z *store.ZSet, highest bool) {
	rank := 0
	if highest {
		rank = z.Len() - 1
	}
	c.iter.Seek(&z.Set, rank, false)
	c.iter.Next()
	c.Array(3)
	c.Bulk(key)
	c.row(c.iter.Member(), c.iter.Score(), flat)
	z.RemoveRange(rank, 1, nil)
	c.Effect(2, popCommand(highest)).Bytes(key)
	c.shrunk(popEvent(highest), key, z)
}

// firstFilled opens the first sorted set among keys that has members, z being
// nil if none has; done says that an error was answered. A served call looks
// at the key that serves it alone, and keeps waiting if that is no sorted set.
func (c *Ctx) firstFilled(keys [][]byte) (key []byte, z *store.ZSet, done bool) {
	if c.Served != nil {
		if z, err := c.DB.ZSetForWrite(c.Served); err == nil && z.Len() > 0 {
			return c.Served, z, false
		}
		return nil, nil, false
	}
	for _, key := range keys {
		if !c.DB.Has(key) {
			continue // of a million keys to wait for, most are not there: nothing is opened for them
		}
		z, err := c.DB.ZSetForWrite(key)
		if c.fail(err) {
			return nil, nil, true
		}
		if z.Len() > 0 {
			return key, z, false
		}
	}
	return nil, nil, false
}

// nothingPopped is the answer when the time is up.
func nothingPopped(r Reply) { r.NullArray() }
