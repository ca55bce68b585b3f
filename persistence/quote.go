package persistence

import "strings"

// File names in a manifest are written as they are, or quoted the way Redis
// quotes strings, when they hold anything but plain characters.

const hexDigits = "0123456789abcdef"

// plainName reports whether a name needs no quotes.
func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || c == '\\' || c == '"' || c == '\'' {
			return false
		}
	}
	return name != ""
}

func appendName(dst []byte, name string) []byte {
	if plainName(name) {
		return append(dst, name...)
	}
	dst = append(dst, '"')
	for i := range len(name) {
		switch c := name[i]; c {
		case '\\', '"':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\a':
			dst = append(dst, '\\', 'a')
		case '\b':
			dst = append(dst, '\\', 'b')
		default:
			if c < ' ' || c > '~' {
				dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			} else {
				dst = append(dst, c)
			}
		}
	}
	return append(dst, '"')
}

// splitWords cuts a line into words, some of them in double or single quotes.
// ok is false where quotes are not closed, or closed within a word, and where a
// zero byte is.
func splitWords(s string) (words []string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t\r\n\v\f")
		if s == "" {
			return words, true
		}
		var word string
		if word, s, ok = cutWord(s); !ok {
			return nil, false
		}
		words = append(words, word)
	}
}

// cutWord takes the first word off s.
func cutWord(s string) (word, rest string, ok bool) {
	var b []byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n', '\v', '\f':
			return string(b), s[i:], true
		case 0:
			return "", "", false
		case '"', '\'':
			part, n, ok := cutQuoted(s[i:])
			if !ok {
				return "", "", false
			}
			b = append(b, part...)
			i += n - 1
			if i+1 < len(s) && !strings.ContainsRune(" \t\r\n\v\f", rune(s[i+1])) {
				return "", "", false
			}
			return string(b), s[i+1:], true
		default:
			b = append(b, c)
		}
	}
	return string(b), "", true
}

// cutQuoted decodes the quoted text s begins with and returns how long it is there.
func cutQuoted(s string) (text []byte, n int, ok bool) {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return text, i + 1, true
		case s[i] == '\\' && quote == '"' && i+3 < len(s) && s[i+1] == 'x' && isHex(s[i+2]) && isHex(s[i+3]):
			text = append(text, unhex(s[i+2])<<4|unhex(s[i+3]))
			i += 3
		case s[i] == '\\' && quote == '"' && i+1 < len(s):
			i++
			text = append(text, unescape(s[i]))
		case s[i] == '\\' && quote == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
			text = append(text, '\'')
		default:
			text = append(text, s[i])
		}
	}
	return nil, 0, false
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

func unhex(c byte) byte {
	if c > '9' {
		return c&^0x20 - 'A' + 10
	}
	return c - '0'
}

func unescape(c byte) byte {
	if i := strings.IndexByte("nrtab", c); i >= 0 {
		return "\n\r\t\a\b"[i]
	}
	return c
}
