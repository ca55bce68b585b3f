package table

import (
	"bytes"

	"quarry/store/internal/dict"
	"quarry/store/internal/hash"
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// An element of a hashed table is an object of a heap. In a hash:
//
//	0 u16 length of the key, or 0xffff
//	2 u16 length of the value, or 0xffff
//	4 the key
//	  the value
//
// and in a set, whose elements have no value:
//
//	0 u16 length of the key, or 0xffff
//	2 the key
//
// A key longer than half the largest object is a blob; its hash is kept, since
// dict asks for it when it splits a bucket. In place of the key there is
//
//	u32 blob | u64 hash
//
// A value that does not fit the rest of the largest object is a blob; in its place there is u32 blob.
const (
	lenSize   = 2
	longLen   = 0xffff
	blobSize  = 4
	longKey   = blobSize + 8
	inlineKey = slab.MaxSize / 2
)

// space is where elements lie: a shard's heap, or an arena's. It is the hasher of their
// tables, and stays where it is as long as they do.
type space struct {
	heap  *slab.Heap
	hash  hash.Hasher
	pairs bool // elements have values
}

// room is scratch space for what does not lie in one piece, or has to be made: valid until the
// next key, or value.
type room struct {
	key, value             []byte
	keyDigits, valueDigits listpack.Scratch
}

// roomKept is how much room is kept: a longer key or value gets memory of its own.
const roomKept = 64 << 10

// keyAt is where the key, or what stands for it, begins in an element.
func (s *space) keyAt() int {
	if s.pairs {
		return 2 * lenSize
	}
	return lenSize
}

// valueAt is where the value, or what stands for it, begins.
func (s *space) valueAt(ref slab.Ref) int {
	n := s.heap.R(ref).U16(0)
	if n == longLen {
		return s.keyAt() + longKey
	}
	return s.keyAt() + int(n)
}

// keyBlob and valueBlob are the blobs of an element, 0 if it has none.
func (s *space) keyBlob(ref slab.Ref) slab.Ref {
	if r := s.heap.R(ref); r.U16(0) == longLen {
		return slab.Ref(r.U32(s.keyAt()))
	}
	return 0
}

func (s *space) valueBlob(ref slab.Ref) slab.Ref {
	if !s.pairs {
		return 0
	}
	if r := s.heap.R(ref); r.U16(lenSize) == longLen {
		return slab.Ref(r.U32(s.valueAt(ref)))
	}
	return 0
}

// key is an element's key: a copy, in buf if it is not too long, only if it is in several pieces.
func (s *space) key(ref slab.Ref, buf *[]byte) []byte {
	if blob := s.keyBlob(ref); blob != 0 {
		return s.blob(blob, buf)
	}
	r := s.heap.R(ref)
	return r.Bytes(s.keyAt(), int(r.U16(0)))
}

// value is likewise its value, nil in a set.
func (s *space) value(ref slab.Ref, buf *[]byte) []byte {
	if !s.pairs {
		return nil
	}
	if blob := s.valueBlob(ref); blob != 0 {
		return s.blob(blob, buf)
	}
	r := s.heap.R(ref)
	return r.Bytes(s.valueAt(ref), int(r.U16(lenSize)))
}

func (s *space) blob(blob slab.Ref, buf *[]byte) []byte {
	n := s.heap.BlobLen(blob)
	parts := s.heap.BlobParts(blob, 0, n)
	if first := parts.Next(); len(first) == n {
		return first
	}
	if n > roomKept {
		return s.heap.AppendBlob(make([]byte, 0, n), blob)
	}
	*buf = s.heap.AppendBlob((*buf)[:0], blob)
	return *buf
}

// valueLen is the length of an element's value.
func (s *space) valueLen(ref slab.Ref) int {
	if blob := s.valueBlob(ref); blob != 0 {
		return s.heap.BlobLen(blob)
	}
	return int(s.heap.R(ref).U16(lenSize))
}

// hasKey reports whether key, whose hash is h, is an element's key.
func (s *space) hasKey(ref slab.Ref, key []byte, h uint64) bool {
	r := s.heap.R(ref)
	n := r.U16(0)
	if n != longLen {
		return int(n) == len(key) && bytes.Equal(r.Bytes(s.keyAt(), int(n)), key)
	}
	blob := slab.Ref(r.U32(s.keyAt()))
	return r.U64(s.keyAt()+blobSize) == h && s.heap.BlobLen(blob) == len(key) && s.heap.CompareBlob(blob, key) == 0
}

// HashOf is the hash of an element's key; it makes the space a dict.Hasher.
func (s *space) HashOf(ref uint32) uint64 {
	r := s.heap.R(slab.Ref(ref))
	n := r.U16(0)
	if n == longLen {
		return r.U64(s.keyAt() + blobSize)
	}
	return s.hash.Sum(r.Bytes(s.keyAt(), int(n)))
}

// HashSoon has the line fetched that HashOf reads.
func (s *space) HashSoon(ref uint32) { s.heap.R(slab.Ref(ref)).Prefetch(1) }

// keySize is the place that a key takes in its element.
func keySize(n int) int {
	if n > inlineKey {
		return longKey
	}
	return n
}

// valueSize is the place that a value takes at offset at.
func valueSize(at, n int) int {
	if at+n > slab.MaxSize {
		return blobSize
	}
	return n
}

// sizeOf is the memory of an element of a key and a value of these lengths.
func (s *space) sizeOf(key, value int) int64 {
	at := s.keyAt() + keySize(key)
	size := int64(slab.Class(at + valueSize(at, value)))
	if key > inlineKey {
		size += slab.BlobBytes(key)
	}
	if at+value > slab.MaxSize {
		size += slab.BlobBytes(value)
	}
	return size
}

// bytes is the memory of an element.
func (s *space) bytes(ref slab.Ref) int64 {
	n := int64(s.heap.Cap(ref))
	if blob := s.keyBlob(ref); blob != 0 {
		n += slab.BlobBytes(s.heap.BlobLen(blob))
	}
	if blob := s.valueBlob(ref); blob != 0 {
		n += slab.BlobBytes(s.heap.BlobLen(blob))
	}
	return n
}

// newElement stores a key, whose hash is h, and a value.
func (s *space) newElement(key []byte, h uint64, value []byte) slab.Ref {
	at := s.keyAt() + keySize(len(key))
	ref := s.heap.Alloc(at + valueSize(at, len(value)))
	w := s.heap.W(ref)
	if len(key) > inlineKey {
		w.SetU16(0, longLen)
		w.SetU32(s.keyAt(), uint32(s.heap.PutBlob(key)))
		w.SetU64(s.keyAt()+blobSize, h)
	} else {
		w.SetU16(0, uint16(len(key)))
		w.Copy(s.keyAt(), key)
	}
	if s.pairs {
		s.writeValue(ref, at, value)
	}
	return ref
}

// writeValue writes a value, or its blob, to an element that has room for it at offset at.
func (s *space) writeValue(ref slab.Ref, at int, value []byte) {
	w := s.heap.W(ref)
	if at+len(value) > slab.MaxSize {
		w.SetU16(lenSize, longLen)
		w.SetU32(at, uint32(s.heap.PutBlob(value)))
		return
	}
	w.SetU16(lenSize, uint16(len(value)))
	w.Copy(at, value)
}

// setValue gives an element another value and returns its name now: it moves if its
// size class is another.
func (s *space) setValue(ref slab.Ref, value []byte) slab.Ref {
	at, old := s.valueAt(ref), s.valueBlob(ref)
	ref = s.heap.Resize(ref, at+valueSize(at, len(value)), at)
	s.writeValue(ref, at, value)
	if old != 0 {
		s.heap.FreeBlob(old)
	}
	return ref
}

// free gives an element back.
func (s *space) free(ref slab.Ref) {
	if blob := s.keyBlob(ref); blob != 0 {
		s.heap.FreeBlob(blob)
	}
	if blob := s.valueBlob(ref); blob != 0 {
		s.heap.FreeBlob(blob)
	}
	s.heap.Free(ref)
}

// copyTo copies an element to another space, or this one.
func (s *space) copyTo(to *space, ref slab.Ref) slab.Ref {
	at := s.valueAt(ref)
	key, value, size := s.keyBlob(ref), s.valueBlob(ref), at
	switch {
	case value != 0:
		size += blobSize
	case s.pairs:
		size += s.valueLen(ref)
	}
	c := to.heap.Alloc(size)
	w := to.heap.W(c)
	w.CopyFrom(0, s.heap.R(ref), 0, size)
	if key != 0 {
		w.SetU32(s.keyAt(), uint32(to.heap.CopyBlob(s.heap, key, s.heap.BlobLen(key))))
	}
	if value != 0 {
		w.SetU32(at, uint32(to.heap.CopyBlob(s.heap, value, s.heap.BlobLen(value))))
	}
	return c
}

// dictOf opens the hash table of that name.
func (s *space) dictOf(head slab.Ref) dict.Table { return dict.Open(s.heap, head, s) }
