package server_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quarry/commands"
	"quarry/server"
	"quarry/tests/calls"
	"quarry/tests/contents"
	"quarry/tests/harness"
)

// changer draws calls of which most change data.
type changer struct {
	themed
	b       *bench
	table   *commands.Table
	also    func(*commands.Spec) bool // which commands there are
	pointed bool
}

func newChanger(b *bench, seed uint64, also func(*commands.Spec) bool) changer {
	rnd := rand.New(rand.NewPCG(seed, 2))
	table := commands.NewCommandTable()
	selects := []string{"select", "multi", "exec", "watch", "discard"}
	return changer{newThemed(rnd, table, func(s *commands.Spec) int {
		switch {
		case !also(s):
			return 0
		case s.Has(commands.Write), slices.Contains(selects, s.FullName()):
			return calls.Weight(s)
		case s.Has(commands.ReadOnly) && s.HasKeys():
			return 1 // it finds what has expired
		}
		return 0
	}), b, table, also, seed%2 == 0}
}

// pointed are calls whose effects differ from them for reasons that random calls seldom meet. Of the words, K is a key, F one of a
// field, M a member, I a small number, T a short time and A a time near now, in milliseconds.
var pointed = []string{
	"HUNT.PUT F I I M I I M", "HUNT.PUT F NX PX T I I M", "HUNT.PUT F XX PX T I I M", "HUNT.PUT F SEQ I I I M", "HUNT.PUT F KEEPTTL I I M",
	"HUNT.PUT F PXAT A I I M I I M I I M", "HUNT.PUT F SEQ I PX T FIELDS 1 hp I I I M", "HUNT.DEL F M M", "HUNT.PURGE F A", "HUNT.CREATE F FIELD",
	"COPY F F REPLACE", "RENAME F F", "PEXPIREAT F A", "HUNT.CARD F",
	"ZADD K I M I M I M", "ZRANGESTORE K K [M + BYLEX", "ZRANGESTORE K K - (M BYLEX LIMIT I I", "ZRANGESTORE K K + [M BYLEX REV",
	"ZREMRANGEBYLEX K [M +", "ZINCRBY K 0.1 M", "ZUNIONSTORE K 2 K K AGGREGATE COUNT", "ZINTERSTORE K 2 K L", "ZDIFFSTORE K 1 L", "SPOP S", "SPOP S 2",
	"SADD S M M M", "SORT S BY w* ALPHA STORE L", "SORT S ALPHA STORE L", "SORT S BY no STORE L", "SET wm I", "SET wn I",
	"RPUSH L M M M", "BLPOP L L 0.01", "BLMOVE L L LEFT RIGHT 0.01", "BLMPOP 0.01 2 L L RIGHT COUNT 2", "SET K M PXAT A", "GETEX K PXAT A", "SET K M PX T",
	"INCRBYFLOAT I 0.1", "HINCRBYFLOAT H M 0.3", "HGETDEL H FIELDS 2 M M", "HSET H M I M I", "SWAPDB 0 1", "SELECT I", "MOVE K 1", "MOVE F 1",
	"BF.ADD B M", "BF.MADD B M M I", "BF.INSERT B CAPACITY 2 NONSCALING ITEMS M I M", "DEL B", "BF.ADD B I", "MULTI", "EXEC", "EXEC",
	"GEOADD G I I M", "GEOADD G I 1.5 M", "GEOSEARCHSTORE K G FROMLONLAT 1 1 BYRADIUS 200 km COUNT 2 ANY", "GEORADIUS G 1 1 300 km STOREDIST K",
}

// Draw draws a call. Of times many lie about now.
func (g changer) Draw() []string {
	if g.pointed && g.Chance(2) {
		return g.point()
	}
	args := g.themed.Draw()
	for i := 1; i < len(args); i++ {
		switch word := strings.ToUpper(args[i-1]); {
		case word == "PX" || word == "PEXPIRE" || word == "EX":
			args[i] = fmt.Sprint(g.IntN(40))
		case g.Chance(3):
		case word == "PXAT" || i == 2 && strings.EqualFold(args[0], "PEXPIREAT"):
			args[i] = fmt.Sprint(g.near())
		case word == "EXAT" || i == 2 && strings.EqualFold(args[0], "EXPIREAT"):
			args[i] = fmt.Sprint(g.near() / 1000)
		}
	}
	return args
}

