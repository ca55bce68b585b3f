package server

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"quarry/commands"
	"quarry/server/config"
)

// How commands are timed
//
// INFO commandstats and latencystats and SLOWLOG want the running time of every
// command. Reading the clock takes 36 to 50 ns and entering a time 30; a pipelined
// ZADD takes about 500, so that two readings for each would cost a fifth of the
// throughput. Therefore:
//
//   - One reading ends a command and begins the next: parsing the next command
//     and waiting for its shard are part of its time.
//   - Pipelined calls of one command that is Fast (O(1) or O(log n)) and has few
//     arguments are timed as a group of at most groupCalls, by one reading at
//     its end. Calls and total time are exact. In the histogram each call has
//     an equal share, unless the share is far above what the command usually
//     takes: then one call of the group is taken to be the cause (see split), since
//     a page fault, a wait for a lock or a lost time slice hits one call.
//   - All other commands are timed one by one, and all commands are while
//     slowlog-log-slower-than is below exactBelow, or latency-monitor-threshold is
//     set: who does that looks for a culprit. Above it, a slow group is entered in SLOWLOG as the command's name and
//     the remark how many calls were in the group.
//
// Counters belong to workers, so that event loops do not write to the same
// cache lines. Each set has a lock, which is nearly always free: INFO takes it
// for a copy. Recording allocates at the first call of a command, never again.
const (
	groupCalls = 16
	groupArgs  = 8
	exactBelow = time.Millisecond
	// outlier is the share of a group from which split looks for one slow call.
	outlier = 50 * time.Microsecond
)

// stats are the counters of one worker.
type stats struct {
	mu       sync.Mutex
	calls    int64
	reads    int64
	writes   int64
	in, out  int64            // bytes
	commands []commandStats   // by Spec.Index
	errors   map[string]int64 // error replies by code
}

type commandStats struct {
	calls    int64 // the handler ran
	failed   int64 // of which the answer was an error
	rejected int64 // the gate refused it
	ns       int64
	times    *histogram // nil before the first call that is tracked
}

func newStats(commands int) *stats {
	return &stats{commands: make([]commandStats, commands), errors: map[string]int64{}}
}

// readBytes counts a read of n bytes from a connection.
func (st *stats) readBytes(n int) {
	st.mu.Lock()
	st.reads++
	st.in += int64(n)
	st.mu.Unlock()
}

// wroteBytes counts a write of n bytes to a connection.
func (st *stats) wroteBytes(n int) {
	st.mu.Lock()
	st.writes++
	st.out += int64(n)
	st.mu.Unlock()
}

// reject counts a call that the gate did not let through: wrong arity, no
// AUTH, no memory.
func (st *stats) reject(s *commands.Spec) {
	st.mu.Lock()
	st.commands[s.Index()].rejected++
	st.mu.Unlock()
}

// errorReply counts an error line ("-ERR ...", as sent) under its code.
func (st *stats) errorReply(line []byte) {
	code, _, found := bytes.Cut(bytes.TrimPrefix(line, []byte("-")), []byte(" "))
	if !found {
		code = []byte("ERR")
	}
	st.mu.Lock()
	st.errors[string(code)]++
	st.mu.Unlock()
}

// ran counts n calls of a command that took ns nanoseconds together; tracked
// is latency-tracking.
func (st *stats) ran(s *commands.Spec, n, failed int, ns int64, tracked bool) {
	st.mu.Lock()
	c := &st.commands[s.Index()]
	st.calls += int64(n)
	if tracked {
		c.track(int64(n), ns)
	}
	c.calls += int64(n)
	c.failed += int64(failed)
	c.ns += ns
	st.mu.Unlock()
}

// track enters n calls in the histogram; they are not in c.calls and c.ns yet.
func (c *commandStats) track(n, ns int64) {
	if c.times == nil {
		c.times = new(histogram)
	}
	if n == 1 {
		c.times.add(ns, 1)
		return
	}
	share, slowest := split(n, ns, c.ns/max(c.calls, 1))
	c.times.add(share, n-1)
	c.times.add(slowest, 1)
}

// split says how the ns nanoseconds that n calls took together are spread over
// them: share for each of n-1 calls, and what the slowest took. usual is the
// command's mean time so far.
func split(n, ns, usual int64) (share, slowest int64) {
	share = ns / n
	if share >= int64(outlier) {
		share = min(share, usual)
	}
	return share, ns - share*(n-1)
}

