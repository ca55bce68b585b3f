package drivers

import (
	"bufio"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"quarry/tests/harness"
)

// cli is a redis-cli for a server with some boards in it.
type cli struct {
	t    *testing.T
	path string
	port string
}

func newCLI(t *testing.T) cli {
	t.Helper()
	path := harness.Tool(t, "redis-cli")
	s := harness.Start(t, harness.Options{})
	c := s.Dial(t)
	for i := range 300 {
		c.Do("ZADD", fmt.Sprintf("board:%d", i%7), strconv.Itoa(i), fmt.Sprintf("member:%d", i))
		c.Do("ZADD", "biggest", strconv.Itoa(i), fmt.Sprintf("member:%d", i))
	}
	_, port, _ := strings.Cut(s.Addr, ":")
	return cli{t, path, port}
}

// run runs redis-cli to its end.
func (c cli) run(args ...string) string {
	c.t.Helper()
	return harness.Command(c.t, c.path, append([]string{"-p", c.port}, args...)...)
}

// want runs redis-cli and looks for a text in what it prints.
func (c cli) want(text string, args ...string) {
	c.t.Helper()
	if out := c.run(args...); !strings.Contains(out, text) {
		c.t.Errorf("redis-cli %q prints no %q:\n%s", args, text, out)
	}
}

func TestRedisCLI(t *testing.T) {
	c := newCLI(t)
	c.want("PONG", "PING")
	c.want("member:299\n299\n", "ZREVRANGE", "biggest", "0", "0", "WITHSCORES")
	c.want("member:299\n299\n", "-3", "ZREVRANGE", "biggest", "0", "0", "WITHSCORES")
	c.want("ERR unknown command", "NOSUCH")
	c.want("(integer) 300", "--no-raw", "ZCARD", "biggest")
	c.want("0\n", "-n", "5", "DBSIZE")
	c.want("redis_version:", "INFO", "server")
}

func TestRedisCLIScans(t *testing.T) {
	c := newCLI(t)
	if n := len(strings.Fields(c.run("--scan", "--pattern", "board:*"))); n != 7 {
		t.Errorf("--scan finds %d boards", n)
	}
	c.want(`Biggest   zset found '"biggest"' has 300 members`, "--bigkeys")
	c.want("8 zsets with 600 members", "--bigkeys")
	c.want(`Biggest   zset found '"biggest"' has `, "--memkeys")
}

// --stat and --latency print until they are stopped: two lines are enough.
func TestRedisCLIWatches(t *testing.T) {
	c := newCLI(t)
	for _, args := range [][]string{{"--stat", "-i", "0.05"}, {"--latency", "--raw", "-i", "0.05"}} {
		cmd := exec.Command(c.path, append([]string{"-p", c.port}, args...)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var first string
		for n := 0; n < 3 && lines.Scan(); n++ {
			first += lines.Text() + "\n"
			if args[0] == "--latency" {
				break // it prints one line in an interval, and ends
			}
		}
		// It may have ended by itself; then there is nothing to kill.
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		want := "keys"
		if args[0] == "--latency" {
			want = " "
		}
		if !strings.Contains(first, want) || strings.Contains(first, "ERR") {
			t.Errorf("redis-cli %q prints:\n%s", args, first)
		}
	}
}

// Commands by standard input, as in a pipe: mass insertion.
func TestRedisCLIPipe(t *testing.T) {
	c := newCLI(t)
	var in []byte
	for i := range 1000 {
		in = harness.AppendCommand(in, "ZADD", "piped", strconv.Itoa(i), strconv.Itoa(i))
	}
	cmd := exec.CommandContext(t.Context(), c.path, "-p", c.port, "--pipe")
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "errors: 0, replies: 1000") {
		t.Errorf("--pipe: %v\n%s", err, out)
	}
	c.want("1000", "ZCARD", "piped")
}

func TestRedisBenchmark(t *testing.T) {
	path := harness.Tool(t, "redis-benchmark")
	for _, frontEnd := range harness.FrontEnds() {
		t.Run(frontEnd, func(t *testing.T) {
			s := harness.Start(t, harness.Options{FrontEnd: frontEnd})
			_, port, _ := strings.Cut(s.Addr, ":")
			bench := func(want string, args ...string) {
				t.Helper()
				out := harness.Command(t, path, append([]string{"-p", port, "-q", "-n", "2000", "-c", "10"}, args...)...)
				if !strings.Contains(out, want) || strings.Contains(out, "ERR") || strings.Contains(out, "WARNING") {
					t.Errorf("redis-benchmark %q prints:\n%s", args, out)
				}
			}
			bench("ZADD", "-t", "zadd,zpopmin", "-r", "1000")
			bench("ZPOPMIN", "-t", "zadd,zpopmin", "-P", "16")
			bench("PING_INLINE", "-t", "ping")
			bench("requests per second", "-r", "100000", "ZADD", "board", "__rand_int__", "member:__rand_int__")
			bench("requests per second", "-3", "-P", "16", "ZREVRANGE", "board", "0", "9", "WITHSCORES")
			s.Dial(t).Want("(int) 1", "EXISTS", "board")
		})
	}
}
