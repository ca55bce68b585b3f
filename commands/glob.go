package commands

// GlobMatch reports whether s as a whole matches pattern, as Redis matches keys:
//
//   - any bytes, also none
//     ?        any byte
//     [a-cx]   one of these bytes; [^...] any other; an end may be missing
//     \x       x itself
//
// With fold, ASCII letters match in either case. The empty string is matched by
// the empty pattern alone, not by "*" (but see matchesKey). The cost is at most
// len(pattern) * len(s): only the last star met is ever tried again, which is
// enough because an earlier star could but hand later bytes on to it.
func GlobMatch(pattern, s []byte, fold bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0
	}
	p, i := 0, 0
	star, retry := -1, 0 // the last star, and where in s the text after it was tried
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, retry = p, i
			p++
			continue
		}
		if p < len(pattern) {
			if n, ok := matchOne(pattern[p:], s[i], fold); ok {
				p += n
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		retry++
		p, i = star+1, retry
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// globMatch is GlobMatch with the letters' case told apart.
func globMatch(pattern, s []byte) bool { return GlobMatch(pattern, s, false) }

// matchesKey is globMatch for what is listed: KEYS and the scans take "*" for all there is, the
// empty key, field or member too. A subscription to the pattern "*" does not hear the empty channel.
func matchesKey(pattern, key []byte) bool {
	return string(pattern) == "*" || globMatch(pattern, key)
}

// matchOne matches c against the first element of pattern, which is not a
// star, and returns the element's length.
func matchOne(pattern []byte, c byte, fold bool) (n int, ok bool) {
	switch {
	case pattern[0] == '?':
		return 1, true
	case pattern[0] == '[':
		return matchClass(pattern, c, fold)
	case pattern[0] == '\\' && len(pattern) > 1:
		return 2, sameByte(pattern[1], c, fold)
	}
	return 1, sameByte(pattern[0], c, fold)
}

// matchClass matches c against the class that pattern begins with.
func matchClass(pattern []byte, c byte, fold bool) (n int, ok bool) {
	i := 1
	negated := len(pattern) > 1 && pattern[1] == '^'
	if negated {
		i++
	}
	for ; i < len(pattern) && pattern[i] != ']'; i++ {
		switch rest := pattern[i:]; {
		case rest[0] == '\\' && len(rest) >= 2:
			i++
			// An escaped byte is compared as it is, even with fold.
			ok = ok || rest[1] == c
		case len(rest) >= 3 && rest[1] == '-':
			i += 2
			ok = ok || inRange(rest[0], rest[2], c, fold)
		default:
			ok = ok || sameByte(rest[0], c, fold)
		}
	}
	return min(i+1, len(pattern)), ok != negated
}

// inRange reports whether c lies between a and b, given in either order.
// Bytes are C's chars here: from 0x80 on they come before all others.
func inRange(a, b, c byte, fold bool) bool {
	lo, hi := int8(a), int8(b)
	if lo > hi {
		lo, hi = hi, lo
	}
	if fold {
		lo, hi, c = int8(lowerByte(byte(lo))), int8(lowerByte(byte(hi))), lowerByte(c)
	}
	return lo <= int8(c) && int8(c) <= hi
}

func sameByte(a, b byte, fold bool) bool {
	return a == b || fold && lowerByte(a) == lowerByte(b)
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
