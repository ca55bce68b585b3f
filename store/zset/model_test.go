package zset

import (
	crand "crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"testing"
)

// The public API of Set against the oracle of testkit_test.go: random calls,
// every answer compared, Check after every few of them, and at the end not a
// byte left. A run is decided by its seed alone.
//
//	go test ./store/zset -run Model -long          minutes instead of seconds
//	go test ./store/zset -run 'TestModel$' -seed=7 one run again
//	go test ./store/zset -run xxx -fuzz FuzzModel -fuzzminimizetime 1x

var (
	long    = flag.Bool("long", false, "run the model tests for minutes instead of seconds")
	oneSeed = flag.Uint64("seed", 0, "run the model test with this seed only")
)

// failedSeeds are those of TestModel that once found something. They run first, for ever.
var failedSeeds = []uint64{
	80, 120, // two leaves passed rows back and forth without making room
	64, 81, 110, // a guessed length of 0 passed for that of a long string in a listpack
}

// seeds are the failed ones, n fixed ones, and a fresh one.
func seeds(n int) []uint64 {
	if *oneSeed != 0 {
		return []uint64{*oneSeed}
	}
	switch {
	case *long:
		n *= 30
	case underRace:
		n = max(1, n/10)
	}
	list := append([]uint64{}, failedSeeds...)
	for i := range n {
		list = append(list, uint64(i+1))
	}
	var fresh [8]byte
	_, _ = crand.Read(fresh[:]) // never fails
	return append(list, binary.LittleEndian.Uint64(fresh[:]))
}

// scaled is a number of rows or steps, as this run can afford it.
func scaled(n int) int {
	switch {
	case *long:
		return 4 * n
	case underRace:
		return n / 10
	}
	return n
}

// ---- a set and its oracle ----

// model is a set under test and what must be true of it.
type model struct {
	*kit
	src       source
	shard     int
	set       Set
	want      *oracle
	members   memberKind
	scores    scoreKind
	universe  int // members have ids below it
	made      int // scores made
	outgrew   bool
	extras    map[string]wantExtra // of a valued set's rows, removed ones too; else nil
	small     int                  // bytes that a packed form would take at most
	step      int
	doing     string // for messages
	unchecked int    // changes since the last check
	it        Iter
	builder   Builder
}

func (k *kit) newModel(src source, members memberKind, scores scoreKind, universe int) *model {
	m := &model{kit: k, src: src, want: newOracle(), members: members, scores: scores, universe: universe}
	m.create()
	k.models = append(k.models, m)
	return m
}

func (m *model) env() *Env { return m.envs[m.shard] }

// fail ends the test with what was being done.
func (m *model) fail(format string, args ...any) {
	m.Helper()
	m.Fatalf("%s of %q with scores %q, step %d, %d members, %s: %s", m.set.Handle().Enc.Name(), m.members.name, m.scores.name,
		m.step, len(m.want.scores), m.doing, fmt.Sprintf(format, args...))
}

func (m *model) do(format string, args ...any) {
	m.step++
	m.doing = fmt.Sprintf(format, args...)
}

func (m *model) member() []byte {
	return m.members.of(m.src.intN(m.universe))
}

func (m *model) score() float64 {
	m.made++
	return m.scores.next(m.src, m.made)
}

// short is a member for messages.
func short(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%.30q... of %d", b, len(b))
	}
	return fmt.Sprintf("%q", b)
}

// ---- one change each ----

// flagSets are the combinations that ZADD takes.
var flagSets = []Flags{0, 0, 0, 0, NX, XX, GT, LT, XX | GT, XX | LT}

func (m *model) add() {
	f := flagSets[m.src.intN(len(flagSets))]
	score := m.score()
	if m.src.intN(4) == 0 {
		f |= Incr
		score = m.increment()
	}
	m.addMember(m.member(), score, f)
}

func (m *model) increment() float64 {
	switch m.src.intN(12) {
	case 0:
		return pick(m.src, math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 1e-300, 1e300)
	case 1, 2:
		return m.score()
	}
	return float64(m.src.intN(2001)-1000) / pick(m.src, 1, 1, 1, 3)
}

