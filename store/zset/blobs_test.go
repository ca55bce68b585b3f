package zset

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

// long members share nothing but the end.
func longMember(n, id int) []byte {
	b := bytes.Repeat([]byte{'x'}, n)
	copy(b, fmt.Sprintf("%08d", id))
	return b
}

// Small changes beside big members do not read, hash, copy or move these: nothing but
// short members passes through scratch space, and a set with more of them than can be
// moved at once is large, at whatever number of rows.
func TestSmallChangesLeaveBigMembersAlone(t *testing.T) {
	k := newKit(t, Limits{})
	e := k.envs[0]
	var s Set
	e.Create(&s)
	for i := range 60 {
		s.Add(longMember(200<<10, i*37%60), 7, 0)
		if enc := s.Encoding(); enc != Large {
			t.Fatalf("%d members of 200 KB are %s", i+1, enc.Name())
		}
	}
	for i := range 3000 {
		s.Add(fmt.Appendf(nil, "%08d+", i%60*1000+i), 7, 0)
	}
	for i := range 3000 {
		s.Add(fmt.Appendf(nil, "%08d+", i%60*1000+i), float64(i%9), 0)
	}
	if err := check(&s); err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		s.Remove(fmt.Appendf(nil, "%08d+", i%60*1000+i))
	}
	if enc := s.Encoding(); enc != Large {
		t.Errorf("12 MB of blobs were moved: the set is %s again", enc.Name())
	}
	if n := cap(e.member); n > 4*maxInline {
		t.Errorf("%d bytes of a member were read at once", n)
	}
	if err := check(&s); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		s.Remove(longMember(200<<10, i))
	}
	if enc := s.Encoding(); enc != Medium {
		t.Errorf("without them it is %v", enc)
	}
	e.Free(s.Handle())
	k.close()
}

// The blobs of a medium set, members and separators, are bounded in bytes.
func TestMediumSetsHaveFewBlobs(t *testing.T) {
	k := newKit(t, Limits{})
	e := k.envs[0]
	var s Set
	e.Create(&s)
	seen := false
	for i := range 2000 {
		// Long common prefixes make long separators; members that change their score leave them behind.
		m := append(bytes.Repeat([]byte{'p'}, 2000), fmt.Sprint(i%40)...)
		s.Add(m, float64(i/100), 0)
		s.Add(fmt.Appendf(nil, "%0100d", i%200), float64(i/100), 0)
		if enc := s.Encoding(); enc == Medium && s.t.blobBytes > mediumBlobs+2*4096 {
			t.Fatalf("step %d: a medium set has %d bytes of blobs", i, s.t.blobBytes)
		} else if enc == Large && !seen {
			seen = true
			if err := check(&s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := check(&s); err != nil {
		t.Fatal(err)
	}
	if !seen {
		t.Error("it never became large")
	}
	e.Free(s.Handle())
	k.close()
}

// The separator between two long members is what they share and a byte, no matter how
// long they are.
func TestSeparatorsOfLongMembersAreShort(t *testing.T) {
	k := newKit(t, Limits{})
	e := k.envs[0]
	var s Set
	e.Create(&s)
	for i := range 300 {
		s.Add(longMember(1000+i, i*37%300), 1, 0)
	}
	if s.t.height == 0 {
		t.Fatal("one leaf")
	}
	p := s.t.innerR(s.t.root)
	for i := 1; i < p.n(); i++ {
		if n := s.t.blobHeap().BlobLen(p.sep(i)); n > 8 {
			t.Errorf("separator %d has %d bytes", i, n)
		}
	}
	if err := check(&s); err != nil {
		t.Fatal(err)
	}
	e.Free(s.Handle())
	k.close()
}

// Scratch space does not keep long members, nor anything of the caller's.
func TestScratchSpaceStaysSmall(t *testing.T) {
	k := newKit(t, Limits{})
	e := k.envs[0]
	var s Set
	e.Create(&s)
	for i := range 40 {
		s.Add(longMember(1<<20, i), 7, 0)
	}
	short := []byte("short member")
	for i := range 400 {
		copy(short, fmt.Sprintf("%03d", i*7%400))
		s.Add(short, 7, 0)
	}
	for cursor := s.Scan(0, 10, func([]byte, float64) {}); cursor != 0; {
		cursor = s.Scan(cursor, 10, func([]byte, float64) {})
	}
	s.CountBelowLex(longMember(1<<20, 5), true)
	var it Iter
	n := 0
	for it.Seek(&s, 0, false); it.Next(); {
		n += len(it.Member())
	}
	s.RemoveRange(0, 200, func(m []byte, _ float64) { n -= len(m) })
	s.RemoveRange(0, s.Len(), func(m []byte, _ float64) { n -= len(m) })
	if n != 0 {
		t.Errorf("%d bytes of members were walked over and not removed", n)
	}
	if cap(e.member) > scratchMax || cap(it.tree.buf) > scratchMax {
		t.Errorf("%d and %d bytes of scratch space are kept", cap(e.member), cap(it.tree.buf))
	}
	for i, r := range e.rows.rows {
		if len(r.suf) > maxInline || len(r.suf) > 0 && &r.suf[0] == &short[0] {
			t.Errorf("row %d in scratch space holds on to memory of the caller's", i)
		}
	}
	e.Free(s.Handle())
	k.close()
}

// Members of any length may be named to Prefetch.
func TestPrefetchOfLongMembers(t *testing.T) {
	k := newKit(t, Limits{})
	m := k.newModel(newSeeded(1), memberKinds[11], scoreKinds[0], 5000)
	m.want.bulk = true
	m.growTo(5000, false)
	var members [][]byte
	for i := range 20 {
		members = append(members, m.members.of(i))
		m.set.Prefetch(members)
		m.set.Prefetch(members[i:])
	}
	m.compareAll()
	k.close()
}

// A change of form that finds no memory leaves the set as it was.
func TestNoMemoryForAnArena(t *testing.T) {
	for pages := range int64(3) {
		k := newKit(t, Limits{})
		e := k.envs[0]
		var s Set
		e.Create(&s)
		want := 0
		for ; s.t.blobBytes < mediumBlobs-2000; want++ {
			s.Add(longMember(300+want*29%600, want), float64(want%7), 0)
		}
		h := s.Handle()
		used := e.Heap.Bytes()
		k.region.Limit(pages)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("there was memory")
				}
			}()
			s.Add(longMember(4000, 999), 3, 0)
		}()
		e.Open(h, &s)
		if err := check(&s); err != nil || s.Len() != want || h.Enc != Medium {
			t.Errorf("%d pages were left: %d members of %d: %v", pages, s.Len(), want, err)
		}
		if err := e.Heap.Check(); err != nil || e.Heap.Bytes() != used {
			t.Errorf("%d bytes of %d: %v", e.Heap.Bytes(), used, err)
		}
		if err := k.region.Close(); err != nil {
			t.Error(err)
		}
	}
}

