package differential

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"quarry/commands"
	"quarry/store/geo"
	"quarry/tests/calls"
)

// call is one command from one of the two connections, 0 that began in RESP2
// and 1 that began in RESP3.
type call struct {
	conn int
	args []string
}

func (c call) String() string {
	return fmt.Sprintf("RESP%d> %s", c.conn+2, calls.Quote(c.args))
}

// excluded are commands that random calls leave out, with the reason.
var excluded = map[string]string{
	"shutdown":     "ends the server; tests of the process call it",
	"client|reply": "silences the connection, so that replies cannot be paired; server's tests cover it",
	"subscribe":    "answers more than once; TestRandomSubscriptions calls it, and the next five",
	"unsubscribe":  "", "psubscribe": "", "punsubscribe": "", "ssubscribe": "", "sunsubscribe": "",
	"client|pause":    "holds up what the oracle would answer; server's tests cover it",
	"client|tracking": "cannot be turned on; a transcript covers it",
	"module|load":     "the oracle refuses to queue it; a transcript covers it, and the next two",
	"module|loadex":   "", "module|unload": "",
	"debug|check":  "is not in the oracle; server's tests cover it",
	"debug|help":   "is refused by the oracle in words for all of DEBUG, as the next ones are; server's tests cover them",
	"debug|object": "", "debug|set-active-expire": "", "debug|sleep": "",
	"debug|jmap": "", "debug|loadaof": "", "debug|reload": "",
	"latency|doctor":    "has words of its own",
	"latency|histogram": "counts what depends on time",
	"bgsave":            "may meet one that is under way, here or there; server's tests cover it, and the next two",
	"bgrewriteaof":      "", "save": "",
	"monitor": "is shown what other calls do; server's tests cover it",
	"wait":    "makes the oracle wait for replicas that will not come; a transcript covers it",
}

// excludedGroups are groups of commands that the oracle has none of, with the reason.
var excludedGroups = map[commands.Group]string{
	commands.BloomGroup: "a module has them",
	commands.Hunt:       "they are our own",
}

// The pools of keys that only some calls are given.
var (
	// Ranges by member bytes mean something only where all scores are equal, and so
	// have keys of their own, where they are (see lex).
	lexPool = []string{"lex", "lex2"}
	// SORT turns a small sorted set of the oracle into a skiplist; it gets keys that are none.
	sortPool = []string{"sort", "{t}sort"}
	// Distances that are stored may differ in their last bits; no other call looks at them.
	distPool = []string{"dist", "{t}dist"}
)

// generator draws random calls that both servers answer alike.
type generator struct {
	*calls.Generator
	sequence int // see tameTime
}

func newGenerator(seed uint64) *generator {
	weight := func(s *commands.Spec) int {
		_, out := excluded[s.FullName()]
		if _, all := excludedGroups[s.Group]; out || all {
			return 0
		}
		return calls.Weight(s)
	}
	return &generator{Generator: calls.New(rand.New(rand.NewPCG(seed, 1)), table, weight)}
}

// next draws a call that both servers can be asked.
func (g *generator) next() call {
	for {
		args := g.lex(g.tame(g.Draw()))
		if !isNewer(args) {
			return call{g.IntN(2), args}
		}
	}
}

// tame changes what would make a call slow, or its outcome depend on when it runs.
func (g *generator) tame(args []string) []string {
	switch name := commandName(args); name {
	case "bzpopmin", "bzpopmax", "blpop", "brpop", "blmove", "brpoplpush":
		tameTimeout(args, len(args)-1)
	case "bzmpop", "blmpop":
		tameTimeout(args, 1)
	case "zrandmember", "srandmember", "hrandfield":
		tameRepeats(args)
	case "spop":
		return tamePop(args)
	case "sort", "sort_ro":
		return g.tameSort(args)
	case "geoadd", "geopos", "geodist", "geohash", "geosearch", "geosearchstore", "georadius", "georadius_ro", "georadiusbymember", "georadiusbymember_ro":
		return g.tameGeo(name, args)
	case "set", "getex":
		for i := 2; i+1 < len(args); i++ {
			if slices.Contains([]string{"EX", "PX", "EXAT", "PXAT"}, strings.ToUpper(args[i])) {
				g.tameTime(args, i+1)
			}
		}
	case "setex", "psetex":
		g.tameTime(args, 2)
	case "expire", "pexpire":
		g.tameExpire(args)
	case "config|set":
		tameConfig(args)
	case "command|getkeys", "command|getkeysandflags":
		if len(args) > 2 && !slices.Contains(calls.Commands, args[2]) {
			args[2] = "nosuch" // not a command that only the oracle has, like INCR
		}
	case "client|kill":
		args = tameKill(args)
	case "client|unblock":
		if len(args) > 2 && len(args[2]) < 4 {
			args[2] += "777777" // no client has such an id
		}
	}
	return args
}

