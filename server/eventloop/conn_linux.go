package eventloop

import (
	"net/netip"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"quarry/server/eventloop/internal/uring"
)

// Conn is one connection. Post may be called by any goroutine, also when the
// connection is long gone; the other methods by its session only.
type Conn struct {
	loop    atomic.Pointer[loop] // the owner; everything below belongs to it
	session Session
	fd      int
	// serial tells this connection's events from those of an earlier one that
	// had the same descriptor.
	serial   int32
	interest uint32 // what epoll watches it for
	activity uint32 // reads, halved every second
	dirty    bool   // in loop.dirty
	waiting  bool   // in loop.waiting
	closed   bool
	bulky    bool // sends much at a time: read alone, into more room
	timer    timer

	// What became of the last attempt to send, until the session is told.
	tried   bool
	sent    int
	sendErr error

	remote, local unix.Sockaddr
}

// FD is the connection's descriptor.
func (c *Conn) FD() int { return c.fd }

// RemoteAddr and LocalAddr are written as CLIENT LIST shows them: ip:port, or
// for a Unix socket its path and ":0".
func (c *Conn) RemoteAddr() string {
	if _, ok := c.remote.(*unix.SockaddrUnix); ok {
		return c.LocalAddr() // the client's end of a Unix socket has no name
	}
	return address(c.remote)
}

// LocalAddr is the server's end; see RemoteAddr.
func (c *Conn) LocalAddr() string { return address(c.local) }

// Unix reports whether this is a Unix socket.
func (c *Conn) Unix() bool {
	_, ok := c.local.(*unix.SockaddrUnix)
	return ok
}

// Loopback reports whether the client is on this machine.
func (c *Conn) Loopback() bool {
	ip, _ := inet(c.remote)
	return c.Unix() || ip.Addr().Unmap().IsLoopback()
}

func address(sa unix.Sockaddr) string {
	if u, ok := sa.(*unix.SockaddrUnix); ok {
		return u.Name + ":0"
	}
	if ip, ok := inet(sa); ok {
		return ip.String()
	}
	return "?:0"
}

func inet(sa unix.Sockaddr) (netip.AddrPort, bool) {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), true
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr)
		if sa.ZoneId != 0 {
			ip = ip.WithZone(strconv.Itoa(int(sa.ZoneId)))
		}
		return netip.AddrPortFrom(ip, uint16(sa.Port)), true
	}
	return netip.AddrPort{}, false
}

// Post has fn run by the connection's loop, which then sends what its session
// has for output. It is dropped if the connection is closed by then.
func (c *Conn) Post(fn func()) { c.loop.Load().mail.put(post{c, fn}, nil) }

// Notify says that the session has got output, or wants something else, though
// none of its methods was called: its loop, which calls this, settles the connection
// with the others of the batch.
func (c *Conn) Notify() { c.loop.Load().touch(c) }

// SetTimer has Session.Expired called at a time of Options.Now; 0 clears it.
func (c *Conn) SetTimer(at int64) {
	l := c.loop.Load()
	if at == 0 {
		l.timers.clear(&c.timer)
		return
	}
	if c.timer.fire == nil {
		c.timer.fire = c.expired
	}
	l.timers.set(&c.timer, at)
}

func (c *Conn) expired() {
	l := c.loop.Load()
	l.current = c
	c.session.Expired()
	l.current = nil
	l.touch(c)
}

// settle tells the session what was sent and does what it wants. After a
// batch every connection that had part in it is settled.
func (l *loop) settle(c *Conn) {
	unsent, err := l.account(c)
	if err != nil {
		l.close(c)
		return
	}
	wants := c.session.Wants()
	if wants&Drain != 0 && !unsent {
		wants |= More
	}
	switch {
	case wants&Abort != 0:
		l.close(c)
		return
	case wants&Close != 0 && !unsent:
		hangUp(c.fd)
		l.close(c)
		return
	case wants&More != 0 && !c.waiting:
		c.waiting = true
		l.waiting = append(l.waiting, c)
	}
	l.watch(c, wants, unsent)
}

// sender is a connection with output.
type sender struct {
	c   *Conn
	out []byte
}

// send tries once to send the output of the connections that have some. The
// sessions are told by settle: if one of them panics, the others must not send the same again.
func (l *loop) send(batch []*Conn) {
	l.senders = l.senders[:0]
	for _, c := range batch {
		if c == nil || c.closed || c.tried {
			continue
		}
		l.current = c
		if out := c.session.Output(); len(out) > 0 {
			l.senders = append(l.senders, sender{c, out})
		}
	}
	l.current = nil
	rest := l.senders
	for l.ring != nil && len(rest) > 1 {
		n := min(len(rest), uring.Size)
		l.sendTogether(rest[:n])
		rest = rest[n:]
	}
	for _, s := range rest {
		n, err := unix.Write(s.c.fd, s.out)
		s.c.tried, s.c.sent, s.c.sendErr = true, n, err
	}
	clear(l.senders)
}

func (l *loop) sendTogether(list []sender) {
	for _, s := range list {
		l.ring.Send(s.c.fd, s.out)
	}
	for i, r := range l.submit(len(list)) {
		c := list[i].c
		c.tried, c.sent, c.sendErr = true, r.N, r.Err
	}
}

// account tells c's session what was sent of its output and reports whether something remains.
func (l *loop) account(c *Conn) (unsent bool, err error) {
	if !c.tried {
		return false, nil
	}
	c.tried = false
	switch c.sendErr {
	case nil:
		c.session.Sent(c.sent)
		return len(c.session.Output()) > 0, nil // it may have been only a part of what there is
	case unix.EAGAIN, unix.EINTR:
		c.session.Sent(0)
		return true, nil
	}
	return true, c.sendErr
}

// watch has epoll watch c for what it waits for. A connection that is not read
// is watched for the client's hanging up.
func (l *loop) watch(c *Conn, wants Wants, unsent bool) {
	interest := uint32(unix.EPOLLIN)
	if wants&(Mute|Close) != 0 {
		interest = unix.EPOLLRDHUP
	}
	if unsent {
		interest |= unix.EPOLLOUT
	}
	if interest != c.interest {
		c.interest = interest
		l.control(unix.EPOLL_CTL_MOD, c)
	}
}

// hangUp ends a connection so that the client gets what was sent last: closing
// a socket with unread input resets it, and the client's kernel then throws
// away what its program has not read.
func hangUp(fd int) {
	const reads = 16 // enough for what is likely to be on its way
	if unix.Shutdown(fd, unix.SHUT_WR) != nil {
		return
	}
	var discard [4096]byte
	for range reads {
		if n, err := unix.Read(fd, discard[:]); n <= 0 || err != nil {
			return
		}
	}
}
