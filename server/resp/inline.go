package resp

// inline parses an inline command: one line of words, ended by "\n" or "\r\n".
// A word in quotes may hold blanks and escapes; see unquote.
func (f *Framer) inline() bool {
	line, ok := f.line('\n', errInlineLine)
	if !ok {
		return false
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if cap(f.scratch) < len(line) {
		f.scratch = make([]byte, 0, max(len(line), 64))
	}
	if f.args, ok = splitWords(f.args[:0], f.scratch, line); !ok {
		return f.fail(errQuotes)
	}
	return true
}

// splitWords appends the words of line to words; false if quotes do not
// balance. A word is a slice of line or, if a part of it was quoted, of
// scratch, which must have room for len(line) bytes so that it never moves.
func splitWords(words [][]byte, scratch, line []byte) ([][]byte, bool) {
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return words, true
		}
		end := i
		for end < len(line) && !endsWord(line[end]) && line[end] != '"' && line[end] != '\'' {
			end++
		}
		if end == len(line) || endsWord(line[end]) {
			words = append(words, line[i:end:end])
			i = end
			continue
		}
		from := len(scratch)
		scratch = append(scratch, line[i:end]...)
		scratch, i = unquote(scratch, line, end)
		if i == 0 || i < len(line) && !isSpace(line[i]) {
			return words, false
		}
		words = append(words, scratch[from:len(scratch):len(scratch)])
	}
}

// unquote appends to dst what stands between the quote at line[i] and its
// closing twin, and returns the index behind that; 0 if there is none.
//
// Between double quotes \n \r \t \b \a and \xHH stand for one byte, and a
// backslash takes the meaning from any other; between single quotes only \'
// does so.
func unquote(dst, line []byte, i int) ([]byte, int) {
	quote := line[i]
	for i++; i < len(line); i++ {
		c := line[i]
		switch {
		case c == quote:
			return dst, i + 1
		case c == '\\' && quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
			c = '\''
		case c == '\\' && quote == '"' && i+3 < len(line) && line[i+1] == 'x' && isHex(line[i+2]) && isHex(line[i+3]):
			c = hexDigit(line[i+2])<<4 | hexDigit(line[i+3])
			i += 3
		case c == '\\' && quote == '"' && i+1 < len(line):
			i++
			c = escaped(line[i])
		}
		dst = append(dst, c)
	}
	return dst, 0
}

func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

// endsWord reports whether c ends an unquoted word. Not every blank does: a
// vertical tab or form feed separates words but is a part of the word it follows.
func endsWord(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexDigit(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
