package list

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// kit is the surroundings of the lists under test: one region and two shards.
type kit struct {
	testing.TB
	region *offheap.Region
	limits Limits
	envs   [2]*Env
	models []*model
}

func newKit(t testing.TB, size int) *kit {
	t.Helper()
	region, err := offheap.NewRegion()
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{TB: t, region: region, limits: Limits{Size: size}}
	for i := range k.envs {
		k.envs[i] = &Env{Heap: slab.New(region), Limits: &k.limits}
	}
	return k
}

// close frees all lists and fails if one byte, object or page is left.
func (k *kit) close() {
	k.Helper()
	for _, m := range k.models {
		m.env().Free(m.list.Handle())
	}
	for i, e := range k.envs {
		for e.Reclaim(1) {
		}
		if err := e.Heap.Check(); err != nil {
			k.Errorf("shard %d: %v", i, err)
		}
		if e.Heap.Bytes() != 0 || e.Arenas() != 0 || len(e.littered) != 0 {
			k.Errorf("shard %d: %d bytes, %d arenas and %d littered ones are left", i, e.Heap.Bytes(), e.Arenas(), len(e.littered))
		}
		e.Heap.Close()
	}
	if n := k.region.Used(); n != 0 {
		k.Errorf("%d pages of the region are left", n)
	}
	if err := k.region.Close(); err != nil {
		k.Error(err)
	}
}

// check checks a list by itself.
func check(l *List) error {
	a, err := l.env.Heap.Audit()
	if err != nil {
		return err
	}
	return l.Check(a)
}

// checkMemory compares what the lists say they take with what is taken.
func (k *kit) checkMemory() {
	k.Helper()
	var small [2]int64
	var large, pages int64
	for _, m := range k.models {
		if m.list.Encoding() == Large {
			large += m.list.Bytes()
		} else {
			small[m.shard] += m.list.Bytes()
		}
	}
	for i, e := range k.envs {
		if small[i] != e.Heap.Bytes() {
			k.Fatalf("shard %d: the lists say %d bytes, the heap %d", i, small[i], e.Heap.Bytes())
		}
		for e.arenas.Reclaim(1) {
		}
		pages += int64(e.Heap.Pages())
	}
	if taken := (k.region.Used() - pages) * offheap.PageSize; large != taken {
		k.Fatalf("the large lists say %d bytes, their pages are %d", large, taken)
	}
}

// source is where a test's decisions come from: a generator, or a fuzzer's bytes.
type source interface{ intN(n int) int }

type randomSource struct{ *rand.Rand }

func (r randomSource) intN(n int) int { return r.IntN(n) }

func seeded(seed uint64) source { return randomSource{rand.New(rand.NewPCG(seed, 7))} }

// fuzzed takes two bytes for each decision; when they are used up all is 0.
type fuzzed struct{ data []byte }

func (f *fuzzed) intN(n int) int {
	if len(f.data) < 2 {
		return 0
	}
	v := int(f.data[0])<<8 | int(f.data[1])
	f.data = f.data[2:]
	return v % n
}

func (f *fuzzed) more() bool { return len(f.data) >= 2 }

// sizes of elements that a model draws.
type elementKind struct {
	name string
	make func(src source) []byte
}

func textOf(src source, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(src.intN(3))
		if i > 12 { // the rest is the same, and quickly made
			copy(b[i:], bytes.Repeat([]byte{b[i]}, n-i))
			break
		}
	}
	return b
}

var elementKinds = []elementKind{
	{"few numbers", func(src source) []byte { return fmt.Append(nil, src.intN(5)) }},
	{"numbers", func(src source) []byte { return fmt.Append(nil, (src.intN(1<<15)-1<<14)*src.intN(1<<15)) }},
	{"short", func(src source) []byte { return textOf(src, src.intN(40)) }},
	{"medium", func(src source) []byte { return textOf(src, src.intN(1200)) }},
	{"around a leaf", func(src source) []byte { return textOf(src, maxLeaf-20+src.intN(40)) }},
	{"any", func(src source) []byte {
		switch src.intN(20) {
		case 0:
			return textOf(src, src.intN(200_000))
		case 1:
			return textOf(src, src.intN(10_000))
		case 2, 3:
			return textOf(src, src.intN(1000))
		}
		return textOf(src, src.intN(20))
	}},
}

// model is a list under test and what must be true of it.
type model struct {
	*kit
	src   source
	shard int
	list  List
	want  [][]byte
	kind  elementKind
	step  int
	doing string
	it    Iter
}

func (k *kit) newModel(src source, kind elementKind) *model {
	m := &model{kit: k, src: src, kind: kind}
	m.env().Create(&m.list)
	k.models = append(k.models, m)
	return m
}

func (m *model) env() *Env { return m.envs[m.shard] }

func (m *model) fail(format string, args ...any) {
	m.Helper()
	m.Fatalf("list of %s, limit %d, form %d, step %d, %d elements, %s: %s", m.kind.name, m.limits.Size, m.list.Encoding(), m.step, len(m.want), m.doing, fmt.Sprintf(format, args...))
}

func (m *model) do(format string, args ...any) {
	m.step++
	m.doing = fmt.Sprintf(format, args...)
}

// reopen stores the list's name and opens it again, as a command does.
func (m *model) reopen() { m.env().Open(m.list.Handle(), &m.list) }

// same compares n elements from start on with what they must be, in a direction.
func (m *model) same(start, n int, reverse bool) {
	m.Helper()
	n = max(0, min(n, len(m.want)-start))
	m.it.Seek(&m.list, start, n, reverse)
	for i := range n {
		at := start + i
		if reverse {
			at = start + n - 1 - i
		}
		if !m.it.Next() {
			m.fail("the walk over %d elements from %d ends after %d", n, start, i)
		}
		match := MatchOf(m.want[at])
		if got := m.it.Value(); !bytes.Equal(got, m.want[at]) || !m.it.Is(&match) {
			m.fail("element %d is %.40q, not %.40q", at, got, m.want[at])
		}
	}
	if m.it.Next() {
		m.fail("the walk over %d elements from %d does not end", n, start)
	}
}

// check verifies structure and contents as a whole.
func (m *model) check() {
	m.Helper()
	if err := check(&m.list); err != nil {
		m.fail("%v", err)
	}
	if m.list.Len() != len(m.want) {
		m.fail("it has %d elements", m.list.Len())
	}
	m.same(0, len(m.want), m.step%2 == 0)
	m.checkMemory()
}
