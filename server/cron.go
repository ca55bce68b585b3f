package server

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// While the store has more to do at once it works in bursts, between which it rests
// cronRest times as long. They are short because cron may have the processor that a loop
// waits for: neither Go's scheduler nor the system takes it away before some milliseconds are over.
const (
	cronBurst = 500 * time.Microsecond
	cronRest  = 3
)

// cron does background work: hz times a second the statistics' samples and what else is looked
// at from time to time, and the store's upkeep, which goes on between while there is
// more to do. What only concerns one connection (timeouts) its loop
// does. It runs in a goroutine of its own, so that no loop waits for it; the
// store takes a shard's lock for about 100 us at a time.
func (s *Server) cron(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := s.clock()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if now := s.clock(); now >= due {
			s.look()
			due = now + int64(time.Second)/int64(s.cfg.HZ.Load())
		}
		pause := time.Duration(due - s.clock())
		if s.upkeep(cronBurst) {
			pause = min(pause, cronRest*cronBurst)
		}
		timer.Reset(pause)
	}
}

// look is what is done hz times a second.
func (s *Server) look() {
	defer s.recoverBackground()
	s.syncWall()
	s.counters.sample()
	s.cutLaggard()
	s.tend()
	if now := s.seconds(); now != s.rested {
		s.rested = now
		s.restBuffers()
	}
}

// restBuffers has the loops let go of buffers that they do not need.
func (s *Server) restBuffers() {
	for loop, w := range s.workers {
		if w.largeBytes.Load() > 0 {
			s.transport.Post(loop, w.rest)
		}
	}
}

// upkeep forgets watches and has the store do what it has to do at once, for the given time, the latter as long as
// subscribers are told of the keys that expire as fast. It reports whether there is more.
func (s *Server) upkeep(most time.Duration) bool {
	defer s.recoverBackground()
	now := s.clock()
	end := now + int64(most)
	more := s.forget(now + int64(most)/2)
	if s.persist.loading.Load() {
		return more // the data that is being loaded is not touched
	}
	for !s.pubsub.full(1) {
		begun := s.clock()
		again := s.store.Tick(s.wallMS(begun))
		now = s.clock()
		if !s.store.TickWaited() {
			s.counters.spikes.add(spikeUpkeep, now-begun)
		}
		if !again {
			return more
		}
		if now >= end {
			break
		}
	}
	return true
}

// recoverBackground is deferred.
func (s *Server) recoverBackground() {
	if cause := recover(); cause != nil {
		s.log.Error("background work panicked", slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
	}
}
