package store

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"quarry/store/zset"
)

// modelKey is a key as the model sees it.
type modelKey struct {
	members  map[string]float64
	expireAt int64
}

func (k *modelKey) clone() *modelKey {
	return &modelKey{maps.Clone(k.members), k.expireAt}
}

// model is a keyspace of Go maps.
type model []map[string]*modelKey

func (m model) get(db int, key string, now int64) *modelKey {
	k := m[db][key]
	if k != nil && k.expireAt != 0 && now > k.expireAt {
		delete(m[db], key)
		return nil
	}
	return k
}

func (m model) put(db int, key string, k *modelKey) {
	if len(k.members) == 0 {
		delete(m[db], key)
	} else {
		m[db][key] = k
	}
}

// modelTest does the same random steps to a store and to a model.
type modelTest struct {
	*fixture
	m   model
	rnd *rand.Rand

	forms map[zset.Encoding]int // of the sets that fillStep filled
}

func (mt *modelTest) key() string { return fmt.Sprint("key", mt.rnd.IntN(40)) }

// step does one command and compares what it answers.
func (mt *modelTest) step(d *DB) (got, want string) {
	db, key := d.Index(), mt.key()
	k := mt.m.get(db, key, mt.now)
	switch mt.rnd.IntN(17) {
	case 0, 1, 2, 3:
		member, score := fmt.Sprint(mt.rnd.IntN(8)), float64(mt.rnd.IntN(100))
		mustAdd(mt.t, d, key, member, score)
		if k == nil {
			k = &modelKey{members: map[string]float64{}}
		}
		k.members[member] = score
		mt.m.put(db, key, k)
	case 4, 5:
		member := fmt.Sprint(mt.rnd.IntN(8))
		z, _ := d.ZSetForWrite([]byte(key))
		got = fmt.Sprint(z.Remove([]byte(member)))
		if want = "false"; k != nil {
			_, ok := k.members[member]
			want = fmt.Sprint(ok)
			delete(k.members, member)
			mt.m.put(db, key, k)
		}
	case 6:
		got, want = fmt.Sprint(d.Delete([]byte(key))), fmt.Sprint(k != nil)
		delete(mt.m[db], key)
	case 7:
		dst := mt.key()
		got, want = fmt.Sprint(d.Rename([]byte(key), []byte(dst))), fmt.Sprint(k != nil)
		if k != nil {
			delete(mt.m[db], key)
			mt.m[db][dst] = k
		}
	case 8:
		return mt.copyStep(d, key, k)
	case 9:
		to := mt.rnd.IntN(len(mt.m))
		can := k != nil && mt.m.get(to, key, mt.now) == nil
		got, want = fmt.Sprint(d.Move([]byte(key), to)), fmt.Sprint(can)
		if can {
			delete(mt.m[db], key)
			mt.m[to][key] = k
		}
	case 10, 11:
		at := mt.now + int64(mt.rnd.IntN(60)) - 10
		got, want = fmt.Sprint(d.SetExpireAt([]byte(key), at)), fmt.Sprint(k != nil)
		if k != nil {
			k.expireAt = at
			if at <= mt.now {
				delete(mt.m[db], key)
			}
		}
	case 12:
		got, want = fmt.Sprint(d.SetExpireAt([]byte(key), 0)), fmt.Sprint(k != nil)
		if k != nil {
			k.expireAt = 0
		}
	case 13:
		mt.storeStep(d, key)
	case 14:
		if mt.rnd.IntN(12) == 0 {
			mt.fillStep(d, key, k)
		}
	default:
		return mt.readStep(d, key, k)
	}
	return got, want
}

func (mt *modelTest) copyStep(d *DB, key string, k *modelKey) (got, want string) {
	dst, to, replace := mt.key(), mt.rnd.IntN(len(mt.m)), mt.rnd.IntN(2) == 0
	ok, exists, err := d.Copy([]byte(key), []byte(dst), to, replace)
	there := k != nil && mt.m.get(to, dst, mt.now) != nil && !replace
	if k != nil && !there {
		mt.m[to][dst] = k.clone()
	}
	return fmt.Sprint(ok, exists, err), fmt.Sprint(k != nil && !there, there, nil)
}

func (mt *modelTest) storeStep(d *DB, key string) {
	z := d.NewZSet([]byte(key))
	k := &modelKey{members: map[string]float64{}}
	for range mt.rnd.IntN(4) {
		member := fmt.Sprint(mt.rnd.IntN(8))
		z.Add([]byte(member), 1, 0)
		k.members[member] = 1
	}
	if mt.rnd.IntN(4) == 0 {
		z.Discard()
		return
	}
	z.StoreAt()
	mt.m.put(d.Index(), key, k)
}

// fillStep takes a set to another form: medium or large, with long members or without.
func (mt *modelTest) fillStep(d *DB, key string, k *modelKey) {
	if k == nil {
		k = &modelKey{members: map[string]float64{}}
	}
	n := []int{10, 150, 500, 2000}[mt.rnd.IntN(4)]
	length := []int{10, 10, 100, 1000, 70_000}[mt.rnd.IntN(5)]
	if length > 100 {
		n = min(n, 200_000/length)
	}
	z, _ := d.ZSetForWrite([]byte(key))
	for i := range n {
		member := fmt.Sprintf("%0*d", length, i)
		z.Add([]byte(member), float64(i%50), 0)
		k.members[member] = float64(i % 50)
	}
	mt.m.put(d.Index(), key, k)
	mt.forms[z.Handle().Enc]++
}

