package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quarry/server/config"
	"quarry/server/eventloop"
)

// frontEnds are those this system has.
func frontEnds() []string {
	if eventloop.Supported {
		return []string{"epoll", "redcon"}
	}
	return []string{"redcon"}
}

// serve runs a server on a free port until the test ends.
func serve(t *testing.T, args ...string) (*Server, net.Addr) {
	t.Helper()
	cfg, err := config.Load(append([]string{"--port", "0", "--dir", t.TempDir()}, args...))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.AddListener(ln)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
		if n := s.clients.count(); n != 0 {
			t.Errorf("%d clients are left", n)
		}
		if n := s.blocked.Load(); n != 0 {
			t.Errorf("%d blocked clients are left", n)
		}
	})
	return s, ln.Addr()
}

// wire is a client that gives up after a while.
type wire struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr net.Addr) *wire {
	t.Helper()
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return &wire{c, bufio.NewReader(c)}
}

// ask sends a line and reads one reply, flattened to words.
func (w *wire) ask(line string) (string, error) {
	if _, err := w.Write(respOf(line + "\n")); err != nil {
		return "", err
	}
	return w.reply()
}

func (w *wire) reply() (string, error) {
	line, err := w.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '$', '=':
		if n < 0 {
			return "nil", nil
		}
		b := make([]byte, n+2)
		_, err := io.ReadFull(w.r, b)
		return string(b[:n]), err
	case '*':
		if n < 0 {
			return "nil", nil
		}
		var words []string
		for range n {
			word, err := w.reply()
			if err != nil {
				return "", err
			}
			words = append(words, word)
		}
		return strings.Join(words, " "), nil
	}
	return line, nil
}

func TestRun(t *testing.T) {
	for _, front := range frontEnds() {
		t.Run(front, func(t *testing.T) {
			s, addr := serve(t, "--front-end", front)
			if got := s.Addrs(); len(got) != 1 || got[0].String() != addr.String() {
				t.Errorf("listens on %v, not on %v", got, addr)
			}
			c := dial(t, addr)
			if got, err := c.ask("PING"); got != "+PONG" {
				t.Errorf("%q, %v", got, err)
			}
			if err := s.Run(context.Background()); err == nil {
				t.Error("Run runs twice")
			}
			if _, err := c.ask("SHUTDOWN NOSAVE"); err == nil {
				t.Error("SHUTDOWN was answered")
			}
		})
	}
}

// TestSleepersWake: the end of the server does not wait for DEBUG SLEEP.
func TestSleepersWake(t *testing.T) {
	for _, front := range frontEnds() {
		t.Run(front, func(t *testing.T) {
			s, addr := serve(t, "--front-end", front, "--enable-debug-command", "yes")
			if _, err := dial(t, addr).Write(respOf("DEBUG SLEEP 1e9\n")); err != nil {
				t.Fatal(err)
			}
			for s.store.TryLock(0) { // until it sleeps
				s.store.Unlock(0)
				time.Sleep(time.Millisecond)
			}
		}) // and serve waits for the end
	}
}

// TestManyLoops: clients on several loops block, serve each other, are listed,
// unblocked and killed, all at once. Every member that is added is popped once.
func TestManyLoops(t *testing.T) {
	for _, args := range [][]string{
		{"--front-end", "epoll", "--event-loops", "3"},
		{"--front-end", "epoll", "--event-loops", "auto"},
		{"--front-end", "redcon"},
	} {
		if args[1] == "epoll" && !eventloop.Supported {
			continue
		}
		t.Run(strings.Join(args, " "), func(t *testing.T) { manyLoops(t, args) })
	}
}

