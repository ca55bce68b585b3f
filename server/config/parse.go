package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Error is a directive that cannot be understood, and its place.
type Error struct {
	File   string // the file as it was named; "stdin", "command line"
	Line   int    // from 1; 0 on the command line
	Text   string // the line, without the blanks around it
	Reason string
	// Nearest is the known name most like the one that is unknown, or "".
	Nearest string
}

// Error names the place, quotes the line and says what is wrong with it.
func (e *Error) Error() string {
	place := e.File
	if e.Line > 0 {
		place = fmt.Sprintf("%s, line %d", e.File, e.Line)
	}
	text := fmt.Sprintf("%s: '%s': %s", place, e.Text, e.Reason)
	if e.Nearest != "" {
		text += fmt.Sprintf(", did you mean '%s'?", e.Nearest)
	}
	return text
}

// Limits of the files, so that a wrong path (a device, a log) or a circle of
// includes ends in an error.
const (
	maxFileBytes    = 1 << 20
	maxIncludeDepth = 16
)

// errQuotes is Redis' text for a line that splitWords cannot read.
var errQuotes = errors.New("Unbalanced quotes in configuration line")

// splitWords splits a line into words: blanks separate them; "..." takes \n \r
// \t \b \a, \xHH and a backslash before any other character; '...' takes \' only.
// A closing quote ends its word.
func splitWords(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, blanks)
		if line == "" {
			return words, nil
		}
		word, rest, err := nextWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), rest
	}
}

const blanks = " \t\n\v\f\r"

func nextWord(line string) (word, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case strings.IndexByte(blanks, c) >= 0:
			return b.String(), line[i:], nil
		case c == '"' || c == '\'':
			n, ok := quoted(&b, line[i:])
			if !ok || i+n < len(line) && strings.IndexByte(blanks, line[i+n]) < 0 {
				return "", "", errQuotes
			}
			return b.String(), line[i+n:], nil
		}
		b.WriteByte(c)
	}
	return b.String(), "", nil
}

// quoted appends the quoted text that s begins with to b and returns its
// length in s, quotes included; ok is false if the closing quote is missing.
func quoted(b *strings.Builder, s string) (length int, ok bool) {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i + 1, true
		case s[i] != '\\' || i+1 == len(s):
			b.WriteByte(s[i])
		case quote == '"':
			i += escape(b, s[i:])
		case s[i+1] == quote:
			b.WriteByte(quote)
			i++
		default:
			b.WriteByte('\\')
		}
	}
	return 0, false
}

// escape appends what the backslash at s[0] and the characters after it stand
// for, and returns how many those are.
func escape(b *strings.Builder, s string) int {
	if len(s) >= 4 && s[1] == 'x' {
		high, low := hexDigit(s[2]), hexDigit(s[3])
		if high >= 0 && low >= 0 {
			b.WriteByte(byte(high<<4 | low))
			return 3
		}
	}
	c := s[1]
	if i := strings.IndexByte("nrtba", c); i >= 0 {
		c = "\n\r\t\b\a"[i]
	}
	b.WriteByte(c)
	return 1
}

func hexDigit(c byte) int {
	if 'A' <= c && c <= 'F' {
		c += 'a' - 'A'
	}
	return strings.IndexByte("0123456789abcdef", c)
}

// quoteWord is splitWords' inverse: a word as it stands in a file.
func quoteWord(word string) string {
	if word != "" && word[0] != '#' && strings.IndexFunc(word, needsQuotes) < 0 {
		return word
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(word) {
		c := word[i]
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func needsQuotes(c rune) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '\'' || c == '\\' }

// source is a text that directives are read from.
type source struct {
	name  string
	depth int // of includes
}

func (c *Config) readFile(name string, depth int) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := readAll(f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return c.readText(source{name, depth}, text)
}

func readAll(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxFileBytes {
		return "", fmt.Errorf("longer than %d bytes", maxFileBytes)
	}
	return string(text), nil
}

// readText applies the directives of a file, line by line.
func (c *Config) readText(s source, text string) error {
	for i, line := range strings.Split(text, "\n") {
		line = strings.Trim(line, blanks)
		words, err := directive(line)
		if err == nil && len(words) > 0 {
			err = c.apply(words, s.depth)
		}
		if err != nil {
			return place(err, s.name, i+1, line)
		}
	}
	return nil
}

// directive is the words of a line, none for a comment or an empty line. Only
// a line that begins with # is a comment, as in Redis.
func directive(line string) ([]string, error) {
	line = strings.Trim(line, blanks)
	if strings.HasPrefix(line, "#") {
		return nil, nil
	}
	if strings.IndexByte(line, 0) >= 0 {
		return nil, errors.New("zero byte in configuration line")
	}
	return splitWords(line)
}

// place gives err the place it happened at, unless it has one: an included
// file's line says more than the line of its include.
func place(err error, file string, line int, text string) error {
	var e *Error
	if errors.As(err, &e) {
		if e.File == "" {
			e.File, e.Line, e.Text = file, line, text
		}
		return e
	}
	return &Error{File: file, Line: line, Text: text, Reason: err.Error()}
}

// apply carries out one directive: words[0] is its name.
func (c *Config) apply(words []string, depth int) error {
	if strings.EqualFold(words[0], "include") {
		return c.include(words[1:], depth+1)
	}
	o := lookup(words[0])
	if o == nil {
		return &Error{Reason: "unknown directive", Nearest: nearest(words[0])}
	}
	f, values := o.at(c), words[1:]
	if len(values) == 1 {
		values = valueWords(f, values[0]) // as in CONFIG SET, as in Redis
	}
	if points, ok := f.(*SavePoints); ok && len(values) > 1 {
		values = append(points.words(o, points.set), values...) // each line adds some
	}
	v, err := o.read(f, f.given(), values)
	if err != nil {
		return err
	}
	f.put(o, v)
	return nil
}

// include reads the files that a path or pattern names. As in Redis a relative
// path starts from the working directory, a plain path must exist, and a
// pattern may match nothing.
func (c *Config) include(words []string, depth int) error {
	pattern, err := single(words)
	if err != nil {
		return err
	}
	if depth > maxIncludeDepth {
		return fmt.Errorf("more than %d includes inside each other", maxIncludeDepth)
	}
	names := []string{pattern}
	if strings.ContainsAny(pattern, "*?[") {
		if names, err = filepath.Glob(pattern); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := c.readFile(name, depth); err != nil {
			return err
		}
	}
	return nil
}

// nearest is the known directive that name is most likely a misspelling of, or
// "" if none is near: about a third of its letters may differ.
func nearest(name string) string {
	if len(name) > longestName {
		return ""
	}
	name = strings.ToLower(name)
	best, bestDistance := "", min(len(name)/2, len(name)/3+1)+1
	consider := func(known string) {
		if d := distance(name, known); d < bestDistance {
			best, bestDistance = known, d
		}
	}
	consider("include")
	for i := range options {
		consider(options[i].name)
		if options[i].alias != "" {
			consider(options[i].alias)
		}
	}
	return best
}

// longestName is more than the longest name in the table, with some errors.
const longestName = 64

// distance is the number of letters to insert, delete or replace to make a of b.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // row[j]: the distance of a[:i] and b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
