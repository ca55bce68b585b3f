package commands

import (
	"bytes"

	"quarry/store"
)

var keysCommands = []Spec{
	{
		Name: "DEL", Group: Generic, Since: "1.0.0",
		Summary: "Removes keys and tells how many there were", Complexity: "O(N) for N keys, whatever their values hold",
		Arity: -2, Flags: Write | KeyspaceCat | Verbatim, Keys: KeyRange(1, -1, 1, RM|DeleteOp),
		Tips: []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Args: []Arg{multiple(keyArg("key"))},
		Run:  del,
	},
	{
		Name: "UNLINK", Group: Generic, Since: "4.0.0",
		Summary: "Removes keys like DEL, which never waits for memory to be freed either", Complexity: "O(N) for N keys",
		Arity: -2, Flags: Write | Fast | KeyspaceCat | Verbatim, Keys: KeyRange(1, -1, 1, RM|DeleteOp),
		Tips: []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Args: []Arg{multiple(keyArg("key"))},
		Run:  del,
	},
	{
		Name: "EXISTS", Group: Generic, Since: "1.0.0",
		Summary: "Counts how many of the keys exist", Complexity: "O(N) for N keys",
		Arity: -2, Flags: ReadOnly | Fast | KeyspaceCat, Keys: KeyRange(1, -1, 1, RO),
		Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		History: [][2]string{{"3.0.3", "More than one key may be given."}},
		Args:    []Arg{multiple(keyArg("key"))},
		Run:     exists,
	},
	{
		Name: "TYPE", Group: Generic, Since: "1.0.0",
		Summary: "Names the type of a key's value", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast | KeyspaceCat, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key")},
		Run:  typeOf,
	},
	{
		Name: "RENAME", Group: Generic, Since: "1.0.0",
		Summary: "Gives a key another name, replacing what has that name", Complexity: "O(1)",
		Arity: 3, Flags: Write | KeyspaceCat | Verbatim,
		Keys: []Keys{
			{Index: 1, Step: 1, Access: RW | AccessOp | DeleteOp},
			{Index: 2, Step: 1, Access: OW | UpdateOp},
		},
		Args: []Arg{keyArg("key"), keyArgOf("newkey", 1)},
		Run:  rename,
	},
	{
		Name: "RENAMENX", Group: Generic, Since: "1.0.0",
		Summary: "Gives a key another name if no key has that name", Complexity: "O(1)",
		Arity: 3, Flags: Write | Fast | KeyspaceCat | Verbatim,
		Keys: []Keys{
			{Index: 1, Step: 1, Access: RW | AccessOp | DeleteOp},
			{Index: 2, Step: 1, Access: OW | InsertOp},
		},
		History: [][2]string{{"3.2.0", "The same name twice is no error any more."}},
		Args:    []Arg{keyArg("key"), keyArgOf("newkey", 1)},
		Run:     renamenx,
	},
	{
		Name: "COPY", Group: Generic, Since: "6.2.0",
		Summary: "Copies a key's value and expiry to another key", Complexity: "O(N) for a value of N elements",
		Arity: -3, Flags: Write | DenyOOM | KeyspaceCat | Verbatim,
		Keys: []Keys{
			{Index: 1, Step: 1, Access: RO | AccessOp},
			{Index: 2, Step: 1, Access: OW | UpdateOp},
		},
		Args: []Arg{
			keyArg("source"), keyArgOf("destination", 1),
			optional(withToken("DB", intArg("destination-db"))), optional(token("REPLACE")),
		},
		Run: copyKey,
	},
	{
		Name: "TOUCH", Group: Generic, Since: "3.2.1",
		Summary: "Marks keys as just used and counts those that exist", Complexity: "O(N) for N keys",
		Arity: -2, Flags: ReadOnly | Fast | KeyspaceCat, Keys: KeyRange(1, -1, 1, RO),
		Tips: []string{"request_policy:multi_shard", "response_policy:agg_sum"},
		Args: []Arg{multiple(keyArg("key"))},
		Run:  touch,
	},
	{
		Name: "RANDOMKEY", Group: Generic, Since: "1.0.0",
		Summary: "Picks a key of the database by chance", Complexity: "O(1)",
		Arity: 1, Flags: ReadOnly | KeyspaceCat | LocksShards,
		Tips: []string{"request_policy:all_shards", "nondeterministic_output"},
		Run:  randomkey,
	},
	{
		Name: "KEYS", Group: Generic, Since: "1.0.0",
		Summary:    "Lists all keys that match a pattern; SCAN does it in small steps",
		Complexity: "O(N) for N keys in the database",
		Arity:      2, Flags: ReadOnly | KeyspaceCat | Dangerous | LocksShards,
		Tips: []string{"request_policy:all_shards", "nondeterministic_output_order"},
		Args: []Arg{patternArg("pattern")},
		Run:  keys,
	},
	{
		Name: "MOVE", Group: Generic, Since: "1.0.0",
		Summary: "Moves a key to another database if it has no such key", Complexity: "O(1)",
		Arity: 3, Flags: Write | Fast | KeyspaceCat | Verbatim, Keys: KeyAt(1, RW|AccessOp|UpdateOp),
		Args: []Arg{keyArg("key"), intArg("db")},
		Run:  move,
	},
}

const errSameObject = "ERR source and destination objects are the same"

// TypeName is a type as TYPE answers it.
func TypeName(t store.Type) string { return typeNames[t] }

