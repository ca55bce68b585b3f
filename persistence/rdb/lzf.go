package rdb

import (
	"errors"
	"math/bits"
	"sync"
)

// LZF is Lehmann's compression: a row of tokens, each of which is a run of bytes as they are, or names bytes that came before:
//
//	000nnnnn                     n+1 bytes follow
//	nnnooooo oooooooo            n+2 bytes from o+1 before here on, n = 1 to 6
//	111ooooo nnnnnnnn oooooooo   n+9 bytes from o+1 before here on
const (
	lzfRun    = 32      // longest run
	lzfMatch  = 264     // longest match
	lzfOffset = 1 << 13 // farthest
	lzfRatio  = 88      // a token makes no more bytes than so many times those it has
)

// lzf compresses; it keeps its table.
type lzf struct {
	seen [1 << 13]uint32 // where, plus 1, three bytes of a hash were last
	out  []byte
}

// lzfs are kept for the next payload.
var lzfs = sync.Pool{New: func() any { return new(lzf) }}

// compress is src in fewer than limit bytes, nil if that cannot be; until the next call.
func (z *lzf) compress(src []byte, limit int) []byte {
	level := min(max(bits.Len(uint(len(src))), 6), 13)
	seen := z.seen[:1<<level]
	clear(seen)
	out, run := z.out[:0], 0 // run: where the bytes begin that are not in out yet
	for i := 0; i+2 < len(src); {
		h := (uint32(src[i])<<16 | uint32(src[i+1])<<8 | uint32(src[i+2])) * 0x9e3779b1 >> (32 - level)
		at := int(seen[h]) - 1
		seen[h] = uint32(i + 1)
		if at < 0 || i-at > lzfOffset || src[at] != src[i] || src[at+1] != src[i+1] || src[at+2] != src[i+2] {
			i++
			continue
		}
		n := 3
		for most := min(lzfMatch, len(src)-i); n < most && src[at+n] == src[i+n]; {
			n++
		}
		out = appendMatch(appendRuns(out, src[run:i]), n, i-at-1)
		if len(out) >= limit {
			break
		}
		i += n
		run = i
	}
	out = appendRuns(out, src[run:])
	z.out = out[:0]
	if len(out) >= limit {
		return nil
	}
	return out
}

func appendRuns(dst, b []byte) []byte {
	for len(b) > 0 {
		n := min(len(b), lzfRun)
		dst = append(append(dst, byte(n-1)), b[:n]...)
		b = b[n:]
	}
	return dst
}

func appendMatch(dst []byte, n, back int) []byte {
	if n -= 2; n < 7 {
		return append(dst, byte(n<<5|back>>8), byte(back))
	}
	return append(dst, byte(7<<5|back>>8), byte(n-7), byte(back))
}

var errLZF = errors.New("a compressed string is damaged")

// decompress appends the n bytes that src says, exactly, to dst.
func decompress(dst, src []byte, n int) ([]byte, error) {
	start := len(dst)
	for len(src) > 0 {
		c := int(src[0])
		src = src[1:]
		if c < lzfRun {
			if len(src) <= c || len(dst)-start+c+1 > n {
				return dst, errLZF
			}
			dst = append(dst, src[:c+1]...)
			src = src[c+1:]
			continue
		}
		size := c>>5 + 2
		if size == 9 && len(src) > 0 {
			size += int(src[0])
			src = src[1:]
		}
		if len(src) == 0 {
			return dst, errLZF
		}
		at := len(dst) - (c&31<<8 | int(src[0])) - 1
		src = src[1:]
		if at < start || len(dst)-start+size > n {
			return dst, errLZF
		}
		if at+size <= len(dst) {
			dst = append(dst, dst[at:at+size]...)
			continue
		}
		for range size { // what is named overlaps what it becomes
			dst = append(dst, dst[at])
			at++
		}
	}
	if len(dst)-start != n {
		return dst, errLZF
	}
	return dst, nil
}
