package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quarry/commands"
)

// What both front ends must do is tested through sockets, for both, in
// tests/hostile and tests/concurrency; here is what this one does its own way.

// redconServer serves a listener until the end of the test, or until stop is called.
func redconServer(t *testing.T, table *commands.Table, ln net.Listener, args ...string) (f *redconFront, stop func()) {
	t.Helper()
	s := testServer(t, table, args...)
	front, err := s.newRedconFront()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- front.Run(ctx, []net.Listener{ln}) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return front.(*redconFront), stop
}

func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// dialer is a client that ends the test when a read takes for ever.
type dialer struct {
	net.Conn
	t *testing.T
}

func dialTo(t *testing.T, ln net.Listener) *dialer {
	t.Helper()
	c, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &dialer{c, t}
}

func (d *dialer) send(text string) {
	d.t.Helper()
	if _, err := io.WriteString(d, text); err != nil {
		d.t.Fatal(err)
	}
}

func (d *dialer) want(text string) {
	d.t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(d, got); err != nil || string(got) != text {
		d.t.Fatalf("%.200q, %v; want %.200q", got[:n], err, text)
	}
}

func (d *dialer) wantEnd(text string) {
	d.t.Helper()
	if got, err := io.ReadAll(d); err != nil || string(got) != text {
		d.t.Fatalf("%.200q, %v; want %.200q and the end", got, err, text)
	}
}

// eventually polls, since what it waits for happens on another goroutine.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for range 20_000 {
		if cond() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}

// pipeSocket is the reader of a connection whose other end the test holds.
func pipeSocket(t *testing.T, args ...string) (s *redconSocket, client net.Conn) {
	t.Helper()
	srv := testServer(t, nil, append(args, "--protected-mode", "no")...)
	front, err := srv.newRedconFront()
	if err != nil {
		t.Fatal(err)
	}
	client, ours := net.Pipe()
	s = front.(*redconFront).welcome(ours)
	if s == nil {
		t.Fatal("not let in")
	}
	t.Cleanup(func() { s.Close(); client.Close() })
	return s, client
}

// TestRedconGetsCanonicalCommands: whatever reaches the socket, what redcon
// reads are whole commands in the one form its parser is safe with.
func TestRedconGetsCanonicalCommands(t *testing.T) {
	s, client := pipeSocket(t)
	in := "PING\r\n\r\n*0\r\nECHO 'a b'\n*1\rx$4\rxPINGxx*2\r\n$4\r\nECHO\r\n$0\r\n\r\n*2147483647\r\n"
	want := "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$3\r\na b\r\n*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"
	go func() {
		for i := range in { // byte by byte
			client.Write([]byte{in[i]})
		}
	}()
	answered := make(chan string)
	go func() {
		said, _ := io.ReadAll(client)
		answered <- string(said)
	}()
	var got bytes.Buffer
	_, err := io.Copy(&got, struct{ io.Reader }{s})
	if err != nil || got.String() != want {
		t.Fatalf("%q, %v; want %q", got.String(), err, want)
	}
	if said := <-answered; said != "-ERR Protocol error: invalid multibulk length\r\n" {
		t.Fatalf("the client was told %q", said)
	}
}

// TestRedconGetsOneCommandBeforeAuth: the limits for the next may be others.
func TestRedconGetsOneCommandBeforeAuth(t *testing.T) {
	s, client := pipeSocket(t, "--requirepass", "pw")
	go io.WriteString(client, "PING\r\nECHO a\r\n")
	p := make([]byte, 1000)
	for _, want := range []string{"*1\r\n$4\r\nPING\r\n", "*2\r\n$4\r\nECHO\r\n$1\r\na\r\n"} {
		if n, err := s.Read(p); err != nil || string(p[:n]) != want {
			t.Fatalf("%q, %v; want %q", p[:n], err, want)
		}
	}
}

