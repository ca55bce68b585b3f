package zset

import (
	"math/bits"

	"quarry/store/internal/slab"
)

// prefetchLines is a whole block in cache lines.
const prefetchLines = blockSize / 64

// add is Set.Add. Where a member's new place does not depend on its old score the
// descent to it comes first, while the index bucket and then the two leaves are on
// their way from memory: an update costs two cache misses in a row instead of four.
func (t *tree) add(m []byte, score float64, f Flags) (Outcome, float64) {
	h := t.memberHash(m)
	t.bucketR(t.bucketOf(h)).Prefetch(1)
	var dst uint32
	if f&Incr == 0 {
		dst = t.descend(keyOf(score), m)
		t.r(dst).Prefetch(prefetchLines)
	}
	id, pos := t.lookup(h, m)
	if id == 0 {
		if f&XX != 0 {
			return Nop, 0
		}
		score += 0 // -0 becomes 0
		t.insertNew(h, m, keyOf(score), dst, nil, nil)
		return Added, score
	}
	o, now := decide(scoreOf(t.leafR(id).key(pos)), score, f)
	if o == Updated {
		t.update(h, m, id, pos, keyOf(now), dst)
	}
	return o, now
}

// insertNew adds a member that is not there. dst is the leaf at the end of the path, or 0.
// value and tail are nil but for valued sets.
func (t *tree) insertNew(h uint64, m []byte, key uint64, dst uint32, value, tail []byte) {
	t.beginWrite()
	t.row = newRow{key: key, hash: h, m: m}
	if len(m) > t.inlineMax() {
		t.boundBlobs(slab.BlobBytes(len(m)))
		t.row.long = t.newBlob(m)
	}
	if t.valued() {
		name := t.newTail(0, 0, tail)
		t.row.extra = makeExtra(&t.env.extra, value, name)
	}
	t.insertRow(h, dst)
	t.save()
}

// insertRow puts t.row in its leaf and in the index, and counts it.
func (t *tree) insertRow(h uint64, dst uint32) {
	r := &t.row
	t.boundBlobs(0)
	t.reserveSlot()
	t.growIndex()
	for try := 0; ; try++ {
		if dst == 0 {
			dst = t.descend(r.key, r.m)
		}
		pos := t.lowerBound(t.leafR(dst), r.key, r.m)
		if t.put(dst, pos, r) {
			break
		}
		t.makeRoom(dst, pos, try == 0)
		dst = 0
	}
	t.pathAdd(1)
	t.addSlot(t.bucketOf(h), slotOf(h, dst))
	t.count++
	t.row = newRow{}
}

// update gives row pos of leaf id, member m, another key. dst is the leaf at
// the end of the path, where the row belongs now, or 0.
func (t *tree) update(h uint64, m []byte, id uint32, pos int, key uint64, dst uint32) {
	t.beginWrite()
	if dst == 0 {
		dst = t.target(id, key, m)
	}
	l := t.leafW(id)
	t.prefetchParent(l)
	if dst == id {
		t.shift(l, pos, key, m)
		return
	}
	t.row = newRow{key: key, hash: h, m: m}
	t.moveRow(id, pos, dst)
	t.save()
}

// shift moves row pos, member m, to its place with another key in the same leaf, and
// returns that. Nothing in the header changes.
func (t *tree) shift(l leaf, pos int, key uint64, m []byte) (to int) {
	to = t.lowerBound(l, key, m)
	if key > l.key(pos) {
		to-- // the row itself was counted
	}
	l.reposition(pos, to, key)
	return to
}

// moveRow takes row pos out of leaf id and puts t.row, which is the same member's, into
// leaf dst, at the end of the path.
func (t *tree) moveRow(id uint32, pos int, dst uint32) {
	// What can be done without the target leaf comes first: it is still on its
	// way from memory.
	l, r := t.leafW(id), &t.row
	_, r.long = l.entry(pos)
	l.cut(pos, 1)
	h := r.hash
	if dst != id {
		t.replaceSlot(h, id, dst)
		t.moveCount(id)
	}
	if t.put(dst, t.lowerBound(t.leafR(dst), r.key, r.m), r) {
		*r = newRow{}
		t.afterCut(id)
		return
	}
	// It is full. The row, which is in no leaf now, comes as a new one.
	t.removeSlot(h, dst)
	t.pathAdd(-1)
	t.count--
	t.afterCut(id)
	t.insertRow(h, 0)
}

