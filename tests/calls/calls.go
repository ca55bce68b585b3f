package calls

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"quarry/commands"
)

// Quote is a call as one would type it.
func Quote(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = quoteWord(a)
	}
	return strings.Join(words, " ")
}

func quoteWord(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' }) {
		return strconv.Quote(s)
	}
	return s
}

// Members are members of sets and elements of lists: few, so that calls meet, and nasty.
var Members = []string{"m", "n", "o", "p", "q", "ada", "bob", "", "\x00", "\xff\xfe", "a b", "1", "-5", "9223372036854775807",
	"\r\n", strings.Repeat("x", 64), strings.Repeat("y", 65), strings.Repeat("z", 300)}

// Parameters and ParameterValues are what CONFIG is asked.
var (
	Parameters = []string{"zset-max-listpack-entries", "zset-max-listpack-value", "zset-max-ziplist-entries", "zset-max-ziplist-value",
		"hash-max-listpack-entries", "hash-max-listpack-value", "hash-max-ziplist-entries", "list-max-listpack-size", "nosuch"}
	ParameterValues = []string{"0", "1", "3", "5", "64", "128", "1000", "-1", "x", "1kb"}
)

// Commands are names of commands, as COMMAND is asked for them.
var Commands = []string{"ZADD", "zunionstore", "nosuch", "client", "zunion", "del", "bzmpop", "ping", "rename"}

// What searches for places work with: keys, and places near enough to each other to be found.
var (
	PlaceKeys  = []string{"geo", "{t}geo", "geo2"}
	Longitudes = []string{"2.3522", "2.2945", "2.36", "2.349014", "-0.1275", "13.361389", "15.087269", "9.19", "-3.7", "24.94", "0", "1e-3", "180", "-180", "181", "x", "nan"}
	Latitudes  = []string{"48.8566", "48.8584", "48.864716", "51.50722", "38.115556", "37.502669", "45.4642", "40.4168", "60.17", "0", "-33.45", "85.05112878", "86", "x", "inf"}
)

// The other pools that values are drawn from are of the same kind.
var (
	keyPool   = []string{"a", "b", "c", "d", "{t}1", "{t}2", "", "k\x00\xff"}
	fieldPool = []string{"f", "g", "h", "n", "n", "", "1", "-5", "\x00\xff", strings.Repeat("x", 64), strings.Repeat("y", 65), strings.Repeat("z", 300)}
	scorePool = []string{"0", "1", "2", "3", "-1", "10", "1.5", "-2.25", "0.1", "3.3333333333333335", "inf", "-inf", "+inf", "1e308", "-1e308",
		"1e-320", "-0", "0x10", "9007199254740993", "123456789012345678", "1e17", ".5", "5.", "+5", "Infinity", "nan", "abc", "", " 1", "1 ", "1e400"}
	intPool = []string{"0", "1", "2", "3", "-1", "-2", "5", "10", "15", "16", "100", "9223372036854775807", "-9223372036854775808",
		"9223372036854775808", "4294967296", "2147483648", "x", "", "1.5", "+1", "01", " 1", "-0"}
	scoreBoundPool = []string{"-inf", "+inf", "inf", "0", "1", "(1", "2", "(2", "3", "(-1", "(inf", "(-inf", "1e308", "0x1", "(0.1", "nan", "(x", "(", "", "a", "[1"}
	lexBoundPool   = []string{"-", "+", "[a", "(a", "[m", "(m", "[o", "(p", "[", "(", "[\xff", "a", "", "+x", "-x", "[ada"}
	lengthPool     = []string{"1", "5", "20", "100", "500", "1000", "0", "0.5", "1e5", "2.5e2", "inf", "-1", "x", "nan", ""}
	coordinatePool = []string{"0", "1", "2", "3", "-1", "1.5", "10", "84.9", "1e300", "-1e300", "1e-300", "inf", "nan", "x"}
	patternPool    = []string{"*", "a*", "?", "[a-c]", "[^a]", "{t}*", "*o*", "\\*", "[", "", "m", "*\x00*", "[a", "a?*", "[\\]]", "***"}
	wordPool       = []string{"zset", "string", "hello", "default", "nobody", "a b", "x", "", "1", "default", "listpack"}
	// Lengths on both sides of embstr's, and of those of our inline strings and blobs.
	stringPool = []string{"v", "0", "1", "10", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "007", "-0", "1.5",
		"3.0e3", "0.1", "1e4932", "-2e-4951", "inf", "nan", " 1", "", "\x00\xff\r\n", "ohmytext", "mynewtext", strings.Repeat("abc", 12),
		strings.Repeat("x", 44), strings.Repeat("x", 45), strings.Repeat("y", 1020), strings.Repeat("z", 1100), strings.Repeat("abcd", 70_000)}
	tokenPool = []string{"NX", "XX", "GT", "LT", "CH", "INCR", "WITHSCORES", "LIMIT", "REV", "BYSCORE", "BYLEX", "WEIGHTS", "AGGREGATE", "MIN", "MAX",
		"EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST", "GET", "LEN", "IDX", "SUM", "COUNT", "MATCH", "TYPE", "LEFT", "RIGHT", "BEFORE", "RANK", "MAXLEN", "REPLACE", "DB", "ASYNC", "SYNC", "BADOPT"}
)

