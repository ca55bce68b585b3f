package commands

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// plainEffects writes requests as people do: words with blanks between, commands with a comma.
func plainEffects(t *testing.T, b []byte) string {
	t.Helper()
	next := func(mark byte) int {
		end := bytes.IndexByte(b, '\r')
		if end < 2 || b[0] != mark {
			t.Fatalf("no %c at %.40q", mark, b)
		}
		n, err := strconv.Atoi(string(b[1:end]))
		if err != nil {
			t.Fatal(err)
		}
		b = b[end+2:]
		return n
	}
	var list []string
	for len(b) > 0 {
		var words []string
		for range next('*') {
			n := next('$')
			if string(b[n:n+2]) != "\r\n" {
				t.Fatalf("%q does not end after %d bytes", b, n)
			}
			words, b = append(words, string(b[:n])), b[n+2:]
		}
		list = append(list, strings.Join(words, " "))
	}
	return strings.Join(list, ", ")
}

// effectsOf runs a command line at a time and returns what is logged of it.
func (k *keyspace) effectsOf(line string, nowMS int64) string {
	k.t.Helper()
	args := bytes.Fields([]byte(line))
	for i := range args {
		if string(args[i]) == `""` {
			args[i] = []byte{}
		}
	}
	spec, sub := k.table.Lookup(args)
	if sub != nil {
		spec = sub
	}
	c := &k.ctx
	c.Reply, c.NowMS, c.Journal, c.Client = &textReply{t: k.t, proto: 2}, nowMS, true, &fakeClient{}
	c.DB.Begin(0, nowMS)
	c.Begin(spec, args)
	spec.Run(c)
	got := plainEffects(k.t, c.TakeWhole())
	if own := got != "" && got != strings.Join(strings.Fields(line), " "); got != "" && !spec.Has(map[bool]Flag{true: SelfPropagate, false: Verbatim}[own]) {
		if own || !slices.Equal(strings.Fields(line), strings.Fields(got)) || !spec.Has(SelfPropagate) { // some happen to say the same
			k.t.Errorf("%s: the table does not say that it is logged as %s", line, got)
		}
	}
	return got
}

