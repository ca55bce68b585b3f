package hostile

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"quarry/tests/harness"
)

// heapGrowth and rssGrowth bound what may be left of an attack, in bytes. The
// clients that attack live in the same process, so the bounds are theirs too.
const (
	heapGrowth = 16<<20 + storeOnHeap
	rssGrowth  = 192<<20 + 8*storeOnHeap
)

// survives runs an attack against a server of each front end and checks that nothing of it stays.
func survives(t *testing.T, attack func(t *testing.T, s *harness.Server), args ...string) {
	for _, frontEnd := range harness.FrontEnds() {
		t.Run(frontEnd, func(t *testing.T) {
			s := harness.Start(t, harness.Options{FrontEnd: frontEnd, Args: args})
			c := s.Dial(t)
			c.Want("(int) 1", "ZADD", "board", "1", "ada")
			goroutines := runtime.NumGoroutine()
			heap, rss := heapNow(), harness.RSS(t, 0)
			attack(t, s)
			c.Want(`"1"`, "ZSCORE", "board", "ada")
			harness.Eventually(t, "the attackers' connections are gone", func() bool {
				return harness.Field(c.Do("INFO", "clients").Str, "connected_clients") == "1"
			})
			harness.Eventually(t, "their goroutines are gone", func() bool { return runtime.NumGoroutine() <= goroutines })
			harness.Eventually(t, "the heap is as small as before", func() bool { return heapNow()-heap <= heapGrowth })
			if grown := harness.RSS(t, 0) - rss; grown > rssGrowth {
				t.Errorf("the process has grown by %d MB", grown>>20)
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// heapNow is the live heap, with what is free given back to the system.
func heapNow() int64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// attackOnce sends bytes on a connection of its own, says that nothing more
// will come, and returns what the server says until it ends the connection.
func attackOnce(t *testing.T, s *harness.Server, in []byte) []byte {
	t.Helper()
	c, err := harness.DialConn(s.Addr)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close()
	deadline := time.Now().Add(time.Minute)
	if err := c.SetDeadline(deadline); err != nil {
		t.Error(err)
	}
	go func() {
		// The server may close before it has read all: then writing fails, as it should.
		_, _ = c.Write(in)
		_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	out, err := io.ReadAll(c)
	if err != nil && time.Now().After(deadline) {
		t.Errorf("the connection does not end after %.200q", in)
	}
	return out
}

// What Redis says to broken requests, and says before it hangs up.
func TestBrokenRequests(t *testing.T) {
	for _, frontEnd := range harness.FrontEnds() {
		t.Run(frontEnd, func(t *testing.T) {
			s := harness.Start(t, harness.Options{FrontEnd: frontEnd})
			for _, c := range []struct{ in, want string }{
				{"*2147483647\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
				{"*9223372036854775807\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
				{"*99999999999999999999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
				{"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
				{"*1048577\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
				{"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
				{"*1\r\n$-2\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
				{"*1\r\n$9223372036854775807\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
				{"*1\r\n$9223372036854775808\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
				{"*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
				{"*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
				{"*1\r\nPING\r\n", "-ERR Protocol error: expected '$', got 'P'\r\n"},
				{"*1\r\n*1\r\n", "-ERR Protocol error: expected '$', got '*'\r\n"},
				{"ECHO \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
				{"ECHO \"a\"b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
				{strings.Repeat("x", 70_000), "-ERR Protocol error: too big inline request\r\n"},
				{"*" + strings.Repeat("1", 70_000), "-ERR Protocol error: too big mbulk count string\r\n"},
				{"*1\r\n$" + strings.Repeat("1", 70_000), "-ERR Protocol error: too big bulk count string\r\n"},
				{"*0\r\nPING\r\n", "+PONG\r\n"},
				{"*-1\r\n*-7\r\nPING\r\n", "+PONG\r\n"},
				{"\r\n\r\nPING\r\n", "+PONG\r\n"},
				{"PING\nPING\r\n", "+PONG\r\n+PONG\r\n"},
				{"PING\r\n*1\r\n$-5\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"},
				{"*1\r\n$4\r\nPING", ""},
			} {
				if got := string(attackOnce(t, s, []byte(c.in))); got != c.want {
					t.Errorf("%.60q: got %q, want %q", c.in, got, c.want)
				}
			}
		})
	}
}

// A page that someone's browser shows may have it send what it likes to servers only
// that browser can reach. Its requests end before their bodies, which could be commands.
func TestCrossProtocolRequests(t *testing.T) {
	survives(t, func(t *testing.T, s *harness.Server) {
		body := "\r\n\r\nZADD pwned 1 x\r\n"
		for _, in := range []string{
			"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 17" + body,
			"post / HTTP/1.1" + body,
			"GET / HTTP/1.1\r\nHost: x" + body,
			"PUT / HTTP/1.1\r\nHOST: x" + body,
			"*1\r\n$4\r\nPOST\r\nZADD pwned 1 x\r\n",
		} {
			// Whether it still hears that there is no PUT, or that this is no GET, depends on how soon it hears anything.
			if got := string(attackOnce(t, s, []byte(in))); got != "" && !strings.HasPrefix(got, "-ERR ") {
				t.Errorf("%q: got %q", in, got)
			}
		}
		look := s.Dial(t)
		look.Want("(int) 0", "EXISTS", "pwned")
		look.Close()
	})
}

// Before AUTH a stranger may send 10 arguments of 16 KB.
func TestStrangersGetLess(t *testing.T) {
	for _, frontEnd := range harness.FrontEnds() {
		t.Run(frontEnd, func(t *testing.T) {
			s := harness.Start(t, harness.Options{FrontEnd: frontEnd, Args: []string{"--requirepass", "secret"}})
			for _, c := range []struct{ in, want string }{
				{"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"},
				{"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"},
				{"PING\r\n", "-NOAUTH Authentication required.\r\n"},
				{"AUTH secret\r\n*11\r\n", "+OK\r\n"},
			} {
				if got := string(attackOnce(t, s, []byte(c.in))); got != c.want {
					t.Errorf("%q: got %q, want %q", c.in, got, c.want)
				}
			}
		})
	}
}

// A stranger who reads no answers is hung up on before they come to much.
func TestStrangersMustRead(t *testing.T) {
	for _, frontEnd := range harness.FrontEnds() {
		t.Run(frontEnd, func(t *testing.T) {
			s := harness.Start(t, harness.Options{FrontEnd: frontEnd, Args: []string{"--requirepass", "secret"}})
			before := heapNow()
			c, err := harness.DialConn(s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			flood := bytes.Repeat([]byte("x\r\n"), 18<<20/3)
			if n, err := c.Write(flood); !harness.IsClosed(err) {
				t.Errorf("%d MB of commands were taken: %v", n>>20, err)
			}
			if grown := heapNow() - before; grown > int64(len(flood))+heapGrowth {
				t.Errorf("%d MB are held", grown>>20)
			}
			runtime.KeepAlive(flood)
		})
	}
}

// pipeline is a valid request that garbage is made of.
func pipeline() []byte {
	var b []byte
	for _, c := range [][]string{
		{"PING"}, {"ZADD", "z", "1", "a", "2", "b"}, {"ZRANGE", "z", "0", "-1", "WITHSCORES"}, {"ZSCORE", "z", "a"},
		{"HELLO", "3"}, {"ZRANK", "z", "b"}, {"ECHO", strings.Repeat("e", 300)}, {"ZPOPMIN", "z"}, {"NOSUCH", "x"},
	} {
		b = harness.AppendCommand(b, c...)
	}
	return append(b, "ZADD z 5 inline\r\nPING\r\n"...)
}

// garbage makes a request of some kind of damage.
func garbage(rng *rand.Rand) []byte {
	b := pipeline()
	switch rng.IntN(6) {
	case 0: // nothing but noise
		noise := make([]byte, rng.IntN(2000))
		for i := range noise {
			noise[i] = byte(rng.Uint32())
		}
		return noise
	case 1: // cut anywhere
		return b[:rng.IntN(len(b))]
	case 2: // begin anywhere
		return b[rng.IntN(len(b)):]
	case 3: // flip some bits
		for range 1 + rng.IntN(20) {
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		}
		return b
	case 4: // another number somewhere
		numbers := []string{"0", "-1", "-2", "65537", "1048576", "536870912", "2147483647", "4294967296", "9223372036854775807", "1e3", "", "\x00", "00000000004"}
		i := rng.IntN(len(b))
		for i < len(b) && (b[i] < '0' || b[i] > '9') {
			i++
		}
		return slicesJoin(b[:i], []byte(numbers[rng.IntN(len(numbers))]), b[min(i+1, len(b)):])
	default: // pieces in another order
		i, j := rng.IntN(len(b)), rng.IntN(len(b))
		return slicesJoin(b[j:], b[:i], b[i:], b[:j])
	}
}

func slicesJoin(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestGarbage(t *testing.T) {
	attacks := 4000
	if testing.Short() {
		attacks = 400
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	survives(t, func(t *testing.T, s *harness.Server) {
		rng := rand.New(rand.NewPCG(seed, 0))
		parallel(8, attacks/8, rng, func(rng *rand.Rand) { attackOnce(t, s, garbage(rng)) })
	})
}

// parallel runs n times do in each of several goroutines, each with a random source of its own.
func parallel(goroutines, n int, rng *rand.Rand, do func(rng *rand.Rand)) {
	var wg sync.WaitGroup
	for range goroutines {
		own := rand.New(rand.NewPCG(rng.Uint64(), 0))
		wg.Go(func() {
			for range n {
				do(own)
			}
		})
	}
	wg.Wait()
}

// A length that is announced costs nothing until the bytes come.
func TestHalfCommandsHeldOpen(t *testing.T) {
	halves := []string{
		"*", "*3", "*3\r", "*1048576\r\n", "*3\r\n$4\r\nZADD\r\n$500000000\r\nxxx", "*2\r\n$4\r\nECHO\r\n$536870912\r\n",
		"ZADD z 1 ", "*3\r\n$4\r\nZADD\r\n", "*1000000\r\n$1\r\na\r\n", "*1\r\n$4\r\nPING\r",
	}
	survives(t, func(t *testing.T, s *harness.Server) {
		before := harness.RSS(t, 0)
		var open []*harness.Conn
		for i := range 500 {
			c, err := harness.DialConn(s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
			if err := c.SendRaw([]byte(halves[i%len(halves)])); err != nil {
				t.Fatal(err)
			}
		}
		other := s.Dial(t)
		harness.Eventually(t, "all are counted", func() bool {
			return harness.Field(other.Do("INFO", "clients").Str, "connected_clients") == "502"
		})
		if grown := harness.RSS(t, 0) - before; grown > rssGrowth {
			t.Errorf("500 half commands cost %d MB", grown>>20)
		}
		for _, c := range open {
			c.Close()
		}
		other.Close()
	})
}

// A reply above the output buffer limit that nobody reads ends its connection.
func TestOutputBufferLimit(t *testing.T) {
	survives(t, func(t *testing.T, s *harness.Server) {
		fillBoard(t, s, 2000, 10_000)
		other := s.Dial(t)
		other.Do("CLIENT", "SETNAME", "other")
		deaf := s.Dial(t)
		deaf.Want("PONG", "PING")                                     // it is accepted, and one of the clients counted below
		if err := deaf.Send("ZRANGE", "big", "0", "-1"); err != nil { // 20 MB
			t.Fatal(err)
		}
		harness.Eventually(t, "the server hangs up", func() bool {
			return harness.Field(other.Do("INFO", "clients").Str, "connected_clients") == "2"
		})
		other.Do("DEL", "big")
		other.Close()
	}, "--client-output-buffer-limit", "normal", "4mb", "0", "0")
}

// fillBoard makes the board "big" with n members of the given length.
func fillBoard(t *testing.T, s *harness.Server, n, length int) {
	t.Helper()
	c := s.Dial(t)
	defer c.Close()
	for i := range n {
		c.Do("ZADD", "big", fmt.Sprint(i), fmt.Sprintf("%0*d", length, i))
	}
}

func TestDeepPipelines(t *testing.T) {
	depth := 200_000
	if testing.Short() {
		depth = 20_000
	}
	survives(t, func(t *testing.T, s *harness.Server) {
		deep := s.Dial(t)
		commands := make([][]string, depth)
		for i := range commands {
			commands[i] = []string{"PING"}
		}
		for i, v := range deep.Pipeline(commands...) {
			if v.Str != "PONG" {
				t.Fatalf("reply %d is %s", i, v)
			}
		}
		deep.Close()
	})
}

// A long argument comes through whole.
func TestLongArguments(t *testing.T) {
	survives(t, func(t *testing.T, s *harness.Server) {
		c := s.Dial(t)
		long := strings.Repeat("abcdefgh", 1<<17) // 1 MB
		if v := c.Do("ECHO", long); v.Str != long {
			t.Errorf("ECHO of 1 MB gives %d bytes", len(v.Str))
		}
		c.Do("ZADD", "long", "1", long)
		if v := c.Do("ZRANGE", "long", "0", "-1"); len(v.Elems) != 1 || v.Elems[0].Str != long {
			t.Errorf("a member of 1 MB does not come back: %d elements", len(v.Elems))
		}
		c.Do("DEL", "long")
		c.Close()
	})
}

func TestConnectionChurn(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 200
	}
	survives(t, func(t *testing.T, s *harness.Server) {
		rng := rand.New(rand.NewPCG(1, 1))
		parallel(20, rounds/20, rng, func(rng *rand.Rand) {
			c, err := harness.DialConn(s.Addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			switch rng.IntN(3) {
			case 0: // and goes without a word
			case 1: // and goes without waiting for the reply
				_ = c.Send("PING")
			case 2:
				if v, err := c.Call("PING"); err != nil || v.Str != "PONG" {
					t.Errorf("PING answers %s, %v", v, err)
				}
			}
		})
	})
}

// Clients that went away while they waited leave nothing behind.
func TestBlockedClientsThatGo(t *testing.T) {
	survives(t, func(t *testing.T, s *harness.Server) {
		watch := s.Dial(t)
		var open []*harness.Conn
		for i := range 200 {
			c, err := harness.DialConn(s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
			if err := c.Send("BZPOPMIN", fmt.Sprintf("queue:%d", i%7), "other", "0"); err != nil {
				t.Fatal(err)
			}
		}
		blocked := func(want string) func() bool {
			return func() bool { return harness.Field(watch.Do("INFO", "clients").Str, "blocked_clients") == want }
		}
		harness.Eventually(t, "all wait", blocked("200"))
		for _, c := range open {
			c.Close()
		}
		harness.Eventually(t, "nobody waits", blocked("0"))
		watch.Want("(int) 1", "ZADD", "other", "1", "still-here")
		watch.Want("(int) 1", "DEL", "other")
		watch.Close()
	})
}

// A client that sends much behind a command that waits and then hangs up is noticed, and gets nothing any more: its
// end comes after all it has sent.
func TestHangUpBehindWaitingCommand(t *testing.T) {
	const most = 8 << 20 // more than the system keeps for a socket
	survives(t, func(t *testing.T, s *harness.Server) {
		c, err := harness.DialConn(s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(harness.AppendCommand(nil, "BLPOP", "waited", "0")); err != nil {
			t.Fatal(err)
		}
		other := s.Dial(t)
		blocked := func(n string) func() bool {
			return func() bool { return harness.Field(other.Do("INFO", "clients").Str, "blocked_clients") == n }
		}
		harness.Eventually(t, "it waits", blocked("1"))
		go func() {
			_, _ = c.Write(bytes.Repeat(harness.AppendCommand(nil, "PING"), most/14))
			c.Close()
		}()
		harness.Eventually(t, "its end is noticed", blocked("0"))
		if n := other.Do("RPUSH", "waited", "x"); n.Int != 1 {
			t.Errorf("RPUSH: %+v", n)
		}
		if n := other.Do("LLEN", "waited"); n.Int != 1 {
			t.Errorf("LLEN: %+v", n)
		}
		other.Do("DEL", "waited")
		other.Close()
	})
}
