package server

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"quarry/commands"
	"quarry/server/config"
	"quarry/server/eventloop"
)

// testConn is the endpoint of a session without a connection. Posts wait until
// the test delivers them.
type testConn struct {
	posts  []func()
	timer  int64
	gone   bool
	remote string
	far    bool // not on this machine
}

func (c *testConn) Post(fn func())     { c.posts = append(c.posts, fn) }
func (c *testConn) SetTimer(at int64)  { c.timer = at }
func (c *testConn) FD() int            { return 7 }
func (c *testConn) RemoteAddr() string { return c.remote }
func (c *testConn) LocalAddr() string  { return "127.0.0.1:6379" }
func (c *testConn) Unix() bool         { return false }
func (c *testConn) Loopback() bool     { return !c.far }

func (c *testConn) Notify() {}

// testTransport runs posts when the test says so.
type testTransport struct {
	mu    sync.Mutex
	posts [2][]func() // by worker
}

func (tr *testTransport) Run(context.Context, []net.Listener) error { return nil }

func (tr *testTransport) Post(worker int, fn func()) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.posts[worker] = append(tr.posts[worker], fn)
}

// step runs the posts of a worker that are there and reports whether there were any.
func (tr *testTransport) step(worker int) bool {
	tr.mu.Lock()
	posts := tr.posts[worker]
	tr.posts[worker] = nil
	tr.mu.Unlock()
	for _, fn := range posts {
		fn()
	}
	return len(posts) > 0
}

// rest runs posts until there are none.
func (tr *testTransport) rest() {
	for tr.step(0) || tr.step(1) {
	}
}

// testClient drives one session as a transport would.
type testClient struct {
	*Session
	t    *testing.T
	conn *testConn
}

// testServer makes a server without a network. With no table it has all commands.
func testServer(t testing.TB, table *commands.Table, args ...string) *Server {
	t.Helper()
	cfg, err := config.Load(append([]string{"--dir", t.TempDir()}, args...))
	if err != nil {
		t.Fatal(err)
	}
	if table == nil {
		table = commands.NewCommandTable()
	}
	s, err := newServer(cfg, slog.New(slog.DiscardHandler), table)
	if err != nil {
		t.Fatal(err)
	}
	s.addWorker()
	s.addWorker()
	s.transport = &testTransport{}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *Server) connect(t *testing.T) *testClient {
	t.Helper()
	conn := &testConn{remote: fmt.Sprintf("127.0.0.1:%d", 40000+s.clients.next.Load())}
	session, refusal := s.admit(conn)
	if session == nil {
		t.Fatal(refusal)
	}
	session.Attach(0)
	return &testClient{session, t, conn}
}

// turn does what a loop does after a batch, until nothing is left to do, and
// returns what was sent.
func (c *testClient) turn() string {
	var sent strings.Builder
	for range 1000 {
		posts := c.conn.posts
		c.conn.posts = nil
		for _, fn := range posts {
			fn()
		}
		c.srv.commit(c.w.index)
		sent.Write(c.Output())
		c.Sent(len(c.Output()))
		switch wants := c.Wants(); {
		case wants&(eventloop.Abort|eventloop.Close) != 0:
			if !c.conn.gone {
				c.conn.gone = true
				c.Closed()
			}
			return sent.String()
		case wants&(eventloop.More|eventloop.Drain) != 0:
			c.Resume()
		case len(posts) == 0:
			return sent.String()
		}
	}
	c.t.Fatal("the session never comes to rest")
	return ""
}

// send feeds a line, as an inline command, and returns the replies.
func (c *testClient) send(line string) string {
	c.Feed([]byte(line + "\r\n"))
	return c.turn()
}

// do sends a line and checks the reply, written with "|" for line breaks.
func (c *testClient) do(line, want string) {
	c.t.Helper()
	if got := strings.ReplaceAll(c.send(line), "\r\n", "|"); got != want {
		c.t.Errorf("%s: %s, want %s", line, got, want)
	}
}

