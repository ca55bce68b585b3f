package eventloop

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"quarry/server/eventloop/internal/uring"
)

const (
	maxEvents = 256
	readBytes = 64 << 10 // of one connection
	// Where several connections can be read at once, each has so much less; who fills
	// that is read alone the next time.
	slotBytes = 8 << 10
	slots     = 32
	maxBatch  = time.Millisecond     // replies wait at most about this long for others
	yieldTime = 5 * time.Millisecond // see doc.go, why
	sweepTime = 100 * time.Millisecond
	sweepPart = 10 // each sweep looks at every tenth connection
)

// loop is one event loop. Everything in it belongs to its goroutine except
// where said.
type loop struct {
	group  *Group
	index  int
	epoll  int
	wakeFD int
	mail   mailbox // any goroutine

	conns    []*Conn // by descriptor
	open     atomic.Int64
	ring     *uring.Ring // nil: one system call for each connection
	readable []*Conn     // to be read together
	arrivals []arrival   // what was read; bytes of arrivals[i] are in slot i,
	fed      int         // of which so many have been fed
	slots    []byte
	dirty    []*Conn // had part in the batch: to be settled
	senders  []sender
	waiting  []*Conn // want More
	resuming []*Conn // waiting of this turn,
	resumed  int     // of which so many have had their Resume
	posts    []post  // taken from mail,
	done     int     // of which so many have been delivered
	current  *Conn   // whose session is running, to be blamed for a panic
	faulty   *Conn   // whose session panicked, to be closed
	timers   timers
	sweeper  timer
	swept    int // sweeps done
	ending   bool

	now      int64 // read at the beginning of a turn and after each event
	batch    int64 // when the batch began
	yielded  int64
	idle     atomic.Int64 // time slept
	dozing   atomic.Int64 // since when it sleeps, 0: it does not
	taken    int64        // bytes received,
	received atomic.Int64 // as of the end of the last turn
	events   [maxEvents]unix.EpollEvent
	in       [readBytes]byte
	accepter *accepter // of the first loop
}

func newLoop(g *Group, index int) (*loop, error) {
	l := &loop{group: g, index: index, epoll: -1, wakeFD: -1}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("eventloop: epoll_create: %w", err)
	}
	if l.wakeFD, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		l.release()
		return nil, fmt.Errorf("eventloop: eventfd: %w", err)
	}
	if err = l.watchFD(l.wakeFD); err != nil {
		l.release()
		return nil, err
	}
	if g.o.Ring {
		if l.ring, err = uring.New(); err != nil {
			g.noRing(err)
		}
	}
	l.mail.wake = l.wake
	l.sweeper.fire = l.sweep
	return l, nil
}

// release closes the loop's own descriptors.
func (l *loop) release() {
	for _, fd := range []int{l.epoll, l.wakeFD} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	if l.ring != nil {
		l.ring.Close()
	}
}

// watchFD watches a descriptor that is no connection: serial 0.
func (l *loop) watchFD(fd int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("eventloop: epoll_ctl: %w", err)
	}
	return nil
}

func (l *loop) wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	unix.Write(l.wakeFD, one[:]) // it fails only if the loop is to wake up already
}

// run turns until the group ends the loop; Group.finish closes what is open then.
func (l *loop) run() {
	for !l.ending {
		l.turn()
	}
}

// deliverLast runs the posts that are there and reports whether there were any.
func (l *loop) deliverLast() bool {
	defer l.survive()
	l.deliver()
	return l.done > 0
}

// finish sends once more what can be sent without waiting, and closes everything.
func (l *loop) finish() {
	defer l.release()
	defer l.survive()
	l.settleAll()
	for _, c := range l.conns {
		if c != nil {
			l.close(c)
		}
	}
	if l.accepter != nil {
		l.accepter.close()
	}
}

func (l *loop) turn() {
	defer l.survive()
	if c := l.faulty; c != nil {
		l.faulty = nil
		l.close(c)
	}
	l.feed() // what a panic left
	l.readable = l.readable[:0]
	n := l.wait()
	for i := range n {
		l.event(&l.events[i])
	}
	l.readAll()
	l.resume()
	l.deliver()
	l.expire()
	l.settleAll()
	l.yield()
}

