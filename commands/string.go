package commands

import (
	"fmt"
	"slices"
	"strconv"

	"quarry/store"
)

var stringCommands = []Spec{
	{
		Name: "GET", Group: StringGroup, Since: "1.0.0",
		Summary: "Reads a string", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key")},
		Run:  func(c *Ctx) { c.getGeneric(c.Args[1]) },
	},
	{
		Name: "SET", Group: StringGroup, Since: "1.0.0",
		Summary: "Stores a string in place of whatever the key holds", Complexity: "O(1)",
		Arity: -3, Flags: Write | DenyOOM | Verbatim | SelfPropagate, Keys: setKeys(),
		History: [][2]string{
			{"2.6.12", "The options `EX`, `PX`, `NX` and `XX`."},
			{"6.0.0", "The option `KEEPTTL`."},
			{"6.2.0", "The options `GET`, `EXAT` and `PXAT`."},
			{"7.0.0", "`NX` and `GET` may be given together."},
		},
		Args: []Arg{
			keyArg("key"), stringArg("value"),
			optional(since("2.6.12", oneOf("condition", token("NX"), token("XX")))),
			optional(since("6.2.0", token("GET"))),
			optional(oneOf("expiration",
				since("2.6.12", withToken("EX", intArg("seconds"))),
				since("2.6.12", withToken("PX", intArg("milliseconds"))),
				since("6.2.0", withToken("EXAT", timeArg("unix-time-seconds"))),
				since("6.2.0", withToken("PXAT", timeArg("unix-time-milliseconds"))),
				since("6.0.0", token("KEEPTTL")))),
		},
		Run: set,
	},
	{
		Name: "SETEX", Group: StringGroup, Since: "2.0.0",
		Summary: "Stores a string that expires after a number of seconds", Complexity: "O(1)",
		Arity: 4, Flags: Write | DenyOOM | SelfPropagate, Keys: KeyAt(1, OW|UpdateOp),
		Args: []Arg{keyArg("key"), intArg("seconds"), stringArg("value")},
		Run:  func(c *Ctx) { setexGeneric(c, expiryEX) },
	},
	{
		Name: "PSETEX", Group: StringGroup, Since: "2.6.0",
		Summary: "Stores a string that expires after a number of milliseconds", Complexity: "O(1)",
		Arity: 4, Flags: Write | DenyOOM | SelfPropagate, Keys: KeyAt(1, OW|UpdateOp),
		Args: []Arg{keyArg("key"), intArg("milliseconds"), stringArg("value")},
		Run:  func(c *Ctx) { setexGeneric(c, expiryPX) },
	},
	{
		Name: "SETNX", Group: StringGroup, Since: "1.0.0",
		Summary: "Stores a string if there is no such key", Complexity: "O(1)",
		Arity: 3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, OW|InsertOp),
		Args: []Arg{keyArg("key"), stringArg("value")},
		Run:  setnx,
	},
	{
		Name: "GETSET", Group: StringGroup, Since: "1.0.0",
		Summary: "Stores a string and answers the one that was there", Complexity: "O(1)",
		DeprecatedSince: "6.2.0", ReplacedBy: "`SET` with `GET`",
		Arity: 3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|AccessOp|UpdateOp),
		Args: []Arg{keyArg("key"), stringArg("value")},
		Run:  getset,
	},
	{
		Name: "GETDEL", Group: StringGroup, Since: "6.2.0",
		Summary: "Reads a string and removes its key", Complexity: "O(1)",
		Arity: 2, Flags: Write | Fast | SelfPropagate, Keys: KeyAt(1, RW|AccessOp|DeleteOp),
		Args: []Arg{keyArg("key")},
		Run:  getdel,
	},
	{
		Name: "GETEX", Group: StringGroup, Since: "6.2.0",
		Summary: "Reads a string and changes when its key expires", Complexity: "O(1)",
		Arity: -2, Flags: Write | Fast | SelfPropagate, Keys: noted(KeyAt(1, RW|AccessOp|UpdateOp), "Changes when the key expires, not the value"),
		Args: []Arg{
			keyArg("key"),
			optional(oneOf("expiration",
				withToken("EX", intArg("seconds")), withToken("PX", intArg("milliseconds")),
				withToken("EXAT", timeArg("unix-time-seconds")), withToken("PXAT", timeArg("unix-time-milliseconds")),
				token("PERSIST"))),
		},
		Run: getex,
	},
	{
		Name: "MGET", Group: StringGroup, Since: "1.0.0",
		Summary: "Reads several strings; what is no string is null", Complexity: "O(N) for N keys",
		Arity: -2, Flags: ReadOnly | Fast, Keys: KeyRange(1, -1, 1, RO|AccessOp),
		Tips: []string{"request_policy:multi_shard"},
		Args: []Arg{multiple(keyArg("key"))},
		Run:  mget,
	},
	{
		Name: "MSET", Group: StringGroup, Since: "1.0.1",
		Summary: "Stores several strings at once", Complexity: "O(N) for N keys",
		Arity: -3, Flags: Write | DenyOOM | Verbatim, Keys: KeyRange(1, -1, 2, OW|UpdateOp),
		Tips: []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
		Args: []Arg{multiple(block("key_value", keyArg("key"), stringArg("value")))},
		Run:  mset,
	},
	{
		Name: "MSETNX", Group: StringGroup, Since: "1.0.1",
		Summary: "Stores several strings at once if none of the keys exists", Complexity: "O(N) for N keys",
		Arity: -3, Flags: Write | DenyOOM | Verbatim, Keys: KeyRange(1, -1, 2, OW|InsertOp),
		Tips: []string{"request_policy:multi_shard", "response_policy:agg_min"},
		Args: []Arg{multiple(block("key_value", keyArg("key"), stringArg("value")))},
		Run:  msetnx,
	},
}

