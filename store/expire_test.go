package store

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestExpiryIsExact: a key is there in its last millisecond and not in the next.
func TestExpiryIsExact(t *testing.T) {
	f := newFixture(t, Options{})
	f.add(0, "k", "m", 1)
	f.run(0, func(d *DB) { d.SetExpireAt([]byte("k"), f.now+10) })
	f.now += 10
	if !f.exists(0, "k") {
		t.Error("the key is gone in its last millisecond")
	}
	f.now++
	if keys := f.keys(0); len(keys) != 0 {
		t.Errorf("SCAN passes %v", keys)
	}
	if f.s.Size(0) != 1 {
		t.Error("SCAN deletes keys")
	}
	if f.exists(0, "k") {
		t.Error("the key outlives its time")
	}
	if f.s.Size(0) != 0 || f.s.Counters().ExpiredKeys != 1 {
		t.Errorf("size %d, %+v", f.s.Size(0), f.s.Counters())
	}
}

func TestSetExpireAt(t *testing.T) {
	f := newFixture(t, Options{})
	k := []byte("k")
	f.run(0, func(d *DB) {
		if d.SetExpireAt(k, f.now+1) {
			t.Error("a missing key has a time")
		}
		mustAdd(t, d, "k", "m", 1)
		for _, at := range []int64{f.now + 5, f.now + 9, math.MaxInt64, 0, 0, f.now + 1} {
			if !d.SetExpireAt(k, at) {
				t.Errorf("SetExpireAt(%d) finds no key", at)
			}
			if got, ok := d.ExpireAt(k); got != at || !ok {
				t.Errorf("ExpireAt is %d, want %d", got, at)
			}
		}
		if !d.SetExpireAt(k, f.now) || d.Type(k) != None {
			t.Error("a time that has come does not delete the key")
		}
		mustAdd(t, d, "k", "m", 1)
		if !d.SetExpireAt(k, -5) || d.Type(k) != None {
			t.Error("a time before 1970 does not delete the key")
		}
	})
	if n := f.s.Counters().ExpiredKeys; n != 0 {
		t.Errorf("%d keys count as expired", n) // they were deleted, as Redis sees it
	}
}

// TestTimeless: nothing is over, but uses are noted at the time it is.
func TestTimeless(t *testing.T) {
	f := newFixture(t, Options{})
	k := []byte("k")
	f.run(0, func(d *DB) {
		d.Timeless()
		mustAdd(t, d, "k", "m", 1)
		if !d.SetExpireAt(k, 1000) || !d.Has(k) {
			t.Error("a key goes where no time passes")
		}
		d.Next(0)
		if !d.Has(k) {
			t.Error("the next command sees the time")
		}
		d.Begin(0, f.now)
		if d.SetExpireAt(k, f.now+1); d.Has(k) {
			t.Error("a key whose time is over is there")
		}
		d.Timeless()
		mustAdd(t, d, "k", "m", 1)
		d.Begin(0, f.now)
		if o, ok := d.Object(k); !ok || o.IdleSec != 0 {
			t.Errorf("used just now: %+v, %t", o, ok)
		}
	})
}

// TestTidy: what has been dropped is given back without Tick.
func TestTidy(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	for i := range 3 * dismantleKeys {
		f.add(0, fmt.Sprint(i), "m", 1)
	}
	f.add(1, "due", "m", 1)
	f.run(1, func(d *DB) { d.SetExpireAt([]byte("due"), f.now+1) })
	f.now += 10
	f.s.Lock(0)
	f.s.FlushDB(0)
	slices := 1
	for f.s.Tidy(0) {
		slices++
	}
	f.s.Unlock(0)
	if n := f.s.Flushed(); n != 0 || slices < 3 {
		t.Errorf("%d keys are left after %d slices", n, slices)
	}
	if f.s.Size(1) != 1 {
		t.Error("Tidy looks for keys that have expired")
	}
}

// TestTickReclaimsEarliestFirst: with more expired keys than a slice takes, the oldest go first.
func TestTickReclaimsEarliestFirst(t *testing.T) {
	f := newFixture(t, Options{Shards: 1})
	const n = 3*reclaimKeys + 1
	for i := range n {
		key := fmt.Sprint(i)
		f.add(0, key, "m", 1)
		f.run(0, func(d *DB) { d.SetExpireAt([]byte(key), startMS+int64(i*7%n)+1) })
	}
	f.add(0, "stays", "m", 1)
	f.now += n + 2
	for left := n; left > 0; {
		more := f.s.Tick(f.now)
		f.check()
		left = max(0, left-reclaimKeys)
		if f.s.Size(0) != left+1 || more != (left > 0) {
			t.Fatalf("%d keys, want %d; more is %v", f.s.Size(0), left+1, more)
		}
		if sh := f.s.shards[0]; left > 0 {
			sh.times.Open(sh.dbs[0].times, &sh.set)
			if first, want := sh.set.CountBelow(float64(startMS+n-left+1), false), 0; first != want {
				t.Fatalf("%d keys that expire earlier are left", first)
			}
		}
	}
	if got := f.s.Counters().ExpiredKeys; got != n {
		t.Errorf("%d keys count as expired, want %d", got, n)
	}
	if !f.exists(0, "stays") {
		t.Error("a key without expiry is gone")
	}
}

