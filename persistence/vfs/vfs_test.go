package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// each runs a test on the operating system's files, on those in memory, and
// through hooks that let everything pass.
func each(t *testing.T, test func(t *testing.T, fs FS, dir string)) {
	pass := func(fs FS) FS { return &Hooked{fs, func(Op) error { return nil }} }
	t.Run("os", func(t *testing.T) { test(t, OS, t.TempDir()) })
	t.Run("mem", func(t *testing.T) { test(t, NewMem(), "/") })
	t.Run("hooked os", func(t *testing.T) { test(t, pass(OS), t.TempDir()) })
	t.Run("hooked mem", func(t *testing.T) { test(t, pass(NewMem()), "/") })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, f File, text string) {
	t.Helper()
	if n, err := f.Write([]byte(text)); err != nil || n != len(text) {
		t.Fatalf("wrote %d of %d: %v", n, len(text), err)
	}
}

func content(t *testing.T, fs FS, path string) string {
	t.Helper()
	b, err := ReadFile(fs, path, 1<<20)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestFiles(t *testing.T) {
	each(t, func(t *testing.T, fs FS, dir string) {
		must(t, fs.MkdirAll(filepath.Join(dir, "a", "b")))
		must(t, fs.MkdirAll(filepath.Join(dir, "a", "b")))
		path := filepath.Join(dir, "a", "b", "file")
		f, err := fs.Create(path)
		must(t, err)
		write(t, f, "hello ")
		must(t, f.Sync())
		must(t, f.Close())
		if f, err = fs.Append(path); err != nil {
			t.Fatal(err)
		}
		write(t, f, "world")
		if err := f.Preallocate(0, 1<<16); err != nil && !errors.Is(err, ErrUnsupported) {
			t.Error(err)
		}
		if err := f.SyncRange(0, 5, true); err != nil && !errors.Is(err, ErrUnsupported) {
			t.Error(err)
		}
		if info, err := f.Stat(); err != nil || info.SizeBytes != 11 || info.Dir {
			t.Errorf("%+v, %v", info, err)
		}
		b := make([]byte, 8)
		if n, err := f.ReadAt(b, 6); n != 5 || err != io.EOF || string(b[:5]) != "world" {
			t.Errorf("%d, %v, %q", n, err, b)
		}
		must(t, f.Truncate(7))
		write(t, f, "!")
		must(t, f.Close())
		if got := content(t, fs, path); got != "hello w!" {
			t.Errorf("%q", got)
		}
		other := filepath.Join(dir, "a", "other")
		must(t, fs.Rename(path, other))
		must(t, fs.SyncDir(filepath.Join(dir, "a")))
		if names, err := fs.List(filepath.Join(dir, "a")); err != nil || !slices.Equal(names, []string{"b", "other"}) {
			t.Error(names, err)
		}
		if f, err = fs.Create(other); err != nil {
			t.Fatal(err)
		}
		must(t, f.Close())
		if got := content(t, fs, other); got != "" {
			t.Errorf("%q", got)
		}
		must(t, fs.Remove(other))
		if free, err := fs.FreeBytes(dir); err != nil && !errors.Is(err, ErrUnsupported) || err == nil && free <= 0 {
			t.Error(free, err)
		}
	})
}

func TestMissingNames(t *testing.T) {
	each(t, func(t *testing.T, fs FS, dir string) {
		path := filepath.Join(dir, "none")
		_, open := fs.Open(path)
		_, appended := fs.Append(path)
		_, created := fs.Create(filepath.Join(path, "file"))
		_, stat := fs.Stat(path)
		_, list := fs.List(path)
		_, read := ReadFile(fs, path, 10)
		for i, err := range []error{open, appended, created, stat, list, read, fs.Remove(path), fs.Rename(path, path+"2"), fs.SyncDir(path)} {
			if !errors.Is(err, ErrNotExist) {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
}

func TestLock(t *testing.T) {
	each(t, func(t *testing.T, fs FS, dir string) {
		path := filepath.Join(dir, "lock")
		lock, err := fs.Lock(path)
		must(t, err)
		if _, err := fs.Lock(path); !errors.Is(err, ErrLocked) {
			t.Errorf("a second lock: %v", err)
		}
		must(t, lock.Close())
		if lock, err = fs.Lock(path); err != nil {
			t.Fatal(err)
		}
		must(t, lock.Close())
	})
}

func TestReadFileHasALimit(t *testing.T) {
	each(t, func(t *testing.T, fs FS, dir string) {
		path := filepath.Join(dir, "file")
		f, err := fs.Create(path)
		must(t, err)
		write(t, f, "12345")
		must(t, f.Close())
		if _, err := ReadFile(fs, path, 4); err == nil {
			t.Error("5 bytes are read with a limit of 4")
		}
	})
}

func TestPowerLoss(t *testing.T) {
	m := NewMem()
	f, err := m.Create("/synced")
	must(t, err)
	write(t, f, "kept")
	must(t, f.Sync())
	write(t, f, " lost")
	g, err := m.Create("/nameless")
	must(t, err)
	write(t, g, "content")
	must(t, m.SyncDir("/"))
	must(t, g.Sync())
	must(t, m.Rename("/nameless", "/renamed"))
	h, err := m.Create("/new")
	must(t, err)
	write(t, h, "synced, but its name is not")
	must(t, h.Sync())

	look := func(m *Mem) string {
		names, _ := m.List("/")
		text := ""
		for _, n := range names {
			text += fmt.Sprintf("%s=%s;", n, content(t, m, "/"+n))
		}
		return text
	}
	after := m.Crash(LoseAll, nil)
	if got := look(after); got != "nameless=content;synced=kept;" {
		t.Errorf("all is lost: %s", got)
	}
	killed := m.Crash(LoseNothing, nil)
	if got := look(killed); got != "new=synced, but its name is not;renamed=content;synced=kept lost;" {
		t.Errorf("nothing is lost: %s", got)
	}
	if got := look(killed.Crash(LoseAll, nil)); got != "nameless=content;synced=kept;" {
		t.Errorf("what a process has left is lost later: %s", got)
	}
	seen := map[string]bool{}
	for i := range 200 {
		seen[look(m.Crash(LoseSome, rand.New(rand.NewPCG(1, uint64(i)))))] = true
	}
	for _, want := range []string{"nameless=content;synced=kept;", "renamed=content;synced=kept lost;", "nameless=content;synced=kept lo;", "renamed=content;synced=kept\x00\x00\x00\x00\x00;",
		"new=synced, but its name is not;renamed=content;synced=kept;"} {
		if !seen[want] {
			t.Errorf("never seen: %q, of %d", want, len(seen))
		}
	}
	if got := look(m); got != look(killed) {
		t.Errorf("a crash has changed what it was made of: %s", got)
	}
}

func TestMemIsFull(t *testing.T) {
	m := NewMem()
	m.Limit(100)
	f, err := m.Create("/f")
	must(t, err)
	must(t, f.Preallocate(0, 60))
	g, err := m.Create("/g")
	must(t, err)
	if n, err := g.Write(make([]byte, 50)); n != 40 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d, %v", n, err)
	}
	if err := f.Preallocate(60, 10); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("preallocated beyond: %v", err)
	}
	write(t, f, string(bytes.Repeat([]byte("x"), 60)))
	if n, err := f.Write([]byte("y")); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d, %v", n, err)
	}
	must(t, m.Remove("/g"))
	write(t, f, "y")
}

func TestHooksDecide(t *testing.T) {
	var ops []string
	fail := errors.New("so it is decided")
	h := &Hooked{NewMem(), func(op Op) error {
		ops = append(ops, op.String())
		switch op.Kind {
		case "write":
			return &Short{N: 2, Err: fail}
		case "sync":
			return fail
		}
		return nil
	}}
	f, err := h.Create("/f")
	must(t, err)
	if n, err := f.Write([]byte("hello")); n != 2 || !errors.Is(err, fail) {
		t.Errorf("%d, %v", n, err)
	}
	if err := f.Sync(); !errors.Is(err, fail) {
		t.Error(err)
	}
	must(t, h.Rename("/f", "/g"))
	if got := content(t, h.FS, "/g"); got != "he" {
		t.Errorf("%q", got)
	}
	if got := fmt.Sprint(ops); got != "[create f write f 5 sync f rename f g]" {
		t.Error(got)
	}
}

func TestTheDeadDoNothing(t *testing.T) {
	m := NewMem()
	f, err := m.Create("/f")
	must(t, err)
	m.Die(errors.New("dead"))
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("a dead process writes")
	}
	if _, err := m.Create("/g"); err == nil {
		t.Error("a dead process creates")
	}
	if got := content(t, m.Crash(LoseNothing, nil), "/f"); got != "" {
		t.Errorf("%q", got)
	}
}
