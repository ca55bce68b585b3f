package commands

import "strings"

var clientCommands = []Spec{
	{
		Name: "CLIENT", Group: Connection, Since: "2.4.0",
		Summary: "Looks at and handles connections", Complexity: "Depends on the subcommand",
		Arity: -2,
		Subs: []Spec{
			{
				Name: "CACHING", Group: Connection, Since: "6.0.0",
				Summary: "Has client side caching note the keys of the next command, or not", Complexity: "O(1)",
				Arity: 3, Flags: NoScript | Loading | Stale,
				Args: []Arg{oneOf("mode", token("YES"), token("NO"))},
				Run:  func(c *Ctx) { c.Error(errNotTracking) },
			},
			{
				Name: "GETNAME", Group: Connection, Since: "2.6.9",
				Summary: "Tells this connection's name", Complexity: "O(1)",
				Arity: 2, Flags: NoScript | Loading | Stale,
				Run: clientGetname,
			},
			{
				Name: "GETREDIR", Group: Connection, Since: "6.0.0",
				Summary: "Tells which connection gets the messages of client side caching for this one: -1, it is off", Complexity: "O(1)",
				Arity: 2, Flags: NoScript | Loading | Stale,
				Run: func(c *Ctx) { c.Int(-1) },
			},
			{
				Name: "HELP", Group: Connection, Since: "5.0.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale,
				Run: help,
			},
			{
				Name: "ID", Group: Connection, Since: "5.0.0",
				Summary: "Tells this connection's number, which no other ever gets", Complexity: "O(1)",
				Arity: 2, Flags: NoScript | Loading | Stale,
				Run: func(c *Ctx) { c.Int(c.Client.ID()) },
			},
			{
				Name: "INFO", Group: Connection, Since: "6.2.0",
				Summary: "Describes this connection in one line", Complexity: "O(1)",
				Arity: 2, Flags: NoScript | Loading | Stale,
				Tips: []string{"nondeterministic_output"},
				Run:  func(c *Ctx) { c.Verbatim("txt", c.Client.Info()+"\n") },
			},
			{
				Name: "KILL", Group: Connection, Since: "2.4.0",
				Summary: "Closes connections", Complexity: "O(N) for N connections",
				Arity: -3, Flags: Admin | NoScript | Loading | Stale,
				History: [][2]string{
					{"2.8.12", "Filters."}, {"2.8.12", "The filter `ID`."}, {"3.2.0", "The type `master`."}, {"5.0.0", "The type `replica`."},
					{"6.2.0", "The filter `LADDR`."}, {"7.4.0", "The filter `MAXAGE`."},
				},
				Args: []Arg{oneOf("filter", stringArg("ip:port"), multiple(oneOf("new-format",
					optional(since("2.8.12", withToken("ID", intArg("client-id")))),
					optional(since("2.8.12", withToken("TYPE", clientTypeArg()))),
					optional(withToken("USER", stringArg("username"))),
					optional(withToken("ADDR", stringArg("ip:port"))),
					optional(since("6.2.0", withToken("LADDR", stringArg("ip:port")))),
					optional(withToken("SKIPME", oneOf("skipme", token("YES"), token("NO")))),
					optional(since("7.4.0", withToken("MAXAGE", intArg("maxage")))),
				)))},
				Run: clientKill,
			},
			{
				Name: "LIST", Group: Connection, Since: "2.4.0",
				Summary: "Describes all connections, a line each", Complexity: "O(N) for N connections",
				Arity: -2, Flags: Admin | NoScript | Loading | Stale,
				Tips: []string{"nondeterministic_output"},
				History: [][2]string{
					{"2.8.12", "The field `id`."}, {"5.0.0", "The filter `TYPE`."}, {"6.0.0", "The field `user`."},
					{"6.2.0", "The filter `ID`; the fields `argv-mem`, `tot-mem`, `laddr` and `redir`."},
					{"7.0.0", "The fields `resp`, `multi-mem`, `rbs` and `rbp`."}, {"7.0.3", "The field `ssub`."},
					{"7.2.0", "The fields `lib-name` and `lib-ver`."}, {"7.4.0", "The field `watch`."},
				},
				Args: []Arg{
					optional(since("5.0.0", withToken("TYPE", clientTypeArg()))),
					optional(since("6.2.0", withToken("ID", multiple(intArg("client-id"))))),
				},
				Run: clientList,
			},
			{
				Name: "NO-EVICT", Group: Connection, Since: "7.0.0",
				Summary: "Keeps this connection open even when clients take too much memory", Complexity: "O(1)",
				Arity: 3, Flags: Admin | NoScript | Loading | Stale,
				Args: []Arg{oneOf("enabled", token("ON"), token("OFF"))},
				Run:  func(c *Ctx) { clientSwitch(c, c.Client.SetNoEvict) },
			},
			{
				Name: "NO-TOUCH", Group: Connection, Since: "7.2.0",
				Summary: "Lets this connection's commands leave the keys' access times alone", Complexity: "O(1)",
				Arity: 3, Flags: NoScript | Loading | Stale,
				Args: []Arg{oneOf("enabled", token("ON"), token("OFF"))},
				Run:  func(c *Ctx) { clientSwitch(c, c.Client.SetNoTouch) },
			},
			{
				Name: "PAUSE", Group: Connection, Since: "2.9.50",
				Summary: "Holds up all connections' commands, or those that may change data, for some time", Complexity: "O(1)",
				Arity: -3, Flags: Admin | NoScript | Loading | Stale,
				History: [][2]string{{"6.2.0", "The mode `WRITE`."}},
				Args:    []Arg{intArg("timeout"), optional(since("6.2.0", oneOf("mode", token("WRITE"), token("ALL"))))},
				Run:     clientPause,
			},
			{
				Name: "REPLY", Group: Connection, Since: "3.2.0",
				Summary: "Chooses whether this connection gets answers", Complexity: "O(1)",
				Arity: 3, Flags: NoScript | Loading | Stale,
				Args: []Arg{oneOf("on_off_skip", token("ON"), token("OFF"), token("SKIP"))},
				Run:  clientReply,
			},
			{
				Name: "SETINFO", Group: Connection, Since: "7.2.0",
				Summary: "Notes which library speaks on this connection", Complexity: "O(1)",
				Arity: 4, Flags: NoScript | Loading | Stale,
				Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				Args: []Arg{oneOf("attr", withToken("LIB-NAME", stringArg("libname")), withToken("LIB-VER", stringArg("libver")))},
				Run:  clientSetinfo,
			},
			{
				Name: "SETNAME", Group: Connection, Since: "2.6.9",
				Summary: "Gives this connection a name", Complexity: "O(1)",
				Arity: 3, Flags: NoScript | Loading | Stale,
				Args: []Arg{stringArg("connection-name")},
				Run:  clientSetname,
			},
			{
				Name: "TRACKING", Group: Connection, Since: "6.0.0",
				Summary: "Turns client side caching off; it cannot be turned on", Complexity: "O(1)",
				Arity: -3, Flags: NoScript | Loading | Stale,
				Args: []Arg{
					oneOf("status", token("ON"), token("OFF")), optional(withToken("REDIRECT", intArg("client-id"))),
					optional(withToken("PREFIX", Arg{Name: "prefix", Type: TypeString, Multiple: true, MultipleToken: true})), optional(token("BCAST")), optional(token("OPTIN")),
					optional(token("OPTOUT")), optional(token("NOLOOP")),
				},
				Run: clientTracking,
			},
			{
				Name: "TRACKINGINFO", Group: Connection, Since: "6.2.0",
				Summary: "Tells how client side caching is set for this connection: it is off", Complexity: "O(1)",
				Arity: 2, Flags: NoScript | Loading | Stale,
				Run: clientTrackinginfo,
			},
			{
				Name: "UNBLOCK", Group: Connection, Since: "5.0.0",
				Summary: "Ends the blocking command of another connection", Complexity: "O(log N) for N connections",
				Arity: -3, Flags: Admin | NoScript | Loading | Stale,
				Args: []Arg{intArg("client-id"), optional(oneOf("timeout_error", token("TIMEOUT"), token("ERROR")))},
				Run:  clientUnblock,
			},
			{
				Name: "UNPAUSE", Group: Connection, Since: "6.2.0",
				Summary: "Ends what CLIENT PAUSE began", Complexity: "O(N) for N connections held up",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Run: func(c *Ctx) {
					c.Host.ClientUnpause()
					c.OK()
				},
			},
		},
	},
}

