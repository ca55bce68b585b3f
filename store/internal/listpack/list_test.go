package listpack

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func newList(size int) List {
	l := make(List, size)
	l.Init()
	return l
}

func mustCheck(t testing.TB, l List) {
	t.Helper()
	if err := l.Check(); err != nil {
		t.Fatalf("%v\n% x", err, l[:min(len(l), l.Size())])
	}
}

func TestElementBytes(t *testing.T) {
	for _, c := range []struct {
		e    Element
		want string
	}{
		{String([]byte("")), "00"},
		{String([]byte("ada")), "03 61 64 61"},
		{String([]byte("0")), "88"},
		{String([]byte("15")), "97"},
		{String([]byte("16")), "98 10"},
		{String([]byte("123")), "98 7b"},
		{String([]byte("4660")), "a8 12 34"},
		{String([]byte("1048575")), "b7 ff ff"},
		{String([]byte("1048576")), "b8 10 00 00"},
		{String([]byte("4503599627370495")), "f7 ff ff ff ff ff ff"},
		{String([]byte("4503599627370496")), "f8 00 10 00 00 00 00 00 00"},
		{String([]byte("9223372036854775807")), "f8 7f ff ff ff ff ff ff ff"},
		{String([]byte("-1")), "87 ff"},
		{String([]byte("-256")), "87 00"},
		{String([]byte("-257")), "86 fe ff"},
		{String([]byte("-9223372036854775808")), "80 80 00 00 00 00 00 00 00"},
		{String([]byte("+1")), "02 2b 31"},
		{String([]byte("-0")), "02 2d 30"},
		{String([]byte("00")), "02 30 30"},
		{String([]byte("-")), "01 2d"},
		{String([]byte("-01")), "03 2d 30 31"},
		{String([]byte("12a")), "03 31 32 61"},
		{Float(1.5), "f9 3f f8 00 00 00 00 00 00"},
	} {
		l := newList(64)
		l.Insert(HeaderSize, c.e)
		mustCheck(t, l)
		if got := fmt.Sprintf("% x", l[HeaderSize:l.Size()]); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// Every string comes back byte for byte, whatever form it was stored in.
func TestStringsComeBack(t *testing.T) {
	texts := []string{
		"9223372036854775808", "-9223372036854775809", "9999999999999999999",
		"18446744073709551616", "99999999999999999999", "1e3", " 1", "1 ", "0x10", "\x00", "-\xff",
		strings.Repeat("x", 127), strings.Repeat("x", 128), strings.Repeat("1", 255), strings.Repeat("y", MaxString),
	}
	for shift := range 63 {
		for _, v := range []int64{1 << shift, 1<<shift - 1, -1 << shift, -1<<shift - 1, -1<<shift + 1} {
			texts = append(texts, strconv.FormatInt(v, 10))
		}
	}
	var scratch Scratch
	for _, s := range texts {
		l := newList(MaxSize)
		e := String([]byte(s))
		l.Insert(HeaderSize, e)
		mustCheck(t, l)
		if got := l.Bytes(HeaderSize, &scratch); string(got) != s {
			t.Errorf("%.40q came back as %.40q", s, got)
		}
		for _, guess := range []int{0, 1, 4, 128, 131, 256} {
			if n := l.Length(HeaderSize, guess); n != e.Size() {
				t.Errorf("%.40q: Length %d with guess %d, want %d", s, n, guess, e.Size())
			}
		}
		if l.Next(HeaderSize) != l.Size() || l.Size() != HeaderSize+e.Size() {
			t.Errorf("%.40q: Next %d, Size %d, element %d", s, l.Next(HeaderSize), l.Size(), e.Size())
		}
		v, err := strconv.ParseInt(s, 10, 64)
		isInt := err == nil && strconv.FormatInt(v, 10) == s
		if got, ok := l.Int(HeaderSize); ok != isInt || ok && got != v {
			t.Errorf("%.40q: Int gives %d, %v", s, got, ok)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, f := range []float64{1.5, -0.1, math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64} {
		l := newList(64)
		l.Insert(HeaderSize, Float(f))
		if got := l.Number(HeaderSize); got != f {
			t.Errorf("%v came back as %v", f, got)
		}
		if _, ok := l.Int(HeaderSize); ok {
			t.Errorf("%v passes for an integer", f)
		}
	}
	for _, v := range []int64{0, 7, -7, 1 << 40, -1 << 40, math.MaxInt64, math.MinInt64} {
		l := newList(64)
		l.Insert(HeaderSize, Int(v))
		if got := l.Number(HeaderSize); got != float64(v) {
			t.Errorf("%d came back as %v", v, got)
		}
	}
	l := newList(64)
	l.Insert(HeaderSize, String([]byte("abc")))
	if l.Number(HeaderSize) != 0 {
		t.Error("a string has a number")
	}
}

// The bytes of non-negative and negative integers order as the integers do, as doc.go's layout promises.
func TestIntegersOrderAsBytes(t *testing.T) {
	prev := Int(math.MinInt64)
	for _, v := range []int64{-1 << 40, -65537, -65536, -257, -256, -2, -1, 0, 1, 15, 16, 4095, 4096, 1 << 20, 1<<52 - 1, 1 << 52, math.MaxInt64} {
		e := Int(v)
		if bytes.Compare(prev.head[:prev.n], e.head[:e.n]) >= 0 {
			t.Errorf("%d: % x is not above % x", v, e.head[:e.n], prev.head[:prev.n])
		}
		prev = e
	}
}

// Lists of integers of any mixture of lengths, searched for what they have and what they have not.
func TestSearchInt(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		bits := []int{3, 4, 6, 12, 14, 20, 28, 52, 54, 62}[rng.IntN(10)]
		var values []int64
		for range rng.IntN(40) {
			v := rng.Int64N(1 << bits)
			if rng.IntN(4) == 0 {
				v >>= rng.IntN(bits)
			}
			if bits%3 == 0 && rng.IntN(3) == 0 {
				v = -v
			}
			values = append(values, v)
		}
		slices.Sort(values)
		values = slices.Compact(values)
		l := newList(400)
		for _, v := range values {
			l.Insert(l.Size(), Int(v))
		}
		for _, want := range append([]int64{0, -1, math.MinInt64, math.MaxInt64, rng.Int64N(1 << bits)}, values...) {
			i, there := slices.BinarySearch(values, want)
			e := Int(want)
			if pos, found := l.SearchInt(&e); found != there || pos != l.Skip(HeaderSize, i) {
				t.Fatalf("%d in %d: place %d, %v; want %d, %v", want, values, pos, found, l.Skip(HeaderSize, i), there)
			}
		}
	}
}

func TestFindStepsOverValues(t *testing.T) {
	l := newList(256)
	for _, s := range []string{"b", "a", "a", "b", "12", "12x"} {
		l.Insert(l.Size(), String([]byte(s)))
	}
	for _, c := range []struct {
		s     string
		pairs bool
		index int
	}{
		{"a", false, 1}, {"a", true, 2}, {"b", false, 0}, {"b", true, 0}, {"12", true, 4},
		{"12x", false, 5}, {"12x", true, -1}, {"", false, -1}, {"c", false, -1},
	} {
		e := String([]byte(c.s))
		pos, index := l.Find(&e, c.pairs)
		if index != c.index || index >= 0 && pos != l.Skip(HeaderSize, index) {
			t.Errorf("Find(%q, %v) = %d, %d; want index %d", c.s, c.pairs, pos, index, c.index)
		}
	}
}

func TestNoRoomPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an element was written past the memory")
		}
	}()
	newList(8).Insert(HeaderSize, String([]byte("four")))
}

