package style

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"quarry/tests/harness"
)

// source is one Go file of the project.
type source struct {
	path string // slash-separated, from the root: store/db.go
	dir  string // its package's directory: store; "." for the root
	test bool
	text []byte
	ast  *ast.File
	fset *token.FileSet
}

// at is "file:line" of a node.
func (s *source) at(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// imports lists the paths s imports.
func (s *source) imports() []string {
	var paths []string
	for _, i := range s.ast.Imports {
		// The parser has checked the quotes.
		p, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// sources parses every Go file of the project.
func sources(t *testing.T) []*source {
	t.Helper()
	root := harness.Root(t)
	fset := token.NewFileSet()
	var list []*source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		list = append(list, &source{rel, path.Dir(rel), strings.HasSuffix(rel, "_test.go"), text, parsed, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 50 {
		t.Fatalf("only %d Go files found under %s", len(list), root)
	}
	return list
}

// within reports whether package directory dir is room or below it.
func within(dir, room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") }
