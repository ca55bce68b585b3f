package concurrency

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"quarry/tests/harness"
)

// transaction sends commands in one write, as drivers do, and returns what EXEC answers.
func (c *caller) transaction(calls ...[]string) (v harness.Value) {
	if c.bad {
		return harness.Value{Kind: harness.Closed}
	}
	in := harness.AppendCommand(nil, "MULTI")
	for _, call := range calls {
		in = harness.AppendCommand(in, call...)
	}
	err := c.SendRaw(harness.AppendCommand(in, "EXEC"))
	for range len(calls) + 2 {
		if err == nil {
			v, err = c.Receive()
		}
	}
	if err != nil || v.Kind != harness.Array {
		c.bad = true
		c.t.Errorf("%q: %s, %v", calls, v, err)
	}
	return v
}

func account(i int) string { return "account:" + strconv.Itoa(i) }

// Money moves between accounts in transactions. Nobody sees some that has left one account and
// has not reached another, in a transaction or by a command of several keys.
func TestTransfers(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		const accounts, movers, each = 6, 3, 100
		setup := dial(t, s)
		all := []string{"ZUNION", strconv.Itoa(accounts)}
		var scores [][]string
		for i := range accounts {
			setup.do("ZADD", account(i), strconv.Itoa(each), "money")
			all = append(all, account(i))
			scores = append(scores, []string{"ZSCORE", account(i), "money"})
		}
		all = append(all, "WITHSCORES")
		var moving, reading sync.WaitGroup
		var done atomic.Bool
		for k := range movers {
			c, rng := dial(t, s), rand.New(rand.NewPCG(uint64(k), 3))
			moving.Go(func() {
				for range rounds(2000) {
					from, to, n := account(rng.IntN(accounts)), account(rng.IntN(accounts)), strconv.Itoa(rng.IntN(9))
					calls := [][]string{{"ZINCRBY", from, "-" + n, "money"}, {"ZINCRBY", to, n, "money"}}
					switch rng.IntN(20) {
					case 0:
						calls = append(calls, []string{"DBSIZE"})
					case 1:
						calls = append(calls, []string{"SCAN", "0"}, []string{"RANDOMKEY"})
					case 2:
						calls = append(calls, []string{"SWAPDB", "0", "1"}, []string{"SWAPDB", "0", "1"})
					case 3:
						calls = append(calls, []string{"DEL", "temporary"}, []string{"RENAME", from, "temporary"}, []string{"RENAME", "temporary", from})
					}
					c.transaction(calls...)
				}
			})
		}
		for k := range 2 {
			c := dial(t, s)
			reading.Go(func() {
				for !done.Load() && !c.bad {
					var sum float64
					if k == 0 {
						for _, v := range c.transaction(scores...).Elems {
							f, _ := strconv.ParseFloat(v.Str, 64) // a sum that is wrong shows what is no number
							sum += f
						}
					} else if v := pairsOf(c.do(all...)); len(v) == 1 {
						sum = v[0]
					}
					if sum != accounts*each && !c.bad {
						t.Errorf("there is %v in all, not %d", sum, accounts*each)
						return
					}
				}
			})
		}
		moving.Wait()
		done.Store(true)
		reading.Wait()
	})
}

// Clients add to one counter by what they have read before, under WATCH: every EXEC that does not fail counts once.
func TestWatchedCounter(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		const clients = 4
		var wg sync.WaitGroup
		var added, failed atomic.Int64
		dial(t, s).do("ZADD", "counter", "0", "n")
		for range clients {
			c := dial(t, s)
			wg.Go(func() {
				for n := 0; n < rounds(1000) && !c.bad; {
					c.do("WATCH", "other", "counter")
					old, _ := strconv.Atoi(c.do("ZSCORE", "counter", "n").Str) // the end's count shows what is no number
					if c.transaction([]string{"ZADD", "counter", strconv.Itoa(old + 1), "n"}).Nil {
						failed.Add(1)
						continue
					}
					added.Add(1)
					n++
				}
			})
		}
		wg.Wait()
		if v := dial(t, s).do("ZSCORE", "counter", "n"); v.Str != strconv.FormatInt(added.Load(), 10) {
			t.Errorf("the counter is %s after %d additions, %d failed", v, added.Load(), failed.Load())
		}
		t.Logf("%d failed", failed.Load())
	})
}
