//go:build !heapalloc

package offheap

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	reserveMax = 1 << 40  // address space asked for first; halved until it is granted
	reserveMin = 1 << 30  // below this there is no point in starting
	chunkSize  = 32 << 20 // made accessible at a time: a multiple of the huge page size
	hugeAlign  = 2 << 20
)

// memory is one reservation; frame f lies at base + f*PageSize.
type memory struct {
	base    unsafe.Pointer
	mapped  []byte // as mmap returned it
	usable  []byte // from the first huge page border on
	enabled int    // bytes of usable that are accessible: frames below enabled/PageSize
}

func (m *memory) reserve() error {
	for size := reserveMax; ; size /= 2 {
		b, err := unix.Mmap(-1, 0, size, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE|mapNoReserve)
		if err == nil {
			skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (hugeAlign - 1)
			m.mapped, m.usable = b, b[skip:]
			m.base = unsafe.Pointer(unsafe.SliceData(m.usable))
			return nil
		}
		if size <= reserveMin {
			return err
		}
	}
}

func (m *memory) release() error {
	if m.mapped == nil {
		return nil
	}
	b := m.mapped
	*m = memory{}
	return unix.Munmap(b)
}

// extend makes the next chunk of frames accessible.
func (m *memory) extend() error {
	if m.enabled+PageSize > len(m.usable) {
		return unix.ENOMEM
	}
	to := min(m.enabled+chunkSize, len(m.usable))
	chunk := m.usable[m.enabled:to]
	if err := unix.Mprotect(chunk, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return err
	}
	adviseHuge(chunk)
	m.enabled = to
	return nil
}

// backed is the number of frames that are accessible, from frame 0 on, and capacity the
// number that can become so.
func (m *memory) backed() uint32   { return uint32(m.enabled >> PageShift) }
func (m *memory) capacity() uint32 { return uint32(len(m.usable) >> PageShift) }

// forget gives frame f's memory back to the system; it reads as zeroes, or as
// what it was, when it is next used.
func (m *memory) forget(f uint32) {
	off := int(f) << PageShift
	// An error leaves the memory resident, which is all that can go wrong.
	_ = unix.Madvise(m.usable[off:off+PageSize], unix.MADV_DONTNEED)
}

func (m *memory) frame(f uint32) unsafe.Pointer {
	return unsafe.Add(m.base, uintptr(f)<<PageShift)
}
