//go:build !invariants

package offheap

import "unsafe"

// Block is a place in off-heap memory; see block.go.
type Block struct{ p unsafe.Pointer }

func readBlock(frame unsafe.Pointer, off uint32, _ int) Block {
	return Block{unsafe.Add(frame, uintptr(off))}
}

func writeBlock(frame unsafe.Pointer, off uint32, _ int) Block {
	return Block{unsafe.Add(frame, uintptr(off))}
}

// Sub is the n bytes of b at o as a block of their own.
func (b Block) Sub(o, _ int) Block { return Block{unsafe.Add(b.p, o)} }

// Scratch makes a block of Go memory, for private copies.
func Scratch(b []byte) Block { return Block{unsafe.Pointer(unsafe.SliceData(b))} }

func (b Block) read(int, int)  {}
func (b Block) write(int, int) {}
