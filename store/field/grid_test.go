package field

import (
	"fmt"
	"math"
	"testing"

	"quarry/store/geo"
)

// TestGrid: cells never fall as coordinates rise, the cells of a place lie in the box of its cell, and the last code is nowhere.
func TestGrid(t *testing.T) {
	for _, s := range shapes {
		g := newGrid(&s)
		d := &drawer{newRand(t), s}
		for range 20_000 {
			x, y, _ := d.place()
			if err := g.refuses(x, y); err != nil {
				t.Fatalf("%+v refuses %v %v: %v", s, x, y, err)
			}
			cx, cy := g.cells(x, y)
			b := g.box(cx, cx, cy, cy)
			if !(b.x0 <= x && x <= b.x1 && b.y0 <= y && y <= b.y1) {
				t.Fatalf("%+v: %v %v in cell %d %d is not in %+v", s, x, y, cx, cy, b)
			}
			if code := g.code(x, y); code == math.MaxUint64 || code != geo.Interleave(cx, cy) {
				t.Fatalf("%+v: code %#x at %v %v", s, code, x, y)
			}
			ox, oy, _ := d.place()
			px, py := g.cells(ox, oy)
			if ox < x && px > cx || oy < y && py > cy || ox > x && px < cx || oy > y && py < cy {
				t.Fatalf("%+v: cells %d %d at %v %v, %d %d at %v %v", s, cx, cy, x, y, px, py, ox, oy)
			}
		}
	}
}

// TestGridIsFine: things a little apart have different keys.
func TestGridIsFine(t *testing.T) {
	for _, c := range []struct {
		s    Shape
		x, y float64
		step float64
	}{
		{shapes[0], 100, 100, 1e-3}, {shapes[0], 0, 0, 1e-300}, {shapes[2], 4095, 1, 1e-5}, {shapes[5], 179.9, 89.9, 1e-6},
	} {
		g := newGrid(&c.s)
		if g.code(c.x, c.y) == g.code(c.x+c.step, c.y) || g.code(c.x, c.y) == g.code(c.x, c.y+c.step) {
			t.Errorf("%+v: no difference at %v %v", c.s, c.x, c.y)
		}
	}
}

func TestShapeRefuses(t *testing.T) {
	bounded := func(minX, minY, maxX, maxY float64) Shape {
		return Shape{Dims: 2, Bounded: true, Bounds: Bounds{minX, minY, maxX, maxY}}
	}
	inf, nan := math.Inf(1), math.NaN()
	for _, s := range []Shape{
		bounded(0, 0, 0, 1), bounded(0, 1, 1, 0), bounded(-inf, 0, 1, 1), bounded(0, 0, inf, 1), bounded(nan, 0, 1, 1),
		bounded(0, 0, 1, nan), bounded(0, 0, 1, 1e301), {Space: Geo, Dims: 2, Bounded: true, Bounds: Bounds{0, 0, 1, 1}},
	} {
		if s.Check() == nil {
			t.Errorf("%+v is allowed", s)
		}
	}
	for _, s := range shapes {
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		g := newGrid(&s)
		for _, bad := range []float64{inf, -inf, nan, 1e301, -1e301} {
			if g.refuses(bad, g.minY) == nil || g.refuses(g.minX, bad) == nil {
				t.Errorf("%+v has a place at %v", s, bad)
			}
		}
	}
}

// TestEuclid: distances over the whole range of floats, beside math.Hypot.
func TestEuclid(t *testing.T) {
	rnd := newRand(t)
	for range 100_000 {
		x, y := math.Ldexp(rnd.Float64(), rnd.IntN(1900)-950), math.Ldexp(rnd.Float64(), rnd.IntN(1900)-950)
		if rnd.IntN(2) == 0 {
			y = x * rnd.Float64()
		}
		if got, want := euclid(x, -y, 0), math.Hypot(x, y); math.Abs(got-want) > 1e-15*want {
			t.Fatalf("euclid(%v, %v) is %v, want %v", x, y, got, want)
		}
	}
	for _, c := range [][4]float64{{0, 0, 0, 0}, {3, -4, 12, 13}, {1e300, 0, 0, 1e300}, {0, 3e-300, 4e-300, 5e-300}, {5e-324, 0, 0, 5e-324}} {
		if got := euclid(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("euclid(%v) is %v", c[:3], got)
		}
	}
}

// TestNames: there are MaxNames numeric fields at most, numbers of those that nobody has any more are used again.
func TestNames(t *testing.T) {
	k := newKit(t)
	defer k.close()
	m := k.create(shapes[0], false)
	one := func(i int) *Change {
		return &Change{Names: [][]byte{fmt.Appendf(nil, "name%d", i)}, Values: []float64{float64(i)}}
	}
	for i := range MaxNames {
		m.put(fmt.Sprint(i), 1, 1, 0, one(i))
	}
	if err := m.f.RefusesNames(one(MaxNames)); err != ErrTooManyNames {
		t.Errorf("one name more: %v", err)
	}
	if err := m.f.RefusesNames(one(3)); err != nil {
		t.Errorf("a name that is there: %v", err)
	}
	m.compare()
	m.remove("7")
	m.remove("9")
	m.put("new", 1, 1, 0, one(1000))
	m.put("again", 1, 1, 0, one(9))
	if err := m.f.RefusesNames(one(MaxNames)); err != ErrTooManyNames {
		t.Errorf("one name more: %v", err)
	}
	m.compare()
	all := &Change{}
	for i := range MaxNames + 1 {
		all.Names, all.Values = append(all.Names, one(i).Names...), append(all.Values, 1)
	}
	if err := m.f.RefusesNames(all); err != ErrTooManyNames {
		t.Errorf("many names more: %v", err)
	}
}

// TestTags: a member has MaxTags tags at most, also when they come one by one.
func TestTags(t *testing.T) {
	k := newKit(t)
	defer k.close()
	m := k.create(shapes[0], false)
	one := func(i int) *Change { return &Change{Tags: []Tag{{fmt.Appendf(nil, "tag%d", i), []byte("x")}}} }
	for i := range MaxTags {
		if err := m.f.RefusesTags([]byte("m"), one(i), k.now); err != nil {
			t.Fatal(err)
		}
		m.put("m", 1, 1, 0, one(i))
	}
	if err := m.f.RefusesTags([]byte("m"), one(MaxTags), k.now); err != ErrTooManyTags {
		t.Errorf("one tag more: %v", err)
	}
	if err := m.f.RefusesTags([]byte("m"), one(3), k.now); err != nil {
		t.Errorf("a tag that is there: %v", err)
	}
	m.compare()
}
