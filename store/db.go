package store

import (
	"bytes"

	"quarry/store/internal/slab"
	"quarry/store/table"
	"quarry/store/zset"
)

// DB is a database as one running command sees it. Each goroutine that runs
// commands makes one with NewDB and calls Begin before each command; values
// that the methods return are valid until the shard is unlocked or Begin is
// called again. Except where said, the shard of every key named must be locked.
// Expired keys are missing for every method.
type DB struct {
	s        *Store
	index    int
	nowMS    int64
	clockMS  int64 // what uses of keys are noted at
	noTouch  bool
	holdsAll bool // the caller has locked every shard

	// What has been opened since Begin.
	strings pool[String]
	hashes  pool[Hash]
	members pool[Set]
	lists   pool[List]
	sets    pool[ZSet]
	blooms  pool[Bloom]
	fields  pool[Field]

	// What Prefetch opens.
	glance      zset.Set
	glanceTable table.Table

	entry Entry  // the last one
	maker *Maker // nil: none is needed yet

	ready      []ReadyKey
	readyBytes []byte // the keys of ready
}

// readyKept is what a command that made long keys ready may leave behind, in bytes.
const readyKept = 64 << 10

// NewDB makes a DB for one goroutine.
func (s *Store) NewDB() *DB { return &DB{s: s} }

// Begin turns d to a database and to the time of a command.
func (d *DB) Begin(index int, nowMS int64) {
	d.nowMS, d.clockMS, d.holdsAll = nowMS, nowMS, false
	if cap(d.readyBytes) > readyKept {
		d.ready, d.readyBytes = nil, nil
	}
	d.ready, d.readyBytes = d.ready[:0], d.readyBytes[:0]
	d.Next(index)
}

// Next turns d to a database for the next command of a transaction, which began with
// Begin: the time, what HoldAll said and the keys that are ready stay.
func (d *DB) Next(index int) {
	d.index, d.noTouch = index, false
	d.strings.begin()
	d.hashes.begin()
	d.members.begin()
	d.lists.begin()
	d.sets.begin()
	d.blooms.begin()
	d.fields.begin()
}

// End forgets the keys of the last commands, which may lie in memory that is
// large or that others need again. The sets they opened are used no more.
func (d *DB) End() {
	d.strings.end(func(s *String) { s.key = nil })
	d.hashes.end(func(h *Hash) { h.key = nil })
	d.members.end(func(s *Set) { s.key = nil })
	d.lists.end(func(l *List) { l.key = nil })
	d.sets.end(func(z *ZSet) { z.key = nil })
	d.blooms.end(func(*Bloom) {})
	d.fields.end(func(f *Field) { f.key = nil })
}

// Index is the database d is turned to.
func (d *DB) Index() int { return d.index }

// Store is the store d belongs to.
func (d *DB) Store() *Store { return d.s }

// HoldAll says that the caller has locked every shard: methods that take locks
// themselves take none; until the next Begin.
func (d *DB) HoldAll() { d.holdsAll = true }

// Timeless has nothing be over for the methods, as where a log is run again that says itself when keys went; until the
// next Begin. Uses are noted at the time that Begin was given.
func (d *DB) Timeless() { d.nowMS = 0 }

// NoTouch makes all but Touch leave the keys' access time alone (CLIENT NO-TOUCH); until the next Begin or Next.
func (d *DB) NoTouch() { d.noTouch = true }

// spot is where a key is, or would be.
type spot struct {
	sh    *shard
	db    *database
	index int // of the database
	hash  uint64
	rec   slab.Ref // 0: there is no such key
	gone  bool     // it was deleted, to be replaced
}

// find looks key up in d's database.
func (d *DB) find(key []byte) spot { return d.findIn(d.index, key) }

// findIn looks key up; if its time is over it is deleted.
func (d *DB) findIn(index int, key []byte) spot {
	sh := d.s.shards[d.s.ShardOf(key)]
	sh.sought = key
	at := spot{sh: sh, db: &sh.dbs[index], index: index, hash: d.s.hash.Sum(key)}
	at.rec = sh.lookup(at.db, at.hash, key)
	if at.rec != 0 && sh.over(at.rec, d.nowMS) {
		sh.end(index, at.hash, at.rec, d.nowMS)
		at.rec = 0
	}
	return at
}

// delete removes the key and its value.
func (at *spot) delete() {
	at.sh.delete(at.db, at.hash, at.rec)
	at.rec, at.gone = 0, true
}

// count counts a keyspace hit or miss of a command that wants to read the key that was just found or not.
func (at *spot) count() {
	at.countOnly()
	if sh := at.sh; at.rec == 0 && sh.observed() {
		sh.observer.Missed(at.index, sh.sought)
	}
}

