package persistence

import (
	"cmp"
	"sync/atomic"
	"time"
)

type counter = atomic.Int64

// counters are what Stats adds up.
type counters struct {
	baseBytes, oldBytes     counter // the base; incremental files before the current one
	rewriteBytes            counter // size of all files when the last rewrite was over
	groups, syncs, delayed  counter
	writeErrors, syncErrors counter
	syncMax, syncSum        counter // ns
	rewrites, rewriteErrors counter
	rewriteFrom             counter // ns
}

func (c *counters) sync(took time.Duration) {
	c.syncs.Add(1)
	c.syncSum.Add(int64(took))
	for {
		was := c.syncMax.Load()
		if int64(took) <= was || c.syncMax.CompareAndSwap(was, int64(took)) {
			return
		}
	}
}

// start measures the files that are there.
func (c *counters) start(d *Dir) {
	if d.m.base != nil {
		if info, err := d.fs.Stat(d.file(d.m.base.name)); err == nil {
			c.baseBytes.Store(info.SizeBytes)
		}
	}
	c.rewriteBytes.Store(c.baseBytes.Load())
	for i, f := range d.m.incrs {
		if info, err := d.fs.Stat(d.file(f.name)); err == nil && i < len(d.m.incrs)-1 {
			c.oldBytes.Add(info.SizeBytes)
		}
	}
}

// Stats is the state of the log, for INFO.
type Stats struct {
	Appended, Written, Synced int64 // positions
	Size                      int64 // bytes of all files: the base, and what follows it
	BaseSize                  int64 // of all files when the last rewrite was over, or of the base at the start: what growth is measured from
	Buffered                  int64 // bytes that are appended and not written
	Groups, Syncs             int64 // writes of groups, calls of sync, since the start
	DelayedSyncs              int64 // times that a write was left to the log's goroutine because a sync was under way
	WriteErrors, SyncErrors   int64
	WriteErr, SyncErr         error // why nothing can be written now; why the files are not trusted
	SyncMax, SyncSum          time.Duration
	Syncing                   bool
	Rewriting                 bool
	RewriteWanted             bool // a sync has failed: only a rewrite makes the log trusted again
	Rewrites, RewriteErrors   int64
}

// Stats returns the state of the log.
func (l *Log) Stats() Stats {
	c := &l.counts
	s := Stats{
		Written: l.written.Load(), Synced: l.synced.Load(), Appended: l.appended.Load(),
		Size: l.size(), BaseSize: c.rewriteBytes.Load(), Groups: c.groups.Load(), Syncs: c.syncs.Load(), DelayedSyncs: c.delayed.Load(),
		WriteErrors: c.writeErrors.Load(), SyncErrors: c.syncErrors.Load(),
		SyncMax: time.Duration(c.syncMax.Load()), SyncSum: time.Duration(c.syncSum.Load()), Syncing: l.syncing.Load() > 0,
		Rewriting: l.rewrite.Load() != nil, Rewrites: c.rewrites.Load(), RewriteErrors: c.rewriteErrors.Load(),
	}
	s.Buffered = s.Appended - s.Written
	l.state.get(func(st *state) {
		s.WriteErr = cmp.Or(st.failed, st.gone, st.full)
		s.SyncErr = cmp.Or(st.fatal, st.distrust)
		s.RewriteWanted = st.distrust != nil
	})
	return s
}

// size is the length of all files.
func (l *Log) size() int64 {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	return l.sizeLocked()
}

func (l *Log) sizeLocked() int64 {
	n := l.counts.baseBytes.Load() + l.counts.oldBytes.Load()
	return n + l.cur.size.Load()
}
