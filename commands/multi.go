package commands

var multiCommands = []Spec{
	{
		Name: "MULTI", Group: Transactions, Since: "1.2.0",
		Summary: "Opens a transaction: the commands after it are queued and run by EXEC", Complexity: "O(1)",
		Arity: 1, Flags: NoScript | Loading | Stale | Fast | AllowBusy | NotQueued,
		Run: multi,
	},
	{
		Name: "EXEC", Group: Transactions, Since: "1.2.0",
		Summary:    "Runs the queued commands, with nobody else's in between, and answers what each of them does",
		Complexity: "That of the queued commands",
		Arity:      1, Flags: NoScript | Loading | Stale | SkipSlowlog | NotQueued | RunsQueue,
		Run: exec,
	},
	{
		Name: "DISCARD", Group: Transactions, Since: "2.0.0",
		Summary: "Drops the queued commands, and unwatches all keys", Complexity: "O(N) for N watched keys",
		Arity: 1, Flags: NoScript | Loading | Stale | Fast | AllowBusy | NotQueued,
		Run: discard,
	},
	{
		Name: "WATCH", Group: Transactions, Since: "2.2.0",
		Summary: "Lets the next transaction run only if none of the keys has changed until then", Complexity: "O(1) for each key",
		Arity: -2, Flags: NoScript | Loading | Stale | Fast | AllowBusy | NotQueued, Keys: KeyRange(1, -1, 1, RO),
		Args: []Arg{multiple(keyArg("key"))},
		Run:  watch,
	},
	{
		Name: "UNWATCH", Group: Transactions, Since: "2.2.0",
		Summary: "Unwatches all keys", Complexity: "O(N) for N watched keys",
		Arity: 1, Flags: NoScript | Loading | Stale | Fast | AllowBusy,
		Run: unwatch,
	},
}

func multi(c *Ctx) {
	if !c.Client.Multi() {
		c.Error("ERR MULTI calls can not be nested")
		return
	}
	c.OK()
}

func exec(c *Ctx) {
	if !c.Client.InMulti() {
		c.Error("ERR EXEC without MULTI")
		return
	}
	switch c.Client.Exec() {
	case ExecBroken:
		c.Error("EXECABORT Transaction discarded because of previous errors.")
	case ExecStale:
		c.NullArray()
	}
}

func discard(c *Ctx) {
	if !c.Client.Discard() {
		c.Error("ERR DISCARD without MULTI")
		return
	}
	c.OK()
}

func watch(c *Ctx) {
	if c.Client.InMulti() {
		c.Error("ERR WATCH inside MULTI is not allowed")
		return
	}
	for _, key := range c.Args[1:] {
		c.Client.Watch(key, c.DB.Expires(key))
	}
	c.OK()
}

func unwatch(c *Ctx) {
	c.Client.Unwatch()
	c.OK()
}
