package commands

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// fillTypes makes a set, a sorted set and a list of n elements, and a string at d.
func (k *keyspace) fillTypes(n int) {
	for _, c := range []struct{ head, element string }{{"SADD s", " s%d"}, {"SADD t", " t%d"}, {"ZADD z 0", " z%d 0"}, {"RPUSH l", " e%d"}} {
		var line strings.Builder
		line.WriteString(c.head)
		for i := range n {
			fmt.Fprintf(&line, c.element, i)
		}
		k.call(strings.TrimSuffix(line.String(), " 0"))
	}
	k.call("SET d old")
}

// What is computed from other keys to be stored may need more memory than there is: then nothing is changed.
// What is only answered goes through.
func TestResultsFindNoRoom(t *testing.T) {
	const n = 20_000
	k := newKeyspace(t, packed)
	k.fillTypes(n)
	for _, c := range []struct {
		call   string
		length int
	}{
		{"SUNIONSTORE d s t", 2 * n}, {"SINTERSTORE d s s", n}, {"SDIFFSTORE d s t", n},
		{"ZUNIONSTORE d 2 z s", 2 * n}, {"ZINTERSTORE d 2 z z", n}, {"ZDIFFSTORE d 2 z s", n},
		{"ZRANGESTORE d z 0 -1", n}, {"GEOSEARCHSTORE d z FROMLONLAT 0 0 BYRADIUS inf m", n}, {"SORT l ALPHA STORE d", n}, {"SORT l BY nosort GET # GET # STORE d", 2 * n},
	} {
		k.s.SetMaxMemory(k.s.Memory().Used + 64<<10)
		if got := k.call(c.call); got != "-"+ErrOOM {
			t.Errorf("%s: %s", c.call, got)
		}
		if got := k.call("GET d"); got != `"old"` {
			t.Errorf("%s has left %s", c.call, got)
		}
		k.s.SetMaxMemory(0)
		if got := k.call(c.call); got != fmt.Sprint(c.length) {
			t.Errorf("%s: %s, want %d", c.call, got, c.length)
		}
		k.call("SET d old")
		for k.reclaim() {
		}
	}
	k.s.SetMaxMemory(1)
	for _, call := range []string{"SUNION s t s t s t s t", "SDIFF s t t t t t t t t", "ZUNION 2 z s"} {
		if got := len(strings.Fields(k.call(call))); got < n {
			t.Errorf("%s answers %d", call, got)
		}
	}
}

// reclaim gives back what was dropped and reports whether there is more.
func (k *keyspace) reclaim() bool {
	k.s.Unlock(0)
	defer k.s.Lock(0)
	return k.s.Tick(1)
}

// A union of a few sets is found by asking, one of many by gathering: each member comes once.
func TestUnions(t *testing.T) {
	k := newKeyspace(t, packed)
	for _, sets := range []int{1, 2, 3, 5, 6, 40} {
		want, keys := map[string]bool{}, ""
		for i := range sets {
			key := fmt.Sprintf("u%d", i)
			for j := range 30 {
				member := fmt.Sprint((i*17 + j) % 100)
				k.call("SADD " + key + " " + member)
				want[fmt.Sprintf("%q", member)] = true
			}
			keys += " " + key
		}
		got := strings.Fields(strings.Trim(k.call("SUNION"+keys+" nokey"), "[]"))
		distinct := slices.Compact(slices.Sorted(slices.Values(got)))
		if len(got) != len(want) || len(distinct) != len(want) {
			t.Errorf("%d sets: %d members, %d of them distinct, want %d", sets, len(got), len(distinct), len(want))
		}
		for _, m := range got {
			if !want[m] {
				t.Errorf("%d sets: %s", sets, m)
			}
		}
		if stored := k.call("SUNIONSTORE d" + keys); stored != fmt.Sprint(len(want)) {
			t.Errorf("%d sets: %s stored, want %d", sets, stored, len(want))
		}
	}
}
