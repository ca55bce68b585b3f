package persistence

import (
	"slices"
	"time"
)

// syncLoop brings what is written to the disk, as the policy says.
func (l *Log) syncLoop() {
	defer l.loops.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	dirty := time.Duration(-1) // for how long something has been unsynced; in ticks that have passed
	for {
		wait := l.o.tick
		if dirty < 0 {
			wait = -1
			l.asleep.Store(true)
			if l.wantsSync() && l.asleep.CompareAndSwap(true, false) {
				wait = l.o.tick
			}
		}
		timer.Stop()
		if wait >= 0 {
			timer.Reset(wait)
		}
		select {
		case <-l.stop:
			return
		case <-timer.C:
			dirty += l.o.tick
		case <-l.wantSync:
		}
		dirty = l.syncStep(dirty)
	}
}

// wantsSync reports whether something is written that is to be brought to the disk.
func (l *Log) wantsSync() bool {
	return l.written.Load() > l.synced.Load() && !l.distrusted() && !l.dead()
}

// syncAfter is how long a sync waits from the first write on. EverySec: with the
// tick that may pass before it is seen, and some time for the sync itself, the
// second is kept. No: half a minute, like the system itself; what that is for
// is not durability, but that the lines can tell damage from a torn tail.
func (l *Log) syncAfter() time.Duration {
	if l.Policy() == No {
		return 300 * l.o.tick
	}
	return 8 * l.o.tick
}

// syncStep does what is due, and returns for how long something has been
// unsynced: -1 when there is nothing to wait for.
func (l *Log) syncStep(dirty time.Duration) time.Duration {
	switch l.Policy() {
	case Always:
		l.syncAll()
		if dirty < 0 {
			return 0
		}
		if dirty < 10*l.o.tick {
			return dirty
		}
	default:
		if l.wantsSync() {
			if dirty < l.syncAfter() {
				return max(dirty, 0)
			}
			l.syncOnce()
			return 0
		}
		if dirty >= 0 && dirty < 10*l.o.tick {
			return dirty
		}
	}
	l.stateSynced()
	return -1
}

// syncAll is the commit of Always: write and sync until nothing is left.
func (l *Log) syncAll() {
	for l.appended.Load() > l.synced.Load() && !l.failing.Load() && !l.dead() {
		l.gather()
		before := l.synced.Load()
		l.wmu.Lock()
		l.writeAllLocked()
		l.wmu.Unlock()
		l.syncOnce()
		if l.lastSync = l.synced.Load() - before; l.lastSync == 0 {
			return
		}
		l.o.OnCommit()
	}
}

// gatherTime is how long a sync waits, again and again, for those who were answered by the last one.
const (
	gatherTime = 30 * time.Microsecond
	gatherMost = 8
)

// gather gives clients that the last sync has answered a moment to send what they send next, as long as it keeps
// coming: one sync then serves all of them. Who is alone waits for nobody.
func (l *Log) gather() {
	for range gatherMost {
		ready := l.appended.Load() - l.synced.Load()
		if ready >= l.lastSync*7/8 {
			return
		}
		time.Sleep(gatherTime)
		if l.appended.Load()-l.synced.Load() == ready {
			return
		}
	}
}

// syncOnce syncs what is written at this moment, and reports whether it is.
func (l *Log) syncOnce() bool {
	l.wmu.Lock()
	pos, files := l.written.Load(), append(l.olds[:len(l.olds):len(l.olds)], l.cur)
	l.wmu.Unlock()
	begun := l.o.Now()
	l.syncing.Add(1)
	failed, err := syncFiles(files)
	l.syncing.Add(-1)
	took := time.Duration(l.o.Now() - begun)
	l.counts.sync(took)
	if l.Policy() == Always {
		l.o.Event("aof-fsync-always", took)
	}
	if err != nil {
		// A rewrite may have finished meanwhile: then the file is not one of ours any more.
		if l.has(failed) {
			l.lose(failed, err)
		}
		return false
	}
	l.wmu.Lock()
	done := l.dropOldsLocked(files[:len(files)-1])
	if pos > l.synced.Load() {
		l.synced.Store(pos)
	}
	l.wmu.Unlock()
	closeAll(done)
	return true
}

func syncFiles(files []*incr) (*incr, error) {
	for _, f := range files {
		if err := f.f.Sync(); err != nil {
			return f, err
		}
	}
	return nil, nil
}

// has reports whether a file is part of the log still.
func (l *Log) has(f *incr) bool {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	return l.cur == f || slices.Contains(l.olds, f)
}

// dropOldsLocked takes files off the log that are synced and get nothing more,
// and returns those that were there still: they are to be closed without wmu,
// since giving back what was preallocated may take the disk a while.
func (l *Log) dropOldsLocked(done []*incr) (dropped []*incr) {
	l.olds = slices.DeleteFunc(slices.Clone(l.olds), func(o *incr) bool {
		drop := slices.Contains(done, o)
		if drop {
			dropped = append(dropped, o)
		}
		return drop
	})
	return dropped
}

func closeAll(files []*incr) {
	for _, f := range files {
		f.close()
	}
}

// close ends the use of a file, and gives back what was preallocated. Its
// content is synced or not needed: an error here changes nothing.
func (f *incr) close() {
	if f.room.Load() > f.size.Load() {
		f.f.Truncate(f.size.Load())
	}
	f.f.Close()
}

func (l *Log) distrusted() (yes bool) {
	l.state.get(func(s *state) { yes = s.distrust != nil })
	return yes
}

func (l *Log) dead() (yes bool) {
	l.state.get(func(s *state) { yes = s.fatal != nil })
	return yes
}

// stateSynced writes a line that tells how far the log is synced, when nothing
// else will: without it damage to the last groups would pass for a torn tail.
func (l *Log) stateSynced() {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if l.synced.Load() <= l.stated || l.failing.Load() || len(l.out) > 0 || l.written.Load() != l.synced.Load() {
		return
	}
	text := l.lineLocked(nil, &line{kind: lineSynced, end: l.written.Load()})
	l.out = append(l.out, chunk{text, l.cur, -1})
	l.writeAllLocked()
}
