package commands

import (
	"bytes"
	"strconv"

	"quarry/store"
	"quarry/store/geo"
	"quarry/store/zset"
)

var (
	unitArg    = oneOf("unit", token("M"), token("KM"), token("FT"), token("MI"))
	membersArg = multiple(stringArg("member"))
)

var geoPosCommands = []Spec{
	{
		Name: "GEOPOS", Group: GeoGroup, Since: "3.2.0",
		Summary: "Tells the places of members", Complexity: "O(M), M being the number of members asked for",
		Arity: -2, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp), Seeks: 2,
		Args: []Arg{keyArg("key"), membersArg},
		Run:  geopos,
	},
	{
		Name: "GEODIST", Group: GeoGroup, Since: "3.2.0",
		Summary: "Tells how far two members are from each other", Complexity: "O(1)",
		Arity: -4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp), Seeks: 2,
		Args: []Arg{keyArg("key"), stringArg("member1"), stringArg("member2"), optional(unitArg)},
		Run:  geodist,
	},
	{
		Name: "GEOHASH", Group: GeoGroup, Since: "3.2.0",
		Summary: "Tells the places of members as standard geohashes", Complexity: "O(M), M being the number of members asked for",
		Arity: -2, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp), Seeks: 2,
		Args: []Arg{keyArg("key"), membersArg},
		Run:  geohash,
	},
}

const errUnit = "ERR unsupported unit provided. please use M, KM, FT, MI"

func geopos(c *Ctx) {
	c.eachMemberPlace(c.NullArray, func(lon, lat float64) { c.lonLat(lon, lat) })
}

func geohash(c *Ctx) {
	c.eachMemberPlace(c.Null, func(lon, lat float64) {
		c.text = geo.AppendHash(c.text[:0], lon, lat)
		c.Bulk(c.text)
	})
}

// eachMemberPlace answers an array of what fn answers for the place of each member that is named, or missing for those that are not there.
func (c *Ctx) eachMemberPlace(missing func(), fn func(lon, lat float64)) {
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	members := c.Args[2:]
	c.Array(len(members))
	for i, member := range members {
		if z != nil && i%zset.PrefetchMax == 0 {
			z.Prefetch(members[i:])
		}
		if lon, lat, ok := placeOf(z, member); ok {
			fn(lon, lat)
		} else {
			missing()
		}
	}
}

// placeOf is the place of a member of z, which may be nil.
func placeOf(z *store.ZSet, member []byte) (lon, lat float64, ok bool) {
	if z == nil {
		return 0, 0, false
	}
	score, ok := z.Score(member)
	if !ok {
		return 0, 0, false
	}
	lon, lat = geo.Decode(geo.Code(score))
	return lon, lat, true
}

// lonLat answers a place.
func (c *Ctx) lonLat(lon, lat float64) {
	c.Array(2)
	c.coordinate(lon)
	c.coordinate(lat)
}

// coordinate answers a double in RESP3 and a bulk string in RESP2, not in its shortest form: Redis writes coordinates as it
// does C's long double, with up to 17 digits after the point.
func (c *Ctx) coordinate(f float64) {
	text := strconv.AppendFloat(append(c.text[:0], ','), f, 'f', longDoubleFrac, 64)
	c.text = text
	text = bytes.TrimSuffix(bytes.TrimRight(text, "0"), []byte("."))
	if c.Proto() < 3 {
		c.Bulk(text[1:])
		return
	}
	c.Raw(append(text, '\r', '\n'))
}

func geodist(c *Ctx) {
	metres := 1.0
	switch len(c.Args) {
	case 4:
	case 5:
		var ok bool
		if metres, ok = c.unit(c.Args[4]); !ok {
			return
		}
	default:
		c.Error(errSyntax)
		return
	}
	z, err := c.DB.ZSet(c.Args[1])
	if c.fail(err) {
		return
	}
	lon1, lat1, ok := placeOf(z, c.Args[2])
	lon2, lat2, ok2 := placeOf(z, c.Args[3])
	if !ok || !ok2 {
		c.Null()
		return
	}
	c.distance(geo.Distance(lon1, lat1, lon2, lat2) / metres)
}

// unit reads a unit of length, or answers that it is none.
func (c *Ctx) unit(arg []byte) (metres float64, ok bool) {
	if metres, ok = geo.Metres(arg); !ok {
		c.Error(errUnit)
	}
	return metres, ok
}

// distance answers a distance, with four digits after the point in both protocols.
func (c *Ctx) distance(d float64) {
	c.text = strconv.AppendFloat(c.text[:0], d, 'f', 4, 64)
	c.Bulk(c.text)
}
