package drivers

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quarry/tests/harness"
)

// steps are what a driver does in its scenario, each with an empty server. The scripts
// in testdata have a function for each, and say of each how it went.
var steps = []string{
	"connects", "strings", "hashes", "sets", "lists", "zsets",
	"pipeline", "transaction", "pubsub", "blocking", "scans", "inspects", "errors",
}

// scenarioTime ends a scenario that hangs; one takes less than a second.
const scenarioTime = 30 * time.Second

// everyServer runs a scenario against Quarry with each front end and, so that the
// scenario itself is proven, against redis-server where there is one.
func everyServer(t *testing.T, scenario func(t *testing.T, addr string, protocol int)) {
	for _, protocol := range []int{2, 3} {
		for _, frontEnd := range harness.FrontEnds() {
			t.Run(fmt.Sprintf("%s/RESP%d", frontEnd, protocol), func(t *testing.T) {
				scenario(t, harness.Start(t, harness.Options{FrontEnd: frontEnd, Loops: 2}).Addr, protocol)
			})
		}
		t.Run(fmt.Sprintf("redis-server/RESP%d", protocol), func(t *testing.T) {
			scenario(t, harness.StartRedis(t).Addr, protocol)
		})
	}
}

func TestRedisPy(t *testing.T) {
	python := installed(t, "python", "requirements.txt", "bin", "python")
	everyServer(t, func(t *testing.T, addr string, protocol int) {
		play(t, addr, protocol, exec.Command(python, filepath.Join("testdata", "python", "scenario.py")))
	})
}

func TestIORedis(t *testing.T) { testNode(t, "ioredis.js") }

func TestNodeRedis(t *testing.T) { testNode(t, "noderedis.js") }

func testNode(t *testing.T, script string) {
	modules := installed(t, "node", "package-lock.json", "node_modules")
	node := harness.Tool(t, "node")
	everyServer(t, func(t *testing.T, addr string, protocol int) {
		cmd := exec.Command(node, filepath.Join("testdata", "node", script))
		cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
		play(t, addr, protocol, cmd)
	})
}

// installed finds what tests/drivers/install has made of the versions that a file in
// testdata pins, or ends the test as harness.Missing does.
func installed(t *testing.T, language, pins string, path ...string) string {
	t.Helper()
	dir := os.Getenv("QUARRY_DRIVERS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			harness.Missing(t, "nowhere to look for drivers:", err.Error())
		}
		dir = filepath.Join(cache, "quarry", "drivers")
	}
	want, err := os.ReadFile(filepath.Join("testdata", language, pins))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, language, pins)); err != nil || !bytes.Equal(got, want) {
		harness.Missing(t, "the drivers of", language, "are not installed as testdata pins them; tests/drivers/install does it")
	}
	return filepath.Join(append([]string{dir, language}, path...)...)
}

// play runs a script with the port of a server and a version of the protocol; every
// step it tells of is a test.
func play(t *testing.T, addr string, protocol int, cmd *exec.Cmd) {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), scenarioTime)
	defer cancel()
	limited := exec.CommandContext(ctx, cmd.Path, append(cmd.Args[1:], port, fmt.Sprint(protocol))...)
	limited.Env = cmd.Env
	out, err := limited.CombinedOutput()
	said := outcomes(string(out))
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			if said[step] != passed {
				t.Errorf("%s", said[step])
			}
		})
	}
	if err != nil || len(said) != len(steps) {
		t.Errorf("%v; all it said:\n%s", err, out)
	}
}

// passed is what outcomes has of a step that went well.
const passed = "passed"

// outcomes reads what a script printed: for each step that it told of what went
// wrong, or passed.
func outcomes(out string) map[string]string {
	said := map[string]string{}
	last := ""
	for line := range strings.Lines(out) {
		verdict, step, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case verdict == "pass" && slices.Contains(steps, step):
			said[step], last = passed, step
		case verdict == "fail" && slices.Contains(steps, step):
			said[step], last = "failed:\n", step
		case last != "":
			said[last] += line
		}
	}
	return said
}

func TestOutcomes(t *testing.T) {
	got := outcomes("pass sets\nfail lists\nwhy\n  and where\npass zsets\n")
	want := map[string]string{"sets": passed, "lists": "failed:\nwhy\n  and where\n", "zsets": passed}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// A step that warns is not one that went well.
	if got := outcomes("pass sets\nwarning: x\n")["sets"]; got == passed {
		t.Errorf("a warning is overlooked: %q", got)
	}
}
