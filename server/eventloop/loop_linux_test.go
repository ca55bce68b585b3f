package eventloop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// echo is a session that sends back what it gets. Some words do more.
type echo struct {
	t    *testing.T
	c    *Conn
	hub  *hub
	loop atomic.Int32 // 1 + the loop it is attached to
	out  []byte
	todo int // replies to "work" not given yet; negative: panic
	want Wants
	gone atomic.Bool

	badSent bool // Sent panics
}

// hub makes the sessions and knows them.
type hub struct {
	t     *testing.T
	group *Group
	addr  net.Addr

	mu       sync.Mutex
	sessions []*echo
	refusal  string
	early    bool // a post comes before the session is made
	batches  atomic.Int64
}

func (h *hub) open(c *Conn) (Session, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refusal != "" {
		return nil, h.refusal
	}
	e := &echo{t: h.t, c: c, hub: h}
	h.sessions = append(h.sessions, e)
	if h.early {
		c.Post(func() { e.out = append(e.out, "early"...) })
	}
	return e, ""
}

func (h *hub) session(i int) *echo {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[i]
}

func (e *echo) Attach(loop int) {
	if before := e.loop.Swap(int32(loop) + 1); before > 0 || before < 0 && before != -int32(loop)-1 {
		e.t.Errorf("attached to loop %d after %d", loop, before)
	}
}

func (e *echo) Detach(to int) {
	if e.loop.Swap(-int32(to)-1) <= 0 {
		e.t.Error("detached, and was not attached")
	}
}
func (e *echo) Feed(in []byte) {
	if e.gone.Load() {
		e.t.Error("fed after Closed")
	}
	switch word := string(in); {
	case word == "panic":
		panic("as asked")
	case word == "panic later":
		e.out = append(e.out, word...)
		e.badSent = true
	case word == "work":
		e.todo = 3
		e.Resume()
	case word == "big":
		e.out = append(e.out, bytes.Repeat([]byte("x"), bigReply)...)
		e.want = Drain | Mute
	case word == "mute":
		e.want = Mute
	case word == "bye":
		e.out = append(e.out, "bye"...)
		e.want = Close
	case word == "timer":
		e.c.SetTimer(e.hub.group.o.Now() + int64(time.Millisecond))
	case strings.HasPrefix(word, "post "):
		var to int
		fmt.Sscanf(word, "post %d", &to)
		other := e.hub.session(to)
		other.c.Post(func() { other.out = append(other.out, "posted"...) })
		e.out = append(e.out, "ok"...)
	default:
		e.out = append(e.out, in...)
	}
}

const bigReply = 16 << 20

func (e *echo) Resume() {
	if e.want&Drain != 0 {
		e.want = 0
		e.out = append(e.out, "drained"...)
	}
	e.want &^= More
	if e.todo < 0 {
		panic("as asked")
	}
	if e.todo > 0 {
		e.out = append(e.out, 'w')
		if e.todo--; e.todo > 0 {
			e.want |= More
		}
	}
}
func (e *echo) Expired()       { e.out = append(e.out, "expired"...) }
func (e *echo) Sweep()         {}
func (e *echo) Wants() Wants   { return e.want }
func (e *echo) Output() []byte { return e.out }
func (e *echo) Sent(n int) {
	if e.badSent {
		panic("as asked")
	}
	e.out = e.out[n:]
}
func (e *echo) Closed() {
	if e.gone.Swap(true) {
		e.t.Error("Closed twice")
	}
}

// eachWay runs a test with loops that read and write connections together, if
// io_uring is to be had, and with such that do not.
func eachWay(t *testing.T, test func(t *testing.T, ring bool)) {
	t.Run("together", func(t *testing.T) { test(t, true) })
	t.Run("one by one", func(t *testing.T) { test(t, false) })
}

// start runs a group of loops on a free port until the test ends.
func start(t *testing.T, loops int, ring bool) *hub {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, loops, ring, ln)
}

