package offheap

import (
	"errors"
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
	cold []uint32 // free frames whose memory was given back to the system
	// warm[coldest:] are the free frames whose memory is resident, the last one given
	// back last: it is taken first, and Trim begins with the other end.
	warm    []uint32
	coldest int
	purge   bool // Trim keeps none of them
	limited bool

	// ready is how many frames can be taken before the system must be asked for more.
	ready atomic.Int64

	used, peak, resident atomic.Int64 // pages

	views          atomic.Pointer[viewList] // changed with mu held
	lent, lentPeak atomic.Int64             // pages that views hold
	saved          atomic.Int64             // bytes of them in use: copies, and pages that owners have given up
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

// take returns a frame with unspecified contents. Running out of frames in the
// middle of a change is not a state to go on from: the store asks Ready, and its memory
// limit, before it lets a command grow anything.
func (r *Region) take() uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := r.pick()
	if err != nil {
		panic(fmt.Sprintf("offheap: no memory for one page more than %d: %v", r.Used(), err))
	}
	if n := r.used.Add(1); n > r.peak.Load() {
		r.peak.Store(n)
	}
	return f
}

// pick takes a free frame, one whose memory is resident if there is any. r is locked.
func (r *Region) pick() (f uint32, err error) {
	if r.ready.Load() <= 0 {
		if err := r.extend(); err != nil {
			return 0, err
		}
	}
	if n := len(r.warm); n > r.coldest {
		f = r.warm[n-1]
		r.warm = r.warm[:n-1]
	} else {
		r.resident.Add(1)
		if n := len(r.cold); n > 0 {
			f = r.cold[n-1]
			r.cold = r.cold[:n-1]
		} else {
			f = r.next
			r.next++
		}
	}
	r.ready.Add(-1)
	r.unprotect(f)
	return f, nil
}

// borrow is take for a view, whose pages are not those of data and do not count as used.
func (r *Region) borrow() (f uint32, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := r.pick()
	if err != nil {
		return 0, false
	}
	r.lend(1)
	return f, true
}

// lend counts pages that views hold more.
func (r *Region) lend(n int64) {
	if n := r.lent.Add(n); n > r.lentPeak.Load() {
		r.lentPeak.Store(n)
	}
}

// giveLent takes frames of a view back.
func (r *Region) giveLent(frames ...uint32) {
	r.used.Add(int64(len(frames))) // which give takes off
	r.lent.Add(-int64(len(frames)))
	r.give(frames...)
}

// Lent is the number of pages that views hold, LentPeak the most there have been, and Saved the bytes of them that
// hold what has been changed or given up since: without stock and what has been read already.
func (r *Region) Lent() int64 { return r.lent.Load() }

// LentPeak is the largest value Lent has had.
func (r *Region) LentPeak() int64 { return r.lentPeak.Load() }

// Saved is the bytes of what views keep.
func (r *Region) Saved() int64 { return r.saved.Load() }

// give takes frames back. Their memory stays resident until Trim.
func (r *Region) give(frames ...uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warm = append(r.warm, frames...)
	r.ready.Add(int64(len(frames)))
	r.used.Add(-int64(len(frames)))
}

// Ready reports whether n pages more can be handed out for certain, and gets
// what is missing from the system if it can be had.
func (r *Region) Ready(n int64) bool {
	if r.ready.Load() >= n {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ready.Load()+int64(r.capacity()-r.backed()) < n {
		return false
	}
	for r.ready.Load() < n {
		if r.extend() != nil {
			return false
		}
	}
	return true
}

// extend makes frames that were never handed out accessible.
func (r *Region) extend() error {
	if r.limited {
		return errors.New("the limit of a test")
	}
	before := r.backed()
	if err := r.memory.extend(); err != nil {
		return err
	}
	r.ready.Add(int64(r.backed() - max(before, r.next)))
	return nil
}

// Limit is for tests: only n pages more can be handed out from now on.
func (r *Region) Limit(n int64) {
	r.Ready(n)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limited = true
	r.ready.Store(n)
}

// Purge has Trim keep no free page, until it has given back all there are.
func (r *Region) Purge() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.purge = true
}

// Trim gives the memory of up to n free pages back to the system, as long as
// more than an eighth of the pages in use, or 256 pages, are kept for reuse, or any after Purge; reused
// pages are already touched, which saves their user a page fault. It reports whether there is more to trim.
func (r *Region) Trim(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	keep := max(256, int(r.used.Load())/8)
	if r.purge {
		keep = 0
	}
	n = min(n, len(r.warm)-r.coldest-keep)
	if n <= 0 {
		r.purge = false
		return false
	}
	frames := r.warm[r.coldest : r.coldest+n]
	for _, f := range frames {
		r.forget(f)
	}
	r.cold = append(r.cold, frames...)
	r.resident.Add(-int64(n))
	if r.coldest += n; r.coldest >= len(r.warm)/2 {
		// As many were trimmed since the last time as are moved now.
		r.warm = append(r.warm[:0], r.warm[r.coldest:]...)
		r.coldest = 0
	}
	return len(r.warm)-r.coldest > keep
}