// Generator draws calls. A call that it draws may be wrong in one way or another.
type Generator struct {
	*rand.Rand
	specs   []*commands.Spec // repeated by weight
	numkeys int              // of the call being drawn, or of what counted says
	counted string           // "x": an argument num-x was the last that counts
}

// New makes a generator of calls of the commands of a table, each as often as weight says: 0 leaves it out.
func New(rnd *rand.Rand, table *commands.Table, weight func(*commands.Spec) int) *Generator {
	g := &Generator{Rand: rnd}
	for _, s := range table.All() {
		if s.Run == nil {
			continue
		}
		for range weight(s) {
			g.specs = append(g.specs, s)
		}
	}
	return g
}

// Weight makes the calls frequent that build up and look at data, and rare
// those that clear it away or ask about the server.
func Weight(s *commands.Spec) int {
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
	case s.Name == "SADD", s.Name == "HSET", s.Name == "GEOADD", s.Name == "HUNT.PUT":
		return 20
	case s.Group == commands.SortedSet, s.Group == commands.GeoGroup, s.Group == commands.Hunt, s.Group == commands.SetGroup, s.Group == commands.HashGroup,
		s.Group == commands.StringGroup, s.Group == commands.ListGroup:
		return 10
	case s.Group == commands.Generic, s.Group == commands.ListGroup:
		return 5
	}
	return 2
}

// Pick draws from a pool.
func Pick[T any](g *Generator, pool []T) T { return pool[g.IntN(len(pool))] }

// Chance is true once in n times.
func (g *Generator) Chance(n int) bool { return g.IntN(n) == 0 }

// Draw draws a call.
func (g *Generator) Draw() []string {
	args := g.arguments(Pick(g, g.specs))
	if g.Chance(5) {
		args = g.spoil(args)
	}
	return args
}

// arguments draws a call of s that fits its description; the values may still be wrong.
func (g *Generator) arguments(s *commands.Spec) []string {
	var args []string
	if s.Parent() != nil {
		args = append(args, g.word(s.Parent().Name))
	}
	args = append(args, g.word(s.Name))
	g.numkeys, g.counted = 1, ""
	for _, a := range s.Args {
		args = g.argument(args, s, a)
	}
	return args
}

// word is a command or option name, mostly as it is, else in some other case.
func (g *Generator) word(w string) string {
	switch g.IntN(8) {
	case 0:
		return strings.ToLower(w)
	case 1:
		return strings.ToUpper(w[:1]) + strings.ToLower(w[1:])
	}
	return w
}

