package bloom

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/dgryski/go-metro"
)

// TestHash: equal items have equal hashes, wherever they lie, and no two prefixes of a text have the same.
func TestHash(t *testing.T) {
	const seed = 5
	b := bytes.Repeat([]byte("abcdefghijklmnop"), 10)
	seen := map[key]int{}
	for n := range b {
		k := keyOf(b[:n], seed)
		if other, ok := seen[k]; ok {
			t.Errorf("%d and %d bytes have the same hash", n, other)
		}
		if seen[k] = n; k != keyOf(bytes.Clone(b[:n]), seed) {
			t.Errorf("%d bytes have two hashes", n)
		}
	}
}

// TestHashOfPairs: items of 64 bytes are made by pairs so that what differs in metro's state after 32 of
// them, in bit 34 of two of its words, is taken out by the rest, if carries go the right way.
func TestHashOfPairs(t *testing.T) {
	const k0, k2 = 0xc83a91e1, 0x7bdec03b // metro's
	rnd := rand.New(rand.NewPCG(1, 2))
	plain, ours := 0, 0
	for range 1000 {
		var a [64]byte
		for i := range a {
			a[i] = byte(rnd.Uint32())
		}
		b := a
		add := func(off int, d uint64) {
			binary.LittleEndian.PutUint64(b[off:], binary.LittleEndian.Uint64(b[off:])+d)
		}
		add(0, 1<<63)
		add(32, (1<<63-1<<34)*inverse(k0))
		add(48, -(inverse(k2) << 34))
		seed := rnd.Uint64()
		w, x := metro.Hash128(a[:], seed)
		if y, z := metro.Hash128(b[:], seed); w == y && x == z {
			plain++
		}
		if keyOf(a[:], seed) == keyOf(b[:], seed) {
			ours++
		}
	}
	if plain < 150 {
		t.Errorf("metro gives %d of 1000 pairs the same hash: the test tests nothing", plain)
	}
	if ours > 0 {
		t.Errorf("%d of 1000 pairs have the same hash", ours)
	}
}

// inverse is that of an odd number modulo 2^64, by Newton's iteration.
func inverse(x uint64) uint64 {
	y := x
	for range 6 {
		y *= 2 - x*y
	}
	return y
}
