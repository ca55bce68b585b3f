package commands

import (
	"errors"

	"quarry/store"
)

var dumpCommands = []Spec{
	{
		Name: "DUMP", Group: Generic, Since: "2.6.0",
		Summary: "Puts a key's value into one string that RESTORE makes a value of", Complexity: "O(N) for a value of N elements",
		Arity: 2, Flags: ReadOnly | KeyspaceCat, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output"},
		Args: []Arg{keyArg("key")},
		Run:  dump,
	},
	{
		Name: "RESTORE", Group: Generic, Since: "2.6.0",
		Summary:    "Makes a key of what DUMP has answered",
		Complexity: "O(N) for a value of N elements, O(N*log(N)) for a sorted set whose members are in no order",
		Arity:      -4, Flags: Write | DenyOOM | KeyspaceCat | Dangerous | SelfPropagate, Keys: KeyAt(1, OW|UpdateOp),
		History: [][2]string{
			{"3.0.0", "The option `REPLACE`."},
			{"5.0.0", "The option `ABSTTL`."},
			{"5.0.0", "The options `IDLETIME` and `FREQ`."},
		},
		Args: []Arg{
			keyArg("key"), intArg("ttl"), stringArg("serialized-value"),
			optional(since("3.0.0", token("REPLACE"))), optional(since("5.0.0", token("ABSTTL"))),
			optional(since("5.0.0", withToken("IDLETIME", intArg("seconds")))),
			optional(since("5.0.0", withToken("FREQ", intArg("frequency")))),
		},
		Run: restore,
	},
}

// What Host.Restore says of a payload that it refuses.
var (
	ErrDumpChecksum = errors.New("DUMP payload version or checksum are wrong")
	ErrDumpFormat   = errors.New("Bad data format") //nolint:staticcheck // Redis' words
)

const (
	errBusyKey  = "BUSYKEY Target key name already exists."
	errTTL      = "ERR Invalid TTL value, must be >= 0"
	errIdleTime = "ERR Invalid IDLETIME value, must be >= 0"
	errFreq     = "ERR Invalid FREQ value, must be >= 0 and <= 255"
)

func dump(c *Ctx) {
	key := c.Args[1]
	if c.DB.Type(key) == store.None { // which is counted
		c.Null()
		return
	}
	c.DB.Use(key)
	e, _ := c.DB.Entry(key)
	payload, err := c.Host.Dump(e, c.Host.MaxBulk())
	if err != nil {
		c.Error(errOutOfRange)
		return
	}
	c.Bulk(payload)
}

// Restoring is what Host.Restore is to do.
type Restoring struct {
	Payload    []byte
	ExpireAtMS int64 // 0: never
	Using      store.Using
	Replace    bool // what is at the key
	Check      bool // only look whether the payload is sound
}

func restore(c *Ctx) {
	r := Restoring{Payload: c.Args[3], Using: store.UsedNow()}
	absolute, ok := c.restoreOptions(&r)
	if !ok {
		return
	}
	key := c.Args[1]
	there := c.DB.Use(key)
	if there && !r.Replace {
		c.Error(errBusyKey)
		return
	}
	ttl, ok := parseInt(c.Args[2])
	switch {
	case !ok:
		c.Error(errNotInt)
		return
	case ttl < 0:
		c.Error(errTTL)
		return
	}
	if r.ExpireAtMS = ttl; ttl > 0 && !absolute {
		r.ExpireAtMS, _ = expireTime(ttl, c.NowMS, 1) // Redis lets it overflow, too
	}
	r.Check = ttl > 0 && r.ExpireAtMS <= c.NowMS
	if c.fail(c.Host.Restore(c.DB, key, &r)) {
		return
	}
	c.restored(key, &r)
	c.OK()
}

// restoreOptions reads what follows RESTORE's payload.
func (c *Ctx) restoreOptions(r *Restoring) (absolute, ok bool) {
	args := c.Args[4:]
	for ; len(args) > 0; args = args[1:] {
		switch word, more := args[0], len(args) > 1; {
		case equalFold(word, "REPLACE"):
			r.Replace = true
		case equalFold(word, "ABSTTL"):
			absolute = true
		case equalFold(word, "IDLETIME") && more && r.Using.Freq < 0:
			if r.Using.IdleSec, ok = parseInt(args[1]); !ok {
				c.Error(errNotInt)
				return false, false
			}
			if r.Using.IdleSec < 0 {
				c.Error(errIdleTime)
				return false, false
			}
			args = args[1:]
		case equalFold(word, "FREQ") && more && r.Using.IdleSec < 0:
			n, ok := parseInt(args[1])
			if !ok {
				c.Error(errNotInt)
				return false, false
			}
			if n < 0 || n > 255 {
				c.Error(errFreq)
				return false, false
			}
			r.Using.Freq = int(n)
			args = args[1:]
		default:
			c.Error(errSyntax)
			return false, false
		}
	}
	return absolute, true
}

// restored tells what has come of it. The effect has a payload of our own, which is one that Redis 7.0 can read.
func (c *Ctx) restored(key []byte, r *Restoring) {
	if r.Check {
		if r.Replace && c.delete(key) {
			c.Effect(2, "DEL").Bytes(key)
		}
		return
	}
	c.Modified(ClassGeneric, "restore", key)
	if !c.Journal {
		return
	}
	payload := r.Payload
	if e, ok := c.DB.Entry(key); ok {
		if own, err := c.Host.Dump(e, c.Host.MaxBulk()); err == nil {
			payload = own
		}
	}
	n := 6
	if r.Using.IdleSec >= 0 || r.Using.Freq >= 0 {
		n += 2
	}
	e := c.Effect(n, "RESTORE").Bytes(key).Int(r.ExpireAtMS).Bytes(payload).Str("REPLACE").Str("ABSTTL")
	switch {
	case r.Using.IdleSec >= 0:
		e.Str("IDLETIME").Int(r.Using.IdleSec)
	case r.Using.Freq >= 0:
		e.Str("FREQ").Int(int64(r.Using.Freq))
	}
}