func startOn(t *testing.T, loops int, ring bool, ln net.Listener) *hub {
	h := &hub{t: t, addr: ln.Addr()}
	base := time.Now()
	var err error
	h.group, err = New(Options{
		Loops: loops, Ring: ring, Open: h.open, KeepAlive: func() int { return 300 },
		AfterBatch: func(int) { h.batches.Add(1) },
		Now:        func() int64 { return int64(time.Since(base)) },
		Log:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- h.group.Run(ctx, []net.Listener{ln}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for _, e := range h.sessions {
			if !e.gone.Load() {
				t.Error("a session was not told of its end")
			}
		}
	})
	return h
}

// client is a connection that gives up after a while.
type client struct {
	net.Conn
	t *testing.T
}

func (h *hub) dial() *client {
	h.t.Helper()
	c, err := net.Dial(h.addr.Network(), h.addr.String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{c, h.t}
}

func (c *client) say(word string) {
	c.t.Helper()
	if _, err := io.WriteString(c, word); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) hear(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		c.t.Fatalf("got %q, %v, want %q", got[:n], err, want)
	}
}

func (c *client) end() {
	c.t.Helper()
	b := make([]byte, 100)
	if n, err := c.Read(b); n > 0 || err == nil {
		c.t.Fatalf("the connection is open: %q, %v", b[:n], err)
	}
}

func TestTurns(t *testing.T) { eachWay(t, testTurns) }

func testTurns(t *testing.T, ring bool) {
	for loops := 1; loops <= 3; loops++ {
		t.Run(fmt.Sprint(loops, " loops"), func(t *testing.T) {
			h := start(t, loops, ring)
			a, b := h.dial(), h.dial()
			a.say("hello")
			a.hear("hello")
			b.say("work")
			b.hear("www")
			b.say("timer")
			b.hear("expired")
			a.say("post 1")
			a.hear("ok")
			b.hear("posted")
			b.say("post 1")
			b.hear("okposted")
			b.say("bye")
			b.hear("bye")
			b.end()
			a.say("post 1") // to one that is gone
			a.hear("ok")
			a.say("still here")
			a.hear("still here")
			if h.batches.Load() == 0 {
				t.Error("AfterBatch was never called")
			}
		})
	}
}

// TestPanic: only the connection whose session panicked is closed.
func TestPanic(t *testing.T) { eachWay(t, testPanic) }

func testPanic(t *testing.T, ring bool) {
	h := start(t, 1, ring)
	a, b := h.dial(), h.dial()
	a.say("hello")
	a.hear("hello")
	for range 3 {
		c := h.dial()
		c.say("panic")
		c.end()
	}
	b.say("hello")
	b.hear("hello")
	a.say("still here")
	a.hear("still here")
}

// TestPanicKeepsQueues: what a loop had still to do when a session panicked, it
// does afterwards.
func TestPanicKeepsQueues(t *testing.T) { eachWay(t, testPanicKeepsQueues) }

func testPanicKeepsQueues(t *testing.T, ring bool) {
	h := start(t, 1, ring)
	bad, good := h.dial(), h.dial()
	for _, c := range []*client{bad, good} {
		c.say("hello")
		c.hear("hello")
	}
	a, b := h.session(0), h.session(1)
	hold := make(chan bool)
	b.c.Post(func() { <-hold })
	a.c.Post(func() { panic("as asked") })
	b.c.Post(func() { b.out = append(b.out, "delivered"...) })
	close(hold)
	good.hear("delivered")
	bad.end()

	bad = h.dial()
	bad.say("hello")
	bad.hear("hello")
	a = h.session(2)
	hold = make(chan bool)
	b.c.Post(func() { <-hold })
	a.c.Post(func() { a.todo, a.want = -1, More })
	b.c.Post(func() { b.todo, b.want = 2, More })
	close(hold)
	good.hear("ww")
	bad.end()
}

// TestSlowReader: output that the client does not read waits, holds up no one,
// and is complete in the end.
func TestSlowReader(t *testing.T) { eachWay(t, testSlowReader) }

func testSlowReader(t *testing.T, ring bool) {
	h := start(t, 1, ring)
	slow, other := h.dial(), h.dial()
	slow.say("big")
	for range 10 {
		other.say("hello")
		other.hear("hello")
	}
	if n, err := io.CopyN(io.Discard, slow, bigReply); err != nil {
		t.Fatal(n, err)
	}
	slow.hear("drained")
	slow.say("hello")
	slow.hear("hello")
}

// TestHangUpWhileMuted: the end of a connection that is not read is noticed,
// also with unread input before it.
func TestHangUpWhileMuted(t *testing.T) { eachWay(t, testHangUpWhileMuted) }

func testHangUpWhileMuted(t *testing.T, ring bool) {
	h := start(t, 1, ring)
	for i, unread := range []string{"", "more"} {
		c := h.dial()
		c.say("hello")
		c.hear("hello")
		c.say("mute")
		e := h.session(i)
		muted := make(chan bool)
		for done := false; !done; {
			e.c.Post(func() { muted <- e.want == Mute })
			done = <-muted
		}
		c.say(unread)
		c.Close()
		waitFor(t, e.gone.Load)
	}
}

// waitFor waits until cond holds.
func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

func TestRefusal(t *testing.T) { eachWay(t, testRefusal) }

func testRefusal(t *testing.T, ring bool) {
	h := start(t, 1, ring)
	h.mu.Lock()
	h.refusal = "-ERR no\r\n"
	h.mu.Unlock()
	c := h.dial()
	c.say("hello") // unread input must not reset the connection before the refusal is read
	c.hear("-ERR no\r\n")
	c.end()
}

func TestUnixSocket(t *testing.T) { eachWay(t, testUnixSocket) }

func testUnixSocket(t *testing.T, ring bool) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	h := startOn(t, 1, ring, ln)
	c := h.dial()
	c.say("hello")
	c.hear("hello")
	e := h.session(0)
	if !e.c.Unix() || !e.c.Loopback() || e.c.RemoteAddr() != path+":0" || e.c.LocalAddr() != path+":0" {
		t.Errorf("unix %t, addresses %q %q", e.c.Unix(), e.c.RemoteAddr(), e.c.LocalAddr())
	}
}

