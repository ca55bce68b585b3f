package bloom

import (
	"errors"
	"math"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// Why a filter cannot be made, or takes no item. Nothing has changed then.
var (
	// ErrFull: it does not expand.
	ErrFull = errors.New("bloom: the filter is full")
	// ErrLimit: it would get too large, or its rate too small.
	ErrLimit = errors.New("bloom: the filter would be larger than a filter can be")
	// ErrNoRoom: there is no memory.
	ErrNoRoom = errors.New("bloom: no memory")
)

// Params are what a filter is made for.
type Params struct {
	Capacity  uint64  // items of the first link, at least 1
	Rate      float64 // of mistakes, above 0 and at most MaxRate
	Expansion uint32  // how much larger each link is than the one before; 0: there is one only
	Seed      uint64  // of the hash; 0: Env.Seed
}

const (
	// MaxRate is the highest rate of mistakes that a filter can be made for.
	MaxRate = 0.25

	// tightening is how much lower the rate of a link is than that of the one before.
	tightening = 0.5
	// maxCapacity is beyond what fits maxBlocks, whatever the rate.
	maxCapacity = 1 << 40
)

// Encoding is the form a filter has.
type Encoding uint8

// The encodings.
const (
	Small Encoding = 1 + iota // one object of the shard's heap
	Large                     // pages of its own
)

// Handle names a filter: it is what a key's record keeps.
type Handle struct {
	Enc Encoding
	Ref uint32 // a slab.Ref in the shard's heap, or the arena's number
}

// Env is what the filters of one shard share. It is guarded by the shard's lock.
type Env struct {
	Heap *slab.Heap
	// Seed is that of the hash of filters that are made. It stays theirs, wherever they go.
	Seed uint64
	// Allows is asked before a link is made, whether so many bytes of bits more may be used one day; and Room before
	// a page is taken, whether there is memory for n bytes.
	Allows, Room func(n int64) bool

	arenas slab.Arenas[*arena]
}

// Cut is the large filters that an Env has at one moment.
type Cut struct{ filters slab.Cut[*arena] }

// Cut is the large filters there are now.
func (e *Env) Cut() Cut { return Cut{e.arenas.Cut()} }

// Freeze gives e, which is new and has a heap of a view, the large filters of a cut. Filters of a view can be read in all ways.
func (e *Env) Freeze(c Cut, open slab.Opener) { e.arenas.Freeze(c.filters, open) }

// Leave forgets the large filters of a view that have been opened. If done, nobody will read them any more.
func (e *Env) Leave(done bool) { e.arenas.Leave(done) }

// Arenas is the number of large filters there are.
func (e *Env) Arenas() int { return e.arenas.Len() }

// Reclaim gives back up to n pages of freed large filters and reports whether there are more.
func (e *Env) Reclaim(n int) bool { return e.arenas.Reclaim(n) }

// Filter is an open filter. It is valid while the shard's lock is held. Adding to it may move it: afterwards its
// Handle must be stored again.
//
// A Filter is made by Env.Open or Env.Create into memory of the caller's, so that opening one allocates nothing.
type Filter struct {
	env   *Env
	enc   Encoding
	ref   uint32
	bits  int    // Small: where the first block begins
	arena *arena // Large
}

// Open makes f the filter that h names.
func (e *Env) Open(h Handle, f *Filter) {
	*f = Filter{env: e, enc: h.Enc, ref: h.Ref}
	if h.Enc == Large {
		f.arena = e.arenas.At(h.Ref)
		return
	}
	f.bits = headSize + linkSize*f.Links()
}

// Create makes f a new filter without items. It fails with ErrLimit or ErrNoRoom; p is sound.
func (e *Env) Create(p Params, f *Filter) error {
	rate := p.Rate
	if p.Expansion > 0 {
		rate *= tightening
	}
	shape, err := e.planned(p.Capacity, rate, 0, 0)
	if err != nil {
		return err
	}
	*f = Filter{env: e}
	if size := sizeOf(1, shape.total()); size <= slab.MaxSize {
		f.enc, f.ref, f.bits = Small, uint32(e.Heap.Alloc(int(size))), headSize+linkSize
		e.Heap.W(slab.Ref(f.ref)).Zero(0, int(size))
	} else {
		f.arena = newArena(e.Heap.Region())
		f.enc, f.ref = Large, e.arenas.Add(f.arena)
	}
	w := f.headForWrite()
	w.SetU32(headExpansion, p.Expansion)
	seed := p.Seed
	if seed == 0 {
		seed = e.Seed
	}
	w.SetU64(headSeed, seed)
	f.putLink(link{0, shape}, p.Capacity, rate)
	return nil
}

// planned is the shape of a link of a filter that has so many links and blocks, or the reason why
// it cannot have it.
func (e *Env) planned(capacity uint64, rate float64, links int, blocks uint64) (plan, error) {
	if links == maxLinks || capacity > maxCapacity || rate < minRate {
		return plan{}, ErrLimit
	}
	p, ok := planOf(capacity, rate)
	if !ok || blocks+p.total() > maxBlocks {
		return plan{}, ErrLimit
	}
	if !e.Allows(int64(p.total()) * blockSize) {
		return plan{}, ErrNoRoom
	}
	return p, nil
}

// putLink writes one more link, for which there is room, whose bits are 0.
func (f *Filter) putLink(l link, capacity uint64, rate float64) {
	w := f.headForWrite()
	n := w.U32(headLinks)
	setLink(w, int(n), l)
	w.SetU32(headLinks, n+1)
	w.SetU64(headLeft, capacity)
	w.SetU64(headCapacity, capacity)
	w.SetU64(headRate, math.Float64bits(rate))
}

// Free gives the filter's memory back: a large one's later, by Reclaim.
func (e *Env) Free(h Handle) {
	if h.Enc == Large {
		e.arenas.Bury(h.Ref)
		return
	}
	e.Heap.Free(slab.Ref(h.Ref))
}

// MoveTo moves the filter that h names to another shard's Env, whose lock is held too, and returns its
// name there. O(1) for large ones.
func (e *Env) MoveTo(h Handle, to *Env) Handle {
	if e == to {
		return h
	}
	if h.Enc == Large {
		return Handle{Large, to.arenas.Add(e.arenas.Take(h.Ref))}
	}
	n := e.CopyTo(h, to)
	e.Free(h)
	return n
}

// CopyTo copies the filter that h names into an Env, this one or another shard's, and returns the copy's name
// there. A large one is copied page by page.
func (e *Env) CopyTo(h Handle, to *Env) Handle {
	if h.Enc == Large {
		return Handle{Large, to.arenas.Add(&arena{e.arenas.At(h.Ref).pages.Clone()})}
	}
	size := e.Heap.Cap(slab.Ref(h.Ref))
	n := to.Heap.Alloc(size)
	to.Heap.W(n).CopyFrom(0, e.Heap.R(slab.Ref(h.Ref)), 0, size)
	return Handle{Small, uint32(n)}
}

// Handle is the filter's present name; store it after every change.
func (f *Filter) Handle() Handle { return Handle{f.enc, f.ref} }

// Len is the number of items that were added and not found before.
func (f *Filter) Len() uint64 { return f.head().U64(headItems) }

// Capacity is how many items the links there are were made for. O(links squared).
func (f *Filter) Capacity() (sum uint64) {
	for i := range f.Links() {
		sum += f.capacityOf(i)
	}
	return sum
}

// capacityOf is how many items link i was made for.
func (f *Filter) capacityOf(i int) uint64 {
	head := f.head()
	capacity := head.U64(headCapacity)
	for last := f.Links() - 1; last > i; last-- {
		capacity /= growthTo(last, head.U32(headExpansion))
	}
	return capacity
}

// Links is the number of links.
func (f *Filter) Links() int { return int(f.head().U32(headLinks)) }

// Expansion is how much larger each link is than the one before, up to slowLinks; 0: the filter does not expand.
func (f *Filter) Expansion() uint32 { return f.head().U32(headExpansion) }

// Size is the size of the filter's header and bits, in bytes, whether they take memory yet or not.
func (f *Filter) Size() uint64 { return sizeOf(f.Links(), f.blocks()) }

// blocks is the number of blocks of all links.
func (f *Filter) blocks() uint64 { return linkOf(f.head(), f.Links()-1).next() }

// Bytes is the memory that the filter takes, in bytes, size classes and pages included.
func (f *Filter) Bytes() int64 {
	if f.enc == Large {
		return f.arena.bytes()
	}
	return int64(f.env.Heap.Cap(slab.Ref(f.ref)))
}

// Has reports whether an item has been added, or, by mistake, one that has not. It allocates nothing and costs
// O(links), mostly a cache line for each.
func (f *Filter) Has(item []byte) bool { return f.hasKey(f.keyOf(item)) }

func (f *Filter) keyOf(item []byte) key { return keyOf(item, f.Seed()) }

// Seed is that of the filter's hash.
func (f *Filter) Seed() uint64 { return f.head().U64(headSeed) }

func (f *Filter) hasKey(k key) bool {
	head := f.head()
	for i := int(head.U32(headLinks)) - 1; i >= 0; i-- {
		if f.linkHas(linkOf(head, i), k) {
			return true
		}
	}
	return false
}

func (f *Filter) linkHas(l link, k key) bool {
	for i := range l.lanes {
		n, pattern := k.inLane(i, l.blocks)
		b, ok := f.block(l.first + i*l.blocks + n)
		if !ok || !has(b, pattern) {
			return false
		}
	}
	return true
}

// Add adds an item, unless Has finds it, and reports whether it has. It fails with ErrFull, ErrLimit or ErrNoRoom.
func (f *Filter) Add(item []byte) (added bool, err error) {
	k := f.keyOf(item)
	if f.hasKey(k) {
		return false, nil
	}
	if f.head().U64(headLeft) == 0 {
		if err := f.extend(); err != nil {
			return false, err
		}
	}
	l := linkOf(f.head(), f.Links()-1)
	if f.enc == Large {
		for i := range l.lanes {
			n, _ := k.inLane(i, l.blocks)
			if err := f.arena.provide(l.first+i*l.blocks+n, f.env.Room); err != nil {
				return false, err
			}
		}
	}
	for i := range l.lanes {
		n, pattern := k.inLane(i, l.blocks)
		set(f.blockForWrite(l.first+i*l.blocks+n), pattern)
	}
	w := f.headForWrite()
	w.SetU64(headItems, w.U64(headItems)+1)
	w.SetU64(headLeft, w.U64(headLeft)-1)
	return true, nil
}

// extend adds a link.
func (f *Filter) extend() error {
	head := f.head()
	if head.U32(headExpansion) == 0 {
		return ErrFull
	}
	links, blocks := f.Links(), f.blocks()
	growth := growthTo(links, head.U32(headExpansion))
	if head.U64(headCapacity) > maxCapacity/growth {
		return ErrLimit
	}
	capacity := head.U64(headCapacity) * growth
	rate := math.Float64frombits(head.U64(headRate)) * tightening
	shape, err := f.env.planned(capacity, rate, links, blocks)
	if err != nil {
		return err
	}
	if f.enc == Small {
		f.makeRoom(links+1, blocks, blocks+shape.total())
	}
	f.putLink(link{uint32(blocks), shape}, capacity, rate)
	return nil
}

// growthTo is how much larger link i of a filter that expands is than the one before.
func growthTo(i int, expansion uint32) uint64 {
	if i >= slowLinks {
		return max(2, uint64(expansion))
	}
	return uint64(expansion)
}

// makeRoom gives a small filter, which has so many blocks, memory for one more link and for
// blocks that are 0: a larger object, or pages.
func (f *Filter) makeRoom(links int, have, want uint64) {
	heap, old, oldBits := f.env.Heap, slab.Ref(f.ref), f.bits
	var head, bits offheap.Block
	if size := int(min(sizeOf(links, want), slab.MaxSize+1)); size <= slab.MaxSize {
		ref := heap.Alloc(size)
		f.ref, f.bits = uint32(ref), headSize+linkSize*links
		head = heap.W(ref)
		head.Zero(0, size)
		bits = head.Sub(f.bits, int(want)*blockSize)
	} else {
		f.arena = newArena(heap.Region())
		f.enc, f.ref = Large, f.env.arenas.Add(f.arena)
		head = f.headForWrite()
		bits = f.arena.pages.W(0, bitsAt, firstBlocks*blockSize)
	}
	from := heap.R(old)
	head.CopyFrom(0, from, 0, oldBits)
	bits.CopyFrom(0, from, oldBits, int(have)*blockSize)
	heap.Free(old)
}
