package commands

// This server is not part of a cluster. Drivers of clusters ask for one, and go on with a single server when they read
// that there is none: so every subcommand of CLUSTER is known, and answers that.

var clusterCommands = []Spec{
	{
		Name: "ASKING", Group: ClusterGroup, Since: "3.0.0",
		Summary: "Sent by a cluster's clients after an ASK redirection, which this server does not give", Complexity: "O(1)",
		Arity: 1, Flags: Fast, Cats: []string{"@connection"},
		Run: noCluster,
	},
	{
		Name: "CLUSTER", Group: ClusterGroup, Since: "3.0.0",
		Summary: "Says that this server is not part of a cluster, whatever is asked", Complexity: "O(1)",
		Arity: -2,
		Subs:  clusterSubs(),
	},
	{
		Name: "READONLY", Group: ClusterGroup, Since: "3.0.0",
		Summary: "Asks a cluster's replica to serve reads, which this server is not", Complexity: "O(1)",
		Arity: 1, Flags: Loading | Stale | Fast, Cats: []string{"@connection"},
		Run: noCluster,
	},
	{
		Name: "READWRITE", Group: ClusterGroup, Since: "3.0.0",
		Summary: "Takes READONLY back", Complexity: "O(1)",
		Arity: 1, Flags: Loading | Stale | Fast, Cats: []string{"@connection"},
		Run: noCluster,
	},
}

func noCluster(c *Ctx) {
	c.Error("ERR This instance has cluster support disabled")
}

