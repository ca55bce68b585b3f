package server

import (
	"errors"
	"fmt"
	"strings"

	"quarry/commands"
)

// Reload is DEBUG RELOAD and DEBUG LOADAOF. Meanwhile all other clients are answered -LOADING; changes are made
// by none, so that the log needs to know nothing of it: what is loaded is what there was.
func (s *Server) Reload(o commands.ReloadOptions) error {
	p := &s.persist
	if o.FromLog && p.log == nil {
		return errNoLog
	}
	if !o.FromLog && !o.NoSave {
		if err := s.Save(); err != nil {
			return err
		}
	}
	s.endJob()
	if !p.loading.CompareAndSwap(false, true) {
		return errors.New(errLoading)
	}
	defer p.loading.Store(false)
	s.quiesce(func() {
		if !o.NoFlush {
			s.store.FlushAll()
		}
	})
	err := s.reload(o)
	if err != nil {
		s.log.Error("DEBUG RELOAD has failed", "err", err)
		return fmt.Errorf("ERR Error trying to load the data: %w", err)
	}
	return nil
}

// quiesce runs fn with all shards locked: who has begun a command has ended it then.
func (s *Server) quiesce(fn func()) {
	for shard := range s.store.Shards() {
		s.store.Lock(shard)
	}
	defer func() {
		for shard := range s.store.Shards() {
			s.store.Unlock(shard)
		}
	}()
	fn()
}

// MemoryMap is DEBUG JMAP: what the pages are used for.
func (s *Server) MemoryMap() string {
	m := s.memoryUse()
	var text strings.Builder
	line := func(name string, n int64) { fmt.Fprintf(&text, "%-28s %15d\r\n", name, n) }
	line("pages in use", m.Used)
	line("  of which hold data", m.Live)
	line("  of which keys", m.Keys)
	line("  copies for snapshots", s.store.Views().Bytes)
	line("pages kept for reuse", m.Free)
	line("maxmemory", m.MaxMemory)
	line("Go runtime", m.runtime.memory)
	line("Go heap", m.runtime.heap)
	line("resident", m.rss)
	return text.String()
}

// reload loads the snapshot or the log.
func (s *Server) reload(o commands.ReloadOptions) error {
	if !o.FromLog {
		return s.loadSnapshot(s.done)
	}
	p := &s.persist
	s.quiesce(func() { s.setJournal(nil) })
	err := p.log.Close()
	p.log = nil
	if err == nil {
		err = s.openDir()
	}
	if err == nil {
		err = s.loadLog(s.done)
	}
	if err == nil {
		err = s.startLog()
	}
	return err
}
