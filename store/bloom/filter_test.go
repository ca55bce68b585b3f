package bloom

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// TestSparse: the largest filters are made at once, and take a page for each part of them that has items.
func TestSparse(t *testing.T) {
	k := newKit(t)
	defer k.close()
	f := k.make(0, Params{Capacity: 1 << 30, Rate: 1e-10, Expansion: 2})
	if f.Size() < 5<<30 || f.Bytes() != offheap.PageSize {
		t.Fatalf("%d bytes of bits take %d", f.Size(), f.Bytes())
	}
	n := 300
	for i := range n {
		if added, err := f.Add(item(i)); !added || err != nil {
			t.Fatal(added, err)
		}
	}
	for i := range n {
		if !f.Has(item(i)) {
			t.Fatalf("item %d is not found", i)
		}
	}
	if found := mistakes(f, 10_000); found > 0 {
		t.Errorf("%d are found", found)
	}
	lanes := int64(linkOf(f.head(), 0).lanes)
	if pages := f.Bytes() / offheap.PageSize; pages < 100 || pages > int64(n)*lanes+1+roots {
		t.Errorf("%d items take %d pages", n, pages)
	}
	k.checkAll()
	c := k.copyTo(f, 1)
	k.moveTo(f, 1)
	for i := range n {
		if !c.Has(item(i)) || !f.Has(item(i)) {
			t.Fatalf("item %d is not found in the copy, or after a move", i)
		}
	}
	k.checkAll()
}

// TestEveryBlock: each block has a place of its own, in order.
func TestEveryBlock(t *testing.T) {
	k := newKit(t)
	defer k.close()
	f := k.make(0, Params{Capacity: 100_000, Rate: 0.01})
	if f.enc != Large {
		t.Fatal("the filter is small")
	}
	room := func(int64) bool { return true }
	probes := []uint32{0, 1, firstBlocks - 1, firstBlocks, firstBlocks + pageBlocks - 1, firstBlocks + pageBlocks,
		firstBlocks + direct*pageBlocks - 1, firstBlocks + direct*pageBlocks, firstBlocks + (direct+entries)*pageBlocks - 1,
		firstBlocks + (direct+entries)*pageBlocks, maxBlocks - 1}
	seen := map[[2]uint32]bool{}
	for i, n := range probes {
		if b, ok := f.block(n); ok && b.U64(0) != 0 {
			t.Errorf("block %d is not 0", n)
		}
		if err := f.arena.provide(n, room); err != nil {
			t.Fatal(err)
		}
		page, off, ok := f.arena.place(n)
		if !ok || seen[[2]uint32{page, off}] || off+blockSize > offheap.PageSize {
			t.Errorf("block %d lies at %d of page %d", n, off, page)
		}
		seen[[2]uint32{page, off}] = true
		f.blockForWrite(n).SetU64(0, uint64(i+1))
	}
	for i, n := range probes {
		if b, ok := f.block(n); !ok || b.U64(0) != uint64(i+1) {
			t.Errorf("block %d does not keep what was written", n)
		}
	}
}

