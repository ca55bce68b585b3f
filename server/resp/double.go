package resp

import (
	"math"
	"strconv"
)

// maxDouble has room for the longest form appendDouble writes, which is a sign,
// 17 digits and 7 zeros.
const maxDouble = 32

// appendDouble appends f as Redis 7.2 and later print a score: the shortest
// digits that read back as f, and
//
//	inf -inf nan              for those
//	-0                        for negative zero
//	42 -7                     as an integer, if f is one and |f| <= 2^62
//	1.5 0.000001 123000       written out, if the layout below allows it
//	1.2345678901e+5 1e-7      in exponent form else
//
// The layout is that of the fpconv library, which Redis uses since 7.2. With f
// = D * 10^K, D being the integer made of all n digits, and E = K+n-1 the
// exponent of the first digit, f is written out
//
//	K >= 0:  if |E| < n+7     (at most 7 zeros are appended)
//	K < 0:   if K >= -6 or |E| <= 3
//
// so that 12345.123456 is written out (K = -6) and 12345.1234567 is not: it
// prints as 1.23451234567e+4. An exponent has a sign and no leading zero.
// (fpconv's digits come from Grisu2, which for a few doubles in a thousand
// misses the shortest or nearest ones; ours are exact, and read back the same.)
func appendDouble(dst []byte, f float64) []byte {
	const maxInteger = 1 << 62 // LLONG_MAX/2, rounded as the comparison in Redis rounds it
	switch {
	case f == 0 && math.Signbit(f):
		return append(dst, "-0"...)
	case -maxInteger <= f && f <= maxInteger && f == math.Trunc(f):
		return strconv.AppendInt(dst, int64(f), 10)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case math.IsNaN(f):
		return append(dst, "nan"...)
	}
	if f < 0 {
		dst = append(dst, '-')
		f = -f
	}
	var text [maxDouble]byte
	digits, e := shortest(&text, f)
	n := len(digits)
	k := e - (n - 1)
	switch {
	case k >= 0 && abs(e) < n+7:
		dst = append(dst, digits...)
		return append(dst, "0000000"[:k]...)
	case k < 0 && (k >= -6 || abs(e) <= 3):
		return appendDecimal(dst, digits, e)
	}
	return appendScientific(dst, digits, e)
}

// shortest returns the shortest digits, without a point, that read back as f,
// a positive number, and the exponent of the first of them.
func shortest(text *[maxDouble]byte, f float64) (digits []byte, e int) {
	s := strconv.AppendFloat(text[:0], f, 'e', -1, 64) // d[.ddd]e±dd
	end := 1
	if s[1] == '.' {
		for end = 2; s[end] != 'e'; end++ {
		}
	}
	for _, c := range s[end+2:] {
		e = e*10 + int(c-'0')
	}
	if s[end+1] == '-' {
		e = -e
	}
	if end > 1 { // close the gap that the point leaves
		s[1] = s[0]
		return s[1:end], e
	}
	return s[:1], e
}

// appendDecimal appends digits with a point, the first digit having exponent e.
func appendDecimal(dst, digits []byte, e int) []byte {
	if e >= 0 {
		dst = append(dst, digits[:e+1]...)
		dst = append(dst, '.')
		return append(dst, digits[e+1:]...)
	}
	dst = append(dst, "0."...)
	for ; e < -1; e++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// appendScientific appends d.ddde±x.
func appendScientific(dst, digits []byte, e int) []byte {
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(dst, '.')
		dst = append(dst, digits[1:]...)
	}
	dst = append(dst, 'e')
	if e < 0 {
		dst = append(dst, '-')
	} else {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(abs(e)), 10)
}

func abs(n int) int { return max(n, -n) }
