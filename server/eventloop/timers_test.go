package eventloop

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTimers sets, moves and clears timers at random and compares what is due
// with a sorted list.
func TestTimers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h timers
	all := make([]*timer, 50)
	for i := range all {
		all[i] = &timer{}
	}
	for now := int64(0); now < 2000; now++ {
		tm := all[rng.IntN(len(all))]
		if rng.IntN(4) == 0 {
			h.clear(tm)
		} else {
			h.set(tm, now+rng.Int64N(100))
		}
		var want []int64
		for _, tm := range all {
			if tm.pos != 0 && tm.at <= now {
				want = append(want, tm.at)
			}
		}
		slices.Sort(want)
		var got []int64
		for tm := h.due(now); tm != nil; tm = h.due(now) {
			if tm.pos != 0 {
				t.Fatalf("a timer that is due says it is set")
			}
			got = append(got, tm.at)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("at %d: due %v, want %v", now, got, want)
		}
		checkHeap(t, h)
	}
}

func checkHeap(t *testing.T, h timers) {
	t.Helper()
	for i, tm := range h {
		if tm.pos != i+1 {
			t.Fatalf("timer at %d says it is at %d", i, tm.pos-1)
		}
		if i > 0 && h[(i-1)/2].at > tm.at {
			t.Fatalf("timer %d is earlier than its parent", i)
		}
	}
	if at, ok := h.next(); ok != (len(h) > 0) || ok && at != h[0].at {
		t.Fatalf("next = %d, %t with %d timers", at, ok, len(h))
	}
}
