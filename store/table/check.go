package table

import (
	"errors"
	"fmt"

	"quarry/store/internal/dict"
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// Check walks the whole table and names the first broken place, and in a the objects of the shard's heap
// that it consists of. It proves that: the listpack is sound, its pairs, and its order; or the dict is, and
// each element, which is found, and once; the memory adds up, and an arena's heap holds nothing else.
func (t *Table) Check(a *slab.Audit) error {
	switch t.enc {
	case 0:
		return nil
	case Ints, Packed:
		return t.checkPacked(a)
	case Medium:
		return t.checkMedium(a)
	case Large:
		return t.checkLarge()
	}
	return fmt.Errorf("table: encoding %d", t.enc)
}

func (t *Table) checkPacked(a *slab.Audit) error {
	if err := t.list.Check(a); err != nil {
		return err
	}
	l := t.list.Read()
	if l.Len()%t.stride() != 0 || t.enc == Ints && t.env.home.pairs {
		return fmt.Errorf("table: %d elements in encoding %d, with values: %v", l.Len(), t.enc, t.env.home.pairs)
	}
	for pos := listpack.HeaderSize; pos < l.Size(); pos = l.Next(pos) {
		if err := t.checkKey(l, pos); err != nil {
			return err
		}
		if t.env.home.pairs {
			if pos = l.Next(pos); l.Kind(pos) == listpack.FloatKind {
				return fmt.Errorf("table: the value at %d is no string", pos)
			}
		}
	}
	return nil
}

// checkKey verifies the key at pos.
func (t *Table) checkKey(l listpack.List, pos int) error {
	if l.Kind(pos) == listpack.FloatKind {
		return fmt.Errorf("table: the key at %d is no string", pos)
	}
	key := l.Bytes(pos, &t.room.keyDigits)
	if t.enc != Ints {
		if first := t.findPacked(l, key); first != pos {
			return fmt.Errorf("table: %q is there twice, at %d and %d", key, first, pos)
		}
		return nil
	}
	v, ok := l.Int(pos)
	if !ok {
		return fmt.Errorf("table: %q among integers", key)
	}
	if next := l.Next(pos); next < l.Size() {
		if w, ok := l.Int(next); ok && w <= v {
			return fmt.Errorf("table: %d comes before %d", v, w)
		}
	}
	return nil
}

func (t *Table) checkMedium(a *slab.Audit) error {
	sum, err := t.checkHashed(a)
	if err != nil {
		return err
	}
	if note := int64(t.d.Note()); note != sum {
		return fmt.Errorf("table: elements take %d bytes, the note says %d", sum, note)
	}
	if t.d.Len() > mediumLen || sum > mediumBytes {
		return fmt.Errorf("table: %d elements of %d bytes in the shard's heap", t.d.Len(), sum)
	}
	return nil
}

func (t *Table) checkLarge() error {
	ar := t.env.arenas.At(t.slot)
	if ar.head != t.d.Ref() || &ar.space != t.sp {
		return errors.New("table: it is open in another arena")
	}
	a, err := ar.heap.Audit()
	if err != nil {
		return err
	}
	if _, err := t.checkHashed(a); err != nil {
		return err
	}
	return a.Rest()
}

// checkHashed checks the dict and its elements, and returns the memory of these.
func (t *Table) checkHashed(a *slab.Audit) (sum int64, err error) {
	if sum, err = t.sp.checkDict(a, &t.d); err != nil {
		return 0, err
	}
	var it dict.Iter
	var refs [dict.BucketRefs]uint32
	it.Seek(&t.d)
	for n := it.Next(&refs); n > 0; n = it.Next(&refs) {
		for _, ref := range refs[:n] {
			if err := t.checkFound(slab.Ref(ref)); err != nil {
				return 0, err
			}
		}
	}
	return sum, nil
}

// checkDict checks a dict and the shapes of its elements, and returns the memory of these.
func (s *space) checkDict(a *slab.Audit, d *dict.Table) (sum int64, err error) {
	err = d.Check(a, func(ref uint32) error {
		if err := s.checkShape(a, slab.Ref(ref)); err != nil {
			return fmt.Errorf("table: element %#x: %w", ref, err)
		}
		sum += s.bytes(slab.Ref(ref))
		return nil
	})
	return sum, err
}

// checkShape verifies an element's lengths, and that its objects are of the size these ask for.
func (s *space) checkShape(a *slab.Audit, ref slab.Ref) error {
	if err := a.Own(ref, s.keyAt()); err != nil {
		return err
	}
	if at := s.valueAt(ref); at > s.heap.Cap(ref) {
		return fmt.Errorf("its key ends at %d of %d bytes", at, s.heap.Cap(ref))
	}
	key := int(s.heap.R(ref).U16(0))
	if blob := s.keyBlob(ref); blob != 0 {
		if err := a.OwnBlob(blob); err != nil {
			return err
		}
		key = s.heap.BlobLen(blob)
	}
	if inline := s.keyBlob(ref) == 0; inline != (key <= inlineKey) {
		return fmt.Errorf("a key of %d bytes is no blob: %v", key, inline)
	}
	value := 0
	if s.pairs {
		at := s.valueAt(ref)
		if blob := s.valueBlob(ref); blob != 0 {
			if err := a.OwnBlob(blob); err != nil {
				return err
			}
		}
		value = s.valueLen(ref)
		if inline := s.valueBlob(ref) == 0; inline != (at+value <= slab.MaxSize) {
			return fmt.Errorf("a value of %d bytes at %d is no blob: %v", value, at, inline)
		}
	}
	if size := s.sizeOf(key, value); size != s.bytes(ref) {
		return fmt.Errorf("it takes %d bytes, not %d", s.bytes(ref), size)
	}
	return nil
}

// checkFound verifies that an element's key leads to it.
func (t *Table) checkFound(ref slab.Ref) error {
	key := t.sp.key(ref, &t.room.key)
	h := t.sp.hash.Sum(key)
	if have := t.sp.HashOf(uint32(ref)); have != h {
		return fmt.Errorf("table: element %#x keeps hash %#x, not %#x", ref, have, h)
	}
	if _, found := t.find(key, h); found != ref {
		return fmt.Errorf("table: element %#x is found as %#x: %.40q is there twice", ref, found, key)
	}
	return nil
}

// CheckDropped checks the dropped tables that still take memory of the shard's heap, as Table.Check does.
func (e *Env) CheckDropped(a *slab.Audit) error {
	for i := range e.graves {
		d := &e.graves[i]
		sum, err := e.home.checkDict(a, d)
		if err != nil {
			return err
		}
		if note := int64(d.Note()); note != sum {
			return fmt.Errorf("table: elements of a dropped table take %d bytes, the note says %d", sum, note)
		}
	}
	return nil
}
