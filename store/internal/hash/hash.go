// Package hash is the one place that names the hash of keys and members.
package hash

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// shortest inputs are hashed from a buffer on the stack: seed and input side by side.
const short = 56

// Sum is the 64-bit hash of b under seed: XXH64 of the seed's 8 bytes (little
// endian) followed by b. It allocates nothing.
//
// The seed goes in front, not behind: a finalizer over the unseeded hash would
// leave equal what was equal before, so that collisions prepared at home would
// work against every process. For up to 56 bytes a copy and the one-shot
// function take half the time of setting up a seeded Digest; longer ones
// go through the Digest, with the same result.
func Sum(seed uint64, b []byte) uint64 {
	if len(b) > short {
		return sumLong(seed, b)
	}
	var buf [8 + short]byte
	binary.LittleEndian.PutUint64(buf[:], seed)
	n := 8 + copy(buf[8:], b)
	return xxhash.Sum64(buf[:n])
}

func sumLong(seed uint64, b []byte) uint64 {
	var head [8]byte
	binary.LittleEndian.PutUint64(head[:], seed)
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(head[:]) // a Digest's Write cannot fail
	_, _ = d.Write(b)
	return d.Sum64()
}
