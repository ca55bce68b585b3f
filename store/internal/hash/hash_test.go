package hash

import (
	"encoding/binary"
	"fmt"
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

// TestSumIsXXH64OfSeedAndInput crosses the border between the two ways of computing it.
func TestSumIsXXH64OfSeedAndInput(t *testing.T) {
	for n := range 200 {
		for _, seed := range []uint64{0, 1, 0xfeedfacecafebeef} {
			b := input(n)
			want := xxhash.Sum64(append(binary.LittleEndian.AppendUint64(nil, seed), b...))
			if got := Sum(seed, b); got != want {
				t.Fatalf("Sum(%#x, %d bytes) = %#x, want %#x", seed, n, got, want)
			}
		}
	}
}

func TestSumAllocatesNothing(t *testing.T) {
	for _, n := range []int{0, 8, 19, 56, 57, 4096} {
		b := input(n)
		if a := testing.AllocsPerRun(100, func() { Sum(1, b) }); a != 0 {
			t.Errorf("Sum of %d bytes allocates %v times", n, a)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	for _, n := range []int{8, 19, 32, 56, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := input(n)
			for b.Loop() {
				Sum(42, in)
			}
		})
	}
}

// BenchmarkSeededDigest is the way not taken.
func BenchmarkSeededDigest(b *testing.B) {
	in := input(19)
	var d xxhash.Digest
	for b.Loop() {
		d.ResetWithSeed(42)
		_, _ = d.Write(in)
		d.Sum64()
	}
}
