package commands

import (
	"math/bits"

	"quarry/store/field"
)

var huntGetCommands = []Spec{
	{
		Name: "HUNT.GET", Group: Hunt, Since: huntSince,
		Summary:    "Reads members of a field: places, or what the options ask for",
		Complexity: "O(M*log(N)), M members being asked for of a field of N",
		Arity:      -3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp), Seeks: 2,
		Args: []Arg{
			keyArg("key"), multiple(stringArg("member")), optional(token("WITHCOORD")), optional(token("WITHFIELDS")),
			optional(token("WITHTAGS")), optional(token("WITHPAYLOAD")), optional(token("WITHTTL")),
		},
		Run: huntGet,
	},
}

// parts are what is asked for of members.
type parts uint8

const (
	withDist parts = 1 << iota
	withCoord
	withFields
	withTags
	withPayload
	withTTL
)

var partTokens = [...]string{"WITHDIST", "WITHCOORD", "WITHFIELDS", "WITHTAGS", "WITHPAYLOAD", "WITHTTL"}

// partNamed is the part, of those that a command has, that a token asks for; 0 if none.
func partNamed(arg []byte, of parts) parts {
	if len(arg) > 0 && arg[0]|0x20 == 'w' {
		for i, t := range partTokens {
			if p := parts(1) << i; of&p != 0 && equalFold(arg, t) {
				return p
			}
		}
	}
	return 0
}

func (p parts) count() int { return bits.OnesCount8(uint8(p)) }

// depth is how much of a member is to be read for them.
func (p parts) depth() field.Depth {
	switch {
	case p&withPayload != 0:
		return field.Deep
	case p&(withFields|withTags) != 0:
		return field.Middle
	}
	return field.Shallow
}

func huntGet(c *Ctx) {
	c.hunted = true
	const known = withCoord | withFields | withTags | withPayload | withTTL
	members, asked := c.Args[2:], parts(0)
	for len(members) > 1 { // the options stand at the end, and the first argument is a member, whatever it looks like
		p := partNamed(members[len(members)-1], known)
		if p == 0 {
			break
		}
		asked |= p
		members = members[:len(members)-1]
	}
	if asked == 0 {
		asked = withCoord
	}
	f, err := c.DB.Field(c.Args[1])
	if c.fail(err) {
		return
	}
	c.Array(len(members))
	for _, member := range members {
		if f == nil || !f.Get(member, c.NowMS, asked.depth(), &c.record) {
			c.Null()
			continue
		}
		c.Map(asked.count())
		for p := withCoord; p <= withTTL; p <<= 1 {
			if asked&p != 0 {
				c.Str(partNames[bits.TrailingZeros8(uint8(p))])
				c.part(p, f.Shape().Dims)
			}
		}
	}
}

var partNames = [...]string{"dist", "coord", "fields", "tags", "payload", "ttl"}

// part answers a part of c.record.
func (c *Ctx) part(p parts, dims int) {
	r := &c.record
	switch p {
	case withCoord:
		c.Array(dims)
		c.Double(r.X)
		c.Double(r.Y)
		if dims == 3 {
			c.Double(r.Z)
		}
	case withFields:
		c.Map(r.Numbers())
		for i := range r.Numbers() {
			name, value := r.Number(i)
			c.Bulk(name)
			c.Double(value)
		}
	case withTags:
		c.Map(len(r.Tags()))
		for _, t := range r.Tags() {
			c.Bulk(t.Name)
			c.Bulk(t.Text)
		}
	case withPayload:
		if payload, ok := r.Payload(); ok {
			c.Bulk(payload)
		} else {
			c.Null()
		}
	case withTTL:
		c.memberTTL(r)
	}
}

// memberTTL answers the milliseconds that a member has left, -1 if it never expires.
func (c *Ctx) memberTTL(r *field.Record) {
	if r.ExpiresAt == 0 {
		c.Int(-1)
		return
	}
	c.Int(r.ExpiresAt - c.NowMS)
}
