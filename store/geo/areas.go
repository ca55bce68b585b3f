package geo

import (
	"cmp"
	"math"
	"slices"
)

// Range is the codes from From to before To.
type Range struct{ From, To uint64 }

// Ranges are the codes of all that lies in the shape, and more, in the order in which they are to be looked through.
//
// The first own of them are the areas in which Redis looks, in its order: the cell of the centre, of a size that makes the shape about
// as large as a cell, and of the eight around it those that are of use. They are not always enough: Redis takes too few
// where meridians come close, and around the easternmost meridian, LonMax, which is a cell of its own. What is left, if
// anything of the shape may be there, follows, lowest codes first. No code is in two ranges.
func (s *Shape) Ranges(dst []Range) (ranges []Range, own int) {
	cells := s.nine()
	from := len(dst)
	for _, c := range cells {
		// At LonMax ranges of the smallest cells may be empty.
		if r := c.codes(); c.steps > 0 && r.From < r.To && !slices.Contains(dst[from:], r) {
			dst = append(dst, r)
		}
	}
	own = len(dst) - from
	if !s.coveredBy(&cells) {
		dst = appendRest(dst, dst[from:])
	}
	return dst, own
}

// appendRest appends what is left of all codes.
func appendRest(dst, ranges []Range) []Range {
	var room [9]Range
	sorted := append(room[:0], ranges...)
	slices.SortFunc(sorted, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
	from := uint64(0)
	for _, r := range sorted {
		if from < r.From {
			dst = append(dst, Range{from, r.From})
		}
		from = r.To
	}
	return append(dst, Range{from, CodeEnd})
}

// cell is a cell of the hash with steps bits for each coordinate; the zero cell is none.
type cell struct {
	x, y  uint32
	steps int
}

// codes are the codes of the places in c, as scores have them: rounded to a float64.
func (c cell) codes() Range {
	shift := 2 * (Steps - c.steps)
	bits := Interleave(c.x, c.y)
	return Range{uint64(float64(bits << shift)), uint64(float64((bits + 1) << shift))}
}

// bounds are the ends of c in degrees.
func (c cell) bounds() bounds {
	return bounds{
		west: edge(c.x, LonMin, LonMax, c.steps), east: edge(c.x+1, LonMin, LonMax, c.steps),
		south: edge(c.y, LatMin, LatMax, c.steps), north: edge(c.y+1, LatMin, LatMax, c.steps),
	}
}

// move is the cell so many to the east and to the north, around the globe in both directions. A
// coordinate that does not change keeps the index it may have beyond the last.
func (c cell) move(dx, dy int) cell {
	mask := uint32(1)<<c.steps - 1
	if dx != 0 {
		c.x = uint32(int(c.x)+dx) & mask
	}
	if dy != 0 {
		c.y = uint32(int(c.y)+dy) & mask
	}
	return c
}

type bounds struct{ west, south, east, north float64 }

// around is the order in which Redis visits the cells around a centre, as steps to the east and to the north.
var around = [9][2]int{{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}

// nine are Redis' cells, those of no use being zero.
func (s *Shape) nine() (cells [9]cell) {
	b := s.redisBounds()
	lon, lat := min(max(s.lon, LonMin), LonMax), min(max(s.lat, LatMin), LatMax)
	steps := s.steps(&b)
	centre := cellAt(lon, lat, steps)
	if steps > 1 && centre.fallsShort(&b) {
		steps--
		centre = cellAt(lon, lat, steps)
	}
	for i, d := range around {
		if steps < 2 || !centre.useless(d[0], d[1], &b) {
			cells[i] = centre.move(d[0], d[1])
		}
	}
	return cells
}

func cellAt(lon, lat float64, steps int) cell {
	return cell{index(lon, LonMin, LonMax, steps), index(lat, LatMin, LatMax, steps), steps}
}

// fallsShort reports whether the cells around c do not reach as far as the bounds. At the antimeridian they
// never seem to: the next cell is at the other end.
func (c cell) fallsShort(b *bounds) bool {
	return c.move(0, 1).bounds().north < b.north || c.move(0, -1).bounds().south > b.south ||
		c.move(1, 0).bounds().east < b.east || c.move(-1, 0).bounds().west > b.west
}

// useless reports whether Redis thinks that c reaches beyond the bounds on a side to which the way to a cell leads.
func (c cell) useless(dx, dy int, b *bounds) bool {
	own := c.bounds()
	return dy < 0 && own.south < b.south || dy > 0 && own.north > b.north ||
		dx < 0 && own.west < b.west || dx > 0 && own.east > b.east
}

// redisBounds are the bounds that Redis computes for the shape. Near the poles they are wrong in several ways, and they
// may be NaN.
func (s *Shape) redisBounds() bounds {
	if s.kind == polygon {
		p := s.polygon
		return bounds{p.MinX, p.MinY, p.MaxX, p.MaxY}
	}
	width, height := s.halves()
	dlat := degrees(height / EarthRadius)
	widest := s.lat + dlat
	if s.lat < 0 {
		widest = s.lat - dlat
	}
	dlon := degrees(width / EarthRadius / math.Cos(radians(widest)))
	return bounds{west: s.lon - dlon, east: s.lon + dlon, south: s.lat - dlat, north: s.lat + dlat}
}

// halves are half the width and half the height of a circle or a box, in metres.
func (s *Shape) halves() (width, height float64) {
	if s.kind == circle {
		return s.radius, s.radius
	}
	return s.width / 2, s.height / 2
}

// reach is the distance, in metres, within which Redis expects the shape to lie.
func (s *Shape) reach(b *bounds) float64 {
	switch s.kind {
	case circle:
		return s.radius
	case box:
		return math.Sqrt(float64(s.width/2*(s.width/2)) + float64(s.height/2*(s.height/2)))
	}
	return max(Distance(s.lon, s.lat, b.west, b.north), Distance(s.lon, s.lat, b.east, b.north),
		Distance(s.lon, s.lat, b.west, b.south), Distance(s.lon, s.lat, b.east, b.south))
}

// steps is how many bits a coordinate has in the cells that Redis begins with.
func (s *Shape) steps(b *bounds) int {
	const mercatorMax = 20037726.37 // half the equator
	reach := s.reach(b)
	if reach == 0 {
		return Steps
	}
	steps := -1
	for ; reach < mercatorMax; reach *= 2 {
		steps++
	}
	if lat := math.Abs(s.lat); lat > 80 {
		steps -= 2
	} else if lat > 66 {
		steps--
	}
	return min(max(steps, 1), Steps)
}

// What bounds and angles are widened by, so that rounding leaves out nothing: less than a micrometre, in degrees, and a factor. No place
// is nearer to the border of its cell than half of the smallest one.
const (
	margin = 1e-12
	wider  = 1 + 1e-12
)

// Bounds hold every place of the globe that lies in the shape, in degrees, also what cannot be hashed. West of -180 and east
// of 180 they go on around the globe.
func (s *Shape) Bounds() (west, south, east, north float64) {
	b := s.trueBounds()
	if s.kind != polygon && (b.north > LatMax || b.south < LatMin) { // trueBounds look no farther
		b.west, b.east = s.lon-180, s.lon+180
	}
	const exact = 1e-8 // a millimetre, in degrees: these places are not centres of cells
	return b.west - exact, b.south - exact, b.east + exact, b.north + exact
}

// trueBounds hold every place that lies in the shape, as Distance sees it. West of LonMin and east of LonMax they go on around the globe.
func (s *Shape) trueBounds() bounds {
	if s.kind == polygon {
		return s.redisBounds()
	}
	width, height := s.halves()
	dlat := min(degrees(height/EarthRadius)*wider+margin, 180)
	b := bounds{south: s.lat - dlat, north: s.lat + dlat}
	dlon := min(s.widest(&b, width)*wider+margin, 180)
	b.west, b.east = s.lon-dlon, s.lon+dlon
	return b
}

// widest is how far a circle or a box between the latitudes of b reaches to the east or west at most, in degrees.
// width is what it has in metres.
func (s *Shape) widest(b *bounds, width float64) float64 {
	const almost = 1 - 1e-9 // where the arcsine is too steep
	if s.kind == circle {
		sine := math.Sin(width/EarthRadius*wider) / math.Cos(radians(s.lat))
		if b.south > -90 && b.north < 90 && sine < almost {
			return degrees(math.Asin(sine))
		}
		return 180
	}
	farthest := min(max(math.Abs(b.north), math.Abs(b.south)), LatMax)
	sine := math.Sin(min(width/2/EarthRadius*wider, math.Pi/2)) / math.Cos(radians(farthest))
	if sine < almost {
		return 2 * degrees(math.Asin(sine))
	}
	return 180
}

// coveredBy reports whether cells, which are nine(), hold the shape whole: each cell of their size that its bounds touch is one of them.
func (s *Shape) coveredBy(cells *[9]cell) bool {
	b, steps := s.trueBounds(), cells[0].steps
	n := 1 << steps
	west, east := place(b.west, LonMin, LonMax, n), place(b.east, LonMin, LonMax, n)
	south, north := max(place(b.south, LatMin, LatMax, n), 0), min(place(b.north, LatMin, LatMax, n), n)
	if east-west > 3 || north-south > 3 { // there are three, and the end of the range
		return false
	}
	has := func(x, y int) bool { return slices.Contains(cells[:], cell{uint32(x), uint32(y), steps}) }
	atEnd := b.west <= LonMin+margin || b.east >= LonMax-margin // LonMax is a cell of its own
	for y := south; y <= north; y++ {
		if atEnd && !has(n, y) {
			return false
		}
		for x := west; x <= east; x++ {
			if !has(x&(n-1), y) {
				return false
			}
		}
	}
	return true
}

// place is the index of a coordinate among n cells, outside of the range too.
func place(at, min, max float64, n int) int {
	return int(math.Floor(along(at, min, max, uint64(n))))
}
