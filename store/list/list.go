package list

import (
	"fmt"

	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// Encoding is the form a list has.
type Encoding uint8

// The encodings. Medium and Large answer to Redis' name "quicklist".
const (
	Packed Encoding = 1 + iota // one listpack in the shard's heap: "listpack"
	Medium                     // a tree in the shard's heap
	Large                      // a tree in an arena of its own
)

// Name is the encoding as OBJECT ENCODING names it.
func (e Encoding) Name() string {
	if e == Packed {
		return "listpack"
	}
	return "quicklist"
}

// Handle names a list: it is what a key's record keeps. The zero Handle is no list.
type Handle struct {
	Enc Encoding
	Ref uint32 // a slab.Ref in the shard's heap, 0 for a packed list without elements; or the arena's number
}

// Limits say up to which size a list stays packed.
type Limits struct {
	// Size is list-max-listpack-size: from 0 on a number of elements, in 8 KiB at most; -1 to
	// -5 are 4, 8, 16, 32 and 64 KiB, but no packed list has more than 32 KiB.
	Size int
}

const (
	packedMax  = slab.MaxSize - markSize // bytes of the largest packed list
	countBytes = 8 << 10                 // what a list limited by its number of elements may have
)

// of are the bytes and elements that a packed list may have.
func (m *Limits) of() (bytes, count int) {
	if m.Size >= 0 {
		return countBytes, max(1, m.Size)
	}
	return min(2<<10<<min(-m.Size, 5), packedMax), listpack.MaxSize
}

// allow reports whether a list may be packed whose listpack is of size bytes and has n elements. What has become
// a tree is packed again only at half of that.
func (m *Limits) allow(size, n int) bool {
	bytes, count := m.of()
	return size <= bytes && n <= count
}

func (m *Limits) allowAgain(size, n int) bool {
	bytes, count := m.of()
	return size <= bytes/2 && n <= count/2
}

// Env is what the lists of one shard share: the heap of small values and the arenas of
// large ones. It is guarded by the shard's lock.
type Env struct {
	Heap   *slab.Heap
	Limits *Limits

	arenas   slab.Arenas[*arena] // large lists by Handle.Ref
	littered []*arena            // those of them that have parts for Reclaim to free
}

// Cut is the large lists that an Env has at one moment.
type Cut struct{ lists slab.Cut[*arena] }

// Cut is the large lists there are now.
func (e *Env) Cut() Cut { return Cut{e.arenas.Cut()} }

// Freeze gives e, which is new and has a heap of a view, the large lists of a cut. Lists of a view can be read in all ways.
func (e *Env) Freeze(c Cut, open slab.Opener) { e.arenas.Freeze(c.lists, open) }

// Leave forgets the large lists of a view that have been opened. If done, nobody will read them any more.
func (e *Env) Leave(done bool) { e.arenas.Leave(done) }

// Arenas is the number of large lists there are.
func (e *Env) Arenas() int { return e.arenas.Len() }

// List is an open list. It is valid while the shard's lock is held. A change may
// move the list: afterwards its Handle must be stored again.
//
// A List is made by Env.Open or Env.Create into memory of the caller's, so that
// opening one allocates nothing.
type List struct {
	env *Env
	enc Encoding
	p   leaf
	t   tree
}

// Open makes l the list that h names.
func (e *Env) Open(h Handle, l *List) {
	l.env, l.enc = e, h.Enc
	switch h.Enc {
	case Packed:
		l.p = leaf{e.Heap, slab.Ref(h.Ref)}
	case Medium:
		l.t.openMedium(e, slab.Ref(h.Ref))
	default:
		l.t.openLarge(e, h.Ref)
	}
}

// Create makes l a new list without elements. As long as it has none it takes no memory.
func (e *Env) Create(l *List) { e.Open(Handle{Packed, 0}, l) }

// Free gives the list's memory back. A large list is only unhooked; Reclaim
// returns its pages later, a slice at a time.
func (e *Env) Free(h Handle) {
	if h.Enc == Packed {
		p := leaf{e.Heap, slab.Ref(h.Ref)}
		p.free()
		return
	}
	var l List
	e.Open(h, &l)
	l.t.free()
}

// MoveTo moves the list that h names to another shard's Env, whose lock is held
// too, and returns its name there. O(1) for large lists, a copy of at most 256 KiB for others.
func (e *Env) MoveTo(h Handle, to *Env) Handle {
	if e == to {
		return h
	}
	if h.Enc == Large {
		return to.put(e.take(h.Ref))
	}
	n := e.CopyTo(h, to)
	e.Free(h)
	return n
}

// PrefetchHead asks the processor for the first bytes of the list that h names.
func (e *Env) PrefetchHead(h Handle) {
	if h.Enc != Large && h.Ref != 0 {
		e.Heap.R(slab.Ref(h.Ref)).Prefetch(2)
	}
}

// CopyTo copies the list that h names into an Env, this one or another shard's,
// and returns the copy's name there. It copies memory, a large list's page by page.
func (e *Env) CopyTo(h Handle, to *Env) Handle {
	if h.Enc == Packed {
		p := leaf{e.Heap, slab.Ref(h.Ref)}
		c := p.copyTo(to.Heap, p.size())
		return Handle{Packed, uint32(c.ref)}
	}
	var l List
	e.Open(h, &l)
	return l.t.copyTo(to)
}

// Handle is the list's present name; store it after every change.
func (l *List) Handle() Handle {
	if l.enc == Packed {
		return Handle{Packed, uint32(l.p.ref)}
	}
	return l.t.handle()
}

// Encoding is the form the list has.
func (l *List) Encoding() Encoding { return l.Handle().Enc }

// Len is the number of elements.
func (l *List) Len() int {
	if l.enc == Packed {
		return l.p.len()
	}
	return l.t.count
}

// Bytes is the memory the list takes, in bytes, size classes and pages included.
func (l *List) Bytes() int64 {
	switch {
	case l.enc != Packed:
		return l.t.bytes()
	case l.p.ref == 0:
		return 0
	}
	return int64(l.p.heap.Cap(l.p.ref))
}

// Push puts v before the first element, or behind the last. O(log n), and on a list that
// is only pushed to one leaf is touched. v is copied.
func (l *List) Push(front bool, v []byte) {
	if front {
		l.Insert(0, v)
		return
	}
	l.Insert(l.Len(), v)
}

// Insert puts v before the element of number index, which is from 0 to Len: behind all. O(log n). v is copied.
func (l *List) Insert(index int, v []byte) {
	if l.enc == Packed {
		if l.insertPacked(index, v) {
			return
		}
		l.unpack()
	}
	l.t.insert(index, v)
}

// insertPacked is Insert for a packed list; false if it may not be packed then.
func (l *List) insertPacked(index int, v []byte) bool {
	if len(v) > packedMax {
		return false
	}
	p, e := &l.p, listpack.String(v)
	n, size := p.len(), p.size()+e.Size()
	if !l.env.Limits.allow(size, n+1) {
		return false
	}
	if p.ref == 0 || size > p.room() {
		p.resize(size)
	}
	pos := listpack.HeaderSize
	if index > 0 {
		pos = p.seekForWrite(index)
	}
	p.insert(pos, index, &e)
	return true
}

// unpack makes a tree of a packed list.
func (l *List) unpack() {
	old := l.p
	l.t.create(l.env)
	l.t.fill(old.list())
	old.free()
	l.enc = Medium
}

// Set makes v the element of number index, which the list has. O(log n). v is copied.
func (l *List) Set(index int, v []byte) {
	if l.enc == Packed {
		if l.setPacked(index, v) {
			return
		}
		l.unpack()
	}
	l.t.set(index, v)
	l.settle()
}

// setPacked is Set for a packed list; false if it may not be packed then.
func (l *List) setPacked(index int, v []byte) bool {
	if len(v) > packedMax {
		return false
	}
	p, e := &l.p, listpack.String(v)
	pos := p.seekForWrite(index)
	old := p.list().Next(pos) - pos
	size := p.size() + e.Size() - old
	if !l.env.Limits.allow(size, p.len()) {
		return false
	}
	if size > p.room() {
		p.resize(size)
	}
	p.replace(pos, &e)
	l.shrink()
	return true
}

// shrink gives a packed list a smaller object when a quarter of it would be free.
func (l *List) shrink() {
	if size := l.p.size(); size <= l.p.room()*3/4 {
		l.p.resize(size)
	}
}

// RemoveRange removes n elements from number start on, and returns how many there were: all are
// within 0 and Len. O(log n), and a list or the long part of a large one that goes is
// dropped as a whole.
func (l *List) RemoveRange(start, n int) int {
	n = min(n, l.Len()-start)
	switch {
	case start < 0 || n <= 0:
		return 0
	case n == l.Len():
		l.clear()
	case l.enc == Packed:
		l.p.remove(l.p.seekForWrite(start), start, n)
		l.shrink()
	default:
		l.t.removeRange(start, n)
		l.settle()
	}
	return n
}

// clear removes all elements.
func (l *List) clear() {
	if l.enc == Packed {
		l.p.free()
		return
	}
	l.t.free()
	l.env.Create(l)
}

// RemoveEqual removes elements that equal v, at most limit: the first ones, or the last if
// reverse. It returns how many; without any the list stays as it is. It looks at elements until it has them, at some 2 ns each.
func (l *List) RemoveEqual(v []byte, limit int, reverse bool) (removed int) {
	if l.enc != Packed {
		if removed = l.t.removeEqual(v, limit, reverse); removed > 0 {
			l.settle()
		}
		return removed
	}
	if len(v) > packedMax || l.p.ref == 0 {
		return 0
	}
	e, n, skip := listpack.String(v), l.p.len(), 0
	if reverse && limit < n {
		skip = max(0, l.p.countEqual(&e, 0, n)-limit)
	}
	removed = l.p.removeEqual(&e, 0, n, skip, limit)
	switch {
	case removed == n:
		l.clear()
	case removed > 0:
		l.shrink()
	}
	return removed
}

// settle gives a tree that has lost something the form that goes with its size.
func (l *List) settle() {
	t := &l.t
	if t.height > 1 {
		return
	}
	root := t.r(t.root)
	switch n := root.n(); {
	case n == 0:
		l.clear()
		return
	case n == 1:
		if c := root.child(0); !c.long && l.env.Limits.allowAgain(t.sizeOf(c), c.count) {
			l.pack(c)
			return
		}
	}
	if t.isSmall() {
		t.toShard()
	}
}

// pack makes a packed list of a tree of one leaf.
func (l *List) pack(c child) {
	t := &l.t
	p := t.leafOf(c)
	if t.ar != nil {
		p = p.copyTo(l.env.Heap, p.size())
		t.free()
	} else {
		t.heap.Free(t.root)
	}
	l.p, l.enc = p, Packed
	l.shrink()
}

// Check walks the whole structure and names the first broken place, and in a the objects of the
// shard's heap that it consists of.
func (l *List) Check(a *slab.Audit) error {
	switch l.enc {
	case Packed:
		return l.p.check(a)
	case Medium, Large:
		return l.t.check(a)
	}
	return fmt.Errorf("list: encoding %d", l.enc)
}
