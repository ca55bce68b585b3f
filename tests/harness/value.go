package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
)

// Kind is the type of a reply: the first byte of its encoding.
type Kind byte

// The types of RESP2 and RESP3. Closed is none of them: it stands for the end
// of the connection where a reply was awaited; nor is Several: the answers of a command that has more than one.
const (
	Status    Kind = '+'
	Error     Kind = '-'
	Int       Kind = ':'
	Bulk      Kind = '$'
	Array     Kind = '*'
	Null      Kind = '_'
	Double    Kind = ','
	Bool      Kind = '#'
	BulkError Kind = '!'
	Verbatim  Kind = '='
	BigNumber Kind = '('
	Map       Kind = '%'
	Set       Kind = '~'
	Push      Kind = '>'
	Closed    Kind = 'X'
	Several   Kind = 'S'
)

// Value is one reply. Str holds the text of strings, errors, doubles and big
// numbers as sent; a verbatim string keeps its "txt:". Elems are the elements of an
// aggregate, for a map key, value, key, value. Nil marks RESP2's null bulk
// string (Bulk), null array (Array) and RESP3's null (Null).
type Value struct {
	Kind  Kind
	Str   string
	Int   int64
	Float float64
	Nil   bool
	Elems []Value
}

// IsError reports whether v is an error of either form.
func (v Value) IsError() bool { return v.Kind == Error || v.Kind == BulkError }

// Strings lists the texts of v's elements.
func (v Value) Strings() []string {
	list := make([]string, len(v.Elems))
	for i, e := range v.Elems {
		list[i] = e.Text()
	}
	return list
}

// Text is a scalar's text without its type: what a client library's string
// conversion would give. Aggregates and nulls give "".
func (v Value) Text() string {
	if v.Kind == Int || v.Kind == Bool {
		return strconv.FormatInt(v.Int, 10)
	}
	return v.Str
}

// String draws v as transcripts do: one line for a scalar, typed; an aggregate
// as a heading and its elements indented by two blanks, no line break at the end.
func (v Value) String() string {
	var b strings.Builder
	v.draw(&b, "", Value.head)
	return strings.TrimSuffix(b.String(), "\n")
}

// Shape draws v with all values taken out: the types and the nesting, the
// codes of errors, the keys of maps. An array of elements that draw alike
// shows one of them and not how many there are.
func (v Value) Shape() string {
	var b strings.Builder
	v.alike().draw(&b, "", Value.headShape)
	return strings.TrimSuffix(b.String(), "\n")
}

// alike is v with all arrays of two or more elements of one shape cut to the
// first, and marked so.
func (v Value) alike() Value {
	cut := v
	cut.Elems = nil
	same := v.Kind == Array && len(v.Elems) > 1
	for _, e := range v.Elems {
		cut.Elems = append(cut.Elems, e.alike())
		same = same && e.Shape() == v.Elems[0].Shape()
	}
	if same {
		cut.Elems, cut.Str = cut.Elems[:1], manyAlike
	}
	return cut
}

const manyAlike = "..."

func (v Value) draw(b *strings.Builder, indent string, head func(Value) string) {
	b.WriteString(indent + head(v) + "\n")
	for i, e := range v.Elems {
		switch {
		case v.Kind != Map:
			e.draw(b, indent+"  ", head)
		case i%2 == 0:
			e.draw(b, indent+"  ", Value.head)
		default:
			e.draw(b, indent+"    ", head)
		}
	}
}

var shapes = map[Kind]string{
	Status: "(status)", Int: "(int)", Bulk: "(string)", Double: "(double)", Bool: "(bool)",
	Verbatim: "(verbatim)", BigNumber: "(big)",
}

func (v Value) headShape() string {
	if v.IsError() {
		code, _, _ := strings.Cut(v.Str, " ")
		return "(error) " + code
	}
	if s, ok := shapes[v.Kind]; ok && !v.Nil {
		return s
	}
	if v.Kind == Array && v.Str == manyAlike {
		return "(array of)"
	}
	return v.head()
}

func (v Value) head() string {
	if v.Nil {
		if v.Kind == Array {
			return "(nil array)"
		}
		return "(nil)"
	}
	switch v.Kind {
	case Status:
		return v.Str
	case Error, BulkError:
		return "(error) " + v.Str
	case Int:
		return "(int) " + v.Text()
	case Bulk:
		return strconv.Quote(v.Str)
	case Double:
		return "(double) " + v.Str
	case Bool:
		return fmt.Sprintf("(bool) %t", v.Int == 1)
	case Verbatim:
		return "(verbatim) " + strconv.Quote(v.Str)
	case BigNumber:
		return "(big) " + v.Str
	case Array:
		return fmt.Sprintf("(array %d)", len(v.Elems))
	case Map:
		return fmt.Sprintf("(map %d)", len(v.Elems)/2)
	case Set:
		return fmt.Sprintf("(set %d)", len(v.Elems))
	case Push:
		return fmt.Sprintf("(push %d)", len(v.Elems))
	case Several:
		return fmt.Sprintf("(answers %d)", len(v.Elems))
	case Closed:
		return "(closed)"
	}
	return fmt.Sprintf("(kind %q)", byte(v.Kind))
}

