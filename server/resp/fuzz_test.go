package resp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/tidwall/redcon"
)

// fuzzLimits are small, so that short inputs reach them.
var fuzzLimits = Limits{MaxArgs: 20, MaxBulk: 100, MaxInline: 50, MaxQuery: 200}

// FuzzFramer: any bytes, in any cuts, yield the same commands and the same
// error as in one piece; memory stays in proportion to the input; and redcon's
// parser agrees on every command that came in the canonical form.
func FuzzFramer(f *testing.F) {
	for _, seed := range []string{
		"*1\r\n$4\r\nPING\r\nPING\r\n",
		"*3\r\n$4\r\nZADD\r\n$1\r\nb\r\n$0\r\n\r\n*0\r\n*-1\r\n\r\n*1\r\n$1\r\nx\r\n",
		"SET \"a\\x41\" 'b c'\r\nECHO \"\n",
		"*1\rx$4\rxPINGxx",
		"*2\r\n$4\r\nECHO\r\n$101\r\n",
		"*20\r\n$1\r\na\r\n$1\r\nb\r\n",
		"*21\r\n",
		"*1\x00\r\n" + strings.Repeat("x", 60),
		"*1\r\n$18446744073709551620\r\nPING\r\n",
		"*1\r\n$9223372036854775807\r\nPING\r\n",
		"*1\r\n$-2\r\n",
		"*2147483647\r\n",
	} {
		f.Add([]byte(seed), uint64(1), false)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cutSeed uint64, guest bool) {
		want, wantErr := frameRandomly(t, stream, nil, guest)
		got, err := frameRandomly(t, stream, rand.New(rand.NewPCG(cutSeed, 0)), guest)
		if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%q\nwhole: %q, %v\ncut:   %q, %v", stream, want, wantErr, got, err)
		}
		for _, args := range want {
			canonical := command(args...)
			if !bytes.Contains(stream, canonical) {
				continue
			}
			complete, parsed, _, rest, err := redcon.ReadNextCommand(canonical, nil)
			if !complete || err != nil || len(rest) > 0 || !reflect.DeepEqual(texts(parsed), args) {
				t.Fatalf("%q: redcon parses %q, %v", canonical, parsed, err)
			}
		}
	})
}

// frameRandomly frames stream in random pieces, taking a random part of what
// is there at a time and looking ahead now and then; with no random source in one piece.
func frameRandomly(t *testing.T, stream []byte, random *rand.Rand, guest bool) (commands [][]string, err error) {
	limits := fuzzLimits
	var f Framer
	f.Reset(&limits)
	f.SetAuthenticated(!guest)
	fed := 0
	var peeked [][]string
	take := func(most int) {
		peeked = nil
		for ; most > 0 && err == nil; most-- {
			var args [][]byte
			var ok bool
			if args, ok, err = f.Next(); !ok {
				return
			}
			commands = append(commands, texts(args))
			if len(peeked) > 0 {
				if got := texts(args); !reflect.DeepEqual(got, peeked[0]) {
					t.Fatalf("%q was seen ahead, then came %q", peeked[0], got)
				}
				peeked = peeked[1:]
			} else if random != nil && random.IntN(3) == 0 {
				peeked = peek(&f, 1+random.IntN(5))
				if got := texts(args); !reflect.DeepEqual(got, commands[len(commands)-1]) {
					t.Fatalf("looking ahead turned %q into %q", commands[len(commands)-1], got)
				}
			}
			if random != nil && random.IntN(20) == 0 {
				f.SetAuthenticated(!guest)
				peeked = nil
			}
		}
	}
	for err == nil && fed < len(stream) {
		n, most := len(stream)-fed, len(stream)
		if random != nil {
			n, most = 1+random.IntN(min(n, 40)), random.IntN(10)
		}
		piece := bytes.Clone(stream[fed : fed+n])
		fed += n
		f.Feed(piece)
		take(most)
		f.Release()
		clear(piece)
		if held := f.Cap(); held > 1024+20*fed {
			t.Fatalf("%d bytes held after %d arrived", held, fed)
		}
	}
	take(len(stream) + 1)
	return commands, err
}

// peek is up to n commands that come next.
func peek(f *Framer, n int) (commands [][]string) {
	before := f.Buffered()
	found := f.Ahead(n)
	for i := range found {
		commands = append(commands, texts(f.Peek(i)))
	}
	if f.Buffered() != before && found > 0 {
		panic("looking ahead changed Buffered")
	}
	return commands
}

// FuzzFramerAgainstRedcon: whatever the arguments, commands encoded as drivers
// do it come out of Framer as they come out of redcon's parser, cut anywhere.
func FuzzFramerAgainstRedcon(f *testing.F) {
	f.Add([]byte("PING|ZADD b 1 m|ECHO "), uint64(1))
	f.Add([]byte(" |  a|\r\n \x00|$5 *1"), uint64(2))
	f.Add([]byte("SET k "+strings.Repeat("v", 3000)), uint64(3))
	f.Fuzz(func(t *testing.T, text []byte, cutSeed uint64) {
		var stream []byte
		for line := range bytes.SplitSeq(text, []byte("|")) {
			stream = append(stream, command(strings.Split(string(line), " ")...)...)
		}
		var want [][]string
		for rest := stream; len(rest) > 0; {
			complete, args, _, left, err := redcon.ReadNextCommand(rest, nil)
			if !complete || err != nil {
				t.Fatalf("redcon: %v at %q", err, rest)
			}
			want, rest = append(want, texts(args)), left
		}
		random := rand.New(rand.NewPCG(cutSeed, 0))
		for _, size := range []cut{0, cut(1 + random.IntN(len(stream)))} {
			got, err := frame(DefaultLimits(), false, stream, size)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("in pieces of %d: %q, %v; want %q", size, got, err, want)
			}
		}
	})
}
