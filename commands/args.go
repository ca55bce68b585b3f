package commands

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// This file reads arguments exactly as Redis reads them, oddities included:
// a client library's tests find every difference. Redis has one way for
// integers and three for floats:
//
//	parseInt      indexes, counts: decimal, nothing before or after, no "+", no leading zero
//	parseFloat    scores, increments, weights: what C's strtod takes (hex too), the whole of
//	              it, no space before, in range, not NaN
//	parseBound    the ends of score ranges: strtod on a C string, so spaces may precede, a NUL
//	              ends it, nothing at all is 0, and what is out of range is infinite or 0
//	parseTimeout  seconds with a fraction, rounded up to milliseconds

// equalFold reports whether b is token, in any letter case; token is upper case.
func equalFold(b []byte, token string) bool {
	if len(b) != len(token) {
		return false
	}
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != token[i] {
			return false
		}
	}
	return true
}

// parseInt reads a 64-bit integer in the one form that prints back the same.
func parseInt(b []byte) (n int64, ok bool) {
	digits := b
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var u uint64 // 19 digits fit
	for _, c := range digits {
		if c < '0' || '9' < c {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	if negative {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u < 1<<63
}

// parseFloat reads a score.
func parseFloat(b []byte) (f float64, ok bool) {
	if len(b) == 0 || isSpace(b[0]) {
		return 0, false
	}
	f, rangeErr, ok := scanFloat(b)
	return f, ok && !rangeErr
}

// scanFloat reads all of b as a float other than NaN, in C's syntax. rangeErr
// says that the text's value is too large (f is infinite) or, not being zero,
// too small (f is 0).
func scanFloat(b []byte) (f float64, rangeErr, ok bool) {
	if f, ok = shortInt(b); ok {
		return f, false, true
	}
	// Go allows underscores between hexadecimal digits and wants an exponent after them.
	if bytes.IndexByte(b, '_') >= 0 {
		return 0, false, false
	}
	if isHex(b) && !bytes.ContainsAny(b, "pP") {
		b = append(b[:len(b):len(b)], "p0"...)
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return f, true, errors.Is(err, strconv.ErrRange)
	}
	return f, f == 0 && !isZeroText(b), !math.IsNaN(f)
}

// shortInt reads an integer of up to 15 digits, what most scores are, without
// the general parser.
func shortInt(b []byte) (f float64, ok bool) {
	digits := b
	if len(b) > 0 && b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if c < '0' || '9' < c {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(b) {
		n = -n
	}
	return float64(n), true
}

// isHex reports whether b begins as a hexadecimal float.
func isHex(b []byte) bool {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	return len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x'
}

// isZeroText reports whether b, a well-formed float, has no digit but zeros
// before its exponent.
func isZeroText(b []byte) bool {
	exponent := byte('e')
	if isHex(b) {
		exponent = 'p'
	}
	for _, c := range b {
		switch {
		case c|0x20 == exponent:
			return true
		case '1' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'f':
			return false
		}
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// cString is b up to its first NUL: what C's string functions see.
func cString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// scoreRange is an interval of scores.
type scoreRange struct {
	min, max     float64
	minEx, maxEx bool // the end itself is left out
}

// parseScoreRange reads the two ends of a score range.
func parseScoreRange(min, max []byte) (r scoreRange, ok bool) {
	if r.min, r.minEx, ok = parseBound(min); ok {
		r.max, r.maxEx, ok = parseBound(max)
	}
	return r, ok
}

// parseBound reads one end of a score range, "(" before it leaving it out.
func parseBound(b []byte) (f float64, exclusive, ok bool) {
	if exclusive = len(b) > 0 && b[0] == '('; exclusive {
		b = b[1:]
	}
	b = cString(b)
	empty := len(b) == 0
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, exclusive, empty // strtod wants a digit after the spaces
	}
	f, _, ok = scanFloat(b)
	return f, exclusive, ok
}

// lexBound is one end of a range of members.
type lexBound struct {
	kind      int8 // -1 below all members, +1 above all, 0: member
	exclusive bool // the member itself is left out
	member    []byte
}

// lexRange is an interval of members.
type lexRange struct{ min, max lexBound }

// parseLexRange reads the two ends of a lex range.
func parseLexRange(min, max []byte) (r lexRange, ok bool) {
	if r.min, ok = parseLexBound(min); ok {
		r.max, ok = parseLexBound(max)
	}
	return r, ok
}

func parseLexBound(b []byte) (l lexBound, ok bool) {
	if len(b) == 0 {
		return l, false
	}
	switch b[0] {
	case '[', '(':
		return lexBound{exclusive: b[0] == '(', member: b[1:]}, true
	case '-', '+':
		if b[0] == '-' {
			l.kind = -1
		} else {
			l.kind = 1
		}
		return l, len(cString(b)) == 1
	}
	return l, false
}

// admitsMin and admitsMax report whether m lies on the inner side of that end.
func (r *lexRange) admitsMin(m []byte) bool {
	c := r.min.compare(m)
	return c < 0 || c == 0 && !r.min.exclusive
}

func (r *lexRange) admitsMax(m []byte) bool {
	c := r.max.compare(m)
	return c > 0 || c == 0 && !r.max.exclusive
}

// compare orders the bound, as a place among the members, against m.
func (l *lexBound) compare(m []byte) int {
	if l.kind != 0 {
		return int(l.kind)
	}
	return bytes.Compare(l.member, m)
}

// The ways a timeout can be wrong.
const (
	errTimeout         = "ERR timeout is not a float or out of range"
	errTimeoutInt      = "ERR timeout is not an integer or out of range"
	errTimeoutNegative = "ERR timeout is negative"
	errTimeoutRange    = "ERR timeout is out of range"
)

// timeoutMS reads a timeout in milliseconds, or answers what is wrong with it.
func (c *Ctx) timeoutMS(arg []byte) (ms int64, ok bool) {
	ms, ok = parseInt(arg)
	switch {
	case !ok:
		c.Error(errTimeoutInt)
	case ms < 0:
		c.Error(errTimeoutNegative)
	default:
		return ms, true
	}
	return 0, false
}

// parseTimeout reads the timeout of a blocking command, seconds with a
// fraction, and returns it in milliseconds, rounded up so that nothing but zero
// waits for ever; problem is the error to answer, if any.
func parseTimeout(b []byte, nowMS int64) (ms int64, problem string) {
	if len(b) == 0 || isSpace(b[0]) {
		return 0, errTimeout
	}
	f, rangeErr, ok := scanFloat(b)
	if rangeErr && f == 0 { // less than any double, yet not zero
		f = math.Copysign(math.SmallestNonzeroFloat64, f)
	}
	f = math.Ceil(f * 1000)
	switch {
	case !ok, rangeErr && pastLongDouble(b):
		return 0, errTimeout
	case f < 0:
		return 0, errTimeoutNegative
	case f >= float64(math.MaxInt64-nowMS):
		return 0, errTimeoutRange
	}
	return int64(f), ""
}

// pastLongDouble reports whether a number's exponent alone puts it out of the range
// of C's long double, as which Redis reads timeouts.
func pastLongDouble(b []byte) bool {
	_, exponent, _ := bytes.Cut(bytes.ToLower(b), []byte("e"))
	n, _ := strconv.ParseInt(string(exponent), 10, 32) // the nearest of 32 bits, or 0 for what is no decimal
	return n > 4932 || n < -4951
}

// parseCursor reads the cursor of a SCAN command as strtoul does.
func parseCursor(b []byte) (cursor uint64, ok bool) {
	b = cString(b)
	if len(b) == 0 {
		return 0, true
	}
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || '9' < c {
			return 0, false
		}
	}
	cursor, err := strconv.ParseUint(string(b), 10, 64)
	if negative {
		cursor = -cursor
	}
	return cursor, err == nil
}
