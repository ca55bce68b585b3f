package resp

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/redcon"
)

func TestWriter(t *testing.T) {
	long := strings.Repeat("x", 150)
	for _, test := range []struct {
		name         string
		write        func(w *Writer)
		resp2, resp3 string // resp3 "": the same
	}{
		{"status", func(w *Writer) { w.Status("PONG") }, "+PONG\r\n", ""},
		{"status with line breaks", func(w *Writer) { w.Status("a\r\nb") }, "+a  b\r\n", ""},
		{"error", func(w *Writer) { w.Error("ERR no such key") }, "-ERR no such key\r\n", ""},
		{"error with line breaks", func(w *Writer) { w.Error("ERR '\n'") }, "-ERR ' '\r\n", ""},
		{"error that ends with line breaks", func(w *Writer) { w.Error("ERR no\r\n\n") }, "-ERR no\r\n", ""},
		{"int", func(w *Writer) { w.Int(7) }, ":7\r\n", ""},
		{"int min", func(w *Writer) { w.Int(math.MinInt64) }, ":-9223372036854775808\r\n", ""},
		{"bulk nil", func(w *Writer) { w.Bulk(nil) }, "$0\r\n\r\n", ""},
		{"bulk 3", func(w *Writer) { w.Bulk([]byte("a\r\n")) }, "$3\r\na\r\n\r\n", ""},
		{"bulk 9", func(w *Writer) { w.Bulk([]byte(long[:9])) }, "$9\r\n" + long[:9] + "\r\n", ""},
		{"bulk 10", func(w *Writer) { w.Bulk([]byte(long[:10])) }, "$10\r\n" + long[:10] + "\r\n", ""},
		{"bulk 99", func(w *Writer) { w.Bulk([]byte(long[:99])) }, "$99\r\n" + long[:99] + "\r\n", ""},
		{"bulk 100", func(w *Writer) { w.Bulk([]byte(long[:100])) }, "$100\r\n" + long[:100] + "\r\n", ""},
		{"str", func(w *Writer) { w.Str(long) }, "$150\r\n" + long + "\r\n", ""},
		{"double", func(w *Writer) { w.Double(1.5) }, "$3\r\n1.5\r\n", ",1.5\r\n"},
		{"bulk double", func(w *Writer) { w.BulkDouble(1.5) }, "$3\r\n1.5\r\n", "$3\r\n1.5\r\n"},
		{"double inf", func(w *Writer) { w.Double(math.Inf(-1)) }, "$4\r\n-inf\r\n", ",-inf\r\n"},
		{"true", func(w *Writer) { w.Bool(true) }, ":1\r\n", "#t\r\n"},
		{"false", func(w *Writer) { w.Bool(false) }, ":0\r\n", "#f\r\n"},
		{"null", func(w *Writer) { w.Null() }, "$-1\r\n", "_\r\n"},
		{"null array", func(w *Writer) { w.NullArray() }, "*-1\r\n", "_\r\n"},
		{"array", func(w *Writer) { w.Array(0) }, "*0\r\n", ""},
		{"array 12", func(w *Writer) { w.Array(12) }, "*12\r\n", ""},
		{"map", func(w *Writer) { w.Map(6) }, "*12\r\n", "%6\r\n"},
		{"set", func(w *Writer) { w.Set(12) }, "*12\r\n", "~12\r\n"},
		{"push", func(w *Writer) { w.Push(3) }, "*3\r\n", ">3\r\n"},
		{"verbatim", func(w *Writer) { w.Verbatim("txt", "a\r\nb") }, "$4\r\na\r\nb\r\n", "=8\r\ntxt:a\r\nb\r\n"},
		{"raw", func(w *Writer) { w.Raw([]byte("+x\r\n")) }, "+x\r\n", ""},
	} {
		if test.resp3 == "" {
			test.resp3 = test.resp2
		}
		for proto, want := range map[int]string{2: test.resp2, 3: test.resp3} {
			var w Writer
			w.SetProto(proto)
			test.write(&w)
			if got := string(w.Bytes()); got != want || w.Proto() != proto {
				t.Errorf("%s: %q in RESP%d, want %q", test.name, got, proto, want)
			}
		}
	}
}

func TestWriterStartsWithRESP2(t *testing.T) {
	if p := new(Writer).Proto(); p != 2 {
		t.Fatalf("RESP%d", p)
	}
}

func TestWriterDefersLengths(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 99, 100, 12345} {
		var got, want Writer
		want.Array(n)
		mark := got.Defer()
		for range n {
			want.Array(2)
			want.Str("member")
			want.Array(n)
			pair := got.Defer()
			got.Str("member")
			inner := got.Defer()
			got.Patch(inner, n)
			got.Patch(pair, 2)
		}
		got.Patch(mark, n)
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%d elements: %.100q, want %.100q", n, got.Bytes(), want.Bytes())
		}
	}
}

func TestWriterUndo(t *testing.T) {
	var w Writer
	w.Int(1)
	m := w.Mark()
	w.Defer()
	w.Str("half an answer")
	w.Undo(m)
	w.Error("ERR no")
	if got := string(w.Bytes()); got != ":1\r\n-ERR no\r\n" {
		t.Fatalf("%q", got)
	}
}

