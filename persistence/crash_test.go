package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"quarry/persistence/vfs"
)

// story is a log that lives through everything: commands numbered from 1, of
// several databases, rewrites that succeed and that do not, an end and a new
// start. What an operation on a file brings is decided by a hook; after an
// error that ends a step the story goes on with the next that makes sense.
type story struct {
	o     Options
	fs    *vfs.Hooked
	log   *Log
	ends  []int64 // positions behind the commands, of this process
	first int     // the number of the command before those in ends
	count int     // commands appended
	acked int     // of which this many were committed
	saved int     // and this many synced
	fatal bool
}

// newStory is a story on a file system in memory.
func newStory(fs vfs.FS, policy Policy, hook func(vfs.Op) error) *story {
	s := &story{fs: &vfs.Hooked{FS: fs, Hook: hook}}
	s.o = Options{FS: s.fs, Dir: "/data", Policy: policy, ChunkBytes: 4096, ReserveBytes: 100, GroupBytes: 300, still: true,
		Key: func() uint64 { return 0x1234567890abcdef }, OnFatal: func(error) { s.fatal = true }}
	return s
}

// tell runs the whole of it. Errors are part of it.
func (s *story) tell() {
	if s.start() != nil {
		return
	}
	s.commands(3)
	s.commands(20)
	s.rewrite(true, true)
	s.commands(3)
	s.rewrite(true, false)
	s.commands(2)
	s.rewrite(false, false)
	s.commands(2)
	s.log.stateSynced()
	s.commands(1)
	s.log.Close()
	s.note()
	if s.fatal || s.start() != nil {
		return
	}
	s.commands(2)
	s.rewrite(true, true)
	s.commands(2)
	s.log.Close()
	s.note()
}

// start opens, recovers and begins. What was recovered counts as there.
func (s *story) start() error {
	d, err := Open(s.o)
	if err != nil {
		return err
	}
	var t tale
	if _, err := d.Recover(t.base, t.apply, nil); err != nil {
		return errors.Join(err, d.Close())
	}
	if s.log, err = d.Start(); err != nil {
		return errors.Join(err, d.Close())
	}
	s.ends, s.first = nil, t.last
	s.count = t.last
	return nil
}

// commands appends n commands, each as a batch of its own, over two databases.
func (s *story) commands(n int) {
	for range n {
		s.append()
		if s.count%4 != 0 {
			s.commit()
		}
	}
	s.commit()
	if s.log.Policy() == EverySec && s.count%2 == 0 && s.log.wantsSync() {
		s.log.syncOnce()
		s.note()
	}
}

func (s *story) append() {
	s.count++
	db := s.count / 5 % 2
	text := commandOf("SET", strconv.Itoa(db), strconv.Itoa(s.count))
	if s.count%6 == 0 {
		text = slices.Concat(commandOf("MULTI"), text, commandOf("EXEC"))
	}
	s.ends = append(s.ends, s.log.Append(db, text))
}

// commit does what the log's goroutines do, too.
func (s *story) commit() {
	l := s.log
	l.Commit()
	if l.failing.Load() {
		l.wmu.Lock()
		l.writeAllLocked()
		l.wmu.Unlock()
	}
	if l.Policy() == Always {
		l.syncAll()
	}
	l.wmu.Lock()
	f := l.lastFileLocked()
	l.wmu.Unlock()
	l.keepRoom(f)
	s.note()
}

// note counts what is committed now.
func (s *story) note() {
	upTo := func(pos int64) int {
		n := 0
		for n < len(s.ends) && s.ends[n] <= pos {
			n++
		}
		return s.first + n
	}
	s.acked = max(s.acked, upTo(s.log.Committed()))
	s.saved = max(s.saved, upTo(s.log.Synced()))
}

func (s *story) rewrite(cut, finish bool) {
	r, err := s.log.BeginRewrite()
	if err != nil {
		return
	}
	s.commands(1)
	covers := s.count
	if cut {
		s.append()
		covers = s.count
		r.Cut()
		s.append()
	}
	fmt.Fprintf(r.Base(), "REDIS %d", covers)
	if finish {
		s.commands(1)
		r.Finish()
	} else {
		r.Abort(errors.New("the story says so"))
	}
	s.note()
}

// tale is what a recovery tells of a story: the commands up to last, each once, in order.
type tale struct {
	last  int
	db    string
	multi bool
	wrong []string
}

func (t *tale) base(r io.Reader, size int64) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, err = fmt.Sscanf(string(b), "REDIS %d", &t.last)
	return err
}

func (t *tale) apply(args [][]byte) error {
	words := bytes.Split(bytes.Join(args, []byte(" ")), []byte(" "))
	switch string(words[0]) {
	case "select":
		t.db = string(words[1])
	case "MULTI":
		t.multi = true
	case "EXEC":
		t.multi = false
	default:
		if want := fmt.Sprintf("SET %s %d", t.db, t.last+1); string(bytes.Join(words, []byte(" "))) != want {
			t.wrong = append(t.wrong, fmt.Sprintf("%s; want %s", bytes.Join(words, []byte(" ")), want))
		}
		t.last++
	}
	return nil
}

