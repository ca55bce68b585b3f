package bench

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/tests/harness"
)

// workload is one kind of request at random places of a population.
type workload struct {
	name    string
	title   string // as it stands in the tables
	command string // its command as INFO commandstats names it; several, if it is of several
	on      *population
	also    []*population // further ones it needs
	skew    *skew         // nil: every member is as likely as another
	replies int           // to a request; 0 is 1
	mayMiss bool          // a request may find nothing
	finds   int           // how many elements its reply has; 0 says nothing
	heavy   bool          // a request may take a server milliseconds
	open    bool          // measured in the open loop as well
	next    func(g *generator, dst []byte) []byte
	targets map[int]float64 // by pipeline: how many times Redis' requests per CPU second it must reach
	limit   float64         // how much it may cost compared with the first of its table; 0 says nothing
}

// answers is how many replies a request has.
func (w *workload) answers() int { return max(w.replies, 1) }

// boardWorkloads are those of boards, those that the project set itself targets for first.
func boardWorkloads(p populations) []*workload {
	favourites := newSkew(p.players.size)
	return []*workload{
		{name: "zadd", title: "ZADD", command: "zadd", on: p.players, open: true, next: (*generator).zadd, targets: map[int]float64{16: 5, 1: 2}},
		{name: "zincrby", title: "ZINCRBY", command: "zincrby", on: p.players, next: (*generator).zincrby, targets: map[int]float64{16: 5, 1: 2}},
		{name: "zrevrank", title: "ZREVRANK", command: "zrevrank", on: p.players, open: true, next: (*generator).zrevrank, targets: map[int]float64{16: 4, 1: 1.7}},
		{name: "window10", title: "10 rows at a random rank", command: "zrevrange", on: p.players, open: true, next: (*generator).window10, targets: map[int]float64{16: 6, 1: 1.8}},
		{name: "top10", title: "top 10", command: "zrevrange", on: p.players, next: (*generator).top10, targets: map[int]float64{16: 2, 1: 1.1}},
		{name: "zscore", title: "ZSCORE", command: "zscore", on: p.players, next: (*generator).zscore, targets: map[int]float64{16: 1.8, 1: 1.1}},

		{name: "zincrby-skewed", title: "ZINCRBY, skewed", command: "zincrby", on: p.players, skew: favourites, next: (*generator).zincrby},
		{name: "zrevrank-skewed", title: "ZREVRANK, skewed", command: "zrevrank", on: p.players, skew: favourites, next: (*generator).zrevrank},
		{name: "zadd-sizes", title: "ZADD, members of 8 to 512 bytes", command: "zadd", on: p.sizes, next: (*generator).zadd},
		{name: "zrevrank-sizes", title: "ZREVRANK, members of 8 to 512 bytes", command: "zrevrank", on: p.sizes, next: (*generator).zrevrank},
		{name: "zadd-boards10", title: "ZADD, boards of 10", command: "zadd", on: p.boards10, next: (*generator).zadd},
		{name: "top10-boards10", title: "top 10, boards of 10", command: "zrevrange", on: p.boards10, next: (*generator).top10},
		{name: "zadd-boards200", title: "ZADD, boards of 200", command: "zadd", on: p.boards200, next: (*generator).zadd},
		{name: "zrevrank-boards200", title: "ZREVRANK, boards of 200", command: "zrevrank", on: p.boards200, next: (*generator).zrevrank},
		{name: "zadd-boards2000", title: "ZADD, boards of 2,000", command: "zadd", on: p.boards2000, next: (*generator).zadd},
		{name: "zrevrank-boards2000", title: "ZREVRANK, boards of 2,000", command: "zrevrank", on: p.boards2000, next: (*generator).zrevrank},
	}
}

// mixedWorkload is what the cost of durability is measured with: what a game does to its board.
func mixedWorkload(p populations) *workload {
	return &workload{name: "mixed", title: "70 % ZADD, 20 % ZREVRANK, 10 % top 10", command: "zadd zrevrank zrevrange", on: p.players, next: (*generator).mixed}
}

