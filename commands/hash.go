package commands

import (
	"math"

	"quarry/store"
	"quarry/store/table"
)

var (
	fieldArg  = stringArg("field")
	fieldPair = block("field_value", stringArg("field"), stringArg("value"))
)

var hashCommands = []Spec{
	{
		Name: "HSET", Group: HashGroup, Since: "2.0.0",
		Summary:    "Gives fields of a hash their values, whether they are there or not",
		Complexity: "O(1) for each field",
		Arity:      -4, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|UpdateOp), Seeks: 2,
		History: [][2]string{{"4.0.0", "More than one field in a call."}},
		Args:    []Arg{keyArg("key"), multiple(fieldPair)},
		Run:     hset,
	},
	{
		Name: "HSETNX", Group: HashGroup, Since: "2.0.0",
		Summary: "Gives a field its value unless it is there", Complexity: "O(1)",
		Arity: 4, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|InsertOp), Seeks: 2,
		Args: []Arg{keyArg("key"), fieldArg, stringArg("value")},
		Run:  hsetnx,
	},
	{
		Name: "HMSET", Group: HashGroup, Since: "2.0.0",
		Summary: "Gives fields their values", Complexity: "O(N) for N fields",
		Arity: -4, Flags: Write | DenyOOM | Fast | Verbatim, Keys: KeyAt(1, RW|UpdateOp), Seeks: 2,
		DeprecatedSince: "4.0.0", ReplacedBy: "`HSET` with several fields and values",
		Args: []Arg{keyArg("key"), multiple(fieldPair)},
		Run:  hmset,
	},
	{
		Name: "HGET", Group: HashGroup, Since: "2.0.0",
		Summary: "Tells the value of a field", Complexity: "O(1)",
		Arity: 3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp), Seeks: 2,
		Args: []Arg{keyArg("key"), fieldArg},
		Run:  hget,
	},
	{
		Name: "HMGET", Group: HashGroup, Since: "2.0.0",
		Summary: "Tells the values of several fields", Complexity: "O(N) for N fields",
		Arity: -3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO|AccessOp), Seeks: 2,
		Args: []Arg{keyArg("key"), multiple(fieldArg)},
		Run:  hmget,
	},
	{
		Name: "HGETALL", Group: HashGroup, Since: "2.0.0",
		Summary: "Lists the fields of a hash with their values", Complexity: "O(N) for a hash of N fields",
		Arity: 2, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output_order"},
		Args: []Arg{keyArg("key")},
		Run:  hgetall,
	},
	{
		Name: "HKEYS", Group: HashGroup, Since: "2.0.0",
		Summary: "Lists the fields of a hash", Complexity: "O(N) for a hash of N fields",
		Arity: 2, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output_order"},
		Args: []Arg{keyArg("key")},
		Run:  func(c *Ctx) { c.hashColumn((*table.Iter).Key) },
	},
	{
		Name: "HVALS", Group: HashGroup, Since: "2.0.0",
		Summary: "Lists the values of a hash", Complexity: "O(N) for a hash of N fields",
		Arity: 2, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Tips: []string{"nondeterministic_output_order"},
		Args: []Arg{keyArg("key")},
		Run:  func(c *Ctx) { c.hashColumn((*table.Iter).Value) },
	},
	{
		Name: "HDEL", Group: HashGroup, Since: "2.0.0",
		Summary: "Removes fields from a hash", Complexity: "O(N) for N fields",
		Arity: -3, Flags: Write | Fast | Verbatim, Keys: KeyAt(1, RW|DeleteOp), Seeks: 2,
		History: [][2]string{{"2.4.0", "More than one field in a call."}},
		Args:    []Arg{keyArg("key"), multiple(fieldArg)},
		Run:     hdel,
	},
	{
		Name: "HGETDEL", Group: HashGroup, Since: "8.0.0",
		Summary: "Tells the values of fields and removes them", Complexity: "O(N) for N fields",
		Arity: -5, Flags: Write | Fast | SelfPropagate, Keys: KeyAt(1, RW|AccessOp|DeleteOp),
		Args: []Arg{keyArg("key"), withToken("FIELDS", block("fields", intArg("numfields"), multiple(fieldArg)))},
		Run:  hgetdel,
	},
	{
		Name: "HLEN", Group: HashGroup, Since: "2.0.0",
		Summary: "Counts the fields of a hash", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key")},
		Run:  hlen,
	},
	{
		Name: "HSTRLEN", Group: HashGroup, Since: "3.2.0",
		Summary: "Tells the length of a field's value", Complexity: "O(1)",
		Arity: 3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO), Seeks: 2,
		Args: []Arg{keyArg("key"), fieldArg},
		Run:  hstrlen,
	},
	{
		Name: "HEXISTS", Group: HashGroup, Since: "2.0.0",
		Summary: "Tells whether a hash has a field", Complexity: "O(1)",
		Arity: 3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO), Seeks: 2,
		Args: []Arg{keyArg("key"), fieldArg},
		Run:  hexists,
	},
}

