package list

import (
	"fmt"
	"slices"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// Where the nodes of a tree lie depends on the size of the list:
//
//   - Medium: in the shard's heap, beside all that is small. Such a list has one inner node, few leaves and few
//     bytes of long elements, since it is freed, moved to another shard and copied at once:
//     128 KiB of leaves and 128 KiB of long elements take some 30 us to copy.
//   - Large: in a heap of the list's own, its arena. Dropping or renaming it hands over
//     the arena.
//
// What a large list loses in one piece, like the parts that LTRIM cuts off, is unhooked from the tree and
// freed by Reclaim, a slice at a time.
const (
	mediumNodes = 32
	mediumBlobs = 128 << 10
	// A large list of at most so many children and bytes of long elements becomes medium
	// again: half of what made it large.
	smallNodes = mediumNodes / 2
	smallBlobs = mediumBlobs / 2
	// dropNow is the length of a long element up to which it is freed at once.
	dropNow = 128 << 10
)

// arena is the memory of one large list. The heap's mark is the root.
type arena struct {
	heap    *slab.Heap
	dropped []dropped
}

func (a *arena) root() slab.Ref { return slab.Ref(a.heap.Mark()) }

// Freeze is the arena in a view.
func (a *arena) Freeze(open slab.Opener) *arena { return &arena{heap: a.heap.Freeze(open)} }

// EachPages is slab.Arenas'.
func (a *arena) EachPages(fn func(*offheap.Pages)) { a.heap.EachPages(fn) }

// dropped is a part of a large list that waits for Reclaim: an inner node and what is below it, or, at
// level 0, what is left of a long element.
type dropped struct {
	ref   slab.Ref
	level int
}

// CloseSome gives up to n pages back and reports whether there are more.
func (a *arena) CloseSome(n int) bool { return a.heap.CloseSome(n) }

func (a *arena) bytes() int64 { return int64(a.heap.Pages()) * offheap.PageSize }

// sweep frees up to n dropped objects and reports whether there are more.
func (a *arena) sweep(n int) bool {
	for ; n > 0 && len(a.dropped) > 0; n-- {
		d := &a.dropped[len(a.dropped)-1]
		if d.level == 0 {
			if d.ref = a.heap.FreeBlobSome(d.ref, 1); d.ref == 0 {
				a.pop()
			}
			continue
		}
		a.sweepChild(d)
	}
	if len(a.dropped) == 0 {
		a.dropped = nil
	}
	return len(a.dropped) > 0
}

func (a *arena) pop() { a.dropped = a.dropped[:len(a.dropped)-1] }

// sweepChild takes the last child out of a dropped node, or frees a node without children.
func (a *arena) sweepChild(d *dropped) {
	p := inner{a.heap.W(d.ref)}
	n := p.n() - 1
	if n < 0 {
		a.heap.Free(d.ref)
		a.pop()
		return
	}
	c, level := p.child(n), d.level-1
	p.SetU16(innerN, uint16(n))
	if level == 0 && !c.long {
		a.heap.Free(c.ref)
		return
	}
	a.dropped = append(a.dropped, dropped{c.ref, level})
}

// drop frees a child of a node of level level+1 that has been, or will be, taken out of it.
func (t *tree) drop(c child, level int) {
	for level > 0 && t.r(c.ref).n() == 1 { // what a push at the end has made goes as it came
		ref := c.ref
		c, level = t.r(ref).child(0), level-1
		t.heap.Free(ref)
	}
	switch {
	case level > 0, c.long && t.ar != nil && t.heap.BlobLen(c.ref) > dropNow:
		t.ar.dropped = append(t.ar.dropped, dropped{c.ref, level})
		if len(t.ar.dropped) == 1 {
			t.env.littered = append(t.env.littered, t.ar)
		}
	case c.long:
		t.heap.FreeBlob(c.ref)
	default:
		t.heap.Free(c.ref)
	}
}

// arenaObjects are the sizes of the nodes of a large list. There are few, since each takes a page of the
// arena's at least.
var arenaObjects = [...]int{256, 1024, leafMax}

// fit is how long a listpack a leaf is to have room for that must hold one of size bytes.
func (t *tree) fit(size int) int {
	if t.ar == nil {
		return size
	}
	for _, object := range arenaObjects {
		if size <= roomOf(object) {
			return roomOf(object)
		}
	}
	panic(fmt.Sprintf("list: a leaf of %d bytes", size))
}

// innerFor is the size of the object for an inner node of n children, fanout at most.
func (t *tree) innerFor(n int) int {
	size := sizeOfInner(n)
	if t.ar == nil {
		return size
	}
	if size <= arenaObjects[0] {
		return arenaObjects[0]
	}
	return innerMax
}

// take takes a large list out of the Env, and put puts one in.
func (e *Env) take(number uint32) *arena {
	a := e.arenas.Take(number)
	if i := slices.Index(e.littered, a); i >= 0 {
		e.littered = slices.Delete(e.littered, i, i+1)
	}
	return a
}

func (e *Env) put(a *arena) Handle {
	if len(a.dropped) > 0 {
		e.littered = append(e.littered, a)
	}
	return Handle{Large, e.arenas.Add(a)}
}

// bury drops a large list.
func (e *Env) bury(number uint32) {
	e.arenas.At(number).dropped = nil // all its pages go
	e.arenas.Bury(number)
}

// objectsPerPage is how many objects sweep may free for a page.
const objectsPerPage = 16

// Reclaim gives back up to n pages of freed large lists, or of what large lists have
// lost, and reports whether there are more.
func (e *Env) Reclaim(n int) bool {
	if e.arenas.Reclaim(n) {
		return true
	}
	if last := len(e.littered) - 1; last >= 0 && !e.littered[last].sweep(n*objectsPerPage) {
		e.littered[last] = nil
		e.littered = e.littered[:last]
	}
	return len(e.littered) > 0
}

// bytes is the memory of the list, size classes and pages included.
func (t *tree) bytes() int64 {
	if t.ar != nil {
		return t.ar.bytes()
	}
	p := t.r(t.root)
	sum := int64(t.heap.Cap(t.root))
	for i := range p.n() {
		if c := p.child(i); !c.long {
			sum += int64(t.heap.Cap(c.ref))
		}
	}
	return sum + t.blobBytes()
}

// blobBytes is the memory of the long elements of a list of one inner node.
func (t *tree) blobBytes() (sum int64) {
	p := t.r(t.root)
	for i := range p.n() {
		if c := p.child(i); c.long {
			sum += slab.BlobBytes(t.heap.BlobLen(c.ref))
		}
	}
	return sum
}

// bound makes a medium list large before it gets more than a medium one may have; blob is the
// memory of a long element that it gets, else 0.
func (t *tree) bound(blob int64) {
	if t.ar != nil {
		return
	}
	if t.r(t.root).n() < mediumNodes && (blob == 0 || blob+t.blobBytes() <= mediumBlobs) {
		return
	}
	old := *t
	t.heap = slab.New(old.heap.Region())
	t.ar = &arena{heap: t.heap}
	t.setRoot(t.copyNodes(&old))
	t.slot = t.env.arenas.Add(t.ar)
	old.freeMedium()
}

// isSmall reports whether a large list may be medium.
func (t *tree) isSmall() bool {
	return t.ar != nil && t.height == 1 && t.r(t.root).n() <= smallNodes && t.blobBytes() <= smallBlobs
}

// toShard makes a large list, which is small, medium.
func (t *tree) toShard() {
	old := *t
	t.heap, t.ar, t.slot = t.env.Heap, nil, 0
	t.root = t.copyNodes(&old)
	t.env.bury(old.slot)
}

// copyNodes copies the nodes of a list of one inner node and returns the copy's root.
func (t *tree) copyNodes(from *tree) slab.Ref {
	p := from.r(from.root)
	root := t.newInner(1, p.n())
	for i := range p.n() {
		c := p.child(i)
		if c.long {
			c.ref = t.heap.CopyBlob(from.heap, c.ref, from.heap.BlobLen(c.ref))
		} else {
			q := from.leafOf(c)
			q = q.copyTo(t.heap, t.fit(q.size()))
			c.ref = q.ref
		}
		t.w(root).insert(i, c)
	}
	t.w(root).SetU64(innerTotal, uint64(from.count))
	return root
}

// freeMedium frees all objects of a medium list.
func (t *tree) freeMedium() {
	p := t.r(t.root)
	for i := range p.n() {
		t.drop(p.child(i), 0)
	}
	t.heap.Free(t.root)
}

// free drops the list.
func (t *tree) free() {
	if t.ar != nil {
		t.env.bury(t.slot)
		return
	}
	t.freeMedium()
}

// copyTo copies the list to an Env.
func (t *tree) copyTo(to *Env) Handle {
	if t.ar == nil {
		c := tree{env: to, heap: to.Heap}
		return Handle{Medium, uint32(c.copyNodes(t))}
	}
	return to.put(&arena{heap: t.heap.Clone(), dropped: slices.Clone(t.ar.dropped)})
}
