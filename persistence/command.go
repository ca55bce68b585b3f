package persistence

// maxHeadBytes is more than "*" or "$", a number and "\r\n" have.
const maxHeadBytes = 32

// head reads "<tag><number>\r\n" at offset.
func (w *window) head(offset int64, tag byte) (number, next int64, err error) {
	text, err := w.lineAt(offset, maxHeadBytes)
	if err != nil {
		return 0, 0, err
	}
	n, ok := parseHead(text, tag)
	if !ok {
		return 0, 0, errForm
	}
	return n, offset + int64(len(text)), nil
}

// parseHead decodes "<tag><number>\r\n"; digits only.
func parseHead(text []byte, tag byte) (n int64, ok bool) {
	if len(text) < 4 || text[0] != tag || text[len(text)-2] != '\r' {
		return 0, false
	}
	digits := text[1 : len(text)-2]
	if len(digits) > 12 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// number decodes "<tag><number>\r\n" at text[i] and returns the number and
// what is behind it; -1: it is not there, or not wholly in text.
func number(text []byte, i int, tag byte) (n, next int) {
	if i >= len(text) || text[i] != tag {
		return 0, -1
	}
	first := i + 1
	for i = first; i < len(text); i++ {
		c := text[i] - '0'
		if c <= 9 {
			n = n*10 + int(c)
			continue
		}
		if i > first && i-first <= 12 && text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			return n, i + 2
		}
		break
	}
	return 0, -1
}

// skipIn returns the length of the command text begins with; 0: it is none, or
// goes on behind text.
func skipIn(text []byte) int {
	count, i := number(text, 0, '*')
	if i < 0 || count < 1 {
		return 0
	}
	for range count {
		n, body := number(text, i, '$')
		if body < 0 || n > len(text)-body-2 {
			return 0
		}
		i = body + n
		if text[i] != '\r' || text[i+1] != '\n' {
			return 0
		}
		i += 2
	}
	return i
}

// skip returns where the command at offset ends, looking at its form only:
// the arguments are not read, however long.
func (w *window) skip(offset int64) (next int64, err error) {
	if at := offset - w.at; at >= 0 && at < int64(len(w.buf)) {
		if n := skipIn(w.buf[at:]); n > 0 {
			return offset + int64(n), nil
		}
	}
	return w.skipFar(offset)
}

// skipFar is skip for what is not in memory as a whole, and for what is wrong.
func (w *window) skipFar(offset int64) (next int64, err error) {
	count, next, err := w.head(offset, '*')
	if err != nil {
		return 0, err
	}
	if count < 1 {
		return 0, errForm
	}
	for range count {
		length, body, err := w.head(next, '$')
		if err != nil {
			return 0, err
		}
		next = body + length + 2
		if length > w.size || next > w.size {
			return 0, errShort
		}
		if end, err := w.need(next-2, 2); err != nil {
			return 0, err
		} else if end[0] != '\r' || end[1] != '\n' {
			return 0, errForm
		}
	}
	return next, nil
}

// command returns the arguments of the command at offset and where it ends.
// They are valid until the window is used again.
func (w *window) command(offset int64, args [][]byte) (_ [][]byte, next int64, err error) {
	if at := offset - w.at; at >= 0 && at < int64(len(w.buf)) {
		if args, n := argsIn(w.buf[at:], args); n > 0 {
			return args, offset + int64(n), nil
		}
	}
	if next, err = w.skipFar(offset); err != nil {
		return args, 0, err
	}
	text, err := w.need(offset, int(next-offset))
	if err != nil {
		return args, 0, err
	}
	args, n := argsIn(text, args)
	if n != len(text) {
		return args, 0, errForm
	}
	return args, next, nil
}

// argsIn is skipIn, and collects the arguments.
func argsIn(text []byte, args [][]byte) ([][]byte, int) {
	args = args[:0]
	count, i := number(text, 0, '*')
	if i < 0 || count < 1 {
		return args, 0
	}
	for range count {
		n, body := number(text, i, '$')
		if body < 0 || n > len(text)-body-2 {
			return args, 0
		}
		i = body + n
		if text[i] != '\r' || text[i+1] != '\n' {
			return args, 0
		}
		args = append(args, text[body:i:i])
		i += 2
	}
	return args, i
}
