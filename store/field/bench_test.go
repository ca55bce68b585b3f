package field

import (
	"fmt"
	"math/rand/v2"
	"testing"
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
