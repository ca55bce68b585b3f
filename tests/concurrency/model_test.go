package concurrency

import (
	"hash/maphash"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"

	"quarry/tests/harness"
)

// operation is something a client did between two moments: one command, or a whole
// transaction with what it watched before.
type operation struct {
	client   int
	turn     int // how many operations the client began before this one: they are run in this order
	exec     bool
	commands [][]string
}

func (o operation) String() string {
	words := make([]string, len(o.commands))
	for i, c := range o.commands {
		words[i] = strings.Join(c, " ")
	}
	if o.exec {
		return "MULTI {" + strings.Join(words, "; ") + "}"
	}
	return words[0]
}

// players is how many clients a history has.
const players = 5

// world is a state of the model: what one client after the other would see, in a Redis
// of few commands. A state is never changed once porcupine has seen it.
type world struct {
	// keys holds what is there: a string as one element, a list's elements, a set's
	// members in order, a hash's fields in order with their values behind them, and so a
	// sorted set's members with their scores.
	keys    map[string][]string
	watches [players]watch
	turns   [players]int
}

// watch is what a client watches, and whether that has been touched.
type watch struct {
	keys    string // each with a blank before and behind it
	touched bool
}

func (w *world) clone() *world {
	n := *w
	n.keys = maps.Clone(w.keys)
	return &n
}

var modelSeed = maphash.MakeSeed()

func (w *world) hash() (h uint64) {
	for key, elements := range w.keys {
		h ^= maphash.String(modelSeed, key+" "+strings.Join(elements, " "))
	}
	return h
}

func (w *world) equal(o *world) bool {
	return w.turns == o.turns && w.watches == o.watches && maps.EqualFunc(w.keys, o.keys, slices.Equal)
}

// put replaces what a key holds, which touches it; nothing left is no key.
func (w *world) put(key string, elements ...string) {
	if len(elements) == 0 {
		delete(w.keys, key)
	} else {
		w.keys[key] = elements
	}
	for i := range w.watches {
		if strings.Contains(w.watches[i].keys, " "+key+" ") {
			w.watches[i].touched = true
		}
	}
}

// model says which histories are those of a server that runs one operation after the
// other, each at some moment between its call and its reply.
var model = porcupine.Model{
	Init: func() any { return &world{keys: map[string][]string{}} },
	Step: func(state, input, output any) (bool, any) {
		w, o := state.(*world), input.(operation)
		if w.turns[o.client] != o.turn {
			return false, nil
		}
		next := w.clone()
		next.turns[o.client]++
		return next.run(o, output.(harness.Value)), next
	},
	Equal:             func(a, b any) bool { return a.(*world).equal(b.(*world)) },
	Hash:              func(a any) uint64 { return a.(*world).hash() },
	DescribeOperation: func(in, out any) string { return in.(operation).String() + " -> " + brief(out.(harness.Value)) },
}

// run reports whether an operation answers so in this state, and leaves the one after it.
func (w *world) run(o operation, got harness.Value) bool {
	if !o.exec {
		if o.commands[0][0] == "WATCH" {
			w.watches[o.client].keys += " " + strings.Join(o.commands[0][1:], " ") + " "
			return same(got, status("OK"))
		}
		return w.command(o.commands[0], got)
	}
	touched := w.watches[o.client].touched
	w.watches[o.client] = watch{}
	if touched || got.Nil {
		return touched && got.Nil
	}
	if len(got.Elems) != len(o.commands) {
		return false
	}
	for i, c := range o.commands {
		if !w.command(c, got.Elems[i]) {
			return false
		}
	}
	return true
}

func (w *world) command(args []string, got harness.Value) bool {
	run := modelled[args[0]]
	if run == nil {
		return false
	}
	return same(got, run(w, args[1:], got))
}

// same compares replies without looking at which kind of null there is.
func same(a, b harness.Value) bool {
	if a.Nil || b.Nil {
		return a.Nil == b.Nil
	}
	return a.Kind == b.Kind && a.Text() == b.Text() && slices.EqualFunc(a.Elems, b.Elems, same)
}

// brief is a reply in one line.
func brief(v harness.Value) string { return strings.Join(strings.Fields(v.String()), " ") }

