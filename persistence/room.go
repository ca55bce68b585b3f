package persistence

import (
	"errors"
	"time"

	"quarry/persistence/vfs"
)

// Room for what is written is preallocated ahead of the end of the file, so
// that a full disk is noticed before a command runs: while the keeper cannot
// get more, and little is left, writes are refused; what must be logged all
// the same (commands that run, keys that expire) still finds the rest.

// roomLoop keeps room ahead, and looks now and then whether the file is
// where it was.
func (l *Log) roomLoop() {
	defer l.loops.Done()
	timer := time.NewTimer(10 * l.o.tick)
	defer timer.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-timer.C:
			timer.Reset(10 * l.o.tick)
			l.look()
			if l.appended.Load() > l.written.Load() {
				wake(l.wantWrite) // whoever appended has not called Commit: never for long
			}
		case <-l.wantRoom:
		}
		l.wmu.Lock()
		f := l.lastFileLocked()
		l.wmu.Unlock()
		l.keepRoom(f)
	}
}

// keepRoom preallocates the next chunk where less than half of one is left.
func (l *Log) keepRoom(f *incr) {
	chunk := l.o.ChunkBytes
	if chunk < 0 {
		return
	}
	left := f.room.Load() - f.size.Load() - (l.appended.Load() - l.written.Load())
	if left < chunk/2 {
		// It holds writes of the file up, as a sync does.
		l.syncing.Add(1)
		defer l.syncing.Add(-1)
		from := max(f.room.Load(), f.size.Load())
		err := f.f.Preallocate(from, chunk)
		for least := chunk / 16; err != nil && noSpace(err) && chunk > least && chunk > 1; {
			chunk /= 2
			err = f.f.Preallocate(from, chunk)
		}
		switch {
		case err == nil:
			f.room.Store(from + chunk)
		case errors.Is(err, vfs.ErrUnsupported) || !noSpace(err):
			// No room to be had ahead of time: errors of writes tell.
			f.room.Store(1 << 62)
		default:
			l.setFull(err, left < l.o.ChunkBytes/4)
			return
		}
	}
	l.setFull(nil, false)
}

// setFull notes whether room is short.
func (l *Log) setFull(err error, short bool) {
	var was error
	l.state.get(func(s *state) { was = s.full })
	switch {
	case short && was == nil:
		l.o.Log.Error("The disk is full: writes are refused", "error", err)
		l.set(func(s *state) { s.full = err })
	case !short && was != nil:
		l.o.Log.Info("There is room on the disk again")
		l.set(func(s *state) { s.full = nil })
	}
}

// look notes whether the file that is written is still the one of that name.
func (l *Log) look() {
	l.wmu.Lock()
	f := l.cur
	l.wmu.Unlock()
	ours, err := f.f.Stat()
	if err != nil {
		return // closed by a rewrite meanwhile
	}
	there, err := l.d.fs.Stat(f.path)
	if err == nil && there.ID != ours.ID {
		err = errReplaced
	}
	var was error
	l.state.get(func(s *state) { was = s.gone })
	if (err == nil) == (was == nil) {
		return
	}
	if err != nil {
		l.o.Log.Error("The file of the log is not where it was: writes are refused", "file", f.path, "error", err)
	} else {
		l.o.Log.Info("The file of the log is back", "file", f.path)
	}
	l.set(func(s *state) { s.gone = err })
}

var errReplaced = errors.New("the file was replaced by another")

// makeReserve makes the file that a rewrite on a full disk gives up: as long as
// the next base will be, but never more than a quarter of what is free. It is
// a precaution: where it cannot be had there is none.
func (l *Log) makeReserve() {
	if l.o.ReserveBytes < 0 {
		return
	}
	free, err := l.d.fs.FreeBytes(l.d.path)
	if err != nil {
		return
	}
	path := l.d.file(reserveName)
	f, err := l.d.fs.Append(path)
	if err != nil {
		if f, err = l.d.fs.Create(path); err != nil {
			return
		}
	}
	base := l.counts.baseBytes.Load()
	err = f.Preallocate(0, min(max(l.o.ReserveBytes, base+base/4), free/4))
	if errors.Join(err, f.Close()) != nil {
		removeIfThere(l.d.fs, path)
	}
}

// giveReserve gives the reserve up; false: there was none.
func (l *Log) giveReserve() bool {
	if l.d.fs.Remove(l.d.file(reserveName)) != nil {
		return false
	}
	l.o.Log.Warn("The disk is full: the reserve is given up so that the rewrite of the log can finish")
	return true
}