func (mt *modelTest) readStep(d *DB, key string, k *modelKey) (got, want string) {
	z, err := d.ZSet([]byte(key))
	if z == nil {
		return fmt.Sprint(nil, err), fmt.Sprint(k, nil)
	}
	at, _ := d.ExpireAt([]byte(key))
	if k == nil {
		return "a key", "none"
	}
	scores := map[string]float64{}
	for member := range k.members {
		if score, ok := z.Score([]byte(member)); ok {
			scores[member] = score
		}
	}
	return fmt.Sprint(z.Len(), scores, at), fmt.Sprint(len(k.members), k.members, k.expireAt)
}

// between does what is not done by commands on one database.
func (mt *modelTest) between() {
	switch mt.rnd.IntN(60) {
	case 0:
		db := mt.rnd.IntN(len(mt.m))
		mt.run(0, func(*DB) { mt.s.FlushDB(db) })
		mt.m[db] = map[string]*modelKey{}
	case 1:
		a, b := mt.rnd.IntN(len(mt.m)), mt.rnd.IntN(len(mt.m))
		mt.run(0, func(*DB) { mt.s.SwapDB(a, b) })
		mt.m[a], mt.m[b] = mt.m[b], mt.m[a]
	case 2, 3, 4:
		mt.s.Tick(mt.now)
	default:
		mt.now += int64(mt.rnd.IntN(5))
	}
}

// compareKeys compares the keys SCAN finds with the model's.
func (mt *modelTest) compareKeys() {
	for db := range mt.m {
		want := map[string]bool{}
		for key := range maps.Clone(mt.m[db]) {
			if mt.m.get(db, key, mt.now) != nil {
				want[key] = true
			}
		}
		if got := mt.keys(db); !maps.Equal(got, want) {
			mt.t.Fatalf("database %d holds %v, want %v", db, got, want)
		}
	}
}

func newModelTest(f *fixture, rnd *rand.Rand) *modelTest {
	mt := &modelTest{f, make(model, f.s.Databases()), rnd, map[zset.Encoding]int{}}
	for db := range mt.m {
		mt.m[db] = map[string]*modelKey{}
	}
	return mt
}

func (mt *modelTest) turn(i int) {
	mt.run(mt.rnd.IntN(len(mt.m)), func(d *DB) {
		if got, want := mt.step(d); got != want {
			mt.t.Fatalf("step %d: %s, want %s", i, got, want)
		}
	})
	mt.between()
	if i%10 == 0 {
		mt.check()
		mt.compareKeys()
	}
}

func TestModel(t *testing.T) {
	for _, shards := range []int{1, 8} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("shards=%d/seed=%d", shards, seed), func(t *testing.T) {
				f := newFixture(t, Options{Shards: shards, Databases: 3, Seed: seed})
				mt := newModelTest(f, rand.New(rand.NewPCG(seed, uint64(shards))))
				for i := range 2500 {
					mt.turn(i)
				}
				if mt.forms[zset.Medium] == 0 || mt.forms[zset.Large] == 0 {
					t.Errorf("sets were filled to these forms only: %v", mt.forms)
				}
			})
		}
	}
}

// TestConcurrency is for the race detector: commands on several goroutines,
// with upkeep, scans and the counters beside them.
func TestConcurrency(t *testing.T) {
	f := newFixture(t, Options{Shards: 4, Databases: 2})
	var wg sync.WaitGroup
	const steps = 3000
	for g := range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rnd := rand.New(rand.NewPCG(9, uint64(g)))
			d := f.s.NewDB()
			for i := range steps {
				a, b := fmt.Append(nil, "key", rnd.IntN(50)), fmt.Append(nil, "key", rnd.IntN(50))
				lo, hi := f.s.ShardOf(a), f.s.ShardOf(b)
				lo, hi = min(lo, hi), max(lo, hi)
				f.s.Lock(lo)
				if hi != lo {
					f.s.Lock(hi)
				}
				d.Begin(rnd.IntN(2), startMS+int64(i))
				switch rnd.IntN(4) {
				case 0:
					d.Rename(a, b)
				case 1:
					d.SetExpireAt(a, startMS+int64(i+10))
				default:
					mustAdd(t, d, string(a), string(b), 1)
				}
				if hi != lo {
					f.s.Unlock(hi)
				}
				f.s.Unlock(lo)
			}
		}()
	}
	wg.Add(1)
	go func() {
		defer wg.Done()
		d := f.s.NewDB()
		for i := range steps {
			f.s.Tick(startMS + int64(i))
			d.Begin(i%2, startMS+int64(i))
			d.Scan(0, 20, None, func(key []byte) {
				if !bytes.HasPrefix(key, []byte("key")) {
					t.Errorf("SCAN passes %q", key)
				}
			})
			d.RandomKey(nil)
			f.s.Memory()
			f.s.Counters()
			f.s.ExpireStats(0)
			f.s.Room(1)
		}
	}()
	wg.Wait()
}
