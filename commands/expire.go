package commands

import (
	"fmt"
	"math"
)

var expireCommands = []Spec{
	{
		Name: "EXPIRE", Group: Generic, Since: "1.0.0",
		Summary: "Lets a key expire after a number of seconds", Complexity: "O(1)",
		Arity: -3, Flags: Write | Fast | KeyspaceCat | SelfPropagate, Keys: KeyAt(1, RW|UpdateOp),
		History: expireHistory, Args: expireArgs(intArg("seconds")),
		Run: func(c *Ctx) { expireGeneric(c, c.NowMS, 1000) },
	},
	{
		Name: "PEXPIRE", Group: Generic, Since: "2.6.0",
		Summary: "Lets a key expire after a number of milliseconds", Complexity: "O(1)",
		Arity: -3, Flags: Write | Fast | KeyspaceCat | SelfPropagate, Keys: KeyAt(1, RW|UpdateOp),
		History: expireHistory, Args: expireArgs(intArg("milliseconds")),
		Run: func(c *Ctx) { expireGeneric(c, c.NowMS, 1) },
	},
	{
		Name: "EXPIREAT", Group: Generic, Since: "1.2.0",
		Summary: "Lets a key expire at a time given in Unix seconds", Complexity: "O(1)",
		Arity: -3, Flags: Write | Fast | KeyspaceCat | SelfPropagate, Keys: KeyAt(1, RW|UpdateOp),
		History: expireHistory, Args: expireArgs(timeArg("unix-time-seconds")),
		Run: func(c *Ctx) { expireGeneric(c, 0, 1000) },
	},
	{
		Name: "PEXPIREAT", Group: Generic, Since: "2.6.0",
		Summary: "Lets a key expire at a time given in Unix milliseconds", Complexity: "O(1)",
		Arity: -3, Flags: Write | Fast | KeyspaceCat | SelfPropagate, Keys: KeyAt(1, RW|UpdateOp),
		History: expireHistory, Args: expireArgs(timeArg("unix-time-milliseconds")),
		Run: func(c *Ctx) { expireGeneric(c, 0, 1) },
	},
	{
		Name: "TTL", Group: Generic, Since: "1.0.0",
		Summary: "Tells how many seconds a key has left", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast | KeyspaceCat, Keys: KeyAt(1, RO|AccessOp),
		Tips:    []string{"nondeterministic_output"},
		History: [][2]string{{"2.8.0", "-2 tells a missing key from one that never expires."}},
		Args:    []Arg{keyArg("key")},
		Run:     func(c *Ctx) { ttlGeneric(c, c.NowMS, true) },
	},
	{
		Name: "PTTL", Group: Generic, Since: "2.6.0",
		Summary: "Tells how many milliseconds a key has left", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast | KeyspaceCat, Keys: KeyAt(1, RO|AccessOp),
		Tips:    []string{"nondeterministic_output"},
		History: [][2]string{{"2.8.0", "-2 tells a missing key from one that never expires."}},
		Args:    []Arg{keyArg("key")},
		Run:     func(c *Ctx) { ttlGeneric(c, c.NowMS, false) },
	},
	{
		Name: "EXPIRETIME", Group: Generic, Since: "7.0.0",
		Summary: "Tells when a key expires, in Unix seconds", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast | KeyspaceCat, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key")},
		Run:  func(c *Ctx) { ttlGeneric(c, 0, true) },
	},
	{
		Name: "PEXPIRETIME", Group: Generic, Since: "7.0.0",
		Summary: "Tells when a key expires, in Unix milliseconds", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast | KeyspaceCat, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key")},
		Run:  func(c *Ctx) { ttlGeneric(c, 0, false) },
	},
	{
		Name: "PERSIST", Group: Generic, Since: "2.2.0",
		Summary: "Takes a key's expiry away", Complexity: "O(1)",
		Arity: 2, Flags: Write | Fast | KeyspaceCat | Verbatim, Keys: KeyAt(1, RW|UpdateOp),
		Args: []Arg{keyArg("key")},
		Run:  persist,
	},
}

var expireHistory = [][2]string{{"7.0.0", "The conditions `NX`, `XX`, `GT` and `LT`."}}

