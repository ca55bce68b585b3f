package commands

import "quarry/store"

var stringRangeCommands = []Spec{
	{
		Name: "APPEND", Group: StringGroup, Since: "2.0.0",
		Summary:    "Adds to the end of a string, which is made if it is not there, and answers its length",
		Complexity: "O(N) for N bytes added",
		Arity:      3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|InsertOp),
		Args: []Arg{keyArg("key"), stringArg("value")},
		Run:  appendString,
	},
	{
		Name: "STRLEN", Group: StringGroup, Since: "2.2.0",
		Summary: "Tells how many bytes a string has", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key")},
		Run:  strlen,
	},
	{
		Name: "GETRANGE", Group: StringGroup, Since: "2.4.0",
		Summary: "Reads a part of a string", Complexity: "O(N) for N bytes read",
		Arity: 4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key"), intArg("start"), intArg("end")},
		Run:  getrange,
	},
	{
		Name: "SUBSTR", Group: StringGroup, Since: "1.0.0",
		Summary: "Reads a part of a string", Complexity: "O(N) for N bytes read",
		DeprecatedSince: "2.0.0", ReplacedBy: "`GETRANGE`",
		Arity: 4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key"), intArg("start"), intArg("end")},
		Run:  getrange,
	},
	{
		Name: "SETRANGE", Group: StringGroup, Since: "2.2.0",
		Summary:    "Overwrites a part of a string, with zero bytes before it if the string is shorter, and answers its length",
		Complexity: "O(N) for N bytes written, zeros included",
		Arity:      4, Flags: Write | DenyOOM | Verbatim, Keys: KeyAt(1, RW|UpdateOp),
		Args: []Arg{keyArg("key"), intArg("offset"), stringArg("value")},
		Run:  setrange,
	},
}

const (
	errStringTooLong = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	errOffset        = "ERR offset is out of range"
)

// mayGrow reports whether a string may have n more bytes from start on, or answers why not.
func (c *Ctx) mayGrow(s *store.String, start int64, n int) bool {
	limit := min(c.Host.MaxBulk(), store.MaxString)
	switch end := start + int64(n); {
	case start > limit || end > limit:
		c.Error(errStringTooLong)
	case !c.DB.Store().Room(end - int64(s.Len())):
		c.Error(ErrOOM)
	default:
		return true
	}
	return false
}

func appendString(c *Ctx) {
	key, value := c.Args[1], c.Args[2]
	s, err := c.DB.StringForWrite(key)
	if c.fail(err) || !c.mayGrow(s, int64(s.Len()), len(value)) {
		return
	}
	n := s.Append(value)
	c.Modified(ClassString, "append", key)
	c.Int(int64(n))
}

func strlen(c *Ctx) {
	s, err := c.DB.String(c.Args[1])
	switch {
	case c.fail(err):
	case s == nil:
		c.Int(0)
	default:
		c.Int(int64(s.Len()))
	}
}

func getrange(c *Ctx) {
	start, ok := parseInt(c.Args[2])
	end, good := parseInt(c.Args[3])
	if !ok || !good {
		c.Error(errNotInt)
		return
	}
	s, err := c.DB.String(c.Args[1])
	switch {
	case c.fail(err):
	case s == nil:
		c.Bulk(nil)
	default:
		start, n := bytesBetween(start, end, int64(s.Len()))
		c.bulkPart(s, int(start), int(n))
	}
}

// bytesBetween is the part of a string of size bytes from index start to index end,
// negative ones counted from its end. An end before the beginning is the first byte, which
// Redis keeps so for compatibility.
func bytesBetween(start, end, size int64) (from, n int64) {
	if size == 0 || start < 0 && end < 0 && start > end {
		return 0, 0
	}
	if start < 0 {
		start = max(start+size, 0)
	}
	if end < 0 {
		end = max(end+size, 0)
	}
	end = min(end, size-1)
	if start > end {
		return 0, 0
	}
	return start, end - start + 1
}

func setrange(c *Ctx) {
	key, value := c.Args[1], c.Args[3]
	offset, ok := parseInt(c.Args[2])
	if !ok {
		c.Error(errNotInt)
		return
	}
	if offset < 0 {
		c.Error(errOffset)
		return
	}
	s, err := c.DB.StringForWrite(key)
	if c.fail(err) {
		return
	}
	if len(value) == 0 {
		c.Int(int64(s.Len()))
		return
	}
	if !c.mayGrow(s, offset, len(value)) {
		return
	}
	n := s.SetRange(int(offset), value)
	c.Modified(ClassString, "setrange", key)
	c.Int(int64(n))
}
