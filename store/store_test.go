package store

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"quarry/store/zset"
)

// fixture is a store under test: it locks and checks around every call.
type fixture struct {
	t   testing.TB
	s   *Store
	db  *DB
	now int64
}

const startMS = 1_700_000_000_000

func newFixture(t testing.TB, o Options) *fixture {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, s: s, db: s.NewDB(), now: startMS}
	t.Cleanup(func() {
		f.check()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// run runs fn as a command on database index, with all shards locked.
func (f *fixture) run(index int, fn func(d *DB)) {
	f.lockAll()
	defer f.unlockAll()
	f.db.Begin(index, f.now)
	fn(f.db)
}

func (f *fixture) lockAll() {
	for i := range f.s.Shards() {
		f.s.Lock(i)
	}
}

func (f *fixture) unlockAll() {
	for i := range f.s.Shards() {
		f.s.Unlock(i)
	}
}

func (f *fixture) check() {
	f.t.Helper()
	for i := range f.s.Shards() {
		f.s.Lock(i)
		err := f.s.Check(i)
		f.s.Unlock(i)
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// tick runs Tick until there is nothing to do.
func (f *fixture) tick() {
	for f.s.Tick(f.now) {
	}
}

func (f *fixture) add(index int, key, member string, score float64) {
	f.t.Helper()
	f.run(index, func(d *DB) { mustAdd(f.t, d, key, member, score) })
}

func mustAdd(t testing.TB, d *DB, key, member string, score float64) {
	t.Helper()
	z, err := d.ZSetForWrite([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	z.Add([]byte(member), score, 0)
}

func (f *fixture) exists(index int, key string) (ok bool) {
	f.run(index, func(d *DB) { ok = d.Has([]byte(key)) })
	return ok
}

// keys are the keys SCAN finds.
func (f *fixture) keys(index int) map[string]bool {
	found := map[string]bool{}
	f.db.Begin(index, f.now)
	for cursor := uint64(0); ; {
		cursor = f.db.Scan(cursor, 7, None, func(key []byte) { found[string(key)] = true })
		if cursor == 0 {
			return found
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, o := range []Options{{Shards: 3}, {Shards: -1}, {Shards: 2048}, {Databases: -1}} {
		if _, err := Open(o); err == nil {
			t.Errorf("Open(%+v) succeeds", o)
		}
	}
}

// TestSlot: the numbers are CLUSTER KEYSLOT's.
func TestSlot(t *testing.T) {
	for key, want := range map[string]int{
		"":                     0,
		"foo":                  12182,
		"bar":                  5061,
		"123456789":            0x31c3,
		"{user1000}.following": Slot([]byte("user1000")),
		"user1000":             3443,
		"foo{}{bar}":           8363,
		"foo{{bar}}zap":        Slot([]byte("{bar")),
		"foo{bar}{zap}":        5061,
		"{":                    4092,
	} {
		if got := Slot([]byte(key)); got != want {
			t.Errorf("Slot(%q) is %d, want %d", key, got, want)
		}
	}
}

// TestCRC16 compares with the definition, bit by bit.
func TestCRC16(t *testing.T) {
	for n := range 40 {
		key := make([]byte, n)
		want := uint16(0)
		for i := range key {
			key[i] = byte(i*37 + n)
			for bit := 7; bit >= 0; bit-- {
				carry := want>>15 != 0
				if want <<= 1; carry != (key[i]>>bit&1 != 0) {
					want ^= 0x1021
				}
			}
		}
		if got := crc16(key); got != want {
			t.Errorf("%d bytes: %#x, want %#x", n, got, want)
		}
	}
}

func TestShardsAreRangesOfSlots(t *testing.T) {
	for _, shards := range []int{1, 2, 16, 1024} {
		f := newFixture(t, Options{Shards: shards, Databases: 1})
		for i := range 1000 {
			key := fmt.Appendf(nil, "key:%d", i)
			if got, want := f.s.ShardOf(key), Slot(key)*shards/Slots; got != want {
				t.Fatalf("%q of %d shards: %d, want %d", key, shards, got, want)
			}
		}
	}
}

func TestSetIsMadeByFirstMemberAndGoesWithLast(t *testing.T) {
	f := newFixture(t, Options{})
	f.run(0, func(d *DB) {
		z, _ := d.ZSetForWrite([]byte("k"))
		if o, _ := z.Add([]byte("a"), 1, zset.XX); o != zset.Nop || z.Len() != 0 {
			t.Errorf("XX on a missing key: %v", o)
		}
		if z.Remove([]byte("a")) || z.RemoveRange(0, 10, nil) != 0 {
			t.Error("a member of a missing key was removed")
		}
		if d.Type([]byte("k")) != None {
			t.Error("a key without members exists")
		}
		z.Add([]byte("a"), 1, 0)
		z.Add([]byte("b"), 2, 0)
		if d.Type([]byte("k")) != TypeZSet {
			t.Error("the key does not exist")
		}
		if !z.Remove([]byte("a")) || z.RemoveRange(0, 1, nil) != 1 || d.Type([]byte("k")) != None {
			t.Error("the key outlives its members")
		}
		z.Add([]byte("c"), 3, 0) // the same ZSet makes the key again
		if d.Type([]byte("k")) != TypeZSet || z.Len() != 1 {
			t.Error("the key is not made again")
		}
	})
	if n := f.s.Size(0); n != 1 {
		t.Errorf("Size is %d", n)
	}
}

func TestStoreAtReplacesKeyAndExpiry(t *testing.T) {
	f := newFixture(t, Options{})
	f.run(0, func(d *DB) {
		key := []byte("dst")
		mustAdd(t, d, "dst", "old", 1)
		d.SetExpireAt(key, f.now+1000)
		z := d.NewZSet(key)
		z.Add([]byte("new"), 2, 0)
		if n := z.StoreAt(); n != 1 {
			t.Errorf("StoreAt is %d", n)
		}
		if at, ok := d.ExpireAt(key); at != 0 || !ok {
			t.Errorf("ExpireAt is %d, %v", at, ok)
		}
		got, _ := d.ZSet(key)
		if _, ok := got.Score([]byte("old")); ok || got.Len() != 1 {
			t.Error("the old value is there")
		}
		if n := d.NewZSet(key).StoreAt(); n != 0 || d.Type(key) != None {
			t.Error("an empty set does not remove the key")
		}
		d.NewZSet(key).Discard()
	})
}

// TestLongKeys: keys up to and beyond what fits an object.
func TestLongKeys(t *testing.T) {
	f := newFixture(t, Options{Shards: 2})
	for _, n := range []int{0, 1, inlineMax - 1, inlineMax, inlineMax + 1, 1 << 20} {
		key := make([]byte, n)
		f.run(0, func(d *DB) {
			mustAdd(t, d, string(key), "m", float64(n))
			other := append([]byte(nil), key...)
			if n > 0 {
				other[n-1] = 'x'
				if d.Type(other) != None {
					t.Errorf("a key of %d bytes is taken for another", n)
				}
			}
			z, _ := d.ZSet(key)
			if s, ok := z.Score([]byte("m")); !ok || s != float64(n) {
				t.Errorf("key of %d bytes: score %v, %v", n, s, ok)
			}
		})
		if found := f.keys(0); !found[string(key)] {
			t.Errorf("SCAN does not find the key of %d bytes", n)
		}
		f.check()
		f.run(0, func(d *DB) {
			if !d.Delete(key) {
				t.Errorf("the key of %d bytes is not deleted", n)
			}
		})
	}
	// A directory that splits asks long keys for their hash.
	for i := range 40 {
		f.add(0, fmt.Sprintf("%d:%s", i, make([]byte, inlineMax)), "m", 1)
	}
	f.check()
}

func TestMemoryIsGivenBack(t *testing.T) {
	f := newFixture(t, Options{})
	const keys = 20_000
	for i := range keys {
		f.now++
		key := fmt.Sprintf("key:%d", i)
		f.run(i%2, func(d *DB) {
			mustAdd(t, d, key, "member", float64(i))
			d.SetExpireAt([]byte(key), f.now+1_000_000)
		})
	}
	full := f.s.Memory()
	if perKey := full.Keys / keys; perKey < 35 || perKey > 60 {
		t.Errorf("records and directories take %d bytes a key", perKey)
	}
	if full.Live > full.Used || full.Used > full.UsedPeak {
		t.Errorf("live %d, used %d, peak %d", full.Live, full.Used, full.UsedPeak)
	}
	f.run(0, func(d *DB) { f.s.FlushDB(0) })
	f.check() // the graveyard, too
	if f.s.Size(0) != 0 || f.s.Size(1) != keys/2 {
		t.Errorf("sizes after FLUSHDB: %d, %d", f.s.Size(0), f.s.Size(1))
	}
	f.run(0, func(d *DB) { f.s.FlushAll() })
	f.tick()
	f.check()
	m := f.s.Memory()
	if m.Keys != 0 || m.Live > int64(64*f.s.Shards()) { // an empty set per shard may stay
		t.Errorf("after FLUSHALL: %+v", m)
	}
	if limit := int64(2 << 16 * f.s.Shards()); m.Used > limit {
		t.Errorf("%d bytes of pages are held by nothing", m.Used)
	}
}

func TestDismantlingIsSliced(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	for i := range 1000 {
		f.add(0, fmt.Sprint(i), "m", 1)
	}
	f.run(0, func(*DB) { f.s.FlushAll() })
	ticks := 1
	for ; f.s.Tick(f.now); ticks++ {
		f.check()
		if n, freed := f.s.Flushed(), f.s.Counters().LazyFreed; n+freed != 1000 || freed == 0 {
			t.Errorf("%d keys are to be freed, %d have been", n, freed)
		}
	}
	if n, freed := f.s.Flushed(), f.s.Counters().LazyFreed; n != 0 || freed != 1000 {
		t.Errorf("at the end %d keys are to be freed, %d have been", n, freed)
	}
	if want := 1000 / dismantleKeys; ticks < want {
		t.Errorf("1000 records are dismantled in %d slices", ticks)
	}
}

func TestRoom(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	if !f.s.Room(10<<20) || f.s.Room(1<<50) {
		t.Error("no room without a limit, or more than there are addresses")
	}
	f.add(0, "k", "m", 1)
	used := f.s.Memory().Used
	f.s.SetMaxMemory(used + 100)
	if !f.s.Room(100) || f.s.Room(101) {
		t.Errorf("room for 100: %v, for 101: %v", f.s.Room(100), f.s.Room(101))
	}
	f.s.SetMaxMemory(1)
	f.run(0, func(d *DB) {
		if ok, exists, err := d.Copy([]byte("k"), []byte("k2"), 0, false); ok || exists || err != ErrOOM {
			t.Errorf("Copy beyond maxmemory: %v, %v, %v", ok, exists, err)
		}
	})
	if f.exists(0, "k2") {
		t.Error("half a copy")
	}
}

func TestCounters(t *testing.T) {
	f := newFixture(t, Options{})
	f.add(0, "k", "m", 1)
	f.run(0, func(d *DB) {
		_, _ = d.ZSet([]byte("k"))
		_, _ = d.ZSet([]byte("none"))
		d.Touch([]byte("none"))
		_, _ = d.ZSetForWrite([]byte("none")) // writing counts nothing
		d.Type([]byte("none"))
		d.Type([]byte("k"))
		for _, key := range []string{"k", "none", "none"} {
			_, _ = d.ExpireAt([]byte(key))
			_, _ = d.Object([]byte(key))
			d.Has([]byte(key)) // neither does what only asks for the key
			_, _ = d.Bytes([]byte(key))
			d.Use([]byte(key))
			_, _ = d.ExpireAtForWrite([]byte(key))
			d.Rename([]byte(key), []byte("k"))
			d.Move([]byte(key), 0)
		}
	})
	if got, want := f.s.Counters(), (Counters{Hits: 4, Misses: 7}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	f.s.ResetCounters()
	if got := f.s.Counters(); got != (Counters{}) {
		t.Errorf("after reset: %+v", got)
	}
}

func TestSwapDB(t *testing.T) {
	f := newFixture(t, Options{})
	f.run(0, func(d *DB) {
		mustAdd(t, d, "a", "m", 1)
		mustAdd(t, d, "b", "m", 1)
		d.SetExpireAt([]byte("a"), f.now+10)
	})
	f.run(0, func(*DB) { f.s.SwapDB(0, 3); f.s.SwapDB(3, 3) })
	f.check()
	if f.s.Size(0) != 0 || f.s.Size(3) != 2 || !f.exists(3, "b") || f.exists(0, "b") {
		t.Error("the databases are not swapped")
	}
	f.now += 11
	f.tick()
	if f.s.Size(3) != 1 {
		t.Error("the expiring key did not follow its database")
	}
}

func TestReadyKeys(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	ready := func(fn func(d *DB)) string {
		f.run(0, fn)
		list := ""
		for _, r := range f.db.ReadyKeys() {
			list += fmt.Sprintf("%d:%s ", r.DB, r.Key)
		}
		return list
	}
	k := func(s string) []byte { return []byte(s) }
	quiet := ready(func(d *DB) { mustAdd(t, d, "a", "m", 1) })
	f.run(0, func(*DB) { f.s.AddWaiter(0, 2); f.s.AddWaiter(0, -1) })
	tests := []struct {
		name, got, want string
	}{
		{"nobody waits", quiet, ""},
		{"add", ready(func(d *DB) { mustAdd(t, d, "b", "m", 1); mustAdd(t, d, "b", "n", 1) }), "0:b "},
		{"no change", ready(func(d *DB) { mustAdd(t, d, "b", "m", 1) }), ""},
		{"rename", ready(func(d *DB) { d.Rename(k("b"), k("c")) }), "0:c "},
		{"copy", ready(func(d *DB) { _, _, _ = d.Copy(k("c"), k("d"), 2, false) }), "2:d "},
		{"move", ready(func(d *DB) { d.Move(k("c"), 1) }), "1:c "},
		{"store", ready(func(d *DB) {
			z := d.NewZSet(k("e"))
			z.Add(k("m"), 1, 0)
			mustAdd(t, d, "f", "m", 1)
			z.StoreAt()
		}), "0:f 0:e "},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: ready %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestObject(t *testing.T) {
	f := newFixture(t, Options{})
	f.add(0, "k", "m", 1)
	f.now += 5000
	object := func() (o Object) {
		f.run(0, func(d *DB) { o, _ = d.Object([]byte("k")) })
		return o
	}
	if o := object(); o.Encoding != "listpack" || o.IdleSec != 5 {
		t.Errorf("%+v", o)
	}
	f.run(0, func(d *DB) {
		if n, ok := d.Bytes([]byte("k")); !ok || n < 40 || n > 250 {
			t.Errorf("%d bytes, %t", n, ok)
		}
		if n, ok := d.Bytes([]byte("none")); ok || n != 0 {
			t.Errorf("a missing key has %d bytes, %t", n, ok)
		}
	})
	f.run(0, func(d *DB) { d.NoTouch(); _, _ = d.ZSet([]byte("k")) })
	if o := object(); o.IdleSec != 5 {
		t.Errorf("NO-TOUCH: idle for %d s", o.IdleSec)
	}
	f.run(0, func(d *DB) { _, _ = d.ZSet([]byte("k")) })
	if o := object(); o.IdleSec != 0 {
		t.Errorf("after a use: idle for %d s", o.IdleSec)
	}
	f.run(0, func(d *DB) {
		if _, ok := d.Object([]byte("none")); ok {
			t.Error("a missing key has an object")
		}
	})
}

// TestUses: which methods are a use of which keys, as OBJECT IDLETIME tells.
func TestUses(t *testing.T) {
	k, busy := []byte("k"), []byte("busy")
	for name, test := range map[string]struct {
		do   func(d *DB)
		idle string // what has not been used: of the keys, and where they are moved to
	}{
		"type":     {func(d *DB) { d.Type(k) }, "0:k 0:busy 1:k"},
		"expireat": {func(d *DB) { _, _ = d.ExpireAt(k) }, "0:k 0:busy 1:k"},
		"object":   {func(d *DB) { _, _ = d.Object(k); _, _ = d.Bytes(k); d.Has(k) }, "0:k 0:busy 1:k"},
		"read":     {func(d *DB) { _, _ = d.ZSet(k) }, "0:busy 1:k"},
		"use":      {func(d *DB) { d.Use(k) }, "0:busy 1:k"},
		"expire":   {func(d *DB) { _, _ = d.ExpireAtForWrite(k) }, "0:busy 1:k"},
		"touch":    {func(d *DB) { d.NoTouch(); d.Touch(k) }, "0:busy 1:k"},
		"no touch": {func(d *DB) { d.NoTouch(); d.Use(k); d.Rename(k, k); d.Move(k, 1) }, "0:k 0:busy 1:k"},
		"rename":   {func(d *DB) { d.Rename(k, busy) }, "1:k"},
		"itself":   {func(d *DB) { d.Rename(k, k) }, "0:busy 1:k"},
		"copy":     {func(d *DB) { _, _, _ = d.Copy(k, []byte("new"), 0, false) }, "0:busy 1:k"},
		"no copy":  {func(d *DB) { _, _, _ = d.Copy(k, busy, 0, false) }, "1:k"},
		"replace":  {func(d *DB) { _, _, _ = d.Copy(k, busy, 0, true) }, "1:k"},
		"move":     {func(d *DB) { d.Move(busy, 1) }, "0:k 1:k"},
		"no move":  {func(d *DB) { d.Move(k, 1) }, "0:busy"},
	} {
		f := newFixture(t, Options{})
		f.add(0, "k", "m", 1)
		f.add(0, "busy", "m", 1)
		f.add(1, "k", "m", 1)
		f.now += 5000
		f.run(0, test.do)
		var idle []string
		for _, at := range []struct {
			db  int
			key string
		}{{0, "k"}, {0, "busy"}, {1, "k"}, {1, "busy"}} {
			f.run(at.db, func(d *DB) {
				if o, ok := d.Object([]byte(at.key)); ok && o.IdleSec == 5 {
					idle = append(idle, fmt.Sprintf("%d:%s", at.db, at.key))
				}
			})
		}
		if got := strings.Join(idle, " "); got != test.idle {
			t.Errorf("%s: not used are %s, want %s", name, got, test.idle)
		}
	}
}

// TestUseCounter: a new key starts at 5, uses raise the counter ever more slowly, minutes lower it.
func TestUseCounter(t *testing.T) {
	f := newFixture(t, Options{Seed: 7})
	f.s.SetLFU(true)
	f.add(0, "k", "m", 1)
	freq := func() (n int) {
		f.run(0, func(d *DB) {
			o, _ := d.Object([]byte("k"))
			n = o.Freq
		})
		return n
	}
	if n := freq(); n != lfuStart {
		t.Errorf("a new key has frequency %d", n)
	}
	for range 1000 {
		f.run(0, func(d *DB) { d.Touch([]byte("k")) })
	}
	if n := freq(); n < 12 || n > 30 {
		t.Errorf("frequency %d after 1000 uses", n)
	}
	f.now += 60_000 * 100
	if n := freq(); n != 0 {
		t.Errorf("frequency %d after 100 minutes", n)
	}
	f.run(0, func(d *DB) { d.Touch([]byte("k")) })
	if n := freq(); n != 1 { // below the start every use counts
		t.Errorf("frequency %d after one more use", n)
	}
}

func TestOpeningAllocatesNothing(t *testing.T) {
	f := newFixture(t, Options{})
	for i := range 100 {
		f.add(0, "k", fmt.Sprint(i), float64(i))
	}
	key, member, none := []byte("k"), []byte("50"), []byte("none")
	f.lockAll()
	defer f.unlockAll()
	score := 0.0
	tests := map[string]func(){
		"score": func() {
			z, _ := f.db.ZSet(key)
			z.Score(member)
		},
		"missing": func() { _, _ = f.db.ZSet(none) },
		"update": func() {
			score++
			z, _ := f.db.ZSetForWrite(key)
			z.Add(member, score, 0)
		},
		"expire": func() { f.db.SetExpireAt(key, f.now+int64(score)+1e6); f.db.SetExpireAt(key, 0) },
		"make and delete": func() {
			z, _ := f.db.ZSetForWrite(none)
			z.Add(member, 1, 0)
			f.db.Delete(none)
		},
		"touch": func() { f.now += 1000; f.db.Touch(key) },
	}
	for name, fn := range tests {
		if n := testing.AllocsPerRun(500, func() { f.db.Begin(0, f.now); fn() }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestRoomRefusesBeforePagesRunOut: where the system has no more pages, commands are refused
// ahead, and whatever form the sets have or take meanwhile, nothing breaks.
func TestRoomRefusesBeforePagesRunOut(t *testing.T) {
	f := newFixture(t, Options{Shards: 2})
	f.add(0, "k", "m", 1)
	f.s.region.Limit(headroom + 120)
	n := 0
	for {
		member := bytes.Repeat([]byte{'x'}, []int{20, 150, 700, 40_000}[n%4])
		copy(member, fmt.Sprintf("%016d", n*7919))
		if !f.s.Room(int64(len(member))) {
			break
		}
		f.add(0, fmt.Sprint("key", n/500), string(member), float64(n%100))
		if n++; n > 100_000 {
			t.Fatal("there is no end of room")
		}
	}
	if n < 100 {
		t.Errorf("no room after %d members", n)
	}
	f.check()
	f.run(0, func(d *DB) {
		if ok, exists, err := d.Copy([]byte("key0"), []byte("k2"), 0, false); ok || exists || err != ErrOOM {
			t.Errorf("Copy without room: %v, %v, %v", ok, exists, err)
		}
		f.s.FlushAll()
	})
	f.tick()
	if !f.s.Room(1 << 20) {
		t.Error("no room when all has been deleted")
	}
}

// TestDismantlingCountsObjects: values of many objects are dismantled in more slices.
func TestDismantlingCountsObjects(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	f.run(0, func(d *DB) {
		for i := range 40 {
			z, _ := d.ZSetForWrite(fmt.Append(nil, "key", i))
			for j := range 200 {
				z.Add(fmt.Appendf(nil, "%0181d", j), 1, 0)
			}
			if enc := z.Encoding(); enc != zset.Medium {
				t.Fatalf("200 long members are %s", enc.Name())
			}
		}
		f.s.FlushAll()
	})
	heap := f.s.shards[0].heap
	for more := true; more; {
		before := heap.Live()
		more = f.s.Tick(f.now)
		if n := before - heap.Live(); n > dismantleObjects+400 {
			t.Errorf("%d objects were freed in one slice", n)
		}
	}
}

// Sets to which rows are appended hold them, whatever their order, and while another set is being built
// in the same shard.
func TestAppend(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	f.run(0, func(d *DB) {
		const n = 3000
		up, mixed, gone := d.NewZSet([]byte("up")), d.NewZSet([]byte("mixed")), d.NewZSet([]byte("gone"))
		for i := range n {
			member := fmt.Appendf(nil, "member:%06d", i)
			if !up.Append(member, float64(i/2)) || !mixed.Append(member, float64(i*7919%n)) || !gone.Append(member, 1) {
				t.Fatalf("%s is there already", member)
			}
		}
		gone.Discard()
		later := d.NewZSet([]byte("later"))
		for i := n; i > 0; i-- {
			later.Append(fmt.Appendf(nil, "%d", i), float64(i))
		}
		for _, z := range []*ZSet{up, mixed, later} {
			if !z.Built() || z.Len() != n || z.StoreAt() != n {
				t.Errorf("%s has %d members", z.key, z.Len())
			}
			if rank, score, ok := z.Rank([]byte("member:000100")); z != later && (!ok || z == up && (rank != 100 || score != 50)) {
				t.Errorf("%s: rank %d, score %v, %v", z.key, rank, score, ok)
			}
		}
		empty := d.NewZSet([]byte("up"))
		if !empty.Built() || empty.StoreAt() != 0 {
			t.Error("nothing appended is something")
		}
	})
}
