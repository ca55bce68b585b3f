// Package eventloop carries bytes between sockets and sessions: a few loops,
// each one goroutine with an epoll instance, every connection owned by exactly
// one of them. A [Session] is called by its connection's loop only and so needs
// no lock.
//
// # A turn
//
//	      epoll_wait ── events ──► read (each once) ────► Session.Feed
//	          ▲                                                │
//	          │                   mailbox: Conn.Post ──────────┤
//	          │                   timers ──────────────────────┤
//	          │                   sessions with work left ─────┤
//	          │                                                ▼
//	epoll_ctl where interest changed ◄── write ◄── AfterBatch ◄── batch
//
// Nothing is written while commands run: the replies of all connections of a
// batch are sent after AfterBatch, which is where a log can be made safe first.
// A batch ends with the turn or after a millisecond, so that the first reply
// does not wait for the slowest command of another connection.
//
// # Why it is built so
//
// Measured on loopback, 65 % of the processor time of a small command is the
// kernel's write and 12 % its read; what is left for a loop to do well is to
// make no other system call per request, and those for all connections together:
// with io_uring the connections that are ready are read by one call and the
// replies of a batch sent by one, which takes a quarter to a third off (package
// uring has the figures; without io_uring, read and write do the same one by one). A
// connection that fills the 8 KiB it is given there is read alone the next time,
// into 64 KiB. Otherwise: level triggering (a read less
// than edge triggering per readiness), one read and one write per readiness,
// EPOLLOUT only while something is unsent. A second busy loop costs a third of
// the efficiency and pays only when one is not enough, so loops beyond the
// first sleep until then, and sleep again if they do not help (see balance.go). A loop that never yields its
// processor keeps Go's monitor thread at its fastest pace, which at low load
// costs as much as the loop: hence a Gosched every five milliseconds. Edge
// triggering, spinning, SO_REUSEPORT and pinning threads were measured and
// bring nothing.
//
// # Bounds
//
// One turn takes at most 256 events, 64 new connections and one read of at most
// 64 KiB from each connection; a session bounds what it runs (see [Wants]). A connection
// with work left is not read again before that work is done.
//
// Reading order: eventloop.go (the interface), loop_linux.go (the turn),
// conn_linux.go, accept_linux.go, group_linux.go, mailbox.go, timers.go, balance.go.
package eventloop
