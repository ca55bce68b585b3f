package store

import (
	"fmt"
	"sync"
	"sync/atomic"

	"quarry/store/bloom"
	"quarry/store/field"
	"quarry/store/internal/dict"
	"quarry/store/internal/hash"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
	"quarry/store/list"
	"quarry/store/table"
	"quarry/store/zset"
)

// Lock order: shards in ascending index, then whatever the region and the
// journal lock inside one call. Nothing of the store is locked after that, and no
// structure below a shard has a lock of its own.
//
// Package server's gate locks the shards of a command's keys and runs the
// handler. Store.Tick, DB.Scan and DB.RandomKey take the locks themselves, one
// at a time, and are called with none held; the latter two, in a transaction,
// with all, and then they take none (DB.HoldAll).
//
// Figures that INFO asks for are atomic and are read without locks: those of a
// heap are published when the shard is unlocked.

// shard is the part of the keyspace with 1/n of the slots. What is not atomic is guarded by mu.
type shard struct {
	_  [64]byte // no two locks in a cache line, nor a lock and what another core reads
	mu sync.Mutex

	hash   hash.Hasher
	heap   *slab.Heap
	sets   zset.Env           // sorted sets
	texts  slab.Arenas[*text] // long strings
	lists  list.Env           // lists
	blooms bloom.Env          // Bloom filters

	hashes, members *table.Env // hashes; sets
	fields          *field.Env // fields

	kinds [types]kind // what is done with values of each type
	times zset.Env    // time indexes (expire.go), with thresholds of their own
	dbs   []database
	empty zset.Handle // an empty set, made when first wanted (ZSet.openEmpty)

	builder  *zset.Builder           // made when first wanted (ZSet.Append)
	building bool                    // it is in use
	limits   *atomic.Pointer[Limits] // the store's
	applied  *Limits                 // those that the values are kept by
	observer Observer                // nil: nobody asks

	graveyard []dict.Table // directories of flushed databases, for Tick to dismantle
	waiters   int          // clients parked on keys of this shard
	keyBytes  int64        // records and directories, the graveyard's too

	// Scratch space.
	longKey []byte
	sought  []byte // the key that was looked up last, the caller's
	due     []slab.Ref
	name    [nameSize]byte
	set     zset.Set
	list    list.List
	bloom   bloom.Filter
	iter    zset.Iter
	table   table.Table
	field   field.Field

	slack    atomic.Int64 // bytes of the heap's pages that no object takes, when the shard was last unlocked
	liveKeys atomic.Int64 // keyBytes, then

	hits, misses, expired atomic.Int64
	flushed, lazyFreed    atomic.Int64 // keys in the graveyard, and those that have left it
	_                     [64]byte
}

// database is one shard's part of a database.
type database struct {
	keys   dict.Table  // refs of records; made with the first key
	times  zset.Handle // the time index; none while no key expires
	fields zset.Handle // the index of fields with members that expire (field.go)

	// The numbers of keys, and of those that expire. Written with the shard locked.
	size, expires atomic.Int64

	meanExpire atomic.Int64 // mean of the times keys expire at, sampled (expire.go)
	sampledMS  int64
}

func (sh *shard) lock() {
	sh.mu.Lock()
	sh.applyLimits()
}

func (sh *shard) tryLock() bool {
	if !sh.mu.TryLock() {
		return false
	}
	sh.applyLimits()
	return true
}

// applyLimits takes the store's thresholds over, if they have changed.
func (sh *shard) applyLimits() {
	if l := sh.limits.Load(); l != sh.applied {
		sh.applied = l
		sh.sets.Limits = &l.ZSet
		sh.hashes.Limits, sh.members.Limits = &l.Hash, &l.Set
		sh.lists.Limits = &l.List
	}
}

func (sh *shard) unlock() {
	sh.publish()
	sh.sought = nil
	sh.mu.Unlock()
}

// publish makes the shard's memory figures readable without its lock. Most
// commands change nothing here, and a comparison costs less than an atomic store.
func (sh *shard) publish() {
	if n := int64(sh.heap.Pages())*offheap.PageSize - sh.heap.Bytes(); n != sh.slack.Load() {
		sh.slack.Store(n)
	}
	if sh.keyBytes != sh.liveKeys.Load() {
		sh.liveKeys.Store(sh.keyBytes)
	}
}

