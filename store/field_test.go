package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"quarry/store/field"
	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// put puts a member into the field at key, to expire at a time.
func (f *fixture) put(index int, key, member string, atMS int64) (o field.Outcome) {
	f.run(index, func(d *DB) {
		fd, err := d.FieldForWrite([]byte(key))
		if err != nil {
			f.t.Fatal(err)
		}
		o = fd.Put([]byte(member), 1, 2, 0, &field.Change{ExpiresAt: atMS})
	})
	return o
}

// fieldKey is a field as a model has it.
type fieldKey struct {
	created  bool
	expireAt int64
	members  map[string]int64 // when they expire
}

// fieldsTest does random things to fields under a few keys of two databases.
type fieldsTest struct {
	*fixture
	rnd *rand.Rand
	m   [2]map[string]*fieldKey
}

// get is what there is at a key.
func (ft *fieldsTest) get(db int, key string) *fieldKey {
	k := ft.m[db][key]
	if k == nil {
		return nil
	}
	alive := 0
	for _, at := range k.members {
		if at == 0 || ft.now <= at {
			alive++
		}
	}
	if expired(k.expireAt, ft.now) || alive == 0 && !k.created {
		delete(ft.m[db], key)
		return nil
	}
	maps.DeleteFunc(k.members, func(_ string, at int64) bool { return at != 0 && ft.now > at })
	return k
}

func (k *fieldKey) clone() *fieldKey { return &fieldKey{k.created, k.expireAt, maps.Clone(k.members)} }

// time draws a deadline, or none.
func (ft *fieldsTest) time() int64 {
	if ft.rnd.IntN(2) == 0 {
		return 0
	}
	return ft.now + 1 + int64(ft.rnd.IntN(400))
}

func (ft *fieldsTest) step() {
	db, key, other := ft.rnd.IntN(2), fmt.Sprint("key", ft.rnd.IntN(6)), fmt.Sprint("key", ft.rnd.IntN(6))
	k := ft.get(db, key)
	member := fmt.Sprint("m", ft.rnd.IntN(5))
	switch n := ft.rnd.IntN(100); {
	case n < 50:
		if k == nil {
			k = &fieldKey{members: map[string]int64{}}
			ft.m[db][key] = k
		}
		k.members[member] = ft.time()
		ft.put(db, key, member, k.members[member])
	case n < 60:
		ft.run(db, func(d *DB) {
			f, err := d.FieldForWrite([]byte(key))
			if err != nil {
				ft.t.Fatal(err)
			}
			has := false
			if k != nil {
				_, has = k.members[member]
				delete(k.members, member)
			}
			if f.Remove([]byte(member)) != has || f.Exists() != (ft.get(db, key) != nil) {
				ft.t.Fatalf("Remove(%s) of %s is not %v, or the key is wrong: %v", member, key, has, f.Exists())
			}
		})
	case n < 65:
		ft.run(db, func(d *DB) {
			if d.CreateField([]byte(key), field.Shape{Dims: 2}) != (k == nil) {
				ft.t.Fatalf("CreateField(%s) with %v", key, k)
			}
		})
		if k == nil {
			ft.m[db][key] = &fieldKey{created: true, members: map[string]int64{}}
		}
	case n < 90:
		ft.keyStep(n, db, key, other, k)
	case n < 95:
		ft.now += int64(ft.rnd.IntN(150))
	default:
		ft.s.Tick(ft.now)
	}
}

// keyStep does what can be done to any key.
func (ft *fieldsTest) keyStep(n, db int, key, other string, k *fieldKey) {
	ft.run(db, func(d *DB) {
		switch {
		case n < 70:
			if d.Rename([]byte(key), []byte(other)) && key != other {
				ft.m[db][other] = k
				delete(ft.m[db], key)
			}
		case n < 75:
			to := ft.rnd.IntN(2)
			ok, exists, err := d.Copy([]byte(key), []byte(other), to, true)
			if err != nil || exists || ok != (k != nil) {
				ft.t.Fatalf("Copy is %v, %v, %v with %v", ok, exists, err, k)
			}
			if ok && (key != other || db != to) {
				ft.m[to][other] = k.clone()
			}
		case n < 80:
			free := ft.get(1-db, key) == nil
			if d.Move([]byte(key), 1-db) != (k != nil && free) {
				ft.t.Fatalf("Move of %s with %v", key, k)
			}
			if k != nil && free {
				ft.m[1-db][key] = k
				delete(ft.m[db], key)
			}
		case n < 84:
			if d.Delete([]byte(key)) != (k != nil) {
				ft.t.Fatalf("Delete(%s) with %v", key, k)
			}
			delete(ft.m[db], key)
		case n < 87:
			if k != nil {
				k.expireAt = ft.time()
				d.SetExpireAt([]byte(key), k.expireAt)
			}
		case n < 89:
			ft.s.SwapDB(0, 1)
			ft.m[0], ft.m[1] = ft.m[1], ft.m[0]
		case ft.rnd.IntN(5) == 0:
			ft.s.FlushDB(db)
			ft.m[db] = map[string]*fieldKey{}
		}
	})
}