func clientTypeArg() Arg {
	return oneOf("type", token("NORMAL"), token("MASTER"), token("REPLICA"), token("PUBSUB"))
}

func clientGetname(c *Ctx) {
	if name := c.Client.Name(); name != "" {
		c.Str(name)
		return
	}
	c.Null()
}

func clientSetname(c *Ctx) {
	if !printable(c.Args[2]) {
		c.Error(errClientName)
		return
	}
	c.Client.SetName(string(c.Args[2]))
	c.OK()
}

func clientSetinfo(c *Ctx) {
	attr, value := c.Args[2], c.Args[3]
	set := c.Client.SetLibName
	switch {
	case equalFold(attr, "LIB-NAME"):
	case equalFold(attr, "LIB-VER"):
		set = c.Client.SetLibVer
	default:
		c.Error("ERR Unrecognized option '" + string(cString(attr)) + "'")
		return
	}
	if !printable(value) {
		c.Error("ERR " + string(attr) + " cannot contain spaces, newlines or special characters.")
		return
	}
	set(string(value))
	c.OK()
}

// clientSwitch sets what a subcommand's argument turns ON or OFF.
func clientSwitch(c *Ctx, set func(on bool)) {
	on := equalFold(c.Args[2], "ON")
	if !on && !equalFold(c.Args[2], "OFF") {
		c.Error(errSyntax)
		return
	}
	set(on)
	c.OK()
}

