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

// redisDir is a directory that a real server has filled: a base, incremental
// files, time stamps.
func redisDir(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	r := startRedis(t, dir, append([]string{"--aof-timestamp-enabled", "yes"}, args...)...)
	r.do("SET a 1")
	r.do("BGREWRITEAOF")
	for range 500 {
		if strings.Contains(r.do("INFO persistence"), "aof_rewrite_in_progress:0") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Fprint(r.conn, "MULTI\r\nSET b 2\r\nSADD s x\r\nEXEC\r\n")
	r.do("PING")
	r.do("SELECT 3")
	r.do("SET c 3")
	r.end()
	return dir
}

func TestRedisDirectoriesAreRead(t *testing.T) {
	for _, preamble := range []string{"yes", "no"} {
		dir := redisDir(t, "--aof-use-rdb-preamble", preamble)
		l, got := begin(t, dir)
		if want := "SELECT 0 \nMULTI \nSET b 2 \nSADD s x \nEXEC \nSELECT 3 \nSET c 3 \n"; !strings.HasSuffix(got, want) {
			t.Errorf("rdb %s: recovered\n%s", preamble, got)
		}
		if preamble == "no" && !strings.Contains(got, "SET a 1 \n") {
			t.Errorf("a base of commands: recovered\n%s", got)
		}
		if preamble == "yes" && !strings.HasPrefix(got, "base of ") {
			t.Errorf("a base of commands: recovered\n%s", got)
		}
		l.Append(0, commandOf("SET", "d", "4"))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		checkAOF(t, dir)
		r := startRedis(t, dir)
		if got := r.do("MGET a b d"); got != "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n4\r\n" {
			t.Errorf("rdb %s: MGET in Redis: %q", preamble, got)
		}
		r.end()
	}
}

// A single file of Redis before 7, with an RDB at its beginning and without.
func TestOldFilesAreTakenOver(t *testing.T) {
	for _, preamble := range []string{"yes", "no"} {
		from, dir := redisDir(t, "--aof-use-rdb-preamble", preamble), t.TempDir()
		var old []byte
		names, err := filepath.Glob(filepath.Join(from, "appendonlydir", "*.aof.[0-9].*"))
		must(t, err)
		for _, name := range names { // the base comes first
			b, err := os.ReadFile(name)
			must(t, err)
			old = append(old, b...)
		}
		must(t, os.WriteFile(filepath.Join(dir, "appendonly.aof"), old, 0o644))
		d, err := Open(Options{Dir: dir})
		must(t, err)
		if d.Empty() {
			t.Fatal("the old file is not seen")
		}
		var c content
		_, err = d.Recover(func(r io.Reader, size int64) error {
			b, err := io.ReadAll(r)
			// The RDB ends with 0xff and eight bytes; a loader knows where.
			end := strings.Index(string(b), string(selectMark))
			if at := strings.Index(string(b), "#TS:"); at >= 0 {
				end = min(end, at)
			}
			if end < 0 || size != int64(len(old)) {
				return fmt.Errorf("no end in %q, size %d", b, size)
			}
			r.(*BaseReader).End(int64(end))
			return err
		}, c.apply, nil)
		must(t, err)
		if want := "SELECT 0\nMULTI\nSET b 2\nSADD s x\nEXEC\nSELECT 3\nSET c 3"; !strings.HasSuffix(c.String(), want) {
			t.Errorf("rdb %s: recovered\n%s", preamble, c.String())
		}
		l, err := d.Start()
		must(t, err)
		l.Append(0, commandOf("SET", "d", "4"))
		must(t, l.Close())
		checkAOF(t, dir)
		r := startRedis(t, dir)
		if got := r.do("MGET a b d"); got != "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n4\r\n" {
			t.Errorf("rdb %s: MGET in Redis: %q", preamble, got)
		}
		r.end()
	}
}

// Redis cuts the last command where it is not whole, and a MULTI without its
// EXEC; so do we, at the same place.
func TestRedisTailsAreCutWhereRedisCuts(t *testing.T) {
	for _, tail := range []string{"*2\r\n$3\r\nGET\r\n$1", "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n", "#TS:12", "*"} {
		sizes := map[bool]int64{}
		for _, ours := range []bool{false, true} {
			dir := redisDir(t)
			names, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
			must(t, err)
			last := names[len(names)-1]
			b, err := os.ReadFile(last)
			must(t, err)
			must(t, os.WriteFile(last, append(b, tail...), 0o644))
			if ours {
				d, err := Open(Options{Dir: dir})
				must(t, err)
				var c content
				if _, err := d.Recover(c.load, c.apply, nil); err != nil {
					t.Errorf("%q: %v", tail, err)
				}
				must(t, d.Close())
			} else {
				startRedis(t, dir).cmd.Process.Kill()
			}
			info, err := os.Stat(last)
			must(t, err)
			sizes[ours] = info.Size() - int64(len(b))
		}
		if sizes[true] != sizes[false] && tail != "#TS:12" { // Redis leaves a part of a line, and trips over it later
			t.Errorf("%q: we keep %d bytes of it, Redis %d", tail, sizes[true], sizes[false])
		}
	}
}

// What a process of ours leaves when it is killed, Redis loads: whole, and
// torn at every kind of place.
func TestRedisLoadsWhatAKilledProcessLeaves(t *testing.T) {
	for _, cut := range []int64{0, 1, 30, 80, 90, 110} {
		dir := t.TempDir()
		l, _ := begin(t, dir)
		for i := range 20 {
			l.Append(0, commandOf("SET", fmt.Sprint("key", i), "value"))
			l.Commit()
		}
		// No Close: the files are copied as they are.
		copied := t.TempDir()
		must(t, os.CopyFS(copied, os.DirFS(dir)))
		must(t, l.Close())
		path := filepath.Join(copied, "appendonlydir", "appendonly.aof.1.incr.aof")
		info, err := os.Stat(path)
		must(t, err)
		must(t, os.Truncate(path, info.Size()-cut))
		r := startRedis(t, copied)
		if got := r.do("DBSIZE"); got != ":20\r\n" && (cut < 75 || got != ":19\r\n") {
			t.Errorf("cut by %d: %q", cut, got)
		}
		r.cmd.Process.Kill()
	}
}
