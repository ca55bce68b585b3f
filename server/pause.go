package server

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"quarry/commands"
)

// CLIENT PAUSE holds up clients for some time: all their commands, or those that may change
// data. A command that is held up is postponed: its session keeps a copy of it, runs nothing
// more, and begins with it when the pause is over. Those who wait are told so in the order in which
// they began to, and those of one event loop go on in it; loops do not wait for each other. What the
// gate refuses it refuses at once, pause or not; as in Redis, what MULTI would only queue is
// postponed, too.

// What is paused.
const (
	notPaused int32 = iota
	writesPaused
	allPaused
)

// pause is the pause of the server, if there is one.
type pause struct {
	mode atomic.Int32 // what every command looks at

	mu      sync.Mutex // after the shards' locks, before the mailboxes'
	end     int64      // of the server's clock
	timer   *time.Timer
	number  int // of the timer: one that has been overtaken does nothing
	waiting map[*Session]int
	last    int // number of the one that came last
}

// ClientPause is CLIENT PAUSE. Of pauses that overlap the later end and the stricter mode hold.
func (s *Server) ClientPause(ms int64, all bool) {
	p := &s.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	mode := writesPaused
	if all {
		mode = allPaused
	}
	now := s.clock()
	p.end = max(p.end, now+min(ms, maxParkMS)*int64(time.Millisecond))
	p.mode.Store(max(p.mode.Load(), mode))
	s.keepExpired()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.number++
	number := p.number
	p.timer = time.AfterFunc(time.Duration(p.end-now), func() { s.unpause(number) })
}

// ClientUnpause is CLIENT UNPAUSE.
func (s *Server) ClientUnpause() { s.unpause(0) }

// unpause ends the pause; a number is that of the timer whose time has come.
func (s *Server) unpause(number int) {
	p := &s.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode.Load() == notPaused || number != 0 && number != p.number {
		return
	}
	p.mode.Store(notPaused)
	s.keepExpired()
	p.end = 0
	p.timer.Stop()
	inOrder := func(a, b *Session) int { return cmp.Compare(p.waiting[a], p.waiting[b]) }
	for _, waiting := range slices.SortedFunc(maps.Keys(p.waiting), inOrder) {
		waiting.conn.Post(waiting.goOnPostponed)
	}
	p.waiting = nil
}

// keepExpired has keys that have expired stay where they are, or not. pause.mu is held.
func (s *Server) keepExpired() {
	s.store.KeepExpired(s.pause.mode.Load() != notPaused || s.lazyExpiry)
}

// remaining is for how many milliseconds the pause will last, 0 if there is none.
func (s *Server) remaining() int64 {
	p := &s.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.end-s.clock(), 0) / int64(time.Millisecond)
}

// add has a session wait for the end of the pause, unless that has come.
func (p *pause) add(s *Session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode.Load() == notPaused {
		return false
	}
	if p.waiting == nil {
		p.waiting = map[*Session]int{}
	}
	p.last++
	p.waiting[s] = p.last
	return true
}

// remove forgets a session that waits.
func (p *pause) remove(s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, s)
}

// postpone holds up a command if there is a pause for it.
func (s *Session) postpone(spec *commands.Spec, args [][]byte) bool {
	p := &s.srv.pause
	if p.mode.Load() == writesPaused && !s.mayChange(spec) || s.monitors() || !p.add(s) {
		return false
	}
	s.postponed = copyArgs(args)
	s.view.argv.Store(copySize(args))
	s.view.show(spec)
	s.paused.Store(true)
	return true
}

// mayChange reports whether a command counts as one that changes data: what it would tell others
// does, too.
func (s *Session) mayChange(spec *commands.Spec) bool { return s.flagsOf(spec)&changing != 0 }

// touchesData reports whether a command reads or changes data.
func (s *Session) touchesData(spec *commands.Spec) bool {
	return s.flagsOf(spec)&(commands.ReadOnly|changing) != 0
}

const changing = commands.Write | commands.MayReplicate | commands.HeldAsWrite

// flagsOf are the flags of a command and, if it is EXEC, of those that it runs.
func (s *Session) flagsOf(spec *commands.Spec) commands.Flag {
	if spec.Has(commands.RunsQueue) && s.multi != nil {
		return spec.Flags | s.multi.flags
	}
	return spec.Flags
}

// goOnPostponed is called when the pause is over.
func (s *Session) goOnPostponed() {
	s.paused.Store(false)
	s.run()
}

// dropPostponed forgets the command of a session that is gone.
func (s *Session) dropPostponed() {
	if s.paused.Swap(false) {
		s.srv.pause.remove(s)
	}
	s.postponed = nil
	s.view.argv.Store(0)
}

// waits reports whether the session waits for something before it runs its next command: the data
// that a blocking command wants, or the end of a pause.
func (s *Session) waits() bool { return s.parked.Load() != nil || s.paused.Load() }
