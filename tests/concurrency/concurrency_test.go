package concurrency

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"quarry/tests/harness"
)

// configurations are the ways to spread work over goroutines and locks.
func configurations() []harness.Options {
	return []harness.Options{
		{FrontEnd: harness.FrontEnds()[0], Loops: 1, Shards: 1},
		{FrontEnd: harness.FrontEnds()[0], Loops: 4, Shards: 8},
		{FrontEnd: harness.Redcon, Shards: 8},
	}
}

// everywhere runs a test against a server of each configuration. At the end it walks its store, and looks whether the log
// has the changes in the order in which they were made.
func everywhere(t *testing.T, test func(t *testing.T, s *harness.Server)) {
	for _, o := range configurations() {
		t.Run(fmt.Sprintf("%s/loops=%d/shards=%d", o.FrontEnd, o.Loops, o.Shards), func(t *testing.T) {
			dir := t.TempDir()
			o.Args = append(o.Args, "--dir", dir)
			s := harness.Start(t, o)
			test(t, s)
			if err := s.Check(); err != nil {
				t.Error(err)
			}
			checkLog(t, s, dir)
		})
	}
}

// rounds scales a number of operations down for -short.
func rounds(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// caller is a connection used by one goroutine of a test. The first failure is
// reported; from then on calls do nothing, so that goroutines end.
type caller struct {
	*harness.Conn
	t   *testing.T
	bad bool
}

func dial(t *testing.T, s *harness.Server) *caller {
	t.Helper()
	return dialAddr(t, s.Addr)
}

func dialAddr(t *testing.T, addr string) *caller {
	t.Helper()
	c, err := harness.DialConn(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &caller{Conn: c, t: t}
}

func (c *caller) do(args ...string) harness.Value {
	if c.bad {
		return harness.Value{Kind: harness.Closed}
	}
	v, err := c.Call(args...)
	if err != nil || v.Kind == harness.Closed {
		c.bad = true
		c.t.Errorf("%q: %s, %v", args, v, err)
	}
	return v
}

// A key that is renamed all the time is one key at any time.
func TestSizeIsOfOneMoment(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		mover, counter := dial(t, s), dial(t, s)
		mover.do("ZADD", queue(0), "1", "m")
		var moving sync.WaitGroup
		var done atomic.Bool
		moving.Go(func() {
			for i := 0; !done.Load(); i++ {
				mover.do("RENAME", queue(i%7), queue((i+1)%7))
			}
		})
		for range rounds(3000) {
			if v := counter.do("DBSIZE"); v.Int != 1 {
				t.Errorf("DBSIZE is %s", v)
				break
			}
		}
		done.Store(true)
		moving.Wait()
	})
}

// Members that producers add to queues are popped once each, whoever pops and
// however queues are renamed in between.
func TestNothingIsLostOrSeenTwice(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		const producers, consumers, queues = 4, 4, 5
		each := rounds(2000)
		var producing, consuming sync.WaitGroup
		var done atomic.Bool
		for p := range producers {
			c := dial(t, s)
			producing.Go(func() {
				for i := range each {
					c.do("ZADD", queue(i%queues), strconv.Itoa(i%97), fmt.Sprintf("%d:%d", p, i))
				}
			})
		}
		mover := dial(t, s)
		producing.Go(func() {
			for i := range each {
				mover.do("RENAMENX", queue(i%queues), queue((i+1)%queues))
			}
		})
		popped := make([][]string, consumers)
		for k := range consumers {
			c := dial(t, s)
			consuming.Go(func() {
				for !c.bad {
					v := pop(c, k)
					if v != "" {
						popped[k] = append(popped[k], v)
					} else if done.Load() {
						return
					}
				}
			})
		}
		producing.Wait()
		done.Store(true)
		consuming.Wait()
		seen := map[string]int{}
		for _, list := range popped {
			for _, m := range list {
				seen[m]++
			}
		}
		for _, m := range left(dial(t, s), queues) {
			seen[m]++
		}
		for m, n := range seen {
			if n != 1 {
				t.Errorf("%s was seen %d times", m, n)
			}
		}
		if len(seen) != producers*each {
			t.Errorf("%d of %d members arrived", len(seen), producers*each)
		}
	})
}

func queue(i int) string { return "queue:" + strconv.Itoa(i) }

// pop takes one member by one of four commands; "" if there was none.
func pop(c *caller, by int) string {
	var v harness.Value
	switch by % 4 {
	case 0:
		v = c.do("BZPOPMIN", queue(0), queue(1), queue(2), queue(3), queue(4), "0.02")
	case 1:
		v = c.do("BZPOPMAX", queue(4), queue(3), queue(2), queue(1), queue(0), "0.02")
	case 2:
		v = c.do("BZMPOP", "0.02", "5", queue(2), queue(0), queue(1), queue(4), queue(3), "MIN")
	case 3:
		v = c.do("ZMPOP", "5", queue(0), queue(1), queue(2), queue(3), queue(4), "MAX")
	}
	switch {
	case len(v.Elems) == 3:
		return v.Elems[1].Str
	case len(v.Elems) == 2:
		return v.Elems[1].Elems[0].Elems[0].Str
	}
	return ""
}