// bulkPart answers n bytes of a string from start on. What lies in several pieces
// is copied from them straight into the reply.
func (c *Ctx) bulkPart(s *store.String, start, n int) {
	if n == 0 {
		c.Bulk(nil)
		return
	}
	parts := s.Parts(start, n)
	first := parts.Next()
	if len(first) == n {
		c.Bulk(first)
		return
	}
	c.BeginBulk(n)
	c.Raw(first)
	for parts.More() {
		c.Raw(parts.Next())
	}
	c.Raw([]byte("\r\n"))
}

// getGeneric answers the string at key, or null, and reports whether the key holds
// nothing else.
func (c *Ctx) getGeneric(key []byte) (ok bool) {
	s, err := c.DB.String(key)
	switch {
	case c.fail(err):
		return false
	case s == nil:
		c.Null()
	default:
		c.bulkPart(s, 0, s.Len())
	}
	return true
}

// setKeys is SET's key, whose old value is read only if GET asks for it.
func setKeys() []Keys {
	keys := noted(KeyAt(1, RW|AccessOp|UpdateOp|Variable), "Without GET the old value is not read")
	keys[0].Vary = func(args [][]byte) Access {
		if slices.ContainsFunc(args[3:], func(a []byte) bool { return equalFold(a, "GET") }) {
			return RW | AccessOp | UpdateOp
		}
		return OW | UpdateOp
	}
	return keys
}

// expiryKind is how a command says when the key expires.
type expiryKind uint8

const (
	expiryNone    expiryKind = iota
	expiryEX                 // after seconds
	expiryPX                 // after milliseconds
	expiryEXAT               // at a Unix time in seconds
	expiryPXAT               // or milliseconds
	expiryKeepTTL            // as before
	expiryPersist            // never
)

// expiryNamed is the kind of expiry that an option stands for.
func expiryNamed(option []byte) expiryKind {
	switch {
	case equalFold(option, "EX"):
		return expiryEX
	case equalFold(option, "PX"):
		return expiryPX
	case equalFold(option, "EXAT"):
		return expiryEXAT
	case equalFold(option, "PXAT"):
		return expiryPXAT
	case equalFold(option, "KEEPTTL"):
		return expiryKeepTTL
	case equalFold(option, "PERSIST"):
		return expiryPersist
	}
	return expiryNone
}

