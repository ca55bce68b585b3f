package commands

import (
	"math/bits"
	"slices"
)

// randBelow picks a number from 0 to n-1, each equally likely; n > 0. A 64-bit
// random number scaled to n leaves a remainder of 2^64 mod n values that would
// favour some results; these few are drawn again.
func (c *Ctx) randBelow(n int) int {
	un := uint64(n)
	hi, lo := bits.Mul64(c.Rand(), un)
	if lo < un {
		for uneven := -un % un; lo < uneven; {
			hi, lo = bits.Mul64(c.Rand(), un)
		}
	}
	return int(hi)
}

// sample picks k of the ranks 0 to n-1, every such subset equally likely, in
// ascending order; k <= n/2, or drawing what is not drawn yet takes long.
func (c *Ctx) sample(k, n int) []int {
	ranks := make([]int, 0, k)
	for len(ranks) < k {
		// Drawing until k distinct ones are there, only that repeats are
		// noticed at the end of a round.
		for len(ranks) < cap(ranks) {
			ranks = append(ranks, c.randBelow(n))
		}
		slices.Sort(ranks)
		ranks = slices.Compact(ranks)
	}
	return ranks
}