// besideWorkloads are those of what lives beside boards: single commands at random keys of
// many, and a transaction as drivers send it, in one write.
func besideWorkloads(p populations) []*workload {
	goals := map[int]float64{16: 1.5, 1: 1.1}
	return []*workload{
		{name: "get", title: "GET", command: "get", on: p.strings, next: (*generator).get, targets: goals},
		{name: "set", title: "SET", command: "set", on: p.strings, next: (*generator).set, targets: goals},
		{name: "hget", title: "HGET", command: "hget", on: p.hashes, next: (*generator).hget, targets: goals},
		{name: "hset", title: "HSET", command: "hset", on: p.hashes, next: (*generator).hset, targets: goals},
		{name: "sadd", title: "SADD", command: "sadd", on: p.names, next: (*generator).sadd, targets: goals},
		{name: "sismember", title: "SISMEMBER", command: "sismember", on: p.names, next: (*generator).sismember, targets: goals},
		{name: "lpush", title: "LPUSH", command: "lpush", on: p.lists, next: (*generator).lpush, targets: goals},
		{name: "rpop", title: "RPOP", command: "rpop", on: p.lists, next: (*generator).rpop, mayMiss: true, targets: goals},
		{name: "incr", title: "INCR", command: "incr", on: p.counters, next: (*generator).incr, targets: goals},
		{name: "multi", title: "MULTI, SET, HSET, INCR, EXEC", command: "exec", on: p.strings, also: []*population{p.hashes, p.counters},
			next: func(g *generator, dst []byte) []byte { return g.multi(dst, p) }, replies: 5, targets: map[int]float64{1: 1.3}},
	}
}