func status(s string) harness.Value { return harness.Value{Kind: harness.Status, Str: s} }

func integer(n int) harness.Value { return harness.Value{Kind: harness.Int, Int: int64(n)} }

func truth(b bool) harness.Value {
	if b {
		return integer(1)
	}
	return integer(0)
}

func bulk(s string) harness.Value { return harness.Value{Kind: harness.Bulk, Str: s} }

var null = harness.Value{Kind: harness.Bulk, Nil: true}

func array(list ...string) harness.Value {
	v := harness.Value{Kind: harness.Array}
	for _, s := range list {
		v.Elems = append(v.Elems, bulk(s))
	}
	return v
}

// modelled has every command that histories are made of. A command that may answer this
// or that is shown what was answered.
var modelled = map[string]func(w *world, args []string, got harness.Value) harness.Value{
	"GET": func(w *world, args []string, _ harness.Value) harness.Value { return w.get(args[0]) },
	"SET": func(w *world, args []string, _ harness.Value) harness.Value {
		w.put(args[0], args[1])
		return status("OK")
	},
	"GETSET": func(w *world, args []string, _ harness.Value) harness.Value {
		old := w.get(args[0])
		w.put(args[0], args[1])
		return old
	},
	"INCR": func(w *world, args []string, _ harness.Value) harness.Value { return w.add(args[0], 1) },
	"INCRBY": func(w *world, args []string, _ harness.Value) harness.Value {
		return w.add(args[0], atoi(args[1]))
	},
	"DEL": func(w *world, args []string, _ harness.Value) harness.Value {
		n := 0
		for _, key := range args {
			if len(w.keys[key]) > 0 {
				w.put(key)
				n++
			}
		}
		return integer(n)
	},
	"EXISTS": func(w *world, args []string, _ harness.Value) harness.Value {
		n := 0
		for _, key := range args {
			if len(w.keys[key]) > 0 {
				n++
			}
		}
		return integer(n)
	},
	"RENAME": func(w *world, args []string, _ harness.Value) harness.Value {
		old := w.keys[args[0]]
		if old == nil {
			return harness.Value{Kind: harness.Error, Str: "ERR no such key"}
		}
		w.put(args[0])
		w.put(args[1], old...)
		return status("OK")
	},
	"MGET": func(w *world, args []string, _ harness.Value) harness.Value {
		v := array()
		for _, key := range args {
			v.Elems = append(v.Elems, w.get(key))
		}
		return v
	},
	"MSET": func(w *world, args []string, _ harness.Value) harness.Value {
		w.setAll(args)
		return status("OK")
	},
	"MSETNX": func(w *world, args []string, _ harness.Value) harness.Value {
		for i := 0; i < len(args); i += 2 {
			if len(w.keys[args[i]]) > 0 {
				return integer(0)
			}
		}
		w.setAll(args)
		return integer(1)
	},

	"LPUSH": func(w *world, args []string, _ harness.Value) harness.Value {
		for _, e := range args[1:] {
			w.push(args[0], "LEFT", e)
		}
		return integer(len(w.keys[args[0]]))
	},
	"RPUSH": func(w *world, args []string, _ harness.Value) harness.Value {
		for _, e := range args[1:] {
			w.push(args[0], "RIGHT", e)
		}
		return integer(len(w.keys[args[0]]))
	},
	"LPOP": func(w *world, args []string, _ harness.Value) harness.Value { return w.pop(args[0], "LEFT") },
	"RPOP": func(w *world, args []string, _ harness.Value) harness.Value { return w.pop(args[0], "RIGHT") },
	"LLEN": func(w *world, args []string, _ harness.Value) harness.Value {
		return integer(len(w.keys[args[0]]))
	},
	"LRANGE": func(w *world, args []string, _ harness.Value) harness.Value { return array(w.keys[args[0]]...) },
	"LMOVE":  func(w *world, args []string, _ harness.Value) harness.Value { return w.move(args) },
	// Those that wait answer null at a moment when nothing is there.
	"BLMOVE": func(w *world, args []string, _ harness.Value) harness.Value { return w.move(args) },
	"BLPOP":  func(w *world, args []string, _ harness.Value) harness.Value { return w.popFirst(args, "LEFT") },
	"BRPOP":  func(w *world, args []string, _ harness.Value) harness.Value { return w.popFirst(args, "RIGHT") },

	"SADD": func(w *world, args []string, _ harness.Value) harness.Value {
		n := 0
		for _, m := range args[1:] {
			if w.insert(args[0], m) {
				n++
			}
		}
		return integer(n)
	},
	"SREM":  func(w *world, args []string, _ harness.Value) harness.Value { return truth(w.remove(args[0], args[1])) },
	"SCARD": func(w *world, args []string, _ harness.Value) harness.Value { return integer(len(w.keys[args[0]])) },
	"SISMEMBER": func(w *world, args []string, _ harness.Value) harness.Value {
		return truth(slices.Contains(w.keys[args[0]], args[1]))
	},
	"SPOP": func(w *world, args []string, got harness.Value) harness.Value {
		if w.remove(args[0], got.Str) {
			return got
		}
		if len(w.keys[args[0]]) > 0 {
			return status("a member")
		}
		return null
	},
	"SMOVE": func(w *world, args []string, _ harness.Value) harness.Value {
		if !w.remove(args[0], args[2]) {
			return integer(0)
		}
		w.insert(args[1], args[2])
		return integer(1)
	},
	"SINTERCARD": func(w *world, args []string, _ harness.Value) harness.Value {
		n := 0
		for _, m := range w.keys[args[1]] {
			if slices.Contains(w.keys[args[2]], m) {
				n++
			}
		}
		return integer(n)
	},

	"HSET": func(w *world, args []string, _ harness.Value) harness.Value {
		return truth(w.setPair(args[0], args[1], args[2], fieldLess))
	},
	"HGET": func(w *world, args []string, _ harness.Value) harness.Value { return w.pair(args[0], args[1]) },
	"HDEL": func(w *world, args []string, _ harness.Value) harness.Value {
		return truth(w.deletePair(args[0], args[1]))
	},
	"HLEN": func(w *world, args []string, _ harness.Value) harness.Value { return integer(len(w.keys[args[0]]) / 2) },
	"HINCRBY": func(w *world, args []string, _ harness.Value) harness.Value {
		n := atoi(w.pair(args[0], args[1]).Str) + atoi(args[2])
		w.setPair(args[0], args[1], strconv.Itoa(n), fieldLess)
		return integer(n)
	},
	"HMGET": func(w *world, args []string, _ harness.Value) harness.Value {
		v := array()
		for _, f := range args[1:] {
			v.Elems = append(v.Elems, w.pair(args[0], f))
		}
		return v
	},

	"ZADD": func(w *world, args []string, _ harness.Value) harness.Value {
		return truth(w.setPair(args[0], args[2], args[1], scoreLess))
	},
	"ZINCRBY": func(w *world, args []string, _ harness.Value) harness.Value {
		score := strconv.Itoa(atoi(w.pair(args[0], args[2]).Str) + atoi(args[1]))
		w.setPair(args[0], args[2], score, scoreLess)
		return bulk(score)
	},
	"ZSCORE": func(w *world, args []string, _ harness.Value) harness.Value { return w.pair(args[0], args[1]) },
	"ZREM": func(w *world, args []string, _ harness.Value) harness.Value {
		return truth(w.deletePair(args[0], args[1]))
	},
	"ZCARD":  func(w *world, args []string, _ harness.Value) harness.Value { return integer(len(w.keys[args[0]]) / 2) },
	"ZRANGE": func(w *world, args []string, _ harness.Value) harness.Value { return array(w.keys[args[0]]...) },
	"ZPOPMIN": func(w *world, args []string, _ harness.Value) harness.Value {
		return array(w.popPair(args[0], 0)...)
	},
	"ZPOPMAX": func(w *world, args []string, _ harness.Value) harness.Value {
		return array(w.popPair(args[0], len(w.keys[args[0]])-2)...)
	},
	"BZPOPMIN": func(w *world, args []string, _ harness.Value) harness.Value {
		for _, key := range args[:len(args)-1] {
			if p := w.popPair(key, 0); p != nil {
				return array(append([]string{key}, p...)...)
			}
		}
		return null
	},
}

