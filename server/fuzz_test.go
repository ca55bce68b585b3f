package server_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"quarry/commands"
	"quarry/server"
	"quarry/tests/calls"
	"quarry/tests/contents"
	"quarry/tests/harness"
)

// bench is a server without a network, and what has been done to it.
type bench struct {
	t       *testing.T
	s       *server.Server
	log     interface{ Text() []byte } // of all that has changed
	clients [3]*client
	history []string
}

// client is one of its clients.
type client struct {
	session
	got []byte // and not been looked at
}

// session is what a test may do with a connection.
type session interface {
	Feed(in []byte)
	Turn() string
	Due()
	Gone() bool
	Leave() error
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, s: server.NewTestServer(t, "--shards", "2", "--databases", "3", "--notify-keyspace-events", "KEA")}
	b.log = b.s.Record()
	for i := range b.clients {
		b.connect(i)
	}
	return b
}

func (b *bench) connect(i int) { b.clients[i] = &client{session: b.s.Connect(b.t)} }

func (b *bench) note(format string, args ...any) {
	b.history = append(b.history, fmt.Sprintf(format, args...))
}

func (b *bench) fail(format string, args ...any) {
	b.t.Helper()
	last := b.history[max(0, len(b.history)-40):]
	b.t.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, args...), strings.Join(last, "\n"))
}

// feed has a client send bytes, in pieces that end at the cuts, and everyone do what follows from it.
func (b *bench) feed(i int, in []byte, rnd *rand.Rand) {
	for len(in) > 0 {
		n := len(in)
		if rnd.IntN(2) == 0 {
			n = 1 + rnd.IntN(n)
		}
		if b.clients[i].Gone() {
			return
		}
		piece := bytes.Clone(in[:n])
		b.clients[i].Feed(piece)
		clear(piece) // it was lent for the call only
		in = in[n:]
		b.settle()
	}
}

// settle goes on until no client gets anything more. What one gets is whole values.
func (b *bench) settle() {
	b.s.Rest()
	for again := true; again; {
		again = false
		for i, c := range b.clients {
			if c.Gone() {
				continue
			}
			got := c.Turn()
			again = again || got != ""
			if _, err := harness.Values([]byte(got)); err != nil {
				b.fail("client %d gets %.400q: %v", i, got, err)
			}
		}
		b.s.Rest()
	}
	for i, c := range b.clients {
		if c.Gone() {
			b.note("client %d is gone", i)
			b.connect(i)
		}
	}
}

// leave ends a connection and makes it anew.
func (b *bench) leave(i int) {
	b.note("client %d leaves", i)
	if err := b.clients[i].Leave(); err != nil {
		b.fail("%v", err)
	}
	b.connect(i)
	b.settle()
}

// sound checks the data.
func (b *bench) sound() {
	b.t.Helper()
	if err := b.s.Sound(); err != nil {
		b.fail("%v", err)
	}
}

// end has all clients leave: nothing remembers them, and the data is sound. Closing the server proves
// that no memory is lost.
func (b *bench) end() {
	for i := range b.clients {
		if err := b.clients[i].Leave(); err != nil {
			b.fail("%v", err)
		}
	}
	b.s.ClientUnpause()
	b.s.Rest()
	b.connect(0)
	b.clients[0].Feed([]byte("CONFIG SET notify-keyspace-events ''\r\n"))
	if got := b.clients[0].Turn(); got != "+OK\r\n" {
		b.fail("CONFIG SET answers %q", got)
	}
	if err := b.clients[0].Leave(); err != nil {
		b.fail("%v", err)
	}
	b.s.Upkeep()
	b.s.Rest()
	b.sound()
	b.s.Forgotten(b.t)
	if b.t.Failed() {
		b.fail("clients are remembered")
	}
	b.replay()
}

// replay runs what has been logged on another server, with other shards, forms of values and hashes: it holds the same then.
func (b *bench) replay() {
	other := server.NewTestServer(b.t, "--shards", "8", "--databases", "3", "--zset-max-listpack-entries", "0",
		"--hash-max-listpack-entries", "3", "--set-max-intset-entries", "2", "--set-max-listpack-entries", "4", "--list-max-listpack-size", "1")
	if err := other.Replay(3, b.log.Text()); err != nil {
		b.fail("the log: %v", err)
	}
	data, nowMS := b.s.Data()
	copied, _ := other.Data()
	if d := contents.Differences(contents.Of(copied, nowMS), contents.Of(data, nowMS)); d != "" {
		b.fail("what came of the log\n%s", d)
	}
	if err := other.Sound(); err != nil {
		b.fail("what came of the log: %v", err)
	}
}

