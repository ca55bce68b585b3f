package geo

// What can be hashed, in degrees: the square of the web's Mercator projection, which ends before the poles.
const (
	LonMin, LonMax = -180.0, 180.0
	LatMin, LatMax = -85.05112878, 85.05112878
)

// A code has Steps bits for each coordinate, latitudes in the even bits (bit 0 being the lowest) and longitudes in
// the odd ones, the index of a cell counting from the west or the south. The end of a range, LonMax or LatMax, has an index of its
// own, 2^Steps, so that codes are below CodeEnd = 2^54. Those of the eastern end have 54 bits, of which a score, a float64, rounds the lowest away.
const (
	Steps   = 26
	CodeEnd = 1 << (2*Steps + 2)

	cells = 1 << Steps // an axis has, without the one at its end
)

// Valid reports whether a place can be hashed. NaN cannot.
func Valid(lon, lat float64) bool {
	return LonMin <= lon && lon <= LonMax && LatMin <= lat && lat <= LatMax
}

// Encode is the code of the cell in which a valid place lies. As a float64 it is the place's score.
func Encode(lon, lat float64) uint64 { return encode(lon, lat, Steps) }

// encode is Encode with cells of another size: steps bits for each coordinate.
func encode(lon, lat float64, steps int) uint64 {
	return Interleave(index(lon, LonMin, LonMax, steps), index(lat, LatMin, LatMax, steps))
}

// index is the number of the cell in which a coordinate lies.
func index(at, min, max float64, steps int) uint32 {
	return uint32(along(at, min, max, uint64(1)<<steps))
}

// along is where a coordinate lies on an axis of n cells, in cells; outside of the axis too.
func along(at, min, max float64, n uint64) float64 { return (at - min) / (max - min) * float64(n) }

// Code is the code that a score stands for: its whole part. Of scores that are no codes it is what Redis makes of them on
// the processors it is most used on: below 0 the number in two's complement, from 2^64 on 0.
func Code(score float64) uint64 {
	const half = 1 << 63
	switch {
	case -half <= score && score < half:
		return uint64(int64(score))
	case half <= score && score < 2*half:
		return uint64(int64(score-half)) ^ half
	case score < 0:
		return half
	}
	return 0
}

// Decode is the centre of the cell that a code names. What lies beyond the ends of a range is at its end.
func Decode(code uint64) (lon, lat float64) {
	x, y := Deinterleave(code)
	return centre(x, LonMin, LonMax), centre(y, LatMin, LatMax)
}

func centre(i uint32, min, max float64) float64 {
	lo, hi := edge(i, min, max, Steps), edge(i+1, min, max, Steps) // of the highest index there is, i+1 is 0, as in Redis
	at := (lo + hi) / 2
	switch {
	case at > max:
		return max
	case at < min:
		return min
	}
	return at
}

// edge is the lower end of a cell.
func edge(i uint32, min, max float64, steps int) float64 {
	return min + float64(float64(i)/float64(uint64(1)<<steps)*(max-min))
}

const alphabet = "0123456789bcdefghjkmnpqrstuvwxyz"

// AppendHash appends the 11 characters of a place's standard geohash, whose latitudes go from pole to pole. They show 50 bits of the
// 52 that there are; the last character is always a zero, as in Redis.
func AppendHash(dst []byte, lon, lat float64) []byte {
	bits := Interleave(index(lon, LonMin, LonMax, Steps), index(lat, -90, 90, Steps))
	for shift := 2*Steps - 5; shift > 0; shift -= 5 {
		dst = append(dst, alphabet[bits>>shift&31])
	}
	return append(dst, '0')
}

// spread puts the bits of x into the even bits.
func spread(x uint32) uint64 {
	u := uint64(x)
	u = (u | u<<16) & 0x0000ffff0000ffff
	u = (u | u<<8) & 0x00ff00ff00ff00ff
	u = (u | u<<4) & 0x0f0f0f0f0f0f0f0f
	u = (u | u<<2) & 0x3333333333333333
	return (u | u<<1) & 0x5555555555555555
}

// squash is the number that the even bits of u make.
func squash(u uint64) uint32 {
	u &= 0x5555555555555555
	u = (u | u>>1) & 0x3333333333333333
	u = (u | u>>2) & 0x0f0f0f0f0f0f0f0f
	u = (u | u>>4) & 0x00ff00ff00ff00ff
	u = (u | u>>8) & 0x0000ffff0000ffff
	return uint32(u | u>>16)
}
