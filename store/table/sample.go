package table

import (
	"slices"

	"quarry/store/internal/slab"
)

// Sample calls fn for n different elements, or for all if there are not so many, each choice
// being equally likely; rnd is the source. fn must not use the table; key and value are valid
// during the call only. Few of many are drawn until there are enough; else the table is walked.
func (t *Table) Sample(n int, rnd func() uint64, fn func(key, value []byte)) {
	if t.enc > Packed && n <= t.Len()/drawOneOf {
		t.sampleDraws(n, rnd, fn)
		return
	}
	var it Iter
	it.Seek(t)
	for left := t.Len(); n > 0 && it.Next(); left-- { // taken with probability (still wanted)/(still to come)
		if n >= left || below(rnd(), left) < n {
			fn(it.Key(), it.Value())
			n--
		}
	}
}

// drawOneOf: drawing misses the chosen ones once in so many times at most, and each draw
// looks into some empty slots, while a walk passes only what is there.
const drawOneOf = 8

// sampleDraws draws n elements, repeats being noticed at the end of a round.
func (t *Table) sampleDraws(n int, rnd func() uint64, fn func(key, value []byte)) {
	refs := make([]uint32, 0, n)
	for len(refs) < n {
		for len(refs) < n {
			ref, _ := t.d.Random(rnd)
			refs = append(refs, ref)
		}
		slices.Sort(refs)
		refs = slices.Compact(refs)
	}
	for _, ref := range refs {
		fn(t.element(slab.Ref(ref)))
	}
}
