package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"quarry/tests/harness"
)

// picture is where the plot of cost by radius is kept, which the README shows.
const picture = "docs/radius.svg"

// radii are those of the plot, in metres: from where hardly anything is in reach to where all is.
var radii = []int{10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000}

// radius measures what a search for the 10 nearest costs by how far it may look, and draws it.
func (s settings) radius(t *testing.T, p *population) {
	peers := startPeers(t)
	for _, on := range peers {
		p.fill(t, on)
	}
	list := table{{"radius, m:", "Quarry, µs:", "Redis, µs:", "ratio:"}}
	plot := chart{
		title: "Server CPU time of a search for the nearest 10 of " + thousands(float64(p.size)) + " places, by its radius",
		x:     scale{least: 10, greatest: 100_000, label: metres},
		lines: []line{{name: redis}, {name: quarry}},
		y:     scale{least: 1, greatest: 10, label: microseconds},
	}
	var cost [2]float64 // µs
	for _, r := range radii {
		w := &workload{name: "near " + metres(float64(r)), command: "geosearch", on: p, heavy: true, mayMiss: true, next: nearest(fmt.Sprint(r), "m")}
		var m [2]float64
		for i, on := range peers {
			m[i] = s.medianCost(t, on, w, cost[i])
			plot.lines[1-i].points = append(plot.lines[1-i].points, point{float64(r), m[i]})
			plot.y.hold(m[i])
		}
		cost = m
		list.add(thousands(float64(r)), decimal(m[0], 1), decimal(m[1], 1), decimal(m[1]/m[0], 1))
	}
	publish(t, fmt.Sprintf("Microseconds of server CPU that a search for the nearest 10 takes, %s places, %s, pipelined %d\n"+
		"unless that takes too long, medians of %d rounds of %v.\n%s\n\n%s",
		thousands(float64(p.size)), s.connections([]*workload{{heavy: true}}), deepest, s.rounds, s.duration, machine(t, peers[:]...), list))
	drawn := plot.svg()
	if forReal() {
		path := filepath.Join(harness.Root(t), filepath.FromSlash(picture))
		if err := os.WriteFile(path, drawn, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	checkSVG(t, drawn)
}

// deepest is how many requests are pipelined, so that what is measured is the search and not the
// network.
const deepest = 16

// medianCost is the CPU time of a request in µs. Where that of a similar one was such that a
// pipeline of them might outlast the measurement, it is measured without, which then makes no difference.
func (s settings) medianCost(t *testing.T, on *peer, w *workload, similar float64) float64 {
	t.Helper()
	depth := deepest
	if similar*10*deepest > float64(s.duration/time.Microsecond) {
		depth = 1
	}
	var values []float64
	for round := range s.rounds {
		values = append(values, 1e6/s.closed(t, on, w, depth, round).perCPUSecond())
	}
	return median(values)
}

func metres(m float64) string {
	if m >= 1000 {
		return thousands(m/1000) + " km"
	}
	return thousands(m) + " m"
}

func microseconds(us float64) string {
	switch {
	case us >= 1e6:
		return thousands(us/1e6) + " s"
	case us >= 1e3:
		return thousands(us/1e3) + " ms"
	}
	return thousands(us) + " µs"
}

func TestUnits(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{metres(10), "10 m"}, {metres(1000), "1 km"}, {metres(100_000), "100 km"},
		{microseconds(1), "1 µs"}, {microseconds(100), "100 µs"}, {microseconds(1000), "1 ms"}, {microseconds(1e6), "1 s"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
