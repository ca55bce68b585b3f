package commands

import "quarry/store"

var sideArg = oneOf("where", token("LEFT"), token("RIGHT"))

var listPopCommands = []Spec{
	{
		Name: "LPOP", Group: ListGroup, Since: "1.0.0",
		Summary:    "Takes elements out of a list from the first on and answers them",
		Complexity: "O(M), M elements being taken out",
		Arity:      -2, Flags: Write | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|DeleteOp),
		History: [][2]string{{"6.2.0", "The count."}},
		Args:    []Arg{keyArg("key"), since("6.2.0", optional(intArg("count")))},
		Run:     func(c *Ctx) { c.lpopGeneric(true) },
	},
	{
		Name: "RPOP", Group: ListGroup, Since: "1.0.0",
		Summary:    "Takes elements out of a list from the last on and answers them",
		Complexity: "O(M), M elements being taken out",
		Arity:      -2, Flags: Write | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|DeleteOp),
		History: [][2]string{{"6.2.0", "The count."}},
		Args:    []Arg{keyArg("key"), since("6.2.0", optional(intArg("count")))},
		Run:     func(c *Ctx) { c.lpopGeneric(false) },
	},
	{
		Name: "LMPOP", Group: ListGroup, Since: "7.0.0",
		Summary:    "Takes elements from one end of the first of several lists that has any",
		Complexity: "O(K+M), K keys being looked at and M elements taken out",
		Arity:      -4, Flags: Write | SelfPropagate, Keys: KeyNum(1, RW|AccessOp|DeleteOp),
		Args: []Arg{
			intArg("numkeys"), multiple(keyArg("key")), sideArg, optional(withToken("COUNT", intArg("count"))),
		},
		Run: lmpop,
	},
	{
		Name: "BLPOP", Group: ListGroup, Since: "2.0.0",
		Summary:    "Takes the first element of the first list that has any, and waits for one if none has",
		Complexity: "O(K), K keys being looked at",
		Arity:      -3, Flags: Write | NoScript | Blocking | SelfPropagate, Keys: KeyRange(1, -2, 1, RW|AccessOp|DeleteOp),
		History: [][2]string{{"6.0.0", "A timeout with a fraction."}},
		Args:    []Arg{multiple(keyArg("key")), doubleArg("timeout")},
		Run:     func(c *Ctx) { c.blpopGeneric(true) },
	},
	{
		Name: "BRPOP", Group: ListGroup, Since: "2.0.0",
		Summary:    "Takes the last element of the first list that has any, and waits for one if none has",
		Complexity: "O(K), K keys being looked at",
		Arity:      -3, Flags: Write | NoScript | Blocking | SelfPropagate, Keys: KeyRange(1, -2, 1, RW|AccessOp|DeleteOp),
		History: [][2]string{{"6.0.0", "A timeout with a fraction."}},
		Args:    []Arg{multiple(keyArg("key")), doubleArg("timeout")},
		Run:     func(c *Ctx) { c.blpopGeneric(false) },
	},
	{
		Name: "BLMPOP", Group: ListGroup, Since: "7.0.0",
		Summary:    "Takes elements from one end of the first of several lists that has any, and waits if none has",
		Complexity: "O(K+M), K keys being looked at and M elements taken out",
		Arity:      -5, Flags: Write | Blocking | SelfPropagate, Keys: KeyNum(2, RW|AccessOp|DeleteOp),
		Args: []Arg{
			doubleArg("timeout"), intArg("numkeys"), multiple(keyArg("key")), sideArg,
			optional(withToken("COUNT", intArg("count"))),
		},
		Run: blmpop,
	},
}

func (c *Ctx) lpopGeneric(front bool) {
	if len(c.Args) > 3 {
		c.Error(WrongArity(c.Spec))
		return
	}
	counted, count := len(c.Args) == 3, int64(1)
	if counted {
		var ok bool
		if count, ok = parseInt(c.Args[2]); !ok || count < 0 {
			c.Error(errNotPositive)
			return
		}
	}
	key := c.Args[1]
	l, err := c.DB.ListForWrite(key)
	switch {
	case c.fail(err):
	case l.Len() == 0 && counted:
		c.NullArray()
	case l.Len() == 0:
		c.Null()
	case counted:
		c.popElements(key, l, front, count)
	default:
		c.popElement(key, l, front)
	}
}

