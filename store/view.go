package store

import (
	"errors"
	"sync/atomic"

	"quarry/store/bloom"
	"quarry/store/field"
	"quarry/store/internal/dict"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
	"quarry/store/list"
	"quarry/store/table"
	"quarry/store/zset"
)

// View is the store as it was at one moment, while the store goes on changing. To make one takes microseconds, whatever
// there is; from then on what is changed for the first time is copied before (package offheap). There may be several views,
// of different moments, and each may be walked by several goroutines. Nothing is locked while fn of a walk runs.
//
// A view holds the roots: the directories of keys, and which large values there are. All else it finds in pages.
type View struct {
	s      *Store
	view   *offheap.View
	shards []shardCut
	nowMS  int64
	once   bool
	closed bool
}

// shardCut is what a view has of a shard.
type shardCut struct {
	dbs  []databaseCut
	left atomic.Int32 // databases with keys that have not been walked yet, if each is walked once

	sets    zset.Cut
	texts   slab.Cut[*text]
	lists   list.Cut
	blooms  bloom.Cut
	hashes  table.Cut
	members table.Cut
	fields  field.Cut
}

type databaseCut struct {
	keys          slab.Ref // the directory; 0: there is none
	size, expires int64
}

// ErrViewMemory is why a view cannot be read any more: there was no memory for what it had to keep.
var ErrViewMemory = errors.New("store: no memory to keep a view of the data")

// Cut makes a view of the store as it is at one moment: all shards are locked for it, while atCut, which may be nil,
// runs. No lock may be held.
func (s *Store) Cut(atCut func()) (*View, error) {
	v := &View{s: s, view: s.region.NewView(), shards: make([]shardCut, len(s.shards)), nowMS: s.tickMS.Load()}
	for i := range v.shards {
		v.shards[i].dbs = make([]databaseCut, s.Databases())
	}
	for _, sh := range s.shards {
		sh.lock()
	}
	v.view.Cut()
	for i, sh := range s.shards {
		sh.cut(&v.shards[i])
	}
	if atCut != nil {
		atCut()
	}
	for _, sh := range s.shards {
		sh.unlock()
	}
	return v, nil
}

// cut notes the shard's roots. A directory's hash table is named by one ref as long as it exists.
func (sh *shard) cut(c *shardCut) {
	for i := range sh.dbs {
		db, to := &sh.dbs[i], &c.dbs[i]
		to.keys, to.size, to.expires = db.keys.Ref(), db.size.Load(), db.expires.Load()
		if to.keys != 0 {
			c.left.Add(1)
		}
	}
	c.sets, c.texts, c.lists, c.blooms = sh.sets.Cut(), sh.texts.Cut(), sh.lists.Cut(), sh.blooms.Cut()
	c.hashes, c.members, c.fields = sh.hashes.Cut(), sh.members.Cut(), sh.fields.Cut()
	if offheap.Witnesses {
		sh.heap.EachPages((*offheap.Pages).Hold)
	}
}

// Once says that each database will be walked once, and each value read once, in its order or, a sorted set, in either: what has been read
// is kept no longer, which saves copies. To be called before the first walk.
func (v *View) Once() { v.once = true }

// Databases is the number of databases.
func (v *View) Databases() int { return v.s.Databases() }

// Size is the number of keys of a database, and of those that expire. Keys whose time is over are in a view as long as nobody had
// removed them.
func (v *View) Size(db int) (keys, expires int64) {
	for i := range v.shards {
		keys += v.shards[i].dbs[db].size
		expires += v.shards[i].dbs[db].expires
	}
	return keys, expires
}

// Walk calls fn for the keys of a database, in no order that means anything, until it fails. It fails with ErrViewMemory if the
// view could not be kept. fn may use the store, but no method of an Entry's values that Freeze of their package leaves out.
func (v *View) Walk(db int, fn func(*Entry) error) (err error) {
	defer func() {
		if p := recover(); p == offheap.ErrBroken {
			err = ErrViewMemory
		} else if p != nil {
			panic(p)
		}
	}()
	e := Entry{index: db, nowMS: v.nowMS}
	rd := v.view.NewReader()
	for i := range v.shards {
		if v.shards[i].dbs[db].keys == 0 {
			continue
		}
		sh := v.freeze(i, rd)
		if err := sh.walk(db, &e, func(e *Entry) error {
			err := fn(e)
			sh.leave(v.once)
			return err
		}); err != nil {
			return err
		}
		if v.once && v.shards[i].left.Add(-1) == 0 {
			sh.heap.EachPages((*offheap.Pages).Done)
		}
	}
	return nil
}

// freeze makes shard i as it was at the cut. It is one walk's.
func (v *View) freeze(i int, rd *offheap.Reader) *shard {
	live, c := v.s.shards[i], &v.shards[i]
	open := func(p *offheap.Pages) offheap.Pages { return rd.Open(p, live.mu.Lock, live.mu.Unlock) }
	sh := v.s.shardOver(live.heap.Freeze(open), v.s.Databases())
	sh.sets.Once = v.once
	sh.sets.Freeze(c.sets, open)
	sh.texts.Freeze(c.texts, open)
	sh.lists.Freeze(c.lists, open)
	sh.blooms.Freeze(c.blooms, open)
	sh.hashes.Freeze(c.hashes, open)
	sh.members.Freeze(c.members, open)
	sh.fields.Freeze(c.fields, open, v.once)
	for i, db := range c.dbs {
		if db.keys != 0 {
			sh.dbs[i].keys = dict.Open(sh.heap, db.keys, sh)
		}
	}
	return sh
}

// leave forgets the large values that a walk has opened for a key.
func (sh *shard) leave(done bool) {
	sh.sets.Leave(done)
	sh.texts.Leave(done)
	sh.lists.Leave(done)
	sh.blooms.Leave(done)
	sh.hashes.Leave(done)
	sh.members.Leave(done)
	sh.fields.Leave(done)
}

// Close ends the view and gives its memory back. Nobody may be walking it. A second call does nothing.
func (v *View) Close() {
	if v.closed {
		return
	}
	v.closed = true
	v.view.Retire()
	for _, sh := range v.s.shards { // whoever was about to keep something for the view has done so
		sh.mu.Lock()
		sh.mu.Unlock() //nolint:staticcheck
	}
	v.view.Free()
}

// ViewStats is what views cost, in bytes: what they hold now, stock included, the most there has been, and the limit; and how many views
// there are.
type ViewStats struct{ Bytes, Peak, Limit, Active int64 }

// Views is what views cost. It takes no lock.
func (s *Store) Views() ViewStats {
	return ViewStats{
		Bytes:  s.region.Lent() * offheap.PageSize,
		Peak:   s.region.LentPeak() * offheap.PageSize,
		Limit:  s.viewLimit.Load(),
		Active: int64(s.region.Views()),
	}
}

// SetViewLimit sets how many bytes views may keep; 0: as many as they want. More is kept all the same where it must be.
func (s *Store) SetViewLimit(bytes int64) { s.viewLimit.Store(bytes) }

// Crowded reports whether views keep more than they may: then changes should wait a little, before they lock, for what is read
// to be kept no longer.
func (s *Store) Crowded() bool {
	saved := s.region.Saved()
	return saved > 0 && s.viewLimit.Load() > 0 && saved > s.viewLimit.Load()
}
