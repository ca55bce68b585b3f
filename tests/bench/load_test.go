package bench

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"quarry/tests/harness"
)

// patience is how much longer than it should a measurement may take before it fails.
const patience = 30 * time.Second

// lane is a connection that requests go out on.
type lane struct {
	conn    net.Conn
	next    func(dst []byte) []byte // appends the next request
	answers int                     // replies to a request
	out, in []byte
	replies replies
	sent    int64
	got     atomic.Int64
	due     chan time.Duration // open loop: when each request in flight was due
	queued  int                // requests in out that have not been sent
}

func dialLane(p *peer, next func(dst []byte) []byte) (*lane, error) {
	conn, err := net.Dial("tcp", p.Addr)
	if err != nil {
		return nil, err
	}
	return &lane{conn: conn, next: next, answers: 1, in: make([]byte, 64<<10)}, nil
}

// queue makes a request that goes out with the next flush.
func (l *lane) queue() {
	l.out = l.next(l.out)
	l.queued++
}

// flush sends what is queued, in one write.
func (l *lane) flush() error {
	l.sent += int64(l.queued)
	_, err := l.conn.Write(l.out)
	l.out, l.queued = l.out[:0], 0
	return err
}

// send writes depth requests at once.
func (l *lane) send(depth int) error {
	for range depth {
		l.queue()
	}
	return l.flush()
}

// receive waits for bytes and returns how many replies they complete.
func (l *lane) receive() (int, error) {
	n, err := l.conn.Read(l.in)
	if err != nil {
		return 0, err
	}
	done := l.replies.feed(l.in[:n])
	l.got.Add(int64(done))
	return done, nil
}

// exchange sends depth requests and waits for all replies.
func (l *lane) exchange(depth int) error {
	if err := l.send(depth); err != nil {
		return err
	}
	for waiting := depth * l.answers; waiting > 0; {
		done, err := l.receive()
		if err != nil {
			return err
		}
		waiting -= done
	}
	return nil
}

// load is a measurement to make.
type load struct {
	on       *peer
	work     *workload
	conns    int
	depth    int // requests a connection sends at once
	duration time.Duration
	seed     uint64
}

// lanes connects, and has every connection exchange one request so that the server
// has met it.
func (l load) lanes(t *testing.T) []*lane {
	t.Helper()
	list := make([]*lane, l.conns)
	for i := range list {
		g := l.work.generator(l.seed + uint64(i)<<32)
		g.client = i
		next := func(dst []byte) []byte { return l.work.next(g, dst) }
		var err error
		if list[i], err = dialLane(l.on, next); err != nil {
			t.Fatal(err)
		}
		list[i].answers = l.work.answers()
		if err := errors.Join(list[i].conn.SetDeadline(time.Now().Add(l.duration+patience)), list[i].exchange(1)); err != nil {
			t.Fatalf("%s, %s: %v", l.on.name, l.work.name, err)
		}
	}
	return list
}

// settle closes the lanes and checks their counts: every request answered, none with an
// error, nothing missing, and the server has counted as many since before.
func (l load) settle(t *testing.T, lanes []*lane, before int64) {
	t.Helper()
	var sent int64
	for _, lane := range lanes {
		lane.conn.Close()
		r := &lane.replies
		if r.errors > 0 || r.misses > 0 && !l.work.mayMiss || lane.got.Load() != lane.sent*int64(lane.answers) {
			t.Fatalf("%s, %s: %d requests on a connection, %d replies, %d without result, %d errors, the first %q",
				l.on.name, l.work.name, lane.sent, lane.got.Load(), r.misses, r.errors, r.first)
		}
		sent += lane.sent
	}
	if got := calls(t, l.on.Dial(t), l.work.command) - before; got != sent {
		t.Fatalf("%s, %s: %d requests answered, but INFO counts %d", l.on.name, l.work.name, sent, got)
	}
}

// closedResult is what a closed loop showed.
type closedResult struct {
	requests int64
	conns    int // connections that sent them
	elapsed  time.Duration
	cpu      time.Duration // of the server
}

func (r closedResult) perSecond() float64 { return float64(r.requests) / r.elapsed.Seconds() }

// perCPUSecond takes a tick for the least that can be told.
func (r closedResult) perCPUSecond() float64 {
	return float64(r.requests) / max(r.cpu, time.Second/ticksPerSecond).Seconds()
}

// eased has as few connections as one batch of each can be answered of in the time there is, where
// requests take long: more would only wait.
func (l load) eased(t *testing.T) load {
	t.Helper()
	if !l.work.heavy {
		return l
	}
	one := l
	one.conns = 1
	lane := one.lanes(t)[0]
	defer lane.conn.Close()
	start := time.Now()
	for range l.depth {
		if err := lane.exchange(1); err != nil {
			t.Fatalf("%s, %s: %v", l.on.name, l.work.name, err)
		}
	}
	batches := float64(l.duration) / float64(time.Since(start))
	l.conns = max(1, min(l.conns, int(batches)))
	return l
}

