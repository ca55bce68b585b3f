package commands

import (
	"flag"
	"os"
	"strings"
	"testing"
)

// goldenFile is COMMAND's answer, a command or subcommand on a line of its own:
// whoever changes the table sees here what clients will see.
const goldenFile = "command.golden"

// TestCommandGolden compares COMMAND's answer with the file; go test -rewrite writes it anew.
func TestCommandGolden(t *testing.T) {
	f := newFakes(t)
	var b strings.Builder
	for _, s := range f.host.table.Commands() {
		line, _, _ := strings.Cut(f.call("COMMAND INFO "+s.FullName()), ` [["`+s.FullName()+"|") // subcommands follow
		b.WriteString(line + "\n")
		for i := range s.Subs {
			b.WriteString("    " + f.call("COMMAND INFO "+s.Subs[i].FullName()) + "\n")
		}
	}
	if rewrite := flag.Lookup("rewrite"); rewrite != nil && rewrite.Value.String() == "true" {
		if err := os.WriteFile(goldenFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(b.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Fatalf("%s:%d is %s\n got %s", goldenFile, i+1, line, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""))
		}
	}
	if n := strings.Count(string(want), "\n") + 1; len(got) > n {
		t.Fatalf("%s ends before %s", goldenFile, got[n])
	}
}

// TestCommandAnswersAreWhole runs the forms that describe the whole table: the
// Reply fails on a count that does not hold.
func TestCommandAnswersAreWhole(t *testing.T) {
	f := newFakes(t)
	for _, proto := range []int{2, 3} {
		f.client.proto = proto
		all := f.call("COMMAND")
		if all != f.call("COMMAND INFO") {
			t.Error("COMMAND INFO without names is not COMMAND")
		}
		for _, s := range f.host.table.All() {
			name := `"` + s.FullName() + `"`
			if want := !s.Has(Hidden); strings.Contains(all, name) != want || strings.Contains(f.call("COMMAND DOCS"), name+" {") != want {
				t.Errorf("COMMAND or COMMAND DOCS says nothing of %s, or too much", name)
			}
		}
	}
}

func TestCommandAnswers(t *testing.T) {
	newFakes(t).answers([][2]string{
		{"COMMAND INFO nosuch client|nosuch client| ping|", `[nil nil nil nil]`},
		{"COMMAND INFO post host: client|id|", `[nil nil nil]`},
		{"COMMAND DOCS client| post", `{}`},
		{"COMMAND LIST FILTERBY PATTERN *nos*", `[]`},
		{"COMMAND INFO TIME", `[["time" 1 [loading stale fast] 0 0 0 [@fast] ["nondeterministic_output"] [] []]]`},
		{"COMMAND INFO Client|Id", `[["client|id" 2 [noscript loading stale] 0 0 0 [@slow @connection] [] [] []]]`},
		{"COMMAND DOCS nosuch", `{}`},
		{"COMMAND DOCS nosuch quit", `{"quit" {"summary" "Closes the connection after this answer" "since" "1.0.0" "group" "connection" ` +
			`"complexity" "O(1)" "doc_flags" [deprecated] "deprecated_since" "7.2.0" "replaced_by" "closing the connection"}}`},
		{"COMMAND DOCS ttl", `{"ttl" {"summary" "Tells how many seconds a key has left" "since" "1.0.0" "group" "generic" "complexity" "O(1)" ` +
			`"history" [["2.8.0" "-2 tells a missing key from one that never expires."]] ` +
			`"arguments" [{"name" "key" "type" "key" "display_text" "key" "key_spec_index" 0}]}}`},
		{"COMMAND LIST FILTERBY MODULE any", `[]`},
		{"COMMAND LIST FILTERBY ACLCAT nosuch", `[]`},
		{"COMMAND LIST FILTERBY ACLCAT @admin", `[]`}, // the category comes without its @
		{"COMMAND LIST FILTERBY ACLCAT Blocking", `["blmove" "blmpop" "blpop" "brpop" "brpoplpush" "bzmpop" "bzpopmax" "bzpopmin"]`},
		{"COMMAND LIST FILTERBY PATTERN OBJECT|*N*", `["object|encoding" "object|refcount"]`},
		{"COMMAND LIST FILTERBY PATTERN", "-" + errSyntax},
		{"COMMAND LIST FILTERBY COLOUR red", "-" + errSyntax},
		{"COMMAND LIST PATTERN a b", "-" + errSyntax},
		{"COMMAND GETKEYS del a b c", `["a" "b" "c"]`},
		{"COMMAND GETKEYS object encoding k", `["k"]`},
		{"COMMAND GETKEYS memory usage k samples 1", `["k"]`},
		{"COMMAND GETKEYS nosuch a", "-ERR Invalid command specified"},
		{"COMMAND GETKEYS object nosuch a", "-ERR Invalid command specified"},
		{"COMMAND GETKEYS command nosuch a", "-ERR Invalid command specified"},
		{"COMMAND GETKEYSANDFLAGS command nosuch a", "-ERR Invalid command specified"},
		{"COMMAND GETKEYS post a", "-ERR Invalid command specified"},
		{"COMMAND GETKEYS ping a", "-ERR The command has no key arguments"},
		{"COMMAND GETKEYS ttl a b", "-ERR Invalid number of arguments specified for command"},
		{"COMMAND GETKEYSANDFLAGS rename a b", `[["a" [RW access delete]] ["b" [OW update]]]`},
		{"COMMAND NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP."},
	})
}

// TestKeySpecificationsOfEveryForm describes a command that Quarry has not, with all forms of key specifications.
func TestKeySpecificationsOfEveryForm(t *testing.T) {
	f := newFakes(t)
	f.host.table = NewTable([]Spec{{
		Name: "X", Group: Generic, Since: "1.0.0", Summary: "s", Complexity: "c", Arity: -2, Flags: Write | Verbatim,
		Keys: []Keys{
			{Index: 1, Last: -1, Step: 2, Access: RW | UpdateOp | Variable, Vary: func([][]byte) Access { return OW }},
			{Index: 2, KeyNum: true, Step: 1, Access: RO | Incomplete},
			{Index: -1, Keyword: "STORE", Step: 1, Access: OW | InsertOp},
		},
		Run: func(*Ctx) {},
	}}, commandCommands)
	f.answers([][2]string{
		{"COMMAND INFO x", `[["x" -2 [write movablekeys] 1 -1 2 [@write @slow] [] [` +
			`{"flags" [RW update variable_flags] "begin_search" {"type" "index" "spec" {"index" 1}} ` +
			`"find_keys" {"type" "range" "spec" {"lastkey" -1 "keystep" 2 "limit" 0}}} ` +
			`{"flags" [RO incomplete] "begin_search" {"type" "index" "spec" {"index" 2}} ` +
			`"find_keys" {"type" "keynum" "spec" {"keynumidx" 0 "firstkey" 1 "keystep" 1}}} ` +
			`{"flags" [OW insert] "begin_search" {"type" "keyword" "spec" {"keyword" "STORE" "startfrom" -1}} ` +
			`"find_keys" {"type" "range" "spec" {"lastkey" 0 "keystep" 1 "limit" 0}}}] []]]`},
		{"COMMAND GETKEYS x a 1 b store c", `["a" "b" "c" "b" "c"]`},
		{"COMMAND GETKEYSANDFLAGS x a 1 b", `[["a" [OW]] ["b" [OW]] ["b" [RO incomplete]]]`},
		{"COMMAND GETKEYS x a 9 b", "-ERR Invalid arguments specified for command"},
	})
}