func (g *Generator) argument(args []string, s *commands.Spec, a commands.Arg) []string {
	if a.Optional && !g.Chance(3) {
		return args
	}
	repeat := 1
	if a.Multiple {
		repeat = 1 + g.IntN(4)
		if a.Type == commands.TypeKey && g.numkeys > 0 || a.Name == "weight" || a.Name == g.counted {
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

func (g *Generator) one(args []string, s *commands.Spec, a commands.Arg) []string {
	switch a.Type {
	case commands.TypeToken:
		return args
	case commands.TypeOneOf:
		return g.argument(args, s, required(Pick(g, a.Sub)))
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
func (g *Generator) value(s *commands.Spec, a commands.Arg) string {
	if (s.Group == commands.StringGroup || s.Group == commands.HashGroup) && a.Name == "value" {
		return Pick(g, stringPool)
	}
	if a.Type == commands.TypeKey && (s.Group == commands.GeoGroup && !g.Chance(6) || s.Name == "HUNT.NEARBY" && g.Chance(3)) {
		return Pick(g, PlaceKeys)
	}
	if s.Group == commands.Hunt && a.Name == "value" {
		return Pick(g, scorePool)
	}
	if pool, ok := namedPools[a.Name]; ok {
		return Pick(g, pool)
	}
	switch a.Type {
	case commands.TypeKey:
		return Pick(g, keyPool)
	case commands.TypePattern:
		return Pick(g, patternPool)
	case commands.TypeDouble:
		return Pick(g, scorePool)
	case commands.TypeTime:
		return Pick(g, intPool)
	case commands.TypeInteger:
		counted, counts := strings.CutPrefix(a.Name, "num-")
		switch {
		case a.Name == "numkeys":
			g.numkeys = 1 + g.IntN(3)
			return strconv.Itoa(g.numkeys)
		case counts:
			g.numkeys, g.counted = 3+g.IntN(4), counted
			return strconv.Itoa(g.numkeys)
		}
		return g.integer()
	}
	return g.text(s, a)
}

// integer prefers the small numbers at the beginning of the pool.
func (g *Generator) integer() string {
	if g.Chance(2) {
		return intPool[g.IntN(7)]
	}
	return Pick(g, intPool)
}

// namedPools are the values of arguments that their names tell more about than their types.
var namedPools = map[string][]string{
	"parameter": Parameters, "value": ParameterValues, "command-name": Commands, "command": Commands,
	"longitude": Longitudes, "latitude": Latitudes, "x": coordinatePool, "y": coordinatePool, "z": coordinatePool,
	"zmin": scoreBoundPool, "zmax": scoreBoundPool, "name": fieldPool, "radius": lengthPool, "width": lengthPool, "height": lengthPool,
	"member": Members, "member1": Members, "member2": Members, "element": Members, "field": fieldPool, "type": {"zset", "ZSET", "string", "list", "set", "hash", "nosuch", ""},
	"cursor":   {"0", "0", "0", "0", "1", "42", "x", "-1", "18446744073709551615", "18446744073709551616", ""},
	"protover": {"2", "3", "2", "3", "4", "x", ""},
}

// text draws a string: a bound of a range where s has score or lex bounds.
func (g *Generator) text(s *commands.Spec, a commands.Arg) string {
	if !slices.Contains([]string{"min", "max", "start", "stop"}, a.Name) {
		return Pick(g, slices.Concat(Members, wordPool, keyPool))
	}
	switch {
	case strings.Contains(s.Name, "LEX"):
		return Pick(g, lexBoundPool)
	case strings.Contains(s.Name, "SCORE") || s.Name == "ZCOUNT":
		return Pick(g, scoreBoundPool)
	}
	switch g.IntN(4) {
	case 0:
		return Pick(g, lexBoundPool)
	case 1:
		return Pick(g, scoreBoundPool)
	}
	return g.integer()
}

// spoil damages a call in one or two places.
func (g *Generator) spoil(args []string) []string {
	for range 1 + g.IntN(2) {
		if len(args) < 2 {
			return append(args, Pick(g, Members))
		}
		i := 1 + g.IntN(len(args)-1)
		switch g.IntN(6) {
		case 0:
			args = slices.Delete(args, i, i+1)
		case 1:
			args = slices.Insert(args, i, Pick(g, tokenPool))
		case 2:
			args = append(args, g.word(Pick(g, tokenPool)))
		case 3:
			args = append(args, args[i:]...)
		case 4:
			args[i] = Pick(g, slices.Concat(scorePool, intPool, tokenPool, keyPool))
		case 5:
			j := 1 + g.IntN(len(args)-1)
			args[i], args[j] = args[j], args[i]
		}
	}
	return args
}
