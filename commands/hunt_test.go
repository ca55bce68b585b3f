package commands

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestHotHuntCommandsAllocateNothing(t *testing.T) {
	for _, size := range []int{20, 20_000} {
		k := newKeyspace(t, packed)
		for i := range size {
			k.call(fmt.Sprintf("HUNT.PUT world FIELDS 1 hp %d TAGS 1 kind coin %d %d thing:%06d", i%10, i*7919%4096, i*104729%4096, i))
			k.call(fmt.Sprintf("GEOADD towns %d %d town:%06d", i*7919%180, i*104729%80, i))
		}
		for line, most := range map[string]float64{
			"HUNT.PUT world 5 6 thing:000007":                         0,
			"HUNT.PUT world EX 100 SEQ 5 5 6 thing:000008":            0,
			"HUNT.PUT world FIELDS 2 hp 5 mp 7 5 6 thing:000009":      0,
			"HUNT.GET world thing:000005 WITHFIELDS WITHTAGS WITHTTL": 0,
			"HUNT.CARD world":       0,
			"HUNT.DEL world nobody": 0,
			"HUNT.NEARBY world FROMXY 1000 1000 COUNT 10 WITHDIST":                    10, // geoindex' queue
			"HUNT.NEARBY world FROMMEMBER thing:000005 BYRADIUS 200 COUNT 10":         5,
			"HUNT.NEARBY world FROMXY 1000 1000 BYBOX 100 100 WHERE hp 3 5":           0,
			"HUNT.NEARBY world FROMXY 1000 1000 BYRADIUS 100 TAG kind coin":           0,
			"HUNT.NEARBY towns FROMXY 50 50 COUNT 10 WITHDIST WITHCOORD":              5,
			"HUNT.NEARBY towns FROMMEMBER town:000003 NOSELF BYRADIUS 100 KM COUNT 5": 5,
		} {
			args := bytes.Fields([]byte(line))
			var r nullReply
			k.run(&r, args...)
			if allocs := testing.AllocsPerRun(50, func() { k.run(&r, args...) }); allocs > most {
				t.Errorf("%d members: %s allocates %v times", size, line, allocs)
			}
			if r.failed != "" {
				t.Errorf("%s: %s", line, r.failed)
			}
		}
	}
}

// nearbyRows reads rows of members and distances.
func (k *keyspace) nearbyRows(line string) (list [][2]string) {
	k.t.Helper()
	answer := k.call(line)
	if strings.HasPrefix(answer, "-") {
		k.t.Fatalf("%s: %s", line, answer)
	}
	words := members(answer)
	for i := 0; i+1 < len(words); i += 2 {
		list = append(list, [2]string{words[i], words[i+1]})
	}
	return list
}

// TestPages: going on by AFTER, in both orders, what stays where it is comes exactly once and in order, while other things move,
// come and go; in fields of both spaces and in a sorted set, in any unit.
func TestPages(t *testing.T) {
	for _, c := range []struct{ create, put, search string }{
		{"", "HUNT.PUT k %v %v %s", "HUNT.NEARBY k FROMXY 1 2 COUNT 7"},
		{"HUNT.CREATE k FIELD BOUNDS 0 0 10 10", "HUNT.PUT k %v %v %s", "HUNT.NEARBY k FROMXY 1 2 BYRADIUS 6 COUNT 3"},
		{"HUNT.CREATE k FIELD SPACE GEO", "HUNT.PUT k %v %v %s", "HUNT.NEARBY k FROMXY 1 2 BYRADIUS 700 KM COUNT 5"},
		{"HUNT.CREATE k FIELD SPACE GEO", "HUNT.PUT k %v %v %s", "HUNT.NEARBY k FROMXY 1 2 BYRADIUS 900 MI COUNT 5"},
		{"", "GEOADD k %v %v %s", "HUNT.NEARBY k FROMXY 1 2 BYRADIUS 3000000 FT COUNT 5"},
		{"", "GEOADD k %v %v %s", "HUNT.NEARBY k FROMXY 1 2 COUNT 11"},
	} {
		k := newKeyspace(t, packed)
		rnd := rand.New(rand.NewPCG(1, 1))
		if c.create != "" {
			k.call(c.create)
		}
		put := func(member string) { k.call(fmt.Sprintf(c.put, rnd.IntN(10), rnd.IntN(10), member)) } // many at one distance
		for i := range 200 {
			put(fmt.Sprint("stays", i))
			put(fmt.Sprint("moves", i))
		}
		all := c.search[:strings.LastIndex(c.search, "COUNT")]
		for _, order := range []string{"ASC", "DESC"} {
			var want, got [][2]string
			for _, row := range k.nearbyRows(all + "COUNT 100000 WITHDIST " + order) {
				if strings.HasPrefix(row[0], "stays") {
					want = append(want, row)
				}
			}
			after := ""
			for {
				page := k.nearbyRows(c.search + " WITHDIST " + order + after)
				if len(page) == 0 {
					break
				}
				last := page[len(page)-1]
				after = " AFTER " + last[1] + " " + last[0]
				for _, row := range page {
					if strings.HasPrefix(row[0], "stays") {
						got = append(got, row)
					}
				}
				for range 5 {
					put(fmt.Sprint("moves", rnd.IntN(300)))
				}
				k.call(fmt.Sprint("ZREM k moves", rnd.IntN(300)))
				k.call(fmt.Sprint("HUNT.DEL k moves", rnd.IntN(300)))
			}
			if len(want) == 0 || !slices.Equal(got, want) {
				t.Errorf("%s %s: pages have %d rows, want %d", c.search, order, len(got), len(want))
			}
		}
	}
}

