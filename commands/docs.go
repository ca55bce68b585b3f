package commands

func commandDocs(c *Ctx) {
	table := c.Host.Table()
	specs := table.Commands()
	if len(c.Args) > 2 {
		specs = nil
		for _, name := range c.Args[2:] {
			if s := table.ByName(string(name)); s != nil {
				specs = append(specs, s)
			}
		}
	}
	c.Map(len(specs))
	for _, s := range specs {
		c.commandDocs(s)
	}
}

// commandDocs answers a command's name and the map that documents it. Fields
// that say nothing are left out, as Redis does.
func (c *Ctx) commandDocs(s *Spec) {
	c.Str(s.FullName())
	deprecated, flags := s.DeprecatedSince != "", s.docFlags()
	c.Map(4 + fieldsIf(flags != nil, 1) + fieldsIf(deprecated, 2) + fieldsIf(s.History != nil, 1) + fieldsIf(s.Args != nil, 1) + fieldsIf(s.Subs != nil, 1))
	c.strField("summary", s.Summary)
	c.strField("since", s.Since)
	c.strField("group", string(s.Group))
	c.strField("complexity", s.Complexity)
	if flags != nil {
		c.Str("doc_flags")
		c.statusSet(flags)
	}
	if deprecated {
		c.strField("deprecated_since", s.DeprecatedSince)
		c.strField("replaced_by", s.ReplacedBy)
	}
	if s.History != nil {
		c.Str("history")
		c.history(s.History)
	}
	if s.Args != nil {
		c.Str("arguments")
		c.argDocs(s.Args)
	}
	if s.Subs != nil {
		c.Str("subcommands")
		c.Map(len(s.Subs))
		for i := range s.Subs {
			c.commandDocs(&s.Subs[i])
		}
	}
}

// docFlags are the flags of a command that COMMAND DOCS names.
func (s *Spec) docFlags() []string {
	var flags []string
	if s.DeprecatedSince != "" {
		flags = append(flags, "deprecated")
	}
	if s.System {
		flags = append(flags, "syscmd")
	}
	return flags
}

func (c *Ctx) history(h [][2]string) {
	c.Set(len(h))
	for _, change := range h {
		c.Array(2)
		c.Str(change[0])
		c.Str(change[1])
	}
}

func (c *Ctx) argDocs(args []Arg) {
	c.Array(len(args))
	for i := range args {
		c.argDoc(&args[i])
	}
}

func (c *Ctx) argDoc(a *Arg) {
	key, group := a.Type == TypeKey || a.Key > 0, a.Type == TypeOneOf || a.Type == TypeBlock
	flags := a.flagNames()
	c.Map(2 + fieldsIf(!group, 1) + fieldsIf(key, 1) + fieldsIf(a.Token != "", 1) + fieldsIf(a.Summary != "", 1) +
		fieldsIf(a.Since != "", 1) + fieldsIf(flags != nil, 1) + fieldsIf(group, 1))
	c.strField("name", a.Name)
	c.strField("type", string(a.Type))
	if !group {
		c.strField("display_text", a.Name) // of Redis 7.2; redis-cli's hints show it
	}
	if key {
		c.intField("key_spec_index", a.Key)
	}
	if a.Token != "" {
		c.strField("token", a.Token)
	}
	if a.Summary != "" {
		c.strField("summary", a.Summary)
	}
	if a.Since != "" {
		c.strField("since", a.Since)
	}
	if flags != nil {
		c.Str("flags")
		c.statusSet(flags)
	}
	if group {
		c.Str("arguments")
		c.argDocs(a.Sub)
	}
}

// flagNames are the flags of an argument as COMMAND DOCS names them.
func (a *Arg) flagNames() []string {
	var names []string
	if a.Optional {
		names = append(names, "optional")
	}
	if a.Multiple {
		names = append(names, "multiple")
	}
	if a.MultipleToken {
		names = append(names, "multiple_token")
	}
	return names
}

func (c *Ctx) strField(name, value string) {
	c.Str(name)
	c.Str(value)
}

// fieldsIf is n if a condition holds: the lengths of maps whose fields may be left out are sums of these.
func fieldsIf(present bool, n int) int {
	if present {
		return n
	}
	return 0
}
