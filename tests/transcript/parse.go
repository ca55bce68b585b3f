package transcript

import (
	"fmt"
	"strconv"
	"strings"

	"quarry/tests/harness"
)

// The directives.
const (
	Run     = "run"
	Parks   = "block"
	Read    = "read"
	Hear    = "hear"
	Client  = "client"
	Advance = "advance"
	Check   = "check"
)

// The arguments of run.
const (
	Unordered = "unordered"
	Shape     = "shape"
)

// Separators before the answers.
const (
	answers  = "----"
	answers3 = "---- resp3"
)

// Block is one directive with its commands and answers.
type Block struct {
	Line      int      // of the directive, from 1
	Comments  []string // lines before it, # included
	Directive string
	Arg       string   // what follows the directive on its line
	Lines     []string // the commands as written
	Calls     [][]string
	// Want and Want3 are the answers as drawn, with a line break after each
	// line; Want3 is empty where RESP3's answers are the same.
	Want, Want3 string
}

// File is a transcript.
type File struct {
	Name   string
	Blocks []Block
}

// Parse reads a transcript; name is for error messages.
func Parse(name, text string) (*File, error) {
	f := &File{Name: name}
	var lines []string
	start := 0
	for i, line := range append(strings.Split(text, "\n"), "") {
		if line != "" {
			if len(lines) == 0 {
				start = i + 1
			}
			lines = append(lines, line)
			continue
		}
		if len(lines) == 0 {
			continue
		}
		b, err := parseBlock(start, lines)
		if err != nil {
			return nil, fmt.Errorf("%s:%w", name, err)
		}
		f.Blocks, lines = append(f.Blocks, b), nil
	}
	return f, nil
}

func parseBlock(start int, lines []string) (Block, error) {
	b := Block{Line: start}
	for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
		b.Comments, lines = append(b.Comments, lines[0]), lines[1:]
		b.Line++
	}
	if len(lines) == 0 {
		return b, nil // a comment of its own
	}
	b.Directive, b.Arg, _ = strings.Cut(lines[0], " ")
	part := 0
	for i, line := range lines[1:] {
		switch {
		case line == answers && part == 0:
			part = 1
		case line == answers3 && part == 1:
			part = 2
		case part == 0:
			call, err := splitWords(line)
			if err != nil {
				return b, fmt.Errorf("%d: %w", b.Line+1+i, err)
			}
			b.Lines, b.Calls = append(b.Lines, line), append(b.Calls, call)
		case part == 1:
			b.Want += line + "\n"
		default:
			b.Want3 += line + "\n"
		}
	}
	if err := b.check(); err != nil {
		return b, fmt.Errorf("%d: %w", b.Line, err)
	}
	return b, nil
}

// check says whether the directive is known and has what it needs.
func (b *Block) check() error {
	wantArg, wantCalls := false, 0
	switch b.Directive {
	case Run:
		if b.Arg != "" && b.Arg != Unordered && b.Arg != Shape {
			return fmt.Errorf("run %q is unknown", b.Arg)
		}
		if len(b.Calls) == 0 {
			return fmt.Errorf("run without a command")
		}
		return nil
	case Parks:
		wantCalls = 1
	case Read, Check:
	case Client:
		wantArg = true
	case Advance, Hear:
		if n, err := strconv.Atoi(b.Arg); err != nil || n <= 0 {
			return fmt.Errorf("%s wants a number, not %q", b.Directive, b.Arg)
		}
		wantArg = true
	default:
		return fmt.Errorf("directive %q is unknown", b.Directive)
	}
	if wantArg != (b.Arg != "") {
		return fmt.Errorf("%s with argument %q", b.Directive, b.Arg)
	}
	if len(b.Calls) != wantCalls {
		return fmt.Errorf("%s with %d commands, not %d", b.Directive, len(b.Calls), wantCalls)
	}
	return nil
}

// splitWords splits a command line: blanks separate, double quotes hold
// together what strconv.Unquote understands.
func splitWords(line string) ([]string, error) {
	var words []string
	for rest := strings.TrimLeft(line, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		if rest[0] != '"' {
			word, after, _ := strings.Cut(rest, " ")
			words, rest = append(words, word), after
			continue
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, fmt.Errorf("bad quotes in %s", line)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("bad quotes in %s", line)
		}
		if rest = rest[len(quoted):]; rest != "" && rest[0] != ' ' {
			return nil, fmt.Errorf("no blank after %s", quoted)
		}
		words = append(words, word)
	}
	return words, nil
}

// Answers reports whether the directive is followed by answers.
func (b *Block) Answers() bool {
	return b.Directive == Run || b.Directive == Read || b.Directive == Hear
}

// Wanted is what the block's answers look like in a protocol.
func (b *Block) Wanted(proto int) string {
	if proto == 3 && b.Want3 != "" {
		return b.Want3
	}
	return b.Want
}

// Draw writes answers as the block compares them.
func (b *Block) Draw(replies []harness.Value) string {
	var s strings.Builder
	for _, v := range replies {
		switch b.Arg {
		case Unordered:
			s.WriteString(v.Sorted().String())
		case Shape:
			s.WriteString(v.Shape())
		default:
			s.WriteString(v.String())
		}
		s.WriteByte('\n')
	}
	return s.String()
}

// Format writes the transcript as text; Parse of it gives f again.
func (f *File) Format() string {
	var s strings.Builder
	for i := range f.Blocks {
		if i > 0 {
			s.WriteByte('\n')
		}
		f.Blocks[i].format(&s)
	}
	return s.String()
}

func (b *Block) format(s *strings.Builder) {
	for _, c := range b.Comments {
		s.WriteString(c + "\n")
	}
	if b.Directive == "" {
		return
	}
	s.WriteString(strings.TrimRight(b.Directive+" "+b.Arg, " ") + "\n")
	for _, l := range b.Lines {
		s.WriteString(l + "\n")
	}
	if b.Answers() {
		s.WriteString(answers + "\n" + b.Want)
		if b.Want3 != "" {
			s.WriteString(answers3 + "\n" + b.Want3)
		}
	}
}
