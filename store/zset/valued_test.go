package zset

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// ---- the model's part for valued sets: keys are those of the model's scores ----

// wantExtra is what a row of a valued set must have.
type wantExtra struct{ value, tail string }

// tailText is what tails are cut from.
var tailText = func() string {
	var b strings.Builder
	for i := range 200_000 / 8 {
		fmt.Fprintf(&b, "%08x", uint32(mix(i)))
	}
	return b.String()
}()

// makeValued begins anew with a valued set.
func (m *model) makeValued() {
	m.extras = map[string]wantExtra{}
	m.startOver()
}

func (m *model) text(n int) string {
	at := m.src.intN(len(tailText) - n)
	return tailText[at : at+n]
}

// someValue is a value, often as long as the one it takes the place of.
func (m *model) someValue(old string) string {
	switch m.src.intN(6) {
	case 0:
		return ""
	case 1:
		return m.text(MaxValue)
	case 2:
		return m.text(m.src.intN(MaxValue + 1))
	}
	return m.text(max(len(old), 8))
}

// someTail is mostly none, seldom long.
func (m *model) someTail() string {
	switch m.src.intN(24) {
	case 0:
		return m.text(m.src.intN(100_000))
	case 1, 2, 3:
		return m.text(m.src.intN(300))
	}
	return ""
}

func (m *model) put(member []byte, score float64, added bool) {
	if _, there := m.want.scores[string(member)]; !there {
		return // a condition was not met
	}
	old := m.extras[string(member)]
	now := wantExtra{m.someValue(old.value), m.someTail()}
	keep := m.src.intN(3) > 0
	m.do("put %v %s, %d bytes, tail of %d, keep %v", score, short(member), len(now.value), len(now.tail), keep)
	if got := m.set.Put(member, keyOf(score), []byte(now.value), []byte(now.tail), keep); got != added {
		m.fail("added %v, want %v", got, added)
	}
	if keep && !added {
		now.tail = old.tail
	}
	m.extras[string(member)] = now
}

func (m *model) compareRow(member []byte, r Row) {
	m.Helper()
	want := m.extras[string(member)]
	if key := keyOf(m.want.scores[string(member)]); r.Key != key || string(r.Value) != want.value {
		m.fail("row of %s is %#x, %q, want %#x, %q", short(member), r.Key, r.Value, key, want.value)
	}
	head := []byte("head")
	if tail := m.set.AppendTail(head, r); string(tail) != "head"+want.tail || r.HasTail() != (want.tail != "") {
		m.fail("tail of %s, %v, is of %d bytes, want %d", short(member), r.HasTail(), len(tail)-len(head), len(want.tail))
	}
}

// ---- tests ----

// TestValuedMany builds valued sets of several levels, updates, and takes them down.
func TestValuedMany(t *testing.T) {
	for _, c := range []struct{ members, scores, n int }{
		{1, 10, 30_000}, // player ids, geohashes
		{2, 1, 10_000},  // hex, all equal
		{9, 2, 6000},    // lengths around the limits, five scores
		{10, 10, 6000},  // 0 to 300 bytes, geohashes
	} {
		members, scores := memberKinds[c.members], scoreKinds[c.scores]
		t.Run(members.name+"/"+scores.name, func(t *testing.T) {
			c.n = scaled(c.n)
			k := newKit(t, Limits{})
			m := k.newModel(newSeeded(1), members, scores, c.n)
			m.makeValued()
			m.want.bulk = true
			m.growTo(c.n, true)
			m.updateMany(c.n / 2)
			m.copy()
			m.shrink()
			m.growTo(c.n/8, true)
			k.close()
		})
	}
}

// Four rows fit a leaf with the longest members, values and tails, which share nothing.
func TestFourValuedRowsFit(t *testing.T) {
	k := newKit(t, Limits{})
	defer k.close()
	var s Set
	k.envs[0].CreateValued(&s)
	value := []byte(tailText[:MaxValue])
	for i := range 40 {
		m := longMember(maxInlineValued, i)
		m[0] = byte(i)
		s.Put(m, uint64(i), value, []byte("tail"), false)
		if _, long := s.t.leafR(s.t.last).entry(0); long != 0 {
			t.Fatal("a member of the longest inline length is not inline")
		}
		if i == 3 && s.t.height != 0 {
			t.Error("four rows take two leaves")
		}
		if err := check(&s); err != nil {
			t.Fatal(err)
		}
	}
	k.envs[0].Free(s.Handle())
}