// TestRedconIsSparedLargeCommands: they are run, in their order, without
// passing through buffers that would never shrink.
func TestRedconIsSparedLargeCommands(t *testing.T) {
	s, client := pipeSocket(t)
	large := strings.Repeat("x", directBytes)
	go func() {
		fmt.Fprintf(client, "*2\r\n$4\r\nECHO\r\n$1\r\na\r\n*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\nPING\r\n", len(large), large)
	}()
	replies := make(chan string)
	go func() {
		b := make([]byte, len(fmt.Sprintf("$%d\r\n\r\n", len(large)))+len(large))
		n, _ := io.ReadFull(client, b)
		replies <- string(b[:n])
	}()
	p := make([]byte, 1000)
	for _, want := range []string{"*2\r\n$4\r\nECHO\r\n$1\r\na\r\n", "*1\r\n$4\r\nPING\r\n"} {
		if n, err := s.Read(p); err != nil || string(p[:n]) != want {
			t.Fatalf("%.100q, %v; want %q", p[:n], err, want)
		}
	}
	if got, want := <-replies, fmt.Sprintf("$%d\r\n%s\r\n", len(large), large); got != want {
		t.Fatalf("%.100q (%d bytes)", got, len(got))
	}
}

func TestRedconServes(t *testing.T) {
	ln := listenLocal(t)
	redconServer(t, nil, ln)
	c := dialTo(t, ln)
	c.send("PING\r\n*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n")
	c.want("+PONG\r\n$2\r\nhi\r\n")
	n := 50_000
	go c.send(strings.Repeat("PING\r\n", n))
	c.want(strings.Repeat("+PONG\r\n", n))
	c.send("QUIT\r\nPING\r\n")
	c.wantEnd("+OK\r\n")
}

// TestRedconAnswersBeforeTheEnd: a client that has said all may still hear.
func TestRedconAnswersBeforeTheEnd(t *testing.T) {
	ln := listenLocal(t)
	redconServer(t, nil, ln)
	c := dialTo(t, ln)
	c.send("PING\r\nECHO hi\r\n")
	c.Conn.(*net.TCPConn).CloseWrite()
	c.wantEnd("+PONG\r\n$2\r\nhi\r\n")
}

// TestRedconReadsAheadOfReplies: a pipeline may be larger than all buffers
// between the two sides, and written before its first reply is read.
func TestRedconReadsAheadOfReplies(t *testing.T) {
	ln := listenLocal(t)
	redconServer(t, nil, ln)
	c := dialTo(t, ln)
	const n, size = 400, 50_000
	value := strings.Repeat("v", size)
	echo := fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", size, value)
	c.send(strings.Repeat(echo, n))
	c.want(strings.Repeat(fmt.Sprintf("$%d\r\n%s\r\n", size, value), n))
}

func TestRedconParksAndServes(t *testing.T) {
	ln := listenLocal(t)
	f, _ := redconServer(t, nil, ln)
	waiting, other := dialTo(t, ln), dialTo(t, ln)
	// What follows a parked command waits for it, garbage too.
	waiting.send("BZPOPMIN z 0\r\nPING\r\n*x\r\n")
	eventually(t, "the client is parked", func() bool { return f.srv.blocked.Load() == 1 })
	other.send("ZADD z 1 a\r\n")
	other.want(":1\r\n")
	waiting.wantEnd("*3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n")
}

func TestRedconTimesOut(t *testing.T) {
	ln := listenLocal(t)
	redconServer(t, nil, ln)
	c := dialTo(t, ln)
	c.send("BZPOPMIN z 0.01\r\nPING\r\n")
	c.want("*-1\r\n+PONG\r\n")
}

// TestRedconNoticesTheEndOfParkedClients: also of one that sent more than is
// fed, and of one that sent garbage.
func TestRedconNoticesTheEndOfParkedClients(t *testing.T) {
	ln := listenLocal(t)
	f, _ := redconServer(t, nil, ln)
	for _, more := range []string{"", strings.Repeat("PING\r\n", holdBytes/12), "*x\r\n" + strings.Repeat("x", 2*holdBytes)} {
		c := dialTo(t, ln)
		c.send("BZPOPMIN z 0\r\n")
		eventually(t, "the client is parked", func() bool { return f.srv.blocked.Load() == 1 })
		c.send(more)
		c.Close()
		eventually(t, "its end is noticed", func() bool { return f.srv.blocked.Load() == 0 && f.srv.clients.count() == 0 })
	}
}

