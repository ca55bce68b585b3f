package server

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"quarry/commands"
)

// logOf is the commands of lines, words separated by blanks.
func logOf(lines string) (log [][][]byte) {
	for line := range strings.Lines(lines) {
		if words := bytes.Fields([]byte(line)); len(words) > 0 {
			log = append(log, words)
		}
	}
	return log
}

// replay runs a log and returns the error of what it ends with.
func (s *Server) replay(workers int, log [][][]byte) error {
	r := newReplayer(s, workers)
	for _, args := range log {
		if r.Apply(args) != nil {
			break
		}
	}
	return r.Finish()
}

// TestReplay: whatever the number of workers, in order for each key, transactions and databases included.
func TestReplay(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 100} {
		s := testServer(t, nil)
		err := s.replay(workers, logOf(`
			SET a 1
			APPEND a 2
			SELECT 1
			RPUSH list one two
			MULTI
			RPUSH list three
			SELECT 2
			SET inside tx
			SELECT 1
			EXEC
			RPUSH other x
			LMOVE list other LEFT RIGHT
			SELECT 0
			MSET b 1 c 2 d 3 e 4
			RENAME b a2
			INCR c
			SET gone 1 PXAT 1000
			APPEND gone 2
			SWAPDB 2 3
			MULTI
			SET halfway 1
		`))
		if err != nil {
			t.Fatal(err)
		}
		c := s.connect(t)
		for _, step := range [][2]string{
			{"GET a", "$2|12|"}, {"GET c", "$1|3|"}, {"GET a2", "$1|1|"}, {"EXISTS b d e halfway", ":2|"}, {"EXISTS gone", ":0|"},
			{"SELECT 1", "+OK|"}, {"LRANGE list 0 -1", "*2|$3|two|$5|three|"}, {"LRANGE other 0 -1", "*2|$1|x|$3|one|"},
			{"SELECT 3", "+OK|"}, {"GET inside", "$2|tx|"},
		} {
			c.do(step[0], step[1])
		}
	}
}

// TestReplayKeepsOrder: many commands on few keys, some of several keys, against the same one by one.
func TestReplayKeepsOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for i := range 20_000 {
		a, b := rnd.IntN(40), rnd.IntN(40)
		switch n := rnd.IntN(400); {
		case n == 0:
			fmt.Fprintf(&text, "RENAME a%d a%d\nRPUSH a%d again\n", a, b, a)
		case n == 1:
			fmt.Fprintf(&text, "LMOVE a%d a%d LEFT LEFT\n", a, b)
		case n == 2:
			fmt.Fprintf(&text, "SELECT %d\n", rnd.IntN(3))
		case n < 20:
			fmt.Fprintf(&text, "LPOP a%d\n", a)
		case n < 40:
			fmt.Fprintf(&text, "MULTI\nRPUSH a%d m%d\nRPUSH a%d m%d\nEXEC\n", a, i, b, i)
		default:
			fmt.Fprintf(&text, "RPUSH a%d %d\n", a, i)
		}
	}
	var first strings.Builder
	for db := range 3 {
		fmt.Fprintf(&first, "SELECT %d\n", db)
		for i := range 40 {
			fmt.Fprintf(&first, "RPUSH a%d first\n", i)
		}
	}
	log := logOf(first.String() + text.String())
	one := testServer(t, nil)
	if err := one.replay(1, log); err != nil {
		t.Fatal(err)
	}
	want := dumpLists(t, one)
	for _, workers := range []int{2, 16} {
		s := testServer(t, nil)
		if err := s.replay(workers, log); err != nil {
			t.Fatal(err)
		}
		if got := dumpLists(t, s); got != want {
			t.Errorf("%d workers give other lists than one", workers)
		}
	}
}

func dumpLists(t *testing.T, s *Server) string {
	c := s.connect(t)
	var text strings.Builder
	for db := range 3 {
		c.send("SELECT " + strconv.Itoa(db))
		for i := range 40 {
			text.WriteString(c.send(fmt.Sprintf("LRANGE a%d 0 -1", i)))
		}
	}
	return text.String()
}

// TestReplayFails: at the first command that does, which the error names.
func TestReplayFails(t *testing.T) {
	f := func(log, want string) {
		t.Helper()
		s := testServer(t, nil)
		for _, workers := range []int{1, 3} {
			err := s.replay(workers, logOf(log))
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%q: got %v, want %s", log, err, want)
			}
		}
	}
	f("SET s 1\nRPUSH l x\nLPUSH s x\nSET s 2\n", `command 3 of the log, "LPUSH" "s" "x": WRONGTYPE`)
	f("SET s 1\nMULTI\nLPUSH s x\nEXEC\nSET s 2\n", `command 3 of the log, "LPUSH" "s" "x": WRONGTYPE`)
	f("SET s 1\nNOSUCH s a b c\n", `command 2 of the log, "NOSUCH" "s" "a" ...: ERR unknown command`)
	f("SET s\n", `command 1 of the log, "SET" "s": ERR wrong number of arguments`)
	f("SET s 1 2\n", `command 1 of the log, "SET" "s" "1" ...: ERR syntax error`)
	f("SELECT 16\n", `command 1 of the log, "SELECT" "16": there are 16 databases`)
	f("SELECT x\n", `command 1 of the log, "SELECT" "x": there are 16 databases`)
	f("EXEC\n", `command 1 of the log, "EXEC": it is in no transaction`)
	f("MULTI\nMULTI\n", `command 2 of the log, "MULTI": it is in a transaction`)
	f("SHUTDOWN\n", `command 1 of the log, "SHUTDOWN": it changes nothing`)
	f("CONFIG SET maxmemory 1\n", `command 1 of the log, "CONFIG" "SET" "maxmemory" ...: it changes nothing`)
	f("MSET a 1 b\n", `command 1 of the log, "MSET" "a" "1" ...: ERR wrong number of arguments`)
	f("ZUNIONSTORE a b c\n", `command 1 of the log, "ZUNIONSTORE" "a" "b" ...: ERR value is not an integer`)
	f("BLPOP l 0\nBLPOP l x\n", `command 2 of the log, "BLPOP" "l" "x": ERR timeout is not a float`)
}

