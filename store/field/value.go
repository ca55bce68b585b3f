package field

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"quarry/store/zset"
)

// A member's row in the set of places has what filters ask for in its value, which lies in the leaf itself,
// and the rest in its tail. The value, at most zset.MaxValue bytes:
//
//	0 u8  flags
//	1 u8  how many numeric fields are here (low 4 bits), and how many tags' hashes (high 4 bits)
//	2 f64 x, or longitude
//	  f64 y, or latitude
//	  f64 z                  if hasZ
//	  u64 expires, Unix ms   if hasExpiry
//	  i64 SEQ                if hasSeq
//	  (u8 id, f64 value)     of each numeric field, ids ascending
//	  u32 hash               of each tag's name and text
//
// Numbers lie at any address, little-endian. A member of a plane with one numeric field has 27 bytes. What does not fit is in
// the tail: then moreNumbers or moreTags say so. The tail:
//
//	0 u32 where the payload begins
//	4 u8  how many numeric fields are here
//	5 u8  how many tags
//	  (u8 id, f64 value)                    of each numeric field, ids ascending, after those of the value
//	  (u8 length, name, u8 length, text)    of each tag, in the order of their names' bytes
//	  payload                               if hasPayload
//
// A filter on a number reads the value only, unless it must look for a number in the tail. A tag is looked for by its hash;
// the tail is read when that is there, to compare the text.
const (
	hasZ = 1 << iota
	hasExpiry
	hasSeq
	hasPayload
	hasTags     // the tail has tags
	moreNumbers // the tail has numeric fields
	moreTags    // the tail has tags whose hashes are not in the value
	knownFlags  = 1<<iota - 1

	valueHead  = 2
	wordSize   = 8
	numberSize = 1 + wordSize
	hashSize   = 4
	nibble     = 15 // the most numbers, or hashes, in a value
	tailHead   = 6
)

// What a member may have.
const (
	MaxNames   = 255 // different numeric fields in one field, and so of one member
	MaxNameLen = 64  // bytes of the name of a numeric field or a tag
	MaxTags    = 64  // tags of one member
	MaxTextLen = 255 // bytes of a tag's text
)

// number is a numeric field of a member.
type number struct {
	id    uint8
	value float64
}

// Tag is a name with a text.
type Tag struct{ Name, Text []byte }

// view is a row's value as it lies in the leaf.
type view struct{ b []byte }

func (v view) flags() uint8 { return v.b[0] }

func (v view) has(f uint8) bool { return v.b[0]&f != 0 }

func (v view) float(at int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(v.b[at:]))
}

func (v view) x() float64 { return v.float(valueHead) }
func (v view) y() float64 { return v.float(valueHead + wordSize) }

// z is 0 in two dimensions.
func (v view) z() float64 {
	if v.has(hasZ) {
		return v.float(valueHead + 2*wordSize)
	}
	return 0
}

// wordAt is where a word that follows the coordinates lies, when those flags come before it.
func (v view) wordAt(before uint8) int {
	at := valueHead + 2*wordSize
	for f := uint8(hasZ); f <= hasSeq; f <<= 1 {
		if v.b[0]&before&f != 0 {
			at += wordSize
		}
	}
	return at
}

// expiresAt is when the member's time is over, 0 if never.
func (v view) expiresAt() int64 {
	if v.has(hasExpiry) {
		return int64(binary.LittleEndian.Uint64(v.b[v.wordAt(hasZ):]))
	}
	return 0
}

// seq is the member's SEQ, if it has one.
func (v view) seq() (n int64, ok bool) {
	if v.has(hasSeq) {
		return int64(binary.LittleEndian.Uint64(v.b[v.wordAt(hasZ|hasExpiry):])), true
	}
	return 0, false
}

// numbers are the bytes of the numeric fields here, hashes those of the tags' hashes.
func (v view) numbers() []byte {
	at := v.wordAt(hasZ | hasExpiry | hasSeq)
	return v.b[at : at+numberSize*int(v.b[1]&nibble)]
}

func (v view) hashes() []byte {
	return v.b[len(v.b)-hashSize*int(v.b[1]>>4):]
}

// find looks for a numeric field among the bytes of some.
func findNumber(b []byte, id uint8) (value float64, ok bool) {
	for ; len(b) > 0; b = b[numberSize:] {
		if b[0] == id {
			return math.Float64frombits(binary.LittleEndian.Uint64(b[1:])), true
		}
	}
	return 0, false
}

