package bench

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"quarry/tests/harness"
)

// TestBig is about a sorted set so large that what is proportional to it would show:
// on the Go heap, in the collector's pauses, in DEL.
func TestBig(t *testing.T) {
	s := newSettings(t)
	if *big && *rowsFlag == 0 {
		s.rows = 10_000_000
	}
	harness.Binary(t) // built before the environment of what is started changes
	t.Setenv("GODEBUG", "gctrace=1")
	w := boardWorkloads(newPopulations(s.rows))[0]
	peers := startPeers(t)
	source := machine(t, peers[:]...)
	f, r := s.measureBig(t, peers[0], w), s.measureBig(t, peers[1], w)

	list := table{{"", "Quarry:", "Redis:", "target:"}}
	list.add("bytes a row, MEMORY USAGE", decimal(f.accounted, 1), decimal(r.accounted, 1), target(w.on.target))
	list.add("bytes a row, RSS", decimal(f.resident, 1), decimal(r.resident, 1), "")
	list.add("DEL answers after, ms", milliseconds(f.del), milliseconds(r.del), "1")
	list.add("longest PING soon after, ms", milliseconds(f.stall), milliseconds(r.stall), "")
	list.add("RSS then, MB", megabytes(f.left), megabytes(r.left), "")
	list.add("memory of the Go runtime, MB", megabytes(f.runtime), "", "")
	list.add("Go heap at the most, MB", megabytes(f.gc.heap), "", "64")
	list.add("longest pause for the collector, ms", milliseconds(f.gc.pause), "", "1")
	list.add("collections", strconv.Itoa(f.gc.cycles), "", "")
	publish(t, fmt.Sprintf("One sorted set of %s rows.\n%s\n\n%s", thousands(float64(s.rows)), source, list))
}

// bigFigures are what TestBig shows of a server.
type bigFigures struct {
	footprint
	del     time.Duration
	stall   time.Duration // the longest PING in the time after
	left    int64         // RSS at the end of that
	runtime int64         // all that Go's runtime has; Quarry only
	gc      collections   // Quarry only
}

func (s settings) measureBig(t *testing.T, on *peer, w *workload) (f bigFigures) {
	t.Helper()
	empty := harness.RSS(t, on.Pid())
	w.on.fill(t, on)
	f.footprint = measureFootprint(t, on, w.on, empty)
	c := on.Dial(t)
	if on.name == quarry {
		s.collectUnderLoad(t, on, w)
		f.runtime = info(t, c, "memory", "used_memory_runtime")
	}
	start := time.Now()
	c.Want("(int) 1", "DEL", w.on.key(0))
	f.del = time.Since(start)
	f.stall = longestPing(c, start.Add(f.del+s.duration))
	f.left = harness.RSS(t, on.Pid())
	f.gc = traced(t, on.Output())
	return f
}

// longestPing calls PING until the end has come.
func longestPing(c *harness.Client, end time.Time) (most time.Duration) {
	for before := time.Now(); before.Before(end); {
		c.Want("PONG", "PING")
		now := time.Now()
		most = max(most, now.Sub(before))
		before = now
	}
	return most
}

// collectUnderLoad lets the server work and, since its work makes no garbage, calls INFO,
// which does, until the collector has run a few times.
func (s settings) collectUnderLoad(t *testing.T, on *peer, w *workload) {
	t.Helper()
	const cycles = 5
	g := w.generator(1)
	l, err := dialLane(on, func(dst []byte) []byte { return w.next(g, dst) })
	if err != nil {
		t.Fatal(err)
	}
	defer l.conn.Close()
	ended := make(chan error, 1)
	go func() { ended <- l.repeat(16, time.Now().Add(s.duration)) }()
	c := on.Dial(t)
	before := traced(t, on.Output()).cycles
	harness.Eventually(t, "the collector runs", func() bool {
		c.Do("INFO", "everything")
		return traced(t, on.Output()).cycles >= before+cycles
	})
	if err := <-ended; err != nil || l.replies.errors > 0 {
		t.Fatalf("%v, %d errors, the first %q", err, l.replies.errors, l.replies.first)
	}
}

// collections are what GODEBUG=gctrace=1 tells about Go's collector.
type collections struct {
	cycles int
	heap   int64         // the largest there was at the start or end of one
	pause  time.Duration // the longest for which the program stood still
}

// traceLine finds the pauses before and after the concurrent part of a
// collection, in milliseconds, and the heap before and after it, in MB.
var traceLine = regexp.MustCompile(`(?m)^gc \d+ @\S+ \d+%: ([\d.]+)\+[\d.]+\+([\d.]+) ms clock, .* (\d+)->(\d+)->\d+ MB, `)

// traced reads the collections in what a program has printed.
func traced(t *testing.T, output string) (c collections) {
	t.Helper()
	for _, m := range traceLine.FindAllStringSubmatch(output, -1) {
		c.cycles++
		for _, ms := range m[1:3] {
			pause, err := time.ParseDuration(ms + "ms")
			if err != nil {
				t.Fatalf("%q: %v", m[0], err)
			}
			c.pause = max(c.pause, pause)
		}
		for _, mb := range m[3:5] {
			heap, err := strconv.ParseInt(mb, 10, 64)
			if err != nil {
				t.Fatalf("%q: %v", m[0], err)
			}
			c.heap = max(c.heap, heap<<20)
		}
	}
	return c
}

func megabytes(bytes int64) string { return decimal(float64(bytes)/(1<<20), 1) }

func TestTracesAreRead(t *testing.T) {
	const output = "time=x level=INFO msg=started\n" +
		"gc 1 @0.012s 2%: 0.015+0.41+0.003 ms clock, 0.030+0.11/0.35/0.10+0.006 ms cpu, 3->4->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n" +
		"gc 2 @1.500s 0%: 0.020+1.2+0.250 ms clock, 0.040+0.1/0.2/0.3+0.5 ms cpu, 4->6->2 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)\n"
	want := collections{cycles: 2, heap: 6 << 20, pause: 250 * time.Microsecond}
	if got := traced(t, output); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
