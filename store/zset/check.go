package zset

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"

	"quarry/store/internal/slab"
)

// check walks the whole tree. It proves that: links, levels and parents agree; keys
// and members strictly ascend and lie between their separators; counts add up, so
// ranks are right; every row is in the index once, in the chain of its hash, and the
// index has nothing else; every block in use is reached once; entries do not overlap, and have
// values in valued sets only; blobs add up, and an arena's heap holds nothing else. In a it names a medium set's objects.
func (t *tree) check(a *slab.Audit) (err error) {
	if t.ar == nil {
		err = a.Own(t.ext, t.extCap<<blockShift)
	} else {
		a, err = t.ar.blobs.Audit()
	}
	if err != nil {
		return err
	}
	if t.flags&^flagValued != 0 {
		return fmt.Errorf("zset: flags %#x", t.flags)
	}
	c := checker{t: t, a: a, blocks: map[uint32]string{}, rows: map[uint32]map[uint32]int{}}
	if err := c.segments(); err != nil {
		return err
	}
	if err := c.node(t.root, 0, t.height); err != nil {
		return err
	}
	if c.leaf != 0 || t.last != c.prevLeaf {
		return fmt.Errorf("zset: the chain of leaves goes on to %d after the last leaf %d, header says %d", c.leaf, c.prevLeaf, t.last)
	}
	if c.count != t.count {
		return fmt.Errorf("zset: %d rows, header says %d", c.count, t.count)
	}
	if err := c.index(); err != nil {
		return err
	}
	if err := c.space(); err != nil {
		return err
	}
	if c.blobs != t.blobs || c.blobBytes != t.blobBytes {
		return fmt.Errorf("zset: %d blobs of %d bytes, header says %d of %d", c.blobs, c.blobBytes, t.blobs, t.blobBytes)
	}
	return nil
}

type checker struct {
	t         *tree
	a         *slab.Audit               // of the heap with the blobs
	blocks    map[uint32]string         // every block reached, and as what
	rows      map[uint32]map[uint32]int // bucket -> slot -> rows that belong there
	count     int
	leaf      uint32 // that must come next
	prevLeaf  uint32
	key       uint64 // of the row before
	member    []byte
	blobs     uint32
	blobBytes int64
}

func (c *checker) reach(id uint32, as string) error {
	if was, ok := c.blocks[id]; ok {
		return fmt.Errorf("zset: block %d is %s and %s", id, was, as)
	}
	if !c.t.isUsed(id) {
		return fmt.Errorf("zset: block %d, %s, is not in use", id, as)
	}
	c.blocks[id] = as
	return nil
}

func (c *checker) blob(r slab.Ref) error {
	before := c.a.Bytes()
	err := c.a.OwnBlob(r)
	c.blobs++
	c.blobBytes += c.a.Bytes() - before
	return err
}

// node checks the subtree of a node at a height.
func (c *checker) node(id, parent uint32, height int) error {
	if !c.t.isUsed(id) {
		return fmt.Errorf("zset: block %d, below block %d, is not in use", id, parent)
	}
	if p := c.t.parent(id); p != parent {
		return fmt.Errorf("zset: block %d has parent %d, not %d", id, p, parent)
	}
	if height == 0 {
		return c.leafNode(id)
	}
	if err := c.reach(id, "an inner node"); err != nil {
		return err
	}
	p := c.t.innerR(id)
	if p.level() != height || p.U8(nodeKind) != kindInner || p.n() < 1 || p.n() > fanout || parent == 0 && p.n() < 2 {
		return fmt.Errorf("zset: inner node %d: level %d at height %d, kind %d, %d children", id, p.level(), height, p.U8(nodeKind), p.n())
	}
	for i := range p.n() {
		before := c.count
		if err := c.separator(p, i); err != nil {
			return fmt.Errorf("zset: inner node %d, child %d: %w", id, i, err)
		}
		if err := c.node(p.child(i), id, height-1); err != nil {
			return err
		}
		if got := c.count - before; got != int(p.count(i)) || got == 0 {
			return fmt.Errorf("zset: inner node %d counts %d rows below child %d, there are %d", id, p.count(i), i, got)
		}
	}
	return nil
}

// separator checks separator i against the row before it; the row after is
// checked against it by the fact that descending finds it (leafNode).
func (c *checker) separator(p inner, i int) error {
	if i == 0 {
		if p.key(0) != 0 || p.sep(0) != 0 {
			return errors.New("the first child has a separator")
		}
		return nil
	}
	s := p.sep(i)
	if s != 0 {
		if err := c.blob(s); err != nil {
			return err
		}
	}
	if p.key(i) < c.key || p.key(i) == c.key && (s == 0 || c.t.blobHeap().CompareBlob(s, c.member) <= 0) {
		return errors.New("its separator is not after the row before it")
	}
	return nil
}

