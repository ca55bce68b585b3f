package commands

import (
	"fmt"
	"strings"
	"testing"
)

// TestBrokenRowsStopTheStart gives NewTable one row after the other that breaks a rule of the table.
func TestBrokenRowsStopTheStart(t *testing.T) {
	good := Spec{Name: "X", Group: Generic, Since: "1.0.0", Summary: "s", Complexity: "c", Arity: 1, Run: func(*Ctx) {}}
	for want, spoil := range map[string]func(s *Spec){
		"not upper case":                       func(s *Spec) { s.Name = "x" },
		"summary, since and group":             func(s *Spec) { s.Summary = "" },
		"arity is wanted":                      func(s *Spec) { s.Arity = 0 },
		"no handler":                           func(s *Spec) { s.Run = nil },
		"both write and readonly":              func(s *Spec) { s.Flags = Write | ReadOnly },
		"says nothing about access":            func(s *Spec) { s.Keys = KeyAt(1, UpdateOp) },
		"says how it is logged":                func(s *Spec) { s.Flags = Write },
		"and no other, says how it is logged":  func(s *Spec) { s.Flags = ReadOnly | SelfPropagate },
		"is not a write command":               func(s *Spec) { s.Keys = KeyAt(1, RW) },
		"commands: x|y: no handler":            func(s *Spec) { s.Subs = []Spec{{Name: "Y", Group: Generic, Since: "1", Summary: "s", Arity: 1}} },
		"commands: good is in the table twice": func(s *Spec) { s.Name = "GOOD" },
	} {
		first, second := good, good
		first.Name = "GOOD"
		spoil(&second)
		if got := panicOf(func() { NewTable([]Spec{first, second}) }); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func panicOf(fn func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	fn()
	return ""
}

func TestLookup(t *testing.T) {
	table := NewCommandTable()
	for _, c := range []struct{ line, cmd, sub string }{
		{"ping", "ping", ""}, {"PiNg x", "ping", ""}, {"CLIENT", "client", ""}, {"client Id", "client", "client|id"},
		{"client nosuch", "client", ""}, {"nosuch", "", ""}, {"client|id", "", ""},
		{strings.Repeat("x", 1000), "", ""}, {"client " + strings.Repeat("x", 1000), "client", ""},
	} {
		var args [][]byte
		for _, word := range strings.Fields(c.line) {
			args = append(args, []byte(word))
		}
		cmd, sub := table.Lookup(args)
		if fullName(cmd) != c.cmd || fullName(sub) != c.sub {
			t.Errorf("%.40s: got %q, %q", c.line, fullName(cmd), fullName(sub))
		}
		if n := testing.AllocsPerRun(10, func() { table.Lookup(args) }); n != 0 {
			t.Errorf("%.40s: %v allocations", c.line, n)
		}
	}
}

func fullName(s *Spec) string {
	if s == nil {
		return ""
	}
	return s.FullName()
}

// TestTablesAreApart checks that building a table leaves the rows of another alone.
func TestTablesAreApart(t *testing.T) {
	a := NewCommandTable()
	b := NewCommandTable()
	for i, s := range a.All() {
		if s == b.All()[i] || s.Index() != i || s.FullName() != b.All()[i].FullName() {
			t.Fatalf("%s at %d", s.FullName(), i)
		}
		if p := s.Parent(); p != nil && p != a.ByName(p.FullName()) {
			t.Fatalf("%s has a parent of another table", s.FullName())
		}
	}
}
