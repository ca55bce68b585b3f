package store

import (
	"quarry/store/internal/slab"
	"quarry/store/table"
)

// keyed is a hash or a set under its key. Its methods keep the key's record in step: a
// change is stored at once, and removing the last element removes the key.
type keyed struct {
	table.Table // reads; the methods below take the place of its changing ones

	d   *DB
	typ Type
	at  spot
	key []byte // the caller's
	loose
}

// tableKind is what the shard does with values that are tables: those of one type.
type tableKind struct {
	sh  *shard
	typ Type
	env *table.Env
}

func (k tableKind) to(sh *shard) *table.Env { return sh.kinds[k.typ].(tableKind).env }

func (k tableKind) free(rec slab.Ref) { k.env.Free(k.sh.tableOf(rec)) }

func (k tableKind) move(rec slab.Ref, to *shard) value {
	return tableValue(k.typ, k.env.MoveTo(k.sh.tableOf(rec), k.to(to)))
}

func (k tableKind) copy(rec slab.Ref, to *shard) value {
	return tableValue(k.typ, k.env.CopyTo(k.sh.tableOf(rec), k.to(to)))
}

func (k tableKind) bytes(rec slab.Ref) int64 {
	k.env.Open(k.sh.tableOf(rec), &k.sh.table)
	return k.sh.table.Bytes()
}

func (k tableKind) encoding(rec slab.Ref) string { return k.sh.tableOf(rec).Enc.Name() }

func (k tableKind) reclaim(n int) bool { return k.env.Reclaim(n) }

func (k tableKind) arenas() int { return k.env.Arenas() }

func (k tableKind) check(c *checker, rec slab.Ref) error {
	var t table.Table
	h := k.sh.tableOf(rec)
	if h.Enc == table.Large {
		if err := c.own(k.typ, h.Ref); err != nil {
			return err
		}
	}
	k.env.Open(h, &t)
	if err := t.Check(c.audit); err != nil {
		return err
	}
	return notEmpty(t.Len())
}

// tableOf is the name of the table that a record keeps.
func (sh *shard) tableOf(rec slab.Ref) table.Handle {
	enc, ref := sh.formOf(rec)
	return table.Handle{Enc: table.Encoding(enc), Ref: ref}
}

func tableValue(t Type, h table.Handle) value { return value{typ: t, enc: uint8(h.Enc), ref: h.Ref} }

// env is where the table's like lie in its shard.
func (k *keyed) env() *table.Env { return k.at.sh.kinds[k.typ].(tableKind).env }

// open opens what is at k's place, which is of k's type or nothing.
func (k *keyed) open(d *DB, typ Type, at spot, key []byte, l loose) {
	k.d, k.typ, k.at, k.key, k.loose = d, typ, at, key, l
	if at.rec == 0 {
		k.env().Create(&k.Table)
		return
	}
	d.use(at.sh, at.rec)
	k.env().Open(at.sh.tableOf(at.rec), &k.Table)
}

// put puts an element.
func (k *keyed) put(key, value []byte) (added bool) {
	added = k.Table.Put(key, value)
	switch {
	case k.loose.loose:
		if added {
			k.grow(k.d.s, len(key)+len(value))
		}
	case k.at.rec == 0:
		k.at.make(k.key, tableValue(k.typ, k.Handle()), k.d.newUse())
		k.d.signal(&k.at, k.key)
	default:
		k.store()
	}
	return added
}

// remove removes an element. A key without elements goes.
func (k *keyed) remove(key []byte) bool {
	if !k.Table.Remove(key) {
		return false
	}
	if k.loose.loose {
		return true
	}
	k.store()
	if k.Len() == 0 {
		k.at.delete()
		k.env().Create(&k.Table)
	}
	return true
}

// store keeps the record in step with the table after a change.
func (k *keyed) store() {
	sh, rec := k.at.sh, k.at.rec
	if h := k.Handle(); h != sh.tableOf(rec) {
		sh.setForm(rec, k.typ, uint8(h.Enc), h.Ref)
	}
}

// storeAt puts a loose table at the key it was made for, in place of whatever is there, without
// expiry. An empty one removes the key. It returns the length.
func (k *keyed) storeAt() int {
	n := k.Len()
	k.at = k.d.find(k.key)
	if k.at.rec != 0 {
		k.at.delete()
	}
	if n == 0 {
		k.discard()
		return 0
	}
	k.at.make(k.key, tableValue(k.typ, k.Handle()), k.d.newUse())
	k.d.signal(&k.at, k.key)
	k.loose = loose{}
	return n
}

// discard frees a loose table. It is empty afterwards.
func (k *keyed) discard() {
	k.env().Free(k.Handle())
	k.env().Create(&k.Table)
	k.loose = loose{}
}