// hasHash looks for a hash among the bytes of some.
func hasHash(b []byte, h uint32) bool {
	for ; len(b) > 0; b = b[hashSize:] {
		if binary.LittleEndian.Uint32(b) == h {
			return true
		}
	}
	return false
}

func appendNumbers(dst []byte, list []number) []byte {
	for _, n := range list {
		dst = append(dst, n.id)
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(n.value))
	}
	return dst
}

func readNumbers(list []number, b []byte) []number {
	for ; len(b) > 0; b = b[numberSize:] {
		list = append(list, number{b[0], math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))})
	}
	return list
}

// thing is a member's record taken apart. Slices lie in scratch space or in what was read.
type thing struct {
	x, y, z   float64
	expiresAt int64 // 0: never
	seq       int64
	hasZ      bool
	hasSeq    bool
	numbers   []number // by id
	tags      []Tag    // by name

	payload    []byte
	hasPayload bool
}

// read takes a value and a tail apart, both sound; the tail is nil if it does not matter.
func (t *thing) read(v view, tail []byte) {
	t.x, t.y, t.z, t.hasZ = v.x(), v.y(), v.z(), v.has(hasZ)
	t.expiresAt = v.expiresAt()
	t.seq, t.hasSeq = v.seq()
	t.numbers = readNumbers(t.numbers[:0], v.numbers())
	t.tags, t.payload, t.hasPayload = t.tags[:0], nil, v.has(hasPayload)
	if len(tail) == 0 {
		return
	}
	t.numbers = readNumbers(t.numbers, tailNumbers(tail))
	for w := tailTags(tail); w.next(); {
		t.tags = append(t.tags, w.tag)
	}
	t.payload = tail[binary.LittleEndian.Uint32(tail):]
}

func tailNumbers(tail []byte) []byte { return tail[tailHead : tailHead+numberSize*int(tail[4])] }

// tagWalk goes through the tags of a tail.
type tagWalk struct {
	rest []byte
	left int
	tag  Tag
}

func tailTags(tail []byte) tagWalk {
	return tagWalk{rest: tail[tailHead+numberSize*int(tail[4]):], left: int(tail[5])}
}

func (w *tagWalk) next() bool {
	if w.left == 0 {
		return false
	}
	w.left--
	w.tag.Name, w.tag.Text = w.bytes(), w.bytes()
	return true
}

func (w *tagWalk) bytes() []byte {
	n := 1 + int(w.rest[0])
	b := w.rest[1:n]
	w.rest = w.rest[n:]
	return b
}

// appendHead appends a value's bytes up to the numeric fields; the flags of the tail and the numbers are to be set.
func (t *thing) appendHead(dst []byte) []byte {
	dst = append(dst, 0, 0)
	word := func(flag uint8, u uint64) {
		dst[0] |= flag
		dst = binary.LittleEndian.AppendUint64(dst, u)
	}
	word(0, math.Float64bits(t.x))
	word(0, math.Float64bits(t.y))
	if t.hasZ {
		word(hasZ, math.Float64bits(t.z))
	}
	if t.expiresAt != 0 {
		word(hasExpiry, uint64(t.expiresAt))
	}
	if t.hasSeq {
		word(hasSeq, uint64(t.seq))
	}
	return dst
}

// appendValue makes the value from what is in the thing and the hashes of its tags, as much as fits; inline
// is the number of numeric fields there. dst is empty.
func (t *thing) appendValue(dst []byte, hashes []byte) (value []byte, inline int) {
	dst = t.appendHead(dst)
	inline = min(len(t.numbers), nibble, (zset.MaxValue-len(dst))/numberSize)
	dst = appendNumbers(dst, t.numbers[:inline])
	n := min(len(hashes)/hashSize, nibble, (zset.MaxValue-len(dst))/hashSize)
	dst = append(dst, hashes[:n*hashSize]...)
	dst[1] = uint8(inline | n<<4)
	if len(hashes) > 0 {
		dst[0] |= hasTags
	}
	if n*hashSize < len(hashes) {
		dst[0] |= moreTags
	}
	if inline < len(t.numbers) {
		dst[0] |= moreNumbers
	}
	if t.hasPayload {
		dst[0] |= hasPayload
	}
	return dst, inline
}

