package style

import (
	"slices"
	"strings"
	"testing"
)

const module = "quarry/"

// mayImport is who may import what of Quarry: the first row that fits a
// package's directory counts. A name ending in /... is a package and those below it.
var mayImport = []struct {
	dir  string
	from []string
}{
	{".", []string{"server", "server/config"}},
	{"server/...", []string{"server/...", "commands", "store/...", "persistence/..."}},
	{"commands", []string{"store", "store/table", "store/list", "store/bloom", "store/field", "store/zset", "store/geo", "store/invariants"}},
	{"persistence/rdb", []string{"store", "store/bloom", "store/field"}},
	{"persistence/...", []string{"store", "persistence/vfs", "store/invariants"}},
	{"store/internal/offheap", []string{"store/invariants"}},
	{"store/invariants", nil},
	{"store/geo", nil},
	{"store/...", []string{"store/..."}},
	{"tests/...", []string{"..."}},
}

// forbidden are imports from outside that a room must not have.
var forbidden = []struct {
	dir     string
	imports []string
	instead string
}{
	{"commands", []string{"os", "os/...", "net", "net/...", "math/rand", "math/rand/v2", "github.com/tidwall/redcon", "sync"},
		"ask Ctx (NowMS, Rand) or Host"},
	{"store/...", []string{"os/...", "net", "net/...", "math/rand", "math/rand/v2", "github.com/tidwall/redcon"},
		"take the clock and the random source as arguments or options"},
	{"persistence/...", []string{"github.com/tidwall/redcon", "net"}, "persistence knows files, not sockets"},
}

// fences are the packages that may import unsafe: memory outside of Go's heap,
// and queues shared with the kernel.
var fences = []string{"store/internal/offheap", "server/eventloop/internal/uring"}

func fits(dir, pattern string) bool {
	if room, ok := strings.CutSuffix(pattern, "..."); ok {
		room = strings.TrimSuffix(room, "/")
		return room == "" || within(dir, room)
	}
	return dir == pattern
}

func TestImportTable(t *testing.T) {
	for _, s := range sources(t) {
		if s.test && strings.HasSuffix(s.ast.Name.Name, "_test") {
			continue // a test from outside the package belongs to the tests: it may see anything
		}
		for _, i := range s.imports() {
			ours, ok := strings.CutPrefix(i, module)
			if ok && !importAllowed(s.dir, ours) {
				t.Errorf("%s imports %s, which the import table does not allow", s.path, i)
			}
		}
	}
}

func importAllowed(dir, imported string) bool {
	for _, row := range mayImport {
		if fits(dir, row.dir) {
			return slices.ContainsFunc(row.from, func(p string) bool { return fits(imported, p) })
		}
	}
	return false
}

func TestForbiddenImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, i := range s.imports() {
			if i == "unsafe" && !slices.Contains(fences, s.dir) {
				t.Errorf("%s imports unsafe: only %v may", s.path, fences)
			}
			if strings.HasPrefix(i, "github.com/tidwall/redcon") && !within(s.dir, "server") {
				t.Errorf("%s imports redcon: only the server knows it", s.path)
			}
			for _, row := range forbidden {
				if !s.test && fits(s.dir, row.dir) && slices.ContainsFunc(row.imports, func(p string) bool { return fits(i, p) }) {
					t.Errorf("%s imports %s; instead: %s", s.path, i, row.instead)
				}
			}
		}
	}
}

func TestImportTableCanFail(t *testing.T) {
	for _, c := range []struct {
		dir, imported string
		want          bool
	}{
		{"commands", "store", true},
		{"commands", "server", false},
		{"commands", "store/internal/slab", false},
		{"store/zset", "store/internal/slab", true},
		{"store/zset", "commands", false},
		{"store/internal/offheap", "store/internal/slab", false},
		{"server/resp", "commands", true},
		{"server/resp", "tests/harness", false},
		{".", "store", false},
		{"tests/harness", "server", true},
		{"nowhere", "store", false},
	} {
		if got := importAllowed(c.dir, c.imported); got != c.want {
			t.Errorf("%s imports %s: allowed is %t", c.dir, c.imported, got)
		}
	}
}
