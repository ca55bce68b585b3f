package server

import (
	"math/bits"
	"sync/atomic"
)

// buffers are slices for output and input that no session needs now: of one worker, whose sessions take
// them in turn. Large ones come in powers of two, and go when none has been needed for a while.
type buffers struct {
	small      [][]byte
	smallBytes int
	large      [largeClasses][][]byte
	largeBytes atomic.Int64 // cron reads it
	needed     bool         // a large one was, since rest was called last
}

const (
	// A reply buffer has bufferBytes at first; one that has grown beyond keepBytes is large.
	bufferBytes = 4 << 10
	keepBytes   = 64 << 10
	// largeClasses is how many sizes of large ones are kept: up to 4 MiB.
	largeClasses = 6
	// So much is kept of each kind.
	smallSpare = 8 << 20
	largeSpare = 16 << 20
)

// buffer is an empty slice to write replies to.
func (p *buffers) buffer() []byte {
	last := len(p.small) - 1
	if last < 0 {
		return make([]byte, 0, bufferBytes)
	}
	b := p.small[last]
	p.small[last] = nil
	p.small = p.small[:last]
	p.smallBytes -= cap(b)
	return b
}

// sized is an empty slice for that many bytes.
func (p *buffers) sized(bytes int) []byte {
	switch {
	case bytes <= bufferBytes:
		return p.buffer()
	case bytes <= keepBytes:
		return make([]byte, 0, bytes)
	}
	return p.Large(bytes)
}

// Grow is b with room for n bytes more; b is not used any more.
func (p *buffers) Grow(b []byte, n int) []byte {
	larger := append(p.sized(max(2*cap(b), len(b)+n)), b...)
	p.Recycle(b)
	return larger
}

// classOf is the class of large buffers for that many bytes.
func classOf(bytes int) int { return bits.Len(uint(bytes-1) / (2 * keepBytes)) }

// Large is an empty slice for that many bytes, of which there are more than keepBytes.
func (p *buffers) Large(bytes int) []byte {
	class := classOf(bytes)
	if class >= largeClasses {
		return make([]byte, 0, bytes)
	}
	p.needed = true
	list := &p.large[class]
	last := len(*list) - 1
	if last < 0 {
		return make([]byte, 0, 2*keepBytes<<class)
	}
	b := (*list)[last]
	(*list)[last] = nil
	*list = (*list)[:last]
	p.largeBytes.Add(-int64(cap(b)))
	return b
}

// Recycle takes a slice back, unless there are enough or it is of no use.
func (p *buffers) Recycle(b []byte) {
	switch size := cap(b); {
	case size == 0:
	case size <= keepBytes:
		if p.smallBytes+size <= smallSpare {
			p.small = append(p.small, b[:0])
			p.smallBytes += size
		}
	case p.largeBytes.Load()+int64(size) <= largeSpare:
		if class := classOf(size); class < largeClasses && size == 2*keepBytes<<class {
			p.large[class] = append(p.large[class], b[:0])
			p.largeBytes.Add(int64(size))
		}
	}
}

// rest lets the large ones go if none has been needed since it was called last. It is called each second.
func (p *buffers) rest() {
	if !p.needed {
		p.large = [largeClasses][][]byte{}
		p.largeBytes.Store(0)
	}
	p.needed = false
}
