package store

import (
	"math/rand/v2"
	"testing"
)

// decisions are a source of random numbers that a fuzzer chooses, two bytes each, as long as it has any.
type decisions struct {
	b    []byte
	rest *rand.PCG
}

func (d *decisions) Uint64() uint64 {
	if len(d.b) < 2 {
		d.b = nil
		return d.rest.Uint64()
	}
	v := uint64(d.b[0])<<8 | uint64(d.b[1])
	d.b = d.b[2:]
	return v * 0x0001_0001_0001_0001
}

// fuzz takes turns of a random test as the fuzzer decides, at most so many. The fixture checks the store after
// the last one, and that nothing is left of it.
func fuzz(f *testing.F, turns int, start func(f *fixture, rnd *rand.Rand) (turn func(i int))) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		b := make([]byte, 100+200*seed)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &decisions{b, rand.NewPCG(1, 1)}
		turn := start(newFixture(t, Options{Shards: 2, Databases: 2, Seed: 1}), rand.New(d))
		for i := 0; i < turns && len(d.b) > 0; i++ {
			turn(i)
		}
	})
}

// FuzzKeys: keys, their expiry and their databases, of sorted sets.
func FuzzKeys(f *testing.F) {
	fuzz(f, 300, func(f *fixture, rnd *rand.Rand) func(int) { return newModelTest(f, rnd).turn })
}

// FuzzStrings: strings of all forms.
func FuzzStrings(f *testing.F) {
	fuzz(f, 200, func(f *fixture, rnd *rand.Rand) func(int) { return newStringTest(f, rnd).turn })
}

// FuzzTables: hashes and sets under their keys.
func FuzzTables(f *testing.F) {
	fuzz(f, 100, func(f *fixture, rnd *rand.Rand) func(int) { return newTableTest(f, rnd).turn })
}

// FuzzBlooms: Bloom filters under their keys.
func FuzzBlooms(f *testing.F) {
	fuzz(f, 100, func(f *fixture, rnd *rand.Rand) func(int) { return newBloomTest(f, rnd).turn })
}

// FuzzLists: lists under their keys.
func FuzzLists(f *testing.F) {
	fuzz(f, 200, func(f *fixture, rnd *rand.Rand) func(int) { return (&listTest{f, rnd, map[string][]string{}}).turn })
}
