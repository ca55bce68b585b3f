package persistence

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"quarry/persistence/vfs"
)

// Rewrite is a new base in the making, beside a log that goes on. One
// goroutine uses it; Cut may be called by another. It ends with Finish or Abort.
//
//	BeginRewrite   the next incremental file, empty, is on the disk and named by the manifest
//	Cut            the moment of the base: what is appended from here on goes to that file
//	Base ...       the base is written, under a temporary name
//	Finish         it gets its name, and the manifest names it and the files from the cut on
//
// Whatever ends it early, the files of the manifest hold all that was appended,
// in order.
type Rewrite struct {
	l     *Log
	next  *incr
	cutAt int64 // -1: no cut yet
	temp  string
	f     vfs.File
	w     *bulk
}

// BeginRewrite makes what a cut needs. ErrRewriting while another is in progress.
func (l *Log) BeginRewrite() (*Rewrite, error) {
	r := &Rewrite{l: l, cutAt: -1}
	if !l.rewrite.CompareAndSwap(nil, r) {
		return nil, ErrRewriting
	}
	l.counts.rewriteFrom.Store(l.o.Now())
	if err := r.begin(); err != nil {
		l.over(err)
		return nil, err
	}
	l.o.Log.Info("A rewrite of the log begins", "file", r.next.path)
	return r, nil
}

func (r *Rewrite) begin() error {
	l, d := r.l, r.l.d
	r.temp = d.file(tempPrefix + d.baseName(d.m.nextSeq(typeBase)))
	err := l.withReserve(func() (err error) {
		r.f, err = d.fs.Create(r.temp)
		return err
	})
	if err != nil {
		return err
	}
	r.w = newBulk(&reserving{r.f, l})
	if err := l.withReserve(r.makeNext); err != nil {
		return errors.Join(err, r.f.Close(), removeIfThere(d.fs, r.temp))
	}
	return nil
}

// makeNext makes the next incremental file, and names it in the manifest,
// unless the files before it are not named either.
func (r *Rewrite) makeNext() (err error) {
	l, d := r.l, r.l.d
	var m *manifest
	if r.next, m, err = d.createIncr(); err != nil {
		return err
	}
	if len(l.unnamed) > 0 {
		l.unnamed = append(l.unnamed, r.next.info)
		return nil
	}
	if err = d.writeManifest(m); err != nil {
		return errors.Join(err, r.next.f.Close())
	}
	return nil
}

// Cut is called at the moment whose data the base will hold, while nothing can
// be appended.
func (r *Rewrite) Cut() {
	l := r.l
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.active
	b.breaks = append(b.breaks, groupBreak{len(b.data), r.next})
	b.group = len(b.data)
	l.db = -1
	r.cutAt = l.end
}

// Base takes the RDB of the moment of the cut.
func (r *Rewrite) Base() io.Writer { return r.w }

// Finish puts the new base in place of the old one and of what the log held
// before the cut. After an error all is as after Abort.
func (r *Rewrite) Finish() error {
	if r.cutAt < 0 {
		err := errors.New("a rewrite without a cut")
		r.Abort(err)
		return err
	}
	size, err := r.place()
	if err != nil {
		r.Abort(err)
		return err
	}
	l := r.l
	l.leave(r.next, r.cutAt)
	l.counts.baseBytes.Store(size)
	l.counts.rewriteBytes.Store(l.size())
	took := time.Duration(l.o.Now() - l.counts.rewriteFrom.Load())
	l.over(nil)
	l.set(func(s *state) {
		if s.doubt <= r.cutAt {
			s.distrust = nil
		}
	})
	l.o.Log.Info("The log is rewritten", "base_bytes", size, "took", took)
	// The data is safe: files that cannot be removed now are removed at the next start.
	if err := l.withReserve(l.d.forget); err != nil {
		l.o.Log.Warn("Files of the log before its rewrite could not be removed", "error", err)
	}
	l.makeReserve()
	return nil
}

// place makes the base durable and puts it in the manifest.
func (r *Rewrite) place() (size int64, err error) {
	l, d := r.l, r.l.d
	err = errors.Join(r.w.flush(), l.withReserve(r.f.Sync))
	info, statErr := r.f.Stat()
	if err = errors.Join(err, statErr, r.f.Close()); err != nil {
		return 0, err
	}
	m := d.m.clone()
	seq := m.nextSeq(typeBase)
	base := fileInfo{d.baseName(seq), seq, typeBase}
	if err := d.fs.Rename(r.temp, d.file(base.name)); err != nil {
		return 0, err
	}
	r.temp = d.file(base.name)
	if err := l.withReserve(func() error { return d.fs.SyncDir(d.path) }); err != nil {
		return 0, err
	}
	r.rename(m, base)
	if err := l.withReserve(func() error { return d.writeManifest(m) }); err != nil {
		if errors.Is(err, errUncertain) {
			r.temp = "" // either manifest may be found: all that they name stays
		}
		return 0, err
	}
	l.unnamed = nil
	return info.SizeBytes, nil
}

