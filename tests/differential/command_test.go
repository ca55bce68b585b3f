package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/tests/calls"
	"quarry/tests/harness"
)

// tableDiffers lists what COMMAND INFO and COMMAND DOCS may show differently
// from the oracle, as "command field" or "* field".
var tableDiffers = map[string]string{
	"zrank arguments":                   "WITHSCORE came with 7.2",
	"zrevrank arguments":                "WITHSCORE came with 7.2",
	"zrank arity":                       "WITHSCORE came with 7.2",
	"zrevrank arity":                    "WITHSCORE came with 7.2",
	"zunion arguments":                  "AGGREGATE COUNT came with 8",
	"zinter arguments":                  "AGGREGATE COUNT came with 8",
	"zunionstore arguments":             "AGGREGATE COUNT came with 8",
	"zinterstore arguments":             "AGGREGATE COUNT came with 8",
	"client|kill arguments":             "MAXAGE came with 7.4",
	"zincrby arguments":                 "the increment is a double, as later versions say",
	"zscan arguments":                   "NOSCORES came with 8",
	"geosearch arguments":               "BYPOLYGON came with Valkey 9",
	"geosearchstore arguments":          "BYPOLYGON came with Valkey 9",
	"hscan arguments":                   "NOVALUES came with 7.4",
	"client|list arguments":             "ID's block is gone in later versions",
	"flushall arguments":                "the name of the choice, as later versions have it",
	"flushdb arguments":                 "the name of the choice, as later versions have it",
	"config|get arguments":              "the oracle wraps its one argument in a block",
	"command|getkeys arguments":         "the oracle has none, later versions do",
	"command|getkeysandflags arguments": "the oracle has none, later versions do",
	"quit deprecated_since":             "deprecated in 7.2",
	"quit replaced_by":                  "deprecated in 7.2",
	"* replaced_by":                     "our own wording",
	"* summary":                         "our own wording",
	"* complexity":                      "our own wording, and other structures",
	"* history":                         "our own wording, and later versions; the oracle's are compared by themselves",
	"* subcommands":                     "each subcommand is compared by itself",
	"quit doc_flags":                    "deprecated in 7.2",
}

// compareField compares a field of a command as both servers draw it. What may differ must.
func compareField(t *testing.T, command, field, oracle, quarry string) {
	t.Helper()
	_, everywhere := tableDiffers["* "+field]
	_, here := tableDiffers[command+" "+field]
	switch same := oracle == quarry; {
	case here && same:
		t.Errorf("%s, %s: no longer differs, which tableDiffers says it does", command, field)
	case !here && !everywhere && !same:
		t.Errorf("%s, %s:\nredis has\n%s\nquarry has\n%s", command, field, oracle, quarry)
	}
}

// sharedCommands are the full names that the oracle knows as well.
func sharedCommands(t *testing.T, oracle *harness.Client) []string {
	known := oracle.Do("COMMAND", "LIST").Strings()
	for _, s := range table.Commands() {
		if len(s.Subs) > 0 && slices.Contains(known, s.FullName()) {
			known = append(known, subcommandNames(oracle, s.FullName())...)
		}
	}
	var shared []string
	for _, s := range table.All() {
		if slices.Contains(known, s.FullName()) {
			shared = append(shared, s.FullName())
		}
	}
	if len(shared) < 80 {
		t.Fatalf("only %d shared commands: %q", len(shared), shared)
	}
	return shared
}

func subcommandNames(oracle *harness.Client, container string) []string {
	var names []string
	info := oracle.Do("COMMAND", "INFO", container)
	for _, sub := range info.Elems[0].Elems[infoSubcommands].Elems {
		names = append(names, sub.Elems[0].Str)
	}
	return names
}

const infoSubcommands = 9

// infoFields are the places of a COMMAND INFO entry.
var infoFields = []string{"name", "arity", "flags", "first key", "last key", "key step", "categories", "tips", "key specs", "subcommands"}

func TestCommandInfo(t *testing.T) {
	oracle, quarry := harness.StartRedis(t).Dial(t), harness.Start(t, harness.Options{}).Dial(t)
	for _, proto := range []string{"2", "3"} {
		t.Run("RESP"+proto, func(t *testing.T) {
			oracle.Do("HELLO", proto)
			quarry.Do("HELLO", proto)
			compareCommandInfo(t, oracle, quarry)
		})
	}
}

func compareCommandInfo(t *testing.T, oracle, quarry *harness.Client) {
	for _, name := range sharedCommands(t, oracle) {
		a, b := oracle.Do("COMMAND", "INFO", name), quarry.Do("COMMAND", "INFO", name)
		if len(b.Elems) != 1 || len(b.Elems[0].Elems) != len(infoFields) {
			t.Errorf("COMMAND INFO %s answers\n%s", name, b)
			continue
		}
		for i, field := range infoFields {
			x, y := withEmptyNotes(a.Elems[0].Elems[i]), withEmptyNotes(b.Elems[0].Elems[i])
			compareField(t, name, field, x.Sorted().String(), y.Sorted().String())
		}
	}
}