// TestEffects: what is logged of every command that changes data, and that nothing is of one that changes none. = is the
// call itself.
func TestEffects(t *testing.T) {
	k := newKeyspace(t, packed)
	const now = 1_000_000
	named := map[string]bool{}
	for _, c := range [][2]string{
		// Strings.
		{"SET s 1", "="}, {"SET s 1 XX", "="}, {"SET s 2 NX", ""}, {"SET s 1 GET", "="}, {"SET s 1 KEEPTTL", "="},
		{"SET s 1 EX 10", "SET s 1 PXAT 1010000"}, {"SET s 1 GET PX 10 XX", "SET s 1 PXAT 1000010"}, {"SET s 1 EXAT 2000", "SET s 1 PXAT 2000000"},
		{"SET none 1 XX PX 10", ""}, {"SET gone 1 EXAT 1000", "DEL gone"}, {"EXISTS gone", ""},
		{"SETEX s 10 v", "SET s v PXAT 1010000"}, {"PSETEX s 10 v", "SET s v PXAT 1000010"}, {"SETNX s w", ""}, {"SETNX n 1", "="},
		{"GETSET s 5", "="}, {"GET s", ""}, {"GETEX s", ""}, {"GETEX s EX 10", "PEXPIREAT s 1010000"}, {"GETEX s PERSIST", "PERSIST s"},
		{"GETEX s PERSIST", ""}, {"GETEX s PXAT 5", "DEL s"}, {"GETEX s PXAT 5", ""}, {"MSET s 1 n 2", "="}, {"MSETNX s 1 x 2", ""},
		{"MSETNX x 1 y 2", "="}, {"INCR s", "="}, {"DECR s", "="}, {"INCRBY s 2", "="}, {"DECRBY s 2", "="}, {"INCRBY s x", ""},
		{"INCRBYFLOAT s 0.1", "SET s 1.1 KEEPTTL"}, {"INCRBYFLOAT s 1e1", "SET s 11.1 KEEPTTL"}, {"APPEND s x", "="}, {"SETRANGE s 1 abc", "="},
		{`SETRANGE s 1 ""`, ""}, {"INCRBYFLOAT s 1", ""}, {"GETDEL s", "DEL s"}, {"GETDEL s", ""},
		// Keys.
		{"EXPIRE x 10", "PEXPIREAT x 1010000"}, {"EXPIRE x 10 NX", ""}, {"PEXPIRE x 10 LT", "PEXPIREAT x 1000010"}, {"EXPIREAT x 2000 GT", "PEXPIREAT x 2000000"},
		{"PEXPIREAT x 3000000", "="}, {"PERSIST x", "="}, {"PERSIST x", ""}, {"EXPIRE x -1", "DEL x"}, {"PEXPIREAT y 1000000", "DEL y"},
		{"EXPIRE none 10", ""}, {"RENAME n s", "="}, {"RENAME s s", ""}, {"RENAME none s", ""}, {"RENAMENX s n", "="}, {"RENAMENX n n", ""},
		{"COPY n m", "="}, {"COPY n m", ""}, {"COPY n m REPLACE", "="}, {"COPY n m DB 1", "="}, {"MOVE m 2", "="}, {"MOVE m 2", ""},
		{"TOUCH n", ""}, {"DEL none", ""}, {"DEL n none", "="}, {"UNLINK none", ""}, {"SET u 1", "="}, {"UNLINK u", "="},
		{"DUMP n", ""}, {"RESTORE r 0 text:1", "RESTORE r 0 text:1 REPLACE ABSTTL"}, {"RESTORE r 0 text:2", ""}, {"RESTORE q 0 bad", ""},
		{"RESTORE r 10 text:2 REPLACE", "RESTORE r 1000010 text:2 REPLACE ABSTTL"}, {"RESTORE q 5 text:1 ABSTTL", ""}, {"RESTORE r 5 text:1 ABSTTL REPLACE", "DEL r"},
		{"RESTORE r 2000000 text:2 IDLETIME 5 ABSTTL", "RESTORE r 2000000 text:2 REPLACE ABSTTL IDLETIME 5"},
		{"RESTORE r 0 text:3 FREQ 7 REPLACE", "RESTORE r 0 text:3 REPLACE ABSTTL FREQ 7"}, {"RESTORE r 0 bad REPLACE", ""},
		{"FLUSHDB", "="}, {"FLUSHALL ASYNC", "="}, {"SWAPDB 1 1", ""}, {"SWAPDB 1 2", "="},
		// Hashes.
		{"HSET h f 1 g 2", "="}, {"HMSET h f 1", "="}, {"HSETNX h f 2", ""}, {"HSETNX h i 2", "="}, {"HINCRBY h f 5", "="}, {"HINCRBY h f x", ""},
		{"HINCRBYFLOAT h f 0.25", "HSET h f 6.25"}, {"HDEL h none", ""}, {"HDEL h f none", "="}, {"HGETDEL h FIELDS 2 g none", "HDEL h g none"},
		{"HGETDEL h FIELDS 1 none", ""},
		// Lists.
		{"RPUSH l a b c d e f g", "="}, {"LPUSH l z", "="}, {"LPUSHX none x", ""}, {"LPUSHX l y", "="}, {"RPUSHX none x", ""}, {"RPUSHX l h", "="},
		{"LPOP l", "="}, {"LPOP l 2", "="}, {"RPOP l", "="}, {"RPOP l 0", ""}, {"LPOP none", ""}, {"LSET l 0 b", "="}, {"LSET l 99 b", ""},
		{"LINSERT l BEFORE b x", "="}, {"LINSERT l BEFORE none x", ""}, {"LREM l 0 none", ""}, {"LREM l 0 x", "="}, {"LTRIM l 0 5", "="},
		{"LMOVE l m LEFT RIGHT", "="}, {"RPOPLPUSH l m", "LMOVE l m RIGHT LEFT"}, {"BLMOVE l m RIGHT RIGHT 0", "LMOVE l m RIGHT RIGHT"},
		{"BRPOPLPUSH l m 0", "LMOVE l m RIGHT LEFT"}, {"LMOVE none m LEFT LEFT", ""}, {"LMPOP 2 none m LEFT COUNT 2", "LPOP m 2"},
		{"LMPOP 1 none RIGHT", ""}, {"RPUSH m 1 2 3 4 5", "="}, {"BLMPOP 0 2 none m RIGHT", "RPOP m 1"}, {"BLPOP none m 0", "LPOP m"}, {"BRPOP m 0", "RPOP m"},
		{"BLPOP none 1", ""},
		// Sets.
		{"SADD set a", "="}, {"SADD set a", ""}, {"SPOP set", "SREM set a"}, {"SADD set a b", "="}, {"SPOP set 5", "DEL set"}, {"SPOP set", ""}, {"SPOP set 0", ""},
		{"SADD set 1 2 3", "="}, {"SREM set 9", ""}, {"SREM set 1 9", "="}, {"SMOVE set other 2", "="}, {"SMOVE set other 2", ""},
		{"SINTERSTORE d set other", ""}, {"SUNIONSTORE d set other", "="}, {"SDIFFSTORE d set other", "="}, {"SINTERSTORE d set other", "="},
		// Sorted sets.
		{"ZADD z 1 a 2 b", "="}, {"ZADD z 1 a", ""}, {"ZADD z NX 3 a", ""}, {"ZADD z GT CH 3 a 1 c", "="}, {"ZADD z INCR 0.5 a", "ZADD z 3.5 a"},
		{"ZADD z INCR 1e300 c", "ZADD z 1e+300 c"}, {"ZADD z INCR -inf b", "ZADD z -Inf b"}, {"ZADD z XX INCR 1 none", ""}, {"ZINCRBY z 0 a", ""},
		{"ZINCRBY z 0.1 a", "ZADD z 3.6 a"}, {"ZINCRBY z 1 d", "ZADD z 1 d"}, {"ZINCRBY z nan d", ""}, {"ZREM z none", ""}, {"ZREM z d none", "="},
		{"ZREMRANGEBYRANK z 9 9", ""}, {"ZREMRANGEBYRANK z 0 0", "="}, {"ZREMRANGEBYSCORE z 9 10", ""}, {"ZREMRANGEBYSCORE z (3 4", "="},
		{"ZADD x 0 a 0 b 0 c 0 d", "="}, {"ZREMRANGEBYLEX x [b [c", "ZREMRANGEBYRANK x 1 2"}, {"ZREMRANGEBYLEX x [b [c", ""},
		{"ZPOPMIN x", "="}, {"ZPOPMAX x 5", "="}, {"ZPOPMAX x 5", ""}, {"ZADD x 0 a 1 b 2 c 3 d 4 e 5 f", "="}, {"ZMPOP 2 none x MIN", "ZPOPMIN x 1"},
		{"BZPOPMIN none x 0", "ZPOPMIN x"}, {"BZPOPMAX x 0", "ZPOPMAX x"}, {"BZMPOP 0 1 x MAX COUNT 2", "ZPOPMAX x 2"}, {"BZMPOP 1 1 none MAX", ""},
		{"ZRANGESTORE y x 0 -1", "="}, {"ZRANGESTORE y x -inf +inf BYSCORE LIMIT 0 1", "="}, {"ZRANGESTORE y x 5 6", "="}, {"ZRANGESTORE y x 5 6", ""},
		{"ZADD x 0 a 0 b 0 c 0 d 0 e", "="}, {"ZRANGESTORE y x + [b BYLEX REV LIMIT 1 2", "ZRANGESTORE y x 2 3"}, {"ZRANGESTORE y x [p + BYLEX", "DEL y"},
		{"ZRANGESTORE y x [p + BYLEX", ""}, {"ZUNIONSTORE y 2 x z WEIGHTS 2 0.1", "="}, {"ZINTERSTORE y 2 x none", "="}, {"ZDIFFSTORE y 1 x", "="},
		{"ZUNIONSTORE y 2 x x AGGREGATE COUNT WEIGHTS 1 2", "MULTI, DEL y, ZADD y 3 a 3 b 3 c 3 d 3 e, EXEC"}, {"ZINTERSTORE none 2 x none", ""}, {"ZDIFFSTORE none 2 x x", ""},
		// Sorting.
		{"RPUSH sort 3 1 2", "="}, {"SORT sort", ""}, {"SORT sort STORE d", "="}, {"SORT sort BY nosort STORE d", "="}, {"SORT sort ALPHA STORE d", "="},
		{"SORT sort BY w* ALPHA GET # GET w* LIMIT 0 2 STORE d", `MULTI, DEL d, RPUSH d 1  2 , EXEC`}, {"SORT none STORE d", "="}, {"SORT none STORE d", ""},
		{"SORT none BY w* ALPHA STORE d", ""}, {"SET d 1", "="}, {"SORT none BY w* ALPHA STORE d", "DEL d"},
		// Places.
		{"GEOADD geo 2 48 a 2.1 48 b", "="}, {"GEOADD geo NX 2 48 a", ""}, {"GEOSEARCH geo FROMLONLAT 2 48 BYRADIUS 1 km", ""},
		{"GEOSEARCHSTORE g geo FROMLONLAT 2 48 BYRADIUS 1 km", "MULTI, DEL g, ZADD g 3663722515031694 a, EXEC"},
		{"GEOSEARCHSTORE g geo FROMLONLAT 2 48 BYRADIUS 10 km COUNT 1 ANY STOREDIST", "MULTI, DEL g, ZADD g 0.00020412797281775888 a, EXEC"},
		{"GEOSEARCHSTORE g geo FROMLONLAT 50 48 BYRADIUS 1 km", "DEL g"}, {"GEOSEARCHSTORE g geo FROMLONLAT 50 48 BYRADIUS 1 km", ""},
		{"GEORADIUS geo 2 48 1 km", ""}, {"GEORADIUS geo 2 48 1 km STORE g", "MULTI, DEL g, ZADD g 3663722515031694 a, EXEC"},
		{"GEORADIUSBYMEMBER geo b 1 m STORE g", "MULTI, DEL g, ZADD g 3663723060415652 b, EXEC"}, {"GEORADIUSBYMEMBER geo b 1 m", ""},
		// Bloom filters: what is made has the seed of this process.
		{"BF.RESERVE bf 0.001 100", "BF.RESERVE bf 0.001 100 SEED N"}, {"BF.RESERVE bf 0.001 100", ""}, {"BF.ADD bf a", "="}, {"BF.ADD bf a", ""},
		{"BF.MADD bf a b", "="}, {"BF.MADD bf a b", ""}, {"BF.INSERT bf ITEMS c", "="}, {"BF.INSERT bf NOCREATE ITEMS c", ""},
		{"BF.ADD bf2 a", "MULTI, BF.RESERVE bf2 0.01 100 SEED N, BF.ADD bf2 a, EXEC"},
		{"BF.MADD bf3 a b", "MULTI, BF.RESERVE bf3 0.01 100 SEED N, BF.MADD bf3 a b, EXEC"},
		{"BF.INSERT bf4 CAPACITY 7 ERROR 0.5 EXPANSION 4 ITEMS a", "MULTI, BF.RESERVE bf4 0.5 7 EXPANSION 4 SEED N, BF.INSERT bf4 CAPACITY 7 ERROR 0.5 EXPANSION 4 ITEMS a, EXEC"},
		{"BF.INSERT bf5 CAPACITY 1 NONSCALING ITEMS a", "MULTI, BF.RESERVE bf5 0.01 1 NONSCALING SEED N, BF.INSERT bf5 CAPACITY 1 NONSCALING ITEMS a, EXEC"},
		{"BF.ADD bf5 b", ""}, {"BF.INSERT none NOCREATE ITEMS a", ""},
		// Fields.
		{"HUNT.CREATE f FIELD", "="}, {"HUNT.CREATE f FIELD", ""}, {"HUNT.PUT f 1 2 a 3 4 b", "="}, {"HUNT.PUT f 1 2 a", ""}, {"HUNT.PUT f NX 1 2 a", ""},
		{"HUNT.PUT f XX CH SEQ 5 FIELDS 2 hp 1.50 mp 3 TAGS 1 kind wolf PAYLOAD x 1 3 a", "HUNT.PUT f XX SEQ 5 FIELDS 2 hp 1.5 mp 3 TAGS 1 kind wolf PAYLOAD x 1 3 a"},
		{"HUNT.PUT f SEQ 4 9 9 a", ""}, {"HUNT.PUT f EX 10 1 3 a", "HUNT.PUT f PXAT 1010000 1 3 a"}, {"HUNT.PUT f KEEPTTL 1 4 a", "="},
		{"HUNT.PUT f PXAT 5 1 4 none 1 3 a", "HUNT.DEL f a"}, {"HUNT.PUT f PXAT 5 1 4 none", ""}, {"HUNT.DEL f none", ""}, {"HUNT.DEL f b none", "="},
		{"HUNT.PUT f2 PX 1 1 2 a 3 4 b", "HUNT.PUT f2 PXAT 1000001 1 2 a 3 4 b"}, {"HUNT.PURGE f2 1000001", ""}, {"HUNT.PURGE f2 1000002", "="},
		{"HUNT.PUT f2 1 2 a", "="}, {"HUNT.DEL f2 a", "MULTI, HUNT.DEL f2 a, DEL f2, EXEC"}, {"HUNT.PUT f2 1 2 a", "="},
		{"HUNT.PUT f2 PXAT 5 1 2 a", "MULTI, HUNT.DEL f2 a, DEL f2, EXEC"},
	} {
		line, want := c[0], c[1]
		if want == "=" {
			want = line
		}
		got := k.effectsOf(line, now)
		if i := strings.Index(got, " SEED "); i >= 0 {
			rest, seed := "", got[i+6:]
			if j := strings.IndexByte(seed, ','); j >= 0 {
				seed, rest = seed[:j], seed[j:]
			}
			if _, err := strconv.ParseInt(seed, 10, 64); err != nil {
				t.Error(err)
			}
			got = got[:i] + " SEED N" + rest
		}
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
		named[strings.Fields(line)[0]] = true
	}
	for _, s := range k.table.All() {
		if s.Has(Write) && !named[s.Name] {
			t.Errorf("%s is not tried", s.Name)
		}
	}
}

