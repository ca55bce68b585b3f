package persistence

import (
	"fmt"
	"strings"
	"testing"

	"quarry/persistence/vfs"
)

// benchLog is a log on the disk of the machine, or on /dev/shm where that is
// what TMPDIR says.
func benchLog(b *testing.B, policy Policy) *Log {
	o := Options{Dir: b.TempDir(), Policy: policy, ReserveBytes: -1}
	d, err := Open(o)
	if err != nil {
		b.Fatal(err)
	}
	l, err := d.Start()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	return l
}

// BenchmarkAppend is what a command pays under its locks: ns and allocations of
// one effect of ZADD, a commit for each of so many.
func BenchmarkAppend(b *testing.B) {
	effect := commandOf("ZADD", "board", "1234567", "player:1234567")
	for _, batch := range []int{1, 16, 256} {
		b.Run(fmt.Sprint("commit each ", batch), func(b *testing.B) {
			l := benchLog(b, EverySec)
			b.ReportAllocs()
			b.SetBytes(int64(len(effect)))
			for i := range b.N {
				l.Append(0, effect)
				if i%batch == batch-1 {
					l.Commit()
				}
			}
		})
	}
	b.Run("append only", func(b *testing.B) {
		l := benchLog(b, EverySec)
		b.ReportAllocs()
		for i := range b.N {
			l.Append(0, effect)
			if i%(1<<15) == 0 {
				b.StopTimer()
				l.Commit()
				b.StartTimer()
			}
		}
	})
}

// BenchmarkAlways is a commit with a sync, one loop after the other.
func BenchmarkAlways(b *testing.B) {
	l := benchLog(b, Always)
	effect := commandOf("ZADD", "board", "1234567", "player:1234567")
	done := make(chan struct{}, 1)
	l.o.OnCommit = func() { wake(done) }
	for b.Loop() {
		end := l.Append(0, effect)
		l.Commit()
		for l.Committed() < end {
			<-done
		}
	}
}

// BenchmarkRecover reads a log of groups of 16 commands, and does nothing with them.
func BenchmarkRecover(b *testing.B) {
	const commands = 1 << 18
	o := Options{FS: vfs.NewMem(), Dir: "/", ReserveBytes: -1, ChunkBytes: -1, still: true}
	d, err := Open(o)
	if err != nil {
		b.Fatal(err)
	}
	l, err := d.Start()
	if err != nil {
		b.Fatal(err)
	}
	for i := range commands {
		l.Append(0, commandOf("ZADD", "board", fmt.Sprint(i), "player:"+strings.Repeat("7", i%9)))
		if i%16 == 15 {
			l.Commit()
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	b.ReportAllocs()
	for range b.N {
		d, err := Open(o)
		if err != nil {
			b.Fatal(err)
		}
		stats, err := d.Recover(nil, func([][]byte) error { return nil }, nil)
		if err != nil || stats.Commands != commands+1 {
			b.Fatal(stats, err)
		}
		d.Close()
		b.SetBytes(stats.Bytes)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/commands, "ns/command")
	}
}

// The steady state allocates nothing.
func TestAppendAndCommitDoNotAllocate(t *testing.T) {
	o := options(t)
	o.FS = vfs.NewMem()
	o.still = true
	d, _ := mustOpen(t, o)
	l := mustStart(t, d)
	// The disk stands for itself: what is counted is the log's.
	l.cur.f = nullFile{l.cur.f}
	effect := commandOf("SET", "key", "value")
	step := func() {
		for db := range 3 {
			l.Append(db, effect)
		}
		l.Commit()
	}
	for range 100 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// nullFile takes what is written and forgets it.
type nullFile struct{ vfs.File }

func (nullFile) Write(p []byte) (int, error) { return len(p), nil }
