package list

import (
	"errors"
	"fmt"

	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// check verifies the listpack and the mark.
func (p *leaf) check(a *slab.Audit) error {
	if p.ref == 0 {
		return nil
	}
	if err := a.Own(p.ref, listpack.HeaderSize); err != nil {
		return err
	}
	l := p.list()
	if err := l.Check(); err != nil {
		return err
	}
	if l.Len() == 0 {
		return errors.New("list: a leaf without elements")
	}
	m := p.mark()
	pos, index := listpack.HeaderSize, 0
	for ; index < m.index && pos < l.Size(); index++ {
		pos = l.Next(pos)
	}
	if pos != m.pos || index != m.index {
		return fmt.Errorf("list: element %d is at %d, the mark says element %d is at %d", index, pos, m.index, m.pos)
	}
	for pos := listpack.HeaderSize; pos < l.Size(); pos = l.Next(pos) {
		if l.Kind(pos) == listpack.FloatKind {
			return fmt.Errorf("list: the element at %d is no string", pos)
		}
	}
	return nil
}

// check walks the whole tree. It proves that: levels agree, counts add up, so that
// numbers are right; leaves are sound and not too long; long elements are; no
// object is named twice; a medium list is not too large; and an arena's heap holds
// the list, what waits to be freed, and nothing else. In a it names a medium list's objects.
func (t *tree) check(a *slab.Audit) (err error) {
	if t.ar != nil {
		if a, err = t.heap.Audit(); err != nil {
			return err
		}
	}
	c, before := checker{t: t, a: a}, a.Bytes()
	if t.height < 1 || t.height > maxHeight {
		return fmt.Errorf("list: height %d", t.height)
	}
	n, err := c.node(t.root, t.height)
	switch p := t.r(t.root); {
	case err != nil:
		return err
	case n != t.count || n != int(p.U64(innerTotal)):
		return fmt.Errorf("list: %d elements, the root says %d", n, t.count)
	case t.height > 1 && p.n() < 2:
		return fmt.Errorf("list: a root with %d children at height %d", p.n(), t.height)
	case t.ar != nil:
		return c.arena()
	case t.height > 1 || p.n() > mediumNodes+2 || t.blobBytes() > mediumBlobs:
		return fmt.Errorf("list: medium, of height %d, %d nodes and %d bytes of long elements", t.height, p.n(), t.blobBytes())
	case a.Bytes()-before != t.bytes():
		return fmt.Errorf("list: %d bytes, it says %d", a.Bytes()-before, t.bytes())
	}
	return nil
}

type checker struct {
	t *tree
	a *slab.Audit
}

// node checks a node of a level and what is below it, and returns how many elements that has.
func (c *checker) node(ref slab.Ref, level int) (n int, err error) {
	if err := c.a.Own(ref, innerChildren); err != nil {
		return 0, err
	}
	p := c.t.r(ref)
	if p.level() != level || p.n() < 1 || p.n() > fanout || sizeOfInner(p.n()) > c.t.heap.Cap(ref) {
		return 0, fmt.Errorf("list: node %#x: level %d at height %d, %d children in %d bytes", uint32(ref), p.level(), level, p.n(), c.t.heap.Cap(ref))
	}
	for i := range p.n() {
		below, err := c.child(p.child(i), level-1)
		if err != nil {
			return 0, err
		}
		if below != p.count(i) || below == 0 {
			return 0, fmt.Errorf("list: node %#x counts %d elements below child %d, there are %d", uint32(ref), p.count(i), i, below)
		}
		n += below
	}
	return n, nil
}

func (c *checker) child(at child, level int) (n int, err error) {
	if level > 0 {
		if at.long {
			return 0, fmt.Errorf("list: node %#x is said to be a long element", uint32(at.ref))
		}
		return c.node(at.ref, level)
	}
	if at.long {
		if err := c.a.OwnBlob(at.ref); err != nil {
			return 0, err
		}
		if size := c.t.heap.BlobLen(at.ref); size <= maxLeaf {
			return 0, fmt.Errorf("list: a long element of %d bytes", size)
		}
		return 1, nil
	}
	p := c.t.leafOf(at)
	if err := p.check(c.a); err != nil {
		return 0, err
	}
	if p.size() > leafFit {
		return 0, fmt.Errorf("list: a leaf of %d bytes", p.size())
	}
	return p.len(), nil
}

// arena checks what an arena holds.
func (c *checker) arena() error {
	ar := c.t.ar
	if ar.root() != c.t.root || ar.heap != c.t.heap {
		return fmt.Errorf("list: root %#x, the arena has %#x", uint32(c.t.root), uint32(ar.root()))
	}
	for _, d := range ar.dropped {
		if err := c.dropped(d); err != nil {
			return err
		}
	}
	return c.a.Rest()
}

// dropped names what waits to be freed. Of a long element the first objects may be gone already.
func (c *checker) dropped(d dropped) error {
	if d.level == 0 {
		return c.a.OwnBlobRest(d.ref)
	}
	if err := c.a.Own(d.ref, innerChildren); err != nil {
		return err
	}
	p := c.t.r(d.ref)
	if sizeOfInner(p.n()) > c.t.heap.Cap(d.ref) {
		return fmt.Errorf("list: dropped node %#x: %d children in %d bytes", uint32(d.ref), p.n(), c.t.heap.Cap(d.ref))
	}
	for i := range p.n() {
		if at := p.child(i); d.level > 1 || at.long {
			if err := c.dropped(dropped{at.ref, d.level - 1}); err != nil {
				return err
			}
		} else if err := c.a.Own(at.ref, listpack.HeaderSize); err != nil {
			return err
		}
	}
	return nil
}
