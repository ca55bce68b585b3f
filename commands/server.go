package commands

import (
	"strconv"
	"strings"
)

var serverCommands = []Spec{
	{
		Name: "FLUSHALL", Group: ServerGroup, Since: "1.0.0",
		Summary: "Removes all keys of all databases", Complexity: "O(1): the memory is freed later, in small steps",
		Arity: -1, Flags: Write | KeyspaceCat | Dangerous | AllShards | Verbatim,
		Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		History: [][2]string{{"4.0.0", "The option `ASYNC`."}, {"6.2.0", "The option `SYNC`."}},
		Args:    flushArgs(),
		Run: func(c *Ctx) {
			if c.flushOptions() {
				for db := range c.DB.Store().Databases() {
					c.flush(db)
				}
				c.OK()
			}
		},
	},
	{
		Name: "FLUSHDB", Group: ServerGroup, Since: "1.0.0",
		Summary: "Removes all keys of the database", Complexity: "O(1): the memory is freed later, in small steps",
		Arity: -1, Flags: Write | KeyspaceCat | Dangerous | AllShards | Verbatim,
		Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		History: [][2]string{{"4.0.0", "The option `ASYNC`."}, {"6.2.0", "The option `SYNC`."}},
		Args:    flushArgs(),
		Run: func(c *Ctx) {
			if c.flushOptions() {
				c.flush(c.DB.Index())
				c.OK()
			}
		},
	},
	{
		Name: "INFO", Group: ServerGroup, Since: "1.0.0",
		Summary: "Tells about the server, by sections", Complexity: "O(1)",
		Arity: -1, Flags: Loading | Stale | Dangerous,
		Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
		History: [][2]string{{"7.0.0", "More than one section may be named."}},
		Args:    []Arg{optional(multiple(stringArg("section")))},
		Run:     info,
	},
	{
		Name: "MONITOR", Group: ServerGroup, Since: "1.0.0",
		Summary: "Shows this connection the commands that all connections run", Complexity: "O(1), and for each command O(N) for N connections that do so",
		Arity: 1, Flags: Admin | NoScript | Loading | Stale,
		Run: monitor,
	},
	{
		Name: "SHUTDOWN", Group: ServerGroup, Since: "1.0.0",
		Summary: "Ends the server in good order", Complexity: "O(1), or O(N) when N keys are to be saved",
		Arity: -1, Flags: Admin | NoScript | Loading | Stale | NoMulti | AllowBusy,
		History: [][2]string{{"7.0.0", "The options `NOW`, `FORCE` and `ABORT`."}},
		Args: []Arg{
			optional(oneOf("nosave_save", token("NOSAVE"), token("SAVE"))), optional(since("7.0.0", token("NOW"))),
			optional(since("7.0.0", token("FORCE"))), optional(since("7.0.0", token("ABORT"))),
		},
		Run: shutdown,
	},
	{
		Name: "SWAPDB", Group: ServerGroup, Since: "4.0.0",
		Summary: "Exchanges two databases under everyone's feet", Complexity: "O(1)",
		Arity: 3, Flags: Write | Fast | KeyspaceCat | Dangerous | AllShards | Verbatim,
		Args: []Arg{intArg("index1"), intArg("index2")},
		Run:  swapdb,
	},
	{
		Name: "TIME", Group: ServerGroup, Since: "2.6.0",
		Summary: "Tells the server's time in seconds and microseconds", Complexity: "O(1)",
		Arity: 1, Flags: Loading | Stale | Fast,
		Tips: []string{"nondeterministic_output"},
		Run:  timeNow,
	},
}

func flushArgs() []Arg {
	return []Arg{optional(oneOf("flush-type", since("4.0.0", token("ASYNC")), since("6.2.0", token("SYNC"))))}
}

// flushOptions checks the option of a FLUSH command, or answers that it is
// wrong. ASYNC and SYNC do the same here: dropping the data never waits for the
// memory to be freed, and no command sees it any more.
func (c *Ctx) flushOptions() bool {
	if len(c.Args) == 1 || len(c.Args) == 2 && (equalFold(c.Args[1], "ASYNC") || equalFold(c.Args[1], "SYNC")) {
		return true
	}
	c.Error(errSyntax)
	return false
}

func info(c *Ctx) {
	var sections []string
	for _, arg := range c.Args[1:] {
		sections = append(sections, strings.ToLower(string(arg)))
	}
	c.Verbatim("txt", c.Host.Info(sections))
}

// monitor gives no answer the second time, as in Redis.
func monitor(c *Ctx) {
	if c.Client.InMulti() {
		c.Error("ERR MONITOR isn't allowed for DENY BLOCKING client")
		return
	}
	if c.Client.Monitor() {
		c.OK()
	}
}

// shutdown gives no answer when it succeeds: the connection just ends.
func shutdown(c *Ctx) {
	var o ShutdownOptions
	for _, arg := range c.Args[1:] {
		switch {
		case equalFold(arg, "NOSAVE"):
			o.NoSave = true
		case equalFold(arg, "SAVE"):
			o.Save = true
		case equalFold(arg, "NOW"):
			o.Now = true
		case equalFold(arg, "FORCE"):
			o.Force = true
		case equalFold(arg, "ABORT"):
			o.Abort = true
		default:
			c.Error(errSyntax)
			return
		}
	}
	if o.Save && o.NoSave || o.Abort && (o.Save || o.NoSave || o.Now || o.Force) {
		c.Error(errSyntax)
		return
	}
	if err := c.Host.Shutdown(o); err != nil {
		c.Error(err.Error())
	} else if o.Abort {
		c.OK()
	} else {
		c.Client.Abort()
	}
}

func swapdb(c *Ctx) {
	var db [2]int
	for i, order := range []string{"first", "second"} {
		n, ok := parseInt(c.Args[1+i])
		if !ok || n != int64(int32(n)) {
			c.Error("ERR invalid " + order + " DB index")
			return
		}
		db[i] = int(n)
	}
	for _, n := range db {
		if n < 0 || n >= c.Host.Databases() {
			c.Error(errDBIndex)
			return
		}
	}
	c.swap(db[0], db[1])
	c.OK()
}

func timeNow(c *Ctx) {
	us := c.Host.NowUS()
	c.Array(2)
	c.Str(strconv.FormatInt(us/1e6, 10))
	c.Str(strconv.FormatInt(us%1e6, 10))
}