// popElement answers the element at one end of the list at key, which has some, and removes it.
func (c *Ctx) popElement(key []byte, l *store.List, front bool) {
	at := endOf(l, front)
	c.Bulk(c.elementAt(l, at))
	l.RemoveRange(at, 1)
	c.listShrunk(listPopEvent(front), key, l)
}

// endOf is the number of the element at one end.
func endOf(l *store.List, front bool) int {
	if front {
		return 0
	}
	return l.Len() - 1
}

// elementAt is an element that the list has, valid until the next call, and as long as the list stays as it is.
func (c *Ctx) elementAt(l *store.List, at int) []byte {
	c.elements.Seek(&l.List, at, 1, false)
	c.elements.Next()
	return c.elements.Value()
}

// popElements answers up to count elements of the list at key from one end on, and removes them.
func (c *Ctx) popElements(key []byte, l *store.List, front bool, count int64) {
	n := int(min(count, int64(l.Len())))
	start := 0
	if !front {
		start = l.Len() - n
	}
	c.replyElements(l, start, n, !front)
	if l.RemoveRange(start, n) > 0 {
		c.listShrunk(listPopEvent(front), key, l)
	}
}

// replyElements answers n elements from number start on, all of which the list has.
func (c *Ctx) replyElements(l *store.List, start, n int, reverse bool) {
	c.Array(n)
	for c.elements.Seek(&l.List, start, n, reverse); c.elements.Next(); {
		c.Bulk(c.elements.Value())
	}
}

func lmpop(c *Ctx) {
	m, ok := c.parseMpop(c.Args[1:], "LEFT", "RIGHT")
	if !ok {
		return
	}
	if done := c.lmpopFirst(&m); !done {
		c.NullArray()
	}
}

func blmpop(c *Ctx) {
	m, ok := c.parseMpop(c.Args[2:], "LEFT", "RIGHT")
	if !ok {
		return
	}
	timeoutMS, problem := parseTimeout(c.Args[1], c.NowMS)
	if problem != "" {
		c.Error(problem)
		return
	}
	if done := c.lmpopFirst(&m); !done {
		c.Block(m.keys, timeoutMS, nothingPopped)
	}
}

// lmpopFirst pops from the first list of m that has elements and reports whether it
// has answered.
func (c *Ctx) lmpopFirst(m *mpop) (done bool) {
	key, l, done := c.firstList(m.keys)
	if l == nil {
		return done
	}
	c.Array(2)
	c.Bulk(key)
	c.Effect(3, listPopCommand(!m.last)).Bytes(key).Int(m.count)
	c.popElements(key, l, !m.last, m.count)
	return true
}

func (c *Ctx) blpopGeneric(front bool) {
	last := len(c.Args) - 1
	timeoutMS, problem := parseTimeout(c.Args[last], c.NowMS)
	if problem != "" {
		c.Error(problem)
		return
	}
	keys := c.Args[1:last]
	key, l, done := c.firstList(keys)
	switch {
	case done:
	case l == nil:
		c.Block(keys, timeoutMS, nothingPopped)
	default:
		c.Array(2)
		c.Bulk(key)
		c.Effect(2, listPopCommand(front)).Bytes(key)
		c.popElement(key, l, front)
	}
}

// listPopCommand is what pops from one key.
func listPopCommand(front bool) string {
	if front {
		return "LPOP"
	}
	return "RPOP"
}

// firstList opens the first list among keys that has elements, l being nil if none has; done
// says that an error was answered. A served call looks at the key that serves it
// alone, and keeps waiting if that is no list.
func (c *Ctx) firstList(keys [][]byte) (key []byte, l *store.List, done bool) {
	if c.Served != nil {
		if l, err := c.DB.ListForWrite(c.Served); err == nil && l.Len() > 0 {
			return c.Served, l, false
		}
		return nil, nil, false
	}
	for _, key := range keys {
		if !c.DB.Has(key) {
			continue // of a million keys to wait for, most are not there: nothing is opened for them
		}
		l, err := c.DB.ListForWrite(key)
		if c.fail(err) {
			return nil, nil, true
		}
		if l.Len() > 0 {
			return key, l, false
		}
	}
	return nil, nil, false
}