// encode is a command as drivers send it.
func encode(args []string) []byte {
	out := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(a), a)
	}
	return out
}

// FuzzSession feeds any bytes to a session, in any pieces, while others listen and wait: what they all get are
// values, no command panics, the data is sound, and when all have gone nothing remembers them.
func FuzzSession(f *testing.F) {
	for _, stream := range []string{
		"MULTI\r\nSET a 1\r\nINCR a\r\nEXEC\r\nWATCH a\r\nMULTI\r\nGET a\r\nDISCARD\r\nUNWATCH\r\n",
		"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3\r\n\x00\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
		"SUBSCRIBE a b\r\nPSUBSCRIBE *\r\nPUBLISH a x\r\nUNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nPING\r\n",
		"HELLO 3\r\nSUBSCRIBE a\r\nPUBLISH a x\r\nSSUBSCRIBE s\r\nSPUBLISH s x\r\nRESET\r\nGET a\r\n",
		"RPUSH q 1 2 3\r\nLPUSH w x\r\nBLPOP nosuch 0\r\nPING\r\n",
		"HSET h f v g 1\r\nHINCRBY h g 5\r\nHGETALL h\r\nSADD s 1 2 x\r\nSPOP s\r\nSORT q DESC\r\nSORT s ALPHA STORE d\r\n",
		"ZADD z 1 a 2 b\r\nBZMPOP 0 2 none z MIN\r\nSCAN 0 MATCH * COUNT 3 TYPE zset\r\nEXPIRE z -1\r\n",
		"HUNT.PUT f FIELDS 1 hp 3 TAGS 1 k v 1 2 a 3 4 b\r\nHUNT.NEARBY f FROMMEMBER a NOSELF COUNT 2 WHERE hp 1 5 EXCLUDESET s\r\nCOPY f g\r\nHUNT.PUT f PX 1 5 5 a\r\nHUNT.DEL g a b\r\n",
		"SET a v EX 100 GET\r\nSET a v NX XX\r\nSETRANGE a 4000 x\r\nAPPEND a y\r\nLCS a a\r\nGETRANGE a -5 -1\r\n",
		"CLIENT REPLY OFF\r\nSET a 1\r\nCLIENT REPLY ON\r\nCLIENT KILL ID 1\r\nQUIT\r\n",
		"MULTI\r\nNOSUCH\r\nEXEC\r\nMULTI\r\nBLPOP q 0\r\nSUBSCRIBE a\r\nEXEC\r\n",
		"*1\r\n$4\r\nPING\r\n*-1\r\n*0\r\nPING \"a\\x00\"\r\n*1\r\n$-5\r\n",
	} {
		f.Add([]byte(stream), uint64(1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, cuts uint64) {
		if isUnfit(stream) {
			return
		}
		b := newBench(t)
		rnd := rand.New(rand.NewPCG(cuts, 0))
		b.feed(1, []byte("HELLO 3\r\nPSUBSCRIBE *\r\n"), rnd)
		b.feed(2, []byte("BLMOVE q w LEFT RIGHT 0\r\n"), rnd)
		b.note("%q", stream)
		b.feed(0, stream, rnd)
		b.sound()
		b.end()
	})
}

// isUnfit reports whether a stream names what ends the server, or takes time.
func isUnfit(stream []byte) bool {
	stream = bytes.ToUpper(stream)
	for _, word := range []string{"SHUTDOWN", "SLEEP", "PAUSE"} {
		if bytes.Contains(stream, []byte(word)) {
			return true
		}
	}
	return false
}

// decisions are a source of random numbers that a fuzzer chooses, two bytes each, as long as it has any.
type decisions struct {
	b    []byte
	rest *rand.PCG
}

func (d *decisions) Uint64() uint64 {
	if len(d.b) < 2 {
		d.b = nil
		return d.rest.Uint64()
	}
	v := uint64(d.b[0])<<8 | uint64(d.b[1])
	d.b = d.b[2:]
	return v * 0x0001_0001_0001_0001
}

// addSeeds adds, for each theme, seeds of a few calls and of some hundreds: a call takes about 30 bytes.
func addSeeds(f *testing.F, series uint64) {
	for theme := range themes {
		for _, size := range []int{300, 10_000} {
			rnd := rand.New(rand.NewPCG(uint64(theme), series))
			b := make([]byte, size)
			for i := range b {
				b[i] = byte(rnd.Uint32())
			}
			b[0] = byte(256*theme/themes + 1) // what newThemed decides by
			f.Add(b)
		}
	}
}

// valueGroups are the types of values, each a theme; the last theme is all of them.
var valueGroups = []commands.Group{commands.StringGroup, commands.HashGroup, commands.SetGroup, commands.SortedSet, commands.ListGroup}

const themes = 6

// themed draws calls for a test: of all commands that weight says, or of only one type of values and with few
// keys, so that more of them meet.
type themed struct {
	*calls.Generator
	few   bool
	large []string // commands that make values large
}

func newThemed(rnd *rand.Rand, table *commands.Table, weight func(*commands.Spec) int) themed {
	theme := rnd.IntN(themes)
	few := theme < len(valueGroups)
	large := []string{"SETRANGE", "HSET", "SADD", "ZADD", "RPUSH", "LPUSH"}
	if few {
		large = large[theme : theme+1]
	}
	return themed{calls.New(rnd, table, func(s *commands.Spec) int {
		if few && s.Group != valueGroups[theme] && slices.Contains(valueGroups, s.Group) {
			return 0
		}
		return weight(s)
	}), few, large}
}

// Draw draws a call.
func (g themed) Draw() []string {
	args := g.Generator.Draw()
	if g.few {
		for i, a := range args {
			if slices.Contains([]string{"c", "d", "{t}1", "{t}2", "k\x00\xff"}, a) {
				args[i] = "ab"[i%2:][:1]
			}
		}
	}
	return args
}

// unfit are commands that are not called, with the reason.
var unfit = map[string]string{
	"shutdown":     "ends the server",
	"client|pause": "is over after some time: FuzzCommands has pauses that end when it says so",
}

// FuzzCommands has three clients call all commands, as the fuzzer decides, also inside of MULTI, subscribed, and
// while others wait; keys grow large, time passes, connections end. What must hold is what FuzzSession says.
func FuzzCommands(f *testing.F) {
	table := commands.NewCommandTable()
	weight := func(s *commands.Spec) int {
		if _, out := unfit[s.FullName()]; out || s.Parent() != nil && s.Parent().Name == "DEBUG" {
			return 0
		}
		return calls.Weight(s)
	}
	addSeeds(f, 9)
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &decisions{data, rand.NewPCG(1, 2)}
		g := newThemed(rand.New(d), table, weight)
		b := newBench(t)
		for step := 0; len(d.b) > 0 && step < 500; step++ {
			i := g.IntN(len(b.clients))
			switch g.IntN(40) {
			case 0:
				b.leave(i)
			case 1:
				by := time.Duration(g.IntN(100_000)) * time.Millisecond
				b.note("%v pass", by)
				b.s.ShiftTime(by)
			case 2:
				b.note("the time that client %d waits for comes", i)
				b.clients[i].Due()
				b.settle()
			case 3:
				b.s.Upkeep()
				b.settle()
			case 4:
				b.call(i, g, large(g, 1_000_000))
			case 5:
				all := g.Chance(2)
				b.note("a pause begins, of everything: %v", all)
				b.s.ClientPause(time.Hour.Milliseconds(), all)
			case 6, 7:
				b.note("pauses end")
				b.s.ClientUnpause()
				b.settle()
			default:
				var pipeline [][]string
				for range 1 + g.IntN(3) {
					pipeline = append(pipeline, g.Draw())
				}
				b.call(i, g, pipeline...)
			}
			if step%16 == 0 {
				b.sound()
			}
		}
		b.end()
	})
}

func (b *bench) call(i int, g themed, pipeline ...[]string) {
	var in []byte
	for _, args := range pipeline {
		b.note("client %d> %.200s", i, calls.Quote(args))
		in = append(in, encode(args)...)
	}
	b.feed(i, in, g.Rand)
}

// large is a call that makes a value large, of about so many bytes, and gives it long elements or not.
func large(g themed, most int) []string {
	verb := calls.Pick(g.Generator, g.large)
	args := []string{verb, calls.Pick(g.Generator, []string{"a", "b"})}
	if verb == "SETRANGE" {
		return append(args, fmt.Sprint(g.IntN(most)), "x")
	}
	n := calls.Pick(g.Generator, []int{5, 20, 200, 1000, 6000})
	length := calls.Pick(g.Generator, []int{1, 1, 10, 100, 5000, 40_000})
	for i := range min(n, most/length) {
		if verb == "ZADD" {
			args = append(args, fmt.Sprint(i%50))
		}
		args = append(args, fmt.Sprintf("%0*d", length, i))
		if verb == "HSET" {
			args = append(args, fmt.Sprintf("%0*d", length/2, i))
		}
	}
	return args
}
