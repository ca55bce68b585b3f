package commands

var slowlogCommands = []Spec{
	{
		Name: "SLOWLOG", Group: ServerGroup, Since: "2.2.12",
		Summary: "Looks at the commands that took long", Complexity: "Depends on the subcommand",
		Arity: -2,
		Subs: []Spec{
			{
				Name: "GET", Group: ServerGroup, Since: "2.2.12",
				Summary:    "Lists the last entries: id, time, microseconds, arguments, address and name of the client; 10 of them unless told, all for -1",
				Complexity: "O(N) for N entries",
				Arity:      -2, Flags: Admin | Loading | Stale,
				Tips:    []string{"request_policy:all_nodes", "nondeterministic_output"},
				History: [][2]string{{"4.0.0", "The client's address and name."}},
				Args:    []Arg{optional(intArg("count"))},
				Run:     slowlogGet,
			},
			{
				Name: "HELP", Group: ServerGroup, Since: "6.2.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale,
				Run: help,
			},
			{
				Name: "LEN", Group: ServerGroup, Since: "2.2.12",
				Summary: "Counts the entries", Complexity: "O(1)",
				Arity: 2, Flags: Admin | Loading | Stale,
				Tips: []string{"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
				Run:  func(c *Ctx) { c.Int(int64(c.Host.SlowlogLen())) },
			},
			{
				Name: "RESET", Group: ServerGroup, Since: "2.2.12",
				Summary: "Drops all entries", Complexity: "O(N) for N entries",
				Arity: 2, Flags: Admin | Loading | Stale,
				Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				Run:  slowlogReset,
			},
		},
	},
}

func slowlogGet(c *Ctx) {
	count := int64(10)
	if len(c.Args) > 3 {
		c.Error(wrongSubcommandArity(c))
		return
	}
	if len(c.Args) == 3 {
		var ok bool
		if count, ok = parseInt(c.Args[2]); !ok || count < -1 {
			c.Error("ERR count should be greater than or equal to -1")
			return
		}
	}
	entries := c.Host.SlowlogGet(int(count))
	c.Array(len(entries))
	for i := range entries {
		c.slowEntry(&entries[i])
	}
}

func (c *Ctx) slowEntry(e *SlowEntry) {
	c.Array(6)
	c.Int(e.ID)
	c.Int(e.UnixSec)
	c.Int(e.DurationUS)
	c.Array(len(e.Args))
	for _, arg := range e.Args {
		c.Bulk(arg)
	}
	c.Str(e.Addr)
	c.Str(e.Name)
}

func slowlogReset(c *Ctx) {
	c.Host.SlowlogReset()
	c.OK()
}
