package persistence

import (
	"errors"
	"fmt"
	"io"

	"quarry/persistence/vfs"
)

// Seed makes a base for an empty directory, before Start: data that a server
// brings from elsewhere (a dump.rdb) is then in the log from its first moment.
// write gives the RDB. A crash leaves an empty directory or the base.
func (d *Dir) Seed(write func(io.Writer) error) error {
	if !d.Empty() {
		return errors.New("a base is made in an empty directory only")
	}
	m := &manifest{base: &fileInfo{d.baseName(1), 1, typeBase}}
	if err := WriteSnapshot(d.fs, d.file(m.base.name), write); err != nil {
		return err
	}
	if err := d.writeManifest(m); err != nil {
		return err
	}
	d.recovered = true
	return nil
}

// Start begins logging, after Recover, or in an empty directory. What was
// recovered is on the disk before anything follows it: a process that was
// killed may have left it in the system's memory.
func (d *Dir) Start() (*Log, error) {
	if !d.recovered && !d.Empty() {
		return nil, errors.New("a log is started on what was recovered")
	}
	if err := d.writeMeta(); err != nil {
		return nil, err
	}
	// What is to be deleted must not be missed by a manifest that a loss of power brings back: names first.
	if err := d.syncIncrs(); err != nil {
		return nil, err
	}
	if err := d.tidy(); err != nil {
		return nil, err
	}
	f, err := d.openLast()
	if err != nil {
		return nil, err
	}
	return d.run(f)
}

// StartFresh begins logging where the directory holds nothing that counts:
// nothing, or the log of another time. The log takes appends at once, but is
// data only when the rewrite that comes with it has succeeded; until then a
// crash leaves the directory as it was. Should the rewrite fail, another may be
// begun; a log that is closed before one has succeeded is lost.
func (d *Dir) StartFresh() (*Log, *Rewrite, error) {
	if err := d.writeMeta(); err != nil {
		return nil, nil, err
	}
	if err := d.syncIncrs(); err != nil {
		return nil, nil, err
	}
	if err := d.tidy(); err != nil {
		return nil, nil, err
	}
	f, _, err := d.createIncr()
	if err != nil {
		return nil, nil, err
	}
	l, err := d.run(f)
	if err != nil {
		return nil, nil, err
	}
	l.unnamed = []fileInfo{f.info}
	r, err := l.BeginRewrite()
	if err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, r, nil
}

// run makes a log that goes on with f.
func (d *Dir) run(f *incr) (*Log, error) {
	l := d.newLog(f)
	if err := l.begin(); err != nil {
		return nil, errors.Join(err, f.f.Close())
	}
	if !d.o.still {
		l.loops.Add(3)
		go l.writeLoop()
		go l.syncLoop()
		go l.roomLoop()
	}
	return l, nil
}

func (d *Dir) newLog(f *incr) *Log {
	l := &Log{d: d, o: d.o, active: &batch{start: d.pos}, spare: &batch{}, db: -1, end: d.pos, cur: f, seq: d.seq,
		wantWrite: make(chan struct{}, 1), wantSync: make(chan struct{}, 1), wantRoom: make(chan struct{}, 1), stop: make(chan struct{})}
	l.policy.Store(uint32(d.o.Policy))
	for _, at := range []*counter{&l.appended, &l.written, &l.synced} {
		at.Store(d.pos)
	}
	l.stated = d.pos
	l.counts.start(d)
	return l
}

// begin writes the header, durably, and makes the first room.
func (l *Log) begin() error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	head := l.lineLocked(nil, &line{kind: lineHeader, end: l.end, hash: l.d.meta.key})
	size := l.cur.size.Load()
	err := l.withReserve(func() error {
		n, err := l.cur.f.Write(head)
		if err == nil {
			err = l.cur.f.Sync()
		}
		if err != nil {
			// What was written of a header is taken back, so that Redis does not trip over it.
			return errors.Join(fmt.Errorf("%s: %w", l.cur.path, err), l.cur.f.Truncate(size))
		}
		l.cur.size.Add(int64(n))
		return nil
	})
	if err != nil {
		return err
	}
	l.keepRoom(l.cur)
	l.makeReserve()
	return nil
}

// syncIncrs syncs all that was recovered.
func (d *Dir) syncIncrs() error {
	for _, info := range d.m.incrs {
		f, err := d.fs.Append(d.file(info.name))
		if errors.Is(err, vfs.ErrNotExist) {
			continue // of a log that does not count: see StartFresh
		} else if err != nil {
			return err
		}
		err = f.Sync()
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return d.fs.SyncDir(d.path)
}

// openLast opens the incremental file that the log goes on with, as Redis does
// the last one, or makes the first.
func (d *Dir) openLast() (*incr, error) {
	if len(d.m.incrs) == 0 {
		f, m, err := d.createIncr()
		if err != nil {
			return nil, err
		}
		if err := d.writeManifest(m); err != nil {
			return nil, errors.Join(err, f.f.Close())
		}
		return f, nil
	}
	info := d.m.incrs[len(d.m.incrs)-1]
	f, err := d.fs.Append(d.file(info.name))
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	in := &incr{info: info, path: d.file(info.name), f: f}
	in.size.Store(st.SizeBytes)
	in.room.Store(st.SizeBytes)
	return in, nil
}

// createIncr makes the next incremental file, durably, and a manifest that names it, which is not written yet.
func (d *Dir) createIncr() (*incr, *manifest, error) {
	m := d.m.clone()
	seq := max(m.nextSeq(typeIncr), d.lastIncr+1)
	d.lastIncr = seq
	info := fileInfo{d.incrName(seq), seq, typeIncr}
	m.incrs = append(m.incrs, info)
	f, err := d.fs.Create(d.file(info.name))
	if err != nil {
		return nil, nil, err
	}
	if err := d.fs.SyncDir(d.path); err != nil {
		return nil, nil, errors.Join(err, f.Close(), removeIfThere(d.fs, d.file(info.name)))
	}
	return &incr{info: info, path: d.file(info.name), f: f}, m, nil
}

// Close writes all that was appended, syncs it, notes that the log ends here,
// and lets the directory go. A rewrite in progress is to be aborted before.
func (l *Log) Close() error {
	if l.closed.Swap(true) {
		return ErrClosed
	}
	close(l.stop)
	l.loops.Wait()
	l.wmu.Lock()
	defer l.wmu.Unlock()
	err := l.endLocked()
	for _, f := range append(l.olds, l.cur) {
		f.close()
	}
	return errors.Join(err, l.d.lock.Close())
}

// endLocked writes what is left, and the line that ends it, each synced.
func (l *Log) endLocked() error {
	l.writeAllLocked()
	var failed error
	l.state.get(func(s *state) {
		for _, err := range []error{s.fatal, s.failed, s.distrust} {
			failed = errors.Join(failed, err)
		}
	})
	if failed != nil {
		return failed
	}
	if f, err := syncFiles(append(l.olds[:len(l.olds):len(l.olds)], l.cur)); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	l.synced.Store(l.written.Load())
	text := l.lineLocked(nil, &line{kind: lineClosed, end: l.written.Load()})
	if _, err := l.cur.f.Write(text); err != nil {
		return fmt.Errorf("%s: %w", l.cur.path, err)
	}
	l.cur.size.Add(int64(len(text)))
	return l.cur.f.Sync()
}
