package concurrency

import (
	"strconv"
	"testing"

	"github.com/anishathalye/porcupine"

	"quarry/tests/harness"
)

// tears do a command in several steps, as a server would that forgot a lock. What they
// answer is what the command would have.
var tears = map[string]func(c *caller, args []string) harness.Value{
	"INCR": func(c *caller, args []string) harness.Value {
		n := atoi(c.do("GET", args[1]).Str) + 1
		c.do("SET", args[1], strconv.Itoa(n))
		return integer(n)
	},
	"MGET": func(c *caller, args []string) harness.Value {
		v := array()
		for _, key := range args[1:] {
			v.Elems = append(v.Elems, c.do("GET", key))
		}
		return v
	},
	"WATCH": func(*caller, []string) harness.Value { return status("OK") },
	"LPOP": func(c *caller, args []string) harness.Value {
		v := c.do("LINDEX", args[1], "0")
		if !v.Nil {
			c.do("LREM", args[1], "1", v.Str)
		}
		return v
	},
	"BLPOP": func(c *caller, args []string) harness.Value {
		v := c.do("LINDEX", args[1], "0")
		if v.Nil {
			return v
		}
		c.do("LREM", args[1], "1", v.Str)
		return array(args[1], v.Str)
	},
	"SPOP": func(c *caller, args []string) harness.Value {
		v := c.do("SRANDMEMBER", args[1])
		if !v.Nil {
			c.do("SREM", args[1], v.Str)
		}
		return v
	},
	"HINCRBY": func(c *caller, args []string) harness.Value {
		n := atoi(c.do("HGET", args[1], args[2]).Str) + atoi(args[3])
		c.do("HSET", args[1], args[2], strconv.Itoa(n))
		return integer(n)
	},
	"ZPOPMIN": func(c *caller, args []string) harness.Value {
		v := c.do("ZRANGE", args[1], "0", "0", "WITHSCORES")
		if len(v.Elems) > 0 {
			c.do("ZREM", args[1], v.Elems[0].Str)
		}
		return v
	},
	"BZPOPMIN": func(c *caller, args []string) harness.Value {
		for _, key := range args[1 : len(args)-1] {
			if v := c.do("ZRANGE", key, "0", "0", "WITHSCORES"); len(v.Elems) > 0 {
				c.do("ZREM", key, v.Elems[0].Str)
				return array(key, v.Elems[0].Str, v.Elems[1].Str)
			}
		}
		return null
	},
}

// Histories that a server without locks would have made are told from good ones, in every
// scenario: the clients meet often enough. It is their meeting that shows, not how
// commands are torn: one client alone has good histories.
func TestTornCommandsAreSeen(t *testing.T) {
	s := harness.Start(t, configurations()[1])
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			callers, round := dialAll(t, s.Addr), 0
			if history := record(t, callers[:1], sc, round, turns, true); !porcupine.CheckOperations(model, history) {
				t.Fatalf("torn commands of one client alone have no order:\n%s", explain(t, history))
			}
			harness.Eventually(t, "a history has no order", func() bool {
				round++
				return !porcupine.CheckOperations(model, record(t, callers, sc, round, turns, true))
			})
			t.Logf("after %d histories", round)
		})
	}
}

// event is a line of a history made by hand: who sent what, from when to when, and the reply.
type event struct {
	client, call, end int
	commands          [][]string // several: a transaction
	reply             harness.Value
}

func did(client, call, end int, reply harness.Value, args ...string) event {
	return event{client, call, end, [][]string{args}, reply}
}

func historyOf(events []event) (list []porcupine.Operation) {
	var turns [players]int
	for _, e := range events {
		list = append(list, porcupine.Operation{
			ClientId: e.client, Call: int64(e.call), Return: int64(e.end), Output: e.reply,
			Input: operation{e.client, turns[e.client], len(e.commands) > 1, e.commands},
		})
		turns[e.client]++
	}
	return list
}

func several(replies ...harness.Value) harness.Value {
	return harness.Value{Kind: harness.Array, Elems: replies}
}