func (c *checker) leafNode(id uint32) error {
	if err := c.reach(id, "a leaf"); err != nil {
		return err
	}
	t, l := c.t, c.t.leafR(id)
	if c.prevLeaf == 0 && t.first != id || c.prevLeaf != 0 && c.leaf != id || l.U32(leafPrev) != c.prevLeaf {
		return fmt.Errorf("zset: leaf %d is not in its place in the chain of leaves", id)
	}
	c.prevLeaf, c.leaf = id, l.U32(leafNext)
	if err := c.leafShape(id, l); err != nil {
		return err
	}
	for i := range l.n() {
		var own []byte // a row is compared with the one before
		m := t.readMember(&own, l, i)
		if c.count > 0 && (l.key(i) < c.key || l.key(i) == c.key && bytes.Compare(m, c.member) <= 0) {
			return fmt.Errorf("zset: leaf %d row %d: (%x, %q) is not after (%x, %q)", id, i, l.key(i), m, c.key, c.member)
		}
		c.key, c.member = l.key(i), m
		c.count++
		h := t.memberHash(m)
		if l.fp(i) != uint8(h>>56) {
			return fmt.Errorf("zset: leaf %d row %d: fingerprint %x of %q, not %x", id, i, l.fp(i), m, h>>56)
		}
		if _, long := l.entry(i); long != 0 && l.longHash(i) != h {
			return fmt.Errorf("zset: leaf %d row %d: hash %x of a long member, not %x", id, i, l.longHash(i), h)
		}
		if at := t.descend(l.key(i), m); at != id {
			return fmt.Errorf("zset: leaf %d row %d: the separators lead to leaf %d", id, i, at)
		}
		b := t.bucketOf(h)
		if c.rows[b] == nil {
			c.rows[b] = map[uint32]int{}
		}
		c.rows[b][slotOf(h, id)]++
	}
	return nil
}

func (c *checker) leafShape(id uint32, l leaf) error {
	end := leafFP + rowFixed*l.cap()
	if l.U8(nodeKind) != kindLeaf || l.n() > l.cap() || l.cap()%4 != 0 || l.top() < end || l.top() > blockSize-l.plen() {
		return fmt.Errorf("zset: leaf %d: kind %d, %d rows of %d, entries from %d, prefix %d", id, l.U8(nodeKind), l.n(), l.cap(), l.top(), l.plen())
	}
	if l.valued() != c.t.valued() {
		return fmt.Errorf("zset: leaf %d has values: %v", id, l.valued())
	}
	if l.n() == 0 && id != c.t.root {
		return fmt.Errorf("zset: leaf %d is empty", id)
	}
	live := 0
	var taken [blockSize]bool
	for i := range l.n() {
		o := l.off(i)
		size := l.sizeBelow(o, blockSize-l.plen())
		if o < l.top() || size == 0 {
			return fmt.Errorf("zset: leaf %d row %d: entry at %d", id, i, o)
		}
		for at := o; at < o+size; at++ {
			if taken[at] {
				return fmt.Errorf("zset: leaf %d row %d: the entry at %d overlaps another", id, i, o)
			}
			taken[at] = true
		}
		live += size
		if err := c.rowBlobs(l, i); err != nil {
			return fmt.Errorf("zset: leaf %d row %d: %w", id, i, err)
		}
	}
	if got := l.top() + live + l.dead() + l.plen(); got != blockSize {
		return fmt.Errorf("zset: leaf %d: entries, dead bytes and prefix end at %d", id, got)
	}
	return nil
}

// sizeBelow is the size of the entry at o if it ends at or before end, else 0.
func (l leaf) sizeBelow(o, end int) int {
	if o >= end || l.valued() && o+l.memberSize(o) >= end {
		return 0
	}
	if n := l.entrySize(o); o+n <= end {
		return n
	}
	return 0
}

// rowBlobs checks what row i names outside of its leaf.
func (c *checker) rowBlobs(l leaf, i int) error {
	if _, long := l.entry(i); long != 0 {
		if err := c.blob(long); err != nil {
			return err
		}
	}
	x := l.extra(i)
	if len(x) > maxExtra || len(x) > 0 && len(x.value()) > MaxValue {
		return fmt.Errorf("a value of %d bytes", len(x.value()))
	}
	if tail := x.tail(); tail != 0 {
		return c.blob(tail)
	}
	return nil
}

