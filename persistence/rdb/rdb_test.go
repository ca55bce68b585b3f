package rdb_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"quarry/persistence/rdb"
	"quarry/store"
)

// TestRoundTrip: what is saved is loaded as it was, whatever the options and the shards.
func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name string
		o    rdb.SaveOptions
		load rdb.LoadOptions
		to   store.Options
	}{
		{"plain", rdb.SaveOptions{}, rdb.LoadOptions{}, store.Options{Shards: 1, Seed: 2}},
		{"all", rdb.SaveOptions{Compress: true, Checksum: true, Uses: rdb.Idle}, rdb.LoadOptions{NowMS: nowMS, Workers: 3}, store.Options{Shards: 8, Seed: 1}},
		{"base", rdb.SaveOptions{Checksum: true, AOFBase: true, Uses: rdb.Freq}, rdb.LoadOptions{Workers: 99}, store.Options{Shards: 4, Seed: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := newStore(t, store.Options{Shards: 4, Seed: 1})
			fill(from, false)
			file := save(t, from, c.o)
			for _, r := range []interface {
				Read([]byte) (int, error)
			}{bytes.NewReader(file), iotest.HalfReader(bytes.NewReader(file)), iotest.DataErrReader(bytes.NewReader(file))} {
				if testing.Short() && c.name != "all" {
					break
				}
				to := newStore(t, c.to)
				c.load.Size = int64(len(file))
				stats, err := rdb.Load(r, to, c.load)
				if err != nil || stats.Keys != int64(len(values())) || stats.AOFBase != c.o.AOFBase || stats.Version != 9 {
					t.Fatalf("%+v, %v", stats, err)
				}
				checkEqual(t, contents(to), contents(from))
			}
		})
	}
}

// TestLeave: what Redis has not is left out, and what is left is all.
func TestLeave(t *testing.T) {
	all := newStore(t, store.Options{Seed: 1})
	fill(all, false)
	file := save(t, all, rdb.SaveOptions{Leave: func(e *store.Entry) bool { return !e.Type().IsRedis() }})
	s, _, err := load(t, file, rdb.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := contents(all)
	for key := range want {
		if strings.Contains(key, ":bloom:") || strings.Contains(key, ":field:") {
			delete(want, key)
		}
	}
	checkEqual(t, contents(s), want)
}

// failing fails to write after some bytes.
type failing struct{ left int }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errNoSpace
	}
	return len(b), nil
}

var errNoSpace = errors.New("no space is left")

// TestSaveFails: an error of the file, or of Progress, ends it, wherever it comes, also within one large value.
func TestSaveFails(t *testing.T) {
	s := newStore(t, store.Options{Seed: 1})
	fill(s, false)
	size := len(save(t, s, rdb.SaveOptions{}))
	for left := 0; left < size; left += size / 7 {
		if err := rdb.Save(&failing{left}, live{s}, rdb.SaveOptions{Checksum: true}); !errors.Is(err, errNoSpace) {
			t.Errorf("with room for %d of %d bytes: %v", left, size, err)
		}
	}
	calls, last := 0, int64(0)
	err := rdb.Save(io.Discard, live{s}, rdb.SaveOptions{Progress: func(keys int64) error {
		if keys < last || keys > int64(len(values())) {
			t.Errorf("%d keys after %d", keys, last)
		}
		calls, last = calls+1, keys
		return nil
	}})
	if err != nil || calls < 5 {
		t.Errorf("%d calls, %v", calls, err)
	}
	for stop := 1; stop <= calls; stop += 1 + calls/5 {
		n := 0
		err := rdb.Save(io.Discard, live{s}, rdb.SaveOptions{Progress: func(int64) error {
			if n++; n == stop {
				return errNoSpace
			}
			return nil
		}})
		if !errors.Is(err, errNoSpace) || n != stop {
			t.Errorf("call %d of %d fails: %d calls, %v", stop, calls, n, err)
		}
	}
}

// failingReader fails to read after some bytes.
type failingReader struct {
	b    []byte
	left int
}

func (f *failingReader) Read(b []byte) (int, error) {
	if f.left == 0 {
		return 0, errNoSpace
	}
	n := copy(b, f.b[:min(len(b), f.left)])
	f.b, f.left = f.b[n:], f.left-n
	return n, nil
}

// TestLoadFails: an error of the disk is what it is.
func TestLoadFails(t *testing.T) {
	from := newStore(t, store.Options{Seed: 1})
	fill(from, false)
	file := save(t, from, rdb.SaveOptions{})
	for left := 0; left < len(file); left += len(file) / 7 {
		s := newStore(t, store.Options{Seed: 1})
		if _, err := rdb.Load(&failingReader{file, left}, s, rdb.LoadOptions{Workers: 2}); !errors.Is(err, errNoSpace) {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
}

// TestDumpIsBounded: a payload that would be too long is not made.
func TestDumpIsBounded(t *testing.T) {
	s := newStore(t, store.Options{Seed: 1})
	fill(s, false)
	for db := range s.Databases() {
		_ = s.Walk(db, nowMS, func(e *store.Entry) error {
			whole, err := rdb.Dump(e, false, 1<<30)
			if err != nil {
				t.Error(err)
			}
			cut, err := rdb.Dump(e, false, 300_000)
			if len(whole) > 600_000 && !errors.Is(err, rdb.ErrTooLarge) {
				t.Errorf("%.50q: %d of %d bytes, %v", e.Key(), len(cut), len(whole), err)
			}
			return nil
		})
	}
}

// TestRestoreChecks: a payload that is only checked is not put in place, and what is wrong with it is said.
func TestRestoreChecks(t *testing.T) {
	s := newStore(t, store.Options{Seed: 1, Shards: 1})
	for key, fill := range values() {
		run(s, 0, func(d *store.DB) {
			fill(d, []byte(key))
			e, _ := d.Entry([]byte(key))
			want := describe(e)
			payload, err := rdb.Dump(e, true, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range []rdb.RestoreOptions{{Check: true}, {Check: true, Replace: true}} {
				if err := rdb.Restore(d, []byte(key), payload, o); err != nil {
					t.Errorf("%.50q: %v", key, err)
				}
			}
			if err := rdb.Restore(d, []byte(key), payload, rdb.RestoreOptions{}); !errors.Is(err, store.ErrExists) {
				t.Errorf("%.50q is there: %v", key, err)
			}
			e, _ = d.Entry([]byte(key))
			if describe(e) != want {
				t.Errorf("%.50q has changed", key)
			}
		})
	}
	check(t, s)
}
