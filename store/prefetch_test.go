package store

import (
	"fmt"
	"testing"

	"quarry/store/field"
	"quarry/store/zset"
)

// TestPrefetchChangesNothing: whatever is looked for, in sets of every form, missing and
// expired keys, shards that others have locked, nothing is different afterwards.
func TestPrefetchChangesNothing(t *testing.T) {
	f := newFixture(t, Options{Shards: 4, Seed: 5})
	key := func(i int) []byte { return fmt.Appendf(nil, "key %d", i) }
	member := func(i int) []byte { return fmt.Appendf(nil, "player:%012d", i) }
	sizes := []int{1, 20, 300, 5000, 100_000}
	for i, n := range sizes {
		f.run(0, func(d *DB) {
			z, err := d.ZSetForWrite(key(i))
			if err != nil {
				t.Fatal(err)
			}
			for m := range n {
				z.Add(member(m), float64(m), 0)
			}
		})
	}
	for i, n := range sizes {
		f.run(0, func(d *DB) {
			h, err := d.HashForWrite(append(key(i), 'h'))
			if err != nil {
				t.Fatal(err)
			}
			s, err := d.SetForWrite(append(key(i), 's'))
			if err != nil {
				t.Fatal(err)
			}
			for m := range n {
				h.Put(member(m), member(m))
				s.Add(member(m))
			}
		})
	}
	for i, n := range sizes {
		f.run(0, func(d *DB) {
			fd, err := d.FieldForWrite(append(key(i), 'f'))
			if err != nil {
				t.Fatal(err)
			}
			for m := range n {
				fd.Put(member(m), float64(m%1000), float64(m/1000), 0, &field.Change{})
			}
		})
	}
	f.run(0, func(d *DB) { d.CreateField(append(key(8), 'f'), field.Shape{Dims: 2}) })
	expired := key(len(sizes))
	f.run(0, func(d *DB) {
		z, _ := d.ZSetForWrite(expired)
		z.Add(member(0), 1, 0)
		d.SetExpireAt(expired, f.now+1)
	})
	f.now += 10
	if f.s.region.Used() < prefetchFrom {
		t.Fatal("the test has too little data for Prefetch to look at")
	}
	before := f.s.Counters()
	var list []Lookup
	for i := range 160 {
		l := Lookup{Key: key(i / 2 % 9)} // each twice, the second time sometimes with a member, the first without
		switch i / 18 % 4 {
		case 1:
			l.Key = append(l.Key, 'h')
		case 2:
			l.Key = append(l.Key, 's')
		case 3:
			l.Key = append(l.Key, 'f')
		}
		if i%3 > 0 {
			l.Member = member(i * 37 % 400)
		}
		list = append(list, l)
	}
	for from := range list {
		held := f.s.ShardOf(list[from].Key)
		f.s.Lock(held)
		f.db.Begin(0, f.now)
		f.db.Prefetch(list[from:], []int{held})
		f.s.Unlock(held)
	}
	for shard := range f.s.Shards() { // others have locked all but one
		if shard != 0 {
			f.s.Lock(shard)
		}
	}
	f.s.Lock(0)
	f.db.Begin(0, f.now)
	f.db.Prefetch(list, []int{0})
	for shard := range f.s.Shards() {
		f.s.Unlock(shard)
	}
	if after := f.s.Counters(); after != before {
		t.Errorf("the counters were %+v and are %+v", before, after)
	}
	if n := f.s.Size(0); n != 4*len(sizes)+2 {
		t.Errorf("%d keys: the expired one is not to be touched", n)
	}
	for i, n := range sizes {
		f.run(0, func(d *DB) {
			z, err := d.ZSet(key(i))
			if err != nil || z.Len() != n || n > 128 && z.Encoding() == zset.Packed {
				t.Errorf("key %d: %v", i, err)
			}
		})
	}
	if n := testing.AllocsPerRun(100, func() { f.db.Prefetch(list, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