func (m *model) addMember(member []byte, score float64, f Flags) {
	m.do("add %v %s flags %05b", score, short(member), f)
	wantOutcome, wantNow := m.want.add(string(member), score, f)
	if m.extras != nil {
		m.put(member, wantNow, wantOutcome == Added)
		return
	}
	outcome, now := m.set.Add(member, score, f)
	if outcome != wantOutcome || math.Float64bits(now) != math.Float64bits(wantNow) {
		m.fail("outcome %d, score %v; want %d, %v", outcome, now, wantOutcome, wantNow)
	}
	m.small += len(member) + 12
	if outcome == Added && (len(m.want.scores) > m.limits.PackedEntries || len(member) > m.limits.PackedValue) {
		m.outgrew = true
		if m.set.Handle().Enc == Packed {
			m.fail("still packed")
		}
	}
}

func (m *model) remove(member []byte) {
	m.do("remove %s", short(member))
	want := m.want.remove(string(member))
	if got := m.set.Remove(member); got != want {
		m.fail("removed %v, want %v", got, want)
	}
}

// removeRange removes from somewhere, mostly a few, sometimes past the end.
func (m *model) removeRange(most int) {
	start := m.src.intN(len(m.want.scores) + 1)
	m.removeRanks(start, m.src.intN(most+1), m.src.intN(3) > 0)
}

func (m *model) removeRanks(start, n int, call bool) {
	m.do("remove %d from rank %d", n, start)
	rows := m.want.rows()
	want := append([]pair{}, rows[start:min(start+n, len(rows))]...)
	calls := 0
	fn := func(member []byte, score float64) {
		if calls >= len(want) || want[calls] != (pair{string(member), score}) {
			m.fail("call %d is %s, %v", calls, short(member), score)
		}
		calls++
	}
	if !call {
		fn, calls = nil, len(want)
	}
	if got := m.set.RemoveRange(start, n, fn); got != len(want) || calls != got {
		m.fail("removed %d with %d calls, want %d", got, calls, len(want))
	}
	m.want.order = append(rows[:start], rows[start+len(want):]...)
	for _, r := range want {
		delete(m.want.scores, r.member)
		if m.want.gone != nil {
			m.want.gone[r.member] = true
		}
	}
}

// reopen looks at the set through its name.
func (m *model) reopen() {
	m.do("open again")
	h := m.set.Handle()
	m.set = Set{}
	m.env().Open(h, &m.set)
}

// move takes the set to the other shard.
func (m *model) move() {
	m.do("move to the other shard")
	to := 1 - m.shard
	h := m.env().MoveTo(m.set.Handle(), m.envs[to])
	m.shard = to
	m.set = Set{}
	m.env().Open(h, &m.set)
}

// copy goes on with a copy, in this shard or the other, after the original has been changed and freed.
func (m *model) copy() {
	m.do("copy")
	to := m.src.intN(2)
	h := m.env().CopyTo(m.set.Handle(), m.envs[to])
	if err := check(&m.set); err != nil {
		m.fail("the original: %v", err)
	}
	if m.set.Len() > 0 {
		m.set.RemoveRange(m.src.intN(m.set.Len()), 1+m.src.intN(10), nil)
	}
	if m.extras != nil {
		m.set.Put([]byte("not in the copy"), 1, []byte("value"), []byte("tail"), false)
	} else {
		m.set.Add([]byte("not in the copy"), 1, 0)
	}
	m.env().Free(m.set.Handle())
	m.shard = to
	m.set = Set{}
	m.env().Open(h, &m.set)
	m.compareAll()
}

// startOver frees the set and begins with an empty one.
func (m *model) startOver() {
	m.do("free and create")
	m.env().Free(m.set.Handle())
	m.want = newOracle()
	m.set, m.outgrew, m.small = Set{}, false, 0
	m.create()
}

func (m *model) create() {
	if m.extras != nil {
		m.env().CreateValued(&m.set)
	} else {
		m.env().Create(&m.set)
	}
}

// ---- one question each ----

func (m *model) askMember(member []byte) {
	m.do("ask for %s", short(member))
	want, there := m.want.scores[string(member)]
	got, ok := m.set.Score(member)
	if ok != there || math.Float64bits(got) != math.Float64bits(want) {
		m.fail("score %v, %v; want %v, %v", got, ok, want, there)
	}
	wantRank := 0
	if there {
		wantRank = m.want.rank(pair{string(member), want})
	}
	rank, got, ok := m.set.Rank(member)
	if ok != there || rank != wantRank || math.Float64bits(got) != math.Float64bits(want) {
		m.fail("rank %d, score %v, %v; want %d, %v, %v", rank, got, ok, wantRank, want, there)
	}
	if m.extras != nil {
		row, ok := m.set.Row(member)
		if ok != there {
			m.fail("it has a row: %v", ok)
		}
		if there {
			m.compareRow(member, row)
		}
	}
}

