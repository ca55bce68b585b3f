package store

import (
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"quarry/store/bloom"
	"quarry/store/field"
	"quarry/store/list"
	"quarry/store/table"
	"quarry/store/zset"
)

// viewTest has goroutines that change a store while views of it are walked.
type viewTest struct {
	t    *testing.T
	s    *Store
	seed maphash.Seed
	stop atomic.Bool
	now  atomic.Int64
}

// smallLimits has values leave their packed forms early.
var smallLimits = Limits{
	ZSet: zset.Limits{PackedEntries: 8, PackedValue: 32},
	Hash: table.Limits{PackedEntries: 8, PackedValue: 32},
	Set:  table.Limits{IntEntries: 8, PackedEntries: 8, PackedValue: 32},
	List: list.Limits{Size: 64},
}

func newViewTest(t *testing.T, shards int) *viewTest {
	s, err := Open(Options{Shards: shards, Databases: 3, Seed: 7, Limits: smallLimits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for i := range s.Shards() {
			if err := s.Check(i); err != nil {
				t.Error(err)
			}
		}
		if n := s.Views(); n.Bytes != 0 || n.Active != 0 {
			t.Errorf("at the end views take %+v", n)
		}
		if s.region.Saved() != 0 {
			t.Errorf("at the end views keep %d bytes", s.region.Saved())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	vt := &viewTest{t: t, s: s, seed: maphash.MakeSeed()}
	vt.now.Store(startMS)
	return vt
}

// digest is an entry in short: what all its readers answer, each value being read once or, unless once, sorted sets
// in both directions.
func (vt *viewTest) digest(e *Entry, once bool) string {
	var h maphash.Hash
	h.SetSeed(vt.seed)
	sum := uint64(0) // of elements in an order that means nothing
	switch e.Type() {
	case TypeString:
		for p := e.Parts(); p.More(); {
			h.Write(p.Next())
		}
	case TypeHash, TypeSet:
		for it := e.Pairs(); it.Next(); {
			sum += maphash.String(vt.seed, fmt.Sprintf("%q=%q", it.Key(), it.Value()))
		}
	case TypeList:
		for it := e.Items(); it.Next(); {
			fmt.Fprintf(&h, "%q", it.Value())
		}
	case TypeZSet:
		n := 0
		for it := e.Rows(true); it.Next(); n++ {
			fmt.Fprintf(&h, "%q=%v", it.Member(), it.Score())
		}
		if n != e.Len() {
			vt.t.Errorf("%q has %d rows of %d", e.Key(), n, e.Len())
		}
		if !once {
			for it := e.Rows(false); it.Next(); {
				n--
			}
			if n != 0 {
				vt.t.Errorf("%q has %d rows fewer from the other end", e.Key(), n)
			}
		}
	case TypeBloom:
		var s bloom.State
		e.Bloom().State(&s)
		fmt.Fprint(&h, s)
		_ = e.Bloom().EachRun(func(first uint32, blocks []byte) error {
			fmt.Fprint(&h, first)
			h.Write(blocks)
			return nil
		})
	case TypeField:
		var rec field.Record
		for it := e.Members(); it.Next(); {
			it.Read(&rec)
			payload, _ := rec.Payload()
			fmt.Fprintf(&h, "%q@%v,%v %d %q", it.Member(), rec.X, rec.Y, rec.ExpiresAt, payload)
		}
	}
	return fmt.Sprintf("%d %d %d %s %x", e.Type(), e.ExpireAt(), e.Len(), e.Encoding(), h.Sum64()+sum)
}

// live is all there is in the store, whose shards are all locked.
func (vt *viewTest) live() []map[string]string {
	all := make([]map[string]string, vt.s.Databases())
	for db := range all {
		all[db] = map[string]string{}
		e := Entry{index: db}
		for _, sh := range vt.s.shards {
			_ = sh.walk(db, &e, func(e *Entry) error {
				all[db][string(e.Key())] = vt.digest(e, false)
				return nil
			})
		}
	}
	return all
}

// view cuts a view, walks it and compares it with what there was at the cut.
func (vt *viewTest) view(rnd *rand.Rand) {
	var want []map[string]string
	v, err := vt.s.Cut(func() { want = vt.live() })
	if err != nil {
		vt.t.Error(err)
		return
	}
	defer v.Close()
	once := rnd.IntN(2) == 0
	if once {
		v.Once()
	}
	for db, want := range want {
		got := map[string]string{}
		err := v.Walk(db, func(e *Entry) error {
			got[string(e.Key())] = vt.digest(e, once)
			return nil
		})
		if err != nil {
			vt.t.Error(err)
		}
		if !maps.Equal(got, want) {
			vt.t.Errorf("database %d of a view (once: %v) differs: %d keys, want %d", db, once, len(got), len(want))
			for k, text := range want {
				if got[k] != text {
					vt.t.Errorf("%q: %s, want %s", k, got[k], text)
					break
				}
			}
			vt.stop.Store(true)
		}
		if keys, _ := v.Size(db); int(keys) != len(want) {
			vt.t.Errorf("a view of %d keys says %d", len(want), keys)
		}
	}
}

// with runs fn with the shards of keys locked, or all.
func (vt *viewTest) with(d *DB, db int, fn func(), keys ...string) {
	locked := map[int]bool{}
	for _, k := range keys {
		locked[vt.s.ShardOf([]byte(k))] = true
	}
	for i := range vt.s.Shards() {
		if locked[i] || keys == nil {
			vt.s.Lock(i)
			defer vt.s.Unlock(i)
		}
	}
	d.Begin(db, vt.now.Load())
	fn()
}

// change makes a random change.
func (vt *viewTest) change(d *DB, rnd *rand.Rand) {
	key, other := fmt.Sprint("key", rnd.IntN(30)), fmt.Sprint("key", rnd.IntN(30))
	db := rnd.IntN(vt.s.Databases())
	switch n := rnd.IntN(1000); {
	case n < 60:
		vt.with(d, db, func() { d.Rename([]byte(key), []byte(other)) }, key, other)
	case n < 90:
		vt.with(d, db, func() { _, _, _ = d.Copy([]byte(key), []byte(other), rnd.IntN(3), true) }, key, other)
	case n < 110:
		vt.with(d, db, func() { d.Move([]byte(key), rnd.IntN(3)) }, key)
	case n < 150:
		vt.with(d, db, func() { d.Delete([]byte(key)) }, key)
	case n < 170:
		vt.with(d, db, func() { d.SetExpireAt([]byte(key), vt.now.Load()+int64(rnd.IntN(500))) }, key)
	case n < 173:
		vt.with(d, db, func() { vt.s.SwapDB(db, rnd.IntN(3)) })
	case n < 175:
		vt.with(d, db, func() { vt.s.FlushDB(db) })
	case n < 176:
		vt.with(d, db, vt.s.FlushAll)
	default:
		vt.with(d, db, func() { vt.grow(d, rnd, []byte(key)) }, key)
	}
}

// grow changes the value at key, making it or, half the time, a large one of it.
func (vt *viewTest) grow(d *DB, rnd *rand.Rand, key []byte) {
	n := 1 + rnd.IntN(30)
	if rnd.IntN(40) == 0 {
		n = 1500 + rnd.IntN(1500)
	}
	long := func() []byte {
		b := fmt.Appendf(nil, "element:%d", rnd.IntN(5000))
		if rnd.IntN(300) == 0 {
			b = append(b, make([]byte, rnd.IntN(50_000))...)
		}
		return b
	}
	less := rnd.IntN(2) == 0
	typ := Type(1 + rnd.IntN(int(types)-1))
	if now := d.Kind(key); now != None {
		typ = now
	}
	switch typ {
	case TypeString:
		s, _ := d.StringForWrite(key)
		switch rnd.IntN(3) {
		case 0:
			s.Set(make([]byte, rnd.IntN(100*n)))
		case 1:
			s.Append(make([]byte, 1+rnd.IntN(100*n)))
		default:
			s.SetRange(rnd.IntN(s.Len()+1), []byte("some bytes"))
		}
	case TypeHash:
		h, _ := d.HashForWrite(key)
		for range n {
			if h.Put(long(), long()); less && h.Len() > 1 {
				h.Remove(fmt.Appendf(nil, "element:%d", rnd.IntN(5000)))
			}
		}
	case TypeSet:
		s, _ := d.SetForWrite(key)
		for range n {
			s.Add(long())
		}
		for less && s.Len() > n {
			s.Remove(s.Random(rnd.Uint64))
		}
	case TypeList:
		l, _ := d.ListForWrite(key)
		for range n {
			l.Push(rnd.IntN(2) == 0, long())
			l.Set(rnd.IntN(l.Len()), long())
		}
		if less && l.Len() > 2*n {
			l.RemoveRange(rnd.IntN(l.Len()-2*n), 2*n)
		}
	case TypeZSet:
		z, _ := d.ZSetForWrite(key)
		for range n {
			z.Add(long(), float64(rnd.IntN(100)), 0)
		}
		if less && z.Len() > 2*n {
			z.RemoveRange(rnd.IntN(z.Len()-2*n), 2*n, nil)
		}
	case TypeBloom:
		b, _ := d.BloomForWrite(key)
		if b == nil {
			b, _ = d.NewBloom(key, bloom.Params{Capacity: uint64(100 * n), Rate: 0.01, Expansion: 2})
		}
		for range n {
			_, _ = b.Add(long())
		}
	case TypeField:
		f, _ := d.FieldForWrite(key)
		for range n {
			c := field.Change{Names: [][]byte{[]byte("gold")}, Values: []float64{rnd.Float64()}}
			if rnd.IntN(4) == 0 {
				c.HasPayload, c.Payload = true, long()
			}
			if rnd.IntN(4) == 0 {
				c.ExpiresAt = vt.now.Load() + int64(rnd.IntN(300))
			}
			f.Put(long()[:8+rnd.IntN(4)], rnd.Float64()*100, rnd.Float64()*100, 0, &c)
		}
	}
}

// TestViews has several views at once of a store that two goroutines change, on all types of values.
func TestViews(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for _, shards := range []int{1, 4} {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			vt := newViewTest(t, shards)
			var writers, viewers sync.WaitGroup
			for i := range 2 {
				writers.Go(func() {
					d, rnd := vt.s.NewDB(), rand.New(rand.NewPCG(uint64(i), 1))
					for !vt.stop.Load() {
						vt.change(d, rnd)
						if i == 0 && rnd.IntN(20) == 0 {
							vt.s.Tick(vt.now.Add(1))
						}
					}
				})
			}
			for i := range 2 {
				viewers.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(i), 2))
					for range rounds {
						vt.view(rnd)
					}
				})
			}
			viewers.Wait()
			vt.stop.Store(true)
			writers.Wait()
		})
	}
}