// appendTail makes the tail that goes with a value in which so many numbers are; nil if none is needed.
func (t *thing) appendTail(dst []byte, inline int) []byte {
	if inline == len(t.numbers) && len(t.tags) == 0 && !t.hasPayload {
		return nil
	}
	dst = append(dst, 0, 0, 0, 0, uint8(len(t.numbers)-inline), uint8(len(t.tags)))
	dst = appendNumbers(dst, t.numbers[inline:])
	for _, g := range t.tags {
		dst = append(append(dst, uint8(len(g.Name))), g.Name...)
		dst = append(append(dst, uint8(len(g.Text))), g.Text...)
	}
	binary.LittleEndian.PutUint32(dst, uint32(len(dst)))
	return append(dst, t.payload...)
}

// errValue is what checks find.
func errValue(format string, args ...any) error {
	return fmt.Errorf("field: value: "+format, args...)
}

// checkValue says what is wrong with the bytes of a value, all else aside.
func checkValue(b []byte) error {
	if len(b) < valueHead+2*wordSize || len(b) > zset.MaxValue {
		return errValue("%d bytes", len(b))
	}
	v := view{b}
	if b[0]&^uint8(knownFlags) != 0 {
		return errValue("flags %#x", b[0])
	}
	want := v.wordAt(hasZ|hasExpiry|hasSeq) + numberSize*int(b[1]&nibble) + hashSize*int(b[1]>>4)
	if len(b) != want {
		return errValue("%d bytes, not %d", len(b), want)
	}
	if v.has(hasExpiry) && v.expiresAt() <= 0 {
		return errValue("it expires at %d", v.expiresAt())
	}
	if v.has(moreTags) && !v.has(hasTags) || b[1]>>4 != 0 && !v.has(hasTags) {
		return errValue("flags %#x with %d hashes", b[0], b[1]>>4)
	}
	return ascending(v.numbers(), -1)
}

// ascending checks that ids ascend after last.
func ascending(b []byte, last int) error {
	for _, n := range readNumbers(nil, b) {
		if int(n.id) <= last {
			return errValue("numeric field %d after %d", n.id, last)
		}
		if math.IsNaN(n.value) || math.IsInf(n.value, 0) {
			return errValue("numeric field %d is %v", n.id, n.value)
		}
		last = int(n.id)
	}
	return nil
}

var errTail = errors.New("field: tail: it ends early")

// checkTail says what is wrong with the tail of a sound value.
func checkTail(v view, tail []byte) error {
	if wants := v.has(moreNumbers | hasTags | hasPayload); !wants || len(tail) == 0 {
		if wants != (len(tail) > 0) {
			return errValue("flags %#x with a tail of %d bytes", v.flags(), len(tail))
		}
		return nil
	}
	if len(tail) < tailHead || len(tail) < tailHead+numberSize*int(tail[4]) {
		return errTail
	}
	if v.has(moreNumbers) != (tail[4] > 0) || v.has(hasTags) != (tail[5] > 0) {
		return errValue("flags %#x with %d numeric fields and %d tags in the tail", v.flags(), tail[4], tail[5])
	}
	last := -1
	if list := readNumbers(nil, v.numbers()); len(list) > 0 {
		last = int(list[len(list)-1].id)
	}
	if err := ascending(tailNumbers(tail), last); err != nil {
		return err
	}
	payload, err := tagsEnd(tail)
	switch {
	case err != nil:
		return err
	case payload != int(binary.LittleEndian.Uint32(tail)):
		return errValue("the payload begins at %d, not %d", binary.LittleEndian.Uint32(tail), payload)
	case !v.has(hasPayload) && payload < len(tail):
		return errValue("a payload of %d bytes without the flag", len(tail)-payload)
	case int(tail[5]) > MaxTags, int(v.b[1]>>4) > int(tail[5]), v.has(moreTags) != (int(v.b[1]>>4) < int(tail[5])):
		return errValue("%d tags with %d hashes, flags %#x", tail[5], v.b[1]>>4, v.flags())
	}
	return nil
}

// tagsEnd walks a tail's tags and returns where they end.
func tagsEnd(tail []byte) (int, error) {
	at := tailHead + numberSize*int(tail[4])
	var before []byte
	for i := range int(tail[5]) {
		var part [2][]byte
		for j := range part {
			if at >= len(tail) || at+1+int(tail[at]) > len(tail) {
				return 0, errTail
			}
			part[j] = tail[at+1 : at+1+int(tail[at])]
			at += 1 + len(part[j])
		}
		if i > 0 && string(part[0]) <= string(before) {
			return 0, errValue("tag %q after %q", part[0], before)
		}
		before = part[0]
	}
	return at, nil
}
