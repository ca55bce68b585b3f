package zset

import (
	"fmt"
	"math/bits"

	"quarry/store/internal/offheap"
)

// The index finds a member's leaf: linear hashing over buckets of one cache line.
//
//	bucket    0 u32 next overflow bucket + 1, 0: none | 4 u32 slot[15]
//	overflow  0 u32 next overflow bucket + 1, 0: none | 4 u32 bucket it belongs to | 8 u32 slot[14]
//	slot      tag<<24 | leaf      tag: upper 8 bits of the member's hash; 0: empty
//
// A slot names a leaf, not a row: the leaf's fingerprints, which are the tags,
// lead to the row. So rows move inside a leaf without a write here, two rows of one
// leaf with the same tag in the same bucket are interchangeable, and splitting a bucket computes the
// hashes of the rows again. The slots of a chain are dense: the first empty one ends it.
//
// 2^level+split buckets are in use, 12 rows to each on average. Inserting splits at
// most one bucket (number split, into itself and split+2^level), removing joins at
// most one pair, so no operation rebuilds the table.
//
// Sixteen 64-byte places make a segment, a block of the tree. Bucket b is place b+1,
// since place 0 is the tree's header. Overflow buckets are numbered without gaps: the last
// one moves into the place of one that is freed.
const (
	bucketSize    = 64
	segmentPlaces = blockSize / bucketSize

	bucketNext  = 0
	bucketOwner = 4 // overflow buckets only
	mainSlots   = 4
	ovfSlots    = 8

	rowsPerBucket  = 12 // on average: 80 % of a bucket's slots
	slotsPerBucket = (bucketSize - mainSlots) / 4
)

// memberHash is the hash that places a member: low bits choose the bucket, the upper 8 are the tag.
func (t *tree) memberHash(m []byte) uint64 { return t.env.Hash.Sum(m) }

// rowHash is the hash of row i's member.
func (t *tree) rowHash(l leaf, i int) uint64 {
	suffix, long := l.entry(i)
	if long != 0 {
		return l.longHash(i)
	}
	t.env.member = append(append(t.env.member[:0], l.prefix()...), suffix...)
	return t.memberHash(t.env.member)
}

func slotOf(h uint64, leaf uint32) uint32 { return uint32(h>>56)<<24 | leaf }

func (t *tree) buckets() uint32 { return 1<<t.level + t.split }

// bucketOf is the number of the bucket for hash h.
func (t *tree) bucketOf(h uint64) uint32 {
	b := uint32(h) & (1<<t.level - 1)
	if b < t.split {
		b = uint32(h) & (2<<t.level - 1)
	}
	return b
}

// mainBlocks and ovfBlocks are the numbers of segments in use.
func (t *tree) mainBlocks() int { return int(t.buckets()+1+segmentPlaces-1) / segmentPlaces }
func (t *tree) ovfBlocks() int  { return int(t.overflow+segmentPlaces-1) / segmentPlaces }

// mainBlock is the block of segment i of the main buckets.
func (t *tree) mainBlock(i int) uint32 {
	if t.ar != nil {
		return t.ar.main[i]
	}
	return uint32(t.base.U8(hdMain + i))
}

func (t *tree) ovfBlock(i int) uint32 {
	if t.ar != nil {
		return t.ar.ovf[i]
	}
	return uint32(t.base.U8(hdOvf + i))
}

// addMainBlock makes a new block segment i, the next one, of the main buckets.
func (t *tree) addMainBlock(i int) {
	id := t.newBlock()
	if t.ar != nil {
		t.w(id)
		t.ar.main = append(t.ar.main, id)
		t.ar.setSegment(id, true)
		return
	}
	t.base.SetU8(hdMain+i, uint8(id))
}

func (t *tree) addOvfBlock(i int) {
	id := t.newBlock()
	if t.ar != nil {
		t.w(id)
		t.ar.ovf = append(t.ar.ovf, id)
		t.ar.setSegment(id, true)
		return
	}
	t.base.SetU8(hdOvf+i, uint8(id))
}

