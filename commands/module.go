package commands

// Quarry has no modules. RedisInsight and others ask which there are.

var moduleCommands = []Spec{
	{
		Name: "MODULE", Group: ServerGroup, Since: "4.0.0",
		Summary: "Says that there are no modules", Complexity: "O(1)",
		Arity: -2,
		Subs: []Spec{
			{
				Name: "HELP", Group: ServerGroup, Since: "5.0.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale,
				Run: help,
			},
			{
				Name: "LIST", Group: ServerGroup, Since: "4.0.0",
				Summary: "Lists the modules, of which there are none", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript,
				Tips: []string{"nondeterministic_output_order"},
				Run:  func(c *Ctx) { c.Array(0) },
			},
			{
				Name: "LOAD", Group: ServerGroup, Since: "4.0.0",
				Summary: "Would load a module, which cannot be", Complexity: "O(1)",
				Arity: -3, Flags: Admin | NoScript | NoAsyncLoading,
				Args: []Arg{stringArg("path"), optional(multiple(stringArg("arg")))},
				Run:  noModules,
			},
			{
				Name: "LOADEX", Group: ServerGroup, Since: "7.0.0",
				Summary: "Would load a module with options, which cannot be", Complexity: "O(1)",
				Arity: -3, Flags: Admin | NoScript | NoAsyncLoading,
				Args: []Arg{
					stringArg("path"),
					{Name: "configs", Type: TypeBlock, Token: "CONFIG", Optional: true, Multiple: true, MultipleToken: true,
						Sub: []Arg{stringArg("name"), stringArg("value")}},
					optional(multiple(withToken("ARGS", block("args", stringArg("arg"))))),
				},
				Run: noModules,
			},
			{
				Name: "UNLOAD", Group: ServerGroup, Since: "4.0.0",
				Summary: "Would unload a module, of which there is none", Complexity: "O(1)",
				Arity: 3, Flags: Admin | NoScript | NoAsyncLoading,
				Args: []Arg{stringArg("name")},
				Run:  noModules,
			},
		},
	},
}

func noModules(c *Ctx) { c.Error("ERR Quarry has no modules: none can be loaded or unloaded") }