// A set of one row is small, and one that had many is again.
func TestSmallValuedSets(t *testing.T) {
	k := newKit(t, Limits{})
	defer k.close()
	var s Set
	k.envs[0].CreateValued(&s)
	value := make([]byte, 30)
	for i := range 2 {
		if n := s.Bytes(); n != 2*blockSize {
			t.Errorf("%d rows take %d bytes", i, n)
		}
		s.Put(player(nil, i), uint64(i), value, nil, true)
	}
	for i := range 3000 {
		s.Put(player(nil, i), mix(i), value, nil, true)
	}
	for i := range 2999 {
		s.Remove(player(nil, i))
	}
	if n := s.Bytes(); n > 6*blockSize {
		t.Errorf("one row of many takes %d bytes", n)
	}
	s.RemoveRange(0, 1, nil)
	if n := s.Bytes(); n != 2*blockSize || !s.t.valued() {
		t.Errorf("an empty set takes %d bytes, it is valued: %v", n, s.t.valued())
	}
	if err := check(&s); err != nil {
		t.Error(err)
	}
	k.envs[0].Free(s.Handle())
}

// Long tails make a set large, and when they are gone it is medium again.
func TestTailsDecideTheForm(t *testing.T) {
	k := newKit(t, Limits{})
	defer k.close()
	var s Set
	k.envs[0].CreateValued(&s)
	put := func(tail int, want Encoding) {
		t.Helper()
		s.Put([]byte("a"), 1, []byte("value"), []byte(tailText[:tail]), false)
		r, ok := s.Row([]byte("a"))
		if got := s.AppendTail(nil, r); !ok || string(got) != tailText[:tail] {
			t.Errorf("a tail of %d bytes of %d", len(got), tail)
		}
		if enc := s.Encoding(); enc != want {
			t.Errorf("with a tail of %d bytes it is %d", tail, enc)
		}
		if err := check(&s); err != nil {
			t.Error(err)
		}
	}
	s.Put(longMember(5000, 1), 7, nil, nil, false)
	put(40_000, Medium)
	put(41_000, Medium) // takes the other's place
	put(100_000, Large)
	put(0, Medium)
	put(10, Medium)
	k.envs[0].Free(s.Handle())
}

// A move in place writes the leaf and nothing else, and allocates nothing; nor does
// one to another leaf.
func TestMovesAllocateNothing(t *testing.T) {
	for _, n := range []int{120, 20_000} {
		k := newKit(t, Limits{})
		var s Set
		k.envs[0].CreateValued(&s)
		value := make([]byte, 24)
		members := make([][]byte, n)
		for i := range members {
			members[i] = player(nil, i)
			s.Put(members[i], mix(i), value, []byte("tail"), false)
		}
		i := 0
		for name, next := range map[string]func() uint64{
			"near": func() uint64 { return mix(i%n) + uint64(i)&0xff },
			"far":  func() uint64 { return mix(i) },
		} {
			if got := testing.AllocsPerRun(3000, func() {
				i++
				value[3]++
				s.Put(members[i%n], next(), value, nil, true)
				r, _ := s.Row(members[i%n])
				sink += len(r.Value)
			}); got != 0 {
				t.Errorf("%d rows, %s: %v allocations", n, name, got)
			}
		}
		if err := check(&s); err != nil {
			t.Error(err)
		}
		k.envs[0].Free(s.Handle())
		k.close()
	}
}

