package server_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/server"
	"quarry/tests/calls"
	"quarry/tests/harness"
)

// twin is one of two servers that must answer alike.
type twin struct {
	t *testing.T
	s *server.Server
	c session
}

func newTwin(t *testing.T, args ...string) *twin {
	tw := &twin{t: t, s: server.NewTestServer(t, args...)}
	tw.connect()
	return tw
}

func (tw *twin) connect() { tw.c = tw.s.Connect(tw.t) }

// call calls a command; who waits is told that the time is over, and who would wait for ever leaves.
func (tw *twin) call(args []string) []harness.Value {
	tw.c.Feed(encode(args))
	got := tw.turn()
	if got == "" && !tw.c.Gone() {
		tw.c.Due()
		got = tw.turn()
	}
	if got == "" && !tw.c.Gone() {
		if err := tw.c.Leave(); err != nil {
			tw.t.Fatal(err)
		}
	}
	if tw.c.Gone() {
		tw.connect()
	}
	values, err := harness.Values([]byte(got))
	if err != nil {
		tw.t.Fatalf("%s answers %.400q: %v", calls.Quote(args), got, err)
	}
	return values
}

func (tw *twin) turn() string {
	got := tw.c.Turn()
	tw.s.Rest()
	return got + tw.c.Turn()
}

// contents is all data in words, as another client sees it.
func (tw *twin) contents() string {
	own := tw.c
	tw.connect()
	defer func() {
		if err := tw.c.Leave(); err != nil {
			tw.t.Fatal(err)
		}
		tw.c = own
	}()
	var b strings.Builder
	for db := range 2 {
		tw.call([]string{"SELECT", fmt.Sprint(db)})
		keys := tw.call([]string{"KEYS", "*"})[0].Strings()
		slices.Sort(keys)
		for _, key := range keys {
			kind := tw.call([]string{"TYPE", key})[0].Str
			value := tw.call(map[string][]string{
				"string": {"GET", key}, "list": {"LRANGE", key, "0", "-1"}, "zset": {"ZRANGE", key, "0", "-1", "WITHSCORES"},
				"set": {"SMEMBERS", key}, "hash": {"HGETALL", key},
			}[kind])[0]
			elements := value.Strings()
			if kind == "hash" {
				elements = nil
				for pair := range slices.Chunk(value.Strings(), 2) {
					elements = append(elements, strings.Join(pair, ": "))
				}
			}
			if kind == "hash" || kind == "set" {
				slices.Sort(elements)
			}
			fmt.Fprintf(&b, "%d %q %s %s %s\n", db, key, kind, value.Str, strings.Join(elements, ", "))
		}
	}
	return b.String()
}

// answersAlike reports whether a command's answer depends on nothing but the data and, for those answered in
// any order, that.
func answersAlike(s *commands.Spec) bool {
	chance := []string{"SPOP", "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER", "RANDOMKEY", "SCAN", "SSCAN", "HSCAN", "ZSCAN", "OBJECT", "DUMP"}
	clock := []string{"RESTORE", "PEXPIRE", "EXPIRE", "PSETEX", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "WAIT"}
	groups := []commands.Group{commands.StringGroup, commands.HashGroup, commands.SetGroup, commands.SortedSet, commands.ListGroup,
		commands.Generic, commands.Transactions}
	return s.Parent() == nil && slices.Contains(groups, s.Group) && !slices.Contains(chance, s.Name) && !slices.Contains(clock, s.Name)
}

// dependsOnForm reports whether a call's answer does: times so short that they may pass, and what SORT leaves of
// elements that it does not sort.
func dependsOnForm(args []string) bool {
	has := func(word string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return strings.EqualFold(a, word) })
	}
	return has("PX") || strings.HasPrefix(strings.ToUpper(args[0]), "SORT") && has("LIMIT") && has("BY")
}

// alike reports whether answers are the same but for the order of elements.
func alike(a, b harness.Value) bool {
	return reflect.DeepEqual(a, b) || a.Sorted().String() == b.Sorted().String()
}

// FuzzForms makes the same calls to two servers whose values take other forms and lie in other shards: both
// answer alike, and hold the same in the end.
func FuzzForms(f *testing.F) {
	table := commands.NewCommandTable()
	weight := func(s *commands.Spec) int {
		if !answersAlike(s) {
			return 0
		}
		return calls.Weight(s)
	}
	addSeeds(f, 13)
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &decisions{data, rand.NewPCG(1, 2)}
		g := newThemed(rand.New(d), table, weight)
		packed := newTwin(t, "--shards", "1", "--databases", "2")
		other := newTwin(t, "--shards", "8", "--databases", "2", "--zset-max-listpack-entries", "0", "--hash-max-listpack-entries", "3",
			"--set-max-intset-entries", "2", "--set-max-listpack-entries", "4", "--list-max-listpack-size", "1")
		var history []string
		compare := func() {
			if a, b := packed.contents(), other.contents(); a != b {
				t.Fatalf("the contents are\n%.4000s\nand\n%.4000s\nafter:\n%s", a, b, strings.Join(history[max(0, len(history)-60):], "\n"))
			}
		}
		for step := 0; len(d.b) > 0 && step < 400; step++ {
			args := g.Draw()
			switch {
			case g.Chance(12):
				args = large(g, 20_000)
			case dependsOnForm(args):
				continue
			}
			history = append(history, fmt.Sprintf("%.300s", calls.Quote(args)))
			a, b := packed.call(args), other.call(args)
			if !slices.EqualFunc(a, b, alike) {
				t.Fatalf("%.2000v\nand\n%.2000v\nafter:\n%s", a, b, strings.Join(history[max(0, len(history)-60):], "\n"))
			}
			if step%8 == 0 {
				compare()
			}
		}
		compare()
		for _, tw := range []*twin{packed, other} {
			if err := tw.s.Sound(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
