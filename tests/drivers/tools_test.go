package drivers

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

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
	c.want("OK", "-n", "5", "SET", "elsewhere", "1")
	c.want("elsewhere", "-n", "5", "--scan")
	c.want("resp=3 ", "-3", "CLIENT", "INFO")
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
	c.want(`Biggest   zset found '"biggest"' has `, "--memkeys-samples", "5")
	// Which keys are hot is counted under an LFU policy only.
	if out, err := exec.Command(c.path, "-p", c.port, "--hotkeys").CombinedOutput(); err == nil || !strings.Contains(string(out), "An LFU maxmemory policy is not selected") {
		t.Errorf("redis-cli --hotkeys: %v\n%s", err, out)
	}
	c.want("OK", "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
	c.want("OK", "SET", "hot", "1") // a new key counts as used a few times
	c.want("hot key found with counter: ", "--hotkeys")
}

// TestRedisCLIHints types the name of a command on a terminal: redis-cli shows the
// arguments that COMMAND DOCS describes. That version of redis-cli does not know WITHSCORE by itself.
func TestRedisCLIHints(t *testing.T) {
	c := newCLI(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	terminal := exec.CommandContext(ctx, harness.Tool(t, "script"), "-qec", "stty cols 200; exec "+c.path+" -p "+c.port, "/dev/null")
	terminal.Env = append(os.Environ(), "TERM=xterm", "HOME="+t.TempDir())
	keys, err := terminal.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	screen, err := terminal.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := terminal.Start(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ shown, typed string }{
		{c.port + "> ", "ZRANK "},
		{"key member [WITHSCORE]", "\x03"},
	} {
		var seen []byte
		for b := make([]byte, 256); !bytes.Contains(seen, []byte(step.shown)); {
			n, err := screen.Read(b)
			if seen = append(seen, b[:n]...); err != nil {
				t.Fatalf("no %q on the screen: %v\n%q", step.shown, err, seen)
			}
		}
		if _, err := io.WriteString(keys, step.typed); err != nil {
			t.Fatal(err)
		}
	}
	_ = keys.Close()
	_, _ = io.Copy(io.Discard, screen)
	_ = terminal.Wait() // how a program ends that was told to stop means nothing
}

// --stat prints until it is stopped: two lines of heads, and then numbers. --latency
// prints one line in an interval, and ends.
func TestRedisCLIWatches(t *testing.T) {
	c := newCLI(t)
	for _, w := range []struct {
		args  []string
		lines int
		least []float64 // the columns of the last line are numbers from these on
	}{
		{[]string{"--stat", "-i", "0.05"}, 4, []float64{8, 0.1, 1, 0, 600}},      // keys, memory, clients, blocked, requests
		{[]string{"--latency", "--raw", "-i", "0.05"}, 1, []float64{0, 0, 0, 1}}, // min, max, mean, samples
	} {
		cmd := exec.Command(c.path, append([]string{"-p", c.port}, w.args...)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var all string
		var last []string
		for n := 0; n < w.lines && lines.Scan(); n++ {
			all += lines.Text() + "\n"
			last = strings.Fields(lines.Text())
		}
		// It may have ended by itself; then there is nothing to kill.
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if len(last) < len(w.least) {
			t.Fatalf("redis-cli %q prints:\n%s", w.args, all)
		}
		for i, least := range w.least {
			// The memory has a unit.
			if f, err := strconv.ParseFloat(strings.TrimRight(last[i], "KMG"), 64); err != nil || f < least {
				t.Errorf("redis-cli %q, column %d of the last line: want a number from %v:\n%s", w.args, i, least, all)
			}
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
			bench("MSET (10 keys)") // the last of all tests that it has
			bench("MSET (10 keys)", "-3", "-P", "16", "-r", "1000", "--dbnum", "3")
			bench("ZADD", "-t", "zadd,zpopmin", "-r", "1000")
			bench("ZPOPMIN", "-t", "zadd,zpopmin", "-P", "16")
			bench("PING_INLINE", "-t", "ping")
			bench("requests per second", "-r", "100000", "ZADD", "board", "__rand_int__", "member:__rand_int__")
			bench("requests per second", "-3", "-P", "16", "ZREVRANGE", "board", "0", "9", "WITHSCORES")
			s.Dial(t).Want("(int) 1", "EXISTS", "board")
		})
	}
}