// atoi reads a number that the test itself has made; nothing is 0.
func atoi(s string) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return math.MinInt32 // agrees with no reply
	}
	return n
}

func (w *world) get(key string) harness.Value {
	if v := w.keys[key]; v != nil {
		return bulk(v[0])
	}
	return null
}

func (w *world) add(key string, n int) harness.Value {
	n += atoi(w.get(key).Str)
	w.put(key, strconv.Itoa(n))
	return integer(n)
}

func (w *world) setAll(pairs []string) {
	for i := 0; i < len(pairs); i += 2 {
		w.put(pairs[i], pairs[i+1])
	}
}

func (w *world) push(key, end, element string) {
	if end == "LEFT" {
		w.put(key, append([]string{element}, w.keys[key]...)...)
	} else {
		w.put(key, append(slices.Clip(w.keys[key]), element)...)
	}
}

func (w *world) pop(key, end string) harness.Value {
	list := w.keys[key]
	switch {
	case list == nil:
		return null
	case end == "LEFT":
		w.put(key, list[1:]...)
		return bulk(list[0])
	}
	w.put(key, list[:len(list)-1]...)
	return bulk(list[len(list)-1])
}

// move is LMOVE source destination from to.
func (w *world) move(args []string) harness.Value {
	v := w.pop(args[0], args[2])
	if !v.Nil {
		w.push(args[1], args[3], v.Str)
	}
	return v
}

