package offheap

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"unsafe"
)

// How a view is read.
//
// What is read is copied, exactly, into memory of the collector's, so that blocks of a view are valid as long as somebody has
// them. To find its bytes as of the cut, without the owner's lock, the reader
//
//  1. looks which chunks are saved,
//  2. copies the bytes from the page, if any chunk is not,
//  3. looks again, and takes those of the chunks that are saved by now from their copies.
//
// A writer, which has the owner's lock, copies a chunk, then sets its bit of saved, then changes the chunk. If 2 has read a byte that
// has been changed, the bit was set before: 3 must see it, and the byte is replaced. For that the loads of 2 must not come after
// that of 3. On amd64 loads stay in order. Elsewhere 3 is an atomic addition of 0: if it comes before the writer's setting of the
// bit, in the order of the changes of that word, it releases what 2 has loaded to the writer, which acquires it before it changes
// anything (Boehm, "Can seqlocks get along with programming language memory models?"). The copies themselves
// are written before the bit and not changed afterwards. A frame that its owner gives up is not used again as long as a chunk of it may
// have to be read (part); if all are saved it may be, and what 2 reads there is replaced as a whole.
//
// For the race detector 2 is a race, and so it is by Go's memory model; that one function is excepted, in all builds alike, so that
// tests with the detector see the rest.

// ErrBroken is what reading of a view panics with that could not be kept, since there was no memory for copies.
var ErrBroken = errors.New("offheap: no memory for what a view has to keep")

// A Reader reads a view; for one goroutine.
type Reader struct {
	v    *View
	room []byte
}

// NewReader makes a reader of the view, which has been cut.
func (v *View) NewReader() *Reader { return &Reader{v: v} }

// frozen is an owner's pages in a view.
type frozen struct {
	k  *keep
	rd *Reader
	// What was read lately, by place. Objects are read many times, a bucket's segment for each of its buckets: so
	// large ones are kept apart, that the small ones between do not drive them out.
	small [64]piece
	large [16]piece
}

// piece is what was read at a place.
type piece struct {
	at uint64 // page<<16 | offset, +1; 0: nothing
	n  int
	p  unsafe.Pointer
}

const (
	largePiece = 2048
	roomFirst  = 16 << 10
	roomMost   = 256 << 10
)

// Open is an owner's pages as of the cut, to be read with Read. lock and unlock are those of the owner as of the cut; if it has
// another lock now, it has been held (Hold) before it got that.
func (rd *Reader) Open(p *Pages, lock, unlock func()) Pages {
	k := rd.v.known(p)
	if k == nil {
		lock()
		k = rd.v.keepOf(p)
		unlock()
	}
	return Pages{r: p.r, tags: k.tags, mark: k.mark, frozen: &frozen{k: k, rd: rd}}
}

// Pass says that n bytes at off of page i of a view have been read, and will not be again: of them no copy is needed any more.
// Chunks that they do not fill are not passed.
func (p *Pages) Pass(i, off uint32, n int) {
	first, end := (off+chunkBytes-1)>>chunkShift, (off+uint32(n))>>chunkShift
	if first >= end {
		return
	}
	k := p.frozen.k
	v, pg, mask := k.v, &k.pages[i], chunksOf(first<<chunkShift, int(end-first)<<chunkShift)
	v.mu.Lock()
	defer v.mu.Unlock()
	if k.closed.Load() {
		return
	}
	copies := pg.saved.Or(mask) & mask
	if pg.table == 0 {
		return
	}
	table := v.table(pg.table)
	for ; copies != 0; copies &= copies - 1 {
		c := bits.TrailingZeros64(copies)
		if at := table.U32(4 * c); at != 0 {
			table.SetU32(4*c, 0)
			v.dropChunk(at)
		}
	}
}

// Done says that the owner will not be read in this view any more, by nobody: nothing of it is kept from now on.
func (p *Pages) Done() { p.frozen.k.close() }

// read is Read of a view.
func (f *frozen) read(i, off uint32, n int) Block {
	at := uint64(i)<<PageShift | uint64(off)
	slot := f.slot(at, n)
	if slot.at != at+1 || slot.n < n {
		dst := f.rd.take(n)
		f.k.copyOut(dst, i, off)
		f.k.check(dst, i, off)
		*slot = piece{at + 1, n, unsafe.Pointer(unsafe.SliceData(dst))}
	}
	return readBlock(slot.p, 0, n)
}

func (f *frozen) slot(at uint64, n int) *piece {
	h := at * 0x9e3779b97f4a7c15
	if n >= largePiece {
		return &f.large[h>>60]
	}
	return &f.small[h>>58]
}

// take is room for n bytes; one byte more, so that what is empty at its end points to nothing else.
func (rd *Reader) take(n int) []byte {
	if len(rd.room) <= n {
		size := min(roomMost, max(roomFirst, 2*cap(rd.room)))
		rd.room = make([]byte, max(size, n+1))
		rd.v.fill(firstStock)
	}
	b := rd.room[:n:n]
	rd.room = rd.room[min(len(rd.room), (n+15)&^15):]
	return b
}

// copyOut copies the bytes at off of page i, as of the cut, to dst.
func (k *keep) copyOut(dst []byte, i, off uint32) {
	pg, r := &k.pages[i], k.v.r
	if pg.frame == 0 || k.closed.Load() {
		panic(fmt.Sprintf("offheap: page %d of %d is read, which is not in the view, or not any more (%v)", i, len(k.pages), k.closed.Load()))
	}
	want := chunksOf(off, len(dst))
	saved := pg.saved.Load()
	if want&^saved != 0 {
		copyLive(dst, unsafe.Add(r.frame(pg.frame), uintptr(off)))
		saved = pg.again()
	}
	if k.v.broken.Load() {
		panic(ErrBroken)
	}
	if saved &= want; saved == 0 {
		return
	}
	if pg.table == 0 {
		panic(passed)
	}
	table := readBlock(r.frame(pg.table>>8), pg.table&0xff*tableBytes, tableBytes)
	for ; saved != 0; saved &= saved - 1 {
		c := bits.TrailingZeros64(saved)
		at := table.U32(4 * c)
		if at == 0 {
			panic(passed)
		}
		from := max(int(off), c<<chunkShift)
		to := min(int(off)+len(dst), (c+1)<<chunkShift)
		copy(dst[from-int(off):to-int(off)], unsafe.Slice((*byte)(unsafe.Add(r.chunk(at), from-c<<chunkShift)), to-from))
	}
}

const passed = "offheap: what is read of a view has been passed"

// again is the second look at saved.
func (pg *keptPage) again() uint64 {
	if runtime.GOARCH == "amd64" {
		return pg.saved.Load()
	}
	return pg.saved.Add(0)
}

// copyLive copies from a page that may be changed meanwhile. copy would tell the race detector, whatever the pragma says.
//
//go:norace
func copyLive(dst []byte, from unsafe.Pointer) {
	type line = [64]byte
	n := len(dst)
	to := unsafe.Pointer(unsafe.SliceData(dst))
	i := 0
	for ; i+64 <= n; i += 64 {
		*(*line)(unsafe.Add(to, i)) = *(*line)(unsafe.Add(from, i))
	}
	for ; i < n; i++ {
		*(*byte)(unsafe.Add(to, i)) = *(*byte)(unsafe.Add(from, i))
	}
}
