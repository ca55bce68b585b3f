package concurrency

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"quarry/tests/harness"
)

// Histories of a few clients on a few keys, recorded over real connections, are looked at by
// porcupine: is there an order of the operations, each at some moment between its call
// and its reply, in which one after the other would have answered just so?
//
//	go test ./tests/concurrency -run TestLinearizable -long -timeout 60m

var long = flag.Bool("long", false, "look at a hundred times as many histories")

// scenario is a way to make a history.
type scenario struct {
	name string
	play func(p *player) // one turn of a client
}

var scenarios = []scenario{
	{"counters", func(p *player) { p.pipelined(p.counting) }},
	{"several keys", func(p *player) { p.pipelined(p.severalKeys) }},
	{"transactions", (*player).transactions},
	{"compare and set", (*player).compareAndSet},
	{"lists", func(p *player) { p.pipelined(p.lists) }},
	{"waiting for lists", (*player).waitForLists},
	{"sets", func(p *player) { p.pipelined(p.sets) }},
	{"hashes", func(p *player) { p.pipelined(p.hashes) }},
	{"sorted sets", func(p *player) { p.pipelined(p.sortedSets) }},
	{"waiting for sorted sets", (*player).waitForSortedSets},
}

func (p *player) counting() []string {
	key := p.key(2)
	switch p.rng.IntN(6) {
	case 0:
		return []string{"SET", key, p.number()}
	case 1:
		return []string{"GET", key}
	case 2:
		return []string{"INCRBY", key, p.number()}
	case 3:
		return []string{"GETSET", key, p.number()}
	}
	return []string{"INCR", key}
}

func (p *player) severalKeys() []string {
	switch p.rng.IntN(8) {
	case 0, 1:
		return []string{"MGET", p.named(0), p.named(1), p.named(2)}
	case 2:
		return []string{"MSETNX", p.named(1), p.number(), p.named(2), p.number()}
	case 3:
		return []string{"DEL", p.named(2), p.named(1)}
	case 4:
		return []string{"EXISTS", p.named(0), p.named(1), p.named(2)}
	case 5:
		return []string{"RENAME", p.key(3), p.key(3)}
	}
	n := p.number()
	return []string{"MSET", p.named(0), n, p.named(1), n, p.named(2), n}
}

func (p *player) transactions() {
	a, b, c := p.named(0), p.named(1), p.named(2)
	switch p.rng.IntN(6) {
	case 0:
		p.exec([]string{"INCR", a}, []string{"INCR", c})
	case 1:
		p.exec([]string{"GET", c}, []string{"GET", b}, []string{"GET", a})
	case 2:
		p.exec([]string{"SET", b, p.number()}, []string{"RENAME", b, a}, []string{"EXISTS", b, a})
	case 3:
		p.one("MGET", a, b, c)
	case 4:
		p.exec([]string{"DEL", a, b}, []string{"MSET", b, "5", c, "5"})
	case 5:
		p.one("INCR", p.key(3))
	}
}

func (p *player) compareAndSet() {
	key := p.key(2)
	switch p.rng.IntN(5) {
	case 0:
		p.one("INCR", key)
	case 1:
		p.one("GET", key)
	default:
		watched := []string{"WATCH", key}
		if p.rng.IntN(3) == 0 {
			watched = append(watched, p.named(2))
		}
		p.one(watched...)
		n := atoi(p.one("GET", key).Str) + 1
		p.exec([]string{"SET", key, strconv.Itoa(n)}, []string{"INCR", p.named(2 + p.rng.IntN(2))})
	}
}

func (p *player) lists() []string {
	key := p.key(2)
	switch p.rng.IntN(8) {
	case 0:
		return []string{"LPUSH", key, p.fresh()}
	case 1:
		return []string{"RPUSH", key, p.fresh(), p.fresh()}
	case 2:
		return []string{"LPOP", key}
	case 3:
		return []string{"RPOP", key}
	case 4:
		return []string{"LLEN", key}
	case 5:
		return []string{"LRANGE", key, "0", "-1"}
	}
	return []string{"LMOVE", key, p.key(2), p.end(), p.end()}
}

func (p *player) waitForLists() {
	key := p.key(2)
	switch p.rng.IntN(7) {
	case 0:
		p.one("BLPOP", key, soon)
	case 1:
		p.one("BRPOP", key, soon)
	case 2:
		p.one("BLMOVE", key, p.key(2), p.end(), p.end(), soon)
	case 3:
		p.one("LPUSH", key, p.fresh(), p.fresh())
	case 4:
		p.one("RPUSH", key, p.fresh())
	case 5:
		p.exec([]string{"RPUSH", key, p.fresh()}, []string{"LLEN", key})
	case 6:
		p.one("LRANGE", key, "0", "-1")
	}
}

