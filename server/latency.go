package server

import (
	"slices"
	"strings"
	"sync"
	"time"

	"quarry/commands"
	"quarry/server/config"
)

// What held up clients for latency-monitor-threshold milliseconds or longer is a spike of one of
// these events.
const (
	spikeCommand = "command"
	spikeFast    = "fast-command"       // a command that is Fast
	spikeServed  = "command-unblocking" // the call of a parked client that got its data
	spikeUpkeep  = "expire-cycle"       // the store's upkeep, while it may hold a shard's lock
)

// spikeSeconds is for how many seconds with a spike an event's samples are kept.
const spikeSeconds = 160

// spikes is what LATENCY shows: a sample for each event and second with a spike, the highest.
type spikes struct {
	cfg *config.Config

	mu     sync.Mutex
	events map[string]*spikeEvent
}

type spikeEvent struct {
	samples []commands.LatencySample // oldest first
	maxMS   int64
}

// threshold is what counts as a spike, in nanoseconds; 0: nothing does.
func (k *spikes) threshold() int64 {
	return min(int64(k.cfg.LatencyMonitorThreshold.Load()), maxParkMS) * int64(time.Millisecond)
}

// add enters what took ns nanoseconds, if that is a spike.
func (k *spikes) add(event string, ns int64) {
	if limit := k.threshold(); limit == 0 || ns < limit {
		return
	}
	now, ms := time.Now().Unix(), ns/int64(time.Millisecond)
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.events[event]
	if e == nil {
		if k.events == nil {
			k.events = map[string]*spikeEvent{}
		}
		e = &spikeEvent{}
		k.events[event] = e
	}
	e.maxMS = max(e.maxMS, ms)
	if last := len(e.samples) - 1; last >= 0 && e.samples[last].UnixSec == now {
		e.samples[last].MS = max(e.samples[last].MS, ms)
		return
	}
	if len(e.samples) == spikeSeconds {
		e.samples = append(e.samples[:0], e.samples[1:]...)
	}
	e.samples = append(e.samples, commands.LatencySample{UnixSec: now, MS: ms})
}

// LatencyEvents lists the events that there were spikes of, by name.
func (s *Server) LatencyEvents() (events []commands.LatencyEvent, on bool) {
	k := &s.counters.spikes
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, e := range k.events {
		events = append(events, commands.LatencyEvent{Name: name, Samples: slices.Clone(e.samples), MaxMS: e.maxMS})
	}
	slices.SortFunc(events, func(a, b commands.LatencyEvent) int { return strings.Compare(a.Name, b.Name) })
	return events, k.threshold() > 0
}

// LatencyReset is LATENCY RESET.
func (s *Server) LatencyReset(events []string) (reset int) {
	k := &s.counters.spikes
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(events) == 0 {
		reset = len(k.events)
		clear(k.events)
	}
	for _, name := range events {
		if k.events[name] != nil {
			delete(k.events, name)
			reset++
		}
	}
	return reset
}

// LatencyTimes is what LATENCY HISTOGRAM shows of a command.
func (s *Server) LatencyTimes(spec *commands.Spec) commands.LatencyTimes {
	var h histogram
	s.counters.times(spec, &h)
	return h.doubling()
}

// doubling is the histogram with buckets that double from 1024 ns on. They are named as Redis
// names them, by the highest time that its own histogram cannot tell from the limit, which is a 128th above it.
func (h *histogram) doubling() (t commands.LatencyTimes) {
	t.Calls = h.total
	for limit, seen := int64(1024), int64(0); seen < h.total; limit *= 2 {
		n := h.total
		if limit < 1<<maxBits {
			n = h.below(limit)
		}
		if n > seen {
			t.Buckets = append(t.Buckets, commands.LatencyBucket{US: (limit + limit/128 - 1) / 1000, Calls: n})
			seen = n
		}
	}
	return t
}

// below counts the values below a power of two from 16 on.
func (h *histogram) below(limit int64) (n int64) {
	for _, count := range h.counts[:bucketOf(limit)] {
		n += count
	}
	return n
}
