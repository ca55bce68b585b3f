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

// FuzzGlob compares with the definition: a star is no byte, or one byte and a star.
func FuzzGlob(f *testing.F) {
	f.Add([]byte("a*[b-d]?\\x"), []byte("aXXcyx"))
	f.Fuzz(func(t *testing.T, pattern, s []byte) {
		if len(pattern) > 12 || len(s) > 12 || len(s) == 0 {
			return
		}
		if got, want := globMatch(pattern, s), slowGlob(pattern, s); got != want {
			t.Errorf("%q on %q: got %v, want %v", pattern, s, got, want)
		}
	})
}

func slowGlob(pattern, s []byte) bool {
	switch {
	case len(pattern) == 0:
		return len(s) == 0
	case pattern[0] == '*':
		return slowGlob(pattern[1:], s) || len(s) > 0 && slowGlob(pattern, s[1:])
	case len(s) == 0:
		return false
	}
	n, ok := matchOne(pattern, s[0], false)
	return ok && slowGlob(pattern[n:], s[1:])
}
