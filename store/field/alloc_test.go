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

// TestLargePayloadsStayUnread: what changes neither a payload nor what lies before it does not read the payload, which would need
// memory: a call may name a member many times.
func TestLargePayloadsStayUnread(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates")
	}
	k := newKit(t)
	m := k.create(Shape{Dims: 2}, true)
	member := []byte("m")
	m.f.Put(member, 0, 0, 0, &Change{HasPayload: true, Payload: make([]byte, 16*scratchKept)}, k.now)
	full := &Change{Tags: []Tag{{[]byte("kind"), []byte("coin")}}}
	for i := range 20 {
		full.Names, full.Values = append(full.Names, fmt.Appendf(nil, "n%d", i)), append(full.Values, 1)
	}
	m.f.Put(member, 0, 0, 0, full, k.now)
	x := 0.0
	var rec Record
	for name, run := range map[string]func(){
		"nothing": func() { m.f.Put(member, x, 0, 0, full, k.now) },
		"a move":  func() { x++; m.f.Put(member, x, 0, 0, full, k.now) },
		"names":   func() { m.f.RefusesNames(full) },
		"tags":    func() { m.f.RefusesTags(member, full, k.now) },
		"a read":  func() { m.f.Get(member, k.now, Middle, &rec) },
	} {
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	if m.f.Get(member, k.now, Deep, &rec); len(rec.thing.payload) != 16*scratchKept || len(rec.Tags()) != 1 || rec.Numbers() != 20 {
		t.Errorf("%d bytes of payload, %d tags, %d numbers", len(rec.thing.payload), len(rec.Tags()), rec.Numbers())
	}
	k.close()
}
