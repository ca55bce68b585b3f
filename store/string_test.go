package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// stringLengths are around the borders of the forms.
var stringLengths = []int{
	0, 1, 7, 11, 12, 13, 28, 44, 45, 200, 1000, inlineString, inlineString + 1, 5000,
	32<<10 - 8, 32<<10 - 7, 64 << 10, blobString - 1, blobString, blobString + 1, 300 << 10, 330 << 10,
}

// TestStrings does random changes to strings of all lengths and forms, under keys of all lengths,
// with and without expiry, and compares them with Go's own.
func TestStrings(t *testing.T) {
	f := newFixture(t, Options{Shards: 4, Databases: 2})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	type entry struct {
		b  []byte
		at int64
	}
	model := map[string]entry{}
	keys := []string{"", "k", "a key of some length", string(make([]byte, 40_000))}
	for i := range 6 {
		keys = append(keys, fmt.Sprint("key:", i))
	}
	bytesOf := func() []byte {
		n := stringLengths[rnd.IntN(len(stringLengths))]
		if rnd.IntN(2) == 0 {
			n = rnd.IntN(60)
		}
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + rnd.IntN(10))
		}
		return b
	}
	steps := 4000
	if testing.Short() {
		steps = 500
	}
	for i := range steps {
		key := keys[rnd.IntN(len(keys))]
		e, there := model[key]
		f.run(0, func(d *DB) {
			k := []byte(key)
			switch op := rnd.IntN(10); op {
			case 0, 1:
				e = entry{b: bytesOf(), at: e.at}
				keep := op == 0
				if !keep {
					e.at = 0
				}
				d.SetString(k, e.b, keep)
				there = true
			case 2:
				s, _ := d.StringForWrite(k)
				e.b, there = bytesOf(), true
				s.Set(e.b)
			case 3, 4:
				s, _ := d.StringForWrite(k)
				more := bytesOf()
				e.b, there = append(slices.Clone(e.b), more...), true
				if len(e.b) > 1<<20 {
					e.b = more
					s.Set(more)
				} else if n := s.Append(more); n != len(e.b) {
					t.Fatalf("Append: %d, want %d", n, len(e.b))
				}
			case 5, 6:
				s, _ := d.StringForWrite(k)
				part := append(bytesOf(), 'x')
				off := rnd.IntN(2*len(e.b) + 10)
				if off+len(part) > 1<<20 {
					off = 0
				}
				n := max(len(e.b), off+len(part))
				b := make([]byte, n)
				copy(b, e.b)
				copy(b[off:], part)
				e.b, there = b, true
				if got := s.SetRange(off, part); got != n {
					t.Fatalf("SetRange: %d, want %d", got, n)
				}
			case 7:
				if d.Delete(k) != there {
					t.Fatalf("Delete: want %v", there)
				}
				e, there = entry{}, false
			case 8:
				if e.at = 0; there && rnd.IntN(3) > 0 {
					e.at = f.now + 1_000_000 + int64(rnd.IntN(1000))
				}
				d.SetExpireAt(k, e.at)
			case 9:
				to := keys[rnd.IntN(len(keys))]
				if rnd.IntN(2) == 0 {
					if d.Rename(k, []byte(to)) != there {
						t.Fatalf("Rename: want %v", there)
					}
					if there {
						delete(model, key)
						model[to] = e
						key = to
					}
					break
				}
				if ok, _, err := d.Copy(k, []byte(to), 0, true); err != nil || ok != there {
					t.Fatalf("Copy: %v, %v, want %v", ok, err, there)
				}
				if there {
					model[to] = e
				}
			}
			if there {
				model[key] = e
			} else {
				delete(model, key)
			}
		})
		if i%50 == 0 || i == steps-1 {
			f.check()
		}
		f.run(0, func(d *DB) {
			for key, e := range model {
				s, err := d.String([]byte(key))
				if err != nil || s == nil || !bytes.Equal(s.Bytes(), e.b) {
					t.Fatalf("step %d: key of %d bytes is not what it should be", i, len(key))
				}
				if at, _ := d.ExpireAt([]byte(key)); at != e.at {
					t.Fatalf("step %d: expires at %d, want %d", i, at, e.at)
				}
				if n := len(e.b); n > 0 {
					from := rnd.IntN(n)
					to := from + rnd.IntN(n-from) + 1
					var part []byte
					for p := s.Parts(from, to-from); p.More(); {
						part = append(part, p.Next()...)
					}
					if !bytes.Equal(part, e.b[from:to]) {
						t.Fatalf("step %d: bytes %d to %d of %d", i, from, to, n)
					}
				}
			}
		})
	}
}

// TestStringEncodings: what OBJECT ENCODING tells.
func TestStringEncodings(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	enc := func(d *DB) string {
		o, _ := d.Object([]byte("k"))
		return o.Encoding
	}
	for _, c := range []struct{ value, want string }{
		{"", "embstr"}, {"12", "int"}, {"-9223372036854775808", "int"}, {"9223372036854775808", "embstr"}, {"012", "embstr"},
		{"+1", "embstr"}, {string(make([]byte, 44)), "embstr"}, {string(make([]byte, 45)), "raw"}, {string(make([]byte, 5000)), "raw"},
	} {
		f.run(0, func(d *DB) {
			d.SetString([]byte("k"), []byte(c.value), false)
			if got := enc(d); got != c.want {
				t.Errorf("%.20q of %d bytes: %s, want %s", c.value, len(c.value), got, c.want)
			}
		})
	}
	f.run(0, func(d *DB) {
		s, _ := d.StringForWrite([]byte("k"))
		for _, step := range []struct {
			do   func()
			want string
		}{
			{func() { s.Set([]byte("5")) }, "int"},
			{func() { s.Append([]byte("6")) }, "raw"},
			{func() { s.Set([]byte("57")) }, "int"},
			{func() { s.SetText([]byte("57")) }, "embstr"},
			{func() { s.SetRange(0, []byte("6")) }, "raw"},
		} {
			if step.do(); enc(d) != step.want {
				t.Errorf("%s: %s, want %s", s.Bytes(), enc(d), step.want)
			}
		}
	})
}

// TestSmallStringsAreLean: a key of 16 bytes with a string of 10 takes one object of 48 bytes.
func TestSmallStringsAreLean(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	const n = 10_000
	f.run(0, func(d *DB) {
		for i := range n {
			d.SetString(fmt.Appendf(nil, "key:%012d", i), []byte("0123456789"), false)
		}
	})
	if perKey := float64(f.s.Memory().Live) / n; perKey > 58 {
		t.Errorf("%.1f bytes a key", perKey)
	}
}

func TestStringsAllocateNothing(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	f.run(0, func(d *DB) {
		key := []byte("key")
		d.SetString(key, []byte("1"), false)
		n := testing.AllocsPerRun(100, func() {
			d.Begin(0, f.now)
			s, _ := d.String(key)
			_ = s.Bytes()
			s, _ = d.StringForWrite(key)
			s.Set([]byte("22"))
			d.SetString(key, []byte("333"), false)
		})
		if n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
