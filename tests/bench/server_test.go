package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"quarry/tests/harness"
)

// peer is a server that is measured.
type peer struct {
	name string
	*harness.Process
}

// The names of the peers, as they stand in the tables.
const (
	quarry = "Quarry"
	redis  = "Redis"
)

// startQuarry starts it without a log, as startRedis does, unless args ask for one.
func startQuarry(t *testing.T, args ...string) *peer {
	return &peer{quarry, harness.StartBinary(t, append([]string{"--appendonly", "no"}, args...)...)}
}

func startRedis(t *testing.T, args ...string) *peer {
	return &peer{redis, harness.StartRedis(t, args...)}
}

// startPeers starts both, Quarry first; args are directives that both know.
func startPeers(t *testing.T, args ...string) [2]*peer {
	return [2]*peer{startQuarry(t, args...), startRedis(t, args...)}
}

// ticksPerSecond is the unit of CPU time that Linux shows to programs.
const ticksPerSecond = 100

// cpuTime is what all threads of the server have used, user and system.
func (p *peer) cpuTime(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
	if err != nil {
		harness.Missing(t, "no /proc to read CPU time from:", err.Error())
	}
	used, err := parseCPUTime(stat)
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// parseCPUTime adds up utime and stime, fields 14 and 15 of a stat file. The
// second field, the program's name, may hold anything but ends at the last
// parenthesis.
func parseCPUTime(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("%d fields in %q", len(fields), stat)
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// info is a number that INFO shows.
func info(t *testing.T, c *harness.Client, section, field string) int64 {
	t.Helper()
	text := harness.Field(c.Do("INFO", section).Str, field)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("INFO %s has %s:%s", section, field, text)
	}
	return n
}

// calls is how often the server has run commands, as it counts itself; there are
// spaces between their names.
func calls(t *testing.T, c *harness.Client, commands string) (sum int64) {
	t.Helper()
	stats := c.Do("INFO", "commandstats").Str
	for command := range strings.FieldsSeq(commands) {
		text := harness.Field(stats, "cmdstat_"+command)
		if text == "" {
			continue
		}
		var n int64
		if _, err := fmt.Sscanf(text, "calls=%d,", &n); err != nil {
			t.Fatalf("cmdstat_%s:%s: %v", command, text, err)
		}
		sum += n
	}
	return sum
}

// machine describes where a table comes from.
func machine(t *testing.T, peers ...*peer) string {
	t.Helper()
	var names []string
	for _, p := range peers {
		server := p.Dial(t).Do("INFO", "server").Str
		if p.name == redis {
			names = append(names, "redis-server "+harness.Field(server, "redis_version"))
			continue
		}
		names = append(names, fmt.Sprintf("Quarry %s (%s)", harness.Field(server, "quarry_version"), harness.Field(server, "go_version")))
	}
	return strings.Join(names, " and ") + " on " + processor() + "."
}

// processor is the machine's, as far as Linux tells.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "an unknown processor"
	}
	model, cores := "", 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(name) {
		case "processor":
			cores++
		case "model name":
			model = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%d cores of %s", cores, model)
}

func TestParseCPUTime(t *testing.T) {
	const stat = "12 (a ) 1 2) S 1 12 12 0 -1 4194304 100 0 0 0 250 50 7 8 20 0 5 0 123 456 789"
	if got, err := parseCPUTime([]byte(stat)); err != nil || got != 3*time.Second {
		t.Errorf("got %v, %v; want 3s", got, err)
	}
	for _, bad := range []string{"", "12 (a) S 1", "12 (a) S 1 12 12 0 -1 4194304 100 0 0 0 x 50 7 8"} {
		if got, err := parseCPUTime([]byte(bad)); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// A process that works uses CPU time, and the reading of it shows that.
func TestCPUTimeGrows(t *testing.T) {
	p := startQuarry(t)
	c := p.Dial(t)
	before := p.cpuTime(t)
	harness.Eventually(t, "the server's CPU time grows", func() bool {
		for range 1000 {
			c.Do("PING")
		}
		return p.cpuTime(t) > before
	})
}