var (
	ok       = status("OK")
	setBoth  = [][]string{{"SET", "a", "1"}, {"SET", "b", "1"}}
	getBoth  = [][]string{{"GET", "a"}, {"GET", "b"}}
	nullList = harness.Value{Kind: harness.Array, Nil: true}
)

// What must not happen, told by hand, and beside it what may.
func TestBadHistoriesAreSeen(t *testing.T) {
	for _, c := range []struct {
		name string
		good bool
		list []event
	}{
		{"increments at the same time", true, []event{did(0, 0, 9, integer(2), "INCR", "a"), did(1, 1, 8, integer(1), "INCR", "a")}},
		{"a lost update", false, []event{did(0, 0, 9, integer(1), "INCR", "a"), did(1, 1, 8, integer(1), "INCR", "a")}},
		{"a read of what is being written", true, []event{did(0, 0, 9, ok, "SET", "a", "1"), did(1, 1, 2, bulk("1"), "GET", "a"), did(2, 3, 4, bulk("1"), "GET", "a")}},
		{"a value that goes back", false, []event{did(0, 0, 9, ok, "SET", "a", "1"), did(1, 1, 2, bulk("1"), "GET", "a"), did(2, 3, 4, null, "GET", "a")}},
		{"a read of the past", false, []event{did(0, 0, 1, ok, "SET", "a", "1"), did(1, 2, 3, null, "GET", "a")}},
		{"a read of the future", false, []event{did(0, 2, 3, ok, "SET", "a", "1"), did(1, 0, 1, bulk("1"), "GET", "a")}},
		{"a pipeline out of order", false, []event{did(0, 0, 9, ok, "SET", "a", "1"), did(0, 0, 9, null, "GET", "a")}},

		{"all of MSET", true, []event{did(0, 0, 9, ok, "MSET", "a", "1", "b", "1"), did(1, 1, 2, several(bulk("1"), bulk("1")), "MGET", "a", "b")}},
		{"half of MSET", false, []event{did(0, 0, 9, ok, "MSET", "a", "1", "b", "1"), did(1, 1, 2, several(bulk("1"), null), "MGET", "a", "b")}},
		{"a whole transaction", true, []event{{0, 0, 9, setBoth, several(ok, ok)}, {1, 1, 2, getBoth, several(bulk("1"), bulk("1"))}}},
		{"half of a transaction", false, []event{{0, 0, 9, setBoth, several(ok, ok)}, {1, 1, 2, getBoth, several(null, bulk("1"))}}},
		{"a reply too few", false, []event{{0, 0, 9, setBoth, several(ok)}}},

		{"one of two EXECs", true, []event{
			did(0, 0, 1, ok, "WATCH", "a"), did(1, 0, 1, ok, "WATCH", "a"),
			{0, 2, 9, setBoth, several(ok, ok)}, {1, 2, 9, setBoth, nullList},
		}},
		{"both of two EXECs", false, []event{
			did(0, 0, 1, ok, "WATCH", "a"), did(1, 0, 1, ok, "WATCH", "a"),
			{0, 2, 9, setBoth, several(ok, ok)}, {1, 2, 9, setBoth, several(ok, ok)},
		}},
		{"none of two EXECs", false, []event{
			did(0, 0, 1, ok, "WATCH", "a"), did(1, 0, 1, ok, "WATCH", "a"),
			{0, 2, 9, setBoth, nullList}, {1, 2, 9, setBoth, nullList},
		}},

		{"elements in order", true, []event{did(0, 0, 1, integer(2), "RPUSH", "l", "x", "y"), did(1, 2, 9, bulk("y"), "LPOP", "l"), did(2, 3, 8, bulk("x"), "LPOP", "l")}},
		{"elements out of order", false, []event{did(0, 0, 1, integer(2), "RPUSH", "l", "x", "y"), did(1, 2, 3, bulk("y"), "LPOP", "l"), did(2, 4, 5, bulk("x"), "LPOP", "l")}},
		{"an element popped twice", false, []event{did(0, 0, 1, integer(1), "RPUSH", "l", "x"), did(1, 2, 9, bulk("x"), "LPOP", "l"), did(2, 2, 9, bulk("x"), "RPOP", "l")}},
		{"an element lost on its way", false, []event{did(0, 0, 1, integer(1), "RPUSH", "l", "x"), did(1, 2, 3, bulk("x"), "LMOVE", "l", "m", "LEFT", "LEFT"), did(2, 4, 5, integer(0), "LLEN", "m")}},
		{"an element between two lists", false, []event{
			did(0, 0, 1, integer(1), "RPUSH", "l", "x"), did(1, 2, 9, bulk("x"), "LMOVE", "l", "m", "LEFT", "LEFT"),
			{2, 3, 4, [][]string{{"LLEN", "l"}, {"LLEN", "m"}}, several(integer(0), integer(0))},
		}},
		{"waiting until a push", true, []event{did(0, 0, 9, array("l", "x"), "BLPOP", "l", "0"), did(1, 3, 4, integer(1), "RPUSH", "l", "x"), did(2, 5, 6, integer(0), "LLEN", "l")}},
		{"waiting beside an element", false, []event{did(0, 0, 1, integer(1), "RPUSH", "l", "x"), did(1, 2, 9, nullList, "BLPOP", "l", "0")}},
		{"one element for two who wait", false, []event{did(0, 0, 9, array("l", "x"), "BLPOP", "l", "0"), did(2, 0, 9, array("l", "x"), "BRPOP", "l", "0"), did(1, 3, 4, integer(1), "RPUSH", "l", "x")}},

		{"any member", true, []event{did(0, 0, 1, integer(2), "SADD", "s", "x", "y"), did(1, 2, 3, bulk("y"), "SPOP", "s"), did(2, 4, 5, bulk("x"), "SPOP", "s")}},
		{"a member popped twice", false, []event{did(0, 0, 1, integer(2), "SADD", "s", "x", "y"), did(1, 2, 9, bulk("x"), "SPOP", "s"), did(2, 2, 9, bulk("x"), "SPOP", "s")}},
		{"a member not seen", false, []event{did(0, 0, 1, integer(2), "SADD", "s", "x", "y"), did(1, 2, 3, null, "SPOP", "s")}},
		{"a member in two sets", false, []event{
			did(0, 0, 1, integer(1), "SADD", "s", "x"), did(1, 2, 9, integer(1), "SMOVE", "s", "t", "x"), did(2, 3, 4, integer(1), "SINTERCARD", "2", "s", "t"),
		}},

		{"the least", true, []event{did(0, 0, 1, integer(1), "ZADD", "z", "2", "x"), did(1, 2, 9, integer(1), "ZADD", "z", "1", "y"), did(2, 3, 8, array("x", "2"), "ZPOPMIN", "z")}},
		{"not the least", false, []event{did(0, 0, 1, integer(1), "ZADD", "z", "2", "x"), did(1, 2, 3, integer(1), "ZADD", "z", "1", "y"), did(2, 4, 5, array("x", "2"), "ZPOPMIN", "z")}},
		{"a lost increment of a field", false, []event{did(0, 0, 9, integer(1), "HINCRBY", "h", "f", "1"), did(1, 1, 8, integer(2), "HINCRBY", "h", "f", "2")}},
		{"a lost increment of a score", false, []event{did(0, 0, 9, bulk("1"), "ZINCRBY", "z", "1", "m"), did(1, 1, 8, bulk("2"), "ZINCRBY", "z", "2", "m")}},
	} {
		if got := porcupine.CheckOperations(model, historyOf(c.list)); got != c.good {
			t.Errorf("%s: there is an order: %t", c.name, got)
		}
	}
}

// Every command a history may have is in the model, and none of the model's is left out.
func TestScenariosHaveEveryCommand(t *testing.T) {
	s, used := harness.Start(t, configurations()[1]), map[string]bool{"WATCH": true}
	callers := dialAll(t, s.Addr)
	for _, sc := range scenarios {
		for _, o := range record(t, callers, sc, 0, 200, false) {
			for _, c := range o.Input.(operation).commands {
				used[c[0]] = true
			}
		}
	}
	for name := range modelled {
		if !used[name] {
			t.Errorf("no scenario has %s", name)
		}
		delete(used, name)
	}
	delete(used, "WATCH")
	for name := range used {
		t.Errorf("the model lacks %s", name)
	}
}