// clientReply answers ON only; the two others ask for silence, and get it from here on.
func clientReply(c *Ctx) {
	switch mode := c.Args[2]; {
	case equalFold(mode, "ON"):
		c.Client.SetReply(ReplyOn)
		c.OK()
	case equalFold(mode, "OFF"):
		c.Client.SetReply(ReplyOff)
	case equalFold(mode, "SKIP"):
		c.Client.SetReply(ReplySkip)
	default:
		c.Error(errSyntax)
	}
}

func clientList(c *Ctx) {
	var f ClientFilter
	switch args := c.Args[2:]; {
	case len(args) == 0:
	case len(args) == 2 && equalFold(args[0], "TYPE"):
		var ok bool
		if f.Type, ok = c.clientType(args[1]); !ok {
			return
		}
	case len(args) > 1 && equalFold(args[0], "ID"):
		for _, arg := range args[1:] {
			id, ok := parseInt(arg)
			if !ok {
				c.Error("ERR Invalid client ID")
				return
			}
			f.IDs = append(f.IDs, id)
		}
	default:
		c.Error(errSyntax)
		return
	}
	c.Verbatim("txt", c.Host.ClientList(f))
}

// clientType reads a client type, or answers that it is none.
func (c *Ctx) clientType(arg []byte) (string, bool) {
	switch t := strings.ToLower(string(arg)); t {
	case "normal", "master", "replica", "pubsub":
		return t, true
	case "slave": // what Redis 4 called a replica
		return "replica", true
	}
	c.Error("ERR Unknown client type '" + string(cString(arg)) + "'")
	return "", false
}

func clientKill(c *Ctx) {
	if len(c.Args) == 3 { // the form of Redis 2.4, which may kill the caller
		addr := string(c.Args[2])
		if c.Host.ClientKill(ClientFilter{Addr: &addr}) == 0 {
			c.Error("ERR No such client")
			return
		}
		c.OK()
		return
	}
	if f, ok := c.clientKillFilter(); ok {
		c.Int(int64(c.Host.ClientKill(f)))
	}
}

func (c *Ctx) clientKillFilter() (f ClientFilter, ok bool) {
	f = ClientFilter{SkipMe: true, Self: c.Client.ID()}
	for i := 2; i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) {
			c.Error(errSyntax)
			return f, false
		}
		if !c.clientKillOption(&f, c.Args[i], c.Args[i+1]) {
			return f, false
		}
	}
	return f, true
}

