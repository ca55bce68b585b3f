package bench

import (
	"fmt"
	"testing"

	"quarry/tests/harness"
)

// footprint is what the rows of a population take.
type footprint struct {
	accounted float64 // bytes a row by MEMORY USAGE
	resident  float64 // bytes a row by which the resident set has grown
	ratio     float64 // of the resident set to used_memory
}

// measureFootprint compares a server that holds p with what it was, empty.
func measureFootprint(t *testing.T, on *peer, p *population, emptyRSS int64) footprint {
	t.Helper()
	c := on.Dial(t)
	accounted, rows := usage(t, c, p)
	rss := harness.RSS(t, on.Pid())
	return footprint{
		accounted: float64(accounted) / float64(rows),
		resident:  float64(rss-emptyRSS) / float64(p.rows()),
		ratio:     float64(rss) / float64(info(t, c, "memory", "used_memory")),
	}
}

// usage adds up MEMORY USAGE over the keys, over a thousand of them where there
// are more, and says how many rows those have.
func usage(t *testing.T, c *harness.Client, p *population) (bytes int64, rows int) {
	t.Helper()
	step := max(p.keys/1000, 1)
	for n := 0; n < p.keys; n += step {
		v := c.Do("MEMORY", "USAGE", p.key(n), "SAMPLES", "0")
		if v.Kind != harness.Int || v.Int <= 0 {
			t.Fatalf("MEMORY USAGE %s: %s", p.key(n), v)
		}
		bytes += v.Int
		rows += p.size
	}
	return bytes, rows
}

// memory measures populations, each in servers of its own, and the first again after updates.
func (s settings) memory(t *testing.T, populations []*population) {
	list := &table{{"rows", "server", "MEMORY USAGE:", "RSS:", "RSS / used_memory:", "target:"}}
	source := ""
	for i, p := range populations {
		t.Run(p.name, func(t *testing.T) {
			peers := startPeers(t)
			source = machine(t, peers[:]...)
			for _, on := range peers {
				empty := harness.RSS(t, on.Pid())
				p.fill(t, on)
				list.addFootprint(p.title(), on, p, measureFootprint(t, on, p, empty))
				if i > 0 {
					continue
				}
				g := newGenerator(p, nil, 5)
				transfer(t, on, func(dst []byte) []byte { return p.kind.update(g, dst) }, p.rows())
				list.addFootprint(p.title()+", after updates", on, p, measureFootprint(t, on, p, empty))
			}
		})
	}
	publish(t, fmt.Sprintf("Bytes a row, as the server accounts them and as its process grows.\n%s\n\n%s", source, list))
}

// title is the population's in a table.
func (p *population) title() string {
	if p.keys > 1 {
		return thousands(float64(p.keys)) + " " + p.name
	}
	return thousands(float64(p.size)) + " " + p.name
}

// addFootprint adds a line; the target is Quarry's alone.
func (t *table) addFootprint(title string, on *peer, p *population, f footprint) {
	goal := ""
	if on.name == quarry {
		goal = target(p.target)
	}
	t.add(title, on.name, decimal(f.accounted, 1), decimal(f.resident, 1), decimal(f.ratio, 2), goal)
}

func TestUsageAddsUpBoards(t *testing.T) {
	for _, on := range startPeers(t) {
		p := newPopulations(smallestRows).boards200
		p.fill(t, on)
		c := on.Dial(t)
		got, rows := usage(t, c, p)
		var want int64
		for n := range p.keys {
			want += c.Do("MEMORY", "USAGE", p.key(n), "SAMPLES", "0").Int
		}
		if got != want || rows != p.rows() || got < int64(p.rows()*19) {
			t.Errorf("%s: %d bytes for %d rows, want %d for %d", on.name, got, rows, want, p.rows())
		}
	}
}
