package server

import (
	"strings"
	"testing"
	"time"

	"quarry/commands"
	"quarry/server/eventloop"
)

func TestRefusals(t *testing.T) {
	s := testServer(t, fakeTable(), "--requirepass", "secret")
	c := s.connect(t)
	c.do("nosuch a b", "-ERR unknown command 'nosuch', with args beginning with: 'a' 'b' |")
	c.do("write", "-ERR wrong number of arguments for 'write' command|")
	c.do("write k", "-NOAUTH Authentication required.|")
	c.do("free", "+OK|")
	c.do("box", "-ERR wrong number of arguments for 'box' command|")
	c.do("box out x", "-ERR unknown subcommand 'out'. Try BOX HELP.|")
	c.do("box in", "-ERR wrong number of arguments for 'box|in' command|")
	c.do("box in x", "-NOAUTH Authentication required.|")
	if c.Authenticate("default", "wrong") || c.Authenticate("other", "secret") {
		t.Error("logged in without the password")
	}
	if !c.Authenticate("default", "secret") {
		t.Error("not logged in with the password")
	}
	c.do("write k", "+OK|")
	c.do("box in x", "+OK|")
	c.do("WRITE k", "+OK|")
	c.Reset()
	c.do("write k", "-NOAUTH Authentication required.|")
	if err := s.ConfigSet([]commands.KV{{Name: "requirepass", Value: ""}}); err != nil {
		t.Fatal(err)
	}
	c.do("write k", "+OK|")
	long := strings.Repeat("x", 20<<10)
	guest := testServer(t, nil, "--requirepass", "secret").connect(t)
	if err := guest.srv.ConfigSet([]commands.KV{{Name: "requirepass", Value: ""}}); err != nil {
		t.Fatal(err)
	}
	guest.Feed(respOf("ECHO " + long + "\n"))
	guest.got("$20480|" + long + "|")
}

// TestPasswordSetLater: who came while there was none stays in.
func TestPasswordSetLater(t *testing.T) {
	s := testServer(t, fakeTable())
	before := s.connect(t)
	if err := s.ConfigSet([]commands.KV{{Name: "requirepass", Value: "secret"}}); err != nil {
		t.Fatal(err)
	}
	before.do("write k", "+OK|")
	s.connect(t).do("write k", "-NOAUTH Authentication required.|")
}

