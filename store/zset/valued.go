package zset

import (
	"encoding/binary"
	"fmt"

	"quarry/store/internal/slab"
)

// A valued set is a tree whose rows carry, beside key and member, a short value
// and maybe a tail. Its keys are numbers of the caller's, not scores: they
// do not go through keyOf. It is never packed.
//
// In the leaf the row's extra follows the member (leaf.go):
//
//	0 u8  length of the value, 0 to 120 | 128 if there is a tail
//	1 ... value
//	  u32 blob of the tail, if there is one
//
// So a value is read where it lies, and one of the same length is written there, while a tail
// costs rows without one nothing, and does not weigh on the leaf.
const (
	// MaxValue is the longest value of a row, in bytes.
	MaxValue = 120

	extraTail = 128
	maxExtra  = 1 + MaxValue + 4

	// maxInlineValued is maxInline of a valued set: four rows fit, with the longest values and tails.
	maxInlineValued = (blockSize-leafFP)/4 - rowFixed - 1 - maxExtra
)

// extra is what a row of a valued set has behind its member; empty in other sets.
type extra []byte

// extraSize is the size of an extra by its first byte.
func extraSize(first uint8) int { return 1 + int(first&^extraTail) + int(first/extraTail)*4 }

// makeExtra writes an extra into buf.
func makeExtra(buf *[maxExtra]byte, value []byte, tail slab.Ref) extra {
	if len(value) > MaxValue {
		panic(fmt.Sprintf("zset: a value of %d bytes", len(value)))
	}
	x := append(append(buf[:0], uint8(len(value))), value...)
	if tail != 0 {
		x[0] |= extraTail
		x = binary.LittleEndian.AppendUint32(x, uint32(tail))
	}
	return x
}

// value is the row's value; its capacity is cut.
func (x extra) value() []byte {
	end := 1 + int(x[0]&^extraTail)
	return x[1:end:end]
}

// tail is the blob of the row's tail, 0 if it has none.
func (x extra) tail() slab.Ref {
	if len(x) == 0 || x[0]&extraTail == 0 {
		return 0
	}
	return slab.Ref(binary.LittleEndian.Uint32(x[len(x)-4:]))
}

// setTail names another blob as the tail, which the row has.
func (x extra) setTail(r slab.Ref) { binary.LittleEndian.PutUint32(x[len(x)-4:], uint32(r)) }

// extra is the extra of row i.
func (l leaf) extra(i int) extra {
	if !l.valued() {
		return nil
	}
	o := l.extraAt(i)
	return l.Bytes(o, extraSize(l.U8(o)))
}

// extraAt is where the extra of row i begins.
func (l leaf) extraAt(i int) int {
	o := l.off(i)
	return o + l.memberSize(o)
}

// renameTail gives the tail of row i, which has one, another name.
func (l leaf) renameTail(i int, r slab.Ref) {
	o := l.extraAt(i)
	l.SetU32(o+extraSize(l.U8(o))-4, uint32(r))
}

func (t *tree) valued() bool { return t.flags&flagValued != 0 }

// inlineMax is the longest member that lies in its leaf.
func (t *tree) inlineMax() int {
	if t.valued() {
		return maxInlineValued
	}
	return maxInline
}

// putRow is Set.Put. As in add, the descent to the row's new place comes first.
func (t *tree) putRow(m []byte, key uint64, value, tail []byte, keepTail bool) (added bool) {
	h := t.memberHash(m)
	t.bucketR(t.bucketOf(h)).Prefetch(1)
	dst := t.descend(key, m)
	t.r(dst).Prefetch(prefetchLines)
	id, pos := t.lookup(h, m)
	if id == 0 {
		t.insertNew(h, m, key, dst, value, tail)
		return true
	}
	t.beginWrite()
	name := t.leafR(id).extra(pos).tail()
	blobs := !keepTail && (name != 0 || len(tail) > 0)
	if blobs {
		name = t.newTail(id, pos, tail)
	}
	t.replaceRow(h, m, id, pos, key, dst, makeExtra(&t.env.extra, value, name))
	if blobs {
		t.compact()
		t.save()
	}
	return false
}

