package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"quarry/store/list"
)

// contents are the elements of a list, nil if there is no such key.
func contents(t testing.TB, d *DB, key string) (values []string) {
	t.Helper()
	l, err := d.List([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if l == nil {
		return nil
	}
	var it list.Iter
	for it.Seek(&l.List, 0, l.Len(), false); it.Next(); {
		values = append(values, string(it.Value()))
	}
	return values
}

// listTest does random changes to lists under a few keys and compares them with slices.
type listTest struct {
	*fixture
	rnd   *rand.Rand
	model map[string][]string
}

func (lt *listTest) value() string {
	switch lt.rnd.IntN(30) {
	case 0:
		return string(bytes.Repeat([]byte{'x'}, lt.rnd.IntN(20_000)))
	case 1:
		return string(bytes.Repeat([]byte{'y'}, lt.rnd.IntN(300_000)))
	}
	return fmt.Sprint("value ", lt.rnd.IntN(10))
}

func (lt *listTest) turn(i int) {
	key, other := fmt.Sprint("key", lt.rnd.IntN(6)), fmt.Sprint("key", lt.rnd.IntN(6))
	lt.run(0, func(d *DB) { lt.step(d, i, key, other) })
	if i%100 == 0 {
		lt.check()
		lt.s.Tick(lt.now)
	}
}

// step makes one change and compares the list.
func (lt *listTest) step(d *DB, i int, key, other string) {
	l, err := d.ListForWrite([]byte(key))
	if err != nil {
		lt.t.Fatal(err)
	}
	want := lt.model[key]
	switch v := lt.value(); lt.rnd.IntN(9) {
	case 0, 1, 2:
		for range 1 + lt.rnd.IntN(40) {
			l.Push(true, []byte(v))
			want = slices.Insert(want, 0, v)
		}
	case 3:
		at := lt.rnd.IntN(len(want) + 1)
		l.Insert(at, []byte(v))
		want = slices.Insert(want, at, v)
	case 4:
		if len(want) > 0 {
			at := lt.rnd.IntN(len(want))
			l.Set(at, []byte(v))
			want[at] = v
		}
	case 5:
		at := lt.rnd.IntN(len(want) + 1)
		n := l.RemoveRange(at, 1+lt.rnd.IntN(60))
		want = slices.Delete(want, at, at+n)
	case 6:
		limit := 1 + lt.rnd.IntN(1000)
		l.RemoveEqual([]byte(v), limit, false)
		want = slices.DeleteFunc(want, func(e string) bool {
			if e == v {
				limit--
			}
			return e == v && limit >= 0
		})
	case 7:
		if d.Rename([]byte(key), []byte(other)) && key != other {
			lt.model[other], want = want, nil
		}
	case 8:
		n := d.NewList([]byte(key))
		n.Push(false, []byte(v))
		if lt.rnd.IntN(2) == 0 {
			n.Discard()
		} else if want = []string{v}; n.StoreAt() != 1 {
			lt.t.Fatal("a list of one element was stored as more")
		}
	}
	lt.model[key] = want
	if got := contents(lt.t, d, key); !slices.Equal(got, want) {
		lt.t.Fatalf("step %d: %d elements, want %d", i, len(got), len(want))
	}
	if d.Has([]byte(key)) != (len(want) > 0) {
		lt.t.Fatalf("step %d: a list of %d elements has no key, or an empty one has", i, len(want))
	}
}

func TestLists(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	lt := &listTest{newFixture(t, Options{Shards: 4, Databases: 2}), rand.New(rand.NewPCG(seed, 0)), map[string][]string{}}
	for i := range 3000 {
		lt.turn(i)
	}
	lt.check()
}

func TestListsAreLists(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	f.run(0, func(d *DB) {
		d.SetString([]byte("s"), []byte("v"), false)
		if _, err := d.List([]byte("s")); !errors.Is(err, ErrWrongType) {
			t.Errorf("a string opened as a list: %v", err)
		}
		if _, err := d.ListForWrite([]byte("s")); !errors.Is(err, ErrWrongType) {
			t.Errorf("a string opened as a list to be changed: %v", err)
		}
		l, _ := d.ListForWrite([]byte("l"))
		for i := range 5 {
			l.Push(false, fmt.Append(nil, i))
		}
		o, _ := d.Object([]byte("l"))
		if d.Type([]byte("l")) != TypeList || o.Encoding != "listpack" {
			t.Errorf("the list is of type %v and encoding %s", d.Type([]byte("l")), o.Encoding)
		}
		l.Set(2, make([]byte, 9000))
		if o, _ = d.Object([]byte("l")); o.Encoding != "quicklist" {
			t.Errorf("the list with a long element is of encoding %s", o.Encoding)
		}
		n, _ := d.Bytes([]byte("l"))
		if n < 9000 || n > 10_500 {
			t.Errorf("it takes %d bytes", n)
		}
		l.RemoveRange(0, 5)
		if d.Has([]byte("l")) {
			t.Error("an empty list has a key")
		}
	})
}

// TestOpeningListsAllocatesNothing: nor does pushing and popping.
func TestOpeningListsAllocatesNothing(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	key, v := []byte("key"), []byte("value")
	f.run(0, func(d *DB) {
		n := testing.AllocsPerRun(100, func() {
			d.Begin(0, f.now)
			l, _ := d.ListForWrite(key)
			l.Push(true, v)
			l.RemoveRange(0, 1)
		})
		if n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// A list that could be packed, since the threshold has been raised, stays what it is where LREM finds nothing:
// only removals make it packed again, and these the record knows of.
func TestRemoveNothingAfterLimitsGrew(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	limits := DefaultLimits()
	limits.List.Size = 0
	f.s.SetLimits(limits)
	key := []byte("k")
	f.run(0, func(d *DB) {
		l, _ := d.ListForWrite(key)
		for _, v := range []string{"a", "b", "c"} {
			l.Push(false, []byte(v))
		}
	})
	f.s.SetLimits(DefaultLimits())
	f.run(0, func(d *DB) {
		l, _ := d.ListForWrite(key)
		if n := l.RemoveEqual([]byte("nosuch"), 1, false); n != 0 {
			t.Errorf("%d removed", n)
		}
	})
	f.check()
	f.run(0, func(d *DB) {
		if got := contents(t, d, "k"); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("%q", got)
		}
	})
}
