package harness

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// Process is a server that runs as a process of its own.
type Process struct {
	Addr string // host:port
	Port int
	cmd  *exec.Cmd
	out  *syncBuffer
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; valid after done
}

// syncBuffer collects what a process prints.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Tool finds a program in PATH, or ends the test as Missing does.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name, "is not in PATH")
	}
	return path
}

// StartRedis starts the real redis-server without persistence; args are
// further directives as on its command line.
func StartRedis(t testing.TB, args ...string) *Process {
	t.Helper()
	bin := Tool(t, "redis-server")
	args = append([]string{"--save", "", "--dir", t.TempDir(), "--bind", "127.0.0.1"}, args...)
	return startAnywhere(t, bin, args)
}

// StartBinary starts Quarry as its users do: the binary, built once per test
// process, with args as on the command line.
func StartBinary(t testing.TB, args ...string) *Process {
	t.Helper()
	args = append([]string{"--dir", t.TempDir(), "--bind", "127.0.0.1"}, args...)
	return startAnywhere(t, Binary(t), args)
}

// startAnywhere starts a server on a free port, and on another one if somebody
// was quicker.
func startAnywhere(t testing.TB, bin string, args []string) *Process {
	t.Helper()
	var p *Process
	for range 5 {
		port := FreePort(t)
		var err error
		if p, err = launch(bin, append(args[:len(args):len(args)], "--port", strconv.Itoa(port))); err != nil {
			t.Fatal(err)
		}
		p.Port, p.Addr = port, fmt.Sprintf("127.0.0.1:%d", port)
		t.Cleanup(p.kill)
		if p.waitReady(t) {
			return p
		}
	}
	t.Fatalf("%s does not start; it said:\n%s", bin, p.out)
	return nil
}

// Command runs a program to its end with args and returns what it printed.
func Command(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func launch(bin string, args []string) (*Process, error) {
	p := &Process{cmd: exec.Command(bin, args...), out: &syncBuffer{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// waitReady waits until the server answers PING; false if it ended instead.
func (p *Process) waitReady(t testing.TB) bool {
	ready := false
	Eventually(t, "the server answers", func() bool {
		select {
		case <-p.done:
			return true
		default:
		}
		c, err := DialConn(p.Addr)
		if err != nil {
			return false
		}
		defer c.Close()
		v, err := c.Call("PING")
		ready = err == nil && (v.Str == "PONG" || v.IsError())
		return ready
	})
	return ready
}

// Dial connects to the process.
func (p *Process) Dial(t testing.TB) *Client {
	t.Helper()
	return Dial(t, p.Addr)
}

// Pid is the number of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Output is what it has printed so far.
func (p *Process) Output() string { return p.out.String() }

// Signal sends a signal.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Wait waits for the end of the process and returns its exit code, -1 if a signal ended it.
func (p *Process) Wait(t testing.TB) int {
	t.Helper()
	Eventually(t, "the process ends", func() bool {
		select {
		case <-p.done:
			return true
		default:
			return false
		}
	})
	return p.cmd.ProcessState.ExitCode()
}

// kill ends the process and waits for it.
func (p *Process) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	// An error means it has just ended by itself, which done tells as well.
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// RSS is the resident memory of a process of this machine in bytes; pid 0 is this one.
func RSS(t testing.TB, pid int) int64 {
	t.Helper()
	name := "self"
	if pid != 0 {
		name = strconv.Itoa(pid)
	}
	text, err := os.ReadFile(filepath.Join("/proc", name, "status"))
	if err != nil {
		Missing(t, "no /proc to read memory from:", err.Error())
	}
	var kb int64
	if _, err := fmt.Sscanf(Field(string(text), "VmRSS"), "%d", &kb); err != nil {
		t.Fatalf("VmRSS: %v", err)
	}
	return kb << 10
}

var binary struct {
	once sync.Once
	path string
	err  error
}

// Binary builds Quarry, once per test process, and returns the path of the
// program: one file per user among the temporary ones, guarded by a lock since
// the tests of several packages build it at the same time. When nothing has
// changed the go command leaves it as it is.
func Binary(t testing.TB) string {
	t.Helper()
	root := Root(t)
	binary.once.Do(func() { binary.path, binary.err = build(root) })
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return binary.path
}

func build(root string) (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("quarry-tests-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close() // which unlocks it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "quarry")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the binary: %v\n%s", err, out)
	}
	return path, nil
}

// Root is the directory of the module: the nearest one upwards that has a go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's directory")
		}
		dir = parent
	}
}