// prefetchParent asks for the lines of a leaf's parent where children and counts are.
func (t *tree) prefetchParent(l leaf) {
	if par := l.U32(nodeParent); par != 0 {
		const from = innerChild &^ 63
		t.r(par).Sub(from, innerSep-from).Prefetch((innerSep - from + 63) / 64)
	}
}

// target is the leaf where (key, m), now in leaf id, belongs. If that is another
// one, the path leads to it and it is on its way from memory.
func (t *tree) target(id uint32, key uint64, m []byte) uint32 {
	l := t.leafR(id)
	if n := l.n(); key > l.key(0) && key < l.key(n-1) {
		return id
	}
	dst := t.descend(key, m)
	t.r(dst).Prefetch(prefetchLines)
	return dst
}

// remove is Set.Remove.
func (t *tree) remove(m []byte) bool {
	h := t.memberHash(m)
	id, pos := t.lookup(h, m)
	if id == 0 {
		return false
	}
	t.beginWrite()
	l := t.leafW(id)
	t.freeBlobs(l, pos)
	l.cut(pos, 1)
	t.upAdd(id, -1)
	t.removeSlot(h, id)
	t.count--
	t.afterCut(id)
	t.shrinkIndex()
	t.compact()
	t.save()
	return true
}

// removeRange is Set.RemoveRange for a part of the set: leaf by leaf.
func (t *tree) removeRange(start, n int, fn func(member []byte, score float64)) int {
	n = min(n, t.count-start)
	if start < 0 || n <= 0 {
		return 0
	}
	if fn != nil {
		t.eachRank(start, n, fn)
	}
	t.beginWrite()
	left := n
	if t.ar != nil && n >= max(sweepRows, t.count/sweepShare) {
		left -= t.removeLeaves(start, n)
	}
	for left > 0 {
		id, pos := t.leafAt(start)
		l := t.leafW(id)
		k := min(left, l.n()-pos)
		t.unhookRows(id, l, pos, k)
		l.cut(pos, k)
		t.upAdd(id, -k)
		t.count -= k
		left -= k
		t.afterCut(id)
		for range k {
			t.shrinkIndex()
		}
		t.compact()
	}
	t.save()
	return n
}

// unhookRows takes k rows of leaf id out of the index and frees their blobs.
func (t *tree) unhookRows(id uint32, l leaf, pos, k int) {
	gone := t.env.slots[:0]
	for i := pos; i < pos+k; i++ {
		h := t.rowHash(l, i)
		t.bucketR(t.bucketOf(h)).Prefetch(1)
		gone = append(gone, hashed{h, id})
		t.freeBlobs(l, i)
	}
	for _, r := range gone {
		t.removeSlot(r.h, id)
	}
	t.env.slots = gone
}

// freeBlobs frees the blobs of row i, which is on its way out.
func (t *tree) freeBlobs(l leaf, i int) {
	if _, long := l.entry(i); long != 0 {
		t.freeBlob(long)
	}
	if tail := l.extra(i).tail(); tail != 0 {
		t.freeBlob(tail)
	}
}

// eachRank calls fn for the n rows from rank start on; they are there.
func (t *tree) eachRank(start, n int, fn func(member []byte, score float64)) {
	if n <= 0 {
		return
	}
	for id, pos := t.leafAt(start); n > 0; pos = 0 {
		l := t.leafR(id)
		for ; pos < l.n() && n > 0; pos, n = pos+1, n-1 {
			fn(t.readMember(&t.env.member, l, pos), scoreOf(l.key(pos)))
		}
		id = l.U32(leafNext)
	}
}

// A range of at least so many rows, and of this part of the set, is removed by looking
// at the whole index once. That takes 8 ns a row of the set, while each row removed
// by itself costs 100 for its hash and its bucket.
const (
	sweepRows  = 1000
	sweepShare = 8
)