// timed reports whether the option is followed by a time.
func (k expiryKind) timed() bool { return expiryEX <= k && k <= expiryPXAT }

// time reads the time of an expiry of kind k, or answers why it is none. It may lie
// in the past only if it is not relative.
func (k expiryKind) time(c *Ctx, arg []byte) (atMS int64, ok bool) {
	n, ok := parseInt(arg)
	if !ok {
		c.Error(errNotInt)
		return 0, false
	}
	unitMS, baseMS := int64(1), int64(0)
	if k == expiryEX || k == expiryEXAT {
		unitMS = 1000
	}
	if k == expiryEX || k == expiryPX {
		baseMS = c.NowMS
	}
	if atMS, ok = expireTime(n, baseMS, unitMS); !ok || n <= 0 {
		c.Error(fmt.Sprintf(errInvalidExpire, c.Spec.FullName()))
		return 0, false
	}
	return atMS, true
}

// setOptions are the options of SET.
type setOptions struct {
	nx, xx, get bool
	expiry      expiryKind
	atMS        int64 // of a timed expiry
}

// setOptions reads the options of SET, or answers what is wrong. One kind of expiry
// may be given repeatedly, the last time counts.
func (c *Ctx) setOptions(args [][]byte) (o setOptions, ok bool) {
	var when []byte
	for i := 0; i < len(args); i++ {
		switch kind := expiryNamed(args[i]); {
		case !o.xx && equalFold(args[i], "NX"):
			o.nx = true
		case !o.nx && equalFold(args[i], "XX"):
			o.xx = true
		case equalFold(args[i], "GET"):
			o.get = true
		case kind == expiryNone, kind == expiryPersist, o.expiry != expiryNone && o.expiry != kind,
			kind.timed() && i+1 == len(args):
			c.Error(errSyntax)
			return o, false
		default:
			o.expiry = kind
			if kind.timed() {
				i++
				when = args[i]
			}
		}
	}
	if o.expiry.timed() {
		o.atMS, ok = o.expiry.time(c, when)
		return o, ok
	}
	return o, true
}

func set(c *Ctx) {
	key, value := c.Args[1], c.Args[2]
	if len(c.Args) == 3 {
		c.put(key, value)
		c.OK()
		return
	}
	o, ok := c.setOptions(c.Args[3:])
	if !ok || o.get && !c.getGeneric(key) {
		return
	}
	done := c.setGeneric(key, value, o)
	switch {
	case o.get: // the old value is the answer
	case done:
		c.OK()
	default:
		c.Null()
	}
}

// put stores a string in place of whatever key holds. It never expires.
func (c *Ctx) put(key, value []byte) {
	c.DB.SetString(key, value, false)
	c.Modified(ClassString, "set", key)
}

// setGeneric stores a string unless a condition stands against it.
func (c *Ctx) setGeneric(key, value []byte, o setOptions) (done bool) {
	if (o.nx || o.xx) && c.DB.Use(key) != o.xx {
		return false
	}
	c.DB.SetString(key, value, o.expiry == expiryKeepTTL)
	c.Modified(ClassString, "set", key)
	if o.expiry.timed() {
		c.DB.SetExpireAt(key, o.atMS)
		c.Modified(ClassGeneric, "expire", key)
		if o.atMS <= c.NowMS { // Redis finds it later, when it looks for expired keys
			c.Modified(ClassExpired, "expired", key)
			c.Effect(2, "DEL").Bytes(key)
		} else {
			c.Effect(5, "SET").Bytes(key).Bytes(value).Str("PXAT").Int(o.atMS)
		}
	}
	return true
}

func setexGeneric(c *Ctx, kind expiryKind) {
	atMS, ok := kind.time(c, c.Args[2])
	if !ok {
		return
	}
	c.setGeneric(c.Args[1], c.Args[3], setOptions{expiry: kind, atMS: atMS})
	c.OK()
}