// resp encodes commands, one a line.
func respOf(lines string) []byte {
	var b bytes.Buffer
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		fmt.Fprintf(&b, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	return b.Bytes()
}

const conversation = `PING
ZADD board 1 ada 2 bob 3 cyd
ZRANGE board 0 -1 WITHSCORES
nosuch command with arguments
ZRANK board bob
ZADD board
HELLO 3
ZSCORE board cyd
ECHO ` + "a-long-argument-a-long-argument-a-long-argument" + `
CLIENT REPLY SKIP
PING
SELECT 3
ZCARD board
DEL board
SELECT 0
DEL board
HELLO 2 SETNAME me
QUIT
`

// TestEveryCut feeds one conversation whole, cut in two at every place, and
// byte by byte: the replies are the same.
func TestEveryCut(t *testing.T) {
	s := testServer(t, nil)
	stream := respOf(conversation)
	run := func(cuts ...int) string {
		c := s.connect(t)
		var got strings.Builder
		last := 0
		for _, cut := range append(cuts, len(stream)) {
			piece := bytes.Clone(stream[last:cut])
			c.Feed(piece)
			clear(piece) // it was lent for the call only
			got.WriteString(c.turn())
			last = cut
		}
		if !c.conn.gone {
			t.Fatal("QUIT did not end the session")
		}
		return idOf.ReplaceAllString(got.String(), "id N")
	}
	want := run()
	if !strings.HasPrefix(want, "+PONG\r\n:3\r\n*6\r\n") || !strings.HasSuffix(want, "+OK\r\n") {
		t.Fatalf("%q", want)
	}
	var bytewise []int
	for cut := 1; cut < len(stream); cut++ {
		if got := run(cut); got != want {
			t.Fatalf("cut at %d: %q, want %q", cut, got, want)
		}
		bytewise = append(bytewise, cut)
	}
	if got := run(bytewise...); got != want {
		t.Fatalf("byte by byte: %q, want %q", got, want)
	}
}

var idOf = regexp.MustCompile(`(?s)id\r\n:\d+`)

// fakeTable has commands that behave as a test needs.
func fakeTable() *commands.Table {
	row := func(name string, arity int, flags commands.Flag, keys []commands.Keys, run func(c *commands.Ctx)) commands.Spec {
		return commands.Spec{Name: name, Group: commands.Generic, Since: "1", Summary: "test", Arity: arity,
			Flags: flags, Keys: keys, Run: run}
	}
	key := commands.KeyAt(1, commands.RW)
	return commands.NewTable([]commands.Spec{
		row("TICK", 1, commands.Fast, nil, func(c *commands.Ctx) { c.Int(1) }),
		row("SPIN", 1, 0, nil, func(c *commands.Ctx) {
			for start := time.Now(); time.Since(start) < 2*turnTime; {
			}
			c.Int(2)
		}),
		row("BIG", 1, 0, nil, func(c *commands.Ctx) { c.Bulk(make([]byte, 400<<10)) }),
		row("WRITE", -2, commands.Write|commands.Verbatim, commands.KeyRange(1, -1, 1, commands.RW), func(c *commands.Ctx) { c.OK() }),
		row("READ", 2, commands.ReadOnly, commands.KeyAt(1, commands.RO), func(c *commands.Ctx) { c.OK() }),
		row("OOM", 2, commands.Write|commands.Verbatim|commands.DenyOOM, key, func(c *commands.Ctx) { c.OK() }),
		row("ALL", 1, commands.Write|commands.Verbatim|commands.AllShards, nil, func(c *commands.Ctx) { c.OK() }),
		row("BREAK", 2, commands.Write|commands.Verbatim, key, func(c *commands.Ctx) { c.Array(3); c.Int(1); panic("as asked") }),
		row("BREAKREAD", 2, commands.ReadOnly, commands.KeyAt(1, commands.RO), func(c *commands.Ctx) { panic("as asked") }),
		row("FREE", 1, commands.NoAuth, nil, func(c *commands.Ctx) { c.OK() }),
		row("RUNQUEUE", 1, commands.NotQueued|commands.RunsQueue, nil, func(c *commands.Ctx) { c.Client.Exec() }),
		{Name: "BOX", Group: commands.Generic, Since: "1", Summary: "test", Arity: -2, Subs: []commands.Spec{
			row("IN", 3, 0, nil, func(c *commands.Ctx) { c.OK() }),
		}},
	})
}

// TestFairness: a turn ends with its time or with much output, nothing is lost
// by it, and what was asked after it is answered in order.
func TestFairness(t *testing.T) {
	s := testServer(t, fakeTable())
	c := s.connect(t)
	c.Feed(respOf("SPIN\nTICK\nTICK\n"))
	if got := string(c.Output()); got != ":2\r\n" {
		t.Fatalf("first turn: %q", got)
	}
	if c.Wants() != eventloop.More {
		t.Fatalf("wants %b, not More", c.Wants())
	}
	c.Resume()
	if got := string(c.Output()); got != ":2\r\n:1\r\n:1\r\n" || c.Wants() != 0 {
		t.Fatalf("second turn: %q, wants %b", got, c.Wants())
	}
	c.turn()
	c.Feed(respOf(strings.Repeat("BIG\n", 10)))
	if n := len(c.Output()); n > turnOutput+500<<10 || c.Wants() != eventloop.More {
		t.Fatalf("%d bytes in one turn, wants %b", n, c.Wants())
	}
	if n := len(c.turn()); n != 10*(400<<10+len("$409600\r\n\r\n")) {
		t.Fatalf("%d bytes in all", n)
	}
}

// TestFairnessOfWhatIsNotRun: commands that are only queued, or refused, take time of a turn, too.
func TestFairnessOfWhatIsNotRun(t *testing.T) {
	const many = 200_000 // take far more than turnTime
	for _, c := range []struct{ first, line string }{{"MULTI", "PING\r\n"}, {"CLIENT REPLY OFF", "NOSUCH\r\n"}, {"CLIENT REPLY OFF", "GET\r\n"}} {
		client := testServer(t, nil).connect(t)
		client.send(c.first)
		client.Feed([]byte(strings.Repeat(c.line, many)))
		if client.Wants() != eventloop.More {
			t.Errorf("%s: %d times %q are one turn", c.first, many, c.line)
		}
	}
}

// TestStall: while all clients together have much unsent, one with much of it
// runs nothing; otherwise it does, as in Redis.
func TestStall(t *testing.T) {
	s := testServer(t, fakeTable())
	c := s.connect(t)
	c.Feed(respOf("BIG\nBIG\nBIG\nBIG\n"))
	for c.Wants() == eventloop.More {
		c.Resume()
	}
	c.Feed(respOf("TICK\n"))
	if !bytes.HasSuffix(c.Output(), []byte(":1\r\n")) {
		t.Fatal("a client with unsent output was not served")
	}
	if got, want := s.unsent.Load(), int64(len(c.Output())); got != want {
		t.Fatalf("%d bytes are said to be unsent, %d are", got, want)
	}
	s.unsent.Add(stallTotal)
	c.Feed(respOf("TICK\n"))
	if want := eventloop.Drain | eventloop.Mute; c.Wants() != want {
		t.Fatalf("wants %b, want %b", c.Wants(), want)
	}
	if got := c.turn(); !strings.HasSuffix(got, ":1\r\n:1\r\n") {
		t.Fatalf("after the output was read: ...%q", got[len(got)-20:])
	}
	if got := s.unsent.Load(); got != stallTotal {
		t.Fatalf("unsent is off by %d", got-stallTotal)
	}
}

// TestGuestOutput: who has no password gets an answer to everything, but only
// while it reads.
func TestGuestOutput(t *testing.T) {
	s := testServer(t, fakeTable(), "--requirepass", "secret")
	const refusal = "-NOAUTH Authentication required.\r\n"
	in := respOf(strings.Repeat("TICK\n", 10_000))
	reads := s.connect(t)
	reads.Feed(in)
	if got := reads.turn(); got != strings.Repeat(refusal, 10_000) {
		t.Errorf("%d bytes are not the refusals", len(got))
	}
	silent := s.connect(t)
	for silent.Feed(in); silent.Wants() == eventloop.More; silent.Resume() {
		if n := len(silent.Output()); n > 2*guestOutput {
			t.Fatalf("%d bytes wait for a stranger", n)
		}
	}
	if silent.Wants() != eventloop.Abort || s.unsent.Load() != 0 {
		t.Errorf("wants %b, %d bytes unsent", silent.Wants(), s.unsent.Load())
	}
	member := s.connect(t)
	member.Authenticate(defaultUser, "secret")
	for member.Feed(in); member.Wants() == eventloop.More; member.Resume() {
	}
	if got := string(member.Output()); got != strings.Repeat(":1\r\n", 10_000) {
		t.Errorf("%d bytes are not what a client with the password is owed", len(got))
	}
}

// TestCutLaggard: a client that never reads does not hold up the others for ever.
func TestCutLaggard(t *testing.T) {
	s := testServer(t, fakeTable())
	fill := func(lines string) *testClient {
		c := s.connect(t)
		for c.Feed(respOf(lines)); c.Wants() == eventloop.More; c.Resume() {
		}
		return c
	}
	never := fill("BIG\nBIG\nBIG\nBIG\nBIG\n")
	honest := fill("BIG\nBIG\nBIG\n")
	s.unsent.Add(stallTotal) // of others, who will read it
	honest.Feed(respOf("BIG\nTICK\n"))
	cut := func() bool {
		s.cutLaggard()
		return never.Wants() == eventloop.Abort
	}
	if honest.Wants() != eventloop.Drain|eventloop.Mute {
		t.Fatalf("wants %b", honest.Wants())
	}
	if cut() {
		t.Error("closed at once")
	}
	for _, c := range []*testClient{never, honest} {
		c.view.taken.Add(-laggardSeconds - 1)
	}
	never.Sent(1)
	never.view.taken.Add(-laggardSeconds)
	if honest.view.taken.Add(laggardSeconds); cut() {
		t.Error("closed although it reads")
	}
	never.view.taken.Add(-1)
	honest.view.taken.Add(-laggardSeconds)
	if !cut() || honest.Wants()&eventloop.Abort != 0 {
		t.Errorf("wants %b, and the other %b", never.Wants(), honest.Wants())
	}
	never.Closed()
	s.unsent.Add(-stallTotal)
	honest.Sweep()
	if got := honest.turn(); !strings.HasSuffix(got, ":1\r\n") {
		t.Errorf("the other goes on with ...%q", got[max(len(got)-20, 0):])
	}
}

// TestShare: with many clients each may leave less unsent.
func TestShare(t *testing.T) {
	s := testServer(t, fakeTable())
	for s.clients.count() < 1000 {
		s.connect(t)
	}
	c := s.connect(t)
	c.Feed(respOf("BIG\n"))
	s.unsent.Add(stallTotal)
	c.Feed(respOf("TICK\n"))
	if c.Wants() != eventloop.Drain|eventloop.Mute {
		t.Errorf("wants %b with %d bytes unsent", c.Wants(), len(c.Output()))
	}
	s.unsent.Add(-stallTotal)
}

// TestLaggard: a client that reads all the time and is never up to date costs
// what it has not read, not what it ever got, and gets it in order.
func TestLaggard(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	var got strings.Builder
	for i := range 3000 {
		c.Feed(respOf(fmt.Sprintf("ECHO %0300d\n", i)))
		for c.Wants() == eventloop.More {
			c.Resume()
		}
		for len(c.Output()) > 10000 {
			got.Write(c.Output()[:500])
			c.Sent(500)
		}
		if cap(c.out) > 1<<20 {
			t.Fatalf("after %d replies the buffer has %d bytes", i, cap(c.out))
		}
	}
	got.WriteString(c.turn())
	var want strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&want, "$300\r\n%0300d\r\n", i)
	}
	if got.String() != want.String() {
		t.Error("the replies are not what was sent")
	}
}

