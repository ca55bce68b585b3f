package geo

import (
	"bytes"
	"math"
)

// EarthRadius is the radius of Redis' earth, in metres.
const EarthRadius = 6372797.560856

const radian = math.Pi / 180 // of a degree

func radians(deg float64) float64 { return float64(deg * radian) }
func degrees(rad float64) float64 { return rad / radian }

// Distance is the length in metres of the way between two places over the sphere, by the haversine formula. It is the literal one of
// Redis, but that it is never NaN: what rounding makes of the antipode is the antipode.
func Distance(lon1, lat1, lon2, lat2 float64) float64 {
	v := math.Sin((radians(lon2) - radians(lon1)) / 2)
	if v == 0 {
		return latDistance(lat1, lat2)
	}
	rad1, rad2 := radians(lat1), radians(lat2)
	u := math.Sin((rad2 - rad1) / 2)
	a := float64(u*u) + float64(math.Cos(rad1)*math.Cos(rad2)*v*v)
	return 2 * EarthRadius * math.Asin(math.Sqrt(min(a, 1)))
}

// Metres is the length of a unit that distances may be given in: "m", "km", "ft" or "mi", in any case.
func Metres(unit []byte) (metres float64, ok bool) {
	switch {
	case bytes.EqualFold(unit, []byte("m")):
		return 1, true
	case bytes.EqualFold(unit, []byte("km")):
		return 1000, true
	case bytes.EqualFold(unit, []byte("ft")):
		return 0.3048, true
	case bytes.EqualFold(unit, []byte("mi")):
		return 1609.34, true
	}
	return 0, false
}

// latDistance is the distance of two places on one meridian.
func latDistance(lat1, lat2 float64) float64 {
	return EarthRadius * math.Abs(radians(lat2)-radians(lat1))
}