func (p *player) sets() []string {
	key, member := p.key(2), p.small()
	switch p.rng.IntN(8) {
	case 0:
		return []string{"SADD", key, member, p.small()}
	case 1:
		return []string{"SREM", key, member}
	case 2:
		return []string{"SISMEMBER", key, member}
	case 3:
		return []string{"SCARD", key}
	case 4:
		return []string{"SMOVE", key, p.key(2), member}
	case 5:
		return []string{"SINTERCARD", "2", p.named(0), p.named(1)}
	case 6:
		return []string{"SADD", key, p.fresh()}
	}
	return []string{"SPOP", key}
}

func (p *player) hashes() []string {
	key, field := p.key(2), p.small()
	switch p.rng.IntN(7) {
	case 0:
		return []string{"HSET", key, field, p.number()}
	case 1:
		return []string{"HGET", key, field}
	case 2:
		return []string{"HDEL", key, field}
	case 3:
		return []string{"HLEN", key}
	case 4:
		return []string{"HMGET", key, "m0", "m1", "m2"}
	}
	return []string{"HINCRBY", key, field, p.number()}
}

func (p *player) sortedSets() []string {
	key, member := p.key(2), p.small()
	switch p.rng.IntN(8) {
	case 0:
		return []string{"ZADD", key, p.number(), member}
	case 1:
		return []string{"ZREM", key, member}
	case 2:
		return []string{"ZSCORE", key, member}
	case 3:
		return []string{"ZRANGE", key, "0", "-1", "WITHSCORES"}
	case 4:
		return []string{"ZPOPMAX", key}
	case 5:
		return []string{"ZADD", key, p.number(), p.fresh()}
	case 6:
		return []string{"ZPOPMIN", key}
	}
	return []string{"ZINCRBY", key, p.number(), member}
}

func (p *player) waitForSortedSets() {
	key := p.key(2)
	switch p.rng.IntN(5) {
	case 0:
		p.one("BZPOPMIN", p.named(0), p.named(1), soon)
	case 1:
		p.one("BZPOPMIN", key, soon)
	case 2:
		p.one("ZADD", key, p.number(), p.fresh())
	case 3:
		p.exec([]string{"ZADD", key, p.number(), p.fresh()}, []string{"ZCARD", key})
	case 4:
		p.one("ZRANGE", key, "0", "-1", "WITHSCORES")
	}
}

// soon is how long those that wait for an element wait.
const soon = "0.003"

// player is a client of a history.
type player struct {
	*caller
	id, turn int
	round    int
	rng      *rand.Rand
	start    time.Time
	torn     bool // what is one step for the model is done in several
	history  []porcupine.Operation
}

// named is a key of this round; the keys of a round are in several shards.
func (p *player) named(i int) string { return "key:" + strconv.Itoa(p.round) + ":" + strconv.Itoa(i) }

func (p *player) key(of int) string { return p.named(p.rng.IntN(of)) }

func (p *player) number() string { return strconv.Itoa(p.rng.IntN(5)) }

func (p *player) small() string { return "m" + strconv.Itoa(p.rng.IntN(3)) }

// fresh is a member nobody has used.
func (p *player) fresh() string {
	return fmt.Sprintf("%c%d:%d", 'a'+rune(p.id), p.turn, p.rng.IntN(1000))
}

func (p *player) end() string { return [...]string{"LEFT", "RIGHT"}[p.rng.IntN(2)] }

func (p *player) now() int64 { return int64(time.Since(p.start)) }

// began notes an operation, whose reply is to come.
func (p *player) began(at int64, exec bool, commands ...[]string) *porcupine.Operation {
	p.history = append(p.history, porcupine.Operation{
		ClientId: p.id, Call: at, Input: operation{p.id, p.turn, exec, commands},
	})
	p.turn++
	return &p.history[len(p.history)-1]
}

func (p *player) ended(o *porcupine.Operation, v harness.Value) harness.Value {
	o.Return, o.Output = p.now(), v
	return v
}

// one sends a command.
func (p *player) one(args ...string) harness.Value {
	o := p.began(p.now(), false, args)
	if tear := tears[args[0]]; p.torn && tear != nil {
		return p.ended(o, tear(p.caller, args))
	}
	return p.ended(o, p.do(args...))
}