// TestReplayPanics: one is a failure like others, wherever the command runs.
func TestReplayPanics(t *testing.T) {
	f := func(name string, flags commands.Flag, keys []commands.Keys) {
		t.Helper()
		s := testServer(t, commands.NewTable([]commands.Spec{{
			Name: name, Group: commands.Generic, Since: "1.0.0", Summary: "Panics at b", Complexity: "O(1)",
			Arity: -2, Flags: commands.Write | commands.Verbatim | flags, Keys: keys,
			Run: func(c *commands.Ctx) {
				if string(c.Args[1]) == "b" {
					panic("halfway")
				}
			},
		}}))
		err := s.replay(2, logOf(name+" a\n"+name+" b\n"+name+" c\n"))
		if err == nil || !strings.HasPrefix(err.Error(), `command 2 of the log, "`+name+`" "b": panic: halfway`) {
			t.Errorf("got %v", err)
		}
	}
	f("KEYED", 0, commands.KeyAt(1, commands.RW))
	f("KEYLESS", commands.AllShards, nil)
}

// TestReplayOfLongCommands: also longer than a batch has room for.
func TestReplayOfLongCommands(t *testing.T) {
	s := testServer(t, nil)
	long := bytes.Repeat([]byte("x"), 3*batchBytes)
	members := [][]byte{[]byte("SADD"), []byte("set")}
	for i := range 20 * batchCalls {
		members = append(members, strconv.AppendInt(nil, int64(i), 10))
	}
	log := logOf("APPEND s one\n")
	log = append(log, [][]byte{[]byte("APPEND"), []byte("s"), long}, members)
	log = append(log, logOf("APPEND s two\nSADD set more\nMULTI\nSELECT 2\n")...)
	log = append(log, [][]byte{[]byte("APPEND"), []byte("s"), long}, members)
	log = append(log, logOf("EXEC\n")...)
	if err := s.replay(2, log); err != nil {
		t.Fatal(err)
	}
	c := s.connect(t)
	c.do("STRLEN s", fmt.Sprintf(":%d|", len(long)+6))
	c.do("SCARD set", fmt.Sprintf(":%d|", 20*batchCalls+1))
	c.do("SELECT 2", "+OK|")
	c.do("STRLEN s", fmt.Sprintf(":%d|", len(long)))
	c.do("SCARD set", fmt.Sprintf(":%d|", 20*batchCalls))
}

// TestReplayIgnoresLimits: what was there when the log was written fits, whatever the options say now.
func TestReplayIgnoresLimits(t *testing.T) {
	s := testServer(t, nil, "--maxmemory", "1", "--proto-max-bulk-len", "1048576")
	if err := s.replay(2, logOf("SET a 1\nSETRANGE b 2000000 x\nCOPY b c\n")); err != nil {
		t.Fatal(err)
	}
	c := s.connect(t)
	c.do("STRLEN c", ":2000001|")
	c.do("SET a 1", "-"+commands.ErrOOM+"|")
}

// TestReplayGivesMemoryBack: of what the log has dropped, while it runs.
func TestReplayGivesMemoryBack(t *testing.T) {
	s := testServer(t, nil)
	r := newReplayer(s, 2)
	value := bytes.Repeat([]byte("x"), 1<<20)
	for range 300 {
		if err := r.Apply([][]byte{[]byte("SET"), []byte("k"), value}); err != nil {
			t.Fatal(err)
		}
		if err := r.Apply(logOf("DEL k")[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Finish(); err != nil {
		t.Fatal(err)
	}
	if used := s.store.Memory().UsedPeak; used > 150<<20 {
		t.Errorf("took %d bytes for one value of 1 MB at a time", used)
	}
}

// TestReplayIsSilent: nobody is told of the keys that come.
func TestReplayIsSilent(t *testing.T) {
	s := testServer(t, nil, "--notify-keyspace-events", "KEAn")
	c := s.connect(t)
	c.send("PSUBSCRIBE *")
	s.persist.loading.Store(true)
	if err := s.replay(2, logOf("SET a 1\nRPUSH l x\nLMOVE l m LEFT LEFT\nDEL a\n")); err != nil {
		t.Fatal(err)
	}
	s.Rest()
	if got := c.turn(); got != "" {
		t.Errorf("who is subscribed to events gets %q", got)
	}
	s.persist.loading.Store(false)
	s.connect(t).do("SET b 1", "+OK|")
	if s.Rest(); !strings.Contains(c.turn(), "new") {
		t.Error("and nothing when a client makes a key")
	}
}

// TestReplayNotesUses: keys are as if they had been used when they were loaded, not at the beginning of time.
func TestReplayNotesUses(t *testing.T) {
	s := testServer(t, nil)
	if err := s.replay(2, logOf("SET a 1\nSET b 2\nRENAME b c\n")); err != nil {
		t.Fatal(err)
	}
	c := s.connect(t)
	c.do("OBJECT IDLETIME a", ":0|")
	c.do("OBJECT IDLETIME c", ":0|")
}
