package hash

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"testing"

	"github.com/cespare/xxhash/v2"
)

func input(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + n)
	}
	return b
}

func TestSeededIsXXH64OfSeedAndInput(t *testing.T) {
	for n := range 200 {
		for _, seed := range []uint64{1, 0xfeedfacecafebeef} {
			b := input(n)
			want := xxhash.Sum64(append(binary.LittleEndian.AppendUint64(nil, seed), b...))
			if got := New(seed).Sum(b); got != want {
				t.Fatalf("seed %#x, %d bytes: %#x, want %#x", seed, n, got, want)
			}
		}
	}
}

// TestKeysDiffer: what falls together under one key does not under another.
func TestKeysDiffer(t *testing.T) {
	a, b := New(0), New(0)
	for n := range 100 {
		if in := input(n); a.Sum(in) == b.Sum(in) {
			t.Errorf("%d bytes have the same hash under two keys", n)
		}
	}
}

// colliding is a family of inputs of 64 bytes with one XXH64 hash, whatever the
// 8 bytes in front of them are. Behind these, words 0 and 4 of the input fall in one
// lane, whose state begins with a known constant: for any word 0 there is a word 4 that
// brings the lane back to where it was.
func colliding(i uint64) []byte {
	const (
		prime1  = 11400714785074694791
		prime2  = 14029467366897019727
		inverse = 0x0ba79078168d4baf // of prime2, mod 2^64
		lane2   = prime2             // where the second lane starts
	)
	first := bits.RotateLeft64(lane2+i*prime2, 31) * prime1
	b := make([]byte, 64)
	binary.LittleEndian.PutUint64(b[0:], i)
	binary.LittleEndian.PutUint64(b[32:], (12345-first)*inverse) // first + word*prime2 is 12345
	return b
}

// TestPreparedCollisions: members made to collide under XXH64 with every seed
// do so, and do not under the hash that servers use.
func TestPreparedCollisions(t *testing.T) {
	seeds := []Hasher{New(1), New(2), New(0xfeedfacecafebeef)}
	var want [3]uint64
	keyed, seen := New(0), map[uint64]bool{}
	for i := range uint64(1000) {
		b := colliding(i)
		for j, h := range seeds {
			if i == 0 {
				want[j] = h.Sum(b)
			} else if h.Sum(b) != want[j] {
				t.Fatalf("member %d does not collide under seed %d: the example is wrong", i, j)
			}
		}
		seen[keyed.Sum(b)] = true
	}
	if len(seen) < 999 {
		t.Errorf("1000 members have %d hashes", len(seen))
	}
}

// TestBitsAreUsable: buckets are chosen by the lowest bits and tags are the highest;
// both must spread members that differ little.
func TestBitsAreUsable(t *testing.T) {
	h := New(0)
	var low, high [256]int
	const n = 256 * 200
	for i := range n {
		s := h.Sum(fmt.Appendf(nil, "player:%012d", i))
		low[byte(s)]++
		high[s>>56]++
	}
	for i := range 256 {
		if low[i] < 100 || low[i] > 300 || high[i] < 100 || high[i] > 300 {
			t.Errorf("value %d: %d times below, %d times above, of about 200", i, low[i], high[i])
		}
	}
}

func TestSumAllocatesNothing(t *testing.T) {
	for _, n := range []int{0, 8, 19, 56, 57, 4096} {
		b, h := input(n), New(0)
		if a := testing.AllocsPerRun(100, func() { h.Sum(b) }); a != 0 {
			t.Errorf("%d bytes allocate %v times", n, a)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	for _, seed := range []uint64{0, 42} {
		for _, n := range []int{8, 19, 32, 56, 100} {
			b.Run(fmt.Sprintf("seed %d/%d bytes", seed, n), func(b *testing.B) {
				in, h := input(n), New(seed)
				for b.Loop() {
					h.Sum(in)
				}
			})
		}
	}
}
