package style

import (
	"flag"
	"go/ast"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/tests/harness"
	"quarry/tests/transcript"
)

var rewrite = flag.Bool("rewrite-readme", false, "write the README's lists anew")

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

func TestReadmeListsTheCommands(t *testing.T) { checkList(t, "commands", commandList()) }

// fuzzList is the README's list of fuzz targets: a line for each package.
func fuzzList(t *testing.T) string {
	targets := map[string][]string{}
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				targets[s.dir] = append(targets[s.dir], "`"+f.Name.Name+"`")
			}
		}
	}
	var b strings.Builder
	for _, dir := range slices.Sorted(maps.Keys(targets)) {
		slices.Sort(targets[dir])
		b.WriteString("- `./" + dir + "`: " + strings.Join(targets[dir], " ") + "\n")
	}
	return b.String()
}

func TestReadmeListsTheFuzzTargets(t *testing.T) { checkList(t, "fuzz", fuzzList(t)) }

// checkList compares a list in the README, between comments with its name, with what it must be, or writes it.
func checkList(t *testing.T, name, want string) {
	t.Helper()
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	text := read(t, "README.md")
	before, after, opened := strings.Cut(text, begin)
	got, after, closed := strings.Cut(after, end)
	switch {
	case !opened || !closed:
		t.Fatalf("README.md has no list between %q and %q", begin, end)
	case got == want:
	case *rewrite:
		path := filepath.Join(harness.Root(t), "README.md")
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("README.md's list of %s is not what it is made from: go test ./tests/style -rewrite-readme writes it", name)
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

// link finds where a link or picture in Markdown leads, without the part of the page.
var link = regexp.MustCompile(`\]\(([^)#\s]+)`)

// What the README links to in this repository is there.
func TestReadmeLinksLeadSomewhere(t *testing.T) {
	found := 0
	for _, m := range link.FindAllStringSubmatch(read(t, "README.md"), -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		found++
		if _, err := os.Stat(filepath.Join(harness.Root(t), filepath.FromSlash(m[1]))); err != nil {
			t.Errorf("README.md links to %s: %v", m[1], err)
		}
	}
	if found == 0 {
		t.Error("README.md links to no file")
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
