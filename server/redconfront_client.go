package server

import (
	"bytes"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"quarry/server/eventloop"
)

// redconClient is a connection's session and the sending of its output. It
// implements endpoint.
type redconClient struct {
	front   *redconFront
	lane    *lane
	socket  net.Conn
	session *Session

	// Under lane.mu:
	changed sync.Cond // sending, muted or closed
	muted   bool      // nothing more may be fed
	sending bool      // a goroutine sends the output, until there is none
	closed  bool      // Session.Closed has been called
	held    bool      // the reader reads only to notice the client's hanging up
	called  bool      // the reader is to stop that: its deadline has been set
	timer   *time.Timer
	timerAt int64 // 0: not set

	mailMu     sync.Mutex // taken last
	mail       []func()
	delivering bool // a goroutine runs the mail, until there is none
}

// ---- turns ----

// turn calls a method of the session, or something that does, and then does
// what the session wants. Between the turns of a session that has more to do
// the others of its lane get theirs.
func (c *redconClient) turn(call func()) {
	for c.step(call) {
		call = c.session.Resume
	}
}

// step is one turn. It reports whether the session is to be resumed.
func (c *redconClient) step(call func()) (more bool) {
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	if c.closed {
		return false
	}
	defer c.survive()
	call()
	return c.settle()
}

// survive keeps a panic from ending the process: the connection is closed.
func (c *redconClient) survive() {
	if p := recover(); p != nil {
		c.front.srv.log.Error("redcon front end: panic; the connection is closed",
			slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		c.drop()
	}
}

// settle has the output sent and does what the session wants.
func (c *redconClient) settle() (more bool) {
	c.front.srv.commit(c.lane.index)
	wants := c.session.Wants()
	if wants&eventloop.Abort != 0 {
		c.abort()
		return false
	}
	unsent := c.startSending()
	if wants&eventloop.Close != 0 && !unsent {
		c.end()
		go hangUp(c.socket)
		return false
	}
	c.muted = wants&(eventloop.Mute|eventloop.Close) != 0
	c.callReader()
	return wants&eventloop.More != 0 || wants&eventloop.Drain != 0 && !unsent
}

// callReader has the reader look at the state again, if it waits for a change.
func (c *redconClient) callReader() {
	c.changed.Broadcast()
	if c.held && !c.called {
		c.called = true
		c.socket.SetReadDeadline(time.Now())
	}
}

// end ends the session, not yet the connection.
func (c *redconClient) end() {
	c.closed = true
	c.session.Closed()
	c.SetTimer(0)
	c.front.leave(c)
	c.changed.Broadcast()
}

// drop closes the connection at once.
func (c *redconClient) drop() {
	if !c.closed {
		c.end()
	}
	c.socket.Close()
}

// abort closes the connection after one try to send what there is.
func (c *redconClient) abort() {
	out := c.session.Output()
	if c.sending || len(out) == 0 {
		c.drop()
		return
	}
	out = bytes.Clone(out[:min(len(out), chunkBytes)])
	c.end()
	go func() {
		defer c.socket.Close()
		c.socket.SetWriteDeadline(time.Now().Add(lastWrite))
		c.socket.Write(out)
	}()
}

// finish closes the connection when its output has been sent, or could not be
// within the deadline that the socket has for writing.
func (c *redconClient) finish() {
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	for c.sending && !c.closed {
		c.changed.Wait()
	}
	c.drop()
}

// ---- output ----

// chunkBytes is how much is written to a socket at once.
const chunkBytes = 64 << 10

var chunks = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

// startSending has the output sent, by a goroutine that lives until there is
// none. It reports whether something is unsent.
func (c *redconClient) startSending() (unsent bool) {
	if c.sending {
		return true
	}
	if out := c.session.Output(); len(out) > 0 {
		c.sending = true
		chunk := chunks.Get().(*[chunkBytes]byte)
		n := copy(chunk[:], out)
		go c.send(chunk, n)
	}
	return c.sending
}

// send sends the output until there is none: n bytes that are in chunk, and
// then a copy of a part at a time, since the session goes on meanwhile.
func (c *redconClient) send(chunk *[chunkBytes]byte, n int) {
	defer chunks.Put(chunk)
	for n > 0 {
		sent, err := c.socket.Write(chunk[:n])
		if err != nil {
			c.broken()
			return
		}
		n = c.next(sent, chunk[:])
	}
	c.turn(func() {}) // there may be wants that waited for the output
}

// broken closes a connection that cannot be written to.
func (c *redconClient) broken() {
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	c.sending = false
	c.drop()
}

// next tells the session that sent bytes have been sent and copies what comes
// next to chunk. With nothing left the sending is over.
func (c *redconClient) next(sent int, chunk []byte) (n int) {
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	defer c.survive()
	if !c.closed {
		c.session.Sent(sent)
		n = copy(chunk, c.session.Output())
	}
	if n == 0 {
		c.sending = false
		c.changed.Broadcast()
	}
	return n
}

// ---- endpoint ----

// Notify does what the session wants.
func (c *redconClient) Notify() {
	if !c.closed {
		c.settle() // its turn, if it has more to do, is under way already
	}
}

// Post has fn run in a turn of the session. It only puts fn down: the caller
// may hold locks that come after a lane's.
func (c *redconClient) Post(fn func()) {
	c.mailMu.Lock()
	defer c.mailMu.Unlock()
	c.mail = append(c.mail, fn)
	if !c.delivering {
		c.delivering = true
		go c.deliver()
	}
}

func (c *redconClient) deliver() {
	for {
		c.mailMu.Lock()
		mail := c.mail
		c.mail = nil
		c.delivering = len(mail) > 0
		c.mailMu.Unlock()
		if len(mail) == 0 {
			return
		}
		for _, fn := range mail {
			c.turn(fn)
		}
	}
}

// SetTimer has Session.Expired called at a time of the server's clock.
func (c *redconClient) SetTimer(at int64) {
	c.timerAt = at
	if c.timer != nil {
		c.timer.Stop()
	}
	if at != 0 {
		c.timer = time.AfterFunc(time.Duration(at-c.front.srv.clock()), func() { c.turn(c.expire) })
	}
}

// expire is called by a timer, perhaps one that was stopped too late.
func (c *redconClient) expire() {
	switch {
	case c.timerAt == 0:
	case c.timerAt > c.front.srv.clock():
		c.SetTimer(c.timerAt)
	default:
		c.timerAt = 0
		c.session.Expired()
	}
}

// FD is the socket's descriptor, -1 if it has none.
func (c *redconClient) FD() int {
	fd := -1
	if s, ok := c.socket.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			raw.Control(func(own uintptr) { fd = int(own) })
		}
	}
	return fd
}

// RemoteAddr is the client's address; a Unix socket's client has none and
// shows the server's.
func (c *redconClient) RemoteAddr() string {
	if c.Unix() {
		return c.LocalAddr()
	}
	return c.socket.RemoteAddr().String()
}

// LocalAddr is the server's end.
func (c *redconClient) LocalAddr() string {
	if c.Unix() {
		return c.socket.LocalAddr().String() + ":0"
	}
	return c.socket.LocalAddr().String()
}

// Unix reports whether this is a Unix socket.
func (c *redconClient) Unix() bool {
	_, ok := c.socket.LocalAddr().(*net.UnixAddr)
	return ok
}

// Loopback reports whether the client is on this machine.
func (c *redconClient) Loopback() bool {
	tcp, ok := c.socket.RemoteAddr().(*net.TCPAddr)
	return c.Unix() || ok && tcp.IP.IsLoopback()
}