// closed lets every connection exchange depth requests again and again.
func (l load) closed(t *testing.T) closedResult {
	t.Helper()
	l = l.eased(t)
	before := calls(t, l.on.Dial(t), l.work.command)
	lanes := l.lanes(t)
	failures := make(chan error, len(lanes))
	cpu, start := l.on.cpuTime(t), time.Now()
	for _, lane := range lanes {
		go func() { failures <- lane.repeat(l.depth, start.Add(l.duration)) }()
	}
	for range lanes {
		if err := <-failures; err != nil {
			t.Fatalf("%s, %s: %v", l.on.name, l.work.name, err)
		}
	}
	r := closedResult{conns: l.conns, elapsed: time.Since(start), cpu: l.on.cpuTime(t) - cpu}
	for _, lane := range lanes {
		r.requests += lane.sent - 1 // the first one came before
	}
	l.settle(t, lanes, before)
	return r
}

// repeat exchanges until the end has come, once at least.
func (l *lane) repeat(depth int, end time.Time) error {
	for {
		if err := l.exchange(depth); err != nil {
			return err
		}
		if !time.Now().Before(end) {
			return nil
		}
	}
}

// latencies collects the times of an open loop, in nanoseconds.
type latencies struct {
	mu   sync.Mutex
	hist *hdrhistogram.Histogram
	lost int // longer than can be kept
}

func newLatencies() *latencies {
	return &latencies{hist: hdrhistogram.New(1, int64(time.Minute), 3)}
}

func (l *latencies) record(d time.Duration) {
	l.mu.Lock()
	if l.hist.RecordValue(int64(max(d, 1))) != nil {
		l.lost++
	}
	l.mu.Unlock()
}

// quantiles are those of the tables: the median, 99 %, 99.9 %, the longest.
type quantiles [longest + 1]time.Duration

// longest is the place of the longest time.
const longest = 3

func (l *latencies) quantiles() (q quantiles) {
	for i, percent := range []float64{50, 99, 99.9} {
		q[i] = time.Duration(l.hist.ValueAtPercentile(percent))
	}
	q[longest] = time.Duration(l.hist.Max())
	return q
}

// openResult is what an open loop showed: how long requests took from when they
// were due, and the part of it for which the generator itself was late.
type openResult struct{ replied, sentLate quantiles }

// openLoop sends rate requests a second, on average, in turn over the connections, each
// when it is due.
func (l load) openLoop(t *testing.T, rate float64) openResult {
	t.Helper()
	return openTogether(t, stream{load: l, requests: newSchedule(rate, l.seed)})[0]
}

// stream is a load whose requests are due at times of their own.
type stream struct {
	load
	requests timetable

	lanes             []*lane
	turn              int           // the lane that sends next, counted on
	due               time.Duration // when it does
	replied, sentLate *latencies
}

// openTogether runs streams of different commands at once, for as long as the first one says.
func openTogether(t *testing.T, streams ...stream) (results []openResult) {
	t.Helper()
	before := make([]int64, len(streams))
	for i := range streams {
		s := &streams[i]
		before[i] = calls(t, s.on.Dial(t), s.work.command)
		s.lanes, s.replied, s.sentLate = s.load.lanes(t), newLatencies(), newLatencies()
		for _, lane := range s.lanes {
			lane.due = make(chan time.Duration, 1<<12)
		}
	}
	start := time.Now()
	failures := make(chan error, len(streams))
	for i := range streams {
		go func() { failures <- streams[i].await(start) }()
	}
	if err := sendWhenDue(streams, start, streams[0].duration); err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		for _, lane := range s.lanes {
			harness.Eventually(t, "all replies come", func() bool { return lane.got.Load() == lane.sent*int64(lane.answers) })
			lane.conn.Close()
		}
	}
	for range streams {
		if err := <-failures; err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range streams {
		results = append(results, s.result(t, before[i]))
	}
	return results
}

// result checks the counts of a stream that has ended.
func (s stream) result(t *testing.T, before int64) openResult {
	t.Helper()
	s.settle(t, s.lanes, before)
	var sent int64
	for _, lane := range s.lanes {
		sent += lane.sent - 1 // the first one came before
	}
	if got := s.replied.hist.TotalCount(); got != sent || s.replied.lost > 0 {
		t.Fatalf("%s, %s: %d requests, %d times taken, %d too long", s.on.name, s.work.name, sent, got, s.replied.lost)
	}
	return openResult{s.replied.quantiles(), s.sentLate.quantiles()}
}

// await records the times of all requests until the connections are closed.
func (s *stream) await(start time.Time) error {
	failures := make(chan error, len(s.lanes))
	for _, lane := range s.lanes {
		go func() { failures <- lane.await(start, s.replied) }()
	}
	var all []error
	for range s.lanes {
		all = append(all, <-failures)
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("%s, %s: %w", s.on.name, s.work.name, err)
	}
	return nil
}

// await records the time of every request, which ends with the last of its replies, until the
// connection is closed.
func (l *lane) await(start time.Time, times *latencies) error {
	waiting := l.answers
	for {
		done, err := l.receive()
		now := time.Since(start)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d replies: %w", l.got.Load(), err)
		}
		for range done {
			if waiting--; waiting == 0 {
				waiting = l.answers
				times.record(now - <-l.due)
			}
		}
	}
}
