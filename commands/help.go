package commands

import (
	"cmp"
	"slices"
	"strings"
)

// help is the HELP of every container: its subcommands' syntax and summaries,
// read from the table.
func help(c *Ctx) {
	container := c.Spec.Parent()
	lines := []string{container.Name + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
	if container.Run != nil {
		lines = append(lines, "(no subcommand)", "    "+container.Summary+".")
	}
	for _, s := range helpOrder(container.Subs) {
		lines = append(lines, strings.Join(append([]string{s.Name}, syntaxWords(s.Args)...), " "), "    "+s.Summary+".")
	}
	c.Array(len(lines))
	for _, l := range lines {
		c.Status(l)
	}
}

// helpOrder is the subcommands by name, HELP itself last.
func helpOrder(subs []Spec) []Spec {
	return slices.SortedFunc(slices.Values(subs), func(a, b Spec) int {
		if last := cmp.Compare(oneIf(a.Name == "HELP"), oneIf(b.Name == "HELP")); last != 0 {
			return last
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// syntaxWords renders arguments the way Redis' help lines do: <key> [<key> ...] [COUNT <count>] (ON|OFF).
func syntaxWords(args []Arg) []string {
	var words []string
	for i := range args {
		words = append(words, args[i].syntax())
	}
	return words
}

func (a *Arg) syntax() string {
	s := a.value()
	if a.Token != "" && a.Type != TypeToken {
		s = strings.TrimSpace(a.Token + " " + s)
	}
	switch {
	case a.Multiple && a.Optional && a.Token == "" && a.Type != TypeOneOf:
		return "[" + s + " ...]"
	case a.Multiple:
		s += " [" + a.again(s) + "...]"
	}
	if a.Optional {
		if a.Type == TypeOneOf && a.Token == "" && !a.Multiple {
			s = s[1 : len(s)-1] // [A|B], not [(A|B)]
		}
		s = "[" + s + "]"
	}
	return s
}

// again is what comes once more in a repeated argument whose first time is drawn as first.
func (a *Arg) again(first string) string {
	switch {
	case a.Type == TypeOneOf:
		return "" // too long to be said twice
	case a.Token != "" && !a.MultipleToken:
		return a.value() + " "
	}
	return first + " "
}

// value is the argument itself: no introducing token, no brackets.
func (a *Arg) value() string {
	switch a.Type {
	case TypeToken:
		return a.Token
	case TypeBlock:
		return strings.Join(syntaxWords(a.Sub), " ")
	case TypeOneOf:
		var choices []string
		for _, sub := range a.Sub {
			sub.Optional = false // a choice is made by making it
			choices = append(choices, sub.syntax())
		}
		return "(" + strings.Join(choices, "|") + ")"
	}
	return "<" + a.Name + ">"
}

// wrongSubcommandArity words the error of a subcommand whose arity has a lower
// bound in the table and an upper one here.
func wrongSubcommandArity(c *Ctx) string {
	return "ERR unknown subcommand or wrong number of arguments for '" + quoted(c.Args[1], 128) + "'. Try " + c.Spec.Parent().Name + " HELP."
}
