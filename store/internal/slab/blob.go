package slab

import "bytes"

// A blob is a byte string of any length, in one object or a chain of them:
//
//	first  0 u32 next | 4 u32 length of the whole | 8 bytes ...
//	others 0 u32 next | 4 bytes ...
//
// All but the last object of a chain are of MaxSize bytes.
const (
	blobFirst = 8
	blobOther = 4
)

// PutBlob stores b and returns its name.
func (h *Heap) PutBlob(b []byte) Ref {
	n := min(len(b), MaxSize-blobFirst)
	first := h.Alloc(blobFirst + n)
	w := h.W(first)
	w.SetU32(0, 0)
	w.SetU32(4, uint32(len(b)))
	w.Copy(blobFirst, b[:n])
	for tail := first; n < len(b); {
		b = b[n:]
		n = min(len(b), MaxSize-blobOther)
		next := h.Alloc(blobOther + n)
		w := h.W(next)
		w.SetU32(0, 0)
		w.Copy(blobOther, b[:n])
		h.W(tail).SetU32(0, uint32(next))
		tail = next
	}
	return first
}

// BlobLen is the length of a blob.
func (h *Heap) BlobLen(r Ref) int { return int(h.R(r).U32(4)) }

// BlobBytes is the memory a blob of n bytes takes, size classes included.
func BlobBytes(n int) int64 {
	first := min(n, MaxSize-blobFirst)
	sum := int64(Class(blobFirst + first))
	for n -= first; n > 0; n -= MaxSize - blobOther {
		sum += int64(Class(blobOther + min(n, MaxSize-blobOther)))
	}
	return sum
}

// AppendBlob appends the blob to dst.
func (h *Heap) AppendBlob(dst []byte, r Ref) []byte {
	h.eachPart(r, func(part []byte) bool {
		dst = append(dst, part...)
		return true
	})
	return dst
}

// CompareBlob orders the blob's bytes against b as bytes.Compare(blob, b) does.
func (h *Heap) CompareBlob(r Ref, b []byte) int {
	order := 0
	h.eachPart(r, func(part []byte) bool {
		n := min(len(part), len(b))
		order = bytes.Compare(part[:n], b[:n])
		if order == 0 && n < len(part) {
			order = 1
		}
		b = b[n:]
		return order == 0
	})
	if order == 0 && len(b) > 0 {
		return -1
	}
	return order
}

// eachPart calls fn with the pieces of a blob in order until it returns false.
func (h *Heap) eachPart(r Ref, fn func(part []byte) bool) {
	o := h.R(r)
	left := int(o.U32(4))
	n := min(left, MaxSize-blobFirst)
	for part := o.Bytes(blobFirst, n); fn(part) && left > n; part = o.Bytes(blobOther, n) {
		left -= n
		o = h.R(Ref(o.U32(0)))
		n = min(left, MaxSize-blobOther)
	}
}

// FreeBlob gives a blob back.
func (h *Heap) FreeBlob(r Ref) {
	for r != 0 {
		next := Ref(h.R(r).U32(0))
		h.Free(r)
		r = next
	}
}
