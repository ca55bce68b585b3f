package commands

import "slices"

// Topics is a kind of what clients subscribe to. Each has names of its own.
type Topics uint8

// The kinds.
const (
	Channels      Topics = iota // by name, all of the server's
	Patterns                    // globs that the names of Channels are matched with
	ShardChannels               // by name; in a cluster, those of one slot
	TopicKinds
)

var pubsubCommands = []Spec{
	{
		Name: "PSUBSCRIBE", Group: PubSub, Since: "2.0.0",
		Summary: "Listens to the channels whose names match patterns", Complexity: "O(N) for N patterns",
		Arity: -2, Flags: PubSubFlag | NoScript | Loading | Stale | PushReplies | InSubscribed,
		Args: []Arg{multiple(block("pattern", patternArg("pattern")))},
		Run:  func(c *Ctx) { c.subscribe(Patterns, "psubscribe") },
	},
	{
		Name: "PUBLISH", Group: PubSub, Since: "2.0.0",
		Summary: "Sends a message to a channel and tells how many clients get it", Complexity: "O(N+M) for N listeners and M patterns in all",
		Arity: 3, Flags: PubSubFlag | Loading | Stale | Fast | HeldAsWrite,
		Args: []Arg{stringArg("channel"), stringArg("message")},
		Run:  func(c *Ctx) { c.Int(int64(c.Client.Publish(Channels, c.Args[1], c.Args[2]))) },
	},
	{
		Name: "PUBSUB", Group: PubSub, Since: "2.8.0",
		Summary: "Tells who listens to what", Complexity: "Depends on the subcommand",
		Arity: -2,
		Subs: []Spec{
			{
				Name: "CHANNELS", Group: PubSub, Since: "2.8.0",
				Summary: "Lists the channels that are listened to by name, or those of them that match", Complexity: "O(N) for N channels",
				Arity: -2, Flags: PubSubFlag | Loading | Stale,
				Args: []Arg{optional(patternArg("pattern"))},
				Run:  func(c *Ctx) { pubsubChannels(c, Channels) },
			},
			{
				Name: "HELP", Group: PubSub, Since: "6.2.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale,
				Run: help,
			},
			{
				Name: "NUMPAT", Group: PubSub, Since: "2.8.0",
				Summary: "Counts the different patterns that are listened to", Complexity: "O(1)",
				Arity: 2, Flags: PubSubFlag | Loading | Stale,
				Run: func(c *Ctx) { c.Int(int64(c.Host.PubSubTopics(Patterns))) },
			},
			{
				Name: "NUMSUB", Group: PubSub, Since: "2.8.0",
				Summary: "Counts the clients that listen to channels by name", Complexity: "O(N) for N channels",
				Arity: -2, Flags: PubSubFlag | Loading | Stale,
				Args: []Arg{optional(multiple(stringArg("channel")))},
				Run:  func(c *Ctx) { pubsubNumsub(c, Channels) },
			},
			{
				Name: "SHARDCHANNELS", Group: PubSub, Since: "7.0.0",
				Summary: "Lists the shard channels that are listened to, or those of them that match", Complexity: "O(N) for N channels",
				Arity: -2, Flags: PubSubFlag | Loading | Stale,
				Args: []Arg{optional(patternArg("pattern"))},
				Run:  func(c *Ctx) { pubsubChannels(c, ShardChannels) },
			},
			{
				Name: "SHARDNUMSUB", Group: PubSub, Since: "7.0.0",
				Summary: "Counts the clients that listen to shard channels", Complexity: "O(N) for N channels",
				Arity: -2, Flags: PubSubFlag | Loading | Stale,
				Args: []Arg{optional(multiple(stringArg("shardchannel")))},
				Run:  func(c *Ctx) { pubsubNumsub(c, ShardChannels) },
			},
		},
	},
	{
		Name: "PUNSUBSCRIBE", Group: PubSub, Since: "2.0.0",
		Summary: "Ends listening by patterns, by all of them if none is named", Complexity: "O(N) for N patterns",
		Arity: -1, Flags: PubSubFlag | NoScript | Loading | Stale | PushReplies | InSubscribed,
		Args: []Arg{optional(multiple(patternArg("pattern")))},
		Run:  func(c *Ctx) { c.unsubscribe(Patterns, "punsubscribe") },
	},
	{
		Name: "SPUBLISH", Group: PubSub, Since: "7.0.0",
		Summary: "Sends a message to a shard channel and tells how many clients get it", Complexity: "O(N) for N listeners",
		Arity: 3, Flags: PubSubFlag | Loading | Stale | Fast | HeldAsWrite,
		Keys: KeyAt(1, NotKey),
		Args: []Arg{stringArg("shardchannel"), stringArg("message")},
		Run:  func(c *Ctx) { c.Int(int64(c.Client.Publish(ShardChannels, c.Args[1], c.Args[2]))) },
	},
	{
		Name: "SSUBSCRIBE", Group: PubSub, Since: "7.0.0",
		Summary: "Listens to shard channels", Complexity: "O(N) for N channels",
		Arity: -2, Flags: PubSubFlag | NoScript | Loading | Stale | PushReplies | InSubscribed,
		Keys: KeyRange(1, -1, 1, NotKey),
		Args: []Arg{multiple(stringArg("shardchannel"))},
		Run:  ssubscribe,
	},
	{
		Name: "SUBSCRIBE", Group: PubSub, Since: "2.0.0",
		Summary: "Listens to channels", Complexity: "O(N) for N channels",
		Arity: -2, Flags: PubSubFlag | NoScript | Loading | Stale | PushReplies | InSubscribed,
		Args: []Arg{multiple(stringArg("channel"))},
		Run:  func(c *Ctx) { c.subscribe(Channels, "subscribe") },
	},
	{
		Name: "SUNSUBSCRIBE", Group: PubSub, Since: "7.0.0",
		Summary: "Ends listening to shard channels, to all of them if none is named", Complexity: "O(N) for N channels",
		Arity: -1, Flags: PubSubFlag | NoScript | Loading | Stale | PushReplies | InSubscribed,
		Keys: KeyRange(1, -1, 1, NotKey),
		Args: []Arg{optional(multiple(stringArg("shardchannel")))},
		Run:  func(c *Ctx) { c.unsubscribe(ShardChannels, "sunsubscribe") },
	},
	{
		Name: "UNSUBSCRIBE", Group: PubSub, Since: "2.0.0",
		Summary: "Ends listening to channels, to all of them if none is named", Complexity: "O(N) for N channels",
		Arity: -1, Flags: PubSubFlag | NoScript | Loading | Stale | PushReplies | InSubscribed,
		Args: []Arg{optional(multiple(stringArg("channel")))},
		Run:  func(c *Ctx) { c.unsubscribe(Channels, "unsubscribe") },
	},
}

