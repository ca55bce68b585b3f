package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tidwall/redcon"
)

// The portable transport: redcon's server, which needs nothing but package net.
//
//	socket ─► redconSocket.Read ─► redcon's parser ─► handle ─► Session
//	   ▲        the framer: limits                                 │
//	   └──────────────── redconClient.send ◄──────── Output ◄──────┘
//
// redcon accepts, has a goroutine for each connection, parses and dispatches.
// Its parser trusts what it reads (a length near 2^63 ends the process), so it
// is given nothing but whole commands that our framer has accepted, encoded
// anew. Replies are sent beside redcon, by a goroutine of their own: its writer
// would block the reading of a client that does not read, and knows nothing of
// replies that other clients bring about.
//
// Sessions are run by whoever has news for them: the connection's goroutine,
// a timer, a post. A lane makes them take turns, in the way an event loop does:
// a session belongs to one lane, and its methods are called with the lane's
// lock held, never during input or output.
//
// What differs from the event loops: a client that does not read its replies
// is still read from until the session says otherwise, as there; but a muted
// client's hanging up is noticed only if it sent less than holdBytes before.

const (
	// sweepTime is how often every session's Sweep is called.
	sweepTime = time.Second
	// acceptPause is waited when a connection cannot be accepted.
	acceptPause = 100 * time.Millisecond
	// lastWrite is how long the output of a connection that ends may take.
	lastWrite = 100 * time.Millisecond
	// keepAliveProbes of a dead peer go unanswered before it is given up.
	keepAliveProbes = 3
)

// redconFront implements transport.
type redconFront struct {
	srv   *Server
	lanes []*lane

	mu      sync.Mutex // taken last
	clients map[*redconClient]struct{}
	next    int // lane of the next connection
	ending  bool
	open    sync.WaitGroup // connections that redcon has not let go of
}

// lane stands for an event loop: sessions that take turns, and their worker.
type lane struct {
	mu    sync.Mutex
	index int // of the worker
}

// newRedconFront makes the portable transport, and a worker for each lane.
func (s *Server) newRedconFront() (transport, error) {
	f := &redconFront{srv: s, clients: map[*redconClient]struct{}{}}
	for range s.loops() {
		f.lanes = append(f.lanes, &lane{index: len(s.workers)})
		s.addWorker()
	}
	return f, nil
}

// Run serves the listeners until ctx ends.
func (f *redconFront) Run(ctx context.Context, listeners []net.Listener) error {
	var serving sync.WaitGroup
	for _, ln := range listeners {
		server := redcon.NewServerNetwork(ln.Addr().Network(), ln.Addr().String(), handle, nil, nil)
		serving.Go(func() {
			// It ends when the listener is closed, and then without an error.
			_ = server.Serve(&redconListener{Listener: ln, front: f})
		})
	}
	f.sweep(ctx)
	for _, ln := range listeners {
		ln.Close()
	}
	f.finish()
	serving.Wait()
	f.open.Wait()
	return nil
}

// handle runs a command that redcon has parsed, and those it has parsed after
// it. They are fed at once: each Feed may take a turn.
func handle(conn redcon.Conn, cmd redcon.Command) {
	c := conn.NetConn().(*redconSocket).client
	in := cmd.Raw
	for _, next := range conn.ReadPipeline() {
		in = append(in, next.Raw...)
	}
	c.turn(func() { c.session.Feed(in) })
}

// Post has fn run in a lane. It only begins that: the caller may hold locks that
// come after the lane's.
func (f *redconFront) Post(worker int, fn func()) { go f.run(f.lanes[worker], fn) }

func (f *redconFront) run(l *lane, fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			f.srv.log.Error("redcon front end: panic", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	fn()
}

// sweep calls every session's Sweep each second until ctx ends.
func (f *redconFront) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, c := range f.all() {
			c.turn(c.session.Sweep)
		}
	}
}

// finish sends what can be sent soon and closes all connections.
func (f *redconFront) finish() {
	f.mu.Lock()
	f.ending = true
	f.mu.Unlock()
	clients := f.all()
	for _, c := range clients {
		c.socket.SetWriteDeadline(time.Now().Add(lastWrite))
	}
	for _, c := range clients {
		c.finish()
	}
}

func (f *redconFront) all() []*redconClient {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*redconClient, 0, len(f.clients))
	for c := range f.clients {
		all = append(all, c)
	}
	return all
}

// enter adds a client; false if the front end is about to end.
func (f *redconFront) enter(c *redconClient) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ending {
		return false
	}
	f.clients[c] = struct{}{}
	f.open.Add(1)
	return true
}

func (f *redconFront) leave(c *redconClient) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.clients, c)
}

func (f *redconFront) nextLane() *lane {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	return f.lanes[f.next%len(f.lanes)]
}

// redconListener gives redcon the connections that are let in.
type redconListener struct {
	net.Listener
	front  *redconFront
	warned time.Time
}

// Accept waits for the next connection that is let in. It fails only when the
// listener is closed: redcon would try again at once, and spin.
func (l *redconListener) Accept() (net.Conn, error) {
	for {
		socket, err := l.Listener.Accept()
		switch {
		case err == nil:
			if s := l.front.welcome(socket); s != nil {
				return s, nil
			}
		case errors.Is(err, net.ErrClosed):
			return nil, err
		default:
			l.pause(err)
		}
	}
}

// pause waits a moment when there are no descriptors or memory left. Clients
// wait in the backlog.
func (l *redconListener) pause(err error) {
	if now := time.Now(); now.Sub(l.warned) > time.Second {
		l.warned = now
		l.front.srv.log.Warn("cannot accept connections for the moment", slog.Any("err", err))
	}
	time.Sleep(acceptPause)
}

// welcome makes the session of a new connection, or refuses it and returns nil.
func (f *redconFront) welcome(socket net.Conn) *redconSocket {
	c := &redconClient{front: f, lane: f.nextLane(), socket: socket}
	c.changed.L = &c.lane.mu
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	session, refusal := f.srv.admit(c)
	if session == nil {
		// A refused client is owed no second try.
		socket.SetWriteDeadline(time.Now().Add(lastWrite))
		io.WriteString(socket, refusal)
		go hangUp(socket)
		return nil
	}
	c.session = session
	session.Attach(c.lane.index)
	if !f.enter(c) {
		c.drop()
		return nil
	}
	if tcp, ok := socket.(*net.TCPConn); ok {
		setKeepAlive(tcp, f.srv.cfg.TCPKeepalive.Load())
	}
	return newRedconSocket(c)
}

// setKeepAlive has a silent connection probed after so many seconds. A dead
// peer is given up after about twice the time to the first probe, as in Redis.
func setKeepAlive(tcp *net.TCPConn, seconds int) {
	idle := time.Duration(seconds) * time.Second
	tcp.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable:   seconds > 0,
		Idle:     idle,
		Interval: max(idle/keepAliveProbes, time.Second),
		Count:    keepAliveProbes,
	})
}

// hangUp closes a connection so that the client gets what was sent last:
// closing a socket with unread input resets it, and the client's kernel then
// throws away what its program has not read.
func hangUp(socket net.Conn) {
	defer socket.Close()
	if half, ok := socket.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	socket.SetReadDeadline(time.Now().Add(lastWrite))
	io.CopyN(io.Discard, socket, holdBytes)
}
