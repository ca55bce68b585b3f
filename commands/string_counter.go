package commands

import (
	"math"

	"quarry/store"
)

var stringCounterCommands = []Spec{
	{
		Name: "INCR", Group: StringGroup, Since: "1.0.0",
		Summary: "Adds 1 to an integer, 0 if there is no such key", Complexity: "O(1)",
		Arity: 2, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|UpdateOp),
		Args: []Arg{keyArg("key")},
		Run:  func(c *Ctx) { c.incrGeneric(1) },
	},
	{
		Name: "DECR", Group: StringGroup, Since: "1.0.0",
		Summary: "Takes 1 from an integer, 0 if there is no such key", Complexity: "O(1)",
		Arity: 2, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|UpdateOp),
		Args: []Arg{keyArg("key")},
		Run:  func(c *Ctx) { c.incrGeneric(-1) },
	},
	{
		Name: "INCRBY", Group: StringGroup, Since: "1.0.0",
		Summary: "Adds to an integer, 0 if there is no such key", Complexity: "O(1)",
		Arity: 3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|UpdateOp),
		Args: []Arg{keyArg("key"), intArg("increment")},
		Run:  incrby,
	},
	{
		Name: "DECRBY", Group: StringGroup, Since: "1.0.0",
		Summary: "Takes from an integer, 0 if there is no such key", Complexity: "O(1)",
		Arity: 3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|UpdateOp),
		Args: []Arg{keyArg("key"), intArg("decrement")},
		Run:  decrby,
	},
	{
		Name: "INCRBYFLOAT", Group: StringGroup, Since: "2.6.0",
		Summary: "Adds to a number with a fraction, 0 if there is no such key", Complexity: "O(1)",
		Arity: 3, Flags: Write | DenyOOM | Fast | SelfPropagate, Keys: KeyAt(1, RW|AccessOp|UpdateOp),
		Args: []Arg{keyArg("key"), doubleArg("increment")},
		Run:  incrbyfloat,
	},
}

const (
	errIncrOverflow = "ERR increment or decrement would overflow"
	errDecrOverflow = "ERR decrement would overflow"
	errIncrInfinite = "ERR increment would produce NaN or Infinity"
)

// incrGeneric adds to the integer at the key, and answers it.
func (c *Ctx) incrGeneric(increment int64) {
	s, err := c.DB.StringForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	n := int64(0)
	if s.Exists() {
		ok := false
		if n, ok = parseInt(number(s)); !ok {
			c.Error(errNotInt)
			return
		}
	}
	sum := n + increment
	if (sum > n) != (increment > 0) && increment != 0 {
		c.Error(errIncrOverflow)
		return
	}
	s.Set(c.intText(sum))
	c.Modified(ClassString, "incrby", c.Args[1])
	c.Int(sum)
}

// number is a string to be read as a number, or nil if it is too long to be one. Those that
// may be lie in one piece.
func number(s *store.String) []byte {
	if s.Len() >= longDoubleText {
		return nil
	}
	return s.Bytes()
}

func incrby(c *Ctx) {
	increment, ok := parseInt(c.Args[2])
	if !ok {
		c.Error(errNotInt)
		return
	}
	c.incrGeneric(increment)
}

func decrby(c *Ctx) {
	decrement, ok := parseInt(c.Args[2])
	switch {
	case !ok:
		c.Error(errNotInt)
	case decrement == math.MinInt64:
		c.Error(errDecrOverflow)
	default:
		c.incrGeneric(-decrement)
	}
}

// incrbyfloat computes as a long double, as Redis does. The result is text even if it is
// an integer: OBJECT ENCODING never calls it "int".
func incrbyfloat(c *Ctx) {
	s, err := c.DB.StringForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	sum, ok := longDouble{}, true
	if s.Exists() {
		sum, ok = parseLongDouble(number(s))
	}
	increment, good := parseLongDouble(c.Args[2])
	if !ok || !good {
		c.Error(errNotFloat)
		return
	}
	if sum, ok = sum.add(increment); !ok {
		c.Error(errIncrInfinite)
		return
	}
	text := sum.append(c.text[:0])
	s.SetText(text)
	c.Modified(ClassString, "incrbyfloat", c.Args[1])
	c.Effect(4, "SET").Bytes(c.Args[1]).Bytes(text).Str("KEEPTTL")
	c.Bulk(text)
	c.keepText(text)
}
