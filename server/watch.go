package server

import (
	"sync"
	"sync/atomic"
)

// A client that WATCHes keys has a watch in the table of every key's shard, under
// the shard's lock, where whoever changes the key finds it:
//
//	table of a shard:  waitKey ─► watch ◄─► watch ◄─► watch    one for each client
//	watchSet of one client:  waitKey ─► watch
//
// A change sets watchSet.touched and takes the key out of the table: nobody has to
// hear of it twice. The session's own goroutine is the only one to change its set; it forgets
// all watches at EXEC, DISCARD, UNWATCH, RESET, and when the connection is gone. If they are very many it
// leaves the set to cron, which takes the watches out of their tables some at a time, and has a new
// one: what becomes of the old set concerns nobody.
//
// Expired keys are missing for every command (store.DB), so that a key that has expired when
// it is watched is one that is not there. A key that expires while it is watched has changed:
// the store says so when it deletes it, and EXEC looks whether it has to.

// watchSet is what a client watches.
type watchSet struct {
	keys    map[waitKey]*watch
	bytes   int64       // about their memory
	shards  shardSet    // of the keys
	mortal  []waitKey   // those that expire if nobody changes them
	large   bool        // it had very many
	touched atomic.Bool // one of them has been changed
}

// watch is a key that a client watches. What links it is guarded by the lock of its shard.
type watch struct {
	of    *watchSet
	shard int

	prev, next *watch // of the same key
	listed     bool   // it is in the table; not after a change
}

// watchTable is the first watch of each key of a shard that is watched.
type watchTable map[waitKey]*watch

const (
	// watchBytes is about what a watch takes beside its key.
	watchBytes = 200
	// Cron is left forgottenBytes of sets, or little more, and takes forgetSlice watches at a time out of their tables.
	forgottenBytes = 256 << 20
	forgetSlice    = 64
)

// Watch has the next transaction fail if key is changed, or expires if it is to. Its shard is locked. A client that
// wants to watch more than it may send in one command is closed.
func (s *Session) Watch(key []byte, expires bool) {
	w := s.watched.Load()
	if w == nil {
		w = &watchSet{keys: map[waitKey]*watch{}}
		s.watched.Store(w)
	}
	if _, ok := w.keys[waitKey{s.db, string(key)}]; ok || w.touched.Load() {
		return
	}
	if w.bytes += int64(len(key)) + watchBytes; w.bytes > s.limits.MaxQuery {
		s.cutOff("client watches more than client-query-buffer-limit; closed")
		return
	}
	if len(w.keys) == 0 {
		s.srv.watching.Add(1)
		s.srv.observing.Add(1)
	}
	at := &watch{of: w, shard: s.srv.store.ShardOf(key)}
	k := waitKey{s.db, string(key)}
	w.keys[k] = at
	w.shards.add(at.shard)
	if expires {
		w.mortal = append(w.mortal, k)
	}
	s.srv.list(k, at)
}

// list puts a watch in the table of its shard, which is locked.
func (s *Server) list(k waitKey, at *watch) {
	table := s.watches[at.shard]
	if table == nil {
		table = watchTable{}
		s.watches[at.shard] = table
	}
	if at.next = table[k]; at.next != nil {
		at.next.prev = at
	} else {
		s.watchedKeys.Add(1)
	}
	table[k], at.listed = at, true
}

// touched reports whether a key that the client watches has been changed. Any goroutine may ask.
func (s *Session) touched() bool {
	w := s.watched.Load()
	return w != nil && w.touched.Load()
}

// watches is how many keys the client watches.
func (s *Session) watches() int {
	if w := s.watched.Load(); w != nil {
		return len(w.keys)
	}
	return 0
}

// Unwatch forgets what Watch said, and what came of it. No shard is locked.
func (s *Session) Unwatch() { s.unwatch(s.srv.lockAndUnlist) }