// clientKillOption adds one option of CLIENT KILL to f, or answers what is wrong with it.
func (c *Ctx) clientKillOption(f *ClientFilter, option, value []byte) (ok bool) {
	switch {
	case equalFold(option, "ID"):
		id, ok := parseInt(value)
		if !ok || id < 1 {
			c.Error("ERR client-id should be greater than 0")
			return false
		}
		f.IDs = []int64{id} // the last one counts
	case equalFold(option, "MAXAGE"):
		age, ok := parseInt(value)
		if !ok {
			c.Error("ERR maxage is not an integer or out of range")
			return false
		}
		if age < 1 {
			c.Error("ERR maxage should be greater than 0")
			return false
		}
		f.MaxAge = age
	case equalFold(option, "TYPE"):
		f.Type, ok = c.clientType(value)
		return ok
	case equalFold(option, "ADDR"):
		addr := string(value)
		f.Addr = &addr
	case equalFold(option, "LADDR"):
		addr := string(value)
		f.LAddr = &addr
	case equalFold(option, "USER"):
		if f.User = string(value); f.User != defaultUser {
			c.Error("ERR No such user '" + string(cString(value)) + "'")
			return false
		}
	case equalFold(option, "SKIPME"):
		f.SkipMe = equalFold(value, "YES")
		if !f.SkipMe && !equalFold(value, "NO") {
			c.Error(errSyntax)
			return false
		}
	default:
		c.Error(errSyntax)
		return false
	}
	return true
}

func clientUnblock(c *Ctx) {
	if len(c.Args) > 4 {
		c.Error(wrongSubcommandArity(c))
		return
	}
	withError := len(c.Args) == 4 && equalFold(c.Args[3], "ERROR")
	if len(c.Args) == 4 && !withError && !equalFold(c.Args[3], "TIMEOUT") {
		c.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		return
	}
	id, ok := parseInt(c.Args[2])
	if !ok {
		c.Error(errNotInt)
		return
	}
	c.Int(oneIf(c.Host.ClientUnblock(id, withError)))
}

func clientPause(c *Ctx) {
	all := len(c.Args) == 3 || equalFold(c.Args[3], "ALL")
	switch {
	case len(c.Args) > 4:
		c.Error(wrongSubcommandArity(c))
		return
	case !all && !equalFold(c.Args[3], "WRITE"):
		c.Error("ERR CLIENT PAUSE mode must be WRITE or ALL")
		return
	}
	if ms, ok := c.timeoutMS(c.Args[2]); ok {
		c.Host.ClientPause(ms, all)
		c.OK()
	}
}

// There is no client side caching: it is off, and cannot be turned on. Libraries that ask for it go
// on without it when they are told so.
const (
	errNotTracking = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
	errNoTracking  = "ERR CLIENT TRACKING is not supported: this server sends no messages about keys that change"
)

// clientTracking reads the options as Redis does.
func clientTracking(c *Ctx) {
	var redirect, prefix, bcast, optin, optout bool
	for args := c.Args[3:]; len(args) > 0; args = args[1:] {
		more := len(args) > 1
		switch {
		case equalFold(args[0], "REDIRECT") && more:
			args = args[1:]
			if redirect {
				c.Error("ERR A client can only redirect to a single other client")
				return
			}
			id, ok := parseInt(args[0])
			if !ok {
				c.Error(errNotInt)
				return
			}
			if !c.Host.ClientExists(id) {
				c.Error("ERR The client ID you want redirect to does not exist")
				return
			}
			redirect = id != 0
		case equalFold(args[0], "PREFIX") && more:
			args = args[1:]
			prefix = true
		case equalFold(args[0], "BCAST"):
			bcast = true
		case equalFold(args[0], "OPTIN"):
			optin = true
		case equalFold(args[0], "OPTOUT"):
			optout = true
		case equalFold(args[0], "NOLOOP"):
		default:
			c.Error(errSyntax)
			return
		}
	}
	switch {
	case equalFold(c.Args[2], "OFF"):
		c.OK()
	case !equalFold(c.Args[2], "ON"):
		c.Error(errSyntax)
	case prefix && !bcast:
		c.Error("ERR PREFIX option requires BCAST mode to be enabled")
	case bcast && (optin || optout):
		c.Error("ERR OPTIN and OPTOUT are not compatible with BCAST")
	case optin && optout:
		c.Error("ERR You can't specify both OPTIN mode and OPTOUT mode")
	default:
		c.Error(errNoTracking)
	}
}

func clientTrackinginfo(c *Ctx) {
	c.Map(3)
	c.Str("flags")
	c.Set(1)
	c.Str("off")
	c.Str("redirect")
	c.Int(-1)
	c.Str("prefixes")
	c.Array(0)
}
