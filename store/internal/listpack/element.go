package listpack

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// The tags, as doc.go draws them.
const (
	tagString   = 0x00 // + length
	maxShort    = 0x7f // the longest string whose length is its tag
	tagNegative = 0x80 // + 8 - bytes
	tagNibble   = 0x88 // + 16 * bytes + high nibble
	tagInt64    = 0xf8
	tagFloat    = 0xf9
	tagLong     = 0xfa // string with u16 length
)

// nibbleBits is the number of bits of the largest integer with a nibble in its tag.
const nibbleBits = 52

// An Element is a value ready to be stored: head is its tag and number, tail the
// bytes of a string. It keeps the slice it was made from.
type Element struct {
	head [9]byte
	n    uint8 // bytes of head
	tail []byte
}

// String is the element of a byte string: an integer if s is the canonical
// decimal form of one. s must not be longer than MaxString.
func String(s []byte) Element {
	if v, ok := parseInt(s); ok {
		return Int(v)
	}
	e := Element{n: 1, tail: s}
	if len(s) <= maxShort {
		e.head[0] = tagString + byte(len(s))
		return e
	}
	e.n = 3
	e.head[0] = tagLong
	binary.LittleEndian.PutUint16(e.head[1:], uint16(len(s)))
	return e
}

// Int is the element of an integer.
func Int(v int64) Element {
	var e Element
	var n int // bytes after the tag
	switch {
	case v < 0:
		n = max(1, (bits.Len64(uint64(^v))+7)/8)
		e.head[0] = tagNegative + byte(8-n)
	case v < 1<<nibbleBits:
		n = (bits.Len64(uint64(v)) + 3) / 8
		e.head[0] = tagNibble + byte(n)<<4 + byte(v>>(8*n))
	default:
		n = 8
		e.head[0] = tagInt64
	}
	if n > 0 {
		binary.BigEndian.PutUint64(e.head[1:], uint64(v)<<(64-8*n))
	}
	e.n = uint8(1 + n)
	return e
}

// Float is the element of a float64, kept bit by bit.
func Float(f float64) Element {
	e := Element{n: 9}
	e.head[0] = tagFloat
	binary.BigEndian.PutUint64(e.head[1:], math.Float64bits(f))
	return e
}

// Size is the number of bytes the element takes in a list.
func (e *Element) Size() int { return int(e.n) + len(e.tail) }

// Int is the integer that the element is; ok is false if it is none.
func (e *Element) Int() (v int64, ok bool) { return List(e.head[:e.n]).Int(0) }

// put writes the element to the start of b and returns its size.
func (e *Element) put(b []byte) int {
	n := copy(b, e.head[:e.n])
	return n + copy(b[n:], e.tail)
}

// maxDecimal is the length of the longest decimal int64.
const maxDecimal = len("-9223372036854775808")

// parseInt is the number that s is the canonical decimal form of.
func parseInt(s []byte) (v int64, ok bool) {
	if len(s) == 0 || len(s) > maxDecimal {
		return 0, false
	}
	digits := s
	negative := s[0] == '-'
	if negative {
		digits = s[1:]
	}
	if len(digits) == 0 || digits[0] == '0' {
		return 0, len(digits) == len(s) && len(s) == 1 // "0", and no "-0", "-", "01"
	}
	if len(digits) > 19 {
		return 0, false
	}
	var u uint64 // 19 digits fit
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		} else {
			u = u*10 + uint64(c)
		}
	}
	if negative {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u < 1<<63
}
