package cities

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/tests/harness"
)

// position is where a place of the world is, in degrees.
type position struct {
	id       string
	lon, lat float64
}

// positions reads where all 135,233 places are.
func positions(t *testing.T) []position {
	t.Helper()
	f, err := os.Open("testdata/positions.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []position
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var p position
		if _, err := fmt.Sscanf(lines.Text(), "%s\t%g\t%g", &p.id, &p.lon, &p.lat); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		all = append(all, p)
	}
	if len(all) != 135_233 {
		t.Fatalf("%d places", len(all))
	}
	return all
}

// point is a place to search from.
type point struct {
	name     string
	lon, lat float64
}

// points are where the nearest places are asked for.
var points = []point{
	{"Point Nemo, as far from land as can be", -123.39, -48.88},
	{"the middle of the Atlantic", -30, 0},
	{"where the meridian of Greenwich meets the equator", 0, 0},
	{"Fiji, west of the antimeridian", 179.99, -16.5},
	{"Fiji, east of the antimeridian", -179.99, -16.5},
	{"on the antimeridian", 180, 0},
	{"on the antimeridian, from the east", -180, 65},
	{"Svalbard", 15.63, 78.22},
	{"north of Svalbard, where geohashes end", 20, 85.05},
	{"as far south as geohashes go", 100, -85.05},
	{"Berlin", 13.405, 52.52},
	{"Tokyo", 139.69, 35.69},
	{"the antipode of Madrid", 176.3, -40.4},
}

// poles are points that geohashes cannot name.
var poles = []point{
	{"the north pole", 0, 90},
	{"the north pole, seen from elsewhere", 123, 90},
	{"the south pole", 0, -90},
}

// away is the distance of two points on the sphere in metres, by the angle between the vectors that lead
// there: another formula than the server's.
func away(lon1, lat1, lon2, lat2 float64) float64 {
	vector := func(lon, lat float64) [3]float64 {
		lon, lat = lon*math.Pi/180, lat*math.Pi/180
		return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
	}
	a, b := vector(lon1, lat1), vector(lon2, lat2)
	cross := math.Hypot(math.Hypot(a[1]*b[2]-a[2]*b[1], a[2]*b[0]-a[0]*b[2]), a[0]*b[1]-a[1]*b[0])
	return 6372797.560856 * math.Atan2(cross, a[0]*b[0]+a[1]*b[1]+a[2]*b[2])
}

// nearest compares the ids and distances that an answer gives, in turns, with the distances of all places. Those of a server
// that keeps geohashes differ by what a cell is wide.
func nearest(t *testing.T, all []position, lon, lat float64, answer []string, tolerance float64) {
	t.Helper()
	byID := map[string]float64{}
	var distances []float64
	for _, p := range all {
		d := away(lon, lat, p.lon, p.lat)
		byID[p.id] = d
		distances = append(distances, d)
	}
	slices.Sort(distances)
	if len(answer) != 20 {
		t.Fatalf("the answer is %q", answer)
	}
	seen := map[string]bool{}
	for i := range 10 {
		id := answer[2*i]
		d, err := strconv.ParseFloat(answer[2*i+1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if own, there := byID[id]; !there || seen[id] || math.Abs(own-d) > tolerance || math.Abs(distances[i]-d) > tolerance {
			t.Errorf("%d. is %s at %v m; it is at %v m, and that place is at %v m", i, id, d, own, distances[i])
		}
		seen[id] = true
	}
}

// add puts all places, by GEOADD or HUNT.PUT.
func add(t *testing.T, c *harness.Client, command string, all []position) {
	t.Helper()
	for chunk := range slices.Chunk(all, 500) {
		call := []string{command, world}
		for _, p := range chunk {
			call = append(call, strconv.FormatFloat(p.lon, 'f', -1, 64), strconv.FormatFloat(p.lat, 'f', -1, 64), p.id)
		}
		if n := c.Do(call...).Int; n != int64(len(chunk)) {
			t.Fatalf("%d of %d are added", n, len(chunk))
		}
	}
}

// The ten places that GEOSEARCH finds nearest, of all places of the world, are the ten nearest.
func TestNearestPlaces(t *testing.T) {
	all := positions(t)
	c := harness.Start(t, harness.Options{}).Dial(t)
	add(t, c, "GEOADD", all)
	for _, p := range points {
		t.Run(p.name, func(t *testing.T) {
			from := []string{"GEOSEARCH", world, "FROMLONLAT", fmt.Sprint(p.lon), fmt.Sprint(p.lat)}
			rows := c.Do(append(from, strings.Fields("BYRADIUS 25000 km ASC COUNT 10 WITHDIST")...)...)
			var answer []string
			for _, row := range rows.Elems {
				pair := row.Strings()
				km, err := strconv.ParseFloat(pair[1], 64)
				if err != nil {
					t.Fatal(err)
				}
				answer = append(answer, pair[0], fmt.Sprint(km*1000))
			}
			nearest(t, all, p.lon, p.lat, answer, 1)
		})
	}
}

// The same of a field, which has the exact places, and the poles.
func TestNearestPlacesOfField(t *testing.T) {
	all := positions(t)
	c := harness.Start(t, harness.Options{}).Dial(t)
	c.Want("OK", "HUNT.CREATE", world, "FIELD", "SPACE", "GEO")
	add(t, c, "HUNT.PUT", all)
	for _, p := range append(points, poles...) {
		t.Run(p.name, func(t *testing.T) {
			var answer []string
			for _, row := range c.Do("HUNT.NEARBY", world, "FROMXY", fmt.Sprint(p.lon), fmt.Sprint(p.lat), "COUNT", "10", "WITHDIST").Elems {
				answer = append(answer, row.Strings()...)
			}
			nearest(t, all, p.lon, p.lat, answer, 1e-6)
		})
	}
}