func TestProtocolError(t *testing.T) {
	s := testServer(t, fakeTable())
	c := s.connect(t)
	c.Feed([]byte("TICK\r\n*1\r\n$x\r\nTICK\r\n"))
	if got, want := c.turn(), ":1\r\n-ERR Protocol error: invalid bulk length\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !c.conn.gone {
		t.Error("the connection is open")
	}
	if n := s.workers[0].stats.errors["ERR"]; n != 1 {
		t.Errorf("%d errors are counted", n)
	}
	c.Feed([]byte("TICK\r\n"))
	if got := string(c.Output()); got != "" {
		t.Errorf("a closed session answers %q", got)
	}
}

func TestQueryLimit(t *testing.T) {
	s := testServer(t, fakeTable(), "--client-query-buffer-limit", "1mb")
	c := s.connect(t)
	c.Feed([]byte("*1\r\n$2000000\r\n"))
	c.turn()
	for range 100 {
		c.Feed(make([]byte, 64<<10))
		if c.turn(); c.conn.gone {
			return
		}
	}
	t.Error("never closed")
}

func TestOutputLimits(t *testing.T) {
	s := testServer(t, fakeTable(), "--client-output-buffer-limit", "normal", "1mb", "500kb", "0")
	hard := s.connect(t)
	hard.Feed(respOf("BIG\nBIG\nBIG\nBIG\n"))
	for hard.Wants() == eventloop.More {
		hard.Resume()
	}
	if hard.Wants() != eventloop.Abort || s.unsent.Load() != 0 {
		t.Errorf("over the hard limit: wants %b, %d bytes unsent", hard.Wants(), s.unsent.Load())
	}
	soft := s.connect(t)
	soft.Feed(respOf("BIG\nBIG\n"))
	for soft.Wants() == eventloop.More {
		soft.Resume()
	}
	if soft.Wants() != 0 {
		t.Errorf("just over the soft limit: wants %b", soft.Wants())
	}
	soft.Sweep()
	if soft.Wants() != eventloop.Abort {
		t.Errorf("over the soft limit for longer: wants %b", soft.Wants())
	}
	reads := s.connect(t)
	reads.Feed(respOf("BIG\nBIG\n"))
	reads.turn()
	reads.Sweep()
	if reads.Wants() != 0 {
		t.Errorf("back under the soft limit: wants %b", reads.Wants())
	}
}

