package transcript

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quarry/tests/harness"
)

var rewrite = flag.Bool("rewrite", false, "write the answers of the transcripts anew")

// variant is one way to run a server and to talk to it. Answers must not
// depend on the first two.
type variant struct {
	packed bool // the encoding thresholds as they are by default, or nothing packed
	shards int
	proto  int
}

func (v variant) String() string {
	encoding := "unpacked"
	if v.packed {
		encoding = "packed"
	}
	return fmt.Sprintf("%s/shards=%d/RESP%d", encoding, v.shards, v.proto)
}

func variants() []variant {
	var all []variant
	for _, packed := range []bool{true, false} {
		for _, shards := range []int{1, 8} {
			for _, proto := range []int{2, 3} {
				all = append(all, variant{packed, shards, proto})
			}
		}
	}
	return all
}

// Load reads the transcripts of a directory, sorted by name.
func Load(t testing.TB, dir string) []*File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*File
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse(path, string(text))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		t.Fatalf("no transcripts in %s", dir)
	}
	return files
}

// RunAll plays every transcript of a directory under every variant and, with
// -rewrite, writes the answers anew before.
func RunAll(t *testing.T, dir string) {
	for _, f := range Load(t, dir) {
		t.Run(filepath.Base(f.Name), func(t *testing.T) {
			if *rewrite {
				rewriteFile(t, f)
			}
			for _, v := range variants() {
				t.Run(v.String(), func(t *testing.T) { compare(t, f, v) })
			}
		})
	}
}

// compare plays f and reports every answer that is not what is written.
func compare(t *testing.T, f *File, v variant) {
	play(t, f, v, func(b *Block, got string) {
		if want := b.Wanted(v.proto); got != want {
			t.Errorf("%s:%d%s", f.Name, b.Line, differences(b, split(got), split(want)))
		}
	})
}

// split cuts drawn answers into single ones: a line that is not indented begins one.
func split(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") && len(list) > 0 {
			list[len(list)-1] += line
		} else {
			list = append(list, line)
		}
	}
	return list
}

func differences(b *Block, got, want []string) string {
	if len(got) != len(want) {
		return fmt.Sprintf(": %d answers, and %d are written", len(got), len(want))
	}
	var s strings.Builder
	for i := range got {
		if got[i] == want[i] {
			continue
		}
		if i < len(b.Lines) {
			fmt.Fprintf(&s, "\n%s", b.Lines[i])
		}
		fmt.Fprintf(&s, "\ngot:\n%swant:\n%s", got[i], want[i])
	}
	return s.String()
}

func rewriteFile(t *testing.T, f *File) {
	play(t, f, variant{true, 8, 2}, func(b *Block, got string) { b.Want, b.Want3 = got, "" })
	play(t, f, variant{true, 8, 3}, func(b *Block, got string) {
		if got != b.Want {
			b.Want3 = got
		}
	})
	if err := os.WriteFile(f.Name, []byte(f.Format()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// play runs f against a server of its own and hands each block's answers over.
func play(t *testing.T, f *File, v variant, answered func(b *Block, got string)) {
	o := harness.Options{Shards: v.shards}
	if !v.packed {
		o.Args = []string{
			"--zset-max-listpack-entries", "0", "--hash-max-listpack-entries", "0",
			"--set-max-intset-entries", "0", "--set-max-listpack-entries", "0",
			"--list-max-listpack-size", "1",
		}
	}
	s := harness.Start(t, o)
	p := &Player{Addr: s.Addr, Proto: v.proto, Advance: s.ShiftTime, Check: s.Check}
	defer p.Close()
	for i := range f.Blocks {
		b := &f.Blocks[i]
		replies, err := p.Play(b)
		if err != nil {
			t.Fatalf("%s:%d: %v", f.Name, b.Line, err)
		}
		if b.Answers() {
			answered(b, b.Draw(replies))
		}
	}
	if err := s.Check(); err != nil {
		t.Errorf("%s: after the last block: %v", f.Name, err)
	}
}
