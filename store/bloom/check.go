package bloom

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// Check walks the whole filter and names the first broken place, and in a the object of the shard's heap that it
// consists of, if it is small. It proves that: links have the shapes that their capacities and rates ask for, and lie one
// behind the other; items, and what is left, add up; an object is as large as they need; every page of an
// arena is named once. Of the bits it proves that there are no more than the items have: one for each in each word
// and lane, and one at least, if there are items.
func (f *Filter) Check(a *slab.Audit) error {
	switch f.enc {
	case Small:
		if err := f.checkObject(a); err != nil {
			return err
		}
	case Large:
		if err := f.checkPages(); err != nil {
			return err
		}
	default:
		return fmt.Errorf("bloom: encoding %d", f.enc)
	}
	return f.checkLinks()
}

// checkObject verifies the object of a small filter, as far as it must be before the links are read.
func (f *Filter) checkObject(a *slab.Audit) error {
	ref := slab.Ref(f.ref)
	if err := a.Own(ref, headSize+linkSize); err != nil {
		return err
	}
	links := f.Links()
	if links < 1 || f.bits != headSize+linkSize*links || f.bits > f.env.Heap.Cap(ref) {
		return fmt.Errorf("bloom: %d links in an object of %d bytes", links, f.env.Heap.Cap(ref))
	}
	size := sizeOf(links, f.blocks())
	if size > slab.MaxSize || slab.Class(int(size)) != f.env.Heap.Cap(ref) {
		return fmt.Errorf("bloom: %d bytes in an object of %d", size, f.env.Heap.Cap(ref))
	}
	return nil
}

// checkPages verifies that each page but the first is named by one entry.
func (f *Filter) checkPages() error {
	p := &f.arena.pages
	named := make([]bool, p.Len())
	name := func(page, i, off uint32) error {
		n := p.R(page, off, 4).U32(0)
		switch {
		case n == 0:
			return nil
		case int(n) >= len(named):
			return fmt.Errorf("bloom: entry %d of page %d names page %d of %d", i, page, n, len(named))
		case named[n]:
			return fmt.Errorf("bloom: page %d is named twice", n)
		}
		named[n] = true
		return nil
	}
	for i := range uint32(direct) {
		if err := name(0, i, dirAt+i*4); err != nil {
			return err
		}
	}
	for i := range uint32(roots) {
		if err := name(0, i, rootAt+i*4); err != nil {
			return err
		}
		if at := p.R(0, rootAt+i*4, 4).U32(0); at != 0 {
			for j := range uint32(entries) {
				if err := name(at, j, j*4); err != nil {
					return err
				}
			}
		}
	}
	for n := 1; n < len(named); n++ {
		if !named[n] {
			return fmt.Errorf("bloom: nothing names page %d", n)
		}
	}
	if links := f.Links(); links < 1 || links > maxLinks {
		return fmt.Errorf("bloom: %d links", links)
	}
	return nil
}

// checkLinks verifies the links, their bits and the blocks behind them.
func (f *Filter) checkLinks() error {
	if err := f.checkShapes(); err != nil {
		return err
	}
	head := f.head()
	for i := range f.Links() {
		items := f.capacityOf(i)
		if i == f.Links()-1 {
			items -= head.U64(headLeft)
		}
		if err := f.checkBits(linkOf(head, i), items); err != nil {
			return fmt.Errorf("bloom: link %d: %w", i, err)
		}
	}
	return f.checkRest(f.blocks())
}

// checkShapes verifies the header and the shapes of the links, from the last one to the first.
func (f *Filter) checkShapes() error {
	head := f.head()
	links, expansion := f.Links(), head.U32(headExpansion)
	capacity, rate := head.U64(headCapacity), math.Float64frombits(head.U64(headRate))
	left := head.U64(headLeft)
	if left > capacity || links > 1 && expansion == 0 {
		return fmt.Errorf("bloom: %d left of %d in link %d, expansion %d", left, capacity, links, expansion)
	}
	items := -left
	for i := links - 1; i >= 0; i-- {
		l := linkOf(head, i)
		if p, ok := planOf(capacity, rate); !ok || !p.like(l.plan) {
			return fmt.Errorf("bloom: link %d of %d items at %v has %d lanes of %d blocks", i, capacity, rate, l.lanes, l.blocks)
		}
		first := uint64(0)
		if i > 0 {
			first = linkOf(head, i-1).next()
		}
		if uint64(l.first) != first {
			return fmt.Errorf("bloom: link %d begins with block %d, not %d", i, l.first, first)
		}
		items += capacity
		if i > 0 {
			growth := growthTo(i, expansion)
			if capacity%growth != 0 {
				return fmt.Errorf("bloom: link %d is for %d items, expansion %d", i, capacity, expansion)
			}
			capacity, rate = capacity/growth, rate/tightening
		}
	}
	if items != head.U64(headItems) {
		return fmt.Errorf("bloom: %d items, the header says %d", items, head.U64(headItems))
	}
	return nil
}

// checkBits counts the bits of a link with so many items, lane by lane.
func (f *Filter) checkBits(l link, items uint64) error {
	for i := range l.lanes {
		var set [words]uint64
		f.eachBlock(uint64(l.first)+uint64(i)*uint64(l.blocks), uint64(l.blocks), func(b offheap.Block) {
			for w := range set {
				set[w] += uint64(bits.OnesCount64(b.U64(w * 8)))
			}
		})
		for w, n := range set {
			if n > items || items > 0 && n == 0 {
				return fmt.Errorf("%d bits are set in word %d of lane %d, of %d items", n, w, i, items)
			}
		}
	}
	return nil
}

// eachBlock calls fn for those of n blocks from first on that are there. Pages that are not are passed at once.
func (f *Filter) eachBlock(first, n uint64, fn func(offheap.Block)) {
	for end := first + n; first < end; first++ {
		if b, ok := f.block(uint32(first)); ok {
			fn(b)
			continue
		}
		first += (pageBlocks - 1 - (first-firstBlocks)%pageBlocks)
	}
}

// checkRest verifies that no bit is set behind the last block of a large filter.
func (f *Filter) checkRest(end uint64) (err error) {
	if f.enc != Large {
		return nil
	}
	f.eachBlock(end, maxBlocks-end, func(b offheap.Block) {
		for w := range words {
			if b.U64(w*8) != 0 {
				err = errors.New("bloom: bits are set behind the last block")
			}
		}
	})
	return err
}