// TestEffectsOfMembersThatAreOver: where effects are run again they are there still, until it is said that they are not.
func TestEffectsOfMembersThatAreOver(t *testing.T) {
	k := newKeyspace(t, packed)
	for _, c := range []struct {
		atMS       int64
		line, want string
	}{
		{1000, "HUNT.PUT f PX 10 1 1 a", "HUNT.PUT f PXAT 1010 1 1 a"},
		{1000, "HUNT.PUT f 2 2 b", "HUNT.PUT f 2 2 b"},
		{1010, "HUNT.PUT f NX 3 3 a", ""},
		{1011, "HUNT.PUT f NX 3 3 a", "MULTI, HUNT.PURGE f 1011, HUNT.PUT f NX 3 3 a, EXEC"},
		{1011, "HUNT.PUT f PX 10 3 3 c", "HUNT.PUT f PXAT 1021 3 3 c"},
		{1022, "HUNT.PUT f PXAT 1 3 3 a 3 3 b 3 3 c", "MULTI, HUNT.PURGE f 1022, HUNT.DEL f a, HUNT.DEL f b, DEL f, EXEC"},
		{2000, "HUNT.PUT f PX 10 1 1 a", "HUNT.PUT f PXAT 2010 1 1 a"},
		{2000, "HUNT.PUT f 2 2 b", "HUNT.PUT f 2 2 b"},
		{2011, "HUNT.DEL f a b", "MULTI, HUNT.DEL f a b, DEL f, EXEC"},
	} {
		if got := k.effectsOf(c.line, c.atMS); got != c.want {
			t.Errorf("%s at %d: %s, want %s", c.line, c.atMS, got, c.want)
		}
	}
}

