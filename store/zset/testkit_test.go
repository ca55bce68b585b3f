package zset

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/store/internal/hash"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// ---- memory ----

// kit is the surroundings of the sets under test: one region and two shards.
type kit struct {
	testing.TB
	region *offheap.Region
	limits Limits
	envs   [2]*Env
	models []*model
}

func newKit(t testing.TB, limits Limits) *kit {
	t.Helper()
	region, err := offheap.NewRegion()
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{TB: t, region: region, limits: limits}
	for i := range k.envs {
		k.envs[i] = &Env{Heap: slab.New(region), Limits: &k.limits, Hash: hash.New(0x9e3779b97f4a7c15)}
	}
	return k
}

// close frees all sets and fails if one byte, object or page is left.
func (k *kit) close() {
	k.Helper()
	for _, m := range k.models {
		m.env().Free(m.set.Handle())
	}
	for i, e := range k.envs {
		for e.Reclaim(1) {
		}
		if err := e.Heap.Check(); err != nil {
			k.Errorf("shard %d: %v", i, err)
		}
		if e.Heap.Bytes() != 0 || e.Heap.Live() != 0 {
			k.Errorf("shard %d: %d objects of %d bytes are left", i, e.Heap.Live(), e.Heap.Bytes())
		}
		e.Heap.Trim()
		if n := e.Heap.Pages(); n != 0 {
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

// check checks a set by itself.
func check(s *Set) error {
	a, err := s.env.Heap.Audit()
	if err != nil {
		return err
	}
	return s.Check(a)
}

// checkMemory compares what the sets say they take with what is taken.
func (k *kit) checkMemory() {
	k.Helper()
	var pages int
	var small [2]int64
	var large int64
	for _, m := range k.models {
		if m.set.Handle().Enc == Large {
			large += m.set.Bytes()
		} else {
			small[m.shard] += m.set.Bytes()
		}
	}
	for i, e := range k.envs {
		for e.Reclaim(1) {
		}
		pages += e.Heap.Pages()
		if small[i] != e.Heap.Bytes() {
			k.Fatalf("shard %d: the sets say %d bytes, the heap %d", i, small[i], e.Heap.Bytes())
		}
	}
	if taken := (k.region.Used() - int64(pages)) * offheap.PageSize; large < taken {
		k.Fatalf("the large sets say %d bytes, their pages are %d", large, taken)
	}
}

// ---- the oracle ----

// pair is a member and its score.
type pair struct {
	member string
	score  float64
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.member, b.member))
}

// oracle is a sorted set as anyone would write it.
type oracle struct {
	scores map[string]float64
	order  []pair // sorted, unless stale
	stale  bool
	bulk   bool            // changes leave the order stale instead of keeping it sorted
	gone   map[string]bool // if not nil, collects the members removed
}

func newOracle() *oracle { return &oracle{scores: map[string]float64{}} }

// add is ZADD as its manual tells it.
func (o *oracle) add(member string, score float64, f Flags) (Outcome, float64) {
	old, there := o.scores[member]
	if !there {
		if f&XX != 0 {
			return Nop, 0
		}
		o.put(member, score)
		return Added, o.scores[member]
	}
	if f&NX != 0 {
		return Nop, old
	}
	if f&Incr != 0 {
		score = old + score
		if math.IsNaN(score) {
			return NaN, old
		}
	}
	if f&GT != 0 && !(score > old) || f&LT != 0 && !(score < old) {
		return Nop, old
	}
	if score == old {
		return Same, old
	}
	o.cut(member, old)
	o.put(member, score)
	return Updated, o.scores[member]
}

func (o *oracle) put(member string, score float64) {
	if score == 0 {
		score = 0 // not -0
	}
	o.scores[member] = score
	if o.stale = o.stale || o.bulk; !o.stale {
		i, _ := slices.BinarySearchFunc(o.order, pair{member, score}, comparePairs)
		o.order = slices.Insert(o.order, i, pair{member, score})
	}
}

// cut takes a row out of the order only.
func (o *oracle) cut(member string, score float64) {
	if o.stale = o.stale || o.bulk; !o.stale {
		i, _ := slices.BinarySearchFunc(o.order, pair{member, score}, comparePairs)
		o.order = slices.Delete(o.order, i, i+1)
	}
}

func (o *oracle) remove(member string) bool {
	score, there := o.scores[member]
	if !there {
		return false
	}
	o.cut(member, score)
	delete(o.scores, member)
	if o.gone != nil {
		o.gone[member] = true
	}
	return true
}

// rows are all rows in order.
func (o *oracle) rows() []pair {
	if o.stale {
		o.order = o.order[:0]
		for member, score := range o.scores {
			o.order = append(o.order, pair{member, score})
		}
		slices.SortFunc(o.order, comparePairs)
		o.stale = false
	}
	return o.order
}

// rank is the place of a row that is there, or the one it would have.
func (o *oracle) rank(r pair) int {
	i, _ := slices.BinarySearchFunc(o.rows(), r, comparePairs)
	return i
}

// countBelow counts the rows for which below holds; it holds for the first ones.
func (o *oracle) countBelow(below func(pair) bool) int {
	rows := o.rows()
	n, _ := slices.BinarySearchFunc(rows, true, func(r pair, _ bool) int {
		if below(r) {
			return -1
		}
		return 1
	})
	return n
}

// ---- decisions ----

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

// ---- members ----

// memberKind makes the member of an id, always the same one, and different
// ones for different ids.
type memberKind struct {
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

// padded is text, filled up to n bytes between head and id.
func padded(head string, n, id int) []byte {
	tail := strconv.Itoa(id)
	b := append([]byte(head), bytes.Repeat([]byte{'.'}, max(0, n-len(head)-len(tail)-1))...)
	return append(append(b, '#'), tail...)
}

var memberKinds = []memberKind{
	{"numbers", func(id int) []byte { return strconv.AppendInt(nil, int64(id), 10) }},
	{"player ids", func(id int) []byte { return fmt.Appendf(nil, "player:%012d", id) }},
	{"hex", func(id int) []byte { return fmt.Appendf(nil, "%016x", mix(id)) }},
	{"integers of all widths", func(id int) []byte {
		v := int64(mix(id))
		return strconv.AppendInt(nil, v>>(id%63), 10)
	}},
	{"binary", func(id int) []byte {
		n := min(id%20, 19)
		b := make([]byte, n, n+4)
		for i := range b {
			b[i] = "\x00\xff\x01a"[mix(id+i*7919)%4]
		}
		return append(b, byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
	}},
	{"each a prefix of the next", func(id int) []byte { return bytes.Repeat([]byte{'a'}, id) }},
	{"prefixes of common strings", func(id int) []byte {
		b := bytes.Repeat([]byte{'a', 'b'}, 100)
		return append(b[:id%197:id%197], strconv.Itoa(id/197)...)
	}},
	{"long common prefix", func(id int) []byte { return padded("season:2031:region:eu-west:", 100, id) }},
	{"prefix over 255", func(id int) []byte { return padded("x", 262+id%3, id) }},
	{"lengths around the limits", func(id int) []byte {
		n := []int{61, 62, 63, 64, 65, 66, 125, 126, 127, 128, 129, 253, 254, 255, 256, 257, 258}[id%17]
		return padded("", n, id)
	}},
	{"0 to 300", func(id int) []byte {
		if id == 0 {
			return nil
		}
		n := int(mix(id) % 300)
		return padded(string(rune('A'+id%26)), n, id)
	}},
	{"out of line", func(id int) []byte {
		if id%3 != 0 {
			return padded("in", 20, id)
		}
		return padded("out", 300+int(mix(id)%3000), id)
	}},
	{"differ in the middle", func(id int) []byte {
		b := padded("", 700, id)
		return append(b, bytes.Repeat([]byte{'z'}, 600)...)
	}},
	{"huge", func(id int) []byte {
		switch {
		case id%50 == 7:
			return padded("huge", 1+int(mix(id)%(1<<20)), id)
		case id%10 == 3:
			return padded("big", 32<<10-12+id%16, id)
		}
		return padded("", int(mix(id)%2000), id)
	}},
	{"few share much, beside long ones", func(id int) []byte {
		if id%8 == 0 {
			return padded("p", 150+int(mix(id>>6)%31), id)
		}
		return padded("long", 181+int(mix(id)%9), id)
	}},
}

// ---- scores ----

// scoreKind makes scores; n is the number of scores made so far.
type scoreKind struct {
	name string
	next func(src source, n int) float64
}

// pick is one of the values.
func pick(src source, values ...float64) float64 { return values[src.intN(len(values))] }

var scoreKinds = []scoreKind{
	{"below a million", func(src source, _ int) float64 { return float64(src.intN(1_000_000)) }},
	{"all equal", func(source, int) float64 { return 42 }},
	{"few", func(src source, _ int) float64 { return float64(src.intN(5)) }},
	{"ascending", func(_ source, n int) float64 { return float64(n) }},
	{"descending", func(_ source, n int) float64 { return -float64(n) / 2 }},
	{"negative", func(src source, _ int) float64 { return -float64(src.intN(1 << 20)) }},
	{"fractions", func(src source, _ int) float64 { return float64(src.intN(1<<24)-1<<23) / 997 }},
	{"tiny differences", func(src source, _ int) float64 {
		return math.Float64frombits(math.Float64bits(1) + uint64(src.intN(40)))
	}},
	{"extremes", func(src source, _ int) float64 {
		sign := pick(src, 1, -1)
		return sign * pick(src, 0, math.Inf(1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1<<53, 1<<53-1, 1<<52, 1<<63, 1e300, 0.1)
	}},
	{"huge", func(src source, _ int) float64 { return math.Ldexp(float64(src.intN(1<<20)), src.intN(900)) }},
	{"geohashes", func(src source, _ int) float64 {
		return float64(uint64(src.intN(1<<26))<<26 | uint64(src.intN(1<<26)))
	}},
	{"mostly equal", func(src source, n int) float64 {
		if src.intN(10) == 0 {
			return float64(src.intN(100))
		}
		return 50
	}},
}