func (ft *fieldsTest) compare() {
	ft.t.Helper()
	ft.check()
	for db := range ft.m {
		for i := range 6 {
			key := fmt.Sprint("key", i)
			k := ft.get(db, key)
			ft.run(db, func(d *DB) {
				f, err := d.Field([]byte(key))
				if err != nil || (f != nil) != (k != nil) {
					ft.t.Fatalf("%s of database %d: %v, want %v: %v", key, db, f != nil, k, err)
				}
				if k != nil && (f.Len(ft.now) != len(k.members) || f.Created() != k.created) {
					ft.t.Fatalf("%s of database %d has %d members, want %v", key, db, f.Len(ft.now), k.members)
				}
			})
		}
	}
}

// TestFields: fields under keys, with all that can be done to keys, against maps; and the index of deadlines follows.
func TestFields(t *testing.T) {
	for _, shards := range []int{1, 8} {
		ft := &fieldsTest{fixture: newFixture(t, Options{Shards: shards, Databases: 2}), rnd: rand.New(rand.NewPCG(7, uint64(shards)))}
		ft.m = [2]map[string]*fieldKey{{}, {}}
		for i := range 6000 {
			if ft.step(); i%20 == 0 {
				ft.compare()
			}
		}
		ft.now += 1000
		ft.tick()
		ft.compare()
	}
}

// TestMembersExpire: those whose time is over are missing at once, go in bounded slices, and the observer is told; the key goes with
// the last, unless it was created.
func TestMembersExpire(t *testing.T) {
	o := &observer{on: true}
	f := newFixture(t, Options{Shards: 1, Observer: o})
	f.run(3, func(d *DB) { d.CreateField([]byte("stays"), field.Shape{Dims: 2}) })
	const n = 3*reclaimKeys + 5
	for i := range n {
		f.put(3, "goes", fmt.Sprint(i), startMS+10+int64(i)%7)
	}
	f.put(3, "stays", "m", startMS+20)
	f.now += 5
	if f.tick(); len(o.expired) > 0 {
		t.Errorf("told %q before anything was over", o.expired)
	}
	f.now += 15 // in its last millisecond the one of "stays" is still there
	rows := func() (sum int) {
		for _, key := range []string{"goes", "stays"} {
			f.lockAll()
			sh := f.s.shards[0]
			if rec := sh.lookup(&sh.dbs[3], sh.hash.Sum([]byte(key)), []byte(key)); rec != 0 {
				var fd field.Field
				sh.fields.Open(sh.fieldOf(rec), &fd)
				sum += fd.Rest()
			}
			f.unlockAll()
		}
		return sum
	}
	for slices, left := 1, n+1; f.s.Tick(f.now); slices++ {
		f.check()
		now := rows()
		if left-now > reclaimKeys || slices > 10 {
			t.Fatalf("a slice takes %d members", left-now)
		}
		left = now
	}
	if got := rows(); got != 1 || f.s.Size(3) != 2-1 {
		t.Errorf("%d rows and %d keys are left", got, f.s.Size(3))
	}
	f.now++
	f.tick()
	f.check()
	if got := rows(); got != 0 || !f.exists(3, "stays") {
		t.Errorf("%d rows are left", got)
	}
	if last := o.expired[len(o.expired)-1]; last != "members of 3:stays, gone: false" {
		t.Errorf("told last %q", last)
	}
	if !slices.Contains(o.expired, "members of 3:goes, gone: false") || !slices.Contains(o.expired, "members of 3:goes, gone: true") {
		t.Errorf("told %q", o.expired)
	}
	if f.s.Counters().ExpiredKeys != 0 {
		t.Errorf("%d keys count as expired", f.s.Counters().ExpiredKeys)
	}
}