// removeLeaves removes those of the n rows from rank start on whose leaves lie in
// the range as a whole, and returns how many these are. Some rows stay: the
// range is not all of the set.
func (t *tree) removeLeaves(start, n int) int {
	first, pos := t.leafAt(start)
	if pos > 0 {
		l := t.leafR(first)
		n -= l.n() - pos
		first = l.U32(leafNext)
	}
	gone := make([]uint64, len(t.ar.used)) // by block, as in used
	rows, leaves := 0, 0
	for id := first; id != 0; leaves++ {
		l := t.leafR(id)
		if rows+l.n() > n {
			break
		}
		rows += l.n()
		gone[id/pageBlocks] |= 1 << (id % pageBlocks)
		id = l.U32(leafNext)
	}
	if rows == 0 {
		return 0
	}
	t.sweepIndex(gone)
	id := first
	for range leaves {
		l := t.leafR(id)
		for i := 0; t.blobs > 0 && i < l.n(); i++ {
			t.freeBlobs(l, i)
		}
		next := l.U32(leafNext)
		t.upAdd(id, -l.n())
		t.unlink(id)
		id = next
	}
	t.count -= rows
	for n := t.buckets() + 1; t.buckets() < n; {
		n = t.buckets()
		t.shrinkIndex()
	}
	for range leaves {
		t.compact()
	}
	return rows
}

// rank is Set.Rank.
func (t *tree) rank(m []byte) (rank int, score float64, ok bool) {
	id, pos := t.lookup(t.memberHash(m), m)
	if id == 0 {
		return 0, 0, false
	}
	return t.upRank(id) + pos, scoreOf(t.leafR(id).key(pos)), true
}

// score is Set.Score.
func (t *tree) score(m []byte) (float64, bool) {
	id, pos := t.lookup(t.memberHash(m), m)
	if id == 0 {
		return 0, false
	}
	return scoreOf(t.leafR(id).key(pos)), true
}

// before is the number of rows before (key, m).
func (t *tree) before(key uint64, m []byte) int {
	id := t.descend(key, m)
	return t.pathRank() + t.lowerBound(t.leafR(id), key, m)
}

// countBelow is Set.CountBelow. Keys are whole numbers, so what is after all of one key is at the next.
func (t *tree) countBelow(score float64, inclusive bool) int {
	key := keyOf(score)
	if inclusive {
		key++
	}
	return t.before(key, nil)
}

// countBelowLex is Set.CountBelowLex.
func (t *tree) countBelowLex(m []byte, inclusive bool) int {
	l := t.leafR(t.first)
	if l.n() == 0 {
		return 0
	}
	if inclusive { // the least string after m
		var buf []byte
		if len(m) < scratchMax {
			buf = t.env.member[:0]
		}
		m = append(append(buf, m...), 0)
		if len(m) <= scratchMax {
			t.env.member = m
		}
	}
	return t.before(l.key(0), m)
}

// scan is Set.Scan, in the order of the bit-reversed bucket numbers: the bucket of a cursor
// covers, at any size of the table, all hashes that its successors at a larger size cover, so a
// bucket that was split or joined meanwhile is passed again or not at all, but
// none is left out.
func (t *tree) scan(cursor uint64, count int, fn func(l leaf, pos int)) uint64 {
	passed := 0
	for visits := 0; ; visits++ {
		b := t.bucketOf(cursor)
		t.eachRow(b, t.chain(b), func(_ uint32, l leaf, pos int, _ uint64) {
			fn(l, pos)
			passed++
		})
		cursor = next(cursor, t.bucketBits(b))
		if cursor == 0 || passed >= count || visits/10 >= count {
			return cursor
		}
	}
}

// bucketBits is how many low bits of the hash are the same for all of bucket b.
func (t *tree) bucketBits(b uint32) int {
	if b < t.split || b >= 1<<t.level {
		return int(t.level) + 1
	}
	return int(t.level)
}

// next is the cursor after a bucket of n bits: one is added to the reversed number.
func next(cursor uint64, n int) uint64 {
	cursor |= ^uint64(0) << n
	return bits.Reverse64(bits.Reverse64(cursor) + 1)
}

// ---- leaves that are too full or too empty ----

// makeRoom gives some of a full leaf's rows to a sibling that has room, if that may be
// tried, or splits it; pos is where a row is to go. Sharing is tried once for a row: prefixes
// change with it, so that the same row might find the sibling full, share back, and so on.
func (t *tree) makeRoom(id uint32, pos int, mayShare bool) {
	// One block more than the split needs: what reserveSlot made room for stays.
	t.reserve(2 + t.fullAbove(id))
	if par := t.parent(id); mayShare && par != 0 {
		p := t.innerR(par)
		i := p.index(id)
		if i+1 < p.n() && t.share(par, i, id) || i > 0 && t.share(par, i-1, id) {
			return
		}
	}
	t.splitLeaf(id, pos)
}

