package field

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"quarry/store/zset"
)

// BenchmarkMillion reports the bytes of a member beside its name, with one numeric field, in fields of a million.
func BenchmarkMillion(b *testing.B) {
	const n = 1_000_000
	for _, s := range []Shape{shapes[0], shapes[2], shapes[5]} {
		b.Run(fmt.Sprintf("space=%d,bounded=%v", s.Space, s.Bounded), func(b *testing.B) {
			for range b.N {
				k := newKit(b)
				m := k.create(s, true)
				rnd := rand.New(rand.NewPCG(1, 2))
				c := &Change{Names: [][]byte{[]byte("value")}, Values: []float64{1}}
				names := 0
				put := func(i int) {
					member := fmt.Appendf(nil, "thing:%08d", i)
					names += len(member)
					c.Values[0] = rnd.Float64()
					x, y := worldPlace(rnd, s)
					m.f.Put(member, x, y, 0, c, 1)
				}
				for _, i := range rnd.Perm(n) {
					put(i)
				}
				b.ReportMetric(float64(m.f.Bytes()-int64(names))/n, "bytes/member")
				names = 0
				for range n {
					put(rnd.IntN(n))
				}
				b.ReportMetric(float64(m.f.Bytes()-int64(names))/n, "bytes/moved")
				k.close()
			}
		})
	}
}

func worldPlace(rnd *rand.Rand, s Shape) (x, y float64) {
	if s.Space == Geo {
		return rnd.Float64(), 52 + rnd.Float64()
	}
	return rnd.Float64() * 4096, rnd.Float64() * 4096
}

// BenchmarkNearest searches a million members of a plane, or of a degree of the globe, and moves them.
func BenchmarkNearest(b *testing.B) {
	const n = 1_000_000
	for _, s := range []Shape{shapes[0], shapes[2], shapes[5]} {
		k := newKit(b)
		m := k.create(s, true)
		rnd := rand.New(rand.NewPCG(1, 2))
		c := &Change{Names: [][]byte{[]byte("value")}, Values: []float64{1}}
		members := make([][]byte, n)
		for i := range members {
			members[i] = fmt.Appendf(nil, "thing:%08d", i)
			c.Values[0] = rnd.Float64()
			c.ready = false
			x, y := worldPlace(rnd, s)
			m.f.Put(members[i], x, y, 0, c, 1)
		}
		name := fmt.Sprintf("space=%d,bounded=%v", s.Space, s.Bounded)
		var near zset.Near
		for _, share := range []float64{1, 0.1, 0.01} {
			for _, count := range []int{1, 10, 100} {
				q := &Query{Unit: 1}
				if share < 1 {
					q.Where = []Where{{Name: []byte("value"), Interval: Interval{Max: share}}}
				}
				b.Run(fmt.Sprintf("%s/where=%v/k=%d", name, share, count), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						q.X, q.Y = worldPlace(rnd, s)
						if hits, err := m.f.Nearest(&near, q, 1, count, 0); err != nil || len(hits) != count {
							b.Fatalf("%d hits, %v", len(hits), err)
						}
					}
				})
			}
		}
		b.Run(name+"/move", func(b *testing.B) {
			b.ReportAllocs()
			move, rec := &Change{}, Record{}
			for b.Loop() {
				member := members[rnd.IntN(n)]
				m.f.Get(member, 1, Shallow, &rec)
				m.f.Put(member, rec.X+rnd.Float64()*1e-5, rec.Y, 0, move, 1)
			}
		})
		k.close()
	}
}
