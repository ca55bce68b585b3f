package commands

import (
	"fmt"
	"math"

	"quarry/store"
	"quarry/store/field"
)

var huntCommands = []Spec{
	{
		Name: "HUNT.CREATE", Group: Hunt, Since: huntSince,
		Summary:    "Makes an empty field, which stays when it is empty, with a space, dimensions and bounds",
		Complexity: "O(1)",
		Arity:      -3, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, OW|InsertOp),
		Args: []Arg{
			keyArg("key"), token("FIELD"),
			optional(withToken("SPACE", oneOf("space", token("PLANE"), token("GEO")))),
			optional(withToken("DIMS", intArg("dims"))),
			optional(withToken("BOUNDS", block("bounds", doubleArg("minx"), doubleArg("miny"), doubleArg("maxx"), doubleArg("maxy")))),
		},
		Run: huntCreate,
	},
	{
		Name: "HUNT.DEL", Group: Hunt, Since: huntSince,
		Summary:    "Removes members from a field",
		Complexity: "O(M*log(N)), M members being removed from a field of N",
		Arity:      -3, Flags: Write | Fast | SelfPropagate, Keys: KeyAt(1, RW|DeleteOp),
		Args: []Arg{keyArg("key"), multiple(stringArg("member"))},
		Run:  huntDel,
	},
	{
		Name: "HUNT.PURGE", Group: Hunt, Since: huntSince,
		Summary:    "Removes up to 10000 members from a field whose deadlines lie before a time",
		Complexity: "O(M*log(N)), M members being removed from a field of N",
		Arity:      3, Flags: Write | Verbatim, Keys: KeyAt(1, RW|DeleteOp),
		Args: []Arg{keyArg("key"), timeArg("unix-time-milliseconds")},
		Run:  huntPurge,
	},
	{
		Name: "HUNT.CARD", Group: Hunt, Since: huntSince,
		Summary: "Counts the members of a field", Complexity: "O(log(N))",
		Arity: 2, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key")},
		Run:  huntCard,
	},
	{
		Name: "HUNT.SCAN", Group: Hunt, Since: huntSince,
		Summary:    "Walks the members of a field a few at a time",
		Complexity: "O(1) a call, O(N) for a whole walk over N members",
		Arity:      -3, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output"},
		Args: []Arg{
			keyArg("key"), intArg("cursor"), optional(withToken("MATCH", patternArg("pattern"))),
			optional(withToken("COUNT", intArg("count"))),
		},
		Run: huntScan,
	},
	{
		Name: "HUNT.INFO", Group: Hunt, Since: huntSince,
		Summary: "Describes a field", Complexity: "O(log(N))",
		Arity: 2, Flags: ReadOnly, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key")},
		Run:  huntInfo,
	},
}

// huntSince is the version of Quarry that HUNT came with, where other commands have a version of Redis.
const huntSince = "0.1.0"

const (
	errKeyExists = "ERR key already exists"
	errNoBoard   = "ERR HUNT.CREATE makes no boards yet: ZADD makes one"
	errDims      = "ERR DIMS must be 2 or 3"
)

func huntCreate(c *Ctx) {
	s, problem := parseShape(c.Args[2:])
	if problem != "" {
		c.Error(problem)
		return
	}
	if !c.DB.CreateField(c.Args[1], s) {
		c.Error(errKeyExists)
		return
	}
	c.Modified(ClassModule, "hunt.create", c.Args[1])
	c.OK()
}

// parseShape reads what follows HUNT.CREATE's key. An option that is repeated counts as it comes last.
func parseShape(args [][]byte) (s field.Shape, problem string) {
	s.Dims = 2
	switch {
	case equalFold(args[0], "BOARD"):
		return s, errNoBoard
	case !equalFold(args[0], "FIELD"):
		return s, errSyntax
	}
	for args = args[1:]; len(args) > 0; {
		n := 2
		switch {
		case len(args) >= 2 && equalFold(args[0], "SPACE"):
			switch {
			case equalFold(args[1], "PLANE"):
				s.Space = field.Plane
			case equalFold(args[1], "GEO"):
				s.Space = field.Geo
			default:
				return s, errSyntax
			}
		case len(args) >= 2 && equalFold(args[0], "DIMS"):
			dims, ok := parseInt(args[1])
			if !ok || dims != 2 && dims != 3 {
				return s, errDims
			}
			s.Dims = int(dims)
		case len(args) >= 5 && equalFold(args[0], "BOUNDS"):
			b := &s.Bounds
			for i, f := range [...]*float64{&b.MinX, &b.MinY, &b.MaxX, &b.MaxY} {
				var ok bool
				if *f, ok = parseFloat(args[1+i]); !ok {
					return s, errNotFloat
				}
			}
			s.Bounded, n = true, 5
		default:
			return s, errSyntax
		}
		args = args[n:]
	}
	if err := s.Check(); err != nil {
		return s, "ERR " + err.Error()
	}
	return s, ""
}