// share spreads the rows of par's children i and i+1 evenly over both; from, one of
// them, is full. It does nothing, and reports false, if the other is too full for that to help.
func (t *tree) share(par uint32, i int, from uint32) bool {
	p := t.innerR(par)
	left, right := p.child(i), p.child(i+1)
	if other := left ^ right ^ from; t.leafR(other).used() > shareMax {
		return false
	}
	s := &t.env.rows
	s.reset()
	s.read(t, left)
	n := s.n
	s.read(t, right)
	at := balance(s.all(), shareSlack)
	if at == n || (at > n) != (from == right) {
		return false
	}
	leftLen, leftSize := plan(s.rows[:at])
	rightLen, rightSize := plan(s.rows[at:s.n])
	if leftSize > blockSize || rightSize > blockSize {
		return false
	}
	t.pack(left, s.rows[:at], leftLen)
	t.pack(right, s.rows[at:s.n], rightLen)
	t.rehome(s.rows[:at], left)
	t.rehome(s.rows[at:s.n], right)
	w := t.innerW(par)
	w.addCount(i, at-n)
	w.addCount(i+1, n-at)
	if old := w.sep(i + 1); old != 0 {
		t.freeBlob(old)
	}
	key, sep := t.separator(&s.rows[at-1], &s.rows[at])
	w.setSep(i+1, key, sep)
	return true
}

// Rows are divided between two leaves in the middle, or not further from it than so many
// 64ths of their bytes, at the coarsest border.
const (
	splitSlack = 8
	shareSlack = 2 // with 3 and more, sets that grow at random become larger
)

// balance is how many of the rows are to go into the left of two leaves; at least one, and not
// all. Where keys are Morton codes the coarsest border is one of large cells: then
// leaves cover few cells, and a search for what is near looks at few leaves.
func balance(rows []row, slack int) int {
	total := 0
	for i := range rows {
		total += rows[i].weight()
	}
	last := len(rows) - 1
	from, mid, to := last, last, 0
	sum := total
	for at := last; at > 0; at-- {
		sum -= rows[at].weight()
		if 64*sum >= (32-slack)*total {
			from = at
		}
		if 2*sum >= total {
			mid = at
		}
		if to == 0 && 64*sum <= (32+slack)*total {
			to = at
		}
	}
	if from > to || rows[from-1].key == rows[to].key {
		return mid
	}
	b := border(rows[from-1].key, rows[to].key)
	for rows[from].key < b {
		from++
	}
	return from
}

// border is the key with the most trailing zeros of those after one key and not after another.
func border(before, after uint64) uint64 {
	return after &^ (1<<(bits.Len64(before^after)-1) - 1)
}

// weight is the bytes a row takes in its leaf, the prefix apart.
func (r *row) weight() int {
	if r.long != 0 {
		return rowFixed + longEntry + len(r.extra)
	}
	return rowFixed + 1 + len(r.suf) + len(r.extra)
}

// splitLeaf moves half of a leaf's rows to a new leaf behind it; or, where rows are
// appended at the end of the order, none but the last.
func (t *tree) splitLeaf(id uint32, pos int) {
	s := &t.env.rows
	s.reset()
	s.read(t, id)
	at := balance(s.all(), splitSlack)
	if id == t.last && pos == s.n {
		at = s.n - 1
	}
	right := t.newLeaf()
	l, q := t.leafW(id), t.leafW(right)
	next := l.U32(leafNext)
	q.SetU32(leafNext, next)
	q.SetU32(leafPrev, id)
	l.SetU32(leafNext, right)
	if next != 0 {
		t.w(next).SetU32(leafPrev, right)
	} else {
		t.last = right
	}
	leftLen, _ := plan(s.rows[:at])
	rightLen, _ := plan(s.rows[at:s.n])
	t.pack(id, s.rows[:at], leftLen)
	t.pack(right, s.rows[at:s.n], rightLen)
	t.rehome(s.rows[at:s.n], right)
	key, sep := t.separator(&s.rows[at-1], &s.rows[at])
	t.insertChild(id, right, key, sep, at, s.n-at)
}