// TestPurge: members go that are due at a time, up to a number of them, and the key with the last; and where none is, since the
// first deadline has been put off, the index of fields learns of it.
func TestPurge(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	purge := func(atMS int64, max, want int) {
		t.Helper()
		f.run(0, func(d *DB) {
			fd, err := d.FieldForWrite([]byte("k"))
			if err != nil {
				t.Fatal(err)
			}
			if n := fd.Purge(atMS, max); n != want {
				t.Errorf("%d members go, want %d", n, want)
			}
		})
		f.check()
	}
	purge(startMS, 10, 0)
	f.put(0, "k", "a", startMS+10)
	f.put(0, "k", "b", startMS+20)
	f.put(0, "k", "c", startMS+20)
	f.put(0, "k", "a", startMS+30)
	purge(startMS+15, 10, 0)
	purge(startMS+20, 10, 0)
	purge(startMS+21, 1, 1)
	purge(startMS+21, 10, 1)
	purge(startMS+99, 10, 1)
	if f.exists(0, "k") {
		t.Error("the key stays without members")
	}
}

// TestFieldGoesWithItsMembers: whoever looks first finds a key gone whose members have all expired.
func TestFieldGoesWithItsMembers(t *testing.T) {
	o := &observer{on: true}
	f := newFixture(t, Options{Shards: 1, Observer: o})
	f.put(0, "k", "a", startMS+10)
	f.put(0, "k", "b", startMS+20)
	f.now += 15
	if !f.exists(0, "k") || len(f.keys(0)) != 1 {
		t.Error("the key goes before its last member")
	}
	f.now += 6
	if keys := f.keys(0); len(keys) != 0 {
		t.Errorf("SCAN passes %v", keys)
	}
	if f.exists(0, "k") || f.s.Size(0) != 0 {
		t.Error("the key outlives its members")
	}
	if want := []string{"members of 0:k, gone: true"}; !slices.Equal(o.expired, want) {
		t.Errorf("told %q", o.expired)
	}
	f.put(0, "k", "c", 0)
	f.run(0, func(d *DB) {
		if _, err := d.ZSet([]byte("k")); !errors.Is(err, ErrWrongType) {
			t.Errorf("a field is opened as a sorted set: %v", err)
		}
		mustAdd(t, d, "z", "m", 1)
		if _, err := d.Field([]byte("z")); !errors.Is(err, ErrWrongType) {
			t.Errorf("a sorted set is opened as a field: %v", err)
		}
	})
}

// TestStringTakesAFieldsPlace: the record of a field that a string is put in place of is in the index of fields no more, so that the
// deadlines that were there are not looked for.
func TestStringTakesAFieldsPlace(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	for _, text := range []string{"short", strings.Repeat("long", 1000)} {
		f.put(0, "k", "m", f.now+10)
		f.run(0, func(d *DB) { d.SetString([]byte("k"), []byte(text), false) })
		f.check()
		f.now += 20
		f.tick()
		f.check()
		if !f.exists(0, "k") {
			t.Error("the string goes with the field's members")
		}
		f.run(0, func(d *DB) { d.Delete([]byte("k")) })
	}
}

// TestCheckFindsDamageOfFields damages what the shard keeps of fields.
func TestCheckFindsDamageOfFields(t *testing.T) {
	for _, dm := range []struct {
		name, want string
		do         func(sh *shard, db *database, rec slab.Ref)
	}{
		{"no index", "no index of fields", func(_ *shard, db *database, _ slab.Ref) { db.fields = zset.Handle{} }},
		{"another time", "in the index of fields", func(sh *shard, db *database, rec slab.Ref) {
			sh.times.Open(db.fields, &sh.set)
			sh.set.Add(sh.nameOf(rec), 5, 0)
			db.fields = sh.set.Handle()
		}},
		{"too many", "the index of fields has 2 rows", func(sh *shard, db *database, rec slab.Ref) {
			sh.times.Open(db.fields, &sh.set)
			sh.set.Add(sh.nameOf(rec+1), 5, 0)
			db.fields = sh.set.Handle()
		}},
		{"a field elsewhere", "no object", func(sh *shard, _ *database, rec slab.Ref) { sh.setForm(rec, TypeField, 0, 0xfffff000) }},
	} {
		t.Run(dm.name, func(t *testing.T) {
			s, err := Open(Options{Shards: 1, Databases: 1})
			if err != nil {
				t.Fatal(err)
			}
			f := &fixture{t: t, s: s, db: s.NewDB(), now: startMS}
			f.put(0, "k", "m", startMS+10)
			f.check()
			sh := s.shards[0]
			dm.do(sh, &sh.dbs[0], sh.lookup(&sh.dbs[0], sh.hash.Sum([]byte("k")), []byte("k")))
			if err := s.Check(0); err == nil || !strings.Contains(err.Error(), dm.want) {
				t.Errorf("Check says %v, want %q", err, dm.want)
			}
			if err := s.region.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
