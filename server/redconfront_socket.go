package server

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"quarry/server/resp"
)

const (
	// readBytes is how much is read from a socket at once.
	readBytes = 8 << 10
	// passBytes is about how many bytes of commands redcon is given at once.
	passBytes = 16 << 10
	// directBytes is the size from which a command passes redcon by: its
	// buffers double to hold a command and stay so while the client does.
	directBytes = 64 << 10
	// holdBytes is how much is read from a client that may not be fed, in
	// order to notice that it hangs up.
	holdBytes = 1 << 20
)

// redconSocket is what redcon takes for the network. Read returns whole
// commands in their canonical form; redcon has run all of them when it reads
// again. It is used by the connection's goroutine only.
type redconSocket struct {
	net.Conn
	client *redconClient

	limits resp.Limits
	framer resp.Framer
	failed error // of the framer: what comes next is no command
	in     []byte
	rest   []byte // encoded commands
	passed int    // bytes of rest that redcon has got
	direct []byte // an encoded command that passes redcon by, after rest

	closeOnce sync.Once
}

func newRedconSocket(c *redconClient) *redconSocket {
	s := &redconSocket{Conn: c.socket, client: c, in: make([]byte, readBytes)}
	s.framer.Reset(&s.limits)
	return s
}

// Read gives redcon the next commands.
func (s *redconSocket) Read(p []byte) (int, error) {
	if s.passed == len(s.rest) {
		s.rest, s.passed = s.rest[:0], 0
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.rest[s.passed:])
	s.passed += n
	return n, nil
}

// Write takes redcon's flushes: it has nothing to say, replies go beside it.
func (s *redconSocket) Write(p []byte) (int, error) { return len(p), nil }

// Close is called by redcon when it lets go of the connection.
func (s *redconSocket) Close() error {
	s.closeOnce.Do(func() {
		c := s.client
		c.lane.mu.Lock()
		c.drop()
		c.lane.mu.Unlock()
		c.front.open.Done()
	})
	return nil
}

// fill reads until there are commands for redcon. It fails when the connection
// has ended.
func (s *redconSocket) fill() error {
	for {
		state := s.client.look(s.failed != nil)
		switch {
		case state.closed:
			return io.EOF
		case state.held:
		case s.direct != nil:
			command := s.direct
			s.direct = nil
			s.client.turn(func() { s.client.session.Feed(command) })
			continue
		case s.failed != nil:
			s.client.turn(func() { s.client.session.reject(s.failed) })
			continue
		default:
			s.encode(state.authenticated)
			if len(s.rest) > 0 {
				return nil
			}
			if s.direct != nil || s.failed != nil {
				continue
			}
		}
		if err := s.receive(state.held); err != nil {
			s.client.lost()
			return io.EOF
		}
	}
}

// encode takes commands from the framer: as many as redcon is to get at once.
// Before AUTH that is one, since it may change the limits for the next.
func (s *redconSocket) encode(authenticated bool) {
	s.limits = *s.client.front.srv.limits.Load()
	s.framer.SetAuthenticated(authenticated)
	for len(s.rest) < passBytes {
		args, ok, err := s.framer.Next()
		if err != nil {
			s.failed = err
			s.framer.Reset(&s.limits) // what else there is does not matter
			return
		}
		if !ok {
			return
		}
		if encodedBytes(args) > directBytes {
			s.direct = appendCommand(nil, args)
			return
		}
		s.rest = appendCommand(s.rest, args)
		if !authenticated {
			return
		}
	}
}

// receive reads from the socket, or waits for what look waits for if enough
// was read for that.
func (s *redconSocket) receive(held bool) error {
	s.framer.Release()
	if held && s.framer.Buffered() >= holdBytes {
		s.client.wait()
		return nil
	}
	n, err := s.Conn.Read(s.in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // called
	}
	if n > 0 && s.failed == nil {
		s.framer.Feed(s.in[:n])
	}
	return err
}

// appendCommand encodes a command as redcon and the session take it.
func appendCommand(dst []byte, args [][]byte) []byte {
	dst = slices.Grow(dst, encodedBytes(args))
	dst = appendLine(dst, '*', len(args))
	for _, a := range args {
		dst = appendLine(dst, '$', len(a))
		dst = append(dst, a...)
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// encodedBytes is at least the length of what appendCommand appends.
func encodedBytes(args [][]byte) int {
	const around = len("$18446744073709551615\r\n\r\n")
	return int(size(args)) + around*(1+len(args))
}

func appendLine(dst []byte, kind byte, n int) []byte {
	dst = strconv.AppendInt(append(dst, kind), int64(n), 10)
	return append(dst, '\r', '\n')
}

// reject ends a connection whose input is no command.
func (s *Session) reject(err error) {
	s.w.begin(s)
	defer s.w.end(s)
	s.w.hear(s)
	s.protocolError(err)
}

// readerState is what a reader has to know of its client.
type readerState struct {
	closed        bool
	held          bool // nothing may be fed
	authenticated bool
}

// look tells the reader its client's state. If it is held, it will be called
// when that changes, be it reading or waiting. A protocol error is held back
// while a command before it is parked.
func (c *redconClient) look(failed bool) readerState {
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	if c.called && !c.closed {
		c.called = false
		c.socket.SetReadDeadline(time.Time{})
	}
	c.held = c.muted || failed && c.session.waits()
	return readerState{closed: c.closed, held: c.held, authenticated: c.session.Authenticated()}
}

// wait returns when something has changed.
func (c *redconClient) wait() {
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	if c.muted && !c.closed {
		c.changed.Wait()
	}
}

// lost ends the session of a client that is gone. Replies to what it sent last
// may be on their way: it may only have closed its sending side.
func (c *redconClient) lost() {
	c.socket.SetWriteDeadline(time.Now().Add(lastWrite))
	c.finish()
}