// TestLimits: what is too large, too precise or too long is refused, and changes nothing.
func TestLimits(t *testing.T) {
	k := newKit(t)
	defer k.close()
	var f Filter
	for _, p := range []Params{
		{Capacity: 1 << 60, Rate: 0.01}, {Capacity: math.MaxUint64, Rate: MaxRate}, {Capacity: maxCapacity, Rate: 0.01},
		{Capacity: 1, Rate: 1e-305}, {Capacity: 1, Rate: math.SmallestNonzeroFloat64, Expansion: 2}, {Capacity: 1 << 30, Rate: 1e-300},
	} {
		if err := k.envs[0].Create(p, &f); !errors.Is(err, ErrLimit) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	k.limit = 1 << 20
	if err := k.envs[0].Create(Params{Capacity: 1 << 20, Rate: 0.01}, &f); !errors.Is(err, ErrNoRoom) {
		t.Error(err)
	}
	// A link that there is no room for.
	g := k.make(0, Params{Capacity: 10, Rate: 0.01, Expansion: 1 << 20})
	k.fill(g, 10)
	refused := func(want error, n int) {
		t.Helper()
		for i := range n {
			if added, err := g.Add(item(1000 + i)); added || !errors.Is(err, want) {
				t.Fatal(added, err)
			}
		}
		if g.Len() != 10 || g.Links() != 1 {
			t.Errorf("%d items in %d links", g.Len(), g.Links())
		}
	}
	refused(ErrNoRoom, 2)
	k.limit = 0
	k.drop(g)
	g = k.make(0, Params{Capacity: 10, Rate: 0.01, Expansion: math.MaxUint32})
	k.fill(g, 10)
	refused(ErrLimit, 2)
	// Pages that there is no room for.
	h := k.make(0, Params{Capacity: 1 << 20, Rate: 0.01})
	k.refuse = true
	failed := 0
	for i := range 100 {
		if _, err := h.Add(item(i)); errors.Is(err, ErrNoRoom) {
			failed++
			continue
		}
		if !h.Has(item(i)) {
			t.Errorf("item %d is not found", i)
		}
	}
	if failed < 50 || h.Bytes() != offheap.PageSize {
		t.Errorf("%d of 100 have failed, the filter takes %d bytes", failed, h.Bytes())
	}
	k.checkAll()
}

// TestManyLinks: a filter that would not grow from link to link does so when it has many.
func TestManyLinks(t *testing.T) {
	k := newKit(t)
	defer k.close()
	f := k.make(0, Params{Capacity: 1, Rate: MaxRate, Expansion: 1})
	k.fill(f, 32)
	if f.Links() != 32 || f.Capacity() != 32 {
		t.Errorf("%d items in %d links", f.Capacity(), f.Links())
	}
	k.fill(f, 40_000)
	if f.Links() != 32+15 || f.Capacity() != 32+1<<16-2 || f.Expansion() != 1 {
		t.Errorf("%d items in %d links", f.Capacity(), f.Links())
	}
	k.checkAll()
	if found := mistakes(f, 10_000); found > bound(10_000, MaxRate) {
		t.Errorf("%d are found", found)
	}
}

// TestSeeds: what is found by mistake depends on the seed, in which no two stores agree.
func TestSeeds(t *testing.T) {
	k := newKit(t)
	defer k.close()
	k.envs[1].Seed++
	f, g := k.make(0, Params{Capacity: 1000, Rate: 0.1}), k.make(1, Params{Capacity: 1000, Rate: 0.1})
	k.fill(f, 1000)
	k.fill(g, 1000)
	both := 0
	for i := range 10_000 {
		if it := fmt.Appendf(nil, "other:%d", i); f.Has(it) && g.Has(it) {
			both++
		}
	}
	if both > bound(10_000, 0.01) {
		t.Errorf("%d mistakes in common", both)
	}
}

func TestNoAllocations(t *testing.T) {
	k := newKit(t)
	defer k.close()
	small, large := k.make(0, Params{Capacity: 1000, Rate: 0.01, Expansion: 2}), k.make(0, Params{Capacity: 100_000, Rate: 1e-6})
	it, i := []byte("item:000000"), 0
	for _, f := range []*Filter{small, large} {
		k.fill(f, 500)
		h := f.Handle()
		var open Filter
		if n := testing.AllocsPerRun(100, func() {
			i++
			it[10], it[9] = byte('0'+i%10), byte('0'+i/10%10)
			k.envs[0].Open(h, &open)
			_, _ = open.Add(it)
			open.Has(it)
		}); n > 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

func TestCheckFindsDamage(t *testing.T) {
	small := Params{Capacity: 100, Rate: 0.01, Expansion: 2}
	large := Params{Capacity: 50_000, Rate: 0.001, Expansion: 2}
	set64 := func(off int, v uint64) func(f *Filter) {
		return func(f *Filter) { f.headForWrite().SetU64(off, v) }
	}
	set32 := func(off int, v uint32) func(f *Filter) {
		return func(f *Filter) { f.headForWrite().SetU32(off, v) }
	}
	// A large filter's entries and pages.
	page := func(n, off, v uint32) func(f *Filter) {
		return func(f *Filter) { f.arena.pages.W(n, off, 4).SetU32(0, v) }
	}
	for _, c := range []struct {
		name   string
		p      Params
		want   string
		damage func(f *Filter)
	}{
		{"an encoding that is none", small, "encoding", func(f *Filter) { f.enc = 9 }},
		{"an object elsewhere", small, "no object", func(f *Filter) { f.ref++ }},
		{"no links", small, "0 links", set32(headLinks, 0)},
		{"more links than there is place for", small, "links in an object", set32(headLinks, 100)},
		{"a link more", small, "", func(f *Filter) { f.headForWrite().SetU32(headLinks, 3); f.bits += linkSize }},
		{"items", small, "the header says", set64(headItems, 7)},
		{"left", small, "", set64(headLeft, 3)},
		{"more left than the capacity", small, "left of", set64(headLeft, 1<<40)},
		{"capacity", small, "link 1 of", set64(headCapacity, 300)},
		{"blocks beyond what another machine may count", large, "lanes of", func(f *Filter) {
			w, at := f.headForWrite(), headSize+linkSize*(f.Links()-1)+linkBlocks
			w.SetU32(at, w.U32(at)-2)
		}},
		{"rate", small, "link 1 of", set64(headRate, math.Float64bits(0.1))},
		{"a rate that is none", small, "link 1 of", set64(headRate, math.Float64bits(math.NaN()))},
		{"expansion", small, "", set32(headExpansion, 3)},
		{"no expansion", small, "expansion 0", set32(headExpansion, 0)},
		{"where a link begins", small, "", set32(headSize+linkSize+linkFirst, 1)},
		{"blocks", small, "", set32(headSize+linkSize+linkBlocks, 1)},
		{"lanes", small, "", set32(headSize+linkLanes, 2)},
		{"too many bits", small, "bits are set", func(f *Filter) {
			for i := range 4 {
				f.blockForWrite(uint32(i)).SetU64(8, math.MaxUint64)
			}
		}},
		{"no bits", small, "0 bits", func(f *Filter) {
			for i := range f.blocks() {
				f.blockForWrite(uint32(i)).Zero(0, blockSize)
			}
		}},
		{"where a link of a large one begins", large, "begins", set32(headSize+linkSize+linkFirst, 1)},
		{"items of a large one", large, "the header says", set64(headItems, 7)},
		{"no links of a large one", large, "0 links", set32(headLinks, 0)},
		{"too many links of a large one", large, "links", set32(headLinks, 5000)},
		{"a page twice", large, "twice", page(0, dirAt+4, 1)},
		{"a page that is not there", large, "names page", page(0, dirAt+3*4, 1000)},
		{"a page that nothing names", large, "nothing names", func(f *Filter) { f.arena.addPage() }},
		{"a lost page", large, "nothing names", page(0, dirAt, 0)},
		{"entries that are bits", large, "", page(0, rootAt, 1)},
		{"bits behind the last block", large, "behind", func(f *Filter) {
			n := uint32(f.blocks())
			if err := f.arena.provide(n, f.env.Room); err != nil {
				panic(err)
			}
			f.blockForWrite(n).SetU64(56, 1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKit(t)
			f := k.make(0, c.p)
			k.fill(f, c.p.Capacity+10)
			if want := (c.p == large); (f.enc == Large) != want || f.Links() != 2 {
				t.Fatalf("encoding %d, %d links", f.enc, f.Links())
			}
			if err := check(f); err != nil {
				t.Fatal(err)
			}
			c.damage(f)
			if err := check(f); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check says %v, want %q", err, c.want)
			}
			if err := k.region.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLayout: header and links, entries, and blocks do not overlap, and small filters fit the first page of a large one.
func TestLayout(t *testing.T) {
	if headSize+maxLinks*linkSize > dirAt || dirAt+direct*4 != rootAt || rootAt+roots*4 != bitsAt || bitsAt%blockSize != 0 {
		t.Error(dirAt, rootAt, bitsAt)
	}
	if most := (slab.MaxSize - headSize - linkSize) / blockSize; most > firstBlocks {
		t.Errorf("small filters have up to %d blocks, the first page %d", most, firstBlocks)
	}
	if maxBlocks > math.MaxUint32 || maxBlocks*blockSize>>30 != 16 {
		t.Error(maxBlocks)
	}
	if links := slowLinks + int(math.Log2(maxCapacity)) + 1; links > maxLinks {
		t.Errorf("%d links until the capacity is too high, %d have a place", links, maxLinks)
	}
}
