package persistence

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// redisServer is a real redis-server on a directory.
type redisServer struct {
	t    *testing.T
	cmd  *exec.Cmd
	conn net.Conn
	log  strings.Builder
}

func startRedis(t *testing.T, dir string, args ...string) *redisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, port, _ := net.SplitHostPort(addr)
	r := &redisServer{t: t}
	r.cmd = exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", dir}, args...)...)
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.cmd.Process.Kill(); r.cmd.Wait() })
	for range 500 {
		if r.conn == nil {
			r.conn, _ = net.Dial("tcp", addr)
		}
		if r.conn != nil && r.do("PING") == "+PONG\r\n" {
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.cmd.Process.Kill()
	r.cmd.Wait()
	t.Fatalf("redis-server does not answer: %s", r.log.String())
	return nil
}

// do sends an inline command and returns what one read brings.
func (r *redisServer) do(command string) string {
	r.t.Helper()
	fmt.Fprintf(r.conn, "%s\r\n", command)
	buf := make([]byte, 1<<16)
	r.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := r.conn.Read(buf)
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", command, err, r.log.String())
	}
	return string(buf[:n])
}

func (r *redisServer) end() {
	r.t.Helper()
	r.cmd.Process.Signal(os.Interrupt)
	if err := r.cmd.Wait(); err != nil {
		r.t.Fatalf("%v\n%s", err, r.log.String())
	}
}

func begin(t *testing.T, dir string) (*Log, string) {
	t.Helper()
	d, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	base := func(r io.Reader, size int64) error {
		b, err := io.ReadAll(r)
		fmt.Fprintf(&got, "base of %d\n", len(b))
		return err
	}
	_, err = d.Recover(base, func(args [][]byte) error {
		for _, a := range args {
			fmt.Fprintf(&got, "%s ", a)
		}
		got.WriteString("\n")
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Start()
	if err != nil {
		t.Fatal(err)
	}
	return l, got.String()
}

func checkAOF(t *testing.T, dir string) {
	t.Helper()
	path, err := exec.LookPath("redis-check-aof")
	if err != nil {
		t.Skip("redis-check-aof is not installed")
	}
	out, err := exec.Command(path, filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "valid") {
		t.Errorf("redis-check-aof: %v\n%s", err, out)
	}
}

func TestRedisGoesOnWithOurLogAndWeWithRedis(t *testing.T) {
	dir := t.TempDir()
	l, _ := begin(t, dir)
	l.Append(0, commandOf("SET", "a", "1"))
	l.Append(2, commandOf("SADD", "s", "x", "y"))
	l.Commit()
	l.Append(0, append(append(commandOf("MULTI"), commandOf("INCRBY", "a", "4")...), commandOf("EXEC")...))
	l.Commit()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	checkAOF(t, dir)

	r := startRedis(t, dir)
	if got := r.do("GET a"); got != "$1\r\n5\r\n" {
		t.Errorf("GET a in Redis: %q", got)
	}
	r.do("SET b 7")
	r.end()

	l, got := begin(t, dir)
	if !strings.HasSuffix(got, "SELECT 0 \nSET b 7 \n") {
		t.Errorf("recovered of Redis:\n%s", got)
	}
	l.Append(0, commandOf("SET", "c", "8"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	checkAOF(t, dir)

	r = startRedis(t, dir)
	if got := r.do("MGET a b c"); got != "*3\r\n$1\r\n5\r\n$1\r\n7\r\n$1\r\n8\r\n" {
		t.Errorf("MGET in Redis: %q", got)
	}
	r.do("BGREWRITEAOF")
	for range 500 {
		if strings.Contains(r.do("INFO persistence"), "aof_rewrite_in_progress:0") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.do("SET d 9")
	r.end()

	l, got = begin(t, dir)
	if !strings.HasPrefix(got, "base of ") || !strings.HasSuffix(got, "SET d 9 \n") {
		t.Errorf("recovered of Redis after its rewrite:\n%s", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	checkAOF(t, dir)
}
