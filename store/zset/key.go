package zset

import "math"

// A score's key is a uint64 that orders as the score does: the bits of the
// float64 with the sign bit set for positive numbers, all bits flipped for
// negative ones. -0 becomes 0 first, so that equal scores have equal keys.

func keyOf(score float64) uint64 {
	u := math.Float64bits(score + 0) // -0 + 0 is 0
	if u>>63 != 0 {
		return ^u
	}
	return u | 1<<63
}

func scoreOf(key uint64) float64 {
	if key>>63 != 0 {
		return math.Float64frombits(key &^ (1 << 63))
	}
	return math.Float64frombits(^key)
}
