package commands

import (
	"slices"

	"quarry/store"
)

var (
	moveKeys = []Keys{{Index: 1, Step: 1, Access: RW | AccessOp | DeleteOp}, {Index: 2, Step: 1, Access: RW | InsertOp}}
	moveArgs = []Arg{
		keyArg("source"), keyArgOf("destination", 1),
		oneOf("wherefrom", token("LEFT"), token("RIGHT")), oneOf("whereto", token("LEFT"), token("RIGHT")),
	}
)

var listMoveCommands = []Spec{
	{
		Name: "LMOVE", Group: ListGroup, Since: "6.2.0",
		Summary:    "Takes an element from one end of a list, puts it at one end of another and answers it",
		Complexity: "O(1)",
		Arity:      5, Flags: Write | DenyOOM | SelfPropagate, Keys: moveKeys, Args: moveArgs,
		Run: lmove,
	},
	{
		Name: "RPOPLPUSH", Group: ListGroup, Since: "1.2.0",
		Summary:    "Takes the last element of a list, puts it before the first of another and answers it",
		Complexity: "O(1)",
		Arity:      3, Flags: Write | DenyOOM | SelfPropagate, Keys: moveKeys, Args: moveArgs[:2],
		DeprecatedSince: "6.2.0", ReplacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments",
		Run: rpoplpush,
	},
	{
		Name: "BLMOVE", Group: ListGroup, Since: "6.2.0",
		Summary:    "Moves an element from one end of a list to one end of another, and waits if there is none",
		Complexity: "O(1)",
		Arity:      6, Flags: Write | DenyOOM | NoScript | Blocking | SelfPropagate, Keys: moveKeys,
		Args: slices.Concat(moveArgs, []Arg{doubleArg("timeout")}),
		Run:  blmove,
	},
	{
		Name: "BRPOPLPUSH", Group: ListGroup, Since: "2.2.0",
		Summary:    "Moves the last element of a list before the first of another, and waits if there is none",
		Complexity: "O(1)",
		Arity:      4, Flags: Write | DenyOOM | NoScript | Blocking | SelfPropagate, Keys: moveKeys,
		History:         [][2]string{{"6.0.0", "A timeout with a fraction."}},
		Args:            slices.Concat(moveArgs[:2], []Arg{doubleArg("timeout")}),
		DeprecatedSince: "6.2.0", ReplacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
		Run: brpoplpush,
	},
}

// parseSide reads LEFT or RIGHT.
func parseSide(arg []byte) (front, ok bool) {
	front = equalFold(arg, "LEFT")
	return front, front || equalFold(arg, "RIGHT")
}

func sideName(front bool) string {
	if front {
		return "LEFT"
	}
	return "RIGHT"
}

// parseSides reads the ends to take from and to put to; if something is wrong it answers the error.
func (c *Ctx) parseSides(args [][]byte) (from, to, ok bool) {
	from, ok = parseSide(args[0])
	to, okTo := parseSide(args[1])
	if ok = ok && okTo; !ok {
		c.Error(errSyntax)
	}
	return from, to, ok
}

func lmove(c *Ctx) {
	from, to, ok := c.parseSides(c.Args[3:])
	if ok && !c.moveElement(from, to) {
		c.Null()
	}
}

func rpoplpush(c *Ctx) {
	if !c.moveElement(false, true) {
		c.Null()
	}
}

func blmove(c *Ctx) {
	from, to, ok := c.parseSides(c.Args[3:])
	if ok {
		c.blmoveGeneric(from, to, c.Args[5])
	}
}

func brpoplpush(c *Ctx) { c.blmoveGeneric(false, true, c.Args[3]) }

func (c *Ctx) blmoveGeneric(from, to bool, timeout []byte) {
	timeoutMS, problem := parseTimeout(timeout, c.NowMS)
	switch {
	case problem != "":
		c.Error(problem)
	case c.moveElement(from, to):
	case c.Served == nil && c.Client.InMulti():
		c.Null() // not what there is when time is up
	default:
		c.BlockMove(c.Args[1:2], c.Args[2], timeoutMS, nothingPopped)
	}
}

// moveElement moves an element from an end of the first key's list to one of the second's, and answers it or an
// error; false if there is none, and nothing has been answered. A call that is served goes on waiting if its key
// has become something else than a list.
func (c *Ctx) moveElement(from, to bool) (done bool) {
	source, dest := c.Args[1], c.Args[2]
	src, err := c.DB.ListForWrite(source)
	if c.Served != nil && err != nil {
		return false
	}
	if c.fail(err) {
		return true
	}
	if src.Len() == 0 {
		return false
	}
	dst := src
	if string(source) != string(dest) {
		if dst, err = c.DB.ListForWrite(dest); c.fail(err) {
			return true
		}
	}
	at := endOf(src, from)
	v := c.elementAt(src, at)
	if !c.DB.Store().Room(int64(len(v))) {
		c.Error(ErrOOM)
		return true
	}
	c.Bulk(v)
	c.Effect(5, "LMOVE").Bytes(source).Bytes(dest).Str(sideName(from)).Str(sideName(to))
	c.rehome(src, dst, at, v, to)
	c.Modified(ClassList, listPushEvent(to), dest)
	c.listShrunk(listPopEvent(from), source, src)
	return true
}

// rehome puts v, the element of number at of a list, to an end of a list, this or another, and removes
// it where it was. It comes first and goes then: a list of one element stays.
func (c *Ctx) rehome(src, dst *store.List, at int, v []byte, to bool) {
	if src != dst {
		dst.Push(to, v)
		src.RemoveRange(at, 1)
		return
	}
	c.element = append(c.element[:0], v...) // it lies in what is about to move
	dst.Push(to, c.element)
	if to {
		at++
	}
	src.RemoveRange(at, 1)
}
