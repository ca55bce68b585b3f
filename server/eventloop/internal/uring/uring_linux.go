package uring

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Size is how many operations a batch may have.
const Size = 256

const (
	setupClamp       = 1 << 4
	setupSubmitAll   = 1 << 7 // one operation that fails does not hold up the next
	setupCoopTaskrun = 1 << 8 // no interrupts for completions
	enterGetEvents   = 1 << 0
	featureSingleMap = 1 << 0
	featureNoDrop    = 1 << 1

	offsetRings   = 0
	offsetEntries = 0x10000000

	opSend    = 26
	opReceive = 27
)

// params is struct io_uring_params.
type params struct {
	sqEntries, cqEntries, flags, cpu, idle, features, wqFD uint32
	_                                                      [3]uint32
	sq, cq                                                 offsets
}

// offsets is struct io_sqring_offsets, and io_cqring_offsets, whose fifth to
// seventh fields are overflow, cqes and flags.
type offsets struct {
	head, tail, mask, entries uint32
	flags, dropped, array     uint32
	_                         uint32
	_                         uint64
}

func (o *offsets) cqes() uint32 { return o.dropped }

type submission struct {
	operation, flags uint8
	_                uint16
	fd               int32
	_                uint64
	address          uint64
	length           uint32
	message          uint32 // MSG_ flags
	name             uint64
	_                [3]uint64
}

type completion struct {
	name   uint64
	result int32
	flags  uint32
}

// Ring is a pair of queues. It belongs to one goroutine.
type Ring struct {
	fd             int
	rings, entries []byte // as mapped

	sqHead, sqTail, cqHead, cqTail *uint32
	sqMask, cqMask                 uint32
	sqes                           []submission
	cqes                           []completion

	queued  int
	buffers [Size][]byte // what the kernel is given by address stays known to the collector
	results [Size]Result
}

// Result is what became of an operation: N bytes were sent or received, or Err
// is why not. At the end of a stream N is 0.
type Result struct {
	N   int
	Err error
}

// New makes a ring. It fails where the kernel is too old (before 5.19) or does
// not let the process have one, as in many containers.
func New() (*Ring, error) {
	p := params{flags: setupClamp | setupSubmitAll | setupCoopTaskrun}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, Size, uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return nil, fmt.Errorf("uring: io_uring_setup: %w", errno)
	}
	r := &Ring{fd: int(fd)}
	unix.CloseOnExec(r.fd)
	if err := r.attach(&p); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// attach maps the queues.
func (r *Ring) attach(p *params) (err error) {
	if p.features&featureSingleMap == 0 || p.features&featureNoDrop == 0 || p.sqEntries < Size || p.cqEntries < Size {
		return errors.New("uring: this kernel's io_uring lacks what is needed")
	}
	const entrySize = uint32(unsafe.Sizeof(submission{}))
	size := max(p.sq.array+p.sqEntries*uint32(unsafe.Sizeof(uint32(0))), p.cq.cqes()+p.cqEntries*uint32(unsafe.Sizeof(completion{})))
	const access, kind = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	if r.rings, err = unix.Mmap(r.fd, offsetRings, int(size), access, kind); err != nil {
		return fmt.Errorf("uring: mapping the rings: %w", err)
	}
	if r.entries, err = unix.Mmap(r.fd, offsetEntries, int(p.sqEntries*entrySize), access, kind); err != nil {
		return fmt.Errorf("uring: mapping the entries: %w", err)
	}
	r.sqHead, r.sqTail = r.word(p.sq.head), r.word(p.sq.tail)
	r.cqHead, r.cqTail = r.word(p.cq.head), r.word(p.cq.tail)
	r.sqMask, r.cqMask = *r.word(p.sq.mask), *r.word(p.cq.mask)
	r.sqes = unsafe.Slice((*submission)(unsafe.Pointer(&r.entries[0])), p.sqEntries)
	r.cqes = unsafe.Slice((*completion)(unsafe.Pointer(&r.rings[p.cq.cqes()])), p.cqEntries)
	for i, order := 0, unsafe.Slice(r.word(p.sq.array), p.sqEntries); i < len(order); i++ {
		order[i] = uint32(i) // entries are used in the order they lie in
	}
	return nil
}

func (r *Ring) word(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[offset])) }

// Close gives the ring back. Nothing may be queued.
func (r *Ring) Close() {
	for _, b := range [][]byte{r.rings, r.entries} {
		if b != nil {
			_ = unix.Munmap(b) // fails only for what was not mapped
		}
	}
	unix.Close(r.fd)
	*r = Ring{fd: -1}
}

// Queued is the number of operations queued since the last Submit, at most [Size].
func (r *Ring) Queued() int { return r.queued }

// Send queues the sending of b, which must not be empty, to a socket. b must
// stay as it is until Submit returns.
func (r *Ring) Send(fd int, b []byte) { r.queue(opSend, fd, b) }

// Receive queues receiving into b, which must not be empty, from a socket. b is
// the kernel's until Submit returns.
func (r *Ring) Receive(fd int, b []byte) { r.queue(opReceive, fd, b) }

func (r *Ring) queue(operation uint8, fd int, b []byte) {
	if r.queued == Size {
		panic("uring: more operations than a batch may have")
	}
	i := r.queued
	r.queued++
	r.buffers[i] = b
	r.sqes[(*r.sqTail+uint32(i))&r.sqMask] = submission{
		operation: operation, fd: int32(fd), name: uint64(i),
		address: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))), length: uint32(min(len(b), 1<<30)),
		message: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL,
	}
}

// maxRefusals is how often in a row the kernel may find no memory for a batch.
const maxRefusals = 1000

// Submit carries the queued operations out and returns what became of each, in
// the order they were queued; valid until the next Submit. An error, which is a
// bug or a machine out of memory, leaves that unknown: the ring can only be closed then.
func (r *Ring) Submit() ([]Result, error) {
	n := r.queued
	r.queued = 0
	tail := *r.sqTail + uint32(n)
	atomic.StoreUint32(r.sqTail, tail)
	for done, refusals := 0, 0; done < n; {
		waiting := tail - atomic.LoadUint32(r.sqHead)
		_, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(waiting), uintptr(n-done), enterGetEvents, 0, 0)
		done += r.reap()
		switch errno {
		case 0, unix.EINTR:
			continue
		case unix.EAGAIN, unix.EBUSY:
			if refusals++; refusals < maxRefusals {
				runtime.Gosched()
				continue
			}
		}
		return nil, fmt.Errorf("uring: io_uring_enter: %w", errno)
	}
	runtime.KeepAlive(r)
	clear(r.buffers[:n])
	return r.results[:n], nil
}

// reap takes the completions that are there.
func (r *Ring) reap() int {
	head, tail := *r.cqHead, atomic.LoadUint32(r.cqTail)
	for i := head; i != tail; i++ {
		c := &r.cqes[i&r.cqMask]
		result := Result{N: int(c.result)}
		if c.result < 0 {
			result = Result{Err: unix.Errno(-c.result)}
		}
		r.results[c.name] = result
	}
	atomic.StoreUint32(r.cqHead, tail)
	return int(tail - head)
}
