package geo

import "math"

// Distances on the sphere are compared by the haversine term
//
//	h = sin^2(d/2R) = sin^2((lat2-lat1)/2) + cos(lat1) cos(lat2) sin^2((lon2-lon1)/2)
//
// which grows with the distance d from 0 to 1 and needs no arc sine. All differences here are
// halves of angles, in radians, as the formula wants them.

// sinSmall bounds the arguments for which five terms of the sine's series are exact to the last bits.
const sinSmall = 0.125

// sin is the sine; for small arguments, as nearly all are, without a call.
func sin(x float64) float64 {
	if x > sinSmall || x < -sinSmall {
		return math.Sin(x)
	}
	z := x * x
	return x * (1 + z*(-1.0/6+z*(1.0/120+z*(-1.0/5040+z*(1.0/362880)))))
}

// sinBelow is a lower bound of the sine for 0 <= x <= pi/2: the series up to a term that is taken away.
func sinBelow(x float64) float64 {
	z := x * x
	return x * (1 + z*(-1.0/6+z*(1.0/120-z*(1.0/5040))))
}

// asinAbove is an upper bound of the arc sine.
func asinAbove(x float64) float64 {
	if x <= 0.1 {
		return x * (1 + 0.168*x*x)
	}
	if x >= 1 {
		return math.Pi / 2
	}
	return math.Asin(x) * (1 + 1e-15)
}

// below takes from a bound what rounding may have added to it.
const below = 1 - 1e-13

// cosNodes are the cosines at evenly spaced latitudes from -pi/2 to pi/2. The cosine is concave there, so the
// straight line between two nodes is a lower bound; it is less than 1e-7 too low.
var cosNodes = func() (nodes [cosSteps + 2]float64) {
	for i := range cosSteps + 1 {
		nodes[i] = max(0, math.Cos((float64(i)/cosSteps-0.5)*math.Pi)*below)
	}
	return nodes
}()

const cosSteps = 4096

// cosBelow is a lower bound of the cosine of a latitude.
func cosBelow(lat float64) float64 {
	at := (lat/math.Pi + 0.5) * cosSteps
	if !(at > 0 && at < cosSteps) {
		return 0
	}
	i := int(at)
	return cosNodes[i] + (cosNodes[i+1]-cosNodes[i])*(at-float64(i))
}

// Pole is a point on the sphere that distances are measured from.
type Pole struct {
	Lon, Lat float64 // radians
	cos, sin float64 // of Lat
}

// NewPole is the point at a longitude and latitude in degrees.
func NewPole(lonDeg, latDeg float64) Pole {
	p := Pole{Lon: radians(lonDeg), Lat: radians(latDeg)}
	p.sin, p.cos = math.Sincos(p.Lat)
	p.cos = max(p.cos, 0)
	return p
}

// Haversine is h of a place at half the differences of latitude and longitude dLat and dLon, signed.
func (p *Pole) Haversine(dLat, dLon float64) float64 {
	s, v := sin(dLat), sin(dLon)
	// The other latitude's cosine, by the addition theorem.
	cos := p.cos*(1-2*s*s) - p.sin*2*s*math.Sqrt(max(0, 1-s*s))
	return s*s + p.cos*max(0, cos)*v*v
}

// Bound is a lower bound of h of all places in a box: dLat and dLon are half the gaps between the point and
// the box's latitudes and longitudes, 0 if the point's own lies between them; lat0 and lat1 are the box's latitudes. It is the
// sum of the two terms' own minima, and so holds for every box, whatever its size, at the poles too.
func (p *Pole) Bound(dLat, dLon, lat0, lat1 float64) float64 {
	s, v := sinBelow(dLat), sinBelow(dLon)
	h := s * s
	if v > 0 {
		h += p.cos * min(cosBelow(lat0), cosBelow(lat1)) * v * v
	}
	return h * below
}

// Cap is the range of places with h up to some bound: they differ by at most latRad in latitude, and lonRad in
// longitude, of whole angles in radians; lonRad is at least pi where any longitude is possible.
func (p *Pole) Cap(h float64) (latRad, lonRad float64) {
	if h >= 1 {
		return math.Pi, math.Pi
	}
	const above = 1 + 1e-12
	half := asinAbove(math.Sqrt(h)) * above
	latRad = 2 * half
	if math.Abs(p.Lat)+latRad >= math.Pi/2 {
		return latRad, math.Pi
	}
	// The meridians that touch the cap: sin(lon) = sin(2 half)/cos(lat). The sine of less than a right angle is below the angle.
	z := math.Sin(latRad) * above / p.cos
	if z >= 1 {
		return latRad, math.Pi
	}
	return latRad, asinAbove(z) * above
}

// Slack is how much h may be wrong, and a distance by the literal formula beside it, near h: places whose h
// differ by more have distances in that order. The formula takes sines of differences of angles that
// are rounded to some 1e-15, which counts the more the nearer the places are.
func Slack(h float64) float64 {
	const angle, relative = 2e-15, 1e-13
	return h*relative + 2*math.Sqrt(h)*angle + angle*angle
}

// HaversineOf is h of places at a distance of meters.
func HaversineOf(meters float64) float64 {
	half := meters / (2 * EarthRadius)
	if half >= math.Pi/2 {
		return 1
	}
	s := math.Sin(half)
	return s * s
}

// CircleRanks are two haversine terms beside that of a circle's radius in metres: a place of a lower one than within is in the
// circle for sure, and none of a higher one than reach is. Between them the literal distance decides.
func CircleRanks(meters float64) (within, reach float64) {
	h := HaversineOf(meters)
	return h - Slack(h), min(1, h+Slack(h))
}
