package offheap

import "fmt"

// Pages is a growing list of pages, named by index: the page table of one
// owner. It is guarded by its owner's lock, and stays where it is once it has a page, since views know it
// by its address.
type Pages struct {
	r *Region
	// words holds, per page, the frame in the upper half and the epoch of its
	// last touch in the lower, so that translation and check are one load:
	//
	//	63        32 31        0
	//	+-----------+-----------+
	//	|   frame   |   epoch   |     0: no page
	//	+-----------+-----------+
	//
	// Of a page that is stamped with the region's epoch no view wants anything any more.
	words []uint64
	tags  []uint8 // per page what the owner wants to know of it in a view
	mark  uint64  // likewise of all

	kept []*keep   // what the views of seen keep of this owner
	seen *viewList // the views there were when it was last touched, nil: none

	frozen *frozen // of a view, to be read only (frozen.go); words is nil then
}

// NewPages makes an empty list of pages of r.
func NewPages(r *Region) Pages { return Pages{r: r} }

// Len is the number of places in the list, dropped ones included.
func (p *Pages) Len() int {
	if p.frozen != nil {
		return len(p.frozen.k.pages)
	}
	return len(p.words)
}

// Has reports whether there is a page at index i.
func (p *Pages) Has(i uint32) bool { return int(i) < len(p.words) && p.words[i] != 0 }

// Tag is the number that page i was made with.
func (p *Pages) Tag(i uint32) uint8 { return p.tags[i] }

// Mark is a number that the owner keeps with the list, 0 at first, and SetMark changes it: what is to be known of
// the owner in a view, and does not lie in a page.
func (p *Pages) Mark() uint64 { return p.mark }

// SetMark changes the owner's number.
func (p *Pages) SetMark(m uint64) {
	p.Hold()
	p.mark = m
}

// Append adds a page with unspecified contents and returns its index.
func (p *Pages) Append(tag uint8) uint32 {
	p.words = append(p.words, uint64(p.r.take())<<32|uint64(p.r.epoch))
	p.tags = append(p.tags, tag)
	return uint32(len(p.words) - 1)
}

// Put fills the empty place i of the list with a page.
func (p *Pages) Put(i uint32, tag uint8) {
	if p.words[i] != 0 {
		panic(fmt.Sprintf("offheap: page %d is there already", i))
	}
	p.Hold() // a view's copy of the tags is of before
	p.words[i] = uint64(p.r.take())<<32 | uint64(p.r.epoch)
	p.tags[i] = tag
}

// Drop gives page i back. Its place stays, empty, until Put or Truncate.
func (p *Pages) Drop(i uint32) {
	if !p.part(i) {
		p.r.give(uint32(p.words[i] >> 32))
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
	p.words, p.tags = p.words[:n], p.tags[:n]
}

// Clone copies all pages to fresh ones.
func (p *Pages) Clone() Pages {
	c := NewPages(p.r)
	c.mark = p.mark
	for i, w := range p.words {
		if w == 0 {
			c.words, c.tags = append(c.words, 0), append(c.tags, 0)
		} else {
			c.Append(p.tags[i])
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
		k, parted := 0, 0
		for k+parted < min(n, len(frames)) && len(p.words) > 0 {
			last := len(p.words) - 1
			if w := p.words[last]; w != 0 {
				if p.part(uint32(last)) {
					parted++
				} else {
					frames[k] = uint32(w >> 32)
					k++
				}
			}
			p.words, p.tags = p.words[:last], p.tags[:last]
		}
		p.r.give(frames[:k]...)
		n -= max(k+parted, 1)
	}
	if len(p.words) == 0 {
		p.words, p.tags = nil, nil
	}
	return len(p.words)
}

// R is the n bytes at off of page i, for reading. It is for who knows that the list is no view's: of one there is nothing
// to be had here but a panic.
func (p *Pages) R(i, off uint32, n int) Block {
	return readBlock(p.r.frame(uint32(p.words[i]>>32)), off, n)
}

// Read is R of a list that may be a view's. Where R is inlined, a call costs 1 or 2 ns more.
func (p *Pages) Read(i, off uint32, n int) Block {
	if p.frozen != nil {
		return p.frozen.read(i, off, n)
	}
	return p.R(i, off, n)
}

// W touches page i and is the n bytes at off of it, for writing.
func (p *Pages) W(i, off uint32, n int) Block {
	w := p.words[i]
	if uint32(w) != p.r.epoch {
		p.touch(i, off, n)
	}
	return writeBlock(p.r.frame(uint32(w>>32)), off, n)
}

// Unseen is W for what no view reads, like an index: its bytes are not kept. What was something else before, and could
// be read, must have been touched once with W.
func (p *Pages) Unseen(i, off uint32, n int) Block {
	w := p.words[i]
	p.r.unprotect(uint32(w >> 32))
	return writeBlock(p.r.frame(uint32(w>>32)), off, n)
}