// unwatch forgets all watches. unlist takes one that is in its table out of it.
func (s *Session) unwatch(unlist func(k waitKey, at *watch)) {
	if s.watches() == 0 {
		return
	}
	s.srv.watching.Add(-1)
	s.srv.observing.Add(-1)
	w := s.watched.Load()
	if w.large = len(w.keys) > keepInts; w.large {
		s.watched.Store(nil)
		if s.srv.forgotten.add(w) {
			return
		}
	}
	for k, at := range w.keys {
		unlist(k, at)
	}
	clear(w.keys)
	w.bytes, w.shards, w.mortal = 0, shardSet{}, w.mortal[:0]
	w.touched.Store(false)
}

func (s *Server) lockAndUnlist(k waitKey, at *watch) {
	s.store.Lock(at.shard)
	defer s.store.Unlock(at.shard)
	s.unlist(k, at)
}

// unlist takes a watch out of the table of its shard, which is locked.
func (s *Server) unlist(k waitKey, at *watch) {
	table := s.watches[at.shard]
	if at.listed {
		keys := len(table)
		table.remove(k, at)
		s.watchedKeys.Add(int64(len(table) - keys))
	}
	if len(table) == 0 && at.of.large {
		s.watches[at.shard] = nil // a map keeps the room it once needed
	}
}

// forgotten are the sets that are left to cron.
type forgotten struct {
	mu    sync.Mutex // after the shards' locks
	sets  []*watchSet
	bytes int64
}

// add leaves a set to cron, unless there is too much already.
func (f *forgotten) add(w *watchSet) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes > forgottenBytes {
		return false
	}
	f.sets = append(f.sets, w)
	f.bytes += w.bytes
	return true
}

// next is the set that is to be worked at, nil if there is none; the one before may be done.
func (f *forgotten) next() *watchSet {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.sets) > 0 && len(f.sets[0].keys) == 0 {
		f.bytes -= f.sets[0].bytes
		f.sets[0] = nil
		f.sets = f.sets[1:]
	}
	if len(f.sets) == 0 {
		f.sets = nil
		return nil
	}
	return f.sets[0]
}

// forget takes watches that clients have forgotten out of their tables, until a time of the clock, and reports whether there
// are more. Cron calls it.
func (s *Server) forget(until int64) (more bool) {
	for w := s.forgotten.next(); w != nil; w = s.forgotten.next() {
		left := forgetSlice
		for k, at := range w.keys {
			s.lockAndUnlist(k, at)
			delete(w.keys, k)
			if left--; left == 0 {
				break
			}
		}
		if s.clock() >= until {
			return s.forgotten.next() != nil
		}
	}
	return false
}

func (t watchTable) remove(k waitKey, at *watch) {
	at.listed = false
	if at.next != nil {
		at.next.prev = at.prev
	}
	switch {
	case at.prev != nil:
		at.prev.next = at.next
	case at.next != nil:
		t[k] = at.next
	default:
		delete(t, k)
	}
}

// stale reports whether a watched key has changed or expired. The shards of all watched
// keys are locked; d is at the time of the command.
func (s *Session) stale() bool {
	w := s.watched.Load()
	if w == nil {
		return false
	}
	for _, k := range w.mortal {
		if w.touched.Load() {
			break
		}
		s.w.db.HasIn(k.db, []byte(k.key)) // if it has expired the store says so
	}
	return w.touched.Load()
}

// touch marks the clients that watch a key, whose shard is locked.
func (s *Server) touch(db int, key []byte) {
	if s.watching.Load() == 0 {
		return
	}
	table := s.watches[s.store.ShardOf(key)]
	if first := table[waitKey{db, string(key)}]; first != nil {
		delete(table, waitKey{db, string(key)})
		s.watchedKeys.Add(-1)
		first.touchAll()
	}
}

// touchAll marks the clients that watch a key of a database which is changed, all shards being locked.
func (s *Server) touchAll(db int, changed func(key []byte) bool) {
	for _, table := range s.watches {
		for k, first := range table {
			if k.db == db && changed([]byte(k.key)) && first.listed {
				delete(table, k)
				s.watchedKeys.Add(-1)
				first.touchAll()
			}
		}
	}
}

// touchAll marks the clients of a watch and those after it, which are out of the table.
func (at *watch) touchAll() {
	for at != nil {
		next := at.next
		at.prev, at.next, at.listed = nil, nil, false
		at.of.touched.Store(true)
		at = next
	}
}
