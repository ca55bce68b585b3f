package offheap

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// A View keeps what pages held at one moment, its cut, while their owners go on changing them. A page stays where it
// is. It is cut in 64 chunks of 1 KiB, and before a chunk is changed for the first time after the cut, it is copied:
//
//	live page   |chunk 0|chunk 1|chunk 2| ...      changed in place
//	saved       |   0   |   1   |   0   | ...      one bit for each chunk
//	images               chunk 1 as it was
//
// Why not copy whole pages, as one would: a row that goes to another place in a large set changes three pages. Right after
// a cut nearly every change would copy 192 KiB, 20 to 30 us, until all pages are copied, which at half of a server's capacity is a queue of
// tens of milliseconds. Three chunks take half a microsecond. And no block that somebody holds moves.
//
// # Reading without locks
//
// Who reads a view copies the bytes from the live page first, and looks at saved afterwards; chunks that have
// been saved by then are taken from their images. The writer saves the image, sets the bit, and changes the chunk, in this
// order; so if the reader has copied anything that was changed, it sees the bit. That needs the bit to be visible before
// the change, and to be looked at after the copy: fence sees to it where the processor does not.
//
// The copies are Go memory, which the collector gives back when no Block leads there any more.
//
// With tag heapalloc, where the race detector would object, a cut copies everything.
type View struct {
	r       *Region
	shadows []*shadow
	closed  atomic.Bool

	mu     sync.Mutex // guards what follows; taken by writers, for a moment, before viewState.mu
	frames []uint32   // of images
	free   uint32     // chunks of the last frame that are not in use
	held   []uint32   // frames that were dropped by their owners and that the view may read

	// The reader's own.
	scratch []byte
	cache   [cacheSize]cached
}

const (
	chunkShift  = 10
	chunkBytes  = 1 << chunkShift
	pageChunks  = PageSize / chunkBytes // 64: bits of a word
	frozenBit   = 1 << 63               // of a view's words: R takes the long way
	scratchSize = 256 << 10
	cacheSize   = 64
)

// cached is an object that was read before: buckets of a table lie many in one.
type cached struct {
	s   *shadow
	at  uint64
	n   int
	blk Block
}

// viewState is what a region knows of its views.
type viewState struct {
	mu     sync.Mutex
	active int
	held   map[uint32]int // dropped frames, by the number of views that hold them
	copied atomic.Int64   // pages taken for images and held
	peak   atomic.Int64
	stock  []uint32 // frames for images, touched already
}

// shadow is what a view keeps of one list of pages.
type shadow struct {
	v      *View
	words  []uint64 // as at the cut
	saved  []uint64 // by page, a bit for each chunk that was saved, or passed; atomic
	images []*[pageChunks]uint32
	done   atomic.Bool // the view needs nothing of it any more
}

// Cut makes a view of what is frozen with Freeze before any lock is released. All locks of users of r must be held.
func (r *Region) Cut() *View {
	r.Advance()
	r.views.mu.Lock()
	defer r.views.mu.Unlock()
	if r.views.active++; r.views.held == nil {
		r.views.held = map[uint32]int{}
	}
	r.views.peak.Store(r.views.copied.Load())
	return &View{r: r}
}

// Freeze returns the list as v has it, to be read by one goroutine. The owner's lock is held, since v was cut.
func (p *Pages) Freeze(v *View) Pages {
	s := &shadow{v: v, words: slices.Clone(p.words), saved: make([]uint64, len(p.words)), images: make([]*[pageChunks]uint32, len(p.words))}
	p.shadows = slices.DeleteFunc(p.shadows, (*shadow).over)
	p.shadows = append(p.shadows, s)
	v.shadows = append(v.shadows, s)
	c := Pages{r: p.r, frozen: s, words: slices.Clone(p.words)}
	for i, w := range c.words {
		if w == 0 {
			continue
		}
		c.words[i] = w | frozenBit
		if eagerViews {
			p.words[i] = p.words[i]&^0xffffffff | uint64(p.r.epoch-1)
			s.save(uint32(i), ^uint64(0), p.r)
		}
	}
	return c
}

// over reports whether nobody needs the shadow any more.
func (s *shadow) over() bool { return s.done.Load() || s.v.closed.Load() }

// frameOf is the frame of a page of a word.
func frameOf(w uint64) uint32 { return uint32(w>>32) &^ (1 << 31) }

