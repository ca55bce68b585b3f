package zset

import (
	"bytes"
	"math"

	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// A Builder fills an empty set with many rows that come in order, up or down: those of a
// snapshot, which lists a set from its highest member to its lowest, or of an index that
// is copied. Leaves are packed one after the other, each once; what stands above
// them, and the index, is made at the end, when all that has to be known is. Nothing is allocated
// for a row, and it takes a sixth of the time that Set.Add takes: 0.1 us of a million, 0.2 us of ten.
//
// Rows that are out of order make no wrong set, only a slow one: from the first on they are added one by one.
//
// The zero Builder is ready for Start, and after Finish for the next set: it is some 40 KiB, reuse it.
type Builder struct {
	s    *Set
	mode buildMode
	twin bool // a member came twice

	// The rows of the leaf to be, in ascending order: rows[lo:hi]. They begin in the middle, since only
	// the second row shows in which direction they grow.
	rows   [2*maxLeafRows + 1]row
	lo, hi int
	buf    [(maxLeafRows + 1) * maxInline]byte // their members
	extras [blockSize]byte                     // and their extras
	taken  int                                 // of buf
	extra  int                                 // of extras
	total  int                                 // bytes of entries and extras without a prefix
	short  int                                 // rows with an entry of their own, not a blob
	plen   int                                 // what these have in common

	// Of a packed set: a bit for each hash of its members, cut to 12 bits, and where its last pair lies.
	seen [1 << seenBits / 64]uint64
	last int

	leaves   int
	children []subtree
	hashes   [2][maxLeafRows]uint64
}

// buildMode is what a Builder knows of the rows to come.
type buildMode uint8

const (
	buildAny     buildMode = iota // nothing: no or one row is there
	buildUp                       // they ascend
	buildDown                     // they descend
	buildByPiece                  // they are in no order, or the set was not empty
)

// subtree is a node on its way into its parent.
type subtree struct {
	key       uint64 // its separator
	sep       slab.Ref
	id, count uint32
}

// Built leaves and inner nodes are not full, so that the first rows that come later
// find room: were leaves full, a million random updates would split nearly all of
// them. A million rows of 19-byte members take 28.9 bytes each, and 30.7 after a quarter of them was updated; at a fill
// of 27 / 32 they take 31.0 and 31.0, at 31 / 32 27.2 and 33.9 (BenchmarkBuild; TestBuiltLeavesRoom).
const (
	buildFill   = blockSize * 29 / 32
	buildFanout = fanout * 27 / 32
)

const seenBits = 12

// maxScratchChildren is how much scratch space a Builder keeps: for a set of about half a million rows.
const maxScratchChildren = 16 << 10

// Start begins to fill s, which should be empty. hint is how many rows are said to come, 0 if
// that is unknown. It is believed in one respect: more than a packed set may have make a tree at once.
func (b *Builder) Start(s *Set, hint int) {
	b.s, b.mode, b.twin, b.leaves = s, buildAny, false, 0
	b.clear()
	switch {
	case s.Len() > 0:
		b.mode = buildByPiece
	case s.enc != Packed:
		b.startTree()
	case hint > s.env.Limits.PackedEntries:
		s.unpack()
		b.startTree()
	default:
		b.seen, b.last = [len(b.seen)]uint64{}, 0
	}
}

// startTree takes room for the first leaf but one; the first leaf is there.
func (b *Builder) startTree() {
	t := &b.s.t
	t.beginWrite()
	t.reserve(1)
}

// Add adds a member, which is not in the set. It reports false, and the set is not to be used, if the
// member is seen to be there or score is NaN; that a member is there may also be seen only by Finish.
// member is copied.
func (b *Builder) Add(member []byte, score float64) bool {
	s := b.s
	switch {
	case math.IsNaN(score):
		return false
	case b.mode == buildByPiece:
		o, _ := s.Add(member, score, NX)
		return o == Added
	case s.enc == Packed:
		if once, fits := b.addPacked(member, score); fits {
			return once
		}
		b.unpack(member, score)
	}
	return b.add(member, keyOf(score), nil, nil)
}

// addPacked adds a member to a packed set. It is not looked for there unless the hash of another
// is like its own, nor its place but at both ends. once and fits are false if it is there,
// and if the set has to become a tree.
func (b *Builder) addPacked(member []byte, score float64) (once, fits bool) {
	p := &b.s.p
	l := p.Read()
	score += 0 // -0 + 0 is 0
	m, s, size, fits := newPair(l, member, score, b.s.env.Limits)
	h := b.s.env.Hash.Sum(member) % (1 << seenBits)
	if b.seen[h/64]>>(h%64)&1 != 0 {
		if _, rank := findPair(l, member); rank >= 0 {
			return false, true
		}
	}
	if !fits {
		return true, false
	}
	b.seen[h/64] |= 1 << (h % 64)
	to := bound{score, member, tieByMember}
	pos := listpack.HeaderSize
	switch {
	case l.Len() == 0:
	case to.isAfter(l, b.last):
		pos = l.Size()
	case to.isAfter(l, pos):
		pos, _ = to.seek(l, pos, 0)
	}
	if pos == l.Size() {
		b.last = pos
	} else {
		b.last += size - l.Size()
	}
	p.Resized(size).Insert(pos, m, s)
	return true, true
}

// Put is Add for a valued set, see Set.Put.
func (b *Builder) Put(member []byte, key uint64, value, tail []byte) bool {
	if b.mode == buildByPiece {
		return b.s.Put(member, key, value, tail, false)
	}
	return b.add(member, key, value, tail)
}

// unpack makes a tree of a packed set to which (member, score) comes next; its rows are
// taken in the order that this row shows.
func (b *Builder) unpack(member []byte, score float64) {
	s := b.s
	old := s.p
	var it packedIter
	n := old.len()
	if n > 0 {
		it.seek(&old, n-1, true)
		it.step()
		if next := (bound{score, member, tieByMember}); next.isAfter(it.l, it.pos) {
			it.seek(&old, 0, false)
		} else {
			it.seek(&old, n-1, true)
		}
	}
	s.t.create(s.env, 0)
	s.enc = Medium
	b.startTree()
	for it.step() {
		b.add(it.member(), keyOf(it.number()), nil, nil)
	}
	old.Free()
}

// add adds a row to a tree.
func (b *Builder) add(m []byte, key uint64, value, tail []byte) bool {
	t := &b.s.t
	if b.lo < b.hi {
		switch c := b.compareLast(key, m); {
		case c == 0:
			return false
		case b.mode == buildAny && c > 0:
			b.mode = buildUp
		case b.mode == buildAny:
			b.mode = buildDown
		case (c > 0) != (b.mode == buildUp):
			b.settle()
			b.mode = buildByPiece
			n := t.count
			if t.valued() {
				t.putRow(m, key, value, tail, false)
			} else {
				t.add(m, scoreOf(key), NX)
			}
			return t.count > n
		}
	}
	b.take(m, key, value, tail)
	r := &t.row
	entry, plen, short := longEntry, b.plen, b.short
	if r.long == 0 {
		entry, plen, short = 1+len(m), b.common(m), short+1
	}
	n, total := b.hi-b.lo+1, b.total+entry+len(r.extra)
	if _, size := leafSize(n, short, total, plen); size > buildFill && n > 1 {
		b.flush()
		n, total = 1, entry+len(r.extra)
		plen, short = 0, 0
		if r.long == 0 {
			plen, short = len(m), 1
		}
	}
	b.total, b.plen, b.short = total, plen, short
	b.keep(r)
	t.row = newRow{}
	return true
}

// compareLast orders (key, m) against the row that came before it.
func (b *Builder) compareLast(key uint64, m []byte) int {
	last := &b.rows[b.hi-1]
	if b.mode == buildDown {
		last = &b.rows[b.lo]
	}
	switch {
	case key < last.key:
		return -1
	case key > last.key:
		return 1
	case last.long != 0:
		return -b.s.t.blobHeap().CompareBlob(last.long, m)
	}
	return bytes.Compare(m, last.suf)
}

// take makes the row that is on its way into a leaf, with its blobs. The set may become
// large for them; the rows before go to their leaf first, since blobs that no leaf names do not move.
func (b *Builder) take(m []byte, key uint64, value, tail []byte) {
	t := &b.s.t
	long := len(m) > t.inlineMax()
	if long || len(tail) > 0 {
		n := int64(0)
		if long {
			n = slab.BlobBytes(len(m))
		}
		if len(tail) > 0 {
			n += slab.BlobBytes(len(tail))
		}
		if t.ar == nil && t.blobBytes+n > mediumBlobs {
			b.flush()
			t.boundBlobs(n)
		}
	}
	t.row = newRow{key: key, hash: t.memberHash(m), m: m}
	if long {
		t.row.long = t.newBlob(m)
	}
	if t.valued() {
		t.row.extra = makeExtra(&t.env.extra, value, t.newTail(0, 0, tail))
	}
}

// common is how much of what the rows of the leaf have in common m begins with, too.
func (b *Builder) common(m []byte) int {
	if b.short == 0 {
		return len(m)
	}
	var first *row
	for i := b.lo; ; i++ {
		if first = &b.rows[i]; first.long == 0 {
			break
		}
	}
	n := min(b.plen, len(m))
	if string(first.suf[:n]) == string(m[:n]) {
		return n
	}
	i := 0
	for first.suf[i] == m[i] {
		i++
	}
	return i
}

// keep puts a row beside those of the leaf to be.
func (b *Builder) keep(r *newRow) {
	at := b.hi
	if b.mode == buildDown {
		b.lo--
		at = b.lo
	} else {
		b.hi++
	}
	k := row{key: r.key, fp: uint8(r.hash >> 56), long: r.long, hash: r.hash}
	if r.long == 0 {
		k.suf = b.buf[b.taken:][:copy(b.buf[b.taken:], r.m)]
		b.taken += len(r.m)
	}
	if len(r.extra) > 0 {
		k.extra = b.extras[b.extra:][:copy(b.extras[b.extra:], r.extra)]
		b.extra += len(r.extra)
	}
	b.rows[at] = k
}

// clear forgets the rows of the leaf to be.
func (b *Builder) clear() {
	b.lo, b.hi = maxLeafRows, maxLeafRows
	b.taken, b.extra, b.total, b.short, b.plen = 0, 0, 0, 0, 0
}

// flush makes a leaf of the rows, at the end of the chain where they grow, and takes
// room for the next.
func (b *Builder) flush() {
	t := &b.s.t
	rows := b.rows[b.lo:b.hi]
	if len(rows) == 0 {
		return
	}
	t.beginWrite()
	id := t.first
	if b.leaves > 0 {
		id = t.newLeaf()
		t.chainLeaf(id, b.mode == buildDown)
	}
	plen, _ := leafSize(len(rows), b.short, b.total, b.plen)
	t.pack(id, rows, plen)
	t.count += len(rows)
	b.leaves++
	b.clear()
	t.reserve(1)
}

// chainLeaf links a new leaf before the first or behind the last.
func (t *tree) chainLeaf(id uint32, before bool) {
	if before {
		t.w(id).SetU32(leafNext, t.first)
		t.w(t.first).SetU32(leafPrev, id)
		t.first = id
		return
	}
	t.w(id).SetU32(leafPrev, t.last)
	t.w(t.last).SetU32(leafNext, id)
	t.last = id
}

// Finish completes the set, which can be used from then on, and reports whether no member
// came twice. It must be called even if the rows are given up; a set to
// which Add or Finish said no is good for nothing but to be freed.
func (b *Builder) Finish() bool {
	if b.s.enc != Packed && b.mode != buildByPiece {
		b.settle()
	}
	b.s = nil
	if cap(b.children) > maxScratchChildren {
		b.children = nil
	}
	return !b.twin
}

// settle makes a whole tree of the leaves.
func (b *Builder) settle() {
	t := &b.s.t
	b.flush()
	t.beginWrite()
	t.root = t.first
	if b.leaves > 1 {
		t.reserve(innerNodes(b.leaves))
		b.children = t.appendLeaves(b.children[:0])
		for level := 1; len(b.children) > 1; level++ {
			b.children = t.buildLevel(b.children, level)
			t.height = level
		}
		t.root = b.children[0].id
		t.boundBlobs(0)
	}
	b.buildIndex()
	// A set that was large for a while, or took too much room in advance, gets what it needs.
	t.compact()
	t.compact()
	t.save()
}

// innerNodes is how many nodes stand above so many leaves.
func innerNodes(leaves int) (n int) {
	for leaves > 1 {
		leaves = (leaves + buildFanout - 1) / buildFanout
		n += leaves
	}
	return n
}

// appendLeaves appends all leaves, as children.
func (t *tree) appendLeaves(dst []subtree) []subtree {
	var before row
	for id := t.first; id != 0; {
		l := t.leafR(id)
		next, n := l.U32(leafNext), l.n()
		t.r(next).Prefetch(2)
		c := subtree{id: id, count: uint32(n)}
		if id != t.first {
			first := l.row(0, l.prefix())
			c.key, c.sep = t.separator(&before, &first)
		}
		dst = append(dst, c)
		before = l.row(n-1, l.prefix())
		id = next
	}
	return dst
}

// buildLevel makes the inner nodes of a level over the given children, evenly
// filled, and returns them in the children's place. Room is reserved.
func (t *tree) buildLevel(children []subtree, level int) []subtree {
	nodes := (len(children) + buildFanout - 1) / buildFanout
	for i := range nodes {
		below := children[i*len(children)/nodes : (i+1)*len(children)/nodes]
		id := t.newBlock()
		p := t.innerW(id)
		p.Zero(0, innerKey)
		p.SetU16(innerN, uint16(len(below)))
		p.SetU8(innerLevel, uint8(level))
		p.SetU8(nodeKind, kindInner)
		node := subtree{key: below[0].key, sep: below[0].sep, id: id} // the first separator goes up
		below[0].key, below[0].sep = 0, 0
		for j, c := range below {
			p.setChild(j, c.key, c.sep, c.id, int(c.count))
			t.setParent(c.id, id)
			node.count += c.count
		}
		children[i] = node
	}
	return children[:nodes]
}

// buildIndex enters all rows in the index, which has none and is brought to its size first. While the
// rows of one leaf are entered the buckets of the next one's are on their way from memory.
func (b *Builder) buildIndex() {
	t := &b.s.t
	rows := t.count
	for t.count = rows - 1; t.wantsSplit(); { // as if only the last row were missing
		t.reserveSlot()
		t.addBucket()
	}
	t.count = 0
	ready, n := uint32(0), 0 // the leaf before, and its rows
	for id, turn := t.first, 0; id != 0; turn = 1 - turn {
		l := t.leafR(id)
		hashes := b.hashes[turn][:l.n()]
		for i := range hashes {
			h := t.rowHash(l, i)
			t.bucketR(t.bucketOf(h)).Prefetch(1)
			hashes[i] = h
		}
		b.enter(ready, b.hashes[1-turn][:n])
		ready, n = id, len(hashes)
		if id = l.U32(leafNext); id == 0 {
			b.enter(ready, hashes)
		}
	}
}

// enter puts the rows of a leaf in the index.
func (b *Builder) enter(id uint32, hashes []uint64) {
	t := &b.s.t
	for pos, h := range hashes {
		t.reserveSlot()
		if !t.addOnce(h, id, pos) {
			b.twin = true
		}
		t.count++
	}
}

// addOnce is addSlot for row pos of a leaf, with hash h. It reports whether the
// member is in no other row of the index.
func (t *tree) addOnce(h uint64, id uint32, pos int) (once bool) {
	b, slot := t.bucketOf(h), slotOf(h, id)
	once = true
	w := t.bucket(b)
	for o := mainSlots; ; o = ovfSlots {
		for ; o < bucketSize; o += 4 {
			s := w.U32(o)
			if s == 0 {
				w.SetU32(o, slot)
				return once
			}
			if s>>24 == slot>>24 && t.isTwin(h, s&(maxBlocks-1), id, pos) {
				once = false
			}
		}
		next := w.U32(bucketNext)
		if next == 0 {
			next = t.newOverflow(b) + 1
			w.SetU32(bucketNext, next)
		}
		w = t.ovf(next - 1)
	}
}

// isTwin reports whether leaf other has the member of row pos of leaf id, in another row.
func (t *tree) isTwin(h uint64, other, id uint32, pos int) bool {
	at := t.find(t.leafR(other), h, t.readMember(&t.env.member, t.leafR(id), pos))
	return at >= 0 && (other != id || at != pos)
}
