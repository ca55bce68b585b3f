package dict

import (
	"math/bits"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

const (
	headerSize = 32
	headerNote = 28

	// A bucket's parts; its tags are at 0.
	bucketNext  = 12
	bucketRefs  = 16
	mainSlots   = 12
	overSlots   = 11
	bucketOwner = bucketRefs + overSlots*refSize

	// Load: refs per bucket above which one is split (as a fraction), and below which one is merged.
	splitRefs, splitBuckets = 48, 5
	mergeLoad               = 6
)

// Hasher names the hash of what a ref stands for: the one that the ref was inserted with.
type Hasher interface {
	HashOf(ref uint32) uint64
	// HashSoon says that HashOf(ref) comes next but for a few others: what it reads can be fetched.
	HashSoon(ref uint32)
}

// Table is an open table. The zero Table is none. It is guarded by the lock that guards its heap.
type Table struct {
	heap   *slab.Heap
	head   slab.Ref
	hasher Hasher
}

// Make makes an empty table: a header and one bucket.
func Make(heap *slab.Heap, hasher Hasher) Table {
	t := Table{heap: heap, head: heap.Alloc(headerSize), hasher: hasher}
	heap.W(t.head).Zero(0, headerSize)
	t.push(mainArray)
	return t
}

// Open opens the table that Ref named.
func Open(heap *slab.Heap, ref slab.Ref, hasher Hasher) Table {
	return Table{heap: heap, head: ref, hasher: hasher}
}

// Ref names the table; it never changes.
func (t *Table) Ref() slab.Ref { return t.head }

// Exists reports whether t is a table at all.
func (t *Table) Exists() bool { return t.head != 0 }

// Len is the number of refs.
func (t *Table) Len() int { return int(t.heap.R(t.head).U32(0)) }

// Note is a number that the owner keeps with the table, 0 at first.
func (t *Table) Note() uint32 { return t.heap.R(t.head).U32(headerNote) }

// SetNote changes the owner's number.
func (t *Table) SetNote(n uint32) { t.heap.W(t.head).SetU32(headerNote, n) }

// Bytes is the memory of the table, size classes included. O(1).
func (t *Table) Bytes() int64 {
	return int64(t.heap.Cap(t.head)) + t.arrayBytes(mainArray) + t.arrayBytes(overArray)
}

func (t *Table) addLen(delta int) {
	h := t.heap.W(t.head)
	h.SetU32(0, uint32(int(h.U32(0))+delta))
}

// levelOf is the level of a table of n buckets, and how many of its buckets are
// split: 2^level + split = n.
func levelOf(n uint32) (level int, split uint32) {
	level = bits.Len32(n) - 1
	return level, n - 1<<level
}

// bucketOf is the main bucket of a hash in a table of n.
func bucketOf(hash, n uint32) uint32 {
	level, split := levelOf(n)
	b := hash & (1<<level - 1)
	if b < split {
		b = hash & (2<<level - 1)
	}
	return b
}

// bucket is a bucket of the chain of main: the main bucket for link 0, else overflow bucket link-1.
func (t *Table) bucket(main, link uint32) offheap.Block {
	if link == 0 {
		return t.read(mainArray, main)
	}
	return t.read(overArray, link-1)
}

func (t *Table) mutable(main, link uint32) offheap.Block {
	if link == 0 {
		return t.write(mainArray, main)
	}
	return t.write(overArray, link-1)
}

func slots(link uint32) int {
	if link == 0 {
		return mainSlots
	}
	return overSlots
}

func tagOf(hash uint64) uint8 { return max(1, uint8(hash>>56)) }

func refAt(b offheap.Block, slot int) uint32 { return b.U32(bucketRefs + slot*refSize) }

func setSlot(b offheap.Block, slot int, tag uint8, ref uint32) {
	b.SetU8(slot, tag)
	b.SetU32(bucketRefs+slot*refSize, ref)
}

const (
	everyByte = 0x0101010101010101
	lowBits   = 0x7f * everyByte
	gather    = 0x0102040810204080
)

// zeroBytes has bit i set where byte i of x is 0; exact, unlike the shorter formula.
func zeroBytes(x uint64) uint32 {
	nonzero := ((x & lowBits) + lowBits) | x
	return uint32((^nonzero >> 7 & everyByte) * gather >> 56)
}

// matches has bit i set where tag i of b is tag.
func matches(b offheap.Block, tag uint8) uint32 {
	pattern := uint64(tag) * everyByte
	return zeroBytes(b.U64(0)^pattern) | zeroBytes(uint64(b.U32(8))^pattern)&0xf<<8
}

// used is the number of slots of b that hold a ref.
func used(b offheap.Block) int {
	return bits.TrailingZeros32(matches(b, 0) | 1<<mainSlots)
}

// Probe walks over the refs whose hash may be the one looked for. It is valid until the table changes.
type Probe struct {
	t          *Table
	b          offheap.Block
	main, link uint32
	hits       uint32 // bits of the slots of b that match and have not been looked at
	slot       int
	tag        uint8
}

// Find begins a search; the caller moves on with Next until the ref is the wanted one.
func (t *Table) Find(hash uint64) Probe {
	main := bucketOf(uint32(hash), t.len(mainArray))
	p := Probe{t: t, b: t.read(mainArray, main), main: main, tag: tagOf(hash)}
	p.hits = matches(p.b, p.tag)
	return p
}

// Prefetch asks the processor for the main bucket of a hash.
func (t *Table) Prefetch(hash uint64) {
	t.read(mainArray, bucketOf(uint32(hash), t.len(mainArray))).Prefetch(1)
}

// Next moves to the next ref and reports whether there is one.
func (p *Probe) Next() bool {
	for p.hits == 0 {
		p.link = p.b.U32(bucketNext)
		if p.link == 0 {
			return false
		}
		p.b = p.t.read(overArray, p.link-1)
		p.hits = matches(p.b, p.tag)
	}
	p.slot = bits.TrailingZeros32(p.hits)
	p.hits &= p.hits - 1
	return true
}

// Ref is the ref that p is at.
func (p *Probe) Ref() uint32 { return refAt(p.b, p.slot) }

// Replace puts another ref, of the same hash, in the place p is at.
func (p *Probe) Replace(ref uint32) {
	setSlot(p.t.mutable(p.main, p.link), p.slot, p.tag, ref)
}

// Delete removes the ref p is at. p must not be used afterwards.
func (p *Probe) Delete() {
	p.t.remove(p.main, p.link, p.slot)
	p.t.shrink()
}

// Insert adds a ref, other than 0 and not in the table yet.
func (t *Table) Insert(hash uint64, ref uint32) {
	t.append(bucketOf(uint32(hash), t.len(mainArray)), tagOf(hash), ref)
	t.addLen(1)
	if n := t.len(mainArray); t.Len()*splitBuckets > int(n)*splitRefs && n < 1<<maxBits {
		t.split()
	}
}

// append puts a ref at the end of main's chain.
func (t *Table) append(main uint32, tag uint8, ref uint32) {
	link := t.tail(main)
	slot := used(t.bucket(main, link))
	if slot == slots(link) {
		last := link
		link, slot = t.push(overArray)+1, 0
		t.mutable(main, link).SetU32(bucketOwner, main)
		t.mutable(main, last).SetU32(bucketNext, link)
	}
	setSlot(t.mutable(main, link), slot, tag, ref)
}

// tail is the link of the last bucket of main's chain.
func (t *Table) tail(main uint32) uint32 { return t.before(main, 0) }

// before is the link of the bucket of main's chain whose next is link.
func (t *Table) before(main, link uint32) uint32 {
	at := uint32(0)
	for next := t.bucket(main, at).U32(bucketNext); next != link; next = t.bucket(main, at).U32(bucketNext) {
		at = next
	}
	return at
}

// remove takes a ref out of its chain; the chain's last ref fills the hole.
func (t *Table) remove(main, link uint32, slot int) {
	tail := t.tail(main)
	end := t.mutable(main, tail)
	last := used(end) - 1
	if tail != link || last != slot {
		setSlot(t.mutable(main, link), slot, end.U8(last), refAt(end, last))
	}
	setSlot(end, last, 0, 0)
	if last == 0 && tail != 0 {
		t.dropOverflow(main, t.before(main, tail))
	}
	t.addLen(-1)
}

// dropOverflow takes the overflow bucket after the one named by link out of main's
// chain, and moves the last bucket of the overflow array to its place.
func (t *Table) dropOverflow(main, link uint32) {
	hole := t.bucket(main, link).U32(bucketNext)
	t.mutable(main, link).SetU32(bucketNext, t.bucket(main, hole).U32(bucketNext))
	if last := t.len(overArray); last != hole {
		from := t.read(overArray, last-1)
		owner := from.U32(bucketOwner)
		t.mutable(owner, t.before(owner, last)).SetU32(bucketNext, hole)
		t.write(overArray, hole-1).CopyFrom(0, from, 0, bucketSize)
	}
	t.pop(overArray)
}

// entry is a ref in flight between two chains.
type entry struct {
	ref uint32
	tag uint8
}

// unchain appends main's refs to list and leaves its chain empty.
func (t *Table) unchain(main uint32, list []entry) []entry {
	for b := t.bucket(main, 0); ; b = t.bucket(main, b.U32(bucketNext)) {
		for i := range used(b) {
			list = append(list, entry{refAt(b, i), b.U8(i)})
		}
		if b.U32(bucketNext) == 0 {
			break
		}
	}
	for t.bucket(main, 0).U32(bucketNext) != 0 {
		t.dropOverflow(main, 0)
	}
	t.mutable(main, 0).Zero(0, bucketSize)
	return list
}

// chainRefs is room for the refs of a chain; longer ones, which only equal hashes make, go to the heap.
const chainRefs = 64

// split divides the next bucket of the level between itself and a new one.
func (t *Table) split() {
	n := t.len(mainArray)
	_, next := levelOf(n)
	var room [chainRefs]entry
	list := t.unchain(next, room[:0])
	for _, e := range list {
		t.hasher.HashSoon(e.ref)
	}
	t.push(mainArray)
	for _, e := range list {
		t.append(bucketOf(uint32(t.hasher.HashOf(e.ref)), n+1), e.tag, e.ref)
	}
}

// shrink merges the last bucket with the one it was split from, if the table is sparse.
func (t *Table) shrink() {
	n := t.len(mainArray)
	if t.Len() >= int(n-1)*mergeLoad {
		return
	}
	var room [chainRefs]entry
	list := t.unchain(n-1, room[:0])
	t.pop(mainArray)
	_, to := levelOf(n - 1)
	for _, e := range list {
		t.append(to, e.tag, e.ref)
	}
}
