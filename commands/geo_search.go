package commands

import (
	"quarry/store"
	"quarry/store/geo"
	"quarry/store/zset"
)

var (
	fromArg = oneOf("from",
		withToken("FROMMEMBER", stringArg("member")),
		withToken("FROMLONLAT", block("longitude_latitude", doubleArg("longitude"), doubleArg("latitude"))))
	byArg = oneOf("by",
		block("circle", withToken("BYRADIUS", doubleArg("radius")), unitArg),
		block("box", withToken("BYBOX", doubleArg("width")), doubleArg("height"), unitArg))
	shapeArg = oneOf("search-type",
		block("radius-or-box", fromArg, byArg),
		since("9.0.0", block("polygon", withToken("BYPOLYGON", intArg("num-vertices")),
			multiple(block("vertices", doubleArg("longitude"), doubleArg("latitude"))))))
	orderArg      = optional(oneOf("order", token("ASC"), token("DESC")))
	countAnyArg   = optional(block("count", withToken("COUNT", intArg("count")), optional(token("ANY"))))
	countSinceArg = optional(block("count", withToken("COUNT", intArg("count")), optional(since("6.2.0", token("ANY")))))
	withCoordArg  = optional(token("WITHCOORD"))
	withDistArg   = optional(token("WITHDIST"))
	withHashArg   = optional(token("WITHHASH"))
)

const (
	geoComplexity = "O(log(N)+M), M members of a set of N being looked at: those in the shape, and few besides; with ASC and COUNT not many more than are answered"
	unitsHistory  = "Units in upper case."
	anyHistory    = "The option `ANY`."
)

var geoSearchCommands = []Spec{
	{
		Name: "GEOSEARCH", Group: GeoGroup, Since: "6.2.0",
		Summary:    "Lists the members in a circle, a box or a polygon",
		Complexity: geoComplexity,
		Arity:      -7, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		History: [][2]string{{"7.0.0", unitsHistory}},
		Args:    []Arg{keyArg("key"), shapeArg, orderArg, countAnyArg, withCoordArg, withDistArg, withHashArg},
		Run:     func(c *Ctx) { c.geosearchGeneric(geoForm{source: 1, options: 2}) },
	},
	{
		Name: "GEOSEARCHSTORE", Group: GeoGroup, Since: "6.2.0",
		Summary:    "Stores the members in a circle, a box or a polygon as a new sorted set",
		Complexity: geoComplexity,
		Arity:      -8, Flags: Write | DenyOOM | SelfPropagate,
		Keys:    []Keys{{Index: 1, Step: 1, Access: OW | UpdateOp}, {Index: 2, Step: 1, Access: RO | AccessOp}},
		History: [][2]string{{"7.0.0", unitsHistory}},
		Args: []Arg{
			keyArg("destination"), keyArgOf("source", 1), shapeArg, orderArg, countAnyArg, optional(token("STOREDIST")),
		},
		Run: func(c *Ctx) { c.geosearchGeneric(geoForm{source: 2, options: 3, stores: true}) },
	},
	{
		Name: "GEORADIUS", Group: GeoGroup, Since: "3.2.0",
		Summary:    "Lists or stores the members around a place",
		Complexity: geoComplexity,
		Arity:      -6, Flags: Write | DenyOOM | SelfPropagate, Keys: georadiusKeys(6), Roams: storesTwice,
		DeprecatedSince: "6.2.0", ReplacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS`",
		History: [][2]string{{"6.2.0", anyHistory}, {"7.0.0", unitsHistory}},
		Args: []Arg{
			keyArg("key"), doubleArg("longitude"), doubleArg("latitude"), doubleArg("radius"), unitArg, withCoordArg, withDistArg,
			withHashArg, countSinceArg, orderArg, storeArg, storeDistArg,
		},
		Run: func(c *Ctx) { c.geosearchGeneric(geoForm{source: 1, options: 6, circle: aroundPlace, stores: true}) },
	},
	{
		Name: "GEORADIUS_RO", Group: GeoGroup, Since: "3.2.10",
		Summary:    "Lists the members around a place",
		Complexity: geoComplexity,
		Arity:      -6, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		DeprecatedSince: "6.2.0", ReplacedBy: "`GEOSEARCH` with `BYRADIUS`",
		History: [][2]string{{"6.2.0", anyHistory}},
		Args: []Arg{
			keyArg("key"), doubleArg("longitude"), doubleArg("latitude"), doubleArg("radius"), unitArg, withCoordArg, withDistArg,
			withHashArg, countSinceArg, orderArg,
		},
		Run: func(c *Ctx) { c.geosearchGeneric(geoForm{source: 1, options: 6, circle: aroundPlace}) },
	},
	{
		Name: "GEORADIUSBYMEMBER", Group: GeoGroup, Since: "3.2.0",
		Summary:    "Lists or stores the members around a member",
		Complexity: geoComplexity,
		Arity:      -5, Flags: Write | DenyOOM | SelfPropagate, Keys: georadiusKeys(5), Roams: storesTwice,
		DeprecatedSince: "6.2.0", ReplacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS` and `FROMMEMBER`",
		History: [][2]string{{"6.2.0", anyHistory}, {"7.0.0", unitsHistory}},
		Args: []Arg{
			keyArg("key"), stringArg("member"), doubleArg("radius"), unitArg, withCoordArg, withDistArg, withHashArg,
			countAnyArg, orderArg, storeArg, storeDistArg,
		},
		Run: func(c *Ctx) { c.geosearchGeneric(geoForm{source: 1, options: 5, circle: aroundMember, stores: true}) },
	},
	{
		Name: "GEORADIUSBYMEMBER_RO", Group: GeoGroup, Since: "3.2.10",
		Summary:    "Lists the members around a member",
		Complexity: geoComplexity,
		Arity:      -5, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		DeprecatedSince: "6.2.0", ReplacedBy: "`GEOSEARCH` with `BYRADIUS` and `FROMMEMBER`",
		History: [][2]string{{"6.2.0", anyHistory}},
		Args: []Arg{
			keyArg("key"), stringArg("member"), doubleArg("radius"), unitArg, withCoordArg, withDistArg, withHashArg,
			countAnyArg, orderArg,
		},
		Run: func(c *Ctx) { c.geosearchGeneric(geoForm{source: 1, options: 5, circle: aroundMember}) },
	},
}

