package commands

import (
	"strings"
	"testing"
)

func TestGlobMatches(t *testing.T) {
	for _, c := range []struct{ pattern, s string }{
		{"", ""}, {"**", "a"}, {"*", "abc"}, {"a*", "a"}, {"*c", "abc"}, {"a*c", "abbc"}, {"*b*", "abc"},
		{"*a*b", "aabab"}, {"a**b", "ab"}, {"?", "a"}, {"a?c", "abc"}, {"*?", "a"}, {"h*l?o", "hello"},
		{"[abc]", "b"}, {"[a-c]x", "bx"}, {"[c-a]", "b"}, {"[^a]", "b"}, {"[^]", "b"}, {"[a-]", "^"}, {"[-]", "-"},
		{"[ab", "b"}, {"[^", "x"}, {"[a\\]b]", "]"}, {"[\\a]", "a"}, {"[\\", "\\"}, {"[[]", "["}, {"[*]", "*"},
		{"\\*", "*"}, {"\\[a]", "[a]"}, {"\\", "\\"}, {"a\\", "a\\"}, {"\\\\", "\\"}, {"]", "]"},
		{"[\x80-\xff]", "\xc3"}, {"[a-\xff]", "A"}, {"a\x00b", "a\x00b"}, {"*[ab]?c*", "xxaycz"},
	} {
		if !globMatch([]byte(c.pattern), []byte(c.s)) {
			t.Errorf("%q does not match %q", c.pattern, c.s)
		}
	}
}

func TestGlobDoesNotMatch(t *testing.T) {
	for _, c := range []struct{ pattern, s string }{
		{"", "a"}, {"*", ""}, {"**", ""}, {"a", ""}, {"?", ""}, {"a", "A"}, {"a*b", "abc"}, {"*a", "ab"}, {"a?", "a"}, {"a?", "abc"}, {"??*", "a"},
		{"[abc]", "d"}, {"[^abc]", "b"}, {"[]", "]"}, {"[]a]", "a"}, {"[", "["}, {"[a-c]", "A"}, {"[a-c]", "-"},
		{"\\*", "a"}, {"a\\", "a"}, {"[\\]", "\\]"}, {"a\x00b", "a"}, {"*[ab]?c*", "xxabz"},
		{"[\x7f-\x80]", "\xff\xff"},
	} {
		if globMatch([]byte(c.pattern), []byte(c.s)) {
			t.Errorf("%q matches %q", c.pattern, c.s)
		}
	}
}

func TestGlobFold(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"MaxMem*", "maxmemory", true}, {"[A-C]", "b", true}, {"[XYZ]", "y", true}, {"[^B]", "b", false},
		{"\\A", "a", true}, {"[\\A]", "a", false}, {"@", "`", false}, {"[", "{", false},
	} {
		if got := GlobMatch([]byte(c.pattern), []byte(c.s), true); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.s, got)
		}
	}
}

// A matcher that tries every star again would not come back from this.
func TestGlobIsBounded(t *testing.T) {
	pattern := strings.Repeat("a*", 1000) + "b"
	if globMatch([]byte(pattern), []byte(strings.Repeat("a", 10_000))) {
		t.Error("matches")
	}
}

// FuzzGlob compares with the definition: a pattern is a list of sets of bytes and of stars, and a star is
// no byte, or one byte and a star.
func FuzzGlob(f *testing.F) {
	for _, pattern := range []string{"a*[b-d]?\\x", "[^a-", "[\\]-a]*", "[z-a]**", "*[^]?", "\\", "[A-\xff]\\*[["} {
		f.Add([]byte(pattern), []byte("aXXcyx"), true)
	}
	f.Fuzz(func(t *testing.T, pattern, s []byte, fold bool) {
		if len(pattern) > 14 || len(s) > 14 || len(s) == 0 {
			return
		}
		if got, want := GlobMatch(pattern, s, fold), slowGlob(globModel(pattern, fold), s); got != want {
			t.Errorf("%q on %q, fold %v: got %v, want %v", pattern, s, fold, got, want)
		}
	})
}

// globPart is a star, or the bytes that may stand at a place.
type globPart struct {
	star  bool
	bytes [256]bool
}

// add adds a byte, in either case if fold.
func (p *globPart) add(c byte, fold bool) {
	p.bytes[c] = true
	if letter := c &^ 0x20; fold && 'A' <= letter && letter <= 'Z' {
		p.bytes[c^0x20] = true
	}
}

func globModel(pattern []byte, fold bool) (parts []globPart) {
	for len(pattern) > 0 {
		var p globPart
		switch c := pattern[0]; {
		case c == '*':
			p.star = true
		case c == '?':
			for i := range p.bytes {
				p.bytes[i] = true
			}
		case c == '[':
			pattern = p.class(pattern[1:], fold)
			parts = append(parts, p)
			continue
		case c == '\\' && len(pattern) > 1:
			pattern = pattern[1:]
			fallthrough
		default:
			p.add(pattern[0], fold)
		}
		parts, pattern = append(parts, p), pattern[1:]
	}
	return parts
}

// class reads what follows "[", and returns what follows it.
func (p *globPart) class(b []byte, fold bool) (rest []byte) {
	inverted := len(b) > 0 && b[0] == '^'
	if inverted {
		b = b[1:]
	}
	for len(b) > 0 && b[0] != ']' {
		switch {
		case b[0] == '\\' && len(b) > 1:
			p.bytes[b[1]] = true
			b = b[2:]
		case len(b) > 2 && b[1] == '-':
			p.span(int8(b[0]), int8(b[2]), fold)
			b = b[3:]
		default:
			p.add(b[0], fold)
			b = b[1:]
		}
	}
	if inverted {
		for i := range p.bytes {
			p.bytes[i] = !p.bytes[i]
		}
	}
	return b[min(1, len(b)):]
}

// span adds the bytes from a to b, in either order, as C's signed chars. If fold, ends and byte are
// compared in lower case.
func (p *globPart) span(a, b int8, fold bool) {
	if a > b {
		a, b = b, a
	}
	lower := func(c int8) int8 {
		if fold && 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}
	for i := range p.bytes {
		if c := lower(int8(i)); lower(a) <= c && c <= lower(b) {
			p.bytes[i] = true
		}
	}
}

func slowGlob(parts []globPart, s []byte) bool {
	switch {
	case len(parts) == 0:
		return len(s) == 0
	case parts[0].star:
		return slowGlob(parts[1:], s) || len(s) > 0 && slowGlob(parts, s[1:])
	}
	return len(s) > 0 && parts[0].bytes[s[0]] && slowGlob(parts[1:], s[1:])
}
