package persistence

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// lineTag begins each of our annotation lines; the digit is the version of their form.
const lineTag = "#Q1 "

// maxLineBytes is more than a line of ours has, and what Redis reads of one at a time.
const maxLineBytes = 1023

// lineKind says what a line tells.
type lineKind byte

const (
	lineHeader lineKind = 'h' // a process begins to write here; the hash is the directory's key
	lineGroup  lineKind = 'g' // the bytes since the line before are a group
	lineSynced lineKind = 's' // nothing new but how far the log is synced
	lineClosed lineKind = 'c' // the log was closed here: what follows is somebody else's, or a header
)

// line is one annotation line.
type line struct {
	kind   lineKind
	seq    int64 // counts lines over all files
	end    int64 // position behind the group
	length int64 // bytes of the group; 0 for other kinds
	synced int64 // position that was durable when the line was made
	hash   uint64
}

// start is the position where the group of the line begins.
func (l *line) start() int64 { return l.end - l.length }

// appendLine encodes a line, its own check included.
//
//	#Q1 g 12 5310 45 5265 9c1185a5c5e9fc54 3b5ea1c5f2d0a7be\r\n
func appendLine(dst []byte, key uint64, l *line) []byte {
	from := len(dst)
	dst = append(dst, lineTag...)
	dst = append(dst, byte(l.kind), ' ')
	for _, n := range [...]int64{l.seq, l.end, l.length, l.synced} {
		dst = append(strconv.AppendInt(dst, n, 10), ' ')
	}
	dst = append(appendHex(dst, l.hash), ' ')
	dst = appendHex(dst, lineCheck(key, dst[from:]))
	return append(dst, '\r', '\n')
}

// lineCheck is the hash of a line's bytes before it, which nobody can make
// without the directory's key: a client may store what looks like a line.
func lineCheck(key uint64, text []byte) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(key)
	d.Write(text)
	return d.Sum64()
}

func appendHex(dst []byte, n uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[n>>shift&15])
	}
	return dst
}

// parseLine decodes a line that ends with text. A header brings its own key;
// others are checked with key. ok means that the line is exactly as it was written.
func parseLine(text []byte, key uint64) (l line, ok bool) {
	rest, found := bytes.CutPrefix(text, []byte(lineTag))
	if !found || len(text) > maxLineBytes {
		return l, false
	}
	rest = bytes.TrimSuffix(rest, []byte("\r\n"))
	if len(rest) < 2 || rest[1] != ' ' || bytes.IndexByte([]byte("hgsc"), rest[0]) < 0 {
		return l, false
	}
	l.kind, rest = lineKind(rest[0]), rest[2:]
	for _, n := range [...]*int64{&l.seq, &l.end, &l.length, &l.synced} {
		if *n, rest, ok = cutNumber(rest); !ok {
			return l, false
		}
	}
	if l.hash, ok = parseHex(rest); !ok {
		return l, false
	}
	if l.kind == lineHeader {
		key = l.hash
	}
	// What was parsed is written again: nothing but the very bytes passes.
	var buf [160]byte
	return l, bytes.Equal(appendLine(buf[:0], key, &l), text) && l.length <= l.end && l.synced <= l.end
}

// cutNumber takes a decimal number and a blank off text.
func cutNumber(text []byte) (n int64, rest []byte, ok bool) {
	for i, c := range text {
		switch {
		case c == ' ':
			return n, text[i+1:], i > 0
		case c < '0' || c > '9' || i == 18:
			return 0, nil, false
		}
		n = n*10 + int64(c-'0')
	}
	return 0, nil, false
}

// parseHex decodes the 16 digits text begins with.
func parseHex(text []byte) (n uint64, ok bool) {
	if len(text) < 16 {
		return 0, false
	}
	for _, c := range text[:16] {
		if !isHex(c) {
			return 0, false
		}
		n = n<<4 | uint64(unhex(c))
	}
	return n, true
}

// randomKey draws a directory's key.
func randomKey() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: see its documentation
	return binary.LittleEndian.Uint64(b[:])
}
