package table

import "quarry/store/internal/slab"

// PrefetchMax is how many elements should have their memory on its way at once.
const PrefetchMax = 16

// headLines is how many cache lines of a packed table PrefetchHead asks for: all of a hash of
// five short fields, or a set of ten short members.
const headLines = 3

// prefetchBytes is the longest key that is hashed for a hint: with longer ones that
// takes longer than a miss.
const prefetchBytes = 256

// elementLines is how many cache lines of an element PrefetchElement asks for.
const elementLines = 2

// PrefetchHead asks for the beginning of a table's memory.
func (e *Env) PrefetchHead(h Handle) {
	switch h.Enc {
	case 0:
	case Ints, Packed:
		e.home.heap.R(slab.Ref(h.Ref)).Prefetch(headLines)
	case Medium:
		e.home.heap.R(slab.Ref(h.Ref)).Prefetch(1)
	default:
		a := e.arenas.At(h.Ref)
		a.heap.R(a.head).Prefetch(1)
	}
}

// PrefetchIndex asks for the bucket of a key in a table that is hashed, and
// returns the key's hash for PrefetchElement; 0 for a long key, which is left alone.
func (t *Table) PrefetchIndex(key []byte) (hash uint64) {
	if t.enc <= Packed || len(key) > prefetchBytes {
		return 0
	}
	hash = t.sp.hash.Sum(key)
	t.d.Prefetch(hash)
	return hash
}

// PrefetchElement asks for the element of the key with that hash, as the bucket names it.
func (t *Table) PrefetchElement(hash uint64) {
	if hash == 0 {
		return
	}
	if p := t.d.Find(hash); p.Next() { // most likely it
		t.sp.heap.R(slab.Ref(p.Ref())).Prefetch(elementLines)
	}
}

// Prefetch asks for the memory that looking up keys will read, of up to PrefetchMax of
// them: first all their buckets, then the elements these name. The misses overlap,
// while those of one lookup wait for each other. It changes nothing.
func (t *Table) Prefetch(keys [][]byte) {
	if t.enc <= Packed {
		return
	}
	keys = keys[:min(len(keys), PrefetchMax)]
	var hashes [PrefetchMax]uint64
	for i, key := range keys {
		hashes[i] = t.PrefetchIndex(key)
	}
	for _, h := range hashes[:len(keys)] {
		t.PrefetchElement(h)
	}
}
