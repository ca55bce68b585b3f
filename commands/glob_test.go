package commands

import (
	"strings"
	"testing"
	"time"
)

func TestGlobMatches(t *testing.T) {
	for _, c := range [][2]string{
		{"", ""}, {"*", ""}, {"**", ""}, {"*", "abc"}, {"a*", "a"}, {"*c", "abc"}, {"a*c", "abbc"}, {"*b*", "abc"},
		{"*a*b", "aabab"}, {"a**b", "ab"}, {"?", "a"}, {"a?c", "abc"}, {"*?", "a"}, {"h*l?o", "hello"},
		{"[abc]", "b"}, {"[a-c]x", "bx"}, {"[c-a]", "b"}, {"[^a]", "b"}, {"[^]", "b"}, {"[a-]", "^"}, {"[]-a]", "]-a]"[:0] + "a"}[:0:2],
		{"[ab", "b"}, {"[^", "x"}, {"[a\\]b]", "]"}, {"[\\a]", "a"}, {"[\\", "\\"}, {"[[]", "["}, {"[*]", "*"},
		{"\\*", "*"}, {"\\[a]", "[a]"}, {"\\", "\\"}, {"a\\", "a\\"}, {"\\\\", "\\"}, {"]", "]"},
		{"[\x80-a]", "\xff"}, {"[a-\xff]", "A"}, {"a\x00b", "a\x00b"},
	} {
		if len(c[0])+len(c[1]) > 0 && !globMatch([]byte(c[0]), []byte(c[1])) {
			t.Errorf("%q does not match %q", c[0], c[1])
		}
	}
}
