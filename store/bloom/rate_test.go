package bloom

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// bound is how many of n may be found at a rate, in a test that fails once in some 10^9 runs if they are: six
// standard deviations above the mean.
func bound(n int, rate float64) int {
	mean := float64(n) * rate
	return int(mean + 6*math.Sqrt(mean) + 1)
}

// TestRate: a filter with all the items that it was made for keeps its promise, whether it was made for all of
// them or has grown to them.
func TestRate(t *testing.T) {
	items, n := uint64(1_000_000), 1_000_000
	if testing.Short() {
		items, n = 20_000, 50_000
	}
	for _, rate := range []float64{0.01, 0.001} {
		for _, p := range []Params{
			{Capacity: items, Rate: rate},
			{Capacity: items, Rate: rate, Expansion: 2},
			{Capacity: 100, Rate: rate, Expansion: 2},
			{Capacity: items / 20, Rate: rate, Expansion: 1},
			{Capacity: 100, Rate: rate, Expansion: 10},
		} {
			t.Run(fmt.Sprintf("%v of %d by %d", rate, p.Capacity, p.Expansion), func(t *testing.T) {
				k := newKit(t)
				defer k.close()
				f := k.make(0, p)
				k.fill(f, items)
				if p.Expansion > 0 && p.Capacity < items && f.Links() < 4 {
					t.Errorf("%d links", f.Links())
				}
				if found, most := mistakes(f, n), bound(n, reserve*rate); found > most {
					t.Errorf("%d of %d are found, more than %d: %v", found, n, most, float64(found)/float64(n))
				} else {
					t.Logf("%v, %.1f bits an item", float64(found)/float64(n), float64(f.Size()*8)/float64(items))
				}
				if err := check(f); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestRateOfSmall: so do small ones on average, of which each has a rate of its own.
func TestRateOfSmall(t *testing.T) {
	for _, p := range []Params{
		{Capacity: 1, Rate: 0.25}, {Capacity: 5, Rate: 0.25}, {Capacity: 30, Rate: 0.1}, {Capacity: 50, Rate: 0.01},
		{Capacity: 100, Rate: 0.01, Expansion: 2}, {Capacity: 150, Rate: 0.25}, {Capacity: 130, Rate: 0.001}, {Capacity: 40, Rate: 1e-4},
		{Capacity: 500, Rate: 1e-4, Expansion: 2},
	} {
		k := newKit(t)
		filters, each, found := 300, 2000, 0
		if testing.Short() {
			filters = 60
		}
		for i := range filters {
			k.envs[0].Seed = uint64(i)
			f := k.make(0, p)
			k.fill(f, p.Capacity)
			found += mistakes(f, each)
			k.drop(f)
		}
		if most := bound(filters*each, p.Rate); found > most {
			t.Errorf("%+v: %d of %d are found, more than %d", p, found, filters*each, most)
		}
		k.close()
	}
}

// TestLaneRate compares the formula with lanes drawn at random.
func TestLaneRate(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, mean := range []float64{25, 42, 55, 90} {
		const blocks, tries = 2000, 200_000
		var lane [blocks][words]uint64
		for range int(mean * blocks) {
			b := &lane[rnd.IntN(blocks)]
			for w := range b {
				b[w] |= 1 << rnd.IntN(64)
			}
		}
		found := 0
		for range tries {
			b, all := &lane[rnd.IntN(blocks)], true
			for w := range b {
				all = all && b[w]>>rnd.IntN(64)&1 == 1
			}
			if all {
				found++
			}
		}
		have, want := float64(found)/tries, laneRate(mean)
		if most := 6 * math.Sqrt(want/tries); have > want*1.05+most || have < want*0.95-most {
			t.Errorf("%v items a block: %v, the formula says %v", mean, have, want)
		}
	}
}

// TestLaneRateOfOneBlock: a lane of one block, which has exactly as many items in it as there are, and whose rate is a plain
// power so, is no worse than the formula for many says, up to the highest rate there is.
func TestLaneRateOfOneBlock(t *testing.T) {
	mean := 1.0
	for ; laneRate(mean) <= MaxRate; mean++ {
		if one := math.Pow(1-math.Pow(63.0/64, mean), words); one > laneRate(mean) {
			t.Errorf("%v items in one block: %v, the formula says %v", mean, one, laneRate(mean))
		}
	}
	if mean < 100 || mean > maxMean {
		t.Errorf("%v items a block make a rate of %v", mean, MaxRate)
	}
}

// TestBitsAnItem holds the figures of doc.go.
func TestBitsAnItem(t *testing.T) {
	for rate, most := range map[float64]float64{0.01: 10.35, 0.005: 11.9, 0.001: 16.05, 0.0001: 20.45, 1e-6: 31.8} {
		p, ok := planOf(1_000_000, rate)
		if have := float64(p.total()) * blockSize * 8 / 1e6; !ok || have > most || have < 1.44*-math.Log2(rate) {
			t.Errorf("%v: %.2f bits an item", rate, have)
		}
	}
}

func TestMeanFor(t *testing.T) {
	for bits := 2.0; bits <= laneBits; bits += 0.25 {
		rate := math.Exp2(-bits)
		if mean := meanFor(rate); laneRate(mean) > rate || laneRate(mean*1.001) < rate {
			t.Errorf("%v items a block at a rate of %v, not %v", mean, laneRate(mean), rate)
		}
	}
}