func left(c *caller, queues int) []string {
	var members []string
	for i := range queues {
		members = append(members, c.do("ZRANGE", queue(i), "0", "-1").Strings()...)
	}
	return members
}

// Increments from many clients add up, while other commands read and copy the same boards.
func TestIncrementsAddUp(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		const clients, boards, members = 6, 3, 200
		each := rounds(3000)
		var wg sync.WaitGroup
		for k := range clients {
			c := dial(t, s)
			rng := rand.New(rand.NewPCG(uint64(k), 2))
			wg.Go(func() {
				for range each {
					c.do("ZINCRBY", board(rng.IntN(boards)), "1", "m"+strconv.Itoa(rng.IntN(members)))
					disturb(c, rng, boards)
				}
			})
		}
		wg.Wait()
		c, sum := dial(t, s), 0.0
		for i := range boards {
			for _, v := range pairsOf(c.do("ZRANGE", board(i), "0", "-1", "WITHSCORES")) {
				sum += v
			}
		}
		if sum != float64(clients*each) {
			t.Errorf("the scores add up to %v, not to %d", sum, clients*each)
		}
	})
}

func board(i int) string { return "board:" + strconv.Itoa(i) }

// disturb runs a command that takes several keys or all shards and changes no board.
func disturb(c *caller, rng *rand.Rand, boards int) {
	a, b, other := board(rng.IntN(boards)), board(rng.IntN(boards)), "other:"+strconv.Itoa(rng.IntN(4))
	switch rng.IntN(40) {
	case 0:
		c.do("ZUNIONSTORE", other, "2", a, b)
	case 1:
		c.do("ZINTERSTORE", other, "2", b, a)
	case 2:
		c.do("COPY", a, other, "REPLACE")
	case 3:
		c.do("RENAME", other, "renamed")
	case 4:
		c.do("ZRANGESTORE", other, a, "0", "20")
	case 5:
		c.do("DEL", other, "renamed")
	case 6:
		c.do("ZDIFF", "3", a, b, other)
	case 7:
		c.do("KEYS", "*")
	case 8:
		c.do("SCAN", "0", "COUNT", "5")
	case 9:
		c.do("RANDOMKEY")
	case 10:
		c.do("SWAPDB", "3", "4")
	case 11:
		c.do("EXPIRE", other, "0")
	case 12:
		c.do("ZREVRANGE", a, "0", "9", "WITHSCORES")
	case 13:
		c.do("INFO")
	case 14:
		c.do("CLIENT", "LIST")
	}
}

// pairsOf reads the scores of a flat reply.
func pairsOf(v harness.Value) []float64 {
	var scores []float64
	for i := 1; i < len(v.Elems); i += 2 {
		// The caller's sum would show a score that is none.
		f, _ := strconv.ParseFloat(v.Elems[i].Str, 64)
		scores = append(scores, f)
	}
	return scores
}

// Two clients hand a member to and fro, each waiting for ever for the other: one
// missed wake-up and nobody moves again.
func TestNoWakeUpIsMissed(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		const tables = 4
		n := rounds(2000)
		var wg sync.WaitGroup
		for k := range tables {
			ping, pong := fmt.Sprintf("ping:%d", k), fmt.Sprintf("pong:%d", k)
			a, b := dial(t, s), dial(t, s)
			wg.Go(func() {
				for i := range n {
					a.do("ZADD", ping, strconv.Itoa(i), "ball")
					a.do("BZPOPMIN", pong, "0")
				}
			})
			wg.Go(func() {
				for range n {
					v := b.do("BZMPOP", "0", "2", "nothing", ping, "MIN")
					if !b.bad && len(v.Elems) != 2 {
						t.Errorf("BZMPOP answers %s", v)
					}
					b.do("ZADD", pong, "1", "ball")
				}
			})
		}
		wg.Wait()
	})
}

// All clients of one board: a season ends by RENAME while everybody writes, and every write is in one season.
func TestSeasonEnd(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		const clients = 4
		each := rounds(1500)
		var wg sync.WaitGroup
		for k := range clients {
			c := dial(t, s)
			wg.Go(func() {
				for i := range each {
					c.do("ZADD", "now", strconv.Itoa(i), fmt.Sprintf("%d:%d", k, i))
				}
			})
		}
		seasons := 0
		closer := dial(t, s)
		wg.Go(func() {
			for range each / 10 {
				if v := closer.do("RENAME", "now", "season:"+strconv.Itoa(seasons)); v.Str == "OK" {
					seasons++
				}
			}
		})
		wg.Wait()
		c := dial(t, s)
		total := c.do("ZCARD", "now").Int
		for i := range seasons {
			total += c.do("ZCARD", "season:"+strconv.Itoa(i)).Int
		}
		if total != clients*int64(each) {
			t.Errorf("%d of %d writes are in the seasons", total, clients*each)
		}
	})
}