func TestRenameAndCopyKeepExpiry(t *testing.T) {
	for _, shards := range []int{1, 64} {
		f := newFixture(t, Options{Shards: shards})
		f.run(0, func(d *DB) {
			a, b, c := []byte("a"), []byte("b"), []byte("c")
			mustAdd(t, d, "a", "m", 1)
			mustAdd(t, d, "b", "other", 1)
			d.SetExpireAt(a, f.now+77)
			d.SetExpireAt(b, f.now+5)
			if !d.Rename(a, b) || !d.Rename(b, b) || d.Rename(a, b) {
				t.Error("Rename")
			}
			if ok, _, err := d.Copy(b, c, 3, false); !ok || err != nil {
				t.Errorf("Copy: %v, %v", ok, err)
			}
			if ok, exists, _ := d.Copy(b, c, 3, false); ok || !exists {
				t.Errorf("Copy over a key: %v, %v", ok, exists)
			}
			if ok, _, _ := d.Copy(b, c, 3, true); !ok {
				t.Error("Copy with replace")
			}
			if d.Move(b, 0) || !d.Move(b, 3) || d.Move(b, 3) {
				t.Error("Move")
			}
		})
		f.run(3, func(d *DB) {
			for _, key := range []string{"b", "c"} {
				if at, _ := d.ExpireAt([]byte(key)); at != f.now+77 {
					t.Errorf("%s expires at %d", key, at)
				}
				if z, err := d.ZSet([]byte(key)); err != nil || z == nil || z.Len() != 1 {
					t.Errorf("%s: %v, %v", key, z, err)
				}
			}
		})
		f.check()
		f.now += 78
		f.tick()
		if f.s.Size(3) != 0 {
			t.Errorf("%d keys outlive their time", f.s.Size(3))
		}
	}
}

func TestExpireStats(t *testing.T) {
	f := newFixture(t, Options{Shards: 4})
	for i := range 1000 {
		key := fmt.Sprint(i)
		f.add(1, key, "m", 1)
		if i%2 == 0 {
			f.run(1, func(d *DB) { d.SetExpireAt([]byte(key), f.now+int64(i+1)*1000) })
		}
	}
	f.tick()
	keys, expires, avg := f.s.ExpireStats(1)
	if keys != 1000 || expires != 500 {
		t.Errorf("%d keys, %d expire", keys, expires)
	}
	if avg < 450_000 || avg > 550_000 { // 0.5 s to 1000 s, evenly
		t.Errorf("mean time to live %d ms", avg)
	}
	if keys, expires, avg := f.s.ExpireStats(0); keys != 0 || expires != 0 || avg != 0 {
		t.Errorf("of an empty database: %d, %d, %d", keys, expires, avg)
	}
}

// observer notes which keys expired.
type observer struct {
	on      bool
	expired []string
}

func (o *observer) Observing() bool     { return o.on }
func (o *observer) Created(int, []byte) {}
func (o *observer) Missed(int, []byte)  {}
func (o *observer) MembersExpired(db int, key []byte, nowMS int64, gone bool) {
	o.expired = append(o.expired, fmt.Sprintf("members of %d:%s, gone: %v", db, key, gone))
}
func (o *observer) Expired(db int, key []byte) {
	o.expired = append(o.expired, fmt.Sprintf("%d:%s", db, key))
}

// TestObserver: each way in which an expired key goes is told once; what is deleted is no expiry.
func TestObserver(t *testing.T) {
	o := &observer{on: true}
	f := newFixture(t, Options{Shards: 4, Observer: o})
	long := strings.Repeat("k", 5000)
	expire := func() {
		for _, key := range []string{"a", "b", long} {
			f.add(2, key, "m", 1)
			f.run(2, func(d *DB) { d.SetExpireAt([]byte(key), f.now+10) })
		}
		f.now += 20
	}
	for name, meet := range map[string]func(){
		"find": func() {
			f.run(2, func(d *DB) {
				for _, key := range []string{"a", "b", long, "a"} {
					if d.Has([]byte(key)) {
						t.Errorf("%s is there", key)
					}
				}
			})
		},
		"tick": f.tick,
		"random": func() {
			d := f.s.NewDB()
			d.Begin(2, f.now)
			if key, ok := d.RandomKey(nil); ok {
				t.Errorf("%s is there", key)
			}
		},
	} {
		o.expired = nil
		expire()
		meet()
		slices.Sort(o.expired)
		if want := []string{"2:a", "2:b", "2:" + long}; !slices.Equal(o.expired, want) {
			t.Errorf("%s: %q", name, o.expired)
		}
	}
	o.expired = nil
	f.add(2, "a", "m", 1)
	f.run(2, func(d *DB) { d.Delete([]byte("a")) })
	o.on = false
	expire()
	f.tick()
	if len(o.expired) > 0 {
		t.Errorf("%q", o.expired)
	}
}

// TestHoldAll: with all shards locked, what locks them itself does not.
func TestHoldAll(t *testing.T) {
	f := newFixture(t, Options{Shards: 8})
	for i := range 100 {
		f.add(0, fmt.Sprint(i), "m", 1)
	}
	f.lockAll()
	defer f.unlockAll()
	d := f.s.NewDB()
	d.Begin(0, f.now)
	d.HoldAll()
	d.Next(0)
	n := 0
	cursor := d.Scan(0, 1000, None, func([]byte) { n++ })
	if _, ok := d.RandomKey(nil); cursor != 0 || n != 100 || !ok {
		t.Errorf("cursor %d, %d keys, %t", cursor, n, ok)
	}
}
