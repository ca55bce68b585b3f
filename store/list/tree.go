package list

import (
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// Leaves of a tree are objects of at most leafMax bytes. An element that does not go into
// one is long: a child of its own, a blob.
const (
	leafMax = 4096
	leafFit = leafMax - markSize            // length of the longest listpack
	maxSize = leafFit - listpack.HeaderSize // of an element's encoding
	maxLeaf = maxSize - 3                   // of an element's bytes
	// A node that has become this small is joined with a neighbour, if both together leave
	// a quarter of the room. So a list that has lost most of its elements is not spread thin.
	leafSmall   = leafFit / 4
	leafJoined  = leafFit * 3 / 4
	innerSmall  = fanout / 4
	innerJoined = fanout * 3 / 4
)

// tree is an open medium or large list: a B+tree ordered by position, in which a place is found by the counts of
// elements. It never has no elements but on its way from or to a packed list.
type tree struct {
	env  *Env
	heap *slab.Heap // where its nodes lie: the shard's, or the arena's
	ar   *arena     // nil: medium
	slot uint32     // the arena's number

	root   slab.Ref
	height int // levels of inner nodes
	count  int

	// path[h] is the node of level h on the way to the child that seek found, at[h] the number
	// of its child taken. They hold until the tree's shape changes.
	path [maxHeight + 1]slab.Ref
	at   [maxHeight + 1]int
}

func (t *tree) openMedium(env *Env, root slab.Ref) {
	t.env, t.heap, t.ar, t.slot, t.root = env, env.Heap, nil, 0, root
	t.load()
}

func (t *tree) openLarge(env *Env, slot uint32) {
	t.env, t.slot, t.ar = env, slot, env.arenas.At(slot)
	t.heap, t.root = t.ar.heap, t.ar.root()
	t.load()
}

func (t *tree) load() {
	r := t.r(t.root)
	t.height, t.count = r.level(), int(r.U64(innerTotal))
}

// create makes t a medium list without elements.
func (t *tree) create(env *Env) {
	t.env, t.heap, t.ar, t.slot = env, env.Heap, nil, 0
	t.height, t.count = 1, 0
	t.root = t.newInner(1, 1)
	t.w(t.root).SetU64(innerTotal, 0)
}

func (t *tree) r(ref slab.Ref) inner { return inner{t.heap.R(ref)} }

func (t *tree) w(ref slab.Ref) inner { return inner{t.heap.W(ref)} }

func (t *tree) handle() Handle {
	if t.ar != nil {
		return Handle{Large, t.slot}
	}
	return Handle{Medium, uint32(t.root)}
}

// setRoot makes ref the root.
func (t *tree) setRoot(ref slab.Ref) {
	t.root = ref
	if t.ar != nil {
		t.ar.heap.SetMark(uint64(ref))
	}
}

// newInner makes an inner node without children and with room for n.
func (t *tree) newInner(level, n int) slab.Ref {
	ref := t.heap.Alloc(t.innerFor(n))
	w := t.w(ref)
	w.SetU8(innerLevel, uint8(level))
	w.SetU16(innerN, 0)
	return ref
}

// seek finds the child at level 1 that has the element of number index, and returns how many elements
// come before that in the child. The place after the last element is behind the
// last one's child's elements.
func (t *tree) seek(index int) (offset int) {
	ref, total := t.root, t.count
	offset = index
	for h := t.height; h > 0; h-- {
		p := t.r(ref)
		t.path[h] = ref
		t.at[h], offset = p.locate(offset, total)
		ref, total = p.child(t.at[h]).ref, p.count(t.at[h])
	}
	return offset
}

// here is the child that seek found.
func (t *tree) here() child { return t.r(t.path[1]).child(t.at[1]) }

// leafOf is a child that is a leaf.
func (t *tree) leafOf(c child) leaf { return leaf{t.heap, c.ref} }

// bump adds d to the number of elements below the children taken from level h on upwards, and of all.
func (t *tree) bump(h, d int) {
	for ; h <= t.height; h++ {
		p, i := t.w(t.path[h]), t.at[h]
		c := p.child(i)
		c.count += d
		p.set(i, c)
	}
	t.count += d
	t.w(t.root).SetU64(innerTotal, uint64(t.count))
}

// rename says that the node of level h on the path, or the child at level 0, has the name ref now.
func (t *tree) rename(h int, ref slab.Ref) {
	if h > 0 {
		t.path[h] = ref
	}
	if h == t.height {
		t.setRoot(ref)
		return
	}
	p, i := t.w(t.path[h+1]), t.at[h+1]
	c := p.child(i)
	if c.ref != ref {
		c.ref = ref
		p.set(i, c)
	}
}

// ---- to insert ----

// insert puts v before the element of number index, or behind all.
func (t *tree) insert(index int, v []byte) {
	if len(v) > maxLeaf {
		t.insertLong(index, v)
		return
	}
	t.bound(0)
	e := listpack.String(v)
	for done := false; !done; {
		done = t.tryInsert(index, &e)
	}
}

// tryInsert inserts e, or splits the leaf that has no room for it: then it is false.
func (t *tree) tryInsert(index int, e *listpack.Element) (done bool) {
	if t.count == 0 {
		t.addFirst(t.leafWith(e))
		return true
	}
	offset := t.seek(index)
	c := t.here()
	switch {
	case t.insertAt(t.at[1], offset, e):
		return true
	case offset > 0 && offset < c.count:
		t.split(splitFor(t.leafOf(c), offset, e))
		return false
	case offset > 0:
		t.at[1]++ // behind all there is
	case t.at[1] > 0 && t.insertAt(t.at[1]-1, -1, e):
		return true
	}
	t.add(1, t.at[1], t.leafWith(e))
	return true
}

// leafWith makes a leaf of one element.
func (t *tree) leafWith(e *listpack.Element) child {
	p := newLeaf(t.heap, t.fit(listpack.HeaderSize+e.Size()))
	p.insert(listpack.HeaderSize, 0, e)
	return child{p.ref, 1, false}
}

// insertAt inserts e into child i of the node found if that is a leaf with room for it: before the element
// of number offset, or behind all if that is -1.
func (t *tree) insertAt(i, offset int, e *listpack.Element) bool {
	c := t.r(t.path[1]).child(i)
	if c.long {
		return false
	}
	p := t.leafOf(c)
	size := p.size() + e.Size()
	if size > leafFit {
		return false
	}
	t.at[1] = i
	if offset < 0 {
		offset = c.count
	}
	if room := p.room(); size > room {
		p.resize(t.fit(max(size, min(2*room, leafFit)))) // a leaf that grows will grow
		t.rename(0, p.ref)
	}
	p.insert(p.seekForWrite(offset), offset, e)
	t.bump(1, 1)
	return true
}

// insertLong is insert for an element that is a child of its own.
func (t *tree) insertLong(index int, v []byte) {
	t.bound(slab.BlobBytes(len(v)))
	if t.count == 0 {
		t.addFirst(child{t.heap.PutBlob(v), 1, true})
		return
	}
	offset := t.seek(index)
	switch c := t.here(); {
	case offset == c.count:
		t.at[1]++
	case offset > 0:
		t.split(offset)
		t.seek(index)
	}
	t.add(1, t.at[1], child{t.heap.PutBlob(v), 1, true})
}

// split makes two leaves of the one found; the second begins with its element of number offset.
func (t *tree) split(offset int) {
	p := t.leafOf(t.here())
	l := p.list()
	n := l.Len()
	pos := p.seek(offset)
	q := newLeaf(t.heap, t.fit(listpack.HeaderSize+l.Size()-pos))
	to := q.mutable()
	to.Append(l, pos, n-offset)
	p.remove(pos, offset, n-offset)
	p.resize(t.fit(p.size()))
	t.rename(0, p.ref)
	t.bump(1, offset-n)
	t.add(1, t.at[1]+1, child{q.ref, n - offset, false})
}

// splitFor is where to split a leaf so that e can be put before the element of number offset: in the middle, or
// right there if e is so long that it might find no room in half a leaf.
func splitFor(p leaf, offset int, e *listpack.Element) int {
	if e.Size() > leafSmall {
		return offset
	}
	return halfOf(p.list())
}

// halfOf is the number of the element at about half of the listpack's bytes: neither the
// first nor behind the last.
func halfOf(l listpack.List) int {
	index, pos := 1, l.Next(listpack.HeaderSize)
	for last := l.Len() - 1; index < last && pos < l.Size()/2; index++ {
		pos = l.Next(pos)
	}
	return index
}

// fill puts the elements of a listpack into a tree without elements.
func (t *tree) fill(l listpack.List) {
	for pos, size := listpack.HeaderSize, l.Size(); pos < size; {
		n, end := 1, l.Next(pos)
		if end-pos > maxSize {
			t.append(child{t.heap.PutBlob(l.Bytes(pos, nil)), 1, true})
			pos = end
			continue
		}
		for end < size && l.Next(end)-pos <= maxSize {
			n, end = n+1, l.Next(end)
		}
		p := newLeaf(t.heap, t.fit(listpack.HeaderSize+end-pos))
		to := p.mutable()
		to.Append(l, pos, n)
		t.append(child{p.ref, n, false})
		pos = end
	}
}

// append puts a child behind all there are.
func (t *tree) append(c child) {
	if t.count == 0 {
		t.addFirst(c)
		return
	}
	t.seek(t.count)
	t.add(1, t.at[1]+1, c)
}

// addFirst gives the root of a tree without elements its first child.
func (t *tree) addFirst(c child) {
	t.path[1], t.at[1] = t.root, 0
	t.add(1, 0, c)
}

// add puts a child with elements of its own before child i of the path's node of level h. The path
// does not hold afterwards.
func (t *tree) add(h, i int, c child) {
	switch n := t.r(t.path[h]).n(); {
	case n < fanout:
		t.addTo(h, i, c)
		t.bump(h+1, c.count)
	case i == 0 || i == n:
		t.addBeside(h, i, c)
	default:
		t.divide(h, i, c)
	}
}

// addBeside gives c a node of its own before the path's node of level h, which is full, or, if
// i is not 0, behind it. So nodes stay full in a list that is only pushed to.
func (t *tree) addBeside(h, i int, c child) {
	ref := t.newInner(h, 4)
	t.w(ref).insert(0, c)
	node := child{ref: ref, count: c.count}
	switch {
	case h < t.height && i == 0:
		t.add(h+1, t.at[h+1], node)
	case h < t.height:
		t.add(h+1, t.at[h+1]+1, node)
	case i == 0:
		t.addRoot(node, child{ref: t.root, count: t.count})
	default:
		t.addRoot(child{ref: t.root, count: t.count}, node)
	}
}

// divide makes two of the path's node of level h, which is full, and puts c before what was its
// child i.
func (t *tree) divide(h, i int, c child) {
	const half = fanout / 2
	left, right := t.path[h], t.newInner(h, fanout)
	a, b := t.w(left), t.w(right)
	b.CopyFrom(innerChildren, a.Block, innerChildren+half*childSize, (fanout-half)*childSize)
	b.SetU16(innerN, fanout-half)
	a.SetU16(innerN, half)
	if i < half {
		a.insert(i, c)
	} else {
		b.insert(i-half, c)
	}
	rest := child{ref: right, count: b.sum()}
	if h == t.height {
		t.addRoot(child{ref: left, count: a.sum()}, rest)
		return
	}
	t.bump(h+1, c.count-rest.count)
	t.add(h+1, t.at[h+1]+1, rest)
}

// addTo puts c before child i of the path's node of level h, which has less than fanout.
func (t *tree) addTo(h, i int, c child) {
	ref := t.path[h]
	n := t.r(ref).n()
	if sizeOfInner(n+1) > t.heap.Cap(ref) {
		ref = t.heap.Resize(ref, t.innerFor(max(n+1, min(2*n, fanout))), sizeOfInner(n))
		t.rename(h, ref)
	}
	t.w(ref).insert(i, c)
}

// addRoot makes a root above the two nodes that the root has become.
func (t *tree) addRoot(left, right child) {
	t.height++
	root := t.newInner(t.height, 4)
	w := t.w(root)
	w.insert(0, left)
	w.insert(1, right)
	t.setRoot(root)
	t.path[t.height] = root
	t.count = left.count + right.count
	w.SetU64(innerTotal, uint64(t.count))
}

// set makes v the element of number index.
func (t *tree) set(index int, v []byte) {
	offset := t.seek(index)
	if c := t.here(); !c.long && len(v) <= maxLeaf {
		p, e := t.leafOf(c), listpack.String(v)
		pos := p.seekForWrite(offset)
		size := p.size() + e.Size() - (p.list().Next(pos) - pos)
		if size <= leafFit {
			if size > p.room() {
				p.resize(t.fit(size))
				t.rename(0, p.ref)
			}
			p.replace(pos, &e)
			t.shrunk(&p, 0)
			return
		}
	}
	t.insert(index, v)
	t.removeRange(index+1, 1)
}

// sizeOf is the length of a leaf's listpack.
func (t *tree) sizeOf(c child) int {
	p := t.leafOf(c)
	return p.size()
}

// ---- to remove ----

// removeRange removes the n elements from number start on; others remain.
func (t *tree) removeRange(start, n int) {
	for n > 0 {
		offset := t.seek(start)
		c := t.here()
		if offset > 0 || n < c.count {
			k := min(n, c.count-offset)
			p := t.leafOf(c)
			p.remove(p.seekForWrite(offset), offset, k)
			t.shrunk(&p, k)
			n -= k
			continue
		}
		h := 1
		for h < t.height && t.at[h] == 0 && t.r(t.path[h+1]).count(t.at[h+1]) <= n {
			h++
		}
		n -= t.dropRun(h, n)
	}
}

// shrunk says that the leaf found has k elements less.
func (t *tree) shrunk(p *leaf, k int) {
	t.bump(1, -k)
	size := p.size()
	if room := p.room(); size <= room/4 && room > 64 {
		p.resize(t.fit(2 * size))
		t.rename(0, p.ref)
	}
	if size < leafSmall {
		t.tidy(1)
	}
}

// dropRun drops children of the path's node of level h, from the one taken on, that have n elements together
// or fewer, and returns how many they had. Some child of the node remains.
func (t *tree) dropRun(h, n int) (gone int) {
	p, from := t.w(t.path[h]), t.at[h]
	i := from
	for i < p.n() && gone+p.count(i) <= n {
		c := p.child(i)
		gone += c.count
		t.drop(c, h-1)
		i++
	}
	t.cutChildren(h, from, i-from)
	t.bump(h+1, -gone)
	t.tidy(h)
	return gone
}

// cutChildren takes k children out of the path's node of level h.
func (t *tree) cutChildren(h, from, k int) {
	ref := t.path[h]
	w := t.w(ref)
	n := w.n() - k
	at := innerChildren + from*childSize
	w.Move(at, at+k*childSize, (n-from)*childSize)
	w.SetU16(innerN, uint16(n))
	if size := sizeOfInner(n); size <= t.heap.Cap(ref)/4 {
		t.rename(h, t.heap.Resize(ref, t.innerFor(2*n), size))
	}
}

// tidy joins small nodes of the path with their neighbours, the child taken at level h and all above it,
// and takes a root with one child away. The path does not hold afterwards.
func (t *tree) tidy(h int) {
	for ; h <= t.height; h++ {
		if i := t.at[h]; !t.join(h, i-1) {
			t.join(h, i)
		}
	}
	for t.height > 1 && t.r(t.root).n() == 1 {
		old := t.root
		t.setRoot(t.r(old).child(0).ref)
		t.heap.Free(old)
		t.height--
		t.w(t.root).SetU64(innerTotal, uint64(t.count))
	}
}

// join makes one of the children i and i+1 of the path's node of level h, if one is small and both
// together are not large.
func (t *tree) join(h, i int) bool {
	p := t.r(t.path[h])
	if i < 0 || i+1 >= p.n() {
		return false
	}
	a, b := p.child(i), p.child(i+1)
	var ref slab.Ref
	if h == 1 {
		ref = t.joinLeaves(a, b)
	} else {
		ref = t.joinInner(a.ref, b.ref)
	}
	if ref == 0 {
		return false
	}
	t.w(t.path[h]).set(i, child{ref, a.count + b.count, false})
	t.cutChildren(h, i+1, 1)
	return true
}

// joinLeaves returns the leaf that the two have become, 0 if they stay two.
func (t *tree) joinLeaves(a, b child) slab.Ref {
	if a.long || b.long {
		return 0
	}
	p, q := t.leafOf(a), t.leafOf(b)
	size := p.size() + q.size() - listpack.HeaderSize
	if min(p.size(), q.size()) > leafSmall || size > leafJoined {
		return 0
	}
	if size > p.room() {
		p.resize(t.fit(size))
	}
	to := p.mutable()
	to.Append(q.list(), listpack.HeaderSize, b.count)
	q.free()
	return p.ref
}

// joinInner returns the node that the two have become, 0 if they stay two.
func (t *tree) joinInner(a, b slab.Ref) slab.Ref {
	p, q := t.r(a), t.r(b)
	n, m := p.n(), q.n()
	if min(n, m) > innerSmall || n+m > innerJoined {
		return 0
	}
	if sizeOfInner(n+m) > t.heap.Cap(a) {
		a = t.heap.Resize(a, t.innerFor(n+m), sizeOfInner(n))
	}
	w := t.w(a)
	w.CopyFrom(sizeOfInner(n), t.r(b).Block, innerChildren, m*childSize)
	w.SetU16(innerN, uint16(n+m))
	t.heap.Free(b)
	return a
}

// removeEqual removes the elements that equal v, at most limit: the first, or from the end
// if reverse. It returns how many; others remain, or the tree has no elements when it returns.
func (t *tree) removeEqual(v []byte, limit int, reverse bool) (removed int) {
	if reverse {
		for end := t.count; end > 0 && removed < limit; {
			offset := t.seek(end-1) + 1
			k := t.removeHere(v, 0, offset, limit-removed, true)
			removed, end = removed+k, end-offset
		}
		return removed
	}
	for index := 0; index < t.count && removed < limit; {
		offset := t.seek(index)
		n := t.here().count - offset
		k := t.removeHere(v, offset, offset+n, limit-removed, false)
		removed, index = removed+k, index+n-k
	}
	return removed
}

// removeHere is removeEqual for the child found, of whose elements those with numbers from
// from on and below end are looked at.
func (t *tree) removeHere(v []byte, from, end, limit int, reverse bool) int {
	c := t.here()
	if c.long != (len(v) > maxLeaf) {
		return 0
	}
	if c.long {
		if t.heap.BlobLen(c.ref) != len(v) || t.heap.CompareBlob(c.ref, v) != 0 {
			return 0
		}
		t.removeChild()
		return 1
	}
	p, e := t.leafOf(c), listpack.String(v)
	k := p.countEqual(&e, from, end)
	switch {
	case k == 0:
		return 0
	case min(k, limit) == c.count:
		t.removeChild()
		return c.count
	}
	skip := 0
	if reverse {
		skip = max(0, k-limit)
	}
	k = p.removeEqual(&e, from, end, skip, limit)
	t.shrunk(&p, k)
	return k
}

// removeChild removes all elements of the child found.
func (t *tree) removeChild() {
	c := t.here()
	if c.count == t.count {
		t.drop(c, 0)
		t.cutChildren(1, 0, 1)
		t.bump(2, -c.count)
		return
	}
	h := 1
	for h < t.height && t.r(t.path[h]).n() == 1 {
		h++
	}
	t.dropRun(h, c.count)
}
