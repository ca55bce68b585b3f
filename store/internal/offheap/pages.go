package offheap

import "fmt"

// Pages is a growing list of pages, named by index: the page table of one
// owner. It is guarded by its owner's lock.
type Pages struct {
	r *Region
	// words holds, per page, the frame in the upper half and the epoch of its
	// last touch in the lower, so that translation and check are one load:
	//
	//	63        32 31        0
	//	+-----------+-----------+
	//	|   frame   |   epoch   |     0: no page
	//	+-----------+-----------+
	words []uint64

	// shadows are what views keep of these pages, of those that have not been noticed to be over. frozen is set
	// where the list itself is what a view has (view.go).
	shadows []*shadow
	frozen  *shadow
}

// NewPages makes an empty list of pages of r.
func NewPages(r *Region) Pages { return Pages{r: r} }

// Len is the number of places in the list, dropped ones included.
func (p *Pages) Len() int { return len(p.words) }

// Has reports whether there is a page at index i.
func (p *Pages) Has(i uint32) bool { return int(i) < len(p.words) && p.words[i] != 0 }

// Append adds a page with unspecified contents and returns its index.
func (p *Pages) Append() uint32 {
	p.words = append(p.words, uint64(p.r.take())<<32|uint64(p.r.epoch))
	return uint32(len(p.words) - 1)
}

// Put fills the empty place i of the list with a page.
func (p *Pages) Put(i uint32) {
	if p.words[i] != 0 {
		panic(fmt.Sprintf("offheap: page %d is there already", i))
	}
	p.words[i] = uint64(p.r.take())<<32 | uint64(p.r.epoch)
}

// Drop gives page i back. Its place stays, empty, until Put or Truncate.
func (p *Pages) Drop(i uint32) {
	if frame := uint32(p.words[i] >> 32); !p.keep(i, frame) {
		p.r.give(frame)
	}
	p.words[i] = 0
}

// Truncate gives the pages from place n on back and ends the list there.
func (p *Pages) Truncate(n int) {
	for i := n; i < len(p.words); i++ {
		if p.words[i] != 0 {
			p.Drop(uint32(i))
		}
	}
	p.words = p.words[:n]
}

// Clone copies all pages to fresh ones.
func (p *Pages) Clone() Pages {
	c := NewPages(p.r)
	for i, w := range p.words {
		c.words = append(c.words, 0)
		if w != 0 {
			c.Put(uint32(i))
			c.W(uint32(i), 0, PageSize).CopyFrom(0, p.R(uint32(i), 0, PageSize), 0, PageSize)
		}
	}
	return c
}

// DropSome gives up to n pages back from the end of the list and returns how many
// places are left; for dismantling a large value in slices.
func (p *Pages) DropSome(n int) int {
	var frames [64]uint32
	for n > 0 && len(p.words) > 0 {
		k := 0
		for k < len(frames) && n > 0 && len(p.words) > 0 {
			last := len(p.words) - 1
			if w := p.words[last]; w != 0 && !p.keep(uint32(last), uint32(w>>32)) {
				frames[k] = uint32(w >> 32)
				k++
			}
			p.words = p.words[:last]
			n--
		}
		if k > 0 {
			p.r.give(frames[:k]...)
		}
	}
	if len(p.words) == 0 {
		p.words = nil
	}
	return len(p.words)
}

// R is the n bytes at off of page i, for reading.
func (p *Pages) R(i, off uint32, n int) Block {
	w := p.words[i]
	if w&frozenBit != 0 {
		return p.read(i, off, n)
	}
	return readBlock(p.r.frame(uint32(w>>32)), off, n)
}

// W touches page i and is the n bytes at off of it, for writing.
func (p *Pages) W(i, off uint32, n int) Block {
	w := p.words[i]
	if uint32(w) != p.r.epoch {
		p.touch(i, off, n)
	}
	return writeBlock(p.r.frame(uint32(w>>32)), off, n)
}

// touch has the views keep n bytes at off of page i, which is about to be changed there, and stamps the page
// when there is nothing left of it that a view may ask for.
//
//go:noinline
func (p *Pages) touch(i, off uint32, n int) {
	if p.frozen != nil {
		panic("offheap: a view is changed")
	}
	if len(p.shadows) == 0 || p.saved(i, off, n) {
		p.words[i] = p.words[i]&^0xffffffff | uint64(p.r.epoch)
	}
}