// index checks that each chain holds exactly the slots its rows call for.
func (c *checker) index() error {
	t := c.t
	overflow := uint32(0)
	for b := range t.buckets() {
		want := c.rows[b]
		n := 0
		w, first := t.bucketR(b), mainSlots
		for {
			for o := first; o < bucketSize; o += 4 {
				s := w.U32(o)
				if s == 0 {
					continue
				}
				if o > first && w.U32(o-4) == 0 {
					return fmt.Errorf("zset: bucket %d has a hole", b)
				}
				want[s]--
				n++
				if want[s] < 0 {
					return fmt.Errorf("zset: bucket %d has slot %#x too often", b, s)
				}
			}
			next := w.U32(bucketNext)
			if next == 0 {
				break
			}
			if w.U32(bucketSize-4) == 0 || next > t.overflow {
				return fmt.Errorf("zset: bucket %d: chain goes on to %d of %d after a hole", b, next, t.overflow)
			}
			overflow++
			w, first = t.ovfR(next-1), ovfSlots
			if w.U32(bucketOwner) != b || w.U32(ovfSlots) == 0 {
				return fmt.Errorf("zset: overflow bucket %d of bucket %d belongs to %d or is empty", next-1, b, w.U32(bucketOwner))
			}
		}
		for s, left := range want {
			if left != 0 {
				return fmt.Errorf("zset: bucket %d lacks slot %#x %d times", b, s, left)
			}
		}
	}
	if overflow != t.overflow {
		return fmt.Errorf("zset: %d overflow buckets are linked, header says %d", overflow, t.overflow)
	}
	return nil
}

// isUsed reports whether block id is in use.
func (t *tree) isUsed(id uint32) bool {
	if t.ar != nil {
		return t.ar.isUsed(id)
	}
	return id < uint32(t.extCap) && t.used>>id&1 != 0
}

// segments checks that the index has the segments that its buckets ask for.
func (c *checker) segments() error {
	t := c.t
	main, ovf := mediumMain, mediumOvf
	if t.ar != nil {
		main, ovf = len(t.ar.main), len(t.ar.ovf)
	}
	if t.level > 31 || t.split >= 1<<t.level || t.mainBlocks() > main || t.ovfBlocks() > ovf {
		return fmt.Errorf("zset: index of level %d, split %d and %d overflow buckets in %d and %d segments", t.level, t.split, t.overflow, main, ovf)
	}
	for i := range t.mainBlocks() {
		if err := c.reach(t.mainBlock(i), "a segment of main buckets"); err != nil {
			return err
		}
	}
	for i := range t.ovfBlocks() {
		if err := c.reach(t.ovfBlock(i), "a segment of overflow buckets"); err != nil {
			return err
		}
	}
	return nil
}

// space checks that the blocks in use are those that were reached.
func (c *checker) space() error {
	t := c.t
	if len(c.blocks) != t.blocks() {
		return fmt.Errorf("zset: %d blocks are reached, %d are in use", len(c.blocks), t.blocks())
	}
	if t.ar == nil {
		return nil
	}
	return c.arena()
}

// arena checks an arena's tables against each other, and that its heap holds the set's
// blobs and nothing else.
func (c *checker) arena() error {
	t := c.t
	if len(t.ar.main) != t.mainBlocks() || len(t.ar.ovf) != t.ovfBlocks() || t.ar.nodes.Len() != len(t.ar.used) {
		return fmt.Errorf("zset: tables of %d, %d and %d places for %d, %d and %d", len(t.ar.main), len(t.ar.ovf), len(t.ar.used),
			t.mainBlocks(), t.ovfBlocks(), t.ar.nodes.Len())
	}
	for id, as := range c.blocks {
		seg := as[2] == 's'
		if seg != t.ar.isSegment(id) {
			return fmt.Errorf("zset: block %d, %s, is noted as segment: %v", id, as, t.ar.isSegment(id))
		}
		if seg {
			if table, i := t.segment(id); table[i] != id {
				return fmt.Errorf("zset: block %d, %s, is found as number %d", id, as, i)
			}
		}
	}
	count := 0
	for pn, used := range t.ar.used {
		count += bits.OnesCount64(used)
		if room := t.ar.room[pn>>6]>>(pn&63)&1 != 0; room != (used != 1<<pageBlocks-1) {
			return fmt.Errorf("zset: page %d with blocks %x is noted as having room: %v", pn, used, room)
		}
	}
	if count != t.ar.count {
		return fmt.Errorf("zset: %d blocks are in use, the counter is %d", count, t.ar.count)
	}
	return c.a.Rest()
}
