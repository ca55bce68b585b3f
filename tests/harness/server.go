package harness

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"testing"

	"quarry/server"
	"quarry/server/config"
)

// The front ends, as the front-end directive names them.
const (
	Epoll  = "epoll"
	Redcon = "redcon"
)

// FrontEnds lists those that this system has.
func FrontEnds() []string {
	if runtime.GOOS == "linux" {
		return []string{Epoll, Redcon}
	}
	return []string{Redcon}
}

// Options say how Start runs a server; zero fields leave the default.
type Options struct {
	FrontEnd string
	Loops    int
	Shards   int
	Args     []string  // further directives, as on the command line
	Log      io.Writer // nil: nobody reads it
}

// Server is a server in this process, on a TCP port the system chose.
type Server struct {
	*server.Server
	Addr string

	t      testing.TB
	cancel context.CancelFunc
	ended  chan error
}

// Start runs a server until the end of the test, and fails the test if it ends
// with an error, leaves goroutines behind, or cannot account for its memory.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	CheckGoroutines(t)
	args := []string{"--port", "0", "--dir", t.TempDir()}
	if o.FrontEnd != "" {
		args = append(args, "--front-end", o.FrontEnd)
	}
	if o.Loops != 0 {
		args = append(args, "--event-loops", strconv.Itoa(o.Loops))
	}
	if o.Shards != 0 {
		args = append(args, "--shards", strconv.Itoa(o.Shards))
	}
	cfg, err := config.Load(append(args, o.Args...))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	s := &Server{Addr: listener.Addr().String(), t: t, ended: make(chan error, 1)}
	if s.Server, err = server.New(cfg, slog.New(slog.NewTextHandler(o.Log, nil))); err != nil {
		listener.Close()
		t.Fatal(err)
	}
	s.AddListener(listener)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() { s.ended <- s.Run(ctx) }()
	t.Cleanup(s.Stop)
	return s
}

// Dial connects to the server.
func (s *Server) Dial(t testing.TB) *Client {
	t.Helper()
	return Dial(t, s.Addr)
}

// Stop ends the server and waits for it; a second call does nothing.
func (s *Server) Stop() {
	if s.cancel == nil {
		return
	}
	s.cancel()
	s.cancel = nil
	if err := errors.Join(<-s.ended, s.Close()); err != nil {
		s.t.Errorf("the server ended with: %v", err)
	}
}
