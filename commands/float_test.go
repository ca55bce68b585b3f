package commands

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestLongDoubleReads(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "+5": "5", ".5": "0.5", "5.": "5", "1e3": "1000", "1E+3": "1000", "1e-3": "0.001",
		"3.0e3": "3000", "0.1": "0.1", "3000.1": "3000.10000000000000009", "0x10": "16", "-0x.8": "-0.5", "0x1p-1": "0.5", "0X1P+4": "16",
		"1e-17": "0.00000000000000001", "1e-18": "0", "-1e-18": "0", "6e-18": "0.00000000000000001", "0e99999999999": "0",
		"18446744073709551615": "18446744073709551615", "18446744073709551616": "18446744073709551616",
		"18446744073709551617": "18446744073709551616", "36893488147419103235": "36893488147419103236",
		"0.99999999999999999999": "1", "123456789012345678901234567890": "123456789012345678899921813504",
		"2e-4951": "0", "0x1p-16445": "0", "00000000000000000000000000000.25": "0.25", "0x0p99999": "0",
	} {
		x, ok := parseLongDouble([]byte(text))
		if got := string(x.append(nil)); !ok || got != want {
			t.Errorf("%s reads as %s, %t; want %s", text, got, ok, want)
		}
	}
}

func TestLongDoubleRefuses(t *testing.T) {
	for _, text := range []string{
		"", " 1", "1 ", "-", "+", ".", "e5", "1e", "1e+", "--1", "+-1", "+-0x1", "0x", "0x.", "0x.p1", "0xp1", "0x1p", "1_0", "0x1_0", "nan", "-NaN", "infin",
		"1e4933", "-1e4933", "1e-4951", "1e-4952", "1e99999999999999999999", "1e-99999999999999999999", "0x1p16384", "0x1p-16446",
		"1\x00", "1.2.3", "0b1", "0o7", "1p3", strings.Repeat("1", longDoubleText),
	} {
		if x, ok := parseLongDouble([]byte(text)); ok {
			t.Errorf("%q reads as %s", text, x.append(nil))
		}
	}
}

// The integer ways are compared with math/big's, of the same precision.
func TestLongDoubleAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	number := func() string {
		sign := []string{"", "-"}[rng.IntN(2)]
		if rng.IntN(2) == 0 {
			return fmt.Sprintf("%s%d.%de%d", sign, rng.IntN(10), rng.Uint64()>>rng.IntN(60), rng.IntN(60)-30)
		}
		return fmt.Sprintf("%s%d.%0*d", sign, rng.Uint64()>>(1+rng.IntN(63)), 1+rng.IntN(19), rng.Uint64N(1e10)>>rng.IntN(33))
	}
	for range 100_000 {
		a, b := number(), number()
		if rng.IntN(4) == 0 { // a sum that cancels much
			b = strings.TrimPrefix("-"+a[:len(a)-1], "--")
		}
		if strings.HasSuffix(b, "e") || strings.HasSuffix(b, "e-") {
			continue
		}
		x, okX := parseLongDouble([]byte(a))
		y, okY := parseLongDouble([]byte(b))
		sum, okSum := x.add(y)
		if !okX || !okY || !okSum {
			t.Fatalf("%s + %s: %t %t %t", a, b, okX, okY, okSum)
		}
		p, q := bigFloat(t, a), bigFloat(t, b)
		for _, c := range []struct {
			what string
			got  longDouble
			want *big.Float
		}{{a, x, p}, {b, y, q}, {a + " + " + b, sum, new(big.Float).SetPrec(64).Add(p, q)}} {
			if got, want := string(c.got.append(nil)), bigText(c.want); got != want {
				t.Fatalf("%s is %s, want %s", c.what, got, want)
			}
		}
	}
}

func bigFloat(t *testing.T, s string) *big.Float {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("no number: %s", s)
	}
	return new(big.Float).SetPrec(64).SetRat(r)
}

func bigText(f *big.Float) string {
	s := strings.TrimRight(strings.TrimRight(f.Text('f', longDoubleFrac), "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

func TestLongDoubleAllocatesNothing(t *testing.T) {
	a, b := []byte("3000.123456"), []byte("-1.5")
	var text [64]byte
	if n := testing.AllocsPerRun(100, func() {
		x, _ := parseLongDouble(a)
		y, _ := parseLongDouble(b)
		sum, _ := x.add(y)
		sum.append(text[:0])
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
