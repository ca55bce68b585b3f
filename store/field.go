package store

import (
	"quarry/store/field"
	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// Field is a field under its key. Its methods keep the key's record in step: a change is
// stored at once, and removing the last member removes the key, unless CreateField made it.
//
// Fields are pooled in their DB, so that opening one allocates nothing.
type Field struct {
	field.Field // reads; the methods below take the place of its changing ones

	d   *DB
	at  spot
	key []byte // the caller's
	due int64  // that the index of fields has
}

// fieldKind is what the shard does with fields. A record's value is the name of the field's head.
type fieldKind struct{ sh *shard }

func (k fieldKind) free(rec slab.Ref) { k.sh.fields.Free(k.sh.fieldOf(rec)) }

func (k fieldKind) move(rec slab.Ref, to *shard) value {
	return fieldValue(k.sh.fields.MoveTo(k.sh.fieldOf(rec), to.fields))
}

func (k fieldKind) copy(rec slab.Ref, to *shard) value {
	return fieldValue(k.sh.fields.CopyTo(k.sh.fieldOf(rec), to.fields))
}

func (k fieldKind) bytes(rec slab.Ref) int64 { return k.sh.fields.Bytes(k.sh.fieldOf(rec)) }

func (k fieldKind) encoding(slab.Ref) string { return "field" }

func (k fieldKind) reclaim(n int) bool { return k.sh.fields.Reclaim(n) }

func (k fieldKind) arenas() int { return k.sh.fields.Arenas() }

func (k fieldKind) check(c *checker, rec slab.Ref) error {
	return k.sh.fields.Check(k.sh.fieldOf(rec), c.audit, func(number uint32) error { return c.own(TypeField, number) })
}

// fieldOf is the name of the field that a record keeps.
func (sh *shard) fieldOf(rec slab.Ref) slab.Ref {
	_, ref := sh.formOf(rec)
	return slab.Ref(ref)
}

func fieldValue(ref slab.Ref) value { return value{typ: TypeField, ref: uint32(ref)} }

// Field opens the field at key, to read it; nil if there is no such key. It counts a
// keyspace hit or miss.
func (d *DB) Field(key []byte) (*Field, error) {
	at := d.find(key)
	at.count()
	if at.rec == 0 {
		return nil, nil
	}
	return d.openField(at, key)
}

// FieldForWrite opens the field at key to change it. If there is no such key the field is
// an empty one of a plane, and the key is made when the first member is put. key must stay as it is as long as
// the field is in use.
func (d *DB) FieldForWrite(key []byte) (*Field, error) { return d.openField(d.find(key), key) }

func (d *DB) openField(at spot, key []byte) (*Field, error) {
	if at.rec != 0 && at.sh.typeOf(at.rec) != TypeField {
		return nil, ErrWrongType
	}
	f := d.fields.next()
	f.d, f.at, f.key = d, at, key
	if at.rec == 0 {
		at.sh.fields.None(&f.Field)
		return f, nil
	}
	d.use(at.sh, at.rec)
	at.sh.fields.Open(at.sh.fieldOf(at.rec), &f.Field)
	f.due = f.Due()
	return f, nil
}

// CreateField makes an empty field of a shape that has been checked, and reports false if the key exists.
func (d *DB) CreateField(key []byte, s field.Shape) bool {
	at := d.find(key)
	if at.rec != 0 {
		return false
	}
	at.make(key, fieldValue(at.sh.fields.Create(s)), d.newUse())
	d.signal(&at, key)
	return true
}

// Put is field.Field.Put at the time of the command.
func (f *Field) Put(member []byte, x, y, z float64, c *field.Change) field.Outcome {
	o := f.Field.Put(member, x, y, z, c, f.d.nowMS)
	switch {
	case f.at.rec != 0:
		f.changed()
	case f.Ref() != 0:
		f.at.make(f.key, fieldValue(f.Ref()), f.d.newUse())
		f.due = f.Due()
		f.d.signal(&f.at, f.key)
	}
	return o
}

// Remove is field.Field.Remove at the time of the command.
func (f *Field) Remove(member []byte) bool {
	ok := f.Field.Remove(member, f.d.nowMS)
	if ok {
		f.changed()
	}
	return ok
}

// Purge removes up to max members whose deadlines lie before a time, Unix ms, and returns how many.
func (f *Field) Purge(atMS int64, max int) (removed int) {
	if f.at.rec == 0 {
		return 0
	}
	if removed = f.Field.Expire(atMS, max); removed > 0 || f.due != f.Due() { // which may have been too early
		f.changed()
	}
	return removed
}

// changed is called after a change of a field that has a key: one without members goes, with the rows of those that have expired.
func (f *Field) changed() {
	if f.Created() || f.Len(f.d.nowMS) > 0 {
		if f.due != f.Due() {
			f.due = f.Due()
			f.at.sh.schedule(f.at.db, f.at.rec)
		}
		return
	}
	f.at.delete()
	f.at.gone = false
	f.at.sh.fields.None(&f.Field)
}

// Exists reports whether there is still a key.
func (f *Field) Exists() bool { return f.at.rec != 0 }

// The fields whose members expire are in an index like that of keys (expire.go): per shard and database a sorted set with
// the field's Due as score and its record's ref as member. Due may be too early: then the field is looked
// at, and comes back with the exact time.

// schedule has the index say when a field, which has a record, is to be looked at.
func (sh *shard) schedule(db *database, rec slab.Ref) {
	sh.setTime(&db.fields, rec, sh.fields.Due(sh.fieldOf(rec)))
}

// unschedule takes a record out of the index, if it is there.
func (sh *shard) unschedule(db *database, rec slab.Ref) {
	if sh.typeOf(rec) == TypeField {
		sh.setTime(&db.fields, rec, 0)
	}
}

// expireMembers removes up to max members of a database's fields whose time is over and reports whether there are more.
func (sh *shard) expireMembers(index int, nowMS int64, max int) bool {
	db := &sh.dbs[index]
	for max > 0 {
		if db.fields == (zset.Handle{}) {
			return false
		}
		sh.times.Open(db.fields, &sh.set)
		sh.iter.Seek(&sh.set, 0, false)
		sh.iter.Next()
		if sh.iter.Score() >= float64(nowMS) {
			return false
		}
		max -= sh.expireIn(index, recordNamed(sh.iter.Member()), nowMS, max)
	}
	return true
}

// expireIn removes up to max members of a field whose time is over. It returns what work that was, 1 at least.
func (sh *shard) expireIn(index int, rec slab.Ref, nowMS int64, max int) int {
	db := &sh.dbs[index]
	f := &sh.field
	sh.fields.Open(sh.fieldOf(rec), f)
	n := f.Expire(nowMS, max)
	gone := f.Rest() == 0 && !f.Created()
	if n > 0 && sh.observed() {
		sh.observer.MembersExpired(index, sh.keyNoCopy(rec), nowMS, gone)
	}
	if gone {
		sh.delete(db, sh.HashOf(uint32(rec)), rec)
	} else {
		sh.schedule(db, rec)
	}
	return n + 1
}
