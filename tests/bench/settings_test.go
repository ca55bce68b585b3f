package bench

import (
	"flag"
	"fmt"
	"os"
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
	workloadsFlag = flag.String("workloads", "", "names of workloads, comma between them; all by default")
	pipelinesFlag = flag.String("pipelines", "16,1", "requests a connection sends at once, comma between them")
)

// settings are what a run is made with.
type settings struct {
	rows      int
	duration  time.Duration // of one measurement
	rounds    int
	conns     int
	pipelines []int
	workloads []*workload
}

// forReal reports whether figures are wanted, not only proof that the harness works.
func forReal() bool { return *full || *big }

func newSettings(t *testing.T) settings {
	t.Helper()
	s := settings{rows: 2000, duration: 10 * time.Millisecond, rounds: 1, conns: 5}
	if forReal() {
		s = settings{rows: 1_000_000, duration: 2 * time.Second, rounds: 3, conns: 50}
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
	if s.workloads, err = choose(workloads(newPopulations(s.rows)), *workloadsFlag); err != nil {
		t.Fatalf("-workloads: %v", err)
	}
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

// choose picks the workloads that names lists, all of them if it is empty.
func choose(all []*workload, names string) ([]*workload, error) {
	if names == "" {
		return all, nil
	}
	var list []*workload
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(w *workload) bool { return w.name == name })
		if i < 0 {
			known := make([]string, len(all))
			for i, w := range all {
				known[i] = w.name
			}
			return nil, fmt.Errorf("no workload %q; there are %s", name, strings.Join(known, ", "))
		}
		list = append(list, all[i])
	}
	return list, nil
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
	all := workloads(newPopulations(smallestRows))
	if got, err := choose(all, ""); err != nil || len(got) != len(all) {
		t.Errorf("none named: %d workloads, %v", len(got), err)
	}
	got, err := choose(all, "zscore,zadd")
	if err != nil || len(got) != 2 || got[0].name != "zscore" || got[1].name != "zadd" {
		t.Errorf("two named: %v, %v", got, err)
	}
	if _, err := choose(all, "zscore,nope"); err == nil || !strings.Contains(err.Error(), `"nope"`) {
		t.Errorf("an unknown one: %v", err)
	}
}
