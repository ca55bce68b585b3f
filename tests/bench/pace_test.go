package bench

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// schedule says when requests are due: at random, independent of each other
// and of what became of earlier ones.
type schedule struct {
	random *rand.Rand
	mean   time.Duration // between two requests
	due    time.Duration // of the latest, since the start
}

func newSchedule(rate float64, seed uint64) *schedule {
	return &schedule{random: rand.New(rand.NewPCG(seed, 4)), mean: time.Duration(float64(time.Second) / rate)}
}

func (s *schedule) next() time.Duration {
	s.due += time.Duration(s.random.ExpFloat64() * float64(s.mean))
	return s.due
}

// sendWhenDue sends requests over the lanes in turn, each when it is due or, where
// the sender is late, at once; how late it was is recorded.
func sendWhenDue(lanes []*lane, start time.Time, duration time.Duration, requests *schedule, late *latencies) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The sender's sleep must not keep a processor of the runtime from the receivers.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 1))
	if err := wakeOnTime(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		due := requests.next()
		if due >= duration {
			return nil
		}
		for wait := due - time.Since(start); wait > 0; wait = due - time.Since(start) {
			pause(wait)
		}
		late.record(time.Since(start) - due)
		lane := lanes[i%len(lanes)]
		lane.due <- due // before the request, so that its reply finds it
		if err := lane.send(1); err != nil {
			return err
		}
	}
}

func TestScheduleKeepsItsRate(t *testing.T) {
	const rate, requests = 10_000, 100_000
	s := newSchedule(rate, 1)
	last, early := time.Duration(0), 0
	for range requests {
		due := s.next()
		if due < last {
			t.Fatalf("due at %v after one at %v", due, last)
		}
		if due-last < s.mean/2 {
			early++
		}
		last = due
	}
	if got := requests / last.Seconds(); got < rate*0.98 || got > rate*1.02 {
		t.Errorf("%.0f requests a second, want about %d", got, rate)
	}
	// In a Poisson process 39 % of the gaps are shorter than half the mean.
	if share := float64(early) / requests; share < 0.38 || share > 0.41 {
		t.Errorf("%.2f of the gaps are short", share)
	}
}
