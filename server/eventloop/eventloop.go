package eventloop

import (
	"errors"
	"log/slog"
)

// Session is what a connection's bytes are fed to. All its methods are called
// by the loop that owns the connection, never two at a time.
type Session interface {
	// Attach says which loop calls from now on: before anything else, and
	// again when the connection has moved.
	Attach(loop int)
	// Detach says that the loop that calls gives the connection to another one,
	// which calls Attach next.
	Detach(to int)
	// Feed hands over bytes that arrived. They are valid during the call.
	Feed(in []byte)
	// Resume goes on with what earlier calls left, as Wants asked for.
	Resume()
	// Expired is called when the time set with Conn.SetTimer has come.
	Expired()
	// Sweep is called about once a second, for what only time brings about.
	Sweep()
	// Wants says what the session needs next. It is asked after each batch in
	// which one of the methods above was called, and after Sent.
	Wants() Wants
	// Output is what is to be sent; Sent says that its first n bytes have been,
	// 0 if the client takes none for the moment.
	Output() []byte
	Sent(n int)
	// Closed says that the connection is gone; it is the last call.
	Closed()
}

// Wants is what a session needs from its loop.
type Wants uint8

// The wants; none of them means: feed what arrives, send what there is.
const (
	// More: there is work left that waits for nothing but its turn: Resume.
	More Wants = 1 << iota
	// Drain: Resume when all output has been sent.
	Drain
	// Mute: read nothing; the end of the connection is noticed all the same.
	Mute
	// Close: close when all output has been sent.
	Close
	// Abort: close now.
	Abort
)

// Options are what a Group is made with.
type Options struct {
	// Loops is how many loops there may be, at least 1.
	Loops int
	// Auto begins with one loop; the others work while the load asks for them.
	Auto bool
	// Ring lets loops read and write many connections by one system call, where the
	// kernel lets the process have an io_uring.
	Ring bool
	// Open makes the session of a new connection, on the first loop. With no
	// session the refusal is sent and the connection closed.
	Open func(c *Conn) (s Session, refusal string)
	// BeforeWait, if set, is called on a loop that has done all there was to do, before it looks for more.
	BeforeWait func(loop int)
	// AfterBatch, if set, is called on a loop between running the commands of a
	// batch and sending their replies.
	AfterBatch func(loop int)
	// KeepAlive is after how many silent seconds a TCP connection is probed; 0 never.
	KeepAlive func() int
	// Now is a clock in nanoseconds that never goes back.
	Now func() int64
	Log *slog.Logger
}

// ErrUnsupported says that this system has no epoll.
var ErrUnsupported = errors.New("eventloop: needs epoll, which only Linux has")
