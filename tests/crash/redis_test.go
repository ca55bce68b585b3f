package crash

import (
	"testing"
	"time"

	"quarry/tests/harness"
)

// TestRedisAndQuarryTakeTurns: a directory with Redis' types goes from one server to the other and back, each
// killed under load, and nothing is lost or added. Redis logs with appendfsync always: with everysec it
// answers before it writes while a sync is under way.
func TestRedisAndQuarryTakeTurns(t *testing.T) {
	harness.Tool(t, "redis-server")
	tr := newTrial(t, uint64(time.Now().UnixNano()), redisKinds, "--appendonly", "yes", "--appendfsync", "everysec")
	turns := 6
	if testing.Short() {
		turns = 2
	}
	for turn := range turns {
		name := "Quarry"
		if turn%2 == 1 {
			name = "Redis"
		}
		tr.load(func() {
			time.Sleep(tr.moment(300 * time.Millisecond))
			if turn%3 != 0 {
				tr.call("BGREWRITEAOF")
				time.Sleep(tr.moment(300 * time.Millisecond))
			}
			tr.kill()
		})
		// What the kill left is looked at by the one that wrote it, which says what of the calls in flight has
		// happened; then, when nothing changes any more, by the other.
		tr.startAs(name)
		tr.look()
		tr.kill()
		if name == "Quarry" {
			name = "Redis"
		} else {
			name = "Quarry"
		}
		tr.startAs(name)
		tr.look()
		t.Logf("turn %d: %s has what the other wrote", turn, name)
	}
}

// startAs starts one of the two servers.
func (tr *trial) startAs(name string) {
	tr.Helper()
	if name == "Quarry" {
		tr.start()
		return
	}
	tr.server = harness.StartRedis(tr, "--dir", tr.dir, "--appendonly", "yes", "--appendfsync", "always")
	tr.ready()
}
