package zset

import (
	"bytes"
	"fmt"
	"math/bits"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// A leaf holds the rows of an interval of the order, in one block of 1024 bytes:
//
//	   0 u16 n        rows
//	   2 u8  cap      places in the arrays, a multiple of 4
//	   3 u8  plen     length of the prefix
//	   4 u32 parent   inner node, 0: this is the root
//	   8 u32 next     leaf
//	  12 u32 prev     leaf
//	  16 u16 top      where the entries begin
//	  18 u16 dead     bytes of entries that belong to no row any more
//	  20 u8  kind     kindLeaf
//	  21 u8  valued   1: entries go on with a value (valued.go)
//	  22 2 bytes free
//	  24 u8  fp[cap]   upper 8 bits of the member's hash     all three
//	     u16 off[cap]  where the row's entry begins          in the order
//	     u64 key[cap]  the score's key (key.go)              of the rows
//	     ... free ...
//	 top entries      in no order
//	1024-plen prefix  what the members of all short entries begin with
//
// An entry is a short member's length without the prefix, 0 to 254, and the rest of
// its bytes; or 255, the u32 name of a blob with the whole of a long member, and
// the u64 hash of that member: moving rows and splitting buckets ask for hashes,
// and must not read megabytes to answer. In a valued set the row's extra follows (valued.go).
//
// 11 + 1 + suffix bytes a row: a million "player:000000012345" take 31 bytes
// each, index and inner nodes included (see doc.go).
const (
	leafN      = 0
	leafCap    = 2
	leafPlen   = 3
	nodeParent = 4
	leafNext   = 8
	leafPrev   = 12
	leafTop    = 16
	leafDead   = 18
	nodeKind   = 20
	leafValued = 21
	leafFP     = 24
	rowFixed   = 11 // fp, off, key

	kindLeaf  = 1
	kindInner = 2

	// maxInline is the longest member that lies in its leaf; four of them fit.
	maxInline = 180
	longMark  = 255
	longEntry = 13

	maxLeafRows = (blockSize - leafFP) / (rowFixed + 1)

	// The policy of ZSET-LAYOUT: fullness in bytes.
	mergeBelow = blockSize * 20 / 32 // an emptier leaf looks for a sibling to merge with
	mergeMax   = blockSize * 29 / 32 // the most a merge may fill
	shareMax   = blockSize * 28 / 32 // a fuller sibling takes no rows from a full leaf
)

// leaf is a block read as a leaf.
type leaf struct{ offheap.Block }

func (t *tree) leafR(id uint32) leaf { return leaf{t.r(id)} }
func (t *tree) leafW(id uint32) leaf { return leaf{t.w(id)} }

func (l leaf) n() int    { return int(l.U16(leafN)) }
func (l leaf) cap() int  { return int(l.U8(leafCap)) }
func (l leaf) plen() int { return int(l.U8(leafPlen)) }
func (l leaf) top() int  { return int(l.U16(leafTop)) }
func (l leaf) dead() int { return int(l.U16(leafDead)) }

func (l leaf) valued() bool { return l.U8(leafValued) != 0 }

func (l leaf) fp(i int) uint8   { return l.U8(leafFP + i) }
func (l leaf) off(i int) int    { return int(l.U16(leafFP + l.cap() + 2*i)) }
func (l leaf) key(i int) uint64 { return l.U64(l.keys() + 8*i) }

// keys is the offset of the key array.
func (l leaf) keys() int { return leafFP + 3*l.cap() }

// used is how many bytes are taken, header and prefix included.
func (l leaf) used() int { return leafFP + rowFixed*l.n() + blockSize - l.top() - l.dead() }

func (l leaf) prefix() []byte { return l.Bytes(blockSize-l.plen(), l.plen()) }

// capFor is the array size for n rows.
func capFor(n int) int { return (n + 3) &^ 3 }

// entry is row i's suffix, or the blob of its long member.
func (l leaf) entry(i int) (suffix []byte, long slab.Ref) {
	o := l.off(i)
	n := int(l.U8(o))
	if n == longMark {
		return nil, slab.Ref(l.U32(o + 1))
	}
	return l.Bytes(o+1, n), 0
}

// setLong writes the entry of a long member with hash h at offset o.
func (l leaf) setLong(o int, long slab.Ref, h uint64) {
	l.SetU8(o, longMark)
	l.SetU32(o+1, uint32(long))
	l.SetU64(o+5, h)
}

// longHash is the hash in the long entry of row i.
func (l leaf) longHash(i int) uint64 { return l.U64(l.off(i) + 5) }

// renameLong gives the blob of the long entry of row i another name.
func (l leaf) renameLong(i int, long slab.Ref) { l.SetU32(l.off(i)+1, uint32(long)) }

// memberSize is the size of the entry at offset o without the extra.
func (l leaf) memberSize(o int) int {
	if n := int(l.U8(o)); n != longMark {
		return 1 + n
	}
	return longEntry
}

// entrySize is the size of the entry at offset o.
func (l leaf) entrySize(o int) int {
	n := l.memberSize(o)
	if l.valued() {
		n += extraSize(l.U8(o + n))
	}
	return n
}

// newLeaf takes a block and makes it an empty leaf.
func (t *tree) newLeaf() uint32 {
	id := t.newBlock()
	l := t.leafW(id)
	l.Zero(0, leafFP)
	l.SetU16(leafTop, blockSize)
	l.SetU8(nodeKind, kindLeaf)
	l.SetU8(leafValued, uint8(t.flags&flagValued))
	return id
}

// readMember is row i's member, in scratch space unless it is too long for that (readLong).
func (t *tree) readMember(scratch *[]byte, l leaf, i int) []byte {
	suffix, long := l.entry(i)
	if long != 0 {
		return t.readLong(scratch, long)
	}
	*scratch = append(append((*scratch)[:0], l.prefix()...), suffix...)
	return *scratch
}

// readLong is a long member, in scratch space or, above scratchMax, in memory that is not kept.
func (t *tree) readLong(scratch *[]byte, long slab.Ref) []byte {
	if n := t.blobHeap().BlobLen(long); n > scratchMax {
		return t.blobHeap().AppendBlob(make([]byte, 0, n), long)
	}
	*scratch = t.blobHeap().AppendBlob((*scratch)[:0], long)
	return *scratch
}

// comparePrefix orders what all short members of l begin with against m; 0
// means that m begins with it too, and only the suffixes decide.
func (l leaf) comparePrefix(m []byte) int {
	p := l.prefix()
	c := bytes.Compare(p[:min(len(p), len(m))], m[:min(len(p), len(m))])
	if c == 0 && len(m) < len(p) {
		return 1
	}
	return c
}

// compareRow orders row i's member against m; pc is comparePrefix(m).
func (t *tree) compareRow(l leaf, i int, m []byte, pc int) int {
	suffix, long := l.entry(i)
	switch {
	case long != 0:
		return t.blobHeap().CompareBlob(long, m)
	case pc != 0:
		return pc
	}
	return bytes.Compare(suffix, m[l.plen():])
}

// lowerBound is the position of the first row at or after (key, m).
func (t *tree) lowerBound(l leaf, key uint64, m []byte) int {
	n := l.n()
	i := l.lowerKey(key, n)
	if i < n && l.key(i) == key {
		return t.lowerTie(l, i, key, m)
	}
	return i
}

// lowerKey is the position of the first of the first n rows with a key at or after key.
func (l leaf) lowerKey(key uint64, n int) int {
	if n == 0 {
		return 0
	}
	ko := l.keys()
	base := 0
	for n > 1 { // the compiler makes the assignment a conditional move: no branch to guess
		half := n >> 1
		if l.U64(ko+8*(base+half-1)) < key {
			base += half
		}
		n -= half
	}
	if l.U64(ko+8*base) < key {
		base++
	}
	return base
}

// lowerTie is lowerBound among the rows with the same key, the first of which is row lo.
func (t *tree) lowerTie(l leaf, lo int, key uint64, m []byte) int {
	hi := l.n()
	pc := l.comparePrefix(m)
	for lo < hi {
		mid := (lo + hi) / 2
		if l.key(mid) == key && t.compareRow(l, mid, m, pc) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// find is the position of member m with hash h, -1 if it is not in l.
func (t *tree) find(l leaf, h uint64, m []byte) int {
	pl := l.plen()
	begins := len(m) >= pl && string(l.prefix()) == string(m[:pl])
	if !begins && t.blobs == 0 {
		return -1
	}
	n := l.n()
	want := h >> 56 * lowBits
	for w := 0; w < n; w += 8 {
		// Zero bytes of x are equal fingerprints; the trick may name a byte above a
		// true one too, which the comparison of the entry sorts out.
		x := l.U64(leafFP+w) ^ want
		for c := (x - lowBits) &^ x & highBits; c != 0; c &= c - 1 {
			i := w + bits.TrailingZeros64(c)>>3
			if i >= n {
				break
			}
			suffix, long := l.entry(i)
			if long != 0 {
				if l.longHash(i) == h && t.blobHeap().CompareBlob(long, m) == 0 {
					return i
				}
			} else if begins && string(suffix) == string(m[pl:]) {
				return i
			}
		}
	}
	return -1
}

// newRow is a row on its way into a leaf.
type newRow struct {
	key  uint64
	hash uint64
	m    []byte
	long slab.Ref // of a member longer than inlineMax
	extra
}

// put puts r into leaf id at position pos and reports whether there was room.
// Counts and index are the caller's.
func (t *tree) put(id uint32, pos int, r *newRow) bool {
	l := t.leafW(id)
	need := longEntry
	var suffix []byte
	if r.long == 0 {
		if len(r.m) < l.plen() || string(l.prefix()) != string(r.m[:l.plen()]) {
			return t.rewrite(id, pos, r)
		}
		suffix = r.m[l.plen():]
		need = 1 + len(suffix)
	}
	need += len(r.extra)
	n, cp := l.n(), l.cap()
	if n == cp {
		cp += 4
	}
	if room := l.top() - leafFP - rowFixed*cp; room < need {
		if room+l.dead() < need {
			return t.rewrite(id, pos, r)
		}
		l.squeeze(&t.env.rows.copies[0])
	}
	top := l.top() - need
	if cp != l.cap() {
		l.widen(cp)
	}
	if r.long != 0 {
		l.setLong(top, r.long, r.hash)
	} else {
		l.SetU8(top, uint8(len(suffix)))
		l.Copy(top+1, suffix)
	}
	if len(r.extra) > 0 {
		l.Copy(top+need-len(r.extra), r.extra)
	}
	l.SetU16(leafTop, uint16(top))
	l.openRow(pos, n)
	l.setRow(pos, uint8(r.hash>>56), top, r.key)
	l.SetU16(leafN, uint16(n+1))
	return true
}

// squeeze packs the entries together, so that the dead bytes are free again.
func (l leaf) squeeze(scratch *[blockSize]byte) {
	copy(scratch[:], l.Bytes(0, blockSize))
	src := leaf{offheap.Scratch(scratch[:])}
	offs := leafFP + l.cap()
	top := blockSize - l.plen()
	for i := range l.n() {
		o := int(l.U16(offs + 2*i))
		size := src.entrySize(o)
		top -= size
		l.Copy(top, scratch[o:o+size])
		l.SetU16(offs+2*i, uint16(top))
	}
	l.SetU16(leafTop, uint16(top))
	l.SetU16(leafDead, 0)
}

// widen makes the arrays larger in place; the entries must leave the room.
func (l leaf) widen(cp int) {
	n, old := l.n(), l.cap()
	l.Move(leafFP+3*cp, leafFP+3*old, 8*n)
	l.Move(leafFP+cp, leafFP+old, 2*n)
	l.SetU8(leafCap, uint8(cp))
}

// openRow shifts the n-pos rows from pos on up by one place.
func (l leaf) openRow(pos, n int) {
	cp := l.cap()
	l.Move(leafFP+pos+1, leafFP+pos, n-pos)
	l.Move(leafFP+cp+2*(pos+1), leafFP+cp+2*pos, 2*(n-pos))
	l.Move(leafFP+3*cp+8*(pos+1), leafFP+3*cp+8*pos, 8*(n-pos))
}

func (l leaf) setRow(i int, fp uint8, off int, key uint64) {
	cp := l.cap()
	l.SetU8(leafFP+i, fp)
	l.SetU16(leafFP+cp+2*i, uint16(off))
	l.SetU64(leafFP+3*cp+8*i, key)
}

// cut takes the k rows from pos on out of the leaf's arrays; their entries become dead bytes.
func (l leaf) cut(pos, k int) {
	n, cp := l.n(), l.cap()
	for i := pos; i < pos+k; i++ {
		o := l.off(i)
		size := l.entrySize(o)
		if o == l.top() {
			l.SetU16(leafTop, uint16(o+size))
		} else {
			l.SetU16(leafDead, uint16(l.dead()+size))
		}
	}
	rest := n - pos - k
	l.Move(leafFP+pos, leafFP+pos+k, rest)
	l.Move(leafFP+cp+2*pos, leafFP+cp+2*(pos+k), 2*rest)
	l.Move(leafFP+3*cp+8*pos, leafFP+3*cp+8*(pos+k), 8*rest)
	l.SetU16(leafN, uint16(n-k))
}

// reposition moves row pos to position to, with a new key.
func (l leaf) reposition(pos, to int, key uint64) {
	cp := l.cap()
	fp, off := l.fp(pos), l.off(pos)
	if to > pos {
		d := to - pos
		l.Move(leafFP+pos, leafFP+pos+1, d)
		l.Move(leafFP+cp+2*pos, leafFP+cp+2*(pos+1), 2*d)
		l.Move(leafFP+3*cp+8*pos, leafFP+3*cp+8*(pos+1), 8*d)
	} else if d := pos - to; d > 0 {
		l.Move(leafFP+to+1, leafFP+to, d)
		l.Move(leafFP+cp+2*(to+1), leafFP+cp+2*to, 2*d)
		l.Move(leafFP+3*cp+8*(to+1), leafFP+3*cp+8*to, 8*d)
	}
	l.setRow(to, fp, off, key)
}

// ---- rewriting leaves from decoded rows ----

// row is a decoded row: the member is pre followed by suf, or the blob long; extra is
// empty but in valued sets.
type row struct {
	key      uint64
	fp       uint8
	from     uint32 // the leaf that the index says it is in; 0: not in the index yet
	long     slab.Ref
	hash     uint64 // of a long member
	pre, suf []byte
	extra
}

// rowSet is scratch space for the rows of two leaves and one more, with copies of
// the blocks they were read from.
type rowSet struct {
	rows   [2*maxLeafRows + 1]row
	n      int
	copies [2][blockSize]byte
	leaves int
	added  [maxInline + maxExtra]byte // the member and the extra that insert added
}

// read appends leaf id's rows to the set.
func (s *rowSet) read(t *tree, id uint32) {
	buf := s.copies[s.leaves][:]
	s.leaves++
	copy(buf, t.r(id).Bytes(0, blockSize))
	l := leaf{offheap.Scratch(buf)}
	pre, valued := l.prefix(), l.valued()
	for i := range l.n() {
		r := &s.rows[s.n]
		*r = l.row(i, pre)
		r.from = id
		if valued {
			r.extra = l.extra(i)
		}
		s.n++
	}
}

// row is row i, but for its extra; pre is the leaf's prefix.
func (l leaf) row(i int, pre []byte) row {
	r := row{key: l.key(i), fp: l.fp(i), pre: pre}
	if r.suf, r.long = l.entry(i); r.long != 0 {
		r.hash = l.longHash(i)
	}
	return r
}

// insert puts a new row at position pos.
func (s *rowSet) insert(pos int, r *newRow) {
	copy(s.rows[pos+1:s.n+1], s.rows[pos:s.n])
	s.rows[pos] = row{key: r.key, fp: uint8(r.hash >> 56), long: r.long, hash: r.hash}
	if r.long == 0 { // copied: the set lives on when the caller's buffer is gone
		s.rows[pos].suf = s.added[:copy(s.added[:maxInline], r.m)]
	}
	s.rows[pos].extra = s.added[maxInline:][:copy(s.added[maxInline:], r.extra)]
	s.n++
}

func (s *rowSet) reset() { s.n, s.leaves = 0, 0 }

// all is the rows in the set.
func (s *rowSet) all() []row { return s.rows[:s.n] }

func (r *row) len() int { return len(r.pre) + len(r.suf) }

// common is how many leading bytes two short rows' members share, at most limit.
func (r *row) common(o *row, limit int) int {
	limit = min(limit, r.len(), o.len())
	i := 0
	if len(r.pre) == len(o.pre) && len(r.pre) > 0 && &r.pre[0] == &o.pre[0] {
		i = min(limit, len(r.pre)) // rows of one leaf
	}
	for i < limit && r.at(i) == o.at(i) {
		i++
	}
	return i
}

func (r *row) at(i int) byte {
	if i < len(r.pre) {
		return r.pre[i]
	}
	return r.suf[i-len(r.pre)]
}

// plan finds the longest common prefix of rows and the size of a leaf that holds
// them. Fewer than four rows have a prefix only where they do not fit without: they
// share too little to pay for rewriting when the next row differs. So any part of
// the rows of a leaf fits a leaf too, as the halves of a split one must.
func plan(rows []row) (plen, size int) {
	var first *row
	short, total := 0, 0
	for i := range rows {
		r := &rows[i]
		total += len(r.extra)
		if r.long != 0 {
			total += longEntry
			continue
		}
		if first == nil {
			first, plen = r, r.len()
		} else if plen > 0 {
			plen = first.common(r, plen)
		}
		short++
		total += 1 + r.len()
	}
	return leafSize(len(rows), short, total, plen)
}

// leafSize is plan for n rows, of which short ones have plen bytes in common and which have total bytes
// of entries and extras without a prefix.
func leafSize(n, short, total, plen int) (prefix, size int) {
	size = leafFP + rowFixed*capFor(n) + total
	if short < 4 && size <= blockSize {
		return 0, size
	}
	return plen, size - short*plen + plen
}

// pack writes rows into leaf id, whose links stay. They fit (plan).
func (t *tree) pack(id uint32, rows []row, plen int) {
	l := t.leafW(id)
	top := blockSize - plen
	for i := range rows {
		if r := &rows[i]; r.long == 0 {
			if plen > 0 {
				r.copyTo(l, top, 0, plen)
			}
			break
		}
	}
	l.SetU8(leafCap, uint8(capFor(len(rows))))
	l.SetU8(leafPlen, uint8(plen))
	for i := range rows {
		r := &rows[i]
		if len(r.extra) > 0 {
			top -= len(r.extra)
			l.Copy(top, r.extra)
		}
		if r.long != 0 {
			top -= longEntry
			l.setLong(top, r.long, r.hash)
		} else {
			n := r.len() - plen
			top -= 1 + n
			l.SetU8(top, uint8(n))
			r.copyTo(l, top+1, plen, n)
		}
		if top < leafFP+rowFixed*capFor(len(rows)) {
			panic(fmt.Sprintf("zset: %d rows do not fit leaf %d", len(rows), id))
		}
		l.setRow(i, r.fp, top, r.key)
	}
	l.SetU16(leafN, uint16(len(rows)))
	l.SetU16(leafTop, uint16(top))
	l.SetU16(leafDead, 0)
}

// copyTo writes the n bytes from byte from of the member to offset o of l.
func (r *row) copyTo(l leaf, o, from, n int) {
	if from < len(r.pre) {
		k := min(n, len(r.pre)-from)
		l.Copy(o, r.pre[from:from+k])
		o, from, n = o+k, from+k, n-k
	}
	if n > 0 {
		from -= len(r.pre)
		l.Copy(o, r.suf[from:from+n])
	}
}

// rewrite puts r into leaf id by packing all its rows anew, with the longest
// prefix they have, and reports whether they fit.
func (t *tree) rewrite(id uint32, pos int, r *newRow) bool {
	s := &t.env.rows
	s.reset()
	s.read(t, id)
	s.insert(pos, r)
	plen, size := plan(s.all())
	if size > blockSize {
		return false
	}
	t.pack(id, s.all(), plen)
	return true
}