// check recovers what is on fs and starts anew on it.
func (s *story) check(t *testing.T, fs *vfs.Mem, least int, what string) {
	t.Helper()
	again := newStory(fs, s.o.Policy, func(vfs.Op) error { return nil })
	for round := range 2 {
		d, err := Open(again.o)
		if err != nil {
			t.Errorf("%s, round %d: %v", what, round, err)
			return
		}
		var told tale
		if _, err := d.Recover(told.base, told.apply, nil); err != nil {
			t.Errorf("%s, round %d: %v", what, round, err)
			return
		}
		if told.last < least || told.last > s.count || told.multi || len(told.wrong) > 0 {
			t.Errorf("%s, round %d: recovered %d commands, want %d to %d; in a MULTI: %t; %s", what, round, told.last, least, s.count, told.multi, strings.Join(told.wrong, ", "))
			return
		}
		least = told.last
		again.first, again.count, again.ends = told.last, told.last, nil
		if again.log, err = d.Start(); err != nil {
			t.Errorf("%s, round %d: %v", what, round, err)
			return
		}
		if round == 0 {
			// What was recovered is on the disk from here on, whatever becomes of the machine.
			if sum := summary(fs.Crash(vfs.LoseAll, nil), again.o); sum != fmt.Sprint(told.last, " <nil>") {
				t.Errorf("%s: after a start and a loss of power: %s, want %d", what, sum, told.last)
			}
			again.commands(2)
			least += 2
			s.count = max(s.count, least)
			if again.acked < least {
				t.Errorf("%s: after the crash commands are not committed: %d of %d, %q", what, again.acked, least, again.log.Refusal())
			}
		}
		if err := again.log.Close(); err != nil {
			t.Errorf("%s, round %d: %v", what, round, err)
			return
		}
	}
}

// summary is what a recovery tells, on one line.
func summary(fs vfs.FS, o Options) string {
	o.FS = fs
	d, err := Open(o)
	var told tale
	if err == nil {
		_, err = d.Recover(told.base, told.apply, nil)
	}
	return fmt.Sprint(told.last, " ", err)
}

var errCrash = errors.New("the process is over")

// crashAt is a hook for which the process ends with the k-th operation that
// changes something; a write happens in part.
func crashAt(k int64) (hook func(vfs.Op) error, at *vfs.Op) {
	var n atomic.Int64
	at = &vfs.Op{}
	return func(op vfs.Op) error {
		switch i := n.Load(); {
		case i > k:
			return errCrash
		case op.Reads():
			return nil
		}
		if n.Add(1) != k+1 {
			return nil
		}
		*at = op
		if op.Kind == "write" && k%3 != 0 {
			return &vfs.Short{N: int(k) % op.Size, Err: errCrash}
		}
		return errCrash
	}, at
}

func TestCrashAtEveryOperation(t *testing.T) {
	for _, policy := range []Policy{EverySec, Always} {
		ended := false
		k := int64(0)
		for ; !ended; k++ {
			mem := vfs.NewMem()
			mem.MkdirAll("/data")
			mem.SyncDir("/")
			hook, at := crashAt(k)
			s := newStory(mem, policy, hook)
			s.tell()
			ended = at.Kind == ""
			what := fmt.Sprintf("policy %d, crash at operation %d, %s", policy, k, at)
			for i, loss := range []vfs.Loss{vfs.LoseNothing, vfs.LoseAll, vfs.LoseSome, vfs.LoseSome, vfs.LoseSome} {
				least := s.saved
				if loss == vfs.LoseNothing {
					least = s.acked
				}
				copied := *s
				copied.check(t, mem.Crash(loss, rand.New(rand.NewPCG(uint64(k), uint64(i)))), least, fmt.Sprintf("%s, loss %d.%d", what, loss, i))
			}
			if t.Failed() {
				return
			}
		}
		if k < 100 {
			t.Errorf("policy %d: the story has %d operations only", policy, k)
		}
		t.Logf("policy %d: %d operations", policy, k)
	}
}

// Every operation fails once: what was committed is there, and the log goes on
// if the process did.
func TestEveryOperationFails(t *testing.T) {
	for _, policy := range []Policy{EverySec, Always} {
		for _, failure := range []error{syscall.EIO, syscall.ENOSPC, &vfs.Short{N: 9, Err: syscall.EIO}} {
			ended := false
			for k := int64(0); !ended; k++ {
				mem := vfs.NewMem()
				mem.MkdirAll("/data")
				mem.SyncDir("/")
				var n atomic.Int64
				var at vfs.Op
				s := newStory(mem, policy, func(op vfs.Op) error {
					if n.Add(1) == k+1 {
						at = op
						return failure
					}
					return nil
				})
				s.tell()
				ended = at.Kind == ""
				s.check(t, mem.Crash(vfs.LoseNothing, nil), s.acked, fmt.Sprintf("policy %d, operation %d, %s, fails: %v", policy, k, at, failure))
				if t.Failed() {
					return
				}
			}
		}
	}
}