// withEmptyNotes is a field without the texts of the remarks that some key specs have, which are our own.
func withEmptyNotes(v harness.Value) harness.Value {
	elems := v.Elems
	v.Elems = nil
	for i, e := range elems {
		if i > 0 && elems[i-1].Str == "notes" {
			e.Str = ""
		}
		v.Elems = append(v.Elems, withEmptyNotes(e))
	}
	return v
}

func TestCommandDocs(t *testing.T) {
	oracle, quarry := harness.StartRedis(t).Dial(t), harness.Start(t, harness.Options{}).Dial(t)
	for _, c := range []*harness.Client{oracle, quarry} {
		c.Do("HELLO", "3")
	}
	for _, name := range sharedCommands(t, oracle) {
		a, b := docs(t, oracle, name), docs(t, quarry, name)
		for _, version := range a["history"].Elems {
			if !slices.ContainsFunc(b["history"].Elems, func(v harness.Value) bool { return v.Elems[0].Str == version.Elems[0].Str }) {
				t.Errorf("%s, history: quarry has nothing of version %s:\n%s", name, version.Elems[0].Str, version)
			}
		}
		for _, field := range unionOfKeys(a, b) {
			compareField(t, name, field, drawDocs(a[field]), drawDocs(b[field]))
		}
	}
}

// docs is COMMAND DOCS of one command as a map of its fields.
func docs(t *testing.T, c *harness.Client, name string) map[string]harness.Value {
	v := c.Do("COMMAND", "DOCS", name)
	if len(v.Elems) != 2 || v.Elems[0].Str != name {
		t.Fatalf("COMMAND DOCS %s answers\n%s", name, v)
	}
	return fields(v.Elems[1])
}

func fields(m harness.Value) map[string]harness.Value {
	fields := map[string]harness.Value{}
	for i := 0; i+1 < len(m.Elems); i += 2 {
		fields[m.Elems[i].Str] = m.Elems[i+1]
	}
	return fields
}

