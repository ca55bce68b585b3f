package commands

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// What the transcripts cannot say of the string commands: what long values take,
// what is allocated, and LCS against the definition.

// piecesReply keeps the bulk strings that come in pieces.
type piecesReply struct {
	nullReply
	announced int
	bytes     []byte
	pieces    int
}

func (r *piecesReply) BeginBulk(n int) { r.announced = n }
func (r *piecesReply) Raw(b []byte) {
	r.bytes = append(r.bytes, b...)
	r.pieces++
}

// A value that lies in pieces is answered from them, whole or in part.
func TestLongStringsInPieces(t *testing.T) {
	k := newKeyspace(t, packed)
	value := make([]byte, 1<<20)
	for i := range value {
		value[i] = byte(i % 251)
	}
	k.run(&nullReply{}, []byte("SET"), []byte("k"), value)
	for _, c := range []struct {
		call       string
		start, end int
	}{
		{"GET k", 0, len(value)},
		{"MGET k", 0, len(value)},
		{"GETEX k EX 10", 0, len(value)},
		{"GETRANGE k 70000 200000", 70000, 200001},
		{"GETRANGE k -200000 -2", len(value) - 200000, len(value) - 1},
		{"SET k x GET", 0, len(value)},
	} {
		r := &piecesReply{}
		k.run(r, bytes.Fields([]byte(c.call))...)
		want := append(bytes.Clone(value[c.start:c.end]), "\r\n"...)
		if r.announced != c.end-c.start || r.pieces < 3 || !bytes.Equal(r.bytes, want) {
			t.Errorf("%s: %d bytes announced, %d in %d pieces", c.call, r.announced, len(r.bytes), r.pieces)
		}
	}
}

