package bench

import (
	"flag"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The flags. Zero and empty values mean the default of the kind of run.
var (
	full          = flag.Bool("full", false, "measure for real instead of proving that the harness works")
	big           = flag.Bool("big", false, "like -full, but with 10,000,000 rows in TestBig")
	rowsFlag      = flag.Int("rows", 0, "rows of a sorted set")
	secondsFlag   = flag.Float64("seconds", 0, "seconds a measurement lasts")
	roundsFlag    = flag.Int("rounds", 0, "rounds to take medians over")
	connsFlag     = flag.Int("conns", 0, "connections")
	workloadsFlag = flag.String("workloads", "", "names of workloads or patterns of names, as in 'zadd*', comma between them; all by default")
	pipelinesFlag = flag.String("pipelines", "16,1", "requests a connection sends at once, comma between them")
)

// settings are what a run is made with.
type settings struct {
	rows      int
	duration  time.Duration // of one measurement
	rounds    int
	conns     int
	pipelines []int
	boards    []*workload // those of TestPeers
	beside    []*workload // those of TestBeside
	places    []*workload // those of TestPlaces

	subscribers     int
	moves, searches float64 // a second, of a crowd
	players         int     // of a game
}

// forReal reports whether figures are wanted, not only proof that the harness works.
func forReal() bool { return *full || *big }

func newSettings(t *testing.T) settings {
	t.Helper()
	s := settings{rows: 2000, duration: 10 * time.Millisecond, rounds: 1, conns: 5, subscribers: 20, players: 10, moves: 5000, searches: 1000}
	if forReal() {
		s = settings{rows: 1_000_000, duration: 2 * time.Second, rounds: 3, conns: 50, subscribers: 1000, players: 120, moves: 100_000, searches: 20_000}
	}
	if *rowsFlag > 0 {
		s.rows = *rowsFlag
	}
	if *secondsFlag > 0 {
		s.duration = time.Duration(*secondsFlag * float64(time.Second))
	}
	if *roundsFlag > 0 {
		s.rounds = *roundsFlag
	}
	if *connsFlag > 0 {
		s.conns = *connsFlag
	}
	if s.rows < smallestRows {
		t.Fatalf("-rows: at least %d", smallestRows)
	}
	var err error
	if s.pipelines, err = numbers(*pipelinesFlag); err != nil {
		t.Fatalf("-pipelines: %v", err)
	}
	lists, err := choose(workloadLists(newPopulations(s.rows)), *workloadsFlag)
	if err != nil {
		t.Fatalf("-workloads: %v", err)
	}
	s.boards, s.beside, s.places = lists[0], lists[1], lists[2]
	return s
}

// numbers reads positive numbers with commas between them.
func numbers(text string) ([]int, error) {
	var list []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number of requests", word)
		}
		list = append(list, n)
	}
	return list, nil
}

// choose keeps the workloads of lists that a name or a pattern among patterns fits, all of
// them if there is none. Each must fit one.
func choose(lists [][]*workload, patterns string) ([][]*workload, error) {
	if patterns == "" {
		return lists, nil
	}
	wanted := map[*workload]bool{}
	for pattern := range strings.SplitSeq(patterns, ",") {
		found := false
		var known []string
		for _, w := range slices.Concat(lists...) {
			known = append(known, w.name)
			fits, err := path.Match(pattern, w.name)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", pattern, err)
			}
			if fits {
				found, wanted[w] = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("no workload %q; there are %s", pattern, strings.Join(known, ", "))
		}
	}
	notWanted := func(w *workload) bool { return !wanted[w] }
	chosen := make([][]*workload, len(lists))
	for i, list := range lists {
		chosen[i] = slices.DeleteFunc(slices.Clone(list), notWanted)
	}
	return chosen, nil
}

// publish prints a result: as it is when measured for real, so that it can be
// pasted, else only for those who ask for the test's log.
func publish(t *testing.T, text string) {
	t.Helper()
	if forReal() {
		fmt.Fprintf(os.Stdout, "\n%s\n", text)
		return
	}
	t.Logf("means nothing without -full:\n%s", text)
}

func TestNumbers(t *testing.T) {
	got, err := numbers("16,1")
	if err != nil || !slices.Equal(got, []int{16, 1}) {
		t.Errorf("16,1: %v, %v", got, err)
	}
	for _, text := range []string{"", "0", "x", "1,", "-1"} {
		if got, err := numbers(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestChoose(t *testing.T) {
	all := workloadLists(newPopulations(smallestRows))
	names := func(patterns string) string {
		chosen, err := choose(all, patterns)
		if err != nil {
			return err.Error()
		}
		var list []string
		for _, w := range slices.Concat(chosen...) {
			list = append(list, w.name)
		}
		return strings.Join(list, " ")
	}
	if got := len(strings.Fields(names(""))); got != len(slices.Concat(all...)) {
		t.Errorf("none named: %d workloads", got)
	}
	for _, c := range []struct{ patterns, want string }{
		{"zscore,zadd", "zadd zscore"},
		{"get", "get"},
		{"zscore,h*", "zscore hget hset"},
		{"geopos,zs*", "zscore geopos"},
		{"*incr", "incr"},
	} {
		if got := names(c.patterns); got != c.want {
			t.Errorf("%s: %s", c.patterns, got)
		}
	}
	for _, bad := range []string{"zscore,nope", "[", "zscore,", "get,x*"} {
		if _, err := choose(all, bad); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