func manyLoops(t *testing.T, args []string) {
	const givers, takers, each = 4, 8, 150
	_, addr := serve(t, args...)
	var popped sync.Map
	var count atomic.Int64
	var giving, taking, meddling sync.WaitGroup
	fail := func(what string, got string, err error) { t.Errorf("%s: %q, %v", what, got, err) }
	for i := range takers {
		taking.Go(func() {
			c := dial(t, addr)
			for count.Load() < givers*each {
				got, err := c.ask(fmt.Sprintf("BZPOPMIN q%d q%d q%d 0.05", i%3, (i+1)%3, (i+2)%3))
				words := strings.Fields(got)
				switch {
				case err != nil:
					fail("taker", got, err)
					return
				case len(words) == 3:
					if _, twice := popped.LoadOrStore(words[1], true); twice {
						t.Errorf("%s was popped twice", words[1])
					}
					count.Add(1)
				case got != "nil" && !strings.HasPrefix(got, "-UNBLOCKED"):
					fail("taker", got, nil)
					return
				}
			}
		})
	}
	for i := range givers {
		giving.Go(func() {
			c := dial(t, addr)
			for n := range each {
				if got, err := c.ask(fmt.Sprintf("ZADD q%d %d m%d-%d", n%3, n, i, n)); got != ":1" {
					fail("giver", got, err)
					return
				}
			}
		})
	}
	stop := make(chan struct{})
	meddling.Go(func() {
		c := dial(t, addr)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			victim := dial(t, addr)
			victim.ask("CLIENT SETNAME victim")
			id, _ := victim.ask("CLIENT ID")
			victim.Write(respOf("BZPOPMIN none 0\n"))
			if got, err := c.ask("CLIENT LIST"); !strings.Contains(got, "name=victim") {
				fail("list", got, err)
				return
			}
			c.ask(fmt.Sprintf("CLIENT UNBLOCK %d ERROR", 1+n%(givers+takers)))
			c.ask("INFO")
			if got, err := c.ask("CLIENT KILL ID " + id[1:]); got != ":1" {
				fail("kill", got, err)
				return
			}
			if got, err := victim.reply(); err == nil {
				t.Errorf("a killed client got %q", got)
				return
			}
		}
	})
	giving.Wait()
	taking.Wait()
	close(stop)
	meddling.Wait()
	if n := count.Load(); n != givers*each {
		t.Errorf("%d members were popped, %d added", n, givers*each)
	}
}

// TestSlowReader: a client that writes a long pipeline before it reads anything
// gets every reply, and does not hold up another one.
func TestSlowReader(t *testing.T) {
	for _, front := range frontEnds() {
		t.Run(front, func(t *testing.T) {
			_, addr := serve(t, "--front-end", front)
			slow, other := dial(t, addr), dial(t, addr)
			word := strings.Repeat("x", 10000)
			const n = 2000
			if _, err := slow.Write(respOf(strings.Repeat("ECHO "+word+"\n", n))); err != nil {
				t.Fatal(err)
			}
			for range 100 {
				if got, err := other.ask("PING"); got != "+PONG" {
					t.Fatal(got, err)
				}
			}
			for i := range n {
				if got, err := slow.reply(); got != word {
					t.Fatalf("reply %d: %d bytes, %v", i, len(got), err)
				}
			}
		})
	}
}

// newOn makes a server that is bound to what args say and never run.
func newOn(t *testing.T, args ...string) (*Server, error) {
	t.Helper()
	cfg, err := config.Load(append([]string{"--dir", t.TempDir()}, args...))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func TestListenFailures(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want string, args ...string) {
		t.Helper()
		if _, err := newOn(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
	f("cannot listen on 127.0.0.1:"+port+": the port is in use", "--port", port)
	f("cannot listen on 127.0.0.1:"+port+": the port is in use", "--port", port, "--bind", "-127.0.0.1")
	f("cannot listen on 192.0.2.1:", "--port", port, "--bind", "192.0.2.1")
	f("cannot listen on no.such.host.invalid:", "--port", port, "--bind", "no.such.host.invalid")
	f("cannot listen on "+file, "--port", "0", "--unixsocket", file)
	if _, err := os.Stat(file); err != nil {
		t.Error("a file that is no socket was removed:", err)
	}
	s, err := newOn(t, "--port", "0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "nothing to listen on") {
		t.Errorf("with nothing to listen on: %v", err)
	}
}

func TestBind(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
	free.Close()
	s, err := newOn(t, "--port", port, "--bind", "127.0.0.1", "-192.0.2.1", "127.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.Addrs()), fmt.Sprintf("[127.0.0.1:%s 127.0.0.2:%s]", port, port); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s.Close()
	if s, err = newOn(t, "--port", port, "--bind", "*"); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.Addrs()), "[0.0.0.0:"+port+"]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s.Close()
	if s, err = newOn(t, "--port", port, "--bind", "127.0.0.1", "-::1"); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.Addrs()), "[127.0.0.1:"+port; !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s ...", got, want)
	}
}

