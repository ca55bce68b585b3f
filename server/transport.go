package server

import (
	"context"
	"errors"
	"net"
	"runtime"

	"quarry/server/eventloop"
)

// transport moves bytes between connections and their sessions. For each
// connection it asks Server.admit, gives the session a worker, and then calls
// the session's methods as eventloop.Session describes them, never two at a time.
type transport interface {
	// Run serves the listeners, which it closes, until ctx ends.
	Run(ctx context.Context, listeners []net.Listener) error
	// Post has fn run where the sessions of a worker are. Any goroutine may call
	// it, whatever locks it has.
	Post(worker int, fn func())
}

// maxAutoLoops is how many loops event-loops auto may use. One serves what a
// network card of today brings; more are for commands that take long.
const maxAutoLoops = 4

// newTransport makes the transport that the directive front-end asks for.
func (s *Server) newTransport() (transport, error) {
	name := s.cfg.FrontEnd.Load()
	if name == "auto" {
		name = "redcon"
		if eventloop.Supported {
			name = "epoll"
		}
	}
	if name == "redcon" {
		return s.newRedconFront()
	}
	if !eventloop.Supported {
		return nil, errors.New("front-end epoll: this system has no epoll; use auto or redcon")
	}
	return s.newLoops()
}

// loops is how many event loops there may be.
func (s *Server) loops() int {
	if loops := s.cfg.EventLoops.Load(); loops != 0 {
		return loops
	}
	return min(runtime.GOMAXPROCS(0), maxAutoLoops)
}

// newLoops makes the epoll front end, and a worker for each loop.
func (s *Server) newLoops() (transport, error) {
	loops := s.loops()
	for range loops {
		s.addWorker()
	}
	return eventloop.New(eventloop.Options{
		Loops:      loops,
		AfterBatch: s.commit,
		BeforeWait: s.linger,
		Auto:       s.cfg.EventLoops.Load() == 0,
		Ring:       s.cfg.IOUring.Load(),
		Open:       s.open,
		KeepAlive:  s.cfg.TCPKeepalive.Load,
		Now:        s.clock,
		Log:        s.log,
	})
}

// open makes the session of a connection of an event loop.
func (s *Server) open(c *eventloop.Conn) (eventloop.Session, string) {
	session, refusal := s.admit(c)
	if session == nil {
		return nil, refusal // a nil *Session would be no nil Session
	}
	return session, ""
}
