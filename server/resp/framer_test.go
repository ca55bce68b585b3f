package resp

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"
)

// cut says how a stream reaches the Framer: in pieces of size bytes; 0: whole.
type cut int

var cuts = []cut{0, 1, 2, 3, 7, 64, 4096}

// frame feeds stream to a new Framer, cut into pieces, and returns the commands
// it yields and the error it ends with. Each piece is overwritten when its loan
// ends, so that a slice kept too long shows.
func frame(limits Limits, guest bool, stream []byte, size cut) (commands [][]string, err error) {
	var f Framer
	f.Reset(&limits)
	f.SetAuthenticated(!guest)
	if size == 0 {
		size = cut(max(len(stream), 1))
	}
	piece := make([]byte, size)
	for len(stream) > 0 && err == nil {
		n := copy(piece, stream)
		stream = stream[n:]
		f.Feed(piece[:n])
		var args [][]byte
		for ok := true; ok && err == nil; {
			if args, ok, err = f.Next(); ok {
				commands = append(commands, texts(args))
			}
		}
		f.Release()
		for i := range piece {
			piece[i] = '!'
		}
	}
	return commands, err
}

func texts(args [][]byte) []string {
	s := make([]string, len(args))
	for i, a := range args {
		s[i] = string(a)
	}
	return s
}

