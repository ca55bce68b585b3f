package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"

	"quarry/persistence/vfs"
)

// FuzzManifest: what is read is written and read again as the same, and a
// manifest of ours of which a byte has changed is not taken for another.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"))
	f.Add([]byte("file \"a \\\"\\x00\\n\\\\\" seq 2 type h\n# comment\nfile b.aof seq 3 type i future key\n"))
	f.Add([]byte("file 'it''s' seq 1 type i\n"))
	f.Add([]byte("FILE a SEQ 007 TYPE incr\n"))
	f.Add([]byte("file a\x00b seq 1 type i\n"))
	f.Add(appendManifest(nil, &manifest{base: &fileInfo{"b", 3, typeBase}, incrs: []fileInfo{{"i", 5, typeIncr}}, pos: 99}))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		written := appendManifest(nil, m)
		again, err := parseManifest(written)
		if err != nil {
			t.Fatalf("%q is written as %q: %v", text, written, err)
		}
		if got := appendManifest(nil, again); !bytes.Equal(got, written) {
			t.Errorf("%q, and then %q", written, got)
		}
		for i := range written {
			changed := slices.Clone(written)
			changed[i] ^= 1
			if other, err := parseManifest(changed); err == nil && !bytes.Equal(appendManifest(nil, other), written) && other.pos == m.pos {
				if bytes.Contains(changed, []byte(checkTag)) {
					t.Fatalf("%q passes for %q", changed, appendManifest(nil, other))
				}
			}
		}
	})
}

// FuzzLog: any bytes as an incremental file are read without a panic, in
// bounded memory; what is recovered once is recovered again, and a log that
// goes on behind it is read to its end.
func FuzzLog(f *testing.F) {
	header := appendLine(nil, fuzzKey, &line{kind: lineHeader, seq: 1, hash: fuzzKey})
	f.Add(header)
	f.Add(commandOf("SET", "a", "1"))
	f.Add(slices.Concat(header, commandOf("SET", "a", "1")))
	f.Add(slices.Concat([]byte("#TS:1\r\n"), commandOf("MULTI"), commandOf("SET", "a", "1")))
	f.Add(slices.Concat(commandOf("SET", "a", "1"), header, commandOf("SET", "a", "1"), commandOf("SELECT", "0"), commandOf("SET", "b", "2")))
	f.Add([]byte("*3\r\n$3\r\nSET\r\n$536870912\r\na"))
	f.Add([]byte("*1000000000\r\n$1\r\na\r\n"))
	f.Add(slices.Concat(header, make([]byte, 700)))
	text := commandOf("SET", "a", "1")
	whole := slices.Concat(header, groupOf(text))
	f.Add(whole)
	f.Add(slices.Concat(whole, appendLine(nil, fuzzKey, &line{kind: lineClosed, seq: 3, end: int64(len(text)), synced: int64(len(text))}), commandOf("SELECT", "1"), text))
	f.Fuzz(func(t *testing.T, text []byte) {
		mem := vfs.NewMem()
		o := Options{FS: mem, Dir: "/", ChunkBytes: -1, ReserveBytes: -1, still: true, Key: func() uint64 { return fuzzKey }}
		putFile(t, mem, "/appendonlydir/appendonly.aof.1.incr.aof", text)
		putFile(t, mem, "/appendonlydir/appendonly.aof.manifest", []byte("file appendonly.aof.1.incr.aof seq 1 type i\n"))
		var first, second content
		d, err := Open(o)
		must(t, err)
		if _, err := d.Recover(first.load, first.apply, nil); err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("an error that is not damage: %v", err)
			}
			return
		}
		l, err := d.Start()
		must(t, err)
		l.Append(0, commandOf("LAST", "of", "all"))
		must(t, l.Close())
		d, err = Open(o)
		must(t, err)
		if _, err := d.Recover(second.load, second.apply, nil); err != nil {
			t.Fatalf("what a recovery leaves and a log behind it: %v", err)
		}
		// Of a MULTI without its EXEC, which is cut, the first may have seen more.
		if n := len(second.lines) - 2; n < 0 || n > len(first.lines) || !slices.Equal(second.lines[:n], first.lines[:n]) || second.lines[n+1] != "LAST of all" {
			t.Errorf("recovered %q, then %q", first.lines, second.lines)
		}
	})
}

const fuzzKey = 0x5eed

func groupOf(text []byte) []byte {
	n := int64(len(text))
	return appendLine(slices.Clone(text), fuzzKey, &line{kind: lineGroup, seq: 2, end: n, length: n, hash: xxhash.Sum64(text)})
}

func putFile(t *testing.T, fs vfs.FS, path string, text []byte) {
	t.Helper()
	must(t, fs.MkdirAll("/appendonlydir"))
	f, err := fs.Create(path)
	must(t, err)
	if _, err := f.Write(text); err != nil {
		t.Fatal(err)
	}
	must(t, f.Close())
}

// FuzzLines: a line is read exactly as it was written, and no other bytes are one.
func FuzzLines(f *testing.F) {
	f.Add([]byte("#Q1 g 12 5315 50 5265 9c1185a5c5e9fc54 3b5ea1c5f2d0a7be\r\n"), uint64(1))
	f.Add(appendLine(nil, 7, &line{kind: lineSynced, seq: 3, end: 9, synced: 9}), uint64(7))
	f.Fuzz(func(t *testing.T, text []byte, key uint64) {
		if l, ok := parseLine(text, key); ok {
			if l.kind == lineHeader {
				key = l.hash
			}
			if got := appendLine(nil, key, &l); !bytes.Equal(got, text) {
				t.Errorf("%q is read as %q", text, got)
			}
		}
	})
}

func TestQuotedNames(t *testing.T) {
	for name, want := range map[string]string{
		"appendonly.aof.1.incr.aof": "appendonly.aof.1.incr.aof",
		"my file.aof":               `"my file.aof"`,
		"a\"b\\c\n\x01\xff'":        `"a\"b\\c\n\x01\xff'"`,
		"":                          `""`,
	} {
		got := string(appendName(nil, name))
		if got != want {
			t.Errorf("%q is written as %s, want %s", name, got, want)
		}
		if words, ok := splitWords("x " + got + " y"); !ok || fmt.Sprintf("%q", words) != fmt.Sprintf("%q", []string{"x", name, "y"}) {
			t.Errorf("%s is read as %q, %t", got, words, ok)
		}
	}
	for _, bad := range []string{`"open`, `'open`, `"a"b`, `a'b'c`, "a\x00b"} {
		if words, ok := splitWords(bad); ok {
			t.Errorf("%s is read as %q", bad, words)
		}
	}
}
