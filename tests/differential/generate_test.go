package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"quarry/commands"
)

// call is one command from one of the two connections, 0 that began in RESP2
// and 1 that began in RESP3.
type call struct {
	conn int
	args []string
}

func (c call) String() string {
	words := make([]string, len(c.args))
	for i, a := range c.args {
		words[i] = quoteWord(a)
	}
	return fmt.Sprintf("RESP%d> %s", c.conn+2, strings.Join(words, " "))
}

func quoteWord(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' }) {
		return strconv.Quote(s)
	}
	return s
}

// excluded are commands that random calls leave out, with the reason.
var excluded = map[string]string{
	"shutdown":     "ends the server; tests of the process call it",
	"client|reply": "silences the connection, so that replies cannot be paired; server's tests cover it",
	"subscribe":    "answers more than once; TestRandomSubscriptions calls it, and the next five",
	"unsubscribe":  "", "psubscribe": "", "punsubscribe": "", "ssubscribe": "", "sunsubscribe": "",
	"client|pause":    "holds up what the oracle would answer; server's tests cover it",
	"client|tracking": "cannot be turned on; a transcript covers it",
	"monitor":         "is shown what other calls do; server's tests cover it",
	"wait":            "makes the oracle wait for replicas that will not come; a transcript covers it",
}

// The pools values are drawn from: small, so that calls meet, and nasty.
var (
	// Ranges by member bytes mean something only where all scores are equal, and so
	// have keys of their own, where they are (see lex).
	lexPool = []string{"lex", "lex2"}
	// SORT turns a small sorted set of the oracle into a skiplist; it gets keys that are none.
	sortPool   = []string{"sort", "{t}sort"}
	keyPool    = []string{"a", "b", "c", "d", "{t}1", "{t}2", "", "k\x00\xff"}
	memberPool = []string{"m", "n", "o", "p", "q", "ada", "bob", "", "\x00", "\xff\xfe", "a b", "1", "-5", "9223372036854775807",
		"\r\n", strings.Repeat("x", 64), strings.Repeat("y", 65), strings.Repeat("z", 300)}
	fieldPool = []string{"f", "g", "h", "n", "n", "", "1", "-5", "\x00\xff", strings.Repeat("x", 64), strings.Repeat("y", 65), strings.Repeat("z", 300)}
	scorePool = []string{"0", "1", "2", "3", "-1", "10", "1.5", "-2.25", "0.1", "3.3333333333333335", "inf", "-inf", "+inf", "1e308", "-1e308",
		"1e-320", "-0", "0x10", "9007199254740993", "123456789012345678", "1e17", ".5", "5.", "+5", "Infinity", "nan", "abc", "", " 1", "1 ", "1e400"}
	intPool = []string{"0", "1", "2", "3", "-1", "-2", "5", "10", "15", "16", "100", "9223372036854775807", "-9223372036854775808",
		"9223372036854775808", "4294967296", "2147483648", "x", "", "1.5", "+1", "01", " 1", "-0"}
	scoreBoundPool = []string{"-inf", "+inf", "inf", "0", "1", "(1", "2", "(2", "3", "(-1", "(inf", "(-inf", "1e308", "0x1", "(0.1", "nan", "(x", "(", "", "a", "[1"}
	lexBoundPool   = []string{"-", "+", "[a", "(a", "[m", "(m", "[o", "(p", "[", "(", "[\xff", "a", "", "+x", "-x", "[ada"}
	patternPool    = []string{"*", "a*", "?", "[a-c]", "[^a]", "{t}*", "*o*", "\\*", "[", "", "m", "*\x00*", "[a", "a?*", "[\\]]", "***"}
	wordPool       = []string{"zset", "string", "hello", "default", "nobody", "a b", "x", "", "1", "default", "listpack"}
	parameterPool  = []string{"zset-max-listpack-entries", "zset-max-listpack-value", "zset-max-ziplist-entries", "zset-max-ziplist-value",
		"hash-max-listpack-entries", "hash-max-listpack-value", "hash-max-ziplist-entries", "list-max-listpack-size", "nosuch"}
	parameterValue = []string{"0", "1", "3", "5", "64", "128", "1000", "-1", "x", "1kb"}
	namesPool      = []string{"ZADD", "zunionstore", "nosuch", "client", "zunion", "del", "bzmpop", "ping", "rename"}
	// Lengths on both sides of embstr's, and of those of our inline strings and blobs.
	stringPool = []string{"v", "0", "1", "10", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "007", "-0", "1.5",
		"3.0e3", "0.1", "1e4932", "-2e-4951", "inf", "nan", " 1", "", "\x00\xff\r\n", "ohmytext", "mynewtext", strings.Repeat("abc", 12),
		strings.Repeat("x", 44), strings.Repeat("x", 45), strings.Repeat("y", 1020), strings.Repeat("z", 1100), strings.Repeat("abcd", 70_000)}
	tokenPool = []string{"NX", "XX", "GT", "LT", "CH", "INCR", "WITHSCORES", "LIMIT", "REV", "BYSCORE", "BYLEX", "WEIGHTS", "AGGREGATE", "MIN", "MAX",
		"EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST", "GET", "LEN", "IDX", "SUM", "COUNT", "MATCH", "TYPE", "LEFT", "RIGHT", "BEFORE", "RANK", "MAXLEN", "REPLACE", "DB", "ASYNC", "SYNC", "BADOPT"}
)

