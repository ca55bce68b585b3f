package commands

import "quarry/store"

var hashCounterCommands = []Spec{
	{
		Name: "HINCRBY", Group: HashGroup, Since: "2.0.0",
		Summary: "Adds to the integer in a field, 0 if it is not there", Complexity: "O(1)",
		Arity: 4, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|UpdateOp), Seeks: 2,
		Args: []Arg{keyArg("key"), fieldArg, intArg("increment")},
		Run:  hincrby,
	},
	{
		Name: "HINCRBYFLOAT", Group: HashGroup, Since: "2.6.0",
		Summary: "Adds to the number with a fraction in a field, 0 if it is not there", Complexity: "O(1)",
		Arity: 4, Flags: Write | DenyOOM | Fast | SelfPropagate, Keys: KeyAt(1, RW|AccessOp|UpdateOp), Seeks: 2,
		Args: []Arg{keyArg("key"), fieldArg, doubleArg("increment")},
		Run:  hincrbyfloat,
	},
}

const (
	errFieldNotInt   = "ERR hash value is not an integer"
	errFieldNotFloat = "ERR hash value is not a float"
	errInfinite      = "ERR value is NaN or Infinity"
)

func hincrby(c *Ctx) {
	increment, ok := parseInt(c.Args[3])
	if !ok {
		c.Error(errNotInt)
		return
	}
	h, err := c.DB.HashForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	n := int64(0)
	if value, there := h.Get(c.Args[2]); there {
		if n, ok = parseInt(value); !ok {
			c.Error(errFieldNotInt)
			return
		}
	}
	sum := n + increment
	if (sum > n) != (increment > 0) && increment != 0 {
		c.Error(errIncrOverflow)
		return
	}
	c.putCounter(h, c.intText(sum), "hincrby")
	c.Int(sum)
}

// hincrbyfloat computes as a long double, as Redis does.
func hincrbyfloat(c *Ctx) {
	increment, ok := parseLongDouble(c.Args[3])
	switch {
	case !ok:
		c.Error(errNotFloat)
		return
	case increment.infinite:
		c.Error(errInfinite)
		return
	}
	h, err := c.DB.HashForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	sum := longDouble{}
	if value, there := h.Get(c.Args[2]); there {
		if sum, ok = parseLongDouble(value); !ok {
			c.Error(errFieldNotFloat)
			return
		}
	}
	if sum, ok = sum.add(increment); !ok {
		c.Error(errIncrInfinite)
		return
	}
	text := sum.append(c.text[:0])
	c.putCounter(h, text, "hincrbyfloat")
	c.Effect(4, "HSET").Bytes(c.Args[1]).Bytes(c.Args[2]).Bytes(text)
	c.Bulk(text)
	c.keepText(text)
}

// putCounter puts the new value of a counter.
func (c *Ctx) putCounter(h *store.Hash, text []byte, event string) {
	h.Put(c.Args[2], text)
	c.Modified(ClassHash, event, c.Args[1])
}