func TestTimeout(t *testing.T) {
	s := testServer(t, nil, "--timeout", "10")
	c, parked := s.connect(t), s.connect(t)
	parked.send("BZPOPMIN q 0")
	c.Sweep()
	if c.Wants() != 0 {
		t.Error("closed before its time")
	}
	listeners := []*testClient{s.on(t, 0, 2), s.on(t, 0, 2), s.on(t, 0, 2)}
	for i, line := range []string{"SUBSCRIBE x", "SSUBSCRIBE x", "MONITOR"} {
		c := listeners[i]
		c.send(line)
		c.view.active.Add(-11)
		c.Sweep()
		if c.Wants() != 0 {
			t.Errorf("%s: who listens is taken to be idle", line)
		}
		c.Closed()
	}
	c.view.active.Add(-11)
	parked.view.active.Add(-11)
	c.Sweep()
	parked.Sweep()
	if c.Wants() != eventloop.Abort {
		t.Error("an idle client stays")
	}
	if parked.Wants() != 0 {
		t.Error("a blocked client is taken to be idle")
	}
	parked.turn()
	parked.Closed()
	slow := s.connect(t)
	slow.Feed([]byte("QUIT\r\n"))
	slow.Sweep()
	if slow.Wants() != eventloop.Close {
		t.Error("closed before the reply is read")
	}
	slow.closingSince -= lingerSeconds + 1
	slow.Sent(1)
	slow.Sweep()
	if slow.Wants() != eventloop.Close {
		t.Error("closed while the reply is being read")
	}
	slow.closingSince -= lingerSeconds + 1
	slow.Sweep()
	if slow.Wants() != eventloop.Abort {
		t.Error("a closing client lingers")
	}
	reader := s.connect(t)
	reader.Feed([]byte("PING\r\n"))
	reader.Sent(1)
	reader.view.active.Add(-11)
	reader.Sent(1)
	reader.Sweep()
	if reader.Wants() != 0 {
		t.Error("a client that reads its reply is taken to be idle")
	}
}

