package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var rewriteSample = flag.Bool("rewrite", false, "write the sample file anew")

// sampleFile is the sample configuration in the root of the repository.
const sampleFile = "../../quarry.conf"

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	fields := map[field]string{}
	c := defaults()
	for i := range options {
		o := &options[i]
		for _, name := range []string{o.name, o.alias} {
			if seen[name] || name != strings.ToLower(name) {
				t.Errorf("%s: the name %q is taken or not in lower case", o.name, name)
			}
			seen[name] = name != ""
		}
		f := o.at(c)
		if fields[f] != "" {
			t.Errorf("%s shares its field with %s", o.name, fields[f])
		}
		fields[f] = o.name
		words, err := splitWords(o.def)
		if err != nil {
			t.Fatalf("%s: default: %v", o.name, err)
		}
		base := any([classes]OutputLimit{})
		if v, err := o.read(f, base, words); err != nil {
			t.Errorf("%s: default %q: %v", o.name, o.def, err)
		} else if _, err := o.read(f, base, fileWords(o, f, v)); err != nil {
			t.Errorf("%s: default %q does not read back: %v", o.name, o.def, err)
		}
		checkRow(t, o, f)
	}
}

func fileWords(o *option, f field, v any) []string {
	if words := f.words(o, v); len(words) > 0 {
		return words
	}
	return []string{""}
}

// checkRow holds a row against its kind: columns that its kind needs are set,
// others are not.
func checkRow(t *testing.T, o *option, f field) {
	t.Helper()
	numeric, enum := false, false
	switch f.(type) {
	case *Int, *Bytes:
		numeric = true
	case *Enum:
		enum = true
	}
	if numeric != (o.max > 0) {
		t.Errorf("%s: max is %d", o.name, o.max)
	}
	if enum != (len(o.choices) > 0) {
		t.Errorf("%s: choices are %q", o.name, o.choices)
	}
	if o.group == "" || !strings.HasSuffix(o.doc, ".") {
		t.Errorf("%s: group and doc are wanted, and a full stop", o.name)
	}
	for line := range strings.Lines(o.doc) {
		if len(line) > 110 {
			t.Errorf("%s: a line of doc is too long: %s", o.name, line)
		}
	}
}

func TestSampleFile(t *testing.T) {
	want := Sample()
	if *rewriteSample {
		if err := os.WriteFile(sampleFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != want {
		t.Errorf("%s does not match the table; go test ./server/config -rewrite writes it", sampleFile)
	}
	c, err := Load([]string{sampleFile})
	if err != nil {
		t.Fatal(err)
	}
	if stale, err := c.differing(""); err != nil || len(stale) > 0 {
		t.Errorf("the sample changes defaults: %v %v", stale, err)
	}
	for i := range options {
		if n := strings.Count(want, "\n"+options[i].name+" "); n != 1 {
			t.Errorf("%s is %d times in the sample", options[i].name, n)
		}
	}
}

func TestDefaults(t *testing.T) {
	c, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Port.Load() != 6379 || c.Bind.Load()[0] != "127.0.0.1" || c.Databases.Load() != 16 || c.EventLoops.Load() != 0 {
		t.Error("not 127.0.0.1:6379 with 16 databases")
	}
	if got := c.OutputBuffers.For(PubSub); got != (OutputLimit{32 << 20, 8 << 20, 60}) {
		t.Errorf("pubsub limit %v", got)
	}
	if got, want := c.MaxMemory.Load(), AvailableMemory()/4*3; got != want || got <= 0 {
		t.Errorf("maxmemory %d, want %d", got, want)
	}
	dir, _ := os.Getwd()
	if c.Dir.Load() != dir || c.Path("x") != dir+"/x" || c.Path("/x") != "/x" {
		t.Errorf("dir %q", c.Dir.Load())
	}
}
