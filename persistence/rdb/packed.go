package rdb

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// The forms in which Redis packs small values into one string. They are read by walkers that take nothing for granted: what they
// answer lies in the string, and each entry is where the one before says, and says itself what lay before it.

var (
	errZiplist  = errors.New("a ziplist is damaged")
	errListpack = errors.New("a listpack is damaged")
	errIntset   = errors.New("an intset is damaged")
	errZipmap   = errors.New("a zipmap is damaged")
)

// eachZiplist calls fn for the entries of a ziplist, whose digits are valid during the call:
//
//	u32 bytes | u32 where the last entry begins | u16 entries, 65535: more than that can say | entries | 255
//
// An entry begins with the length of the one before, a byte below 254 or 254 and u32, and its own form:
//
//	00nnnnnn             n bytes
//	01nnnnnn nnnnnnnn    n bytes, big-endian
//	10000000 u32         so many bytes, big-endian
//	11000000 11010000 11100000 11110000 11111110   an integer of 2, 4, 8, 3 or 1 bytes, little-endian
//	1111nnnn             n-1, n = 1 to 13
func eachZiplist(b []byte, fn func(v []byte) error) error {
	const head = 10
	if len(b) <= head || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) || b[len(b)-1] != 255 {
		return errZiplist
	}
	tail, count := int64(binary.LittleEndian.Uint32(b[4:])), int(binary.LittleEndian.Uint16(b[8:]))
	at, before, n, last := head, 0, 0, head
	var digits [20]byte
	for b[at] != 255 {
		c := cursor{b: b[:len(b)-1], at: at}
		size := int(c.byte())
		if size == 254 {
			size = int(c.little(4))
		}
		v := c.ziplistValue(&digits)
		if c.bad || size != before {
			return errZiplist
		}
		if err := fn(v); err != nil {
			return err
		}
		before, last, at, n = c.at-at, at, c.at, n+1
	}
	if at != len(b)-1 || tail != int64(last) || n != count && count != 65535 {
		return errZiplist
	}
	return nil
}

// cursor reads a part of a string. After the first read beyond its end, bad is set.
type cursor struct {
	b   []byte
	at  int
	bad bool
}

func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b)-c.at {
		c.bad, c.at = true, len(c.b)
		return nil
	}
	c.at += n
	return c.b[c.at-n : c.at]
}

func (c *cursor) byte() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// little reads n bytes, little-endian.
func (c *cursor) little(n int) (v uint64) {
	for i, x := range c.bytes(n) {
		v |= uint64(x) << (8 * i)
	}
	return v
}

// signed reads n bytes, little-endian, in two's complement, as digits.
func (c *cursor) signed(n int, digits *[20]byte) []byte {
	shift := 64 - 8*n
	return strconv.AppendInt(digits[:0], int64(c.little(n)<<shift)>>shift, 10)
}

func (c *cursor) ziplistValue(digits *[20]byte) []byte {
	form := c.byte()
	switch form >> 6 {
	case 0:
		return c.bytes(int(form))
	case 1:
		return c.bytes(int(form&63)<<8 | int(c.byte()))
	case 2:
		n := c.bytes(4)
		if n == nil || form != 0x80 {
			c.bad = true
			return nil
		}
		return c.bytes(int(binary.BigEndian.Uint32(n)))
	}
	switch form {
	case 0xc0:
		return c.signed(2, digits)
	case 0xd0:
		return c.signed(4, digits)
	case 0xe0:
		return c.signed(8, digits)
	case 0xf0:
		return c.signed(3, digits)
	case 0xfe:
		return c.signed(1, digits)
	}
	if form < 0xf1 || form > 0xfd {
		c.bad = true
		return nil
	}
	return strconv.AppendInt(digits[:0], int64(form&15)-1, 10)
}

