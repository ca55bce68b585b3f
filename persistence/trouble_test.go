package persistence

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"quarry/persistence/vfs"
)

// eventually waits for something that the log's goroutines do.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// switchable is a file system in memory whose operations of some kinds fail
// while an error is set.
type switchable struct {
	vfs.Hooked
	mem   *vfs.Mem
	mu    sync.Mutex
	fails map[string]error
}

func newSwitchable(t *testing.T) *switchable {
	s := &switchable{mem: vfs.NewMem(), fails: map[string]error{}}
	must(t, s.mem.MkdirAll("/data"))
	must(t, s.mem.SyncDir("/"))
	s.Hooked = vfs.Hooked{FS: s.mem, Hook: func(op vfs.Op) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.fails[op.Kind]
	}}
	return s
}

func (s *switchable) fail(kind string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails[kind] = err
}

// troubled is a log with its goroutines on a file system that can fail.
func troubled(t *testing.T, policy Policy) (*Log, *switchable, *Options) {
	t.Helper()
	fs := newSwitchable(t)
	o := options(t)
	o.FS, o.Dir, o.Policy = fs, "/data", policy
	d, err := Open(o)
	must(t, err)
	return mustStart(t, d), fs, &o
}

// commandsIn is what a crash of the process leaves.
func commandsIn(t *testing.T, fs *switchable, o *Options) string {
	t.Helper()
	again := *o
	again.FS = fs.mem.Crash(vfs.LoseNothing, nil)
	d, c := mustOpen(t, again)
	must(t, d.Close())
	return c.String()
}

func set(n int) []byte { return commandOf("SET", "key", fmt.Sprint(n)) }

func sets(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "\nSET key %d", i)
	}
	return b.String()
}

func TestWriteErrorsAreRefusedAndRetried(t *testing.T) {
	for _, policy := range []Policy{EverySec, Always, No} {
		for text, failure := range map[string]error{
			"MISCONF Errors writing to the AOF file: No space left on device": syscall.ENOSPC,
			"MISCONF Errors writing to the AOF file: Input/output error":      &vfs.Short{N: 10, Err: syscall.EIO},
		} {
			l, fs, o := troubled(t, policy)
			l.Append(0, set(1))
			l.Commit()
			await(t, l, l.Appended())
			fs.fail("write", failure)
			end := l.Append(0, set(2))
			l.Commit()
			eventually(t, "a refusal", func() bool { return l.Refusal() == text })
			if l.Committed() >= end {
				t.Error("what was not written counts as committed")
			}
			if s := l.Stats(); s.WriteErr == nil || s.Buffered == 0 {
				t.Errorf("%+v", s)
			}
			// Commands that run already, and keys that expire.
			l.Append(0, set(3))
			l.Commit()
			fs.fail("write", nil)
			eventually(t, "writes again", func() bool { return l.Refusal() == "" && l.Committed() == l.Appended() })
			if got := commandsIn(t, fs, o); got != "select 0"+sets(1, 3) {
				t.Errorf("policy %d, %v: recovered %s", policy, failure, got)
			}
			mustClose(t, l)
		}
	}
}

func TestCloseSaysThatNotAllIsWritten(t *testing.T) {
	l, fs, _ := troubled(t, EverySec)
	fs.fail("write", syscall.EIO)
	l.Append(0, set(1))
	l.Commit()
	if err := l.Close(); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if err := l.Close(); err != ErrClosed {
		t.Error(err)
	}
}

// A sync that failed under EverySec: what the files hold is not known, and
// only a new base makes the log trusted again.
func TestSyncErrorEverySec(t *testing.T) {
	l, fs, o := troubled(t, EverySec)
	fs.fail("sync", syscall.EIO)
	l.Append(0, set(1))
	l.Commit()
	eventually(t, "a refusal", func() bool { return l.Refusal() == "MISCONF Errors writing to the AOF file: Input/output error" })
	if s := l.Stats(); !s.RewriteWanted || s.SyncErr == nil || s.Synced != 0 {
		t.Errorf("%+v", s)
	}
	fs.fail("sync", nil)
	l.Append(0, set(2))
	l.Commit()
	r, err := l.BeginRewrite()
	must(t, err)
	r.Cut()
	fmt.Fprint(r.Base(), "REDIS")
	if l.Refusal() == "" {
		t.Error("trusted before the rewrite is over")
	}
	must(t, r.Finish())
	if l.Refusal() != "" || l.Stats().RewriteWanted {
		t.Errorf("after the rewrite: %q", l.Refusal())
	}
	l.Append(0, set(3))
	l.Commit()
	eventually(t, "a sync", func() bool { return l.Synced() == l.Appended() })
	again := *o
	again.FS = fs.mem.Crash(vfs.LoseAll, nil)
	d, c := mustOpen(t, again)
	must(t, d.Close())
	if c.base != "REDIS" || c.String() != "select 0\nSET key 3" {
		t.Errorf("%q, %s", c.base, c)
	}
	mustClose(t, l)
}

