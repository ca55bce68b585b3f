package eventloop

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxAccepts  = 64 // per turn and listener
	acceptPause = 100 * time.Millisecond
)

// accepter takes new connections, on the first loop.
type accepter struct {
	listeners []int
	serial    int32 // of the newest connection
	paused    timer
	warned    int64 // when the log last said that no connection can be accepted
}

// takeOver makes the listener's descriptor ours. net's own is closed, so that
// Go's poller does not wake for every connection too.
func takeOver(ln net.Listener) (fd int, err error) {
	conn, ok := ln.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("eventloop: %T has no descriptor", ln)
	}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	dupErr := raw.Control(func(own uintptr) {
		fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = errors.Join(dupErr, err); err != nil {
		return -1, err
	}
	ln.Close()
	return fd, unix.SetNonblock(fd, true)
}

func (a *accepter) close() {
	for _, fd := range a.listeners {
		unix.Close(fd)
	}
	a.listeners = nil
}

// accept takes a bounded number of connections; epoll reports those that are left.
func (a *accepter) accept(l *loop, listener int) {
	if !slices.Contains(a.listeners, listener) {
		return
	}
	for range maxAccepts {
		fd, remote, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			a.welcome(l, fd, remote)
		case unix.EAGAIN:
			return
		case unix.ECONNABORTED, unix.EINTR:
			// The client is gone already, or a signal came: the next one may be fine.
		default:
			a.pause(l, err)
			return
		}
	}
}

// pause stops accepting for a moment when there are no descriptors or memory
// left, or the system refuses for some other reason. Clients wait in the backlog;
// without it the loop would spin, since the listener stays ready.
func (a *accepter) pause(l *loop, err error) {
	if l.now-a.warned > int64(time.Second) || a.warned == 0 {
		a.warned = l.now
		l.group.o.Log.Warn("cannot accept connections for the moment", slog.Any("err", err))
	}
	a.watch(l, 0)
	a.paused.fire = func() { a.watch(l, unix.EPOLLIN) }
	l.timers.set(&a.paused, l.now+int64(acceptPause))
}

func (a *accepter) watch(l *loop, events uint32) {
	for _, fd := range a.listeners {
		ev := unix.EpollEvent{Events: events, Fd: int32(fd)}
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, fd, &ev); err != nil {
			l.group.o.Log.Error("event loop: epoll_ctl failed on a listener", slog.Any("err", err))
		}
	}
}

// welcome makes the new connection's session and gives it to a loop, or
// refuses it.
func (a *accepter) welcome(l *loop, fd int, remote unix.Sockaddr) {
	c := &Conn{fd: fd, remote: remote}
	if a.serial++; a.serial <= 0 {
		a.serial = 1
	}
	c.serial = a.serial
	c.local, _ = unix.Getsockname(fd) // nil shows as unknown
	c.loop.Store(l)                   // until another loop takes it over: posts wait for the end of this turn
	session, refusal := l.group.o.Open(c)
	if session == nil {
		c.closed = true
		unix.Write(fd, []byte(refusal)) // a refused client is owed no second try
		hangUp(fd)
		unix.Close(fd)
		return
	}
	c.session = session
	if !c.Unix() {
		setTCP(fd, l.group.o.KeepAlive())
	}
	to := l.group.leastOpen()
	if to == l {
		l.open.Add(1)
		l.attach(c)
		return
	}
	to.takeOver(c)
}

// setTCP sets a TCP connection's options. A dead peer is given up after about
// twice the time to the first probe, as in Redis.
func setTCP(fd, keepAlive int) {
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if keepAlive <= 0 {
		return
	}
	const probes = 3
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAlive)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, max(keepAlive/probes, 1))
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, probes)
}
