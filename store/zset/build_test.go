package zset

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// rebuild frees the set and builds it again of its rows, from its lowest or its highest. So many
// rows are not in their place.
func (m *model) rebuild(down bool, astray int) {
	rows := slices.Clone(m.want.rows())
	if down {
		slices.Reverse(rows)
	}
	for range astray {
		if len(rows) > 0 {
			i, j := m.src.intN(len(rows)), m.src.intN(len(rows))
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	hint := pick(m.src, 0, float64(len(rows)), float64(len(rows)), 1e9)
	m.do("build again, down %v, %d astray, hint %v", down, astray, hint)
	m.env().Free(m.set.Handle())
	m.outgrew, m.small = hint > float64(m.limits.PackedEntries), 0
	m.set = Set{}
	m.create()
	b := &m.builder
	b.Start(&m.set, int(hint))
	for i, r := range rows {
		m.outgrew = m.outgrew || i >= m.limits.PackedEntries || len(r.member) > m.limits.PackedValue
		m.small += len(r.member) + 12
		if !m.buildRow(b, r) {
			m.fail("%s was refused", short([]byte(r.member)))
		}
	}
	if !b.Finish() {
		m.fail("a member is said to be there twice")
	}
	if m.outgrew && m.set.Encoding() == Packed {
		m.fail("still packed")
	}
	m.check()
}

func (m *model) buildRow(b *Builder, r pair) bool {
	if m.extras == nil {
		return b.Add([]byte(r.member), r.score)
	}
	x := m.extras[r.member]
	return b.Put([]byte(r.member), keyOf(r.score), []byte(x.value), []byte(x.tail))
}

// TestModelBuilt takes sets of all kinds of members and scores up and down, and
// builds them again on the way.
func TestModelBuilt(t *testing.T) {
	for i, members := range memberKinds {
		for j, scores := range scoreKinds {
			if !*long && (i+j)%3 != 0 {
				continue
			}
			t.Run(members.name+"/"+scores.name, func(t *testing.T) {
				for _, valued := range []bool{false, true} {
					src := newSeeded(uint64(100*i + j + 1))
					k := newKit(t, randomLimits(src))
					m := k.newModel(src, members, scores, []int{30, 150, 600, 2500}[src.intN(4)])
					if valued {
						m.makeValued()
					}
					for phase := range phases {
						for range scaled(m.universe / 3) {
							m.turn(phase)
						}
						m.rebuild(phase%2 == 0, 0)
						m.compareAll()
						for range scaled(m.universe / 6) {
							m.turn(phase)
						}
						m.rebuild(phase%2 == 1, src.intN(3))
						m.compareAll()
					}
					k.close()
				}
			})
		}
	}
}

// TestModelBuiltMany builds sets of several levels.
func TestModelBuiltMany(t *testing.T) {
	for _, c := range []struct{ members, scores, n int }{
		{1, 0, 100_000}, // player ids, random scores
		{0, 1, 40_000},  // numbers, all equal: the order is the members'
		{10, 2, 20_000}, // 0 to 300 bytes, five scores
		{12, 1, 2_000},  // all out of line, all equal
		{8, 11, 10_000}, // separators over 255 bytes
	} {
		members, scores := memberKinds[c.members], scoreKinds[c.scores]
		t.Run(members.name+"/"+scores.name, func(t *testing.T) {
			c.n = scaled(c.n)
			k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
			m := k.newModel(newSeeded(1), members, scores, c.n)
			m.want.bulk = true
			m.growTo(c.n, true)
			for _, down := range []bool{false, true} {
				m.rebuild(down, 0)
				m.compareAll()
				m.updateMany(c.n / 2)
			}
			m.shrink()
			m.growTo(c.n/8, true)
			k.close()
		})
	}
}

// rowsOf are n rows in ascending order.
func rowsOf(n int) (rows []pair) {
	for i := range n {
		rows = append(rows, pair{fmt.Sprintf("m%07d", i), float64(i / 3)})
	}
	return rows
}

// TestBuildNamesTwins: a member that comes twice is noticed, wherever the two are.
func TestBuildNamesTwins(t *testing.T) {
	twins := func(rows []pair, i, j int) []pair {
		rows = slices.Clone(rows)
		rows[j].member = rows[i].member
		return rows
	}
	for _, n := range []int{20, 300, 5000} {
		rows := rowsOf(n)
		for name, list := range map[string][]pair{
			"next to each other, same score": append(slices.Clone(rows), rows[n-1]),
			"in one leaf":                    twins(rows, n-10, n-4),
			"far apart":                      twins(rows, 0, n-1),
			"in the middle":                  twins(rows, n/3, n/2),
			"behind a row astray":            append(append(slices.Clone(rows), rows[3]), rows[7]),
			"again":                          append(slices.Clone(rows), rows[n/2]),
		} {
			for _, down := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d %s, down %v", n, name, down), func(t *testing.T) {
					k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
					defer k.close()
					list := slices.Clone(list)
					if down {
						slices.Reverse(list)
					}
					var b Builder
					var s Set
					k.envs[0].Create(&s)
					b.Start(&s, n)
					ok := true
					for _, r := range list {
						ok = b.Add([]byte(r.member), r.score) && ok
					}
					if ok = b.Finish() && ok; ok {
						t.Error("it is not noticed")
					}
					k.envs[0].Free(s.Handle())
				})
			}
		}
	}
}

