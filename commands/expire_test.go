package commands

import (
	"math"
	"testing"
)

func TestExpireTime(t *testing.T) {
	const now = 1767225600000
	for _, c := range []struct{ n, baseMS, unitMS, want int64 }{
		{10, now, 1000, now + 10_000},
		{-10, now, 1, now - 10},
		{0, 0, 1000, 0},
		{math.MaxInt64, 0, 1, math.MaxInt64},
		{math.MinInt64, now, 1, math.MinInt64 + now},
		{math.MaxInt64 - now, now, 1, math.MaxInt64},
		{math.MaxInt64 / 1000, 0, 1000, math.MaxInt64 / 1000 * 1000},
	} {
		if got, ok := expireTime(c.n, c.baseMS, c.unitMS); !ok || got != c.want {
			t.Errorf("%d after %d in units of %d: got %d, %t, want %d", c.n, c.baseMS, c.unitMS, got, ok, c.want)
		}
	}
}

func TestExpireTimeOverflows(t *testing.T) {
	const now = 1767225600000
	for _, c := range []struct{ n, baseMS, unitMS int64 }{
		{math.MaxInt64, 0, 1000},
		{math.MaxInt64/1000 + 1, 0, 1000},
		{math.MinInt64/1000 - 1, 0, 1000},
		{math.MinInt64, now, 1000},
		{math.MaxInt64 - now + 1, now, 1},
		{math.MaxInt64 / 1000, now, 1000},
	} {
		if got, ok := expireTime(c.n, c.baseMS, c.unitMS); ok {
			t.Errorf("%d after %d in units of %d gives %d", c.n, c.baseMS, c.unitMS, got)
		}
	}
}

func TestExpireConditions(t *testing.T) {
	for _, c := range []struct {
		cond         expireCondition
		oldMS, newMS int64
		want         bool
	}{
		{0, 0, 5, true}, {0, 5, 3, true},
		{expireNX, 0, 5, true}, {expireNX, 5, 9, false},
		{expireXX, 0, 5, false}, {expireXX, 5, 3, true},
		{expireGT, 0, 5, false}, {expireGT, 5, 5, false}, {expireGT, 5, 6, true},
		{expireLT, 0, 5, true}, {expireLT, 5, 5, false}, {expireLT, 5, 4, true},
		{expireXX | expireLT, 0, 5, false}, {expireXX | expireLT, 5, 4, true},
		{expireXX | expireGT, 0, 5, false}, {expireXX | expireGT, 5, 6, true},
	} {
		if got := c.cond.met(c.oldMS, c.newMS); got != c.want {
			t.Errorf("condition %b, expiry %d, new %d: got %t", c.cond, c.oldMS, c.newMS, got)
		}
	}
}