// TestIdleMemory: an idle client gives its input buffer back.
func TestIdleMemory(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.Feed(respOf("PING\n")[:9])
	c.view.active.Add(-restSeconds - 1)
	c.Sweep()
	c.Feed(respOf("PING\n")[9:])
	c.got("+PONG|")
	if c.Sweep(); c.framer.Cap() == 0 {
		t.Error("given back at once")
	}
	c.view.active.Add(-restSeconds - 1)
	if c.Sweep(); c.framer.Cap() != 0 || c.view.inputCap.Load() != 0 {
		t.Errorf("%d bytes are held", c.framer.Cap())
	}
	c.do("PING", "+PONG|")
}

func TestAdmission(t *testing.T) {
	s := testServer(t, fakeTable(), "--maxclients", "2")
	a := s.connect(t)
	s.connect(t)
	if c, refusal := s.admit(&testConn{}); c != nil || refusal != "-ERR max number of clients reached\r\n" {
		t.Errorf("a third client: %v, %q", c, refusal)
	}
	a.do("QUIT", "-ERR unknown command 'QUIT', with args beginning with: |")
	a.Closed()
	if c, refusal := s.admit(&testConn{}); c == nil {
		t.Error("after one has left:", refusal)
	}
	if got := s.counters.rejected.Load(); got != 1 {
		t.Errorf("%d rejected, want 1", got)
	}
	if c, refusal := s.admit(&testConn{far: true}); c != nil || !strings.HasPrefix(refusal, "-DENIED Redis is running in protected mode") {
		t.Errorf("from another machine: %v, %q", c, refusal)
	}
	for _, args := range [][]string{{"--protected-mode", "no"}, {"--requirepass", "secret"}} {
		s := testServer(t, fakeTable(), args...)
		if c, refusal := s.admit(&testConn{far: true}); c == nil {
			t.Errorf("%v, from another machine: %q", args, refusal)
		}
	}
}

