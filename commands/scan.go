package commands

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"quarry/store"
)

var scanCommands = []Spec{
	{
		Name: "SCAN", Group: Generic, Since: "2.8.0",
		Summary:    "Walks the keys of the database a few at a time",
		Complexity: "O(1) a call, O(N) for a whole walk over N keys",
		Arity:      -2, Flags: ReadOnly | KeyspaceCat | LocksShards,
		Tips:    []string{"nondeterministic_output", "request_policy:special"},
		History: [][2]string{{"6.0.0", "The option `TYPE`."}},
		Args: []Arg{
			intArg("cursor"), optional(withToken("MATCH", patternArg("pattern"))), optional(withToken("COUNT", intArg("count"))),
			optional(since("6.0.0", withToken("TYPE", stringArg("type")))),
		},
		Run: scan,
	},
	{
		Name: "DBSIZE", Group: ServerGroup, Since: "1.0.0",
		Summary: "Counts the keys of the database", Complexity: "O(1)",
		Arity: 1, Flags: ReadOnly | Fast | KeyspaceCat | AllShards, // all shards: a key that is renamed counts once
		Tips: []string{"request_policy:all_shards", "response_policy:agg_sum"},
		Run:  dbsize,
	},
}

func scan(c *Ctx) {
	cursor, ok := parseCursor(c.Args[1])
	if !ok {
		c.Error(errInvalidCursor)
		return
	}
	o, ok := c.scanOptions()
	if !ok {
		return
	}
	var found keyList
	next := c.DB.Scan(cursor, o.count, o.only, func(key []byte) {
		if !o.nothing && (o.pattern == nil || matchesKey(o.pattern, key)) {
			found.add(key)
		}
	})
	c.beginScan(next)
	found.reply(c)
}

// scanOptions are the options of SCAN.
type scanOptions struct {
	pattern []byte
	count   int
	only    store.Type
	nothing bool // TYPE names a type that no key here has: the walk goes on, but finds nothing
}

func (c *Ctx) scanOptions() (o scanOptions, ok bool) {
	o.count = 10
	for i := 2; i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) {
			c.Error(errSyntax)
			return o, false
		}
		value := c.Args[i+1]
		switch {
		case equalFold(c.Args[i], "MATCH"):
			o.pattern = value
		case equalFold(c.Args[i], "COUNT"):
			n, ok := parseInt(value)
			if !ok {
				c.Error(errNotInt)
				return o, false
			}
			if n < 1 {
				c.Error(errSyntax)
				return o, false
			}
			o.count = int(min(n, math.MaxInt32))
		case equalFold(c.Args[i], "TYPE"):
			o.only = typeNamed(value)
			o.nothing = o.only == store.None
		default:
			c.Error(errSyntax)
			return o, false
		}
	}
	return o, true
}

// typeNamed is the type of that name, in any letter case, or None.
func typeNamed(name []byte) store.Type {
	return store.Type(max(slices.IndexFunc(typeNames[:], func(n string) bool { return equalFold(name, strings.ToUpper(n)) }), 0))
}

// keyList keeps copies of the keys a walk passes: they must be counted before they are answered.
type keyList struct {
	bytes []byte
	ends  []int
}

func (l *keyList) add(key []byte) {
	l.bytes = append(l.bytes, key...)
	l.ends = append(l.ends, len(l.bytes))
}

func (l *keyList) reply(r Reply) {
	r.Array(len(l.ends))
	start := 0
	for _, end := range l.ends {
		r.Bulk(l.bytes[start:end])
		start = end
	}
}

func dbsize(c *Ctx) {
	c.Int(int64(c.DB.Store().Size(c.DB.Index())))
}

// elementScan is what a call of ZSCAN, HSCAN or SSCAN asks for.
type elementScan struct {
	pattern  []byte // nil: all
	count    int
	keysOnly bool // leave out scores or values
}

// parseElementScan reads the options; word is the one that leaves out scores or values, if there is one.
func parseElementScan(args [][]byte, word string) (o elementScan, problem string) {
	o.count = 10
	for len(args) > 0 {
		switch a := args[0]; {
		case len(args) > 1 && equalFold(a, "COUNT"):
			n, ok := parseInt(args[1])
			if !ok {
				return o, errNotInt
			}
			if n < 1 {
				return o, errSyntax
			}
			o.count = int(min(n, math.MaxInt32))
			args = args[2:]
		case len(args) > 1 && equalFold(a, "MATCH"):
			o.pattern = args[1]
			args = args[2:]
		case word != "" && equalFold(a, word):
			o.keysOnly = true
			args = args[1:]
		default:
			return o, errSyntax
		}
	}
	return o, ""
}

// matches reports whether an element is asked for.
func (o *elementScan) matches(key []byte) bool {
	return o.pattern == nil || matchesKey(o.pattern, key)
}

// beginScan begins an answer with the cursor. It comes before what the walk passes, which is
// known before it and must be kept till then.
func (c *Ctx) beginScan(next uint64) {
	c.Array(2)
	c.Str(strconv.FormatUint(next, 10))
}

// emptyScan is the answer for a missing key.
func (c *Ctx) emptyScan() {
	c.beginScan(0)
	c.Array(0)
}
