package server

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"quarry/commands"
	"quarry/server/config"
)

// Table is the command table.
func (s *Server) Table() *commands.Table { return s.table }

// Databases is the number of databases.
func (s *Server) Databases() int { return s.cfg.Databases.Load() }

// MaxBulk is proto-max-bulk-len.
func (s *Server) MaxBulk() int64 { return s.limits.Load().MaxBulk }

// SearchLimit is hunt-search-limit.
func (s *Server) SearchLimit() int { return int(s.cfg.HuntSearchLimit.Load()) }

// NowUS is the time in Unix microseconds.
func (s *Server) NowUS() int64 { return time.Now().UnixMicro() }

// ConfigGet is CONFIG GET. What has no wildcard is a name, in which a backslash is no more than that.
func (s *Server) ConfigGet(patterns [][]byte) []commands.KV {
	patterns = slices.DeleteFunc(slices.Clone(patterns), func(p []byte) bool {
		return bytes.IndexByte(p, '\\') >= 0 && !bytes.ContainsAny(p, "[*?")
	})
	pairs := s.cfg.Get(func(name string) bool {
		return slices.ContainsFunc(patterns, func(p []byte) bool { return commands.GlobMatch(p, []byte(name), true) })
	})
	list := make([]commands.KV, len(pairs))
	for i, p := range pairs {
		list[i] = commands.KV(p)
	}
	return list
}

// ConfigSet is CONFIG SET.
func (s *Server) ConfigSet(pairs []commands.KV) error {
	list := make([]config.Pair, len(pairs))
	for i, p := range pairs {
		list[i] = config.Pair(p)
	}
	return s.cfg.Set(list)
}

// ConfigRewrite is CONFIG REWRITE.
func (s *Server) ConfigRewrite() error {
	if err := s.cfg.Rewrite(); err != nil {
		return err
	}
	s.log.Info("CONFIG REWRITE has written the configuration file", "file", s.cfg.File())
	return nil
}

// ConfigResetStat is CONFIG RESETSTAT.
func (s *Server) ConfigResetStat() {
	s.counters.reset()
	s.store.ResetCounters()
}

// SlowlogGet is SLOWLOG GET.
func (s *Server) SlowlogGet(n int) []commands.SlowEntry { return s.counters.slow.last(n) }

// SlowlogLen is SLOWLOG LEN.
func (s *Server) SlowlogLen() int { return s.counters.slow.length() }

// SlowlogReset is SLOWLOG RESET.
func (s *Server) SlowlogReset() { s.counters.slow.reset() }

// Deny enters a refused login into ACL LOG.
func (s *Server) Deny(d commands.Denial) { s.counters.denied.add(d) }

// Denials is ACL LOG.
func (s *Server) Denials(n int) []commands.Denial { return s.counters.denied.last(n) }

// DenialsReset is ACL LOG RESET.
func (s *Server) DenialsReset() { s.counters.denied.reset() }

// SetActiveExpire is DEBUG SET-ACTIVE-EXPIRE.
func (s *Server) SetActiveExpire(on bool) {
	s.pause.mu.Lock()
	defer s.pause.mu.Unlock()
	s.lazyExpiry = !on
	s.keepExpired()
}

// Sleep waits, but no longer than until the server ends.
func (s *Server) Sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.done.Done():
	}
}

// Shutdown is SHUTDOWN: Run ends as if its context had. There is nobody to wait for, so that it is done at once.
// A snapshot is written first if SAVE says so, or save has points and NOSAVE does not say otherwise; where that fails the server goes on
// unless FORCE is given.
func (s *Server) Shutdown(o commands.ShutdownOptions) error {
	if o.Abort {
		return errors.New("ERR No shutdown in progress.")
	}
	if !s.stopping.CompareAndSwap(false, true) { // what is acknowledged from here on would be lost
		return nil
	}
	s.log.Info("SHUTDOWN was asked for by a client")
	if err := s.saveAtEnd(o); err != nil && !o.Force {
		s.stopping.Store(false)
		for _, c := range s.clients.all() {
			c.conn.Post(c.run) // what has come meanwhile
		}
		s.log.Warn("SHUTDOWN is given up: the snapshot could not be written; SHUTDOWN NOSAVE does without, SHUTDOWN FORCE in spite of it")
		return errors.New("ERR Errors trying to SHUTDOWN. Check logs.")
	}
	s.persist.ended.Store(true)
	s.stop()
	return nil
}

// crossProtocolPeriod is how often, in seconds, the log speaks of clients that speak HTTP:
// a page may send requests without end.
const crossProtocolPeriod = 60

// WarnCrossProtocol is what POST and Host: say in the log.
func (s *Server) WarnCrossProtocol(addr string) {
	now, last := s.seconds(), s.crossProtocolAt.Load()
	if last != 0 && now-last < crossProtocolPeriod || !s.crossProtocolAt.CompareAndSwap(last, max(now, 1)) {
		return
	}
	s.log.Warn("possible attack: a client sends POST or Host: as browsers do, which a page may have made one do; closed",
		"client", addr)
}

// setPolicy follows maxmemory-policy. Nothing is evicted, but under an LFU
// policy OBJECT FREQ counts how often keys are used.
func (s *Server) setPolicy() error {
	policy := s.cfg.MaxMemoryPolicy.Load()
	s.store.SetLFU(strings.Contains(policy, "lfu"))
	if policy != "noeviction" {
		s.log.Warn("this version evicts nothing: at maxmemory, commands that need memory are refused", "maxmemory-policy", policy)
	}
	return nil
}