var (
	storeArg     = optional(withToken("STORE", keyArgOf("key", 1)))
	storeDistArg = optional(withToken("STOREDIST", keyArgOf("key", 2)))
)

// georadiusKeys are the keys of a command whose options, STORE being one, begin at an argument.
func georadiusKeys(options int) []Keys {
	return append(KeyAt(1, RO|AccessOp),
		Keys{Index: options, Keyword: "STORE", Step: 1, Access: OW | UpdateOp},
		Keys{Index: options, Keyword: "STOREDIST", Step: 1, Access: OW | UpdateOp})
}

// storesTwice reports whether a call has STORE or STOREDIST more than once: the key specifications name the keys of the first of each,
// and the last of all counts.
func storesTwice(args [][]byte) bool {
	n := 0
	for _, a := range args {
		if equalFold(a, "STORE") || equalFold(a, "STOREDIST") {
			n++
		}
	}
	return n > 1
}

const (
	errMemberPlace    = "ERR could not decode requested zset member"
	errRadius         = "ERR need numeric radius"
	errRadiusNegative = "ERR radius cannot be negative"
	errWidth          = "ERR need numeric width"
	errHeight         = "ERR need numeric height"
	errBoxNegative    = "ERR height or width cannot be negative"
	errCountPositive  = "ERR COUNT must be > 0"
	errAnyCount       = "ERR the ANY argument requires COUNT argument"
	errVertices       = "ERR invalid number of vertices"
	errFewVertices    = "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"
	errManyVertices   = "ERR GEOSEARCH BYPOLYGON must have at most 10000 vertices" // geo.MaxVertices
	errOneFrom        = "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for "
	errOneBy          = "ERR exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified for "
	errStoreWith      = " is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
)

// geoForm is what distinguishes the commands that search.
type geoForm struct {
	source  int // the argument that is the key
	options int // the first of the options
	circle  geoCircle
	stores  bool // at the key that STORE or STOREDIST names; GEOSEARCHSTORE: at its first argument
}

// geoCircle is where the shape of a call is found.
type geoCircle uint8

const (
	inOptions    geoCircle = iota // GEOSEARCH, GEOSEARCHSTORE
	aroundPlace                   // GEORADIUS key longitude latitude radius unit
	aroundMember                  // GEORADIUSBYMEMBER key member radius unit
)

