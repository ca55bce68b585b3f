package server

import (
	"strings"
	"sync"
	"testing"

	"quarry/server/eventloop"
)

// fakeLog is a journal whose progress the test decides.
type fakeLog struct {
	mu        sync.Mutex
	text      strings.Builder // one line for each append: the database and the effects, with | for line breaks
	appended  int64
	committed int64
	inline    bool // Commit makes safe what there is
	commits   int
	refusal   string
}

func (f *fakeLog) Append(db int, effects []byte) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text.WriteString(string(rune('0'+db)) + " " + plain(effects) + "\n")
	f.appended += int64(len(effects))
	return f.appended
}

func (f *fakeLog) Commit() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits++
	if f.inline {
		f.committed = f.appended
	}
}

func (f *fakeLog) Committed() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.committed
}

func (f *fakeLog) Appended() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.appended
}

func (f *fakeLog) Refusal() string { return f.refusal }

// take returns what has been appended since the last time.
func (f *fakeLog) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.text.String()
	f.text.Reset()
	return s
}

// plain writes effects as people do: words with blanks between, a comma after each command.
func plain(effects []byte) string {
	var words []string
	lines := strings.Split(string(effects), "\r\n")
	for i := 0; i < len(lines); i++ {
		switch {
		case strings.HasPrefix(lines[i], "*"):
			if len(words) > 0 {
				words[len(words)-1] += ","
			}
		case strings.HasPrefix(lines[i], "$"):
			i++
			words = append(words, lines[i])
		}
	}
	return strings.Join(words, " ")
}

// withLog makes a server with a log.
func withLog(t *testing.T, args ...string) (*Server, *fakeLog) {
	t.Helper()
	s := testServer(t, nil, args...)
	log := &fakeLog{}
	s.setJournal(log)
	return s, log
}

// batchEnd is what a loop does at the end of a batch, before it sends.
func (c *testClient) batchEnd() string {
	for c.more && !c.closing { // what a turn that was over has left
		c.Resume()
	}
	c.srv.commit(0)
	out := string(c.Output())
	c.Sent(len(out))
	return out
}

// TestRepliesWaitForTheLog: what is not in the log is not acknowledged, and what comes after it on the same
// connection neither; who has nothing to do with it is answered.
func TestRepliesWaitForTheLog(t *testing.T) {
	s, log := withLog(t)
	a, b := s.connect(t), s.connect(t)
	a.Feed(respOf("GET k\n"))
	if got := a.batchEnd(); got != "$-1\r\n" || log.commits != 0 {
		t.Fatalf("a read: %q, %d commits", got, log.commits)
	}
	a.Feed(respOf("SET k v\nGET k\n"))
	if got := a.batchEnd(); got != "" {
		t.Fatalf("%q was sent before the log had it", got)
	}
	if log.commits != 1 || a.Wants() != 0 {
		t.Fatalf("%d commits, wants %b", log.commits, a.Wants())
	}
	b.Feed(respOf("GET k\n"))
	if got := b.batchEnd(); got != "$1\r\nv\r\n" {
		t.Fatalf("everysec: a reader got %q", got)
	}
	log.committed = log.appended - 1
	s.committed()
	s.Rest()
	if got := a.batchEnd(); got != "" {
		t.Fatalf("%q was sent before the log had all of it", got)
	}
	log.committed = log.appended
	s.committed()
	s.Rest()
	if got := a.batchEnd(); got != "+OK\r\n$1\r\nv\r\n" {
		t.Fatalf("%q was sent when the log had it", got)
	}
	if got := log.take(); got != "0 SET k v\n" {
		t.Fatalf("the log has %q", got)
	}
	a.Feed(respOf("QUIT\n"))
	if got := a.batchEnd(); got != "+OK\r\n" || a.Wants() != eventloop.Close {
		t.Fatalf("%q, wants %b", got, a.Wants())
	}
}

// TestCloseWaitsForTheLog: a connection that is to be closed gets its replies first.
func TestCloseWaitsForTheLog(t *testing.T) {
	s, log := withLog(t)
	c := s.connect(t)
	c.Feed(respOf("SET k v\nQUIT\n"))
	if got := c.batchEnd(); got != "" || c.Wants() != eventloop.Mute {
		t.Fatalf("%q, wants %b", got, c.Wants())
	}
	log.committed = log.appended
	if got := c.batchEnd(); got != "+OK\r\n+OK\r\n" || c.Wants() != eventloop.Close {
		t.Fatalf("%q, wants %b", got, c.Wants())
	}
}

// TestReadsWaitUnderAlways: what may be lost is shown to nobody.
func TestReadsWaitUnderAlways(t *testing.T) {
	s, log := withLog(t)
	s.journal.always.Store(true)
	a, b := s.connect(t), s.connect(t)
	a.Feed(respOf("SET k v\n"))
	for _, read := range []string{"GET k\n", "DBSIZE\n", "MULTI\nGET k\nEXEC\n", "MULTI\nDBSIZE\nEXEC\n", "SCAN 0\n", "SETNX k w\n", "GETEX k\n", "MULTI\nSETNX k w\nEXEC\n"} {
		b.Feed(respOf(read))
		if got := strings.TrimPrefix(b.batchEnd(), "+OK\r\n+QUEUED\r\n"); got != "" {
			t.Errorf("%s: %q was sent", read, got)
		}
		b.barrier = 0
		b.batchEnd()
	}
	other := "x"
	for s.store.ShardOf([]byte(other)) == s.store.ShardOf([]byte("k")) {
		other += "x"
	}
	b.Feed(respOf("PING\nGET " + other + "\n"))
	if got := b.batchEnd(); got != "+PONG\r\n$-1\r\n" {
		t.Errorf("what does not concern the change waits: %q", got)
	}
	b.Feed(respOf("GET k\n"))
	listener := s.connect(t)
	log.committed = log.appended
	listener.send("SUBSCRIBE c")
	a.Feed(respOf("SET k v\nPUBLISH c changed\n"))
	a.batchEnd()
	s.Rest()
	if got := listener.batchEnd(); got != "" {
		t.Errorf("a subscriber is told of what is not safe: %q", got)
	}
	log.committed = log.appended
	if got := listener.batchEnd(); !strings.Contains(got, "changed") {
		t.Errorf("a subscriber is told %q", got)
	}
	if got := b.batchEnd(); got != "$1\r\nv\r\n" {
		t.Errorf("after the sync: %q", got)
	}
}