// subscribe answers once for each name, in the order they are given.
func (c *Ctx) subscribe(kind Topics, verb string) {
	for _, name := range c.Args[1:] {
		c.subscription(verb, name, c.Client.Subscribe(kind, name))
	}
}

// unsubscribe answers once for each name, and once without a name if there is nothing to end.
func (c *Ctx) unsubscribe(kind Topics, verb string) {
	names := c.Args[1:]
	if len(names) == 0 {
		names = c.Client.Subscriptions(kind)
	}
	for _, name := range names {
		c.subscription(verb, name, c.Client.Unsubscribe(kind, name))
	}
	if len(names) == 0 {
		c.Push(3)
		c.Str(verb)
		c.Null()
		c.Int(int64(c.Client.Unsubscribe(kind, nil)))
	}
}

// subscription is one answer: how many subscriptions the client has now.
func (c *Ctx) subscription(verb string, name []byte, count int) {
	c.Push(3)
	c.Str(verb)
	c.Bulk(name)
	c.Int(int64(count))
}

// ssubscribe is refused in a transaction, where SUBSCRIBE is not: so it is in Redis.
func ssubscribe(c *Ctx) {
	if c.Client.InMulti() {
		c.Error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
		return
	}
	c.subscribe(ShardChannels, "ssubscribe")
}

func pubsubChannels(c *Ctx, kind Topics) {
	if len(c.Args) > 3 {
		c.Error(wrongSubcommandArity(c))
		return
	}
	names := c.Host.PubSubNames(kind)
	if len(c.Args) == 3 {
		names = slices.DeleteFunc(names, func(name string) bool { return !globMatch(c.Args[2], []byte(name)) })
	}
	c.Array(len(names))
	for _, name := range names {
		c.Str(name)
	}
}

func pubsubNumsub(c *Ctx, kind Topics) {
	c.Array(2 * (len(c.Args) - 2))
	for _, name := range c.Args[2:] {
		c.Bulk(name)
		c.Int(int64(c.Host.PubSubCount(kind, name)))
	}
}