// eachListpack calls fn for the entries of a listpack, whose digits are valid during the call:
//
//	u32 bytes | u16 entries, 65535: more than that can say | entries | 255
//
// An entry has its form, maybe bytes, and the length of these two, seven bits in each of up to 5 bytes, the highest first, of which all
// but the first have their top bit set:
//
//	0nnnnnnn             n
//	10nnnnnn             n bytes
//	110nnnnn nnnnnnnn    n, in two's complement, big-endian
//	1110nnnn nnnnnnnn    n bytes, big-endian
//	11110000 u32         so many bytes, little-endian
//	11110001 to 11110100 an integer of 2, 3, 4 or 8 bytes, little-endian
func eachListpack(b []byte, fn func(v []byte) error) error {
	const head = 6
	if len(b) <= head || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) || b[len(b)-1] != 255 {
		return errListpack
	}
	count, n, at := int(binary.LittleEndian.Uint16(b[4:])), 0, head
	var digits [20]byte
	for b[at] != 255 {
		c := cursor{b: b[:len(b)-1], at: at}
		v := c.listpackValue(&digits)
		c.backLength(c.at - at)
		if c.bad {
			return errListpack
		}
		if err := fn(v); err != nil {
			return err
		}
		at, n = c.at, n+1
	}
	if at != len(b)-1 || n != count && count != 65535 {
		return errListpack
	}
	return nil
}

func (c *cursor) listpackValue(digits *[20]byte) []byte {
	form := c.byte()
	switch {
	case form < 0x80:
		return strconv.AppendInt(digits[:0], int64(form), 10)
	case form < 0xc0:
		return c.bytes(int(form & 63))
	case form < 0xe0:
		v := int64(form&31)<<8 | int64(c.byte())
		return strconv.AppendInt(digits[:0], v<<51>>51, 10)
	case form < 0xf0:
		return c.bytes(int(form&15)<<8 | int(c.byte()))
	case form == 0xf0:
		return c.bytes(int(c.little(4)))
	case form == 0xf4:
		return c.signed(8, digits)
	case form < 0xf4:
		return c.signed(int(form&15)+1, digits)
	}
	c.bad = true
	return nil
}

// backLength reads the length n behind an entry of a listpack.
func (c *cursor) backLength(n int) {
	size := 5
	for i, most := range [...]int{1<<7 - 1, 1<<14 - 2, 1<<21 - 2, 1<<28 - 2} { // the longest of so many bytes: Redis does not use up all
		if n <= most {
			size = i + 1
			break
		}
	}
	v := 0
	for i, x := range c.bytes(size) {
		if (x&128 != 0) != (i > 0) {
			c.bad = true
		}
		v = v<<7 | int(x&127)
	}
	if v != n {
		c.bad = true
	}
}

// eachIntset calls fn for the integers of an intset: u32 bytes of each, 2, 4 or 8 | u32 number | the integers, ascending.
func eachIntset(b []byte, fn func(v []byte) error) error {
	c := cursor{b: b}
	size, n := c.little(4), c.little(4)
	if size != 2 && size != 4 && size != 8 || n*size != uint64(len(b)-c.at) || n > uint64(len(b)) {
		return errIntset
	}
	var digits [20]byte
	shift := 64 - 8*size
	var before int64
	for i := range n {
		v := int64(c.little(int(size))<<shift) >> shift
		if i > 0 && v <= before {
			return errIntset
		}
		before = v
		if err := fn(strconv.AppendInt(digits[:0], v, 10)); err != nil {
			return err
		}
	}
	return nil
}

// eachZipmap calls fn for the fields and values of a zipmap, by turns:
//
//	u8 pairs, 254: more than that can say | pairs | 255
//
// A pair is a length, so many bytes, a length, u8 how many bytes are unused behind the value, the value and these. A
// length is a byte below 254, or 254 and u32.
func eachZipmap(b []byte, fn func(v []byte) error) error {
	if len(b) < 2 || b[len(b)-1] != 255 {
		return errZipmap
	}
	c := cursor{b: b[:len(b)-1], at: 1}
	n := 0
	for ; c.at < len(c.b); n++ {
		name := c.bytes(c.zipmapLength())
		size := c.zipmapLength()
		unused := int(c.byte())
		value := c.bytes(size)
		c.bytes(unused)
		if c.bad {
			return errZipmap
		}
		if err := fn(name); err != nil {
			return err
		}
		if err := fn(value); err != nil {
			return err
		}
	}
	if b[0] < 254 && int(b[0]) != n {
		return errZipmap
	}
	return nil
}

func (c *cursor) zipmapLength() int {
	switch n := c.byte(); n {
	case 255:
		c.bad = true
		return 0
	case 254:
		return int(c.little(4))
	default:
		return int(n)
	}
}