// TestManyPayloads: what a call of few bytes would multiply beyond maxmemory is refused before it begins.
func TestManyPayloads(t *testing.T) {
	k := newKeyspace(t, packed)
	k.s.SetMaxMemory(32 << 20)
	args := [][]byte{[]byte("HUNT.PUT"), []byte("k"), []byte("PAYLOAD"), bytes.Repeat([]byte{'x'}, 1<<20)}
	for i := range 100 {
		args = append(args, []byte("1"), []byte("1"), strconv.AppendInt(nil, int64(i), 10))
	}
	r := &nullReply{}
	if k.run(r, args...); r.failed != ErrOOM {
		t.Errorf("100 MB are answered by %q", r.failed)
	}
	if got := k.call("EXISTS k"); got != "0" {
		t.Errorf("the key is there: %s", got)
	}
	k.s.SetMaxMemory(2 << 20)
	args = args[:2]
	for i := range 100_000 { // of a few bytes each, which rows are not
		args = append(args, []byte("1"), []byte("1"), strconv.AppendInt(nil, int64(i), 10))
	}
	r = &nullReply{}
	if k.run(r, args...); r.failed != ErrOOM || k.call("EXISTS k") != "0" {
		t.Errorf("100,000 members are answered by %q", r.failed)
	}
	k.s.SetMaxMemory(0)
}

var huntWords = []string{"HUNT.PUT", "HUNT.NEARBY", "HUNT.DEL", "HUNT.GET", "HUNT.CREATE", "k", "a", "b", "0", "1", "2", "-1.5", "1e300", "nan", "FROMXY", "FROMMEMBER",
	"BYRADIUS", "BYBOX", "BYPOLYGON", "3", "COUNT", "ANY", "ASC", "DESC", "AFTER", "WHERE", "TAG", "LEVEL", "NOSELF", "EXCLUDE", "EXCLUDESET", "WITHDIST", "WITHCOORD",
	"WITHFIELDS", "WITHPAYLOAD", "WITHTAGS", "WITHTTL", "FIELDS", "TAGS", "PAYLOAD", "EX", "PXAT", "KEEPTTL", "SEQ", "NX", "XX", "CH", "FIELD", "SPACE", "GEO", "DIMS",
	"BOUNDS", "10", "M", "KM", "", "4611686018427387904", "s", "inf", "(1"}

// TestNearbyFirst: the first search there is may be one of nothing.
func TestNearbyFirst(t *testing.T) {
	k := newKeyspace(t, packed)
	k.call("HUNT.CREATE f FIELD")
	k.call("HUNT.PUT g 1 2 m")
	for _, line := range []string{
		"HUNT.NEARBY f FROMXY 0 0 COUNT 1", "HUNT.NEARBY f FROMXY 0 0 COUNT 1 DESC WITHDIST", "HUNT.NEARBY g FROMXY 0 0 WHERE none 1 2 COUNT 2 ANY WITHDIST",
	} {
		if got := k.call(line); got != "[]" {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// FuzzHunt: whatever words calls are made of, each answers once, and the data stays sound. Every byte is a word; 0xff ends a call.
func FuzzHunt(f *testing.F) {
	word := func(w string) byte {
		i := slices.Index(huntWords, w)
		if i < 0 {
			f.Fatalf("%q is no word", w)
		}
		return byte(i)
	}
	for _, seed := range []string{
		"HUNT.PUT k 1 2 a 2 2 b|HUNT.NEARBY k FROMXY 0 0 COUNT 10 WITHDIST|HUNT.NEARBY k FROMMEMBER a NOSELF BYRADIUS 10 WITHCOORD",
		"HUNT.CREATE k FIELD DIMS 3 BOUNDS 0 0 10 10|HUNT.PUT k FIELDS 1 a 1 TAGS 1 a b PAYLOAD s 1 2 3 a|HUNT.NEARBY k FROMXY 1 1 1 BYBOX 2 2 LEVEL 0 10 WHERE a (1 inf TAG a b WITHFIELDS WITHPAYLOAD",
		"HUNT.CREATE k FIELD SPACE GEO|HUNT.PUT k EX 10 SEQ 1 1 2 a|HUNT.NEARBY k FROMXY 0 0 BYRADIUS 10 KM DESC EXCLUDE 1 a AFTER 1 a|HUNT.DEL k a",
		"HUNT.PUT k 1 2 a|HUNT.NEARBY k FROMXY 0 0 BYPOLYGON 3 0 0 3 0 0 3 COUNT 1 ANY EXCLUDESET s|HUNT.GET k a WITHTAGS WITHTTL|HUNT.PUT k XX CH PXAT 1 1 1 a",
	} {
		var b []byte
		for _, line := range strings.Split(seed, "|") {
			for _, w := range strings.Fields(line) {
				b = append(b, word(w))
			}
			b = append(b, 0xff)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k := newKeyspace(t, packed)
		for _, call := range bytes.Split(b[:min(len(b), 400)], []byte{0xff}) {
			args := wordsOf(call, huntWords)
			if len(args) == 0 {
				continue
			}
			spec, _ := k.table.Lookup(args)
			if spec == nil || spec.Group != Hunt || !spec.ArityOK(len(args)) {
				continue
			}
			if keys, ok := spec.AppendKeys(nil, args); !ok || len(keys) == 0 || slices.Max(keys) >= len(args) {
				t.Fatalf("%q has keys %v, %v", args, keys, ok)
			}
			r := &textReply{t: t, proto: 3}
			if k.run(r, args...); !r.done {
				t.Fatalf("%q: the reply is not complete: %s", args, r.text.String())
			}
		}
	})
}
