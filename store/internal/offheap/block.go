package offheap

import "unsafe"

// A Block is a place in off-heap memory; offsets are bytes from its start,
// numbers lie in the machine's order, little-endian on every system we build for. It is valid while the
// lock that guards its owner is held and the memory is not freed or resized.
//
// The accessors compile to single instructions. With tag invariants they check
// bounds and that a block written to came from a W method.
//
// (Block's fields and the checks are in block_fast.go and block_checked.go.)

// IsNil reports whether b is the zero Block.
func (b Block) IsNil() bool { return b.p == nil }

// U8 reads a byte.
func (b Block) U8(o int) uint8 { b.read(o, 1); return *(*uint8)(unsafe.Add(b.p, o)) }

// U16 reads a 16-bit number.
func (b Block) U16(o int) uint16 { b.read(o, 2); return *(*uint16)(unsafe.Add(b.p, o)) }

// U32 reads a 32-bit number.
func (b Block) U32(o int) uint32 { b.read(o, 4); return *(*uint32)(unsafe.Add(b.p, o)) }

// U64 reads a 64-bit number.
func (b Block) U64(o int) uint64 { b.read(o, 8); return *(*uint64)(unsafe.Add(b.p, o)) }

// SetU8 writes a byte.
func (b Block) SetU8(o int, v uint8) { b.write(o, 1); *(*uint8)(unsafe.Add(b.p, o)) = v }

// SetU16 writes a 16-bit number.
func (b Block) SetU16(o int, v uint16) { b.write(o, 2); *(*uint16)(unsafe.Add(b.p, o)) = v }

// SetU32 writes a 32-bit number.
func (b Block) SetU32(o int, v uint32) { b.write(o, 4); *(*uint32)(unsafe.Add(b.p, o)) = v }

// SetU64 writes a 64-bit number.
func (b Block) SetU64(o int, v uint64) { b.write(o, 8); *(*uint64)(unsafe.Add(b.p, o)) = v }

// Bytes is the n bytes at o, to be read; its capacity is cut.
func (b Block) Bytes(o, n int) []byte {
	b.read(o, n)
	return unsafe.Slice((*byte)(unsafe.Add(b.p, o)), n)
}

// Mutable is the n bytes at o, to be written; its capacity is cut.
func (b Block) Mutable(o, n int) []byte {
	b.write(o, n)
	return unsafe.Slice((*byte)(unsafe.Add(b.p, o)), n)
}

// Copy writes src at o.
func (b Block) Copy(o int, src []byte) {
	b.write(o, len(src))
	copy(unsafe.Slice((*byte)(unsafe.Add(b.p, o)), len(src)), src)
}

// Move copies n bytes from offset from to offset to; they may overlap.
func (b Block) Move(to, from, n int) {
	b.read(from, n)
	b.write(to, n)
	copy(unsafe.Slice((*byte)(unsafe.Add(b.p, to)), n), unsafe.Slice((*byte)(unsafe.Add(b.p, from)), n))
}

// CopyFrom copies n bytes from offset from of src to offset to of b.
func (b Block) CopyFrom(to int, src Block, from, n int) {
	src.read(from, n)
	b.write(to, n)
	copy(unsafe.Slice((*byte)(unsafe.Add(b.p, to)), n), unsafe.Slice((*byte)(unsafe.Add(src.p, from)), n))
}

// Zero clears n bytes at o.
func (b Block) Zero(o, n int) {
	b.write(o, n)
	clear(unsafe.Slice((*byte)(unsafe.Add(b.p, o)), n))
}

// Prefetch asks the processor for the n cache lines of 64 bytes from b's start
// on. It is a hint: it may name memory that is not there.
func (b Block) Prefetch(n int) { prefetch(b.p, n) }