// lex gives calls that read by member bytes a key of those with equal scores, and some
// calls that add members too. A stray BYLEX gives no other call such a key: it
// could bring a second score there.
func (g *generator) lex(args []string) []string {
	name := commandName(args)
	byLex := strings.Contains(name, "lex") || strings.HasPrefix(name, "zrange") &&
		slices.ContainsFunc(args, func(a string) bool { return strings.EqualFold(a, "BYLEX") })
	switch {
	case name == "zrangestore" && byLex && len(args) > 2:
		args[2] = calls.Pick(g.Generator, lexPool)
	case byLex && len(args) > 1:
		args[1] = calls.Pick(g.Generator, lexPool)
	case name == "zadd" && g.Chance(5):
		args = []string{args[0], calls.Pick(g.Generator, lexPool)}
		for range 1 + g.IntN(4) {
			args = append(args, "0", calls.Pick(g.Generator, calls.Members))
		}
	case slices.Contains([]string{"sadd", "srem", "rpush", "lpush", "del"}, name) && len(args) > 1 && g.Chance(4):
		args[1] = calls.Pick(g.Generator, sortPool)
	case slices.Contains([]string{"zrem", "zrange", "zscore", "del", "copy"}, name) && len(args) > 1 && g.Chance(4):
		args[1] = calls.Pick(g.Generator, calls.PlaceKeys)
	case name == "zrem" && len(args) > 1 && g.Chance(5):
		args[1] = calls.Pick(g.Generator, lexPool)
	}
	return args
}

// A timeout is short: nobody brings data while a call waits.
func tameTimeout(args []string, i int) {
	if i < 1 {
		return
	}
	if f, err := strconv.ParseFloat(strings.TrimSpace(args[i]), 64); err == nil && f >= 0 || strings.HasPrefix(args[i], "0x") {
		args[i] = "0.001"
	}
}

// A negative count asks for so many members with repetition; -2^63 of them are too many for a reply.
func tameRepeats(args []string) {
	if len(args) > 2 {
		if n, err := strconv.ParseInt(args[2], 10, 64); err == nil && n < -100 {
			args[2] = "-7"
		}
	}
}

// Which members SPOP takes is chance, after which the two servers differ: it takes all.
func tamePop(args []string) []string {
	if len(args) < 3 {
		return append(args, "1000")
	}
	if n, err := strconv.ParseInt(args[2], 10, 64); err == nil && n > 0 {
		args[2] = "1000"
	}
	return args
}

// What SORT stores, and what LIMIT leaves of it, must not depend on the order of ties, nor on a hash table's.
func (g *generator) tameSort(args []string) []string {
	if len(args) > 1 {
		args[1] = calls.Pick(g.Generator, sortPool)
	}
	for i := 2; i < len(args); i++ {
		if !slices.ContainsFunc([]string{"BY", "ALPHA"}, func(w string) bool { return strings.EqualFold(args[i], w) }) {
			continue
		}
		return slices.DeleteFunc(args, func(a string) bool { return strings.EqualFold(a, "STORE") || strings.EqualFold(a, "LIMIT") })
	}
	return args
}

