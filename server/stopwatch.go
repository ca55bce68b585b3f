package server

import "quarry/commands"

// caller is the connection whose commands are timed.
type caller interface {
	Name() string
	Addr() string
}

// stopwatch times the commands that one goroutine runs, as stats.go explains:
//
//	begin(client)          a client's turn begins: reads the clock
//	  run(spec, args)      before each handler
//	  done(ctx, failed)    after it; failed: the answer is an error
//	end(ctx)               the turn is over; ctx: of the last call, if it is still there
//
// EXEC runs other commands. They are timed like those of a pipeline, and EXEC from
// where it began to where the last of them ended:
//
//	run(EXEC), nest()
//	  run, done          for each of them
//	unnest(), done(EXEC)
//
// What happens between end and begin is nobody's time. A parked command that is
// served runs without run and done, and is not counted again; but SLOWLOG hears of
// it only then, by served, as in Redis.
type stopwatch struct {
	counters *counters
	stats    *stats

	at      int64 // the clock when it was read last
	client  caller
	slow    int64 // slowlog-log-slower-than in ns; negative: never
	spike   int64 // latency-monitor-threshold in ns; 0: off
	tracked bool  // latency-tracking

	spec   *commands.Spec // of the calls since at
	calls  int
	failed int
	parked bool // the last of them waits for data: it is not done yet
	limit  int  // calls after which the clock is read

	outer *commands.Spec // EXEC, when it runs others
	since int64          // the clock when it began
	left  bool           // it has run them, and is not done itself
}

func (k *counters) newStopwatch(st *stats) *stopwatch { return &stopwatch{counters: k, stats: st} }

// now is the clock as it was read last: within a group it stands still.
func (w *stopwatch) now() int64 { return w.at }

func (w *stopwatch) begin(c caller) {
	w.client, w.left = c, false
	w.configure()
	w.at = w.counters.clock()
}

// configure takes over the options as they are now.
func (w *stopwatch) configure() {
	w.slow = slowNS(w.counters.cfg.SlowlogLogSlowerThan.Load())
	w.spike = w.counters.spikes.threshold()
	w.tracked = w.counters.cfg.LatencyTracking.Load()
}

// slowNS turns microseconds into nanoseconds; times past 64 bits are never reached.
func slowNS(us int) int64 {
	const never = 1<<63 - 1
	if us > never/1000 {
		return never
	}
	return int64(us) * 1000
}

func (w *stopwatch) run(s *commands.Spec, args [][]byte) {
	few := len(args) <= groupArgs
	if s == w.spec && few && w.calls > 0 {
		return // one more of the group
	}
	if w.calls > 0 {
		w.flush(nil)
	}
	w.spec, w.limit = s, 1
	if few && s.Has(commands.Fast) && (w.slow < 0 || w.slow >= int64(exactBelow)) && w.spike == 0 {
		w.limit = groupCalls
	}
}

// nest says that the command that run has been told of begins to run others.
func (w *stopwatch) nest() { w.outer, w.since = w.spec, w.at }

// unnest says that it has run them all; last is the last of them.
func (w *stopwatch) unnest(last *commands.Ctx) {
	if w.calls > 0 {
		w.flush(last)
	}
	w.left = w.at > w.since // else there were none
}

func (w *stopwatch) done(c *commands.Ctx, failed bool) {
	if w.left {
		w.stats.ran(w.outer, 1, 0, w.at-w.since, w.tracked)
		w.noteSpike(spikeOf(w.outer), w.at-w.since)
		w.left = false
		return
	}
	w.calls++
	if failed {
		w.failed++
	}
	_, w.parked = c.Blocked()
	if w.calls >= w.limit {
		w.flush(c)
	}
}

// lap reads the clock between commands: what has passed since the last one is no command's time.
func (w *stopwatch) lap() {
	if w.calls > 0 {
		w.flush(nil)
		return
	}
	w.at = w.counters.clock()
}

func (w *stopwatch) end(last *commands.Ctx) {
	if w.calls > 0 {
		w.flush(last)
	}
	w.client = nil
}

// flush reads the clock and records the calls since it was read before. c is
// the only or last of these, or nil if it is gone.
func (w *stopwatch) flush(c *commands.Ctx) {
	now := w.counters.clock()
	ns := now - w.at
	w.configure() // a CONFIG SET holds from its own entry on, as in Redis
	w.stats.ran(w.spec, w.calls, w.failed, ns, w.tracked)
	if onlyParked := w.parked && w.calls == 1; !onlyParked {
		if w.isSlow(w.spec, ns) {
			w.enter(c, ns)
		}
		w.noteSpike(spikeOf(w.spec), ns)
	}
	w.at, w.calls, w.failed = now, 0, 0
}

// noteSpike enters what took so long in LATENCY, if that is long.
func (w *stopwatch) noteSpike(event string, ns int64) {
	if w.spike > 0 && ns >= w.spike {
		w.counters.spikes.add(event, ns)
	}
}

// spikeOf is the event that a command counts as.
func spikeOf(s *commands.Spec) string {
	if s.Has(commands.Fast) {
		return spikeFast
	}
	return spikeCommand
}

// isSlow reports whether a command that took so long is to be in SLOWLOG.
func (w *stopwatch) isSlow(s *commands.Spec, ns int64) bool {
	return w.slow >= 0 && ns >= w.slow && !s.Has(commands.SkipSlowlog)
}

// served enters the call of a parked client that has got its data, if serving it took long.
func (w *stopwatch) served(client caller, c *commands.Ctx, ns int64) {
	if w.isSlow(c.Spec, ns) {
		w.counters.slow.add(client, ns, slowArgs(c))
	}
	w.noteSpike(spikeServed, ns)
}

func (w *stopwatch) enter(c *commands.Ctx, ns int64) {
	if c != nil && w.calls == 1 {
		w.counters.slow.add(w.client, ns, slowArgs(c))
	} else {
		w.counters.slow.add(w.client, ns, groupSlowArgs(w.spec, w.calls))
	}
}
