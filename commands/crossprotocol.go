package commands

// A browser, made to by a page from anywhere, sends HTTP requests to servers that
// only its own machine can reach. Their lines are inline commands to this server,
// so that the body of a POST would be run. Every such request has one of these words
// before its body; Redis hangs up at them as well. As rows they pass the gate like all
// commands, and cost the others nothing.
var crossProtocolCommands = []Spec{
	{
		Name: "HOST:", Group: Connection, Since: "2.8.0",
		Summary: "Closes the connection of one who speaks HTTP", Complexity: "O(1)",
		Arity: -1, Flags: Loading | Stale | Fast | NoAuth | SkipSlowlog | Hidden | NotQueued,
		Run: crossProtocol,
	},
	{
		Name: "POST", Group: Connection, Since: "2.8.0",
		Summary: "Closes the connection of one who speaks HTTP", Complexity: "O(1)",
		Arity: -1, Flags: Loading | Stale | Fast | NoAuth | SkipSlowlog | Hidden | NotQueued,
		Run: crossProtocol,
	},
}

func crossProtocol(c *Ctx) {
	c.Host.WarnCrossProtocol(c.Client.Addr())
	c.Client.Abort()
}