// To remove all is to drop.
func TestRemovingAllUnhooks(t *testing.T) {
	k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
	m := k.newModel(newSeeded(1), memberKinds[1], scoreKinds[0], 20_000)
	m.want.bulk = true
	m.growTo(20_000, false)
	used := k.region.Used()
	m.removeRanks(0, 1<<40, false)
	if now := k.region.Used(); now < used || m.set.Encoding() != Packed {
		t.Errorf("%d of %d pages were given back at once, the set is %s", used-now, used, m.set.Encoding().Name())
	}
	m.compareAll()
	m.addMember([]byte("a"), 1, 0)
	m.growTo(3000, false)
	m.removeRanks(0, 3000, true)
	m.growTo(300, false)
	m.removeRanks(0, 300, true)
	m.compareAll()
	k.close()
}

// Long ranges, and what they leave: whole leaves go, and both ends.
func TestRemovingLongRanges(t *testing.T) {
	n := max(scaled(20_000), 5000)
	for _, kind := range []int{1, 11} {
		for _, c := range [][2]int{{0, n - 1}, {1, n - 1}, {n / 2, n / 2}, {n / 3, n / 3}, {1, n - 2}, {n / 5, n / 6}, {n / 5, 1200}} {
			k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
			m := k.newModel(newSeeded(uint64(c[0])), memberKinds[kind], scoreKinds[11], n)
			m.want.bulk = true
			m.growTo(n, true)
			m.removeRanks(c[0], c[1], c[0]%2 == 0)
			m.compareAll()
			k.close()
		}
	}
}

// A count near the largest int passes everything.
func TestScanOfAnyCount(t *testing.T) {
	k := newKit(t, Limits{})
	m := k.newModel(newSeeded(1), memberKinds[1], scoreKinds[0], 2000)
	m.growTo(2000, false)
	for _, count := range []int{1 << 60, 1 << 62, math.MaxInt} {
		n := 0
		if next := m.set.Scan(0, count, func([]byte, float64) { n++ }); next != 0 || n != 2000 {
			t.Errorf("count %d: %d passed, next %#x", count, n, next)
		}
	}
	k.close()
}

// Check finds what it promises to find in an arena.
func TestCheckFindsDamageOfArenas(t *testing.T) {
	for _, c := range []struct {
		want string
		do   func(t *tree)
	}{
		{"no owner", func(t *tree) { t.ar.blobs.PutBlob([]byte("lost")) }},
		{"no owner", func(t *tree) { t.ar.blobs.Alloc(100) }},
		{"blocks are", func(t *tree) { t.ar.count++ }},
		{"as segment", func(t *tree) { t.ar.setSegment(t.first, true) }},
		{"as segment", func(t *tree) { t.ar.setSegment(t.ar.main[1], false) }},
		{"overlaps", func(t *tree) {
			l := t.leafW(t.first)
			l.SetU16(leafFP+l.cap(), l.U16(leafFP+l.cap()+2))
		}},
		{"hash", func(t *tree) {
			l := t.leafW(t.first)
			for i := range l.n() {
				if _, long := l.entry(i); long != 0 {
					l.SetU64(l.off(i)+5, 1)
				}
			}
		}},
	} {
		k := newKit(t, Limits{})
		m := k.newModel(newSeeded(1), memberKinds[11], scoreKinds[0], 1000)
		m.growTo(1000, false)
		c.do(&m.set.t)
		if err := check(&m.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Check says %v, want ... %s ...", err, c.want)
		}
		if err := k.region.Close(); err != nil {
			t.Error(err)
		}
	}
}