// someScore is a score that is there, or next to one, or any.
func (m *model) someScore() float64 {
	if rows := m.want.rows(); len(rows) > 0 && m.src.intN(4) > 0 {
		s := rows[m.src.intN(len(rows))].score
		return pick(m.src, s, s, math.Nextafter(s, math.Inf(1)), math.Nextafter(s, math.Inf(-1)))
	}
	return pick(m.src, math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 42, 1e6)
}

func (m *model) askCount() {
	score := m.someScore()
	for _, inclusive := range []bool{false, true} {
		m.do("count below %v, inclusive %v", score, inclusive)
		want := m.want.countBelow(func(r pair) bool { return r.score < score || inclusive && r.score == score })
		if got := m.set.CountBelow(score, inclusive); got != want {
			m.fail("%d, want %d", got, want)
		}
	}
}

// askLex counts by member, in sets whose scores are all equal.
func (m *model) askLex() {
	rows := m.want.rows()
	if len(rows) == 0 || rows[0].score != rows[len(rows)-1].score {
		return
	}
	bound := m.member()
	switch m.src.intN(4) {
	case 0:
		bound = append(bound, 0)
	case 1:
		bound = bound[:m.src.intN(len(bound)+1)]
	}
	for _, inclusive := range []bool{false, true} {
		m.do("count below %s, inclusive %v", short(bound), inclusive)
		s := string(bound)
		want := m.want.countBelow(func(r pair) bool { return r.member < s || inclusive && r.member == s })
		if got := m.set.CountBelowLex(bound, inclusive); got != want {
			m.fail("%d, want %d", got, want)
		}
	}
}

// walk compares up to n rows from some rank on.
func (m *model) walk(n int) {
	size := len(m.want.scores)
	if size == 0 {
		return
	}
	m.walkFrom(m.src.intN(size), n, m.src.intN(2) == 0)
}

func (m *model) walkFrom(rank, n int, reverse bool) {
	m.do("walk from rank %d, reverse %v", rank, reverse)
	rows := m.want.rows()
	m.it.Seek(&m.set, rank, reverse)
	for ; n > 0; n-- {
		there := rank >= 0 && rank < len(rows)
		if m.it.Next() != there {
			m.fail("at rank %d there is one: %v", rank, !there)
		}
		if !there {
			return
		}
		member, score := m.it.Member(), m.it.Score()
		if r := rows[rank]; string(member) != r.member || math.Float64bits(score) != math.Float64bits(r.score) {
			m.fail("rank %d is (%s, %v), want (%s, %v)", rank, short(member), score, short([]byte(r.member)), r.score)
		}
		if m.extras != nil {
			m.compareRow(member, m.it.Row())
		}
		if rank++; reverse {
			rank -= 2
		}
	}
}

// scan goes through the whole set while it changes, and checks the guarantee: who was
// there all the time was passed.
func (m *model) scan() {
	there := make([]string, 0, len(m.want.scores))
	for member := range m.want.scores {
		there = append(there, member)
	}
	m.want.gone = map[string]bool{}
	seen := map[string]bool{}
	count := 1 + m.src.intN(20)
	changes := m.src.intN(4) * m.src.intN(20)
	cursor := uint64(0)
	for calls := 0; ; calls++ {
		if cursor = m.scanPart(cursor, count, seen); cursor == 0 {
			break
		}
		if calls > 2*m.universe+1000 {
			m.fail("no end after %d calls", calls)
		}
		for range changes {
			m.change()
		}
		if calls == 200 {
			changes = 0
		}
	}
	for _, member := range there {
		if !seen[member] && !m.want.gone[member] {
			m.fail("%s was not passed", short([]byte(member)))
		}
	}
	m.want.gone = nil
}

func (m *model) scanPart(cursor uint64, count int, seen map[string]bool) uint64 {
	m.do("scan %#x, count %d", cursor, count)
	passed := 0
	pass := func(member []byte, score float64) {
		passed++
		if want, ok := m.want.scores[string(member)]; !ok || want != score {
			m.fail("passed %s, %v; it is there: %v, with %v", short(member), score, ok, want)
		}
		seen[string(member)] = true
	}
	var next uint64
	if m.extras != nil {
		next = m.set.ScanRows(cursor, count, func(member []byte, r Row) {
			pass(member, scoreOf(r.Key))
			m.compareRow(member, r)
		})
	} else {
		next = m.set.Scan(cursor, count, pass)
	}
	if next != 0 && passed < count {
		m.fail("%d passed, next %#x", passed, next)
	}
	return next
}

