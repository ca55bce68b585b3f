package store

import (
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"

	"quarry/store/bloom"
	"quarry/store/field"
	"quarry/store/internal/hash"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
	"quarry/store/list"
	"quarry/store/table"
	"quarry/store/zset"
)

// Options are what a Store is made with; 0 takes the default.
type Options struct {
	Shards    int   // a power of two, at most 1024; default 16
	Databases int   // default 16
	MaxMemory int64 // bytes of the page region in use from which DenyOOM commands are refused; 0: no limit
	// Seed makes hashes and the default Rand come out the same again, for tests; 0
	// draws a key for this store, which no client can know.
	Seed uint64
	// Limits are the encoding thresholds; the zero Limits are Redis' defaults.
	Limits Limits
	// Rand is the source of random picks (RANDOMKEY, use counters), for any
	// goroutine; the default is a sequence that Seed begins.
	Rand func() uint64
	// Observer is told of keys that expire, are made or are missed; nil: nobody is.
	Observer Observer
}

const (
	defaultShards    = 16
	defaultDatabases = 16
)

// MaxShards is how many shards a store may have.
const MaxShards = 1024

// Limits are the thresholds up to which values keep their packed forms.
type Limits struct {
	ZSet zset.Limits
	Hash table.Limits
	Set  table.Limits
	List list.Limits
}

// DefaultLimits are Redis' thresholds.
func DefaultLimits() Limits {
	return Limits{
		ZSet: zset.Limits{PackedEntries: 128, PackedValue: 64},
		Hash: table.Limits{PackedEntries: 512, PackedValue: 64},
		Set:  table.Limits{IntEntries: 512, PackedEntries: 128, PackedValue: 64},
		List: list.Limits{Size: -2},
	}
}

// Type is a value's type as TYPE names it.
type Type uint8

// The types.
const (
	None Type = iota
	TypeString
	TypeHash
	TypeSet
	TypeList
	TypeZSet
	TypeBloom
	TypeField
	types // their number
)

// IsRedis reports whether Redis has the type.
func (t Type) IsRedis() bool { return t < TypeBloom }

// Store is all data of the process: the shards and what they share.
type Store struct {
	region     *offheap.Region
	shards     []*shard
	shardShift int // slot >> shardShift is its shard
	hash       hash.Hasher
	rand       func() uint64

	limits    atomic.Pointer[Limits] // a shard takes them over when it is locked
	maxMemory atomic.Int64
	lfu       atomic.Bool // use words are counters (use.go)

	keepExpired atomic.Bool
	viewLimit   atomic.Int64 // bytes

	tickMS     atomic.Int64 // time of the last Tick
	nextTick   int          // shard that the next Tick begins with
	tickWaited bool         // Tick's own, like nextTick
}

// Open makes an empty store.
func Open(o Options) (*Store, error) {
	if o.Shards == 0 {
		o.Shards = defaultShards
	}
	if o.Databases == 0 {
		o.Databases = defaultDatabases
	}
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if o.Rand == nil {
		o.Rand = sequence(o.Seed)
	}
	if o.Shards < 1 || o.Shards > MaxShards || bits.OnesCount(uint(o.Shards)) != 1 {
		return nil, fmt.Errorf("store: %d shards: not a power of two up to %d", o.Shards, MaxShards)
	}
	if o.Databases < 1 {
		return nil, fmt.Errorf("store: %d databases", o.Databases)
	}
	region, err := offheap.NewRegion()
	if err != nil {
		return nil, err
	}
	s := &Store{
		region: region, hash: hash.New(o.Seed), rand: o.Rand,
		shardShift: slotBits - bits.TrailingZeros(uint(o.Shards)),
	}
	s.maxMemory.Store(o.MaxMemory)
	s.limits.Store(&o.Limits)
	for range o.Shards {
		s.shards = append(s.shards, s.newShard(o))
	}
	return s, nil
}

func (s *Store) newShard(o Options) *shard {
	sh := s.shardOver(slab.New(s.region), o.Databases)
	sh.observer = o.Observer
	sh.applyLimits()
	return sh
}

