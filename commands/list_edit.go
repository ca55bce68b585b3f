package commands

import (
	"math"

	"quarry/store"
	"quarry/store/list"
)

var listEditCommands = []Spec{
	{
		Name: "LSET", Group: ListGroup, Since: "1.0.0",
		Summary:    "Replaces the element at a place in a list",
		Complexity: "O(log(N)), N being the length of the list",
		Arity:      4, Flags: Write | DenyOOM | Verbatim, Keys: KeyAt(1, RW|UpdateOp),
		Args: []Arg{keyArg("key"), intArg("index"), stringArg("element")},
		Run:  lset,
	},
	{
		Name: "LINSERT", Group: ListGroup, Since: "2.2.0",
		Summary:    "Puts an element before or behind the first that equals another",
		Complexity: "O(N), N elements coming before the other one",
		Arity:      5, Flags: Write | DenyOOM | Verbatim, Keys: KeyAt(1, RW|InsertOp),
		Args: []Arg{
			keyArg("key"), oneOf("where", token("BEFORE"), token("AFTER")), stringArg("pivot"), stringArg("element"),
		},
		Run: linsert,
	},
	{
		Name: "LREM", Group: ListGroup, Since: "1.0.0",
		Summary:    "Removes elements that equal a value",
		Complexity: "O(N), N being the length of the list, or less if the count is reached early",
		Arity:      4, Flags: Write | Verbatim, Keys: KeyAt(1, RW|DeleteOp),
		Args: []Arg{keyArg("key"), intArg("count"), stringArg("element")},
		Run:  lrem,
	},
	{
		Name: "LTRIM", Group: ListGroup, Since: "1.0.0",
		Summary:    "Removes all elements of a list but a part",
		Complexity: "O(log(N)), N being the length of the list; what is removed is freed later",
		Arity:      4, Flags: Write | Verbatim, Keys: KeyAt(1, RW|DeleteOp),
		Args: []Arg{keyArg("key"), intArg("start"), intArg("stop")},
		Run:  ltrim,
	},
}

const errIndexRange = "ERR index out of range"

func lset(c *Ctx) {
	key := c.Args[1]
	l, err := c.DB.ListForWrite(key)
	if c.fail(err) {
		return
	}
	if l.Len() == 0 {
		c.Error(errNoSuchKey)
		return
	}
	index, ok := parseInt(c.Args[2])
	if !ok {
		c.Error(errNotInt)
		return
	}
	at, ok := placeIn(l.Len(), index)
	if !ok {
		c.Error(errIndexRange)
		return
	}
	l.Set(at, c.Args[3])
	c.OK()
	c.Modified(ClassList, "lset", key)
}

func linsert(c *Ctx) {
	after := equalFold(c.Args[2], "AFTER")
	if !after && !equalFold(c.Args[2], "BEFORE") {
		c.Error(errSyntax)
		return
	}
	key := c.Args[1]
	l, err := c.DB.ListForWrite(key)
	if c.fail(err) {
		return
	}
	if l.Len() == 0 {
		c.Int(0)
		return
	}
	at := c.placeOf(l, c.Args[3])
	if at < 0 {
		c.Int(-1)
		return
	}
	if after {
		at++
	}
	l.Insert(at, c.Args[4])
	c.Int(int64(l.Len()))
	c.Modified(ClassList, "linsert", key)
}

// placeOf is the number of the first element that equals v, -1 if there is none.
func (c *Ctx) placeOf(l *store.List, v []byte) int {
	match, at := list.MatchOf(v), 0
	for c.elements.Seek(&l.List, 0, l.Len(), false); c.elements.Next(); at++ {
		if c.elements.Is(&match) {
			return at
		}
	}
	return -1
}

func lrem(c *Ctx) {
	count, ok := parseInt(c.Args[2])
	if !ok {
		c.Error(errNotInt)
		return
	}
	key := c.Args[1]
	l, err := c.DB.ListForWrite(key)
	if c.fail(err) {
		return
	}
	limit := max(count, -count)
	if limit <= 0 { // 0, or the lowest number, which has no opposite
		limit = math.MaxInt64
	}
	n := l.RemoveEqual(c.Args[3], int(limit), count < 0)
	c.Int(int64(n))
	if n > 0 {
		c.listShrunk("lrem", key, l)
	}
}

func ltrim(c *Ctx) {
	start, stop, ok := c.parseInterval()
	if !ok {
		return
	}
	key := c.Args[1]
	l, err := c.DB.ListForWrite(key)
	if c.fail(err) {
		return
	}
	c.OK()
	n := l.Len()
	if n == 0 {
		return
	}
	lo, hi := rankInterval(start, stop, n)
	l.RemoveRange(hi, n-hi)
	l.RemoveRange(0, lo)
	c.listShrunk("ltrim", key, l)
}
