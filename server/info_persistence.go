package server

import (
	"time"

	"quarry/persistence"
)

// infoPersistence has Redis' fields, as far as they mean something without fork, and our own at the end.
func (s *Server) infoPersistence(t *infoText) {
	p := &s.persist
	p.mu.Lock()
	defer p.mu.Unlock()
	loading := p.loading.Load()
	views := s.store.Views()
	t.add("loading", oneIf(loading))
	t.add("async_loading", 0)
	t.add("current_cow_peak", views.Peak)
	t.add("current_cow_size", views.Bytes)
	t.add("current_cow_size_age", 0)
	t.add("current_fork_perc", jobPercent(p.job))
	t.add("current_save_keys_processed", p.jobKeys())
	t.add("current_save_keys_total", p.jobTotal())
	t.add("rdb_changes_since_last_save", s.changed()-p.changes)
	t.add("rdb_bgsave_in_progress", oneIf(p.runs(jobSnapshot)))
	t.add("rdb_last_save_time", p.lastSave)
	t.add("rdb_last_bgsave_status", status(p.saved.err))
	t.add("rdb_last_bgsave_time_sec", p.saved.tookSec)
	t.add("rdb_current_bgsave_time_sec", s.runningFor(jobSnapshot))
	t.add("rdb_saves", p.saved.made)
	t.add("rdb_last_cow_size", p.saved.extra)
	t.add("rdb_last_load_keys_expired", p.load.expired.Load())
	t.add("rdb_last_load_keys_loaded", p.load.loaded.Load())
	t.add("aof_enabled", oneIf(p.log != nil))
	t.add("aof_rewrite_in_progress", oneIf(p.runs(jobRewrite)))
	t.add("aof_rewrite_scheduled", oneIf(p.rewrite))
	t.add("aof_last_rewrite_time_sec", p.rewritten.tookSec)
	t.add("aof_current_rewrite_time_sec", s.runningFor(jobRewrite))
	t.add("aof_last_bgrewrite_status", status(p.rewritten.err))
	t.add("aof_rewrites", p.rewritten.made)
	t.add("aof_rewrites_consecutive_failures", p.rewritten.failed)
	var log persistence.Stats
	if p.log != nil {
		log = p.log.Stats()
	}
	t.add("aof_last_write_status", status(log.WriteErr))
	t.add("aof_last_cow_size", p.rewritten.extra)
	t.add("module_fork_in_progress", 0)
	t.add("module_fork_last_cow_size", 0)
	if p.log != nil {
		s.infoLog(t, &log)
	}
	t.add("snapshot_views", views.Active)
	t.add("snapshot_memory_limit", views.Limit)
	if loading {
		s.infoLoading(t)
	}
}

// infoLog tells of the log.
func (s *Server) infoLog(t *infoText, log *persistence.Stats) {
	t.add("aof_current_size", log.Size)
	t.add("aof_base_size", log.BaseSize)
	t.add("aof_pending_rewrite", oneIf(s.persist.rewrite))
	t.add("aof_buffer_length", log.Buffered)
	t.add("aof_pending_bio_fsync", oneIf(log.Syncing))
	t.add("aof_delayed_fsync", log.DelayedSyncs)
	t.add("aof_last_fsync_status", status(log.SyncErr))
	t.add("aof_position", log.Appended)
	t.add("aof_position_written", log.Written)
	t.add("aof_position_synced", log.Synced)
	t.add("aof_groups", log.Groups)
	t.add("aof_syncs", log.Syncs)
	t.add("aof_sync_usec_max", log.SyncMax.Microseconds())
}

// infoLoading tells how far loading has come.
func (s *Server) infoLoading(t *infoText) {
	l := &s.persist.load
	done, total := l.done.Load(), l.total.Load()
	elapsed := time.Duration(s.clock() - l.began.Load()).Seconds()
	eta := int64(1)
	if done > 0 {
		eta = int64(elapsed * float64(max(total-done, 0)) / float64(done))
	}
	t.add("loading_start_time", l.startUnix.Load())
	t.add("loading_total_bytes", total)
	t.add("loading_rdb_used_mem", 0)
	t.add("loading_loaded_bytes", done)
	t.add("loading_loaded_perc", fixed(100*quotient(done, total), 2))
	t.add("loading_eta_seconds", eta)
}

func oneIf(on bool) int {
	if on {
		return 1
	}
	return 0
}

func status(err error) string {
	if err != nil {
		return "err"
	}
	return "ok"
}

// runs reports whether a job of that name runs. p.mu is held.
func (p *persistState) runs(name string) bool { return p.job != nil && p.job.name == name }

func (p *persistState) jobKeys() int64 {
	if p.job == nil {
		return 0
	}
	return p.job.done.Load()
}

func (p *persistState) jobTotal() int64 {
	if p.job == nil {
		return 0
	}
	return p.job.total.Load()
}

func jobPercent(j *saving) string {
	if j == nil {
		return fixed(0, 2)
	}
	return fixed(100*quotient(j.done.Load(), j.total.Load()), 2)
}

// runningFor is for how many seconds a job of that name has been running, -1 if none is. persist.mu is held.
func (s *Server) runningFor(name string) int64 {
	if !s.persist.runs(name) {
		return -1
	}
	return (s.clock() - s.persist.job.began) / int64(time.Second)
}
