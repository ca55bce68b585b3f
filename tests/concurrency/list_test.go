package concurrency

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"quarry/tests/harness"
)

// Clients wait for lists of each other, in both directions round a ring of keys and from
// key to key, while others push and pop: every element arrives once, nobody waits for ever for what is
// there, and locks taken for what a push leads to never meet in the wrong order.
func TestMovesGoRound(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		const keys, pushers = 6, 3
		each := rounds(1500)
		var work sync.WaitGroup
		for k := range keys {
			forward, back := dial(t, s), dial(t, s)
			from, next := queue(k), queue((k+1)%keys)
			work.Go(func() {
				for range each {
					forward.do("BLMOVE", from, next, "LEFT", "RIGHT", "0.02")
				}
			})
			work.Go(func() {
				for range each {
					back.do("BRPOPLPUSH", next, from, "0.02")
				}
			})
		}
		for p := range pushers {
			c := dial(t, s)
			work.Go(func() {
				for i := range each {
					to := queue(i % keys)
					switch i % 3 {
					case 0:
						c.do("RPUSH", to, fmt.Sprintf("%d:%d", p, i))
					case 1:
						c.do("MULTI")
						c.do("LPUSH", to, fmt.Sprintf("%d:%d", p, i))
						c.do("LMOVE", to, queue((i+3)%keys), "LEFT", "LEFT")
						c.do("EXEC")
					case 2:
						c.do("LPUSH", "aside", fmt.Sprintf("%d:%d", p, i))
						c.do("RPOPLPUSH", "aside", to)
					}
				}
			})
		}
		work.Wait()
		checkArrived(t, dial(t, s), keys, pushers, each)
	})
}

// checkArrived looks for all elements in the queues.
func checkArrived(t *testing.T, c *caller, queues, pushers, each int) {
	t.Helper()
	seen := map[string]int{}
	for i := range queues {
		for _, e := range c.do("LRANGE", queue(i), "0", "-1").Strings() {
			seen[e]++
		}
	}
	for e, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", e, n)
		}
	}
	if len(seen) != pushers*each {
		t.Errorf("%d of %d elements are there", len(seen), pushers*each)
	}
}

// Two clients hand an element to and fro, each waiting for ever.
func TestNoMoveIsMissed(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		const tables = 4
		n := rounds(1500)
		var work sync.WaitGroup
		for k := range tables {
			ping, pong := "ping:"+strconv.Itoa(k), "pong:"+strconv.Itoa(k)
			a, b, mover := dial(t, s), dial(t, s), dial(t, s)
			work.Go(func() {
				for range n {
					a.do("LPUSH", ping, "ball")
					a.do("BRPOP", "nothing", pong, "0")
				}
			})
			work.Go(func() {
				for range n {
					mover.do("BLMOVE", ping, ping+":net", "RIGHT", "LEFT", "0")
				}
			})
			work.Go(func() {
				for range n {
					b.do("BLMPOP", "0", "1", ping+":net", "LEFT")
					b.do("RPUSH", pong, "ball")
				}
			})
		}
		work.Wait()
	})
}
