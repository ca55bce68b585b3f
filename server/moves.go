package server

import (
	"slices"
	"sync/atomic"

	"quarry/store"
)

// A parked command that moves what it is served with to another key, such as BLMOVE, is run by
// the worker whose command brought the data, before that command's locks go. So these must include the shard of the
// other key, and if yet another command waits there, of the key it moves things on to, and so on. A
// worker that is about to change keys looks here where they lead, and locks that too: it
// gives up what it has and locks all in ascending order, then looks again.
//
// So a chain of moves happens at once, in the order in which the clients came, as in Redis. While
// no such command is parked, that costs one look at a counter.

// moves are the parked commands that move, by shard and key of where they wait.
type moves struct {
	parked atomic.Int64
	shards []sources // each guarded by its shard's lock
}

// sources are the keys that commands wait for, of any database, each with the keys these move to and the number
// of such commands. MOVE and COPY take a key to another database, and are rare: it costs nothing that
// they find what waits in none of theirs.
type sources map[string]map[string]int

func newMoves(shards int) moves { return moves{shards: make([]sources, shards)} }

// add notes a command that waits for key and moves things to dest. The shard is locked.
func (m *moves) add(shard int, key, dest string) {
	if m.shards[shard] == nil {
		m.shards[shard] = sources{}
	}
	dests := m.shards[shard][key]
	if dests == nil {
		dests = map[string]int{}
		m.shards[shard][key] = dests
	}
	dests[dest]++
	m.parked.Add(1)
}

// remove takes back one call of add.
func (m *moves) remove(shard int, key, dest string) {
	dests := m.shards[shard][key]
	if dests[dest]--; dests[dest] == 0 {
		delete(dests, dest)
	}
	if len(dests) == 0 {
		delete(m.shards[shard], key)
	}
	m.parked.Add(-1)
}

// search finds the shards that what is done to some keys can lead to.
type search struct {
	moves   *moves
	store   *store.Store
	held    []int           // shards locked
	missing []int           // shards that are not, and cannot be looked at therefore
	seen    map[string]bool // keys
}

// from goes on from a key.
func (s *search) from(key []byte) {
	shard := s.store.ShardOf(key)
	if !slices.Contains(s.held, shard) {
		s.missing = append(s.missing, shard)
		return
	}
	dests := s.moves.shards[shard][string(key)]
	if len(dests) == 0 || s.seen[string(key)] {
		return
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[string(key)] = true
	for dest := range dests {
		s.from([]byte(dest))
	}
}

// lockDests locks, beside the shards of keys that are to be changed, which are locked, those that parked commands will need
// which are served by that.
func (w *worker) lockDests(keys [][]byte) {
	for {
		s := search{moves: &w.srv.moves, store: w.srv.store, held: w.locks.held}
		for _, key := range keys {
			s.from(key)
		}
		if len(s.missing) == 0 {
			return
		}
		w.locks.more(s.missing)
	}
}

// appendAt appends the arguments at the given positions.
func appendAt(dst, args [][]byte, at []int) [][]byte {
	for _, i := range at {
		dst = append(dst, args[i])
	}
	return dst
}

// queuedKeys are the keys of all commands of a transaction.
func (w *worker) queuedKeys(t *transaction) (keys [][]byte) {
	rest := t.appendArgs(nil)
	for _, q := range t.calls {
		args := rest[:q.args]
		w.keys, _ = q.spec.AppendKeys(w.keys[:0], args)
		keys = appendAt(keys, args, w.keys)
		rest = rest[q.args:]
	}
	return keys
}