// A string grows in every way up to the limit, and no further.
func TestStringLimits(t *testing.T) {
	k := newKeyspace(t, packed)
	for _, c := range [][2]string{
		{"SETRANGE k 536870912 x", "-" + errStringTooLong},
		{"SETRANGE k 9223372036854775807 xx", "-" + errStringTooLong},
		{"EXISTS k", "0"},
		{"SETRANGE k 1000000 x", "1000001"},
		{"SETRANGE k 536870911 xx", "-" + errStringTooLong},
		{"STRLEN k", "1000001"},
		{"GETRANGE k 999999 -1", `"\x00x"`},
		{"GETRANGE k 0 2", `"\x00\x00\x00"`},
		{"APPEND k y", "1000002"},
		{"GETRANGE k -2 -1", `"xy"`},
		{"LCS k k", "-" + errLCSMemory},
		{"SET a x", "OK"},
		{"LCS a k", `"x"`},
		{"LCS k a IDX", `["matches" [[[1000000 1000000] [0 0]]] "len" 1]`},
		{"SETRANGE k 1500000 z", "1500001"},
		{"LCS a k", "-" + errLCSLong},
	} {
		if got := k.call(c[0]); strings.NewReplacer("{", "[", "}", "]").Replace(got) != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

// The events are those that a redis-server publishes; a key that was stored with a time
// in the past expires later there.
func TestStringEvents(t *testing.T) {
	k := newKeyspace(t, packed)
	var log eventLog
	k.ctx.Observer, k.ctx.NowMS = &log, 1
	for _, c := range [][2]string{
		{"SET s 1", "set@0 s"},
		{"SET s 2 EX 100", "set@0 s, expire@0 s"},
		{"SET s 3 KEEPTTL", "set@0 s"},
		{"SET s 4 GET", "set@0 s"},
		{"SET s 5 NX", ""},
		{"SET s 5 NX GET", ""},
		{"SET none 5 XX", ""},
		{"SET s 5 EX 0", ""},
		{"SET p 6 PXAT 1", "set@0 p, expire@0 p, expired@0 p"},
		{"SETEX s 10 v", "set@0 s, expire@0 s"},
		{"PSETEX s 10000 v", "set@0 s, expire@0 s"},
		{"SETNX s v", ""},
		{"SETNX n v", "set@0 n"},
		{"GETSET n w", "set@0 n"},
		{"GETDEL n", "del@0 n"},
		{"GETDEL n", ""},
		{"GETEX s", ""},
		{"GETEX s EX 10", "expire@0 s"},
		{"GETEX s PERSIST", "persist@0 s"},
		{"GETEX s PERSIST", ""},
		{"GETEX s PXAT 1", "del@0 s"},
		{"GETEX s EX 10", ""},
		{"MSET a 1 a 2", "set@0 a, set@0 a"},
		{"MSETNX b 1 a 3", ""},
		{"MSETNX b 1 c 3", "set@0 b, set@0 c"},
		{"APPEND a x", "append@0 a"},
		{"SETRANGE a 5 xx", "setrange@0 a"},
		{"INCR a", ""},
		{"INCR b", "incrby@0 b"},
		{"DECRBY b 5", "incrby@0 b"},
		{"INCRBY b 0", "incrby@0 b"},
		{"INCRBYFLOAT b 0.5", "incrbyfloat@0 b"},
		{"INCRBYFLOAT b inf", ""},
		{"LCS a b", ""},
	} {
		log = nil
		k.call(c[0])
		if got := strings.Join(log, ", "); got != c[1] {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
	log = nil
	k.run(&nullReply{}, []byte("SETRANGE"), []byte("a"), []byte("9"), nil)
	k.run(&nullReply{}, []byte("APPEND"), []byte("a"), nil)
	if got := strings.Join(log, ", "); got != "append@0 a" {
		t.Errorf("empty values: %s", got)
	}
}

func TestStringsAllocateNothing(t *testing.T) {
	k := newKeyspace(t, packed)
	r := &nullReply{}
	for _, line := range []string{
		"SET k value", "GET k", "SET k value EX 100 NX GET", "SET k value PX 100", "INCR n", "INCRBY n -7", "DECR n", "INCRBYFLOAT f 0.1",
		"SETEX k 10 v", "GETSET k v", "APPEND a x", "STRLEN a", "GETRANGE a 0 3", "SETRANGE a 1 yyy", "MSET k 1 l 2 m 3", "MGET k l m nosuch",
		"SETNX k v", "GETEX k EX 5", "SET k v KEEPTTL",
	} {
		args := bytes.Fields([]byte(line))
		k.run(r, args...)
		if n := testing.AllocsPerRun(100, func() { k.run(r, args...) }); n > 0 {
			t.Errorf("%s: %v allocations", line, n)
		}
	}
}

// naiveLCS finds by the definition what Redis finds: the pieces, the last first.
func naiveLCS(a, b string) (length int, pieces [][3]int) {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
		for j := range table[i] {
			switch {
			case i == 0 || j == 0:
			case a[i-1] == b[j-1]:
				table[i][j] = table[i-1][j-1] + 1
			default:
				table[i][j] = max(table[i-1][j], table[i][j-1])
			}
		}
	}
	for i, j := len(a), len(b); i > 0 && j > 0; {
		n := 0
		for i > 0 && j > 0 && a[i-1] == b[j-1] {
			i, j, n = i-1, j-1, n+1
		}
		switch {
		case n > 0:
			pieces = append(pieces, [3]int{i, j, n})
		case table[i-1][j] > table[i][j-1]:
			i--
		default:
			j--
		}
	}
	return table[len(a)][len(b)], pieces
}

func TestLCSAgainstTheDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	text := func() string {
		b := make([]byte, rng.IntN([]int{4, 70, 130, 300}[rng.IntN(4)]))
		letters := 1 + rng.IntN(6)
		for i := range b {
			b[i] = byte('a' + rng.IntN(letters))
		}
		return string(b)
	}
	for range 3000 {
		a, b := text(), text()
		length, pieces := naiveLCS(a, b)
		var found [][3]int
		table := newLCSTable([]byte(a), []byte(b), true)
		table.matches(func(i, j, n int) { found = append(found, [3]int{i, j, n}) })
		if table.length != length || fmt.Sprint(found) != fmt.Sprint(pieces) {
			t.Fatalf("%q and %q: %d, %v; want %d, %v", a, b, table.length, found, length, pieces)
		}
		if got := newLCSTable([]byte(a), []byte(b), false).length; got != length {
			t.Fatalf("%q and %q: length alone is %d, want %d", a, b, got, length)
		}
	}
}

func BenchmarkLCS(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, size := range [][2]int{{11_000, 11_000}, {120, 1_000_000}} {
		var texts [2][]byte
		for i, n := range size {
			texts[i] = make([]byte, n)
			for j := range texts[i] {
				texts[i][j] = byte(rng.IntN(256))
			}
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				newLCSTable(texts[0], texts[1], true).matches(func(int, int, int) {})
			}
		})
	}
}