// point draws one of the pointed calls that the episode may have.
func (g changer) point() []string {
	for {
		args := strings.Fields(calls.Pick(g.Generator, pointed))
		if spec, _ := g.table.Lookup([][]byte{[]byte(args[0])}); !g.also(spec) {
			continue
		}
		pools := map[string][]string{
			"K": {"a", "b"}, "L": {"l", "m"}, "S": {"s"}, "H": {"h"}, "F": {"f", "g"}, "B": {"x", "y"}, "G": {"geo"}, "M": {"m", "n", "o", "p"},
			"I": {"0", "1", "2", "3"}, "T": {"1", "5", "20", "200"},
		}
		for i, word := range args {
			name := strings.TrimLeft(word, "[(")
			switch pool := pools[name]; {
			case name == "A":
				args[i] = fmt.Sprint(g.near())
			case pool != nil:
				args[i] = strings.TrimSuffix(word, name) + calls.Pick(g.Generator, pool)
			}
		}
		return args
	}
}

// near is a time about now, Unix ms.
func (g changer) near() int64 { return g.nowMS() + int64(g.IntN(200)) - 50 }

func (g changer) nowMS() int64 {
	_, nowMS := g.b.s.Data()
	return nowMS
}

// step has something happen: calls, of which some wait for others, or time that passes.
func (g changer) step() {
	b := g.b
	i := g.IntN(len(b.clients))
	switch g.IntN(25) {
	case 0:
		b.leave(i)
	case 1, 2, 3:
		by := time.Duration(calls.Pick(g.Generator, []int{1, 5, 20, 100, 5_000, 100_000})) * time.Millisecond
		b.note("%v pass", by)
		b.s.ShiftTime(by)
	case 4:
		b.note("the time that client %d waits for comes", i)
		b.clients[i].Due()
		b.settle()
	case 5:
		b.note("upkeep")
		b.s.Upkeep()
		b.settle()
	case 6:
		b.call(i, g.themed, large(g.themed, 20_000))
	case 7:
		g.restore(i)
	default:
		var pipeline [][]string
		for range 1 + g.IntN(3) {
			pipeline = append(pipeline, g.Draw())
		}
		b.call(i, g.themed, pipeline...)
	}
}

// restore has a client put what a key holds at another key.
func (g changer) restore(i int) {
	keys := []string{"a", "b", "l", "s", "h", "x", "f", "geo"}
	key := calls.Pick(g.Generator, keys)
	c := g.b.s.Connect(g.b.t)
	c.Feed(encode([]string{"DUMP", key}))
	values, err := harness.Values([]byte(c.Turn()))
	if err != nil || len(values) != 1 {
		g.b.fail("DUMP answers %v, %v", values, err)
	}
	if err := c.Leave(); err != nil {
		g.b.fail("%v", err)
	}
	if kind := values[0]; kind.Str == "" || !g.also(g.table.ByName("hunt.put")) && (key == "x" || key == "f") {
		return
	}
	args := []string{"RESTORE", calls.Pick(g.Generator, keys), "0", values[0].Str}
	switch g.IntN(4) {
	case 0:
		args[2] = fmt.Sprint(g.IntN(200))
	case 1:
		args[2] = fmt.Sprint(max(0, g.near()))
		args = append(args, "ABSTTL")
	}
	if !g.Chance(3) {
		args = append(args, "REPLACE")
	}
	g.b.call(i, g.themed, args)
}

func (b *bench) episode(seed uint64, also func(*commands.Spec) bool) {
	g := newChanger(b, seed, also)
	if seed%3 == 0 { // nobody is told of events
		b.call(0, g.themed, []string{"CONFIG", "SET", "notify-keyspace-events", ""})
	}
	for range 300 {
		g.step()
	}
	b.sound()
	b.end()
}

// TestEffectsReplayed: random calls of all commands that change data, in transactions, of clients that wait, in several
// databases, while keys and members expire: what is logged of them gives the same data, wherever it is run again.
func TestEffectsReplayed(t *testing.T) {
	episodes := uint64(150)
	if testing.Short() {
		episodes = 30
	}
	for seed := range episodes {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			newBench(t).episode(seed, func(*commands.Spec) bool { return true })
		})
	}
}

