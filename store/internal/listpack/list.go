package listpack

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// HeaderSize is the size of an empty list and the position of the first element.
const HeaderSize = 4

// MaxSize is the size of the largest list, MaxString the longest string in one.
const (
	MaxSize   = 1<<16 - 1
	MaxString = MaxSize - HeaderSize - 3
)

// List is the memory of a list: Size of its bytes are in use, the rest is
// room to grow. A position is the offset of an element, from HeaderSize up to Size, which
// is the end. Only Check and CheckHeader may be asked about bytes of unknown
// origin; everything else trusts them.
type List []byte

// Scratch is room for an integer's decimal form.
type Scratch [maxDecimal]byte

// Init makes the memory an empty list.
func (l List) Init() { l.setHeader(HeaderSize, 0) }

// Size is the number of bytes in use.
func (l List) Size() int { return int(binary.LittleEndian.Uint16(l)) }

// Len is the number of elements.
func (l List) Len() int { return int(binary.LittleEndian.Uint16(l[2:])) }

func (l List) setHeader(size, count int) {
	binary.LittleEndian.PutUint16(l, uint16(size))
	binary.LittleEndian.PutUint16(l[2:], uint16(count))
}

// Bytes is the string at pos, or the decimal form of the integer, which it
// writes to scratch: valid until the list or scratch change.
func (l List) Bytes(pos int, scratch *Scratch) []byte {
	t := l[pos]
	if t <= maxShort {
		end := pos + 1 + int(t)
		return l[pos+1 : end : end]
	}
	if t == tagLong {
		end := l.nextLong(pos)
		return l[pos+3 : end : end]
	}
	return strconv.AppendInt(scratch[:0], l.int(pos), 10)
}

// Kind is what an element is.
type Kind uint8

// The kinds. An integer is a string too: it has bytes.
const (
	StringKind Kind = iota
	IntKind
	FloatKind
)

// Kind is what the element at pos is.
func (l List) Kind(pos int) Kind {
	switch t := l[pos]; {
	case t < tagNegative || t == tagLong:
		return StringKind
	case t == tagFloat:
		return FloatKind
	}
	return IntKind
}

// Number is the number at pos as a float64; integers beyond 2^53 are
// rounded. It is 0 for a string.
func (l List) Number(pos int) float64 {
	switch l.Kind(pos) {
	case IntKind:
		return float64(l.int(pos))
	case FloatKind:
		return math.Float64frombits(binary.BigEndian.Uint64(l[pos+1:]))
	}
	return 0
}

// Int is the integer at pos; ok is false for a string or float.
func (l List) Int(pos int) (v int64, ok bool) {
	if l.Kind(pos) != IntKind {
		return 0, false
	}
	return l.int(pos), true
}

// int is the integer at pos, which is one.
func (l List) int(pos int) int64 {
	t := l[pos]
	n := int(sizes[t]) - 1
	high := uint64(0) // what stands above the n bytes
	switch {
	case t < tagNibble:
		high = math.MaxUint64
	case t < tagInt64:
		high = uint64(t-tagNibble) & 15
	}
	return int64(high<<(8*n) | l.bigEndian(pos+1, n))
}

// bigEndian is the number in the n <= 8 bytes at pos.
func (l List) bigEndian(pos, n int) (v uint64) {
	if pos+8 <= len(l) {
		return binary.BigEndian.Uint64(l[pos:]) >> (64 - 8*n)
	}
	for _, c := range l[pos : pos+n] {
		v = v<<8 | uint64(c)
	}
	return v
}

// Insert puts the elements before the one at pos; the memory must have room for them.
func (l List) Insert(pos int, elements ...Element) { l.splice(pos, 0, 0, elements) }

// Replace puts an element in place of the one at pos; the memory must have room for it.
func (l List) Replace(pos int, e Element) {
	l.splice(pos, l.Next(pos)-pos, 1, []Element{e})
}

// Delete removes n elements from pos on.
func (l List) Delete(pos, n int) { l.splice(pos, l.Skip(pos, n)-pos, n, nil) }

// Append adds the n elements of src from position pos on behind the last one; the memory must
// have room for them.
func (l List) Append(src List, pos, n int) {
	end, size := src.Skip(pos, n), l.Size()
	newSize := size + end - pos
	if newSize > len(l) || newSize > MaxSize {
		panic(fmt.Errorf("listpack: no room for %d bytes in %d", newSize, len(l)))
	}
	copy(l[size:newSize], src[pos:end])
	l.setHeader(newSize, l.Len()+n)
}

// splice puts elements in place of the oldCount elements of oldBytes bytes at pos.
func (l List) splice(pos, oldBytes, oldCount int, elements []Element) {
	newBytes := 0
	for i := range elements {
		newBytes += elements[i].Size()
	}
	size := l.Size()
	newSize := size + newBytes - oldBytes
	if newSize > len(l) || newSize > MaxSize {
		panic(fmt.Errorf("listpack: no room for %d bytes in %d", newSize, len(l)))
	}
	copy(l[pos+newBytes:newSize], l[pos+oldBytes:size])
	l.setHeader(newSize, l.Len()+len(elements)-oldCount)
	for i := range elements {
		pos += elements[i].put(l[pos:])
	}
}
