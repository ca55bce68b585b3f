package rdb_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/persistence/rdb"
	"quarry/store"
	"quarry/store/bloom"
	"quarry/store/field"
)

const nowMS = 1_700_000_000_000

// live is a store that nobody changes as what Save reads.
type live struct{ *store.Store }

func (l live) Size(db int) (keys, expires int64) {
	k, e, _ := l.ExpireStats(db)
	return int64(k), int64(e)
}

func (l live) Walk(db int, fn func(*store.Entry) error) error { return l.Store.Walk(db, nowMS, fn) }

func newStore(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		check(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func check(t testing.TB, s *store.Store) {
	t.Helper()
	for i := range s.Shards() {
		s.Lock(i)
		if err := s.Check(i); err != nil {
			t.Error(err)
		}
		s.Unlock(i)
	}
}

// run runs fn on a database, with all shards locked.
func run(s *store.Store, db int, fn func(d *store.DB)) {
	for i := range s.Shards() {
		s.Lock(i)
		defer s.Unlock(i)
	}
	d := s.NewDB()
	d.Begin(db, nowMS)
	fn(d)
}

// quote is a string as %q has it, or, if it is very long, a hash of it.
func quote[S ~string | ~[]byte](s S) string {
	if len(s) > 30_000 {
		return fmt.Sprintf("%d bytes, %x", len(s), sha256.Sum256([]byte(s)))
	}
	return strconv.Quote(string(s))
}

// describe is an entry in words.
func describe(e *store.Entry) string {
	var list []string
	var text []byte
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	switch e.Type() {
	case store.TypeString:
		for p := e.Parts(); p.More(); {
			text = append(text, p.Next()...)
		}
		if len(text) > 0 {
			add("%s", quote(text))
		}
	case store.TypeHash, store.TypeSet:
		for it := e.Pairs(); it.Next(); {
			add("%s=%s", quote(it.Key()), quote(it.Value()))
		}
		slices.Sort(list)
	case store.TypeList:
		for it := e.Items(); it.Next(); {
			add("%s", quote(it.Value()))
		}
	case store.TypeZSet:
		for it := e.Rows(false); it.Next(); {
			add("%s=%v", quote(it.Member()), it.Score())
		}
	case store.TypeBloom:
		var s bloom.State
		e.Bloom().State(&s)
		sum := uint64(0)
		_ = e.Bloom().EachRun(func(first uint32, b []byte) error {
			for i, c := range b {
				sum = sum*31 + uint64(c)*uint64(int(first)*64+i+1)
			}
			return nil
		})
		add("%+v %d", s, sum)
	case store.TypeField:
		add("%+v %t", *e.Field().Shape(), e.Field().Created())
		names := []string{}
		e.Field().EachName(func(name []byte) { names = append(names, string(name)) })
		add("%q", names)
		var rec field.Record
		for it := e.Members(); it.Next(); {
			it.Read(&rec)
			payload, has := rec.Payload()
			seq, hasSeq := rec.Seq()
			add("%q %v %v %v %d %q %t %d %t %q", it.Member(), rec.X, rec.Y, rec.Z, rec.ExpiresAt, payload, has, seq, hasSeq, rec.Tags())
			for i := range rec.Numbers() {
				n, v := rec.Number(i)
				add("%s=%v", n, v)
			}
		}
	}
	return fmt.Sprintf("until %d, %s: %s", e.ExpireAt(), e.Encoding(), strings.Join(list, " "))
}

// withoutEncoding is what describe says but for the encoding, in which Redis is different.
func withoutEncoding(all map[string]string) map[string]string {
	plain := map[string]string{}
	for key, text := range all {
		until, rest, _ := strings.Cut(text, ", ")
		_, value, _ := strings.Cut(rest, ": ")
		plain[key] = until + ", : " + value
	}
	return plain
}

// contents is all that a store has.
func contents(s *store.Store) map[string]string {
	all := map[string]string{}
	for db := range s.Databases() {
		_ = s.Walk(db, nowMS, func(e *store.Entry) error {
			all[fmt.Sprintf("%d:%s", db, e.Key())] = describe(e)
			return nil
		})
	}
	return all
}

func checkEqual(t testing.TB, got, want map[string]string) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for k := range want {
		if got[k] != want[k] {
			t.Errorf("%.60q is\n%.200s\nwant\n%.200s", k, got[k], want[k])
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%q is there", k)
		}
	}
}

func long(n int, seed byte) []byte {
	b := make([]byte, n)
	x := uint32(seed) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// values are calls that make a value of each type and form, by key.
func values() map[string]func(d *store.DB, key []byte) {
	text := func(b []byte) func(*store.DB, []byte) {
		return func(d *store.DB, key []byte) { d.SetString(key, b, false) }
	}
	set := func(members ...[]byte) func(*store.DB, []byte) {
		return func(d *store.DB, key []byte) {
			s, _ := d.SetForWrite(key)
			for _, m := range members {
				s.Add(m)
			}
		}
	}
	list := func(n, size int) func(*store.DB, []byte) {
		return func(d *store.DB, key []byte) {
			l, _ := d.ListForWrite(key)
			for i := range n {
				l.Push(false, append(fmt.Append(nil, i), long(size, byte(i))...))
			}
		}
	}
	hash := func(n, size int) func(*store.DB, []byte) {
		return func(d *store.DB, key []byte) {
			h, _ := d.HashForWrite(key)
			for i := range n {
				h.Put(append(fmt.Append(nil, i, ":"), long(size, 1)...), append(fmt.Append(nil, -i), long(size, byte(i))...))
			}
		}
	}
	zset := func(n, size int) func(*store.DB, []byte) {
		return func(d *store.DB, key []byte) {
			z, _ := d.ZSetForWrite(key)
			for i := range n {
				z.Add(append(fmt.Append(nil, "m", i), long(size, byte(i))...), float64(i%97)/3, 0)
			}
			z.Add([]byte("inf"), math.Inf(1), 0)
			z.Add([]byte("-inf"), math.Inf(-1), 0)
			z.Add([]byte("tiny"), 5e-324, 0)
		}
	}
	filter := func(p bloom.Params, n int) func(*store.DB, []byte) {
		return func(d *store.DB, key []byte) {
			b, err := d.NewBloom(key, p)
			if err != nil {
				panic("bloom: " + err.Error())
			}
			for i := range n {
				if _, err := b.Add(fmt.Append(nil, "item", i)); err != nil {
					panic("bloom: " + err.Error())
				}
			}
		}
	}
	many := [][]byte{}
	for i := range 3000 {
		many = append(many, fmt.Append(nil, "member", i))
	}
	ints := [][]byte{}
	for i := range 300 {
		ints = append(ints, fmt.Append(nil, (i-150)*(1<<uint(i%40))))
	}
	all := map[string]func(*store.DB, []byte){
		"": text([]byte("the key is empty")), "str:empty": text(nil), "str:short": text([]byte("x")),
		"str:int": text([]byte("-12345")), "str:int8": text([]byte("-128")), "str:int32": text([]byte("-2147483648")),
		"str:uint32": text([]byte("2147483648")), "str:int64": text([]byte("9223372036854775807")), "str:zero": text([]byte("00")),
		"str:minus": text([]byte("-")), "str:minus0": text([]byte("-0")), "str:binary": text([]byte("\x00\xff\r\n")),
		"str:same": text(bytes.Repeat([]byte("a"), 1000)), "str:random": text(long(1000, 3)),
		"str:blob": text(long(100_000, 4)), "str:blob same": text(bytes.Repeat([]byte("abcdefgh"), 20_000)),
		"str:large": text(long(700_000, 5)), "str:large same": text(bytes.Repeat([]byte("0123456789"), 70_000)), "str:huge": text(long(3<<20, 6)),
		string(long(300, 7)): text([]byte("a long key")), "k" + string(long(40_000, 8)): text([]byte("a very long key")),
		"set:ints": set(ints...), "set:packed": set([]byte("a"), []byte("1"), []byte("")), "set:large": set(many...), "set:long": set(long(50_000, 9)),
		"list:one": list(1, 0), "list:packed": list(20, 5), "list:large": list(5000, 30), "list:long": list(5, 50_000),
		"hash:packed": hash(20, 5), "hash:large": hash(3000, 20), "hash:long": hash(3, 40_000),
		"zset:packed": zset(20, 5), "zset:medium": zset(300, 5), "zset:large": zset(20_000, 5), "zset:long": zset(20, 3000),
		"bloom:empty": filter(bloom.Params{Capacity: 100, Rate: 0.01}, 0), "bloom:small": filter(bloom.Params{Capacity: 100, Rate: 0.01, Expansion: 2}, 300),
		"bloom:large": filter(bloom.Params{Capacity: 1_000_000, Rate: 0.001, Expansion: 2}, 1000),
		"field:empty": func(d *store.DB, key []byte) { d.CreateField(key, field.Shape{Space: field.Geo, Dims: 3}) },
		"field:bounded": func(d *store.DB, key []byte) {
			d.CreateField(key, field.Shape{Dims: 2, Bounded: true, Bounds: field.Bounds{MinX: -5, MinY: -6, MaxX: 7, MaxY: 8}})
			f, _ := d.FieldForWrite(key)
			f.Put([]byte("a"), 1, 2, 0, &field.Change{HasSeq: true, Seq: -4})
		},
		"field:full": func(d *store.DB, key []byte) {
			f, _ := d.FieldForWrite(key)
			for i := range 500 {
				c := field.Change{Names: [][]byte{fmt.Append(nil, "n", i%7), []byte("all")}, Values: []float64{float64(i), 0.5}}
				if i%3 == 0 {
					c.ExpiresAt = nowMS + int64(i) + 1
				}
				if i%4 == 0 {
					c.HasPayload, c.Payload = true, long(i*10, byte(i))
				}
				for j := range i % 6 {
					c.Tags = append(c.Tags, field.Tag{Name: fmt.Append(nil, "t", j), Text: long(j*20, byte(i))})
				}
				f.Put(fmt.Append(nil, "thing", i), float64(i), float64(-i)/3, 0, &c)
			}
		},
	}
	if testing.Short() {
		delete(all, "str:huge")
	}
	return all
}

// fill makes them all in a store, some in other databases, and some of them expire.
func fill(s *store.Store, redisOnly bool) {
	for i, key := range slices.Sorted(maps.Keys(values())) {
		if redisOnly && (strings.HasPrefix(key, "bloom") || strings.HasPrefix(key, "field")) {
			continue
		}
		run(s, i%3*2, func(d *store.DB) {
			values()[key](d, []byte(key))
			if i%4 == 0 {
				d.SetExpireAt([]byte(key), 3*nowMS+int64(i))
			}
		})
	}
}

// save is the file of a store.
func save(t testing.TB, s *store.Store, o rdb.SaveOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := rdb.Save(&b, live{s}, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