type geoOrder uint8

const (
	asFound geoOrder = iota
	nearestFirst
	farthestFirst
)

// geoSearch is what a call asks for.
type geoSearch struct {
	shape     geo.Shape
	metres    float64 // of the unit that distances are answered in
	count     int64   // 0: all
	any       bool
	order     geoOrder
	withDist  bool
	withHash  bool
	withCoord bool
	store     []byte // nil: answered
	storeDist bool
}

func (c *Ctx) geosearchGeneric(form geoForm) {
	z, err := c.DB.ZSet(c.Args[form.source])
	if c.fail(err) {
		return
	}
	p := geoParser{c: c, form: form, z: z}
	if !p.parse() {
		return
	}
	q := p.search()
	var hits []zset.Hit
	problem := ""
	if z != nil {
		hits, problem = c.geoHits(&z.Set, &q)
	}
	switch {
	case problem != "":
		c.Error(problem)
	case q.store != nil:
		c.storeHits(z, hits, &q)
	default:
		c.answerHits(hits, &q)
	}
}

// geoParser reads the arguments of a search, in the order in which Redis does, as the first mistake is the one that is answered.
type geoParser struct {
	c    *Ctx
	form geoForm
	z    *store.ZSet // nil: there is no such key, and no member to search around
	q    geoSearch

	fromMember, fromPlace bool
	byRadius, byBox       bool
	lon, lat              float64
	radius, width, height float64
	polygon               *geo.Polygon
}

// search is the search, once it is parsed.
func (p *geoParser) search() geoSearch {
	q := p.q
	switch {
	case p.polygon != nil:
		q.shape, q.metres = geo.Area(p.polygon), 1
	case p.byBox:
		q.shape = geo.Box(p.lon, p.lat, float64(p.width*q.metres), float64(p.height*q.metres))
	default:
		q.shape = geo.Circle(p.lon, p.lat, float64(p.radius*q.metres))
	}
	// Without an order COUNT would mean little, unless any will do.
	if q.count > 0 && q.order == asFound && !q.any {
		q.order = nearestFirst
	}
	return q
}

// parse reports whether the arguments are right; if not it has answered what is wrong.
func (p *geoParser) parse() bool {
	c := p.c
	switch p.form.circle {
	case aroundPlace:
		if !p.place(c.Args[2:]) || !p.circle(c.Args[4:]) {
			return false
		}
	case aroundMember:
		if p.z != nil && (!p.member(c.Args[2]) || !p.circle(c.Args[3:])) {
			return false
		}
	default:
		if p.form.stores {
			p.q.store = c.Args[1]
		}
	}
	for args := c.Args[p.form.options:]; len(args) > 0; {
		n, ok := p.option(args)
		if !ok {
			return false
		}
		args = args[n:]
	}
	problem := p.check()
	return problem == "" || p.fails(problem)
}

// check words what is wrong with the options together, if anything.
func (p *geoParser) check() (problem string) {
	q, inOptions := &p.q, p.form.circle == inOptions
	switch {
	case q.store != nil && (q.withDist || q.withHash || q.withCoord) && inOptions:
		return "ERR GEOSEARCHSTORE" + errStoreWith
	case q.store != nil && (q.withDist || q.withHash || q.withCoord):
		return "ERR STORE option in GEORADIUS" + errStoreWith
	case inOptions && !p.fromMember && !p.fromPlace && p.polygon == nil:
		return errOneFrom + string(p.c.Args[0])
	case inOptions && !p.byRadius && !p.byBox && p.polygon == nil:
		return errOneBy + string(p.c.Args[0])
	case q.any && q.count == 0:
		return errAnyCount
	}
	return ""
}