// generator draws random calls from the argument descriptions of the table.
type generator struct {
	rng      *rand.Rand
	specs    []*commands.Spec // repeated by weight
	sequence int              // see expireTime
	numkeys  int              // of the call being drawn
}

func newGenerator(seed uint64) *generator {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 1))}
	for _, s := range table.All() {
		if _, out := excluded[s.FullName()]; out || s.Run == nil {
			continue
		}
		for range weight(s) {
			g.specs = append(g.specs, s)
		}
	}
	return g
}

// weight makes the calls frequent that build up and look at data, and rare
// those that clear it away or ask about the server.
func weight(s *commands.Spec) int {
	switch {
	case s.Name == "ZADD":
		return 40
	case s.Name == "EXEC":
		return 30
	case s.Name == "MULTI" || s.Name == "WATCH":
		return 15
	case s.Name == "LPUSH" || s.Name == "RPUSH":
		return 20
	case s.Name == "ZINCRBY" || s.Name == "ZRANGE":
		return 20
	case strings.HasPrefix(s.Name, "FLUSH"), s.Name == "QUIT", s.Name == "RESET":
		return 1
	case s.Name == "SADD", s.Name == "HSET":
		return 20
	case s.Group == commands.SortedSet, s.Group == commands.SetGroup, s.Group == commands.HashGroup,
		s.Group == commands.StringGroup, s.Group == commands.ListGroup:
		return 10
	case s.Group == commands.Generic, s.Group == commands.ListGroup:
		return 5
	}
	return 2
}

func pick[T any](g *generator, pool []T) T { return pool[g.rng.IntN(len(pool))] }

// chance is true once in n times.
func (g *generator) chance(n int) bool { return g.rng.IntN(n) == 0 }

// next draws a call that both servers can be asked.
func (g *generator) next() call {
	for {
		s := pick(g, g.specs)
		args := g.arguments(s)
		if g.chance(5) {
			args = g.spoil(args)
		}
		args = g.lex(g.tame(args))
		if !isNewer(args) {
			return call{g.rng.IntN(2), args}
		}
	}
}

// arguments draws a call of s that fits its description; the values may still be wrong.
func (g *generator) arguments(s *commands.Spec) []string {
	var args []string
	if s.Parent() != nil {
		args = append(args, g.word(s.Parent().Name))
	}
	args = append(args, g.word(s.Name))
	g.numkeys = 1
	for _, a := range s.Args {
		args = g.argument(args, s, a)
	}
	return args
}

// word is a command or option name, mostly as it is, else in some other case.
func (g *generator) word(w string) string {
	switch g.rng.IntN(8) {
	case 0:
		return strings.ToLower(w)
	case 1:
		return strings.ToUpper(w[:1]) + strings.ToLower(w[1:])
	}
	return w
}

func (g *generator) argument(args []string, s *commands.Spec, a commands.Arg) []string {
	if a.Optional && !g.chance(3) {
		return args
	}
	repeat := 1
	if a.Multiple {
		repeat = 1 + g.rng.IntN(4)
		if a.Type == commands.TypeKey && g.numkeys > 0 || a.Name == "weight" {
			repeat = g.numkeys
		}
	}
	for i := range repeat {
		if a.Token != "" && (i == 0 || a.MultipleToken) {
			args = append(args, g.word(a.Token))
		}
		args = g.one(args, s, a)
	}
	return args
}

func (g *generator) one(args []string, s *commands.Spec, a commands.Arg) []string {
	switch a.Type {
	case commands.TypeToken:
		return args
	case commands.TypeOneOf:
		return g.argument(args, s, required(pick(g, a.Sub)))
	case commands.TypeBlock:
		for _, sub := range a.Sub {
			args = g.argument(args, s, sub)
		}
		return args
	}
	return append(args, g.value(s, a))
}

