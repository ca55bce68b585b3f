package zset

import "math"

// decide is what adding with score under the conditions f does to a member that
// is there with score old, in either form of a set: the order of the questions is ZADD's.
func decide(old, score float64, f Flags) (o Outcome, now float64) {
	if f&NX != 0 {
		return Nop, old
	}
	if f&Incr != 0 {
		score += old
	}
	score += 0 // -0 + 0 is 0
	switch {
	case math.IsNaN(score):
		return NaN, old
	case f&GT != 0 && score <= old, f&LT != 0 && score >= old:
		return Nop, old
	case score == old:
		return Same, old
	}
	return Updated, score
}
