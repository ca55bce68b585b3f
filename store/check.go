package store

import (
	"errors"
	"fmt"

	"quarry/store/internal/dict"
	"quarry/store/internal/slab"
	"quarry/store/table"
	"quarry/store/zset"
)

// Check walks every structure of a shard, whose lock is held, and names the first
// broken place: directories, records, values, time indexes, and that all bytes of
// the shard's heap, and all arenas, belong to one of them.
func (s *Store) Check(shard int) (err error) {
	defer func() {
		if cause := recover(); cause != nil { // what is broken led out of the memory there is
			err = fmt.Errorf("store: shard %d: checking it panics: %v", shard, cause)
		}
	}()
	audit, err := s.shards[shard].heap.Audit()
	if err == nil {
		c := checker{s: s, sh: s.shards[shard], number: shard, audit: audit, arenas: map[owned]bool{}, owned: map[Type]int{}}
		err = c.check()
	}
	if err != nil {
		return fmt.Errorf("store: shard %d: %w", shard, err)
	}
	return nil
}

// checker adds up what belongs to a shard.
type checker struct {
	s      *Store
	sh     *shard
	number int
	audit  *slab.Audit    // of the shard's heap
	keys   int64          // bytes of records and directories
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

// notEmpty says that a value of n elements must have some.
func notEmpty(n int) error {
	if n == 0 {
		return errors.New("it is empty")
	}
	return nil
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
	for _, e := range []*table.Env{c.sh.hashes, c.sh.members} {
		if err := e.CheckDropped(c.audit); err != nil {
			return err
		}
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
	return c.audit.Rest()
}

// database checks a database's directory against its time indexes and its counters.
func (c *checker) database(db *database) error {
	keys, times, due := int64(0), map[slab.Ref]int64{}, map[slab.Ref]int64{}
	if db.keys.Exists() {
		keys = int64(db.keys.Len())
		err := c.directory(&db.keys, func(rec slab.Ref) error {
			if at := c.sh.expireAt(rec); at != 0 {
				times[rec] = at
			}
			if c.sh.typeOf(rec) == TypeField {
				if at := c.sh.fields.Due(c.sh.fieldOf(rec)); at != 0 {
					due[rec] = at
				}
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
	if counted := db.expires.Load(); counted != int64(len(times)) {
		return fmt.Errorf("%d keys expire, the counter is %d", len(times), counted)
	}
	if err := c.timeIndex("time index", db.times, times); err != nil {
		return err
	}
	return c.timeIndex("index of fields", db.fields, due)
}

// timeIndex checks that an index has a row for each record with a time.
func (c *checker) timeIndex(name string, index zset.Handle, times map[slab.Ref]int64) error {
	if index == (zset.Handle{}) {
		if len(times) != 0 {
			return fmt.Errorf("%d keys expire, there is no %s", len(times), name)
		}
		return nil
	}
	rows, err := c.set(&c.sh.times, index)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if rows != len(times) {
		return fmt.Errorf("%d keys expire, the %s has %d rows", len(times), name, rows)
	}
	var set zset.Set
	var iter zset.Iter
	c.sh.times.Open(index, &set)
	for iter.Seek(&set, 0, false); iter.Next(); {
		rec := recordNamed(iter.Member())
		if at, ok := times[rec]; !ok || float64(at) != iter.Score() {
			return fmt.Errorf("record %#x expires at %d, at %v in the %s", uint32(rec), at, iter.Score(), name)
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
	before := c.audit.Bytes()
	if err := keys.Check(c.audit, func(ref uint32) error { return c.key(slab.Ref(ref)) }); err != nil {
		return err
	}
	c.keys += c.audit.Bytes() - before
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

// key checks the key that a record has room for.
func (c *checker) key(rec slab.Ref) error {
	if err := c.audit.Own(rec, recKey); err != nil {
		return err
	}
	if end, room := c.sh.inlineAt(rec), c.sh.heap.Cap(rec); end > room {
		return fmt.Errorf("record %#x has %d bytes, its key ends at %d", uint32(rec), room, end)
	}
	r := c.sh.heap.R(rec)
	if r.U16(recKeyLen) != longKey {
		return nil
	}
	if err := c.audit.OwnBlob(slab.Ref(r.U32(recBlob))); err != nil {
		return err
	}
	key := c.sh.keyNoCopy(rec)
	if h := c.sh.hash.Sum(key); len(key) <= inlineMax || r.U64(recHash) != h {
		return fmt.Errorf("record %#x of a key of %d bytes keeps hash %#x, not %#x", uint32(rec), len(key), r.U64(recHash), h)
	}
	return nil
}

// record checks a record's value.
func (c *checker) record(rec slab.Ref) error {
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
	t := TypeZSet
	if env == &c.sh.times {
		t = None
	}
	if h.Enc == zset.Large {
		if err := c.own(t, h.Ref); err != nil {
			return 0, err
		}
	}
	var set zset.Set
	env.Open(h, &set)
	if err := set.Check(c.audit); err != nil {
		return 0, err
	}
	return set.Len(), nil
}