// TestEffectsInRedis: the same log, as far as it is about Redis' types, gives the same data there, and no error.
func TestEffectsInRedis(t *testing.T) {
	episodes := uint64(60)
	if testing.Short() {
		episodes = 10
	}
	redis := harness.StartRedis(t, "--databases", "3")
	for seed := range episodes {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			b := newBench(t)
			b.s.ShiftTime(10 * 365 * 24 * time.Hour) // what expires here does not in Redis: the log says when
			b.episode(1000+seed, func(s *commands.Spec) bool { return s.Group != commands.Hunt && s.Group != commands.BloomGroup })
			c := redis.Dial(t)
			c.Want("OK", "FLUSHALL")
			b.feedTo(c)
			data, nowMS := b.s.Data()
			if d := contents.Differences(contents.Ask(c, 3), contents.Of(data, nowMS)); d != "" {
				b.fail("Redis has\n%s", d)
			}
		})
	}
}

// feedTo sends the log to a server, which is to answer no error.
func (b *bench) feedTo(c *harness.Client) {
	values, err := harness.Values(b.log.Text())
	if err != nil {
		b.fail("the log: %v", err)
	}
	var log [][]string
	for _, v := range values {
		log = append(log, v.Strings())
	}
	for part := range slices.Chunk(log, 1000) {
		for i, reply := range c.Pipeline(part...) {
			for _, v := range append(reply.Elems, reply) {
				if v.IsError() {
					b.fail("Redis answers %s to %.300s", v.Text(), calls.Quote(part[i]))
				}
			}
		}
	}
}

// TestRedisLogReplayed: a log that Redis has written gives the same data here.
func TestRedisLogReplayed(t *testing.T) {
	rounds := uint64(10)
	if testing.Short() {
		rounds = 2
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			redis := harness.StartRedis(t, "--dir", dir, "--databases", "3", "--appendonly", "yes", "--appendfsync", "no")
			c := redis.Dial(t)
			b := newBench(t)
			g := newChanger(b, 2*seed, loggedAlike)
			for range 3000 {
				if args := g.Draw(); !leftOpen(args) {
					b.note("%.200s", calls.Quote(args))
					c.Do(args...)
				}
			}
			c.Do("DISCARD")
			time.Sleep(50 * time.Millisecond)
			want := contents.Ask(c, 3)
			log := redisLog(t, dir)
			other := server.NewTestServer(t, "--databases", "3", "--shards", "4")
			if err := other.Replay(2, log); err != nil {
				b.fail("%v", err)
			}
			data, nowMS := other.Data()
			got := contents.Of(data, nowMS)
			for key := range got { // Redis finds some when it is asked, and logs them then
				if _, there := want[key]; !there && got.ExpireAt(key) != 0 && got.ExpireAt(key) < nowMS {
					delete(got, key)
				}
			}
			if d := contents.Differences(got, want); d != "" {
				b.fail("what came of Redis' log\n%s", d)
			}
			if n := len(want); n < 5 {
				t.Errorf("only %d keys are left", n)
			}
		})
	}
}

// loggedAlike are the commands that Redis has and that wait for nobody.
func loggedAlike(s *commands.Spec) bool {
	return s.Group != commands.Hunt && s.Group != commands.BloomGroup && !s.Has(commands.Blocking) && s.Name != "HGETDEL"
}

// leftOpen reports whether Redis says no more about what a call stores than the call itself, and leaves open, or
// sees differently, what that is.
func leftOpen(args []string) bool {
	name := strings.ToUpper(args[0])
	has := func(words ...string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return slices.Contains(words, strings.ToUpper(a)) })
	}
	switch {
	case strings.HasPrefix(name, "GEO") && name != "GEOADD":
		return has("STORE", "STOREDIST") || name == "GEOSEARCHSTORE"
	case strings.HasPrefix(name, "SORT"):
		return has("BY")
	}
	return has("BYLEX") || strings.HasSuffix(name, "LEX")
}

// redisLog is the log that Redis has written so far.
func redisLog(t *testing.T, dir string) []byte {
	paths, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("the log is in %q, %v", paths, err)
	}
	log, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return log
}