func TestWriterBuffers(t *testing.T) {
	own := make([]byte, 0, 64)
	var w Writer
	w.SetBuffer(own)
	w.Int(1)
	if b := w.Bytes(); &b[0] != &own[:1][0] || w.Len() != 4 {
		t.Fatalf("%q was not written to the slice that was given", b)
	}
	w.Reset()
	w.Int(2)
	if got := string(own[:4]); got != ":2\r\n" {
		t.Fatalf("%q after Reset", got)
	}
}

func TestWriterAllocatesNothing(t *testing.T) {
	var w Writer
	w.SetBuffer(make([]byte, 0, 1<<12))
	member := []byte("player:0000000042")
	for _, proto := range []int{2, 3} {
		w.SetProto(proto)
		if n := testing.AllocsPerRun(100, func() {
			w.Reset()
			mark := w.Defer()
			for i := range 12 {
				w.Bulk(member)
				w.Double(float64(i) * 1.1)
			}
			w.Patch(mark, 24)
			w.Map(1)
			w.Str("cursor")
			w.Int(123456)
			w.Double(42)
			w.Bool(true)
			w.Null()
			w.Status("OK")
		}); n != 0 {
			t.Errorf("RESP%d: %v allocations", proto, n)
		}
	}
}

func TestDouble(t *testing.T) {
	for _, test := range []struct {
		f    float64
		want string
	}{
		{0, "0"},
		{math.Copysign(0, -1), "-0"},
		{1, "1"},
		{-17, "-17"},
		{math.Inf(1), "inf"},
		{math.Inf(-1), "-inf"},
		{math.NaN(), "nan"},
		{1 << 53, "9007199254740992"},
		{1e15, "1000000000000000"},
		{1e18, "1000000000000000000"},
		{1 << 62, "4611686018427387904"},
		{-1 << 62, "-4611686018427387904"},
		// Past 2^62 the layout decides.
		{math.Nextafter(1<<62, 1e19), "4611686018427389000"},
		{5e18, "5e+18"},
		{-5e18, "-5e+18"},
		{1 << 63, "9223372036854776000"},
		{1e19, "1e+19"},
		{12345678901234567000, "12345678901234567000"},
		{1234567890123e7, "12345678901230000000"},
		{1234567890123e8, "1.234567890123e+20"},
		{1e100, "1e+100"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{math.SmallestNonzeroFloat64, "5e-324"},
		{0.1, "0.1"},
		{-0.5, "-0.5"},
		{3.14, "3.14"},
		{math.Nextafter(0.3, 1), "0.30000000000000004"},
		{1.0 / 3, "0.3333333333333333"},
		{0.001, "0.001"},
		{0.000001, "0.000001"},
		{0.0000001, "1e-7"},
		{0.00000015, "1.5e-7"},
		{0.000015, "0.000015"},
		{0.0000151, "1.51e-5"},
		{0.00123456789, "0.00123456789"},
		{0.000123456789, "1.23456789e-4"},
		{1234.567890123, "1234.567890123"},
		{12345.123456, "12345.123456"},
		{12345.1234567, "1.23451234567e+4"},
		{-12345.1234567, "-1.23451234567e+4"},
		{1234567890.12345, "1234567890.12345"},
		{1234567890.1234567, "1.2345678901234567e+9"},
	} {
		if got := string(appendDouble(nil, test.f)); got != test.want {
			t.Errorf("%v prints as %s, want %s", test.f, got, test.want)
		}
	}
}

// FuzzDouble: what is printed reads back as the same double, fits its buffer
// and has no more digits than needed.
func FuzzDouble(f *testing.F) {
	for _, seed := range []float64{0, 1.5, -12345.1234567, 5e-324, 1e19, 0.0000001, 1 << 62} {
		f.Add(math.Float64bits(seed))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		d := math.Float64frombits(bits)
		s := string(appendDouble(nil, d))
		if math.IsNaN(d) {
			if s != "nan" {
				t.Fatalf("NaN prints as %s", s)
			}
			return
		}
		back, err := strconv.ParseFloat(s, 64)
		if err != nil || math.Float64bits(back) != bits {
			t.Fatalf("%x prints as %s, which reads as %x, %v", bits, s, math.Float64bits(back), err)
		}
		if len(s) > maxDouble {
			t.Fatalf("%s is longer than %d bytes", s, maxDouble)
		}
	})
}

// FuzzReplies: random replies, nested, read back as what was written, by
// redcon's reader in RESP2 and by the one below in RESP3.
func FuzzReplies(f *testing.F) {
	f.Add([]byte("\x07\x03\x00\x01\x02\x04\x05\x06\x08\x09\x0a\x0b\x0c"))
	f.Add([]byte("\x0a\x02\x00\x01\x02\x03\x0b\x0d\x0e\x0f"))
	f.Fuzz(func(t *testing.T, choices []byte) {
		for _, proto := range []int{2, 3} {
			var w Writer
			w.SetProto(proto)
			want := writeScript(&w, &script{choices}, 0)
			var got string
			var rest []byte
			if proto == 2 {
				got, rest = read2(w.Bytes())
			} else {
				got, rest = read3(w.Bytes())
			}
			if got != want || len(rest) > 0 {
				t.Fatalf("RESP%d %q\nreads as %s\nwant     %s\nleft %q", proto, w.Bytes(), got, want, rest)
			}
		}
	})
}

