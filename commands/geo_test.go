package commands

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"quarry/store/geo"
)

// What transcripts cannot say of the commands on places. That searches find what they should is tested by tests/places.

// A polygon may have many vertices, and not more.
func TestPolygonsOfManyVertices(t *testing.T) {
	k := newKeyspace(t, packed)
	k.call("GEOADD k 0 0 in 50 0 out")
	for _, c := range []struct {
		vertices int
		want     string
	}{{geo.MaxVertices, `["in"]`}, {geo.MaxVertices + 1, "-" + errManyVertices}, {500_000, "-" + errManyVertices}} {
		args := bytes.Fields([]byte(fmt.Sprintf("GEOSEARCH k BYPOLYGON %d", c.vertices)))
		for i := range c.vertices {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(c.vertices))
			args = append(args, strconv.AppendFloat(nil, 10*cos, 'g', -1, 64), strconv.AppendFloat(nil, 10*sin, 'g', -1, 64))
		}
		r := &textReply{t: t, proto: 2}
		if k.run(r, args...); r.text.String() != c.want {
			t.Errorf("%d vertices: %s, want %s", c.vertices, r.text.String(), c.want)
		}
	}
}

// One whose edges are all as high as itself is too much for many members, and answers so in a time that is bounded.
func TestPolygonsOfLongEdges(t *testing.T) {
	k := newKeyspace(t, packed)
	k.call("HUNT.CREATE f FIELD SPACE GEO")
	for i := range 20_000 {
		k.call(fmt.Sprintf("GEOADD k %f %f m%d", float64(i%141), float64(i%83)/2, i))
		k.call(fmt.Sprintf("HUNT.PUT f %f %f m%d", float64(i%141), float64(i%83)/2, i))
	}
	for _, call := range []string{"GEOSEARCH k", "HUNT.NEARBY k FROMXY 0 0", "HUNT.NEARBY f FROMXY 0 0"} {
		for _, vertices := range []int{100, geo.MaxVertices} {
			args := bytes.Fields([]byte(fmt.Sprintf("%s BYPOLYGON %d", call, vertices)))
			for i := range vertices {
				args = append(args, strconv.AppendFloat(nil, 141*float64(i)/float64(vertices), 'g', -1, 64), strconv.AppendInt(nil, int64(i%2*80), 10))
			}
			r := &textReply{t: t, proto: 2}
			k.run(r, args...)
			tooMany := r.text.String() == "-"+errManyEdges
			if n := len(members(r.text.String())); tooMany != (vertices > 100) || !tooMany && (n < 1000 || n > 20_000) {
				t.Errorf("%s, %d vertices: %.100s", call, vertices, r.text.String())
			}
		}
	}
}

// The errors that name a limit name the limit that there is.
func TestGeoLimitsAreNamed(t *testing.T) {
	for text, limit := range map[string]int{errManyVertices: geo.MaxVertices, errManyHits: maxHits} {
		if !strings.Contains(text, " "+strconv.Itoa(limit)+" ") {
			t.Errorf("%q does not name %d", text, limit)
		}
	}
}

// Calls on single members allocate nothing, searches what geoindex needs for its queue.
func TestGeoCommandsAllocateLittle(t *testing.T) {
	for _, size := range []int{20, 20_000} {
		k := newKeyspace(t, packed)
		for i := range size {
			k.call(fmt.Sprintf("GEOADD k %f %f m%d", float64(i%141)/100, float64(i%149)/100, i))
		}
		for line, most := range map[string]float64{
			"GEOADD k 0.5 0.5 m7":                     0,
			"GEOADD k CH 0.1 0.1 m7":                  0,
			"GEOPOS k m1 nobody m2":                   0,
			"GEODIST k m1 m2 km":                      0,
			"GEOHASH k m1 m2":                         0,
			"GEOPOS nokey m1":                         0,
			"GEOSEARCH k FROMMEMBER m1 BYRADIUS 1 km": 1,
			"GEOSEARCH k FROMLONLAT 0.5 0.5 BYRADIUS 10 km ASC COUNT 10 WITHDIST":         1,
			"GEOSEARCH k FROMLONLAT 0.5 0.5 BYBOX 9 9 km COUNT 10 ANY WITHCOORD WITHHASH": 1,
			"GEORADIUS_RO k 0.5 0.5 1000 km COUNT 3":                                      1,
			"GEORADIUSBYMEMBER_RO k m9 1 m DESC":                                          1,
		} {
			args := bytes.Fields([]byte(line))
			var r nullReply
			if allocs := testing.AllocsPerRun(50, func() { k.run(&r, args...) }); allocs > most {
				t.Errorf("%d members: %s allocates %v times", size, line, allocs)
			}
		}
	}
}
