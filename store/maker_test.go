package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"quarry/store/bloom"
	"quarry/store/field"
)

// TestMakerFails: what is no value is refused, and leaves nothing behind, which the fixture's end proves; nor is what is there changed.
func TestMakerFails(t *testing.T) {
	a, b := []byte("a"), []byte("b")
	plane := field.Shape{Dims: 2}
	for _, c := range []struct {
		name string
		typ  Type
		want error
		make func(m *Maker) error
	}{
		{"no pairs", TypeHash, ErrEmpty, func(*Maker) error { return nil }},
		{"no members", TypeSet, ErrEmpty, func(*Maker) error { return nil }},
		{"no elements", TypeList, ErrEmpty, func(*Maker) error { return nil }},
		{"no rows", TypeZSet, ErrEmpty, func(*Maker) error { return nil }},
		{"no filter", TypeBloom, ErrEmpty, func(*Maker) error { return nil }},
		{"no field", TypeField, ErrEmpty, func(*Maker) error { return nil }},
		{"no things", TypeField, ErrEmpty, func(m *Maker) error { return m.Field(plane, false, nil) }},
		{"a pair twice", TypeHash, ErrTwice, func(m *Maker) error { return errors.Join(m.Pair(a, a), m.Pair(a, b)) }},
		{"a member twice", TypeSet, ErrTwice, func(m *Maker) error { return errors.Join(m.Member(a), m.Member(a)) }},
		{"a row twice", TypeZSet, ErrTwice, func(m *Maker) error { return errors.Join(m.Row(a, 1), m.Row(a, 1)) }},
		{"a row twice, far apart", TypeZSet, ErrTwice, func(m *Maker) error {
			for i := range 1000 {
				if err := m.Row(fmt.Append(nil, i%999), float64(-i)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"no score", TypeZSet, ErrNaN, func(m *Maker) error { return errors.Join(m.Row(a, 1), m.Row(b, math.NaN())) }},
		{"a bad filter", TypeBloom, bloom.ErrDamaged, func(m *Maker) error { return m.Bloom(&bloom.State{}) }},
		{"a bad field", TypeField, field.ErrDamaged, func(m *Maker) error { return m.Field(field.Shape{Dims: 4}, true, nil) }},
		{"a bad name", TypeField, field.ErrDamaged, func(m *Maker) error { return m.Field(plane, true, [][]byte{nil}) }},
		{"a name twice", TypeField, field.ErrDamaged, func(m *Maker) error { return m.Field(plane, true, [][]byte{a, a}) }},
		{"a thing twice", TypeField, field.ErrDamaged, func(m *Maker) error {
			return errors.Join(m.Field(plane, false, nil), m.Thing(a, 1, 2, 0, &field.Change{}), m.Thing(a, 1, 2, 0, &field.Change{}))
		}},
		{"a thing nowhere", TypeField, field.ErrDamaged, func(m *Maker) error {
			return errors.Join(m.Field(plane, false, nil), m.Thing(a, math.NaN(), 2, 0, &field.Change{}))
		}},
		{"there already", TypeString, ErrExists, func(m *Maker) error { return m.Text(make([]byte, 300<<10)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, Options{Shards: 1, Seed: 1})
			f.run(0, func(d *DB) { d.SetString([]byte("k"), []byte("old"), false) })
			f.run(0, func(d *DB) {
				m := f.s.NewMaker()
				m.Begin([]byte("k"), c.typ, 0)
				err := c.make(m)
				if err == nil {
					err = m.Put(d, 0, UsedNow(), c.want != ErrExists)
				}
				if !errors.Is(err, c.want) {
					t.Errorf("the error is %v, want %v", err, c.want)
				}
				m.Discard()
				if s, _ := d.String([]byte("k")); string(s.Bytes()) != "old" {
					t.Error("the key has changed")
				}
			})
		})
	}
}

// TestMakerIsBounded: a value that grows beyond maxmemory is given up.
func TestMakerIsBounded(t *testing.T) {
	f := newFixture(t, Options{Shards: 1, Seed: 1, MaxMemory: 4 << 20})
	big := bytes.Repeat([]byte("x"), 100_000)
	for _, c := range []struct {
		typ Type
		add func(m *Maker, i int) error
	}{
		{TypeString, func(m *Maker, _ int) error { return m.Text(big) }},
		{TypeHash, func(m *Maker, i int) error { return m.Pair(fmt.Append(nil, i), big) }},
		{TypeSet, func(m *Maker, i int) error { return m.Member(fmt.Append(big, i)) }},
		{TypeList, func(m *Maker, _ int) error { return m.Element(big) }},
		{TypeZSet, func(m *Maker, i int) error { return m.Row(fmt.Append(big, i), float64(i)) }},
	} {
		f.run(0, func(d *DB) {
			m := f.s.NewMaker()
			m.Bound()
			m.Begin([]byte("k"), c.typ, 0)
			var err error
			for i := 0; i < 100 && err == nil; i++ {
				err = c.add(m, i)
			}
			if !errors.Is(err, ErrOOM) {
				t.Errorf("type %d: %v", c.typ, err)
			}
			m.Discard()
		})
		for f.s.Tick(f.now) {
		}
	}
}

// TestMakerUses: how a key has been used is what is said, by the policy that there is.
func TestMakerUses(t *testing.T) {
	for _, c := range []struct {
		lfu        bool
		u          Using
		idle, freq int64
	}{
		{false, Using{77, 200}, 77, 0}, {true, Using{77, 200}, 0, 200}, {false, UsedNow(), 0, 0}, {true, UsedNow(), 0, lfuStart},
		{false, Using{1 << 62, -1}, startMS / 1000, 0},
	} {
		f := newFixture(t, Options{Seed: 1})
		f.s.SetLFU(c.lfu)
		f.run(0, func(d *DB) {
			m := f.s.NewMaker()
			m.Begin([]byte("k"), TypeString, 0)
			if err := m.Put(d, startMS+9, c.u, false); err != nil {
				t.Error(err)
			}
			o, _ := d.Object([]byte("k"))
			if at, _ := d.ExpireAt([]byte("k")); at != startMS+9 || !c.lfu && o.IdleSec != c.idle || c.lfu && int64(o.Freq) != c.freq {
				t.Errorf("%+v: %+v, until %d", c, o, at)
			}
		})
	}
}

// TestDeferredTimes: keys expire as they do otherwise, and those that did before.
func TestDeferredTimes(t *testing.T) {
	f := newFixture(t, Options{Shards: 2, Seed: 1})
	f.run(0, func(d *DB) {
		d.SetString([]byte("old"), nil, false)
		d.SetExpireAt([]byte("old"), startMS+50)
	})
	m := f.s.NewMaker()
	m.DeferTimes()
	for db := range 2 {
		f.run(db, func(d *DB) {
			for i := range 1000 {
				m.Begin(fmt.Append(nil, i), TypeString, 0)
				at := int64(0)
				if i%3 > 0 {
					at = startMS + int64(i*7919%1000)
				}
				if err := m.Put(d, at, UsedNow(), false); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	m.FinishTimes()
	f.check()
	for db, want := range []int{667, 666} {
		if _, expires, _ := f.s.ExpireStats(db); expires != want {
			t.Errorf("database %d: %d keys expire, want %d", db, expires, want)
		}
	}
	f.now += 500
	for f.s.Tick(f.now) {
	}
	for db := range 2 {
		if keys, expires, _ := f.s.ExpireStats(db); keys < 600 || keys > 750 || keys-expires != 334 {
			t.Errorf("database %d: %d keys, %d expire", db, keys, expires)
		}
	}
}
