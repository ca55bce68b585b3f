package resp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/redcon"
)

// Writer encodes replies by appending them to one slice; it implements
// commands.Reply. The zero value writes RESP2 to a slice of its own.
//
// The calls are not checked against each other: that an array has as many
// elements as it announced is its caller's promise.
type Writer struct {
	buf  []byte
	resp int // 3, or anything else for RESP2
	grow func(b []byte, n int) []byte
}

// Bytes is what was written since the last Reset or SetBuffer. It is valid
// until the next call of any of w's methods.
func (w *Writer) Bytes() []byte { return w.buf }

// Len is the length of Bytes.
func (w *Writer) Len() int { return len(w.buf) }

// Reset empties w and keeps its memory.
func (w *Writer) Reset() { w.buf = w.buf[:0] }

// SetBuffer lets w append to b from now on, and leaves what it wrote before to
// the caller. With nil the caller owns the old slice alone.
func (w *Writer) SetBuffer(b []byte) { w.buf = b }

// SetGrow has grow move what was written to a slice with room for n bytes more, when a string needs
// it. Without, it is slices.Grow.
func (w *Writer) SetGrow(grow func(b []byte, n int) []byte) { w.grow = grow }

// room makes room for a string of n bytes and what surrounds it.
func (w *Writer) room(n int) {
	if cap(w.buf)-len(w.buf) < n+maxHeader {
		w.makeRoom(n + maxHeader)
	}
}

func (w *Writer) makeRoom(n int) {
	if w.grow != nil {
		w.buf = w.grow(w.buf, n)
	} else {
		w.buf = slices.Grow(w.buf, n)
	}
}

// SetProto chooses the protocol of the replies to come: 2 or 3.
func (w *Writer) SetProto(version int) { w.resp = version }

// Proto is the protocol chosen with SetProto, 2 if none was.
func (w *Writer) Proto() int {
	if w.resp == 3 {
		return 3
	}
	return 2
}

// Status writes a simple string. Line breaks in s become blanks.
func (w *Writer) Status(s string) { w.buf = redcon.AppendString(w.buf, s) }

// Error writes an error line. Line breaks in msg become blanks, but for those at its end, which go.
func (w *Writer) Error(msg string) { w.buf = redcon.AppendError(w.buf, strings.TrimRight(msg, "\r\n")) }

// Int writes an integer.
func (w *Writer) Int(n int64) { w.buf = redcon.AppendInt(w.buf, n) }

// Bulk writes a copy of b as a bulk string.
func (w *Writer) Bulk(b []byte) {
	w.room(len(b))
	w.buf = appendBulk(w.buf, b)
}

// Str writes a bulk string.
func (w *Writer) Str(s string) {
	w.room(len(s))
	w.buf = appendBulk(w.buf, s)
}

// Double writes f in its shortest form (see appendDouble): a double in RESP3,
// a bulk string in RESP2.
func (w *Writer) Double(f float64) {
	if w.resp == 3 {
		w.buf = append(appendDouble(append(w.buf, ','), f), '\r', '\n')
		return
	}
	w.BulkDouble(f)
}

// BulkDouble writes f in its shortest form as a bulk string.
func (w *Writer) BulkDouble(f float64) {
	var text [maxDouble]byte
	w.buf = appendBulk(w.buf, appendDouble(text[:0], f))
}

// Bool writes a boolean in RESP3, the integer 0 or 1 in RESP2.
func (w *Writer) Bool(b bool) {
	switch {
	case w.resp == 3 && b:
		w.buf = append(w.buf, "#t\r\n"...)
	case w.resp == 3:
		w.buf = append(w.buf, "#f\r\n"...)
	case b:
		w.buf = append(w.buf, ":1\r\n"...)
	default:
		w.buf = append(w.buf, ":0\r\n"...)
	}
}

// Null writes RESP3's null or RESP2's null bulk string.
func (w *Writer) Null() {
	if w.resp == 3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = redcon.AppendNull(w.buf)
}