func setnx(c *Ctx) {
	c.Int(oneIf(c.setGeneric(c.Args[1], c.Args[2], setOptions{nx: true})))
}

func getset(c *Ctx) {
	if c.getGeneric(c.Args[1]) {
		c.put(c.Args[1], c.Args[2])
	}
}

func getdel(c *Ctx) {
	key := c.Args[1]
	if c.getGeneric(key) && c.delete(key) {
		c.Effect(2, "DEL").Bytes(key)
	}
}

// getexOptions reads the options of GETEX: what of the expiry, and the time as it was sent.
func getexOptions(args [][]byte) (expiry expiryKind, when []byte, ok bool) {
	for i := 0; i < len(args); i++ {
		kind := expiryNamed(args[i])
		switch {
		case kind == expiryNone, kind == expiryKeepTTL, expiry != expiryNone && expiry != kind:
			return 0, nil, false
		case kind.timed():
			if i++; i == len(args) {
				return 0, nil, false
			}
			when = args[i]
		}
		expiry = kind
	}
	return expiry, when, true
}

func getex(c *Ctx) {
	key := c.Args[1]
	expiry, when, ok := getexOptions(c.Args[2:])
	if !ok {
		c.Error(errSyntax)
		return
	}
	s, err := c.DB.String(key)
	if c.fail(err) {
		return
	}
	if s == nil {
		c.Null()
		return
	}
	atMS := int64(0)
	if expiry.timed() {
		if atMS, ok = expiry.time(c, when); !ok {
			return
		}
	}
	c.bulkPart(s, 0, s.Len())
	if expiry != expiryNone {
		c.expireRead(key, atMS)
	}
}

// expireRead sets the expiry of a key that GETEX has read (0: never). A time that has come removes it.
func (c *Ctx) expireRead(key []byte, atMS int64) {
	oldMS, _ := c.DB.ExpireAtForWrite(key)
	if atMS == 0 && oldMS == 0 {
		return
	}
	c.DB.SetExpireAt(key, atMS)
	switch {
	case atMS == 0:
		c.Modified(ClassGeneric, "persist", key)
		c.Effect(2, "PERSIST").Bytes(key)
	case atMS <= c.NowMS:
		c.Modified(ClassGeneric, "del", key)
		c.Effect(2, "DEL").Bytes(key)
	default:
		c.Modified(ClassGeneric, "expire", key)
		c.Effect(3, "PEXPIREAT").Bytes(key).Int(atMS)
	}
}

func mget(c *Ctx) {
	c.Array(len(c.Args) - 1)
	for _, key := range c.Args[1:] {
		s, err := c.DB.String(key)
		if err != nil || s == nil {
			c.Null()
			continue
		}
		c.bulkPart(s, 0, s.Len())
		s.Close()
	}
}

// pairsOK reports whether the arguments are keys with a value each, or answers that they are not.
func (c *Ctx) pairsOK() bool {
	if len(c.Args)%2 == 0 {
		c.Error(WrongArity(c.Spec))
		return false
	}
	return true
}

func mset(c *Ctx) {
	if c.pairsOK() {
		c.putPairs()
		c.OK()
	}
}

func msetnx(c *Ctx) {
	if !c.pairsOK() {
		return
	}
	for i := 1; i < len(c.Args); i += 2 {
		if c.DB.Use(c.Args[i]) {
			c.Int(0)
			return
		}
	}
	c.putPairs()
	c.Int(1)
}

func (c *Ctx) putPairs() {
	for i := 1; i < len(c.Args); i += 2 {
		c.put(c.Args[i], c.Args[i+1])
	}
}

// intText writes n into the scratch for texts.
func (c *Ctx) intText(n int64) []byte {
	c.text = strconv.AppendInt(c.text[:0], n, 10)
	return c.text
}

// textKept is how long the scratch for texts may be that a command leaves behind.
const textKept = 1024

// keepText makes text, which was appended to it, the scratch for texts, unless it is long.
func (c *Ctx) keepText(text []byte) {
	if cap(text) <= textKept {
		c.text = text
	}
}