func huntDel(c *Ctx) {
	f, err := c.DB.FieldForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	removed := 0
	for _, member := range c.Args[2:] {
		if f.Remove(member) {
			removed++
		}
	}
	if removed > 0 {
		c.Modified(ClassModule, "hunt.del", c.Args[1])
		c.goneWith(f)
		c.Effect(len(c.Args), "HUNT.DEL").All(c.Args[1:])
		c.huntGone(f)
	}
	c.Int(int64(removed))
}

// purgeMost is how many members a call of HUNT.PURGE may remove.
const purgeMost = 10000

// huntPurge removes what is due in the field. In the log it stands before what was put when
// some members were over, and removes all of them there (huntDue).
func huntPurge(c *Ctx) {
	atMS, ok := parseInt(c.Args[2])
	if !ok {
		c.Error(errNotInt)
		return
	}
	most := purgeMost
	if c.NowMS == 0 {
		most = math.MaxInt
	}
	f, err := c.DB.FieldForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	removed := f.Purge(atMS, most)
	if removed > 0 {
		c.Modified(ClassModule, "hunt.del", c.Args[1])
		c.goneWith(f)
	}
	c.Int(int64(removed))
}

// goneWith says that the key at the first argument is gone, if its field is, which had members.
func (c *Ctx) goneWith(f *store.Field) {
	if !f.Exists() {
		c.Modified(ClassGeneric, "del", c.Args[1])
	}
}

func huntCard(c *Ctx) {
	f, err := c.DB.Field(c.Args[1])
	switch {
	case c.fail(err):
	case f == nil:
		c.Int(0)
	default:
		c.Int(int64(f.Len(c.NowMS)))
	}
}

func huntScan(c *Ctx) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Error(errInvalidCursor)
		return
	}
	o, problem := parseElementScan(c.Args[3:], "")
	if problem != "" {
		c.Error(problem)
		return
	}
	f, err := c.DB.Field(c.Args[1])
	if c.fail(err) {
		return
	}
	if f == nil {
		c.emptyScan()
		return
	}
	var found keyList
	next := f.Scan(cursor, o.count, c.NowMS, func(member []byte) {
		if o.matches(member) {
			found.add(member)
		}
	})
	c.beginScan(next)
	found.reply(c)
}

func huntInfo(c *Ctx) {
	f, err := c.DB.Field(c.Args[1])
	if c.fail(err) {
		return
	}
	if f == nil {
		c.Null()
		return
	}
	s := f.Shape()
	bytes, _ := c.DB.Bytes(c.Args[1])
	c.Map(8)
	c.Str("type")
	c.Str("field")
	c.Str("space")
	c.Str(spaceNames[s.Space])
	c.Str("dims")
	c.Int(int64(s.Dims))
	c.Str("bounds")
	if s.Bounded {
		c.doubles(s.Bounds.MinX, s.Bounds.MinY, s.Bounds.MaxX, s.Bounds.MaxY)
	} else {
		c.Null()
	}
	c.Str("members")
	c.Int(int64(f.Len(c.NowMS)))
	c.Str("expiring")
	c.Int(int64(f.Expiring(c.NowMS)))
	c.Str("fields")
	mark, n := c.Defer(), 0
	f.EachName(func(name []byte) {
		c.Bulk(name)
		n++
	})
	c.Patch(mark, n)
	c.Str("bytes")
	c.Int(bytes)
}

var spaceNames = [...]string{field.Plane: "plane", field.Geo: "geo"}

// doubles answers an array of doubles.
func (c *Ctx) doubles(list ...float64) {
	c.Array(len(list))
	for _, f := range list {
		c.Double(f)
	}
}

// errDimensions words the error for a place of the wrong length.
func errDimensions(dims int) string {
	if dims == 3 {
		return "ERR the field has 3 dimensions: a place is x y z"
	}
	return fmt.Sprintf("ERR the field has %d dimensions: a place is x y", dims)
}