func TestAddresses(t *testing.T) {
	h := start(t, 1, true)
	c := h.dial()
	c.say("hello")
	c.hear("hello")
	e := h.session(0)
	if got, want := e.c.RemoteAddr(), c.LocalAddr().String(); got != want {
		t.Errorf("remote address %q, want %q", got, want)
	}
	if got, want := e.c.LocalAddr(), c.RemoteAddr().String(); got != want {
		t.Errorf("local address %q, want %q", got, want)
	}
	if e.c.Unix() || !e.c.Loopback() || e.c.FD() <= 0 {
		t.Errorf("unix %t, loopback %t, descriptor %d", e.c.Unix(), e.c.Loopback(), e.c.FD())
	}
}

// TestEarlyPost: a post that comes before the loop has the connection waits for it,
// on whichever loop that will be.
func TestEarlyPost(t *testing.T) {
	h := start(t, 3, true)
	h.mu.Lock()
	h.early = true
	h.mu.Unlock()
	for range 9 {
		h.dial().hear("early")
	}
}

// TestMoving moves connections to and fro while clients talk on them and post
// to each other: nothing is lost and nothing comes twice.
func TestMoving(t *testing.T) { eachWay(t, testMoving) }

func testMoving(t *testing.T, ring bool) {
	const clients, words = 12, 200
	h := start(t, 3, ring)
	h.group.working.Store(1)
	var all []*client
	for range clients {
		c := h.dial()
		c.say("hello")
		c.hear("hello")
		all = append(all, c)
	}
	stop := make(chan struct{})
	var mover, talkers sync.WaitGroup
	mover.Go(func() {
		for {
			for _, step := range [][2]int{{1, 2}, {2, 3}, {3, 2}, {2, 1}} {
				select {
				case <-stop:
					return
				default:
				}
				h.group.rebalance(step[0], step[1])
				time.Sleep(100 * time.Microsecond)
			}
		}
	})
	var posted [clients]int // by the post's own connection's loop
	for i, c := range all {
		talkers.Go(func() {
			for n := range words {
				word := fmt.Sprintf("[%d %d]", i, n)
				c.say(word)
				c.hear(word)
				e := h.session(i)
				e.c.Post(func() { posted[i]++ })
			}
		})
	}
	talkers.Wait()
	close(stop)
	mover.Wait()
	moved := 0
	for i, c := range all {
		c.say("last")
		c.hear("last")
		got := make(chan int)
		e := h.session(i)
		e.c.Post(func() { got <- posted[i] })
		if n := <-got; n != words {
			t.Errorf("client %d: %d posts of %d arrived", i, n, words)
		}
		if e.loop.Load() > 1 {
			moved++
		}
	}
	t.Logf("%d of %d connections were elsewhere at the end", moved, clients)
}

