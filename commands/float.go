package commands

import (
	"bytes"
	"math/big"
	"math/bits"
	"strconv"
)

// longDouble is a float with 64 bits of mantissa, C's long double on x86, as which
// Redis computes INCRBYFLOAT and HINCRBYFLOAT; float64 would show other digits. It is
// mant * 2^exp, or infinite; mant has its top bit set, or is 0.
//
// Sums and quotients are exact in 128 bits, and then rounded once: to the nearest, half to even.
// math/big reads texts of more than 19 digits or with a large exponent, and writes what
// has more than 64 bits before the point; the rest allocates nothing.
//
// Below 2^-16382 a long double has fewer bits. That is ignored: such a number is
// written as 0, and is lost when it is added to another.
type longDouble struct {
	mant     uint64
	exp      int
	negative bool
	infinite bool
}

const (
	longDoubleMax  = 16384  // all are below 2^16384
	longDoubleMin  = -16446 // what is not above 2^-16446 is rounded to 0
	longDoubleText = 5120   // bytes; Redis has a buffer of that size, a NUL at its end
	longDoubleFrac = 17     // digits after the point that are written
)

// powersOf10 are those that 64 bits hold.
var powersOf10 = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// parseLongDouble reads a number as strtold does. All of b must be one, no NaN, and
// neither too large nor, unless it is zero, too small.
func parseLongDouble(b []byte) (x longDouble, ok bool) {
	if len(b) == 0 || len(b) >= longDoubleText {
		return x, false
	}
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	switch {
	case equalFold(b, "INF"), equalFold(b, "INFINITY"):
		x, ok = longDouble{infinite: true}, true
	case isHex(b):
		x, ok = parseNumeral(b[2:], 16)
	default:
		x, ok = parseNumeral(b, 10)
	}
	x.negative = negative
	return x, ok
}

// numeral is a scanned number: value * base^exp, where base is 2 for hexadecimal digits.
type numeral struct {
	digits []byte // with the point, if there is one, and zeros before them
	count  int    // of digits, without the zeros before them
	value  uint64 // of up to 19 decimal digits
	exp    int
}

// scanNumeral takes b apart.
func scanNumeral(b []byte, base int) (n numeral, ok bool) {
	perDigit, marker := 1, byte('e')
	if base == 16 {
		perDigit, marker = 4, 'p'
	}
	some, point := false, false
	i := 0
	for ; i < len(b); i++ {
		digit, isDigit := digitOf(b[i], base)
		if b[i] == '.' && !point {
			point = true
			continue
		}
		if !isDigit {
			break
		}
		some = true
		if point {
			n.exp -= perDigit
		}
		if n.count > 0 || digit > 0 {
			n.count++
			n.value = n.value*uint64(base) + digit // wraps if there are more
		}
	}
	n.digits = b[:i]
	if some && i < len(b) && b[i]|0x20 == marker {
		exp, ok := scanExponent(b[i+1:])
		n.exp += exp
		return n, ok
	}
	return n, some && i == len(b)
}

func digitOf(c byte, base int) (digit uint64, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return uint64(c - '0'), true
	case base == 16 && 'a' <= c|0x20 && c|0x20 <= 'f':
		return uint64(c|0x20-'a') + 10, true
	}
	return 0, false
}

// scanExponent reads the rest of a number. What is beyond all bounds stays there, whatever
// number of digits there may be before it.
func scanExponent(b []byte) (exp int, ok bool) {
	const beyond = 1 << 20
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || '9' < c {
			return 0, false
		}
		exp = min(exp*10+int(c-'0'), beyond)
	}
	if negative {
		exp = -exp
	}
	return exp, len(b) > 0
}

func parseNumeral(b []byte, base int) (x longDouble, ok bool) {
	n, ok := scanNumeral(b, base)
	if !ok || n.count == 0 {
		return x, ok
	}
	switch {
	case base == 16 || n.count > 19:
		return n.exactly(base)
	case n.exp == 0:
		return round128(0, n.value, 0), true
	case -len(powersOf10) < n.exp && n.exp < 0:
		return quotient(n.value, powersOf10[-n.exp]), true
	case 0 < n.exp && n.exp < len(powersOf10):
		hi, lo := bits.Mul64(n.value, powersOf10[n.exp])
		return round128(hi, lo, 0), true
	}
	return n.exactly(base)
}

// exactly is the way of the few numerals that 64 bits do not hold. Its work is bounded
// by the length of the text and the range of the exponents.
func (n *numeral) exactly(base int) (x longDouble, ok bool) {
	const tooLarge, tooSmall = 4934, -4951 // powers of 10
	if top := n.count + n.exp; base == 10 && (top > tooLarge || top < tooSmall) {
		return x, false
	}
	digits, _ := new(big.Int).SetString(string(bytes.Replace(n.digits, []byte("."), nil, 1)), base)
	f := new(big.Float).SetPrec(64)
	switch {
	case base == 16:
		f.SetMantExp(f.SetInt(digits), n.exp)
	case n.exp >= 0:
		f.SetInt(digits.Mul(digits, powerOf10(n.exp)))
	default:
		f.Quo(new(big.Float).SetInt(digits), new(big.Float).SetInt(powerOf10(-n.exp)))
	}
	exp := f.MantExp(f)
	x.mant, _ = f.SetMantExp(f, 64).Uint64()
	x.exp = exp - 64
	atMin := exp == longDoubleMin+1 && x.mant == 1<<63
	return x, longDoubleMin < exp && exp <= longDoubleMax && !atMin
}

