package table

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestChanceIsFair: Random and Sample choose each element as often as any other, in all forms.
func TestChanceIsFair(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 5))
	for _, size := range []int{1, 7, 100, 600, 5000} {
		k := newKit(t, Limits{512, 128, 64}, true)
		var table Table
		k.envs[0].Create(&table)
		for i := range size {
			table.Put(fmt.Append(nil, i), fmt.Append(nil, i))
		}
		for _, n := range []int{0, 1, 3, 50, size - 1, size, size + 1} {
			hits := map[string]int{}
			draws, rounds := 0, 1+100*size/max(1, min(n, size))
			for range rounds {
				seen := map[string]bool{}
				if n == 0 {
					key, _ := table.Random(rnd.Uint64)
					seen[string(key)] = true
				}
				table.Sample(n, rnd.Uint64, func(key, value []byte) {
					if string(key) != string(value) {
						t.Fatalf("%q with %q", key, value)
					}
					seen[string(key)] = true
				})
				if want := max(1, min(n, size)); len(seen) != want && n > 0 {
					t.Fatalf("%d different ones of %d, want %d", len(seen), size, want)
				}
				for key := range seen {
					hits[key]++
					draws++
				}
			}
			chi, each := 0.0, float64(draws)/float64(size)
			for i := range size {
				d := float64(hits[fmt.Sprint(i)]) - each
				chi += d * d / each
			}
			if limit := float64(size) * 1.2; size >= 100 && chi > limit {
				t.Errorf("%d of %d: chi square is %.0f", n, size, chi)
			}
		}
		k.envs[0].Free(table.Handle())
		k.close()
	}
}
