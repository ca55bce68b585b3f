//go:build linux

package uring

import (
	"bytes"
	"errors"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestLayout: the sizes and offsets of the kernel's header.
func TestLayout(t *testing.T) {
	var s submission
	var c completion
	var p params
	for _, tc := range []struct {
		name      string
		got, want uintptr
	}{
		{"submission", unsafe.Sizeof(s), 64}, {"its descriptor", unsafe.Offsetof(s.fd), 4}, {"its address", unsafe.Offsetof(s.address), 16},
		{"its length", unsafe.Offsetof(s.length), 24}, {"its flags", unsafe.Offsetof(s.message), 28}, {"its name", unsafe.Offsetof(s.name), 32},
		{"completion", unsafe.Sizeof(c), 16}, {"its result", unsafe.Offsetof(c.result), 8},
		{"params", unsafe.Sizeof(p), 120}, {"its sq offsets", unsafe.Offsetof(p.sq), 40}, {"its cq offsets", unsafe.Offsetof(p.cq), 80},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, tc.got, tc.want)
		}
	}
}

func newRing(t *testing.T) *Ring {
	t.Helper()
	r, err := New()
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		t.Logf("io_uring is not to be had here: %v", err)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// socketPair is a pair of connected non-blocking stream sockets.
func socketPair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

// TestSubmit: every operation of a batch has its own result, in order, whatever
// becomes of its neighbours.
func TestSubmit(t *testing.T) {
	r := newRing(t)
	if r == nil {
		return
	}
	a, b := socketPair(t)
	c, d := socketPair(t)
	unix.Close(d)
	d = -1
	for range 3 * Size { // the rings wrap around
		hello, room := []byte("hello"), make([]byte, 16)
		r.Send(a, hello)
		r.Send(c, hello)     // nobody is there
		r.Send(-1, hello)    // no descriptor
		r.Receive(b, room)   // what was sent first
		r.Receive(a, room)   // nothing
		r.Send(b, hello[:1]) // goes on after failures
		if r.Queued() != 6 {
			t.Fatalf("%d queued", r.Queued())
		}
		got, err := r.Submit()
		if err != nil {
			t.Fatal(err)
		}
		want := []Result{{5, nil}, {0, unix.EPIPE}, {0, unix.EBADF}, {5, nil}, {0, unix.EAGAIN}, {1, nil}}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("operation %d: %v, want %v", i, got[i], want[i])
			}
		}
		if !bytes.Equal(room[:5], hello) || r.Queued() != 0 {
			t.Fatalf("received %q, %d queued", room[:5], r.Queued())
		}
		if n, err := unix.Read(a, room); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
}

// TestSubmitFull: a batch of Size operations, and sends that fill a socket: the
// last is short, the next refused.
func TestSubmitFull(t *testing.T) {
	r := newRing(t)
	if r == nil {
		return
	}
	a, b := socketPair(t)
	big := bytes.Repeat([]byte("x"), 64<<10)
	for range Size {
		r.Send(a, big)
	}
	got, err := r.Submit()
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for i, res := range got {
		sent += res.N
		if res.Err != nil && res.Err != unix.EAGAIN || i > 0 && res.N > 0 && got[i-1].Err != nil {
			t.Fatalf("operation %d: %v after %v", i, res, got[i-1])
		}
	}
	if got[Size-1].Err != unix.EAGAIN || sent == 0 {
		t.Errorf("%d bytes sent, the last result %v", sent, got[Size-1])
	}
	received := 0
	for {
		n, err := unix.Read(b, big)
		if err != nil {
			break
		}
		received += n
	}
	if received != sent {
		t.Errorf("%d bytes sent, %d received", sent, received)
	}
	defer func() {
		if recover() == nil {
			t.Error("a batch takes more than it may")
		}
	}()
	for range Size + 1 {
		r.Receive(b, big)
	}
}

// TestSubmitAllocatesNothing: it is on the way of every reply.
func TestSubmitAllocatesNothing(t *testing.T) {
	r := newRing(t)
	if r == nil {
		return
	}
	a, b := socketPair(t)
	ping, room := []byte("ping"), make([]byte, 8)
	n := testing.AllocsPerRun(100, func() {
		r.Send(a, ping)
		r.Receive(b, room)
		if _, err := r.Submit(); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
