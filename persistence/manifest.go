package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// The kinds of files in a manifest.
const (
	typeBase    = 'b'
	typeHistory = 'h'
	typeIncr    = 'i'
)

// fileInfo is one line of the manifest.
type fileInfo struct {
	name string
	seq  int64
	kind byte
}

// manifest names the files that make up the data, in the order they are loaded.
type manifest struct {
	base    *fileInfo // nil: there is none
	incrs   []fileInfo
	history []fileInfo
	// pos is the position of the stream where the base ends and the incremental
	// files begin; -1: not known, Redis has written the manifest.
	pos int64
}

func (m *manifest) empty() bool { return m.base == nil && len(m.incrs) == 0 }

// clone returns a copy that can be changed.
func (m *manifest) clone() *manifest {
	c := &manifest{pos: m.pos, incrs: append([]fileInfo(nil), m.incrs...), history: append([]fileInfo(nil), m.history...)}
	if m.base != nil {
		b := *m.base
		c.base = &b
	}
	return c
}

// nextSeq is the number of the next incremental file (incr) or base.
func (m *manifest) nextSeq(kind byte) int64 {
	next := int64(1)
	see := func(f fileInfo) { next = max(next, f.seq+1) }
	if kind == typeBase {
		if m.base != nil {
			see(*m.base)
		}
		return next
	}
	for _, f := range m.incrs {
		see(f)
	}
	return next
}

// maxManifestBytes bounds what is read as a manifest; maxManifestLine is Redis' bound of a line.
const (
	maxManifestBytes = 16 << 20
	maxManifestLine  = 1024
)

// Comments of ours: checkTag begins the last line, the hash of all before;
// posTag the position.
const (
	checkTag = "#quarry xxhash64 "
	posTag   = "#quarry position "
)

// appendManifest encodes a manifest as Redis does, with a comment line at its
// end, which Redis skips, that tells whether a byte has changed since.
func appendManifest(dst []byte, m *manifest) []byte {
	from := len(dst)
	if m.base != nil {
		dst = appendInfo(dst, *m.base)
	}
	for _, f := range m.history {
		dst = appendInfo(dst, f)
	}
	for _, f := range m.incrs {
		dst = appendInfo(dst, f)
	}
	if m.pos >= 0 {
		dst = append(dst, posTag...)
		dst = append(strconv.AppendInt(dst, m.pos, 10), '\n')
	}
	sum := xxhash.Sum64(dst[from:])
	dst = append(dst, checkTag...)
	return append(appendHex(dst, sum), '\n')
}

func appendInfo(dst []byte, f fileInfo) []byte {
	dst = append(dst, "file "...)
	dst = appendName(dst, f.name)
	dst = append(dst, " seq "...)
	dst = strconv.AppendInt(dst, f.seq, 10)
	dst = append(dst, " type "...)
	return append(dst, f.kind, '\n')
}

// parseManifest decodes a manifest of Redis or of ours, strictly as Redis does,
// and more strictly where a checksum is present.
func parseManifest(text []byte) (*manifest, error) {
	m := &manifest{pos: -1}
	if len(text) == 0 {
		return nil, errors.New("the manifest is empty")
	}
	offset, highest := 0, int64(0)
	for number := 1; offset < len(text); number++ {
		end := bytes.IndexByte(text[offset:], '\n')
		row := text[offset:]
		if end >= 0 {
			row = row[:end]
		}
		switch {
		case bytes.HasPrefix(row, []byte(checkTag)):
			if want := string(appendHex(nil, xxhash.Sum64(text[:offset]))); string(row[len(checkTag):]) != want {
				return nil, fmt.Errorf("line %d: the checksum of the manifest is %s, its lines have %s", number, row[len(checkTag):], want)
			}
		case bytes.HasPrefix(row, []byte(posTag)):
			pos, err := strconv.ParseInt(string(row[len(posTag):]), 10, 64)
			if err != nil || pos < 0 {
				return nil, fmt.Errorf("line %d: not a position", number)
			}
			m.pos = pos
		case len(row) > 0 && row[0] == '#':
		case end < 0 || end >= maxManifestLine:
			return nil, fmt.Errorf("line %d: too long, or its end is missing", number)
		default:
			if err := m.addLine(string(row), &highest); err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
		}
		if end < 0 {
			break
		}
		offset += end + 1
	}
	return m, nil
}

var errManifestFormat = errors.New("not of the form: file <name> seq <number> type <b, h or i>")

func (m *manifest) addLine(row string, highest *int64) error {
	words, ok := splitWords(strings.Trim(row, " \t\r\n"))
	if !ok || len(words) < 6 || len(words)%2 != 0 {
		return errManifestFormat
	}
	f, err := parseInfo(words)
	if err != nil {
		return err
	}
	switch f.kind {
	case typeBase:
		if m.base != nil {
			return errors.New("a second base file")
		}
		m.base = &f
	case typeHistory:
		m.history = append(m.history, f)
	case typeIncr:
		if f.seq <= *highest {
			return errors.New("the sequence numbers do not rise")
		}
		*highest = f.seq
		m.incrs = append(m.incrs, f)
	default:
		return fmt.Errorf("unknown type of file %q", f.kind)
	}
	return nil
}

// parseInfo reads the words of a line: pairs of a name and a value. Names that
// are not known are for later versions, and passed over.
func parseInfo(words []string) (f fileInfo, err error) {
	for i := 0; i < len(words); i += 2 {
		value := words[i+1]
		switch strings.ToLower(words[i]) {
		case "file":
			if value == "." || value == ".." || strings.ContainsAny(value, `/\`) {
				return f, fmt.Errorf("%q is a path, not the name of a file", value)
			}
			f.name = value
		case "seq":
			if f.seq, err = strconv.ParseInt(value, 10, 64); err != nil {
				return f, fmt.Errorf("%q is not a sequence number", value)
			}
		case "type":
			if value != "" {
				f.kind = value[0]
			}
		}
	}
	if f.name == "" || f.seq <= 0 || f.kind == 0 {
		return f, errManifestFormat
	}
	return f, nil
}
