package server

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/server/config"
)

func TestSlowlogKeepsTheLast(t *testing.T) {
	k, _ := testCounters(t, "--slowlog-max-len", "3")
	for range 10 {
		k.slow.add(nil, 2500, words("x"))
	}
	f := func(n int, ids ...int64) {
		t.Helper()
		got := k.slow.last(n)
		if len(got) != len(ids) {
			t.Fatalf("%d: %d entries, want %d", n, len(got), len(ids))
		}
		for i, id := range ids {
			if got[i].ID != id || got[i].DurationUS != 2 {
				t.Errorf("%d: entry %+v, want id %d", n, got[i], id)
			}
		}
	}
	f(-1, 9, 8, 7)
	f(2, 9, 8)
	f(99, 9, 8, 7)
	f(0)
	if err := k.cfg.Set([]config.Pair{{Name: "slowlog-max-len", Value: "1"}}); err != nil {
		t.Fatal(err)
	}
	k.slow.add(nil, 2000, words("x"))
	f(-1, 10)
	k.slow.reset()
	f(-1)
	k.slow.add(nil, 2000, words("x"))
	f(-1, 11)
	if k.slow.length() != 1 {
		t.Errorf("length %d", k.slow.length())
	}
}

// The cuts are those of redis-server.
func TestSlowArgs(t *testing.T) {
	f := func(args, want string, secrets ...int) {
		t.Helper()
		c := &commands.Ctx{}
		c.Begin(nil, words(args))
		for _, i := range secrets {
			c.Secret(i)
		}
		var got []string
		for _, a := range slowArgs(c) {
			got = append(got, string(a))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q, want %q", strings.Join(got, "|"), want)
		}
	}
	f("get k", "get|k")
	f("auth me secret", "auth|(redacted)|(redacted)", 1, 2)
	f("x "+strings.Repeat("y", 128), "x|"+strings.Repeat("y", 128))
	f("x "+strings.Repeat("y", 300), "x|"+strings.Repeat("y", 128)+"... (172 more bytes)")
	f(strings.Repeat("z ", 32), strings.Repeat("z|", 31)+"z")
	f(strings.Repeat("z ", 33), strings.Repeat("z|", 31)+"... (2 more arguments)")
	f(strings.Repeat("z ", 82), strings.Repeat("z|", 31)+"... (51 more arguments)")
}

func TestSlowArgsAreCopies(t *testing.T) {
	c := &commands.Ctx{}
	input := words("get key")
	c.Begin(nil, input)
	args := slowArgs(c)
	copy(input[1], "xxx")
	if string(args[1]) != "key" {
		t.Error("an entry changes with the client's input")
	}
}

// TestSlowlogEntries: who called what, newest first; secrets are not shown, and
// a call that waits is entered when it is served, not when it times out.
func TestSlowlogEntries(t *testing.T) {
	for _, us := range []string{"0", "1000000"} { // timed one by one, and in groups
		s := testServer(t, nil, "--slowlog-log-slower-than", us)
		ada, bob := s.connect(t), s.connect(t)
		entries := func(want ...string) {
			t.Helper()
			var got []string
			for _, e := range s.SlowlogGet(-1) {
				got = append(got, e.Name+": "+string(bytes.Join(e.Args, []byte(" "))))
			}
			if us == "0" && !slices.Equal(got, want) || us != "0" && got != nil {
				t.Errorf("%q, want %q", got, want)
			}
			s.SlowlogReset()
		}
		ada.do("CLIENT SETNAME ada", "+OK|")
		ada.send("HELLO 2 AUTH default secret")
		ada.send("AUTH default secret")
		entries("ada: AUTH (redacted) (redacted)", "ada: HELLO 2 AUTH (redacted) (redacted)", "ada: CLIENT SETNAME ada")
		ada.do("BZPOPMIN q 0", "")
		entries()
		bob.do("ZADD q 1 m", ":1|")
		ada.turn()
		entries("ada: BZPOPMIN q 0", ": ZADD q 1 m")
		ada.do("BZPOPMIN q 0.001", "")
		ada.Expired()
		ada.turn()
		entries()
		bob.send("ZADD q 1 m")
		ada.do("BZPOPMIN q 0", "*3|$1|q|$1|m|$1|1|")
		entries("ada: BZPOPMIN q 0", ": ZADD q 1 m")
	}
}