func TestBuildRefusesNaN(t *testing.T) {
	k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
	defer k.close()
	for _, hint := range []int{1, 1000} {
		var b Builder
		var s Set
		k.envs[0].Create(&s)
		b.Start(&s, hint)
		if b.Add([]byte("a"), math.NaN()) {
			t.Error("NaN is taken")
		}
		if b.Finish(); s.Len() != 0 || check(&s) != nil {
			t.Errorf("%d members, %v", s.Len(), check(&s))
		}
		k.envs[0].Free(s.Handle())
	}
}

// TestBuildIntoASetWithRows adds them one by one.
func TestBuildIntoASetWithRows(t *testing.T) {
	for _, n := range []int{50, 1000} {
		k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
		var b Builder
		m := k.newModel(newSeeded(1), memberKinds[1], scoreKinds[0], n)
		m.growTo(n, true)
		b.Start(&m.set, 2*n)
		for i := range n {
			r := pair{fmt.Sprint("new", i), float64(i)}
			m.want.add(r.member, r.score, 0)
			if !b.Add([]byte(r.member), r.score) {
				t.Errorf("%q is refused", r.member)
			}
		}
		if b.Add(memberKinds[1].of(n/2), 1) {
			t.Error("a member that is there is taken")
		}
		b.Finish()
		m.outgrew = true
		m.compareAll()
		k.close()
	}
}

// TestBuiltIsPackedBySize: the form of a built set is the one that the limits ask for, whatever was said.
func TestBuiltIsPackedBySize(t *testing.T) {
	k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
	defer k.close()
	for _, c := range []struct {
		n, hint int
		want    Encoding
	}{
		{0, 0, Packed}, {1, 1, Packed}, {128, 0, Packed}, {128, 128, Packed},
		{129, 0, Medium}, {129, 129, Medium}, {500, 0, Medium}, {500, 500, Medium},
		{5000, 0, Large}, {5000, 5000, Large}, {500, 1 << 40, Medium}, {1, 1 << 40, Medium},
	} {
		var b Builder
		var s Set
		k.envs[0].Create(&s)
		b.Start(&s, c.hint)
		for _, r := range rowsOf(c.n) {
			b.Add([]byte(r.member), r.score)
		}
		if !b.Finish() || s.Encoding() != c.want || s.Len() != c.n {
			t.Errorf("%d rows, hint %d: %d rows in form %d", c.n, c.hint, s.Len(), s.Encoding())
		}
		if err := check(&s); err != nil {
			t.Error(err)
		}
		k.envs[0].Free(s.Handle())
	}
}

// TestBuiltLeavesRoom: updates of a set that was just built do not make it much larger than one that grew.
func TestBuiltLeavesRoom(t *testing.T) {
	const n = 40_000
	k := newKit(t, Limits{})
	m := k.newModel(newSeeded(1), memberKinds[1], scoreKinds[0], n)
	m.want.bulk = true
	m.growTo(n, true)
	grown := m.set.Bytes()
	m.rebuild(true, 0)
	built := m.set.Bytes()
	for range n / 4 {
		m.addMember(m.member(), m.score(), 0)
	}
	if after := m.set.Bytes(); built > grown || after > grown*110/100 {
		t.Errorf("%d rows take %d bytes grown, %d built, %d after updates", n, grown, built, after)
	}
	k.close()
}

// TestBuildAllocatesNothing but what a large set's tables take.
func TestBuildAllocatesNothing(t *testing.T) {
	k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
	defer k.close()
	var b Builder
	for _, n := range []int{100, 400, 50_000} {
		rows := rowsOf(n)
		var s Set
		member := make([]byte, 0, 32)
		if got := testing.AllocsPerRun(5, func() {
			k.envs[0].Create(&s)
			b.Start(&s, n)
			for i := range rows {
				r := &rows[len(rows)-1-i]
				member = append(member[:0], r.member...)
				b.Add(member, r.score)
			}
			b.Finish()
			k.envs[0].Free(s.Handle())
			for k.envs[0].Reclaim(100) {
			}
		}); got > 100 {
			t.Errorf("%d rows: %v allocations", n, got)
		}
	}
}
