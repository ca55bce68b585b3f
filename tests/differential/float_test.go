package differential

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"quarry/tests/harness"
)

// INCRBYFLOAT computes as C's long double does: every digit of many sums must be the oracle's.
func TestSumsOfFloats(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the oracle's long double has another size here")
	}
	oracle, quarry := harness.StartRedis(t).Dial(t), harness.Start(t, harness.Options{}).Dial(t)
	first := *seed
	if first == 0 {
		first = rand.Uint64()
	}
	rng := rand.New(rand.NewPCG(first, 2))
	sums := 20_000
	if testing.Short() {
		sums = 2_000
	}
	for range sums {
		a, b := drawFloat(rng), drawFloat(rng)
		for _, c := range []*harness.Client{oracle, quarry} {
			c.Do("SET", "sum", a)
		}
		if x, y := oracle.Do("INCRBYFLOAT", "sum", b), quarry.Do("INCRBYFLOAT", "sum", b); x.String() != y.String() {
			t.Fatalf("seed %d: %s + %s:\nredis answers %s\nquarry answers %s", first, a, b, x, y)
		}
	}
}

// drawFloat draws a number as a text: a price, a large or small one, one of many digits, one in hexadecimal.
func drawFloat(rng *rand.Rand) string {
	sign := []string{"", "-"}[rng.IntN(2)]
	digits := func(most int) string {
		text := make([]byte, 1+rng.IntN(most))
		for i := range text {
			text[i] = byte('0' + rng.IntN(10))
		}
		return string(text)
	}
	switch rng.IntN(7) {
	case 0:
		return sign + digits(6)
	case 1, 2:
		return sign + digits(6) + "." + digits(3)
	case 3:
		return sign + digits(21) + "." + digits(25)
	case 4:
		return fmt.Sprintf("%s%s.%se%d", sign, digits(1), digits(20), rng.IntN(60)-30)
	case 5:
		return fmt.Sprintf("%s%s.%se%d", sign, digits(3), digits(40), rng.IntN(10_000)-5_000)
	}
	return fmt.Sprintf("%s0x%x.%xp%d", sign, rng.Uint64()>>rng.IntN(64), rng.Uint64()>>rng.IntN(64), rng.IntN(200)-100)
}