// typeNames are the types as TYPE answers and SCAN's TYPE option takes them.
var typeNames = [...]string{
	store.None: "none", store.TypeString: "string", store.TypeHash: "hash", store.TypeSet: "set",
	store.TypeList: "list", store.TypeZSet: "zset",
	store.TypeBloom: "MBbloom--", store.TypeField: "hunt-field",
}

func del(c *Ctx) {
	c.Int(c.countKeys(c.delete))
}

// delete removes a key, if it is there.
func (c *Ctx) delete(key []byte) bool {
	ok := c.DB.Delete(key)
	if ok {
		c.Modified(ClassGeneric, "del", key)
	}
	return ok
}

func exists(c *Ctx) {
	c.Int(c.countKeys(func(key []byte) bool { return c.DB.Type(key) != store.None }))
}

func touch(c *Ctx) {
	c.Int(c.countKeys(c.DB.Touch))
}

// countKeys counts the arguments for which do reports true; a key given twice is asked about twice.
func (c *Ctx) countKeys(do func(key []byte) bool) int64 {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if do(key) {
			n++
		}
	}
	return n
}

func typeOf(c *Ctx) {
	c.Status(typeNames[c.DB.Type(c.Args[1])])
}

func rename(c *Ctx) {
	src, dst := c.Args[1], c.Args[2]
	if !c.DB.Rename(src, dst) {
		c.Error(errNoSuchKey)
		return
	}
	if !bytes.Equal(src, dst) {
		c.renamed(src, dst)
	}
	c.OK()
}

func (c *Ctx) renamed(src, dst []byte) {
	c.Modified(ClassGeneric, "rename_from", src)
	c.Modified(ClassGeneric, "rename_to", dst)
}

func renamenx(c *Ctx) {
	src, dst := c.Args[1], c.Args[2]
	switch {
	case !c.DB.Use(src):
		c.Error(errNoSuchKey)
	case c.DB.Use(dst): // src itself, too
		c.Int(0)
	default:
		c.DB.Rename(src, dst)
		c.renamed(src, dst)
		c.Int(1)
	}
}

func copyKey(c *Ctx) {
	src, dst := c.Args[1], c.Args[2]
	dstDB, replace := c.DB.Index(), false
	for i := 3; i < len(c.Args); i++ {
		switch {
		case equalFold(c.Args[i], "REPLACE"):
			replace = true
		case equalFold(c.Args[i], "DB") && i+1 < len(c.Args):
			i++
			var ok bool
			if dstDB, ok = c.dbIndex(c.Args[i]); !ok {
				return
			}
		default:
			c.Error(errSyntax)
			return
		}
	}
	if dstDB == c.DB.Index() && bytes.Equal(src, dst) {
		c.Error(errSameObject)
		return
	}
	done, _, err := c.DB.Copy(src, dst, dstDB, replace)
	if c.fail(err) {
		return
	}
	if done {
		c.ModifiedIn(dstDB, ClassGeneric, "copy_to", dst)
	}
	c.Int(oneIf(done))
}

func randomkey(c *Ctx) {
	key, ok := c.DB.RandomKey(nil)
	if !ok {
		c.Null()
		return
	}
	c.Bulk(key)
}

func keys(c *Ctx) {
	pattern := c.Args[1]
	// The walk may pass a key twice when the directory changes under it; KEYS must not.
	seen := map[string]struct{}{}
	keep := func(key []byte) {
		if matchesKey(pattern, key) {
			seen[string(key)] = struct{}{}
		}
	}
	cursor := c.DB.Scan(0, keysStep, store.None, keep)
	for cursor != 0 {
		cursor = c.DB.Scan(cursor, keysStep, store.None, keep)
	}
	c.Array(len(seen))
	for key := range seen {
		c.Str(key)
	}
}

// keysStep is how many keys KEYS asks the store for at a time: enough to make
// the steps cheap, few enough to hold a shard's lock only briefly.
const keysStep = 1024

func move(c *Ctx) {
	db, ok := c.dbIndex(c.Args[2])
	switch {
	case !ok:
	case db == c.DB.Index():
		c.Error(errSameObject)
	default:
		c.moveTo(db, c.Args[1])
	}
}

func (c *Ctx) moveTo(db int, key []byte) {
	moved := c.DB.Move(key, db)
	if moved {
		c.Modified(ClassGeneric, "move_from", key)
		c.ModifiedIn(db, ClassGeneric, "move_to", key)
	}
	c.Int(oneIf(moved))
}

// dbIndex reads a database number, or answers why it is none.
func (c *Ctx) dbIndex(arg []byte) (db int, ok bool) {
	n, ok := c.int32Arg(arg)
	if ok && (n < 0 || n >= c.Host.Databases()) {
		c.Error(errDBIndex)
		return 0, false
	}
	return n, ok
}

// int32Arg reads an integer of 32 bits, or answers why it is none.
func (c *Ctx) int32Arg(arg []byte) (int, bool) {
	n, ok := parseInt(arg)
	switch {
	case !ok:
		c.Error(errNotInt)
	case n != int64(int32(n)):
		c.Error(errNotInt32)
	default:
		return int(n), true
	}
	return 0, false
}

const errNotInt32 = "ERR value is out of range, value must between -2147483648 and 2147483647"

// oneIf is the integer many commands answer a yes or no with.
func oneIf(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
