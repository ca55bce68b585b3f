package bloom

import (
	"errors"
	"math/rand/v2"
	"testing"
)

// modelTest does random calls on filters and compares them with maps: nothing that was added is missed, the
// number of items is that of the calls that added one, and Check after each step.
type modelTest struct {
	*kit
	rnd *rand.Rand
	all []*subject
}

// subject is a filter and what must be true of it.
type subject struct {
	f        *Filter
	p        Params
	items    map[int]bool // what Add was called with, without an error
	added    uint64
	capacity uint64 // of all links
	last     uint64 // of the last one
	links    int
}

func (m *modelTest) turn() {
	if len(m.all) == 0 || len(m.all) < 6 && m.rnd.IntN(8) == 0 {
		m.create()
	}
	i := m.rnd.IntN(len(m.all))
	s := m.all[i]
	switch m.rnd.IntN(12) {
	case 0:
		m.drop(s.f)
		m.all = append(m.all[:i], m.all[i+1:]...)
		return
	case 1:
		if len(m.all) < 8 {
			c := *s
			c.f, c.items = m.copyTo(s.f, m.rnd.IntN(2)), map[int]bool{}
			for id := range s.items {
				c.items[id] = true
			}
			m.all = append(m.all, &c)
		}
	case 2:
		m.moveTo(s.f, m.rnd.IntN(2))
	case 3:
		h := s.f.Handle()
		*s.f = Filter{}
		m.envs[m.handles[s.f]].Open(h, s.f)
	default:
		m.add(s, 1+m.rnd.IntN(1<<m.rnd.IntN(10)))
	}
	m.compare(s)
	m.checkAll()
}

func (m *modelTest) create() {
	p := Params{
		Capacity:  1 + uint64(m.rnd.IntN(1<<m.rnd.IntN(17))),
		Rate:      []float64{0.25, 0.1, 0.01, 0.001, 1e-6, 1e-30}[m.rnd.IntN(6)],
		Expansion: uint32(m.rnd.IntN(4)),
	}
	f := m.make(m.rnd.IntN(2), p)
	m.all = append(m.all, &subject{f: f, p: p, items: map[int]bool{}, capacity: p.Capacity, last: p.Capacity, links: 1})
}

// add adds n items.
func (m *modelTest) add(s *subject, n int) {
	for range n {
		id := m.rnd.IntN(3000)
		found := s.f.Has(item(id))
		if s.items[id] && !found {
			m.Fatalf("item %d was added and is not found", id)
		}
		full := s.added == s.capacity
		added, err := s.f.Add(item(id))
		if full && !found {
			if s.p.Expansion == 0 {
				if added || !errors.Is(err, ErrFull) {
					m.Fatalf("a full filter: %v, %v", added, err)
				}
				continue
			}
			if s.last *= uint64(s.p.Expansion); s.p.Expansion == 1 && s.links >= 32 {
				s.last *= 2
			}
			s.capacity, s.links = s.capacity+s.last, s.links+1
		}
		if err != nil || added == found {
			m.Fatalf("found: %v; added: %v, %v", found, added, err)
		}
		s.items[id] = true
		if added {
			s.added++
		}
	}
}

// compare compares what a filter tells with what it must.
func (m *modelTest) compare(s *subject) {
	for id := range s.items {
		if !s.f.Has(item(id)) {
			m.Fatalf("item %d was added and is not found", id)
		}
	}
	f := s.f
	if f.Len() != s.added || f.Capacity() != s.capacity || f.Links() != s.links || f.Expansion() != s.p.Expansion {
		m.Fatalf("%d items of %d in %d links, expansion %d; want %+v", f.Len(), f.Capacity(), f.Links(), f.Expansion(), s)
	}
}

func TestModel(t *testing.T) {
	seeds, turns := 8, 250
	if testing.Short() {
		seeds, turns = 2, 40
	}
	for seed := range uint64(seeds) {
		m := &modelTest{kit: newKit(t), rnd: rand.New(rand.NewPCG(seed, 5))}
		for range turns {
			m.turn()
		}
		m.close()
	}
}

func FuzzModel(f *testing.F) {
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		b := make([]byte, 200)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		src := &fuzzed{b, rand.NewPCG(1, 1)}
		m := &modelTest{kit: newKit(t), rnd: rand.New(src)}
		for turns := 0; turns < 40 && len(src.b) > 0; turns++ {
			m.turn()
		}
		m.close()
	})
}