// expireArgs is the grammar of the four commands that set an expiry.
func expireArgs(when Arg) []Arg {
	condition := oneOf("condition", token("NX"), token("XX"), token("GT"), token("LT"))
	return []Arg{keyArg("key"), when, optional(since("7.0.0", condition))}
}

// expireCondition is a set of the conditions under which an expiry is set.
type expireCondition uint8

const (
	expireNX expireCondition = 1 << iota // the key has no expiry
	expireXX                             // the key has an expiry
	expireGT                             // the new expiry is later; none is the latest
	expireLT                             // the new expiry is earlier
)

// expireGeneric sets the expiry of a key to baseMS plus the argument times
// unitMS. A time that has come removes the key at once.
func expireGeneric(c *Ctx, baseMS, unitMS int64) {
	cond, ok := c.expireConditions()
	if !ok {
		return
	}
	n, ok := parseInt(c.Args[2])
	if !ok {
		c.Error(errNotInt)
		return
	}
	atMS, ok := expireTime(n, baseMS, unitMS)
	if !ok {
		c.Error(fmt.Sprintf(errInvalidExpire, c.Spec.FullName()))
		return
	}
	key := c.Args[1]
	oldMS, ok := c.DB.ExpireAtForWrite(key)
	if !ok || !cond.met(oldMS, atMS) {
		c.Int(0)
		return
	}
	if atMS <= c.NowMS {
		c.delete(key)
		c.Effect(2, "DEL").Bytes(key)
	} else {
		c.DB.SetExpireAt(key, atMS)
		c.Modified(ClassGeneric, "expire", key)
		c.Effect(3, "PEXPIREAT").Bytes(key).Int(atMS)
	}
	c.Int(1)
}

// expireTime is baseMS + n*unitMS. It is refused when it does not fit; a sum
// below the smallest integer cannot happen since baseMS is not negative.
func expireTime(n, baseMS, unitMS int64) (atMS int64, ok bool) {
	if n > math.MaxInt64/unitMS || n < math.MinInt64/unitMS {
		return 0, false
	}
	n *= unitMS
	return n + baseMS, n <= math.MaxInt64-baseMS
}

func (c *Ctx) expireConditions() (cond expireCondition, ok bool) {
	for _, arg := range c.Args[3:] {
		switch {
		case equalFold(arg, "NX"):
			cond |= expireNX
		case equalFold(arg, "XX"):
			cond |= expireXX
		case equalFold(arg, "GT"):
			cond |= expireGT
		case equalFold(arg, "LT"):
			cond |= expireLT
		default:
			c.Error("ERR Unsupported option " + string(cString(arg)))
			return 0, false
		}
	}
	switch {
	case cond&expireNX != 0 && cond != expireNX:
		c.Error("ERR NX and XX, GT or LT options at the same time are not compatible")
	case cond&(expireGT|expireLT) == expireGT|expireLT:
		c.Error("ERR GT and LT options at the same time are not compatible")
	default:
		return cond, true
	}
	return 0, false
}

// met reports whether a key that expires at oldMS (0: never) may get the expiry newMS.
func (cond expireCondition) met(oldMS, newMS int64) bool {
	never := oldMS == 0
	switch {
	case cond&expireNX != 0 && !never,
		cond&expireXX != 0 && never,
		cond&expireGT != 0 && (never || newMS <= oldMS),
		cond&expireLT != 0 && !never && newMS >= oldMS:
		return false
	}
	return true
}

// ttlGeneric answers the time from baseMS to a key's expiry: -1 if it never expires, -2 if there is no key.
func ttlGeneric(c *Ctx, baseMS int64, seconds bool) {
	atMS, ok := c.DB.ExpireAt(c.Args[1])
	switch {
	case !ok:
		c.Int(-2)
	case atMS == 0:
		c.Int(-1)
	case seconds:
		c.Int(int64((uint64(max(atMS-baseMS, 0)) + 500) / 1000)) // unsigned: rounding up may pass the largest integer
	default:
		c.Int(max(atMS-baseMS, 0))
	}
}

func persist(c *Ctx) {
	key := c.Args[1]
	atMS, ok := c.DB.ExpireAtForWrite(key)
	if !ok || atMS == 0 {
		c.Int(0)
		return
	}
	c.DB.SetExpireAt(key, 0)
	c.Modified(ClassGeneric, "persist", key)
	c.Int(1)
}