// generator appends requests for random places of a population.
type generator struct {
	random  *rand.Rand
	on      *population
	skew    *skew
	only    []byte // the encoded key where there is one board only
	client  int    // which connection it is for
	placed  bool   // x and y are where the client is
	x, y    int
	scratch []byte // the key or member being made
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

func newGenerator(on *population, s *skew, seed uint64) *generator {
	g := &generator{random: newRandom(seed), on: on, skew: s}
	if on.keys == 1 {
		g.only = appendBulk(nil, on.appendKey(nil, 0))
	}
	return g
}

// generator is for one connection: equal seeds give equal requests.
func (w *workload) generator(seed uint64) *generator {
	return newGenerator(w.on, w.skew, seed)
}

func (g *generator) key() int {
	if g.on.keys == 1 {
		return 0
	}
	return g.random.IntN(g.on.keys)
}

func (g *generator) place() int {
	if g.skew != nil {
		return g.skew.place(g.random)
	}
	return g.random.IntN(g.on.size)
}

func (g *generator) zadd(dst []byte) []byte { return g.appendZadd(dst, g.key(), g.place()) }

func (g *generator) appendZadd(dst []byte, board, n int) []byte {
	dst = g.appendKey(append(dst, "*4\r\n$4\r\nZADD\r\n"...), board)
	dst = appendBulkInt(dst, g.random.IntN(1_000_000))
	return g.appendMember(dst, n)
}

func (g *generator) zincrby(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*4\r\n$7\r\nZINCRBY\r\n"...), g.key())
	dst = appendBulkInt(dst, g.random.IntN(1000))
	return g.appendMember(dst, g.place())
}

func (g *generator) zscore(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*3\r\n$6\r\nZSCORE\r\n"...), g.key())
	return g.appendMember(dst, g.place())
}

func (g *generator) zrevrank(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*3\r\n$8\r\nZREVRANK\r\n"...), g.key())
	return g.appendMember(dst, g.place())
}

// mixed is what a game does to its board.
func (g *generator) mixed(dst []byte) []byte {
	switch n := g.random.IntN(10); {
	case n < 7:
		return g.zadd(dst)
	case n < 9:
		return g.zrevrank(dst)
	}
	return g.top10(dst)
}

func (g *generator) top10(dst []byte) []byte { return g.window(dst, 0) }

// window10 asks for ten rows, all of them there.
func (g *generator) window10(dst []byte) []byte {
	return g.window(dst, g.random.IntN(g.on.size-9))
}

func (g *generator) window(dst []byte, rank int) []byte {
	dst = g.appendKey(append(dst, "*5\r\n$9\r\nZREVRANGE\r\n"...), g.key())
	dst = appendBulkInt(dst, rank)
	dst = appendBulkInt(dst, rank+9)
	return append(dst, "$10\r\nWITHSCORES\r\n"...)
}

func (g *generator) get(dst []byte) []byte {
	return g.appendKey(append(dst, "*2\r\n$3\r\nGET\r\n"...), g.key())
}

func (g *generator) set(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*3\r\n$3\r\nSET\r\n"...), g.key())
	return g.appendText(dst)
}

func (g *generator) setnx(dst []byte, key int) []byte {
	dst = g.appendKey(append(dst, "*3\r\n$5\r\nSETNX\r\n"...), key)
	return g.appendMember(dst, key)
}

func (g *generator) incr(dst []byte) []byte {
	return g.appendKey(append(dst, "*2\r\n$4\r\nINCR\r\n"...), g.key())
}

func (g *generator) hget(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*3\r\n$4\r\nHGET\r\n"...), g.key())
	return g.appendMember(dst, g.place())
}

func (g *generator) hset(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*4\r\n$4\r\nHSET\r\n"...), g.key())
	return g.appendFieldValue(dst, g.place())
}

func (g *generator) hsetAll(dst []byte, key int) []byte {
	dst = g.appendKey(append(dst, "*12\r\n$4\r\nHSET\r\n"...), key)
	for n := range g.on.size {
		dst = g.appendFieldValue(dst, n)
	}
	return dst
}

// appendFieldValue appends a field and a value for it: every other field holds numbers.
func (g *generator) appendFieldValue(dst []byte, n int) []byte {
	dst = g.appendMember(dst, n)
	if n%2 == 1 {
		return appendBulkInt(dst, g.random.IntN(1_000_000))
	}
	return g.appendText(dst)
}

func (g *generator) sadd(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*3\r\n$4\r\nSADD\r\n"...), g.key())
	return g.appendMember(dst, g.random.IntN(2*g.on.size)) // half of them are there from the start
}

func (g *generator) saddAll(dst []byte, key int) []byte {
	dst = g.appendKey(append(dst, "*12\r\n$4\r\nSADD\r\n"...), key)
	return g.appendMembers(dst)
}

func (g *generator) sismember(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*3\r\n$9\r\nSISMEMBER\r\n"...), g.key())
	return g.appendMember(dst, g.random.IntN(2*g.on.size))
}

func (g *generator) lpush(dst []byte) []byte {
	dst = g.appendKey(append(dst, "*3\r\n$5\r\nLPUSH\r\n"...), g.key())
	return g.appendText(dst)
}

func (g *generator) rpop(dst []byte) []byte {
	return g.appendKey(append(dst, "*2\r\n$4\r\nRPOP\r\n"...), g.key())
}

func (g *generator) rpushAll(dst []byte, key int) []byte {
	dst = g.appendKey(append(dst, "*12\r\n$5\r\nRPUSH\r\n"...), key)
	return g.appendMembers(dst)
}

// multi is a transaction of three writes to keys that have nothing to do with each other.
func (g *generator) multi(dst []byte, p populations) []byte {
	dst = append(dst, "*1\r\n$5\r\nMULTI\r\n"...)
	for _, part := range []struct {
		on   *population
		next func(*generator, []byte) []byte
	}{{p.strings, (*generator).set}, {p.hashes, (*generator).hset}, {p.counters, (*generator).incr}} {
		g.on = part.on
		dst = part.next(g, dst)
	}
	return append(dst, "*1\r\n$4\r\nEXEC\r\n"...)
}

func (g *generator) appendKey(dst []byte, key int) []byte {
	if g.only != nil {
		return append(dst, g.only...)
	}
	g.scratch = g.on.appendKey(g.scratch[:0], key)
	return appendBulk(dst, g.scratch)
}

// appendText appends a random text of 16 bytes.
func (g *generator) appendText(dst []byte) []byte {
	g.scratch = appendText(g.scratch[:0], g.random.IntN(1_000_000))
	return appendBulk(dst, g.scratch)
}

func (g *generator) appendMembers(dst []byte) []byte {
	for n := range g.on.size {
		dst = g.appendMember(dst, n)
	}
	return dst
}

func (g *generator) appendMember(dst []byte, n int) []byte {
	g.scratch = g.on.member(g.scratch[:0], n)
	return appendBulk(dst, g.scratch)
}

func appendBulk(dst, b []byte) []byte {
	dst = strconv.AppendInt(append(dst, '$'), int64(len(b)), 10)
	dst = append(append(dst, "\r\n"...), b...)
	return append(dst, "\r\n"...)
}

// appendBulkInt appends a number that is not negative as a bulk string.
func appendBulkInt(dst []byte, n int) []byte {
	var digits [20]byte
	return appendBulk(dst, strconv.AppendInt(digits[:0], int64(n), 10))
}

// skew picks places with the frequencies of Zipf's law (exponent 1.1), from a table
// since the law itself costs more than a request. It is the same for all
// connections: they share their favourites.
type skew struct{ table [1 << 16]uint32 }

func newSkew(places int) *skew {
	s := &skew{}
	zipf := rand.NewZipf(rand.New(rand.NewPCG(2, 2)), 1.1, 1, uint64(places-1))
	for i := range s.table {
		// Spread over all members: neighbours in name are not neighbours in fame.
		s.table[i] = uint32(mix(zipf.Uint64()) % uint64(places))
	}
	return s
}

func (s *skew) place(r *rand.Rand) int { return int(s.table[r.Uint64()%uint64(len(s.table))]) }

// words takes the commands of a request apart that have no line breaks in their arguments, and
// fails the test unless they are encoded as a client library would.
func words(t *testing.T, request []byte) (commands [][]string) {
	t.Helper()
	var again []byte
	lines := strings.Split(strings.TrimSuffix(string(request), "\r\n"), "\r\n")
	for len(lines) > 0 {
		end := 1
		for end < len(lines) && lines[end][0] == '$' {
			end += 2
		}
		var command []string
		for i := 2; i < end && i < len(lines); i += 2 { // between the lengths
			command = append(command, lines[i])
		}
		commands = append(commands, command)
		again = harness.AppendCommand(again, command...)
		lines = lines[min(end, len(lines)):]
	}
	if !bytes.Equal(request, again) {
		t.Fatalf("encoded as %q, which should be %q", request, again)
	}
	return commands
}

// workloadLists are those of both servers, of TestPeers, TestBeside and TestPlaces.
func workloadLists(p populations) [][]*workload {
	return [][]*workload{boardWorkloads(p), besideWorkloads(p), placesWorkloads(p)}
}

// allWorkloads are what both servers are measured with.
func allWorkloads() []*workload {
	p := newPopulations(smallestRows)
	return append(slices.Concat(workloadLists(p)...), mixedWorkload(p))
}

// quarrysWorkloads are those that Redis is not measured with, or does not know.
func quarrysWorkloads() []*workload {
	return append(reachWorkloads(newPopulations(smallestRows)), fieldWorkloads(newFields(smallestRows))...)
}

func TestSkewHasFavourites(t *testing.T) {
	const places, draws = 100_000, 100_000
	s, r := newSkew(places), rand.New(rand.NewPCG(3, 3))
	counts := map[int]int{}
	most := 0
	for range draws {
		n := s.place(r)
		if n < 0 || n >= places {
			t.Fatalf("place %d of %d", n, places)
		}
		counts[n]++
		most = max(most, counts[n])
	}
	if most < draws/20 || len(counts) < 1000 {
		t.Errorf("%d places, the favourite %d times of %d", len(counts), most, draws)
	}
}

func TestWorkloadsAreWellFormed(t *testing.T) {
	for _, w := range append(allWorkloads(), quarrysWorkloads()...) {
		g := w.generator(1)
		for range 100 {
			commands := words(t, w.next(g, nil))
			last := commands[len(commands)-1]
			if !slices.Contains(strings.Fields(w.command), strings.ToLower(last[0])) || len(commands) != w.answers() {
				t.Fatalf("%s: %q", w.name, commands)
			}
			if len(commands) == 1 && !strings.HasPrefix(last[1], w.on.prefix) {
				t.Fatalf("%s: %q", w.name, commands)
			}
		}
	}
}

func TestGeneratorsAllocateNothing(t *testing.T) {
	for _, w := range append(allWorkloads(), quarrysWorkloads()...) {
		g, buf := w.generator(1), make([]byte, 0, 4096)
		for range 1000 {
			buf = w.next(g, buf[:0]) // the scratch buffer finds its size
		}
		if n := testing.AllocsPerRun(1000, func() { buf = w.next(g, buf[:0]) }); n != 0 {
			t.Errorf("%s: %v allocations a request", w.name, n)
		}
	}
}

func TestEqualSeedsGiveEqualRequests(t *testing.T) {
	for _, w := range append(allWorkloads(), quarrysWorkloads()...) {
		a, b, c := w.generator(1), w.generator(1), w.generator(2)
		differ := false
		for range 100 {
			one, two, other := w.next(a, nil), w.next(b, nil), w.next(c, nil)
			if !bytes.Equal(one, two) {
				t.Fatalf("%s: %q and %q", w.name, one, two)
			}
			differ = differ || !bytes.Equal(one, other)
		}
		if fixed := w.name == "top10"; differ == fixed {
			t.Errorf("%s: other seeds give other requests: %t", w.name, differ)
		}
	}
}