// TestNetworkOf: no word of bind stands for addresses of the other kind too.
func TestNetworkOf(t *testing.T) {
	f := func(bind, network, host string) {
		t.Helper()
		if n, h := networkOf(bind); n != network || h != host {
			t.Errorf("%s: %s %s, want %s %s", bind, n, h, network, host)
		}
	}
	f("*", "tcp4", "0.0.0.0")
	f("::*", "tcp6", "::")
	f("0.0.0.0", "tcp4", "0.0.0.0")
	f("127.0.0.1", "tcp4", "127.0.0.1")
	f("::", "tcp6", "::")
	f("::1", "tcp6", "::1")
	f("fe80::1%lo", "tcp6", "fe80::1%lo")
	f("::ffff:127.0.0.1", "tcp", "::ffff:127.0.0.1")
	f("localhost", "tcp", "localhost")
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.sock")
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newOn(t, "--port", "0", "--unixsocket", path); err == nil {
		t.Error("took over the socket of a living server")
	}
	old.SetUnlinkOnClose(false)
	old.Close() // as a server that was killed leaves it
	s, err := newOn(t, "--port", "0", "--unixsocket", path, "--unixsocketperm", "700")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the socket's file is left behind:", err)
	}
}

// TestUnixSocketOfOthers: a socket that cannot be connected to is not one that
// was left behind, and one that others have put in its place is not removed.
func TestUnixSocketOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.sock")
	other, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newOn(t, "--port", "0", "--unixsocket", path); err == nil || !strings.Contains(err.Error(), "may be in use") {
		t.Errorf("took over a socket that is in use: %v", err)
	}
	other.Close()
	os.Remove(path)
	s, err := newOn(t, "--port", "0", "--unixsocket", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("removed what another has put there:", err)
	}
}

// TestUnixClients: connections by a Unix socket work and say so.
func TestUnixClients(t *testing.T) {
	for _, front := range frontEnds() {
		t.Run(front, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "q.sock")
			serve(t, "--front-end", front, "--unixsocket", path)
			c := dial(t, &net.UnixAddr{Name: path, Net: "unix"})
			line, err := c.ask("CLIENT INFO")
			if field(line, "addr") != path+":0" || field(line, "laddr") != path+":0" || field(line, "flags") != "U" {
				t.Error(line, err)
			}
		})
	}
}

func TestMaxClientsOnTheWire(t *testing.T) {
	for _, front := range frontEnds() {
		t.Run(front, func(t *testing.T) {
			_, addr := serve(t, "--front-end", front, "--maxclients", "1")
			a := dial(t, addr)
			if got, err := a.ask("PING"); got != "+PONG" {
				t.Fatal(got, err)
			}
			b := dial(t, addr)
			if got, err := b.reply(); got != "-ERR max number of clients reached" {
				t.Errorf("%q, %v", got, err)
			}
			if _, err := b.reply(); err == nil {
				t.Error("the second connection is open")
			}
		})
	}
}

func TestLook(t *testing.T) {
	s := testServer(t, nil)
	s.wallOffset.Add(int64(time.Hour))
	before := s.wallOffset.Load()
	s.look()
	if s.wallOffset.Load() == before {
		t.Error("the clock was not set by the system's")
	}
}

// Upkeep without time does a slice and says whether there are more.
func TestUpkeep(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	const keys = 5000
	for i := range keys {
		c.do(fmt.Sprintf("SET k%d v PX 1000", i), "+OK|")
	}
	if s.upkeep(time.Minute) {
		t.Error("there is more to do before keys have expired")
	}
	s.ShiftTime(2 * time.Second)
	slices := 1
	for s.upkeep(0) {
		slices++
	}
	if slices < 10 {
		t.Errorf("%d keys went in %d slices", keys, slices)
	}
	c.do("DBSIZE", ":0|")
	s.free(t)
}

// TestUpkeepThatWaits is no spike: another has the lock.
func TestUpkeepThatWaits(t *testing.T) {
	s := testServer(t, nil, "--latency-monitor-threshold", "1")
	s.store.Lock(0)
	done := make(chan bool)
	go func() {
		s.upkeep(time.Minute)
		close(done)
	}()
	time.Sleep(20 * time.Millisecond)
	s.store.Unlock(0)
	<-done
	if !s.store.TickWaited() {
		t.Skip("upkeep began late")
	}
	if events, _ := s.LatencyEvents(); len(events) != 0 {
		t.Error(events)
	}
}

func TestTryWith(t *testing.T) {
	f := func(addr net.Addr, want string) {
		t.Helper()
		if got := tryWith(addr); got != want {
			t.Errorf("%v: %q, want %q", addr, got, want)
		}
	}
	f(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6379}, "redis-cli -p 6379 ping")
	f(&net.TCPAddr{IP: net.IPv6zero, Port: 1}, "redis-cli -p 1 ping")
	f(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 2}, "redis-cli -h 10.0.0.7 -p 2 ping")
	f(&net.UnixAddr{Name: "/run/q", Net: "unix"}, "redis-cli -s /run/q ping")
}
