package commands

import (
	"fmt"
	"strings"
	"testing"
)

// TestGenpassHasItsBits checks lengths, and that no password comes twice.
func TestGenpassHasItsBits(t *testing.T) {
	f := newFakes(t)
	seen := map[string]bool{}
	for bits, digits := range map[int]int{1: 1, 4: 1, 5: 2, 8: 2, 9: 3, 255: 64, 256: 64, 257: 65, 4093: 1024, 4096: 1024} {
		got := strings.Trim(f.call(fmt.Sprintf("ACL GENPASS %d", bits)), `"`)
		if len(got) != digits || strings.Trim(got, "0123456789abcdef") != "" {
			t.Errorf("%d bits: %q", bits, got)
		}
	}
	for range 100 {
		got := f.call("ACL GENPASS 64")
		if seen[got] {
			t.Fatalf("%s came twice", got)
		}
		seen[got] = true
	}
}

// TestACLLog checks what is entered, and what is made of entries.
func TestACLLog(t *testing.T) {
	f := newFakes(t)
	f.answers([][2]string{
		{"AUTH default right", "OK"},
		{"ACL LOG", "[]"},
		{"Auth nobody x", "-" + errWrongPass},
		{"HELLO 3 AUTH ada x", "-" + errWrongPass},
	})
	f.client.multi = true
	f.call("AUTH bob x")
	want := []Denial{
		{Context: "toplevel", Object: "Auth", User: "nobody", Client: "id=7"},
		{Context: "toplevel", Object: "HELLO", User: "ada", Client: "id=7"},
		{Context: "multi", Object: "AUTH", User: "bob", Client: "id=7"},
	}
	if fmt.Sprint(f.host.denied) != fmt.Sprint(want) {
		t.Errorf("entered is %+v", f.host.denied)
	}
	f.host.denied = []Denial{{ID: 3, Count: 2, Context: "multi", Object: "AUTH", User: "bob", Client: "id=7", CreatedMS: -9000, UpdatedMS: -1500}}
	f.answers([][2]string{
		{"ACL LOG 0", "[]"},
		{"ACL LOG -5", "[]"},
		{"ACL LOG 1", `[{"count" 2 "reason" "auth" "context" "multi" "object" "AUTH" "username" "bob" "age-seconds" 1.5 ` +
			`"client-info" "id=7" "entry-id" 3 "timestamp-created" -9000 "timestamp-last-updated" -1500}]`},
		{"ACL LOG RESET", "OK"},
		{"ACL LOG", "[]"},
	})
}

// TestCategoriesOfOurOwn come after Redis'.
func TestCategoriesOfOurOwn(t *testing.T) {
	f := newFakes(t)
	f.host.table = NewTable([]Spec{{
		Name: "X", Group: Generic, Since: "1.0.0", Summary: "s", Complexity: "c", Arity: 1, Cats: []string{"@hunt"}, Run: func(*Ctx) {},
	}}, aclCommands)
	if got := f.call("ACL CAT"); !strings.HasSuffix(got, `"scripting" "hunt"]`) {
		t.Errorf("ACL CAT answers %s", got)
	}
	f.answers([][2]string{{"ACL CAT Hunt", `["x"]`}, {"ACL CAT hunter", "-ERR Unknown category 'hunter'"}})
}