// shardOver makes a shard over a heap, that of a view or a new one.
func (s *Store) shardOver(heap *slab.Heap, databases int) *shard {
	sh := &shard{
		hash:    s.hash,
		heap:    heap,
		sets:    zset.Env{Heap: heap, Hash: s.hash},
		hashes:  table.NewEnv(heap, s.hash, true),
		members: table.NewEnv(heap, s.hash, false),
		lists:   list.Env{Heap: heap},
		blooms:  bloom.Env{Heap: heap, Seed: s.bloomSeed(), Allows: s.Allows, Room: s.Room},
		fields:  field.NewEnv(heap, s.hash),
		times:   zset.Env{Heap: heap, Limits: &timesLimits, Hash: s.hash},
		dbs:     make([]database, databases),
		limits:  &s.limits,
	}
	sh.kinds = [types]kind{
		TypeString: stringKind{sh},
		TypeHash:   tableKind{sh, TypeHash, sh.hashes},
		TypeSet:    tableKind{sh, TypeSet, sh.members},
		TypeList:   listKind{sh},
		TypeZSet:   zsetKind{sh},
		TypeBloom:  bloomKind{sh},
		TypeField:  fieldKind{sh},
	}
	return sh
}

// sequence is a source of random numbers for any goroutine: Weyl's sequence, mixed (SplitMix64).
func sequence(seed uint64) func() uint64 {
	var state atomic.Uint64
	state.Store(seed)
	return func() uint64 {
		x := state.Add(0x9e3779b97f4a7c15)
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		return x ^ x>>31
	}
}

// Close frees everything and fails if something was lost: afterwards every
// memory counter must be zero. To prove that it dismantles all there is; a process
// that ends can do without. Nothing may be locked, or used afterwards.
func (s *Store) Close() error {
	s.FlushAll()
	var lost []error
	for i, sh := range s.shards {
		if n := sh.close(); n != 0 {
			lost = append(lost, fmt.Errorf("store: %d objects of shard %d belong to nobody", n, i))
		}
	}
	if n := s.region.Used(); n != 0 {
		lost = append(lost, fmt.Errorf("store: %d pages belong to nobody", n))
	}
	return errors.Join(append(lost, s.region.Close())...)
}

// Shards is the number of shards.
func (s *Store) Shards() int { return len(s.shards) }

// Databases is the number of databases.
func (s *Store) Databases() int { return len(s.shards[0].dbs) }

// ShardOf is the shard that key belongs to.
func (s *Store) ShardOf(key []byte) int { return Slot(key) >> s.shardShift }

// Lock locks a shard. Several are locked in ascending order.
func (s *Store) Lock(shard int) { s.shards[shard].lock() }

// TryLock locks a shard if nobody has locked it.
func (s *Store) TryLock(shard int) bool { return s.shards[shard].tryLock() }

// Unlock unlocks a shard.
func (s *Store) Unlock(shard int) { s.shards[shard].unlock() }

// Size is the number of keys in a database, expired ones not yet reclaimed
// included, as in Redis. It takes no lock.
func (s *Store) Size(db int) int {
	n := int64(0)
	for _, sh := range s.shards {
		n += sh.dbs[db].size.Load()
	}
	return int(n)
}

// FlushDB removes all keys of a database; FlushAll of all of them. All shards
// are locked by the caller. The work is O(shards): what is dropped is
// dismantled later by Tick.
func (s *Store) FlushDB(db int) {
	for _, sh := range s.shards {
		sh.flush(&sh.dbs[db])
	}
}

// FlushAll empties every database.
func (s *Store) FlushAll() {
	for db := range s.Databases() {
		s.FlushDB(db)
	}
}

// SwapDB exchanges two databases. All shards are locked by the caller.
func (s *Store) SwapDB(a, b int) {
	if a == b {
		return
	}
	for _, sh := range s.shards {
		sh.swap(&sh.dbs[a], &sh.dbs[b])
	}
}

// SetLimits changes the encoding thresholds; values that exist keep their
// encoding until they change. A shard that is locked now takes them over
// when it is next locked.
func (s *Store) SetLimits(l Limits) { s.limits.Store(&l) }

// SetLFU makes keys count their uses (OBJECT FREQ) instead of noting the time of
// the last one, as maxmemory-policy says. It takes no lock.
func (s *Store) SetLFU(on bool) { s.lfu.Store(on) }

// LFU reports what SetLFU set. It takes no lock.
func (s *Store) LFU() bool { return s.lfu.Load() }

// AddWaiter tells the store that delta clients more are parked on keys of a
// shard, whose lock is held; while there are any, DB.ReadyKeys collects keys that got data.
func (s *Store) AddWaiter(shard, delta int) { s.shards[shard].waiters += delta }
