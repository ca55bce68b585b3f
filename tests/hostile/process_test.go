package hostile

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"quarry/tests/harness"
)

// TestTerminalGoes: a server outlives the terminal it was started from and
// whoever read its log, and still ends as it is told to.
func TestTerminalGoes(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(harness.FreePort(t))
	server := exec.Command(harness.Binary(t), "--port", port, "--dir", t.TempDir(), "--loglevel", "debug")
	server.Stdout, server.Stderr = writer, writer
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Process.Kill()
	writer.Close()
	addr := "127.0.0.1:" + port
	harness.Eventually(t, "the server answers", func() bool {
		c, err := harness.DialConn(addr)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})

	reader.Close()
	if err := server.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	c := harness.Dial(t, addr)
	if err := c.SendRaw([]byte("*1\r\n$x\r\n")); err != nil { // what the log has a line for
		t.Fatal(err)
	}
	c.WantClosed()
	if got := harness.Dial(t, addr).Do("PING").Str; got != "PONG" {
		t.Errorf("PING: %q", got)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}
