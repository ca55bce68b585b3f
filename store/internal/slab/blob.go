package slab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"quarry/store/internal/offheap"
)

// A blob is a byte string of up to 4 GiB, in one object or a chain of them:
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
	if uint64(len(b)) > math.MaxUint32 {
		panic(fmt.Sprintf("slab: blob of %d bytes", len(b))) // proto-max-bulk-len keeps commands from it
	}
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
	for p := h.partsOf(r); p.More(); {
		dst = append(dst, p.Next()...)
	}
	return dst
}

// CompareBlob orders the blob's bytes against b as bytes.Compare(blob, b) does. It
// reads what they share, and no more than a part of the blob beyond.
func (h *Heap) CompareBlob(r Ref, b []byte) int {
	for p := h.partsOf(r); p.More(); {
		part := p.Next()
		n := min(len(part), len(b))
		if order := bytes.Compare(part[:n], b[:n]); order != 0 {
			return order
		}
		if n < len(part) {
			return 1
		}
		b = b[n:]
	}
	if len(b) > 0 {
		return -1
	}
	return 0
}

// CommonBytes is how many leading bytes the blob shares with b.
func (h *Heap) CommonBytes(r Ref, b []byte) int {
	sum := 0
	for p := h.partsOf(r); p.More(); {
		part := p.Next()
		n := common(part, b)
		sum += n
		if n < len(part) {
			break
		}
		b = b[n:]
	}
	return sum
}

// CommonBlobs is how many leading bytes two blobs share.
func (h *Heap) CommonBlobs(r, s Ref) int {
	sum := 0
	for p, q := h.partsOf(r), h.partsOf(s); p.More() && q.More(); {
		a, b := p.Next(), q.Next() // all parts but the last are of one size
		n := common(a, b)
		sum += n
		if n < len(a) {
			break
		}
	}
	return sum
}

// common is how many leading bytes a and b share.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)>>3
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// CopyBlob stores the first n bytes of a blob of the heap from, this one or another, and
// returns the copy's name. Nothing passes through Go memory.
func (h *Heap) CopyBlob(from *Heap, r Ref, n int) Ref {
	var first, tail Ref
	whole := n
	for p := from.partsOf(r); first == 0 || n > 0; {
		head := p.head
		part := p.Next()
		part = part[:min(len(part), n)]
		o := h.Alloc(head + len(part))
		w := h.W(o)
		w.SetU32(0, 0)
		w.Copy(head, part)
		if first == 0 {
			w.SetU32(4, uint32(whole))
			first = o
		} else {
			h.W(tail).SetU32(0, uint32(o))
		}
		tail, n = o, n-len(part)
	}
	return first
}

// Parts walks the pieces of a part of a blob in order; the first may be empty. It is
// valid until the heap changes.
type Parts struct {
	h    *Heap
	o    offheap.Block // the object of the next piece
	head int           // where the piece begins in it
	left int           // bytes from there on
}

func (h *Heap) partsOf(r Ref) Parts {
	o := h.R(r)
	return Parts{h, o, blobFirst, int(o.U32(4))}
}

// BlobParts walks n bytes of a blob from offset start on, all of which it has.
func (h *Heap) BlobParts(r Ref, start, n int) Parts {
	o, head := h.R(r), blobFirst
	for start > MaxSize-head || start == MaxSize-head && n > 0 {
		start -= MaxSize - head
		o, head = h.R(Ref(o.U32(0))), blobOther
	}
	return Parts{h, o, head + start, n}
}

// More reports whether there is a piece left.
func (p *Parts) More() bool { return p.left > 0 }

// Next is the next piece, to be read.
func (p *Parts) Next() []byte {
	n := min(p.left, MaxSize-p.head)
	part := p.o.Bytes(p.head, n)
	if p.left -= n; p.left > 0 {
		p.o, p.head = p.h.R(Ref(p.o.U32(0))), blobOther
	}
	return part
}

// WriteBlob writes b over the bytes of a blob from offset start on, all of which it has.
func (h *Heap) WriteBlob(r Ref, start int, b []byte) {
	head := blobFirst
	for len(b) > 0 {
		if start < MaxSize-head {
			n := min(len(b), MaxSize-head-start)
			h.W(r).Copy(head+start, b[:n])
			b, start = b[n:], start+n
		}
		start -= MaxSize - head
		r, head = Ref(h.R(r).U32(0)), blobOther
	}
}

// GrowBlob makes a blob n bytes long, not fewer than it has, and returns its name
// now. What the new bytes are is unspecified.
func (h *Heap) GrowBlob(r Ref, n int) Ref {
	first := r
	have := h.BlobLen(r) // bytes of the object r and those behind it
	want, head, before := n, blobFirst, Ref(0)
	for {
		keep, size := min(have, MaxSize-head), min(want, MaxSize-head)
		moved := h.Resize(r, head+size, head+keep)
		if before == 0 {
			first = moved
		} else {
			h.W(before).SetU32(0, uint32(moved))
		}
		if have, want = have-keep, want-size; want == 0 {
			h.W(first).SetU32(4, uint32(n))
			return first
		}
		before, head = moved, blobOther
		if r = Ref(h.R(moved).U32(0)); r == 0 {
			r = h.Alloc(blobOther + min(want, MaxSize-blobOther))
			h.W(r).SetU32(0, 0)
		}
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

// FreeBlobSome gives the first n objects of a blob back, or of what it left of one, and
// returns what is left: 0 if nothing is.
func (h *Heap) FreeBlobSome(r Ref, n int) Ref {
	for ; r != 0 && n > 0; n-- {
		next := Ref(h.R(r).U32(0))
		h.Free(r)
		r = next
	}
	return r
}