// popFirst is BLPOP and BRPOP: key ... timeout.
func (w *world) popFirst(args []string, end string) harness.Value {
	for _, key := range args[:len(args)-1] {
		if v := w.pop(key, end); !v.Nil {
			return array(key, v.Str)
		}
	}
	return null
}

func (w *world) insert(key, member string) bool {
	i, found := slices.BinarySearch(w.keys[key], member)
	if !found {
		w.put(key, slices.Insert(slices.Clone(w.keys[key]), i, member)...)
	}
	return !found
}

func (w *world) remove(key, member string) bool {
	i, found := slices.BinarySearch(w.keys[key], member)
	if found {
		w.put(key, slices.Delete(slices.Clone(w.keys[key]), i, i+1)...)
	}
	return found
}

func (w *world) pair(key, name string) harness.Value {
	list := w.keys[key]
	for i := 0; i < len(list); i += 2 {
		if list[i] == name {
			return bulk(list[i+1])
		}
	}
	return null
}

// setPair gives name a value at the place that less wants, and reports whether it is new.
func (w *world) setPair(key, name, value string, less func(name, value, otherName, otherValue string) bool) bool {
	old := w.pair(key, name)
	if !old.Nil {
		if old.Str == value && less(name, "1", name, "2") {
			return false // ZADD of the score it has changes nothing
		}
		w.takePair(key, name)
	}
	list := slices.Clone(w.keys[key])
	i := 0
	for i < len(list) && less(list[i], list[i+1], name, value) {
		i += 2
	}
	w.put(key, slices.Insert(list, i, name, value)...)
	return old.Nil
}

func fieldLess(name, _, otherName, _ string) bool { return name < otherName }

func scoreLess(name, value, otherName, otherValue string) bool {
	a, b := atoi(value), atoi(otherValue)
	return a < b || a == b && name < otherName
}

// takePair takes a pair out without touching the key.
func (w *world) takePair(key, name string) bool {
	list := w.keys[key]
	for i := 0; i < len(list); i += 2 {
		if list[i] == name {
			w.keys[key] = slices.Delete(slices.Clone(list), i, i+2)
			return true
		}
	}
	return false
}

func (w *world) deletePair(key, name string) bool {
	if !w.takePair(key, name) {
		return false
	}
	w.put(key, w.keys[key]...)
	return true
}

// popPair takes the pair at a place, and gives nil where nothing is.
func (w *world) popPair(key string, i int) []string {
	list := w.keys[key]
	if len(list) == 0 {
		return nil
	}
	pair := slices.Clone(list[i : i+2])
	w.deletePair(key, pair[0])
	return pair
}