func TestSyncErrorAlways(t *testing.T) {
	fs := newSwitchable(t)
	o := options(t)
	var fatal atomic.Int64
	o.FS, o.Dir, o.Policy, o.OnFatal = fs, "/data", Always, func(err error) {
		if errors.Is(err, syscall.EIO) {
			fatal.Add(1)
		}
	}
	d, err := Open(o)
	must(t, err)
	l := mustStart(t, d)
	fs.fail("sync", syscall.EIO)
	l.Append(0, set(1))
	l.Commit()
	eventually(t, "OnFatal", func() bool { return fatal.Load() > 0 })
	fs.fail("sync", nil)
	l.Append(0, set(2))
	l.Commit()
	time.Sleep(10 * time.Millisecond)
	if l.Committed() != 0 || fatal.Load() != 1 || l.Refusal() == "" {
		t.Errorf("committed %d, fatal %d times, %q", l.Committed(), fatal.Load(), l.Refusal())
	}
	if err := l.Close(); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
}

// A full disk is noticed while there is room for what cannot be refused.
func TestDiskFullIsSeenAhead(t *testing.T) {
	l, fs, o := troubled(t, EverySec)
	fs.mem.Limit(200 << 10) // chunks are 64 KiB
	n := 0
	for l.Refusal() == "" {
		n++
		l.Append(0, set(n))
		l.Commit()
		if n%100 == 0 {
			time.Sleep(time.Millisecond)
		}
		if n > 100_000 {
			t.Fatal("never refused")
		}
	}
	if got := l.Refusal(); got != "MISCONF Errors writing to the AOF file: No space left on device" || l.Stats().WriteErrors > 0 {
		t.Errorf("%q, %+v", got, l.Stats())
	}
	for range 20 { // keys that expire
		n++
		l.Append(0, set(n))
	}
	l.Commit()
	await(t, l, l.Appended())
	if l.Stats().WriteErrors > 0 {
		t.Error("the reserve has no room for them")
	}
	fs.mem.Limit(0)
	eventually(t, "room again", func() bool { return l.Refusal() == "" })
	if got := commandsIn(t, fs, o); got != "select 0"+sets(1, n) {
		t.Error("not all is there")
	}
	mustClose(t, l)
}

// A rewrite on a full disk finishes with the room of the reserve.
func TestRewriteOnAFullDisk(t *testing.T) {
	fs := newSwitchable(t)
	o := options(t)
	o.FS, o.Dir, o.ChunkBytes, o.ReserveBytes = fs, "/data", -1, 64<<10
	var given atomic.Int64
	fs.Hook = func(op vfs.Op) error {
		if op.Kind == "remove" && strings.HasSuffix(op.Path, reserveName) {
			given.Add(1)
		}
		return nil
	}
	d, err := Open(o)
	must(t, err)
	l := mustStart(t, d)
	if info, err := fs.mem.Stat("/data/appendonlydir/" + reserveName); err != nil {
		t.Fatal(info, err)
	}
	l.Append(0, set(1))
	l.Commit()
	used := o.ReserveBytes + 50
	names, err := fs.List("/data/appendonlydir")
	must(t, err)
	for _, name := range names {
		used += sizeOf(t, fs.mem, "/data/appendonlydir/"+name)
	}
	fs.mem.Limit(used)
	r, err := l.BeginRewrite()
	must(t, err)
	r.Cut()
	fmt.Fprint(r.Base(), "REDIS"+strings.Repeat(" ", 40<<10))
	must(t, r.Finish())
	if given.Load() == 0 {
		t.Error("the reserve was not needed")
	}
	fs.mem.Limit(0)
	r, err = l.BeginRewrite()
	must(t, err)
	r.Cut()
	fmt.Fprint(r.Base(), "REDIS")
	must(t, r.Finish())
	if _, err := fs.mem.Stat("/data/appendonlydir/" + reserveName); err != nil {
		t.Error("the reserve is not made again:", err)
	}
	mustClose(t, l)
}

func TestFileIsTakenAway(t *testing.T) {
	l, fs, _ := troubled(t, EverySec)
	must(t, fs.mem.Rename(firstIncr, "/data/elsewhere"))
	eventually(t, "a refusal", func() bool { return strings.HasPrefix(l.Refusal(), "MISCONF Errors writing to the AOF file: ") })
	must(t, fs.mem.Rename("/data/elsewhere", firstIncr))
	eventually(t, "none", func() bool { return l.Refusal() == "" })
	mustClose(t, l)
}

// The buffer is bounded: beyond the bound writes are refused until it is empty again.
func TestBufferIsBounded(t *testing.T) {
	l, fs, _ := troubled(t, EverySec)
	l.o.BufferBytes = 1000
	fs.fail("write", syscall.EIO)
	for i := range 100 {
		l.Append(0, set(i))
	}
	eventually(t, "a refusal", func() bool { return l.Refusal() != "" })
	l.state.get(func(s *state) {
		if !s.crowded {
			t.Error("not for the reason of its length")
		}
	})
	fs.fail("write", nil)
	l.Commit()
	eventually(t, "none", func() bool { return l.Refusal() == "" && l.Committed() == l.Appended() })
	mustClose(t, l)
}

