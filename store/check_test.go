package store

import (
	"fmt"
	"strings"
	"testing"

	"quarry/store/bloom"
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
		{"lost object", "no owner", func(sh *shard, _ *database, _ slab.Ref) { sh.heap.Alloc(100) }},
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

// TestCheckFindsDamageOfValues damages what belongs to keys of all types and forms.
func TestCheckFindsDamageOfValues(t *testing.T) {
	str := func(n int) func(d *DB, key []byte) {
		return func(d *DB, key []byte) { d.SetString(key, make([]byte, n), false) }
	}
	set := func(n, length int) func(d *DB, key []byte) {
		return func(d *DB, key []byte) {
			s, _ := d.SetForWrite(key)
			for i := range n {
				s.Add(fmt.Appendf(nil, "%0*d", length, i))
			}
		}
	}
	hash := func(n, length int) func(d *DB, key []byte) {
		return func(d *DB, key []byte) {
			h, _ := d.HashForWrite(key)
			for i := range n {
				h.Put(fmt.Appendf(nil, "%0*d", length, i), []byte("v"))
			}
		}
	}
	list := func(n, length int) func(d *DB, key []byte) {
		return func(d *DB, key []byte) {
			l, _ := d.ListForWrite(key)
			for i := range n {
				l.Push(false, fmt.Appendf(nil, "%0*d", length, i))
			}
		}
	}
	zset := func(n int) func(d *DB, key []byte) {
		return func(d *DB, key []byte) {
			for i := range n {
				mustAdd(t, d, string(key), fmt.Sprint("member", i), 1)
			}
		}
	}
	filter := func(capacity uint64) func(d *DB, key []byte) {
		return func(d *DB, key []byte) {
			b, _ := d.NewBloom(key, bloom.Params{Capacity: capacity, Rate: 0.01, Expansion: 2})
			_, _ = b.Add([]byte("item"))
		}
	}
	// The value of the second key is of the same kind as that of the first.
	share := func(sh *shard, a, b slab.Ref) {
		enc, ref := sh.formOf(b)
		sh.setForm(a, sh.typeOf(b), enc, ref)
	}
	name := func(add uint32) func(sh *shard, a, _ slab.Ref) {
		return func(sh *shard, a, _ slab.Ref) { sh.heap.W(a).SetU32(recValue, sh.heap.R(a).U32(recValue)+add) }
	}
	enc := func(e uint8) func(sh *shard, a, _ slab.Ref) {
		return func(sh *shard, a, _ slab.Ref) { sh.heap.W(a).SetU8(recEnc, e) }
	}
	typ := func(to Type) func(sh *shard, a, _ slab.Ref) {
		return func(sh *shard, a, _ slab.Ref) { sh.heap.W(a).SetU8(recType, uint8(to)) }
	}
	for _, c := range []struct {
		name, want string
		make       func(d *DB, key []byte)
		damage     func(sh *shard, a, b slab.Ref)
	}{
		{"inline string, longer", "longer than its record", str(10), name(30)},
		{"inline string, far too long", "in form 0", str(10), name(5000)},
		{"string of a form that is none", "string of encoding", str(10), enc(strForm)},
		{"string of unknown marks", "string of encoding", str(10), enc(1 << 6)},
		{"string of two marks", "string of encoding", str(10), enc(strRaw | strText)},
		{"inline string that is said to be a blob", "", str(10), enc(strBlob)},
		{"inline string that is said to be large", "", str(10), enc(strLarge)},
		{"blob elsewhere", "no object", str(40_000), name(1)},
		{"blob far away", "", str(40_000), name(1 << 31)},
		{"blob shared", "two owners", str(40_000), share},
		{"blob's length", "blob", str(40_000), func(sh *shard, a, _ slab.Ref) {
			_, ref := sh.formOf(a)
			sh.heap.W(slab.Ref(ref)).SetU32(4, 60_000)
		}},
		{"blob's chain", "blob goes on", str(40_000), func(sh *shard, a, _ slab.Ref) {
			_, ref := sh.formOf(a)
			sh.heap.W(slab.Ref(ref)).SetU32(0, 0)
		}},
		{"short blob", "in form 1", str(40_000), func(sh *shard, a, _ slab.Ref) {
			_, ref := sh.formOf(a)
			sh.heap.FreeBlob(slab.Ref(ref))
			sh.heap.W(a).SetU32(recValue, uint32(sh.heap.PutBlob([]byte("short"))))
		}},
		{"large string's length", "on 5 pages", str(300_000), func(sh *shard, a, _ slab.Ref) {
			_, ref := sh.formOf(a)
			p := &sh.texts.At(ref).pages
			p.SetMark(p.Mark() + 1<<16)
		}},
		{"large string shared", "two keys", str(300_000), share},
		{"large string elsewhere", "", str(300_000), name(7)},
		{"string that is said to be a list", "", str(10), typ(TypeList)},

		{"packed set shared", "two owners", set(5, 8), share},
		{"packed set elsewhere", "no object", set(5, 8), name(1)},
		{"packed set that is said to be hashed", "", set(5, 8), enc(3)},
		{"packed set of an encoding that is none", "", set(5, 8), enc(9)},
		{"packed set that is said to be a hash", "", set(5, 8), typ(TypeHash)},
		{"set of integers out of order", "comes before", set(5, 1), func(sh *shard, a, _ slab.Ref) {
			_, ref := sh.formOf(a)
			w := sh.heap.W(slab.Ref(ref))
			w.SetU8(5, 0x99) // an element of one digit takes a byte
			w.SetU8(4, 0x91)
			w.SetU8(5, 0x90)
		}},
		{"set without members", "is empty", set(5, 8), func(sh *shard, a, _ slab.Ref) {
			_, ref := sh.formOf(a)
			sh.heap.Free(slab.Ref(ref))
			sh.setForm(a, TypeSet, 0, 0)
		}},
		{"medium set shared", "two owners", set(1000, 8), share},
		{"large set shared", "two keys", set(10_000, 8), share},
		{"large set that is said to be packed", "", set(10_000, 8), enc(2)},
		{"medium hash shared", "two owners", hash(1000, 8), share},
		{"medium hash that is said to be a set", "", hash(1000, 8), typ(TypeSet)},
		{"large hash elsewhere", "", hash(10_000, 8), name(99)},
		{"packed list shared", "two owners", list(5, 8), share},
		{"medium list shared", "two owners", list(2000, 8), share},
		{"medium list that is said to be large", "", list(2000, 8), enc(3)},
		{"large list shared", "two keys", list(100_000, 8), share},
		{"list of an encoding that is none", "", list(5, 8), enc(0)},
		{"packed sorted set shared", "two owners", zset(5), share},
		{"medium sorted set shared", "two owners", zset(200), share},
		{"large sorted set shared", "two keys", zset(10_000), share},
		{"medium sorted set that is said to be packed", "", zset(200), enc(1)},
		{"small filter shared", "two owners", filter(100), share},
		{"small filter elsewhere", "", filter(100), name(1)},
		{"small filter that is said to be large", "", filter(100), enc(2)},
		{"filter of an encoding that is none", "encoding 0", filter(100), enc(0)},
		{"filter that is said to be a string", "", filter(100), typ(TypeString)},
		{"large filter shared", "two keys", filter(100_000), share},
		{"large filter that is said to be small", "", filter(100_000), enc(1)},
		{"large filter elsewhere", "", filter(100_000), name(9)},
		{"bits of a small filter", "bits are set", filter(100), func(sh *shard, a, _ slab.Ref) {
			w := sh.heap.W(slab.Ref(sh.bloomOf(a).Ref))
			w.SetU64(64, w.U64(64)|w.U64(64)<<1|w.U64(64)>>1|7)
		}},

		{"the key's length", "", str(10), func(sh *shard, a, _ slab.Ref) { sh.heap.W(a).SetU16(recKeyLen, 1) }},
		{"a key past the record", "its key ends", str(10), func(sh *shard, a, _ slab.Ref) { sh.heap.W(a).SetU16(recKeyLen, 5000) }},
		{"a key that is said to be a blob", "", str(10), func(sh *shard, a, _ slab.Ref) { sh.heap.W(a).SetU16(recKeyLen, longKey) }},
		{"a record in the place of another", "", str(10), func(sh *shard, a, b slab.Ref) {
			for p := sh.dbs[0].keys.Find(sh.HashOf(uint32(a))); p.Next(); {
				if p.Ref() == uint32(a) {
					p.Replace(uint32(b))
				}
			}
		}},
		{"a record in two databases", "two owners", str(10), func(sh *shard, a, _ slab.Ref) {
			sh.hook(&sh.dbs[1], sh.HashOf(uint32(a)), a)
		}},
		{"an expiry in the time index of another key", "time index", str(10), func(sh *shard, a, _ slab.Ref) {
			sh.setExpireAt(&sh.dbs[0], a, startMS+7)
			sh.times.Open(sh.dbs[0].times, &sh.set)
			sh.set.Remove(sh.nameOf(a))
			sh.set.Add([]byte("\xff\xff\xff\x00"), startMS+7, 0)
			sh.storeTimes(&sh.dbs[0])
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(Options{Shards: 1, Databases: 2})
			if err != nil {
				t.Fatal(err)
			}
			d := s.NewDB()
			d.Begin(0, startMS)
			a, b := []byte("the first key"), []byte("the second key")
			c.make(d, a)
			c.make(d, b)
			if err := s.Check(0); err != nil {
				t.Fatal(err)
			}
			c.damage(s.shards[0], d.find(a).rec, d.find(b).rec)
			if err := s.Check(0); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check says %v, want %q", err, c.want)
			}
			if err := s.region.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCheckFindsDamageOfLongKeys: a key that is a blob keeps its hash.
func TestCheckFindsDamageOfLongKeys(t *testing.T) {
	for _, damage := range []func(sh *shard, rec slab.Ref){
		func(sh *shard, rec slab.Ref) { sh.heap.W(rec).SetU64(recHash, sh.heap.R(rec).U64(recHash)^1<<40) },
		func(sh *shard, rec slab.Ref) {
			sh.heap.WriteBlob(slab.Ref(sh.heap.R(rec).U32(recBlob)), 39_999, []byte("x"))
		},
		func(sh *shard, rec slab.Ref) { sh.heap.W(rec).SetU32(recBlob, 0xfffff000) },
		func(sh *shard, rec slab.Ref) { sh.heap.W(slab.Ref(sh.heap.R(rec).U32(recBlob))).SetU32(4, 32_800) },
	} {
		s, err := Open(Options{Shards: 1, Databases: 1})
		if err != nil {
			t.Fatal(err)
		}
		d, key := s.NewDB(), make([]byte, 40_000)
		d.Begin(0, startMS)
		d.SetString(key, []byte("v"), false)
		if err := s.Check(0); err != nil {
			t.Fatal(err)
		}
		damage(s.shards[0], d.find(key).rec)
		if s.Check(0) == nil {
			t.Error("Check finds nothing")
		}
		if err := s.region.Close(); err != nil {
			t.Error(err)
		}
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