// Searches for places are of keys of their own, in which nothing is at a place where Redis misses it, and no two members are equally far
// from anything: the order of such is open. Package tests/places is for the rest.
func (g *generator) tameGeo(name string, args []string) []string {
	if len(args) < 2 {
		return args
	}
	source := 1
	if name == "geosearchstore" {
		source = 2
		args[1] = calls.Pick(g.Generator, calls.PlaceKeys)
	}
	for i := range args {
		if name != "geoadd" && (args[i] == "180" || args[i] == "85.05112878") {
			args[i] = "9.5" // from there Redis does not look everywhere
		}
	}
	if len(args) > source {
		args[source] = calls.Pick(g.Generator, append(slices.Clone(calls.PlaceKeys), "geo", "{t}geo", "sort", "nosuch"))
	}
	switch {
	case name == "geoadd":
		args[1] = calls.Pick(g.Generator, calls.PlaceKeys)
		g.tamePlaces(args[2:])
		return args
	case hasWord(args, "ANY") && !strings.HasPrefix(name, "geod"):
		args = slices.DeleteFunc(args, func(a string) bool { return strings.EqualFold(a, "ASC") }) // which Redis sorts by after it has chosen
	}
	if name == "geosearchstore" && hasWord(args, "STOREDIST") && len(args) > 1 {
		args[1] = calls.Pick(g.Generator, distPool)
	}
	for i := 5; strings.HasPrefix(name, "georadius") && i+1 < len(args); i++ {
		switch {
		case strings.EqualFold(args[i], "STORE"):
			i, args[i+1] = i+1, calls.Pick(g.Generator, calls.PlaceKeys)
		case strings.EqualFold(args[i], "STOREDIST"):
			i, args[i+1] = i+1, calls.Pick(g.Generator, distPool)
		}
	}
	return args
}

func hasWord(args []string, word string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return strings.EqualFold(a, word) })
}

// tamePlaces gives each member that is added one of its own few places, if there was a place before.
func (g *generator) tamePlaces(args []string) {
	for len(args) > 0 && slices.Contains([]string{"NX", "XX", "CH"}, strings.ToUpper(args[0])) {
		args = args[1:]
	}
	for ; len(args) >= 3; args = args[3:] {
		lon, err := strconv.ParseFloat(args[0], 64)
		lat, err2 := strconv.ParseFloat(args[1], 64)
		if err == nil && err2 == nil && geo.Valid(lon, lat) {
			h := fnv.New64a()
			h.Write([]byte(args[2]))
			own := rand.New(rand.NewPCG(h.Sum64(), uint64(g.IntN(3))))
			args[0] = strconv.FormatFloat(own.Float64()*20-3, 'f', -1, 64)
			args[1] = strconv.FormatFloat(own.Float64()*20+36, 'f', -1, 64)
		}
	}
}

// Keys expire at once or long after the test, and no two relative times are so
// close that GT and LT would depend on the milliseconds between two calls.
func (g *generator) tameExpire(args []string) { g.tameTime(args, 2) }

// tameTime is tameExpire for the time at args[i].
func (g *generator) tameTime(args []string, i int) {
	if len(args) <= i {
		return
	}
	n, err := strconv.ParseInt(args[i], 10, 64)
	if err == nil && n > 0 && n < 1<<40 {
		g.sequence++
		args[i] = strconv.Itoa(4_000_000_000_000 + g.sequence*1_000_003)
	}
}

// CONFIG SET names nothing but the encoding thresholds, and gives them numbers:
// of words the oracle reads a part, which Quarry refuses on purpose.
func tameConfig(args []string) {
	for i := 2; i < len(args); i++ {
		pool, instead := calls.Parameters, "nosuch"
		if i%2 == 1 {
			pool, instead = calls.ParameterValues, "7"
		}
		if !slices.Contains(pool, args[i]) {
			args[i] = instead
		}
	}
}

// CLIENT KILL meets nobody: ids, addresses and types that no connection of the
// test has. Killing is transcripts' business. SKIPME alone would meet everyone else.
func tameKill(args []string) []string {
	for i := 2; i < len(args); i++ {
		switch {
		case strings.EqualFold(args[i], "normal"), strings.EqualFold(args[i], "pubsub"):
			args[i] = "replica"
		case strings.EqualFold(args[i], "default"):
			args[i] = "nobody"
		case strings.EqualFold(args[i], "no"):
			args[i] = "yes"
		case 0 < len(args[i]) && len(args[i]) < 4 && strings.Trim(args[i], "0123456789") == "" && args[i] != "0":
			args[i] += "777777"
		}
	}
	if len(args) > 3 && len(args)%2 == 0 {
		args = append(args, "TYPE", "replica")
	}
	return args
}
