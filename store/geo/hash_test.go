package geo

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Codes and places of Redis 7.0.15.
func TestCodes(t *testing.T) {
	for _, c := range []struct {
		lon, lat float64
		code     uint64
		hash     string
	}{
		{13.361389, 38.115556, 3479099956230698, "sqc8b49rny0"},
		{15.087269, 37.502669, 3479447370796909, "sqdtr74hyu0"},
		{0, 0, 3377699720527872, "s0000000000"},
		{180, 85.05112878, 13510798882111488, "bp05b5048p0"},
		{-180, -85.05112878, 0, "00bh0hbj200"},
	} {
		if got := Encode(c.lon, c.lat); got != c.code {
			t.Errorf("the code of %v,%v is %d, want %d", c.lon, c.lat, got, c.code)
		}
		if got := string(AppendHash(nil, c.lon, c.lat)); c.hash != got && c.code != 0 {
			t.Errorf("the hash of %v,%v is %s, want %s", c.lon, c.lat, got, c.hash)
		}
		if lon, lat := Decode(c.code); string(AppendHash(nil, lon, lat)) != c.hash {
			t.Errorf("the hash of code %d is not %s", c.code, c.hash)
		}
	}
}

// A code is that of its own cell's centre, which is no farther from the place than the cell is large.
func TestCodesComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const width, height = (LonMax - LonMin) / cells, (LatMax - LatMin) / cells
	for range 100_000 {
		lon, lat := somewhere(rng)
		code := Encode(lon, lat)
		x, y := Decode(code)
		if code >= CodeEnd || math.Abs(x-lon) > width*0.5000001 || math.Abs(y-lat) > height*0.5000001 {
			t.Fatalf("%v,%v has code %d, which is %v,%v", lon, lat, code, x, y)
		}
		if again := Encode(x, y); again != code {
			t.Fatalf("%v,%v has code %d, and that one's centre %d", lon, lat, code, again)
		}
	}
}

// What a score stands for, as Redis on amd64 has it.
func TestCodesOfScores(t *testing.T) {
	for score, want := range map[float64]uint64{
		0: 0, 1.9: 1, 4503599627370496: 1 << 52, -0.5: 0, -1: math.MaxUint64, -1.5: math.MaxUint64, -1e300: 1 << 63, 9.3e18: 9300000000000000000,
		1e19: 10000000000000000000, 1e20: 0, math.Inf(1): 0, math.Inf(-1): 1 << 63, 1 << 63: 1 << 63, -1 << 63: 1 << 63,
	} {
		if got := Code(score); got != want {
			t.Errorf("the code of %v is %d, want %d", score, got, want)
		}
		if lon, lat := Decode(Code(score)); !Valid(lon, lat) {
			t.Errorf("score %v is at %v,%v", score, lon, lat)
		}
	}
}

func TestValid(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range [][2]float64{{nan, 0}, {0, nan}, {inf, 0}, {0, -inf}, {180.0000001, 0}, {-181, 0}, {0, 85.0511288}, {0, -90}} {
		if Valid(c[0], c[1]) {
			t.Errorf("%v is valid", c)
		}
	}
	if !Valid(LonMin, LatMax) || !Valid(LonMax, LatMin) {
		t.Error("the ends are not valid")
	}
}

func TestBitsInterleave(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for range 1000 {
		a, b := rng.Uint32(), rng.Uint32()
		if x, y := Deinterleave(Interleave(a, b)); x != a || y != b {
			t.Fatalf("%x and %x come back as %x and %x", a, b, x, y)
		}
	}
}

// FuzzCodes takes any score for a code: it is a place, and where it is one of the grid's, the place has the code again.
func FuzzCodes(f *testing.F) {
	for _, score := range []float64{0, 3479099956230698, 1 << 52, 1<<54 - 2, -1, math.Inf(1), 1e19} {
		f.Add(math.Float64bits(score))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		score := math.Float64frombits(bits)
		if math.IsNaN(score) {
			return
		}
		code := Code(score)
		lon, lat := Decode(code)
		if !Valid(lon, lat) || len(AppendHash(nil, lon, lat)) != 11 {
			t.Fatalf("score %v is at %v,%v", score, lon, lat)
		}
		if x, y := Deinterleave(code); x <= cells && y <= cells && Encode(lon, lat) != code {
			t.Errorf("code %d is at %v,%v, which has code %d", code, lon, lat, Encode(lon, lat))
		}
	})
}
