package persistence

import (
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
)

// chunk is bytes for a file. When the last of them is written, all up to
// position end is; -1: nothing more than before.
type chunk struct {
	b   []byte
	f   *incr
	end int64
}

// keptBatchBytes is how long a batch may be to be used again.
const keptBatchBytes = 8 << 20

// writeAllLocked writes all that is appended. It returns after an error, which
// is noted; what was not written stays in out, and is continued exactly there.
func (l *Log) writeAllLocked() {
	begun := l.o.Now()
	defer func() { l.noteWrite(time.Duration(l.o.Now() - begun)) }()
	for {
		if err := l.flushLocked(); err != nil {
			l.fail(err)
			return
		}
		if !l.takeLocked() {
			l.allWritten()
			l.afterWriteLocked()
			return
		}
	}
}

// noteWrite tells of a write that took long, under the names Redis has.
func (l *Log) noteWrite(took time.Duration) {
	if took < time.Millisecond {
		return
	}
	name := "aof-write-alone"
	switch {
	case l.rewrite.Load() != nil:
		name = "aof-write-active-child"
	case l.syncing.Load() > 0:
		name = "aof-write-pending-fsync"
	}
	l.o.Event(name, took)
	l.o.Event("aof-write", took)
}

// takeLocked frames what is appended; false: there is nothing.
func (l *Log) takeLocked() bool {
	l.mu.Lock()
	b := l.active
	if len(b.data) == 0 && len(b.breaks) == 0 {
		l.mu.Unlock()
		return false
	}
	if l.spare == nil {
		l.spare = &batch{}
	}
	l.active, l.spare = l.spare, nil
	l.active.start = l.end
	l.mu.Unlock()
	l.taken = append(l.taken, b)
	l.frameLocked(b)
	return true
}

// frameLocked makes chunks of a batch: each group with its line, headers where
// a file begins. A batch of one group, the usual case, is one chunk.
func (l *Log) frameLocked(b *batch) {
	last, from := l.lastFileLocked(), 0
	for _, br := range b.breaks {
		if br.offset > from {
			text := b.data[from:br.offset:br.offset]
			end := b.start + int64(br.offset)
			l.out = append(l.out, chunk{text, last, -1}, chunk{l.groupLineLocked(nil, text, end), last, end})
			from = br.offset
		}
		if br.next != nil {
			last = br.next
			head := l.lineLocked(nil, &line{kind: lineHeader, end: b.start + int64(from), hash: l.d.meta.key})
			l.out = append(l.out, chunk{head, last, -1})
		}
	}
	if from < len(b.data) {
		end := b.start + int64(len(b.data))
		b.data = l.groupLineLocked(b.data, b.data[from:], end)
		l.out = append(l.out, chunk{b.data[from:], last, end})
	}
}

// lastFileLocked is the file that the last chunk goes to.
func (l *Log) lastFileLocked() *incr {
	if n := len(l.out); n > 0 {
		return l.out[n-1].f
	}
	return l.cur
}

func (l *Log) groupLineLocked(dst, text []byte, end int64) []byte {
	return l.lineLocked(dst, &line{kind: lineGroup, end: end, length: int64(len(text)), hash: xxhash.Sum64(text)})
}

// lineLocked appends the next line: its number and the synced position are put in here.
func (l *Log) lineLocked(dst []byte, n *line) []byte {
	l.seq++
	n.seq, n.synced = l.seq, min(l.synced.Load(), n.end)
	l.stated = max(l.stated, n.synced)
	return appendLine(dst, l.d.meta.key, n)
}

// flushLocked writes the chunks.
func (l *Log) flushLocked() error {
	for i := range l.out {
		if err := l.writeLocked(&l.out[i]); err != nil {
			l.out = slices.Delete(l.out, 0, i)
			return err
		}
	}
	clear(l.out)
	l.out = l.out[:0]
	l.recycleLocked()
	return nil
}

// writeLocked writes what is left of a chunk.
func (l *Log) writeLocked(c *chunk) error {
	if c.f != l.cur {
		l.olds = append(l.olds, l.cur)
		l.counts.oldBytes.Add(l.cur.size.Load())
		l.cur = c.f
	}
	n, err := c.f.f.Write(c.b)
	c.f.size.Add(int64(n))
	c.b = c.b[n:]
	if err != nil {
		return err
	}
	if c.end >= 0 {
		l.written.Store(c.end)
		l.counts.groups.Add(1)
	}
	return nil
}

// recycleLocked gives a batch that is written back to be filled.
func (l *Log) recycleLocked() {
	for _, b := range l.taken {
		if cap(b.data) > keptBatchBytes {
			continue
		}
		*b = batch{data: b.data[:0], breaks: b.breaks[:0]}
		l.mu.Lock()
		if l.spare == nil {
			l.spare = b
		}
		l.mu.Unlock()
	}
	l.taken = l.taken[:0]
}

// afterWriteLocked tells those who have work now: the syncer, and the keeper
// of room ahead of the end.
func (l *Log) afterWriteLocked() {
	if l.asleep.Load() && l.asleep.CompareAndSwap(true, false) {
		wake(l.wantSync)
	}
	if l.cur.room.Load()-l.cur.size.Load() < l.o.ChunkBytes/2 {
		wake(l.wantRoom)
	}
}

// writeLoop writes when a loop cannot: during a sync, and after an error. It
// also passes on the news of others.
func (l *Log) writeLoop() {
	defer l.loops.Done()
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	pause := time.Duration(0) // 0: the last attempt succeeded
	for {
		select {
		case <-l.stop:
			return
		case <-retry.C:
			pause = max(pause, 1)
		case <-l.wantWrite:
			if pause > 0 {
				l.passNews()
				continue // until the pause is over
			}
		}
		before := l.Committed()
		l.wmu.Lock()
		l.writeAllLocked()
		l.wmu.Unlock()
		pause = nextPause(l.failing.Load(), pause, l.o.tick)
		if pause > 0 {
			retry.Reset(pause)
		} else if l.Policy() == Always {
			wake(l.wantSync)
		}
		if l.Committed() != before {
			l.news.Store(true)
		}
		l.passNews()
	}
}

func (l *Log) passNews() {
	if l.news.Swap(false) {
		l.o.OnCommit()
	}
}

// nextPause is how long to wait before the next attempt: it doubles up to ten ticks.
func nextPause(failing bool, pause, tick time.Duration) time.Duration {
	if !failing {
		return 0
	}
	return min(max(2*pause, tick), 10*tick)
}
