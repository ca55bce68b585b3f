package zset

import (
	"strings"
	"testing"
)

// TestCheckFindsDamageOfTrees damages trees in each way that check promises to notice.
func TestCheckFindsDamageOfTrees(t *testing.T) {
	top := func(t *tree) inner { return t.innerW(t.root) }
	leafAt := func(t *tree, i int) leaf { return t.leafW(t.innerR(t.root).child(i)) }
	// used is a bucket of the index that has a slot, and one that goes on in an overflow bucket.
	used := func(t *tree) uint32 {
		for b := range t.buckets() {
			if t.bucketR(b).U32(mainSlots) != 0 {
				return b
			}
		}
		panic("the index is empty")
	}
	long := func(t *tree) uint32 {
		for b := range t.buckets() {
			if t.bucketR(b).U32(bucketNext) != 0 {
				return b
			}
		}
		panic("no bucket has an overflow bucket")
	}
	for _, c := range []struct {
		name, want string
		damage     func(t *tree)
	}{
		{"count", "header says", func(t *tree) { t.count++ }},
		{"root", "", func(t *tree) { t.root = t.first }},
		{"a root that is not there", "not in use", func(t *tree) { t.root = 1 << 20 }},
		{"height", "", func(t *tree) { t.height++ }},
		{"first", "chain of leaves", func(t *tree) { t.first = t.last }},
		{"last", "chain of leaves", func(t *tree) { t.last = t.first }},
		{"blobs", "header says", func(t *tree) { t.blobs++ }},
		{"bytes of blobs", "header says", func(t *tree) { t.blobBytes++ }},
		{"flags", "flags", func(t *tree) { t.flags |= 2 }},
		{"values that are not there", "has values", func(t *tree) { t.flags = flagValued }},
		{"index level", "index of level", func(t *tree) { t.level = 40 }},
		{"index level, too low", "", func(t *tree) { t.level-- }},
		{"index split", "", func(t *tree) { t.split++ }},
		{"overflow buckets", "", func(t *tree) { t.overflow += 1000 }},
		{"one overflow bucket less", "", func(t *tree) { t.overflow-- }},

		{"inner: parent", "has parent", func(t *tree) { t.setParent(top(t).child(1), t.first) }},
		{"inner: level", "level", func(t *tree) { top(t).SetU8(innerLevel, 7) }},
		{"inner: kind", "kind", func(t *tree) { top(t).SetU8(nodeKind, kindLeaf) }},
		{"inner: children", "children", func(t *tree) { top(t).SetU16(innerN, fanout+1) }},
		{"inner: one child less", "", func(t *tree) { top(t).SetU16(innerN, uint16(top(t).n()-1)) }},
		{"inner: child twice", "", func(t *tree) { top(t).SetU32(innerChild, top(t).child(1)) }},
		{"inner: child in another place", "", func(t *tree) {
			p := top(t)
			a, b := p.child(1), p.child(2)
			p.SetU32(innerChild+4, b)
			p.SetU32(innerChild+8, a)
		}},
		{"inner: child that is not there", "not in use", func(t *tree) { top(t).SetU32(innerChild+4, 1<<22) }},
		{"inner: count", "counts", func(t *tree) { top(t).addCount(1, 1) }},
		{"inner: counts", "counts", func(t *tree) { top(t).addCount(1, 1); top(t).addCount(2, -1) }},
		{"inner: first key", "first child has a separator", func(t *tree) { top(t).SetU64(innerKey, 1) }},
		{"inner: key too low", "separator", func(t *tree) { top(t).SetU64(innerKey+8, 1) }},
		{"inner: key too high", "lead to leaf", func(t *tree) { top(t).SetU64(innerKey+8, 1<<63|1<<62) }},
		{"inner: blob of a separator", "", func(t *tree) { top(t).SetU32(innerSep+4, 0xffff0000) }},

		{"leaf: rows", "", func(t *tree) { leafAt(t, 1).SetU16(leafN, uint16(leafAt(t, 1).n()-1)) }},
		{"leaf: no rows", "is empty", func(t *tree) { leafAt(t, 1).SetU16(leafN, 0) }},
		{"leaf: places", "leaf", func(t *tree) { leafAt(t, 1).SetU8(leafCap, 3) }},
		{"leaf: prefix", "", func(t *tree) { leafAt(t, 1).SetU8(leafPlen, uint8(leafAt(t, 1).plen()+1)) }},
		{"leaf: kind", "kind", func(t *tree) { leafAt(t, 1).SetU8(nodeKind, kindInner) }},
		{"leaf: next", "chain of leaves", func(t *tree) { leafAt(t, 1).SetU32(leafNext, t.first) }},
		{"leaf: prev", "chain of leaves", func(t *tree) { leafAt(t, 1).SetU32(leafPrev, t.last) }},
		{"leaf: top", "leaf", func(t *tree) { leafAt(t, 1).SetU16(leafTop, 3) }},
		{"leaf: dead", "dead bytes", func(t *tree) { leafAt(t, 1).SetU16(leafDead, uint16(leafAt(t, 1).dead()+1)) }},
		{"leaf: fingerprint", "fingerprint", func(t *tree) { leafAt(t, 1).SetU8(leafFP, leafAt(t, 1).fp(0)^1) }},
		{"leaf: offset", "", func(t *tree) { l := leafAt(t, 1); l.SetU16(leafFP+l.cap(), uint16(l.off(0)+1)) }},
		{"leaf: offset past the end", "entry at", func(t *tree) { l := leafAt(t, 1); l.SetU16(leafFP+l.cap(), blockSize-1) }},
		{"leaf: order of keys", "is not after", func(t *tree) { l := leafAt(t, 1); l.SetU64(l.keys(), l.key(1)+1) }},
		{"leaf: bytes of a member", "", func(t *tree) { l := leafAt(t, 1); l.SetU8(l.off(0)+1, l.U8(l.off(0)+1)^1) }},
		{"leaf: length of a member", "", func(t *tree) { l := leafAt(t, 1); l.SetU8(l.off(0), l.U8(l.off(0))-1) }},

		{"index: slot of another leaf", "", func(t *tree) { w := t.bucket(used(t)); w.SetU32(mainSlots, w.U32(mainSlots)^1) }},
		{"index: tag", "", func(t *tree) { w := t.bucket(used(t)); w.SetU32(mainSlots, w.U32(mainSlots)^1<<24) }},
		{"index: no slot", "", func(t *tree) { t.bucket(used(t)).SetU32(mainSlots, 0) }},
		{"index: slot twice", "too often", func(t *tree) {
			w := t.bucket(used(t))
			w.SetU32(mainSlots+4, w.U32(mainSlots))
		}},
		{"index: chain cut", "lacks slot", func(t *tree) { t.bucket(long(t)).SetU32(bucketNext, 0) }},
		{"index: chain goes away", "chain goes on", func(t *tree) { t.bucket(long(t)).SetU32(bucketNext, 1<<20) }},
		{"index: chain in a circle", "", func(t *tree) {
			next := t.bucketR(long(t)).U32(bucketNext)
			t.ovf(next-1).SetU32(bucketNext, next)
		}},
		{"index: owner", "belongs to", func(t *tree) { t.ovf(t.bucketR(long(t)).U32(bucketNext)-1).SetU32(bucketOwner, 1<<20) }},
		{"index: empty overflow bucket", "is empty", func(t *tree) {
			t.ovf(t.bucketR(long(t)).U32(bucketNext)-1).SetU32(ovfSlots, 0)
		}},
	} {
		for _, form := range []struct {
			enc Encoding
			n   int
		}{{Medium, 350}, {Large, 1500}} {
			t.Run(c.name+"/"+form.enc.form(), func(t *testing.T) {
				k := newKit(t, Limits{})
				m := k.newModel(newSeeded(1), memberKinds[0], scoreKinds[0], form.n)
				m.growTo(form.n, false)
				m.expectDamage(form.enc, c.damage, c.want)
			})
		}
	}
}

// expectDamage damages a tree of the form enc and height 1, and expects Check to say so.
func (m *model) expectDamage(enc Encoding, damage func(t *tree), want string) {
	m.Helper()
	t := &m.set.t
	if m.set.Encoding() != enc || t.height != 1 {
		m.Fatalf("encoding %d, height %d", m.set.Encoding(), t.height)
	}
	t.beginWrite()
	damage(t)
	if err := check(&m.set); err == nil || !strings.Contains(err.Error(), want) {
		m.Errorf("Check says %v, want %q", err, want)
	}
	if err := m.region.Close(); err != nil {
		m.Error(err)
	}
}

func (e Encoding) form() string { return map[Encoding]string{Medium: "medium", Large: "large"}[e] }
