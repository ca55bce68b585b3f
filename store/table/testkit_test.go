package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"quarry/store/internal/hash"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// kit is the surroundings of the tables under test: one region and two shards.
type kit struct {
	testing.TB
	region *offheap.Region
	limits Limits
	envs   [2]*Env
	models []*model
}

func newKit(t testing.TB, limits Limits, pairs bool) *kit {
	t.Helper()
	region, err := offheap.NewRegion()
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{TB: t, region: region, limits: limits}
	for i := range k.envs {
		k.envs[i] = NewEnv(slab.New(region), hash.New(0x9e3779b97f4a7c15), pairs)
		k.envs[i].Limits = &k.limits
	}
	return k
}

// close frees all tables and fails if one byte, object or page is left.
func (k *kit) close() {
	k.Helper()
	for _, m := range k.models {
		m.env().Free(m.t.Handle())
	}
	for i, e := range k.envs {
		for e.Reclaim(1) {
		}
		heap := e.home.heap
		if err := heap.Check(); err != nil {
			k.Errorf("shard %d: %v", i, err)
		}
		if heap.Bytes() != 0 || heap.Live() != 0 || e.Arenas() != 0 || e.dropped() != 0 {
			k.Errorf("shard %d: %d objects of %d bytes and %d arenas are left", i, heap.Live(), heap.Bytes(), e.Arenas())
		}
		heap.Trim()
		if n := heap.Pages(); n != 0 {
			k.Errorf("shard %d: %d pages are left", i, n)
		}
	}
	if n := k.region.Used(); n != 0 {
		k.Errorf("%d pages of the region are left", n)
	}
	if err := k.region.Close(); err != nil {
		k.Error(err)
	}
}

// dropped is the memory of the shard's heap that dropped tables still take.
func (e *Env) dropped() (n int64) {
	for i := range e.graves {
		n += e.graves[i].Bytes() + int64(e.graves[i].Note())
	}
	return n
}

// check checks a table by itself.
func check(t *Table) error {
	a, err := t.env.home.heap.Audit()
	if err != nil {
		return err
	}
	return t.Check(a)
}

// checkMemory compares what the tables say they take with what is taken.
func (k *kit) checkMemory() {
	k.Helper()
	var small [2]int64
	for _, m := range k.models {
		if m.t.Encoding() != Large {
			small[m.shard] += m.t.Bytes()
		}
	}
	for i, e := range k.envs {
		if want := small[i] + e.dropped(); want != e.home.heap.Bytes() {
			k.Fatalf("shard %d: the tables say %d bytes, the heap %d", i, want, e.home.heap.Bytes())
		}
	}
}

// source is where the decisions of a random test come from: a seeded generator
// or the bytes of a fuzzer.
type source interface {
	intN(n int) int // 0 to n-1
	done() bool
}

type seeded struct{ *rand.Rand }

func newSeeded(seed uint64) seeded { return seeded{rand.New(rand.NewPCG(seed, 0))} }

func (s seeded) intN(n int) int { return s.IntN(n) }
func (s seeded) done() bool     { return false }

type fuzzed struct{ b []byte }

func (f *fuzzed) intN(n int) int {
	v := 0
	for limit := 1; limit < n; limit <<= 8 {
		v <<= 8
		if len(f.b) > 0 {
			v |= int(f.b[0])
			f.b = f.b[1:]
		}
	}
	return v % n
}

func (f *fuzzed) done() bool { return len(f.b) == 0 }

// kind makes the key of an id, always the same one, and different ones for different ids.
type kind struct {
	name string
	of   func(id int) []byte
}

// mix is a 64-bit number that looks random.
func mix(id int) uint64 {
	x := uint64(id)*0x9e3779b97f4a7c15 + 1
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// padded is an id in n bytes or more.
func padded(n, id int) []byte {
	tail := strconv.Itoa(id)
	return append(bytes.Repeat([]byte{'.'}, max(0, n-len(tail))), tail...)
}

var kinds = []kind{
	{"numbers", func(id int) []byte { return strconv.AppendInt(nil, int64(id-50), 10) }},
	{"integers of all widths", func(id int) []byte { return strconv.AppendInt(nil, int64(mix(id))>>(id%63), 10) }},
	{"integers and others", func(id int) []byte {
		if id%300 == 77 {
			return fmt.Appendf(nil, "0%d", id)
		}
		return strconv.AppendInt(nil, int64(id), 10)
	}},
	{"words", func(id int) []byte { return fmt.Appendf(nil, "member:%d", id) }},
	{"the empty one, and binary", func(id int) []byte {
		if id == 0 {
			return nil
		}
		return []byte{byte(id >> 16), byte(id >> 8), byte(id), 0, 0xff}
	}},
	{"around the limit", func(id int) []byte { return padded(55+id%12, id) }},
	{"around the packed string", func(id int) []byte { return padded(120+id%12, id) }},
	{"0 to 2000", func(id int) []byte { return padded(int(mix(id)%2000), id) }},
	{"around half an object", func(id int) []byte { return padded(inlineKey-5+id%10, id) }},
	{"around an object", func(id int) []byte { return padded(slab.MaxSize-12+id%16, id) }},
	{"huge", func(id int) []byte {
		if id%40 == 3 {
			return padded(int(mix(id)%(300<<10)), id)
		}
		return padded(int(mix(id)%300), id)
	}},
}
