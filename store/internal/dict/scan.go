package dict

import "math/bits"

// Scan calls fn for the refs of one bucket and returns the cursor of the rest,
// 0 at the end; it starts with cursor 0. fn must not change the table.
//
// The order is that of the bit-reversed hashes. A bucket of l bits holds the
// hashes of an interval of 2^(32-l) reversed ones; splitting divides an
// interval, merging joins two. The cursor is the reversed beginning of
// what has not been passed, whatever buckets there are by then, so a ref that is in
// the table from the first call to the last is passed at least once; after
// a merge, the refs of the first half are passed again.
func (t *Table) Scan(cursor uint32, fn func(ref uint32)) uint32 {
	n := t.len(mainArray)
	main := bucketOf(cursor, n)
	t.each(main, fn)
	level, split := levelOf(n)
	if main < split || main >= 1<<level {
		level++
	}
	// Adding at the interval's lowest bit carries past the top at the end of the last one: cursor 0.
	return bits.Reverse32(uint32(uint64(bits.Reverse32(main)) + 1<<(32-level)))
}

// each calls fn for the refs of main's chain.
func (t *Table) each(main uint32, fn func(ref uint32)) {
	for b := t.bucket(main, 0); ; b = t.read(overArray, b.U32(bucketNext)-1) {
		for i := range used(b) {
			fn(refAt(b, i))
		}
		if b.U32(bucketNext) == 0 {
			return
		}
	}
}

const (
	// randomSlots bounds the chains that Random draws from fairly: a main and two overflow buckets.
	randomSlots = mainSlots + 2*overSlots
	// randomTries is enough to miss in one call of 10^15 at a load of six refs a bucket.
	randomTries = 200
)

// Random picks a ref, all with the same probability; rnd is the source. ok is false if the table is empty.
//
// It draws a bucket and a slot, and draws again where the slot is empty: buckets
// that hold more are hit more often, in proportion. Refs beyond the
// third bucket of a chain, which a fair hash makes in one table of thousands, are never picked
// that way.
func (t *Table) Random(rnd func() uint64) (ref uint32, ok bool) {
	if t.Len() == 0 {
		return 0, false
	}
	n := uint64(t.len(mainArray))
	for range randomTries {
		r := rnd()
		if ref, ok = t.nth(uint32(r>>32*n>>32), int(r&0xffffffff*randomSlots>>32)); ok {
			return ref, true
		}
	}
	return t.first(uint32(rnd() >> 32 * n >> 32)), true
}

// nth is the i-th ref of main's chain.
func (t *Table) nth(main uint32, i int) (ref uint32, ok bool) {
	for link := uint32(0); ; {
		b := t.bucket(main, link)
		if i < used(b) {
			return refAt(b, i), true
		}
		next := b.U32(bucketNext)
		if next == 0 || i < slots(link) {
			return 0, false
		}
		i -= slots(link)
		link = next
	}
}

// first is the first ref of the first chain from main on that is not empty. The table is not.
func (t *Table) first(main uint32) uint32 {
	for {
		if ref, ok := t.nth(main, 0); ok {
			return ref
		}
		main = (main + 1) % t.len(mainArray)
	}
}

// Drain dismantles the table: it removes up to max refs, calling fn with each, and
// reports whether there are more. When there are none the table is freed and t is the zero Table.
// Between calls nothing but Drain, Len, Bytes and Check may be called. fn must not use the table.
func (t *Table) Drain(max int, fn func(ref uint32)) bool {
	for t.Len() > 0 {
		last := t.len(mainArray) - 1
		link := t.tail(last)
		slot := used(t.bucket(last, link)) - 1
		if slot < 0 { // the chain is empty
			t.pop(mainArray)
			continue
		}
		if max == 0 {
			return true
		}
		max--
		fn(refAt(t.bucket(last, link), slot))
		t.remove(last, link, slot)
	}
	for t.len(mainArray) > 0 {
		t.pop(mainArray)
	}
	t.heap.Free(t.head)
	*t = Table{}
	return false
}
