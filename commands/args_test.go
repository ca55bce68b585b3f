package commands

import (
	"math"
	"strconv"
	"testing"
)

var (
	posInf = math.Inf(1)
	negInf = math.Inf(-1)
)

func TestParseInt(t *testing.T) {
	for _, n := range []int64{0, 7, -7, 10, math.MaxInt64, math.MinInt64} {
		if got, ok := parseInt(strconv.AppendInt(nil, n, 10)); !ok || got != n {
			t.Errorf("%d: got %d, %v", n, got, ok)
		}
	}
}

func TestParseIntRefuses(t *testing.T) {
	for _, s := range []string{
		"", "-", "+1", "01", "-0", "00", "-01", " 1", "1 ", "1.0", "1e3", "0x1", "a", "1\x00",
		"9223372036854775808", "-9223372036854775809", "99999999999999999999",
	} {
		if n, ok := parseInt([]byte(s)); ok {
			t.Errorf("%q: got %d", s, n)
		}
	}
}

func TestParseFloat(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
	}{
		{"0", 0}, {"-0", 0}, {"7", 7}, {"-7", -7}, {"+5", 5}, {"007", 7},
		{"999999999999999", 999999999999999}, {"9007199254740993", 9007199254740992},
		{".5", .5}, {"5.", 5}, {"1e5", 1e5}, {"1E+5", 1e5}, {"1e-5", 1e-5}, {"0e999999999", 0},
		{"4.9e-324", 5e-324}, {"1e-320", 1e-320}, {"-1.7976931348623157e308", -math.MaxFloat64},
		{"inf", posInf}, {"+Infinity", posInf}, {"-iNf", negInf},
		{"0x10", 16}, {"-0X1P+2", -4}, {"0x.8", .5}, {"0x1e", 30}, {"0x0p5", 0},
	} {
		if got, ok := parseFloat([]byte(c.text)); !ok || got != c.want {
			t.Errorf("%q: got %v, %v, want %v", c.text, got, ok, c.want)
		}
	}
}

func TestParseFloatRefuses(t *testing.T) {
	for _, s := range []string{
		"", " 1", "\v1", "1 ", "1\x00", "nan", "-NaN", "nan(1)", "infi", "in", ".", "-", "+", "--1", "1e", "1e+",
		"1e400", "-1e400", "1e-400", "-1e-400", "0x", "0x1p", "0x1p-2000", "1p3", "0b1", "0o7",
		"1_000", "0x_1p0", "0x1_0", "1d", "1f", "1,5",
	} {
		if f, ok := parseFloat([]byte(s)); ok {
			t.Errorf("%q: got %v", s, f)
		}
	}
}

func TestParseScoreRange(t *testing.T) {
	for _, c := range []struct {
		min, max string
		want     scoreRange
	}{
		{"1", "2", scoreRange{1, 2, false, false}},
		{"(1", "(2", scoreRange{1, 2, true, true}},
		{"-inf", "(+inf", scoreRange{negInf, posInf, false, true}},
		{"-1e400", "1e400", scoreRange{negInf, posInf, false, false}},
		{"1e-400", "-1e-400", scoreRange{0, 0, false, false}},
		{"", "(", scoreRange{0, 0, false, true}},
		{" 1", "( \v2", scoreRange{1, 2, false, true}},
		{"1\x00x", "\x00", scoreRange{1, 0, false, false}},
		{"0x10", "(0x.8", scoreRange{16, .5, false, true}},
	} {
		if got, ok := parseScoreRange([]byte(c.min), []byte(c.max)); !ok || got != c.want {
			t.Errorf("%q to %q: got %v, %v, want %v", c.min, c.max, got, ok, c.want)
		}
	}
}

func TestParseScoreRangeRefuses(t *testing.T) {
	for _, s := range []string{"x", "nan", "(nan", "((1", "[1", "-", "+", " ", "( ", "1 ", "-\x00", "1x", "0x"} {
		if r, ok := parseScoreRange([]byte(s), []byte("1")); ok {
			t.Errorf("min %q: got %v", s, r)
		}
		if r, ok := parseScoreRange([]byte("1"), []byte(s)); ok {
			t.Errorf("max %q: got %v", s, r)
		}
	}
}