// NullArray writes RESP3's null or RESP2's null array.
func (w *Writer) NullArray() {
	if w.resp == 3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = append(w.buf, "*-1\r\n"...)
}

// Array begins an array of n elements.
func (w *Writer) Array(n int) { w.buf = redcon.AppendArray(w.buf, n) }

// Map begins a map of n pairs, in RESP2 an array of 2n elements.
func (w *Writer) Map(n int) {
	if w.resp == 3 {
		w.buf = appendHeader(w.buf, '%', n)
		return
	}
	w.Array(2 * n)
}

// Set begins a set of n elements, in RESP2 an array.
func (w *Writer) Set(n int) {
	if w.resp == 3 {
		w.buf = appendHeader(w.buf, '~', n)
		return
	}
	w.Array(n)
}

// Push begins an out-of-band push of n elements, in RESP2 an array.
func (w *Writer) Push(n int) {
	if w.resp == 3 {
		w.buf = appendHeader(w.buf, '>', n)
		return
	}
	w.Array(n)
}

// Verbatim writes a string with its format, three letters, in RESP3, and a
// bulk string in RESP2.
func (w *Writer) Verbatim(format, s string) {
	if w.resp != 3 {
		w.Str(s)
		return
	}
	w.buf = appendHeader(w.buf, '=', len(format)+len(":")+len(s))
	w.buf = append(w.buf, format...)
	w.buf = append(w.buf, ':')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, "\r\n"...)
}

// BeginBulk writes the header of a bulk string of n bytes, and makes room for these.
func (w *Writer) BeginBulk(n int) {
	w.room(n)
	w.buf = appendHeader(w.buf, '$', n)
}

// Raw appends encoded bytes.
func (w *Writer) Raw(b []byte) {
	w.room(len(b))
	w.buf = append(w.buf, b...)
}

// appendBulk appends a bulk string. Replies are mostly short ones, and for these
// it takes half the time of redcon's AppendBulk, whose header is general.
func appendBulk[S []byte | string](dst []byte, s S) []byte {
	switch n := len(s); {
	case n < 10:
		dst = append(dst, '$', byte('0'+n), '\r', '\n')
	case n < 100:
		dst = append(dst, '$', byte('0'+n/10), byte('0'+n%10), '\r', '\n')
	default:
		dst = appendHeader(dst, '$', n)
	}
	dst = append(dst, s...)
	return append(dst, '\r', '\n')
}

// maxHeader is room for a header, and for the line break after what it begins.
const maxHeader = 32

func appendHeader(dst []byte, kind byte, n int) []byte {
	dst = append(dst, kind)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '\r', '\n')
}

// Defer begins an array of a length that Patch will tell. It writes the header
// for one digit; Patch moves the elements if there are more.
func (w *Writer) Defer() int {
	mark := len(w.buf)
	w.buf = append(w.buf, "*0\r\n"...)
	return mark
}

// DeferSet is Defer for a set.
func (w *Writer) DeferSet() int {
	mark := w.Defer()
	if w.Proto() > 2 {
		w.buf[mark] = '~'
	}
	return mark
}

// Patch sets the length of the array that Defer began at mark to n. Arrays
// begun within it must have been patched before.
func (w *Writer) Patch(mark, n int) {
	var digits [20]byte
	d := strconv.AppendInt(digits[:0], int64(n), 10)
	at := mark + len("*")
	if more := len(d) - 1; more > 0 {
		end := len(w.buf)
		w.buf = append(w.buf, d[:more]...) // room; the bytes are moved over
		copy(w.buf[at+more:], w.buf[at:end])
	}
	copy(w.buf[at:], d)
}

// Mark is the place that Undo goes back to.
func (w *Writer) Mark() int { return len(w.buf) }

// Undo takes back what was written since Mark returned m.
func (w *Writer) Undo(m int) { w.buf = w.buf[:m] }