// newTail stores the tail of a row that is to be, and frees the one of row pos of leaf id, if
// id is not 0: the row must be overwritten next. It returns the blob's name, 0 for no tail.
func (t *tree) newTail(id uint32, pos int, tail []byte) (name slab.Ref) {
	if len(tail) > 0 {
		n := slab.BlobBytes(len(tail))
		if id != 0 {
			if old := t.leafR(id).extra(pos).tail(); old != 0 {
				n -= slab.BlobBytes(t.blobHeap().BlobLen(old))
			}
		}
		t.boundBlobs(n)
		name = t.newBlob(tail)
	}
	if id != 0 {
		if old := t.leafR(id).extra(pos).tail(); old != 0 {
			t.freeBlob(old)
		}
	}
	return name
}

// replaceRow gives row pos of leaf id, member m, another key and extra. dst is the leaf at
// the end of the path, where the row belongs now.
func (t *tree) replaceRow(h uint64, m []byte, id uint32, pos int, key uint64, dst uint32, x extra) {
	l := t.leafW(id)
	if dst == id && len(l.extra(pos)) == len(x) { // most moves: nothing but this leaf is written
		l.Copy(l.extraAt(pos), x)
		t.shift(l, pos, key, m)
		return
	}
	t.prefetchParent(l)
	t.row = newRow{key: key, hash: h, m: m, extra: x}
	t.moveRow(id, pos, dst)
	t.save()
}

// ---- the interface ----

// CreateValued makes s a new empty valued set.
func (e *Env) CreateValued(s *Set) {
	s.env, s.enc = e, Medium
	s.t.create(e, flagValued)
}

// Row is a row of a valued set as reads see it; valid until the set changes.
type Row struct {
	Key   uint64
	Value []byte // where it lies: not to be written, nor kept
	tail  slab.Ref
}

// HasTail reports whether the row has a tail.
func (r Row) HasTail() bool { return r.tail != 0 }

// rowAt is row i of a valued set's leaf.
func (l leaf) rowAt(i int) Row {
	x := l.extra(i)
	return Row{l.key(i), x.value(), x.tail()}
}

// Put adds member to a valued set, or replaces its key, value and tail: value of at
// most MaxValue bytes, tail of any length, nil or empty for none. With keepTail a row that is there
// keeps the tail it has, and tail is for a new one. Rows are in the order of (key,
// member bytes). All is copied; nothing may lie in memory of the set. O(log n); where the
// row's new place is in the same leaf and the value is as long as it was, it is
// rewritten there.
func (s *Set) Put(member []byte, key uint64, value, tail []byte, keepTail bool) (added bool) {
	return s.t.putRow(member, key, value, tail, keepTail)
}

// Row finds a member's row in a valued set.
func (s *Set) Row(member []byte) (r Row, ok bool) {
	id, pos := s.t.lookup(s.t.memberHash(member), member)
	if id == 0 {
		return Row{}, false
	}
	return s.t.leafR(id).rowAt(pos), true
}

// AppendTail appends the row's tail to dst.
func (s *Set) AppendTail(dst []byte, r Row) []byte {
	if r.tail == 0 {
		return dst
	}
	return s.t.blobHeap().AppendBlob(dst, r.tail)
}

// AppendTailHead appends the first n bytes of the row's tail to dst, or all if it has fewer.
func (s *Set) AppendTailHead(dst []byte, r Row, n int) []byte {
	if r.tail == 0 {
		return dst
	}
	blobs := s.t.blobHeap()
	for p := blobs.BlobParts(r.tail, 0, min(n, blobs.BlobLen(r.tail))); p.More(); {
		dst = append(dst, p.Next()...)
	}
	return dst
}

// ScanRows is Scan for valued sets.
func (s *Set) ScanRows(cursor uint64, count int, fn func(member []byte, r Row)) uint64 {
	return s.t.scan(cursor, count, func(l leaf, pos int) {
		fn(s.t.readMember(&s.t.env.member, l, pos), l.rowAt(pos))
	})
}

// Row is the row of a valued set.
func (it *Iter) Row() Row { return it.tree.l.rowAt(it.tree.pos) }