// survive keeps a panic from ending the process: the connection that was being
// served is closed. Events that were not looked at are reported again, and the
// queues remember what they still hold.
func (l *loop) survive() {
	p := recover()
	if p == nil {
		return
	}
	l.group.o.Log.Error("event loop: panic; the connection is closed",
		slog.Int("loop", l.index), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
	l.current, l.faulty = nil, l.current
}

// wait waits for events, posts or the next timer.
func (l *loop) wait() int {
	timeout := l.timeout()
	if timeout != 0 && l.group.o.BeforeWait != nil {
		l.group.o.BeforeWait(l.index)
	}
	before := l.clock()
	l.received.Store(l.taken)
	if timeout != 0 && !l.mail.sleep() {
		timeout = 0
	}
	if timeout != 0 {
		l.dozing.Store(before)
	}
	n, err := unix.EpollWait(l.epoll, l.events[:], timeout)
	l.clock()
	if timeout != 0 {
		l.idle.Store(l.idle.Load() + l.now - before)
		l.dozing.Store(0)
	}
	l.mail.awake()
	l.batch = l.now
	if err != nil && err != unix.EINTR {
		panic(fmt.Errorf("eventloop: epoll_wait: %w", err))
	}
	return max(n, 0)
}

// timeout is for how long epoll may wait, in milliseconds: -1 is for ever.
func (l *loop) timeout() int {
	if l.busy() {
		return 0
	}
	at, ok := l.timers.next()
	if !ok {
		return -1
	}
	const ms = int64(time.Millisecond)
	return int(min(max(at-l.now+ms-1, 0)/ms, 1<<30))
}

// busy says that there is work that no event will announce. Some of it may be
// left over from a turn that a panic ended early.
func (l *loop) busy() bool {
	return len(l.waiting) > 0 || len(l.dirty) > 0 || l.faulty != nil || l.ending ||
		l.resumed < len(l.resuming) || l.done < len(l.posts) || l.fed < len(l.arrivals)
}

func (l *loop) clock() int64 {
	l.now = l.group.o.Now()
	return l.now
}

func (l *loop) event(ev *unix.EpollEvent) {
	fd := int(ev.Fd)
	if ev.Pad == 0 {
		l.service(fd)
		return
	}
	if fd >= len(l.conns) || l.conns[fd] == nil || l.conns[fd].serial != ev.Pad {
		return // of a connection closed earlier in this turn
	}
	c := l.conns[fd]
	switch {
	case c.interest&unix.EPOLLIN != 0:
		if ev.Events&^unix.EPOLLOUT != 0 && !c.waiting {
			l.read(c)
		}
	case ev.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0:
		l.close(c)
		return
	}
	if ev.Events&unix.EPOLLOUT != 0 {
		l.touch(c)
	}
	l.checkBatch()
}

// checkBatch ends a batch that has lasted long enough.
func (l *loop) checkBatch() {
	if l.clock()-l.batch > int64(maxBatch) {
		l.settleAll()
	}
}

// service handles what is no connection.
func (l *loop) service(fd int) {
	if fd == l.wakeFD {
		var count [8]byte
		unix.Read(fd, count[:])
		return
	}
	l.accepter.accept(l, fd)
}

// read reads c, now or together with others.
func (l *loop) read(c *Conn) {
	if l.ring == nil || c.bulky {
		l.readOne(c)
		return
	}
	l.readable = append(l.readable, c)
	if len(l.readable) == slots {
		l.readAll()
	}
}

func (l *loop) readOne(c *Conn) {
	n, err := unix.Read(c.fd, l.in[:])
	c.bulky = n >= slotBytes
	l.take(c, l.in[:max(n, 0)], err)
}

// arrival is the outcome of a read.
type arrival struct {
	c   *Conn
	n   int
	err error
}

// readAll reads the connections that were put off.
func (l *loop) readAll() {
	switch len(l.readable) {
	case 0:
		return
	case 1:
		c := l.readable[0]
		l.readable = l.readable[:0]
		if !c.closed {
			l.readOne(c)
		}
		return
	}
	if l.slots == nil {
		l.slots = make([]byte, slots*slotBytes)
	}
	for _, c := range l.readable {
		if !c.closed {
			l.ring.Receive(c.fd, l.slot(len(l.arrivals)))
			l.arrivals = append(l.arrivals, arrival{c: c})
		}
	}
	l.readable = l.readable[:0]
	for i, r := range l.submit(len(l.arrivals)) {
		l.arrivals[i].n, l.arrivals[i].err = r.N, r.Err
	}
	l.feed()
}

// submit has n queued operations carried out. If that fails, what became of them
// is not known: their connections are lost, and the loop makes do without the ring.
func (l *loop) submit(n int) []uring.Result {
	results, err := l.ring.Submit()
	if err == nil {
		return results
	}
	l.group.o.Log.Error("event loop: io_uring failed; each connection is read and written by itself from now on", slog.Any("err", err))
	l.ring.Close()
	l.ring = nil
	return slices.Repeat([]uring.Result{{Err: err}}, n)
}

func (l *loop) slot(i int) []byte { return l.slots[i*slotBytes : (i+1)*slotBytes] }

// feed hands out what readAll has read.
func (l *loop) feed() {
	for l.fed < len(l.arrivals) {
		a, b := l.arrivals[l.fed], l.slot(l.fed)
		l.arrivals[l.fed].c = nil
		l.fed++
		if a.c.closed {
			continue
		}
		a.c.bulky = a.n == slotBytes
		l.take(a.c, b[:a.n], a.err)
		l.checkBatch()
	}
	l.arrivals, l.fed = l.arrivals[:0], 0
}

// take feeds what was read, nothing at the end of the stream, to c's session.
func (l *loop) take(c *Conn, b []byte, err error) {
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case len(b) == 0 || err != nil:
		l.close(c)
		return
	}
	c.activity++
	l.taken += int64(len(b))
	l.current = c
	c.session.Feed(b)
	l.current = nil
	l.touch(c)
}

