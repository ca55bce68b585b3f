package store

import "quarry/store/internal/offheap"

// Memory is what INFO memory and MEMORY report, in bytes.
type Memory struct {
	Used      int64 // pages in use, of 64 KiB
	Free      int64 // pages touched and kept for reuse
	Live      int64 // of which live objects, size classes included; pages of large values count whole
	Keys      int64 // of which key records and directories
	MaxMemory int64
	UsedPeak  int64
}

// Memory reads the counters; it takes no lock.
func (s *Store) Memory() Memory {
	used, resident := s.region.Used(), s.region.Resident()
	m := Memory{
		Used:      used * offheap.PageSize,
		Free:      max(0, resident-used-s.region.Lent()) * offheap.PageSize,
		MaxMemory: s.maxMemory.Load(),
		UsedPeak:  s.region.Peak() * offheap.PageSize,
	}
	m.Live = m.Used
	for _, sh := range s.shards {
		m.Live -= sh.slack.Load()
		m.Keys += sh.liveKeys.Load()
	}
	m.Live = max(0, m.Live) // the figures are not of one moment
	return m
}

// PageBytes is the size of a page.
const PageBytes = offheap.PageSize

// Purge has Tick give all pages that are kept for reuse back to the system. It takes no lock.
func (s *Store) Purge() { s.region.Purge() }

// SetMaxMemory changes the limit.
func (s *Store) SetMaxMemory(bytes int64) { s.maxMemory.Store(bytes) }

// headroom is how many pages beyond the bytes of its arguments a command may take: a
// set of long members that becomes large opens a page of each size class. It is also what
// commands that are never refused live on until the next Tick.
const headroom = 128

// Room reports whether DenyOOM commands may run that need about n more bytes: whether
// maxmemory allows it, and whether the system gives the pages. A command is refused
// before it begins, since running out of pages in the middle of a change is a panic. That
// covers what a command stores of its arguments, index and nodes included; a value
// that a command computes from other keys, to store it, is bounded (loose.go).
func (s *Store) Room(n int64) bool { return s.Allows(n) && s.Ready(n) }

// Allows reports whether maxmemory lets about n more bytes be used.
func (s *Store) Allows(n int64) bool {
	limit := s.maxMemory.Load()
	return limit == 0 || s.region.Used()*offheap.PageSize+n <= limit
}

// Ready reports whether the system gives the pages that a command may need to store n bytes.
func (s *Store) Ready(n int64) bool { return s.region.Ready(n/(offheap.PageSize/2) + headroom) }

// Counters are running totals for INFO; ResetCounters is CONFIG RESETSTAT's part.
type Counters struct {
	Hits, Misses int64 // lookups of keys to be read
	ExpiredKeys  int64 // keys deleted because their time was over
	LazyFreed    int64 // keys of flushed databases whose memory has been freed
}

// Counters reads the totals; it takes no lock.
func (s *Store) Counters() Counters {
	var c Counters
	for _, sh := range s.shards {
		c.Hits += sh.hits.Load()
		c.Misses += sh.misses.Load()
		c.ExpiredKeys += sh.expired.Load()
		c.LazyFreed += sh.lazyFreed.Load()
	}
	return c
}

// Flushed is the number of keys of flushed databases whose memory Tick has yet to
// free. It takes no lock.
func (s *Store) Flushed() (keys int64) {
	for _, sh := range s.shards {
		keys += sh.flushed.Load()
	}
	return keys
}

// ResetCounters sets the totals to zero.
func (s *Store) ResetCounters() {
	for _, sh := range s.shards {
		sh.hits.Store(0)
		sh.misses.Store(0)
		sh.expired.Store(0)
		sh.lazyFreed.Store(0)
	}
}