// exec sends a transaction.
func (p *player) exec(calls ...[]string) harness.Value {
	o := p.began(p.now(), true, calls...)
	if !p.torn {
		return p.ended(o, p.transaction(calls...))
	}
	v := array()
	for _, c := range calls {
		v.Elems = append(v.Elems, p.do(c...))
	}
	return p.ended(o, v)
}

// pipelined sends one command that next makes, or some of them in one write.
func (p *player) pipelined(next func() []string) {
	if p.torn || p.rng.IntN(3) > 0 {
		p.one(next()...)
		return
	}
	var out []byte
	from, at := len(p.history), p.now()
	for range 2 + p.rng.IntN(4) {
		args := next()
		p.began(at, false, args)
		out = harness.AppendCommand(out, args...)
	}
	err := p.SendRaw(out)
	for i := from; i < len(p.history); i++ {
		var v harness.Value
		if err == nil {
			v, err = p.Receive()
		}
		p.ended(&p.history[i], v)
	}
	if err != nil && !p.bad {
		p.bad = true
		p.t.Error(err)
	}
}

// record has all players play a number of turns on an empty server and returns what they saw.
func record(t *testing.T, callers []*caller, s scenario, round, turns int, torn bool) []porcupine.Operation {
	t.Helper()
	callers[0].do("FLUSHALL")
	start, list := time.Now(), make([]*player, len(callers))
	var playing sync.WaitGroup
	for i, c := range callers {
		p := &player{caller: c, id: i, round: round, start: start, torn: torn}
		p.rng = rand.New(rand.NewPCG(uint64(round), uint64(i)))
		list[i] = p
		playing.Go(func() {
			for range turns {
				s.play(p)
			}
		})
	}
	playing.Wait()
	var history []porcupine.Operation
	for _, p := range list {
		if p.bad {
			t.FailNow()
		}
		history = append(history, p.history...)
	}
	return history
}

func dialAll(t *testing.T, addr string) []*caller {
	t.Helper()
	list := make([]*caller, players)
	for i := range list {
		list[i] = dialAddr(t, addr)
	}
	return list
}

// turns is how many a client has in a history: enough to meet others on its way, few
// enough to find an order among all.
const turns = 40

func checkLinearizable(t *testing.T, addr string, s scenario, histories int) {
	t.Helper()
	callers := dialAll(t, addr)
	for round := range histories {
		if history := record(t, callers, s, round, turns, false); !porcupine.CheckOperations(model, history) {
			t.Fatalf("round %d has no order:\n%s", round, explain(t, history))
		}
	}
}

// explain shows the end of the longest order that porcupine has found, and what does not follow
// it; the whole history becomes a page to look at.
func explain(t *testing.T, history []porcupine.Operation) string {
	t.Helper()
	_, found := porcupine.CheckOperationsVerbose(model, history, 0)
	if file, err := os.CreateTemp("", "history-*.html"); err == nil {
		defer file.Close()
		if err := porcupine.Visualize(model, found, file); err == nil {
			t.Logf("drawn in %s", file.Name())
		}
	}
	var best []porcupine.Operation
	for _, partition := range found.PartialLinearizationsOperations() {
		for _, order := range partition {
			if len(order) > len(best) {
				best = order
			}
		}
	}
	placed := map[operationID]bool{}
	for _, o := range best {
		placed[idOf(o)] = true
	}
	rest := slices.DeleteFunc(slices.Clone(history), func(o porcupine.Operation) bool { return placed[idOf(o)] })
	slices.SortFunc(rest, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	lines := func(title string, list []porcupine.Operation) {
		fmt.Fprintln(&b, title)
		for _, o := range list {
			fmt.Fprintf(&b, "%10d %10d client %d: %s\n", o.Call, o.Return, o.ClientId, model.DescribeOperation(o.Input, o.Output))
		}
	}
	lines("in order, the last of them:", best[max(0, len(best)-30):])
	lines("none of these can follow:", rest[:min(len(rest), 2*players)])
	return b.String()
}

type operationID struct{ client, turn int }

func idOf(o porcupine.Operation) operationID {
	in := o.Input.(operation)
	return operationID{in.client, in.turn}
}

func histories() int {
	switch {
	case *long:
		return 1000
	case testing.Short():
		return 3
	}
	return 10
}

func TestLinearizable(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		for _, sc := range scenarios {
			t.Run(sc.name, func(t *testing.T) { checkLinearizable(t, s.Addr, sc, histories()) })
		}
	})
}

// The model is Redis', whose histories it accepts.
func TestModelIsThatOfRedis(t *testing.T) {
	addr := harness.StartRedis(t, "--hz", "500").Addr
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) { checkLinearizable(t, addr, sc, histories()) })
	}
}
