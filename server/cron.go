package server

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// cronShare is the part of a period that background work on the data may take.
const cronShare = 4

// cron does background work hz times a second: the store's upkeep and the
// statistics' samples. What only concerns one connection (timeouts) its loop
// does. It runs in a goroutine of its own, so that no loop waits for it; the
// store takes a shard's lock for about 100 us at a time.
func (s *Server) cron(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		period := time.Second / time.Duration(s.cfg.HZ.Load())
		s.tick(period / cronShare)
		timer.Reset(period)
	}
}

// tick is one round. The store goes on while it has more to do at once, for
// the given time, and as long as subscribers are told of the keys that expire as fast.
func (s *Server) tick(most time.Duration) {
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Error("background work panicked", slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
		}
	}()
	s.syncWall()
	s.counters.sample()
	s.cutLaggard()
	end := s.clock() + int64(most)
	for !s.pubsub.full(1) && s.store.Tick(s.wallMS(s.clock())) && s.clock() < end {
	}
}