// script is a source of decisions: bytes, then zeros for ever.
type script struct{ rest []byte }

func (s *script) next(n int) int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b) % n
}

// writeScript writes one reply that s chooses and returns its description in
// the words of read2 or read3.
func writeScript(w *Writer, s *script, depth int) string {
	kinds := 13
	if depth > 4 {
		kinds = 8 // scalars
	}
	three := w.Proto() == 3
	switch n := 0; s.next(kinds) {
	case 0:
		w.Int(int64(s.next(256)) - 100)
		return read1(w)
	case 1:
		b := strings.Repeat("\r\n", s.next(100))
		w.Str(b)
		return fmt.Sprintf("%q", b)
	case 2:
		b := bytes.Repeat([]byte{0}, s.next(250))
		w.Bulk(b)
		return fmt.Sprintf("%q", b)
	case 3:
		d := float64(s.next(256)) / 7
		w.Double(d)
		if three {
			return fmt.Sprint("double ", d)
		}
		return fmt.Sprintf("%q", string(appendDouble(nil, d)))
	case 4:
		w.Null()
		return "null"
	case 5:
		b := s.next(2) == 1
		w.Bool(b)
		switch {
		case three:
			return fmt.Sprint("bool ", b)
		case b:
			return "int 1"
		}
		return "int 0"
	case 6:
		w.Status("OK")
		return "status OK"
	case 7:
		w.Verbatim("txt", "some\ntext")
		if three {
			return `txt "some\ntext"`
		}
		return `"some\ntext"`
	case 8:
		n = s.next(12)
		w.Array(n)
		return "array(" + writeMany(w, s, depth, n) + ")"
	case 9:
		n = s.next(12)
		w.Map(n)
		if three {
			return "map(" + writeMany(w, s, depth, 2*n) + ")"
		}
		return "array(" + writeMany(w, s, depth, 2*n) + ")"
	case 10:
		n = s.next(12)
		w.Set(n)
		if three {
			return "set(" + writeMany(w, s, depth, n) + ")"
		}
		return "array(" + writeMany(w, s, depth, n) + ")"
	case 11:
		mark := w.Defer()
		n = s.next(120)
		text := writeMany(w, s, depth, n)
		w.Patch(mark, n)
		return "array(" + text + ")"
	default:
		w.Error("ERR no")
		return "error ERR no"
	}
}

func writeMany(w *Writer, s *script, depth, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(writeScript(w, s, depth+1) + " ")
	}
	return b.String()
}

// read1 describes the integer just written, from its text.
func read1(w *Writer) string {
	b := w.Bytes()
	line := b[bytes.LastIndexByte(b, ':')+1:]
	return "int " + string(line[:len(line)-2])
}

// read2 describes the first reply in b, read by redcon, and returns the rest.
func read2(b []byte) (string, []byte) {
	n, r := redcon.ReadNextRESP(b)
	return describe2(r), b[n:]
}

func describe2(r redcon.RESP) string {
	switch r.Type {
	case redcon.Integer:
		return "int " + r.String()
	case redcon.String:
		return "status " + r.String()
	case redcon.Error:
		return "error " + r.String()
	case redcon.Bulk:
		if r.Data == nil {
			return "null"
		}
		return fmt.Sprintf("%q", r.Data)
	case redcon.Array:
		var b strings.Builder
		r.ForEach(func(e redcon.RESP) bool {
			b.WriteString(describe2(e) + " ")
			return true
		})
		return "array(" + b.String() + ")"
	}
	return "not a reply"
}

// read3 describes the first RESP3 reply in b and returns the rest.
func read3(b []byte) (string, []byte) {
	line, rest, ok := bytes.Cut(b, []byte("\r\n"))
	if !ok || len(line) == 0 {
		return "not a reply", b
	}
	text := string(line[1:])
	n, _ := strconv.Atoi(text)
	switch line[0] {
	case '+':
		return "status " + text, rest
	case '-':
		return "error " + text, rest
	case ':':
		return "int " + text, rest
	case '_':
		return "null", rest
	case '#':
		return fmt.Sprint("bool ", text == "t"), rest
	case ',':
		d, _ := strconv.ParseFloat(text, 64)
		return fmt.Sprint("double ", d), rest
	case '$':
		return fmt.Sprintf("%q", rest[:n]), rest[n+2:]
	case '=':
		return fmt.Sprintf("%s %q", rest[:3], rest[4:n]), rest[n+2:]
	case '*':
		return readMany("array", n, rest)
	case '~':
		return readMany("set", n, rest)
	case '%':
		return readMany("map", 2*n, rest)
	}
	return "not a reply", b
}

func readMany(kind string, n int, b []byte) (string, []byte) {
	text := kind + "("
	for range n {
		var one string
		one, b = read3(b)
		text += one + " "
	}
	return text + ")", b
}