func TestLexRangeAdmits(t *testing.T) {
	for _, c := range []struct {
		min, max string
		admitted string // of a b c d
	}{
		{"-", "+", "abcd"}, {"-\x00x", "+\x00x", "abcd"}, {"+", "-", ""},
		{"[b", "[c", "bc"}, {"(b", "[c", "c"}, {"[b", "(c", "b"}, {"(b", "(c", ""},
		{"[", "(", ""}, {"(", "+", "abcd"}, {"[bb", "+", "cd"}, {"-", "(bb", "ab"}, {"[c", "[b", ""},
	} {
		r, ok := parseLexRange([]byte(c.min), []byte(c.max))
		if !ok {
			t.Errorf("%q to %q: refused", c.min, c.max)
		}
		got := ""
		for _, m := range []string{"a", "b", "c", "d"} {
			if r.admitsMin([]byte(m)) && r.admitsMax([]byte(m)) {
				got += m
			}
		}
		if got != c.admitted {
			t.Errorf("%q to %q: got %q, want %q", c.min, c.max, got, c.admitted)
		}
	}
}

func TestParseLexRangeRefuses(t *testing.T) {
	for _, s := range []string{"", "a", "-a", "+a", "--", "\x00", ")a"} {
		if _, ok := parseLexRange([]byte(s), []byte("+")); ok {
			t.Errorf("min %q is taken", s)
		}
		if _, ok := parseLexRange([]byte("-"), []byte(s)); ok {
			t.Errorf("max %q is taken", s)
		}
	}
}

func TestParseCursor(t *testing.T) {
	for _, c := range []struct {
		text string
		want uint64
	}{
		{"0", 0}, {"", 0}, {"00", 0}, {"+7", 7}, {"7\x00x", 7}, {"-1", math.MaxUint64},
		{"18446744073709551615", math.MaxUint64},
	} {
		if got, ok := parseCursor([]byte(c.text)); !ok || got != c.want {
			t.Errorf("%q: got %d, %v, want %d", c.text, got, ok, c.want)
		}
	}
}

func TestParseCursorRefuses(t *testing.T) {
	for _, s := range []string{"x", " 0", "0 ", "-", "+", "+-1", "0x10", "1.5", "1_0", "18446744073709551616"} {
		if n, ok := parseCursor([]byte(s)); ok {
			t.Errorf("%q: got %d", s, n)
		}
	}
}

func TestParseTimeout(t *testing.T) {
	const now = 1_700_000_000_000
	for _, c := range []struct {
		text    string
		ms      int64
		problem string
	}{
		{"0", 0, ""}, {"1", 1000, ""}, {"0.5", 500, ""}, {"0.0001", 1, ""}, {"1e-400", 1, ""}, {"0x.8", 500, ""},
		{"-0", 0, ""}, {"-0.0001", 0, ""}, {"-1e-400", 0, ""},
		{"-1", 0, errTimeoutNegative}, {"-inf", 0, errTimeoutNegative}, {"-1e400", 0, errTimeoutNegative},
		{"inf", 0, errTimeoutRange}, {"1e400", 0, errTimeoutRange}, {"9223372036854775.807", 0, errTimeoutRange},
		{"1e4933", 0, errTimeout}, {"-1E+5000", 0, errTimeout}, {"1e99999999999999999999", 0, errTimeout}, {"1e-5000", 0, errTimeout},
		{"1e4932", 0, errTimeoutRange}, {"1e-4000", 1, ""}, {"1e0400", 0, errTimeoutRange},
		{"9223372036854775807", 0, errTimeoutRange}, {"9223370000000000", 9223370000000000000, ""},
		{"", 0, errTimeout}, {"x", 0, errTimeout}, {"nan", 0, errTimeout}, {" 1", 0, errTimeout}, {"1\x00", 0, errTimeout},
	} {
		if ms, problem := parseTimeout([]byte(c.text), now); ms != c.ms || problem != c.problem {
			t.Errorf("%q: got %d, %q, want %d, %q", c.text, ms, problem, c.ms, c.problem)
		}
	}
}

func TestReadingNumbersAllocatesNothing(t *testing.T) {
	args := [][]byte{[]byte("123456"), []byte("-1234.5678"), []byte("(1e10"), []byte("+inf")}
	allocs := testing.AllocsPerRun(100, func() {
		parseInt(args[0])
		parseFloat(args[1])
		parseScoreRange(args[2], args[3])
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzParseFloat: what is a score is a bound with the same value, and reads back from its shortest form.
func FuzzParseFloat(f *testing.F) {
	for _, s := range []string{"1", "-0x1p4", "1e400", "nan", " 1", "1_0", "0x.8", "inf"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		score, ok := parseFloat(b)
		if !ok {
			return
		}
		if bound, _, ok := parseBound(b); !ok || bound != score {
			t.Errorf("%q is the score %v and the bound %v, %v", b, score, bound, ok)
		}
		text := strconv.AppendFloat(nil, score, 'g', -1, 64)
		if again, ok := parseFloat(text); !ok || again != score {
			t.Errorf("%q is %v, and %q %v", b, score, text, again)
		}
	})
}