// chunksOf are the chunks of n bytes at off, as bits.
func chunksOf(off uint32, n int) uint64 {
	first, last := off>>chunkShift, (off+uint32(max(n, 1))-1)>>chunkShift
	return ^uint64(0) >> (pageChunks - 1 - last + first) << first
}

// covers reports whether page i, in a frame, is what the view has there.
func (s *shadow) covers(i uint32, frame uint32) bool {
	return int(i) < len(s.words) && s.words[i] != 0 && frameOf(s.words[i]) == frame
}

// saved has all views save the chunks of n bytes at off of page i, and reports whether none needs more of the page.
func (p *Pages) saved(i, off uint32, n int) (all bool) {
	mask, frame := chunksOf(off, n), frameOf(p.words[i])
	all = true
	over := 0
	for _, s := range p.shadows {
		if s.over() {
			over++
			continue
		}
		if s.covers(i, frame) && !s.save(i, mask, p.r) {
			all = false
		}
	}
	if over == len(p.shadows) {
		p.shadows = nil
	}
	return all
}

// save saves chunks of page i, and reports whether all of the page are.
func (s *shadow) save(i uint32, mask uint64, r *Region) (all bool) {
	have := atomic.LoadUint64(&s.saved[i])
	need := mask &^ have
	if need == 0 {
		return have == ^uint64(0)
	}
	at := s.images[i]
	if at == nil {
		at = new([pageChunks]uint32)
		s.images[i] = at
	}
	live := r.frame(frameOf(s.words[i]))
	s.v.mu.Lock()
	if s.over() {
		s.v.mu.Unlock()
		return true
	}
	for c := range uint32(pageChunks) {
		if need>>c&1 != 0 {
			image := s.v.newChunk()
			copy(r.chunk(image), unsafe.Slice((*byte)(unsafe.Add(live, uintptr(c)<<chunkShift)), chunkBytes))
			at[c] = image
		}
	}
	s.v.mu.Unlock()
	atomic.StoreUint64(&s.saved[i], have|need) // the reader, who passes chunks, may lose a bit by it: then one is saved that need not be
	fence()
	return have|need == ^uint64(0)
}

// newChunk takes room for an image: its frame, and its place there.
//
//	31          6 5     0
//	+------------+-------+
//	|   frame    | chunk |
//	+------------+-------+
//
// A frame number has 26 bits: 4 TiB. v.mu is held.
func (v *View) newChunk() uint32 {
	if v.free == 0 {
		f := v.r.takeImages()
		if f >= 1<<26 {
			panic(fmt.Sprintf("offheap: frame %d is too far for an image", f))
		}
		v.frames = append(v.frames, f)
		v.free = pageChunks
	}
	v.free--
	return v.frames[len(v.frames)-1]<<6 | v.free
}

// chunk is the bytes of an image.
func (r *Region) chunk(image uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(r.frame(image>>6), uintptr(image&(pageChunks-1))<<chunkShift)), chunkBytes)
}

// takeImages takes a frame for images, which does not count as used.
func (r *Region) takeImages() uint32 {
	r.views.mu.Lock()
	defer r.views.mu.Unlock()
	var f uint32
	if n := len(r.views.stock); n > 0 {
		f = r.views.stock[n-1]
		r.views.stock = r.views.stock[:n-1]
	} else {
		f = r.take()
		r.used.Add(-1)
	}
	r.note(1)
	return f
}

// note counts pages that views have taken. views.mu is held.
func (r *Region) note(pages int64) {
	if n := r.views.copied.Add(pages); n > r.views.peak.Load() {
		r.views.peak.Store(n)
	}
}

// keep has the views hold a page that its owner drops, as long as they need it, and reports whether any does.
func (p *Pages) keep(i, frame uint32) bool {
	if len(p.shadows) == 0 {
		return false
	}
	p.r.hold(frame, 1) // that of this call, so that no view gives it back before the others have it
	for _, s := range p.shadows {
		if s.covers(i, frame) && atomic.LoadUint64(&s.saved[i]) != ^uint64(0) {
			s.hold(frame)
		}
	}
	return !p.r.hold(frame, -1)
}

// hold has the view hold a frame, unless it is over.
func (s *shadow) hold(frame uint32) {
	v := s.v
	v.mu.Lock()
	defer v.mu.Unlock()
	if !s.over() {
		v.held = append(v.held, frame)
		v.r.hold(frame, 1)
	}
}

