//go:build invariants

package offheap

import (
	"fmt"
	"unsafe"
)

// Block is a place in off-heap memory; see block.go. In this build it knows its
// bounds and whether it may be written.
type Block struct {
	p        unsafe.Pointer
	n        int
	writable bool
}

func readBlock(frame unsafe.Pointer, off uint32, n int) Block {
	checkPage(off, n)
	return Block{unsafe.Add(frame, uintptr(off)), n, false}
}

func writeBlock(frame unsafe.Pointer, off uint32, n int) Block {
	checkPage(off, n)
	return Block{unsafe.Add(frame, uintptr(off)), n, true}
}

func checkPage(off uint32, n int) {
	if n < 0 || int(off)+n > PageSize {
		panic(fmt.Sprintf("offheap: %d bytes at %d reach out of the page", n, off))
	}
}

// Sub is the n bytes of b at o as a block of their own.
func (b Block) Sub(o, n int) Block {
	b.read(o, n)
	return Block{unsafe.Add(b.p, o), n, b.writable}
}

// Scratch makes a block of Go memory, for private copies.
func Scratch(b []byte) Block { return Block{unsafe.Pointer(unsafe.SliceData(b)), len(b), true} }

func (b Block) read(o, n int) {
	if o < 0 || n < 0 || o+n > b.n {
		panic(fmt.Sprintf("offheap: %d bytes at %d of a block of %d", n, o, b.n))
	}
}

func (b Block) write(o, n int) {
	b.read(o, n)
	if !b.writable {
		panic(fmt.Sprintf("offheap: %d bytes at %d are changed in a block that was not touched: take it with W", n, o))
	}
}
