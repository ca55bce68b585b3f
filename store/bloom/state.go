package bloom

import (
	"errors"
	"fmt"
	"math"

	"quarry/store/internal/slab"
)

// State is all of a filter but its bits: what a file keeps of it. Capacity, Left and Rate are those of the last link; those of
// the others follow, and they are full.
type State struct {
	Seed           uint64
	Expansion      uint32
	Capacity, Left uint64
	Rate           float64
	Links          []Link // the oldest first
}

// Link is the shape of a link: so many lanes of so many blocks each, 64 bytes a block.
type Link struct{ Lanes, Blocks uint32 }

// BlockSize is the size of a block in bytes.
const BlockSize = blockSize

// MaxLinks is more than a filter has.
const MaxLinks = maxLinks

// ErrDamaged is in errors of Rebuild, SetBits and CheckBits: this is no filter.
var ErrDamaged = errors.New("bloom: damaged")

// State reads the filter's into s, reusing its memory.
func (f *Filter) State(s *State) {
	head := f.head()
	*s = State{
		Seed: head.U64(headSeed), Expansion: head.U32(headExpansion),
		Capacity: head.U64(headCapacity), Left: head.U64(headLeft), Rate: math.Float64frombits(head.U64(headRate)),
		Links: s.Links[:0],
	}
	for i := range f.Links() {
		l := linkOf(head, i)
		s.Links = append(s.Links, Link{Lanes: l.lanes, Blocks: l.blocks})
	}
}

// EachRun calls fn for the runs of blocks in which bits are set, in order: the number of the first one, and the blocks, at most 64
// KiB, where they lie. It ends with fn's first error.
func (f *Filter) EachRun(fn func(first uint32, blocks []byte) error) error {
	end := f.blocks()
	for at := uint64(0); at < end; {
		n := min(f.runFrom(at), end-at)
		if b := f.run(uint32(at), int(n)); !isZero(b) {
			if err := fn(uint32(at), b); err != nil {
				return err
			}
		}
		at += n
	}
	return nil
}

// runFrom is how many blocks from one on lie behind each other, if there are so many.
func (f *Filter) runFrom(block uint64) uint64 {
	switch {
	case f.enc == Small:
		return maxBlocks
	case block < firstBlocks:
		return firstBlocks - block
	}
	return pageBlocks - (block-firstBlocks)%pageBlocks
}

// run is n blocks that lie behind each other; nil if their page is not there.
func (f *Filter) run(first uint32, n int) []byte {
	if f.enc == Small {
		return f.env.Heap.R(slab.Ref(f.ref)).Bytes(f.bits+int(first)*blockSize, n*blockSize)
	}
	page, off, ok := f.arena.place(first)
	if !ok {
		return nil
	}
	return f.arena.pages.Read(page, off, n*blockSize).Bytes(0, n*blockSize)
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// Rebuild makes f the filter of a state, whose bits are all 0: SetBits sets them, and then CheckBits says whether it is one. It
// fails with ErrDamaged or ErrNoRoom.
func (e *Env) Rebuild(s *State, f *Filter) error {
	blocks, err := s.blocks()
	if err != nil {
		return err
	}
	if !e.Allows(int64(blocks) * blockSize) {
		return ErrNoRoom
	}
	*f = Filter{env: e}
	if size := sizeOf(len(s.Links), blocks); size <= slab.MaxSize {
		f.enc, f.ref, f.bits = Small, uint32(e.Heap.Alloc(int(size))), headSize+linkSize*len(s.Links)
		e.Heap.W(slab.Ref(f.ref)).Zero(0, int(size))
	} else {
		f.arena = newArena(e.Heap.Region())
		f.enc, f.ref = Large, e.arenas.Add(f.arena)
	}
	f.setState(s)
	if err := f.checkShapes(); err != nil {
		e.Free(f.Handle())
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// blocks is the number of blocks of a state, if links can have such shapes at all.
func (s *State) blocks() (n uint64, err error) {
	if len(s.Links) < 1 || len(s.Links) > maxLinks || len(s.Links) > 1 && s.Expansion == 0 || !(s.Rate >= minRate && s.Rate <= MaxRate) ||
		s.Capacity < 1 || s.Capacity > maxCapacity || s.Left > s.Capacity {
		return 0, fmt.Errorf("%w: %d links, the last one of %d items at %v", ErrDamaged, len(s.Links), s.Capacity, s.Rate)
	}
	for _, l := range s.Links {
		n += plan{l.Lanes, l.Blocks}.total()
		if l.Lanes < 1 || l.Blocks < 1 || n > maxBlocks {
			return 0, fmt.Errorf("%w: a link of %d lanes of %d blocks", ErrDamaged, l.Lanes, l.Blocks)
		}
	}
	return n, nil
}

// setState writes header and links.
func (f *Filter) setState(s *State) {
	w := f.headForWrite()
	w.SetU64(headSeed, s.Seed)
	w.SetU32(headExpansion, s.Expansion)
	w.SetU32(headLinks, uint32(len(s.Links)))
	w.SetU64(headCapacity, s.Capacity)
	w.SetU64(headLeft, s.Left)
	w.SetU64(headRate, math.Float64bits(s.Rate))
	first := uint32(0)
	for i, l := range s.Links {
		p := plan{l.Lanes, l.Blocks}
		setLink(w, i, link{first, p})
		first += uint32(p.total())
	}
	w.SetU64(headItems, f.Capacity()-s.Left)
}

// SetBits writes blocks from number first on: what EachRun found. It fails with ErrDamaged or ErrNoRoom.
func (f *Filter) SetBits(first uint32, blocks []byte) error {
	n := uint64(len(blocks)) / blockSize
	if len(blocks)%blockSize != 0 || uint64(first)+n > f.blocks() {
		return fmt.Errorf("%w: %d bytes at block %d of %d", ErrDamaged, len(blocks), first, f.blocks())
	}
	for at := uint64(first); len(blocks) > 0; {
		n := int(min(f.runFrom(at), uint64(len(blocks))/blockSize))
		if err := f.setRun(uint32(at), blocks[:n*blockSize]); err != nil {
			return err
		}
		at, blocks = at+uint64(n), blocks[n*blockSize:]
	}
	return nil
}

// setRun writes blocks that lie behind each other.
func (f *Filter) setRun(first uint32, blocks []byte) error {
	if f.enc == Small {
		f.env.Heap.W(slab.Ref(f.ref)).Copy(f.bits+int(first)*blockSize, blocks)
		return nil
	}
	if err := f.arena.provide(first, f.env.Room); err != nil {
		return err
	}
	page, off, _ := f.arena.place(first)
	f.arena.pages.W(page, off, len(blocks)).Copy(0, blocks)
	return nil
}

// CheckBits says whether the bits are those of a filter of so many items, as far as that can be seen.
func (f *Filter) CheckBits() error {
	if err := f.checkLinks(); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}
