package commands

import (
	"cmp"
)

var commandCommands = []Spec{
	{
		Name: "COMMAND", Group: ServerGroup, Since: "2.8.13",
		Summary: "Describes all commands", Complexity: "O(N) for N commands",
		Arity: -1, Flags: Loading | Stale, Cats: []string{"@connection"},
		Tips: []string{"nondeterministic_output_order"},
		Run:  command,
		Subs: []Spec{
			{
				Name: "COUNT", Group: ServerGroup, Since: "2.8.13",
				Summary: "Counts the commands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale, Cats: []string{"@connection"},
				Run: func(c *Ctx) { c.Int(int64(len(c.Host.Table().Commands()))) },
			},
			{
				Name: "DOCS", Group: ServerGroup, Since: "7.0.0",
				Summary: "Documents the commands named, or all", Complexity: "O(N) for N commands",
				Arity: -2, Flags: Loading | Stale, Cats: []string{"@connection"},
				Tips: []string{"nondeterministic_output_order"},
				Args: []Arg{optional(multiple(stringArg("command-name")))},
				Run:  commandDocs,
			},
			{
				Name: "GETKEYS", Group: ServerGroup, Since: "2.8.13",
				Summary: "Lists the keys of a call, without running it", Complexity: "O(N) for N arguments",
				Arity: -4, Flags: Loading | Stale, Cats: []string{"@connection"},
				Args: []Arg{stringArg("command"), optional(multiple(stringArg("arg")))},
				Run:  commandGetkeys,
			},
			{
				Name: "GETKEYSANDFLAGS", Group: ServerGroup, Since: "7.0.0",
				Summary: "Lists the keys of a call and what it does with each, without running it", Complexity: "O(N) for N arguments",
				Arity: -4, Flags: Loading | Stale, Cats: []string{"@connection"},
				Args: []Arg{stringArg("command"), optional(multiple(stringArg("arg")))},
				Run:  commandGetkeysandflags,
			},
			{
				Name: "HELP", Group: ServerGroup, Since: "5.0.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale, Cats: []string{"@connection"},
				Run: help,
			},
			{
				Name: "INFO", Group: ServerGroup, Since: "2.8.13",
				Summary: "Describes the commands named, or all", Complexity: "O(N) for N commands",
				Arity: -2, Flags: Loading | Stale, Cats: []string{"@connection"},
				Tips:    []string{"nondeterministic_output_order"},
				History: [][2]string{{"7.0.0", "No name stands for all commands; subcommands may be named."}},
				Args:    []Arg{optional(multiple(stringArg("command-name")))},
				Run:     commandInfo,
			},
			{
				Name: "LIST", Group: ServerGroup, Since: "7.0.0",
				Summary: "Lists the names of the commands and subcommands, all or those that a filter lets pass", Complexity: "O(N) for N commands",
				Arity: -2, Flags: Loading | Stale, Cats: []string{"@connection"},
				Tips: []string{"nondeterministic_output_order"},
				Args: []Arg{optional(withToken("FILTERBY", oneOf("filterby", withToken("MODULE", stringArg("module-name")),
					withToken("ACLCAT", stringArg("category")), withToken("PATTERN", patternArg("pattern")))))},
				Run: commandList,
			},
		},
	},
}

func command(c *Ctx) {
	all := c.Host.Table().Commands()
	c.Array(len(all))
	for _, s := range all {
		c.commandInfo(s)
	}
}

func commandInfo(c *Ctx) {
	if len(c.Args) == 2 {
		command(c)
		return
	}
	c.Array(len(c.Args) - 2)
	for _, name := range c.Args[2:] {
		if s := c.Host.Table().ByName(string(name)); s != nil {
			c.commandInfo(s)
		} else {
			c.Null()
		}
	}
}

// commandInfo answers the ten elements that describe a command to clients: name, arity, flags, first key, last key,
// step, ACL categories, tips, key specifications, subcommands.
func (c *Ctx) commandInfo(s *Spec) {
	first, last, step := s.FirstKey()
	c.Array(10)
	c.Str(s.FullName())
	c.Int(int64(s.Arity))
	c.statusSet(s.FlagNames())
	c.Int(int64(first))
	c.Int(int64(last))
	c.Int(int64(step))
	c.statusSet(s.Categories())
	c.Set(len(s.Tips))
	for _, tip := range s.Tips {
		c.Str(tip)
	}
	c.Set(len(s.Keys))
	for i := range s.Keys {
		c.keySpec(&s.Keys[i])
	}
	if s.Subs == nil {
		c.Set(0)
		return
	}
	c.Array(len(s.Subs))
	for i := range s.Subs {
		c.commandInfo(&s.Subs[i])
	}
}

func (c *Ctx) statusSet(words []string) {
	c.Set(len(words))
	for _, w := range words {
		c.Status(w)
	}
}

