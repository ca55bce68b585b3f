package commands

import (
	"math"
	"strconv"

	"quarry/store/geo"
	"quarry/store/zset"
)

var geoAddCommands = []Spec{
	{
		Name: "GEOADD", Group: GeoGroup, Since: "3.2.0",
		Summary:    "Adds members with their places to a sorted set, or changes the places of members it has",
		Complexity: "O(log(N)) for each member, N being the size of the set",
		Arity:      -5, Flags: Write | DenyOOM | Verbatim, Keys: KeyAt(1, RW|UpdateOp), Seeks: -1,
		History: [][2]string{{"6.2.0", "The options `CH`, `NX` and `XX`."}},
		Args: []Arg{
			keyArg("key"),
			optional(since("6.2.0", oneOf("condition", token("NX"), token("XX")))),
			optional(since("6.2.0", namedToken("change", "CH"))),
			multiple(block("longitude_latitude_member", doubleArg("longitude"), doubleArg("latitude"), stringArg("member"))),
		},
		Run: geoadd,
	},
}

// geoadd is ZADD with scores made of places, and tells of itself as ZADD does.
func geoadd(c *Ctx) {
	flags, changed, triples := geoaddOptions(c.Args[2:])
	if len(triples) == 0 || len(triples)%3 != 0 || flags == zset.NX|zset.XX {
		c.Error(errSyntax)
		return
	}
	scores, ok := c.parsePlaces(triples)
	if !ok {
		return
	}
	z, err := c.DB.ZSetForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	c.addRows(z, triples, 3, scores, flags, changed)
}

// geoaddOptions takes the options off the front of args and leaves the triples.
func geoaddOptions(args [][]byte) (f zset.Flags, changed bool, triples [][]byte) {
	for i, a := range args {
		switch {
		case equalFold(a, "NX"):
			f |= zset.NX
		case equalFold(a, "XX"):
			f |= zset.XX
		case equalFold(a, "CH"):
			changed = true
		default:
			return f, changed, args[i:]
		}
	}
	return f, changed, nil
}

// parsePlaces reads the first two of every three arguments into scores, which are valid until the next call, or answers what is
// wrong with them.
func (c *Ctx) parsePlaces(triples [][]byte) (scores []float64, ok bool) {
	c.emptyScores()
	for i := 0; i < len(triples); i += 3 {
		lon, lat, ok := c.place(triples[i], triples[i+1])
		if !ok {
			return nil, false
		}
		c.scores = append(c.scores, float64(geo.Encode(lon, lat)))
	}
	return c.scores, true
}

// place reads longitude and latitude, or answers what is wrong with them.
func (c *Ctx) place(lonArg, latArg []byte) (lon, lat float64, ok bool) {
	lon, lonOK := parseFloat(lonArg)
	lat, latOK := parseFloat(latArg)
	switch {
	case !lonOK || !latOK:
		c.Error(errNotFloat)
	case !geo.Valid(lon, lat):
		c.Error("ERR invalid longitude,latitude pair " + sixDigits(lon) + "," + sixDigits(lat))
	default:
		return lon, lat, true
	}
	return 0, 0, false
}

// sixDigits is a number as printf's %f writes it.
func sixDigits(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'f', 6, 64)
}
