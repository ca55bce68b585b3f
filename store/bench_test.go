package store

import (
	"fmt"
	"testing"
)

// BenchmarkOpen is what the store adds to every command on a sorted set: lock, find, open, unlock.
func BenchmarkOpen(b *testing.B) {
	for _, keys := range []int{1, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			f := newFixture(b, Options{})
			names := make([][]byte, keys)
			for i := range names {
				names[i] = fmt.Appendf(nil, "leaderboard:%07d", i)
				f.add(0, string(names[i]), "m", 1)
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i = (i*1664525 + 1013904223) & 0xffffffff
				key := names[i%keys]
				shard := f.s.ShardOf(key)
				f.s.Lock(shard)
				f.db.Begin(0, f.now)
				if z, _ := f.db.ZSet(key); z.Len() != 1 {
					b.Fatal("the key is lost")
				}
				f.s.Unlock(shard)
			}
		})
	}
}

// BenchmarkMakeAndDelete makes a key with one member and a time to live, and deletes it.
func BenchmarkMakeAndDelete(b *testing.B) {
	f := newFixture(b, Options{})
	key, member := []byte("session:1234567"), []byte("m")
	f.lockAll()
	defer f.unlockAll()
	b.ReportAllocs()
	for b.Loop() {
		f.db.Begin(0, f.now)
		z, _ := f.db.ZSetForWrite(key)
		z.Add(member, 1, 0)
		f.db.SetExpireAt(key, f.now+1000)
		f.db.Delete(key)
	}
}
