package store

import (
	"math/bits"

	"quarry/store/internal/slab"
)

// scanBatch is how many keys Scan passes before it lets go of a shard's lock.
const scanBatch = 128

// Scan calls fn for the keys of the next part of the keyspace and returns the cursor
// of the rest, 0 at the end; it starts with cursor 0. It looks at about count keys,
// at least, unless the end comes first; those that have expired or are not of
// type only (None: any) are left out. A key present from the first call to the
// last is passed at least once.
//
// It takes the shard locks itself, one at a time; no lock may be held, or all (HoldAll). key is valid
// during the call only; fn must not use the store.
//
// A cursor is the place in the shard's directory (dict.Table.Scan) above the shard's number.
func (d *DB) Scan(cursor uint64, count int, only Type, fn func(key []byte)) uint64 {
	n := len(d.s.shards)
	shardBits := bits.TrailingZeros(uint(n))
	shard, place := int(cursor%uint64(n)), uint32(cursor>>shardBits)
	for {
		var looked int
		place, looked = d.scanShard(shard, place, min(count, scanBatch), only, fn)
		count -= looked
		if place == 0 {
			shard++
		}
		switch {
		case shard == n:
			return 0
		case count <= 0:
			return uint64(place)<<shardBits | uint64(shard)
		}
	}
}

// scanShard passes keys of one shard, under its lock, until it has looked at count.
func (d *DB) scanShard(shard int, place uint32, count int, only Type, fn func(key []byte)) (next uint32, looked int) {
	sh := d.s.shards[shard]
	if !d.holdsAll {
		sh.lock()
		defer sh.unlock()
	}
	keys := &sh.dbs[d.index].keys
	if !keys.Exists() {
		return 0, 0
	}
	for {
		place = keys.Scan(place, func(ref uint32) {
			looked++
			rec := slab.Ref(ref)
			if (only == None || sh.typeOf(rec) == only) && !sh.over(rec, d.nowMS) {
				fn(sh.keyNoCopy(rec))
			}
		})
		if place == 0 || looked >= count {
			return place, looked
		}
	}
}

// RandomKey appends a random key to dst. It takes the locks itself, unless all are held
// (HoldAll). Expired keys that it draws are deleted.
func (d *DB) RandomKey(dst []byte) ([]byte, bool) {
	for {
		size := d.s.Size(d.index)
		if size <= 0 {
			return dst, false
		}
		hi, _ := bits.Mul64(d.s.rand(), uint64(size))
		if key, ok := d.randomKeyOf(d.shardWith(int(hi)), dst); ok {
			return key, true
		}
	}
}

// shardWith is the shard that holds the i-th key, counted over the shards. Sizes may change meanwhile.
func (d *DB) shardWith(i int) *shard {
	last := len(d.s.shards) - 1
	for _, sh := range d.s.shards[:last] {
		n := int(sh.dbs[d.index].size.Load())
		if i < n {
			return sh
		}
		i -= n
	}
	return d.s.shards[last]
}

// randomKeyOf draws a key of one shard. ok is false if the shard is empty, or the key had expired.
func (d *DB) randomKeyOf(sh *shard, dst []byte) (key []byte, ok bool) {
	if !d.holdsAll {
		sh.lock()
		defer sh.unlock()
	}
	db := &sh.dbs[d.index]
	if !db.keys.Exists() {
		return dst, false
	}
	ref, _ := db.keys.Random(d.s.rand)
	rec := slab.Ref(ref)
	if sh.over(rec, d.nowMS) {
		sh.end(d.index, sh.HashOf(ref), rec, d.nowMS)
		return dst, false
	}
	return append(dst, sh.keyNoCopy(rec)...), true
}
