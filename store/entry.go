package store

import (
	"quarry/store/bloom"
	"quarry/store/field"
	"quarry/store/internal/dict"
	"quarry/store/internal/slab"
	"quarry/store/list"
	"quarry/store/table"
	"quarry/store/zset"
)

// Entry is a key with its value, to be read as it is: by DUMP and by what writes files. Reading leaves no trace, no use
// and no hit. It is of a live database, and valid until the shard is unlocked, or of a View. Keys and members whose time is
// over are there as long as nobody has removed them.
//
// An Entry keeps room for what its readers open: one serves all keys of a walk. Each reader has one walk at a time, and what is
// answered is valid until the next call of the same reader or of the walk's Next.
type Entry struct {
	sh    *shard
	rec   slab.Ref
	index int
	nowMS int64

	set    zset.Set
	rows   zset.Iter
	table  table.Table
	pairs  table.Iter
	list   list.List
	items  list.Iter
	bloom  bloom.Filter
	field  field.Field
	things field.Iter
}

// Entry is the key with its value, if it exists; until the next call, Begin or Next.
func (d *DB) Entry(key []byte) (e *Entry, ok bool) {
	at := d.find(key)
	if at.rec == 0 {
		return nil, false
	}
	d.entry.sh, d.entry.rec, d.entry.index, d.entry.nowMS = at.sh, at.rec, at.index, d.clockMS
	return &d.entry, true
}

// Walk calls fn for the keys of a database, in no order that means anything, until it fails, and locks one shard after the other;
// nowMS is the time by which IdleSec counts. fn must not use the store.
func (s *Store) Walk(db int, nowMS int64, fn func(*Entry) error) error {
	e := Entry{index: db, nowMS: nowMS}
	for _, sh := range s.shards {
		if err := sh.walkLocked(db, &e, fn); err != nil {
			return err
		}
	}
	return nil
}

func (sh *shard) walkLocked(db int, e *Entry, fn func(*Entry) error) error {
	sh.lock()
	defer sh.unlock()
	return sh.walk(db, e, fn)
}

// walk calls fn with e on each key of the shard's part of a database.
func (sh *shard) walk(db int, e *Entry, fn func(*Entry) error) error {
	keys := &sh.dbs[db].keys
	if !keys.Exists() {
		return nil
	}
	e.sh = sh
	var it dict.Iter
	var refs [dict.BucketRefs]uint32
	it.Seek(keys)
	for n := it.Next(&refs); n > 0; n = it.Next(&refs) {
		for _, ref := range refs[:n] {
			sh.HashSoon(ref)
		}
		for _, ref := range refs[:n] {
			e.rec = slab.Ref(ref)
			if err := fn(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// Key is the key.
func (e *Entry) Key() []byte { return e.sh.keyNoCopy(e.rec) }

// Type is the type of the value.
func (e *Entry) Type() Type { return e.sh.typeOf(e.rec) }

// Database is the database of the key.
func (e *Entry) Database() int { return e.index }

// ExpireAt is the time the key expires at, Unix ms, 0 if it never does.
func (e *Entry) ExpireAt() int64 { return e.sh.expireAt(e.rec) }

// IdleSec is for how many seconds the key was not used; meaningless after Store.SetLFU(true).
func (e *Entry) IdleSec() int64 { return idleSeconds(e.nowMS, e.use()) }

// Freq is the counter of the key's uses, up to 255; meaningless without SetLFU.
func (e *Entry) Freq() uint8 { return decayed(e.nowMS, e.use()) }

func (e *Entry) use() uint32 { return e.sh.heap.R(e.rec).U32(recUse) }

// Encoding is the form of the value, as OBJECT ENCODING names it.
func (e *Entry) Encoding() string { return e.sh.kindOf(e.rec).encoding(e.rec) }

// Len is the length of a string in bytes, the number of elements of another value, and of items in a Bloom filter. Members of
// a field count whose time is over.
func (e *Entry) Len() int {
	sh, rec := e.sh, e.rec
	switch e.Type() {
	case TypeString:
		return sh.stringLen(rec)
	case TypeHash, TypeSet:
		return e.openTable().Len()
	case TypeList:
		sh.lists.Open(sh.listOf(rec), &e.list)
		return e.list.Len()
	case TypeZSet:
		sh.sets.Open(sh.zsetOf(rec), &e.set)
		return e.set.Len()
	case TypeBloom:
		return int(e.Bloom().Len())
	default:
		return e.Field().Rest()
	}
}

// Parts is a string, piece by piece. A string up to some length has one piece, and the empty one none.
func (e *Entry) Parts() Parts { return e.sh.stringParts(e.rec, 0, e.sh.stringLen(e.rec)) }

// Rows walks the members of a sorted set, the lowest first or, with reverse, the highest.
func (e *Entry) Rows(reverse bool) *zset.Iter {
	e.sh.sets.Open(e.sh.zsetOf(e.rec), &e.set)
	rank := 0
	if reverse {
		rank = e.set.Len() - 1
	}
	e.rows.Seek(&e.set, rank, reverse)
	return &e.rows
}

// Pairs walks a hash's fields with their values, or a set's members, in no order that means anything.
func (e *Entry) Pairs() *table.Iter {
	e.pairs.Seek(e.openTable())
	return &e.pairs
}

func (e *Entry) openTable() *table.Table {
	e.sh.kindOf(e.rec).(tableKind).env.Open(e.sh.tableOf(e.rec), &e.table)
	return &e.table
}

// Items walks the elements of a list from the first to the last.
func (e *Entry) Items() *list.Iter {
	e.sh.lists.Open(e.sh.listOf(e.rec), &e.list)
	e.items.Seek(&e.list, 0, e.list.Len(), false)
	return &e.items
}

// Bloom opens a Bloom filter.
func (e *Entry) Bloom() *bloom.Filter {
	e.sh.blooms.Open(e.sh.bloomOf(e.rec), &e.bloom)
	return &e.bloom
}

// Field opens a field; Members walks its members.
func (e *Entry) Field() *field.Field {
	e.sh.fields.Open(e.sh.fieldOf(e.rec), &e.field)
	return &e.field
}

// Members walks the members of a field, also those whose time is over, as it keeps them.
func (e *Entry) Members() *field.Iter {
	e.things.Seek(e.Field())
	return &e.things
}
