package bench

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"quarry/tests/harness"
)

// policies are the settings of appendfsync that are measured, with what is aimed at by pipeline: how many
// times Redis' requests per CPU second.
var policies = []struct {
	name    string
	targets map[int]float64
}{
	{"everysec", map[int]float64{16: 3, 1: 1.8}},
	{"always", map[int]float64{16: 1.5, 1: 1.5}},
}

// logged are the directives of a server that logs, and does not rewrite its log by itself.
func logged(policy string) []string {
	return []string{"--appendonly", "yes", "--appendfsync", policy, "--auto-aof-rewrite-percentage", "0"}
}

// TestDurable prints the README's table of what the log costs.
func TestDurable(t *testing.T) {
	s := newSettings(t)
	w := mixedWorkload(newPopulations(s.rows))
	list := table{{"appendfsync", "pipeline:", "Quarry:", "Redis:", "ratio:", "of rounds:", "target:", "requests/s, Quarry:", "Redis:"}}
	source := ""
	for _, policy := range policies {
		t.Run(policy.name, func(t *testing.T) {
			peers := startPeers(t, logged(policy.name)...)
			source = machine(t, peers[:]...)
			for _, p := range peers {
				w.on.fill(t, p)
			}
			for _, depth := range s.pipelines {
				p := s.inTurns(t, peers, w, depth)
				m, speed := p.medians(closedResult.perCPUSecond), p.medians(closedResult.perSecond)
				least, greatest := p.ratios()
				list.add(policy.name, strconv.Itoa(depth), thousands(m[0]), thousands(m[1]), decimal(m[0]/m[1], 2),
					decimal(least, 2)+" to "+decimal(greatest, 2), target(policy.targets[depth]), thousands(speed[0]), thousands(speed[1]))
			}
			for _, p := range peers {
				checkLogged(t, p, w)
			}
		})
	}
	publish(t, fmt.Sprintf("Requests per server-CPU-second, %s, %s rows, %d connections, medians of %d rounds of %v, and what the clock says.\n%s\n\n%s",
		w.title, thousands(float64(s.rows)), s.conns, s.rounds, s.duration, source, list))
}

// checkLogged fails the test unless the server's log has at least a command for each row that was filled in.
func checkLogged(t *testing.T, on *peer, w *workload) {
	t.Helper()
	c := on.Dial(t)
	if status := harness.Field(c.Do("INFO", "persistence").Str, "aof_last_write_status"); status != "ok" {
		t.Errorf("%s: aof_last_write_status:%s", on.name, status)
	}
	least := int64(w.on.rows() * len(w.on.member(nil, 0)))
	if size := info(t, c, "persistence", "aof_current_size"); size < least {
		t.Errorf("%s says that its log has %d bytes, for %d rows", on.name, size, w.on.rows())
	}
	harness.Eventually(t, "the log is in its files", func() bool { return treeBytes(t, on.logDir(t)) >= least })
}

// dir is the server's directory.
func (p *peer) dir(t *testing.T) string {
	t.Helper()
	return p.Dial(t).Do("CONFIG", "GET", "dir").Elems[1].Str
}

// logDir is where its log lies.
func (p *peer) logDir(t *testing.T) string {
	t.Helper()
	return filepath.Join(p.dir(t), p.Dial(t).Do("CONFIG", "GET", "appenddirname").Elems[1].Str)
}
