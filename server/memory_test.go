package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"quarry/store"
)

func TestMemoryStats(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.send("SET a 1")
	c.send("SELECT 3")
	c.send("SET b 1")
	got := map[string]string{}
	for _, stat := range s.MemoryStats() {
		got[stat.Name] = fmt.Sprint(stat.Int)
		if stat.IsFloat {
			got[stat.Name] = fmt.Sprint(stat.Float)
		}
	}
	if got["keys.count"] != "2" || got["dataset.bytes"] == "0" || got["allocator-fragmentation.ratio"] == "0" {
		t.Error(got)
	}
	if out := c.send("MEMORY MALLOC-STATS"); !strings.Contains(out, "pages of 65536 bytes: ") {
		t.Error(out)
	}
}

func TestMemoryDoctor(t *testing.T) {
	const mb = 1 << 20
	well := memoryUse{Memory: store.Memory{Used: 100 * mb, Live: 90 * mb}, used: 100 * mb, peak: 110 * mb, rss: 100 * mb}
	for _, f := range []struct {
		change func(m *memoryUse)
		want   string
	}{
		{func(m *memoryUse) {}, "Nothing is wrong"},
		{func(m *memoryUse) { m.Used = mb }, "too little data"},
		{func(m *memoryUse) { m.MaxMemory = 101 * mb }, "Nearly full"},
		{func(m *memoryUse) { m.peak = 200 * mb }, "A peak"},
		{func(m *memoryUse) { m.Live = 50 * mb }, "Pages with gaps"},
		{func(m *memoryUse) { m.rss = 200 * mb }, "More resident"},
		{func(m *memoryUse) { m.clients = 20 * mb }, "with 7 clients"},
	} {
		m := well
		f.change(&m)
		if got := m.report(7); !strings.Contains(got, f.want) || strings.Count(got, "\n- ") > 1 {
			t.Errorf("want %q: %s", f.want, got)
		}
	}
}

// TestMemoryPurge: what is kept for reuse goes back to the system.
func TestMemoryPurge(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	for i := range 40 {
		c.Feed([]byte(fmt.Sprintf("*3\r\n$3\r\nSET\r\n$2\r\n%02d\r\n$100000\r\n%s\r\n", i, strings.Repeat("x", 100_000))))
		c.turn()
	}
	c.send("FLUSHALL")
	settle := func() int64 {
		for s.store.Tick(0) {
		}
		return s.store.Memory().Free
	}
	if free := settle(); free == 0 {
		t.Fatal("nothing is kept")
	}
	c.do("MEMORY PURGE", "+OK|")
	if free := settle(); free != 0 {
		t.Errorf("%d bytes are kept", free)
	}
}

func TestDebugOfAServer(t *testing.T) {
	s := testServer(t, nil, "--enable-debug-command", "local")
	c, far := s.connect(t), s.connect(t)
	far.conn.far = true
	if got := far.send("DEBUG CHECK"); !strings.HasPrefix(got, "-ERR DEBUG command not allowed.") {
		t.Error(got)
	}
	c.do("DEBUG CHECK", "+OK|")
	c.do("DEBUG OBJECT k", "-ERR no such key|")
	c.send("SADD k 1 2 3")
	if got := c.send("DEBUG OBJECT k"); !strings.HasPrefix(got, "+Value shard:") || !strings.Contains(got, " encoding:intset ") ||
		!strings.Contains(got, " lru_seconds_idle:0\r\n") {
		t.Error(got)
	}
	c.do("SET k v PX 1", "+OK|")
	c.do("DEBUG SET-ACTIVE-EXPIRE 0", "+OK|")
	c.do("CLIENT PAUSE 10000 WRITE", "+OK|")
	c.do("CLIENT UNPAUSE", "+OK|") // which does not turn it on again
	later := s.wallMS(s.clock()) + 1000
	for s.store.Tick(later) {
	}
	if n := s.store.Size(0); n != 1 {
		t.Errorf("%d keys, want 1", n)
	}
	c.do("DEBUG SET-ACTIVE-EXPIRE 1", "+OK|")
	for s.store.Tick(later) {
	}
	if n := s.store.Size(0); n != 0 {
		t.Errorf("%d keys, want 0", n)
	}
	time.AfterFunc(10*time.Millisecond, s.stop)
	c.do("DEBUG SLEEP 1000000", "+OK|") // the end of the server ends it
}
