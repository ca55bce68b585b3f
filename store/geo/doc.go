// Package geo is the arithmetic of places: 52-bit geohashes as Redis keeps them in sorted sets, distances on the sphere,
// shapes, and the areas of the hash that a shape is searched in. It holds no data and imports the standard library only.
//
// Longitude comes before latitude, always; both are in degrees, lengths in metres.
//
// # Exactness
//
// Distances are Redis' (distance.go): every expression is written in the order in which Redis computes it, and so that no compiler may fuse
// a multiplication and an addition, which would round differently on some processors. What is left are the last bits of
// sine, cosine and arcsine, which are those of Go's package math: relative differences of some 1e-16 to C's, and up to centimetres next to
// the antipode, where the arcsine is steep.
//
// # Where to read on
//
// hash.go: from a place to its code and back. distance.go: metres. shape.go: circles, boxes and polygons, and what lies in them; polygon.go: polygons in
// a plane. areas.go: the parts of the hash that hold a shape, in the order in which Redis looks through them, and what those leave out.
// Then what searches stand on: gate.go: boxes of cells, compared with codes as they are; sphere.go: bounds of distances;
// cells.go: both for a shape and the cells of the hash.
package geo