// TestMaxClients: what is shown as maxclients is what holds.
func TestMaxClients(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	s.clientFDs = 50
	c.do("CONFIG SET maxclients 51", "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - "+
		"The operating system is not able to handle the specified number of clients, try with 50|")
	if err := s.lowerMaxClients(); err != nil {
		t.Error(err)
	}
	c.do("CONFIG GET maxclients", "*2|$10|maxclients|$2|50|")
	c.do("CONFIG SET maxclients 49", "+OK|")
	one := testServer(t, nil, "--event-loops", "1", "--bind", "127.0.0.1")
	if got := testServer(t, nil, "--event-loops", "3", "--bind", "127.0.0.1", "::1").ownFDs() - one.ownFDs(); got != 2*loopFDs+1 {
		t.Errorf("two loops and a listener take %d descriptors", got)
	}
}

func TestReplyModes(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.do("PING", "+PONG|")
	c.do("CLIENT REPLY SKIP", "")
	c.do("PING", "")
	c.do("PING", "+PONG|")
	c.do("CLIENT REPLY OFF", "")
	c.do("PING", "")
	c.do("nosuch", "")
	c.do("CLIENT REPLY SKIP", "")
	c.do("PING", "")
	c.do("CLIENT REPLY ON", "+OK|")
	c.do("PING", "+PONG|")
	c.do("CLIENT REPLY SKIP", "")
	c.do("BZPOPMIN q 0", "")
	s.connect(t).do("ZADD q 1 a", ":1|")
	if got := c.turn(); got != "" {
		t.Errorf("a skipped reply of a blocked command: %q", got)
	}
	c.do("PING", "+PONG|")
	c.do("CLIENT REPLY OFF", "")
	c.do("RESET", "+RESET|")
	c.do("PING", "+PONG|")
	c.do("CLIENT REPLY SKIP", "")
	c.do("RESET", "") // takes back what came before, which does not include the SKIP of its own reply
	c.do("PING", "+PONG|")
}

