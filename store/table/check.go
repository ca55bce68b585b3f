package table

import (
	"errors"
	"fmt"

	"quarry/store/internal/dict"
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// Check walks the whole table and names the first broken place: the listpack, its
// pairs or its order; the dict, each element's shape, that it is found, and once; that
// the memory adds up, and an arena's heap holds nothing else.
func (t *Table) Check() error {
	switch t.enc {
	case 0:
		return nil
	case Ints, Packed:
		return t.checkPacked()
	case Medium, Large:
		return t.checkHashed()
	}
	return fmt.Errorf("table: encoding %d", t.enc)
}

func (t *Table) checkPacked() error {
	l := t.list.Read()
	if err := l.Check(); err != nil {
		return err
	}
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
	if first := t.findPacked(l, key); first != pos {
		return fmt.Errorf("table: %q is there twice, at %d and %d", key, first, pos)
	}
	if t.enc != Ints {
		return nil
	}
	v, ok := l.Int(pos)
	if !ok {
		return fmt.Errorf("table: %q among integers", key)
	}
	if next := l.Next(pos); next < l.Size() {
		if w, _ := l.Int(next); w <= v {
			return fmt.Errorf("table: %d comes before %d", v, w)
		}
	}
	return nil
}

func (t *Table) checkHashed() error {
	if err := t.d.Check(); err != nil {
		return err
	}
	var it dict.Iter
	var refs [dict.BucketRefs]uint32
	sum := int64(0)
	it.Seek(&t.d)
	for n := it.Next(&refs); n > 0; n = it.Next(&refs) {
		for _, ref := range refs[:n] {
			if err := t.checkElement(slab.Ref(ref)); err != nil {
				return err
			}
			sum += t.sp.bytes(slab.Ref(ref))
		}
	}
	if t.enc == Large {
		return t.checkArena(sum)
	}
	if note := int64(t.d.Note()); note != sum {
		return fmt.Errorf("table: elements take %d bytes, the note says %d", sum, note)
	}
	if t.d.Len() > mediumLen || sum > mediumBytes {
		return fmt.Errorf("table: %d elements of %d bytes in the shard's heap", t.d.Len(), sum)
	}
	return nil
}

// checkElement verifies an element's shape, and that its key leads to it.
func (t *Table) checkElement(ref slab.Ref) error {
	s := t.sp
	var key []byte
	if blob := s.keyBlob(ref); blob != 0 {
		if s.heap.BlobLen(blob) <= inlineKey {
			return fmt.Errorf("table: element %#x: a key of %d bytes is a blob", ref, s.heap.BlobLen(blob))
		}
		key = s.heap.AppendBlob(nil, blob)
	} else {
		if s.valueAt(ref) > s.heap.Cap(ref) {
			return fmt.Errorf("table: element %#x: a key of %d bytes in an object of %d", ref, s.heap.R(ref).U16(0), s.heap.Cap(ref))
		}
		key = s.key(ref, nil)
	}
	h := s.hash.Sum(key)
	if have := s.HashOf(uint32(ref)); have != h {
		return fmt.Errorf("table: element %#x keeps hash %#x, not %#x", ref, have, h)
	}
	if _, found := t.find(key, h); found != ref {
		return fmt.Errorf("table: element %#x is found as %#x: %.40q is there twice", ref, found, key)
	}
	if !s.pairs {
		return nil
	}
	at, n := s.valueAt(ref), s.valueLen(ref)
	if inline := s.valueBlob(ref) == 0; inline != (at+n <= slab.MaxSize) || inline && at+n > s.heap.Cap(ref) {
		return fmt.Errorf("table: element %#x: a value of %d bytes at %d in an object of %d", ref, n, at, s.heap.Cap(ref))
	}
	if size := s.sizeOf(len(key), n); size != s.bytes(ref) {
		return fmt.Errorf("table: element %#x takes %d bytes, not %d", ref, s.bytes(ref), size)
	}
	return nil
}

// checkArena verifies that an arena's heap holds the dict, sum bytes of elements, and nothing else.
func (t *Table) checkArena(sum int64) error {
	a := t.env.arenas.At(t.slot)
	if a.head != t.d.Ref() || &a.space != t.sp {
		return errors.New("table: it is open in another arena")
	}
	if err := a.heap.Check(); err != nil {
		return err
	}
	if have := a.heap.Bytes(); sum+t.d.Bytes() != have {
		return fmt.Errorf("table: elements and dict take %d bytes of the arena's %d", sum+t.d.Bytes(), have)
	}
	return nil
}
