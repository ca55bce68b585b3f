package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestScanGuarantee: keys that are there all the time are passed, while the keyspace grows, shrinks or both.
func TestScanGuarantee(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for round := range 12 {
		f := newFixture(t, Options{Shards: 4, Seed: rnd.Uint64()})
		const stable = 400
		for i := range stable {
			f.add(0, fmt.Sprint("stable", i), "m", 1)
		}
		extra := 0
		churn := func() {
			for range rnd.IntN(100) {
				if round%3 == 0 || round%3 == 1 && rnd.IntN(2) == 0 || extra == 0 {
					f.add(0, fmt.Sprint("extra", extra), "m", 1)
					extra++
				} else {
					extra--
					f.run(0, func(d *DB) { d.Delete(fmt.Append(nil, "extra", extra)) })
				}
			}
		}
		for range 40 {
			churn()
		}
		seen := map[string]bool{}
		for cursor := uint64(0); ; {
			f.db.Begin(0, f.now)
			cursor = f.db.Scan(cursor, 1+rnd.IntN(20), None, func(key []byte) { seen[string(key)] = true })
			if cursor == 0 {
				break
			}
			churn()
		}
		for i := range stable {
			if !seen[fmt.Sprint("stable", i)] {
				t.Fatalf("round %d: key %d was there all the time and was not passed", round, i)
			}
		}
	}
}

func TestScanPassesAboutCount(t *testing.T) {
	f := newFixture(t, Options{})
	for i := range 2000 {
		f.add(0, fmt.Sprint(i), "m", 1)
	}
	for _, count := range []int{1, 10, 500, 5000} {
		f.db.Begin(0, f.now)
		n := 0
		f.db.Scan(0, count, TypeZSet, func([]byte) { n++ })
		if n < min(count, 2000) || n > count+40 {
			t.Errorf("COUNT %d passes %d keys", count, n)
		}
	}
	f.db.Begin(0, f.now)
	if next := f.db.Scan(^uint64(0), 10, None, func([]byte) {}); next>>36 != 0 {
		t.Errorf("a cursor of nowhere is followed by %#x", next)
	}
}

func TestRandomKey(t *testing.T) {
	f := newFixture(t, Options{Seed: 3})
	random := func() (string, bool) {
		f.db.Begin(0, f.now)
		key, ok := f.db.RandomKey([]byte("> "))
		return string(key), ok
	}
	if key, ok := random(); ok {
		t.Errorf("a key of an empty database: %q", key)
	}
	const keys, draws = 50, 50_000
	for i := range keys {
		f.add(0, fmt.Sprint(i), "m", 1)
		f.add(0, fmt.Sprint("gone", i), "m", 1)
		f.run(0, func(d *DB) { d.SetExpireAt(fmt.Append(nil, "gone", i), f.now+1) })
	}
	f.now += 2
	hits := map[string]int{}
	for range draws {
		key, _ := random()
		hits[key]++
	}
	if len(hits) != keys {
		t.Errorf("%d keys are drawn of %d", len(hits), keys)
	}
	for key, n := range hits {
		if n < draws/keys*8/10 || n > draws/keys*12/10 { // 6 standard deviations
			t.Errorf("%q is drawn %d times", key, n)
		}
	}
}