// touch has c settled at the end of the batch.
func (l *loop) touch(c *Conn) {
	if !c.dirty && !c.closed {
		c.dirty = true
		l.dirty = append(l.dirty, c)
	}
}

// settleAll ends a batch.
func (l *loop) settleAll() {
	if len(l.dirty) > 0 && l.group.o.AfterBatch != nil {
		l.group.o.AfterBatch(l.index)
	}
	for from := 0; from < len(l.dirty); { // settling may add to it
		batch := l.dirty[from:]
		from = len(l.dirty)
		l.send(batch)
		for i, c := range batch {
			if c == nil {
				continue // settled before a panic
			}
			batch[i], c.dirty = nil, false
			if !c.closed {
				l.current = c
				l.settle(c)
			}
		}
	}
	l.current = nil
	l.dirty = l.dirty[:0]
	l.batch = l.now
}

// resume gives a turn to every connection that had work left.
func (l *loop) resume() {
	if l.resumed == len(l.resuming) {
		l.waiting, l.resuming, l.resumed = l.resuming[:0], l.waiting, 0
	}
	for l.resumed < len(l.resuming) {
		c := l.resuming[l.resumed]
		l.resuming[l.resumed] = nil
		l.resumed++
		c.waiting = false
		if c.closed {
			continue
		}
		l.current = c
		c.session.Resume()
		l.current = nil
		l.touch(c)
		l.checkBatch()
	}
}

// deliver runs the posts.
func (l *loop) deliver() {
	if l.done == len(l.posts) {
		l.posts, l.done = l.mail.take(), 0
	}
	for l.done < len(l.posts) {
		p := l.posts[l.done]
		l.posts[l.done] = post{}
		l.done++
		l.hear(p)
	}
}

// hear runs one post. If its connection has moved on, the post follows it.
func (l *loop) hear(p post) {
	if p.c == nil {
		p.fn()
		return
	}
	if owner := p.c.loop.Load(); owner != l {
		owner.mail.put(p, nil)
		return
	}
	if p.c.closed {
		return
	}
	l.current = p.c
	p.fn()
	l.current = nil
	l.touch(p.c)
}

func (l *loop) expire() {
	if len(l.timers) == 0 {
		return
	}
	for t := l.timers.due(l.now); t != nil; t = l.timers.due(l.now) {
		t.fire()
	}
}

// sweep has every connection looked at once a second, in parts.
func (l *loop) sweep() {
	if l.open.Load() > 0 {
		l.timers.set(&l.sweeper, l.now+int64(sweepTime))
	}
	l.swept++
	for fd := l.swept % sweepPart; fd < len(l.conns); fd += sweepPart {
		if c := l.conns[fd]; c != nil {
			l.current = c
			c.session.Sweep()
			l.current = nil
			c.activity /= 2
			l.touch(c)
		}
	}
}

func (l *loop) yield() {
	if l.now-l.yielded > int64(yieldTime) {
		l.yielded = l.now
		runtime.Gosched()
	}
}

// attach takes over a connection: a new one, or one of another loop.
func (l *loop) attach(c *Conn) {
	if c.fd >= len(l.conns) {
		l.conns = append(l.conns, make([]*Conn, c.fd+64-len(l.conns))...)
	}
	l.conns[c.fd] = c
	if c.interest == 0 {
		c.interest = unix.EPOLLIN
	}
	if c.timer.at != 0 {
		l.timers.set(&c.timer, c.timer.at)
	}
	if l.sweeper.pos == 0 {
		l.timers.set(&l.sweeper, l.now+int64(sweepTime))
	}
	l.current = c
	c.session.Attach(l.index)
	l.current = nil
	l.control(unix.EPOLL_CTL_ADD, c)
	l.touch(c)
}

// detach takes a connection out of the loop's hands.
func (l *loop) detach(c *Conn) {
	l.conns[c.fd] = nil
	l.open.Add(-1)
	at := int64(0)
	if c.timer.pos != 0 {
		at = c.timer.at
	}
	l.timers.clear(&c.timer)
	c.timer.at = at
}

// control tells epoll what c is watched for. A failure means that the kernel
// is out of memory for it or that the descriptor is none: the connection would
// hang, so it is closed.
func (l *loop) control(op int, c *Conn) {
	ev := unix.EpollEvent{Events: c.interest, Fd: int32(c.fd), Pad: c.serial}
	if err := unix.EpollCtl(l.epoll, op, c.fd, &ev); err != nil {
		l.group.o.Log.Warn("event loop: epoll_ctl failed; the connection is closed", slog.Any("err", err))
		l.close(c)
	}
}

// close ends a connection at once.
func (l *loop) close(c *Conn) {
	if c.closed {
		return
	}
	c.closed = true
	l.detach(c)
	unix.Close(c.fd)
	c.session.Closed()
}
