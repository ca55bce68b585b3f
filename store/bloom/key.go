package bloom

import (
	"encoding/binary"
	"math/bits"

	"github.com/dgryski/go-metro"
)

// key is the hash of an item.
type key struct{ a, b uint64 }

const (
	// longItem is from what length on metro takes 32 bytes at a time.
	longItem = 32
	// pieceSize is how many bytes of a long item are hashed at a time.
	pieceSize = 16
)

// keyOf is the hash of an item: metro's, but for long ones. There, metro mixes 32 bytes at a time, and so
// little that differences between two items can be chosen which cancel in one of four cases, whatever the seed
// (key_test.go has such pairs): who adds the one would make the other known. Long items are hashed in pieces instead,
// with all that metro does at the end after each, and what came before is half text, half seed of the next.
func keyOf(item []byte, seed uint64) key {
	if len(item) < longItem {
		a, b := metro.Hash128(item, seed)
		return key{a, b}
	}
	k := key{uint64(len(item)), seed}
	var text [8 + pieceSize]byte
	for len(item) > 0 {
		binary.LittleEndian.PutUint64(text[:], k.a)
		n := copy(text[8:], item)
		k.a, k.b = metro.Hash128(text[:8+n], k.b)
		item = item[n:]
	}
	return k
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
