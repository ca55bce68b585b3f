package listpack

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// sizes is the size of an element by its tag; unsized where more than the tag is
// needed. That is a size which no element has, so that no guess of Length equals it.
var sizes = makeSizes()

const unsized = maxShort + 2 // strings take up to maxShort+1, long ones maxShort+4 and more

func makeSizes() (sizes [256]uint8) {
	for t := range sizes {
		switch {
		case t <= maxShort:
			sizes[t] = uint8(1 + t)
		case t < tagNibble:
			sizes[t] = uint8(1 + 8 - (t - tagNegative))
		case t < tagInt64:
			sizes[t] = uint8(1 + (t-tagNibble)>>4)
		case t < tagLong:
			sizes[t] = 9
		default:
			sizes[t] = unsized
		}
	}
	return sizes
}

// Next is the position after the element at pos.
func (l List) Next(pos int) int {
	if n := sizes[l[pos]]; n != unsized {
		return pos + int(n)
	}
	return l.nextLong(pos)
}

func (l List) nextLong(pos int) int {
	if l[pos] != tagLong {
		panic(fmt.Errorf("listpack: bad tag %#x at %d", l[pos], pos))
	}
	return pos + 3 + int(binary.LittleEndian.Uint16(l[pos+1:]))
}

// Length is the size of the element at pos. It guesses: that the element is as
// long as the one before it in its column. Where each position is computed from the
// byte at the one before, walking runs at the latency of the cache; a guess that
// comes true lets the processor read ahead, and a list whose values
// are equally long is walked three to four times as fast. So a walk passes
// the length it got last, and begins with 0.
func (l List) Length(pos, guess int) int {
	if int(sizes[l[pos]]) == guess {
		return guess
	}
	return l.lengthUnguessed(pos)
}

func (l List) lengthUnguessed(pos int) int { return l.Next(pos) - pos }

// Skip is the position n elements after pos.
func (l List) Skip(pos, n int) int {
	even, odd := 0, 0 // most lists are of pairs: two columns
	for ; n >= 2; n -= 2 {
		even = l.Length(pos, even)
		pos += even
		odd = l.Length(pos, odd)
		pos += odd
	}
	if n > 0 {
		pos = l.Next(pos)
	}
	return pos
}

// Find is the position and the index of the first element equal to e; with
// pairs only the first element of each pair is looked at, and the list must be
// made of pairs. index is -1 if there is none.
func (l List) Find(e *Element, pairs bool) (pos, index int) {
	key := keyOf(e)
	even, odd := 0, 0
	size := l.Size()
	for pos = HeaderSize; pos < size; index += 2 {
		if l[pos] == e.head[0] && key.near(l, pos) && l.Equal(pos, e) {
			return pos, index
		}
		even = l.Length(pos, even)
		pos += even
		if !pairs {
			if pos >= size {
				return 0, -1
			}
			if l[pos] == e.head[0] && key.near(l, pos) && l.Equal(pos, e) {
				return pos, index + 1
			}
		}
		odd = l.Length(pos, odd)
		pos += odd
	}
	return 0, -1
}

// A key is an element made ready for comparing: the first eight bytes of short ones, the
// last eight of others, where members of one kind differ soonest.
type key struct {
	off        int
	mask, want uint64
}

func keyOf(e *Element) key {
	size := e.Size()
	if size <= 8 {
		var b [8]byte
		e.put(b[:])
		return key{0, 1<<(8*size) - 1, binary.LittleEndian.Uint64(b[:])}
	}
	last := e.head[1:]
	if n := len(e.tail); n >= 8 {
		last = e.tail[n-8:]
	}
	return key{size - 8, 1<<64 - 1, binary.LittleEndian.Uint64(last)}
}

// near reports whether the element at pos, whose tag is the same, may be equal:
// it is most likely so.
func (k *key) near(l List, pos int) bool {
	pos += k.off
	return pos > len(l)-8 || binary.LittleEndian.Uint64(l[pos:])&k.mask == k.want
}

// SearchInt is the position of an integer in a list of integers only that ascend, or the one it would have. Their
// order is that of their bytes (TestIntegersOrderAsBytes): nothing is decoded. What
// is below 0, or shorter than what follows, is walked over. From where all that remain are equally
// long they are halved: non-negative integers become longer as they ascend, so these are
// all if they have the size of as many of the first.
func (l List) SearchInt(e *Element) (pos int, there bool) {
	tag, tail := e.head[0], int(e.n)-1
	want := binary.BigEndian.Uint64(e.head[1:]) >> (64 - 8*tail)
	size, left := l.Size(), l.Len()
	for pos = HeaderSize; pos < size; left-- {
		t := l[pos]
		n := int(sizes[t])
		if t >= tagNibble && size-pos == n*left {
			break
		}
		if t >= tag && (t > tag || l.bigEndian(pos+1, tail) >= want) {
			left = 0
			break
		}
		pos += n
	}
	if left > 0 {
		n := int(sizes[l[pos]])
		for left > 0 {
			half := left / 2
			at := pos + half*n
			if t := l[at]; t < tag || t == tag && l.bigEndian(at+1, tail) < want {
				pos, left = at+n, left-half-1
			} else {
				left = half
			}
		}
	}
	return pos, pos < size && l.Equal(pos, e)
}

// Equal reports whether the element at pos is e.
func (l List) Equal(pos int, e *Element) bool {
	b, n := l[pos:], int(e.n)
	return len(b) >= n && bytes.Equal(b[:n], e.head[:n]) && bytes.HasPrefix(b[n:], e.tail)
}
