package commands

import (
	"strings"
	"testing"
)

func TestSyntax(t *testing.T) {
	args := []Arg{
		keyArg("key"),
		multiple(stringArg("member")),
		optional(withToken("COUNT", intArg("count"))),
		optional(oneOf("order", token("ASC"), token("DESC"))),
		oneOf("by", withToken("BYRADIUS", block("circle", doubleArg("radius"), stringArg("unit"))), optional(token("BYBOX"))),
		optional(multiple(withToken("ID", intArg("id")))),
		multiple(oneOf("mode", token("A"), token("B"))),
		optional(multiple(stringArg("channel"))),
		optional(multiple(oneOf("mode", token("A"), token("B")))),
		optional(Arg{Name: "prefix", Type: TypeString, Token: "PREFIX", Multiple: true, MultipleToken: true}),
	}
	want := "<key> <member> [<member> ...] [COUNT <count>] [ASC|DESC] (BYRADIUS <radius> <unit>|BYBOX) " +
		"[ID <id> [<id> ...]] (A|B) [...] [<channel> ...] [(A|B) [...]] [PREFIX <prefix> [PREFIX <prefix> ...]]"
	if got := strings.Join(syntaxWords(args), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestHelpListsWhatIsThere asks every container: its heading, two lines for
// each subcommand, HELP last.
func TestHelpListsWhatIsThere(t *testing.T) {
	f := newFakes(t)
	f.client.debugs = true
	for _, s := range f.host.table.Commands() {
		if s.Subs == nil || s.Name == "CLUSTER" { // which answers HELP like everything else
			continue
		}
		got := f.call(s.Name + " HELP")
		if want := "[" + s.Name + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are: "; !strings.HasPrefix(got, want) {
			t.Errorf("%s HELP begins %s", s.Name, got)
		}
		for i := range s.Subs {
			if !strings.Contains(got, s.Subs[i].Summary+".") {
				t.Errorf("%s HELP has nothing of %s", s.Name, s.Subs[i].Name)
			}
		}
		if !strings.HasSuffix(got, "HELP     Lists these subcommands.]") {
			t.Errorf("%s HELP ends %s", s.Name, got)
		}
	}
	newFakes(t).answers([][2]string{
		{"SLOWLOG HELP", "[SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are: GET [<count>]     Lists the last entries: id, time, " +
			"microseconds, arguments, address and name of the client; 10 of them unless told, all for -1. LEN     Counts the entries. " +
			"RESET     Drops all entries. HELP     Lists these subcommands.]"},
		{"MEMORY HELP x", "-ERR wrong number of arguments for 'memory|help' command"},
	})
}
