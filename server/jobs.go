package server

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"quarry/commands"
	"quarry/persistence"
	"quarry/persistence/rdb"
	"quarry/persistence/vfs"
	"quarry/store"
)

// Snapshots and rewrites of the log run in the background, from a view of the store: one at a time, as in Redis.

const (
	jobSnapshot = "snapshot"
	jobRewrite  = "rewrite of the append-only log"
)

// Redis' words.
var (
	errSaving      = errors.New("ERR Background save already in progress")
	errRewriting   = errors.New("ERR Background append only file rewriting already in progress")
	errOtherJob    = errors.New("ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.")
	errSaveFailed  = errors.New("ERR Error saving the data to disk: see the server's log")
	errNoLog       = errors.New("ERR appendonly is no: there is no append-only log to rewrite")
	errJobsStopped = errors.New("the server ends")
	errDamagedData = errors.New("a command has failed in the middle of a change: what is in memory may be damaged, and is not written; a restart loads what was logged")
)

const (
	saveStarted      = "Background saving started"
	saveScheduled    = "Background saving scheduled"
	rewriteStarted   = "Background append only file rewriting started"
	rewriteScheduled = "Background append only file rewriting scheduled"
)

// BGSave is BGSAVE.
func (s *Server) BGSave(schedule bool) (status string, err error) {
	p := &s.persist
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.job == nil:
		s.begin(jobSnapshot)
		return saveStarted, nil
	case p.job.name == jobSnapshot:
		return "", errSaving
	case !schedule:
		return "", errOtherJob
	}
	p.snapshot = true
	return saveScheduled, nil
}

// BGRewriteAOF is BGREWRITEAOF. Inside a transaction it is only scheduled.
func (s *Server) BGRewriteAOF(inMulti bool) (status string, err error) {
	p := &s.persist
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.log == nil:
		return "", errNoLog
	case p.job != nil && p.job.name == jobRewrite:
		return "", errRewriting
	case p.job != nil || inMulti:
		p.rewrite = true
		return rewriteScheduled, nil
	}
	s.begin(jobRewrite)
	return rewriteStarted, nil
}

// begin begins a job in the background. p.mu is held, and no job runs.
func (s *Server) begin(name string) {
	p := &s.persist
	j := &saving{name: name, began: s.clock()}
	p.job = j
	p.jobs.Go(func() { s.finish(j, s.runJob(j)) })
}

// runJob makes a snapshot or rewrites the log.
func (s *Server) runJob(j *saving) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = panicked(cause)
		}
	}()
	if s.damage.count.Load() > 0 {
		return errDamagedData
	}
	s.log.Info(j.name + " has begun")
	if j.name == jobRewrite {
		return s.rewriteLog(j)
	}
	return s.writeSnapshot(j)
}

// writeSnapshot writes dump.rdb.
func (s *Server) writeSnapshot(j *saving) error {
	view, err := s.store.Cut(func() { j.changes = s.changed() })
	if err != nil {
		return err
	}
	view.Once()
	defer s.watchView(j, view)()
	return persistence.WriteSnapshot(vfs.OS, s.dumpPath(), func(w io.Writer) error {
		return s.writeRDB(j, w, view, false)
	})
}

// rewriteLog gives the log a new base.
func (s *Server) rewriteLog(j *saving) error {
	r, err := s.beginRewrite()
	if err != nil {
		return err
	}
	log := s.persist.log
	view, err := s.store.Cut(func() {
		r.Cut()
		s.setJournal(log) // if it has been turned on just now, it begins here
	})
	if err != nil {
		r.Abort(err)
		return err
	}
	view.Once()
	defer s.watchView(j, view)()
	if err := s.writeRDB(j, r.Base(), view, true); err != nil {
		r.Abort(err)
		return err
	}
	return r.Finish()
}

// beginRewrite begins a rewrite, or takes the one that comes with a log that has been turned on.
func (s *Server) beginRewrite() (*persistence.Rewrite, error) {
	p := &s.persist
	p.mu.Lock()
	r := p.first
	p.first = nil
	p.mu.Unlock()
	if r != nil {
		return r, s.setFsync()
	}
	return p.log.BeginRewrite()
}

// watchView shows INFO the view of a job; what it returns closes it.
func (s *Server) watchView(j *saving, view *store.View) (end func()) {
	for db := range view.Databases() {
		keys, _ := view.Size(db)
		j.total.Add(keys)
	}
	s.persist.mu.Lock()
	j.view = view
	s.persist.mu.Unlock()
	return func() {
		s.persist.mu.Lock()
		j.view = nil
		s.persist.mu.Unlock()
		view.Close()
	}
}

