package bench

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// timetable says when requests are due, one after the other: since the start, whatever became
// of earlier ones.
type timetable interface {
	next() time.Duration
}

// schedule has requests due at random, independent of each other.
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

// rounds are due once a tick for each of some clients, who begin at moments of their own.
type rounds struct {
	tick  time.Duration
	phase []time.Duration // when in a tick each client is due, in order
	n     int             // requests so far
}

func newRounds(tick time.Duration, clients int, seed uint64) *rounds {
	random := rand.New(rand.NewPCG(seed, 5))
	r := &rounds{tick: tick, phase: make([]time.Duration, clients)}
	for i := range r.phase {
		r.phase[i] = time.Duration(random.Int64N(int64(tick)))
	}
	slices.Sort(r.phase)
	return r
}

func (r *rounds) next() time.Duration {
	due := time.Duration(r.n/len(r.phase))*r.tick + r.phase[r.n%len(r.phase)]
	r.n++
	return due
}

// mostTogether is how many requests the sender makes before it sends them.
const mostTogether = 64

// sendWhenDue sends the requests of streams over their lanes in turn, each when it is due or, where
// the sender is late, at once: then those of a lane go out together. How late it was is recorded.
func sendWhenDue(streams []stream, start time.Time, duration time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The sender's sleep must not keep a processor of the runtime from the receivers.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 1))
	if err := wakeOnTime(); err != nil {
		return err
	}
	for i := range streams {
		streams[i].due = streams[i].requests.next()
	}
	for s := soonest(streams); s.due < duration; s = soonest(streams) {
		for wait := s.due - time.Since(start); wait > 0; wait = s.due - time.Since(start) {
			pause(wait)
		}
		if err := sendDue(streams, start, duration); err != nil {
			return err
		}
	}
	return nil
}

// sendDue sends some of what is due now.
func sendDue(streams []stream, start time.Time, duration time.Duration) error {
	var lanes [mostTogether]*lane
	together := lanes[:0]
	for len(together) < mostTogether {
		s, now := soonest(streams), time.Since(start)
		if s.due > now || s.due >= duration {
			break
		}
		s.sentLate.record(now - s.due)
		lane := s.lanes[s.turn%len(s.lanes)]
		lane.due <- s.due // before the request, so that its reply finds it
		lane.queue()
		together = append(together, lane)
		s.turn++
		s.due = s.requests.next()
	}
	for _, lane := range together {
		if lane.queued > 0 {
			if err := lane.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// soonest is the stream whose next request is due first.
func soonest(streams []stream) *stream {
	first := &streams[0]
	for i := range streams[1:] {
		if s := &streams[i+1]; s.due < first.due {
			first = s
		}
	}
	return first
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

func TestRoundsComeOnceATick(t *testing.T) {
	const tick, clients = time.Second / 60, 12
	r := newRounds(tick, clients, 1)
	var first [clients]time.Duration
	last := time.Duration(0)
	for round := range 5 {
		for i := range clients {
			due := r.next()
			if round == 0 {
				first[i] = due
			}
			if due < last || due != first[i]+time.Duration(round)*tick || due/tick != time.Duration(round) {
				t.Fatalf("round %d: client %d is due at %v after %v, first at %v", round, i, due, last, first[i])
			}
			last = due
		}
	}
	if first[0] == first[clients-1] {
		t.Error("all are due at once")
	}
}

func TestSoonest(t *testing.T) {
	streams := []stream{{due: 5}, {due: 3}, {due: 4}}
	if got := soonest(streams); got != &streams[1] {
		t.Errorf("due at %v", got.due)
	}
	if got := soonest(streams[:1]); got != &streams[0] {
		t.Errorf("due at %v", got.due)
	}
}
