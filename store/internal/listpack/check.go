package listpack

import (
	"encoding/binary"
	"fmt"
)

// CheckHeader verifies what can be known without walking: the sizes are
// within the memory and possible. O(1).
func (l List) CheckHeader() error {
	if len(l) < HeaderSize {
		return fmt.Errorf("listpack: %d bytes, too short for a header", len(l))
	}
	size, count := l.Size(), l.Len()
	if size < HeaderSize || size > len(l) {
		return fmt.Errorf("listpack: size %d in %d bytes of memory", size, len(l))
	}
	if room := size - HeaderSize; count > room || (count == 0) != (room == 0) {
		return fmt.Errorf("listpack: %d elements in %d bytes", count, room)
	}
	return nil
}

// Check verifies header and every element: known tag, within bounds, in the one
// form its value has, and as many as the header says. Bytes that pass are safe
// for every other method.
func (l List) Check() error {
	if err := l.CheckHeader(); err != nil {
		return err
	}
	l = l[:l.Size()]
	count := 0
	for pos := HeaderSize; pos < len(l); count++ {
		size, err := l.checkElement(pos)
		if err != nil {
			return err
		}
		pos += size
	}
	if count != l.Len() {
		return fmt.Errorf("listpack: %d elements, the header says %d", count, l.Len())
	}
	return nil
}

// checkElement verifies the element at pos and returns its size.
func (l List) checkElement(pos int) (int, error) {
	size := int(sizes[l[pos]])
	switch {
	case l[pos] == tagLong && pos+3 <= len(l):
		size = 3 + int(binary.LittleEndian.Uint16(l[pos+1:]))
	case size == unsized:
		return 0, fmt.Errorf("listpack: bad tag %#x at %d", l[pos], pos)
	}
	if pos+size > len(l) {
		return 0, fmt.Errorf("listpack: element of %d bytes at %d passes the end %d", size, pos, len(l))
	}
	if !l.canonical(pos) {
		return 0, fmt.Errorf("listpack: element at %d is not in its shortest form", pos)
	}
	return size, nil
}

// canonical says whether the element at pos, which is within bounds, has the form this package gives it.
func (l List) canonical(pos int) bool {
	var e Element
	switch l.Kind(pos) {
	case StringKind:
		e = String(l.Bytes(pos, nil))
	case IntKind:
		e = Int(l.int(pos))
	case FloatKind:
		return true
	}
	return e.head[0] == l[pos]
}
