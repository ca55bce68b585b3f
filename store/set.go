package store

// Set is a set under its key. Its methods keep the key's record in step: a change is
// stored at once, and removing the last member removes the key.
//
// Sets are pooled in their DB, so that opening one allocates nothing.
type Set struct{ keyed }

// Set opens the set at key, to read it; nil if there is no such key. It counts a
// keyspace hit or miss.
func (d *DB) Set(key []byte) (*Set, error) {
	at := d.find(key)
	at.count()
	if at.rec == 0 {
		return nil, nil
	}
	return d.openSet(at, key)
}

// SetForWrite opens the set at key to change it. If there is no such key the set
// is empty and the key is made when the first member is added. key must stay as it
// is as long as the set is in use.
func (d *DB) SetForWrite(key []byte) (*Set, error) { return d.openSet(d.find(key), key) }

func (d *DB) openSet(at spot, key []byte) (*Set, error) {
	if at.rec != 0 && at.sh.typeOf(at.rec) != TypeSet {
		return nil, ErrWrongType
	}
	s := d.members.next()
	s.open(d, TypeSet, at, key, loose{})
	return s, nil
}

// NewSet makes an empty set that belongs to no key yet, in the shard of key;
// StoreAt puts it there, or Discard frees it.
func (d *DB) NewSet(key []byte) *Set {
	s := d.members.next()
	s.open(d, TypeSet, spot{sh: d.s.shards[d.s.ShardOf(key)]}, key, loose{loose: true})
	return s
}

// Add adds a member, which is copied, and reports whether it is new.
func (s *Set) Add(member []byte) (added bool) { return s.put(member, nil) }

// Remove removes a member and reports whether it was there.
func (s *Set) Remove(member []byte) bool { return s.remove(member) }

// Random is a member, all equally likely; rnd is the source. The set has some. It is
// valid until the set changes or the next call.
func (s *Set) Random(rnd func() uint64) []byte {
	member, _ := s.Table.Random(rnd)
	return member
}

// Scan is table.Table.Scan.
func (s *Set) Scan(cursor uint64, count int, fn func(member []byte)) uint64 {
	return s.Table.Scan(cursor, count, func(member, _ []byte) { fn(member) })
}

// StoreAt puts a set made by NewSet at the key it was made for, in place of whatever is
// there, without expiry. An empty one removes the key. It returns the length.
func (s *Set) StoreAt() int { return s.storeAt() }

// Discard frees a set made by NewSet.
func (s *Set) Discard() { s.discard() }
