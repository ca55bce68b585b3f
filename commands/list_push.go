package commands

import "quarry/store"

var listPushCommands = []Spec{
	{
		Name: "LPUSH", Group: ListGroup, Since: "1.0.0",
		Summary:    "Puts elements before the first one of a list, one after the other",
		Complexity: "O(M), M elements being put in",
		Arity:      -3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|InsertOp),
		History: [][2]string{{"2.4.0", "Several elements."}},
		Args:    []Arg{keyArg("key"), multiple(stringArg("element"))},
		Run:     func(c *Ctx) { c.pushGeneric(true, false) },
	},
	{
		Name: "RPUSH", Group: ListGroup, Since: "1.0.0",
		Summary:    "Puts elements behind the last one of a list",
		Complexity: "O(M), M elements being put in",
		Arity:      -3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|InsertOp),
		History: [][2]string{{"2.4.0", "Several elements."}},
		Args:    []Arg{keyArg("key"), multiple(stringArg("element"))},
		Run:     func(c *Ctx) { c.pushGeneric(false, false) },
	},
	{
		Name: "LPUSHX", Group: ListGroup, Since: "2.2.0",
		Summary:    "Puts elements before the first one of a list that exists",
		Complexity: "O(M), M elements being put in",
		Arity:      -3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|InsertOp),
		History: [][2]string{{"4.0.0", "Several elements."}},
		Args:    []Arg{keyArg("key"), multiple(stringArg("element"))},
		Run:     func(c *Ctx) { c.pushGeneric(true, true) },
	},
	{
		Name: "RPUSHX", Group: ListGroup, Since: "2.2.0",
		Summary:    "Puts elements behind the last one of a list that exists",
		Complexity: "O(M), M elements being put in",
		Arity:      -3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|InsertOp),
		History: [][2]string{{"4.0.0", "Several elements."}},
		Args:    []Arg{keyArg("key"), multiple(stringArg("element"))},
		Run:     func(c *Ctx) { c.pushGeneric(false, true) },
	},
}

// pushGeneric puts the elements in, if the list may be made or exists.
func (c *Ctx) pushGeneric(front, onlyExisting bool) {
	key := c.Args[1]
	l, err := c.DB.ListForWrite(key)
	if c.fail(err) {
		return
	}
	if onlyExisting && l.Len() == 0 {
		c.Int(0)
		return
	}
	for _, v := range c.Args[2:] {
		l.Push(front, v)
	}
	c.Int(int64(l.Len()))
	c.Modified(ClassList, listPushEvent(front), key)
}

func listPushEvent(front bool) string {
	if front {
		return "lpush"
	}
	return "rpush"
}

func listPopEvent(front bool) string {
	if front {
		return "lpop"
	}
	return "rpop"
}

// listShrunk says that a list has lost elements, and if they were the last its key.
func (c *Ctx) listShrunk(event string, key []byte, l *store.List) {
	c.Modified(ClassList, event, key)
	if l.Len() == 0 {
		c.Modified(ClassGeneric, "del", key)
	}
}
