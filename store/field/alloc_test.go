package field

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"quarry/store/zset"
)

// TestAllocations: in a field that has found its size, neither moves nor searches allocate, with deadlines, numbers and filters.
func TestAllocations(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates")
	}
	for _, s := range shapes {
		k := newKit(t)
		m := k.create(s, true)
		d := &drawer{newRand(t), s}
		members := make([][]byte, 5000)
		c := &Change{Names: [][]byte{[]byte("hp")}, Values: []float64{5}, Tags: []Tag{{[]byte("kind"), []byte("coin")}}}
		put := func(i int, c *Change) {
			x, y, z := d.place()
			m.f.Put(members[i], x, y, z, c, k.now)
		}
		for i := range members {
			members[i] = fmt.Appendf(nil, "thing:%d", i)
			put(i, c)
		}
		move := &Change{ExpiresAt: k.now + 1000}
		number := &Change{Names: [][]byte{[]byte("hp")}, Values: []float64{6}}
		rnd := rand.New(rand.NewPCG(1, 1))
		if n := testing.AllocsPerRun(2000, func() { put(rnd.IntN(len(members)), move) }); n != 0 {
			t.Errorf("%+v: a move allocates %v times", s, n)
		}
		if n := testing.AllocsPerRun(2000, func() { put(rnd.IntN(len(members)), number) }); n != 0 {
			t.Errorf("%+v: a number allocates %v times", s, n)
		}
		var near zset.Near
		q := &Query{Unit: 1, Where: []Where{{Name: []byte("hp"), Interval: Interval{Min: 5, Max: 6}}}, Tags: []Tag{{[]byte("kind"), []byte("coin")}}}
		search := func() {
			q.X, q.Y, q.Z = d.place()
			if hits, err := m.f.Nearest(&near, q, k.now, 10, 0); err != nil || len(hits) != 10 {
				t.Fatalf("%d hits, %v", len(hits), err)
			}
		}
		for range 100 {
			search()
		}
		if n := testing.AllocsPerRun(500, search); n > searchAllocs {
			t.Errorf("%+v: a search allocates %v times", s, n)
		}
		k.close()
	}
}

// searchAllocs is what geoindex's own queue allocates in a search among crowds at few places, as these are.
const searchAllocs = 8