// Appends of many loops, commits, syncs, rewrites at once: every loop's
// commands are there, in its order, and what was committed was in the files.
func TestConcurrentAppenders(t *testing.T) {
	for _, policy := range []Policy{EverySec, Always} {
		o := options(t)
		o.FS, o.Dir, o.Policy, o.GroupBytes, o.ChunkBytes = vfs.NewMem(), "/", policy, 2000, 1<<14
		o.Log = nil
		d, err := Open(o)
		must(t, err)
		l := mustStart(t, d)
		const loops, each = 4, 1500
		var lock sync.Mutex // stands for the locks of shards
		var order []string
		var wait sync.WaitGroup
		for loop := range loops {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for i := range each {
					text := fmt.Sprint(loop, " ", i)
					lock.Lock()
					end := l.Append(loop%2, commandOf("SET", fmt.Sprint(loop), fmt.Sprint(i)))
					order = append(order, "SET "+text)
					lock.Unlock()
					if i%3 == 0 {
						l.Commit()
					}
					if i%100 == 0 {
						l.Commit()
						await(t, l, end)
					}
				}
			}()
		}
		kept := 0
		for range 5 {
			r, err := l.BeginRewrite()
			must(t, err)
			lock.Lock()
			kept = len(order)
			r.Cut()
			lock.Unlock()
			fmt.Fprint(r.Base(), "REDIS")
			must(t, r.Finish())
		}
		wait.Wait()
		mustClose(t, l)
		_, c := mustOpen(t, o)
		var got []string
		for _, line := range c.lines {
			if !strings.HasPrefix(line, "select") {
				got = append(got, line)
			}
		}
		if strings.Join(got, "\n") != strings.Join(order[kept:], "\n") {
			t.Errorf("policy %d: %d commands are recovered of %d, or in another order", policy, len(got), len(order)-kept)
		}
	}
}

// What the old file could not take any more the new base has: a rewrite ends the trouble.
func TestRewriteEndsTroubleWithTheOldFile(t *testing.T) {
	fs := newSwitchable(t)
	fs.Hook = func(op vfs.Op) error {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if op.Path == firstIncr {
			return fs.fails[op.Kind]
		}
		return nil
	}
	o := options(t)
	o.FS, o.Dir = fs, "/data"
	d, err := Open(o)
	must(t, err)
	l := mustStart(t, d)
	l.Append(0, set(1))
	l.Commit()
	fs.fail("write", &vfs.Short{N: 7, Err: syscall.EIO})
	l.Append(0, set(2))
	l.Commit()
	eventually(t, "a refusal", func() bool { return l.Refusal() != "" })
	r, err := l.BeginRewrite()
	must(t, err)
	l.Append(0, set(3))
	r.Cut()
	l.Append(0, set(4))
	fmt.Fprint(r.Base(), "REDIS 3")
	must(t, r.Finish())
	eventually(t, "none", func() bool { return l.Refusal() == "" && l.Committed() == l.Appended() })
	if got := commandsIn(t, fs, &o); got != "select 0\nSET key 4" {
		t.Errorf("recovered %s", got)
	}
	mustClose(t, l)
}

// A base that was cut before a sync failed says nothing of what came behind it.
func TestRewriteCutBeforeASyncError(t *testing.T) {
	l, fs, _ := troubled(t, EverySec)
	r, err := l.BeginRewrite()
	must(t, err)
	r.Cut()
	fs.fail("sync", syscall.EIO)
	l.Append(0, set(1))
	l.Commit()
	eventually(t, "a refusal", func() bool { return l.Refusal() != "" })
	fs.fail("sync", nil)
	fmt.Fprint(r.Base(), "REDIS")
	must(t, r.Finish())
	if l.Refusal() == "" || !l.Stats().RewriteWanted {
		t.Error("trusted, though what is behind the cut may not be on the disk")
	}
	r, err = l.BeginRewrite()
	must(t, err)
	r.Cut()
	fmt.Fprint(r.Base(), "REDIS 1")
	must(t, r.Finish())
	if l.Refusal() != "" {
		t.Error(l.Refusal())
	}
	mustClose(t, l)
}

// A server starts on a full disk: the reserve has room for the header.
func TestStartOnAFullDisk(t *testing.T) {
	fs := newSwitchable(t)
	o := options(t)
	o.FS, o.Dir, o.ChunkBytes, o.ReserveBytes = fs, "/data", -1, 64<<10
	d, err := Open(o)
	must(t, err)
	mustClose(t, mustStart(t, d))
	used := o.ReserveBytes + 10
	names, err := fs.List("/data/appendonlydir")
	must(t, err)
	for _, name := range names {
		used += sizeOf(t, fs.mem, "/data/appendonlydir/"+name)
	}
	fs.mem.Limit(used)
	d, c := mustOpen(t, o)
	l := mustStart(t, d)
	mustClose(t, l)
	if len(c.lines) > 0 {
		t.Error(c)
	}
}
