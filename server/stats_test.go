package server

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"quarry/commands"
	"quarry/server/config"
)

// testTable is a table of three commands: two fast ones, one that is not.
func testTable() *commands.Table {
	row := func(name string, f commands.Flag) commands.Spec {
		return commands.Spec{Name: name, Summary: "A test", Since: "1", Group: commands.Generic, Arity: -1, Flags: f,
			Run: func(*commands.Ctx) {}}
	}
	return commands.NewTable([]commands.Spec{row("QUICK", commands.Fast), row("OTHER", commands.Fast), row("LONG", 0)})
}

func testCounters(t *testing.T, args ...string) (*counters, *commands.Table) {
	t.Helper()
	cfg, err := config.Load(args)
	if err != nil {
		t.Fatal(err)
	}
	table := testTable()
	return newCounters(cfg, table), table
}

// timesOf is a command's histogram.
func timesOf(k *counters, table *commands.Table, name string) *histogram {
	h := new(histogram)
	k.times(table.ByName(name), h)
	return h
}

type testCaller struct{}

func (testCaller) Name() string { return "n" }
func (testCaller) Addr() string { return "a:1" }

func words(text string) [][]byte {
	var args [][]byte
	for _, w := range strings.Fields(text) {
		args = append(args, []byte(w))
	}
	return args
}

// call runs a command under the stopwatch as the gate does.
func call(w *stopwatch, table *commands.Table, text string, failed bool) {
	args := words(text)
	spec := table.ByName(string(args[0]))
	w.run(spec, args)
	c := &commands.Ctx{}
	c.Begin(spec, args)
	w.done(c, failed)
}

func TestStopwatchGroups(t *testing.T) {
	k, table := testCounters(t)
	w := k.newStopwatch(k.newLoop())
	many := "quick" + strings.Repeat(" x", groupArgs)
	f := func(open int, calls ...string) {
		t.Helper()
		w.begin(testCaller{})
		for _, text := range calls {
			call(w, table, text, false)
		}
		if w.calls != open {
			t.Errorf("%q: %d calls wait for the clock, want %d", calls, w.calls, open)
		}
		w.end(nil)
		if w.calls != 0 || w.client != nil {
			t.Errorf("%q: the turn did not end", calls)
		}
	}
	f(0)
	f(1, "quick")
	f(groupCalls-1, slices.Repeat([]string{"quick"}, groupCalls-1)...)
	f(0, slices.Repeat([]string{"quick"}, groupCalls)...)
	f(1, slices.Repeat([]string{"quick"}, groupCalls+1)...)
	f(1, "quick", "quick", "other")
	f(0, "quick", "quick", "long")
	f(0, "long", "long")
	f(0, "quick", many)
	f(2, many, "quick", "quick")
	sum := k.total()
	wantCalls := map[string]int64{"quick": 1 + 15 + 16 + 17 + 2 + 2 + 2 + 3, "other": 1, "long": 3}
	all := int64(0)
	for name, want := range wantCalls {
		c, times := sum.commands[table.ByName(name).Index()], timesOf(k, table, name)
		if c.calls != want || times.total != want || c.ns <= 0 {
			t.Errorf("%s: %d calls, %d in the histogram, %d ns; want %d calls", name, c.calls, times.total, c.ns, want)
		}
		all += want
	}
	if sum.calls != all {
		t.Errorf("%d calls in all, want %d", sum.calls, all)
	}
}

func TestStopwatchExact(t *testing.T) {
	k, table := testCounters(t, "--slowlog-log-slower-than", "0", "--latency-tracking", "no")
	w := k.newStopwatch(k.newLoop())
	w.begin(testCaller{})
	call(w, table, "quick a", false)
	call(w, table, "quick b", true)
	w.end(nil)
	got := k.slow.last(-1)
	if len(got) != 2 || string(got[0].Args[1]) != "b" || got[0].Addr != "a:1" || got[0].Name != "n" || got[0].ID != 1 {
		t.Errorf("slow log %+v", got)
	}
	c := k.total().commands[table.ByName("quick").Index()]
	if times := timesOf(k, table, "quick"); c.calls != 2 || c.failed != 1 || times.total != 0 {
		t.Errorf("calls %d failed %d, %d in the histogram", c.calls, c.failed, times.total)
	}
}

func TestStopwatchSlowGroup(t *testing.T) {
	k, table := testCounters(t)
	w := k.newStopwatch(k.newLoop())
	w.begin(testCaller{})
	call(w, table, "quick a", false)
	call(w, table, "quick b", false)
	w.at -= int64(time.Second)
	w.end(nil)
	got := k.slow.last(-1)
	if len(got) != 1 || string(got[0].Args[0]) != "quick" || string(got[0].Args[1]) != "(one of 2 pipelined calls)" {
		t.Fatalf("slow log %+v", got)
	}
	h := timesOf(k, table, "quick")
	if p := h.percentile(100); p < int64(time.Second) || h.percentile(50) > int64(outlier) {
		t.Errorf("the second is not one call's: p50 %d p100 %d", h.percentile(50), p)
	}
}

func TestStopwatchAllocates(t *testing.T) {
	k, table := testCounters(t)
	w := k.newStopwatch(k.newLoop())
	spec := table.ByName("quick")
	c := &commands.Ctx{}
	args := words("quick a")
	allocs := testing.AllocsPerRun(100, func() {
		w.begin(testCaller{})
		for range 20 {
			w.run(spec, args)
			w.done(c, false)
		}
		w.end(nil)
		w.stats.readBytes(10)
		w.stats.wroteBytes(10)
	})
	if allocs != 0 {
		t.Errorf("%v allocations a turn", allocs)
	}
}

