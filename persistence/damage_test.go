package persistence

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"quarry/persistence/vfs"
)

// written is a directory in memory with a log of two files, its last commands
// stated as synced or not, as a process that was killed leaves it.
func written(t *testing.T, stated bool) (mem *vfs.Mem, o Options, commands int) {
	t.Helper()
	mem = vfs.NewMem()
	must(t, mem.MkdirAll("/data"))
	s := newStory(mem, EverySec, func(vfs.Op) error { return nil })
	must(t, s.start())
	s.commands(7)
	s.rewrite(true, false)
	s.commands(6)
	if stated {
		s.log.syncOnce()
		s.log.stateSynced()
	}
	return mem.Crash(vfs.LoseNothing, nil), s.o, s.count
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func recovered(mem *vfs.Mem, o Options) (tale, RecoverStats, error) {
	o.FS = mem
	var told tale
	d, err := Open(o)
	if err != nil {
		return told, RecoverStats{}, err
	}
	stats, err := d.Recover(told.base, told.apply, nil)
	return told, stats, errors.Join(err, d.Close())
}

func sizeOf(t *testing.T, mem *vfs.Mem, path string) int64 {
	t.Helper()
	info, err := mem.Stat(path)
	must(t, err)
	return info.SizeBytes
}

const (
	firstIncr = "/data/appendonlydir/appendonly.aof.1.incr.aof"
	lastIncr  = "/data/appendonlydir/appendonly.aof.2.incr.aof"
)

func truncate(t *testing.T, mem *vfs.Mem, path string, size int64) {
	t.Helper()
	f, err := mem.Append(path)
	must(t, err)
	must(t, f.Truncate(size))
	must(t, f.Close())
}

// A file that ends anywhere is a beginning of what was written; what is behind
// the last whole group is in a side file.
func TestTailCutAtEveryByte(t *testing.T) {
	whole, o, commands := written(t, false)
	size := sizeOf(t, whole, lastIncr)
	last := -1
	for cut := int64(0); cut <= size; cut++ {
		mem := whole.Crash(vfs.LoseNothing, nil)
		truncate(t, mem, lastIncr, cut)
		told, stats, err := recovered(mem, o)
		if err != nil || len(told.wrong) > 0 || told.last < last {
			t.Fatalf("cut at %d of %d: %d commands (before: %d), %v, %v", cut, size, told.last, last, told.wrong, err)
		}
		last = told.last
		kept := int64(0)
		for _, c := range stats.Cut {
			kept += c.Bytes
			if n := sizeOf(t, mem, c.SideAt); n != c.Bytes {
				t.Errorf("%d bytes are kept of %d", n, c.Bytes)
			}
		}
		if sizeOf(t, mem, lastIncr)+kept != cut {
			t.Errorf("cut at %d: %d bytes are left, %d in side files", cut, sizeOf(t, mem, lastIncr), kept)
		}
		if again, stats, err := recovered(mem, o); err != nil || again.last != last || len(stats.Cut) > 0 {
			t.Fatalf("cut at %d: the second time %d commands of %d, %+v, %v", cut, again.last, last, stats.Cut, err)
		}
	}
	if last != commands {
		t.Errorf("the whole file has %d commands of %d", last, commands)
	}
}

// A tail that a line says was synced is missed.
func TestMissingTailIsDamage(t *testing.T) {
	whole, o, _ := written(t, true)
	mem := whole.Crash(vfs.LoseNothing, nil)
	truncate(t, mem, firstIncr, sizeOf(t, mem, firstIncr)-1)
	if _, _, err := recovered(mem, o); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), firstIncr) {
		t.Errorf("a byte less in the first file: %v", err)
	}
	mem = whole.Crash(vfs.LoseNothing, nil)
	truncate(t, mem, firstIncr, 0)
	if _, _, err := recovered(mem, o); !errors.Is(err, ErrDamaged) {
		t.Errorf("an empty first file: %v", err)
	}
	mem = whole.Crash(vfs.LoseNothing, nil)
	must(t, mem.Remove(firstIncr))
	if _, _, err := recovered(mem, o); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), firstIncr) {
		t.Errorf("no first file: %v", err)
	}
}

// Any bit of a log: what is known to be synced is either recovered as it was
// or refused with file and offset; nothing on the disk changes then.
func TestEveryBitOfTheLog(t *testing.T) {
	whole, o, commands := written(t, true)
	refused, cut := 0, 0
	for _, path := range []string{firstIncr, lastIncr} {
		size := sizeOf(t, whole, path)
		for at := range size {
			for bit := range 8 {
				mem := whole.Crash(vfs.LoseNothing, nil)
				mem.Flip(path, at, 1<<bit)
				told, stats, err := recovered(mem, o)
				what := fmt.Sprintf("%s, byte %d, bit %d", path, at, bit)
				var fault *Fault
				switch {
				case err == nil && told.last == commands && len(told.wrong) == 0:
					// Only the last line, which confirms nothing but what it says, can go unnoticed: it is cut.
					cut++
					if path != lastIncr || len(stats.Cut) != 1 || stats.Cut[0].Offset < size-100 {
						t.Fatalf("%s: not noticed, %+v", what, stats.Cut)
					}
				case errors.As(err, &fault) && errors.Is(err, ErrDamaged):
					refused++
					if fault.File != path || fault.Offset > at || sizeOf(t, mem, path) != size {
						t.Fatalf("%s: %v", what, err)
					}
				default:
					t.Fatalf("%s: %d commands of %d, %v, %v", what, told.last, commands, told.wrong, err)
				}
			}
		}
	}
	t.Logf("%d refused, %d cut", refused, cut)
	if refused == 0 || cut == 0 {
		t.Error("one of the two never happens")
	}
}