// check walks the set's own structure, and compares what is cheap to compare.
func (m *model) check() {
	m.Helper()
	if n := m.set.Len(); n != len(m.want.scores) {
		m.fail("Len %d, want %d", n, len(m.want.scores))
	}
	if enc := m.set.Handle().Enc; enc != Packed && !m.outgrew && m.small < 30_000 && m.extras == nil {
		m.fail("not packed, and never outgrew it")
	}
	if err := check(&m.set); err != nil {
		m.fail("%v", err)
	}
}

// compareAll compares every row, by every way that leads to it.
func (m *model) compareAll() {
	m.check()
	m.checkMemory()
	rows := m.want.rows()
	m.walkFrom(0, len(rows)+1, false)
	if len(rows) > 0 {
		m.walkFrom(len(rows)-1, len(rows)+1, true)
	}
	for i, r := range rows {
		if rank, score, ok := m.set.Rank([]byte(r.member)); rank != i || score != r.score || !ok {
			m.fail("Rank of %s is %d, %v, %v; want %d, %v", short([]byte(r.member)), rank, score, ok, i, r.score)
		}
	}
	seen := map[string]bool{}
	for cursor := m.scanPart(0, 100, seen); cursor != 0; {
		cursor = m.scanPart(cursor, 100, seen)
	}
	if len(seen) != len(rows) {
		m.fail("a scan of a quiet set passed %d", len(seen))
	}
}

// ---- random runs ----

// change changes the set a little.
func (m *model) change() {
	switch m.src.intN(8) {
	case 0, 1:
		m.remove(m.member())
	case 2:
		m.removeRange(3)
	default:
		m.add()
	}
}

// ask asks something.
func (m *model) ask() {
	switch m.src.intN(8) {
	case 0, 1, 2:
		m.askMember(m.member())
	case 3, 4:
		m.askCount()
	case 5:
		m.askLex()
	default:
		m.walk(1 + m.src.intN(50))
	}
}

// rare does what happens seldom.
func (m *model) rare() {
	switch m.src.intN(9) {
	case 8:
		m.copy()
	case 0:
		m.scan()
	case 1:
		m.move()
	case 2:
		m.compareAll()
	case 3:
		m.removeRange(len(m.want.scores))
	case 4:
		m.limits.PackedEntries = []int{0, 4, 128, 500}[m.src.intN(4)]
	case 5:
		if m.src.intN(3) == 0 {
			m.startOver()
		}
	default:
		m.reopen()
	}
}

// phases are the ways a run can lean: how many of 16 steps add, remove one, ask; the rest is a mixture.
var phases = []struct{ add, remove, ask int }{{12, 1, 2}, {5, 5, 3}, {1, 11, 2}, {3, 1, 10}}

// turn is one random step of a phase.
func (m *model) turn(phase int) {
	p := phases[phase]
	switch n := m.src.intN(16); {
	case n < p.add:
		m.add()
	case n < p.add+p.remove:
		m.remove(m.existing())
	case n < p.add+p.remove+p.ask:
		m.ask()
	default:
		m.change()
	}
	if m.src.intN(64) == 0 {
		m.rare()
	}
	if n := len(m.want.scores); n < 40 || m.step%(n/8) == 0 {
		m.check()
	}
}

// existing is a member that is there, if any is.
func (m *model) existing() []byte {
	if rows := m.want.rows(); len(rows) > 0 {
		return []byte(rows[m.src.intN(len(rows))].member)
	}
	return m.member()
}

// randomLimits force trees at small sizes, or leave the sets packed for long.
func randomLimits(src source) Limits {
	return Limits{
		PackedEntries: []int{0, 4, 20, 128, 128, 1000}[src.intN(6)],
		PackedValue:   []int{0, 16, 64, 64, 400}[src.intN(5)],
	}
}

// randomModel is a model of kinds and size that the source decides.
func (k *kit) randomModel(src source, most int, valued bool) *model {
	universe := []int{6, 40, 150, 700, 2500, 6000}[src.intN(6)]
	m := k.newModel(src, memberKinds[src.intN(len(memberKinds))], scoreKinds[src.intN(len(scoreKinds))], min(universe, most))
	if valued {
		m.makeValued()
	}
	return m
}

