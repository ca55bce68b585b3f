package commands

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/store"
	"quarry/store/zset"
)

// What the transcripts cannot say of the sorted-set commands: what depends on
// the encoding or on chance, what large sets do, what is allocated.

// keyspace is a store to run commands on without a server.
type keyspace struct {
	t     *testing.T
	table *Table
	s     *store.Store
	ctx   Ctx
}

// Thresholds: nothing packed, and as by default.
var (
	unpacked = zset.Limits{}
	packed   = zset.Limits{PackedEntries: 128, PackedValue: 64}
)

func newKeyspace(t *testing.T, limits zset.Limits) *keyspace {
	random := rand.New(rand.NewPCG(1, 2))
	s, err := store.Open(store.Options{Shards: 1, Rand: random.Uint64})
	if err != nil {
		t.Fatal(err)
	}
	l := store.DefaultLimits()
	l.ZSet = limits
	s.SetLimits(l)
	s.Lock(0)
	k := &keyspace{t: t, table: NewCommandTable(), s: s}
	k.ctx.DB, k.ctx.Rand, k.ctx.Host = s.NewDB(), random.Uint64, &fakeHost{table: k.table}
	t.Cleanup(func() {
		if err := s.Check(0); err != nil {
			t.Error(err)
		}
		s.Unlock(0)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

// run runs a command and lets it answer to r.
func (k *keyspace) run(r Reply, args ...[]byte) {
	spec, _ := k.table.Lookup(args)
	k.ctx.Reply = r
	k.ctx.DB.Begin(0, 1)
	k.ctx.Begin(spec, args)
	spec.Run(&k.ctx)
}

// call runs a command line and returns the answer of RESP2.
func (k *keyspace) call(line string) string {
	k.t.Helper()
	r := &textReply{t: k.t, proto: 2}
	k.run(r, bytes.Fields([]byte(line))...)
	if !r.done {
		k.t.Fatalf("%s: the reply is not complete: %s", line, r.text.String())
	}
	return r.text.String()
}

// members cuts an answer of plain members.
func members(answer string) []string {
	return strings.Fields(strings.NewReplacer("[", "", "]", "", `"`, "").Replace(answer))
}

// A lex range over mixed scores has no meaning, but a listpack's answer: what
// the walk from the near end finds. redis-server 7.0.15 gave these.
func TestLexRangeOverMixedScores(t *testing.T) {
	k := newKeyspace(t, packed)
	k.call("ZADD z 0 c 1 a 1 e 2 b 2 d") // in order: c a e b d
	for _, c := range [][2]string{
		{"ZRANGEBYLEX z [b [d", `["c" "a"]`},
		{"ZRANGEBYLEX z [b [d LIMIT 1 5", `["a"]`},
		{"ZRANGEBYLEX z [b [d LIMIT 3 5", `["b" "d"]`},
		{"ZRANGEBYLEX z [b [d LIMIT 3 1", `["b"]`},
		{"ZRANGEBYLEX z [b [d LIMIT -1 5", `[]`},
		{"ZRANGEBYLEX z [d +", `["e" "b" "d"]`},
		{"ZRANGEBYLEX z [e +", `[]`},
		{"ZRANGEBYLEX z - (c", `[]`},
		{"ZREVRANGEBYLEX z [d [b", `["d" "b" "e"]`},
		{"ZREVRANGEBYLEX z [d [b LIMIT 1 1", `["b"]`},
		{"ZLEXCOUNT z [b [d", `2`},
		{"ZLEXCOUNT z - +", `5`},
		{"ZREMRANGEBYLEX z [b [d", `2`},
		{"ZRANGE z 0 -1", `["e" "b" "d"]`},
	} {
		if got := k.call(c[0]); got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

// The set algebra of large and small inputs against maps.
func TestSetAlgebraAgainstMaps(t *testing.T) {
	for _, sizes := range [][3]int{{5, 3, 8}, {400, 3, 5}, {3, 400, 2}, {300, 300, 300}, {0, 10, 10}, {10, 0, 0}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			k := newKeyspace(t, packed)
			var sets [3]map[string]int
			for i, size := range sizes {
				sets[i] = k.fill(fmt.Sprint("k", i), size)
			}
			union, inter, diff := map[string]int{}, map[string]int{}, map[string]int{}
			for i := range sets {
				for m, score := range sets[i] {
					union[m] += score
				}
			}
			for m, score := range sets[0] {
				_, in1 := sets[1][m]
				_, in2 := sets[2][m]
				if in1 && in2 {
					inter[m] = union[m]
				}
				if !in1 && !in2 {
					diff[m] = score
				}
			}
			k.same("ZUNION", union)
			k.same("ZINTER", inter)
			k.same("ZDIFF", diff)
			if got := k.call("ZINTERCARD 3 k0 k1 k2"); got != fmt.Sprint(len(inter)) {
				t.Errorf("ZINTERCARD is %s, not %d", got, len(inter))
			}
		})
	}
}

// fill makes a set of random members out of 500.
func (k *keyspace) fill(key string, size int) map[string]int {
	set := map[string]int{}
	for len(set) < size {
		m, score := fmt.Sprintf("m%03d", k.ctx.randBelow(500)), k.ctx.randBelow(20)
		set[m] = score
		k.call(fmt.Sprintf("ZADD %s %d %s", key, score, m))
	}
	return set
}

// same checks what op answers and stores for k0, k1 and k2, in order.
func (k *keyspace) same(op string, want map[string]int) {
	k.t.Helper()
	rows := make([]string, 0, len(want))
	for m, score := range want {
		rows = append(rows, fmt.Sprintf("%04d %s", score, m))
	}
	slices.Sort(rows)
	var list []string
	for _, row := range rows {
		score, m, _ := strings.Cut(row, " ")
		n, _ := strconv.Atoi(score)
		list = append(list, m, strconv.Itoa(n))
	}
	if got := members(k.call(op + " 3 k0 k1 k2 WITHSCORES")); !slices.Equal(got, list) {
		k.t.Errorf("%s answers\n%v\nnot\n%v", op, got, list)
	}
	if got := k.call(op + "STORE d 3 k0 k1 k2"); got != fmt.Sprint(len(want)) {
		k.t.Errorf("%sSTORE stores %s, not %d", op, got, len(want))
	}
	if got := members(k.call("ZRANGE d 0 -1 WITHSCORES")); !slices.Equal(got, list) {
		k.t.Errorf("%sSTORE stores\n%v\nnot\n%v", op, got, list)
	}
}

// Every member, every pair, every triple comes up about as often as any other.
func TestRandomMembersAreEven(t *testing.T) {
	for _, limits := range []zset.Limits{packed, unpacked} {
		k := newKeyspace(t, limits)
		k.call("ZADD z 1 a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j")
		for _, c := range []struct {
			line     string
			outcomes int // how many different answers, orders aside
		}{
			{"ZRANDMEMBER z", 10},
			{"ZRANDMEMBER z -1", 10},
			{"ZRANDMEMBER z 1", 10},
			{"ZRANDMEMBER z 2", 45},
			{"ZRANDMEMBER z 3", 120},
			{"ZRANDMEMBER z 8", 45},
			{"ZRANDMEMBER z 10", 1},
			{"ZRANDMEMBER z 11", 1},
		} {
			const each = 100
			seen := map[string]int{}
			for range each * c.outcomes {
				m := members(k.call(c.line))
				slices.Sort(m)
				seen[strings.Join(m, "")]++
			}
			if len(seen) != c.outcomes {
				t.Fatalf("%s: %d different answers, not %d", c.line, len(seen), c.outcomes)
			}
			for outcome, n := range seen { // the deviation of one count is about 10
				if n < each-55 || n > each+55 {
					t.Errorf("%s: %s came %d times in place of %d", c.line, outcome, n, each)
				}
			}
		}
	}
}

func TestRandomSubsetHasNoRepeats(t *testing.T) {
	k := newKeyspace(t, packed)
	for i := range 1000 {
		k.call(fmt.Sprintf("ZADD z %d m%d", i%7, i))
	}
	for _, n := range []int{1, 2, 100, 249, 250, 251, 600, 999, 1000, 2000} {
		m := members(k.call(fmt.Sprint("ZRANDMEMBER z ", n)))
		slices.Sort(m)
		if m = slices.Compact(m); len(m) != min(n, 1000) {
			t.Errorf("%d asked for: %d different ones", n, len(m))
		}
	}
}

// Repeats are bounded by the size of the answer, whether many rows or long ones make it.
func TestRandomRepeatsAreBounded(t *testing.T) {
	k := newKeyspace(t, packed)
	k.call("ZADD z 1 a")
	if got := k.call("ZRANDMEMBER z -9223372036854775807"); got != "-"+errOutOfRange {
		t.Errorf("many rows: got %s", got)
	}
	k.call("DEL z")
	var r nullReply
	k.run(&r, []byte("ZADD"), []byte("z"), []byte("1"), make([]byte, 64<<20))
	k.run(&r, []byte("ZRANDMEMBER"), []byte("z"), []byte("-2"))
	if r.failed != "" || r.undone {
		t.Errorf("128 MB: got %q", r.failed)
	}
	k.run(&r, []byte("ZRANDMEMBER"), []byte("z"), []byte("-8"))
	if r.failed != errOutOfRange || !r.undone {
		t.Errorf("512 MB: got %q, undone %v", r.failed, r.undone)
	}
}

// ZSCAN of a large set returns each member that stays, whatever comes and goes meanwhile.
func TestZscanOfAChangingSet(t *testing.T) {
	k := newKeyspace(t, packed)
	for i := range 2000 {
		k.call(fmt.Sprintf("ZADD z %d m%d", i, i))
	}
	seen := map[string]bool{}
	cursor, calls := "0", 0
	for {
		answer := members(k.call("ZSCAN z " + cursor + " COUNT 50"))
		for i := 1; i < len(answer); i += 2 {
			seen[answer[i]] = true
		}
		if cursor = answer[0]; cursor == "0" {
			break
		}
		calls++
		k.call(fmt.Sprintf("ZADD z %d new%d", calls, calls))
		k.call(fmt.Sprintf("ZREM z m%d", 1000+calls))
	}
	for i := range 1000 {
		if !seen[fmt.Sprint("m", i)] {
			t.Errorf("m%d was not returned", i)
		}
	}
	if calls < 10 {
		t.Errorf("%d calls for 2000 members", calls)
	}
}

// nullReply forgets what is written, but for errors.
type nullReply struct {
	failed string
	undone bool
}

func (*nullReply) Proto() int              { return 2 }
func (*nullReply) Status(string)           {}
func (r *nullReply) Error(msg string)      { r.failed = msg }
func (*nullReply) Int(int64)               {}
func (*nullReply) Bulk([]byte)             {}
func (*nullReply) Str(string)              {}
func (*nullReply) Double(float64)          {}
func (*nullReply) BulkDouble(float64)      {}
func (*nullReply) Bool(bool)               {}
func (*nullReply) Null()                   {}
func (*nullReply) NullArray()              {}
func (*nullReply) Array(int)               {}
func (*nullReply) Map(int)                 {}
func (*nullReply) Set(int)                 {}
func (*nullReply) Push(int)                {}
func (*nullReply) Verbatim(string, string) {}
func (*nullReply) BeginBulk(int)           {}
func (*nullReply) Raw([]byte)              {}
func (*nullReply) Defer() int              { return 0 }
func (*nullReply) DeferSet() int           { return 0 }
func (*nullReply) Patch(int, int)          {}
func (*nullReply) Mark() int               { return 0 }
func (r *nullReply) Undo(int)              { r.undone = true }

func TestHotCommandsAllocateNothing(t *testing.T) {
	for _, size := range []int{20, 20_000} {
		k := newKeyspace(t, packed)
		for i := range size {
			k.call(fmt.Sprintf("ZADD board %d player:%012d", i*7, i))
		}
		for _, line := range []string{
			"ZADD board 123.5 player:000000000007",
			"ZADD board GT CH 7 player:000000000007 8 player:000000000009",
			"ZINCRBY board 1000 player:000000000008",
			"ZSCORE board player:000000000003",
			"ZSCORE board nobody",
			"ZRANK board player:000000000003",
			"ZREVRANK board player:000000000003 WITHSCORE",
			"ZREVRANGE board 5 14 WITHSCORES",
			"ZRANGE board (10 +inf BYSCORE LIMIT 2 10 WITHSCORES",
			"ZCOUNT board -inf (99",
			"ZCARD board",
			"ZPOPMIN missing",
			"ZRANDMEMBER board",
			"ZMSCORE board player:000000000001 nobody",
		} {
			args := bytes.Fields([]byte(line))
			var r nullReply
			if allocs := testing.AllocsPerRun(50, func() { k.run(&r, args...) }); allocs != 0 {
				t.Errorf("%d members: %s allocates %v times", size, line, allocs)
			}
			if r.failed != "" {
				t.Errorf("%s: %s", line, r.failed)
			}
		}
	}
}

// What a ZADD of very many pairs needs for a moment is not kept.
func TestScratchIsGivenBack(t *testing.T) {
	k := newKeyspace(t, packed)
	args := [][]byte{[]byte("ZADD"), []byte("z")}
	for i := range 2 * scoresKept {
		args = append(args, []byte("1"), strconv.AppendInt(nil, int64(i), 10))
	}
	k.run(&nullReply{}, args...)
	k.call("ZADD z 1 a")
	if n := cap(k.ctx.scores); n > scoresKept {
		t.Errorf("room for %d scores is kept", n)
	}
}
