package commands

import (
	"slices"

	"quarry/store"
	"quarry/store/field"
	"quarry/store/geo"
	"quarry/store/list"
	"quarry/store/table"
	"quarry/store/zset"
)

// Ctx is one call of a command. It belongs to the event loop that runs the
// session and is reused: a handler keeps nothing of it.
type Ctx struct {
	Reply // where the answer goes

	Spec *Spec
	// Args are the arguments, Args[0] the name as sent. They are slices of the
	// connection's input and are overwritten after the handler returns.
	Args [][]byte
	// DB is the client's selected database; the shards of the command's keys are locked.
	DB *store.DB
	// NowMS is the server's clock, Unix milliseconds, stamped once per command.
	NowMS int64
	// Rand is the process' random source.
	Rand func() uint64

	Client Client
	Host   Host
	// Observer is told of the keys the command changes; nil while nobody wants to know.
	Observer Observer

	// Journal says that the effects of the call are wanted (effect.go).
	Journal bool
	changed bool
	effects effects

	// Served is set when the gate runs a parked command again because the key
	// it names has got data: the handler must look at this key only, and
	// answers nothing (leaves the client parked) if the key will not serve it.
	Served []byte
	// block is what Block asked for.
	block    Block
	blocking bool
	secrets  []int // what Secret was told
	swapped  [2]int

	hasSwapped bool

	// Scratch of the sorted-set handlers, kept so that they allocate nothing.
	iter, other zset.Iter
	scores      []float64
	near        zset.Near
	globe       globe
	ranges      []geo.Range
	// And of those of other types.
	members  table.Iter
	elements list.Iter
	picked   []byte
	element  []byte // that is moved within its list
	text     []byte // scratch of those that write numbers
	// And of those of fields.
	hunted  bool // since End
	putting putCall
	nearby  nearCall
	record  field.Record
}

// Block describes what a parked client waits for.
type Block struct {
	Keys      [][]byte // slices of Args
	TimeoutMS int64    // 0: for ever
	OnTimeout func(r Reply)
	// Dest is a key that the command adds to when one of Keys serves it, its shard being locked too;
	// nil: it does not. A slice of Args.
	Dest []byte
}

// Block parks the client until one of keys gets data or timeoutMS (0: never)
// has passed; onTimeout then writes the answer. When a key gets data the gate
// runs the command again with Served set. The handler must have written no
// reply. Inside a transaction, and for a served call, nothing is parked:
// Block answers with onTimeout, or not at all.
func (c *Ctx) Block(keys [][]byte, timeoutMS int64, onTimeout func(r Reply)) {
	switch {
	case c.Served != nil:
		return
	case c.Client.InMulti():
		onTimeout(c.Reply)
		return
	}
	c.block, c.blocking = Block{Keys: keys, TimeoutMS: timeoutMS, OnTimeout: onTimeout}, true
}

// BlockMove is Block for a command that adds to dest what it takes from the key that serves it.
func (c *Ctx) BlockMove(keys [][]byte, dest []byte, timeoutMS int64, onTimeout func(r Reply)) {
	c.Block(keys, timeoutMS, onTimeout)
	if c.blocking {
		c.block.Dest = dest
	}
}

// Blocked returns what the handler asked to wait for, if it did.
func (c *Ctx) Blocked() (Block, bool) { return c.block, c.blocking }

// Secret says that Args[i] must not be shown by SLOWLOG or MONITOR: it is a password or names its user.
func (c *Ctx) Secret(i int) { c.secrets = append(c.secrets, i) }

// IsSecret reports whether the handler called Secret for Args[i].
func (c *Ctx) IsSecret(i int) bool { return slices.Contains(c.secrets, i) }

// Swapped returns the databases that the handler exchanged, if it did.
func (c *Ctx) Swapped() (a, b int, ok bool) { return c.swapped[0], c.swapped[1], c.hasSwapped }

// Begin makes c ready for the next call.
func (c *Ctx) Begin(s *Spec, args [][]byte) {
	c.hasSwapped, c.changed = false, false
	c.effects.begin()
	c.Spec, c.Args, c.Served, c.secrets = s, args, nil, c.secrets[:0]
	if c.blocking {
		c.block, c.blocking = Block{}, false
	}
}

// What a call may leave behind: the length of its list of secrets, and of each element or key it has copied.
const (
	keepSecrets = 64
	keepElement = 64 << 10
)

// End forgets the last call: its arguments may lie in memory that is large, or
// that others need again.
func (c *Ctx) End() {
	c.Begin(nil, nil)
	c.Client = nil
	if cap(c.secrets) > keepSecrets {
		c.secrets = nil
	}
	if cap(c.element) > keepElement {
		c.element = nil
	}
	if cap(c.picked) > keepElement {
		c.picked = nil
	}
	c.elements.Trim()
	c.effects.trim()
	c.near.Trim()
	if c.hunted {
		c.hunted = false
		c.putting.end()
		c.nearby.end()
		c.record = field.Record{}
	}
}

// OK answers +OK.
func (c *Ctx) OK() { c.Status("OK") }
