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
func contents(t *testing.T, d *DB, key string) (values []string) {
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

// TestLists does random changes to lists under a few keys and compares them with slices.
func TestLists(t *testing.T) {
	f := newFixture(t, Options{Shards: 4, Databases: 2})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	model := map[string][]string{}
	value := func() string {
		switch rnd.IntN(30) {
		case 0:
			return string(bytes.Repeat([]byte{'x'}, rnd.IntN(20_000)))
		case 1:
			return string(bytes.Repeat([]byte{'y'}, rnd.IntN(300_000)))
		}
		return fmt.Sprint("value ", rnd.IntN(10))
	}
	for i := range 3000 {
		key, other := fmt.Sprint("key", rnd.IntN(6)), fmt.Sprint("key", rnd.IntN(6))
		f.run(0, func(d *DB) {
			l, err := d.ListForWrite([]byte(key))
			if err != nil {
				t.Fatal(err)
			}
			want := model[key]
			switch v := value(); rnd.IntN(9) {
			case 0, 1, 2:
				for range 1 + rnd.IntN(40) {
					l.Push(true, []byte(v))
					want = slices.Insert(want, 0, v)
				}
			case 3:
				at := rnd.IntN(len(want) + 1)
				l.Insert(at, []byte(v))
				want = slices.Insert(want, at, v)
			case 4:
				if len(want) > 0 {
					at := rnd.IntN(len(want))
					l.Set(at, []byte(v))
					want[at] = v
				}
			case 5:
				at := rnd.IntN(len(want) + 1)
				n := l.RemoveRange(at, 1+rnd.IntN(60))
				want = slices.Delete(want, at, at+n)
			case 6:
				l.RemoveEqual([]byte(v), 1000, false)
				want = slices.DeleteFunc(want, func(e string) bool { return e == v })
			case 7:
				if d.Rename([]byte(key), []byte(other)) && key != other {
					model[other], want = want, nil
				}
			case 8:
				n := d.NewList([]byte(key))
				n.Push(false, []byte(v))
				if rnd.IntN(2) == 0 {
					n.Discard()
				} else if want = []string{v}; n.StoreAt() != 1 {
					t.Fatal("a list of one element was stored as more")
				}
			}
			model[key] = want
			if got := contents(t, d, key); !slices.Equal(got, want) {
				t.Fatalf("step %d: %d elements, want %d", i, len(got), len(want))
			}
			if d.Has([]byte(key)) != (len(want) > 0) {
				t.Fatalf("step %d: a list of %d elements has no key, or an empty one has", i, len(want))
			}
		})
		if i%100 == 0 {
			f.check()
			f.s.Tick(f.now)
		}
	}
	f.check()
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