// dropMainBlock gives segment i, the last one, of the main buckets back.
func (t *tree) dropMainBlock(i int) {
	id := t.mainBlock(i)
	if t.ar != nil {
		t.ar.main = t.ar.main[:i]
		t.ar.setSegment(id, false)
	}
	t.freeBlock(id)
}

func (t *tree) dropOvfBlock(i int) {
	id := t.ovfBlock(i)
	if t.ar != nil {
		t.ar.ovf = t.ar.ovf[:i]
		t.ar.setSegment(id, false)
	}
	t.freeBlock(id)
}

// place is 64-byte place number p of a segment's block, seen through block b.
func place(b offheap.Block, p uint32) offheap.Block {
	return b.Sub(int(p%segmentPlaces)*bucketSize, bucketSize)
}

func (t *tree) bucketR(b uint32) offheap.Block {
	return place(t.r(t.mainBlock(int(b+1)/segmentPlaces)), b+1)
}

func (t *tree) bucket(b uint32) offheap.Block {
	return place(t.index(t.mainBlock(int(b+1)/segmentPlaces)), b+1)
}

func (t *tree) ovfR(o uint32) offheap.Block {
	return place(t.r(t.ovfBlock(int(o)/segmentPlaces)), o)
}

func (t *tree) ovf(o uint32) offheap.Block {
	return place(t.index(t.ovfBlock(int(o)/segmentPlaces)), o)
}

// lookup finds a member: its leaf and its position there; leaf 0 if it is not in the set.
func (t *tree) lookup(h uint64, m []byte) (id uint32, pos int) {
	tag := uint32(h >> 56)
	b := t.bucketR(t.bucketOf(h))
	for o := mainSlots; ; o = ovfSlots {
		for ; o < bucketSize; o += 4 {
			s := b.U32(o)
			if s == 0 {
				return 0, 0
			}
			if s>>24 != tag {
				continue
			}
			l := t.leafR(s & (maxBlocks - 1))
			l.Prefetch(prefetchLines)
			if pos := t.find(l, h, m); pos >= 0 {
				return s & (maxBlocks - 1), pos
			}
		}
		next := b.U32(bucketNext)
		if next == 0 {
			return 0, 0
		}
		b = t.ovfR(next - 1)
	}
}

