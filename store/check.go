package store

import (
	"fmt"

	"quarry/store/internal/dict"
	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// Check walks every structure of a shard, whose lock is held, and names the first
// broken place: directories, records, values, time indexes, and that all bytes of
// the shard's heap, and all arenas, belong to one of them.
func (s *Store) Check(shard int) error {
	c := checker{s: s, sh: s.shards[shard], number: shard, arenas: map[*zset.Env]map[uint32]bool{}}
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
	keys   int64 // bytes of records and directories
	values int64 // bytes of values and time indexes that lie in the shard's heap
	// arenas are the large sets that have been met, by their numbers.
	arenas map[*zset.Env]map[uint32]bool
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
	if err := c.sh.heap.Check(); err != nil {
		return err
	}
	for _, env := range []*zset.Env{&c.sh.sets, &c.sh.times} {
		if have, owned := env.Arenas(), len(c.arenas[env]); have != owned {
			return fmt.Errorf("%d large sets have owners, of %d", owned, have)
		}
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
	if t := c.sh.typeOf(rec); t != TypeZSet {
		return fmt.Errorf("key %q has type %d", key, t)
	}
	n, err := c.set(&c.sh.sets, c.sh.zsetOf(rec))
	if err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	if n == 0 {
		return fmt.Errorf("key %q is empty", key)
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
	if c.arenas[env] == nil {
		c.arenas[env] = map[uint32]bool{}
	}
	if c.arenas[env][h.Ref] {
		return 0, fmt.Errorf("large set %d belongs to two keys", h.Ref)
	}
	c.arenas[env][h.Ref] = true
	return set.Len(), set.Check()
}
