package commands

import "strings"

// The constructors of a Spec's Args. They read like the syntax line they
// describe:
//
//	[]Arg{keyArg("key"), optional(token("WITHSCORES")),
//		optional(withToken("LIMIT", block("offset_count", intArg("offset"), intArg("count"))))}

// keyArg is a key found by the first key specification; keyArgOf by another.
func keyArg(name string) Arg { return Arg{Name: name, Type: TypeKey} }

// keyArgOf is a key found by the key specification of the given index.
func keyArgOf(name string, spec int) Arg { return Arg{Name: name, Type: TypeKey, Key: spec} }

func stringArg(name string) Arg  { return Arg{Name: name, Type: TypeString} }
func intArg(name string) Arg     { return Arg{Name: name, Type: TypeInteger} }
func doubleArg(name string) Arg  { return Arg{Name: name, Type: TypeDouble} }
func patternArg(name string) Arg { return Arg{Name: name, Type: TypePattern} }
func timeArg(name string) Arg    { return Arg{Name: name, Type: TypeTime} }

// token is a word that stands for itself.
func token(word string) Arg {
	return Arg{Name: strings.ToLower(word), Type: TypeToken, Token: word}
}

// namedToken is a token whose argument name is not its word (CH: "change").
func namedToken(name, word string) Arg { return Arg{Name: name, Type: TypeToken, Token: word} }

// oneOf is a choice.
func oneOf(name string, choices ...Arg) Arg {
	return Arg{Name: name, Type: TypeOneOf, Sub: choices}
}

// block is a sequence that comes, repeats or is left out as a whole.
func block(name string, parts ...Arg) Arg {
	return Arg{Name: name, Type: TypeBlock, Sub: parts}
}

// optional makes a an argument that may be left out.
func optional(a Arg) Arg {
	a.Optional = true
	return a
}

// multiple makes a an argument that may be repeated.
func multiple(a Arg) Arg {
	a.Multiple = true
	return a
}

// repeated makes a an argument that may be repeated with its word.
func repeated(a Arg) Arg {
	a.Multiple, a.MultipleToken = true, true
	return a
}

// withToken makes a an argument introduced by a word.
func withToken(word string, a Arg) Arg {
	a.Token = word
	return a
}

// since notes the version in which an argument came to an older command.
func since(version string, a Arg) Arg {
	a.Since = version
	return a
}