// randomText favours lengths and digits around which the forms change.
func randomText(rng *rand.Rand) []byte {
	switch rng.IntN(6) {
	case 0:
		return strconv.AppendInt(nil, rng.Int64N(1<<rng.IntN(63)+1)-rng.Int64N(1<<rng.IntN(63)+1), 10)
	case 1:
		return bytes.Repeat([]byte{'a' + byte(rng.IntN(3))}, 120+rng.IntN(16))
	case 2:
		return bytes.Repeat([]byte{'z'}, rng.IntN(400))
	}
	return []byte(fmt.Sprintf("player:%0*d", rng.IntN(12), rng.IntN(20)))
}

// The list against a slice of slices, every operation in random order.
func TestModel(t *testing.T) {
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, seed))
	l := newList(20_000)
	var model [][]byte
	for step := range 20_000 {
		i := rng.IntN(len(model) + 1)
		pos := l.Skip(HeaderSize, i)
		switch op := rng.IntN(8); {
		case op < 3 && len(model) < 60:
			a, b := randomText(rng), randomText(rng)
			l.Insert(pos, String(a), String(b))
			model = append(model[:i], append([][]byte{a, b}, model[i:]...)...)
		case op < 5 && i < len(model):
			model[i] = randomText(rng)
			l.Replace(pos, String(model[i]))
		case op == 5:
			n := rng.IntN(min(4, len(model)-i+1))
			l.Delete(pos, n)
			model = append(model[:i], model[i+n:]...)
		case op == 6:
			checkFind(t, l, model, randomText(rng), rng.IntN(2) == 0)
		case i < len(model):
			checkFind(t, l, model, model[i], rng.IntN(2) == 0)
		}
		mustCheck(t, l)
		checkEqual(t, step, l, model)
	}
}

