package zset

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"quarry/store/internal/hash"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// benchSet is a set of n rows with scores below a million, inserted in random order.
func benchSet(tb testing.TB, n int, name func(dst []byte, i int) []byte) (*Env, *Set) {
	r, err := offheap.NewRegion()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	e := &Env{Heap: slab.New(r), Limits: &Limits{PackedEntries: 128, PackedValue: 64}, Hash: hash.New(0)}
	s := &Set{}
	e.Create(s)
	rng := rand.New(rand.NewPCG(1, 2))
	var buf []byte
	for _, i := range rng.Perm(n) {
		buf = name(buf[:0], i)
		s.Add(buf, float64(rng.IntN(1_000_000)), 0)
	}
	return e, s
}

func player(dst []byte, i int) []byte { return fmt.Appendf(dst, "player:%012d", i) }

// randomID is 16 bytes that share nothing with their neighbours.
func randomID(dst []byte, i int) []byte {
	x := uint64(i)*0x9e3779b97f4a7c15 + 1
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return fmt.Appendf(dst, "%016x", x)
}

// BenchmarkMillion measures each operation on a set of a million rows, at
// random members, and reports the bytes a row takes.
func BenchmarkMillion(b *testing.B) {
	for _, kind := range []struct {
		name string
		fn   func(dst []byte, i int) []byte
	}{{"player", player}, {"random", randomID}} {
		benchOps(b, kind.name, 1_000_000, kind.fn)
	}
}

// BenchmarkTenMillion is BenchmarkMillion with ten million rows.
func BenchmarkTenMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("needs 400 MB and a minute")
	}
	benchOps(b, "player", 10_000_000, player)
}

func benchOps(b *testing.B, kind string, n int, name func(dst []byte, i int) []byte) {
	_, s := benchSet(b, n, name)
	rng := rand.New(rand.NewPCG(3, 4))
	members := make([][]byte, 1<<16)
	for i := range members {
		members[i] = name(nil, rng.IntN(n))
	}
	var it Iter
	ops := []struct {
		name string
		run  func(m []byte)
	}{
		{"score", func(m []byte) { s.Score(m) }},
		{"rank", func(m []byte) { s.Rank(m) }},
		{"top10", func([]byte) { it.Seek(s, n-1, true); take(&it, 10) }},
		{"window10", func([]byte) { it.Seek(s, rng.IntN(n), true); take(&it, 10) }},
		{"update", func(m []byte) { s.Add(m, float64(rng.IntN(1_000_000)), 0) }},
		{"incr", func(m []byte) { s.Add(m, float64(rng.IntN(1000)), Incr) }},
		{"remadd", func(m []byte) { s.Remove(m); s.Add(m, float64(rng.IntN(1_000_000)), 0) }},
	}
	for _, op := range ops {
		b.Run(fmt.Sprintf("%s/%d/%s", kind, n, op.name), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				op.run(members[i&(len(members)-1)])
			}
			b.ReportMetric(float64(s.Bytes())/float64(n), "B/row")
		})
	}
}

func take(it *Iter, n int) {
	for range n {
		if !it.Next() {
			return
		}
		it.Member()
	}
}

// BenchmarkRemoveRange removes parts of a set of 300,000 rows, and all of it.
func BenchmarkRemoveRange(b *testing.B) {
	const n = 300_000
	for _, c := range []struct{ start, n int }{{0, n}, {0, n - 1000}, {100_000, 100_000}, {100_000, 20_000}, {100_000, 2000}} {
		b.Run(fmt.Sprintf("%d of %d", c.n, n), func(b *testing.B) {
			b.StopTimer()
			for range b.N {
				_, s := benchSet(b, n, player)
				b.StartTimer()
				s.RemoveRange(c.start, c.n, nil)
				b.StopTimer()
				if err := check(s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.n), "ns/row")
		})
	}
}

// BenchmarkPut moves the rows of valued sets: "near" within the leaf, as players do, "far" to
// anywhere. Values have 24 bytes.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{120, 1_000_000} {
		e, s := benchSet(b, 0, player)
		e.Free(s.Handle())
		e.CreateValued(s)
		rng := rand.New(rand.NewPCG(1, 2))
		value := make([]byte, 24)
		members := make([][]byte, min(n, 1<<16))
		keys := make([]uint64, len(members))
		var buf []byte
		for i := range n {
			buf = player(buf[:0], i)
			key := rng.Uint64()
			if i < len(members) {
				members[i], keys[i] = player(nil, i), key
			}
			s.Put(buf, key, value, nil, false)
		}
		for _, move := range []struct {
			name string
			to   func(i int) uint64
		}{
			{"near", func(i int) uint64 { return keys[i] ^ rng.Uint64N(1<<20) }},
			{"far", func(int) uint64 { return rng.Uint64() }},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, move.name), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					at := i % len(members)
					value[i%len(value)]++
					s.Put(members[at], move.to(at), value, nil, true)
				}
				b.ReportMetric(float64(s.Bytes())/float64(n), "B/row")
			})
		}
	}
}

// BenchmarkBuild fills sets with rows that come highest first, by a Builder and by Add, and reports
// the time of a row, the bytes it takes then, and after a quarter of the rows were updated.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{100, 500, 1_000_000, 10_000_000} {
		if n > 1_000_000 && testing.Short() {
			continue
		}
		rows := make([]benchRow, n)
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range rows {
			copy(rows[i].member[:], player(nil, i))
			rows[i].score = float64(rng.IntN(1_000_000))
		}
		slices.SortFunc(rows, func(a, b benchRow) int {
			return cmp.Or(cmp.Compare(b.score, a.score), bytes.Compare(b.member[:], a.member[:]))
		})
		sets := max(1, 1_000_000/n) // small ones by the thousand: their memory is out of cache, too
		for _, by := range []string{"builder", "add"} {
			b.Run(fmt.Sprintf("%d/%s", n, by), func(b *testing.B) {
				b.StopTimer()
				var bytes, after int64
				for range b.N {
					e, s := benchSet(b, 0, player)
					var builder Builder
					b.StartTimer()
					for range sets {
						e.Create(s)
						if by == "add" {
							for i := range rows {
								s.Add(rows[i].member[:], rows[i].score, 0)
							}
						} else {
							builder.Start(s, n)
							for i := range rows {
								builder.Add(rows[i].member[:], rows[i].score)
							}
							builder.Finish()
						}
					}
					b.StopTimer()
					bytes = s.Bytes()
					for range n / 4 {
						s.Add(rows[rng.IntN(n)].member[:], float64(rng.IntN(1_000_000)), 0)
					}
					after = s.Bytes()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*sets), "ns/row")
				b.ReportMetric(float64(bytes)/float64(n), "B/row")
				b.ReportMetric(float64(after)/float64(n), "B/row,later")
			})
		}
	}
}

type benchRow struct {
	member [19]byte
	score  float64
}