func unionOfKeys(a, b map[string]harness.Value) []string {
	var keys []string
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// drawDocs draws a field of COMMAND DOCS: arguments as an indented tree with
// their properties in one order, without the texts.
func drawDocs(v harness.Value) string {
	var b strings.Builder
	var draw func(v harness.Value, indent string)
	draw = func(v harness.Value, indent string) {
		if v.Kind != harness.Map {
			fmt.Fprintf(&b, "%s%s\n", indent, strings.Join(append(v.Strings(), v.Text()), " "))
			return
		}
		f := fields(v)
		for _, k := range unionOfKeys(f, nil) {
			switch k {
			case "arguments":
			case "summary", "display_text": // display_text came with 7.0.x and 7.2 in parts
			default:
				fmt.Fprintf(&b, "%s%s: %s\n", indent, k, strings.TrimSpace(f[k].Text()+" "+strings.Join(f[k].Sorted().Strings(), " ")))
			}
		}
		for _, arg := range f["arguments"].Elems {
			draw(arg, indent+"  ")
		}
	}
	if v.Kind == harness.Array || v.Kind == harness.Set {
		for _, e := range v.Elems {
			draw(e, "  ")
		}
	} else {
		draw(v, "")
	}
	return b.String()
}

// ourCategories are those of commands that the oracle has none of.
var ourCategories = []string{"bloom", "hunt"}

// TestCommandList compares the categories, and what of the commands that both know is in each and passes other filters.
func TestCommandList(t *testing.T) {
	oracle, quarry := harness.StartRedis(t).Dial(t), harness.Start(t, harness.Options{}).Dial(t)
	a, b := oracle.Do("ACL", "CAT"), quarry.Do("ACL", "CAT")
	b.Elems = slices.DeleteFunc(b.Elems, func(cat harness.Value) bool { return slices.Contains(ourCategories, cat.Str) })
	if !exact(a, b) {
		t.Errorf("redis has\n%s\nquarry has\n%s", a, b)
	}
	shared := sharedCommands(t, oracle)
	compare := func(call ...string) {
		if x, y := inBoth(shared, oracle.Do(call...)), inBoth(shared, quarry.Do(call...)); !slices.Equal(x, y) {
			t.Errorf("%q:\nredis has %q\nquarry has %q", call, x, y)
		}
	}
	for _, category := range a.Strings() {
		compare("ACL", "CAT", category)
		compare("COMMAND", "LIST", "FILTERBY", "ACLCAT", category)
	}
	for _, pattern := range []string{"*", "*set", "CLIENT|*", "[a-d]*", "?et", "client"} {
		compare("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern)
	}
	compare("COMMAND", "LIST", "FILTERBY", "MODULE", "any")
	compare("COMMAND", "LIST")
	for _, c := range []*harness.Client{oracle, quarry} {
		top := slices.DeleteFunc(c.Do("COMMAND", "LIST").Strings(), func(name string) bool { return strings.Contains(name, "|") })
		if n := c.Do("COMMAND", "COUNT").Int; n != int64(len(top)) || n != int64(len(c.Do("COMMAND").Elems)) {
			t.Errorf("COMMAND COUNT answers %d, COMMAND LIST names %d", n, len(top))
		}
	}
}

// inBoth are the names of a list that both servers know, sorted.
func inBoth(shared []string, v harness.Value) []string {
	names := slices.DeleteFunc(v.Strings(), func(name string) bool { return !slices.Contains(shared, name) })
	slices.Sort(names)
	return names
}

// helpDiffers lists the subcommands whose arguments HELP of the oracle describes in other words than its COMMAND DOCS,
// which ours are those of.
var helpDiffers = map[string]string{
	"acl|cat":                 "the oracle has a category where its COMMAND DOCS has a categoryname",
	"acl|log":                 "the same with blanks around the bar",
	"acl|setuser":             "the oracle has attributes where its COMMAND DOCS has rules",
	"client|kill":             "the oracle names no options",
	"client|list":             "the oracle names no options",
	"client|setname":          "name for connection-name",
	"client|tracking":         "id for client-id, and not all options",
	"client|unblock":          "clientid for client-id",
	"command|getkeys":         "one word for the whole call, as with the next one",
	"command|getkeysandflags": "",
	"command|list":            "the oracle names no options",
	"config|get":              "one pattern, of which there may be more",
	"config|set":              "one directive, of which there may be more",
	"latency|histogram":       "the oracle's argument has no brackets",
	"module|loadex":           "the oracle's options have no brackets",
}

// TestHelp compares what HELP says of the subcommands that both servers know, but for the descriptions, which are our own.
func TestHelp(t *testing.T) {
	oracle, quarry := harness.StartRedis(t).Dial(t), harness.Start(t, harness.Options{}).Dial(t)
	shared := sharedCommands(t, oracle)
	containers := 0
	for _, s := range table.Commands() {
		if !slices.Contains(shared, s.FullName()+"|help") {
			continue
		}
		if a := oracle.Do(s.FullName(), "HELP"); !a.IsError() { // as CLUSTER's, which a transcript shows
			containers++
			compareHelp(t, s.FullName(), a, quarry.Do(s.FullName(), "HELP"))
		}
	}
	if containers < 9 {
		t.Errorf("only %d containers have been compared", containers)
	}
}

func compareHelp(t *testing.T, container string, oracle, quarry harness.Value) {
	if oracle.Elems[0].Str != quarry.Elems[0].Str {
		t.Errorf("%s HELP begins with %q, want %q", container, quarry.Elems[0].Str, oracle.Elems[0].Str)
	}
	a, b := helpLines(oracle), helpLines(quarry)
	for name, line := range a {
		full := container + "|" + strings.ToLower(name)
		if name != "(no" && table.ByName(full) == nil {
			continue // there is no such subcommand
		}
		_, differs := helpDiffers[full]
		if same := b[name] == line; differs == same {
			t.Errorf("%s HELP has %q, redis %q; helpDiffers says that they differ: %t", container, b[name], line, differs)
		}
	}
}

// helpLines are the lines of HELP that show a subcommand with its arguments, by its name.
func helpLines(v harness.Value) map[string]string {
	lines := map[string]string{}
	for _, line := range v.Strings()[1:] {
		if name, _, _ := strings.Cut(line, " "); name != "" {
			lines[name] = line
		}
	}
	return lines
}

// TestGetKeys asks both servers for the keys of random calls of every command that both know, well-formed and not.
func TestGetKeys(t *testing.T) {
	oracle, quarry := harness.StartRedis(t).Dial(t), harness.Start(t, harness.Options{}).Dial(t)
	shared, rnd := sharedCommands(t, oracle), rand.New(rand.NewPCG(1, 1))
	for _, s := range table.All() {
		if s.Run == nil || !slices.Contains(shared, s.FullName()) {
			continue
		}
		only := func(other *commands.Spec) int {
			if other == s {
				return 1
			}
			return 0
		}
		for g, i := calls.New(rnd, table, only), 0; i < 60; i++ {
			quoted := g.Draw()
			for _, ask := range []string{"GETKEYS", "GETKEYSANDFLAGS"} {
				call := append([]string{"COMMAND", ask}, quoted...)
				if isNewer(quoted) {
					continue
				}
				if a, b := oracle.Do(call...), quarry.Do(call...); !same(call, a, b) {
					t.Errorf("%q:\nredis answers\n%s\nquarry answers\n%s", call, a, b)
				}
			}
		}
	}
}