// writeRDB writes a view as an RDB file.
func (s *Server) writeRDB(j *saving, w io.Writer, view *store.View, base bool) error {
	return rdb.Save(w, view, rdb.SaveOptions{
		Compress: s.cfg.RDBCompression.Load(), Checksum: s.cfg.RDBChecksum.Load(), AOFBase: base,
		CTimeUnix: time.Now().Unix(), UsedMemory: s.memoryUse().used,
		Aux: []rdb.Aux{{Name: "redis-ver", Value: commands.RedisVersion}, {Name: "quarry-ver", Value: Version}},
		Progress: func(keys int64) error {
			j.done.Store(keys)
			if j.cancel.Load() {
				return errJobsStopped
			}
			return nil
		},
	})
}

// finish notes how a job ended, and begins the one that waits for its end.
func (s *Server) finish(j *saving, err error) {
	p := &s.persist
	took := time.Duration(s.clock() - j.began)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.job = nil
	out := &p.saved
	if j.name == jobRewrite {
		out = &p.rewritten
	}
	out.err, out.tookSec, out.extra = err, int64(took.Seconds()), s.store.Views().Peak
	if err != nil {
		out.failed++
		s.log.Error(j.name+" has failed", slog.Any("err", err), slog.Duration("took", took))
	} else {
		out.failed, out.made = 0, out.made+1
		s.log.Info(j.name+" has ended well", slog.Duration("took", took), slog.Int64("keys", j.total.Load()),
			slog.String("copied meanwhile", humanBytes(out.extra)))
		if j.name == jobSnapshot {
			p.lastSave, p.changes = time.Now().Unix(), j.changes
		} else {
			p.baseless = false
		}
	}
	s.updateRefusal()
	if errors.Is(err, errJobsStopped) || s.stopping.Load() {
		return
	}
	s.beginWaiting()
}

// beginWaiting begins what was scheduled. p.mu is held, and no job runs.
func (s *Server) beginWaiting() {
	p := &s.persist
	switch {
	case p.rewrite && p.log != nil:
		p.rewrite = false
		s.begin(jobRewrite)
	case p.snapshot:
		p.snapshot = false
		s.begin(jobSnapshot)
	}
}

// Save is SAVE: the caller waits. Others go on meanwhile.
func (s *Server) Save() error {
	p := &s.persist
	p.mu.Lock()
	if p.job != nil && p.job.name == jobSnapshot {
		p.mu.Unlock()
		return errSaving
	}
	p.mu.Unlock()
	j := &saving{name: jobSnapshot, began: s.clock()}
	err := s.writeSnapshot(j)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saved.err = err; err != nil {
		s.log.Error("SAVE has failed", slog.Any("err", err))
		s.updateRefusal()
		return errSaveFailed
	}
	p.saved.made++
	p.lastSave, p.changes = time.Now().Unix(), j.changes
	s.updateRefusal()
	s.log.Info("SAVE has written the snapshot", slog.Int64("keys", j.total.Load()), slog.Duration("took", time.Duration(s.clock()-j.began)))
	return nil
}

// retryPause is how long a job that began by itself is not tried again after it has failed, in seconds.
const retryPause = 5

// tend is called by cron: it begins what is scheduled, and snapshots and rewrites that are due.
func (s *Server) tend() {
	p := &s.persist
	if p.loading.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.job != nil || s.stopping.Load() {
		return
	}
	if p.rewrite || p.snapshot {
		s.beginWaiting()
		return
	}
	now := s.seconds()
	switch {
	case s.rewriteDue(now):
		p.triedAt = now
		s.begin(jobRewrite)
	case s.snapshotDue(now):
		p.triedAt = now
		s.begin(jobSnapshot)
	}
}

// rewriteDue reports whether the log has grown as much as auto-aof-rewrite-percentage says, or asks for it. p.mu is held.
func (s *Server) rewriteDue(now int64) bool {
	p := &s.persist
	if p.log == nil || p.rewritten.failed > 0 && now-p.triedAt < retryPause*min(p.rewritten.failed, 12) {
		return false
	}
	stats := p.log.Stats()
	if stats.RewriteWanted || p.baseless {
		return true
	}
	percentage, least := int64(s.cfg.AutoRewritePercentage.Load()), s.cfg.AutoRewriteMinSize.Load()
	if percentage == 0 || stats.Size < least {
		return false
	}
	from := max(stats.BaseSize, 1)
	return (stats.Size-from)*100/from >= percentage
}

// snapshotDue reports whether a save point has been reached. p.mu is held.
func (s *Server) snapshotDue(now int64) bool {
	p := &s.persist
	points := s.cfg.Save.Load()
	if len(points) == 0 || p.saved.failed > 0 && now-p.triedAt < retryPause {
		return false
	}
	changes, since := s.changed()-p.changes, time.Now().Unix()-p.lastSave
	for _, point := range points {
		if changes >= point.Changes && since > point.Seconds {
			s.log.Info("a save point is reached", slog.Int64("changes", changes), slog.Int64("seconds", since))
			return true
		}
	}
	return false
}

// cleanTemporary removes what snapshots that were cut off have left.
func (s *Server) cleanTemporary() {
	if err := os.Remove(s.dumpPath() + ".tmp"); err == nil {
		s.log.Info("an unfinished snapshot was removed")
	}
}