// TestLongEffects: what tells of a large value comes in pieces.
func TestLongEffects(t *testing.T) {
	k := newKeyspace(t, packed)
	for i := range 600 {
		k.call("GEOADD geo 2 48 m" + strconv.Itoa(i))
		k.call("RPUSH list " + strconv.Itoa(i))
	}
	count := func(line, prefix string) {
		t.Helper()
		effects := strings.Split(k.effectsOf(line, 1), ", ")
		words := 0
		for i, e := range effects {
			switch {
			case i == 0 && e == "MULTI", i == 1 && e == "DEL d", i == len(effects)-1 && e == "EXEC":
			case strings.HasPrefix(e, prefix):
				words += len(strings.Fields(e)) - 2
			default:
				t.Errorf("%s: %.40s", line, e)
			}
		}
		if want := 600 * (1 + strings.Count(prefix, "ZADD")); words != want || len(effects) < 5 {
			t.Errorf("%s: %d effects with %d words, want %d", line, len(effects), words, want)
		}
	}
	count("GEOSEARCHSTORE d geo FROMLONLAT 2 48 BYRADIUS 1 km", "ZADD d ")
	count("SORT list BY w*w ALPHA STORE d", "RPUSH d ")
	if k.ctx.End(); cap(k.ctx.effects.bytes) > keepEffects {
		t.Error("the room for them stays")
	}
}

