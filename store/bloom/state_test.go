package bloom

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
)

// rebuild makes a filter in shard 1, whose seed is another, of what a filter in shard 0 says of itself.
func (k *kit) rebuild(f *Filter) *Filter {
	k.Helper()
	var s State
	f.State(&s)
	g := &Filter{}
	if err := k.envs[1].Rebuild(&s, g); err != nil {
		k.Fatal(err)
	}
	k.handles[g] = 1
	err := f.EachRun(func(first uint32, blocks []byte) error {
		if len(blocks) == 0 || len(blocks) > 64<<10 {
			k.Errorf("a run of %d bytes", len(blocks))
		}
		return g.SetBits(first, blocks)
	})
	if err = errors.Join(err, g.CheckBits()); err != nil {
		k.Fatal(err)
	}
	return g
}

// TestRebuild: a filter that is made of another one's state is the same: it finds the same items, right or by mistake.
func TestRebuild(t *testing.T) {
	for _, c := range []struct {
		p Params
		n uint64
	}{
		{Params{Capacity: 100, Rate: 0.1}, 0},
		{Params{Capacity: 100, Rate: 0.1}, 70},
		{Params{Capacity: 30, Rate: 0.1, Expansion: 2}, 400},
		{Params{Capacity: 1, Rate: 0.1, Expansion: 1}, 500},
		{Params{Capacity: 1_000_000, Rate: 0.1}, 3},
		{Params{Capacity: 1000, Rate: 0.01, Expansion: 4}, 50_000},
		{Params{Capacity: 50_000_000, Rate: 1e-6}, 20},
	} {
		t.Run(fmt.Sprintf("%+v/%d", c.p, c.n), func(t *testing.T) {
			k := newKit(t)
			defer k.close()
			k.envs[1].Seed++
			f := k.make(0, c.p)
			k.fill(f, c.n)
			g := k.rebuild(f)
			if f.Len() != g.Len() || f.Capacity() != g.Capacity() || f.Links() != g.Links() || f.Size() != g.Size() || f.Bytes() != g.Bytes() {
				t.Errorf("%d items, for %d, in %d links, of %d bytes, taking %d; was %d, %d, %d, %d, %d", g.Len(), g.Capacity(), g.Links(),
					g.Size(), g.Bytes(), f.Len(), f.Capacity(), f.Links(), f.Size(), f.Bytes())
			}
			for i := range 2000 {
				if it := fmt.Appendf(nil, "other:%d", i); f.Has(it) != g.Has(it) {
					t.Errorf("%s is found in one only", it)
				}
			}
			for i := range 200 {
				it := fmt.Appendf(nil, "more:%d", i)
				a, errA := f.Add(it)
				b, errB := g.Add(it)
				if a != b || !errors.Is(errB, errA) {
					t.Errorf("adding %s: %t, %v, and %t, %v", it, a, errA, b, errB)
				}
			}
			k.checkAll()
		})
	}
}

func TestRebuildFails(t *testing.T) {
	k := newKit(t)
	defer k.close()
	f := k.make(0, Params{Capacity: 30, Rate: 0.1, Expansion: 2})
	k.fill(f, 100)
	var good State
	f.State(&good)
	for name, damage := range map[string]func(s *State){
		"no links":            func(s *State) { s.Links = nil },
		"too many links":      func(s *State) { s.Links = make([]Link, MaxLinks+1) },
		"the last link less":  func(s *State) { s.Links = s.Links[:1] },
		"a link without":      func(s *State) { s.Links[0] = Link{} },
		"a huge link":         func(s *State) { s.Links[1] = Link{math.MaxUint32, math.MaxUint32} },
		"another shape":       func(s *State) { s.Links[1].Blocks += 3 },
		"no expansion":        func(s *State) { s.Expansion = 0 },
		"another expansion":   func(s *State) { s.Expansion = 7 },
		"no capacity":         func(s *State) { s.Capacity = 0 },
		"too large":           func(s *State) { s.Capacity = 1 << 62 },
		"more left":           func(s *State) { s.Left = s.Capacity + 1 },
		"no rate":             func(s *State) { s.Rate = 0 },
		"a rate that is none": func(s *State) { s.Rate = math.NaN() },
		"a negative rate":     func(s *State) { s.Rate = -0.1 },
		"a rate above all":    func(s *State) { s.Rate = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := good
			s.Links = slices.Clone(good.Links)
			damage(&s)
			var g Filter
			if err := k.envs[1].Rebuild(&s, &g); !errors.Is(err, ErrDamaged) {
				t.Errorf("Rebuild says %v", err)
			}
		})
	}
	t.Run("bits", func(t *testing.T) {
		var g Filter
		if err := k.envs[1].Rebuild(&good, &g); err != nil {
			t.Fatal(err)
		}
		defer k.envs[1].Free(g.Handle())
		blocks := uint32(g.blocks())
		for _, err := range []error{
			g.CheckBits(), // there are items, and no bits
			g.SetBits(blocks, make([]byte, BlockSize)),
			g.SetBits(blocks-1, make([]byte, 2*BlockSize)),
			g.SetBits(math.MaxUint32, make([]byte, BlockSize)),
			g.SetBits(0, make([]byte, BlockSize-1)),
		} {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("the error is %v", err)
			}
		}
	})
	t.Run("no room", func(t *testing.T) {
		k.limit = 1
		var g Filter
		if err := k.envs[1].Rebuild(&good, &g); !errors.Is(err, ErrNoRoom) {
			t.Errorf("Rebuild says %v", err)
		}
	})
}
