package store

import (
	"quarry/store/internal/dict"
	"quarry/store/internal/offheap"
	"quarry/store/zset"
)

// View is the store as it was at one moment, its cut. One goroutine may walk it, without any lock, while everything goes on
// changing: offheap.View says how. It is to be closed.
type View struct {
	s      *Store
	v      *offheap.View
	shards []*shard // as they were: their heaps are frozen, and nothing in them is changed
	sizes  [][2]int64
	entry  Entry
}

// Cut makes a view of the store. For that all shards are locked, for some microseconds and as long as it takes to copy the tables of
// pages, 36 bytes for each page; atCut, if it is not nil, is called while they are.
func (s *Store) Cut(atCut func()) (*View, error) {
	for _, sh := range s.shards {
		sh.lock()
	}
	defer func() {
		for _, sh := range s.shards {
			sh.unlock()
		}
	}()
	v := &View{s: s, v: s.region.Cut(), sizes: make([][2]int64, s.Databases())}
	v.entry.nowMS = s.tickMS.Load()
	for _, sh := range s.shards {
		v.shards = append(v.shards, sh.freeze(v.v))
		for db := range sh.dbs {
			v.sizes[db][0] += sh.dbs[db].size.Load()
			v.sizes[db][1] += sh.dbs[db].expires.Load()
		}
	}
	if atCut != nil {
		atCut()
	}
	return v, nil
}

// freeze returns the shard as v has it: as far as reading entries needs it.
func (sh *shard) freeze(v *offheap.View) *shard {
	f := &shard{hash: sh.hash, heap: sh.heap.Freeze(v), dbs: make([]database, len(sh.dbs))}
	f.sets = sh.sets.Freeze(v, f.heap)
	f.hashes, f.members = sh.hashes.Freeze(v, f.heap), sh.members.Freeze(v, f.heap)
	f.lists = sh.lists.Freeze(v, f.heap)
	f.blooms = sh.blooms.Freeze(v, f.heap)
	f.fields = sh.fields.Freeze(v, f.heap)
	f.texts = sh.texts.Freeze(func(t *text) *text { return &text{pages: t.pages.Freeze(v), n: t.n} })
	f.setKinds()
	for i := range sh.dbs {
		if keys := &sh.dbs[i].keys; keys.Exists() {
			f.dbs[i].keys = dict.Open(f.heap, keys.Ref(), f)
		}
	}
	return f
}

// Databases is the number of databases.
func (v *View) Databases() int { return len(v.sizes) }

// Size is how many keys a database has, and how many of them expire.
func (v *View) Size(db int) (keys, expires int64) { return v.sizes[db][0], v.sizes[db][1] }

// Walk calls fn for the keys of a database, in no order that means anything, until it fails, and returns its error. Keys whose time
// is over are there as long as nobody had removed them. A walk of a sorted set's rows may be made once: what it has left behind is
// given up to those who change it.
func (v *View) Walk(db int, fn func(*Entry) error) error {
	v.entry.index = db
	for _, sh := range v.shards {
		err := sh.walk(db, &v.entry, func(e *Entry) error {
			defer e.done()
			return fn(e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// done says that the reader is through with the entry: what is large of it is not kept any more as it was.
func (e *Entry) done() {
	if e.Type() != TypeZSet {
		return
	}
	if h := e.sh.zsetOf(e.rec); h.Enc == zset.Large {
		e.sh.sets.Open(h, &e.set)
		e.set.Done()
	}
}

// Close ends the view. It may be called again.
func (v *View) Close() { v.v.Close() }

// ViewStats is what views cost: bytes copied now, the most since the last cut, the limit, and how many views there are.
type ViewStats struct{ Bytes, Peak, Limit, Active int64 }

// Views is what views cost now.
func (s *Store) Views() ViewStats {
	pages, peak, active := s.region.Views()
	return ViewStats{Bytes: pages * offheap.PageSize, Peak: peak * offheap.PageSize, Limit: s.viewLimit.Load(), Active: int64(active)}
}

// SetViewLimit sets how many bytes views should copy at most: see Crowded. 0: any number.
func (s *Store) SetViewLimit(bytes int64) { s.viewLimit.Store(bytes) }

// Crowded reports whether views have copied as much as they should. Who changes data then waits a little each time, so that
// who writes the view out comes forward; if it is not enough nothing is lost.
func (s *Store) Crowded() bool {
	limit := s.viewLimit.Load()
	return limit > 0 && s.region.Copied() > limit/offheap.PageSize
}

// PrepareCut gets memory ready for the copies of a view that is about to be cut, so that nobody who changes data waits for it.
func (s *Store) PrepareCut() {
	const share = 4 // of what is in use: what changes while it is written out
	pages := s.region.Used() / share
	if limit := s.viewLimit.Load(); limit > 0 {
		pages = min(pages, limit/offheap.PageSize)
	}
	s.region.Stock(int(pages))
}