// countOnly is count for a command whose misses are no event.
func (at *spot) countOnly() {
	if at.rec != 0 {
		at.sh.hits.Add(1)
	} else {
		at.sh.misses.Add(1)
	}
}

// Methods note uses and count hits and misses as Redis does for the commands that
// call them: to read a value is a use and is counted, to look at a key (Type,
// ExpireAt, Object) is counted only, and to change it is a use only.

// Type is the type of the key's value, None if there is no such key. It counts a
// keyspace hit or miss.
func (d *DB) Type(key []byte) Type {
	at := d.find(key)
	at.count()
	if at.rec == 0 {
		return None
	}
	return at.sh.typeOf(at.rec)
}

// Has reports whether the key exists, and leaves no trace.
func (d *DB) Has(key []byte) bool { return d.find(key).rec != 0 }

// Expires reports whether key exists and has a time at which it will not any more, or is a field that may go with its members.
// Like Has it is no use of it.
func (d *DB) Expires(key []byte) bool {
	at := d.find(key)
	return at.rec != 0 && (at.sh.expireAt(at.rec) != 0 ||
		at.sh.typeOf(at.rec) == TypeField && at.sh.fields.Due(at.sh.fieldOf(at.rec)) != 0)
}

// HasIn is Has for another database.
func (d *DB) HasIn(index int, key []byte) bool { return d.findIn(index, key).rec != 0 }

// Kind is the type of the key's value, None if there is no such key. It leaves no trace.
func (d *DB) Kind(key []byte) Type {
	at := d.find(key)
	if at.rec == 0 {
		return None
	}
	return at.sh.typeOf(at.rec)
}

// Use notes that a command uses the key to change it, and reports whether the key exists.
func (d *DB) Use(key []byte) bool {
	at := d.find(key)
	if at.rec != 0 {
		d.use(at.sh, at.rec)
	}
	return at.rec != 0
}

// Touch notes a use, in spite of NoTouch, and reports whether the key exists. It
// counts a keyspace hit or miss.
func (d *DB) Touch(key []byte) bool {
	at := d.find(key)
	at.count()
	if at.rec != 0 {
		d.noteUse(at.sh, at.rec)
	}
	return at.rec != 0
}

// Delete removes a key and reports whether it was there. Its cost is bounded whatever the
// value's size: a set that is not large has at most some 400 blobs.
func (d *DB) Delete(key []byte) bool {
	at := d.find(key)
	if at.rec == 0 {
		return false
	}
	at.delete()
	return true
}

// Rename moves src's value and expiry to dst, whose value is dropped. It
// reports false if src is missing. The shards of both are locked. It is a use of src.
func (d *DB) Rename(src, dst []byte) bool {
	from := d.find(src)
	if from.rec == 0 {
		return false
	}
	d.use(from.sh, from.rec)
	if bytes.Equal(src, dst) {
		return true
	}
	to := d.find(dst)
	if to.rec != 0 {
		to.delete()
	}
	use, atMS := from.sh.heap.R(from.rec).U32(recUse), from.sh.expireAt(from.rec)
	to.gone = false
	to.make(dst, from.sh.kindOf(from.rec).move(from.rec, to.sh), use)
	from.sh.remove(from.db, from.hash, from.rec)
	to.sh.setExpireAt(to.db, to.rec, atMS)
	d.signal(&to, dst)
	return true
}

// make makes the key, which is not there, with a value.
func (at *spot) make(key []byte, v value, use uint32) {
	sh := at.sh
	at.rec = sh.newRecord(key, at.hash, len(v.inline))
	sh.setForm(at.rec, v.typ, v.enc, v.ref)
	w := sh.heap.W(at.rec)
	w.SetU32(recUse, use)
	w.Copy(sh.inlineAt(at.rec), v.inline)
	sh.hook(at.db, at.hash, at.rec)
	if v.typ == TypeField {
		sh.schedule(at.db, at.rec)
	}
	if !at.gone {
		at.created(key)
	}
}

// created tells that the key has been made.
func (at *spot) created(key []byte) {
	if at.sh.observed() {
		at.sh.observer.Created(at.index, key)
	}
}

// Copy copies src's value and expiry to dst in database dstDB. exists reports
// that dst exists and replace is false (nothing is done); ok that it was copied.
// It counts a keyspace hit or miss, and is a use of both keys. A copy that maxmemory has no room for is refused with ErrOOM.
func (d *DB) Copy(src, dst []byte, dstDB int, replace bool) (ok, exists bool, err error) {
	from := d.find(src)
	from.count()
	if from.rec == 0 {
		return false, false, nil
	}
	d.use(from.sh, from.rec)
	to := d.findIn(dstDB, dst)
	if to.rec != 0 && !replace {
		d.use(to.sh, to.rec)
		return false, true, nil
	}
	if to == from {
		return true, false, nil
	}
	k := from.sh.kindOf(from.rec)
	if !d.s.Room(k.bytes(from.rec) + from.sh.recordBytes(from.rec)) {
		return false, false, ErrOOM
	}
	v := k.copy(from.rec, to.sh)
	if to.rec != 0 {
		to.delete()
	}
	to.gone = false
	to.make(dst, v, d.newUse())
	to.sh.setExpireAt(to.db, to.rec, from.sh.expireAt(from.rec))
	d.signal(&to, dst)
	return true, false, nil
}