func TestOutOfMemory(t *testing.T) {
	s := testServer(t, fakeTable(), "--maxmemory", "1mb")
	c := s.connect(t)
	c.do("oom k", "+OK|")
	c.do("oom "+strings.Repeat("x", 60<<10), "+OK|")
	s.store.SetMaxMemory(1)
	c.Feed(respOf("OOM k\nWRITE k\nREAD k\n"))
	want := "-OOM command not allowed when used memory > 'maxmemory'.\r\n+OK\r\n+OK\r\n"
	if got := c.turn(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// shardFree reports whether a shard can be locked.
func shardFree(s *Server, shard int) bool {
	locked := make(chan bool)
	go func() {
		s.store.Lock(shard)
		s.store.Unlock(shard)
		close(locked)
	}()
	<-locked // hangs if not, and the test's own deadline tells where
	return true
}

// TestPanicInHandler: it costs its connection and the writes to its shard,
// nothing more.
func TestPanicInHandler(t *testing.T) {
	s := testServer(t, fakeTable())
	victim, other := s.connect(t), s.connect(t)
	victim.Feed(respOf("TICK\nWRITE key\nBREAK key\nTICK\n"))
	if got := victim.turn(); got != ":1\r\n+OK\r\n" {
		t.Errorf("the victim got %q", got)
	}
	if !victim.conn.gone {
		t.Error("the victim's connection is open")
	}
	shard := s.store.ShardOf([]byte("key"))
	shardFree(s, shard)
	elsewhere := "k"
	for s.store.ShardOf([]byte(elsewhere)) == shard {
		elsewhere += "k"
	}
	refused := "-" + errDamaged + "|"
	other.do("read key", "+OK|")
	other.do("write key", refused)
	other.do("write "+elsewhere+" key", refused)
	other.do("write "+elsewhere, "+OK|")
	other.do("all", refused)
	other.do("breakread "+elsewhere, "")
	after := s.connect(t)
	after.do("write "+elsewhere, refused)
	after.do("read "+elsewhere, "+OK|")
	if panics, damaged := s.damage.panics.Load(), s.damage.count.Load(); panics != 2 || damaged != 2 {
		t.Errorf("%d panics and %d damaged shards counted", panics, damaged)
	}
	for i := range s.store.Shards() {
		shardFree(s, i)
	}
}

// TestLocks: which shards are held after which commands.
func TestLocks(t *testing.T) {
	s := testServer(t, fakeTable())
	l := locks{store: s.store}
	args := [][]byte{nil, []byte("{a}1"), []byte("{a}2"), []byte("b"), []byte("c"), []byte("d")}
	a := s.store.ShardOf(args[1])
	if s.store.ShardOf(args[2]) != a {
		t.Fatal("a hash tag does not choose the shard")
	}
	held := func(n int) {
		t.Helper()
		for i := 1; i < len(l.held); i++ {
			if l.held[i-1] >= l.held[i] {
				t.Fatalf("not in ascending order: %v", l.held)
			}
		}
		if len(l.held) != n {
			t.Fatalf("%v held, want %d shards", l.held, n)
		}
	}
	l.keys(args, []int{1})
	l.done()
	held(1)
	l.keys(args, []int{2})
	l.done()
	held(1)
	if l.shared != 1 {
		t.Errorf("the lock was taken anew for the same shard")
	}
	for range 2 * maxShared {
		l.keys(args, []int{1})
		if l.shared > maxShared {
			t.Fatal("one locking is shared without end")
		}
	}
	l.keys(args, nil)
	held(0)
	l.keys(args, []int{1, 2})
	held(1)
	l.keys(args, []int{5, 3, 1, 4, 3})
	distinct := map[int]bool{}
	for _, i := range []int{1, 3, 4, 5} {
		distinct[s.store.ShardOf(args[i])] = true
	}
	held(len(distinct))
	l.done()
	l.all()
	held(s.store.Shards())
	l.done()
	held(0)
}

// TestTimeAfterWaiting: who has waited for a lock runs at the time at which it got it, and
// so does what comes after.
func TestTimeAfterWaiting(t *testing.T) {
	s := testServer(t, fakeTable())
	w := s.workers[0]
	w.begin(s.connect(t).Session)
	before := w.now()
	if before != w.watch.now() {
		t.Error("the clock was read for nothing")
	}
	w.watch.at -= int64(time.Second) // that is how long it waits
	w.locks.waited = true
	if got := w.now(); got < before || w.now() != got {
		t.Errorf("at %d, then at %d; it came at %d", got, w.now(), before)
	}
}

// TestTurnHoldsNoLock: whatever a turn ran, nothing is locked after it.
func TestTurnHoldsNoLock(t *testing.T) {
	s := testServer(t, fakeTable())
	c := s.connect(t)
	for _, lines := range []string{"WRITE a\n", "WRITE a\nnosuch\n", "WRITE a b c d e\n", "ALL\n", "WRITE a\nWRITE\n"} {
		c.Feed(respOf(lines))
		c.turn()
		for i := range s.store.Shards() {
			shardFree(s, i)
		}
	}
}

// TestGateCounts: what INFO shows of the gate's work.
func TestGateCounts(t *testing.T) {
	s := testServer(t, fakeTable())
	c := s.connect(t)
	c.send("tick")
	c.send("tick")
	c.send("write")
	c.send("nosuch")
	stats := s.workers[0].stats
	tick, write := s.table.ByName("tick").Index(), s.table.ByName("write").Index()
	if n := stats.commands[tick].calls; n != 2 {
		t.Errorf("%d calls of TICK", n)
	}
	if got := stats.commands[write]; got.calls != 0 || got.rejected != 1 {
		t.Errorf("WRITE: %d calls, %d rejected", got.calls, got.rejected)
	}
	c.send("box out x")
	for _, container := range []string{"box", "box|in"} {
		if got := stats.commands[s.table.ByName(container).Index()]; got.calls+got.rejected != 0 {
			t.Errorf("an unknown subcommand is counted as %s", container)
		}
	}
	if n := stats.errors["ERR"]; n != 3 {
		t.Errorf("%d errors", n)
	}
	if stats.in == 0 || stats.out == 0 {
		t.Errorf("%d bytes in, %d out", stats.in, stats.out)
	}
}

// TestParkedInput: what a blocked client sends is kept and not run. It is read on, or the client's
// hanging up would not be noticed, but not without end.
func TestParkedInput(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.do("BZPOPMIN q 0", "")
	c.do("PING", "")
	if c.Wants() != 0 {
		t.Errorf("wants %b", c.Wants())
	}
	c.Feed(make([]byte, parkedInput+1))
	if c.Wants() != 0 {
		t.Errorf("with much input: wants %b", c.Wants())
	}
	s.waitingInput.Add(waitingTotal) // of others
	if c.Wants() != eventloop.Mute {
		t.Errorf("with much input of all clients: wants %b", c.Wants())
	}
	c.Closed()
	if n := s.waitingInput.Load(); n != waitingTotal {
		t.Errorf("%d bytes are counted", n)
	}
	s.waitingInput.Store(0)

	c = s.connect(t)
	s.connect(t).do("CONFIG SET client-query-buffer-limit 1mb", "+OK|")
	c.do("BLPOP q 0", "")
	c.Feed(make([]byte, 1<<20))
	if c.Wants() != 0 {
		t.Errorf("wants %b", c.Wants())
	}
	c.Feed(make([]byte, 1))
	if c.Wants() != eventloop.Abort {
		t.Errorf("over client-query-buffer-limit: wants %b", c.Wants())
	}
	c.Closed()

	c = s.connect(t)
	c.do("BLPOP q 0", "")
	c.Feed([]byte(strings.Repeat("PING\r\n", 20_000)))
	if n := s.waitingInput.Load(); n != 120_000+copySize([][]byte{[]byte("BLPOP"), []byte("q"), []byte("0")}) {
		t.Errorf("%d bytes are counted", n)
	}
	s.connect(t).do("RPUSH q x", ":1|")
	if got, want := c.turn(), "*2\r\n$1\r\nq\r\n$1\r\nx\r\n"+strings.Repeat("+PONG\r\n", 20_000); got != want {
		t.Errorf("%d bytes of output", len(got))
	}
	if n := s.waitingInput.Load(); n != 0 {
		t.Errorf("%d bytes are counted after they were run", n)
	}
	for i := range s.store.Shards() {
		shardFree(s, i)
	}
}
