package bloom

import "math"

const (
	blockSize = 64 // bytes: a line of cache
	words     = 8  // of 64 bits in a block
)

// plan is the shape of a link.
type plan struct {
	lanes  uint32
	blocks uint32 // in each lane
}

// total is the number of blocks of all lanes.
func (p plan) total() uint64 { return uint64(p.lanes) * uint64(p.blocks) }

// like reports whether q is p, or what another machine may have made of the same numbers: logarithms differ in the last bit.
func (p plan) like(q plan) bool { return p.lanes == q.lanes && p.blocks-q.blocks+1 <= 2 }

// laneBits is -log2 of the lowest rate of a lane. One of 7 bits takes the least memory for each of them, one of 12 a
// ninth more, but half as many lines are read.
const laneBits = 12

// reserve is how much lower than the rate promised that of a link is on average: filters differ by chance, and each
// is to keep the promise. It costs 1.5 % of memory.
const reserve = 0.9

// planOf is the shape for a number of items and a rate of mistakes once they are all there. ok is false
// if it is too large.
func planOf(capacity uint64, rate float64) (p plan, ok bool) {
	bits := -math.Log2(rate * reserve)
	lanes := math.Ceil(bits / laneBits)
	blocks := math.Ceil(float64(capacity) / meanFor(math.Exp2(-bits/lanes)))
	return plan{uint32(lanes), uint32(blocks)}, blocks*lanes <= maxBlocks
}

// maxMean is the number of items for each block of a lane at the highest rate there is.
const maxMean = 256

// meanFor is how many items for each block a lane may have at a rate of mistakes.
func meanFor(rate float64) float64 {
	low, high := 0.0, float64(maxMean)
	for range 50 { // down to the last bits of the mantissa
		if middle := (low + high) / 2; laneRate(middle) <= rate {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// laneRate is how often an item that was never added is found in a lane with so many items for each block.
//
// A block with i items has a given bit of a word with probability 1 - q^i, where q = 63/64; the words are
// independent, so all eight bits are there with (1 - q^i)^8. Of many blocks i is distributed after Poisson, with that
// mean m, and the mean of q^(ij) is exp(-m(1 - q^j)); the power is expanded by the binomial theorem. Where there are few
// blocks i varies less, down to not at all for one. That is the better case up to a rate of a third, where the
// curve bends the other way; MaxRate is less.
func laneRate(mean float64) float64 {
	const q = 63.0 / 64
	sum, sign, choose := 0.0, 1.0, 1.0
	for j := range words + 1 {
		sum += sign * choose * math.Exp(-mean*(1-math.Pow(q, float64(j))))
		sign = -sign
		choose = choose * float64(words-j) / float64(j+1)
	}
	return sum
}
