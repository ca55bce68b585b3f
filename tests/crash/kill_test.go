package crash

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"quarry/tests/harness"
)

var (
	rounds   = flag.Int("rounds", 40, "how often the server is killed")
	firstRun = flag.Uint64("seed", 0, "random choices begin with; 0: others each time")
)

// perTrial is how many rounds one directory lives.
const perTrial = 10

// TestKill is what this package is about.
func TestKill(t *testing.T) {
	n := *rounds
	if testing.Short() {
		n = min(n, 8)
	}
	seed := *firstRun
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for done := 0; done < n; done += perTrial {
		for _, policy := range []string{"everysec", "always"} {
			rounds := min(perTrial, n-done) / 2
			t.Run(fmt.Sprintf("%s/%d", policy, seed), func(t *testing.T) {
				t.Logf("again: go test ./tests/crash -run TestKill -seed %d -rounds %d", seed, 2*rounds)
				tr := newTrial(t, seed, allKinds, "--appendonly", "yes", "--appendfsync", policy)
				for range rounds {
					tr.round()
				}
			})
		}
		seed++
	}
}

// ways are how a round may go: how long the writers work at most, what is called then and how long
// after that, at most, the server is killed; and how long, at most, the next start may then
// last that is killed as well.
var ways = []struct {
	name               string
	load, after, again time.Duration
	call               string
}{
	{name: "killed", load: 400 * time.Millisecond},
	{name: "killed early", load: 5 * time.Millisecond},
	{name: "killed while it rewrites its log", load: 100 * time.Millisecond, call: "BGREWRITEAOF", after: 200 * time.Millisecond},
	{name: "killed as it begins another file", load: 100 * time.Millisecond, call: "BGREWRITEAOF", after: 2 * time.Millisecond},
	{name: "killed while it saves", load: 100 * time.Millisecond, call: "BGSAVE", after: 200 * time.Millisecond},
	{name: "killed, and again while it loads", load: 100 * time.Millisecond, again: 100 * time.Millisecond},
	{name: "killed while it rewrites its log, and again while it loads", load: 20 * time.Millisecond, call: "BGREWRITEAOF",
		after: 50 * time.Millisecond, again: 50 * time.Millisecond},
}

// call calls a command that starts something.
func (tr *trial) call(command string) {
	c := tr.server.Dial(tr)
	defer c.Close()
	if v := c.Do(command); v.IsError() {
		tr.Errorf("%s: %s", command, v)
	}
}

// startAndKill starts the server and kills it after a while, loaded or not.
func (tr *trial) startAndKill(after time.Duration) {
	tr.server = harness.StartBinary(tr, append([]string{"--dir", tr.dir}, tr.args...)...)
	time.Sleep(after)
	tr.kill()
}

// round kills the server once, and looks at what the next start finds.
func (tr *trial) round() {
	tr.Helper()
	how := ways[tr.random.IntN(len(ways))]
	before := tr.moment(how.load)
	after := tr.moment(how.after)
	tr.load(func() {
		time.Sleep(before)
		if how.call != "" {
			tr.call(how.call)
			time.Sleep(after)
		}
		tr.kill()
	})
	if how.again > 0 {
		tr.startAndKill(tr.moment(how.again))
	}
	tr.start()
	tr.look()
	grown := int64(0)
	for _, w := range tr.writers {
		grown += w.grown.Swap(0)
	}
	tr.Logf("%s after %v, %d steps answered", how.name, before, grown)
}
