package store

import "quarry/store/zset"

// A slice of upkeep is bounded by counts, not by a clock: each of these takes
// about 100 us when it is all there is to do.
const (
	reclaimKeys   = 64 // expired keys a database and slice, and expired members of its fields
	dismantleKeys = 96 // records of flushed databases, and dismantleObjects
	reclaimPages  = 64 // pages of dropped large values
	// dismantleObjects are objects of the heap that go with records: a medium set may have
	// 400, for its long members.
	dismantleObjects = 1000
	trimPages        = 16 // pages given back to the system: a system call each
)

// Tick does a bounded slice (about 100 us under a lock at a time) of the
// store's own upkeep: expired keys, dropped values, pages to give back. It takes
// the locks itself and reports whether there is more to do at once: a Tick ends after the
// first shard that filled its slice, and the next one goes on behind it.
// It is called by one goroutine at a time.
func (s *Store) Tick(nowMS int64) bool {
	s.tickMS.Store(nowMS)
	s.tickWaited = false
	s.region.Ready(headroom) // Room says so if there is no more
	for range s.shards {
		sh := s.shards[s.nextTick]
		s.nextTick = (s.nextTick + 1) % len(s.shards)
		if !sh.tryLock() {
			s.tickWaited = true
			sh.lock()
		}
		if sh.upkeep(nowMS, !s.keepExpired.Load()) {
			return true
		}
	}
	return s.region.Trim(trimPages)
}

// KeepExpired has Tick leave expired keys where they are, or not any more. Calls that meet one
// remove it all the same. It takes no lock.
func (s *Store) KeepExpired(on bool) { s.keepExpired.Store(on) }

// TickWaited reports whether the last Tick waited for somebody who had a shard locked, so that the
// time it took is not its own. Who calls Tick may ask.
func (s *Store) TickWaited() bool { return s.tickWaited }

// upkeep does one slice for a shard, which it unlocks, and reports whether there is more.
func (sh *shard) upkeep(nowMS int64, expire bool) bool {
	defer sh.unlock()
	for i := range sh.dbs {
		if expire && (sh.reclaim(i, nowMS, reclaimKeys) || sh.expireMembers(i, nowMS, reclaimKeys)) {
			return true
		}
		sh.sample(&sh.dbs[i], nowMS)
	}
	return sh.tidy()
}

// Tidy does a bounded slice of what Tick does, but for expiry, in a shard that is locked, and reports whether there is more.
func (s *Store) Tidy(shard int) bool { return s.shards[shard].tidy() }

// tidy gives back what has been dropped.
func (sh *shard) tidy() bool {
	if sh.dismantle(dismantleKeys) || sh.reclaimValues(reclaimPages) || sh.times.Reclaim(reclaimPages) {
		return true
	}
	sh.heap.Trim()
	return false
}

// close dismantles what a flushed shard still holds, gives its pages back, and
// returns the number of objects that nothing named.
func (sh *shard) close() int64 {
	if sh.empty != (zset.Handle{}) {
		sh.sets.Free(sh.empty)
	}
	for sh.dismantle(dismantleKeys) {
	}
	for sh.reclaimValues(reclaimPages) || sh.times.Reclaim(reclaimPages) {
	}
	lost := sh.heap.Live()
	sh.heap.Close()
	return lost
}