// addSlot enters a slot in bucket b. Room for an overflow bucket is reserved.
func (t *tree) addSlot(b, slot uint32) {
	w := t.bucket(b)
	for o := mainSlots; ; o = ovfSlots {
		for ; o < bucketSize; o += 4 {
			if w.U32(o) == 0 {
				w.SetU32(o, slot)
				return
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

// findSlot is the place of a slot that is in the chain of bucket b.
func (t *tree) findSlot(b, slot uint32) (offheap.Block, int) {
	w := t.bucket(b)
	for o := mainSlots; ; o = ovfSlots {
		for ; o < bucketSize; o += 4 {
			if w.U32(o) == slot {
				return w, o
			}
		}
		next := w.U32(bucketNext)
		if next == 0 {
			panic(fmt.Sprintf("zset: slot %#x is not in bucket %d", slot, b))
		}
		w = t.ovf(next - 1)
	}
}

// replaceSlot lets the row with hash h be in leaf to instead of from.
func (t *tree) replaceSlot(h uint64, from, to uint32) {
	w, o := t.findSlot(t.bucketOf(h), slotOf(h, from))
	w.SetU32(o, slotOf(h, to))
}

// removeSlot takes a slot out; the last one of the chain takes its place.
func (t *tree) removeSlot(h uint64, id uint32) {
	b := t.bucketOf(h)
	w, o := t.findSlot(b, slotOf(h, id))
	tail, before, first := t.bucket(b), uint32(0), mainSlots
	for next := tail.U32(bucketNext); next != 0; next = tail.U32(bucketNext) {
		before, tail, first = next, t.ovf(next-1), ovfSlots
	}
	last := first
	for last+4 < bucketSize && tail.U32(last+4) != 0 {
		last += 4
	}
	w.SetU32(o, tail.U32(last))
	tail.SetU32(last, 0)
	if last == first && before != 0 {
		t.freeOverflow(b, before-1)
	}
}

// newOverflow makes an empty overflow bucket for bucket b and returns its number.
func (t *tree) newOverflow(b uint32) uint32 {
	o := t.overflow
	if o%segmentPlaces == 0 {
		t.addOvfBlock(int(o) / segmentPlaces)
	}
	t.overflow++
	w := t.ovf(o)
	w.Zero(0, bucketSize)
	w.SetU32(bucketOwner, b)
	return o
}

// freeOverflow takes overflow bucket o, the empty last one of bucket b's chain, away and
// gives its number to the last overflow bucket.
func (t *tree) freeOverflow(b, o uint32) {
	t.link(b, o+1).SetU32(bucketNext, 0)
	last := t.overflow - 1
	if o != last {
		w := t.ovf(last)
		t.link(w.U32(bucketOwner), last+1).SetU32(bucketNext, o+1)
		t.ovf(o).CopyFrom(0, w, 0, bucketSize)
	}
	t.overflow--
	if t.overflow%segmentPlaces == 0 {
		t.dropOvfBlock(int(t.overflow) / segmentPlaces)
	}
}

// link is the bucket in b's chain whose next is the given one.
func (t *tree) link(b, next uint32) offheap.Block {
	w := t.bucket(b)
	for w.U32(bucketNext) != next {
		n := w.U32(bucketNext)
		if n == 0 {
			panic(fmt.Sprintf("zset: overflow bucket %d is not in the chain of bucket %d", next-1, b))
		}
		w = t.ovf(n - 1)
	}
	return w
}

// ---- growing and shrinking ----

// reserveSlot makes room for one more row in the index: for a bucket to split, and for
// the overflow buckets that its halves and the new slot may need. Blocks looked at before
// may have moved.
func (t *tree) reserveSlot() {
	if t.ar != nil {
		return
	}
	main, ovf, need := t.mainBlocks(), t.ovfBlocks(), 0
	if t.wantsSplit() && int(t.buckets()+1)%segmentPlaces == 0 {
		main, need = main+1, need+1
	}
	if t.count >= slotsPerBucket && uint32(ovf*segmentPlaces)-t.overflow < overflowSlack {
		ovf, need = ovf+1, need+1
	}
	if main > mediumMain || ovf > mediumOvf {
		t.toArena()
		return
	}
	t.reserve(need)
}

// wantsSplit reports whether one row more is more than the buckets should hold.
func (t *tree) wantsSplit() bool { return t.count >= int(t.buckets())*rowsPerBucket }

// growIndex splits a bucket when there are enough rows for one more. Room is reserved.
func (t *tree) growIndex() {
	if !t.wantsSplit() {
		return
	}
	b := t.split
	slots := t.chain(b)
	rows := t.env.slots[:0]
	t.eachRow(b, slots, func(id uint32, _ leaf, _ int, h uint64) {
		rows = append(rows, hashed{h, id})
	})
	t.env.slots = rows
	t.clearChain(b)
	t.addBucket()
	for _, r := range rows {
		t.addSlot(t.bucketOf(r.h), slotOf(r.h, r.leaf))
	}
}

// hashed is a row's hash and leaf.
type hashed struct {
	h    uint64
	leaf uint32
}

// addBucket brings the next bucket into use, empty.
func (t *tree) addBucket() {
	n := t.buckets()
	if (n+1)%segmentPlaces == 0 {
		t.addMainBlock(int(n+1) / segmentPlaces)
	}
	t.split++
	if t.split == 1<<t.level {
		t.level++
		t.split = 0
	}
	t.bucket(n).Zero(0, bucketSize)
}

// shrinkIndex joins the last bucket with the one it was split from when there are
// few rows. It is put off while there is no room for the overflow buckets that the joined
// chain may need: a removal must not make a medium set grow.
func (t *tree) shrinkIndex() {
	n := t.buckets()
	if n == 1 || t.count >= int(n)*rowsPerBucket/2 {
		return
	}
	slots := t.chain(n - 1)
	if !t.overflowRoom() {
		return
	}
	t.clearChain(n - 1)
	if t.split == 0 {
		t.level--
		t.split = 1 << t.level
	}
	t.split--
	if n%segmentPlaces == 0 { // place n, of bucket n-1, was the first of its segment
		t.dropMainBlock(int(n) / segmentPlaces)
	}
	for _, s := range slots {
		t.addSlot(t.split, s)
	}
}

// overflowSlack is more than the overflow buckets that splitting a chain, joining two or adding
// a slot can take beyond those it frees.
const overflowSlack = 4

// overflowRoom reports whether overflowSlack overflow buckets can be made without growing, or
// none can be called for.
func (t *tree) overflowRoom() bool {
	return t.ar != nil || t.count <= slotsPerBucket || uint32(t.ovfBlocks()*segmentPlaces)-t.overflow >= overflowSlack ||
		t.ovfBlocks() < mediumOvf && t.extCap > bits.OnesCount32(t.used)
}

// sweepIndex takes out all slots that name the blocks of a bitmap.
func (t *tree) sweepIndex(gone []uint64) {
	for b := range t.buckets() {
		slots := t.chain(b)
		kept := slots[:0]
		for _, s := range slots {
			if id := s & (maxBlocks - 1); gone[id/pageBlocks]>>(id%pageBlocks)&1 == 0 {
				kept = append(kept, s)
			}
		}
		if len(kept) == len(slots) {
			continue
		}
		t.clearChain(b)
		for _, s := range kept {
			t.addSlot(b, s)
		}
	}
}

// chain copies the slots of bucket b. That they are few is the hash's promise: clients
// cannot choose members that fall together (package hash).
func (t *tree) chain(b uint32) []uint32 {
	slots := t.env.chain[:0]
	w := t.bucketR(b)
	for o := mainSlots; ; o = ovfSlots {
		for ; o < bucketSize; o += 4 {
			if s := w.U32(o); s != 0 {
				slots = append(slots, s)
			}
		}
		next := w.U32(bucketNext)
		if next == 0 {
			t.env.chain = slots
			return slots
		}
		w = t.ovfR(next - 1)
	}
}

// clearChain empties bucket b and gives its overflow buckets back.
func (t *tree) clearChain(b uint32) {
	for {
		next, tail := uint32(0), t.bucket(b)
		for n := tail.U32(bucketNext); n != 0; n = tail.U32(bucketNext) {
			next, tail = n, t.ovf(n-1)
		}
		if next == 0 {
			tail.Zero(0, bucketSize)
			return
		}
		t.freeOverflow(b, next-1)
	}
}

// eachRow calls fn for every row whose hash belongs to bucket b; slots is b's chain.
func (t *tree) eachRow(b uint32, slots []uint32, fn func(id uint32, l leaf, pos int, h uint64)) {
	for _, s := range slots {
		t.leafR(s & (maxBlocks - 1)).Prefetch(2)
	}
	for i, s := range slots {
		if seen(slots[:i], s) {
			continue
		}
		id := s & (maxBlocks - 1)
		l := t.leafR(id)
		for pos := range l.n() {
			if uint32(l.fp(pos)) != s>>24 {
				continue
			}
			if h := t.rowHash(l, pos); t.bucketOf(h) == b {
				fn(id, l, pos, h)
			}
		}
	}
}

func seen(slots []uint32, s uint32) bool {
	for _, x := range slots {
		if x == s {
			return true
		}
	}
	return false
}