func TestSlowNS(t *testing.T) {
	for us, want := range map[int]int64{-1: -1000, 0: 0, 5: 5000, math.MaxInt: math.MaxInt64} {
		if got := slowNS(us); got != want {
			t.Errorf("%d us: %d ns, want %d", us, got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	f := func(n, ns, usual, share, slowest int64) {
		t.Helper()
		s, m := split(n, ns, usual)
		if s != share || m != slowest || s*(n-1)+m != ns {
			t.Errorf("%d calls in %d ns: %d and %d, want %d and %d", n, ns, s, m, share, slowest)
		}
	}
	f(1, 70, 10, 70, 70)
	f(4, 402, 10, 100, 102)
	f(4, 400_000, 100, 100, 399_700)
	f(4, 400_000, 1_000_000, 100_000, 100_000)
	f(2, 1_000_000, 0, 0, 1_000_000)
}

func TestCounters(t *testing.T) {
	k, table := testCounters(t)
	a, b := k.newLoop(), k.newLoop()
	spec := table.ByName("long")
	a.ran(spec, 1, 0, 1000, true)
	b.ran(spec, 3, 1, 9000, true)
	b.reject(spec)
	a.readBytes(10)
	b.readBytes(20)
	b.wroteBytes(5)
	a.errorReply([]byte("-WRONGTYPE Operation"))
	a.errorReply([]byte("-ERR a"))
	a.errorReply([]byte("-ERR b"))
	a.errorReply([]byte("-LONELY\r\n"))
	k.connections.Add(2)
	sum := k.total()
	c := sum.commands[spec.Index()]
	if c.calls != 4 || c.failed != 1 || c.rejected != 1 || c.ns != 10000 || timesOf(k, table, "long").total != 4 {
		t.Errorf("long: %+v, %d in the histogram", c, timesOf(k, table, "long").total)
	}
	if sum.calls != 4 || sum.reads != 2 || sum.in != 30 || sum.writes != 1 || sum.out != 5 {
		t.Errorf("sum: calls %d reads %d in %d writes %d out %d", sum.calls, sum.reads, sum.in, sum.writes, sum.out)
	}
	if e := sum.errors; len(e) != 2 || e["ERR"] != 3 || e["WRONGTYPE"] != 1 {
		t.Errorf("errors %v", e)
	}
	k.reset()
	sum = k.total()
	if sum.calls != 0 || sum.in != 0 || sum.commands[spec.Index()] != (commandStats{}) || timesOf(k, table, "long").total != 0 || k.connections.Load() != 0 || len(sum.errors) != 0 {
		t.Error("not reset")
	}
}

func TestRates(t *testing.T) {
	var r rates
	k := &counters{}
	second := int64(time.Second)
	r.take(1, [3]int64{100, 0, 0})
	for i := range int64(len(r.ring)) {
		r.take(1+(i+1)*second/10, [3]int64{100 + (i+1)*50, (i + 1) * 1000, 0})
	}
	k.rates = r
	if got := k.perSecond(); math.Abs(got[0]-500) > 1e-6 || math.Abs(got[1]-10000) > 1e-6 || got[2] != 0 {
		t.Errorf("per second %v, want 500 10000 0", got)
	}
}

func TestSampleCountsWorkers(t *testing.T) {
	k, table := testCounters(t)
	st := k.newLoop()
	k.birth.at = k.birth.at.Add(-time.Second)
	k.sample()
	st.ran(table.ByName("long"), 160, 0, 1, false)
	k.birth.at = k.birth.at.Add(-time.Second)
	k.sample()
	if got := k.perSecond()[0]; got < 9 || got > 10 {
		t.Errorf("%v calls a second, want 160 in one second as one sample of 16", got)
	}
}

func TestHistogram(t *testing.T) {
	previous := int64(-1)
	for b := range buckets {
		end := bucketEnd(b)
		if end <= previous || bucketOf(end) != b || bucketOf(previous+1) != b {
			t.Fatalf("bucket %d is from %d to %d", b, previous+1, end)
		}
		if width := end - previous; width > 1 && float64(width)/float64(end) > 1.0/16 {
			t.Fatalf("bucket %d, %d wide at %d", b, width, end)
		}
		previous = end
	}
	if previous != 1<<maxBits-1 || bucketOf(math.MaxInt64) != buckets-1 || bucketOf(-1) != 0 {
		t.Errorf("the ends: %d %d %d", previous, bucketOf(math.MaxInt64), bucketOf(-1))
	}
}

func TestPercentile(t *testing.T) {
	var h histogram
	f := func(p float64, want int64) {
		t.Helper()
		if got := h.percentile(p); got != want {
			t.Errorf("p%v is %d, want %d", p, got, want)
		}
	}
	f(50, 0)
	h.add(10, 98)
	h.add(1000, 1)
	h.add(1<<50, 1)
	f(0, 10)
	f(50, 10)
	f(98, 10)
	f(99, bucketEnd(bucketOf(1000)))
	f(100, 1<<maxBits-1)
	var other histogram
	other.add(5, 900)
	h.merge(&other)
	f(50, 5)
	f(91, 10)
}

// TestStopwatchSlowLast: a slow call of a group that has no other is shown with
// its arguments, if they are still there.
func TestStopwatchSlowLast(t *testing.T) {
	k, table := testCounters(t)
	w := k.newStopwatch(k.newLoop())
	w.begin(testCaller{})
	call(w, table, "quick a", false)
	w.at -= int64(time.Second)
	c := &commands.Ctx{}
	c.Begin(table.ByName("quick"), words("quick a"))
	w.end(c)
	if got := k.slow.last(-1); len(got) != 1 || len(got[0].Args) != 2 || string(got[0].Args[1]) != "a" {
		t.Fatalf("slow log %+v", got)
	}
}
