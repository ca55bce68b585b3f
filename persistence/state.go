package persistence

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// state is why the log cannot take more, and the text for who asks.
type state struct {
	text atomic.Pointer[string] // nil: nothing is in the way
	mu   sync.Mutex
	// The reasons, the most serious first.
	fatal    error // Always: a sync failed, all is over
	failed   error // a write failed
	distrust error // EverySec: a sync failed, the files cannot be trusted
	gone     error // the file is not where it was
	full     error // no room could be preallocated
	crowded  bool  // too much waits to be written
	doubt    int64 // position behind what distrust is about
}

// Refusal is the reply to a write while the log cannot take more, "" while it can.
func (l *Log) Refusal() string {
	if t := l.state.text.Load(); t != nil {
		return *t
	}
	return ""
}

// set changes reasons and tells whoever waits where that made a difference.
// It must not be called with mu held by the caller.
func (l *Log) set(change func(s *state)) {
	if l.state.set(change) {
		l.tell()
	}
}

// tell has OnCommit called, by the writer's goroutine: the caller may hold wmu.
func (l *Log) tell() {
	l.news.Store(true)
	wake(l.wantWrite)
}

func (s *state) set(change func(s *state)) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
	text := s.reason()
	was := s.text.Load()
	if was == nil && text == "" || was != nil && *was == text {
		return false
	}
	if text == "" {
		s.text.Store(nil)
	} else {
		s.text.Store(&text)
	}
	return true
}

func (s *state) reason() string {
	for _, err := range []error{s.fatal, s.failed, s.distrust, s.gone, s.full} {
		if err != nil {
			return "MISCONF Errors writing to the AOF file: " + errnoText(err)
		}
	}
	if s.crowded {
		return "MISCONF Errors writing to the AOF file: The disk is too slow, too much waits to be written"
	}
	return ""
}

// get reads reasons.
func (s *state) get(read func(s *state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	read(s)
}

// errnoText is the text of an error as C libraries have it, which is what Redis prints.
func errnoText(err error) string {
	var errno syscall.Errno
	text := err.Error()
	if errors.As(err, &errno) {
		text = errno.Error()
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// noSpace reports an error that more room on the disk would cure.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// crowd refuses writes until what waits is written.
func (l *Log) crowd() {
	if l.state.set(func(s *state) { s.crowded = true }) {
		l.o.Log.Warn("Writes are refused: too much waits to be written to the log", "bytes", l.appended.Load()-l.written.Load())
		l.tell()
	}
}

// fail notes that a write has failed; the writer's goroutine goes on trying.
func (l *Log) fail(err error) {
	if !l.failing.Swap(true) {
		l.o.Log.Error("Writing to the log failed; writes are refused until it works again", "error", err)
	}
	l.counts.writeErrors.Add(1)
	l.set(func(s *state) { s.failed = err })
	wake(l.wantWrite)
}

// allWritten notes that all is written.
func (l *Log) allWritten() {
	if l.failing.Swap(false) {
		l.o.Log.Info("Writing to the log works again")
		l.set(func(s *state) { s.failed = nil })
	}
	if l.state.isCrowded() {
		l.set(func(s *state) { s.crowded = false })
	}
}

func (s *state) isCrowded() bool {
	if s.text.Load() == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crowded
}

// lose notes that a sync has failed.
func (l *Log) lose(f *incr, err error) {
	l.counts.syncErrors.Add(1)
	err = fmt.Errorf("%s: %w", f.path, err)
	if l.Policy() == Always {
		l.o.Log.Error("Syncing the log failed: nothing more can be acknowledged", "error", err)
		l.set(func(s *state) { s.fatal = err })
		l.o.OnFatal(err)
		return
	}
	l.o.Log.Error("Syncing the log failed: writes are refused until it has been rewritten", "error", err)
	// Nothing that was appended up to now is known to be on the disk; what a base has that is cut later is.
	pos := l.appended.Load()
	l.set(func(s *state) { s.distrust, s.doubt = err, pos })
	l.o.OnDistrust(err)
}
