package bench

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"quarry/tests/harness"
)

// saving is a way to write all data out while a server goes on.
type saving struct {
	title   string
	command string
	running string // the field of INFO persistence that is 1 meanwhile
	status  string // and the one that says how it went
	copied  string // and the one that says what memory it took
}

// savings begin with none: what latencies are without.
var savings = []saving{
	{title: "quiet"},
	{"BGSAVE", "BGSAVE", "rdb_bgsave_in_progress", "rdb_last_bgsave_status", "rdb_last_cow_size"},
	{"BGREWRITEAOF", "BGREWRITEAOF", "aof_rewrite_in_progress", "aof_last_bgrewrite_status", "aof_last_cow_size"},
}

// pausePhases is how much longer than others a measurement lasts here, so that a save has
// time to be made, and the seconds after it are not all there is.
const pausePhases = 10

// TestSnapshotPause prints the README's table of what clients notice of snapshots: an open loop at half of each
// server's capacity, with the log on, while nothing is saved and while something always is.
func TestSnapshotPause(t *testing.T) {
	s := newSettings(t)
	if forReal() && *rowsFlag == 0 {
		s.rows = 10_000_000
	}
	w := mixedWorkload(newPopulations(s.rows))
	list := table{{"server", "requests/s:", "meanwhile", "p50:", "p99:", "p99.9:", "max:", "sent late, p99.9:", "saves:", "s each:", "extra memory, MB:", "by its own account:"}}
	var sources []string
	for _, start := range []func(*testing.T, ...string) *peer{startQuarry, startRedis} {
		t.Run("", func(t *testing.T) {
			on := start(t, logged("everysec")...)
			sources = append(sources, machine(t, on))
			w.on.fill(t, on)
			var speeds []float64
			for round := range s.rounds {
				speeds = append(speeds, s.closed(t, on, w, 1, round).perSecond())
			}
			rate := median(speeds) / 2
			for _, how := range savings {
				var results []pauseResult
				for round := range s.rounds {
					r := s.whileSaving(t, on, w, how, rate, uint64(round))
					t.Logf("%s at %s requests/s, %s: %v, sent late by %v, %d saves of %v, %d MB more",
						on.name, thousands(rate), how.title, r.replied, r.sentLate, len(r.saves), r.saves, r.grown>>20)
					results = append(results, r)
				}
				list.add(append([]string{on.name, thousands(rate), how.title}, pauseCells(results)...)...)
			}
		})
	}
	publish(t, fmt.Sprintf("Milliseconds from when a request was due to its reply at half of the capacity, %s, %s rows, %d connections, not pipelined,\n"+
		"appendfsync everysec, medians of %d rounds of %v, the longest of all; memory: the most of all.\n%s\n\n%s",
		w.title, thousands(float64(s.rows)), s.conns, s.rounds, pausePhases*s.duration, strings.Join(sources, " "), list))
}

// pauseResult is what was noticed while a server saved.
type pauseResult struct {
	openResult
	saves  []time.Duration // how long each took that began while requests came
	grown  int64           // bytes by which the resident set grew at most
	copied int64           // bytes that the server says the last save took
}

func pauseCells(results []pauseResult) []string {
	var open []openResult
	var times []float64
	var grown, copied int64
	saves := 0
	for _, r := range results {
		open = append(open, r.openResult)
		saves += len(r.saves)
		grown, copied = max(grown, r.grown), max(copied, r.copied)
		for _, d := range r.saves {
			times = append(times, d.Seconds())
		}
	}
	cells := summary(open).cells()
	if len(times) == 0 {
		return append(cells, "", "", decimal(float64(grown)/1e6, 0), "")
	}
	return append(cells, strconv.Itoa(saves), decimal(median(times), 2), decimal(float64(grown)/1e6, 0), decimal(float64(copied)/1e6, 0))
}

// whileSaving runs the open loop, and all the while saves, one time after the other; the last save is awaited.
func (s settings) whileSaving(t *testing.T, on *peer, w *workload, how saving, rate float64, seed uint64) (r pauseResult) {
	t.Helper()
	c := on.Dial(t)
	before := harness.RSS(t, on.Pid())
	resetPeak(t, on.Pid())
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		if how.command != "" {
			r.saves, err = saveRepeatedly(c.Conn, how, stop)
		}
		ended <- err
	}()
	r.openResult = load{on, w, s.conns, 1, pausePhases * s.duration, seed}.openLoop(t, rate)
	r.grown = peak(t, on.Pid()) - before
	close(stop)
	if err := <-ended; err != nil {
		t.Fatalf("%s, %s: %v", on.name, how.title, err)
	}
	if how.command == "" {
		return r
	}
	if len(r.saves) == 0 {
		t.Errorf("%s, %s: no save was made", on.name, how.title)
	}
	if status := harness.Field(c.Do("INFO", "persistence").Str, how.status); status != "ok" {
		t.Errorf("%s, %s: %s:%s", on.name, how.title, how.status, status)
	}
	r.copied = info(t, c, "persistence", how.copied)
	return r
}

// saveRepeatedly saves until it is told to stop, and waits for the last save's end.
func saveRepeatedly(c *harness.Conn, how saving, stop chan struct{}) (took []time.Duration, err error) {
	for {
		select {
		case <-stop:
			return took, nil
		default:
		}
		start := time.Now()
		v, err := c.Call(how.command)
		if err != nil || v.IsError() {
			return took, fmt.Errorf("%v %w", v, err)
		}
		for running := true; running; time.Sleep(5 * time.Millisecond) {
			v, err := c.Call("INFO", "persistence")
			if err != nil {
				return took, err
			}
			if running = harness.Field(v.Str, how.running) == "1"; time.Since(start) > 10*patience {
				return took, fmt.Errorf("%s does not end", how.command)
			}
		}
		took = append(took, time.Since(start))
	}
}

// resetPeak lets a process's peak begin anew.
func resetPeak(t *testing.T, pid int) {
	t.Helper()
	const peakOnly = "5"
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte(peakOnly), 0); err != nil {
		harness.Missing(t, "no peak of memory to reset:", err.Error())
	}
}

// peak is the most resident memory that a process has had since.
func peak(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	var kb int64
	if _, err := fmt.Sscanf(harness.Field(string(text), "VmHWM"), "%d", &kb); err != nil {
		t.Fatalf("VmHWM: %v", err)
	}
	return kb << 10
}

func TestPauseCells(t *testing.T) {
	got := pauseCells([]pauseResult{
		{openResult{quantiles{1e6, 2e6, 3e6, 4e6}, quantiles{}}, []time.Duration{time.Second, 3 * time.Second}, 5e6, 7e6},
		{openResult{quantiles{1e6, 2e6, 3e6, 5e6}, quantiles{}}, []time.Duration{2 * time.Second}, 6e6, 1e6},
	})
	want := slices.Concat(summary([]openResult{{replied: quantiles{1e6, 2e6, 3e6, 5e6}}}).cells(), []string{"3", "2.00", "6", "7"})
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q, want %q", got, want)
	}
}
