package zset

import (
	"fmt"
	"math"
	"testing"

	"quarry/store/internal/heaplist"
	"quarry/store/internal/listpack"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

var wide = &Limits{PackedEntries: 1 << 20, PackedValue: 1 << 20}

// openPacked is an empty packed set in a heap of its own. At the end of the test
// everything must have been given back.
// checkPacked checks a packed set by itself.
func checkPacked(p *packed) error {
	a, err := p.Heap.Audit()
	if err != nil {
		return err
	}
	return p.check(a)
}

func openPacked(t testing.TB) *packed {
	region, err := offheap.NewRegion()
	if err != nil {
		t.Fatal(err)
	}
	p := packed{heaplist.New(slab.New(region))}
	t.Cleanup(func() {
		if err := checkPacked(&p); err != nil {
			t.Error(err)
		}
		p.Free()
		if n := p.Heap.Bytes(); n != 0 {
			t.Errorf("%d bytes left", n)
		}
		p.Heap.Close()
		if n := region.Used(); n != 0 {
			t.Errorf("%d pages left", n)
		}
		region.Close()
	})
	return &p
}

func (p *packed) mustAdd(t testing.TB, member string, score float64) {
	t.Helper()
	o, now, fits := p.add([]byte(member), score, 0, wide)
	if !fits || o != Added && o != Updated || now != score {
		t.Fatalf("adding (%v, %q): %v, %v, fits %v", score, member, o, now, fits)
	}
}

// text is the set as "member=score member=score ...".
func (p *packed) text() (s string) {
	p.scan(func(member []byte, score float64) { s += fmt.Sprintf(" %s=%v", member, score) })
	return s
}

func TestPackedScoresComeBackBitByBit(t *testing.T) {
	p := openPacked(t)
	for i, score := range []float64{
		0, 1, -1, 15, 16, -256, 4095, 4096, 1 << 20, 1<<52 - 1, 1 << 52, 1<<53 - 1, 1 << 53, 1<<53 + 2, -1 << 53, -1<<53 - 2,
		1 << 63, -1 << 63, 1 << 62, 1e300, 0.1, -0.1, 1e-300, math.SmallestNonzeroFloat64, math.MaxFloat64, math.Inf(1), math.Inf(-1),
	} {
		member := fmt.Append(nil, "m", i)
		p.mustAdd(t, string(member), score)
		if got, ok := p.score(member); !ok || math.Float64bits(got) != math.Float64bits(score) {
			t.Errorf("%v came back as %v, %v", score, got, ok)
		}
	}
}

func TestPackedMinusZeroIsZero(t *testing.T) {
	p := openPacked(t)
	minus := math.Copysign(0, -1)
	_, now, _ := p.add([]byte("new"), minus, 0, wide)
	p.mustAdd(t, "old", 1)
	_, updated, _ := p.add([]byte("old"), minus, 0, wide)
	score, _ := p.score([]byte("old"))
	for _, s := range []float64{now, updated, score} {
		if s != 0 || math.Signbit(s) {
			t.Errorf("%v, want 0", s)
		}
	}
}

func TestPackedUpdateMoves(t *testing.T) {
	p := openPacked(t)
	for _, c := range []struct {
		member string
		score  float64
		want   string
	}{
		{"b", 10, " b=10"},
		{"a", 10, " a=10 b=10"},
		{"12", 10, " 12=10 a=10 b=10"},
		{"12", 11, " a=10 b=10 12=11"},
		{"a", 1e6, " b=10 12=11 a=1e+06"},         // longer, to the end
		{"a", 10.5, " b=10 a=10.5 12=11"},         // longer still, to the middle
		{"a", 10, " a=10 b=10 12=11"},             // shorter, by the member
		{"12", 2, " 12=2 a=10 b=10"},              // to the front
		{"12", 5000, " a=10 b=10 12=5000"},        // back
		{"12", 9999, " a=10 b=10 12=9999"},        // in place
		{"b", 9999.5, " a=10 12=9999 b=9999.5"},   // past the last
		{"b", 9998.5, " a=10 b=9998.5 12=9999"},   // and before it
		{"b", -9998.5, " b=-9998.5 a=10 12=9999"}, // below zero
	} {
		p.mustAdd(t, c.member, c.score)
		if got := p.text(); got != c.want {
			t.Errorf("after (%v, %s):%s, want%s", c.score, c.member, got, c.want)
		}
		if err := checkPacked(p); err != nil {
			t.Error(err)
		}
	}
}

func TestPackedOutgrown(t *testing.T) {
	lim := &Limits{PackedEntries: 2, PackedValue: 5}
	p := openPacked(t)
	p.mustAdd(t, "a", 1)
	_, _, fits := p.add([]byte("sixsix"), 2, 0, lim)
	if fits {
		t.Error("a member over the limit fits")
	}
	p.mustAdd(t, "fives", 2)
	if _, _, fits = p.add([]byte("b"), 2, 0, lim); fits {
		t.Error("a third member fits")
	}
	if _, _, fits = p.add([]byte("b"), 2, XX, lim); !fits {
		t.Error("what adds nothing asks for a tree")
	}
	if _, _, fits = p.add([]byte("a"), 3, 0, lim); !fits {
		t.Error("an update asks for a tree")
	}
	if got := p.text(); got != " fives=2 a=3" {
		t.Error(got)
	}
}

// Whatever the limits allow, the set ends where the largest object does: by a
// new member, and by a score that becomes longer.
func TestPackedEndsWithTheLargestObject(t *testing.T) {
	p := openPacked(t)
	if _, _, fits := p.add(make([]byte, slab.MaxSize+1), 1, 0, wide); fits {
		t.Error("a member longer than any object fits")
	}
	rest := slab.MaxSize - listpack.HeaderSize - 3 - 1
	p.mustAdd(t, string(make([]byte, rest)), 1)
	if got := p.Bytes(); got != slab.MaxSize || p.Read().Size() != slab.MaxSize {
		t.Errorf("%d bytes in %d", p.Read().Size(), got)
	}
	if _, _, fits := p.add([]byte("a"), 1, 0, wide); fits {
		t.Error("a member past the end fits")
	}
	if _, _, fits := p.add(make([]byte, rest), 16, 0, wide); fits {
		t.Error("a score past the end fits")
	}
	if score, ok := p.score(make([]byte, rest)); !ok || score != 1 {
		t.Errorf("a change that did not fit left %v, %v", score, ok)
	}
	if _, _, ok := p.rank(make([]byte, slab.MaxSize+1)); ok {
		t.Error("a member longer than any object is there")
	}
}

// Walks from every rank, both ways, over more pairs than the backward window holds.
func TestPackedIter(t *testing.T) {
	const n = 2*packedWindow + 5
	p := openPacked(t)
	for i := range n {
		p.mustAdd(t, fmt.Sprint("m", i), float64(i)*1.5)
	}
	var it packedIter
	for start := -1; start <= n; start++ {
		for _, reverse := range []bool{false, true} {
			it.seek(p, start, reverse)
			rank := start
			for ; start >= 0 && rank < n && rank >= 0; rank += step(reverse) {
				if !it.step() || string(it.member()) != fmt.Sprint("m", rank) || it.number() != float64(rank)*1.5 {
					t.Fatalf("from %d, reverse %v: %q at rank %d", start, reverse, it.member(), rank)
				}
			}
			if it.step() {
				t.Fatalf("from %d, reverse %v: a step past the end", start, reverse)
			}
		}
	}
}

func step(reverse bool) int {
	if reverse {
		return -1
	}
	return 1
}

// In a set of mixed scores a bound by bytes ends at the first member in order that is not below it.
func TestPackedCountBelowLexOfMixedScores(t *testing.T) {
	p := openPacked(t)
	for i, m := range []string{"b", "d", "a", "e", "c"} {
		p.mustAdd(t, m, float64(i))
	}
	for _, c := range []struct {
		member    string
		inclusive bool
		want      int
	}{{"a", true, 0}, {"b", false, 0}, {"b", true, 1}, {"c", true, 1}, {"d", true, 3}, {"e", false, 3}, {"f", false, 5}, {"", true, 0}} {
		if got := p.countBelowLex([]byte(c.member), c.inclusive); got != c.want {
			t.Errorf("%q, inclusive %v: %d, want %d", c.member, c.inclusive, got, c.want)
		}
	}
}

func TestPackedMemoryFollows(t *testing.T) {
	p := openPacked(t)
	for i := range 128 {
		p.mustAdd(t, fmt.Sprintf("player:%012d", i), float64(i*1000))
		if size := int64(p.Read().Size()); p.Bytes() > max(16, size*4/3+16) {
			t.Errorf("%d members, %d bytes in an object of %d", i, size, p.Bytes())
		}
	}
	for p.len() > 0 {
		p.removeRange(p.len()/2, 1, nil)
		if size := int64(p.Read().Size()); p.Bytes() > max(16, size*4/3+16) {
			t.Errorf("%d members, %d bytes in an object of %d", p.len(), size, p.Bytes())
		}
	}
}

func TestPackedCheckFindsDamage(t *testing.T) {
	list := func(e ...listpack.Element) (b listpack.List) {
		b = make(listpack.List, 256)
		b.Init()
		b.Insert(listpack.HeaderSize, e...)
		return b
	}
	s := func(s string) listpack.Element { return listpack.String([]byte(s)) }
	for name, l := range map[string]listpack.List{
		"a member without score":   list(s("a")),
		"a string as score":        list(s("a"), s("b")),
		"a float as member":        list(listpack.Float(0.5), s("1")),
		"a whole number as float":  list(s("a"), listpack.Float(7)),
		"an integer beyond 2^53":   list(s("a"), listpack.Int(1<<53+1)),
		"NaN":                      list(s("a"), listpack.Float(math.NaN())),
		"-0":                       list(s("a"), listpack.Float(math.Copysign(0, -1))),
		"scores out of order":      list(s("a"), s("2"), s("b"), s("1")),
		"members out of order":     list(s("b"), s("1"), s("a"), s("1")),
		"a member twice":           list(s("a"), s("1"), s("a"), s("2")),
		"a pair twice":             list(s("a"), s("1"), s("a"), s("1")),
		"a list that is no list":   make(listpack.List, 64),
		"a size past the capacity": append(listpack.List{0xff, 0xff, 1, 0}, make([]byte, 60)...),
	} {
		p := openPacked(t)
		whole := p.Ref
		p.Ref = p.Heap.Alloc(len(l))
		p.Heap.W(p.Ref).Copy(0, l)
		if checkPacked(p) == nil {
			t.Errorf("%s: not found", name)
		}
		p.Free()
		p.Ref = whole
	}
}

func TestPackedAllocatesNothing(t *testing.T) {
	p := openPacked(t)
	members := make([][]byte, 100)
	for i := range members {
		members[i] = fmt.Appendf(nil, "player:%012d", i)
		p.mustAdd(t, string(members[i]), float64(i))
	}
	var it packedIter
	i := 0
	n := testing.AllocsPerRun(1000, func() {
		m := members[i*37%100]
		p.add(m, 17.25, Incr, wide)
		p.rank(m)
		p.remove(members[i*13%100])
		p.add(members[i*13%100], float64(i), 0, wide)
		p.countBelow(50, true)
		p.countBelowLex(m, true)
		for it.seek(p, 99, true); it.step(); {
			sink += len(it.member()) + int(it.number())
		}
		i++
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var sink int

// BenchmarkPacked: boards of 10, 64 and 128 19-byte members with scores
// below a million, and the bytes each member takes.
func BenchmarkPacked(b *testing.B) {
	for _, n := range []int{10, 64, 128} {
		p := openPacked(b)
		members := make([][]byte, n)
		for i := range members {
			members[i] = fmt.Appendf(nil, "player:%012d", i)
			p.mustAdd(b, string(members[i]), float64(i*7919%1_000_000+100))
		}
		b.Run(fmt.Sprintf("bytes/%d", n), func(b *testing.B) {
			for b.Loop() {
				sink += p.len()
			}
			b.ReportMetric(float64(p.Bytes())/float64(n), "B/member")
		})
		score := uint32(1)
		var it packedIter
		for _, op := range []struct {
			name string
			run  func(member []byte)
		}{
			{"score", func(m []byte) { p.score(m) }},
			{"rank", func(m []byte) { p.rank(m) }},
			{"countBelow", func([]byte) { score = score*1664525 + 1013904223; p.countBelow(float64(score%1_000_000), true) }},
			{"update", func(m []byte) { score = score*1664525 + 1013904223; p.add(m, float64(score%1_000_000), 0, wide) }},
			{"incr", func(m []byte) { p.add(m, 1, Incr, wide) }},
			{"remove+add", func(m []byte) {
				p.remove(m)
				score = score*1664525 + 1013904223
				p.add(m, float64(score%1_000_000), 0, wide)
			}},
			{"top10", func([]byte) {
				it.seek(p, n-1, true)
				for i := 0; i < 10 && it.step(); i++ {
					sink += len(it.member()) + int(it.number())
				}
			}},
		} {
			b.Run(fmt.Sprintf("%s/%d", op.name, n), func(b *testing.B) {
				pick := uint32(1)
				for b.Loop() {
					pick = pick*1664525 + 1013904223
					op.run(members[int(pick>>8)%n])
				}
			})
		}
	}
}