// Without a line that says so, damage at the end cannot be told from a tail:
// what is recovered is a beginning, and the rest is kept.
func TestEveryBitOfAnUnsyncedLog(t *testing.T) {
	whole, o, commands := written(t, false)
	size := sizeOf(t, whole, lastIncr)
	for at := range size {
		mem := whole.Crash(vfs.LoseNothing, nil)
		mem.Flip(lastIncr, at, 4)
		told, stats, err := recovered(mem, o)
		if errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil || len(told.wrong) > 0 || told.last > commands || len(stats.Cut) == 0 {
			t.Fatalf("byte %d: %d commands of %d, %v, %+v, %v", at, told.last, commands, told.wrong, stats.Cut, err)
		}
	}
}

// Any bit of the manifest: refused, or without meaning (case, the comment's tag).
func TestEveryBitOfTheManifest(t *testing.T) {
	whole, o, commands := written(t, true)
	path := filepath.Join("/data/appendonlydir", "appendonly.aof"+manifestSuffix)
	refused, same := 0, 0
	for at := range sizeOf(t, whole, path) {
		for bit := range 8 {
			mem := whole.Crash(vfs.LoseNothing, nil)
			mem.Flip(path, at, 1<<bit)
			told, _, err := recovered(mem, o)
			switch {
			case errors.Is(err, ErrDamaged):
				refused++
			case err != nil || told.last != commands || len(told.wrong) > 0:
				t.Fatalf("byte %d, bit %d: %d commands, %v", at, bit, told.last, err)
			default:
				same++
			}
		}
	}
	t.Logf("%d refused, %d without meaning", refused, same)
	if same > 8*len(checkTag) {
		t.Errorf("%d bits can change unseen", same)
	}
}

// The side file: damage is said and mended; a later format is refused.
func TestMeta(t *testing.T) {
	whole, o, commands := written(t, true)
	path := "/data/appendonlydir/quarry.meta"
	for at := range sizeOf(t, whole, path) {
		mem := whole.Crash(vfs.LoseNothing, nil)
		mem.Flip(path, at, 1)
		if told, _, err := recovered(mem, o); err != nil || told.last != commands {
			t.Fatalf("byte %d: %d commands, %v", at, told.last, err)
		}
	}
	mem := whole.Crash(vfs.LoseNothing, nil)
	f, err := mem.Create(path)
	must(t, err)
	m := meta{format: metaFormat + 1, version: "9", key: 1}
	if _, err := f.Write(appendMeta(nil, &m)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := recovered(mem, o); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), path) {
		t.Errorf("a later format: %v", err)
	}
}

// Who can store bytes cannot make the server believe that they are lines.
func TestForgedLinesAreNotBelieved(t *testing.T) {
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("/data"))
	s := newStory(mem, EverySec, func(vfs.Op) error { return nil })
	must(t, s.start())
	s.log.Append(0, commandOf("SET", "0", "1"))
	s.log.Commit()
	forged := appendLine(nil, 4711, &line{kind: lineGroup, seq: 99, end: 1 << 40, synced: 1 << 39})
	forged = appendLine(forged, 4711, &line{kind: lineHeader, seq: 100, end: 1 << 40, synced: 1 << 39, hash: 4711})
	s.log.Append(0, commandOf("SET", "0", "2\r\n"+string(forged)))
	s.log.Commit()
	s.log.Append(0, commandOf("SET", "0", "3"))
	s.log.Commit()
	after := mem.Crash(vfs.LoseNothing, nil)
	// The group with the forged lines is torn: the forged lines do not make it damage.
	text, err := vfs.ReadFile(after, firstIncr, 1<<20)
	must(t, err)
	after.Flip(firstIncr, int64(strings.Index(string(text), "2\r\n#Q1")), 1)
	told, stats, err := recovered(after, s.o)
	if err != nil || told.last != 1 || len(stats.Cut) != 1 {
		t.Errorf("%d commands, %+v, %v", told.last, stats.Cut, err)
	}
}

// A long group is read twice, and not held in memory as a whole.
func TestLongGroups(t *testing.T) {
	o := options(t)
	o.GroupBytes = 1 << 40
	d, _ := mustOpen(t, o)
	l := mustStart(t, d)
	long := strings.Repeat("x", 9<<20)
	for i := range 6 {
		l.Append(0, commandOf("SET", fmt.Sprint(i), long))
	}
	l.Append(0, commandOf("SET", "end", long[:100]))
	l.Commit()
	mustClose(t, l)
	d, err := Open(o)
	must(t, err)
	n := 0
	_, err = d.Recover(nil, func(args [][]byte) error {
		if string(args[0]) == "SET" && string(args[2]) != long[:len(args[2])] {
			return fmt.Errorf("command %d is not what was written", n)
		}
		n++
		return nil
	}, nil)
	if err != nil || n != 8 {
		t.Errorf("%d commands, %v", n, err)
	}
}

func TestOpenRefusesADirectoryInUse(t *testing.T) {
	o := options(t)
	d, _ := mustOpen(t, o)
	if _, err := Open(o); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	must(t, d.Close())
	d, _ = mustOpen(t, o)
	must(t, d.Close())
}

func TestApplyErrorsEndARecovery(t *testing.T) {
	whole, o, _ := written(t, true)
	o.FS = whole
	d, err := Open(o)
	must(t, err)
	wrong := errors.New("this command fails")
	_, err = d.Recover(nil, func(args [][]byte) error {
		if string(args[len(args)-1]) == "5" {
			return wrong
		}
		return nil
	}, nil)
	if !errors.Is(err, wrong) || !strings.Contains(err.Error(), firstIncr) || errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if _, err := d.Start(); err == nil {
		t.Error("a log starts on what was not recovered")
	}
}
