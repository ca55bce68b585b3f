package differential

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"quarry/tests/calls"
	"quarry/tests/harness"
)

var (
	seed     = flag.Uint64("seed", 1, "seed of the first episode of random calls; 0 takes a new one, for long runs")
	episodes = flag.Uint64("episodes", 0, "how many episodes to run; 0 runs until the time is over")
	long     = flag.Duration("long", 30*time.Second, "how long to run random calls, over all configurations")
)

const (
	callsPerEpisode = 400
	callsPerDump    = 100
	// differencesShown is how many differences are minimised and reported before a test gives up.
	differencesShown = 8
)

// Random calls of every command in episodes, each from empty servers and from
// a seed of its own, so that a failing one is run again by itself.
func TestRandomCalls(t *testing.T) {
	// hz: how soon the oracle sees that a blocked call has timed out.
	oracle := harness.StartRedis(t, "--slowlog-log-slower-than", "-1", "--hz", "500")
	budget := *long
	if testing.Short() {
		budget = min(budget, 4*time.Second)
	}
	for _, o := range []harness.Options{
		{FrontEnd: harness.FrontEnds()[0], Loops: 2, Shards: 8},
		{FrontEnd: harness.Redcon, Shards: 1},
	} {
		t.Run(o.FrontEnd, func(t *testing.T) {
			o.Args = []string{"--slowlog-log-slower-than", "-1"}
			quarry := harness.Start(t, o)
			s := newSession(oracle.Addr, quarry.Addr)
			defer s.oracle.close()
			defer s.quarry.close()
			first := *seed
			if first == 0 {
				first = rand.Uint64()
			}
			end := time.Now().Add(budget / 2)
			run := &randomRun{session: s, seen: map[string]bool{}}
			n := uint64(0)
			for ; *episodes == 0 && time.Now().Before(end) || n < *episodes; n++ {
				run.episode(t, first+n)
				if err := quarry.Check(); err != nil {
					t.Fatalf("episode %d: %v", first+n, err)
				}
				if len(run.seen) == differencesShown {
					t.Fatalf("giving up after %d differences", differencesShown)
				}
			}
			t.Logf("%d episodes, %d calls, from seed %d", n, run.calls, first)
		})
	}
}

// randomRun is the episodes of one configuration.
type randomRun struct {
	*session
	calls int
	seen  map[string]bool // differences, by the call that showed them: each is reported once
}

// episode runs one seed. A difference is minimised and reported.
func (s *randomRun) episode(t *testing.T, seed uint64) {
	g := newGenerator(seed)
	sc := script{entries: calls.Pick(g.Generator, []string{"128", "128", "4", "0"})}
	if err := s.reset(sc.entries); err != nil {
		t.Fatal(err)
	}
	for i := range callsPerEpisode {
		s.calls++
		sc.calls = append(sc.calls, g.next())
		diff, err := s.step(sc.calls[i])
		if err == nil && diff == "" && (i+1)%callsPerDump == 0 {
			diff, err = s.states()
		}
		if err != nil {
			t.Fatalf("seed %d, call %d: %v", seed, i, err)
		}
		if diff == "" {
			continue
		}
		if kind := commandName(sc.calls[i].args) + headlines(diff); !s.seen[kind] {
			s.seen[kind] = true
			report(t, s.session, sc, diff, seed)
		}
		return
	}
}

// headlines are the lines of a difference that tell its kind: those with an error.
func headlines(diff string) string {
	var b strings.Builder
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "(error)") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func report(t *testing.T, s *session, sc script, diff string, seed uint64) {
	again := fmt.Sprintf("go test ./tests/differential -run '%s' -seed=%d -episodes=1", t.Name(), seed)
	short, shortDiff := s.minimise(t, sc)
	if shortDiff == "" {
		t.Errorf("differed once, and not again when the calls were repeated\n%s\n%s\nlast call: %s", again, diff, sc.calls[len(sc.calls)-1])
		return
	}
	t.Errorf("%s\n%s\n%s", again, short, shortDiff)
}