// TestModel runs every kind of members with every kind of scores, over and over in part.
func TestModel(t *testing.T) {
	for _, seed := range seeds(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Logf("replay: go test ./store/zset -run 'TestModel$' -seed=%d", seed)
			for _, valued := range []bool{false, true} {
				src := newSeeded(seed)
				k := newKit(t, randomLimits(src))
				m := k.randomModel(src, 6000, valued)
				for range 2 + src.intN(5) {
					phase := src.intN(len(phases))
					for range src.intN(1 + min(2*m.universe, 1500)) {
						m.turn(phase)
					}
				}
				m.compareAll()
				k.close()
			}
		})
	}
}

// TestModelNeighbours runs several sets in one heap, in turns.
func TestModelNeighbours(t *testing.T) {
	for _, seed := range seeds(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Logf("replay: go test ./store/zset -run TestModelNeighbours -seed=%d", seed)
			src := newSeeded(seed)
			k := newKit(t, randomLimits(src))
			for i := range 2 + src.intN(10) {
				k.randomModel(src, 700, i%3 == 2)
			}
			for range 300 {
				m := k.models[src.intN(len(k.models))]
				phase := src.intN(len(phases))
				for range 1 + src.intN(20) {
					m.turn(phase)
				}
			}
			for _, m := range k.models {
				m.compareAll()
			}
			k.close()
		})
	}
}

// TestModelPairs takes every kind of members and of scores up through all
// forms of a set and down again, once.
func TestModelPairs(t *testing.T) {
	for i, members := range memberKinds {
		for j, scores := range scoreKinds {
			if !*long && (i+j)%4 != 0 {
				continue
			}
			t.Run(members.name+"/"+scores.name, func(t *testing.T) {
				k := newKit(t, Limits{PackedEntries: 20, PackedValue: 64})
				m := k.newModel(newSeeded(uint64(100*i+j+1)), members, scores, 600)
				for phase := range phases {
					for range scaled(300) {
						m.turn(phase)
					}
				}
				m.compareAll()
				k.close()
			})
		}
	}
}

// ---- many rows ----

// TestModelMany builds sets of several levels, updates, and takes them down.
func TestModelMany(t *testing.T) {
	for _, c := range []struct {
		members, scores, n int
		shuffled           bool
	}{
		{1, 0, 100_000, true},  // player ids, random scores
		{1, 3, 40_000, false},  // ascending
		{2, 4, 30_000, false},  // hex, descending
		{0, 1, 40_000, true},   // numbers, all equal: the order is the members'
		{9, 1, 15_000, true},   // lengths around the limits, all equal
		{8, 11, 10_000, true},  // separators over 255 bytes
		{7, 2, 20_000, true},   // long common prefix, five scores
		{11, 0, 12_000, true},  // some out of line
		{4, 6, 20_000, true},   // binary, fractions
		{10, 10, 20_000, true}, // 0 to 300 bytes, geohashes
		{12, 1, 2_000, true},   // all out of line, all equal
	} {
		members, scores := memberKinds[c.members], scoreKinds[c.scores]
		t.Run(members.name+"/"+scores.name, func(t *testing.T) {
			c.n = scaled(c.n)
			k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
			m := k.newModel(newSeeded(1), members, scores, c.n)
			m.want.bulk = true
			m.growTo(c.n, c.shuffled)
			m.updateMany(c.n / 2)
			m.shrink()
			m.growTo(c.n/8, true)
			k.close()
		})
	}
}

// growTo adds the members of all ids below n.
func (m *model) growTo(n int, shuffled bool) {
	ids := make([]int, n)
	for i := range ids {
		j := i
		if shuffled {
			j = m.src.intN(i + 1)
		}
		ids[i], ids[j] = ids[j], i
	}
	for _, id := range ids {
		m.addMember(m.members.of(id), m.score(), 0)
		m.checkSometimes()
	}
	m.compareAll()
}

// checkSometimes checks when as many changes were made as half the rows are, so
// that checking costs no more than changing.
func (m *model) checkSometimes() {
	if m.unchecked++; m.unchecked > len(m.want.scores)/2 {
		m.check()
		m.unchecked = 0
	}
}

// updateMany changes scores: by ZADD, by increments, and by remove and add.
func (m *model) updateMany(n int) {
	for i := range n {
		member := m.member()
		switch i % 4 {
		case 0:
			m.remove(member)
			m.addMember(member, m.score(), 0)
		case 1:
			m.addMember(member, m.increment(), Incr)
		default:
			m.addMember(member, m.score(), 0)
		}
		m.checkSometimes()
	}
	m.compareAll()
}