// TestHostileBytes feeds bytes that are no commands, or nearly: sessions end,
// nothing else does.
func TestHostileBytes(t *testing.T) {
	s := testServer(t, nil)
	rng := rand.New(rand.NewPCG(3, 4))
	scraps := []string{"*", "$", "\r\n", "*3\r\n", "$4\r\n", "ZADD", "-1", "9223372036854775807", "PING\r\n", "*1\r\n$4\r\nPING\r\n",
		"*2147483647\r\n", "$-2\r\n", "\x00", "\"", "'", "ZADD k 1 a\r\n", "BZPOPMIN k 0\r\n", "HELLO 3\r\n", "CLIENT LIST\r\n", " "}
	var out int
	for range 3000 {
		c := s.connect(t)
		for range 1 + rng.IntN(8) {
			if rng.IntN(5) == 0 {
				noise := make([]byte, rng.IntN(40))
				for i := range noise {
					noise[i] = byte(rng.Uint32())
				}
				c.Feed(noise)
			} else {
				c.Feed([]byte(scraps[rng.IntN(len(scraps))]))
			}
			out += len(c.turn())
			if c.conn.gone {
				break
			}
		}
		if !c.conn.gone {
			c.Closed()
		}
	}
	if s.damage.panics.Load() > 0 {
		t.Errorf("%d panics", s.damage.panics.Load())
	}
	if s.blocked.Load() != 0 || s.unsent.Load() != 0 || s.clients.count() != 0 {
		t.Errorf("left behind: %d blocked, %d bytes unsent, %d clients", s.blocked.Load(), s.unsent.Load(), s.clients.count())
	}
	if out == 0 {
		t.Error("nothing was ever answered")
	}
}

// TestTurnForgets: after a turn nothing holds the memory that its commands came in,
// nor as much as its largest command needed.
func TestTurnForgets(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	var in weak.Pointer[byte]
	for _, lines := range []string{
		"ECHO " + strings.Repeat("x", 1<<20) + "\n",
		"ZADD b 1 a 2 b\nZSCORE b a\nZSCORE b b\nZSCORE b " + strings.Repeat("x", 1<<20) + "\n",
		"EXISTS" + strings.Repeat(" key", 2*keepInts) + "\n",
	} {
		func() {
			bytes := respOf(lines)
			in = weak.Make(&bytes[0])
			c.Feed(bytes)
		}()
		c.turn()
		runtime.GC()
		if in.Value() != nil {
			t.Errorf("%.30q is held", lines)
		}
	}
	w := s.workers[0]
	if len := max(cap(w.keys), cap(w.locks.held)); len > keepInts {
		t.Errorf("lists of %d are held", len)
	}
}

// TestSlowAlone: the slow log shows the arguments of a command that came alone,
// and never bytes that came in their place.
func TestSlowAlone(t *testing.T) {
	var s *Server
	s = testServer(t, commands.NewTable([]commands.Spec{
		{Name: "LATE", Group: commands.Generic, Since: "1", Summary: "test", Arity: -1, Flags: commands.Fast,
			Run: func(c *commands.Ctx) { s.workers[0].watch.at -= int64(time.Second); c.OK() }},
	}))
	c := s.connect(t)
	f := func(want string, pieces ...string) {
		t.Helper()
		for _, piece := range pieces {
			c.Feed([]byte(piece))
			c.turn()
		}
		if got := string(bytes.Join(s.counters.slow.last(1)[0].Args, []byte(" "))); got != want {
			t.Errorf("%q: %q, want %q", pieces, got, want)
		}
	}
	f("LATE abc", "*2\r\n$4\r\nLATE\r\n$3\r\nabc\r\n")
	f("LATE abc", "*2\r\n$4\r\nLA", "TE\r\n$3\r\nabc\r\n")
	f("late (one of 2 pipelined calls)", "LATE x\r\nLATE abc\r\n")
	f("late", "*2\r\n$4\r\nLATE\r\n$3\r\nabc\r\n*2")
}