// Every answer below was given by redis-server 7.0.15.
func TestFramerCommands(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, test := range []struct {
		stream string
		want   [][]string
	}{
		{"", nil},
		{"*1\r\n$4\r\nPING\r\n", [][]string{{"PING"}}},
		{"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", [][]string{{"ECHO", ""}}},
		{"*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\x00$\r\n", [][]string{{"ECHO", "\r\n\x00$"}}},
		{"*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n", [][]string{{"PING"}, {"ECHO", "x"}}},
		{"*2\r\n$4\r\nECHO\r\n$100000\r\n" + long + "\r\nPING\r\n", [][]string{{"ECHO", long}, {"PING"}}},
		{"*1\r\n$0\r\n\r\n", [][]string{{""}}},
		// Nothing to run, nothing to answer.
		{"*0\r\nPING\r\n", [][]string{{"PING"}}},
		{"*-1\r\nPING\r\n", [][]string{{"PING"}}},
		{"*-9999999999\r\nPING\r\n", [][]string{{"PING"}}},
		{"\r\n\n\r\n \r\nPING\r\n", [][]string{{"PING"}}},
		// Redis looks for "\r" and takes the byte behind it, whatever it is.
		{"*1\rx$4\rxPINGxx*1\r\n$4\r\nPING\r\n", [][]string{{"PING"}, {"PING"}}},
		// A zero byte ends Redis' search for the end of a line.
		{"*1\x00\r\n$4\r\nPING\r\n", nil},
		{"*1\r\n\x00\r\n$4\r\nPING\r\n", nil},
		{"PI\x00NG\r\nPING\r\n", nil},
		// More bytes are needed.
		{"*", nil},
		{"*1", nil},
		{"*1\r", nil},
		{"*1\r\n", nil},
		{"*1\r\n$4\r\nPING", nil},
		{"*1\r\n$4\r\nPING\r", nil},
		{"*1\r\nhello", nil},
		{"*1\n$4\nPING\n", nil},
		{"*1\r\n$536870912\r\nx", nil},
		{"*1048576\r\n$4\r\nPING\r\n", nil},
		// Inline commands.
		{"PING\n", [][]string{{"PING"}}},
		{"PING\r\r\n", [][]string{{"PING"}}},
		{"PING", nil},
		{"$4\r\nPING\r\n", [][]string{{"$4"}, {"PING"}}},
		{" \t ECHO  a\t \r\n", [][]string{{"ECHO", "a"}}},
		{"ECHO a\rb\r\n", [][]string{{"ECHO", "a", "b"}}},
		{"ECHO \va\vb\f\r\n", [][]string{{"ECHO", "a\vb\f"}}},
		{`ECHO "a b" 'c d'` + "\r\n", [][]string{{"ECHO", "a b", "c d"}}},
		{`ECHO "" ''` + "\r\n", [][]string{{"ECHO", "", ""}}},
		{`ECHO foo"bar" x'y"z'` + "\r\n", [][]string{{"ECHO", "foobar", `xy"z`}}},
		{"ECHO \"a\"\vb\r\n", [][]string{{"ECHO", "a", "b"}}},
		{`ECHO "\x41\xfF\n\r\t\b\a\q\"\\"` + "\r\n", [][]string{{"ECHO", "A\xff\n\r\t\b\aq\"\\"}}},
		{`ECHO "\x4" "\xg0" "\x"` + "\r\n", [][]string{{"ECHO", "x4", "xg0", "x"}}},
		{`ECHO 'a\'b\n\\x'` + "\r\n", [][]string{{"ECHO", `a'b\n\\x`}}},
		{`ECHO a\ b\n` + "\r\n", [][]string{{"ECHO", `a\`, `b\n`}}},
		{"\xffabc\r\n", [][]string{{"\xffabc"}}},
		{strings.Repeat("a", 65535) + "\r\n", [][]string{{strings.Repeat("a", 65535)}}},
	} {
		for _, size := range cuts {
			got, err := frame(DefaultLimits(), false, []byte(test.stream), size)
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%.40q in pieces of %d: %.80q, %v; want %.80q", test.stream, size, got, err, test.want)
			}
		}
	}
}

// Every text below is redis-server 7.0.15's; the limit of 1048576 arguments is
// that of earlier versions, 7.0 takes 2147483647.
func TestFramerErrors(t *testing.T) {
	digits := strings.Repeat("1", 65537)
	for _, test := range []struct {
		stream string
		want   string
		before int // commands that come before the error
	}{
		{"*x\r\n", "Protocol error: invalid multibulk length", 0},
		{"*\r\n", "Protocol error: invalid multibulk length", 0},
		{"*-x\r\n", "Protocol error: invalid multibulk length", 0},
		{"*-\r\n", "Protocol error: invalid multibulk length", 0},
		{"*01\r\n", "Protocol error: invalid multibulk length", 0},
		{"*00\r\n", "Protocol error: invalid multibulk length", 0},
		{"*+1\r\n", "Protocol error: invalid multibulk length", 0},
		{"*-0\r\n", "Protocol error: invalid multibulk length", 0},
		{"*-01\r\n", "Protocol error: invalid multibulk length", 0},
		{"* 1\r\n", "Protocol error: invalid multibulk length", 0},
		{"*1 \r\n", "Protocol error: invalid multibulk length", 0},
		{"*1048577\r\n", "Protocol error: invalid multibulk length", 0},
		{"*2147483648\r\n", "Protocol error: invalid multibulk length", 0},
		{"*9223372036854775808\r\n", "Protocol error: invalid multibulk length", 0},
		{"*99999999999999999999\r\n", "Protocol error: invalid multibulk length", 0},
		{"*-99999999999999999999\r\n", "Protocol error: invalid multibulk length", 0},
		{"*" + digits, "Protocol error: too big mbulk count string", 0},
		{"*1\r\nx4\r\n", "Protocol error: expected '$', got 'x'", 0},
		{"*1\r\n\r\n", "Protocol error: expected '$', got ' '", 0},
		{"*1\r\n\nfoo\r\n", "Protocol error: expected '$', got ' '", 0},
		{"*1\r\n\xff\r\n", "Protocol error: expected '$', got '\xff'", 0},
		{"*1\r\n$x\r\n", "Protocol error: invalid bulk length", 0},
		{"*1\r\n$\r\n", "Protocol error: invalid bulk length", 0},
		{"*1\r\n$-1\r\n", "Protocol error: invalid bulk length", 0},
		{"*1\r\n$04\r\n", "Protocol error: invalid bulk length", 0},
		{"*1\r\n$536870913\r\n", "Protocol error: invalid bulk length", 0},
		{"*1\r\n$9223372036854775807\r\n", "Protocol error: invalid bulk length", 0},
		{"*1\r\n$9223372036854775809\r\n", "Protocol error: invalid bulk length", 0},
		{"*1\r\n$" + digits, "Protocol error: too big bulk count string", 0},
		{"*1\r\n" + strings.Repeat("x", 65537), "Protocol error: too big bulk count string", 0},
		{strings.Repeat("a", 65537), "Protocol error: too big inline request", 0},
		{"a\x00\n" + strings.Repeat("a", 65536), "Protocol error: too big inline request", 0},
		{"PING \"a\r\n", "Protocol error: unbalanced quotes in request", 0},
		{"PING 'a\r\n", "Protocol error: unbalanced quotes in request", 0},
		{"PING \"a\"b\r\n", "Protocol error: unbalanced quotes in request", 0},
		{"PING 'a'b\r\n", "Protocol error: unbalanced quotes in request", 0},
		{"ECHO \"\\\r\n", "Protocol error: unbalanced quotes in request", 0},
		{"ECHO \\\"a\r\n", "Protocol error: unbalanced quotes in request", 0},
		{"*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$x\r\nPING\r\n", "Protocol error: invalid bulk length", 1},
	} {
		for _, size := range cuts {
			got, err := frame(DefaultLimits(), false, []byte(test.stream), size)
			if err == nil || err.Error() != test.want || len(got) != test.before {
				t.Errorf("%.40q in pieces of %d: %.80q, %v; want %v", test.stream, size, got, err, test.want)
			}
		}
	}
}

func TestFramerGuest(t *testing.T) {
	for _, test := range []struct{ stream, want string }{
		{"*10\r\n$16384\r\n", ""},
		{"PING" + strings.Repeat(" x", 20) + "\r\n", ""},
		{"*11\r\n", "Protocol error: unauthenticated multibulk length"},
		{"*1\r\n$16385\r\n", "Protocol error: unauthenticated bulk length"},
		{"*12x\r\n", "Protocol error: invalid multibulk length"},
		{"*2147483648\r\n", "Protocol error: invalid multibulk length"},
		{"*1\r\n$536870913\r\n", "Protocol error: invalid bulk length"},
	} {
		_, err := frame(DefaultLimits(), true, []byte(test.stream), 0)
		if got := fmt.Sprint(err); got != test.want && (err != nil || test.want != "") {
			t.Errorf("%.40q: %v, want %q", test.stream, err, test.want)
		}
	}
}

// A client that logs in with its first command may send a large one after it
// in the same piece.
func TestFramerAuthenticatesMidway(t *testing.T) {
	var f Framer
	limits := DefaultLimits()
	f.Reset(&limits)
	f.SetAuthenticated(false)
	f.Feed([]byte("AUTH pw\r\n*11\r\n$16385\r\n"))
	defer f.Release()
	if args, ok, err := f.Next(); !ok || err != nil || string(args[0]) != "AUTH" {
		t.Fatalf("%q, %v, %v", args, ok, err)
	}
	f.SetAuthenticated(true)
	if _, ok, err := f.Next(); ok || err != nil {
		t.Fatalf("%v, %v; want to wait for more", ok, err)
	}
}

func TestFramerErrorStays(t *testing.T) {
	var f Framer
	limits := DefaultLimits()
	f.Reset(&limits)
	f.Feed([]byte("*x\r\nPING\r\n"))
	for range 2 {
		if _, ok, err := f.Next(); ok || err != errCount {
			t.Fatalf("%v, %v", ok, err)
		}
	}
	f.Release()
	f.Feed([]byte("PING\r\n"))
	if _, ok, err := f.Next(); ok || err != errCount {
		t.Fatalf("%v, %v", ok, err)
	}
	f.Reset(&limits)
	f.Feed([]byte("PING\r\n"))
	if _, ok, err := f.Next(); !ok || err != nil {
		t.Fatalf("after Reset: %v, %v", ok, err)
	}
}

func TestFramerQueryLimit(t *testing.T) {
	limits := DefaultLimits()
	limits.MaxQuery = 1000
	unfinished := []byte("*2\r\n$4\r\nECHO\r\n$2000\r\n" + strings.Repeat("x", 1200))
	for _, size := range cuts {
		if _, err := frame(limits, false, unfinished, size); !errors.Is(err, ErrQueryLimit) {
			t.Errorf("in pieces of %d: %v", size, err)
		}
		// Many whole commands are no reason, nor is an unfinished short one.
		many := bytes.Repeat([]byte("PING\r\n"), 1000)
		if got, err := frame(limits, false, append(many, unfinished[:900]...), size); err != nil || len(got) != 1000 {
			t.Errorf("in pieces of %d: %d commands, %v", size, len(got), err)
		}
	}
}

// Limits may change while a command is on its way (CONFIG SET).
func TestFramerLimitsAreLive(t *testing.T) {
	limits := DefaultLimits()
	var f Framer
	f.Reset(&limits)
	f.Feed([]byte("*2\r\n$4\r\nECHO\r\n"))
	if _, ok, err := f.Next(); ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	f.Release()
	limits.MaxBulk = 10
	f.Feed([]byte("$11\r\n"))
	if _, _, err := f.Next(); err != errLength {
		t.Fatal(err)
	}
}

func TestFramerDoesNotCopyWholeCommands(t *testing.T) {
	limits := DefaultLimits()
	var f Framer
	f.Reset(&limits)
	whole := command("SET", "key", "value")
	piece := append([]byte("lue\r\n"), bytes.Repeat(whole, 100)...)
	f.Feed(whole[:len(whole)-len("lue\r\n")])
	if _, ok, _ := f.Next(); ok {
		t.Fatal("half a command was returned")
	}
	f.Release()
	f.Feed(piece)
	// The first command straddles two pieces, and with it a little of the
	// second is copied; all that begin behind that are read in place.
	at := len("lue\r\n")
	for n := 0; ; n++ {
		args, ok, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			if n != 101 {
				t.Fatalf("%d commands", n)
			}
			break
		}
		if n == 0 {
			continue
		}
		if in := &piece[at+len("*3\r\n$3\r\n")] == &args[0][0]; !in && at > 2*pullBytes {
			t.Fatalf("command %d was copied", n)
		}
		at += len(whole)
	}
	f.Release()
}

// The session may stop midway (a parked client) and feed more before it goes on.
func TestFramerKeepsWhatIsNotTaken(t *testing.T) {
	limits := DefaultLimits()
	var f Framer
	f.Reset(&limits)
	var sent, got int
	next := func() {
		t.Helper()
		args, ok, err := f.Next()
		if !ok || err != nil || string(args[1]) != fmt.Sprint(got) {
			t.Fatalf("command %d: %q, %v, %v", got, args, ok, err)
		}
		got++
	}
	piece := make([]byte, 0, 4096)
	for round := range 50 {
		piece = piece[:0]
		for range 20 {
			piece = append(piece, command("ECHO", fmt.Sprint(sent))...)
			sent++
		}
		half := len(piece) / 2
		f.Feed(piece[:half])
		if round%3 == 0 {
			next()
		}
		f.Feed(piece[half:])
		if round%2 == 0 {
			next()
		}
		f.Release()
		clear(piece)
		next()
	}
	for got < sent {
		next()
	}
	if _, ok, err := f.Next(); ok || err != nil || f.Buffered() != 0 {
		t.Fatalf("%v, %v, %d bytes left", ok, err, f.Buffered())
	}
}

func TestFramerBuffered(t *testing.T) {
	limits := DefaultLimits()
	var f Framer
	f.Reset(&limits)
	whole := command("ECHO", strings.Repeat("x", 2000))
	stream := append(bytes.Repeat(whole, 3), whole[:1500]...)
	for _, n := range []int{1, 100, 3000, len(stream)} {
		f.Reset(&limits)
		fed, taken := 0, 0
		for rest := stream; len(rest) > 0; {
			piece := rest[:min(n, len(rest))]
			rest = rest[len(piece):]
			f.Feed(piece)
			fed += len(piece)
			for {
				if got := f.Buffered(); got != fed-taken {
					t.Fatalf("pieces of %d: %d bytes buffered, want %d", n, got, fed-taken)
				}
				if _, ok, _ := f.Next(); !ok {
					break
				}
				taken += len(whole)
			}
			f.Release()
			if got := f.Buffered(); got != fed-taken {
				t.Fatalf("pieces of %d: %d bytes after Release, want %d", n, got, fed-taken)
			}
		}
	}
}

// What a client announces costs nothing; what it sent is given back.
func TestFramerMemory(t *testing.T) {
	limits := DefaultLimits()
	var f Framer
	f.Reset(&limits)
	send := func(b []byte) (commands int) {
		for len(b) > 0 {
			piece := b[:min(len(b), 16<<10)]
			b = b[len(piece):]
			f.Feed(piece)
			for {
				_, ok, err := f.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				commands++
			}
			f.Release()
		}
		return commands
	}
	send([]byte("*1048576\r\n$536870912\r\nxxxx"))
	if f.Cap() > 1024 {
		t.Errorf("%d bytes held for 27 that arrived", f.Cap())
	}

	f.Reset(&limits)
	big := command("SET", "key", strings.Repeat("x", 10<<20))
	send(big[:len(big)-100])
	if f.Cap() > 11<<20 {
		t.Errorf("%d bytes held for %d that arrived", f.Cap(), len(big))
	}
	if send(big[len(big)-100:]) != 1 || f.Cap() > 1024 {
		t.Errorf("%d bytes held after a large argument", f.Cap())
	}

	many := command(append([]string{"DEL"}, make([]string, 200_000)...)...)
	if send(many) != 1 || f.Cap() > keepArgs*40+keepBytes {
		t.Errorf("%d bytes held after many arguments", f.Cap())
	}
	if send(append(many, "PIN"...)) != 1 || f.Cap() > keepArgs*40+keepBytes {
		t.Errorf("%d bytes held for an unfinished short command after a large one", f.Cap())
	}
}

// TestFramerForgets: no old argument keeps memory alive, be it the Framer's own
// or the caller's.
func TestFramerForgets(t *testing.T) {
	limits := DefaultLimits()
	for _, pieces := range []int{1, 10} {
		var f Framer
		f.Reset(&limits)
		stream := append(bytes.Repeat(command("PING", "x"), 3), command("ECHO", strings.Repeat("x", 1<<20))...)
		var large weak.Pointer[byte]
		for piece := range slices.Chunk(stream, len(stream)/pieces+1) {
			f.Feed(piece)
			f.Ahead(4)
			for {
				args, ok, _ := f.Next()
				if !ok {
					break
				}
				large = weak.Make(&args[1][0])
			}
			f.Release()
		}
		stream = nil
		runtime.GC()
		if large.Value() != nil {
			t.Errorf("%d pieces: the argument is held", pieces)
		}
		runtime.KeepAlive(&f)
	}
}

// TestFramerDone: however a stream is cut, Next finds no command once it has
// looked at everything, and looks at everything before it is done.
func TestFramerDone(t *testing.T) {
	limits := DefaultLimits()
	stream := append(bytes.Repeat(command("ZSCORE", "b", "x"), 5), "PING\r\n*1\r\n$4\r\nPI"...)
	for _, size := range cuts[1:] {
		var f Framer
		f.Reset(&limits)
		got := 0
		for piece := range slices.Chunk(stream, int(size)) {
			f.Feed(piece)
			for !f.Done() {
				if _, ok, err := f.Next(); err != nil {
					t.Fatal(err)
				} else if !ok {
					break
				}
				got++
				f.Ahead(2)
			}
			if _, ok, _ := f.Next(); ok {
				t.Fatalf("pieces of %d: a command after the last", size)
			}
			f.Release()
		}
		if got != 6 {
			t.Errorf("pieces of %d: %d commands", size, got)
		}
	}
}

func TestFramerRest(t *testing.T) {
	limits := DefaultLimits()
	var f Framer
	f.Reset(&limits)
	ping := command("PING", "x")
	for _, n := range []int{len(ping), 9} {
		f.Feed(ping[:n])
		_, whole, _ := f.Next()
		f.Release()
		f.Rest()
		if whole != (f.Cap() == 0) {
			t.Errorf("whole %v: %d bytes held", whole, f.Cap())
		}
	}
	f.Feed(ping[9:])
	if args, ok, err := f.Next(); !ok || err != nil || len(args) != 2 || string(args[1]) != "x" {
		t.Errorf("%q, %v, %v", args, ok, err)
	}
}

func TestFramerAllocatesNothing(t *testing.T) {
	zadd := command("ZADD", "board", "123456", "player:0000000042")
	stream := append(bytes.Repeat(zadd, 16), "PING \"x\"\r\n"...)
	for _, at := range []int{len(stream), 5, len(zadd) - 1, len(zadd) + 9, len(stream) - 1} {
		limits := DefaultLimits()
		var f Framer
		f.Reset(&limits)
		n := 0
		once := func() {
			for _, piece := range [][]byte{stream[:at], stream[at:]} {
				f.Feed(piece)
				for {
					if _, ok, _ := f.Next(); !ok {
						break
					}
					n++
				}
				f.Release()
			}
		}
		if got := testing.AllocsPerRun(100, once); got != 0 || n != 101*17 {
			t.Errorf("cut at %d: %v allocations, %d commands", at, got, n)
		}
	}
}

// TestFramerAhead: looking ahead changes nothing of what Next returns, stops at
// an inline command and at an error, and forgets what other limits may refuse.
func TestFramerAhead(t *testing.T) {
	limits := DefaultLimits()
	var f Framer
	f.Reset(&limits)
	f.SetAuthenticated(true)
	stream := slices.Concat(command("a"), command("b", "1"), command("c"), []byte("inline\r\n"), command("d"), []byte("*1\r\n$-1\r\n"))
	f.Feed(stream)
	next := func(want string) [][]byte {
		t.Helper()
		args, ok, err := f.Next()
		if !ok || err != nil || string(bytes.Join(args, []byte(" "))) != want {
			t.Fatalf("%q, %v, %v; want %q", args, ok, err, want)
		}
		return args
	}
	first := next("a")
	if n := f.Ahead(1); n != 1 || string(f.Peek(0)[1]) != "1" {
		t.Fatalf("one ahead: %d, %q", n, f.Peek(0))
	}
	if n := f.Ahead(9); n != 2 || string(f.Peek(1)[0]) != "c" {
		t.Fatalf("up to the inline command: %d", n)
	}
	if string(first[0]) != "a" {
		t.Errorf("what Next returned is %q now", first)
	}
	rest := len(stream) - len(command("a"))
	if f.Buffered() != rest {
		t.Errorf("buffered %d of %d", f.Buffered(), rest)
	}
	next("b 1")
	f.Release() // c is forgotten and copied
	clear(stream[:len(stream)-len("*1\r\n$-1\r\n")])
	next("c")
	next("inline")
	if n := f.Ahead(9); n != 1 {
		t.Fatalf("up to the error: %d", n)
	}
	next("d")
	if args, ok, err := f.Next(); ok || err != errLength {
		t.Fatalf("%q, %v, %v; want %v", args, ok, err, errLength)
	}

	f.Reset(&limits)
	f.SetAuthenticated(true)
	f.Feed(slices.Concat(command("reset"), command(strings.Split(strings.Repeat("x", guestMaxArgs+1), "")...)))
	next("reset")
	if n := f.Ahead(9); n != 1 {
		t.Fatalf("%d ahead", n)
	}
	f.SetAuthenticated(false)
	if _, _, err := f.Next(); err != errGuestCount {
		t.Errorf("after the login is gone: %v", err)
	}

	// A command that Ahead has only begun is measured anew, too.
	f.Reset(&limits)
	f.SetAuthenticated(true)
	f.Feed(slices.Concat(command("a"), command("reset"), []byte("*2\r\n$4\r\nECHO\r\n$20000\r\n")))
	next("a")
	if n := f.Ahead(9); n != 1 {
		t.Fatalf("%d ahead", n)
	}
	next("reset")
	f.SetAuthenticated(false)
	if _, _, err := f.Next(); err != errGuestLength {
		t.Errorf("a long argument after the login is gone: %v", err)
	}

	// An error that Ahead has met is still to be told.
	f.Reset(&limits)
	f.SetAuthenticated(true)
	f.Feed(slices.Concat(command("a"), []byte("*1\r\n$-1\r\n")))
	next("a")
	if n := f.Ahead(9); n != 0 || f.Done() {
		t.Errorf("%d ahead, done %v, before an error", n, f.Done())
	}
	if _, _, err := f.Next(); err != errLength {
		t.Errorf("after looking ahead: %v", err)
	}
}
