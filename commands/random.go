package commands

import (
	"math"
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

const errCountRange = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"

// parseRandom reads the count of ZRANDMEMBER or HRANDFIELD, and the word after it that asks for more than
// members or fields; ok is false if it has answered an error.
func (c *Ctx) parseRandom(word string) (count int64, with, ok bool) {
	count, ok = parseInt(c.Args[2])
	with = len(c.Args) == 4 && equalFold(c.Args[3], word)
	problem := ""
	switch {
	case !ok:
		problem = errNotInt
	case count == math.MinInt64:
		problem = errCountRange
	case len(c.Args) > 3 && !with:
		problem = errSyntax
	case with && (count < -math.MaxInt64/2 || count > math.MaxInt64/2):
		problem = errOutOfRange
	default:
		return count, with, true
	}
	c.Error(problem)
	return 0, false, false
}

// A count below zero asks for an answer of any size, whatever the size of the
// value. One above maxRepeatBytes is refused; an element is taken to cost repeatRowBytes
// more than its bytes.
const (
	maxRepeatBytes = 512 << 20
	repeatRowBytes = 32
)

// picks are elements picked from a value one by one for an answer.
type picks interface {
	begin(n int)       // begins an answer of n
	draw() (bytes int) // draws one and tells its bytes
	answer()           // answers the one that was drawn
}

// repeats answers n elements, of which the same may come again.
func (c *Ctx) repeats(n int64, p picks) {
	if n > maxRepeatBytes/repeatRowBytes {
		c.Error(errOutOfRange)
		return
	}
	mark, bytes := c.Mark(), 0
	p.begin(int(n))
	for range n {
		if bytes += p.draw() + repeatRowBytes; bytes > maxRepeatBytes {
			c.Undo(mark)
			c.Error(errOutOfRange)
			return
		}
		p.answer()
	}
}
