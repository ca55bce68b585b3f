package commands

import "quarry/store"

var hashScanCommands = []Spec{
	{
		Name: "HSCAN", Group: HashGroup, Since: "2.8.0",
		Summary:    "Walks the fields of a hash and their values a few at a time",
		Complexity: "O(1) a call, O(N) for a whole walk over N fields",
		Arity:      -3, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output"},
		Args: []Arg{
			keyArg("key"), intArg("cursor"), optional(withToken("MATCH", patternArg("pattern"))),
			optional(withToken("COUNT", intArg("count"))), optional(since("7.4.0", token("NOVALUES"))),
		},
		Run: hscan,
	},
	{
		Name: "HRANDFIELD", Group: HashGroup, Since: "6.2.0",
		Summary:    "Picks random fields of a hash",
		Complexity: "O(M) for M fields, at most O(N) for a hash of N",
		Arity:      -2, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output"},
		Args: []Arg{keyArg("key"), optional(block("options", intArg("count"), optional(token("WITHVALUES"))))},
		Run:  hrandfield,
	},
}

func hscan(c *Ctx) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Error(errInvalidCursor)
		return
	}
	h, err := c.DB.Hash(c.Args[1])
	if c.fail(err) {
		return
	}
	if h == nil { // before the options are looked at
		c.emptyScan()
		return
	}
	o, problem := parseElementScan(c.Args[3:], "NOVALUES")
	if problem != "" {
		c.Error(problem)
		return
	}
	var found keyList
	next := h.Scan(cursor, o.count, func(field, value []byte) {
		if o.matches(field) {
			found.add(field)
			if !o.keysOnly {
				found.add(value)
			}
		}
	})
	c.beginScan(next)
	found.reply(c)
}

func hrandfield(c *Ctx) {
	if len(c.Args) == 2 {
		c.randomField()
		return
	}
	count, withValues, ok := c.parseRandom("WITHVALUES")
	if !ok {
		return
	}
	h, err := c.DB.Hash(c.Args[1])
	if c.fail(err) {
		return
	}
	if h == nil || count == 0 {
		c.Array(0)
		return
	}
	f := fieldPicks{c: c, h: h, shape: c.rowShape(withValues)}
	if count < 0 {
		c.repeats(-count, &f)
		return
	}
	n := int(min(count, int64(h.Len())))
	f.begin(n)
	h.Sample(n, c.Rand, f.reply)
}

func (c *Ctx) randomField() {
	h, err := c.DB.Hash(c.Args[1])
	switch {
	case c.fail(err):
	case h == nil:
		c.Null()
	default:
		field, _ := h.Random(c.Rand)
		c.Bulk(field)
	}
}

// fieldPicks answers fields picked from a hash, with their values or without.
type fieldPicks struct {
	c            *Ctx
	h            *store.Hash
	shape        rowShape
	field, value []byte // drawn
}

func (f *fieldPicks) begin(n int) { f.c.beginRows(n, f.shape) }

func (f *fieldPicks) draw() (bytes int) {
	f.field, f.value = f.h.Random(f.c.Rand)
	if f.shape == membersOnly {
		return len(f.field)
	}
	return len(f.field) + len(f.value)
}

func (f *fieldPicks) answer() { f.reply(f.field, f.value) }

func (f *fieldPicks) reply(field, value []byte) {
	if f.shape == nested {
		f.c.Array(2)
	}
	f.c.Bulk(field)
	if f.shape != membersOnly {
		f.c.Bulk(value)
	}
}
