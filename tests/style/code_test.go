package style

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"strings"
	"testing"
)

// clocks are the functions that read the time behind a caller's back.
var clocks = []string{"time.Now", "time.Since", "time.Until", "time.After", "time.Sleep", "time.NewTimer", "time.NewTicker", "time.AfterFunc"}

func TestNoClockInCommandsAndStore(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !within(s.dir, "commands") && !within(s.dir, "store") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				for _, c := range clocks {
					if name(sel) == c {
						t.Errorf("%s: %s; take the time as an argument", s.at(n), c)
					}
				}
			}
			return true
		})
	}
}

// name is "x.Y" for a selector on a plain name.
func name(sel *ast.SelectorExpr) string {
	if x, ok := sel.X.(*ast.Ident); ok {
		return x.Name + "." + sel.Sel.Name
	}
	return ""
}

func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init; build it where it is used", s.at(f))
			}
		}
	}
}

// A panic says which package's promise is broken, and why: it begins with the
// package's name, or passes on an error value.
func TestPanicsSayWhere(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "panic" && !saysWhere(s, call.Args[0]) {
				t.Errorf("%s: a panic begins with %q", s.at(n), s.ast.Name.Name+": ")
			}
			return true
		})
	}
}

func saysWhere(s *source, arg ast.Expr) bool {
	switch e := arg.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING && strings.HasPrefix(e.Value[1:], s.ast.Name.Name+": ")
	case *ast.BinaryExpr:
		return saysWhere(s, e.X)
	case *ast.CallExpr:
		return len(e.Args) > 0 && saysWhere(s, e.Args[0])
	case *ast.Ident:
		return true // a value made elsewhere
	}
	return false
}

func TestFormatted(t *testing.T) {
	for _, s := range sources(t) {
		want, err := format.Source(s.text)
		if err != nil {
			t.Errorf("%s: %v", s.path, err)
		} else if !bytes.Equal(want, s.text) {
			t.Errorf("%s is not formatted: gofmt -w", s.path)
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.ast.Name.Name, "_test") {
			continue
		}
		documented[s.dir] = documented[s.dir] || s.ast.Doc != nil && len(s.ast.Doc.Text()) > 40
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no comment that says what it is for: doc.go", dir)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, d := range s.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) {
					wantDoc(t, s, d, d.Name.Name, d.Doc)
				}
			case *ast.GenDecl:
				checkGroup(t, s, d)
			}
		}
	}
}

// checkGroup wants a comment on each exported name of a declaration, or on the group as a whole.
func checkGroup(t *testing.T, s *source, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				wantDoc(t, s, spec, spec.Name.Name, spec.Doc, d.Doc)
			}
		case *ast.ValueSpec:
			for _, n := range spec.Names {
				if n.IsExported() {
					wantDoc(t, s, spec, n.Name, spec.Doc, spec.Comment, d.Doc)
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	recv := d.Recv.List[0].Type
	if star, ok := recv.(*ast.StarExpr); ok {
		recv = star.X
	}
	if generic, ok := recv.(*ast.IndexExpr); ok {
		recv = generic.X
	}
	id, ok := recv.(*ast.Ident)
	return ok && id.IsExported()
}

// wantDoc fails unless one of the comments says more than the name.
func wantDoc(t *testing.T, s *source, n ast.Node, name string, docs ...*ast.CommentGroup) {
	t.Helper()
	for _, d := range docs {
		if d != nil && len(strings.TrimSpace(strings.Replace(d.Text(), name, "", 1))) > 5 {
			return
		}
	}
	t.Errorf("%s: %s has no comment that says something", s.at(n), name)
}
