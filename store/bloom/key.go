package bloom

import (
	"math/bits"

	"github.com/dgryski/go-metro"
)

// key is the hash of an item.
type key struct{ a, b uint64 }

func (e *Env) keyOf(item []byte) key {
	a, b := metro.Hash128(item, e.Seed)
	return key{a, b}
}

// inLane is where the item lies in lane i of so many blocks: its block, and the eight bits, each of
// which is 6 bits of the pattern.
func (k key) inLane(i, blocks uint32) (block uint32, pattern uint64) {
	hi, _ := bits.Mul64(k.a+uint64(i)*k.b, uint64(blocks))
	return uint32(hi), mix(k.b + uint64(i)*0x9e3779b97f4a7c15)
}

// mix spreads every bit of x over all of the result (the finalizer of MurmurHash3, by Appleby): what b
// has to do with the choice of the blocks of other lanes is not to be seen in its patterns.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
