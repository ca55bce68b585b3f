package eventloop

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Supported says whether this system has what a Group needs.
const Supported = true

// Group is the loops and the listeners they serve.
type Group struct {
	o       Options
	loops   []*loop
	working atomic.Int32 // the first so many loops get connections
	ringErr error        // why there is no io_uring
}

// New makes the loops; Run makes them turn.
func New(o Options) (*Group, error) {
	g := &Group{o: o}
	for i := range max(o.Loops, 1) {
		l, err := newLoop(g, i)
		if err != nil {
			g.release()
			return nil, err
		}
		g.loops = append(g.loops, l)
	}
	g.working.Store(int32(len(g.loops)))
	if o.Auto {
		g.working.Store(1)
	}
	g.loops[0].accepter = &accepter{}
	return g, nil
}

// noRing notes, once, why loops make do without io_uring.
func (g *Group) noRing(err error) {
	if g.ringErr == nil {
		g.ringErr = err
		g.o.Log.Info("no io_uring to be had: each connection is read and written by itself", slog.Any("err", err))
	}
}

func (g *Group) release() {
	for _, l := range g.loops {
		l.release()
	}
}

// Loops is the number of loops, sleeping ones included; Working of those that serve.
func (g *Group) Loops() int { return len(g.loops) }

// Working is the number of loops that serve connections now.
func (g *Group) Working() int { return int(g.working.Load()) }

// Post has fn run by a loop, in its turn, after what was posted to it before.
// Any goroutine may call it.
func (g *Group) Post(loop int, fn func()) { g.loops[loop].mail.put(post{fn: fn}, nil) }

// Run takes over the listeners and serves them until ctx ends. Then it sends
// once more what can be sent without waiting and closes all connections.
func (g *Group) Run(ctx context.Context, listeners []net.Listener) error {
	first := g.loops[0]
	for _, ln := range listeners {
		fd, err := takeOver(ln)
		if err == nil {
			first.accepter.listeners = append(first.accepter.listeners, fd)
			err = first.watchFD(fd)
		}
		if err != nil {
			first.accepter.close()
			g.release()
			return fmt.Errorf("eventloop: listen on %s: %w", ln.Addr(), err)
		}
	}
	var running sync.WaitGroup
	for _, l := range g.loops {
		running.Go(l.run)
	}
	g.govern(ctx)
	for _, l := range g.loops {
		l.mail.put(post{fn: func() { l.ending = true }}, nil)
	}
	running.Wait()
	g.finish()
	return nil
}

// finish closes everything when no loop turns any more. Connections may still be
// on their way from one loop to another.
func (g *Group) finish() {
	for under := true; under; {
		under = false
		for _, l := range g.loops {
			under = l.deliverLast() || under
		}
	}
	for _, l := range g.loops {
		l.finish()
	}
}

// govern lets as many loops work as the load asks for, until ctx ends.
func (g *Group) govern(ctx context.Context) {
	if !g.o.Auto || len(g.loops) < 2 {
		<-ctx.Done()
		return
	}
	b := balance{working: 1, limit: len(g.loops)}
	m := meter{g: g}
	m.sample()
	tick := time.NewTicker(window)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		before := b.working
		if after := b.step(m.sample()); after != before {
			g.rebalance(before, after)
		}
	}
}

// rebalance moves connections after the number of working loops has changed by one.
func (g *Group) rebalance(before, after int) {
	g.working.Store(int32(after))
	if after > before {
		fresh := g.loops[after-1]
		for _, l := range g.loops[:before] {
			l.mail.put(post{fn: func() { l.give(1/float64(after), fresh) }}, nil)
		}
		return
	}
	l := g.loops[before-1]
	l.mail.put(post{fn: func() { l.give(1, g.loops[:after]...) }}, nil)
}

// give moves a part of the loop's connections, measured by their activity, to
// other loops in turn. One with work left stays: it is in the loop's queue.
func (l *loop) give(part float64, to ...*loop) {
	l.settleAll()
	s := share{part: part}
	next := 0
	for _, c := range l.conns {
		if c == nil {
			continue
		}
		if s.move(c.activity) && !c.waiting {
			l.hand(c, to[next%len(to)])
			next++
		}
	}
}

// hand gives a connection to another loop. Posts follow it: those put before
// it changes hands are forwarded, those after it queue up behind its arrival.
func (l *loop) hand(c *Conn, to *loop) {
	ev := unix.EpollEvent{}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, c.fd, &ev); err != nil {
		l.close(c)
		return
	}
	l.current = c
	c.session.Detach(to.index)
	l.current = nil
	l.detach(c)
	to.takeOver(c)
}

// takeOver has the loop attach a connection that no loop has any more; called by
// the one that had it. Posts go to l's mailbox from here on.
func (l *loop) takeOver(c *Conn) {
	l.open.Add(1)
	l.mail.put(post{fn: func() { l.attach(c) }}, func() { c.loop.Store(l) })
}

// leastOpen is the working loop with the fewest connections.
func (g *Group) leastOpen() *loop {
	best := g.loops[0]
	for _, l := range g.loops[1:g.working.Load()] {
		if l.open.Load() < best.open.Load() {
			best = l
		}
	}
	return best
}

// meter measures what the loops do.
type meter struct {
	g         *Group
	wall      int64
	awake     int64
	processor int64
	received  int64
}

// sample is about the time since the last call.
func (m *meter) sample() sample {
	wall, awake, received, processor := m.g.o.Now(), int64(0), int64(0), processorTime()
	for _, l := range m.g.loops {
		awake += wall - l.slept(wall)
		received += l.received.Load()
	}
	elapsed := float64(max(wall-m.wall, 1))
	s := sample{
		awake:     float64(awake-m.awake) / elapsed,
		processor: float64(processor-m.processor) / elapsed,
		served:    float64(received-m.received) / elapsed * float64(window),
	}
	m.wall, m.awake, m.processor, m.received = wall, awake, processor, received
	return s
}

// slept is for how long the loop has slept until now.
func (l *loop) slept(now int64) int64 {
	idle := l.idle.Load()
	if since := l.dozing.Load(); since != 0 {
		idle += max(now-since, 0)
	}
	return idle
}

// processorTime is the processor time of the process in nanoseconds.
func processorTime() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
