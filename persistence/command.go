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

// skip returns where the command at offset ends, looking at its form only:
// the arguments are not read, however long.
func (w *window) skip(offset int64) (next int64, err error) {
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

// command returns the arguments of the command in [offset, next), which skip
// has found to be one. They are valid until the window is used again.
func (w *window) command(offset, next int64, args [][]byte) ([][]byte, error) {
	text, err := w.need(offset, int(next-offset))
	if err != nil {
		return nil, err
	}
	args = args[:0]
	i := lineLength(text)
	for i < len(text) {
		n := lineLength(text[i:])
		length, ok := parseHead(text[i:i+n], '$')
		if !ok || i+n+int(length)+2 > len(text) {
			return nil, errForm
		}
		args = append(args, text[i+n:][:length:length])
		i += n + int(length) + 2
	}
	return args, nil
}

// lineLength is the length of the line text begins with, its "\n" included.
func lineLength(text []byte) int {
	for i, c := range text {
		if c == '\n' {
			return i + 1
		}
	}
	return len(text)
}
