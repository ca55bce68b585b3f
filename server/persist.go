package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"quarry/commands"
	"quarry/persistence"
	"quarry/persistence/rdb"
	"quarry/persistence/vfs"
	"quarry/store"
)

// What is kept on disk, seen from the server: loading at the start, the log, snapshots in the background.
//
//	start: lock dir ─► log there? ─yes─► base RDB, incremental files ─► log goes on
//	                        └─no──► dump.rdb, if there is one ────────► a log begins with what it held
//
// Clients are served from the first moment on; until the data is there they are answered -LOADING.

// errLoading is what commands are refused with that need data.
const errLoading = "LOADING Redis is loading the dataset in memory"

// persistState is what the server keeps of it.
type persistState struct {
	dir     *persistence.Dir // nil: appendonly no
	log     *persistence.Log // nil: appendonly no, or not loaded yet
	loading atomic.Bool
	ended   atomic.Bool // SHUTDOWN has written the snapshot that it was to write, if any
	load    loadState

	mu        sync.Mutex           // guards what follows
	first     *persistence.Rewrite // the one that makes a log that has been turned on count, until it is begun
	baseless  bool                 // the log has been turned on, and no rewrite has succeeded since: it does not count yet
	job       *saving              // that runs now, nil: none
	rewrite   bool                 // a rewrite of the log is to begin when the job that runs now has ended,
	snapshot  bool                 // or a snapshot
	saved     outcome              // snapshots
	rewritten outcome              // rewrites of the log
	lastSave  int64                // Unix seconds: when the last snapshot ended, or the server started
	changes   int64                // what changes() was in the last snapshot
	triedAt   int64                // seconds of the server's clock: when one was begun last without being asked for
	jobs      sync.WaitGroup
	refusal   atomic.Pointer[string] // see snapshotRefusal
}

// saving is a snapshot or a rewrite that is being made.
type saving struct {
	name    string // as in the log
	began   int64  // the server's clock
	changes int64
	total   atomic.Int64 // keys
	done    atomic.Int64 // of which so many are written
	cancel  atomic.Bool
	view    *store.View
}

// outcome is what became of such jobs.
type outcome struct {
	made     int64 // that succeeded
	failed   int64 // in a row
	err      error // of the last one
	tookSec  int64 // the last one; -1: there was none
	extra    int64 // bytes that the view took at the most
	inARow   int64
	lastKeys int64
}

// loadState is what INFO tells of loading.
type loadState struct {
	startUnix       atomic.Int64
	began           atomic.Int64 // the server's clock
	total, done     atomic.Int64 // bytes
	keys            atomic.Int64
	expired, loaded atomic.Int64 // keys
}

func (p *persistState) init() {
	p.saved.tookSec, p.rewritten.tookSec = -1, -1
	p.lastSave = time.Now().Unix()
	p.setRefusal("")
}

func (p *persistState) setRefusal(text string) { p.refusal.Store(&text) }

// errSnapshots is Redis' text for stop-writes-on-bgsave-error.
const errSnapshots = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
	"Commands that may modify the data set are disabled, because this instance is configured to report errors during " +
	"writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error."

// snapshotRefusal is what changes are refused with while snapshots fail, "" if they are not.
func (p *persistState) snapshotRefusal() string {
	if text := p.refusal.Load(); text != nil {
		return *text
	}
	return ""
}

// updateRefusal follows the outcome of the last snapshot and the options. p.mu is held.
func (s *Server) updateRefusal() {
	p := &s.persist
	if p.saved.err != nil && s.cfg.StopWritesOnSaveError.Load() && len(s.cfg.Save.Load()) > 0 {
		p.setRefusal(errSnapshots)
	} else {
		p.setRefusal("")
	}
}

// changed is how many commands have changed data since the server started.
func (s *Server) changed() (n int64) {
	for _, w := range s.workers {
		n += w.changes.Load()
	}
	return n
}