// clusterSubs are the subcommands of CLUSTER. All of them answer the same.
func clusterSubs() []Spec {
	const (
		ask    = Stale
		admin  = Admin | Stale
		change = Admin | Stale | NoAsyncLoading
	)
	node, slot := stringArg("node-id"), intArg("slot")
	slotRange := multiple(block("start-slot_end-slot", intArg("start-slot"), intArg("end-slot")))
	varies := []string{"nondeterministic_output"}
	subs := []Spec{
		{Name: "ADDSLOTS", Since: "3.0.0", Arity: -3, Flags: change, Args: []Arg{multiple(slot)},
			Summary: "Would give this node slots"},
		{Name: "ADDSLOTSRANGE", Since: "7.0.0", Arity: -4, Flags: change, Args: []Arg{slotRange},
			Summary: "Would give this node ranges of slots"},
		{Name: "BUMPEPOCH", Since: "3.0.0", Arity: 2, Flags: change, Tips: varies,
			Summary: "Would begin a new epoch of the cluster's configuration"},
		{Name: "COUNT-FAILURE-REPORTS", Since: "3.0.0", Arity: 3, Flags: admin, Args: []Arg{node}, Tips: varies,
			Summary: "Would tell how many nodes report that another one fails"},
		{Name: "COUNTKEYSINSLOT", Since: "3.0.0", Arity: 3, Flags: ask, Args: []Arg{slot},
			Summary: "Would count this node's keys of a slot"},
		{Name: "DELSLOTS", Since: "3.0.0", Arity: -3, Flags: change, Args: []Arg{multiple(slot)},
			Summary: "Would take slots from this node"},
		{Name: "DELSLOTSRANGE", Since: "7.0.0", Arity: -4, Flags: change, Args: []Arg{slotRange},
			Summary: "Would take ranges of slots from this node"},
		{Name: "FAILOVER", Since: "3.0.0", Arity: -2, Flags: change,
			Args:    []Arg{optional(oneOf("options", token("FORCE"), token("TAKEOVER")))},
			Summary: "Would have a replica take its master's place"},
		{Name: "FLUSHSLOTS", Since: "3.0.0", Arity: 2, Flags: change,
			Summary: "Would take all slots from this node"},
		{Name: "FORGET", Since: "3.0.0", Arity: 3, Flags: change, Args: []Arg{node},
			Summary: "Would take a node out of the cluster"},
		{Name: "GETKEYSINSLOT", Since: "3.0.0", Arity: 4, Flags: ask, Args: []Arg{slot, intArg("count")}, Tips: varies,
			Summary: "Would list this node's keys of a slot"},
		{Name: "HELP", Since: "5.0.0", Arity: 2, Flags: Loading | Stale,
			Summary: "Would list these subcommands"},
		{Name: "INFO", Since: "3.0.0", Arity: 2, Flags: ask, Tips: varies,
			Summary: "Would tell how the cluster is"},
		{Name: "KEYSLOT", Since: "3.0.0", Arity: 3, Flags: ask, Args: []Arg{stringArg("key")},
			Summary: "Would tell a key's slot"},
		{Name: "LINKS", Since: "7.0.0", Arity: 2, Flags: ask, Tips: varies,
			Summary: "Would list the connections to other nodes"},
		{Name: "MEET", Since: "3.0.0", Arity: -4, Flags: change,
			Args:    []Arg{stringArg("ip"), intArg("port"), optional(since("4.0.0", intArg("cluster_bus_port")))},
			History: [][2]string{{"4.0.0", "The cluster bus' port may be named."}},
			Summary: "Would bring another node into the cluster"},
		{Name: "MYID", Since: "3.0.0", Arity: 2, Flags: ask,
			Summary: "Would tell this node's name"},
		{Name: "MYSHARDID", Since: "7.2.0", Arity: 2, Flags: ask, Tips: varies,
			Summary: "Would tell the name of this node's shard"},
		{Name: "NODES", Since: "3.0.0", Arity: 2, Flags: ask, Tips: varies,
			Summary: "Would describe all nodes"},
		{Name: "REPLICAS", Since: "5.0.0", Arity: 3, Flags: admin, Args: []Arg{node}, Tips: varies,
			Summary: "Would list a node's replicas"},
		{Name: "REPLICATE", Since: "3.0.0", Arity: 3, Flags: change, Args: []Arg{node},
			Summary: "Would make this node a replica of another"},
		{Name: "RESET", Since: "3.0.0", Arity: -2, Flags: admin | NoScript,
			Args:    []Arg{optional(oneOf("hard_soft", token("HARD"), token("SOFT")))},
			Summary: "Would take this node out of the cluster"},
		{Name: "SAVECONFIG", Since: "3.0.0", Arity: 2, Flags: change,
			Summary: "Would save the cluster's configuration"},
		{Name: "SET-CONFIG-EPOCH", Since: "3.0.0", Arity: 3, Flags: change, Args: []Arg{intArg("config-epoch")},
			Summary: "Would set the epoch of a new node's configuration"},
		{Name: "SETSLOT", Since: "3.0.0", Arity: -4, Flags: change,
			Args: []Arg{slot, oneOf("subcommand", withToken("IMPORTING", node), withToken("MIGRATING", node),
				withToken("NODE", node), token("STABLE"))},
			Summary: "Would give a slot to a node, or begin or end its move"},
		{Name: "SHARDS", Since: "7.0.0", Arity: 2, Flags: ask, Tips: varies,
			Summary: "Would describe the cluster's shards"},
		{Name: "SLAVES", Since: "3.0.0", Arity: 3, Flags: admin, Args: []Arg{node}, Tips: varies,
			DeprecatedSince: "5.0.0", ReplacedBy: "`CLUSTER REPLICAS`",
			Summary: "An older name of CLUSTER REPLICAS"},
		{Name: "SLOTS", Since: "3.0.0", Arity: 2, Flags: ask, Tips: varies,
			DeprecatedSince: "7.0.0", ReplacedBy: "`CLUSTER SHARDS`",
			History: [][2]string{{"4.0.0", "Nodes have ids."}, {"7.0.0", "Nodes have further attributes."}},
			Summary: "Would tell which node has which slots"},
	}
	for i := range subs {
		subs[i].Group, subs[i].Complexity, subs[i].Run = ClusterGroup, "O(1)", noCluster
	}
	return subs
}
