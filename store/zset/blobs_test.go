package zset

import (
	"bytes"
	"fmt"
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
	if err := s.Check(); err != nil {
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
	if err := s.Check(); err != nil {
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
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Check(); err != nil {
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
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	e.Free(s.Handle())
	k.close()
}
