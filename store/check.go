package store

import (
	"errors"
	"fmt"

	"quarry/store/internal/dict"
	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// Check walks every structure of a shard, whose lock is held, and names the first
// broken place: directories, records, values, time indexes, and that all bytes of
// the shard's heap, and all arenas, belong to one of them.
func (s *Store) Check(shard int) error {
	c := checker{s: s, sh: s.shards[shard], number: shard, arenas: map[owned]bool{}, owned: map[Type]int{}}
	if err := c.check(); err != nil {
		return fmt.Errorf("store: shard %d: %w", shard, err)
	}
	return nil
}

// checker adds up what belongs to a shard.
type checker struct {
	s      *Store
	sh     *shard
	number int
	keys   int64          // bytes of records and directories
	values int64          // bytes of values and time indexes that lie in the shard's heap
	arenas map[owned]bool // the large values that have been met
	owned  map[Type]int   // their numbers; None: time indexes
}

// owned names a large value. None is the type of time indexes.
type owned struct {
	typ    Type
	number uint32
}

// own notes that a large value has an owner.
func (c *checker) own(t Type, number uint32) error {
	if name := (owned{t, number}); c.arenas[name] {
		return fmt.Errorf("large value %d of type %d belongs to two keys", number, t)
	} else {
		c.arenas[name] = true
	}
	c.owned[t]++
	return nil
}

// orEmpty is err, or that a value which must have elements has none.
func orEmpty(n int, err error) error {
	if err == nil && n == 0 {
		return errors.New("it is empty")
	}
	return err
}

func (c *checker) check() error {
	for i := range c.sh.dbs {
		if err := c.database(&c.sh.dbs[i]); err != nil {
			return fmt.Errorf("database %d: %w", i, err)
		}
	}
	for i := range c.sh.graveyard {
		if err := c.directory(&c.sh.graveyard[i], func(slab.Ref) error { return nil }); err != nil {
			return fmt.Errorf("graveyard: %w", err)
		}
	}
	if c.sh.empty != (zset.Handle{}) {
		if n, err := c.set(&c.sh.sets, c.sh.empty); err != nil || n != 0 {
			return fmt.Errorf("the empty set has %d members: %w", n, err)
		}
	}
	c.values += c.sh.hashes.Dropped() + c.sh.members.Dropped()
	if err := c.sh.heap.Check(); err != nil {
		return err
	}
	for t, k := range c.sh.kinds {
		if k != nil && k.arenas() != c.owned[Type(t)] {
			return fmt.Errorf("%d large values of type %d have owners, of %d", c.owned[Type(t)], t, k.arenas())
		}
	}
	if have := c.sh.times.Arenas(); have != c.owned[None] {
		return fmt.Errorf("%d large time indexes have owners, of %d", c.owned[None], have)
	}
	if c.keys != c.sh.keyBytes {
		return fmt.Errorf("records and directories take %d bytes, the counter is %d", c.keys, c.sh.keyBytes)
	}
	if have := c.sh.heap.Bytes(); c.keys+c.values != have {
		return fmt.Errorf("%d bytes of the heap have owners, of %d", c.keys+c.values, have)
	}
	return nil
}

// database checks a database's directory against its time index and its counters.
func (c *checker) database(db *database) error {
	keys, expires := int64(0), int64(0)
	if db.keys.Exists() {
		keys = int64(db.keys.Len())
		err := c.directory(&db.keys, func(rec slab.Ref) error {
			if c.sh.expireAt(rec) != 0 {
				expires++
			}
			return c.home(db, rec)
		})
		if err != nil {
			return err
		}
	}
	if size := db.size.Load(); size != keys {
		return fmt.Errorf("%d keys, the counter is %d", keys, size)
	}
	if counted := db.expires.Load(); counted != expires {
		return fmt.Errorf("%d keys expire, the counter is %d", expires, counted)
	}
	return c.timeIndex(db, expires)
}

// timeIndex checks that the index has n rows and that each agrees with its record.
func (c *checker) timeIndex(db *database, n int64) error {
	if db.times == (zset.Handle{}) {
		if n != 0 {
			return fmt.Errorf("%d keys expire, there is no time index", n)
		}
		return nil
	}
	rows, err := c.set(&c.sh.times, db.times)
	if err != nil {
		return fmt.Errorf("time index: %w", err)
	}
	if int64(rows) != n {
		return fmt.Errorf("%d keys expire, the time index has %d rows", n, rows)
	}
	var set zset.Set
	var iter zset.Iter
	c.sh.times.Open(db.times, &set)
	for iter.Seek(&set, 0, false); iter.Next(); {
		rec := recordNamed(iter.Member())
		if at := c.sh.expireAt(rec); float64(at) != iter.Score() {
			return fmt.Errorf("key %q expires at %d, at %v in the time index", c.sh.keyNoCopy(rec), at, iter.Score())
		}
	}
	return nil
}

// home checks that a key is in the right shard and is found.
func (c *checker) home(db *database, rec slab.Ref) error {
	key := c.sh.keyNoCopy(rec)
	if home := c.s.ShardOf(key); home != c.number {
		return fmt.Errorf("key %q belongs to shard %d", key, home)
	}
	if found := c.sh.lookup(db, c.sh.HashOf(uint32(rec)), key); found != rec {
		return fmt.Errorf("key %q is record %#x and found as %#x", key, rec, found)
	}
	return nil
}

// directory checks a directory and the values below it and calls fn for each record.
func (c *checker) directory(keys *dict.Table, fn func(rec slab.Ref) error) error {
	if err := keys.Check(); err != nil {
		return err
	}
	c.keys += keys.Bytes()
	var first error
	for cursor := uint32(0); ; {
		cursor = keys.Scan(cursor, func(ref uint32) {
			rec := slab.Ref(ref)
			err := c.record(rec)
			if err == nil {
				err = fn(rec)
			}
			if first == nil {
				first = err
			}
		})
		if cursor == 0 || first != nil {
			return first
		}
	}
}

// record checks a record's value.
func (c *checker) record(rec slab.Ref) error {
	c.keys += c.sh.recordBytes(rec)
	key := c.sh.keyNoCopy(rec)
	t := c.sh.typeOf(rec)
	if t >= types || c.sh.kinds[t] == nil {
		return fmt.Errorf("key %q has type %d", key, t)
	}
	if err := c.sh.kinds[t].check(c, rec); err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	return nil
}

// set checks a sorted set and returns its length.
func (c *checker) set(env *zset.Env, h zset.Handle) (int, error) {
	var set zset.Set
	env.Open(h, &set)
	if h.Enc != zset.Large {
		c.values += set.Bytes()
		return set.Len(), set.Check()
	}
	t := TypeZSet
	if env == &c.sh.times {
		t = None
	}
	if err := c.own(t, h.Ref); err != nil {
		return 0, err
	}
	return set.Len(), set.Check()
}
