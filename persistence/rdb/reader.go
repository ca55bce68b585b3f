package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"quarry/store"
)

// The first byte of a length, or of a string: the length in its low bits, where it is, or what is in place of it.
//
//	00nnnnnn            n
//	01nnnnnn nnnnnnnn   n, big-endian
//	10000000            32 bits follow, big-endian
//	10000001            64 bits, likewise
//	11000000            a string that is the decimal form of the 8 bits that follow
//	11000001, 11000010  of the 16, or 32, bits that follow, little-endian
//	11000011            a compressed string: two lengths, its own and that of what it says, then its bytes
const (
	length32   = 0x80
	length64   = 0x81
	encoded    = 0xc0
	encoded8   = 0
	encoded16  = 1
	encoded32  = 2
	encodedLZF = 3
)

const (
	readSize    = 256 << 10
	stepSize    = 1 << 20 // how much room is made at a time for a string of a length that nobody has proven
	scratchKept = 1 << 20
	stringMax   = math.MaxUint32
)

var (
	errShort   = errors.New("it ends in the middle")
	errLength  = errors.New("a length is none")
	errTooLong = errors.New("a string is longer than 4 GiB")
)

// reader reads the bytes of a file or payload. After its first error, all that it reads is 0.
type reader struct {
	src  io.Reader // nil: all is in buf
	buf  []byte
	r, w int    // what is in the buffer
	base int64  // where the buffer begins in the file
	left int64  // what there is at most behind the buffer
	sum  uint64 // of what lies before sumAt in the buffer
	upTo int    // bytes of the buffer that are in sum
	err  error

	// room is asked whether there is memory for n bytes before a string is decompressed that is long; nil: there is.
	room            func(n int64) bool
	scratch, packed []byte
	digits          [20]byte
}

// offset is where it is in the file.
func (r *reader) offset() int64 { return r.base + int64(r.r) }

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) failf(format string, args ...any) { r.fail(fmt.Errorf(format, args...)) }

// checksum is the sum of all that has been read.
func (r *reader) checksum() uint64 {
	r.sum = checksum(r.sum, r.buf[r.upTo:r.r])
	r.upTo = r.r
	return r.sum
}

// fill has n bytes in the buffer, which is large enough for them, and reports whether there are so many.
func (r *reader) fill(n int) bool {
	if r.w-r.r >= n {
		return true
	}
	if r.err != nil || r.src == nil {
		r.fail(errShort)
		return false
	}
	r.checksum()
	r.base += int64(r.r)
	r.w = copy(r.buf, r.buf[r.r:r.w])
	r.r, r.upTo = 0, 0
	for r.w < n {
		k, err := r.src.Read(r.buf[r.w:])
		r.w += k
		r.left -= int64(k)
		if err != nil && r.w < n {
			if err == io.EOF {
				err = errShort
			}
			r.fail(err)
			return false
		}
	}
	return true
}

// take is the next n bytes, valid until anything else is read; nil if they are not there.
func (r *reader) take(n uint64) []byte {
	if uint64(r.w-r.r) >= n && r.err == nil {
		b := r.buf[r.r : r.r+int(n)]
		r.r += int(n)
		return b
	}
	return r.takeSlow(n)
}

func (r *reader) takeSlow(n uint64) []byte {
	switch {
	case r.err != nil:
		return nil
	case n > stringMax:
		r.fail(errTooLong)
		return nil
	case n > uint64(r.w-r.r) && n-uint64(r.w-r.r) > uint64(r.left):
		r.fail(errShort)
		return nil
	case n <= uint64(len(r.buf)):
		if !r.fill(int(n)) {
			return nil
		}
		return r.take(n)
	}
	b := r.scratch[:0]
	if cap(b) > scratchKept {
		b = nil
	}
	for left := int(n); left > 0; {
		if r.r == r.w && !r.fill(1) {
			return nil
		}
		k := min(left, r.w-r.r)
		b = append(b, r.buf[r.r:r.r+k]...)
		r.r += k
		left -= k
	}
	r.scratch = b
	return b
}

// peek is the next byte, which is still to be read.
func (r *reader) peek() byte {
	if !r.fill(1) {
		return 0
	}
	return r.buf[r.r]
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// length reads a length.
func (r *reader) length() uint64 {
	n, special := r.lengthOr()
	if special {
		r.fail(errLength)
		return 0
	}
	return n
}

// lengthOr reads a length or, if special, what is in place of it.
func (r *reader) lengthOr() (n uint64, special bool) {
	b := r.byte()
	switch {
	case b < 1<<6:
		return uint64(b), false
	case b < 1<<7:
		return uint64(b&63)<<8 | uint64(r.byte()), false
	case b >= encoded:
		return uint64(b & 63), true
	case b == length32:
		if b := r.take(4); b != nil {
			return uint64(binary.BigEndian.Uint32(b)), false
		}
	case b == length64:
		if b := r.take(8); b != nil {
			return binary.BigEndian.Uint64(b), false
		}
	default:
		r.fail(errLength)
	}
	return 0, false
}

// str reads a string; it is valid until anything else is read.
func (r *reader) str() []byte {
	n, special := r.lengthOr()
	if !special {
		return r.take(n)
	}
	var v int64
	switch n {
	case encoded8:
		v = int64(int8(r.byte()))
	case encoded16:
		if b := r.take(2); b != nil {
			v = int64(int16(binary.LittleEndian.Uint16(b)))
		}
	case encoded32:
		v = int64(int32(r.u32()))
	case encodedLZF:
		return r.compressed()
	default:
		r.fail(errLength)
		return nil
	}
	return strconv.AppendInt(r.digits[:0], v, 10)
}

// compressed reads the rest of a compressed string.
func (r *reader) compressed() []byte {
	size, n := r.length(), r.length()
	if size > stringMax || n > stringMax || n > size*lzfRatio {
		r.fail(errLZF)
		return nil
	}
	if n > scratchKept && r.room != nil && !r.room(int64(n)) {
		r.fail(store.ErrOOM)
		return nil
	}
	src := r.take(size)
	if src == nil {
		r.fail(errLZF)
		return nil
	}
	dst := r.packed[:0]
	if cap(dst) > scratchKept {
		dst = nil
	}
	dst, err := decompress(dst, src, int(n))
	if err != nil {
		r.fail(err)
		return nil
	}
	r.packed = dst
	return dst
}
