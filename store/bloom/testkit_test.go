package bloom

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// kit is the surroundings of the filters under test: one region and two shards.
type kit struct {
	testing.TB
	region  *offheap.Region
	envs    [2]*Env
	handles map[*Filter]int // the filters there are, with their shards
	refuse  bool            // there is no room for pages
	limit   int64           // of bits, if it is not 0
}

func newKit(t testing.TB) *kit {
	t.Helper()
	region, err := offheap.NewRegion()
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{TB: t, region: region, handles: map[*Filter]int{}}
	for i := range k.envs {
		k.envs[i] = &Env{
			Heap: slab.New(region), Seed: 0x9e3779b97f4a7c15,
			Allows: func(n int64) bool { return k.limit == 0 || n <= k.limit },
			Room:   func(int64) bool { return !k.refuse },
		}
	}
	return k
}

// make makes a filter in a shard.
func (k *kit) make(shard int, p Params) *Filter {
	k.Helper()
	f := &Filter{}
	if err := k.envs[shard].Create(p, f); err != nil {
		k.Fatal(err)
	}
	k.handles[f] = shard
	return f
}

// drop frees a filter.
func (k *kit) drop(f *Filter) {
	k.envs[k.handles[f]].Free(f.Handle())
	delete(k.handles, f)
}

// copyTo copies a filter to a shard.
func (k *kit) copyTo(f *Filter, shard int) *Filter {
	c := &Filter{}
	k.envs[shard].Open(k.envs[k.handles[f]].CopyTo(f.Handle(), k.envs[shard]), c)
	k.handles[c] = shard
	return c
}

// moveTo moves it there.
func (k *kit) moveTo(f *Filter, shard int) {
	h := k.envs[k.handles[f]].MoveTo(f.Handle(), k.envs[shard])
	k.envs[shard].Open(h, f)
	k.handles[f] = shard
}

// check checks one filter by itself.
func check(f *Filter) error {
	a, err := f.env.Heap.Audit()
	if err != nil {
		return err
	}
	return f.Check(a)
}

// checkAll checks all filters, and that what they say they take is what is taken.
func (k *kit) checkAll() {
	k.Helper()
	for _, e := range k.envs {
		for e.Reclaim(7) {
		}
	}
	var small, large int64
	for f := range k.handles {
		if err := check(f); err != nil {
			k.Fatal(err)
		}
		if f.enc == Small {
			small += f.Bytes()
		} else {
			large += f.Bytes()
		}
	}
	heaps := int64(k.envs[0].Heap.Pages()+k.envs[1].Heap.Pages()) * offheap.PageSize
	if have := k.envs[0].Heap.Bytes() + k.envs[1].Heap.Bytes(); have != small {
		k.Fatalf("small filters say %d bytes, the heaps %d", small, have)
	}
	if have := k.region.Used()*offheap.PageSize - heaps; have != large {
		k.Fatalf("large filters say %d bytes, the region %d", large, have)
	}
}

// close frees all filters and fails if one byte, object or page is left.
func (k *kit) close() {
	k.Helper()
	for f := range k.handles {
		k.drop(f)
	}
	for i, e := range k.envs {
		for e.Reclaim(1) {
		}
		e.Heap.Trim()
		if e.Heap.Live() != 0 || e.Heap.Pages() != 0 || e.Arenas() != 0 {
			k.Errorf("shard %d: %d objects, %d pages and %d arenas are left", i, e.Heap.Live(), e.Heap.Pages(), e.Arenas())
		}
	}
	if n := k.region.Used(); n != 0 {
		k.Errorf("%d pages of the region are left", n)
	}
	if err := k.region.Close(); err != nil {
		k.Error(err)
	}
}

// item is the item of a number.
func item(i int) []byte { return fmt.Appendf(nil, "item:%d", i) }

// fill adds items until so many have been.
func (k *kit) fill(f *Filter, n uint64) {
	k.Helper()
	for i := 0; f.Len() < n; i++ {
		if _, err := f.Add(item(i)); err != nil {
			k.Fatal(err)
		}
	}
}

// mistakes is how many of n items that were not added are found.
func mistakes(f *Filter, n int) (found int) {
	var b []byte
	for i := range n {
		b = fmt.Appendf(b[:0], "other:%d", i)
		if f.Has(b) {
			found++
		}
	}
	return found
}

// source is where the decisions of a random test come from: a seeded generator or the bytes of a fuzzer.
type source interface{ Uint64() uint64 }

// fuzzed takes two bytes for a number, as long as there are any.
type fuzzed struct {
	b    []byte
	rest *rand.PCG
}

func (f *fuzzed) Uint64() uint64 {
	if len(f.b) < 2 {
		f.b = nil
		return f.rest.Uint64()
	}
	v := uint64(f.b[0])<<8 | uint64(f.b[1])
	f.b = f.b[2:]
	return v * 0x0001_0001_0001_0001
}
