package commands

// RedisVersion is the version of Redis that HELLO and INFO name: drivers choose
// what they send by it.
const RedisVersion = "7.4.0"

var connectionCommands = []Spec{
	{
		Name: "AUTH", Group: Connection, Since: "1.0.0",
		Summary: "Logs the connection in", Complexity: "O(1)",
		Arity: -2, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy,
		History: [][2]string{{"6.0.0", "A user's name may come before the password."}},
		Args:    []Arg{optional(since("6.0.0", stringArg("username"))), stringArg("password")},
		Run:     auth,
	},
	{
		Name: "ECHO", Group: Connection, Since: "1.0.0",
		Summary: "Answers its argument", Complexity: "O(1)",
		Arity: 2, Flags: Loading | Stale | Fast,
		Args: []Arg{stringArg("message")},
		Run:  func(c *Ctx) { c.Bulk(c.Args[1]) },
	},
	{
		Name: "HELLO", Group: Connection, Since: "6.0.0",
		Summary: "Chooses the protocol, may log in and name the connection, and tells about the server", Complexity: "O(1)",
		Arity: -1, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy,
		History: [][2]string{{"6.2.0", "Without `protover` it tells about the connection as it is."}},
		Args: []Arg{optional(block("arguments", intArg("protover"),
			optional(withToken("AUTH", block("username_password", stringArg("username"), stringArg("password")))),
			optional(withToken("SETNAME", stringArg("clientname")))))},
		Run: hello,
	},
	{
		Name: "PING", Group: Connection, Since: "1.0.0",
		Summary: "Answers PONG, or its argument", Complexity: "O(1)",
		Arity: -1, Flags: Fast | InSubscribed,
		Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		Args: []Arg{optional(stringArg("message"))},
		Run:  ping,
	},
	{
		Name: "QUIT", Group: Connection, Since: "1.0.0",
		Summary: "Closes the connection after this answer", Complexity: "O(1)",
		Arity: -1, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy | NotQueued | InSubscribed,
		DeprecatedSince: "7.2.0", ReplacedBy: "closing the connection",
		Run: quit,
	},
	{
		Name: "RESET", Group: Connection, Since: "6.2.0",
		Summary: "Brings the connection back to how it was when it opened", Complexity: "O(1)",
		Arity: 1, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy | NotQueued | InSubscribed,
		Run: reset,
	},
	{
		Name: "SELECT", Group: Connection, Since: "1.0.0",
		Summary: "Changes the connection's database", Complexity: "O(1)",
		Arity: 2, Flags: Loading | Stale | Fast,
		Args: []Arg{intArg("index")},
		Run:  selectDB,
	},
}

const (
	errWrongPass  = "WRONGPASS invalid username-password pair or user is disabled."
	errNoPassword = "ERR AUTH <password> called without any password configured for the default user. " +
		"Are you sure your configuration is correct?"
	errHelloNoAuth = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> " +
		"AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
	errProtoInt   = "ERR Protocol version is not an integer or out of range"
	errNoProto    = "NOPROTO unsupported protocol version"
	errClientName = "ERR Client names cannot contain spaces, newlines or special characters."
)

// defaultUser is who connections are before AUTH, and who AUTH <password> logs in.
const defaultUser = "default"

func auth(c *Ctx) {
	user, password := defaultUser, c.Args[len(c.Args)-1]
	for i := range c.Args[1:] {
		c.Secret(1 + i)
	}
	switch {
	case len(c.Args) > 3:
		c.Error(errSyntax)
		return
	case len(c.Args) == 3:
		user = string(c.Args[1])
	case c.option("requirepass") == "":
		c.Error(errNoPassword)
		return
	}
	if c.login(user, string(password)) {
		c.OK()
	}
}

// login logs the client in, or answers that it may not and enters that into ACL LOG.
func (c *Ctx) login(user, password string) bool {
	if c.Client.Authenticate(user, password) {
		return true
	}
	c.denyLogin(user)
	c.Error(errWrongPass)
	return false
}

// helloOptions are what HELLO asks for; nil and 0 leave things as they are.
type helloOptions struct {
	proto          int
	user, password []byte
	name           []byte
}

// hello changes nothing unless all of it is right.
func hello(c *Ctx) {
	o, ok := c.helloOptions()
	if !ok {
		return
	}
	if o.user != nil && !c.login(string(o.user), string(o.password)) {
		return
	}
	if !c.Client.Authenticated() {
		c.Error(errHelloNoAuth)
		return
	}
	if o.name != nil {
		c.Client.SetName(string(o.name))
	}
	if o.proto != 0 {
		c.Client.SetProto(o.proto)
	}
	c.helloReply()
}

func (c *Ctx) helloOptions() (o helloOptions, ok bool) {
	if len(c.Args) == 1 {
		return o, true
	}
	proto, ok := parseInt(c.Args[1])
	if !ok {
		c.Error(errProtoInt)
		return o, false
	}
	if proto != 2 && proto != 3 {
		c.Error(errNoProto)
		return o, false
	}
	o.proto = int(proto)
	for i := 2; i < len(c.Args); i++ {
		more := len(c.Args) - i - 1
		switch {
		case equalFold(c.Args[i], "AUTH") && more >= 2:
			o.user, o.password = c.Args[i+1], c.Args[i+2]
			c.Secret(i + 1)
			c.Secret(i + 2)
			i += 2
		case equalFold(c.Args[i], "SETNAME") && more >= 1:
			if o.name = c.Args[i+1]; !printable(o.name) {
				c.Error(errClientName)
				return o, false
			}
			i++
		default:
			c.Error("ERR Syntax error in HELLO option '" + string(cString(c.Args[i])) + "'")
			return o, false
		}
	}
	return o, true
}

func (c *Ctx) helloReply() {
	c.Map(7)
	c.Str("server")
	c.Str("redis")
	c.Str("version")
	c.Str(RedisVersion)
	c.Str("proto")
	c.Int(int64(c.Proto()))
	c.Str("id")
	c.Int(c.Client.ID())
	c.Str("mode")
	c.Str("standalone")
	c.Str("role")
	c.Str("master")
	c.Str("modules")
	c.Array(0)
}

// printable reports whether a client's attribute keeps the lines of CLIENT LIST
// readable: no spaces, no control characters, ASCII only.
func printable(b []byte) bool {
	for _, c := range b {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

func ping(c *Ctx) {
	switch {
	case len(c.Args) > 2:
		c.Error(WrongArity(c.Spec))
	case c.Proto() == 2 && c.Client.Subscribed():
		c.pingSubscribed()
	case len(c.Args) == 1:
		c.Status("PONG")
	default:
		c.Bulk(c.Args[1])
	}
}

// pingSubscribed answers in the form of a message, the only one that clients of
// RESP2 await while they are subscribed.
func (c *Ctx) pingSubscribed() {
	c.Array(2)
	c.Str("pong")
	if len(c.Args) == 1 {
		c.Str("")
		return
	}
	c.Bulk(c.Args[1])
}

func quit(c *Ctx) {
	c.OK()
	c.Client.CloseAfterReply()
}

func reset(c *Ctx) {
	c.Client.Reset()
	c.Status("RESET")
}

func selectDB(c *Ctx) {
	if db, ok := c.dbIndex(c.Args[1]); ok {
		c.Client.Select(db)
		c.OK()
	}
}