// rehome tells the index of rows that are in leaf id now. The hashes come first,
// so that all buckets are on their way from memory at once.
func (t *tree) rehome(rows []row, id uint32) {
	moved := t.env.slots[:0]
	for i := range rows {
		r := &rows[i]
		if r.from == id || r.from == 0 {
			continue
		}
		h := r.hash
		if r.long == 0 {
			t.env.member = r.appendTo(t.env.member[:0])
			h = t.memberHash(t.env.member)
		}
		t.bucketR(t.bucketOf(h)).Prefetch(1)
		moved = append(moved, hashed{h, r.from})
	}
	for _, m := range moved {
		t.replaceSlot(m.h, m.leaf, id)
	}
	t.env.slots = moved
}

// afterCut sees to leaf id after rows left it: an empty one goes, one
// that is emptier than it should be is merged with a sibling if both fit one leaf.
func (t *tree) afterCut(id uint32) {
	l := t.leafR(id)
	if id == t.root || l.used() >= mergeBelow {
		return
	}
	if l.n() == 0 {
		t.unlink(id)
		return
	}
	par := t.parent(id)
	p := t.innerR(par)
	i := p.index(id)
	if i+1 < p.n() && t.mergeLeaves(par, i) {
		return
	}
	if i > 0 {
		t.mergeLeaves(par, i-1)
	}
}

// mergeLeaves moves the rows of par's child i+1 into child i if they fit.
func (t *tree) mergeLeaves(par uint32, i int) bool {
	p := t.innerR(par)
	left, right := p.child(i), p.child(i+1)
	// Together they need at least this, unless their prefixes could be longer than they are.
	l, r := t.leafR(left), t.leafR(right)
	if l.used()+r.used()-leafFP-min(l.plen(), r.plen()) > mergeMax {
		return false
	}
	s := &t.env.rows
	s.reset()
	s.read(t, left)
	n := s.n
	s.read(t, right)
	plen, size := plan(s.all())
	if size > mergeMax {
		return false
	}
	t.pack(left, s.all(), plen)
	t.rehome(s.rows[n:s.n], left)
	w := t.innerW(par)
	w.addCount(i, s.n-n)
	w.setCount(i+1, 0)
	t.unlink(right)
	return true
}

// unlink takes a leaf without rows (or whose rows are elsewhere) out of the tree.
func (t *tree) unlink(id uint32) {
	l := t.leafR(id)
	next, prev := l.U32(leafNext), l.U32(leafPrev)
	if next != 0 {
		t.w(next).SetU32(leafPrev, prev)
	} else {
		t.last = prev
	}
	if prev != 0 {
		t.w(prev).SetU32(leafNext, next)
	} else {
		t.first = next
	}
	t.removeChild(id)
	t.freeBlock(id)
}

// ---- the whole set ----

// fill makes t a medium set with the rows that next gives, in order.
func (t *tree) fill(env *Env, rows func(yield func(m []byte, score float64))) {
	t.create(env, 0)
	rows(func(m []byte, score float64) {
		t.insertNew(t.memberHash(m), m, keyOf(score), 0, nil, nil)
	})
}

// free gives the set's memory back; a large set's arena waits for Reclaim.
func (t *tree) free() {
	if t.ar != nil {
		t.env.arenas.Bury(t.slot)
		return
	}
	if t.blobs > 0 {
		t.eachBlob(func(r slab.Ref) slab.Ref {
			t.env.Heap.FreeBlob(r)
			return 0
		})
	}
	t.env.Heap.Free(t.ext)
}

// copyTo copies the set, block by block, into another Env (or the same).
func (t *tree) copyTo(to *Env) Handle {
	c := *t
	c.env = to
	if t.ar != nil {
		c.ar = t.ar.clone()
	} else {
		n := t.extCap << blockShift
		c.ext = to.Heap.Alloc(n)
		c.base = to.Heap.W(c.ext)
		c.base.CopyFrom(0, t.base, 0, n)
	}
	c.copyBlobs(t.blobHeap())
	if c.ar != nil {
		c.slot = to.arenas.Add(c.ar)
	}
	return c.handle()
}

// clone copies the pages and tables of an arena; the blobs are left to the caller.
func (a *arena) clone() *arena {
	r := a.blobs.Region()
	c := newArena(r)
	c.nodes = a.nodes.Clone()
	c.count = a.count
	c.used = append(c.used, a.used...)
	c.segs = append(c.segs, a.segs...)
	c.room = append(c.room, a.room...)
	c.main = append(c.main, a.main...)
	c.ovf = append(c.ovf, a.ovf...)
	return c
}
