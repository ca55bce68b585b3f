// Package hash is the one place that names the hash of keys and members.
package hash

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/cespare/xxhash/v2"
)

// Hasher is a 64-bit hash function with a key. Two hashers of one process differ,
// unless they were made with the same seed other than 0.
//
// Without a seed it is hash/maphash with a random key: the hash of Go's maps, which
// uses the processor's AES instructions. Clients choose keys and members, and whoever
// can make many of them fall on one hash makes every look-up walk them all; so the key
// must take part in each step. XXH64, however seeded, does not do that: its seed
// reaches one lane of four, and differences can be chosen that cancel
// with any seed (hash_test.go has such pairs). It is slower, too: 17 ns for
// 19 bytes and a seed against 5.
//
// With a seed it is XXH64, for tests and comparisons that must come out the same again.
type Hasher struct {
	key  maphash.Seed
	seed uint64
}

// New makes a hasher; see [Hasher] for seed.
func New(seed uint64) Hasher { return Hasher{maphash.MakeSeed(), seed} }

// Sum is the hash of b. It allocates nothing.
func (h Hasher) Sum(b []byte) uint64 {
	if h.seed == 0 {
		return maphash.Bytes(h.key, b)
	}
	return seeded(h.seed, b)
}

// seeded is XXH64 of the seed's 8 bytes (little endian) followed by b.
func seeded(seed uint64, b []byte) uint64 {
	var head [8]byte
	binary.LittleEndian.PutUint64(head[:], seed)
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(head[:]) // a Digest's Write cannot fail
	_, _ = d.Write(b)
	return d.Sum64()
}