// required is a choice of a oneof: chosen, it is there.
func required(a commands.Arg) commands.Arg {
	a.Optional = false
	return a
}

// value draws the value of a simple argument.
func (g *generator) value(s *commands.Spec, a commands.Arg) string {
	if (s.Group == commands.StringGroup || s.Group == commands.HashGroup) && a.Name == "value" {
		return pick(g, stringPool)
	}
	if pool, ok := namedPools[a.Name]; ok {
		return pick(g, pool)
	}
	switch a.Type {
	case commands.TypeKey:
		return pick(g, keyPool)
	case commands.TypePattern:
		return pick(g, patternPool)
	case commands.TypeDouble:
		return pick(g, scorePool)
	case commands.TypeTime:
		return pick(g, intPool)
	case commands.TypeInteger:
		if a.Name == "numkeys" {
			g.numkeys = 1 + g.rng.IntN(3)
			return strconv.Itoa(g.numkeys)
		}
		return g.integer()
	}
	return g.text(s, a)
}

// integer prefers the small numbers at the beginning of the pool.
func (g *generator) integer() string {
	if g.chance(2) {
		return intPool[g.rng.IntN(7)]
	}
	return pick(g, intPool)
}

// namedPools are the values of arguments that their names tell more about than their types.
var namedPools = map[string][]string{
	"parameter": parameterPool, "value": parameterValue, "command-name": namesPool, "command": namesPool,
	"member": memberPool, "element": memberPool, "field": fieldPool, "type": {"zset", "ZSET", "string", "list", "set", "hash", "nosuch", ""},
	"cursor":   {"0", "0", "0", "0", "1", "42", "x", "-1", "18446744073709551615", "18446744073709551616", ""},
	"protover": {"2", "3", "2", "3", "4", "x", ""},
}

// text draws a string: a bound of a range where s has score or lex bounds.
func (g *generator) text(s *commands.Spec, a commands.Arg) string {
	if !slices.Contains([]string{"min", "max", "start", "stop"}, a.Name) {
		return pick(g, slices.Concat(memberPool, wordPool, keyPool))
	}
	switch {
	case strings.Contains(s.Name, "LEX"):
		return pick(g, lexBoundPool)
	case strings.Contains(s.Name, "SCORE") || s.Name == "ZCOUNT":
		return pick(g, scoreBoundPool)
	}
	switch g.rng.IntN(4) {
	case 0:
		return pick(g, lexBoundPool)
	case 1:
		return pick(g, scoreBoundPool)
	}
	return g.integer()
}

// spoil damages a call in one or two places.
func (g *generator) spoil(args []string) []string {
	for range 1 + g.rng.IntN(2) {
		if len(args) < 2 {
			return append(args, pick(g, memberPool))
		}
		i := 1 + g.rng.IntN(len(args)-1)
		switch g.rng.IntN(6) {
		case 0:
			args = slices.Delete(args, i, i+1)
		case 1:
			args = slices.Insert(args, i, pick(g, tokenPool))
		case 2:
			args = append(args, g.word(pick(g, tokenPool)))
		case 3:
			args = append(args, args[i:]...)
		case 4:
			args[i] = pick(g, slices.Concat(scorePool, intPool, tokenPool, keyPool))
		case 5:
			j := 1 + g.rng.IntN(len(args)-1)
			args[i], args[j] = args[j], args[i]
		}
	}
	return args
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
		if len(args) > 2 && !slices.Contains(namesPool, args[2]) {
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
		args[2] = pick(g, lexPool)
	case byLex && len(args) > 1:
		args[1] = pick(g, lexPool)
	case name == "zadd" && g.chance(5):
		args = []string{args[0], pick(g, lexPool)}
		for range 1 + g.rng.IntN(4) {
			args = append(args, "0", pick(g, memberPool))
		}
	case slices.Contains([]string{"sadd", "srem", "rpush", "lpush", "del"}, name) && len(args) > 1 && g.chance(4):
		args[1] = pick(g, sortPool)
	case name == "zrem" && len(args) > 1 && g.chance(5):
		args[1] = pick(g, lexPool)
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
		args[1] = pick(g, sortPool)
	}
	for i := 2; i < len(args); i++ {
		if !slices.ContainsFunc([]string{"BY", "ALPHA"}, func(w string) bool { return strings.EqualFold(args[i], w) }) {
			continue
		}
		return slices.DeleteFunc(args, func(a string) bool { return strings.EqualFold(a, "STORE") || strings.EqualFold(a, "LIMIT") })
	}
	return args
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
		pool, instead := parameterPool, "nosuch"
		if i%2 == 1 {
			pool, instead = parameterValue, "7"
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