// TestTransactionIsOneEntry: whole, with its own changes of database, and nothing of what changes nothing.
func TestTransactionIsOneEntry(t *testing.T) {
	s, log := withLog(t)
	log.inline = true
	c := s.connect(t)
	run := func(lines, want string) {
		t.Helper()
		c.Feed(respOf(lines))
		c.batchEnd()
		if got := log.take(); got != want {
			t.Errorf("%q: the log has %q, want %q", lines, got, want)
		}
	}
	run("MULTI\nSET a 1\nGET a\nINCR a\nDEL none\nEXEC\n", "0 MULTI, SET a 1, INCR a, EXEC\n")
	run("MULTI\nGET a\nEXEC\n", "")
	run("MULTI\nSELECT 2\nSET b 1\nSELECT 0\nSET c 1\nEXEC\n", "2 MULTI, SET b 1, select 0, SET c 1, select 2, EXEC\n")
	run("MULTI\nSET b 1\nDISCARD\n", "")
	run("MULTI\nSET b 1\nNOSUCH\nEXEC\n", "")
	run("SELECT 3\nSET d 1\n", "3 SET d 1\n")
	run("DEL nothing\nZADD z 1 a\nZADD z 1 a\n", "3 ZADD z 1 a\n")
}

// TestServedClientsAreLogged: who waited gets the reply when the log has both the push and the pop.
func TestServedClientsAreLogged(t *testing.T) {
	s, log := withLog(t)
	a, b := s.connect(t), s.connect(t)
	a.send("BLPOP q 0")
	b.Feed(respOf("RPUSH q one\n"))
	if got := log.take(); got != "0 RPUSH q one\n0 LPOP q\n" {
		t.Fatalf("the log has %q", got)
	}
	if got := a.turn(); got != "" {
		t.Fatalf("%q was sent before the log had it", got)
	}
	if got := b.batchEnd(); got != "" {
		t.Fatalf("%q was sent before the log had it", got)
	}
	log.committed = log.appended
	if got := a.batchEnd(); got != "*2\r\n$1\r\nq\r\n$3\r\none\r\n" {
		t.Fatalf("served with %q", got)
	}
}

// TestExpiredKeysAreLogged: before what the command that met them has changed.
func TestExpiredKeysAreLogged(t *testing.T) {
	s, log := withLog(t)
	log.inline = true
	c := s.connect(t)
	c.send("SET a 1 PX 10")
	c.send("SET b 1 PX 10")
	c.send("SET c 1 PX 10")
	log.take()
	s.ShiftTime(100e6)
	c.send("APPEND a 2")
	c.send("GET b")
	if got := log.take(); got != "0 DEL a\n0 APPEND a 2\n0 DEL b\n" {
		t.Errorf("the log has %q", got)
	}
	for s.upkeep(cronBurst) {
	}
	if got := log.take(); got != "0 DEL c\n" {
		t.Errorf("the log has %q", got)
	}
}

// TestRefusalsOfTheLog: while the log does not work changes are refused, reads are not.
func TestRefusalsOfTheLog(t *testing.T) {
	s, log := withLog(t)
	log.inline = true
	c := s.connect(t)
	c.do("SET k v", "+OK|")
	log.refusal = "MISCONF Errors writing to the AOF file: No space left on device"
	c.do("SET k w", "-"+log.refusal+"|")
	c.do("GET k", "$1|v|")
	c.do("MULTI", "+OK|")
	c.do("SET k w", "-"+log.refusal+"|")
	c.do("EXEC", "-EXECABORT Transaction discarded because of previous errors.|")
	log.refusal = ""
	c.do("MULTI", "+OK|")
	c.do("SET k w", "+QUEUED|")
	log.refusal = "MISCONF no"
	c.do("EXEC", "-EXECABORT Transaction discarded because of: MISCONF no|")
	log.refusal = ""
	c.do("GET k", "$1|v|")
}

// TestHeldClientsAreClosed: whose changes are not in the log when it does not work for a while do not wait for ever.
func TestHeldClientsAreClosed(t *testing.T) {
	s, log := withLog(t)
	c := s.connect(t)
	c.Feed(respOf("SET k v\n"))
	c.batchEnd()
	log.refusal = "MISCONF no"
	c.Sweep()
	if c.Wants() == eventloop.Abort {
		t.Fatal("closed at once")
	}
	c.owingSince -= 2 * int64(holdTime)
	c.Sweep()
	if c.Wants() != eventloop.Abort {
		t.Fatalf("wants %b", c.Wants())
	}
}
