package commands

import "quarry/store"

var objectCommands = []Spec{
	{
		Name: "OBJECT", Group: Generic, Since: "2.2.3",
		Summary: "Looks at how a key's value is kept", Complexity: "Depends on the subcommand",
		Arity: -2,
		Subs: []Spec{
			{
				Name: "ENCODING", Group: Generic, Since: "2.2.3",
				Summary: "Names the form a key's value is kept in", Complexity: "O(1)",
				Arity: 3, Flags: ReadOnly | KeyspaceCat, Keys: KeyAt(2, RO),
				Tips: []string{"nondeterministic_output"},
				Args: []Arg{keyArg("key")},
				Run:  objectEncoding,
			},
			{
				Name: "FREQ", Group: Generic, Since: "4.0.0",
				Summary: "Tells how often a key is used, on a logarithmic scale, under an LFU policy", Complexity: "O(1)",
				Arity: 3, Flags: ReadOnly | KeyspaceCat, Keys: KeyAt(2, RO),
				Tips: []string{"nondeterministic_output"},
				Args: []Arg{keyArg("key")},
				Run:  objectFreq,
			},
			{
				Name: "HELP", Group: Generic, Since: "6.2.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale | KeyspaceCat,
				Run: help,
			},
			{
				Name: "IDLETIME", Group: Generic, Since: "2.2.3",
				Summary: "Tells for how many seconds a key has not been used", Complexity: "O(1)",
				Arity: 3, Flags: ReadOnly | KeyspaceCat, Keys: KeyAt(2, RO),
				Tips: []string{"nondeterministic_output"},
				Args: []Arg{keyArg("key")},
				Run:  objectIdletime,
			},
			{
				Name: "REFCOUNT", Group: Generic, Since: "2.2.3",
				Summary: "Tells how many keys share a key's value, which is always 1", Complexity: "O(1)",
				Arity: 3, Flags: ReadOnly | KeyspaceCat, Keys: KeyAt(2, RO),
				Tips: []string{"nondeterministic_output"},
				Args: []Arg{keyArg("key")},
				Run:  objectRefcount,
			},
		},
	},
	{
		Name: "MEMORY", Group: ServerGroup, Since: "4.0.0",
		Summary: "Looks at the memory the data takes", Complexity: "Depends on the subcommand",
		Arity: -2,
		Subs: []Spec{
			{
				Name: "DOCTOR", Group: ServerGroup, Since: "4.0.0",
				Summary: "Reports in words on the memory", Complexity: "O(1)",
				Arity: 2,
				Tips:  memoryTips,
				Run:   func(c *Ctx) { c.Verbatim("txt", c.Host.MemoryDoctor()) },
			},
			{
				Name: "HELP", Group: ServerGroup, Since: "4.0.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale,
				Run: help,
			},
			{
				Name: "MALLOC-STATS", Group: ServerGroup, Since: "4.0.0",
				Summary: "Tells how the pages that hold the data are used", Complexity: "O(1)",
				Arity: 2,
				Tips:  memoryTips,
				Run:   func(c *Ctx) { c.Verbatim("txt", c.Host.MemoryAllocator()) },
			},
			{
				Name: "PURGE", Group: ServerGroup, Since: "4.0.0",
				Summary: "Gives memory that is kept for reuse back to the system, in the background", Complexity: "O(1)",
				Arity: 2,
				Tips:  []string{"request_policy:all_shards", "response_policy:all_succeeded"},
				Run: func(c *Ctx) {
					c.Host.MemoryPurge()
					c.OK()
				},
			},
			{
				Name: "STATS", Group: ServerGroup, Since: "4.0.0",
				Summary: "Lists what memory is used for", Complexity: "O(1)",
				Arity: 2,
				Tips:  memoryTips,
				Run:   memoryStats,
			},
			{
				Name: "USAGE", Group: ServerGroup, Since: "4.0.0",
				Summary:    "Tells how many bytes a key and its value take; the figure is exact, so SAMPLES changes nothing",
				Complexity: "O(1)",
				Arity:      -3, Flags: ReadOnly, Keys: KeyAt(2, RO),
				Args: []Arg{keyArg("key"), optional(withToken("SAMPLES", intArg("count")))},
				Run:  memoryUsage,
			},
		},
	},
}

var memoryTips = []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}

func memoryStats(c *Ctx) {
	stats := c.Host.MemoryStats()
	c.Map(len(stats))
	for _, s := range stats {
		c.Str(s.Name)
		if s.IsFloat {
			c.Double(s.Float)
		} else {
			c.Int(s.Int)
		}
	}
}

const (
	errNoLFU = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. " +
		"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
	errLFU = "ERR An LFU maxmemory policy is selected, idle time not tracked. " +
		"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
)

// object describes the key a subcommand names, or answers null.
func (c *Ctx) object() (store.Object, bool) {
	o, ok := c.DB.Object(c.Args[2])
	if !ok {
		c.Null()
	}
	return o, ok
}

func objectEncoding(c *Ctx) {
	if o, ok := c.object(); ok {
		c.Str(o.Encoding)
	}
}

func objectRefcount(c *Ctx) {
	if _, ok := c.object(); ok {
		c.Int(1)
	}
}

func objectFreq(c *Ctx) {
	o, ok := c.object()
	switch {
	case !ok:
	case !c.countsUse():
		c.Error(errNoLFU)
	default:
		c.Int(int64(o.Freq))
	}
}

func objectIdletime(c *Ctx) {
	o, ok := c.object()
	switch {
	case !ok:
	case c.countsUse():
		c.Error(errLFU)
	default:
		c.Int(o.IdleSec)
	}
}

// countsUse reports whether keys keep a use counter in place of the time of their
// last use. The store is asked, not the configuration, which a CONFIG REWRITE
// may keep locked for long: a shard is locked here.
func (c *Ctx) countsUse() bool { return c.DB.Store().LFU() }

func memoryUsage(c *Ctx) {
	for i := 3; i < len(c.Args); i += 2 {
		if !equalFold(c.Args[i], "SAMPLES") || i+1 == len(c.Args) {
			c.Error(errSyntax)
			return
		}
		n, ok := parseInt(c.Args[i+1])
		if !ok {
			c.Error(errNotInt)
			return
		}
		if n < 0 {
			c.Error(errSyntax)
			return
		}
	}
	n, ok := c.DB.Bytes(c.Args[2])
	if !ok {
		c.Null()
		return
	}
	c.Int(n)
}