func (st *stats) reset() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.calls, st.reads, st.writes, st.in, st.out = 0, 0, 0, 0, 0
	clear(st.commands)
	clear(st.errors)
}

// addTo adds st to sum, which nobody else has. Histograms are left out: they are
// large, and few ask for them (see counters.times).
func (st *stats) addTo(sum *stats) {
	st.mu.Lock()
	defer st.mu.Unlock()
	sum.calls += st.calls
	sum.reads += st.reads
	sum.writes += st.writes
	sum.in += st.in
	sum.out += st.out
	for code, n := range st.errors {
		sum.errors[code] += n
	}
	for i := range st.commands {
		from, to := &st.commands[i], &sum.commands[i]
		to.calls += from.calls
		to.failed += from.failed
		to.rejected += from.rejected
		to.ns += from.ns
	}
}

// counters is everything the process counts: the workers' stats, what is too
// rare to be counted per worker, the slow log, and the log of refused logins.
type counters struct {
	cfg    *config.Config
	table  []*commands.Spec
	slow   slowlog
	denied denials
	spikes spikes
	birth  birth

	connections atomic.Int64 // accepted
	rejected    atomic.Int64 // refused because of maxclients or protected-mode

	overflows      atomic.Int64 // clients closed because they did not read what they were sent
	queryOverflows atomic.Int64 // closed for client-query-buffer-limit

	mu      sync.Mutex // guards what follows; a worker's lock is taken under it
	workers []*stats
	rates   rates
	most    int64 // bytes: the highest use of memory that was noticed
}

func newCounters(cfg *config.Config, table *commands.Table) *counters {
	return &counters{cfg: cfg, table: table.All(), slow: slowlog{cfg: cfg}, denied: denials{cfg: cfg}, spikes: spikes{cfg: cfg}, birth: newBirth()}
}

// clock is a monotonic time, in nanoseconds since the birth.
func (k *counters) clock() int64 { return int64(time.Since(k.birth.at)) }

// newLoop makes the counters of one more worker.
func (k *counters) newLoop() *stats {
	st := newStats(len(k.table))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.workers = append(k.workers, st)
	return st
}

// total adds up the workers' counters, without the histograms.
func (k *counters) total() *stats {
	sum := newStats(len(k.table))
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, st := range k.workers {
		st.addTo(sum)
	}
	return sum
}

// times is the histogram of one command over all workers, in a place the caller
// gives; it is empty if none of the calls was tracked.
func (k *counters) times(s *commands.Spec, sum *histogram) {
	*sum = histogram{}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, st := range k.workers {
		st.mu.Lock()
		if h := st.commands[s.Index()].times; h != nil {
			sum.merge(h)
		}
		st.mu.Unlock()
	}
}

// reset is CONFIG RESETSTAT.
func (k *counters) reset() {
	k.connections.Store(0)
	k.rejected.Store(0)
	k.overflows.Store(0)
	k.queryOverflows.Store(0)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, st := range k.workers {
		st.reset()
	}
	k.rates = rates{}
}

// peak is the highest use of memory so far, now included.
func (k *counters) peak(now int64) int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.most = max(k.most, now)
	return k.most
}

// rates are the instantaneous figures of INFO: means over the last 16 samples
// of at least samplePeriod.
type rates struct {
	at     int64 // clock of the last sample; 0 before the first
	totals [3]int64
	ring   [16][3]float64 // per second: calls, bytes in, bytes out
	next   int
}

const samplePeriod = 100 * time.Millisecond

// sample looks at the totals. It is to be called every samplePeriod or less often.
func (k *counters) sample() {
	now := k.clock()
	k.mu.Lock()
	defer k.mu.Unlock()
	var totals [3]int64
	for _, st := range k.workers {
		st.mu.Lock()
		totals[0] += st.calls
		totals[1] += st.in
		totals[2] += st.out
		st.mu.Unlock()
	}
	k.rates.take(now, totals)
}

func (r *rates) take(now int64, totals [3]int64) {
	if r.at != 0 && now > r.at {
		for i := range totals {
			r.ring[r.next][i] = float64(totals[i]-r.totals[i]) * float64(time.Second) / float64(now-r.at)
		}
		r.next = (r.next + 1) % len(r.ring)
	}
	r.at, r.totals = now, totals
}

// perSecond is the mean of the samples: calls, bytes in, bytes out.
func (k *counters) perSecond() (mean [3]float64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.rates.ring {
		for i := range s {
			mean[i] += s[i] / float64(len(k.rates.ring))
		}
	}
	return mean
}
