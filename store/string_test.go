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

// stringTest does random changes to strings of all lengths and forms, under keys of all lengths,
// with and without expiry, and compares them with Go's own.
type stringTest struct {
	*fixture
	rnd   *rand.Rand
	keys  []string
	model map[string]stringKey
}

// stringKey is a string as the model sees it.
type stringKey struct {
	b  []byte
	at int64
}

func newStringTest(f *fixture, rnd *rand.Rand) *stringTest {
	st := &stringTest{f, rnd, []string{"", "k", "a key of some length", string(make([]byte, 40_000))}, map[string]stringKey{}}
	for i := range 6 {
		st.keys = append(st.keys, fmt.Sprint("key:", i))
	}
	return st
}

func (st *stringTest) bytes() []byte {
	n := stringLengths[st.rnd.IntN(len(stringLengths))]
	if st.rnd.IntN(2) == 0 {
		n = st.rnd.IntN(60)
	}
	b := make([]byte, n)
	digit := byte('0' + st.rnd.IntN(10))
	for i := range b {
		b[i] = '0' + (digit+byte(i*i))%10
	}
	return b
}

// turn makes one change and compares everything.
func (st *stringTest) turn(i int) {
	st.run(0, func(d *DB) { st.step(d, st.keys[st.rnd.IntN(len(st.keys))]) })
	if i%50 == 0 {
		st.check()
	}
	st.run(0, func(d *DB) {
		for key, k := range st.model {
			st.look(d, i, key, k)
		}
	})
}

// step makes one change.
func (st *stringTest) step(d *DB, key string) {
	k := []byte(key)
	e, there := st.model[key]
	switch op := st.rnd.IntN(10); op {
	case 0, 1:
		e = stringKey{b: st.bytes(), at: e.at}
		keep := op == 0
		if !keep {
			e.at = 0
		}
		d.SetString(k, e.b, keep)
		there = true
	case 2:
		s, _ := d.StringForWrite(k)
		e.b, there = st.bytes(), true
		s.Set(e.b)
	case 3, 4:
		s, _ := d.StringForWrite(k)
		more := st.bytes()
		e.b, there = append(slices.Clone(e.b), more...), true
		if len(e.b) > 1<<20 {
			e.b = more
			s.Set(more)
		} else if n := s.Append(more); n != len(e.b) {
			st.t.Fatalf("Append: %d, want %d", n, len(e.b))
		}
	case 5, 6:
		s, _ := d.StringForWrite(k)
		part := append(st.bytes(), 'x')
		off := st.rnd.IntN(2*len(e.b) + 10)
		if off+len(part) > 1<<20 {
			off = 0
		}
		n := max(len(e.b), off+len(part))
		b := make([]byte, n)
		copy(b, e.b)
		copy(b[off:], part)
		e.b, there = b, true
		if got := s.SetRange(off, part); got != n {
			st.t.Fatalf("SetRange: %d, want %d", got, n)
		}
	case 7:
		if d.Delete(k) != there {
			st.t.Fatalf("Delete: want %v", there)
		}
		e, there = stringKey{}, false
	case 8:
		if e.at = 0; there && st.rnd.IntN(3) > 0 {
			e.at = st.now + 1_000_000 + int64(st.rnd.IntN(1000))
		}
		d.SetExpireAt(k, e.at)
	case 9:
		to := st.keys[st.rnd.IntN(len(st.keys))]
		if st.rnd.IntN(2) == 0 {
			if d.Rename(k, []byte(to)) != there {
				st.t.Fatalf("Rename: want %v", there)
			}
			if there {
				delete(st.model, key)
				st.model[to] = e
				key = to
			}
			break
		}
		if ok, _, err := d.Copy(k, []byte(to), 0, true); err != nil || ok != there {
			st.t.Fatalf("Copy: %v, %v, want %v", ok, err, there)
		}
		if there {
			st.model[to] = e
		}
	}
	if there {
		st.model[key] = e
	} else {
		delete(st.model, key)
	}
}

// look compares a string, and a part of it.
func (st *stringTest) look(d *DB, i int, key string, k stringKey) {
	s, err := d.String([]byte(key))
	if err != nil || s == nil || !bytes.Equal(s.Bytes(), k.b) {
		st.t.Fatalf("step %d: key of %d bytes is not what it should be", i, len(key))
	}
	if at, _ := d.ExpireAt([]byte(key)); at != k.at {
		st.t.Fatalf("step %d: expires at %d, want %d", i, at, k.at)
	}
	n := len(k.b)
	if n == 0 {
		return
	}
	from := st.rnd.IntN(n)
	to := from + st.rnd.IntN(n-from) + 1
	var part []byte
	for p := s.Parts(from, to-from); p.More(); {
		part = append(part, p.Next()...)
	}
	if !bytes.Equal(part, k.b[from:to]) {
		st.t.Fatalf("step %d: bytes %d to %d of %d", i, from, to, n)
	}
}

func TestStrings(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	st := newStringTest(newFixture(t, Options{Shards: 4, Databases: 2}), rand.New(rand.NewPCG(seed, 0)))
	steps := 4000
	if testing.Short() {
		steps = 500
	}
	for i := range steps {
		st.turn(i)
	}
	st.check()
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

// TestRewrite: a string that replaces one like it takes no other memory, and none is lost.
func TestRewrite(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	key := []byte("k")
	const page = PageBytes
	for _, n := range []int{2000, 2000, 100_000, 100_000, 99_999, 5*page + 1, 6 * page, 5*page + 2, 9 * page, 5 * page, 300 * page, 5 * page, 2000, 5} {
		b := bytes.Repeat([]byte{byte(n), byte(n >> 8), 7}, n/3+1)[:n]
		f.run(0, func(d *DB) { d.SetString(key, b, false) })
		f.run(0, func(d *DB) {
			s, err := d.String(key)
			if err != nil || !bytes.Equal(s.Bytes(), b) {
				t.Errorf("a string of %d bytes is not what was stored: %v", n, err)
			}
		})
		f.check()
	}
	used := func(n int) int64 {
		f.run(0, func(d *DB) { d.SetString(key, make([]byte, n), false) })
		return f.s.Memory().Used
	}
	for _, n := range []int{100_000, 5 * page} {
		used(n)
		for f.s.Tick(f.now) {
		}
		if first, second := used(n), used(n); first != second {
			t.Errorf("replaced by one of %d bytes: %d bytes are used, then %d", n, first, second)
		}
	}
}
