package store

import (
	"strings"
	"testing"

	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// TestCheckFindsDamage damages a healthy shard in each way Check promises to notice.
func TestCheckFindsDamage(t *testing.T) {
	damages := []struct {
		name, want string
		do         func(sh *shard, db *database, rec slab.Ref)
	}{
		{"size", "keys, the counter", func(_ *shard, db *database, _ slab.Ref) { db.size.Add(1) }},
		{"expires", "expire, the counter", func(_ *shard, db *database, _ slab.Ref) { db.expires.Add(1) }},
		{"time", "in the time index", func(sh *shard, _ *database, rec slab.Ref) { sh.heap.W(rec).SetU64(recExpire, 9) }},
		{"persisted", "expire, the counter", func(sh *shard, _ *database, rec slab.Ref) { sh.heap.W(rec).SetU64(recExpire, 0) }},
		{"no index", "no time index", func(_ *shard, db *database, _ slab.Ref) { db.times = zset.Handle{} }},
		{"type", "has type 99", func(sh *shard, _ *database, rec slab.Ref) { sh.heap.W(rec).SetU8(recType, 99) }},
		{"key", "dict", func(sh *shard, _ *database, rec slab.Ref) { sh.heap.W(rec).SetU8(recKey, 'x') }},
		{"wrong shard", "belongs to shard", func(sh *shard, db *database, _ slab.Ref) {
			stray := spot{sh: sh, db: db, hash: sh.hash.Sum([]byte("b"))}
			sh.sets.Create(&sh.set)
			sh.set.Add([]byte("m"), 1, 0)
			stray.make([]byte("b"), zsetValue(sh.set.Handle()), 0)
		}},
		{"empty value", "is empty", func(sh *shard, _ *database, rec slab.Ref) {
			sh.sets.Create(&sh.set)
			sh.setZSet(rec, sh.set.Handle())
		}},
		{"lost object", "have owners", func(sh *shard, _ *database, _ slab.Ref) { sh.heap.Alloc(100) }},
		{"lost set", "have owners", func(sh *shard, _ *database, _ slab.Ref) { largeSet(sh) }},
		{"shared set", "belongs to two keys", func(sh *shard, db *database, rec slab.Ref) {
			sh.freeValue(rec)
			sh.setZSet(rec, largeSet(sh))
			second := spot{sh: sh, db: db, hash: sh.hash.Sum([]byte("c"))}
			second.make([]byte("c"), zsetValue(sh.zsetOf(rec)), 0)
		}},
		{"key bytes", "the counter", func(sh *shard, _ *database, _ slab.Ref) { sh.keyBytes++ }},
		{"graveyard", "graveyard", func(sh *shard, db *database, rec slab.Ref) {
			sh.flush(db)
			sh.heap.W(rec).SetU8(recType, 99)
		}},
	}
	for _, dm := range damages {
		t.Run(dm.name, func(t *testing.T) {
			s, err := Open(Options{Shards: 2, Databases: 1})
			if err != nil {
				t.Fatal(err)
			}
			d, key := s.NewDB(), []byte("a")
			d.Begin(0, startMS)
			mustAdd(t, d, "a", "m", 1)
			d.SetExpireAt(key, startMS+5)
			shard := s.ShardOf(key)
			if err := s.Check(shard); err != nil {
				t.Fatal(err)
			}
			at := d.find(key)
			dm.do(at.sh, at.db, at.rec)
			if err := s.Check(shard); err == nil || !strings.Contains(err.Error(), dm.want) {
				t.Errorf("Check says %v, want %q", err, dm.want)
			}
			if err := s.region.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// largeSet makes a set that has an arena.
func largeSet(sh *shard) zset.Handle {
	var set zset.Set
	sh.sets.Create(&set)
	set.Add(make([]byte, 100_000), 1, 0)
	return set.Handle()
}

// TestCloseFindsLostObjects: what nobody names is a leak.
func TestCloseFindsLostObjects(t *testing.T) {
	s, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.shards[3].heap.Alloc(16)
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "1 objects of shard 3") {
		t.Errorf("Close says %v", err)
	}
}
