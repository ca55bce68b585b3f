package server

// A client that WATCHes keys has a watch in the table of every key's shard, under
// the shard's lock, where whoever changes the key finds it:
//
//	table of a shard:  waitKey ─► watch ◄─► watch ◄─► watch    one for each client
//	Session.watched:   waitKey ─► watch                        those of one client
//
// A change sets Session.touched and takes the key out of the table: nobody has to
// hear of it twice. The session's own goroutine is the only one to change its map; it forgets
// all watches at EXEC, DISCARD, UNWATCH, RESET, and when the connection is gone.
//
// Expired keys are missing for every command (store.DB), so that a key that has expired when
// it is watched is one that is not there. A key that expires while it is watched has changed:
// the store says so when it deletes it, and EXEC looks whether it has to.

// watch is a key that a client watches. What links it is guarded by the lock of its shard.
type watch struct {
	session *Session
	shard   int
	existed bool // when it was watched

	prev, next *watch // of the same key
	listed     bool   // it is in the table; not after a change
}

// watchTable is the first watch of each key of a shard that is watched.
type watchTable map[waitKey]*watch

// watchBytes is about what a watch takes beside its key.
const watchBytes = 200

// Watch has the next transaction fail if key is changed. Its shard is locked. A client that wants to watch more than
// it may send in one command is closed.
func (s *Session) Watch(key []byte, exists bool) {
	if _, ok := s.watched[waitKey{s.db, string(key)}]; ok || s.touched.Load() {
		return
	}
	if s.watchedBytes += int64(len(key)) + watchBytes; s.watchedBytes > s.limits.MaxQuery {
		s.cutOff("client watches more than client-query-buffer-limit; closed")
		return
	}
	if s.watched == nil {
		s.watched = map[waitKey]*watch{}
	}
	if len(s.watched) == 0 {
		s.srv.watching.Add(1)
		s.srv.observing.Add(1)
	}
	at := &watch{session: s, shard: s.srv.store.ShardOf(key), existed: exists}
	k := waitKey{s.db, string(key)}
	s.watched[k] = at
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
	}
	table[k], at.listed = at, true
}

// Unwatch forgets what Watch said, and what came of it. No shard is locked.
func (s *Session) Unwatch() { s.unwatch(s.srv.lockAndUnlist) }

// unwatch forgets all watches. unlist takes one that is in its table out of it.
func (s *Session) unwatch(unlist func(k waitKey, at *watch)) {
	if len(s.watched) > 0 {
		for k, at := range s.watched {
			unlist(k, at)
		}
		s.srv.watching.Add(-1)
		s.srv.observing.Add(-1)
		if len(s.watched) > keepInts {
			s.watched = nil // a map keeps the room it once needed
		} else {
			clear(s.watched)
		}
		s.watchedBytes = 0
	}
	if s.touched.Load() {
		s.touched.Store(false)
	}
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
		table.remove(k, at)
	}
	if len(table) == 0 && len(at.session.watched) > keepInts {
		s.watches[at.shard] = nil // a map keeps the room it once needed
	}
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
	for k, at := range s.watched {
		if s.touched.Load() {
			break
		}
		if at.existed {
			s.w.db.HasIn(k.db, []byte(k.key)) // if it has expired the store says so
		}
	}
	return s.touched.Load()
}

// touch marks the clients that watch a key, whose shard is locked.
func (s *Server) touch(db int, key []byte) {
	if s.watching.Load() == 0 {
		return
	}
	table := s.watches[s.store.ShardOf(key)]
	if first := table[waitKey{db, string(key)}]; first != nil {
		delete(table, waitKey{db, string(key)})
		first.touchAll()
	}
}

// touchAll marks the clients that watch a key of a database which is changed, all shards being locked.
func (s *Server) touchAll(db int, changed func(key []byte) bool) {
	for _, table := range s.watches {
		for k, first := range table {
			if k.db == db && changed([]byte(k.key)) && first.listed {
				delete(table, k)
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
		at.session.touched.Store(true)
		at = next
	}
}
