package persistence

import (
	"strconv"
	"sync"
	"sync/atomic"

	"quarry/persistence/vfs"
)

// Log is the append-only log while the server runs.
//
// Appending is copying to a batch in memory, under mu. Whoever writes takes
// the whole batch, leaving an empty one, so that the write does not keep
// anybody from appending; that is the group commit: what many loops have
// appended is one write with one line behind it. Who writes:
//
//   - EverySec and No: the loop that calls Commit, at once. While a sync is
//     under way a write may take as long as the sync does (measured on ext4: of
//     writes of 200 bytes beside syncs of 8 ms most took 5 us, one in a hundred
//     3 to 4 ms), so then it is the writer's goroutine, and the loop goes on.
//   - Always: the syncer's goroutine, which takes, writes and syncs all there is,
//     again and again; what is appended during one sync is the next group.
//   - After an error: the writer's goroutine only, until all is written.
//
// Lock order: wmu, mu, state. Append takes mu and, rarely, state; nothing
// that waits for a disk is done under mu or state.
type Log struct {
	d      *Dir
	o      Options
	policy atomic.Uint32

	mu     sync.Mutex // guards what is appended
	active *batch
	spare  *batch // empty, or nil while it is being written
	db     int    // the database of the last command; -1: say it
	end    int64  // position behind the last command

	appended atomic.Int64
	written  atomic.Int64 // moved under wmu
	synced   atomic.Int64

	wmu    sync.Mutex // guards the files
	cur    *incr
	olds   []*incr // left by a cut, not known to be synced
	out    []chunk // framed and not written; the first may be written in part
	taken  []*batch
	seq    int64
	stated int64 // the highest synced position that a line tells

	syncing  atomic.Int32 // syncs that are under way, of whatever file: writes may block
	lastSync int64        // bytes that the last sync of Always brought to the disk; the sync loop's own
	failing  atomic.Bool  // a write has failed and is tried again
	asleep   atomic.Bool  // the syncer waits to be told of a write
	news     atomic.Bool  // OnCommit is due
	state    state

	rewrite atomic.Pointer[Rewrite]
	unnamed []fileInfo // files that no manifest names until the first rewrite is over; the rewrite's
	counts  counters

	wantWrite, wantSync, wantRoom chan struct{}
	stop                          chan struct{}
	loops                         sync.WaitGroup
	closed                        atomic.Bool
}

// batch is what was appended since somebody took the last one.
type batch struct {
	data   []byte
	start  int64 // position of data[0]
	breaks []groupBreak
	group  int // where the group begins that is being appended
}

// groupBreak ends a group within a batch, at an offset; what follows goes to next, unless it is nil.
type groupBreak struct {
	offset int
	next   *incr
}

// incr is an incremental file that is being written.
type incr struct {
	info fileInfo
	path string
	f    vfs.File
	size atomic.Int64 // moved under wmu
	room atomic.Int64 // preallocated up to here; moved by the keeper
}

// Append puts effects, which are whole commands of one database, behind all
// others and returns the position of their end. The caller holds the locks
// that give the commands their order. It never waits for a disk, and allocates
// only while the batches grow to their usual size.
func (l *Log) Append(db int, effects []byte) (end int64) {
	l.mu.Lock()
	b := l.active
	before := len(b.data)
	if db != l.db {
		b.data = appendSelect(b.data, db)
		l.db = db
	}
	b.data = append(b.data, effects...)
	l.end += int64(len(b.data) - before)
	end = l.end
	l.appended.Store(end)
	if int64(len(b.data)-b.group) >= l.o.GroupBytes {
		b.breaks = append(b.breaks, groupBreak{offset: len(b.data)})
		b.group = len(b.data)
	}
	l.mu.Unlock()
	if end-l.written.Load() > l.o.BufferBytes {
		l.crowd()
	}
	return end
}

// appendSelect encodes SELECT. The name is in small letters: Redis, which
// writes it in capitals, has then left a mark where it went on with our file.
func appendSelect(dst []byte, db int) []byte {
	var digits [20]byte
	n := strconv.AppendInt(digits[:0], int64(db), 10)
	dst = append(dst, "*2\r\n$6\r\nselect\r\n$"...)
	dst = strconv.AppendInt(dst, int64(len(n)), 10)
	dst = append(dst, '\r', '\n')
	dst = append(dst, n...)
	return append(dst, '\r', '\n')
}

// Appended is the position behind all that was appended.
func (l *Log) Appended() int64 { return l.appended.Load() }

// Committed is the position up to which the policy's promise is kept: what is
// before it is written (EverySec, No) or synced (Always).
func (l *Log) Committed() int64 {
	if l.Policy() == Always {
		return l.synced.Load()
	}
	return l.written.Load()
}

// Synced is the position up to which the log is known to be on the disk.
func (l *Log) Synced() int64 { return l.synced.Load() }

// Policy is the policy in force.
func (l *Log) Policy() Policy { return Policy(l.policy.Load()) }

// SetPolicy changes the policy. What waits for Committed is looked at anew.
func (l *Log) SetPolicy(p Policy) {
	l.policy.Store(uint32(p))
	wake(l.wantSync)
	l.tell()
}

// Commit sees to it that all that is appended gets written, and under Always
// synced. Where the policy is not Always and nothing is in the way it is
// written on return; else OnCommit follows.
func (l *Log) Commit() {
	switch {
	case l.Policy() == Always:
		if l.appended.Load() > l.synced.Load() {
			wake(l.wantSync)
		}
	case l.written.Load() >= l.appended.Load():
	case l.syncing.Load() > 0 || l.failing.Load():
		l.counts.delayed.Add(1)
		wake(l.wantWrite)
	default:
		l.wmu.Lock()
		if l.written.Load() < l.appended.Load() && !l.failing.Load() {
			l.writeAllLocked()
		}
		l.wmu.Unlock()
	}
}

// wake tells a goroutine that there is work, unless it knows.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
