package server

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"quarry/commands"
	"quarry/server/config"
)

// latencyServer makes a server with a latency-monitor-threshold.
func latencyServer(t *testing.T, threshold string) *Server {
	return testServer(t, nil, "--latency-monitor-threshold", threshold)
}

// TestSpikes: the highest of each second is kept, and the highest of all.
func TestSpikes(t *testing.T) {
	s := latencyServer(t, "10")
	k := &s.counters.spikes
	ms := int64(time.Millisecond)
	k.add("command", 10*ms-1)
	if events, on := s.LatencyEvents(); len(events) != 0 || !on {
		t.Errorf("%v, %v", events, on)
	}
	k.add("command", 30*ms)
	k.add("command", 20*ms)
	k.add("fast-command", 10*ms)
	events, _ := s.LatencyEvents()
	if len(events) != 2 || events[0].Name != "command" || events[0].MaxMS != 30 || events[1].MaxMS != 10 {
		t.Fatal(events)
	}
	e := k.events["command"]
	for i := range e.samples { // that was long ago
		e.samples[i].UnixSec -= 1000
	}
	k.add("command", 15*ms)
	events, _ = s.LatencyEvents()
	if last := events[0].Samples[len(events[0].Samples)-1]; last.MS != 15 || events[0].MaxMS != 30 {
		t.Error(events)
	}
	for i := range 2 * spikeSeconds {
		e.samples[len(e.samples)-1].UnixSec = int64(i)
		k.add("command", int64(100+i)*ms)
	}
	events, _ = s.LatencyEvents()
	if got := events[0].Samples; len(got) != spikeSeconds || got[0].UnixSec != spikeSeconds+1 || got[len(got)-1].MS != 100+2*spikeSeconds-1 {
		t.Errorf("%d samples: %v", len(got), got)
	}
	if n := s.LatencyReset([]string{"command", "command", "nosuch"}); n != 1 {
		t.Errorf("%d events were forgotten", n)
	}
	if n := s.LatencyReset(nil); n != 1 {
		t.Errorf("%d events were forgotten", n)
	}
}

// TestSpikesOfCommands: each command is timed by itself while the monitor is on, and counts as fast or not.
func TestSpikesOfCommands(t *testing.T) {
	s := latencyServer(t, "1")
	st := s.counters.newLoop()
	w := s.counters.newStopwatch(st)
	w.begin(&Session{srv: s})
	fast, slow := s.table.ByName("get"), s.table.ByName("keys")
	calls := func(spec *commands.Spec, n int) {
		c := commands.Ctx{}
		c.Begin(spec, [][]byte{[]byte("x")})
		for range n {
			w.run(spec, c.Args)
			w.done(&c, false)
		}
	}
	calls(fast, 3)
	if w.calls != 0 {
		t.Errorf("%d calls wait for the clock", w.calls)
	}
	w.at -= int64(20 * time.Millisecond)
	calls(fast, 1)
	w.at -= int64(40 * time.Millisecond)
	calls(slow, 1)
	w.end(nil)
	events, _ := s.LatencyEvents()
	if len(events) != 2 || events[0].Name != "command" || events[0].MaxMS < 40 || events[1].Name != "fast-command" || events[1].MaxMS < 20 || events[1].MaxMS >= 40 {
		t.Error(events)
	}
	s.LatencyReset(nil)
	w.begin(&Session{srv: s})
	w.run(s.table.ByName("exec"), nil)
	w.nest()
	w.since -= int64(30 * time.Millisecond) // which many fast commands took together
	calls(fast, 1)
	w.unnest(nil)
	w.done(&commands.Ctx{}, false)
	w.end(nil)
	if events, _ := s.LatencyEvents(); len(events) == 0 || events[0].Name != "command" || events[0].MaxMS < 30 {
		t.Errorf("EXEC: %v", events)
	}
	if err := s.cfg.Set([]config.Pair{{Name: "latency-monitor-threshold", Value: "0"}}); err != nil {
		t.Fatal(err)
	}
	s.LatencyReset(nil)
	w.begin(&Session{srv: s})
	w.at -= int64(time.Second)
	calls(slow, 1)
	w.end(nil)
	if events, on := s.LatencyEvents(); len(events) != 0 || on {
		t.Errorf("%v, %v", events, on)
	}
}

// TestDoublingBuckets compares what LATENCY HISTOGRAM counts with the times themselves.
func TestDoublingBuckets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var h histogram
		var times []int64
		for range r.IntN(50) {
			ns := r.Int64N(1 << r.IntN(44))
			h.add(ns, 1)
			times = append(times, ns)
		}
		got := h.doubling()
		if got.Calls != int64(len(times)) || len(times) > 0 && got.Buckets[len(got.Buckets)-1].Calls != got.Calls {
			t.Fatalf("%d times: %+v", len(times), got)
		}
		last := int64(0)
		for _, b := range got.Buckets {
			n := int64(0)
			for _, ns := range times {
				if ns/1000 <= b.US || b.Calls == got.Calls {
					n++
				}
			}
			// A time between the limit and the end of Redis' bucket may be in either.
			if b.Calls > n || b.Calls <= last {
				t.Fatalf("%d of %v are said to take at most %d us", b.Calls, times, b.US)
			}
			last = b.Calls
		}
	}
	var h histogram
	for _, ns := range []int64{1023, 1024, 32768, 32767, 1 << 42} {
		h.add(ns, 1)
	}
	if got := fmt.Sprint(h.doubling()); got != "{5 [{1 1} {2 2} {33 3} {66 4} {1108101562 5}]}" {
		t.Error(got)
	}
}

func TestLatencyOfCalls(t *testing.T) {
	s := latencyServer(t, "0")
	c := s.connect(t)
	c.send("GET k")
	c.send("GET k")
	c.send("CLIENT ID")
	if got := c.send("LATENCY HISTOGRAM get client"); !strings.Contains(got, "$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:2\r\n") ||
		!strings.Contains(got, "client|id") || strings.Contains(got, "client|list") {
		t.Errorf("%q", got)
	}
	if got := c.send("LATENCY DOCTOR"); !strings.Contains(got, "CONFIG SET latency-monitor-threshold") {
		t.Errorf("%q", got)
	}
}