// openDir takes the data directory, so that nobody else does.
func (s *Server) openDir() error {
	if !s.cfg.AppendOnly.Load() {
		return nil
	}
	var err error
	s.persist.dir, err = persistence.Open(s.logOptions())
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

func (s *Server) logOptions() persistence.Options {
	return persistence.Options{
		FS: vfs.OS, Dir: s.cfg.Dir.Load(), AppendDir: s.cfg.AppendDirName.Load(), AppendFile: s.cfg.AppendFilename.Load(),
		Policy: s.fsyncPolicy(), Log: s.log, Now: s.clock, WallMS: func() int64 { return s.wallMS(s.clock()) },
		OnCommit: s.committed, OnFatal: s.logFatal, OnDistrust: func(err error) {
			s.log.Error("the log could not be synced, so that nobody knows what the disk holds: it is rewritten from memory", slog.Any("err", err))
		},
		Version: Version, Fingerprint: s.cfg.Fingerprint(), Boot: bootID(),
		Event: func(name string, d time.Duration) { s.counters.spikes.add(name, int64(d)) },
	}
}

// bootID names the machine's last start; "" where the system does not.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

func (s *Server) fsyncPolicy() persistence.Policy {
	switch s.cfg.AppendFsync.Load() {
	case "always":
		return persistence.Always
	case "no":
		return persistence.No
	}
	return persistence.EverySec
}

// setFsync follows appendfsync.
func (s *Server) setFsync() error {
	s.journal.always.Store(s.cfg.AppendFsync.Load() == "always")
	if log := s.persist.log; log != nil {
		log.SetPolicy(s.fsyncPolicy())
	}
	return nil
}

// logFatal ends the process: under appendfsync always a sync has failed, and what the disk holds is not known. What
// was acknowledged is on the disk; a restart finds it.
func (s *Server) logFatal(err error) {
	s.log.Error("appendfsync is always and the log cannot be synced: the server ends, so that nothing is acknowledged that may be lost",
		slog.Any("err", err))
	os.Exit(1)
}

// recoverData loads what the directory holds and has the log go on. Clients are answered -LOADING meanwhile.
func (s *Server) recoverData(ctx context.Context) error {
	begun := s.clock()
	p := &s.persist
	p.load.startUnix.Store(time.Now().Unix())
	p.load.began.Store(begun)
	var err error
	switch {
	case p.dir == nil:
		err = s.loadSnapshot(ctx)
	case p.dir.Empty():
		if err = s.loadSnapshot(ctx); err == nil {
			err = s.firstLog()
		}
	default:
		if err = s.loadLog(ctx); err == nil {
			err = s.startLog()
		}
	}
	if ctx.Err() != nil {
		s.log.Info("the server ends while it loads")
		return nil
	}
	if err != nil {
		return err
	}
	keys := s.keys()
	if took := time.Duration(s.clock() - begun); keys > 0 || p.load.total.Load() > 0 {
		s.log.Info("data is loaded", slog.Int("keys", keys), slog.Int64("bytes", p.load.total.Load()), slog.Duration("took", took))
	}
	p.loading.Store(false)
	return nil
}

// loadLog loads the base and the incremental files.
func (s *Server) loadLog(ctx context.Context) error {
	r := newReplayer(s, s.loadWorkers())
	apply := func(args [][]byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return r.Apply(args)
	}
	base := func(r io.Reader, size int64) error { return s.loadBase(ctx, r, size) }
	_, err := s.persist.dir.Recover(base, apply, s.loadProgress())
	if late := r.Finish(); err == nil { // else it has told why, or stopped because of it
		err = late
	}
	if err != nil {
		return fmt.Errorf("loading the append-only log: %w", err)
	}
	return nil
}

// loadSnapshot loads dump.rdb, if there is one.
func (s *Server) loadSnapshot(ctx context.Context) error {
	path := s.dumpPath()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("loading the snapshot: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("loading the snapshot: %w", err)
	}
	progress := s.loadProgress()
	progress(0, info.Size())
	if err := s.loadBase(ctx, &countingReader{r: f, total: info.Size(), progress: progress}, info.Size()); err != nil {
		return fmt.Errorf("loading %s: %w", path, err)
	}
	return nil
}

// countingReader tells how far reading has come.
type countingReader struct {
	r           io.Reader
	done, total int64
	progress    func(done, total int64)
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.done += int64(n)
	c.progress(c.done, c.total)
	return n, err
}

// dumpPath is where snapshots are.
func (s *Server) dumpPath() string { return s.cfg.Path(s.cfg.DBFilename.Load()) }

// loadWorkers is how many goroutines build what is loaded.
func (s *Server) loadWorkers() int { return s.loops() }

// loadBase loads an RDB file into the store.
func (s *Server) loadBase(ctx context.Context, r io.Reader, size int64) error {
	var in io.Reader = stoppable{r, ctx}
	if base, ok := r.(*persistence.BaseReader); ok {
		in = stoppableBase{stoppable{r, ctx}, base}
	}
	stats, err := rdb.Load(in, s.store, rdb.LoadOptions{
		NowMS: s.wallMS(s.clock()), Size: size, Workers: s.loadWorkers(), Log: s.log,
	})
	s.persist.load.loaded.Add(stats.Keys)
	s.persist.load.expired.Add(stats.Expired)
	return err
}

// stoppableBase is one for a base, behind which there may be commands.
type stoppableBase struct {
	stoppable
	base *persistence.BaseReader
}

// End passes on where the RDB ends.
func (s stoppableBase) End(offset int64) { s.base.End(offset) }

// stoppable is a reader that ends with a context.
type stoppable struct {
	r   io.Reader
	ctx context.Context
}

func (s stoppable) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

// loadProgress notes how far loading has come, for INFO, and says so in the log from time to time.
func (s *Server) loadProgress() func(done, total int64) {
	const every = 2 * time.Second
	next := s.clock() + int64(every)
	return func(done, total int64) {
		l := &s.persist.load
		l.done.Store(done)
		l.total.Store(total)
		if now := s.clock(); now >= next {
			next = now + int64(every)
			s.log.Info("loading", slog.String("done", percent(done, total)), slog.Int("keys", s.keys()),
				slog.String("rate", humanBytes(int64(float64(done)/time.Duration(now-l.began.Load()).Seconds()))+"/s"))
		}
	}
}

// firstLog begins a log where there is none: with what has been loaded, so that the snapshot it came from is not needed any
// more, and the key of the Bloom filters' hash.
func (s *Server) firstLog() error {
	j := &saving{name: jobRewrite}
	view, err := s.store.Cut(nil)
	if err != nil {
		return err
	}
	view.Once()
	defer view.Close()
	if err := s.persist.dir.Seed(func(w io.Writer) error { return s.writeRDB(j, w, view, true) }); err != nil {
		return fmt.Errorf("append-only log: %w", err)
	}
	return s.startLog()
}

// keys is the number of keys of all databases.
func (s *Server) keys() (n int) {
	for db := range s.store.Databases() {
		n += s.store.Size(db)
	}
	return n
}

// startLog has the gate log what changes from now on.
func (s *Server) startLog() error {
	log, err := s.persist.dir.Start()
	if err != nil {
		return fmt.Errorf("append-only log: %w", err)
	}
	s.persist.log = log
	s.setJournal(log)
	return s.setFsync()
}

// endPersistence is the end of an orderly shutdown: no command runs any more.
func (s *Server) endPersistence() error {
	p := &s.persist
	s.endJob()
	var errs []error
	if !p.ended.Load() {
		errs = append(errs, s.saveAtEnd(commands.ShutdownOptions{}))
	}
	if p.log != nil {
		s.setJournal(nil)
		errs = append(errs, p.log.Close())
	} else if p.dir != nil {
		errs = append(errs, p.dir.Close())
	}
	return errors.Join(errs...)
}

// endJob ends the job that runs, if any: what it has written is thrown away.
func (s *Server) endJob() {
	p := &s.persist
	p.mu.Lock()
	if p.job != nil {
		p.job.cancel.Store(true)
	}
	p.mu.Unlock()
	p.jobs.Wait()
}

// saveAtEnd writes the snapshot that the end of the server asks for, if it does.
func (s *Server) saveAtEnd(o commands.ShutdownOptions) error {
	points := len(s.cfg.Save.Load()) > 0
	if s.persist.loading.Load() || o.NoSave || !o.Save && !points {
		return nil
	}
	s.endJob()
	return s.Save()
}

// LastSave is when the last snapshot ended, or the server started.
func (s *Server) LastSave() int64 {
	s.persist.mu.Lock()
	defer s.persist.mu.Unlock()
	return s.persist.lastSave
}

var _ commands.Host = (*Server)(nil)

// setAppendOnly follows appendonly. A log that is turned on counts from when its first base is written.
func (s *Server) setAppendOnly() error {
	p := &s.persist
	p.mu.Lock()
	defer p.mu.Unlock()
	on := s.cfg.AppendOnly.Load()
	switch {
	case p.loading.Load() || !s.running.Load():
		return errors.New("Unable to change the append-only log while data is being loaded")
	case on == (p.log != nil):
		return nil
	case on && p.job != nil:
		return errors.New("Unable to turn on the append-only log while a snapshot is being written")
	case on:
		return s.turnLogOn()
	case p.runs(jobRewrite):
		return errors.New("Unable to turn off the append-only log while it is being rewritten")
	}
	log := p.log
	s.quiesce(func() { s.setJournal(nil) })
	p.log, p.dir, p.rewrite = nil, nil, false
	s.log.Info("the append-only log is turned off")
	s.committed() // nobody waits for it any more
	return log.Close()
}

// turnLogOn begins a log of what changes from now on, and writes what there is as its base. persist.mu is held.
func (s *Server) turnLogOn() error {
	p := &s.persist
	dir, err := persistence.Open(s.logOptions())
	if err != nil {
		return err
	}
	log, rewrite, err := dir.StartFresh()
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	p.dir, p.log, p.first, p.baseless = dir, log, rewrite, true
	s.log.Info("the append-only log is turned on")
	s.begin(jobRewrite)
	return nil
}

// setSavePoints follows save and stop-writes-on-bgsave-error.
func (s *Server) setSavePoints() error {
	s.persist.mu.Lock()
	defer s.persist.mu.Unlock()
	s.updateRefusal()
	return nil
}

// setViewLimit follows snapshot-memory-limit.
func (s *Server) setViewLimit() error {
	limit := s.cfg.SnapshotMemoryLimit.Load()
	if limit == 0 {
		limit = s.cfg.MaxMemory.Load() / 2
	}
	s.store.SetViewLimit(limit)
	return nil
}

// panicked is the error of a panic in the background.
func panicked(cause any) error { return fmt.Errorf("panic: %v\n%s", cause, debug.Stack()) }