// Move moves key to another database and reports false if it is missing here or
// exists there. It is a use of the key, here and there.
func (d *DB) Move(key []byte, dstDB int) bool {
	from := d.find(key)
	if from.rec == 0 {
		return false
	}
	d.use(from.sh, from.rec)
	to := d.findIn(dstDB, key)
	if to.rec != 0 {
		d.use(to.sh, to.rec)
		return false
	}
	sh, rec, atMS := from.sh, from.rec, from.sh.expireAt(from.rec)
	sh.setExpireAt(from.db, rec, 0)
	sh.unschedule(from.db, rec)
	sh.unhook(from.db, from.hash, rec)
	sh.hook(to.db, to.hash, rec)
	if sh.typeOf(rec) == TypeField {
		sh.schedule(to.db, rec)
	}
	to.created(key)
	sh.setExpireAt(to.db, rec, atMS)
	d.signal(&to, key)
	return true
}

// ExpireAt is the time a key expires at, Unix ms, 0 if it never does; ok is false
// if there is no key. It counts a keyspace hit or miss.
func (d *DB) ExpireAt(key []byte) (atMS int64, ok bool) {
	at := d.find(key)
	at.count()
	if at.rec == 0 {
		return 0, false
	}
	return at.sh.expireAt(at.rec), true
}

// ExpireAtForWrite is ExpireAt for a command that may change the time: a use,
// which is not counted.
func (d *DB) ExpireAtForWrite(key []byte) (atMS int64, ok bool) {
	at := d.find(key)
	if at.rec == 0 {
		return 0, false
	}
	d.use(at.sh, at.rec)
	return at.sh.expireAt(at.rec), true
}

// SetExpireAt sets the time a key expires at (0: never). A time that has
// passed deletes it. It reports whether the key exists.
func (d *DB) SetExpireAt(key []byte, atMS int64) bool {
	at := d.find(key)
	switch {
	case at.rec == 0:
		return false
	case atMS != 0 && atMS <= d.nowMS:
		at.delete()
	default:
		at.sh.setExpireAt(at.db, at.rec, atMS)
	}
	return true
}

// Object is what OBJECT tells of a key.
type Object struct {
	Encoding string
	IdleSec  int64 // meaningless after SetLFU(true)
	Freq     int   // meaningless without
}

// Object describes a key without using it. It counts a keyspace hit or miss.
func (d *DB) Object(key []byte) (Object, bool) {
	at := d.find(key)
	at.countOnly()
	if at.rec == 0 {
		return Object{}, false
	}
	use := at.sh.heap.R(at.rec).U32(recUse)
	return Object{
		Encoding: at.sh.kindOf(at.rec).encoding(at.rec),
		IdleSec:  idleSeconds(d.clockMS, use),
		Freq:     int(decayed(d.clockMS, use)),
	}, true
}

// Bytes is the memory that a key takes: record, key, directory entry and value. ok
// is false if there is no key. It leaves no trace.
func (d *DB) Bytes(key []byte) (n int64, ok bool) {
	at := d.find(key)
	if at.rec == 0 {
		return 0, false
	}
	entry := at.db.keys.Bytes() / int64(at.db.keys.Len())
	return at.sh.recordBytes(at.rec) + entry + at.sh.kindOf(at.rec).bytes(at.rec), true
}

// ReadyKey is a key that parked clients may be waiting for.
type ReadyKey struct {
	DB  int
	Key []byte
}

// ReadyKeys lists the keys that got data or were replaced since Begin while
// clients were waiting on their shard, each with its database.
func (d *DB) ReadyKeys() []ReadyKey { return d.ready }

// signal notes a key that got data, if anyone is waiting on its shard.
func (d *DB) signal(at *spot, key []byte) {
	if at.sh.waiters == 0 {
		return
	}
	if n := len(d.ready); n > 0 && d.ready[n-1].DB == at.index && bytes.Equal(d.ready[n-1].Key, key) {
		return
	}
	start := len(d.readyBytes)
	d.readyBytes = append(d.readyBytes, key...)
	d.ready = append(d.ready, ReadyKey{at.index, d.readyBytes[start:]})
}
