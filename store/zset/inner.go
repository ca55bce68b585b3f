package zset

import (
	"fmt"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// An inner node has up to 50 children, in one block:
//
//	  0 u16 n
//	  2 u8  level      1: the children are leaves
//	  4 u32 parent     0: this is the root
//	 20 u8  kind       kindInner
//	 24 u64 key[50]    separator between child i-1 and child i; of child 0: 0
//	424 u32 child[50]
//	624 u32 count[50]  rows below the child
//	824 u32 sep[50]    0, or the blob of the separator's member
//
// Child i holds the rows at or after separator i. A separator is a key alone (the
// rows to the left have smaller ones; no row need have it, see border) or, where both neighbours have rows of the
// same key, the key and a blob: the shortest string after the left
// neighbour's last member and not after the right one's first. It never names
// a row, so rows come and go without a look at it.
const (
	fanout = 50

	innerN     = 0
	innerLevel = 2
	innerKey   = 24
	innerChild = innerKey + 8*fanout
	innerCount = innerChild + 4*fanout
	innerSep   = innerCount + 4*fanout

	innerMergeBelow = fanout / 4
	innerMergeMax   = fanout * 3 / 4
)

// inner is a block read as an inner node.
type inner struct{ offheap.Block }

func (t *tree) innerR(id uint32) inner { return inner{t.r(id)} }
func (t *tree) innerW(id uint32) inner { return inner{t.w(id)} }

func (p inner) n() int             { return int(p.U16(innerN)) }
func (p inner) level() int         { return int(p.U8(innerLevel)) }
func (p inner) key(i int) uint64   { return p.U64(innerKey + 8*i) }
func (p inner) child(i int) uint32 { return p.U32(innerChild + 4*i) }
func (p inner) count(i int) uint32 { return p.U32(innerCount + 4*i) }
func (p inner) sep(i int) slab.Ref { return slab.Ref(p.U32(innerSep + 4*i)) }
func (p inner) addCount(i, d int)  { p.SetU32(innerCount+4*i, uint32(int(p.count(i))+d)) }
func (p inner) setCount(i, n int)  { p.SetU32(innerCount+4*i, uint32(n)) }

func (p inner) setChild(i int, key uint64, sep slab.Ref, child uint32, count int) {
	p.SetU64(innerKey+8*i, key)
	p.SetU32(innerChild+4*i, child)
	p.SetU32(innerCount+4*i, uint32(count))
	p.SetU32(innerSep+4*i, uint32(sep))
}

func (p inner) setSep(i int, key uint64, sep slab.Ref) {
	p.SetU64(innerKey+8*i, key)
	p.SetU32(innerSep+4*i, uint32(sep))
}

// index is the position of a child that is there.
func (p inner) index(child uint32) int {
	for i := 0; i < fanout; i += 2 {
		two := p.U64(innerChild + 4*i)
		if uint32(two) == child {
			return i
		}
		if uint32(two>>32) == child {
			return i + 1
		}
	}
	panic(fmt.Sprintf("zset: block %d is not a child of its parent", child))
}

// sumBelow is the number of rows below the first i children.
func (p inner) sumBelow(i int) int {
	var sum, high uint64
	j := 0
	for ; j+2 <= i; j += 2 {
		x := p.U64(innerCount + 4*j)
		sum += x & 0xffffffff
		high += x >> 32
	}
	if j < i {
		sum += uint64(p.count(j))
	}
	return int(sum + high)
}

// open shifts the children from i on up by k places.
func (p inner) open(i, k int) {
	n := p.n()
	p.Move(innerKey+8*(i+k), innerKey+8*i, 8*(n-i))
	p.Move(innerChild+4*(i+k), innerChild+4*i, 4*(n-i))
	p.Move(innerCount+4*(i+k), innerCount+4*i, 4*(n-i))
	p.Move(innerSep+4*(i+k), innerSep+4*i, 4*(n-i))
	p.SetU16(innerN, uint16(n+k))
}

// cut takes the k children from i on out.
func (p inner) cut(i, k int) {
	n := p.n()
	rest := n - i - k
	p.Move(innerKey+8*i, innerKey+8*(i+k), 8*rest)
	p.Move(innerChild+4*i, innerChild+4*(i+k), 4*rest)
	p.Move(innerCount+4*i, innerCount+4*(i+k), 4*rest)
	p.Move(innerSep+4*i, innerSep+4*(i+k), 4*rest)
	p.SetU16(innerN, uint16(n-k))
}

// copyChildren copies k children of q from position from on to position to of p.
func (p inner) copyChildren(to int, q inner, from, k int) {
	p.CopyFrom(innerKey+8*to, q.Block, innerKey+8*from, 8*k)
	p.CopyFrom(innerChild+4*to, q.Block, innerChild+4*from, 4*k)
	p.CopyFrom(innerCount+4*to, q.Block, innerCount+4*from, 4*k)
	p.CopyFrom(innerSep+4*to, q.Block, innerSep+4*from, 4*k)
}

func (t *tree) parent(id uint32) uint32     { return t.r(id).U32(nodeParent) }
func (t *tree) setParent(id, parent uint32) { t.w(id).SetU32(nodeParent, parent) }

// seek is the position of the child that (key, m) belongs to.
func (t *tree) seek(p inner, key uint64, m []byte) int {
	base, n := 0, p.n()
	for n > 1 {
		half := n >> 1
		if p.U64(innerKey+8*(base+half)) <= key {
			base += half
		}
		n -= half
	}
	if base > 0 && p.key(base) == key {
		return t.seekTie(p, key, m, base)
	}
	return base
}

// seekTie is seek among the separators with the same key, the last of which is hi.
func (t *tree) seekTie(p inner, key uint64, m []byte, hi int) int {
	lo := hi
	for lo > 1 && p.key(lo-1) == key {
		lo--
	}
	lo--
	for lo < hi { // the last separator at or before m; lo is before all of them
		mid := (lo + hi + 1) / 2
		if s := p.sep(mid); s == 0 || t.blobHeap().CompareBlob(s, m) <= 0 {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// descend finds the leaf that (key, m) belongs to and keeps the path.
func (t *tree) descend(key uint64, m []byte) uint32 {
	id := t.root
	for h := t.height; h > 0; h-- {
		p := t.innerR(id)
		i := t.seek(p, key, m)
		t.path[h], t.at[h] = id, i
		id = p.child(i)
	}
	return id
}

// pathAdd adds d to the counts along the path.
func (t *tree) pathAdd(d int) {
	for h := t.height; h > 0; h-- {
		t.innerW(t.path[h]).addCount(t.at[h], d)
	}
}

// pathRank is the number of rows before the leaf that the path leads to.
func (t *tree) pathRank() int {
	sum := 0
	for h := t.height; h > 0; h-- {
		sum += t.innerR(t.path[h]).sumBelow(t.at[h])
	}
	return sum
}

// upAdd adds d to the counts above leaf id.
func (t *tree) upAdd(id uint32, d int) {
	for p := t.parent(id); p != 0; id, p = p, t.parent(p) {
		w := t.innerW(p)
		w.addCount(w.index(id), d)
	}
}

// upRank is the number of rows before leaf id.
func (t *tree) upRank(id uint32) int {
	sum := 0
	for p := t.parent(id); p != 0; id, p = p, t.parent(p) {
		r := t.innerR(p)
		sum += r.sumBelow(r.index(id))
	}
	return sum
}

// moveCount counts a row out of leaf from and into the leaf at the end of the
// path, up to the first node above both.
func (t *tree) moveCount(from uint32) {
	id := from
	for h := 1; h <= t.height; h++ {
		p := t.parent(id)
		w := t.innerW(p)
		w.addCount(w.index(id), -1)
		t.innerW(t.path[h]).addCount(t.at[h], 1)
		if t.path[h] == p {
			return
		}
		id = p
	}
}

// leafAt is the leaf with the row of the given rank, and its position there.
// rank is less than count.
func (t *tree) leafAt(rank int) (id uint32, pos int) {
	id = t.root
	rows := t.count
	for h := t.height; h > 0; h-- {
		p := inner{t.read(id)}
		var i int
		i, rank = p.childAt(rank, rows)
		id, rows = p.child(i), int(p.count(i))
	}
	return id, rank
}

// childAt is the child of a node over rows rows with the row of the given rank, and
// the row's rank below it. It counts from the nearer end.
func (p inner) childAt(rank, rows int) (i, below int) {
	if rank < rows/2 {
		for c := int(p.count(0)); rank >= c; c = int(p.count(i)) {
			rank -= c
			i++
		}
		return i, rank
	}
	for i = p.n() - 1; ; i-- {
		if rows -= int(p.count(i)); rank >= rows {
			return i, rank - rows
		}
	}
}

// separator makes the separator between the row before and the row after it: the key of
// the coarsest border between theirs or, where these are equal, what the members share and one
// byte more. It reads no more of long members than that.
func (t *tree) separator(before, after *row) (uint64, slab.Ref) {
	if before.key != after.key {
		return border(before.key, after.key), 0
	}
	n := t.common(before, after) + 1 // before is not after, so after is longer or differs
	if after.long != 0 {
		return after.key, t.newBlobOf(after.long, n)
	}
	t.env.member = after.appendTo(t.env.member[:0])
	return after.key, t.newBlob(t.env.member[:n])
}

// common is how many leading bytes the members of two rows share.
func (t *tree) common(a, b *row) int {
	switch {
	case a.long == 0 && b.long == 0:
		return a.common(b, maxInline)
	case a.long != 0 && b.long != 0:
		return t.blobHeap().CommonBlobs(a.long, b.long)
	case b.long != 0:
		a, b = b, a
	}
	t.env.member = b.appendTo(t.env.member[:0])
	return t.blobHeap().CommonBytes(a.long, t.env.member)
}

// appendTo appends a short row's member.
func (r *row) appendTo(dst []byte) []byte { return append(append(dst, r.pre...), r.suf...) }

// fullAbove is the number of blocks that inserting a child beside node id may take.
func (t *tree) fullAbove(id uint32) int {
	n := 0
	for p := t.parent(id); p != 0; p = t.parent(p) {
		if t.innerR(p).n() < fanout {
			return n
		}
		n++
	}
	return n + 1 // a new root
}

// insertChild puts right, with rightCount rows, behind its new left neighbour, whose
// count in the parent still includes them. Room is reserved (fullAbove).
func (t *tree) insertChild(left, right uint32, key uint64, sep slab.Ref, leftCount, rightCount int) {
	par := t.parent(left)
	if par == 0 {
		t.newRoot(left, right, key, sep, leftCount, rightCount)
		return
	}
	p := t.innerW(par)
	i := p.index(left)
	if p.n() == fanout {
		par, i = t.splitInner(par, i)
		p = t.innerW(par)
	}
	p.open(i+1, 1)
	p.setChild(i+1, key, sep, right, rightCount)
	p.addCount(i, -rightCount)
	t.setParent(right, par)
}

func (t *tree) newRoot(left, right uint32, key uint64, sep slab.Ref, leftCount, rightCount int) {
	id := t.newBlock()
	t.height++
	p := t.innerW(id)
	p.Zero(0, innerKey)
	p.SetU16(innerN, 2)
	p.SetU8(innerLevel, uint8(t.height))
	p.SetU8(nodeKind, kindInner)
	p.setChild(0, 0, 0, left, leftCount)
	p.setChild(1, key, sep, right, rightCount)
	t.setParent(left, id)
	t.setParent(right, id)
	t.root = id
}

// splitInner splits a full node and returns where its child i is now.
func (t *tree) splitInner(id uint32, i int) (uint32, int) {
	mid := fanout / 2
	if i == fanout-1 {
		mid = fanout - 2 // appending: leave full nodes behind
	}
	right := t.newBlock()
	p, q := t.innerW(id), t.innerW(right)
	q.Zero(0, innerKey)
	q.SetU16(innerN, uint16(fanout-mid))
	q.SetU8(innerLevel, uint8(p.level()))
	q.SetU8(nodeKind, kindInner)
	q.copyChildren(0, p, mid, fanout-mid)
	key, sep := q.key(0), q.sep(0)
	q.setSep(0, 0, 0)
	p.SetU16(innerN, uint16(mid))
	for j := range fanout - mid {
		t.setParent(q.child(j), right)
	}
	t.insertChild(id, right, key, sep, p.sumBelow(mid), q.sumBelow(fanout-mid))
	if i >= mid {
		return right, i - mid
	}
	return id, i
}

// removeChild takes an empty child out of its parent, and shrinks the tree where
// that leaves a root with one child, or a node with few.
func (t *tree) removeChild(id uint32) {
	par := t.parent(id)
	p := t.innerW(par)
	i := p.index(id)
	if p.n() == 1 {
		t.removeChild(par)
		t.freeBlock(par)
		return
	}
	gone := max(i, 1) // the separator that stood between the child and a neighbour
	if s := p.sep(gone); s != 0 {
		t.freeBlob(s)
	}
	p.cut(i, 1)
	if i == 0 {
		p.setSep(0, 0, 0)
	}
	switch {
	case par == t.root && p.n() == 1:
		t.root = p.child(0)
		t.height--
		t.setParent(t.root, 0)
		t.freeBlock(par)
	case par != t.root && p.n() < innerMergeBelow:
		t.mergeInner(par)
	}
}

// mergeInner merges a node that has few children with a sibling that has room.
func (t *tree) mergeInner(id uint32) {
	gp := t.parent(id)
	g := t.innerR(gp)
	i := g.index(id)
	n := t.innerR(id).n()
	switch {
	case i+1 < g.n() && n+t.innerR(g.child(i+1)).n() <= innerMergeMax:
		t.joinInner(gp, i)
	case i > 0 && n+t.innerR(g.child(i-1)).n() <= innerMergeMax:
		t.joinInner(gp, i-1)
	}
}

// joinInner moves the children of gp's child i+1 behind those of child i.
func (t *tree) joinInner(gp uint32, i int) {
	g := t.innerW(gp)
	left, right := g.child(i), g.child(i+1)
	p, q := t.innerW(left), t.innerR(right)
	n, k := p.n(), q.n()
	p.copyChildren(n, q, 0, k)
	p.setSep(n, g.key(i+1), g.sep(i+1)) // the separator comes down
	p.SetU16(innerN, uint16(n+k))
	for j := n; j < n+k; j++ {
		t.setParent(p.child(j), left)
	}
	g.addCount(i, int(g.count(i+1)))
	g.setCount(i+1, 0)
	g.setSep(i+1, g.key(i+1), 0)
	t.removeChild(right)
	t.freeBlock(right)
}
