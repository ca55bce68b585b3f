package differential

import (
	"math/rand/v2"
	"testing"

	"quarry/tests/harness"
)

// Patterns of the bytes that mean something in them find the same keys, and the same parameters, which
// are compared in either case.
func TestGlobs(t *testing.T) {
	oracle, quarry := harness.StartRedis(t).Dial(t), harness.Start(t, harness.Options{}).Dial(t)
	first := *seed
	if first == 0 {
		first = rand.Uint64()
	}
	rng := rand.New(rand.NewPCG(first, 3))
	draw := func(alphabet string, most int) string {
		b := make([]byte, rng.IntN(most))
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(b)
	}
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	for i := range n {
		if i%50 == 0 {
			key := draw("aabcAB-]^[\\*\x00\x7f\x80\xff", 8)
			for _, c := range []*harness.Client{oracle, quarry} {
				c.Do("FLUSHALL")
				c.Do("SET", key, "v")
			}
		}
		pattern := draw("aabcAB-]^[[\\**?\x00\x7f\x80\xff", 10)
		if x, y := oracle.Do("KEYS", pattern), quarry.Do("KEYS", pattern); x.String() != y.String() {
			t.Fatalf("seed %d: KEYS %q: redis answers %s\nquarry answers %s", first, pattern, x, y)
		}
		if i%4 == 0 {
			name := draw("portPORT-][[^*?\\q", 8)
			if x, y := oracle.Do("CONFIG", "GET", name), quarry.Do("CONFIG", "GET", name); isPort(x) != isPort(y) {
				t.Fatalf("seed %d: CONFIG GET %q: redis answers %s\nquarry answers %s", first, name, x, y)
			}
		}
	}
}

// isPort reports whether the parameter port is among those answered.
func isPort(v harness.Value) bool {
	for i := 0; i < len(v.Elems); i += 2 {
		if v.Elems[i].Str == "port" {
			return true
		}
	}
	return false
}
