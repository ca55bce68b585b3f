package harness

import (
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long Eventually waits: far longer than anything takes on a
// busy machine, since it is only there to end a test that has failed.
const patience = 20 * time.Second

// Eventually waits until cond holds and fails the test if it never does. It
// tries often at first, so that a condition about to hold costs microseconds.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if cond() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
		time.Sleep(pause)
	}
}

// CheckGoroutines fails the test if, at its end, more goroutines run than now.
// Call it first: what is started after it must be gone when its Cleanup runs.
func CheckGoroutines(t testing.TB) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		deadline := time.Now().Add(patience)
		for runtime.NumGoroutine() > before {
			if time.Now().After(deadline) {
				stacks := make([]byte, 1<<20)
				stacks = stacks[:runtime.Stack(stacks, true)]
				t.Errorf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks)
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// FreePort finds a TCP port nobody listens on. Another process may take it
// before the caller does; StartRedis tries again then.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// InCI reports whether tests run where nothing may be missing.
func InCI() bool { return os.Getenv("CI") == "true" }

// Missing ends a test whose peer (a program, a data file) is not there: it is
// skipped with the reason, except in CI, where it fails.
func Missing(t testing.TB, reason ...string) {
	t.Helper()
	text := strings.Join(reason, " ")
	if InCI() {
		t.Fatalf("missing in CI: %s", text)
	}
	t.Skipf("skipped: %s", text)
}
