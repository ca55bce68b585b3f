package style

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/tests/harness"
	"quarry/tests/transcript"
)

var rewrite = flag.Bool("rewrite-readme", false, "write the README's list of commands anew")

func TestEveryCommandHasATranscript(t *testing.T) {
	shown := map[string]bool{}
	table := commands.NewCommandTable()
	for _, f := range transcript.Load(t, filepath.Join(harness.Root(t), "commands", "testdata")) {
		for _, b := range f.Blocks {
			for _, call := range b.Calls {
				cmd, sub := table.Lookup(asBytes(call))
				if sub != nil {
					shown[sub.FullName()] = true
				}
				if cmd != nil {
					shown[cmd.FullName()] = true
				}
			}
		}
	}
	for _, s := range table.All() {
		if !shown[s.FullName()] {
			t.Errorf("no transcript in commands/testdata names %s", s.FullName())
		}
	}
}

func asBytes(words []string) [][]byte {
	list := make([][]byte, len(words))
	for i, w := range words {
		list[i] = []byte(w)
	}
	return list
}

const (
	listBegin = "<!-- commands:begin -->\n"
	listEnd   = "<!-- commands:end -->"
)

// commandList is the README's list: a line for each group, its commands in order.
func commandList() string {
	var groups []commands.Group
	byGroup := map[commands.Group][]string{}
	for _, s := range commands.NewCommandTable().Commands() {
		if byGroup[s.Group] == nil {
			groups = append(groups, s.Group)
		}
		byGroup[s.Group] = append(byGroup[s.Group], "`"+s.Name+"`")
	}
	slices.Sort(groups)
	var b strings.Builder
	for _, g := range groups {
		b.WriteString("- **" + string(g) + "**: " + strings.Join(byGroup[g], " ") + "\n")
	}
	return b.String()
}

func TestReadmeListsTheCommands(t *testing.T) {
	path := filepath.Join(harness.Root(t), "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, after, opened := strings.Cut(string(text), listBegin)
	got, after, closed := strings.Cut(after, listEnd)
	if !opened || !closed {
		t.Fatalf("README.md has no list of commands between %q and %q", listBegin, listEnd)
	}
	want := commandList()
	if *rewrite {
		if err := os.WriteFile(path, []byte(before+listBegin+want+listEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("README.md's list of commands is not the table's: go test ./tests/style -rewrite-readme writes it")
	}
}

// The README's Go program is cut from the example that go test runs.
func TestReadmeShowsTheExample(t *testing.T) {
	readme, example := read(t, "README.md"), read(t, "tests/cities/example_test.go")
	_, shown, opened := strings.Cut(readme, "```go\n")
	shown, _, closed := strings.Cut(shown, "```\n")
	if !opened || !closed {
		t.Fatal("README.md shows no Go program")
	}
	for line := range strings.Lines(shown) {
		if line := strings.TrimSpace(line); !strings.Contains(example, line+"\n") {
			t.Errorf("README.md shows %q, which is not in tests/cities/example_test.go", line)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// vet runs here for this system; .ci/run runs it for the others.
func TestVet(t *testing.T) {
	goTool(t, "vet", "./...")
}

func TestModuleIsTidy(t *testing.T) {
	if !harness.InCI() {
		t.Skip("skipped outside of CI: it may ask the network")
	}
	goTool(t, "mod", "tidy", "-diff")
}

func goTool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = harness.Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
