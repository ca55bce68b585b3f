package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quarry/tests/harness"
)

// store is a directory that a server can start from.
type store struct {
	title string
	by    int // which of the peers has written it
	dir   string
	args  []string // directives to start from it with
	goal  float64  // how many times as fast as Redis; 0 says nothing
}

// TestStart prints the README's table of how long a start takes: from exec to the first PONG, from
// the files of either server, which both read.
func TestStart(t *testing.T) {
	s := newSettings(t)
	if forReal() && *rowsFlag == 0 {
		s.rows = 10_000_000
	}
	p := newPopulations(s.rows).players
	list := table{{"from", "written by", "MB:", "Quarry, s:", "Redis, s:", "ratio:", "of rounds:", "target:", "CPU, Quarry:", "Redis:"}}
	var sources []string
	for by, start := range []func(*testing.T, ...string) *peer{startQuarry, startRedis} {
		for _, from := range s.stores(t, p, by, start) {
			var took, cpu [2][]float64
			for round := range s.rounds {
				for turn := range 2 {
					i := (round + turn) % 2
					on, wall := startFrom(t, i, from, p)
					took[i], cpu[i] = append(took[i], wall.Seconds()), append(cpu[i], on.cpuTime(t).Seconds())
					t.Logf("%s from %s of %s: %v, %.2f s of CPU", on.name, from.title, peerNames[by], wall, cpu[i][round])
					if len(sources) <= i {
						sources = append(sources, machine(t, on))
					}
					stop(t, on)
				}
			}
			var ratios []float64
			for round := range s.rounds {
				ratios = append(ratios, took[1][round]/took[0][round])
			}
			list.add(from.title, peerNames[by], decimal(float64(treeBytes(t, from.dir))/1e6, 0), decimal(median(took[0]), 2), decimal(median(took[1]), 2),
				decimal(median(took[1])/median(took[0]), 2), decimal(slices.Min(ratios), 2)+" to "+decimal(slices.Max(ratios), 2), target(from.goal),
				decimal(median(cpu[0]), 2), decimal(median(cpu[1]), 2))
		}
	}
	publish(t, fmt.Sprintf("Seconds from exec to the first PONG, and of CPU until then: a sorted set of %s 19-byte members, medians of %d rounds,\n"+
		"files in the page cache.\n%s\n\n%s", thousands(float64(s.rows)), s.rounds, strings.Join(sources, " "), list))
}

// peerNames are in the order of peers.
var peerNames = [2]string{quarry, redis}

// stores has a server write a snapshot and a log of the rows of p, and puts each in a directory of its own.
func (s settings) stores(t *testing.T, p *population, by int, start func(*testing.T, ...string) *peer) []store {
	t.Helper()
	on := start(t, logged("everysec")...)
	p.fill(t, on)
	c := on.Dial(t)
	c.Want("OK", "SAVE")
	dir := on.dir(t)
	_ = c.Conn.Send("SHUTDOWN", "NOSAVE") // it has no reply where it succeeds
	if code := on.Wait(t); code != 0 {
		t.Fatalf("%s ends with %d:\n%s", on.name, code, on.Output())
	}
	var list []store
	for _, from := range []store{
		{title: "snapshot", args: []string{"--appendonly", "no"}, goal: 2},
		{title: "log", args: logged("everysec"), goal: 1.5},
	} {
		part := map[string]string{"snapshot": "dump.rdb", "log": "appendonlydir"}[from.title]
		from.by, from.dir = by, t.TempDir()
		if err := os.Rename(filepath.Join(dir, part), filepath.Join(from.dir, part)); err != nil {
			t.Fatal(err)
		}
		list = append(list, from)
	}
	return list
}

// startFrom starts a peer from a copy of a store, and says how long that took: until it answered
// with anything but the error that it is loading. It has all rows then.
func startFrom(t *testing.T, which int, from store, p *population) (on *peer, took time.Duration) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from.dir)); err != nil {
		t.Fatal(err)
	}
	harness.Binary(t)
	args := append([]string{"--dir", dir}, from.args...)
	begin := time.Now()
	if which == 0 {
		on = startQuarry(t, args...)
	} else {
		on = startRedis(t, args...)
	}
	c := on.Dial(t)
	for c.Do("PING").Str != "PONG" {
		if took = time.Since(begin); took > 10*patience {
			t.Fatalf("%s does not come up; it says:\n%s", on.name, on.Output())
		}
		time.Sleep(time.Millisecond)
	}
	took = time.Since(begin)
	key := p.key(0)
	if n := c.Do("ZCARD", key).Int; n != int64(p.rows()) {
		t.Fatalf("%s has %d rows of %d from the %s of %s", on.name, n, p.rows(), from.title, peerNames[from.by])
	}
	// The scores of a few, which the generator of the filler tells.
	next, calls := p.filler(1)
	for i := range min(calls, 1000) {
		add := words(t, next(nil))[0]
		if i%100 == 0 {
			if v := c.Do("ZSCORE", key, add[3]); v.Str != add[2] {
				t.Errorf("%s has %s for %s, not %s", on.name, v, add[3], add[2])
			}
		}
	}
	return on, took
}

// stop ends a server that is of no more use.
func stop(t *testing.T, on *peer) {
	t.Helper()
	if err := on.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	on.Wait(t)
}

// treeBytes adds up the sizes of all files below a directory.
func treeBytes(t *testing.T, dir string) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum += info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
