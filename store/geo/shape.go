package geo

import "math"

// Shape is a part of the globe: a circle, a box or a polygon.
type Shape struct {
	kind     shapeKind
	lon, lat float64 // the centre
	radius   float64 // circle
	width    float64 // box
	height   float64
	polygon  *Polygon
}

type shapeKind uint8

const (
	circle shapeKind = iota
	box
	polygon
)

// Circle is all that is at most radius metres from a place. The radius is not negative; it may be infinite.
func Circle(lon, lat, radius float64) Shape {
	return Shape{kind: circle, lon: lon, lat: lat, radius: radius}
}

// Box is what Redis takes for a box of width times height metres around a place: all that is at most half the height north or south of
// it, and from its meridian at most half the width, measured over the sphere between places of one latitude.
func Box(lon, lat, width, height float64) Shape {
	return Shape{kind: box, lon: lon, lat: lat, width: width, height: height}
}

// Area is the inside of a polygon of valid places, x being the longitude. Its centre is the mean of the vertices in space,
// seen from the middle of the earth, or longitude and latitude 0 if that is the middle itself. It may be a pole, which is no valid place.
func Area(p *Polygon) Shape {
	var x, y, z float64
	for _, v := range p.Vertices() {
		lon, lat := radians(v.X), radians(v.Y)
		x += float64(math.Cos(lat) * math.Cos(lon))
		y += float64(math.Cos(lat) * math.Sin(lon))
		z += math.Sin(lat)
	}
	lon := degrees(math.Atan2(y, x))
	lat := degrees(math.Atan2(z, math.Sqrt(float64(x*x)+float64(y*y))))
	return Shape{kind: polygon, polygon: p, lon: lon, lat: lat}
}

// AreaFrom is Area with another place to measure distances from.
func AreaFrom(lon, lat float64, p *Polygon) Shape {
	return Shape{kind: polygon, polygon: p, lon: lon, lat: lat}
}

// Centre is the place that distances are measured from.
func (s *Shape) Centre() (lon, lat float64) { return s.lon, s.lat }

// Exhausted reports whether the shape is a polygon that is [Polygon.Exhausted].
func (s *Shape) Exhausted() bool { return s.kind == polygon && s.polygon.Exhausted() }

// Distance is how far a place is from the centre, and whether it lies in the shape; if not, the distance is none.
func (s *Shape) Distance(lon, lat float64) (metres float64, within bool) {
	switch s.kind {
	case circle:
		metres = Distance(s.lon, s.lat, lon, lat)
		return metres, metres <= s.radius
	case box:
		if latDistance(lat, s.lat) > s.height/2 || Distance(lon, lat, s.lon, lat) > s.width/2 {
			return 0, false
		}
	case polygon:
		if !s.polygon.Contains(lon, lat) {
			return 0, false
		}
	}
	return Distance(s.lon, s.lat, lon, lat), true
}