// TestEffectsWithoutJournal: none are written.
func TestEffectsWithoutJournal(t *testing.T) {
	k := newKeyspace(t, packed)
	for _, line := range []string{"SPOP s", "SET k v EX 10", "GEOSEARCHSTORE d geo FROMLONLAT 2 48 BYRADIUS 1 km", "BF.ADD b x"} {
		k.call(line)
		if len(k.ctx.effects.bytes) > 0 {
			t.Errorf("%s: %q", line, k.ctx.effects.bytes)
		}
	}
}

// TestScoresOfEffects: what is written is read as the same number.
func TestScoresOfEffects(t *testing.T) {
	for _, f := range []float64{0, 1, -1, 0.1, 1e15, -1e15, 1e15 - 1, 1 << 53, 1e300, -1e-320, math.Inf(1), math.Inf(-1), math.MaxFloat64, math.Pi} {
		text := appendScore(nil, f)
		if got, ok := parseFloat(text); !ok || got != f {
			t.Errorf("%v is written as %s and read as %v", f, text, got)
		}
	}
}

// silentReply takes the answer of ZADD INCR.
type silentReply struct{ Reply }

func (silentReply) Double(float64) {}

// TestEffectsAllocateNothing: once there is room for them.
func TestEffectsAllocateNothing(t *testing.T) {
	k := newKeyspace(t, packed)
	k.call("ZADD z 1 a")
	args := bytes.Fields([]byte("ZADD z INCR 1 a"))
	spec, _ := k.table.Lookup(args)
	c := &k.ctx
	c.Reply, c.Journal = &silentReply{}, true
	if n := testing.AllocsPerRun(100, func() {
		c.DB.Begin(0, 1)
		c.Begin(spec, args)
		spec.Run(c)
		c.TakeWhole()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
