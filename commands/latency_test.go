package commands

import (
	"strings"
	"testing"
)

// spiky has spikes of one event: five samples up to 3 seconds before the fakes' time, a lonely old one first.
func spiky(t *testing.T) *fakes {
	f := newFakes(t)
	f.host.monitors = true
	now := f.host.NowUS() / 1e6
	f.host.spikes = []LatencyEvent{{
		Name: "command", MaxMS: 900,
		Samples: []LatencySample{{now - 90000, 10}, {now - 3700, 20}, {now - 61, 40}, {now - 2, 130}, {now - 1, 50}},
	}}
	return f
}

func TestLatencyAnswers(t *testing.T) {
	f := spiky(t)
	f.answers([][2]string{
		{"LATENCY LATEST", `[["command" 1767225599 50 900]]`},
		{"LATENCY HISTORY command", `[[1767135600 10] [1767221900 20] [1767225539 40] [1767225598 130] [1767225599 50]]`},
		{"LATENCY HISTORY nosuch", `[]`},
		{"LATENCY GRAPH nosuch", "-ERR No samples available for event 'nosuch'"},
		{"LATENCY RESET command nosuch", "2"},
	})
	if want := `latency reset ["command" "nosuch"]`; f.host.asked != want {
		t.Errorf("asked %s, want %s", f.host.asked, want)
	}
}

func TestLatencyGraph(t *testing.T) {
	got := spiky(t).host.spikes[0].graph(1767225600)
	want := strings.Join([]string{
		"command - high 130 ms, low 10 ms (all time high 900 ms)",
		strings.Repeat("-", 80),
		"   # ",
		"   | ",
		"  _|o",
		"_o|||",
		"",
		"11121",
		"dhmss",
		"     ",
	}, "\n")
	if !strings.HasPrefix(want, strings.TrimRight(got, "\n")) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	flat := LatencyEvent{Name: "command", MaxMS: 5, Samples: []LatencySample{{1, 5}}}
	if got := flat.graph(101); !strings.Contains(got, "\n \n \n \n_\n\n1\nm\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestLatencyDoctor(t *testing.T) {
	f := newFakes(t)
	for _, c := range []struct {
		on   bool
		some bool
		want string
	}{
		{false, false, "CONFIG SET latency-monitor-threshold <milliseconds>"},
		{true, false, "Nothing has taken as long"},
		{true, true, "1. command: 5 latency spikes (average 50ms, mean deviation 32ms, period 22499.75 sec). Worst all time event 900ms."},
		{false, true, "- command: SLOWLOG GET names"},
	} {
		f.host.monitors, f.host.spikes = c.on, nil
		if c.some {
			f.host.spikes = spiky(t).host.spikes
		}
		if got := f.call("LATENCY DOCTOR"); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestLatencyHistogram(t *testing.T) {
	f := newFakes(t)
	f.host.times = map[string]LatencyTimes{
		"get":       {Calls: 7, Buckets: []LatencyBucket{{1, 3}, {16, 7}}},
		"client|id": {Calls: 1, Buckets: []LatencyBucket{{33, 1}}},
	}
	const get, id = `"get" {"calls" 7 "histogram_usec" {1 3 16 7}}`, `"client|id" {"calls" 1 "histogram_usec" {33 1}}`
	f.client.proto = 3
	f.answers([][2]string{
		{"LATENCY HISTOGRAM", "{" + get + " " + id + "}"},
		{"LATENCY HISTOGRAM client set nosuch GET", "{" + id + " " + get + "}"},
		{"LATENCY HISTOGRAM client|id", "{" + id + "}"},
		{"LATENCY HISTOGRAM set", "{}"},
		{"LATENCY HISTOGRAM get nosuch get", "{" + get + " " + get + "}"},
	})
	f.host.summed = 0
	f.call("LATENCY HISTOGRAM" + strings.Repeat(" get", 100))
	if f.host.summed != 1 {
		t.Errorf("the times of one command were added up %d times", f.host.summed)
	}
}