// Sorted is v with the elements of every array of like elements (all scalars,
// or all aggregates) and every set in the order of their drawing: for replies
// whose order means nothing.
func (v Value) Sorted() Value {
	s := v
	s.Elems = make([]Value, len(v.Elems))
	scalars := 0
	for i, e := range v.Elems {
		s.Elems[i] = e.Sorted()
		if len(e.Elems) == 0 && e.Kind != Array {
			scalars++
		}
	}
	if v.Kind != Map && (scalars == 0 || scalars == len(v.Elems)) {
		sort.SliceStable(s.Elems, func(i, j int) bool { return s.Elems[i].String() < s.Elems[j].String() })
	}
	return s
}

// reader decodes replies and keeps the bytes of the last one.
type reader struct {
	in  *bufio.Reader
	raw []byte
}

var errProtocol = errors.New("harness: the server broke the protocol")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

// line reads up to CR LF and returns what is before it.
func (r *reader) line() (string, error) {
	start := len(r.raw)
	for {
		part, err := r.in.ReadSlice('\n')
		r.raw = append(r.raw, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return "", err
		}
		break
	}
	line := r.raw[start:]
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return "", protocolError("line %q does not end in CR LF", line)
	}
	return string(line[:len(line)-2]), nil
}

func (r *reader) exactly(n int) (string, error) {
	start := len(r.raw)
	r.raw = append(r.raw, make([]byte, n+2)...)
	if _, err := io.ReadFull(r.in, r.raw[start:]); err != nil {
		return "", err
	}
	if !bytes.Equal(r.raw[start+n:], []byte("\r\n")) {
		return "", protocolError("%d bytes are not followed by CR LF", n)
	}
	return string(r.raw[start : start+n]), nil
}

// value reads one value. It is strict: what a lenient client would let pass
// (a stray CR, "+inf", a negative length that is not -1) is an error.
func (r *reader) value() (Value, error) {
	line, err := r.line()
	if err != nil {
		return Value{}, err
	}
	if line == "" {
		return Value{}, protocolError("empty line where a type was awaited")
	}
	v := Value{Kind: Kind(line[0]), Str: line[1:]}
	switch v.Kind {
	case Status, Error:
		if strings.ContainsAny(v.Str, "\r\n") {
			return v, protocolError("line break inside %q", line)
		}
		return v, nil
	case Int:
		v.Int, err = parseInt(v.Str)
		return v, err
	case Bulk, BulkError, Verbatim:
		return r.bulk(v)
	case Array, Set, Push, Map:
		return r.aggregate(v)
	case Null:
		v.Nil = true
		if v.Str != "" {
			return v, protocolError("null with %q", v.Str)
		}
		return v, nil
	case Double:
		v.Float, err = parseDouble(v.Str)
		return v, err
	case Bool:
		if v.Str != "t" && v.Str != "f" {
			return v, protocolError("boolean %q", v.Str)
		}
		if v.Str == "t" {
			v.Int = 1
		}
		return v, nil
	case BigNumber:
		return v, nil
	}
	return v, protocolError("unknown type in %q", line)
}

func (r *reader) bulk(v Value) (Value, error) {
	n, err := parseInt(v.Str)
	switch {
	case err != nil:
		return v, err
	case n == -1 && v.Kind == Bulk:
		return Value{Kind: Bulk, Nil: true}, nil
	case n < 0 || n > 1<<30:
		return v, protocolError("length %d", n)
	}
	if v.Str, err = r.exactly(int(n)); err != nil {
		return v, err
	}
	if v.Kind == Verbatim && (len(v.Str) < 4 || v.Str[3] != ':') {
		return v, protocolError("verbatim string %q has no format", v.Str)
	}
	return v, nil
}

func (r *reader) aggregate(v Value) (Value, error) {
	n, err := parseInt(v.Str)
	switch {
	case err != nil:
		return v, err
	case n == -1 && v.Kind == Array:
		return Value{Kind: Array, Nil: true}, nil
	case n < 0 || n > 1<<30:
		return v, protocolError("count %d", n)
	}
	v.Str = ""
	if v.Kind == Map {
		n *= 2
	}
	for range n {
		e, err := r.value()
		if err != nil {
			return v, err
		}
		v.Elems = append(v.Elems, e)
	}
	return v, nil
}

func parseInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, protocolError("integer %q", s)
	}
	return n, nil
}

// parseDouble reads a RESP3 double: inf, -inf, nan or a decimal number.
func parseDouble(s string) (float64, error) {
	switch s {
	case "inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	case "nan":
		return math.NaN(), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsAny(s, "xXpP_iInN") {
		return 0, protocolError("double %q", s)
	}
	return f, nil
}

// Values reads the values that b consists of, all of them whole.
func Values(b []byte) (values []Value, err error) {
	r := reader{in: bufio.NewReader(bytes.NewReader(b))}
	for {
		if _, err := r.in.Peek(1); err == io.EOF {
			return values, nil
		}
		v, err := r.value()
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
}