// hold counts who holds a frame that its owner has dropped, and reports whether nobody does any more: then it counts as used again, and
// is to be given back.
func (r *Region) hold(frame uint32, by int) (free bool) {
	r.views.mu.Lock()
	defer r.views.mu.Unlock()
	n := r.views.held[frame]
	if n == 0 {
		r.used.Add(-1)
		r.note(1)
	}
	if n += by; n > 0 {
		r.views.held[frame] = n
		return false
	}
	delete(r.views.held, frame)
	r.used.Add(1)
	r.note(-1)
	return true
}

// Close ends the view and gives back what it has taken. Its reader has stopped.
func (v *View) Close() {
	if v.closed.Swap(true) {
		return
	}
	v.mu.Lock()
	frames, held := v.frames, v.held
	v.frames, v.held, v.free = nil, nil, 0
	v.mu.Unlock()
	r := v.r
	for _, f := range held {
		if r.hold(f, -1) {
			r.give(f)
		}
	}
	r.views.mu.Lock()
	defer r.views.mu.Unlock()
	r.note(-int64(len(frames)))
	if r.views.active--; r.views.active == 0 {
		frames = append(frames, r.views.stock...)
		r.views.stock = nil
	}
	r.used.Add(int64(len(frames)))
	r.give(frames...)
}

// Stock takes up to n frames for the images of views that are about to be cut, and touches them, so that who
// saves an image has no page faults.
func (r *Region) Stock(n int) {
	for range n {
		r.mu.Lock()
		ready := r.ready.Load() > 0
		r.mu.Unlock()
		if !ready && !r.Ready(1) {
			return
		}
		f := r.take()
		r.used.Add(-1)
		for off := 0; off < PageSize; off += 4096 {
			*(*byte)(unsafe.Add(r.frame(f), off)) = 0
		}
		r.views.mu.Lock()
		r.views.stock = append(r.views.stock, f)
		r.views.mu.Unlock()
	}
}

// Copied is the number of pages that views take now.
func (r *Region) Copied() int64 { return r.views.copied.Load() }

// Views is the number of pages that views take now, the most since the last cut, and how many views there are.
func (r *Region) Views() (pages, peak int64, active int) {
	r.views.mu.Lock()
	defer r.views.mu.Unlock()
	return r.views.copied.Load(), r.views.peak.Load(), r.views.active
}

// read is R of a view: a copy of what was there at the cut.
func (p *Pages) read(i, off uint32, n int) Block {
	s := p.frozen
	at := uint64(i)<<32 | uint64(off)
	c := &s.v.cache[(at>>10^at>>32*31)%cacheSize]
	if c.s == s && c.at == at && c.n == n {
		return c.blk
	}
	b := s.v.room(n)
	r := s.v.r
	if !eagerViews {
		copy(b, unsafe.Slice((*byte)(unsafe.Add(r.frame(frameOf(s.words[i])), uintptr(off))), n))
		fence()
	}
	mask := chunksOf(off, n)
	for c := off >> chunkShift; mask>>c != 0; c++ {
		if c >= pageChunks {
			break
		}
		if atomic.LoadUint64(&s.saved[i])&mask>>c&1 == 0 {
			continue
		}
		// The part of the chunk that is wanted.
		from, to := max(c<<chunkShift, off), min((c+1)<<chunkShift, off+uint32(n))
		if at := s.images[i]; at != nil && at[c] != 0 {
			copy(b[from-off:to-off], r.chunk(at[c])[from-c<<chunkShift:])
		}
	}
	*c = cached{s, at, n, Scratch(b)}
	return c.blk
}

// room is Go memory for n bytes.
func (v *View) room(n int) []byte {
	if n > len(v.scratch) {
		v.scratch = make([]byte, max(scratchSize, n))
	}
	b := v.scratch[:n:n]
	v.scratch = v.scratch[n:]
	return b
}

// Pass says that the reader is through with n bytes at off of page i, and will not read them again: they need not be saved any more.
func (p *Pages) Pass(i, off uint32, n int) {
	if s := p.frozen; s != nil && !eagerViews {
		atomic.OrUint64(&s.saved[i], chunksOf(off, n))
	}
}

// Done says that the reader is through with all of the list.
func (p *Pages) Done() {
	if p.frozen != nil {
		p.frozen.done.Store(true)
	}
}
