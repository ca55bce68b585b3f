package persistence

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quarry/persistence/vfs"
)

// options are those of a directory on the disk, for tests.
func options(t testing.TB) Options {
	return Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(testWriter{t}, nil)), ChunkBytes: 1 << 16, ReserveBytes: -1, tick: time.Millisecond}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// commandOf encodes a command.
func commandOf(args ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

// content is what a recovery hands over, a line for each command.
type content struct {
	base  string
	lines []string
}

func (c *content) load(r io.Reader, size int64) error {
	b, err := io.ReadAll(r)
	c.base = string(b)
	return err
}

func (c *content) apply(args [][]byte) error {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = string(a)
	}
	c.lines = append(c.lines, strings.Join(words, " "))
	return nil
}

func (c *content) String() string { return strings.Join(c.lines, "\n") }

func mustOpen(t testing.TB, o Options) (*Dir, *content) {
	t.Helper()
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	c := &content{}
	if _, err := d.Recover(c.load, c.apply, nil); err != nil {
		t.Fatal(err)
	}
	return d, c
}

func mustStart(t testing.TB, d *Dir) *Log {
	t.Helper()
	l, err := d.Start()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// await waits until a position is committed.
func await(t testing.TB, l *Log, pos int64) {
	t.Helper()
	for begun := time.Now(); l.Committed() < pos; {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("position %d is not committed: %d, %q", pos, l.Committed(), l.Refusal())
		}
		time.Sleep(100 * time.Microsecond)
	}
}

func TestWhatIsAppendedIsRecovered(t *testing.T) {
	for _, policy := range []Policy{EverySec, Always, No} {
		o := options(t)
		o.Policy = policy
		d, c := mustOpen(t, o)
		if !d.Empty() || len(c.lines) > 0 {
			t.Fatal("a new directory is not empty")
		}
		l := mustStart(t, d)
		var want []string
		for i := range 100 {
			if i%40 == 0 {
				want = append(want, fmt.Sprint("select ", i%3))
			}
			end := l.Append(i/40*40%3, commandOf("SET", "key", fmt.Sprint(i)))
			want = append(want, fmt.Sprint("SET key ", i))
			if i%7 == 0 {
				l.Commit()
				await(t, l, end)
			}
		}
		mustClose(t, l)
		d, c = mustOpen(t, o)
		if got := c.String(); got != strings.Join(want, "\n") {
			t.Errorf("policy %d: recovered\n%s\nwant\n%s", policy, got, strings.Join(want, "\n"))
		}
		l = mustStart(t, d)
		end := l.Append(0, commandOf("PING"))
		l.Commit()
		await(t, l, end)
		mustClose(t, l)
		_, c = mustOpen(t, o)
		if got := c.String(); got != strings.Join(append(want, "select 0", "PING"), "\n") {
			t.Errorf("policy %d: recovered at last\n%s", policy, got)
		}
	}
}

func TestRewrite(t *testing.T) {
	o := options(t)
	d, _ := mustOpen(t, o)
	l := mustStart(t, d)
	l.Append(1, commandOf("SET", "before", "1"))
	r, err := l.BeginRewrite()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.BeginRewrite(); err != ErrRewriting {
		t.Errorf("a second rewrite: %v", err)
	}
	l.Append(1, commandOf("SET", "between", "1"))
	r.Cut()
	l.Append(1, commandOf("SET", "behind", "1"))
	l.Commit()
	io.WriteString(r.Base(), "REDIS the base")
	if err := r.Finish(); err != nil {
		t.Fatal(err)
	}
	end := l.Append(1, commandOf("SET", "after", "1"))
	l.Commit()
	await(t, l, end)
	mustClose(t, l)
	_, c := mustOpen(t, o)
	if c.base != "REDIS the base" || c.String() != "select 1\nSET behind 1\nSET after 1" {
		t.Errorf("recovered %q\n%s", c.base, c)
	}
	names, _ := vfs.OS.List(filepath.Join(o.Dir, "appendonlydir"))
	if got := fmt.Sprint(names); got != "[appendonly.aof.1.base.rdb appendonly.aof.2.incr.aof appendonly.aof.manifest quarry.lock quarry.meta]" {
		t.Error(got)
	}
}

func TestStartFresh(t *testing.T) {
	o := options(t)
	d, _ := mustOpen(t, o)
	l := mustStart(t, d)
	l.Append(0, commandOf("SET", "old", "1"))
	mustClose(t, l)
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	l, r, err := d.StartFresh()
	if err != nil {
		t.Fatal(err)
	}
	l.Append(0, commandOf("SET", "lost", "1"))
	l.Commit()
	r.Cut()
	l.Append(0, commandOf("SET", "new", "1"))
	io.WriteString(r.Base(), "REDIS base")
	if err := r.Finish(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	_, c := mustOpen(t, o)
	if c.base != "REDIS base" || c.String() != "select 0\nSET new 1" {
		t.Errorf("recovered %q\n%s", c.base, c)
	}
}

func TestTornTailIsCut(t *testing.T) {
	o := options(t)
	d, _ := mustOpen(t, o)
	l := mustStart(t, d)
	l.Append(0, commandOf("SET", "whole", "1"))
	mustClose(t, l)
	path := filepath.Join(o.Dir, "appendonlydir", "appendonly.aof.1.incr.aof")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("*3\r\n$3\r\nSET\r\n$1\r\na")
	f.Close()
	d, err = Open(o)
	if err != nil {
		t.Fatal(err)
	}
	c := &content{}
	stats, err := d.Recover(c.load, c.apply, nil)
	if err != nil || len(stats.Cut) != 1 || c.String() != "select 0\nSET whole 1" {
		t.Fatalf("%v, %+v\n%s", err, stats, c)
	}
}

// Progress is told while a base is read and while commands are, and ends with all.
func TestProgress(t *testing.T) {
	o := options(t)
	d, _ := mustOpen(t, o)
	must(t, d.Seed(func(w io.Writer) error {
		_, err := io.WriteString(w, "REDIS"+strings.Repeat("x", 5<<20))
		return err
	}))
	l := mustStart(t, d)
	for range 30 {
		l.Append(0, commandOf("SET", "a", strings.Repeat("y", 100<<10)))
		l.Commit()
	}
	mustClose(t, l)
	d, err := Open(o)
	must(t, err)
	var c content
	var told []int64
	_, err = d.Recover(c.load, c.apply, func(done, total int64) {
		if n := len(told); n > 0 && done < told[n-1] || done > total {
			t.Errorf("%d of %d after %d", done, total, told[n-1])
		}
		told = append(told, done)
	})
	must(t, err)
	if len(told) < 7 || told[len(told)-1] < 8_000_000 || told[0] > 4<<20 {
		t.Errorf("told %d", told)
	}
	must(t, d.Close())
}