func powerOf10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// round128 is the 128-bit number hi:lo, times 2^exp. The lowest bit of lo may stand for all that
// comes after it, as long as there are 66 bits.
func round128(hi, lo uint64, exp int) longDouble {
	if hi == 0 {
		hi, lo, exp = lo, 0, exp-64
	}
	if hi == 0 {
		return longDouble{}
	}
	s := bits.LeadingZeros64(hi)
	hi, lo, exp = hi<<s|lo>>(64-s), lo<<s, exp-s
	const half = 1 << 63
	if lo > half || lo == half && hi&1 == 1 {
		if hi++; hi == 0 {
			hi, exp = half, exp+1
		}
	}
	return longDouble{mant: hi, exp: exp + 64}
}

// quotient is n / d, neither being 0.
func quotient(n, d uint64) longDouble {
	sn, sd := bits.LeadingZeros64(n), bits.LeadingZeros64(d)
	n, d = n<<sn, d<<sd
	hi, rest := bits.Div64(n>>1, n<<63, d)
	lo, rest := bits.Div64(rest, 0, d)
	if rest > 0 {
		lo |= 1
	}
	return round128(hi, lo, sd-sn-127)
}

// shiftRight is m * 2^64 >> d as 128 bits, the lowest of which is set if anything is lost.
func shiftRight(m uint64, d int) (hi, lo uint64) {
	switch {
	case d <= 64:
		return m >> d, m << (64 - d)
	case d < 128:
		lo = m >> (d - 64)
		if m<<(128-d) > 0 {
			lo |= 1
		}
		return 0, lo
	}
	return 0, 1
}

// add is the sum, if it is finite.
func (x longDouble) add(y longDouble) (sum longDouble, ok bool) {
	switch {
	case x.infinite || y.infinite:
		return x, false
	case x.mant == 0:
		return y, true
	case y.mant == 0:
		return x, true
	case x.exp < y.exp || x.exp == y.exp && x.mant < y.mant:
		x, y = y, x
	}
	hi, lo := shiftRight(y.mant, x.exp-y.exp)
	exp, carry := x.exp-64, uint64(0)
	if x.negative == y.negative {
		if hi, carry = bits.Add64(x.mant, hi, 0); carry > 0 {
			hi, lo, exp = 1<<63|hi>>1, hi<<63|lo>>1|lo&1, exp+1
		}
	} else {
		lo, carry = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(x.mant, hi, carry)
	}
	sum = round128(hi, lo, exp)
	sum.negative = x.negative
	return sum, sum.exp+64 <= longDoubleMax
}

// append writes a finite x as printf's %.17Lf does, without zeros at the end.
func (x longDouble) append(dst []byte) []byte {
	whole, frac := x.split()
	if x.negative && (whole > 0 || frac > 0) {
		dst = append(dst, '-')
	}
	if x.exp > 0 {
		n := new(big.Int).SetUint64(x.mant)
		return n.Lsh(n, uint(x.exp)).Append(dst, 10)
	}
	dst = strconv.AppendUint(dst, whole, 10)
	if frac == 0 {
		return dst
	}
	start := len(dst)
	dst = strconv.AppendUint(dst, frac+powersOf10[longDoubleFrac], 10) // the 1 keeps zeros at the front
	dst[start] = '.'
	return bytes.TrimRight(dst, "0")
}

// split is what stands before the point of a number without more than 64 bits there, and
// the digits after it.
func (x longDouble) split() (whole, frac uint64) {
	shift := -x.exp
	switch {
	case shift <= 0:
		return x.mant, 0
	case shift >= 128:
		return 0, 0
	case shift < 64:
		whole = x.mant >> shift
	}
	hi, lo := bits.Mul64(x.mant-whole<<shift, powersOf10[longDoubleFrac])
	frac = scaleDown(hi, lo, shift)
	if frac == powersOf10[longDoubleFrac] {
		return whole + 1, 0
	}
	return whole, frac
}

// scaleDown is hi:lo / 2^shift, rounded to the nearest and half to even; the quotient has 64 bits.
func scaleDown(hi, lo uint64, shift int) uint64 {
	var q, rest uint64
	if shift <= 64 {
		q, rest = hi<<(64-shift)|lo>>shift, lo<<(64-shift)
	} else {
		q, rest = hi>>(shift-64), hi<<(128-shift)
		if lo > 0 {
			rest |= 1
		}
	}
	const half = 1 << 63
	if rest > half || rest == half && q&1 == 1 {
		q++
	}
	return q
}
