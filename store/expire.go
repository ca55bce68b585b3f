package store

import (
	"encoding/binary"
	"math"

	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// An expired key is missing, exactly, from the first millisecond after its time:
// DB.find deletes it when it meets it. Keys that nobody asks for are found by the time
// index: per shard and database a sorted set with the time as score and the record's
// ref as member. It is the project's own sorted set: about 26 bytes for a key that
// expires, O(log n), and its first row is the next to go.
//
// The index belongs to a database, not to the shard, so that SWAPDB exchanges and
// FLUSHDB drops it without looking inside.
//
// Times up to 2^53 ms (the year 287,396) are exact as scores; later ones are only ordered.

const nameSize = 4 // of a record's name in the index

// timesLimits: a database with few expiring keys keeps its index packed.
var timesLimits = zset.Limits{PackedEntries: 64, PackedValue: nameSize}

// nameOf is a record's member in the time index; valid until called again.
func (sh *shard) nameOf(rec slab.Ref) []byte {
	binary.BigEndian.PutUint32(sh.name[:], uint32(rec))
	return sh.name[:]
}

func recordNamed(member []byte) slab.Ref { return slab.Ref(binary.BigEndian.Uint32(member)) }

// setExpireAt sets the time a key expires at, 0 for never, in its record and in the index.
func (sh *shard) setExpireAt(db *database, rec slab.Ref, atMS int64) {
	old := sh.expireAt(rec)
	if old == atMS {
		return
	}
	sh.heap.W(rec).SetU64(recExpire, uint64(atMS))
	db.expires.Store(int64(sh.setTime(&db.times, rec, atMS)))
}

// setTime sets the time of a record in an index, of keys or of fields, 0 for none, and returns how many records
// the index has then.
func (sh *shard) setTime(index *zset.Handle, rec slab.Ref, atMS int64) int {
	switch {
	case *index != (zset.Handle{}):
		sh.times.Open(*index, &sh.set)
	case atMS == 0:
		return 0
	default:
		sh.times.Create(&sh.set)
	}
	if atMS == 0 {
		sh.set.Remove(sh.nameOf(rec))
	} else {
		sh.set.Add(sh.nameOf(rec), float64(atMS), 0)
	}
	return sh.storeIndex(index)
}

// storeIndex keeps the index that sh.set has open after a change, and returns how many records it has. An empty one is given back.
func (sh *shard) storeIndex(index *zset.Handle) int {
	*index = sh.set.Handle()
	n := sh.set.Len()
	if n == 0 {
		sh.dropIndex(index)
	}
	return n
}

// dropIndex gives an index back, if there is one.
func (sh *shard) dropIndex(index *zset.Handle) {
	if *index != (zset.Handle{}) {
		sh.times.Free(*index)
		*index = zset.Handle{}
	}
}

// storeTimes keeps the time index that sh.set has open after a change.
func (sh *shard) storeTimes(db *database) {
	db.expires.Store(int64(sh.storeIndex(&db.times)))
}

// expired reports whether a key's time is over; in its last millisecond it is still there, as in Redis.
func expired(atMS, nowMS int64) bool { return atMS != 0 && nowMS > atMS }

// Observer is told of what happens to keys that commands do not know of, or not at the moment at which
// Redis tells of it. Its methods are called with the key's shard locked; key is valid during
// the call, which must not use the store.
type Observer interface {
	// Observing reports whether the others are to be called.
	Observing() bool
	// Expired: a key is about to be deleted because its time is over.
	Expired(db int, key []byte)
	// MembersExpired: members of a field have been removed, or are about to be, because their time, before nowMS, is over: some of
	// those of which that is true. gone: it was the last of them, and the key goes too.
	MembersExpired(db int, key []byte, nowMS int64, gone bool)
	// Created: a key has been made where there was none. RENAME and COPY make the key
	// also if they replace one; what stores its result in place of a value does not.
	Created(db int, key []byte)
	// Missed: a command wants to read a key that is not there.
	Missed(db int, key []byte)
}

// observed reports whether anybody is to be told.
func (sh *shard) observed() bool { return sh.observer != nil && sh.observer.Observing() }

// expire deletes a key, in a database, whose time is over.
func (sh *shard) expire(index int, h uint64, rec slab.Ref) {
	if sh.observed() {
		sh.observer.Expired(index, sh.keyNoCopy(rec))
	}
	sh.delete(&sh.dbs[index], h, rec)
	sh.expired.Add(1)
}

// over reports whether a key is no more: its time is over, or that of all members of a field that does not stay without.
func (sh *shard) over(rec slab.Ref, nowMS int64) bool {
	return expired(sh.expireAt(rec), nowMS) || sh.typeOf(rec) == TypeField && sh.fields.Gone(sh.fieldOf(rec), nowMS)
}

// end deletes a key, in a database, that is over.
func (sh *shard) end(index int, h uint64, rec slab.Ref, nowMS int64) {
	if expired(sh.expireAt(rec), nowMS) {
		sh.expire(index, h, rec)
		return
	}
	if sh.observed() {
		sh.observer.MembersExpired(index, sh.keyNoCopy(rec), nowMS, true)
	}
	sh.delete(&sh.dbs[index], h, rec)
}

// reclaim deletes up to max expired keys of a database, earliest first, and reports whether there are more.
func (sh *shard) reclaim(index int, nowMS int64, max int) bool {
	db := &sh.dbs[index]
	if db.times == (zset.Handle{}) {
		return false
	}
	sh.times.Open(db.times, &sh.set)
	due := sh.set.CountBelow(float64(nowMS), false)
	if due == 0 {
		return false
	}
	sh.due = sh.due[:0]
	sh.set.RemoveRange(0, min(due, max), func(member []byte, _ float64) {
		sh.due = append(sh.due, recordNamed(member))
	})
	sh.storeTimes(db)
	for _, rec := range sh.due {
		sh.heap.W(rec).SetU64(recExpire, 0) // it is out of the index
		sh.expire(index, sh.HashOf(uint32(rec)), rec)
	}
	return due > max
}

const (
	sampleEveryMS = 1000
	samples       = 8
)

// sample takes the mean of the times at evenly spaced places of the index, for INFO's avg_ttl.
func (sh *shard) sample(db *database, nowMS int64) {
	if db.times == (zset.Handle{}) || nowMS-db.sampledMS < sampleEveryMS {
		return
	}
	db.sampledMS = nowMS
	sh.times.Open(db.times, &sh.set)
	n := sh.set.Len()
	k := min(n, samples)
	sum := 0.0
	for i := range k {
		sh.iter.Seek(&sh.set, (2*i+1)*n/(2*k), false)
		if sh.iter.Next() {
			sum += sh.iter.Score()
		}
	}
	db.meanExpire.Store(int64(min(sum/float64(k), math.MaxInt64/2)))
}

// ExpireStats are a database's figures in INFO keyspace: keys, keys that expire,
// and the mean time they have left, sampled about once a second. It takes no lock.
func (s *Store) ExpireStats(db int) (keys, expires int, avgTTLMS int64) {
	now, sum := s.tickMS.Load(), 0.0
	for _, sh := range s.shards {
		d := &sh.dbs[db]
		keys += int(d.size.Load())
		n := d.expires.Load()
		expires += int(n)
		if mean := d.meanExpire.Load(); mean > now {
			sum += float64(mean-now) * float64(n)
		}
	}
	if expires > 0 {
		avgTTLMS = int64(sum / float64(expires))
	}
	return keys, expires, avgTTLMS
}
