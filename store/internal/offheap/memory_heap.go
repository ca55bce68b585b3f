//go:build heapalloc

package offheap

import (
	"errors"
	"unsafe"
)

const (
	chunkFrames = 64
	chunksMax   = 4096 // 16 GiB: more than any test needs
)

// memory is Go memory in chunks of 64 frames. The table of chunks is of fixed size, so that a
// reader of one entry never races with the growth of the table.
type memory struct {
	chunks *[chunksMax]unsafe.Pointer
	made   uint32
}

func (m *memory) reserve() error {
	m.chunks = new([chunksMax]unsafe.Pointer)
	return nil
}

func (m *memory) release() error {
	m.chunks = nil
	return nil
}

func (m *memory) extend() error {
	if m.made == chunksMax {
		return errors.New("heapalloc region is full")
	}
	// One byte more: what is empty at the end of the last frame must not point to what is not this chunk.
	m.chunks[m.made] = unsafe.Pointer(unsafe.SliceData(make([]byte, chunkFrames<<PageShift+1)))
	m.made++
	return nil
}

func (m *memory) backed() uint32   { return m.made * chunkFrames }
func (m *memory) capacity() uint32 { return chunksMax * chunkFrames }

func (m *memory) forget(uint32) {}

func (m *memory) frame(f uint32) unsafe.Pointer {
	return unsafe.Add(m.chunks[f/chunkFrames], uintptr(f%chunkFrames)<<PageShift)
}
