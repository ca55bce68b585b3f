package field

import "quarry/store/zset"

// Iter walks all members of a field in the order of its set of places, those included whose time is over. The field must not change
// meanwhile. The zero Iter is ready for Seek; it keeps buffers: reuse one to allocate nothing.
type Iter struct {
	f    *Field
	rows zset.Iter
	none bool
}

// Seek places it before the first member.
func (it *Iter) Seek(f *Field) {
	it.f, it.none = f, !f.hasPlaces()
	if !it.none {
		it.rows.Seek(&f.places, 0, false)
	}
}

// Next moves to the next member (after Seek: onto the first) and reports whether there is one.
func (it *Iter) Next() bool { return !it.none && it.rows.Next() }

// Member is the member, valid until the next call of Next or Seek.
func (it *Iter) Member() []byte { return it.rows.Member() }

// Read reads all of the member.
func (it *Iter) Read(rec *Record) { it.f.Read(it.rows.Row(), Deep, rec) }

// EachNumbered is EachName with the names' numbers, which ascend.
func (f *Field) EachNumbered(fn func(number uint8, name []byte)) {
	for w := f.names.walk(); w.next(); {
		if w.uses > 0 {
			fn(uint8(w.id), w.name)
		}
	}
}

// Numbered is Record.Number with the number in place of the name.
func (r *Record) Numbered(i int) (number uint8, value float64) {
	n := r.thing.numbers[i]
	return n.id, n.value
}
