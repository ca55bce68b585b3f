package rdb

import (
	"encoding/binary"
	"io"
	"math"
	"strconv"
)

const (
	flushSize    = 256 << 10
	directSize   = 64 << 10 // what is longer is not copied into the buffer
	intMax       = 11       // digits, with a sign, of an integer that has a short form
	compressMin  = 21       // bytes
	compressMax  = 1 << 20  // longer strings are written as they are: compressing needs all of them at once
	compressGain = 4
)

// writer writes the bytes of a file, or, without w, makes those of a payload in buf.
type writer struct {
	w     io.Writer
	buf   []byte
	max   int // bytes that a payload may have
	sum   uint64
	noSum bool
	err   error

	passed func() error // is called after each write; nil: it is not

	compress bool
	lzf      *lzf // made when it is needed
}

// flush passes on what is in the buffer.
func (w *writer) flush() {
	w.pass(w.buf)
	w.buf = w.buf[:0]
}

func (w *writer) pass(b []byte) {
	if w.err != nil || len(b) == 0 {
		return
	}
	if !w.noSum {
		w.sum = checksum(w.sum, b)
	}
	if _, w.err = w.w.Write(b); w.err == nil && w.passed != nil {
		w.err = w.passed()
	}
}

// room is called between elements, so that the buffer stays small, or a payload is given up that would be too large.
func (w *writer) room() {
	switch {
	case len(w.buf) < flushSize:
	case w.w != nil:
		w.flush()
	case len(w.buf) > w.max:
		w.err = ErrTooLarge
	}
}

func (w *writer) byte(b byte) { w.buf = append(w.buf, b) }

// raw writes bytes as they are.
func (w *writer) raw(b []byte) {
	if len(b) >= directSize && w.w != nil {
		w.flush()
		w.pass(b)
		return
	}
	w.buf = append(w.buf, b...)
}

func (w *writer) u16(n uint16) { w.buf = binary.LittleEndian.AppendUint16(w.buf, n) }
func (w *writer) u32(n uint32) { w.buf = binary.LittleEndian.AppendUint32(w.buf, n) }
func (w *writer) u64(n uint64) { w.buf = binary.LittleEndian.AppendUint64(w.buf, n) }

func (w *writer) float(f float64) { w.u64(math.Float64bits(f)) }

// length writes a length.
func (w *writer) length(n uint64) { w.buf = appendLength(w.buf, n) }

func appendLength(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(dst, byte(n))
	case n < 1<<14:
		return append(dst, 1<<6|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, length32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, length64), n)
}

// str writes a string in the shortest form it has.
func (w *writer) str(b []byte) {
	if len(b) <= intMax {
		if n, ok := shortInt(b); ok {
			w.int(n)
			return
		}
	}
	if w.compress && len(b) >= compressMin && len(b) <= compressMax {
		if w.lzf == nil {
			w.lzf = lzfs.Get().(*lzf)
		}
		if z := w.lzf.compress(b, len(b)-compressGain+1); z != nil {
			w.byte(encoded | encodedLZF)
			w.length(uint64(len(z)))
			w.length(uint64(len(b)))
			w.raw(z)
			return
		}
	}
	w.length(uint64(len(b)))
	w.raw(b)
}

// done gives back what the writer has taken.
func (w *writer) done() {
	if w.lzf != nil {
		lzfs.Put(w.lzf)
		w.lzf = nil
	}
}

func (w *writer) text(s string) { w.str([]byte(s)) }

// int writes the string that is an integer's decimal form.
func (w *writer) int(n int32) {
	switch {
	case int32(int8(n)) == n:
		w.buf = append(w.buf, encoded|encoded8, byte(n))
	case int32(int16(n)) == n:
		w.byte(encoded | encoded16)
		w.u16(uint16(n))
	default:
		w.byte(encoded | encoded32)
		w.u32(uint32(n))
	}
}

// shortInt is the integer whose decimal form b is, if it has 32 bits.
func shortInt(b []byte) (n int32, ok bool) {
	if len(b) == 0 || b[0] > '9' || b[len(b)-1] > '9' {
		return 0, false
	}
	v, digits := int64(0), b
	if negative := b[0] == '-'; negative {
		digits = b[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if len(digits) < len(b) {
		v = -v
	}
	return int32(v), int64(int32(v)) == v
}

func (w *writer) aux(name, value string) {
	w.byte(codeAux)
	w.text(name)
	w.text(value)
}

func (w *writer) auxInt(name string, n int64) { w.aux(name, strconv.FormatInt(n, 10)) }