// putFields puts the fields and values of HSET and HMSET and counts the new ones; ok is false if it
// has answered an error.
func (c *Ctx) putFields() (added int64, ok bool) {
	pairs := c.Args[2:]
	if len(pairs)%2 != 0 {
		c.Error(WrongArity(c.Spec))
		return 0, false
	}
	h, err := c.DB.HashForWrite(c.Args[1])
	if c.fail(err) {
		return 0, false
	}
	for i := 0; i < len(pairs); i += 2 {
		if h.Put(pairs[i], pairs[i+1]) {
			added++
		}
	}
	c.Modified(ClassHash, "hset", c.Args[1])
	return added, true
}

func hset(c *Ctx) {
	if added, ok := c.putFields(); ok {
		c.Int(added)
	}
}

func hmset(c *Ctx) {
	if _, ok := c.putFields(); ok {
		c.OK()
	}
}

func hsetnx(c *Ctx) {
	h, err := c.DB.HashForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	if h.Has(c.Args[2]) {
		c.Int(0)
		return
	}
	h.Put(c.Args[2], c.Args[3])
	c.Modified(ClassHash, "hset", c.Args[1])
	c.Int(1)
}

// bulkOrNull answers a value, or null if there is none.
func (c *Ctx) bulkOrNull(value []byte, ok bool) {
	if ok {
		c.Bulk(value)
	} else {
		c.Null()
	}
}

func hget(c *Ctx) {
	h, err := c.DB.Hash(c.Args[1])
	switch {
	case c.fail(err):
	case h == nil:
		c.Null()
	default:
		c.bulkOrNull(h.Get(c.Args[2]))
	}
}

func hmget(c *Ctx) {
	h, err := c.DB.Hash(c.Args[1])
	if c.fail(err) {
		return
	}
	c.Array(len(c.Args) - 2)
	for i, field := range c.Args[2:] {
		if h == nil {
			c.Null()
			continue
		}
		if i%table.PrefetchMax == 0 {
			h.Prefetch(c.Args[2+i:])
		}
		c.bulkOrNull(h.Get(field))
	}
}

func hgetall(c *Ctx) {
	h, err := c.DB.Hash(c.Args[1])
	switch {
	case c.fail(err):
	case h == nil:
		c.Map(0)
	default:
		c.Map(h.Len())
		for c.members.Seek(&h.Table); c.members.Next(); {
			c.Bulk(c.members.Key())
			c.Bulk(c.members.Value())
		}
	}
}

// hashColumn answers all fields of a hash, or all values.
func (c *Ctx) hashColumn(of func(*table.Iter) []byte) {
	h, err := c.DB.Hash(c.Args[1])
	switch {
	case c.fail(err):
	case h == nil:
		c.Array(0)
	default:
		c.Array(h.Len())
		for c.members.Seek(&h.Table); c.members.Next(); {
			c.Bulk(of(&c.members))
		}
	}
}

func hdel(c *Ctx) {
	h, err := c.DB.HashForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	removed := int64(0)
	for _, field := range c.Args[2:] {
		if h.Remove(field) {
			removed++
		}
	}
	c.fieldsGone(h, removed)
	c.Int(removed)
}

// fieldsGone says that fields, and with the last the key, were removed, if any were.
func (c *Ctx) fieldsGone(h *store.Hash, removed int64) {
	if removed == 0 {
		return
	}
	c.Modified(ClassHash, "hdel", c.Args[1])
	if h.Len() == 0 {
		c.Modified(ClassGeneric, "del", c.Args[1])
	}
}

const (
	errNoFields    = "ERR Mandatory argument FIELDS is missing or not at the right position"
	errFieldsCount = "ERR Number of fields must be a positive integer"
	errFieldsMatch = "ERR The `numfields` parameter must match the number of arguments"
)

func hgetdel(c *Ctx) {
	h, err := c.DB.HashForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	fields, problem := parseFields(c.Args[2:])
	if problem != "" {
		c.Error(problem)
		return
	}
	removed := int64(0)
	c.Array(len(fields))
	for _, field := range fields {
		c.bulkOrNull(h.Get(field))
		if h.Remove(field) {
			removed++
		}
	}
	c.fieldsGone(h, removed)
	if removed > 0 {
		c.Effect(2+len(fields), "HDEL").Bytes(c.Args[1]).All(fields)
	}
}

// parseFields reads FIELDS, their number, and the fields.
func parseFields(args [][]byte) (fields [][]byte, problem string) {
	if !equalFold(args[0], "FIELDS") {
		return nil, errNoFields
	}
	n, ok := parseInt(args[1])
	switch {
	case !ok || n < 1 || n > math.MaxInt32:
		return nil, errFieldsCount
	case n != int64(len(args)-2):
		return nil, errFieldsMatch
	}
	return args[2:], ""
}

func hlen(c *Ctx) {
	h, err := c.DB.Hash(c.Args[1])
	switch {
	case c.fail(err):
	case h == nil:
		c.Int(0)
	default:
		c.Int(int64(h.Len()))
	}
}

func hstrlen(c *Ctx) {
	h, err := c.DB.Hash(c.Args[1])
	switch {
	case c.fail(err):
	case h == nil:
		c.Int(0)
	default:
		n, _ := h.ValueLen(c.Args[2])
		c.Int(int64(n))
	}
}

func hexists(c *Ctx) {
	h, err := c.DB.Hash(c.Args[1])
	switch {
	case c.fail(err):
	case h != nil && h.Has(c.Args[2]):
		c.Int(1)
	default:
		c.Int(0)
	}
}
