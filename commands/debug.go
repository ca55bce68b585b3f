package commands

import (
	"fmt"
	"math"
	"time"
)

// DEBUG is for tests of clients and for people who look into a server; enable-debug-command lets them.
var debugCommands = []Spec{
	{
		Name: "DEBUG", Group: ServerGroup, Since: "1.0.0",
		Summary: "Looks into the server, and disturbs it, if enable-debug-command allows that", Complexity: "Depends on the subcommand",
		Arity: -2, Flags: Admin | NoScript | Loading | Stale, System: true,
		Subs: []Spec{
			{
				Name: "CHECK", Group: ServerGroup, Since: "1.0.0",
				Summary: "Walks through all data, and answers what is damaged, if anything", Complexity: "O(N) for N keys, members and fields; each shard is locked for its part",
				Arity: 2, Flags: Admin | NoScript | NoMulti,
				Run: debugOnly(debugCheck),
			},
			{
				Name: "HELP", Group: ServerGroup, Since: "1.0.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Run: debugOnly(help),
			},
			{
				Name: "JMAP", Group: ServerGroup, Since: "1.0.0",
				Summary: "Tells what the memory of data is used for", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Run: debugOnly(func(c *Ctx) { c.Verbatim("txt", c.Host.MemoryMap()) }),
			},
			{
				Name: "LOADAOF", Group: ServerGroup, Since: "1.0.0",
				Summary: "Forgets all data and loads the append-only log", Complexity: "O(N) for N changes in the log",
				Arity: 2, Flags: Admin | NoScript | NoMulti,
				Run: debugOnly(func(c *Ctx) { c.reload(ReloadOptions{FromLog: true}) }),
			},
			{
				Name: "OBJECT", Group: ServerGroup, Since: "1.0.0",
				Summary: "Tells in one line how a key's value is kept: its shard, encoding, bytes and seconds since its last use", Complexity: "O(1)",
				Arity: 3, Flags: Admin | NoScript, Keys: KeyAt(2, RO),
				Args: []Arg{keyArg("key")},
				Run:  debugOnly(debugObject),
			},
			{
				Name: "RELOAD", Group: ServerGroup, Since: "1.0.0",
				Summary: "Writes the snapshot, forgets all data and loads it again; NOSAVE loads what was saved before, NOFLUSH adds it to " +
					"what is there, and with MERGE replaces keys by it", Complexity: "O(N) for N keys, members and fields",
				Arity: -2, Flags: Admin | NoScript | NoMulti,
				Args: []Arg{optional(multiple(oneOf("option", token("MERGE"), token("NOFLUSH"), token("NOSAVE"))))},
				Run:  debugOnly(debugReload),
			},
			{
				Name: "SET-ACTIVE-EXPIRE", Group: ServerGroup, Since: "1.0.0",
				Summary: "Has expired keys removed only when a command meets them, or, with 1, again in the background as well", Complexity: "O(1)",
				Arity: 3, Flags: Admin | NoScript | Loading | Stale,
				Args: []Arg{oneOf("active", token("0"), token("1"))},
				Run:  debugOnly(debugSetActiveExpire),
			},
			{
				Name: "SLEEP", Group: ServerGroup, Since: "1.0.0",
				Summary: "Does nothing for some seconds, and lets nobody else read or change data", Complexity: "O(1)",
				Arity: 3, Flags: Admin | NoScript | Loading | Stale | AllShards,
				Args: []Arg{doubleArg("seconds")},
				Run:  debugOnly(debugSleep),
			},
		},
	},
}

const errNoDebug = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a " +
	"local connection, otherwise you need to set this option in the configuration file, and then restart the server."

// debugOnly runs a handler for those who may call DEBUG.
func debugOnly(run func(c *Ctx)) func(c *Ctx) {
	return func(c *Ctx) {
		if !c.Client.MayDebug() {
			c.Error(errNoDebug)
			return
		}
		run(c)
	}
}

func debugCheck(c *Ctx) {
	if err := c.Host.Check(); err != nil {
		c.Error("ERR " + err.Error())
		return
	}
	c.OK()
}

// debugObject answers words of the form name:value after the first, as libraries expect.
func debugObject(c *Ctx) {
	key := c.Args[2]
	o, ok := c.DB.Object(key)
	if !ok {
		c.Error(errNoSuchKey)
		return
	}
	bytes, _ := c.DB.Bytes(key)
	use := fmt.Sprintf("lru_seconds_idle:%d", o.IdleSec)
	if c.countsUse() {
		use = fmt.Sprintf("freq:%d", o.Freq)
	}
	c.Status(fmt.Sprintf("Value shard:%d refcount:1 encoding:%s bytes:%d %s", c.DB.Store().ShardOf(key), o.Encoding, bytes, use))
}

func debugReload(c *Ctx) {
	var o ReloadOptions
	for _, arg := range c.Args[2:] {
		switch {
		case equalFold(arg, "MERGE"):
			o.Merge = true
		case equalFold(arg, "NOFLUSH"):
			o.NoFlush = true
		case equalFold(arg, "NOSAVE"):
			o.NoSave = true
		default:
			c.Error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
			return
		}
	}
	c.reload(o)
}

func (c *Ctx) reload(o ReloadOptions) {
	if err := c.Host.Reload(o); err != nil {
		c.Error(err.Error())
		return
	}
	c.OK()
}

// debugSetActiveExpire takes what is no number for 0, as Redis does.
func debugSetActiveExpire(c *Ctx) {
	n, ok := parseInt(c.Args[2])
	c.Host.SetActiveExpire(ok && n != 0)
	c.OK()
}

// debugSleep takes what is no number for 0, as Redis does.
func debugSleep(c *Ctx) {
	seconds, _ := parseFloat(c.Args[2])
	const most = math.MaxInt64 / float64(time.Second)
	c.Host.Sleep(time.Duration(max(0, min(seconds, most/2)) * float64(time.Second)))
	c.OK()
}