func checkFind(t *testing.T, l List, model [][]byte, s []byte, pairs bool) {
	t.Helper()
	step := 1
	if pairs = pairs && len(model)%2 == 0; pairs {
		step = 2
	}
	want := -1
	for i := 0; i < len(model) && want < 0; i += step {
		if bytes.Equal(model[i], s) {
			want = i
		}
	}
	e := String(s)
	pos, index := l.Find(&e, pairs)
	if index != want || index >= 0 && pos != l.Skip(HeaderSize, index) {
		t.Fatalf("Find(%q, %v) = %d, %d; want index %d", s, pairs, pos, index, want)
	}
}

func checkEqual(t *testing.T, step int, l List, model [][]byte) {
	t.Helper()
	if l.Len() != len(model) {
		t.Fatalf("step %d: %d elements, want %d", step, l.Len(), len(model))
	}
	var scratch Scratch
	pos := HeaderSize
	for i, want := range model {
		if got := l.Bytes(pos, &scratch); !bytes.Equal(got, want) {
			t.Fatalf("step %d: element %d is %q, want %q", step, i, got, want)
		}
		pos = l.Next(pos)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	for _, c := range []struct{ name, bytes string }{
		{"no header", "\x04\x00\x00"},
		{"size below the header", "\x03\x00\x00\x00"},
		{"size past the memory", "\x06\x00\x01\x00\x88"},
		{"elements, empty", "\x04\x00\x01\x00"},
		{"bytes, no elements", "\x05\x00\x00\x00\x88"},
		{"more elements than bytes", "\x05\x00\x02\x00\x88"},
		{"fewer elements than said", "\x06\x00\x02\x00\x01a"},
		{"unknown tag", "\x05\x00\x01\x00\xfb"},
		{"string past the end", "\x06\x00\x01\x00\x02a"},
		{"integer past the end", "\x05\x00\x01\x00\x98"},
		{"long string without length", "\x06\x00\x01\x00\xfa\x80"},
		{"long string past the end", "\x08\x00\x01\x00\xfa\x80\x00a"},
		{"short string in long form", "\x08\x00\x01\x00\xfa\x01\x00a"},
		{"integer as string", "\x06\x00\x01\x00\x017"},
		{"integer too wide", "\x06\x00\x01\x00\x98\x0f"},
		{"negative too wide", "\x07\x00\x01\x00\x86\xff\xff"},
		{"eight bytes for a small integer", "\x0d\x00\x01\x00\xf8\x00\x00\x00\x00\x00\x00\x00\x01"},
	} {
		if List(c.bytes).Check() == nil {
			t.Errorf("%s: not found", c.name)
		}
	}
}

// TestCheckFindsDamagedHeaders flips each bit of a header: size and count fit the elements in one way only.
func TestCheckFindsDamagedHeaders(t *testing.T) {
	for _, texts := range [][]string{nil, {"a"}, {"", "", ""}, {"ada", "4660", "-7", strings.Repeat("x", 200)}} {
		l := newList(1024)
		for _, s := range texts {
			l.Insert(l.Size(), String([]byte(s)))
		}
		mustCheck(t, l)
		for bit := range 8 * HeaderSize {
			l[bit/8] ^= 1 << (bit % 8)
			if l.Check() == nil {
				t.Errorf("%d elements, bit %d of the header: not found", len(texts), bit)
			}
			l[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// Whatever bytes come from outside: Check says no, or every read works.
func FuzzCheck(f *testing.F) {
	l := newList(1024)
	l.Insert(HeaderSize, String([]byte("ada")), Int(4660), Float(0.5), String(make([]byte, 200)), String([]byte("-7")))
	f.Add([]byte(l[:l.Size()]))
	f.Add([]byte("\x06\x00\x01\x00\x98\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := List(b)
		if l.Check() != nil {
			return
		}
		var scratch Scratch
		copied := newList(len(l))
		for pos := HeaderSize; pos < l.Size(); pos = l.Next(pos) {
			if v, ok := l.Int(pos); ok {
				copied.Insert(copied.Size(), Int(v))
			} else if l.Kind(pos) == FloatKind {
				copied.Insert(copied.Size(), Float(l.Number(pos)))
			} else {
				e := String(l.Bytes(pos, &scratch))
				copied.Insert(copied.Size(), e)
				if found, index := l.Find(&e, false); index < 0 || found > pos {
					t.Fatalf("element at %d not found", pos)
				}
			}
		}
		if !bytes.Equal(copied[:copied.Size()], l[:l.Size()]) {
			t.Fatalf("% x read and written again is % x", l, copied)
		}
	})
}

// A stream of bytes as operations against the model.
func FuzzOperations(f *testing.F) {
	f.Add([]byte("\x00\x00\x03ada\x00\x01\x0212\x01\x00\x01-\x02\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := newList(MaxSize)
		var model [][]byte
		for step := 0; len(b) >= 3 && len(model) < 100; step++ {
			op, i, n := b[0]%3, int(b[1])%(len(model)+1), min(int(b[2]), len(b)-3)
			s := b[3 : 3+n]
			b = b[3+n:]
			pos := l.Skip(HeaderSize, i)
			switch {
			case op == 0:
				l.Insert(pos, String(s))
				model = append(model[:i], append([][]byte{s}, model[i:]...)...)
			case op == 1 && i < len(model):
				l.Replace(pos, String(s))
				model[i] = s
			case op == 2 && i < len(model):
				l.Delete(pos, 1)
				model = append(model[:i], model[i+1:]...)
			}
			mustCheck(t, l)
			checkEqual(t, step, l, model)
			checkFind(t, l, model, s, false)
		}
	})
}

func TestNoAllocations(t *testing.T) {
	l := newList(4096)
	member := []byte("player:000001")
	var scratch Scratch
	n := testing.AllocsPerRun(100, func() {
		l.Insert(l.Size(), String(member), Int(77))
		e := String(member)
		pos, _ := l.Find(&e, true)
		l.Replace(l.Next(pos), Float(0.5))
		_ = l.Bytes(pos, &scratch)
		l.Delete(pos, 2)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func benchList(pairs int) List {
	l := newList(8192)
	for i := range pairs {
		l.Insert(l.Size(), String(fmt.Appendf(nil, "player:%012d", i)), Int(int64(i)*7919%1_000_000))
	}
	return l
}

var sink int

// BenchmarkWalk is the cost of stepping over 128 pairs.
func BenchmarkWalk(b *testing.B) {
	l := benchList(128)
	for b.Loop() {
		sink = l.Skip(HeaderSize, 256)
	}
}

// BenchmarkFind looks up members of a list of pairs.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 64, 128} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := benchList(n)
			members := make([][]byte, n)
			for i := range members {
				members[i] = fmt.Appendf(nil, "player:%012d", i)
			}
			for i := 0; b.Loop(); i++ {
				e := String(members[i%n])
				_, sink = l.Find(&e, true)
			}
		})
	}
}

// BenchmarkInsert puts a pair in the middle and takes it out again.
func BenchmarkInsert(b *testing.B) {
	l := benchList(64)
	pos := l.Skip(HeaderSize, 64)
	member := []byte("player:000000000000")
	for b.Loop() {
		l.Insert(pos, String(member), Int(500))
		l.Delete(pos, 2)
	}
}
