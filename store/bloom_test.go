package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"quarry/store/bloom"
)

// bloomTest does random changes to Bloom filters under a few keys and compares them with sets of items.
type bloomTest struct {
	*fixture
	rnd   *rand.Rand
	model [2]map[string]map[int]bool // by database
}

func newBloomTest(f *fixture, rnd *rand.Rand) *bloomTest {
	return &bloomTest{f, rnd, [2]map[string]map[int]bool{{}, {}}}
}

func (bt *bloomTest) turn(i int) {
	bt.run(bt.rnd.IntN(2), func(d *DB) { bt.step(d, fmt.Sprint("key", bt.rnd.IntN(8)), fmt.Sprint("key", bt.rnd.IntN(8))) })
	if i%20 == 0 {
		bt.check()
		bt.s.Tick(bt.now)
	}
}

func (bt *bloomTest) step(d *DB, key, other string) {
	items, there := bt.model[d.Index()][key]
	switch bt.rnd.IntN(10) {
	case 0:
		if d.Delete([]byte(key)) != there {
			bt.t.Fatalf("delete %s: it is there: %v", key, there)
		}
		delete(bt.model[d.Index()], key)
	case 1:
		if d.Rename([]byte(key), []byte(other)) != there {
			bt.t.Fatalf("rename %s: it is there: %v", key, there)
		}
		if there {
			delete(bt.model[d.Index()], key)
			bt.model[d.Index()][other] = items
		}
	case 2:
		to := bt.rnd.IntN(2)
		if to == d.Index() && key == other {
			return
		}
		ok, _, err := d.Copy([]byte(key), []byte(other), to, true)
		if ok != there || err != nil {
			bt.t.Fatalf("copy %s: %v, %v; it is there: %v", key, ok, err, there)
		}
		if there {
			c := map[int]bool{}
			for id := range items {
				c[id] = true
			}
			bt.model[to][other] = c
		}
	default:
		bt.add(d, key)
	}
	bt.compare(d, key)
}

// add adds items to the filter at key, which is made if it is not there.
func (bt *bloomTest) add(d *DB, key string) {
	b, err := d.BloomForWrite([]byte(key))
	items, there := bt.model[d.Index()][key]
	if err != nil || (b != nil) != there {
		bt.t.Fatalf("%s is there: %v; %v", key, there, err)
	}
	if !there {
		p := bloom.Params{Capacity: uint64(1 + bt.rnd.IntN(1<<bt.rnd.IntN(16))), Rate: 0.01, Expansion: uint32(1 + bt.rnd.IntN(3))}
		if b, err = d.NewBloom([]byte(key), p); err != nil {
			bt.t.Fatal(err)
		}
		items = map[int]bool{}
		bt.model[d.Index()][key] = items
	}
	for range bt.rnd.IntN(300) {
		id := bt.rnd.IntN(5000)
		if _, err := b.Add(fmt.Append(nil, id)); err != nil {
			bt.t.Fatal(err)
		}
		items[id] = true
	}
}

func (bt *bloomTest) compare(d *DB, key string) {
	b, err := d.Bloom([]byte(key))
	items, there := bt.model[d.Index()][key]
	if err != nil || (b != nil) != there || (d.Type([]byte(key)) == TypeBloom) != there {
		bt.t.Fatalf("%s is there: %v; %v", key, there, err)
	}
	for id := range items {
		if !b.Has(fmt.Append(nil, id)) {
			bt.t.Fatalf("%s: item %d was added and is not found", key, id)
		}
	}
	if there && (b.Len() > uint64(len(items)) || b.Len() < uint64(len(items)*9/10)) {
		bt.t.Fatalf("%s: %d items, %d were added", key, b.Len(), len(items))
	}
}

func TestBlooms(t *testing.T) {
	turns := 1500
	if testing.Short() {
		turns = 300
	}
	for seed := range uint64(3) {
		bt := newBloomTest(newFixture(t, Options{Shards: 4, Databases: 2, Seed: seed + 1}), rand.New(rand.NewPCG(seed, 9)))
		for i := range turns {
			bt.turn(i)
		}
	}
}

// TestBloomErrors: other types are refused, and so is what has no room.
func TestBloomErrors(t *testing.T) {
	f := newFixture(t, Options{Shards: 2, MaxMemory: 8 << 20})
	f.add(0, "zset", "m", 1)
	f.run(0, func(d *DB) {
		if b, err := d.Bloom([]byte("zset")); b != nil || !errors.Is(err, ErrWrongType) {
			t.Error(b, err)
		}
		if b, err := d.BloomForWrite([]byte("zset")); b != nil || !errors.Is(err, ErrWrongType) {
			t.Error(b, err)
		}
		if b, err := d.Bloom([]byte("none")); b != nil || err != nil {
			t.Error(b, err)
		}
		big := bloom.Params{Capacity: 1 << 30, Rate: 0.01}
		if b, err := d.NewBloom([]byte("big"), big); b != nil || !errors.Is(err, ErrOOM) || d.Has([]byte("big")) {
			t.Error(b, err)
		}
		big.Rate = 1e-300
		if _, err := d.NewBloom([]byte("big"), big); !errors.Is(err, bloom.ErrLimit) || d.Has([]byte("big")) {
			t.Error(err)
		}
	})
	// Pages are asked for one by one.
	f.run(0, func(d *DB) {
		b, err := d.NewBloom([]byte("k"), bloom.Params{Capacity: 4 << 20, Rate: 0.01})
		if err != nil {
			t.Fatal(err)
		}
		d.Store().SetMaxMemory(3 << 20)
		failed := 0
		for i := range 1000 {
			added, err := b.Add(fmt.Append(nil, i))
			if err != nil && !errors.Is(err, ErrOOM) || added == (err != nil) {
				t.Fatal(added, err)
			}
			if err != nil {
				failed++
			} else if !b.Has(fmt.Append(nil, i)) {
				t.Errorf("item %d is not found", i)
			}
		}
		if used := d.Store().Memory().Used; failed == 0 || used > 3<<20 {
			t.Errorf("%d have failed, %d bytes are used", failed, used)
		}
	})
}

// TestBloomsOfTwoStores: with keys drawn at random, two stores do not make the same mistakes.
func TestBloomsOfTwoStores(t *testing.T) {
	a, b := newFixture(t, Options{}), newFixture(t, Options{})
	if a.s.bloomSeed() == b.s.bloomSeed() {
		t.Error("two stores have one seed")
	}
}

func TestBloomAllocatesNothing(t *testing.T) {
	f := newFixture(t, Options{})
	f.run(0, func(d *DB) {
		key, it := []byte("k"), []byte("item")
		b, err := d.NewBloom(key, bloom.Params{Capacity: 100, Rate: 0.01, Expansion: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Add(it); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			d.Begin(0, startMS)
			if b, _ := d.Bloom(key); !b.Has(it) || b.Has(key) {
				t.Error("it is not found")
			}
		}); n > 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
