package zset

// PrefetchMax is how many members Prefetch looks at: more lines than those of
// so many leaves drive each other out of the nearest cache.
const PrefetchMax = 16

// prefetchBytes is the length of members that Prefetch hashes for a hint.
const prefetchBytes = 256

// Prefetch asks the processor for the memory that looking up members will
// read, of up to 16 of them: first all their buckets in the index, then the
// leaves these name. The misses overlap, while those of one lookup
// wait for each other. It changes nothing, and a set that is not large is left alone.
//
// Measured with a million rows: score 253 ns alone, 154 in groups of 16 (rank 378
// and 258, increment 753 and 577, update 679 and 604). To take only some lines of a leaf
// is slower.
func (s *Set) Prefetch(members [][]byte) {
	t := &s.t
	if s.enc == Packed || t.ar == nil {
		return
	}
	members = members[:min(len(members), PrefetchMax)]
	var hashes [PrefetchMax]uint64
	n := 0
	for _, m := range members {
		if len(m) > prefetchBytes {
			continue // its hash takes longer than a miss
		}
		hashes[n] = t.memberHash(m)
		t.bucketR(t.bucketOf(hashes[n])).Prefetch(1)
		n++
	}
	for _, h := range hashes[:n] {
		if leaf := t.firstMatch(h); leaf != 0 {
			t.r(leaf).Prefetch(prefetchLines)
		}
	}
}

// firstMatch is the leaf that the first slot with the tag of h in its bucket
// names, 0 if there is none; overflow buckets are not looked at.
func (t *tree) firstMatch(h uint64) uint32 {
	b := t.bucketR(t.bucketOf(h))
	for o := mainSlots; o < bucketSize; o += 4 {
		if s := b.U32(o); s>>24 == uint32(h>>56) {
			return s & (maxBlocks - 1)
		}
	}
	return 0
}
