package commands

import "strings"

var configCommands = []Spec{
	{
		Name: "CONFIG", Group: ServerGroup, Since: "2.0.0",
		Summary: "Reads and changes the configuration", Complexity: "Depends on the subcommand",
		Arity: -2,
		Subs: []Spec{
			{
				Name: "GET", Group: ServerGroup, Since: "2.0.0",
				Summary: "Lists the options whose names match a pattern, with their values", Complexity: "O(N) for N options and patterns",
				Arity: -3, Flags: Admin | NoScript | Loading | Stale,
				History: [][2]string{{"7.0.0", "More than one pattern may be given."}},
				Args:    []Arg{multiple(stringArg("parameter"))},
				Run:     configGet,
			},
			{
				Name: "HELP", Group: ServerGroup, Since: "5.0.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale,
				Run: help,
			},
			{
				Name: "RESETSTAT", Group: ServerGroup, Since: "2.0.0",
				Summary: "Sets the statistics that INFO shows to zero", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Run: configResetstat,
			},
			{
				Name: "REWRITE", Group: ServerGroup, Since: "2.8.0",
				Summary: "Writes the options as they are now to the configuration file", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Run: configRewrite,
			},
			{
				Name: "SET", Group: ServerGroup, Since: "2.0.0",
				Summary: "Changes options, all of those given or none", Complexity: "O(N) for N options",
				Arity: -4, Flags: Admin | NoScript | Loading | Stale,
				Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				History: [][2]string{{"7.0.0", "More than one option may be given."}},
				Args:    []Arg{multiple(block("parameter_value", stringArg("parameter"), stringArg("value")))},
				Run:     configSet,
			},
		},
	},
}

func configGet(c *Ctx) {
	options := c.Host.ConfigGet(c.Args[2:])
	c.Map(len(options))
	for _, o := range options {
		c.Str(c.askedName(o.Name))
		c.Str(o.Value)
	}
}

// askedName is an option's name as the client wrote it, if it did and did not meet the option by a
// pattern before: CONFIG GET TIMEOUT answers TIMEOUT.
func (c *Ctx) askedName(name string) string {
	for _, arg := range c.Args[2:] {
		switch {
		case strings.EqualFold(string(arg), name):
			return string(arg)
		case GlobMatch(arg, []byte(name), true):
			return name
		}
	}
	return name
}

func configSet(c *Ctx) {
	args := c.Args[2:]
	if len(args)%2 != 0 {
		c.Error(errSyntax)
		return
	}
	pairs := make([]KV, 0, len(args)/2)
	for i := 0; i < len(args); i += 2 {
		if equalFold(args[i], "REQUIREPASS") {
			c.Secret(2 + i + 1)
		}
		pairs = append(pairs, KV{string(args[i]), string(args[i+1])})
	}
	c.okUnless(c.Host.ConfigSet(pairs))
}

func configResetstat(c *Ctx) {
	c.Host.ConfigResetStat()
	c.OK()
}

func configRewrite(c *Ctx) {
	c.okUnless(c.Host.ConfigRewrite())
}

// okUnless answers OK, or the text of an error that is ready to send.
func (c *Ctx) okUnless(err error) {
	if err != nil {
		c.Error(err.Error())
		return
	}
	c.OK()
}

// option is the value of one option, "" if there is no such option.
func (c *Ctx) option(name string) string {
	if found := c.Host.ConfigGet([][]byte{[]byte(name)}); len(found) > 0 {
		return found[0].Value
	}
	return ""
}
