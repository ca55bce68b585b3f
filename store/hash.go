package store

// Hash is a hash under its key: fields with their values. Its methods keep the key's
// record in step: a change is stored at once, and removing the last field removes the key.
//
// Hashes are pooled in their DB, so that opening one allocates nothing.
type Hash struct{ keyed }

// Hash opens the hash at key, to read it; nil if there is no such key. It counts a
// keyspace hit or miss.
func (d *DB) Hash(key []byte) (*Hash, error) {
	at := d.find(key)
	at.count()
	if at.rec == 0 {
		return nil, nil
	}
	return d.openHash(at, key)
}

// HashForWrite opens the hash at key to change it. If there is no such key the
// hash is empty and the key is made when the first field is put. key must stay as it
// is as long as the hash is in use.
func (d *DB) HashForWrite(key []byte) (*Hash, error) { return d.openHash(d.find(key), key) }

func (d *DB) openHash(at spot, key []byte) (*Hash, error) {
	if at.rec != 0 && at.sh.typeOf(at.rec) != TypeHash {
		return nil, ErrWrongType
	}
	h := d.hashes.next()
	h.open(d, TypeHash, at, key, loose{})
	return h, nil
}

// Put gives a field a value and reports whether the field is new. Both are copied; value
// must not lie in the hash.
func (h *Hash) Put(field, value []byte) (added bool) { return h.put(field, value) }

// Remove removes a field and reports whether it was there.
func (h *Hash) Remove(field []byte) bool { return h.remove(field) }

// Close gives the hash that was opened last back to its DB, for those who open many. It can be
// read until another is opened.
func (h *Hash) Close() { h.d.hashes.used-- }
