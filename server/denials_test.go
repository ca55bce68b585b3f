package server

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"quarry/commands"
)

func TestDenials(t *testing.T) {
	k, _ := testCounters(t, "--acllog-max-len", "3")
	l := &k.denied
	add := func(user string, ms int64) {
		l.add(commands.Denial{Context: "toplevel", Object: "AUTH", User: user, Client: fmt.Sprintf("at=%d", ms), CreatedMS: ms})
	}
	f := func(n int, want ...string) {
		t.Helper()
		var got []string
		for _, d := range l.last(n) {
			got = append(got, fmt.Sprintf("%d %s x%d %d-%d %s", d.ID, d.User, d.Count, d.CreatedMS, d.UpdatedMS, d.Client))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	f(9)
	add("a", 1000)
	add("b", 2000)
	f(9, "1 b x1 2000-2000 at=2000", "0 a x1 1000-1000 at=1000")
	// One more like an earlier one comes first, and as long as they go on they are one.
	add("a", 61_000)
	add("a", 121_000)
	f(9, "0 a x3 1000-121000 at=121000", "1 b x1 2000-2000 at=2000")
	f(1, "0 a x3 1000-121000 at=121000")
	f(0)
	add("a", 181_001)
	f(9, "2 a x1 181001-181001 at=181001", "0 a x3 1000-121000 at=121000", "1 b x1 2000-2000 at=2000")
	// The one that was updated longest ago goes.
	add("c", 181_002)
	f(9, "3 c x1 181002-181002 at=181002", "2 a x1 181001-181001 at=181001", "0 a x3 1000-121000 at=121000")
	l.reset()
	f(9)
	add("c", 181_003)
	f(9, "4 c x1 181003-181003 at=181003")
}

// TestDenialsAreLikeEachOther changes one thing at a time.
func TestDenialsAreLikeEachOther(t *testing.T) {
	k, _ := testCounters(t)
	for _, d := range []commands.Denial{
		{Context: "toplevel", Object: "AUTH", User: "a"},
		{Context: "multi", Object: "AUTH", User: "a"},
		{Context: "toplevel", Object: "auth", User: "a"},
		{Context: "toplevel", Object: "AUTH", User: "b"},
		{Context: "toplevel", Object: "AUTH", User: "a", Client: "another"},
	} {
		k.denied.add(d)
	}
	if n := len(k.denied.last(99)); n != 4 {
		t.Errorf("%d entries, want 4", n)
	}
}

// TestDenialsAreBounded: only the last ten are looked at, names are cut, and the
// log may be none.
func TestDenialsAreBounded(t *testing.T) {
	k, _ := testCounters(t)
	for i := range 11 {
		k.denied.add(commands.Denial{User: fmt.Sprint(i)})
	}
	k.denied.add(commands.Denial{User: "0"})
	if n := len(k.denied.last(99)); n != 12 {
		t.Errorf("%d entries, want 12", n)
	}
	k.denied.add(commands.Denial{User: strings.Repeat("x", 1<<20)})
	if n := len(k.denied.last(1)[0].User); n != denialMaxUser {
		t.Errorf("a name of %d bytes", n)
	}
	const entries, long = 64, 1 << 20
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range entries {
		text := fmt.Sprint(i, strings.Repeat("x", long))
		k.denied.add(commands.Denial{User: text, Client: text})
	}
	if grown := heap() - before; grown > entries*long/2 {
		t.Errorf("%d bytes are kept of %d entries", grown, entries)
	}
	if n := len(k.denied.last(1)[0].Client); n != denialMaxClient {
		t.Errorf("a description of %d bytes", n)
	}
	k, _ = testCounters(t, "--acllog-max-len", "0")
	k.denied.add(commands.Denial{User: "a"})
	if n := len(k.denied.last(99)); n != 0 {
		t.Errorf("%d entries, want none", n)
	}
}