func (c *Ctx) keySpec(k *Keys) {
	if k.Notes != "" {
		c.Map(4)
		c.Str("notes")
		c.Str(k.Notes)
	} else {
		c.Map(3)
	}
	c.Str("flags")
	c.statusSet(k.Access.names())
	c.Str("begin_search")
	if k.Unknown {
		c.typedSpec("unknown", 0)
		c.Str("find_keys")
		c.typedSpec("unknown", 0)
		return
	}
	if k.Keyword != "" {
		c.typedSpec("keyword", 2)
		c.Str("keyword")
		c.Str(k.Keyword)
		c.intField("startfrom", k.Index)
	} else {
		c.typedSpec("index", 1)
		c.intField("index", k.Index)
	}
	c.Str("find_keys")
	if k.KeyNum {
		c.typedSpec("keynum", 3)
		c.intField("keynumidx", 0)
		c.intField("firstkey", 1)
		c.intField("keystep", k.Step)
	} else {
		c.typedSpec("range", 3)
		c.intField("lastkey", k.Last)
		c.intField("keystep", k.Step)
		c.intField("limit", k.Limit)
	}
}

// typedSpec begins half a key specification: its type, and a map of n parameters to follow.
func (c *Ctx) typedSpec(kind string, n int) {
	c.Map(2)
	c.Str("type")
	c.Str(kind)
	c.Str("spec")
	c.Map(n)
}

func (c *Ctx) intField(name string, value int) {
	c.Str(name)
	c.Int(int64(value))
}

// accessNames are the flags of a key specification, in Redis' order.
var accessNames = []struct {
	access Access
	name   string
}{
	{RO, "RO"}, {RW, "RW"}, {OW, "OW"}, {RM, "RM"},
	{AccessOp, "access"}, {UpdateOp, "update"}, {InsertOp, "insert"}, {DeleteOp, "delete"},
	{NotKey, "not_key"}, {Incomplete, "incomplete"}, {Variable, "variable_flags"},
}

func (a Access) names() []string {
	var names []string
	for _, n := range accessNames {
		if a&n.access != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

func commandList(c *Ctx) {
	passes := func(*Spec) bool { return true }
	if len(c.Args) > 2 {
		if passes = commandFilter(c.Args[2:]); passes == nil {
			c.Error(errSyntax)
			return
		}
	}
	c.commandNames(passes)
}

// commandNames lists the names of the commands and subcommands that pass a filter.
func (c *Ctx) commandNames(passes func(*Spec) bool) {
	mark, n := c.Defer(), 0
	for _, s := range c.Host.Table().Commands() {
		n += c.listPassing(s, passes)
		for i := range s.Subs {
			n += c.listPassing(&s.Subs[i], passes)
		}
	}
	c.Patch(mark, n)
}

func (c *Ctx) listPassing(s *Spec, passes func(*Spec) bool) int {
	if !passes(s) {
		return 0
	}
	c.Str(s.FullName())
	return 1
}

// commandFilter is the filter that FILTERBY and two more arguments ask for, nil if they ask for none that exists.
func commandFilter(args [][]byte) func(*Spec) bool {
	if len(args) != 3 || !equalFold(args[0], "FILTERBY") {
		return nil
	}
	value := args[2]
	switch {
	case equalFold(args[1], "MODULE"):
		return func(*Spec) bool { return false } // no command comes from a module
	case equalFold(args[1], "ACLCAT"):
		return inCategory(aclCategory(value))
	case equalFold(args[1], "PATTERN"):
		return func(s *Spec) bool { return GlobMatch(value, []byte(s.FullName()), true) }
	}
	return nil
}

func commandGetkeys(c *Ctx) {
	s, args, ok := c.quotedCall()
	if !ok {
		return
	}
	at, _ := s.AppendKeys(nil, args)
	c.Array(len(at))
	for _, i := range at {
		c.Bulk(args[i])
	}
}

func commandGetkeysandflags(c *Ctx) {
	s, args, ok := c.quotedCall()
	if !ok {
		return
	}
	mark, n := c.Defer(), 0
	for i := range s.Keys {
		at, _ := s.Keys[i].appendTo(nil, args)
		for _, j := range at {
			c.Array(2)
			c.Bulk(args[j])
			c.statusSet(s.Keys[i].accessIn(args).names())
		}
		n += len(at)
	}
	c.Patch(mark, n)
}

// quotedCall is the call that the arguments quote, checked as the gate would check it, with
// keys that can be found; or an answer why there is none.
func (c *Ctx) quotedCall() (s *Spec, args [][]byte, ok bool) {
	args = c.Args[2:]
	cmd, sub := c.Host.Table().Lookup(args)
	s = cmp.Or(sub, cmd)
	switch {
	case s == nil || s.Subs != nil || s.Has(Hidden): // a container is called by its subcommands only
		c.Error("ERR Invalid command specified")
	case !s.HasKeys():
		c.Error("ERR The command has no key arguments")
	case !s.ArityOK(len(args)):
		c.Error("ERR Invalid number of arguments specified for command")
	default:
		at, ok := s.AppendKeys(nil, args)
		if ok && len(at) > 0 {
			return s, args, true
		}
		c.Error("ERR Invalid arguments specified for command")
	}
	return nil, nil, false
}