// shrink removes rows in long ranges, then one by one in random order, then from the front, until none is left.
func (m *model) shrink() {
	n := len(m.want.scores)
	for len(m.want.scores) > n/2 {
		m.removeRanks(m.src.intN(len(m.want.scores)*3/4), n/20, true)
		m.check()
	}
	m.compareAll()
	for len(m.want.scores) > n/8 {
		m.remove(m.member())
		m.checkSometimes()
	}
	m.compareAll()
	for i := 0; len(m.want.scores) > 0; i++ {
		m.removeRanks(0, 1+i%3, false)
		m.checkSometimes()
	}
	m.compareAll()
}

// A set of many rows that loses nearly all of them gives nearly all of its memory back,
// whichever rows they are.
func TestMassDeletionGivesMemoryBack(t *testing.T) {
	n := scaled(40_000)
	for name, remove := range map[string]func(m *model){
		"by range": func(m *model) { m.removeRanks(100, n-200, false) },
		"random": func(m *model) {
			for len(m.want.scores) > 200 {
				m.remove(m.member())
			}
		},
		"all but every 300th": func(m *model) {
			for i := range n {
				if i%300 != 0 {
					m.remove(m.members.of(i))
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
			m := k.newModel(newSeeded(1), memberKinds[1], scoreKinds[0], n)
			m.want.bulk = true
			m.growTo(n, true)
			before := m.set.Bytes()
			remove(m)
			m.compareAll()
			if after := m.set.Bytes(); after > before/8 {
				t.Errorf("%d rows took %d bytes, %d still take %d", n, before, m.set.Len(), after)
			}
			k.close()
		})
	}
}

// Dropping a large set is a matter of handles: what Free leaves, Reclaim returns in parts.
func TestFreeThenReclaimInParts(t *testing.T) {
	k := newKit(t, Limits{})
	m := k.newModel(newSeeded(1), memberKinds[11], scoreKinds[0], 20_000)
	m.want.bulk = true
	m.growTo(20_000, false)
	used := k.region.Used()
	m.startOver()
	if now := k.region.Used(); now < used {
		t.Errorf("Free gave back %d pages itself", used-now)
	}
	parts := 1
	for ; m.env().Reclaim(2); parts++ {
		if now := k.region.Used(); now < used-2 {
			t.Fatalf("Reclaim(2) gave back %d pages", used-now)
		} else {
			used = now
		}
	}
	if parts < 5 {
		t.Errorf("%d parts", parts)
	}
	m.addMember([]byte("a"), 1, 0)
	m.compareAll()
	k.close()
}

// Hot calls on sets of every form allocate nothing.
func TestHotCallsAllocateNothing(t *testing.T) {
	for _, n := range []int{100, 500, 20_000} {
		k := newKit(t, Limits{PackedEntries: 128, PackedValue: 64})
		m := k.newModel(newSeeded(1), memberKinds[1], scoreKinds[0], n)
		m.want.bulk = true
		m.growTo(n, true)
		members := make([][]byte, n)
		for i := range members {
			members[i] = m.members.of(i)
		}
		h := m.set.Handle()
		var s Set // a session keeps one, and an Iter
		i := 0
		if got := testing.AllocsPerRun(2000, func() {
			m.env().Open(h, &s)
			i++
			member := members[i*7919%n]
			s.Score(member)
			rank, _, _ := s.Rank(member)
			s.CountBelow(float64(i), true)
			s.Add(member, 1, Incr)
			s.Add(member, float64(i*7919%1_000_000), 0)
			m.it.Seek(&s, rank, true)
			for j := 0; j < 10 && m.it.Next(); j++ {
				sink += len(m.it.Member()) + int(m.it.Score())
			}
			h = s.Handle()
		}); got != 0 {
			t.Errorf("%d rows (%s): %v allocations", n, h.Enc.Name(), got)
		}
		k.envs[0].Open(h, &m.set)
		k.close()
	}
}

// FuzzModel lets the fuzzer decide what TestModel leaves to chance.
func FuzzModel(f *testing.F) {
	for seed := range uint64(8) {
		src := newSeeded(seed)
		b := make([]byte, 400)
		for i := range b {
			b[i] = byte(src.intN(256))
		}
		f.Add(b, seed%2 == 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, valued bool) {
		src := &fuzzed{b}
		k := newKit(t, randomLimits(src))
		m := k.randomModel(src, 700, valued)
		for !src.done() {
			m.turn(src.intN(len(phases)))
		}
		m.compareAll()
		k.close()
	})
}
