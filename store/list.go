package store

import (
	"quarry/store/internal/slab"
	"quarry/store/list"
)

// List is a list under its key. Its methods keep the key's record in step: a change is
// stored at once, the first element makes the key, and removing the last one removes it.
//
// Lists are pooled in their DB, so that opening one allocates nothing.
type List struct {
	list.List // reads; the methods below take the place of its changing ones

	d   *DB
	at  spot
	key []byte // the caller's
	loose
}

// listKind is what the shard does with lists.
type listKind struct{ sh *shard }

func (k listKind) free(rec slab.Ref) { k.sh.lists.Free(k.sh.listOf(rec)) }

func (k listKind) move(rec slab.Ref, to *shard) value {
	return listValue(k.sh.lists.MoveTo(k.sh.listOf(rec), &to.lists))
}

func (k listKind) copy(rec slab.Ref, to *shard) value {
	return listValue(k.sh.lists.CopyTo(k.sh.listOf(rec), &to.lists))
}

func (k listKind) bytes(rec slab.Ref) int64 {
	k.sh.lists.Open(k.sh.listOf(rec), &k.sh.list)
	return k.sh.list.Bytes()
}

func (k listKind) encoding(rec slab.Ref) string { return k.sh.listOf(rec).Enc.Name() }

func (k listKind) reclaim(n int) bool { return k.sh.lists.Reclaim(n) }

func (k listKind) arenas() int { return k.sh.lists.Arenas() }

func (k listKind) check(c *checker, rec slab.Ref) error {
	var l list.List
	h := k.sh.listOf(rec)
	if h.Enc == list.Large {
		if err := c.own(TypeList, h.Ref); err != nil {
			return err
		}
	}
	k.sh.lists.Open(h, &l)
	if err := l.Check(c.audit); err != nil {
		return err
	}
	return notEmpty(l.Len())
}

// listOf is the name of the list that a record keeps.
func (sh *shard) listOf(rec slab.Ref) list.Handle {
	enc, ref := sh.formOf(rec)
	return list.Handle{Enc: list.Encoding(enc), Ref: ref}
}

func listValue(h list.Handle) value { return value{typ: TypeList, enc: uint8(h.Enc), ref: h.Ref} }

// newList takes a List from the pool.
func (d *DB) newList(at spot, key []byte, lo loose) *List {
	l := d.lists.next()
	l.d = d
	l.at, l.key, l.loose = at, key, lo
	return l
}

// List opens the list at key, to read it; nil if there is no such key. It counts
// a keyspace hit or miss.
func (d *DB) List(key []byte) (*List, error) {
	at := d.find(key)
	at.count()
	if at.rec == 0 {
		return nil, nil
	}
	return d.openList(at, key)
}

// ListForWrite opens the list at key to change it. If there is no such key the
// list is empty and the key is made when the first element is put in. key must stay
// as it is as long as the list is in use.
func (d *DB) ListForWrite(key []byte) (*List, error) {
	at := d.find(key)
	if at.rec != 0 {
		return d.openList(at, key)
	}
	l := d.newList(at, key, loose{})
	at.sh.lists.Create(&l.List)
	return l, nil
}

func (d *DB) openList(at spot, key []byte) (*List, error) {
	if at.sh.typeOf(at.rec) != TypeList {
		return nil, ErrWrongType
	}
	d.use(at.sh, at.rec)
	l := d.newList(at, key, loose{})
	at.sh.lists.Open(at.sh.listOf(at.rec), &l.List)
	return l, nil
}

// NewList makes an empty list that belongs to no key yet, in the shard of key;
// StoreAt puts it there, or Discard frees it.
func (d *DB) NewList(key []byte) *List {
	l := d.newList(spot{sh: d.s.shards[d.s.ShardOf(key)]}, key, loose{loose: true})
	l.at.sh.lists.Create(&l.List)
	return l
}

// Push is list.List.Push.
func (l *List) Push(front bool, v []byte) {
	l.List.Push(front, v)
	l.put(len(v))
}

// Insert is list.List.Insert.
func (l *List) Insert(index int, v []byte) {
	l.List.Insert(index, v)
	l.put(len(v))
}

// put keeps the key in step after an element of n bytes has been put in.
func (l *List) put(n int) {
	switch {
	case l.loose.loose:
		l.grow(l.d.s, n)
		return
	case l.at.rec != 0:
		l.store()
	default:
		l.at.make(l.key, listValue(l.List.Handle()), l.d.newUse())
	}
	l.d.signal(&l.at, l.key)
}

// store keeps the record in step with the list after a change.
func (l *List) store() {
	sh, rec := l.at.sh, l.at.rec
	if h := l.List.Handle(); h != sh.listOf(rec) {
		sh.setForm(rec, TypeList, uint8(h.Enc), h.Ref)
	}
}

// removed is store after a removal: a key without elements goes.
func (l *List) removed() {
	if l.loose.loose {
		return
	}
	l.store()
	if l.Len() == 0 {
		l.at.delete()
	}
}

// Set is list.List.Set.
func (l *List) Set(index int, v []byte) {
	l.List.Set(index, v)
	if !l.loose.loose {
		l.store()
	}
}

// RemoveRange is list.List.RemoveRange.
func (l *List) RemoveRange(start, n int) int {
	n = l.List.RemoveRange(start, n)
	if n > 0 {
		l.removed()
	}
	return n
}

// RemoveEqual is list.List.RemoveEqual.
func (l *List) RemoveEqual(v []byte, limit int, reverse bool) int {
	n := l.List.RemoveEqual(v, limit, reverse)
	if n > 0 {
		l.removed()
	}
	return n
}

// StoreAt puts a list made by NewList at the key it was made for, in place of whatever is
// there, without expiry. An empty one removes the key. It returns the length.
func (l *List) StoreAt() int {
	n := l.Len()
	l.at = l.d.find(l.key)
	if l.at.rec != 0 {
		l.at.delete()
	}
	if l.loose = (loose{}); n > 0 {
		l.put(0)
	}
	return n
}

// Discard frees a list made by NewList.
func (l *List) Discard() {
	l.at.sh.lists.Free(l.List.Handle())
	l.at.sh.lists.Create(&l.List)
}