// lookup is the record of key, 0 if there is none, expired or not.
func (sh *shard) lookup(db *database, h uint64, key []byte) slab.Ref {
	if !db.keys.Exists() {
		return 0
	}
	for p := db.keys.Find(h); p.Next(); {
		if rec := slab.Ref(p.Ref()); sh.hasKey(rec, key) {
			return rec
		}
	}
	return 0
}

// hook puts a record into a database's directory.
func (sh *shard) hook(db *database, h uint64, rec slab.Ref) {
	if !db.keys.Exists() {
		db.keys = dict.Make(sh.heap, sh)
		sh.keyBytes += db.keys.Bytes()
	}
	sh.keyBytes -= db.keys.Bytes()
	db.keys.Insert(h, uint32(rec))
	sh.keyBytes += db.keys.Bytes()
	db.size.Add(1)
}

// unhook takes a record out of a database's directory. An empty directory is given back.
func (sh *shard) unhook(db *database, h uint64, rec slab.Ref) {
	sh.keyBytes -= db.keys.Bytes()
	p := db.keys.Find(h)
	for found := false; !found; found = p.Ref() == uint32(rec) {
		if !p.Next() {
			panic(fmt.Sprintf("store: record %#x is not in its directory", rec))
		}
	}
	p.Delete()
	db.size.Add(-1)
	if db.keys.Len() == 0 {
		db.keys.Drain(0, nil)
		return
	}
	sh.keyBytes += db.keys.Bytes()
}

// remove removes a key and leaves its value alone.
func (sh *shard) remove(db *database, h uint64, rec slab.Ref) {
	sh.unschedule(db, rec)
	sh.setExpireAt(db, rec, 0)
	sh.unhook(db, h, rec)
	sh.freeRecord(rec)
}

// delete removes a key and its value.
func (sh *shard) delete(db *database, h uint64, rec slab.Ref) {
	sh.freeValue(rec)
	sh.remove(db, h, rec)
}

// flush takes everything out of a database. The time indexes go at once, since
// dropping a set walks nothing; the records wait in the graveyard.
func (sh *shard) flush(db *database) {
	if db.keys.Exists() {
		sh.graveyard = append(sh.graveyard, db.keys)
		sh.flushed.Add(int64(db.keys.Len()))
		db.keys = dict.Table{}
	}
	sh.dropIndex(&db.times)
	sh.dropIndex(&db.fields)
	db.size.Store(0)
	db.expires.Store(0)
	db.sampledMS = 0
}

// dismantle frees up to max records of the graveyard, fewer if their values are of many
// objects, and reports whether there are more.
func (sh *shard) dismantle(max int) bool {
	before := max
	enough := sh.heap.Live() - dismantleObjects
	for max > 0 && sh.heap.Live() > enough && len(sh.graveyard) > 0 {
		last := &sh.graveyard[len(sh.graveyard)-1]
		sh.keyBytes -= last.Bytes()
		more := last.Drain(1, func(ref uint32) {
			max--
			sh.freeValue(slab.Ref(ref))
			sh.freeRecord(slab.Ref(ref))
		})
		if more {
			sh.keyBytes += last.Bytes()
			continue
		}
		sh.graveyard = sh.graveyard[:len(sh.graveyard)-1]
	}
	sh.flushed.Add(int64(max - before))
	sh.lazyFreed.Add(int64(before - max))
	return len(sh.graveyard) > 0
}

// swap exchanges two databases.
func (sh *shard) swap(a, b *database) {
	a.keys, b.keys = b.keys, a.keys
	a.times, b.times = b.times, a.times
	a.fields, b.fields = b.fields, a.fields
	a.sampledMS, b.sampledMS = b.sampledMS, a.sampledMS
	for _, pair := range [...][2]*atomic.Int64{
		{&a.size, &b.size}, {&a.expires, &b.expires}, {&a.meanExpire, &b.meanExpire},
	} {
		pair[0].Store(pair[1].Swap(pair[0].Load()))
	}
}