// TestCheckFindsDamageOfValues damages values and tails.
func TestCheckFindsDamageOfValues(t *testing.T) {
	// tailed is a row of leaf id with a tail.
	tailed := func(t *tree, id uint32) (leaf, int) {
		l, i := t.leafW(id), 0
		for i < l.n()-1 && l.extra(i).tail() == 0 {
			i++
		}
		return l, i
	}
	for _, c := range []struct {
		name, want string
		damage     func(t *tree)
	}{
		{"flags", "has values", func(t *tree) { t.flags = 0 }},
		{"leaf without values", "has values", func(t *tree) { t.leafW(t.first).SetU8(leafValued, 0) }},
		{"length", "", func(t *tree) { l := t.leafW(t.first); o := l.extraAt(0); l.SetU8(o, l.U8(o)+1) }},
		{"length beyond the longest", "", func(t *tree) { l := t.leafW(t.first); l.SetU8(l.extraAt(0), MaxValue+1) }},
		{"tail that is not there", "no object", func(t *tree) { l, i := tailed(t, t.first); l.renameTail(i, 0xffff0000) }},
		{"tail twice", "two owners", func(t *tree) {
			l, i := tailed(t, t.first)
			other, j := tailed(t, t.last)
			other.renameTail(j, l.extra(i).tail())
		}},
		{"lost tail", "", func(t *tree) { t.newBlob([]byte("lost")) }},
	} {
		for _, form := range []struct {
			enc Encoding
			n   int
		}{{Medium, 200}, {Large, 800}} {
			t.Run(c.name+"/"+form.enc.form(), func(t *testing.T) {
				k := newKit(t, Limits{})
				m := k.newModel(newSeeded(1), memberKinds[0], scoreKinds[0], form.n)
				m.makeValued()
				for i := range form.n {
					tail := ""
					if i%2 == 0 {
						tail = "tail"
					}
					m.set.Put(memberKinds[0].of(i), mix(i), []byte(tailText[:20+i%20]), []byte(tail), false)
				}
				if err := check(&m.set); err != nil {
					t.Fatal(err)
				}
				m.expectDamage(form.enc, c.damage, c.want)
			})
		}
	}
}

// TestBorder: no key of those after one and not after the other has more trailing zeros.
func TestBorder(t *testing.T) {
	src := newSeeded(3)
	for range 2000 {
		a, b := uint64(src.intN(300)), uint64(src.intN(300))
		if a == b {
			continue
		}
		a, b = min(a, b), max(a, b)
		got := border(a, b)
		if got <= a || got > b {
			t.Fatalf("%d is not in (%d, %d]", got, a, b)
		}
		for x := a + 1; x <= b; x++ {
			if x&-x > got&-got {
				t.Fatalf("%d in (%d, %d] is coarser than %d", x, a, b, got)
			}
		}
	}
	if got := border(1<<63-1, 1<<63+5); got != 1<<63 {
		t.Errorf("%#x", got)
	}
	if got := border(0, ^uint64(0)); got != 1<<63 {
		t.Errorf("%#x", got)
	}
}

// TestBalance: rows are divided in the middle by bytes, or near it where the keys differ most.
func TestBalance(t *testing.T) {
	rows := func(keys ...uint64) (rows []row) {
		for _, k := range keys {
			rows = append(rows, row{key: k, suf: []byte("member")})
		}
		return rows
	}
	heavy := rows(1, 2, 3)
	heavy[2].suf = bytes.Repeat([]byte{'x'}, 150)
	for _, c := range []struct {
		rows        []row
		slack, want int
	}{
		{rows(5, 5, 5, 5, 5, 5, 5, 5), 8, 4},
		{rows(0, 1, 2, 3, 4, 5, 6, 7), 8, 4},
		{rows(1, 2, 3, 4, 5, 6, 7, 8), 8, 3}, // 3 | 4
		{rows(2, 3, 4, 5, 6, 7, 8, 9), 8, 4}, // 5 | 6: 8 is too far from the middle
		{rows(1, 2, 3, 4, 5, 6, 7, 8), 0, 4}, // nothing but the middle
		{rows(0, 1, 16, 17, 18, 19, 20, 21), 8, 4},
		{rows(0, 0, 0, 16, 16, 16, 16, 16), 8, 3},
		{rows(7, 8), 8, 1},
		{heavy, 8, 2},
	} {
		if got := balance(c.rows, c.slack); got != c.want {
			t.Errorf("%d rows from key %d on: %d, want %d", len(c.rows), c.rows[0].key, got, c.want)
		}
	}
}