// TestRebalance: half goes to a second loop, all comes back, timers too.
func TestRebalance(t *testing.T) { eachWay(t, testRebalance) }

func testRebalance(t *testing.T, ring bool) {
	h := start(t, 2, ring)
	h.group.working.Store(1)
	const clients = 10
	var all []*client
	for range clients {
		c := h.dial()
		c.say("hello")
		c.hear("hello")
		all = append(all, c)
	}
	on := func(loop int32) (n int) {
		for i := range clients {
			if h.session(i).loop.Load() == loop+1 {
				n++
			}
		}
		return n
	}
	timerSet := make(chan bool)
	for i := range clients {
		e := h.session(i)
		e.c.Post(func() { e.c.SetTimer(h.group.o.Now() + int64(300*time.Millisecond)); timerSet <- true })
		<-timerSet
	}
	h.group.rebalance(1, 2)
	waitFor(t, func() bool { return on(1) == clients/2 })
	h.group.rebalance(2, 1)
	waitFor(t, func() bool { return on(0) == clients })
	for _, c := range all {
		c.hear("expired")
	}
	if n := h.group.loops[0].open.Load(); n != clients {
		t.Errorf("loop 0 counts %d connections, want %d", n, clients)
	}
	if n := h.group.loops[1].open.Load(); n != 0 {
		t.Errorf("loop 1 counts %d connections, want 0", n)
	}
}

// TestManyClients: more connections than a turn takes events or accepts.
func TestManyClients(t *testing.T) { eachWay(t, testManyClients) }

func testManyClients(t *testing.T, ring bool) {
	h := start(t, 1, ring)
	var all []*client
	for range 400 {
		all = append(all, h.dial())
	}
	for i, c := range all {
		c.say(fmt.Sprint("hello ", i))
	}
	for i, c := range slices.Backward(all) {
		c.hear(fmt.Sprint("hello ", i))
	}
}

// TestBatch: connections that are served in one turn each get their own reply,
// once, whatever happens to others between reading and sending; one that sends much
// loses nothing of it.
func TestBatch(t *testing.T) { eachWay(t, testBatch) }

func testBatch(t *testing.T, ring bool) {
	h := start(t, 1, ring)
	const clients = 3 * slots
	var all []*client
	for range clients {
		c := h.dial()
		c.say("hello")
		c.hear("hello")
		all = append(all, c)
	}
	long := func(i int) string { return strings.Repeat(fmt.Sprint(i, " "), 2*slotBytes) }
	for round := range 3 {
		hold := make(chan bool)
		last := h.session(clients - 1)
		last.c.Post(func() { <-hold })
		word := func(i int) string {
			switch {
			case round == 1 && i == 5 || round == 2 && i == clients/2:
				return "panic"
			case round == 1 && i == slots+1 || round == 2 && i == 7:
				return "panic later"
			case i%10 == 9:
				return long(i)
			}
			return fmt.Sprint("round ", round, " client ", i)
		}
		var ended []int
		for i, c := range all {
			if c != nil {
				c.say(word(i))
			}
		}
		close(hold)
		for i, c := range all {
			if c == nil {
				continue
			}
			if w := word(i); strings.HasPrefix(w, "panic") {
				if w == "panic later" {
					c.hear(w)
				}
				c.end()
				ended = append(ended, i)
			} else {
				c.hear(w)
			}
		}
		for _, i := range ended {
			all[i] = nil
		}
	}
	for _, c := range all {
		if c != nil {
			c.say("done")
			c.hear("done")
		}
	}
}

// TestMailbox: posts from many goroutines all arrive, in each one's order.
func TestMailbox(t *testing.T) {
	const senders, posts = 8, 2000
	wakes := make(chan struct{}, senders*posts)
	m := mailbox{wake: func() { wakes <- struct{}{} }}
	var got [senders]int
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range posts {
				m.put(post{fn: func() {
					if got[s] != i {
						t.Errorf("sender %d: post %d came after %d", s, i, got[s])
					}
					got[s]++
				}}, nil)
			}
		})
	}
	for total := 0; total < senders*posts; {
		if m.sleep() {
			<-wakes // a wake-up that is lost hangs here
		}
		m.awake()
		for _, p := range m.take() {
			p.fn()
			total++
		}
	}
	all.Wait()
}