// rename makes m say that base and the files from next on are the data, and
// all others history.
func (r *Rewrite) rename(m *manifest, base fileInfo) {
	old := append(m.incrs, r.l.unnamed...)
	if m.base != nil {
		old = append([]fileInfo{*m.base}, old...)
	}
	m.base, m.incrs, m.pos = &base, nil, r.cutAt
	for _, f := range old {
		if f.kind == typeIncr && f.seq >= r.next.info.seq {
			m.incrs = append(m.incrs, f)
			continue
		}
		f.kind = typeHistory
		m.history = append(m.history, f)
	}
}

// Abort gives the rewrite up. Both incremental files stay, in order; without a
// cut the new one goes.
func (r *Rewrite) Abort(cause error) {
	l, d := r.l, r.l.d
	r.f.Close() // it is not needed
	var err error
	if r.temp != "" {
		err = removeIfThere(d.fs, r.temp)
	}
	if r.cutAt < 0 {
		err = errors.Join(err, r.next.f.Close(), r.withdraw())
	}
	l.over(cause)
	l.o.Log.Error("A rewrite of the log was given up", "error", cause)
	if err != nil {
		l.o.Log.Warn("What an unfinished rewrite has left could not be removed", "error", err)
	}
}

// withdraw takes a file that got nothing out of the manifest.
func (r *Rewrite) withdraw() error {
	d := r.l.d
	if n := len(r.l.unnamed); n > 0 {
		r.l.unnamed = r.l.unnamed[:n-1]
		return removeIfThere(d.fs, r.next.path)
	}
	m := d.m.clone()
	m.incrs = m.incrs[:len(m.incrs)-1]
	if err := d.writeManifest(m); err != nil {
		return err
	}
	return removeIfThere(d.fs, r.next.path)
}

// over ends the rewrite in progress.
func (l *Log) over(err error) {
	if err == nil {
		l.counts.rewrites.Add(1)
	} else {
		l.counts.rewriteErrors.Add(1)
	}
	l.rewrite.Store(nil)
}

// leave ends the files before next: the base holds what is before pos, written
// or not.
func (l *Log) leave(next *incr, pos int64) {
	l.wmu.Lock()
	l.takeLocked() // the break must be among the chunks, or before them
	l.out = slices.DeleteFunc(l.out, func(c chunk) bool { return c.f != next })
	if l.cur != next {
		l.olds = append(l.olds, l.cur)
		l.cur = next
	}
	done := l.dropOldsLocked(l.olds)
	l.counts.oldBytes.Store(0)
	if l.written.Load() < pos {
		l.written.Store(pos)
	}
	if l.synced.Load() < pos {
		l.synced.Store(pos)
	}
	l.writeAllLocked()
	l.wmu.Unlock()
	closeAll(done)
	l.o.OnCommit()
}

// forget removes the files of the history.
func (d *Dir) forget() error {
	if len(d.m.history) == 0 {
		return nil
	}
	for _, f := range d.m.history {
		if err := removeIfThere(d.fs, d.file(f.name)); err != nil {
			return err
		}
	}
	m := d.m.clone()
	m.history = nil
	return d.writeManifest(m)
}

// withReserve does something that needs room on the disk, once more without
// the reserve where there is none. There are syncs in it, by which writes of
// the log may be held up: loops leave them to the writer's goroutine.
func (l *Log) withReserve(do func() error) error {
	l.syncing.Add(1)
	defer l.syncing.Add(-1)
	err := do()
	if err != nil && noSpace(err) && l.giveReserve() {
		err = do()
	}
	return err
}

// reserving writes a base, and gives the reserve up when there is no more room.
type reserving struct {
	vfs.File
	l *Log
}

// Write continues where an attempt without room has ended.
func (r *reserving) Write(p []byte) (int, error) {
	n, err := r.File.Write(p)
	if err != nil && noSpace(err) && r.l.giveReserve() {
		var more int
		more, err = r.File.Write(p[n:])
		n += more
	}
	if err != nil {
		err = fmt.Errorf("writing the base: %w", err)
	}
	return n, err
}
