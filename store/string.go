package store

import (
	"fmt"
	"strconv"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// A string has one of three forms, by its length alone:
//
//	inline  up to 1 KiB: behind the key in the key's record, recValue being its
//	        length. One place to look at where Redis has three, and no object of its own.
//	blob    up to 256 KiB: a blob of the shard's heap
//	large   more: pages of its own (text), so that any part of it is reached
//	        at once, and dropping it hands over an arena
//
// The record's encoding byte holds the form and what OBJECT ENCODING cannot tell from
// the bytes. A string that was made by APPEND or SETRANGE is "raw", as in Redis, and the
// result of INCRBYFLOAT is not "int" even if it looks like one:
//
//	7      4  3   2  1  0
//	+-------+---+---+----+
//	|   0   |txt|raw|form|
//	+-------+---+---+----+
const (
	strInline = 0
	strBlob   = 1
	strLarge  = 2
	strForm   = 3 // mask
	strRaw    = 1 << 2
	strText   = 1 << 3

	inlineString = 1 << 10
	blobString   = 256 << 10

	embstrMax = 44 // bytes, as in Redis
	// MaxString is the longest string there can be, whatever proto-max-bulk-len says.
	MaxString = 1<<32 - 1
)

// text is the memory of a large string. The pages' mark is its length.
type text struct{ pages offheap.Pages }

func (t *text) len() int { return int(t.pages.Mark()) }

// Freeze is the text in a view.
func (t *text) Freeze(open slab.Opener) *text { return &text{open(&t.pages)} }

// EachPages is slab.Arenas'.
func (t *text) EachPages(fn func(*offheap.Pages)) { fn(&t.pages) }

// CloseSome is slab.Arenas'.
func (t *text) CloseSome(n int) bool { return t.pages.DropSome(n) > 0 }

// grow makes t n bytes long; what the new bytes are is unspecified.
func (t *text) grow(n int) {
	for t.pages.Len()*offheap.PageSize < n {
		t.pages.Append(0)
	}
	t.pages.SetMark(uint64(n))
}

// write writes b at an offset; nil stands for size zeros.
func (t *text) write(at int, b []byte, size int) {
	for done := 0; done < size; {
		off := (at + done) % offheap.PageSize
		n := min(size-done, offheap.PageSize-off)
		w := t.pages.W(uint32((at+done)/offheap.PageSize), uint32(off), n)
		if b == nil {
			w.Zero(0, n)
		} else {
			w.Copy(0, b[done:done+n])
		}
		done += n
	}
}

// Parts walks the pieces of a part of a string in order, without copying. It is
// valid until the string changes or the shard is unlocked.
type Parts struct {
	inline []byte
	blob   slab.Parts
	text   *text
	at     int
	left   int // of inline and text
}

// More reports whether there is a piece left.
func (p *Parts) More() bool { return p.left > 0 || p.blob.More() }

// Next is the next piece, to be read.
func (p *Parts) Next() []byte {
	switch {
	case p.inline != nil:
		p.left = 0
		return p.inline
	case p.text != nil:
		off := p.at % offheap.PageSize
		n := min(p.left, offheap.PageSize-off)
		page := uint32(p.at / offheap.PageSize)
		p.at, p.left = p.at+n, p.left-n
		return p.text.pages.Read(page, uint32(off), n).Bytes(0, n)
	}
	return p.blob.Next()
}

// stringLen is the length of the string that a record keeps.
func (sh *shard) stringLen(rec slab.Ref) int {
	switch enc, ref := sh.formOf(rec); enc & strForm {
	case strInline:
		return int(ref)
	case strBlob:
		return sh.heap.BlobLen(slab.Ref(ref))
	default:
		return sh.texts.At(ref).len()
	}
}

// stringParts walks n bytes of a record's string from start on, all of which it has.
func (sh *shard) stringParts(rec slab.Ref, start, n int) Parts {
	switch enc, ref := sh.formOf(rec); enc & strForm {
	case strInline:
		return Parts{inline: sh.heap.R(rec).Bytes(sh.inlineAt(rec)+start, n), left: n}
	case strBlob:
		return Parts{blob: sh.heap.BlobParts(slab.Ref(ref), start, n)}
	default:
		return Parts{text: sh.texts.At(ref), at: start, left: n}
	}
}

// fitsInline reports whether a string of n bytes goes into the record.
func (sh *shard) fitsInline(inlineAt, n int) bool {
	return n <= inlineString && inlineAt+n <= slab.MaxSize
}

// resizeInline makes the record's inline part n bytes long; it keeps the bytes it has, and
// what new ones are is unspecified. A record moves when it must, or when half
// of it would be unused.
func (sh *shard) resizeInline(at *spot, n int) {
	size := sh.inlineAt(at.rec) + n
	if room := sh.heap.Cap(at.rec); size > room || slab.Class(size) <= room/2 {
		sh.moveRecord(at, size, min(size, room))
	}
	sh.heap.W(at.rec).SetU32(recValue, uint32(n))
}

// freeText gives what a string has beside its record back.
func (sh *shard) freeText(enc uint8, ref uint32) {
	switch enc & strForm {
	case strBlob:
		sh.heap.FreeBlob(slab.Ref(ref))
	case strLarge:
		sh.texts.Bury(ref)
	}
}

// putString makes b the string of a record, which holds a string; mark is strRaw or strText, or 0.
func (sh *shard) putString(at *spot, b []byte, mark uint8) {
	enc, ref := sh.formOf(at.rec)
	if sh.fitsInline(sh.inlineAt(at.rec), len(b)) {
		if enc&strForm != strInline {
			sh.freeText(enc, ref)
			sh.heap.W(at.rec).SetU32(recValue, 0)
		}
		sh.resizeInline(at, len(b))
		w := sh.heap.W(at.rec)
		w.SetU8(recEnc, strInline|mark)
		w.Copy(sh.inlineAt(at.rec), b)
		return
	}
	if sh.rewrite(enc, ref, b) {
		sh.heap.W(at.rec).SetU8(recEnc, enc&strForm|mark)
		return
	}
	form, name := sh.newText(b)
	if enc&strForm == strInline {
		sh.resizeInline(at, 0)
	} else {
		sh.freeText(enc, ref)
	}
	sh.setForm(at.rec, TypeString, form|mark, name)
}

// rewrite writes b, which is not inline, where another string lies, if it fits there: pages that are
// freed and taken again and again would be given back to the system meanwhile.
func (sh *shard) rewrite(enc uint8, ref uint32, b []byte) bool {
	switch enc & strForm {
	case strBlob:
		if sh.heap.BlobLen(slab.Ref(ref)) == len(b) {
			sh.heap.WriteBlob(slab.Ref(ref), 0, b)
			return true
		}
	case strLarge:
		t, pages := sh.texts.At(ref), (len(b)+offheap.PageSize-1)/offheap.PageSize
		if len(b) > blobString && pages >= t.pages.Len()-reclaimPages {
			t.pages.Truncate(min(pages, t.pages.Len()))
			t.grow(len(b))
			t.write(0, b, len(b))
			return true
		}
	}
	return false
}

// newText stores b, which is not inline.
func (sh *shard) newText(b []byte) (form uint8, name uint32) {
	if len(b) <= blobString {
		return strBlob, uint32(sh.heap.PutBlob(b))
	}
	t := &text{pages: offheap.NewPages(sh.heap.Region())}
	t.grow(len(b))
	t.write(0, b, len(b))
	return strLarge, sh.texts.Add(t)
}

// extend makes the string of a record n bytes long, not fewer than it has; what the
// new bytes are is unspecified.
func (sh *shard) extend(at *spot, n int) {
	enc, ref := sh.formOf(at.rec)
	form := enc & strForm
	switch {
	case form == strInline && sh.fitsInline(sh.inlineAt(at.rec), n):
		sh.resizeInline(at, n)
	case form == strLarge:
		sh.texts.At(ref).grow(n)
	case form == strBlob && n <= blobString:
		sh.heap.W(at.rec).SetU32(recValue, uint32(sh.heap.GrowBlob(slab.Ref(ref), n)))
	case n <= blobString: // from inline
		blob := sh.heap.PutBlob(sh.heap.R(at.rec).Bytes(sh.inlineAt(at.rec), int(ref)))
		blob = sh.heap.GrowBlob(blob, n)
		sh.resizeInline(at, 0)
		sh.setForm(at.rec, TypeString, strBlob, uint32(blob))
	default: // to large
		t := &text{pages: offheap.NewPages(sh.heap.Region())}
		t.grow(n)
		done := 0
		for p := sh.stringParts(at.rec, 0, sh.stringLen(at.rec)); p.More(); {
			part := p.Next()
			t.write(done, part, len(part))
			done += len(part)
		}
		if form == strInline {
			sh.resizeInline(at, 0)
		} else {
			sh.freeText(enc, ref)
		}
		sh.setForm(at.rec, TypeString, strLarge, sh.texts.Add(t))
	}
}

// overwrite writes b at an offset of a record's string, which is long enough.
func (sh *shard) overwrite(rec slab.Ref, off int, b []byte) {
	switch enc, ref := sh.formOf(rec); enc & strForm {
	case strInline:
		sh.heap.W(rec).Copy(sh.inlineAt(rec)+off, b)
	case strBlob:
		sh.heap.WriteBlob(slab.Ref(ref), off, b)
	default:
		sh.texts.At(ref).write(off, b, len(b))
	}
}

var zeros [offheap.PageSize]byte

// zero clears n bytes at an offset of a record's string.
func (sh *shard) zero(rec slab.Ref, off, n int) {
	for n > 0 {
		k := min(n, len(zeros))
		sh.overwrite(rec, off, zeros[:k])
		off, n = off+k, n-k
	}
}

// stringKind is what the shard does with strings.
type stringKind struct{ sh *shard }

func (k stringKind) free(rec slab.Ref) { k.sh.freeText(k.sh.formOf(rec)) }

func (k stringKind) inline(rec slab.Ref) []byte {
	_, n := k.sh.formOf(rec)
	return k.sh.heap.R(rec).Bytes(k.sh.inlineAt(rec), int(n))
}

func (k stringKind) move(rec slab.Ref, to *shard) value {
	enc, ref := k.sh.formOf(rec)
	v := value{typ: TypeString, enc: enc, ref: ref}
	switch {
	case enc&strForm == strInline:
		v.inline = k.inline(rec)
	case to == k.sh:
	case enc&strForm == strLarge:
		v.ref = to.texts.Add(k.sh.texts.Take(ref))
	default:
		v = k.copy(rec, to)
		k.free(rec)
	}
	return v
}

func (k stringKind) copy(rec slab.Ref, to *shard) value {
	enc, ref := k.sh.formOf(rec)
	v := value{typ: TypeString, enc: enc, ref: ref}
	switch enc & strForm {
	case strInline:
		v.inline = k.inline(rec)
	case strBlob:
		v.ref = uint32(to.heap.CopyBlob(k.sh.heap, slab.Ref(ref), k.sh.stringLen(rec)))
	default:
		t := k.sh.texts.At(ref)
		v.ref = to.texts.Add(&text{t.pages.Clone()})
	}
	return v
}

func (k stringKind) bytes(rec slab.Ref) int64 {
	switch enc, ref := k.sh.formOf(rec); enc & strForm {
	case strInline:
		return 0
	case strBlob:
		return slab.BlobBytes(k.sh.stringLen(rec))
	default:
		return int64(k.sh.texts.At(ref).pages.Len()) * offheap.PageSize
	}
}

func (k stringKind) encoding(rec slab.Ref) string {
	enc, _ := k.sh.formOf(rec)
	if enc&(strForm|strRaw) != strInline {
		return "raw"
	}
	b := k.inline(rec)
	if enc&strText == 0 && isInt(b) {
		return "int"
	}
	if len(b) <= embstrMax {
		return "embstr"
	}
	return "raw"
}

// isInt reports whether b is the canonical decimal form of an int64.
func isInt(b []byte) bool {
	if len(b) == 0 || len(b) > 20 {
		return false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == string(b)
}

func (k stringKind) reclaim(n int) bool { return k.sh.texts.Reclaim(n) }

func (k stringKind) arenas() int { return k.sh.texts.Len() }

func (k stringKind) check(c *checker, rec slab.Ref) error {
	enc, ref := k.sh.formOf(rec)
	form := enc & strForm
	if enc&^(strForm|strRaw|strText) != 0 || form > strLarge || enc&(strRaw|strText) == strRaw|strText {
		return fmt.Errorf("string of encoding %#x", enc)
	}
	if form == strBlob {
		if err := c.audit.OwnBlob(slab.Ref(ref)); err != nil {
			return err
		}
	}
	n := k.sh.stringLen(rec)
	switch fits := k.sh.fitsInline(k.sh.inlineAt(rec), n); {
	case fits != (form == strInline):
		return fmt.Errorf("string of %d bytes in form %d", n, form)
	case form == strInline && k.sh.inlineAt(rec)+n > k.sh.heap.Cap(rec):
		return fmt.Errorf("inline string of %d bytes is longer than its record", n)
	case form == strBlob && n > blobString:
		return fmt.Errorf("blob of %d bytes", n)
	case form == strLarge:
		if pages := k.sh.texts.At(ref).pages.Len(); pages != (n+offheap.PageSize-1)/offheap.PageSize {
			return fmt.Errorf("string of %d bytes on %d pages", n, pages)
		}
		return c.own(TypeString, ref)
	}
	return nil
}

// String is a string under its key.
//
// Strings are pooled in their DB, so that opening one allocates nothing.
type String struct {
	d   *DB
	at  spot
	key []byte // the caller's
}

// newString takes a String from the pool.
func (d *DB) newString(at spot, key []byte) *String {
	s := d.strings.next()
	s.d = d
	s.at, s.key = at, key
	return s
}

// String opens the string at key, to read it; nil if there is no such key. It
// counts a keyspace hit or miss.
func (d *DB) String(key []byte) (*String, error) {
	at := d.find(key)
	at.count()
	if at.rec == 0 {
		return nil, nil
	}
	return d.openString(at, key)
}

// StringForWrite opens the string at key to change it. If there is no such key
// the string is empty, and the first change makes the key. key must stay
// as it is as long as the string is in use.
func (d *DB) StringForWrite(key []byte) (*String, error) {
	at := d.find(key)
	if at.rec != 0 {
		return d.openString(at, key)
	}
	return d.newString(at, key), nil
}

func (d *DB) openString(at spot, key []byte) (*String, error) {
	if at.sh.typeOf(at.rec) != TypeString {
		return nil, ErrWrongType
	}
	d.use(at.sh, at.rec)
	return d.newString(at, key), nil
}

// SetString stores a string at key in place of whatever is there, of whatever type. The key
// does not expire any more, unless keepTTL.
func (d *DB) SetString(key, value []byte, keepTTL bool) {
	at := d.find(key)
	if at.rec == 0 {
		d.makeString(&at, key, value, 0)
		return
	}
	sh := at.sh
	if sh.typeOf(at.rec) != TypeString {
		sh.freeValue(at.rec)
		sh.unschedule(at.db, at.rec)
		sh.setForm(at.rec, TypeString, strInline, 0)
	}
	if !keepTTL {
		sh.setExpireAt(at.db, at.rec, 0)
	}
	sh.putString(&at, value, 0)
	d.use(sh, at.rec)
	d.signal(&at, key)
}

// makeString makes the key, which is not there.
func (d *DB) makeString(at *spot, key, b []byte, mark uint8) {
	at.make(key, at.sh.stringValue(key, b, mark), d.newUse())
	d.signal(at, key)
}

// stringValue stores a string that is to be the value of a key.
func (sh *shard) stringValue(key, b []byte, mark uint8) value {
	area := len(key)
	if area > inlineMax {
		area = recLong - recKey
	}
	v := value{typ: TypeString, enc: strInline | mark}
	if sh.fitsInline(recKey+area, len(b)) {
		v.inline, v.ref = b, uint32(len(b))
	} else {
		v.enc, v.ref = sh.newText(b)
		v.enc |= mark
	}
	return v
}

// Close gives the string that was opened last back to its DB, for those who open many. It can be
// read until another is opened.
func (s *String) Close() { s.d.strings.used-- }

// Exists reports whether there is such a key.
func (s *String) Exists() bool { return s.at.rec != 0 }

// Len is the length in bytes, 0 if there is no such key.
func (s *String) Len() int {
	if s.at.rec == 0 {
		return 0
	}
	return s.at.sh.stringLen(s.at.rec)
}

// Parts walks the n bytes from start on, all of which the string has.
func (s *String) Parts(start, n int) Parts {
	if s.at.rec == 0 {
		return Parts{}
	}
	return s.at.sh.stringParts(s.at.rec, start, n)
}

// Bytes is the whole string: no copy if it lies in one piece, and then valid until the
// string changes or the shard is unlocked.
func (s *String) Bytes() []byte {
	n := s.Len()
	p := s.Parts(0, n)
	if n == 0 {
		return nil
	}
	b := p.Next()
	if len(b) == n {
		return b
	}
	whole := append(make([]byte, 0, n), b...)
	for p.More() {
		whole = append(whole, p.Next()...)
	}
	return whole
}

// Set makes b the string, which is "int" if it looks like one. It keeps the key's
// expiry. b must not lie in the string.
func (s *String) Set(b []byte) { s.put(b, 0) }

// SetText is Set for a string that is never "int": INCRBYFLOAT's.
func (s *String) SetText(b []byte) { s.put(b, strText) }

func (s *String) put(b []byte, mark uint8) {
	if s.at.rec == 0 {
		s.d.makeString(&s.at, s.key, b, mark)
		return
	}
	s.at.sh.putString(&s.at, b, mark)
	s.d.signal(&s.at, s.key)
}

// Append adds b at the end and returns the length. It keeps the key's expiry.
func (s *String) Append(b []byte) int {
	if s.at.rec == 0 {
		s.put(b, 0)
		return len(b)
	}
	return s.SetRange(s.Len(), b)
}

// SetRange writes b at an offset, behind zeros if the string is shorter, and returns the
// length. It keeps the key's expiry. b is not empty, and the sum at most MaxString.
func (s *String) SetRange(off int, b []byte) int {
	if s.at.rec == 0 {
		s.put(nil, strRaw)
	}
	sh := s.at.sh
	old := sh.stringLen(s.at.rec)
	n := max(old, off+len(b))
	if n > old {
		sh.extend(&s.at, n)
		sh.zero(s.at.rec, old, max(0, off-old))
	}
	sh.overwrite(s.at.rec, off, b)
	enc, _ := sh.formOf(s.at.rec)
	sh.heap.W(s.at.rec).SetU8(recEnc, enc&strForm|strRaw)
	s.d.signal(&s.at, s.key)
	return n
}
