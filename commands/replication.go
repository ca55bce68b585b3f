package commands

// Quarry has no replicas and is none: these commands answer what Redis answers on a master
// that nobody follows, and refuse what would change that.

var replicationCommands = []Spec{
	{
		Name: "FAILOVER", Group: ServerGroup, Since: "6.2.0",
		Summary: "Hands the role of the master to a replica, of which there is none", Complexity: "O(1)",
		Arity: -1, Flags: Admin | NoScript | Stale,
		Args: []Arg{
			optional(withToken("TO", block("target", stringArg("host"), intArg("port"), optional(token("FORCE"))))),
			optional(token("ABORT")), optional(withToken("TIMEOUT", intArg("milliseconds"))),
		},
		Run: failover,
	},
	{
		Name: "PSYNC", Group: ServerGroup, Since: "2.8.0",
		Summary: "Sent by a replica, which this server cannot have", Complexity: "O(1)",
		Arity: -3, Flags: Admin | NoScript | NoAsyncLoading | NoMulti,
		Args: []Arg{stringArg("replicationid"), intArg("offset")},
		Run:  noReplication,
	},
	{
		Name: "REPLCONF", Group: ServerGroup, Since: "3.0.0",
		Summary: "Sent by a replica, which this server cannot have", Complexity: "O(1)",
		Arity: -1, Flags: Admin | NoScript | Loading | Stale | AllowBusy, System: true,
		Run: noReplication,
	},
	{
		Name: "REPLICAOF", Group: ServerGroup, Since: "5.0.0",
		Summary: "Makes the server a replica, which it cannot be, or with NO ONE a master, which it is", Complexity: "O(1)",
		Arity: 3, Flags: Admin | NoScript | Stale | NoAsyncLoading,
		Args: replicaofArgs(),
		Run:  replicaof,
	},
	{
		Name: "ROLE", Group: ServerGroup, Since: "2.8.12",
		Summary: "Tells that the server is a master, its replication offset, and its replicas", Complexity: "O(1)",
		Arity: 1, Flags: NoScript | Loading | Stale | Fast, Cats: []string{"@admin", "@dangerous"},
		Run: func(c *Ctx) {
			c.Array(3)
			c.Str("master")
			c.Int(0)
			c.Array(0)
		},
	},
	{
		Name: "SLAVEOF", Group: ServerGroup, Since: "1.0.0",
		Summary: "An older name of REPLICAOF", Complexity: "O(1)",
		Arity: 3, Flags: Admin | NoScript | Stale | NoAsyncLoading,
		DeprecatedSince: "5.0.0", ReplacedBy: "`REPLICAOF`",
		Args: replicaofArgs(),
		Run:  replicaof,
	},
	{
		Name: "SYNC", Group: ServerGroup, Since: "1.0.0",
		Summary: "Sent by a replica, which this server cannot have", Complexity: "O(1)",
		Arity: 1, Flags: Admin | NoScript | NoAsyncLoading | NoMulti,
		Run: noReplication,
	},
	{
		Name: "WAIT", Group: Generic, Since: "3.0.0",
		Summary: "Tells how many replicas have what the connection wrote: none, and there is nobody to wait for", Complexity: "O(1)",
		Arity: 3, Flags: NoScript, Cats: []string{"@connection"},
		Tips: []string{"request_policy:all_shards", "response_policy:agg_min"},
		Args: []Arg{intArg("numreplicas"), intArg("timeout")},
		Run:  wait,
	},
}

const (
	errMasterPort            = "ERR Invalid master port"
	errNoReplication         = "ERR this server neither is a replica nor has any: it has no replication"
	errNoReplicas            = "ERR FAILOVER requires connected replicas."
	errNoFailover            = "ERR No failover in progress."
	errFailoverTimeout       = "ERR FAILOVER timeout must be greater than 0"
	highestPort        int64 = 65535
)

// noReplication answers whoever wants to follow this server or be followed by it. A replica of Redis
// gives up on such an answer and says so in its log.
func noReplication(c *Ctx) { c.Error(errNoReplication) }

func replicaofArgs() []Arg {
	return []Arg{oneOf("args", block("host-port", stringArg("host"), intArg("port")), block("no-one", token("NO"), token("ONE")))}
}

func replicaof(c *Ctx) {
	if equalFold(c.Args[1], "NO") && equalFold(c.Args[2], "ONE") {
		c.OK()
		return
	}
	if port, ok := parseInt(c.Args[2]); !ok || port < 0 || port > highestPort {
		c.Error(errMasterPort)
		return
	}
	noReplication(c)
}

// failover reads the options as Redis does, each once, ABORT only by itself, and then has nobody to hand over to.
func failover(c *Ctx) {
	if len(c.Args) == 2 && equalFold(c.Args[1], "ABORT") {
		c.Error(errNoFailover)
		return
	}
	var to, force, timeout bool
	for args := c.Args[1:]; len(args) > 0; {
		switch {
		case equalFold(args[0], "TIMEOUT") && !timeout && len(args) > 1:
			n, ok := parseInt(args[1])
			if !ok {
				c.Error(errNotInt)
				return
			}
			if n <= 0 {
				c.Error(errFailoverTimeout)
				return
			}
			timeout, args = true, args[2:]
		case equalFold(args[0], "TO") && !to && len(args) > 2:
			if _, ok := parseInt(args[2]); !ok {
				c.Error(errNotInt)
				return
			}
			to, args = true, args[3:]
		case equalFold(args[0], "FORCE") && !force:
			force, args = true, args[1:]
		default:
			c.Error(errSyntax)
			return
		}
	}
	c.Error(errNoReplicas)
}

// wait does not wait, however many replicas are asked for: none will come.
func wait(c *Ctx) {
	if _, ok := parseInt(c.Args[1]); !ok {
		c.Error(errNotInt)
		return
	}
	if _, ok := c.timeoutMS(c.Args[2]); ok {
		c.Int(0)
	}
}
