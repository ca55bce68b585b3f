package offheap

import (
	"fmt"
	"sync"
	"sync/atomic"
)

const (
	// PageShift is log2 of PageSize.
	PageShift = 16
	// PageSize is the size of a page in bytes.
	PageSize = 1 << PageShift
)

// Region is the process' pages. It may be used by several goroutines; a page
// belongs to whoever took it.
type Region struct {
	memory // where a frame lies: see memory_mmap.go and memory_heap.go

	// epoch is what W compares a page's stamp with. It changes only while every
	// lock that guards a user of the region is held.
	epoch uint32

	mu   sync.Mutex
	next uint32   // frames below it have been handed out at least once; frame 0 never is
	warm []uint32 // free frames whose memory is resident: taken first
	cold []uint32 // free frames whose memory was given back to the system

	used, peak, resident atomic.Int64 // pages
}

// NewRegion reserves address space; it takes no memory yet.
func NewRegion() (*Region, error) {
	r := &Region{next: 1, epoch: 1}
	if err := r.reserve(); err != nil {
		return nil, fmt.Errorf("offheap: reserving address space: %w", err)
	}
	return r, nil
}

// Close gives the whole reservation back. Nothing in it may be used afterwards.
func (r *Region) Close() error { return r.release() }

// Used is the number of pages handed out, Peak its maximum since the start,
// Resident the number of pages that hold memory of the system: used, or kept for reuse.
func (r *Region) Used() int64 { return r.used.Load() }

// Peak is the largest value Used has had.
func (r *Region) Peak() int64 { return r.peak.Load() }

// Resident is the number of pages backed by memory: those in use and those kept for reuse.
func (r *Region) Resident() int64 { return r.resident.Load() }

// Advance begins a new epoch: the first W of every page from now on passes
// through touch's slow path. All locks that guard users of r must be held.
func (r *Region) Advance() { r.epoch++ }

// take returns a frame with unspecified contents. Running out of address space is
// not a state a server can go on from: the memory limit, far below, is kept by
// the store, which asks Used before it lets a command grow anything.
func (r *Region) take() uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.used.Add(1); n > r.peak.Load() {
		r.peak.Store(n)
	}
	if n := len(r.warm); n > 0 {
		f := r.warm[n-1]
		r.warm = r.warm[:n-1]
		return f
	}
	r.resident.Add(1)
	if n := len(r.cold); n > 0 {
		f := r.cold[n-1]
		r.cold = r.cold[:n-1]
		return f
	}
	f := r.next
	if err := r.back(f); err != nil {
		panic(fmt.Sprintf("offheap: no memory for page %d: %v", f, err))
	}
	r.next++
	return f
}

// give takes frames back. Their memory stays resident until Trim.
func (r *Region) give(frames ...uint32) {
	r.mu.Lock()
	r.warm = append(r.warm, frames...)
	r.mu.Unlock()
	r.used.Add(-int64(len(frames)))
}

// Trim gives the memory of up to n free pages back to the system, as long as
// more than an eighth of the pages in use, or 256 pages, are kept for reuse; reused pages are
// already touched, which saves their user a page fault. It reports whether there is more to trim.
func (r *Region) Trim(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	keep := max(256, int(r.used.Load())/8)
	n = min(n, len(r.warm)-keep)
	if n <= 0 {
		return false
	}
	for _, f := range r.warm[:n] {
		r.forget(f)
	}
	r.cold = append(r.cold, r.warm[:n]...)
	r.warm = append(r.warm[:0], r.warm[n:]...)
	r.resident.Add(-int64(n))
	return len(r.warm) > keep
}
