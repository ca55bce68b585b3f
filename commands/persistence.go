package commands

var persistenceCommands = []Spec{
	{
		Name: "BGREWRITEAOF", Group: ServerGroup, Since: "1.0.0",
		Summary: "Begins to rewrite the append-only log, so that it holds what is there and not how it came about", Complexity: "O(N) for N keys, members and fields, in the background",
		Arity: 1, Flags: Admin | NoScript | NoAsyncLoading,
		Run: func(c *Ctx) { c.begun(c.Host.BGRewriteAOF(c.Client.InMulti())) },
	},
	{
		Name: "BGSAVE", Group: ServerGroup, Since: "1.0.0",
		Summary: "Begins to write a snapshot of all data", Complexity: "O(N) for N keys, members and fields, in the background",
		Arity: -1, Flags: Admin | NoScript | NoAsyncLoading,
		History: [][2]string{{"3.2.2", "The option `SCHEDULE`."}},
		Args:    []Arg{optional(since("3.2.2", token("SCHEDULE")))},
		Run:     bgsave,
	},
	{
		Name: "LASTSAVE", Group: ServerGroup, Since: "1.0.0",
		Summary: "Tells when the data was last saved, in Unix seconds; before the first time, when the server started", Complexity: "O(1)",
		Arity: 1, Flags: Loading | Stale | Fast, Cats: []string{"@admin", "@dangerous"},
		Tips: []string{"nondeterministic_output"},
		Run:  func(c *Ctx) { c.Int(c.Host.LastSave()) },
	},
	{
		Name: "SAVE", Group: ServerGroup, Since: "1.0.0",
		Summary: "Writes a snapshot of all data and answers when that is done; other clients go on", Complexity: "O(N) for N keys, members and fields",
		Arity: 1, Flags: Admin | NoScript | NoAsyncLoading | NoMulti,
		Run: func(c *Ctx) {
			if err := c.Host.Save(); err != nil {
				c.Error(err.Error())
				return
			}
			c.OK()
		},
	},
}

func bgsave(c *Ctx) {
	schedule := len(c.Args) == 2 && equalFold(c.Args[1], "SCHEDULE")
	if len(c.Args) > 1 && !schedule {
		c.Error(errSyntax)
		return
	}
	c.begun(c.Host.BGSave(schedule))
}

// begun answers how it went to begin something in the background.
func (c *Ctx) begun(status string, err error) {
	if err != nil {
		c.Error(err.Error())
		return
	}
	c.Status(status)
}