// TestRedconHoldsAndGoesOn: input that may not be fed is run when it may.
func TestRedconHoldsAndGoesOn(t *testing.T) {
	ln := listenLocal(t)
	f, _ := redconServer(t, nil, ln)
	c, other := dialTo(t, ln), dialTo(t, ln)
	const n = 2 * holdBytes / len("PING\r\n")
	go c.send("BZPOPMIN z 0\r\n" + strings.Repeat("PING\r\n", n))
	eventually(t, "much is held", func() bool {
		for _, client := range f.srv.clients.all() {
			if client.view.queued.Load() > parkedInput {
				return true
			}
		}
		return false
	})
	other.send("ZADD z 1 a\r\n")
	other.want(":1\r\n")
	c.want("*3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n" + strings.Repeat("+PONG\r\n", n))
}

func TestRedconKills(t *testing.T) {
	ln := listenLocal(t)
	f, _ := redconServer(t, nil, ln)
	parked, idle, killer := dialTo(t, ln), dialTo(t, ln), dialTo(t, ln)
	parked.send("BZPOPMIN z 0\r\n")
	idle.send("PING\r\n")
	idle.want("+PONG\r\n")
	eventually(t, "the client is parked", func() bool { return f.srv.blocked.Load() == 1 })
	killer.send("CLIENT KILL TYPE normal\r\n")
	killer.want(":2\r\n")
	parked.wantEnd("")
	idle.wantEnd("")
	killer.send("CLIENT KILL TYPE normal SKIPME no\r\n")
	if _, err := io.Copy(io.Discard, killer); err != nil {
		t.Error(err)
	}
}

// TestRedconEnds: what is not sent yet when the server stops is sent then.
func TestRedconEnds(t *testing.T) {
	ln := listenLocal(t)
	_, stop := redconServer(t, nil, ln)
	idle, parked, busy := dialTo(t, ln), dialTo(t, ln), dialTo(t, ln)
	parked.send("BZPOPMIN z 0\r\n")
	idle.send("PING\r\n")
	idle.want("+PONG\r\n")
	const size = 1 << 20
	busy.send(fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", size, make([]byte, size)))
	busy.want("$1048576\r\n")
	stop()
	idle.wantEnd("")
	parked.wantEnd("")
	if rest, _ := io.ReadAll(busy); len(rest) > size+len("\r\n") {
		t.Errorf("%d bytes of a reply of %d", len(rest), size)
	}
	if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		c.Close()
		t.Error("connections are still accepted")
	}
}

func TestRedconRefuses(t *testing.T) {
	ln := listenLocal(t)
	redconServer(t, nil, ln, "--maxclients", "1")
	first := dialTo(t, ln)
	first.send("PING\r\n")
	first.want("+PONG\r\n")
	dialTo(t, ln).wantEnd(errTooMany)
	first.send("PING\r\n")
	first.want("+PONG\r\n")
}

func TestRedconOnUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	redconServer(t, nil, ln)
	c := dialTo(t, ln)
	c.send("CLIENT LIST\r\n")
	b := make([]byte, 1000)
	n, _ := c.Read(b)
	for _, want := range []string{" addr=" + path + ":0 ", " laddr=" + path + ":0 ", " flags=U "} {
		if !strings.Contains(string(b[:n]), want) {
			t.Errorf("%q has no %q", b[:n], want)
		}
	}
}

// TestRedconSurvivesAPanic: a bug costs the connection it happens on.
func TestRedconSurvivesAPanic(t *testing.T) {
	ln := listenLocal(t)
	f, _ := redconServer(t, nil, ln)
	c, other := dialTo(t, ln), dialTo(t, ln)
	c.send("PING\r\n")
	c.want("+PONG\r\n")
	f.srv.clients.all()[0].conn.Post(func() { panic(errors.New("a bug")) })
	c.wantEnd("")
	other.send("PING\r\n")
	other.want("+PONG\r\n")
}

// failingListener has no descriptors left at first.
type failingListener struct {
	net.Listener
	failures int
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestRedconGoesOnAccepting(t *testing.T) {
	ln := &failingListener{listenLocal(t), 2}
	redconServer(t, nil, ln)
	c := dialTo(t, ln)
	c.send("PING\r\n")
	c.want("+PONG\r\n")
}