// option reads the option that args begin with, and returns the number of arguments it has taken.
func (p *geoParser) option(args [][]byte) (n int, ok bool) {
	q, a := &p.q, args[0]
	switch {
	case equalFold(a, "WITHDIST"):
		q.withDist = true
	case equalFold(a, "WITHHASH"):
		q.withHash = true
	case equalFold(a, "WITHCOORD"):
		q.withCoord = true
	case equalFold(a, "ANY"):
		q.any = true
	case equalFold(a, "ASC"):
		q.order = nearestFirst
	case equalFold(a, "DESC"):
		q.order = farthestFirst
	case equalFold(a, "COUNT") && len(args) > 1:
		return 2, p.count(args[1])
	case p.form.circle == inOptions:
		return p.shapeOption(args)
	case equalFold(a, "STORE") && len(args) > 1 && p.form.stores:
		q.store, q.storeDist = args[1], false
		return 2, true
	case equalFold(a, "STOREDIST") && len(args) > 1 && p.form.stores:
		q.store, q.storeDist = args[1], true
		return 2, true
	default:
		return 0, p.fails(errSyntax)
	}
	return 1, true
}

// shapeOption is option for those that only GEOSEARCH and GEOSEARCHSTORE have.
func (p *geoParser) shapeOption(args [][]byte) (n int, ok bool) {
	a, isPolygon := args[0], p.polygon != nil
	switch {
	case equalFold(a, "STOREDIST") && p.form.stores:
		p.q.storeDist = true
		return 1, true
	case equalFold(a, "FROMMEMBER") && len(args) > 1 && !p.fromPlace && !isPolygon:
		p.fromMember = true
		return 2, p.z == nil || p.member(args[1])
	case equalFold(a, "FROMLONLAT") && len(args) > 2 && !p.fromMember && !isPolygon:
		p.fromPlace = true
		return 3, p.place(args[1:])
	case equalFold(a, "BYRADIUS") && len(args) > 2 && !p.byBox && !isPolygon:
		p.byRadius = true
		return 3, p.circle(args[1:])
	case equalFold(a, "BYBOX") && len(args) > 3 && !p.byRadius && !isPolygon:
		p.byBox = true
		return 4, p.box(args[1:])
	case equalFold(a, "BYPOLYGON") && len(args) > 2 && !p.byRadius && !p.byBox && !p.fromMember && !p.fromPlace:
		return p.vertices(args)
	}
	return 0, p.fails(errSyntax)
}

// fails answers an error, and is false.
func (p *geoParser) fails(problem string) bool {
	p.c.Error(problem)
	return false
}

func (p *geoParser) count(arg []byte) (ok bool) {
	if p.q.count, ok = parseInt(arg); !ok {
		return p.fails(errNotInt)
	}
	return p.q.count > 0 || p.fails(errCountPositive)
}

func (p *geoParser) member(arg []byte) (ok bool) {
	p.lon, p.lat, ok = placeOf(p.z, arg)
	return ok || p.fails(errMemberPlace)
}

func (p *geoParser) place(args [][]byte) (ok bool) {
	p.lon, p.lat, ok = p.c.place(args[0], args[1])
	return ok
}

// circle reads a radius and its unit.
func (p *geoParser) circle(args [][]byte) (ok bool) {
	if p.radius, ok = parseFloat(args[0]); !ok {
		return p.fails(errRadius)
	}
	if p.radius < 0 {
		return p.fails(errRadiusNegative)
	}
	p.q.metres, ok = p.c.unit(args[1])
	return ok
}

// box reads a width, a height and their unit.
func (p *geoParser) box(args [][]byte) (ok bool) {
	if p.width, ok = parseFloat(args[0]); !ok {
		return p.fails(errWidth)
	}
	if p.height, ok = parseFloat(args[1]); !ok {
		return p.fails(errHeight)
	}
	if p.width < 0 || p.height < 0 {
		return p.fails(errBoxNegative)
	}
	p.q.metres, ok = p.c.unit(args[2])
	return ok
}

// vertices reads BYPOLYGON with its number of vertices and these.
func (p *geoParser) vertices(args [][]byte) (used int, ok bool) {
	n, ok := parseInt(args[1])
	args = args[2:]
	switch {
	case !ok || n != int64(int32(n)):
		return 0, p.fails(errVertices)
	case n < 3 || int64(len(args)/2) < n:
		return 0, p.fails(errFewVertices)
	case n > geo.MaxVertices:
		return 0, p.fails(errManyVertices)
	}
	vertices := make([]geo.Point, n)
	for i := range vertices {
		if vertices[i].X, vertices[i].Y, ok = p.c.place(args[2*i], args[2*i+1]); !ok {
			return 0, false
		}
	}
	p.polygon = geo.NewPolygon(vertices)
	return 2 + 2*int(n), true
}
