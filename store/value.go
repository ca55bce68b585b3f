package store

import "quarry/store/internal/slab"

// value is a value on its way into a record: what the record keeps of it.
type value struct {
	typ Type
	enc uint8
	ref uint32
	// inline are bytes that go into the record itself. They may lie in the
	// record that the value comes from.
	inline []byte
}

// kind is what a shard does with values of one type. rec is a record of that type.
type kind interface {
	// free gives the value's memory back; what the record itself holds of it goes with the record.
	free(rec slab.Ref)
	// move takes the value out of a record, which is removed next, to a shard whose
	// lock is held too, this one or another.
	move(rec slab.Ref, to *shard) value
	// copy copies it there.
	copy(rec slab.Ref, to *shard) value
	// bytes is the memory that the value takes beside its record, size classes and pages included.
	bytes(rec slab.Ref) int64
	// encoding is the value's form, as OBJECT ENCODING names it.
	encoding(rec slab.Ref) string
	// reclaim gives back up to n pages of dropped large values and reports whether there are more.
	reclaim(n int) bool
	// arenas is the number of large values there are.
	arenas() int
	// check walks the value and names the first broken place.
	check(c *checker, rec slab.Ref) error
}

func (sh *shard) typeOf(rec slab.Ref) Type { return Type(sh.heap.R(rec).U8(recType)) }

func (sh *shard) kindOf(rec slab.Ref) kind { return sh.kinds[sh.typeOf(rec)] }

// formOf is what the record keeps of its value: the form and the name in it.
func (sh *shard) formOf(rec slab.Ref) (enc uint8, ref uint32) {
	r := sh.heap.R(rec)
	return r.U8(recEnc), r.U32(recValue)
}

// setForm makes it the record's value.
func (sh *shard) setForm(rec slab.Ref, t Type, enc uint8, ref uint32) {
	w := sh.heap.W(rec)
	w.SetU8(recType, uint8(t))
	w.SetU8(recEnc, enc)
	w.SetU32(recValue, ref)
}

// freeValue gives the record's value back.
func (sh *shard) freeValue(rec slab.Ref) { sh.kindOf(rec).free(rec) }

// reclaim gives back up to n pages of dropped large values and reports whether there are more.
func (sh *shard) reclaimValues(n int) bool {
	for _, k := range sh.kinds {
		if k != nil && k.reclaim(n) {
			return true
		}
	}
	return false
}