// BenchmarkSession is our own work per command: bytes in to bytes out, without
// sockets.
func BenchmarkSession(b *testing.B) {
	const depth = 16
	for _, bc := range []struct{ name, command string }{
		{"nothing", "TICK\n"},
		{"one key", "WRITE key:000001\n"},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s, c := benchSession(b, fakeTable())
			in := respOf(strings.Repeat(bc.command, depth))
			b.ReportAllocs()
			for b.Loop() {
				c.Feed(in)
				c.Sent(len(c.Output()))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*depth), "ns/command")
			s.Close()
		})
	}
}

func benchSession(tb testing.TB, table *commands.Table) (*Server, *Session) {
	cfg, err := config.Load(nil)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := newServer(cfg, slog.New(slog.DiscardHandler), table)
	if err != nil {
		tb.Fatal(err)
	}
	s.workers = []*worker{s.newWorker()}
	c, _ := s.admit(&testConn{})
	c.Attach(0)
	return s, c
}

// TestNoAllocations: a command allocates nothing between its bytes and those
// of the reply.
func TestNoAllocations(t *testing.T) {
	for _, tc := range []struct {
		name  string
		table *commands.Table
		lines string
	}{
		{"gate", fakeTable(), "TICK\nWRITE key1\nWRITE key1\nREAD key2\nWRITE key1 key2 key3\n"},
		{"hot commands", commands.NewCommandTable(), "PING\nZADD b 1 a 2 b 3 c\nZINCRBY b 1 a\nZSCORE b a\nZRANK b b\n" +
			"ZREVRANGE b 0 9 WITHSCORES\nZRANGE b 0 9\nZCARD b\nEXISTS b\n"},
	} {
		s, c := benchSession(t, tc.table)
		in := respOf(strings.Repeat(tc.lines, 20))
		if n := testing.AllocsPerRun(100, func() {
			c.Feed(in)
			for c.Wants() == eventloop.More {
				c.Resume()
			}
			c.Sent(len(c.Output()))
		}); n != 0 {
			t.Errorf("%s: %v allocations", tc.name, n)
		}
		s.Close()
	}
}

// TestLargeRepliesAllocateNothing: what large replies are written to is used again, and given back when a client
// has taken most of them.
func TestLargeRepliesAllocateNothing(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.send("RPUSH l " + strings.Repeat("element ", 3000))
	calls := respOf(strings.Repeat("LRANGE l 0 -1\n", 20)) // 20 x 42 KB
	turn := func() {
		c.Feed(calls)
		for len(c.Output()) > 0 || c.Wants() != 0 {
			c.Sent(len(c.Output()))
			c.Resume()
		}
	}
	turn()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const turns = 10
	for range turns {
		turn()
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / turns; n > 256<<10 {
		t.Errorf("a turn with 840 KB of replies allocates %d bytes", n)
	}
	if n := c.w.largeBytes.Load(); n > largeSpare {
		t.Errorf("%d bytes of large buffers are kept", n)
	}

	c.Feed(calls)
	whole := bytes.Clone(c.Output())
	var got []byte
	for _, n := range []int{1000, 300_000, 300_000, 200_000, len(whole)} {
		n = min(n, len(c.Output()))
		got = append(got, c.Output()[:n]...)
		c.Sent(n)
		if unsent := c.unsent(); cap(c.out) > max(keepBytes, fillFactor*unsent) {
			t.Errorf("a buffer of %d bytes holds %d", cap(c.out), unsent)
		}
	}
	if !bytes.Equal(got, whole) {
		t.Error("the replies are not what was written")
	}
}
