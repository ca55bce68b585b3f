package transcript

import (
	"slices"
	"strings"
	"testing"
)

const sample = `# A comment of its own.

# Why this is here.
run
ZADD board 1 "a b" 2 "\x00\r\n"
ZSCORE board "a b"
----
(int) 2
"1"
---- resp3
(int) 2
(double) 1

client ada
block
BZPOPMIN empty 0
`

func TestParsesAndFormats(t *testing.T) {
	text := strings.Replace(sample, "client ada\n", "client ada\n\n", 1)
	f, err := Parse("sample", text)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Format(); got != text {
		t.Errorf("formats to:\n%s\nfrom:\n%s", got, text)
	}
	b := f.Blocks[1]
	if b.Line != 4 || !slices.Equal(b.Calls[0], []string{"ZADD", "board", "1", "a b", "2", "\x00\r\n"}) {
		t.Errorf("got line %d, call %q", b.Line, b.Calls[0])
	}
	if b.Wanted(2) == b.Wanted(3) || f.Blocks[3].Directive != Parks {
		t.Errorf("got %+v", f.Blocks)
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"dance\n", "x:1: directive"},
		{"# why\nrun\n----\nOK\n", "x:2: run without"},
		{"run twice\nPING\n", `run "twice"`},
		{"advance soon\n", "advance wants a number"},
		{"client\n", "client with argument"},
		{"check\nPING\n", "check with 1 commands"},
		{"run\nECHO \"a\n", "x:2: bad quotes"},
		{"run\nECHO \"a\"b\n", "no blank after"},
		{sample, "client with 2 commands"},
	} {
		if _, err := Parse("x", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
}
