package store

import (
	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// ZSet is a sorted set under its key. Its methods keep the key's record in
// step: a change is stored at once, and removing the last member removes the key.
//
// ZSets are pooled in their DB, so that opening one allocates nothing.
type ZSet struct {
	zset.Set // reads; the methods below take the place of its changing ones

	d        *DB
	at       spot
	key      []byte // the caller's
	building bool   // by the shard's builder
	loose
}

// zsetKind is what the shard does with sorted sets.
type zsetKind struct{ sh *shard }

func (k zsetKind) free(rec slab.Ref) { k.sh.sets.Free(k.sh.zsetOf(rec)) }

func (k zsetKind) move(rec slab.Ref, to *shard) value {
	return zsetValue(k.sh.sets.MoveTo(k.sh.zsetOf(rec), &to.sets))
}

func (k zsetKind) copy(rec slab.Ref, to *shard) value {
	return zsetValue(k.sh.sets.CopyTo(k.sh.zsetOf(rec), &to.sets))
}

func (k zsetKind) bytes(rec slab.Ref) int64 {
	k.sh.sets.Open(k.sh.zsetOf(rec), &k.sh.set)
	return k.sh.set.Bytes()
}

func (k zsetKind) encoding(rec slab.Ref) string { return k.sh.zsetOf(rec).Enc.Name() }

func (k zsetKind) reclaim(n int) bool { return k.sh.sets.Reclaim(n) }

func (k zsetKind) arenas() int { return k.sh.sets.Arenas() }

func (k zsetKind) check(c *checker, rec slab.Ref) error {
	n, err := c.set(&k.sh.sets, k.sh.zsetOf(rec))
	if err != nil {
		return err
	}
	return notEmpty(n)
}

// zsetOf is the name of the sorted set that a record keeps.
func (sh *shard) zsetOf(rec slab.Ref) zset.Handle {
	enc, ref := sh.formOf(rec)
	return zset.Handle{Enc: zset.Encoding(enc), Ref: ref}
}

// setZSet makes h the record's value.
func (sh *shard) setZSet(rec slab.Ref, h zset.Handle) { sh.setForm(rec, TypeZSet, uint8(h.Enc), h.Ref) }

func zsetValue(h zset.Handle) value { return value{typ: TypeZSet, enc: uint8(h.Enc), ref: h.Ref} }

// newSet takes a ZSet from the pool.
func (d *DB) newSet() *ZSet {
	z := d.sets.next()
	z.d = d
	return z
}

// ZSet opens the sorted set at key, to read it; nil if there is no such key.
// It counts a keyspace hit or miss.
func (d *DB) ZSet(key []byte) (*ZSet, error) {
	at := d.find(key)
	at.count()
	if at.rec == 0 {
		return nil, nil
	}
	return d.openZSet(at, key)
}

// ZSetForWrite opens the sorted set at key to change it. If there is no such
// key the set is empty and the key is made when the first member is added.
// key must stay as it is as long as the set is in use.
func (d *DB) ZSetForWrite(key []byte) (*ZSet, error) {
	at := d.find(key)
	if at.rec != 0 {
		return d.openZSet(at, key)
	}
	z := d.newSet()
	z.at, z.key, z.loose = at, key, loose{}
	z.openEmpty()
	return z, nil
}

func (d *DB) openZSet(at spot, key []byte) (*ZSet, error) {
	if at.sh.typeOf(at.rec) != TypeZSet {
		return nil, ErrWrongType
	}
	d.use(at.sh, at.rec)
	z := d.newSet()
	z.at, z.key, z.loose = at, key, loose{}
	at.sh.sets.Open(at.sh.zsetOf(at.rec), &z.Set)
	return z, nil
}

// NewZSet makes an empty set that belongs to no key yet, in the shard of key;
// StoreAt puts it there, or Discard frees it.
func (d *DB) NewZSet(key []byte) *ZSet {
	z := d.newSet()
	z.at, z.key, z.loose = spot{sh: d.s.shards[d.s.ShardOf(key)]}, key, loose{loose: true}
	z.at.sh.sets.Create(&z.Set)
	return z
}

// openEmpty opens the shard's empty set: what a missing key looks like. It is never changed.
func (z *ZSet) openEmpty() {
	sh := z.at.sh
	if sh.empty == (zset.Handle{}) {
		sh.sets.Create(&z.Set)
		sh.empty = z.Set.Handle()
	}
	sh.sets.Open(sh.empty, &z.Set)
}

// Add is zset.Set.Add.
func (z *ZSet) Add(member []byte, score float64, f zset.Flags) (zset.Outcome, float64) {
	if z.loose.loose {
		o, now := z.Set.Add(member, score, f)
		if o == zset.Added {
			z.grow(z.d.s, len(member))
		}
		return o, now
	}
	if z.at.rec == 0 {
		return z.addFirst(member, score, f)
	}
	o, now := z.Set.Add(member, score, f)
	if o == zset.Added || o == zset.Updated {
		z.store()
	}
	if o == zset.Added {
		z.d.signal(&z.at, z.key)
	}
	return o, now
}

// Append is Add for a set made by NewZSet to which each member is added once. Where all come in order, up or
// down, it takes a fraction of the time. It reports false for a member that is seen to be there. Built
// must be called before the set is read; StoreAt and Discard call it themselves.
func (z *ZSet) Append(member []byte, score float64) bool {
	sh := z.at.sh
	if !z.building && !sh.building && z.Set.Len() == 0 {
		if sh.builder == nil {
			sh.builder = new(zset.Builder)
		}
		sh.builder.Start(&z.Set, 0)
		z.building, sh.building = true, true
	}
	if !z.building { // another set is
		o, _ := z.Add(member, score, zset.NX)
		return o == zset.Added
	}
	ok := sh.builder.Add(member, score)
	if ok {
		z.grow(z.d.s, len(member))
	}
	return ok
}

// Built ends what Append has begun, and reports whether no member came twice.
func (z *ZSet) Built() bool {
	if !z.building {
		return true
	}
	z.building, z.at.sh.building = false, false
	return z.at.sh.builder.Finish()
}

// addFirst makes the key, if its first member is added.
func (z *ZSet) addFirst(member []byte, score float64, f zset.Flags) (zset.Outcome, float64) {
	sets := &z.at.sh.sets
	sets.Create(&z.Set)
	o, now := z.Set.Add(member, score, f)
	if o != zset.Added {
		sets.Free(z.Set.Handle())
		z.openEmpty()
		return o, now
	}
	z.at.make(z.key, zsetValue(z.Set.Handle()), z.d.newUse())
	z.d.signal(&z.at, z.key)
	return o, now
}

// store keeps the record in step with the set after a change.
func (z *ZSet) store() {
	sh, rec := z.at.sh, z.at.rec
	if h := z.Set.Handle(); h != sh.zsetOf(rec) {
		sh.setZSet(rec, h)
	}
}

// removed is store after a removal: a key without members goes.
func (z *ZSet) removed() {
	if z.loose.loose {
		return
	}
	z.store()
	if z.Len() == 0 {
		z.at.delete()
		z.openEmpty()
	}
}

// Remove is zset.Set.Remove.
func (z *ZSet) Remove(member []byte) bool {
	ok := z.Set.Remove(member)
	if ok {
		z.removed()
	}
	return ok
}

// RemoveRange is zset.Set.RemoveRange.
func (z *ZSet) RemoveRange(start, n int, fn func(member []byte, score float64)) int {
	k := z.Set.RemoveRange(start, n, fn)
	if k > 0 {
		z.removed()
	}
	return k
}

// StoreAt puts a set made by NewZSet at the key it was made for, in place of whatever is
// there, without expiry. An empty one removes the key. It returns the length.
func (z *ZSet) StoreAt() int {
	z.Built()
	n := z.Len()
	z.at = z.d.find(z.key)
	if z.at.rec != 0 {
		z.at.delete()
	}
	if n == 0 {
		z.Discard()
		z.openEmpty()
		return 0
	}
	z.at.make(z.key, zsetValue(z.Set.Handle()), z.d.newUse())
	z.d.signal(&z.at, z.key)
	z.loose = loose{}
	return n
}

// Discard frees a set made by NewZSet.
func (z *ZSet) Discard() {
	z.Built()
	z.at.sh.sets.Free(z.Set.Handle())
	z.loose = loose{}
}
