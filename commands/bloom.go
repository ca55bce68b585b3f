package commands

import (
	"errors"

	"quarry/store"
	"quarry/store/bloom"
)

// The commands of RedisBloom, which came with Redis 8 as a module, on Bloom filters; answers and errors, of which
// some have no code, are those of that version. What differs on purpose the README lists.

var bloomCommands = []Spec{
	{
		Name: "BF.RESERVE", Group: BloomGroup, Since: "1.0.0",
		Summary: "Makes an empty Bloom filter for a rate of false positives and a number of items", Complexity: "O(1)",
		Arity: -4, Flags: Write | DenyOOM | Fast | SelfPropagate, Keys: KeyAt(1, RW|InsertOp),
		Args: []Arg{
			keyArg("key"), doubleArg("error_rate"), intArg("capacity"),
			optional(withToken("EXPANSION", intArg("expansion"))), optional(token("NONSCALING")),
		},
		Run: bfreserve,
	},
	{
		Name: "BF.ADD", Group: BloomGroup, Since: "1.0.0",
		Summary: "Adds an item to a Bloom filter, which is made if there is none", Complexity: "O(L) for a filter of L sub-filters",
		Arity: 3, Flags: Write | DenyOOM | Verbatim | SelfPropagate, Keys: KeyAt(1, RW|InsertOp),
		Args: []Arg{keyArg("key"), stringArg("item")},
		Run:  bfadd,
	},
	{
		Name: "BF.MADD", Group: BloomGroup, Since: "1.0.0",
		Summary: "Adds items to a Bloom filter, which is made if there is none", Complexity: "O(N*L) for N items and L sub-filters",
		Arity: -3, Flags: Write | DenyOOM | Verbatim | SelfPropagate, Keys: KeyAt(1, RW|InsertOp),
		Args: []Arg{keyArg("key"), multiple(stringArg("item"))},
		Run:  bfmadd,
	},
	{
		Name: "BF.INSERT", Group: BloomGroup, Since: "1.0.0",
		Summary:    "Adds items to a Bloom filter, which is made as the options say if there is none",
		Complexity: "O(N*L) for N items and L sub-filters",
		Arity:      -4, Flags: Write | DenyOOM | Verbatim | SelfPropagate, Keys: KeyAt(1, RW|InsertOp),
		Args: []Arg{
			keyArg("key"), optional(withToken("CAPACITY", intArg("capacity"))), optional(withToken("ERROR", doubleArg("error"))),
			optional(withToken("EXPANSION", intArg("expansion"))), optional(token("NOCREATE")), optional(token("NONSCALING")),
			withToken("ITEMS", multiple(stringArg("item"))),
		},
		Run: bfinsert,
	},
	{
		Name: "BF.EXISTS", Group: BloomGroup, Since: "1.0.0",
		Summary: "Tells whether an item may have been added to a Bloom filter", Complexity: "O(L) for a filter of L sub-filters",
		Arity: 3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key"), stringArg("item")},
		Run:  bfexists,
	},
	{
		Name: "BF.MEXISTS", Group: BloomGroup, Since: "1.0.0",
		Summary:    "Tells for each of several items whether it may have been added to a Bloom filter",
		Complexity: "O(N*L) for N items and L sub-filters",
		Arity:      -3, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key"), multiple(stringArg("item"))},
		Run:  bfmexists,
	},
	{
		Name: "BF.INFO", Group: BloomGroup, Since: "1.0.0",
		Summary: "Describes a Bloom filter", Complexity: "O(1)",
		Arity: -2, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key"), optional(oneOf("single_value",
			token("CAPACITY"), token("SIZE"), token("FILTERS"), token("ITEMS"), token("EXPANSION")))},
		Run: bfinfo,
	},
	{
		Name: "BF.CARD", Group: BloomGroup, Since: "2.4.4",
		Summary: "Counts the items that were added to a Bloom filter and not found before", Complexity: "O(1)",
		Arity: 2, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key")},
		Run:  bfcard,
	},
}

// What filters are made with, as RedisBloom's bf-* options have it where nobody changes them.
const (
	bloomRate         = 0.01
	bloomCapacity     = 100
	bloomExpansion    = 2
	bloomMaxCapacity  = 1 << 30
	bloomMaxExpansion = 32768
)

const (
	errBloomNotFound   = "ERR not found"
	errBloomExists     = "ERR item exists"
	errBloomCreate     = "ERR could not create filter"
	errBloomFull       = "ERR non scaling filter is full"
	errBloomLimit      = "ERR problem inserting into filter"
	errBloomRate       = "ERR bad error rate"
	errBloomRates      = "ERR error rate must be in the range (0.000000, 1.000000)"
	errBloomCapacity   = "ERR bad capacity"
	errBloomCapacities = "ERR capacity must be in the range [1, 1073741824]"
	errBloomNoExpand   = "ERR no expansion"
	errBloomExpansion  = "ERR bad expansion"
	errBloomExpansions = "ERR expansion must be in the range [0, 32768]"
	errBloomFixed      = "Nonscaling filters cannot expand"
	errInsertRate      = "Bad error rate"
	errInsertCapacity  = "Bad capacity"
	errInsertExpansion = "Bad expansion"
	errInsertUnknown   = "Unknown argument received"
	errInfoUnknown     = "Invalid information value"
)

// bloomOptions are what a call says about the filter that it makes.
type bloomOptions struct {
	rate      float64
	capacity  int64
	expansion int64
	fixed     bool // the filter does not expand, whatever expansion says
	noCreate  bool
	seed      uint64 // 0: the store's
}

func defaultBloom() bloomOptions {
	return bloomOptions{rate: bloomRate, capacity: bloomCapacity, expansion: bloomExpansion}
}

func (o *bloomOptions) params() bloom.Params {
	p := bloom.Params{Capacity: uint64(o.capacity), Rate: min(o.rate, bloom.MaxRate), Expansion: uint32(o.expansion), Seed: o.seed}
	if o.fixed {
		p.Expansion = 0
	}
	return p
}

// These read a value; the first text answers what is no number, the second what is out of range.

func (o *bloomOptions) readRate(arg []byte, bad, outside string) (problem string) {
	var ok bool
	if o.rate, ok = parseFloat(arg); !ok {
		return bad
	}
	if o.rate <= 0 || o.rate >= 1 {
		return outside
	}
	return ""
}

func (o *bloomOptions) readCapacity(arg []byte, bad, outside string) (problem string) {
	var ok bool
	if o.capacity, ok = parseInt(arg); !ok {
		return bad
	}
	if o.capacity < 1 || o.capacity > bloomMaxCapacity {
		return outside
	}
	return ""
}

func (o *bloomOptions) readExpansion(arg []byte, bad, outside string) (problem string) {
	var ok bool
	if o.expansion, ok = parseInt(arg); !ok {
		return bad
	}
	if o.expansion < 0 || o.expansion > bloomMaxExpansion {
		return outside
	}
	return ""
}

func bfreserve(c *Ctx) {
	o := defaultBloom()
	args := c.Args[2:]
	if c.NowMS == 0 { // in a log the seed comes last
		args = o.cutSeed(args)
	}
	if len(args) > 5 {
		c.Error(WrongArity(c.Spec))
		return
	}
	if problem := o.parseReserve(args); problem != "" {
		c.Error(problem)
		return
	}
	b, err := c.DB.BloomForWrite(c.Args[1])
	switch {
	case c.fail(err):
	case b != nil:
		c.Error(errBloomExists)
	case c.makeBloom(&o) != nil:
		c.Modified(ClassModule, "bf.reserve", c.Args[1])
		c.OK()
	}
}

// cutSeed takes the seed that bloomMade has written off the end of args, if there is one.
func (o *bloomOptions) cutSeed(args [][]byte) [][]byte {
	n := len(args) - 2
	if n < 2 || !equalFold(args[n], "SEED") {
		return args
	}
	seed, ok := parseInt(args[n+1])
	if !ok {
		return args
	}
	o.seed = uint64(seed)
	return args[:n]
}

// parseReserve reads what follows the key of BF.RESERVE.
func (o *bloomOptions) parseReserve(args [][]byte) (problem string) {
	if problem = o.readRate(args[0], errBloomRate, errBloomRates); problem != "" {
		return problem
	}
	if problem = o.readCapacity(args[1], errBloomCapacity, errBloomCapacities); problem != "" {
		return problem
	}
	expands := false
	for args = args[2:]; len(args) > 0; args = args[1:] {
		switch {
		case equalFold(args[0], "NONSCALING"):
			o.fixed = true
		case !equalFold(args[0], "EXPANSION"):
			return errSyntax
		case len(args) == 1:
			return errBloomNoExpand
		default:
			if problem = o.readExpansion(args[1], errBloomExpansion, errBloomExpansions); problem != "" {
				return problem
			}
			expands = o.expansion > 0
			args = args[1:]
		}
	}
	if o.fixed && expands {
		return errBloomFixed
	}
	return ""
}

// makeBloom makes the filter, which is not there, or answers why it cannot be made.
func (c *Ctx) makeBloom(o *bloomOptions) *store.Bloom {
	b, err := c.DB.NewBloom(c.Args[1], o.params())
	if errors.Is(err, bloom.ErrLimit) {
		c.Error(errBloomCreate)
		return nil
	}
	if c.fail(err) {
		return nil
	}
	c.bloomMade(o, b)
	return b
}

// bloomToAdd is the filter that items are to be added to, made if there is none; nil if the call has been answered.
func (c *Ctx) bloomToAdd(o *bloomOptions) (b *store.Bloom, made bool) {
	b, err := c.DB.BloomForWrite(c.Args[1])
	switch {
	case c.fail(err):
		return nil, false
	case b != nil:
		return b, false
	case o.noCreate:
		c.Error(errBloomNotFound)
		return nil, false
	}
	b = c.makeBloom(o)
	return b, b != nil
}

func bfadd(c *Ctx) {
	o := defaultBloom()
	if b, made := c.bloomToAdd(&o); b != nil {
		added, _ := c.addItem(b, c.Args[2])
		c.itemsAdded(made, added)
	}
}

func bfmadd(c *Ctx) {
	o := defaultBloom()
	c.addItems(&o, c.Args[2:])
}

// addItems adds items and answers for each of them, up to one for which there is no place.
func (c *Ctx) addItems(o *bloomOptions, items [][]byte) {
	b, made := c.bloomToAdd(o)
	if b == nil {
		return
	}
	mark, n := c.Defer(), 0
	changed := false
	for full := false; n < len(items) && !full; n++ {
		var added bool
		added, full = c.addItem(b, items[n])
		changed = changed || added
	}
	c.Patch(mark, n)
	c.itemsAdded(made, changed)
}

// addItem adds an item and answers; full says that the filter takes no more.
func (c *Ctx) addItem(b *store.Bloom, item []byte) (added, full bool) {
	added, err := b.Add(item)
	switch {
	case errors.Is(err, bloom.ErrFull):
		c.Error(errBloomFull)
		return false, true
	case errors.Is(err, bloom.ErrLimit):
		c.Error(errBloomLimit)
	case !c.fail(err):
		c.Bool(added)
	}
	return added, false
}

// itemsAdded tells of a filter that was made or that got items.
func (c *Ctx) itemsAdded(made, added bool) {
	if !made && !added {
		return
	}
	c.Modified(ClassModule, "bf.add", c.Args[1])
	if made && added {
		c.itself()
	}
}

// bloomMade is the effect of a filter's having been made: with its seed, since the items that it finds by mistake, and does not
// count, are others with another.
func (c *Ctx) bloomMade(o *bloomOptions, b *store.Bloom) {
	n := 6
	switch {
	case o.fixed:
		n++
	case o.expansion != bloomExpansion:
		n += 2
	}
	e := c.Effect(n, "BF.RESERVE").Bytes(c.Args[1]).Score(o.rate).Int(o.capacity)
	switch {
	case o.fixed:
		e.Str("NONSCALING")
	case o.expansion != bloomExpansion:
		e.Str("EXPANSION").Int(o.expansion)
	}
	e.Str("SEED").Int(int64(b.Seed()))
}

func bfinsert(c *Ctx) {
	o := defaultBloom()
	items, problem := o.parseInsert(c.Spec, c.Args[2:])
	if problem != "" {
		c.Error(problem)
		return
	}
	c.addItems(&o, items)
}

// parseInsert reads what follows the key of BF.INSERT; the items are what follows ITEMS.
func (o *bloomOptions) parseInsert(s *Spec, args [][]byte) (items [][]byte, problem string) {
	for ; len(args) > 0 && problem == ""; args = args[1:] {
		switch word := args[0]; {
		case equalFold(word, "ITEMS") && len(args) > 1:
			return args[1:], ""
		case equalFold(word, "NOCREATE"):
			o.noCreate = true
		case equalFold(word, "NONSCALING"):
			o.fixed = true
		default:
			if problem = o.parseValue(word, args[1:]); problem == "" {
				args = args[1:]
			}
		}
	}
	if problem == "" || problem == errArity {
		problem = WrongArity(s)
	}
	return nil, problem
}

// errArity stands for the error of a wrong number of arguments.
const errArity = "arity"

// parseValue reads an option of BF.INSERT that has a value, the first of rest.
func (o *bloomOptions) parseValue(word []byte, rest [][]byte) (problem string) {
	var read func(arg []byte, bad, outside string) string
	var bad string
	switch {
	case equalFold(word, "ERROR"):
		read, bad = o.readRate, errInsertRate
	case equalFold(word, "CAPACITY"):
		read, bad = o.readCapacity, errInsertCapacity
	case equalFold(word, "EXPANSION"):
		read, bad = o.readExpansion, errInsertExpansion
	case !equalFold(word, "ITEMS"): // without items
		return errInsertUnknown
	}
	if len(rest) == 0 {
		return errArity
	}
	return read(rest[0], bad, bad)
}

// bloomToAsk is the filter to be asked for items: none for a key of another type, which has none, as in RedisBloom.
func (c *Ctx) bloomToAsk() *store.Bloom {
	b, _ := c.DB.Bloom(c.Args[1]) // the only error there is
	return b
}

func bfexists(c *Ctx) {
	b := c.bloomToAsk()
	c.Bool(b != nil && b.Has(c.Args[2]))
}

func bfmexists(c *Ctx) {
	b := c.bloomToAsk()
	items := c.Args[2:]
	c.Array(len(items))
	for _, item := range items {
		c.Bool(b != nil && b.Has(item))
	}
}

// bloomFacts are what BF.INFO tells: the word that asks for one of them alone, its name, and it; no number is a null.
var bloomFacts = []struct {
	word, name string
	of         func(b *store.Bloom) (n uint64, ok bool)
}{
	{"CAPACITY", "Capacity", func(b *store.Bloom) (uint64, bool) { return b.Capacity(), true }},
	{"SIZE", "Size", func(b *store.Bloom) (uint64, bool) { return b.Size(), true }},
	{"FILTERS", "Number of filters", func(b *store.Bloom) (uint64, bool) { return uint64(b.Links()), true }},
	{"ITEMS", "Number of items inserted", func(b *store.Bloom) (uint64, bool) { return b.Len(), true }},
	{"EXPANSION", "Expansion rate", func(b *store.Bloom) (uint64, bool) { return uint64(b.Expansion()), b.Expansion() > 0 }},
}

func bfinfo(c *Ctx) {
	if len(c.Args) > 3 {
		c.Error(WrongArity(c.Spec))
		return
	}
	b, err := c.DB.Bloom(c.Args[1])
	switch {
	case c.fail(err):
	case b == nil:
		c.Error(errBloomNotFound)
	case len(c.Args) == 2:
		c.Map(len(bloomFacts))
		for i := range bloomFacts {
			c.Status(bloomFacts[i].name)
			c.bloomFact(i, b)
		}
	default:
		c.oneBloomFact(c.Args[2], b)
	}
}

// oneBloomFact answers the fact of a word: a map of one in RESP3, an array without its name in RESP2.
func (c *Ctx) oneBloomFact(word []byte, b *store.Bloom) {
	for i := range bloomFacts {
		if !equalFold(word, bloomFacts[i].word) {
			continue
		}
		if c.Proto() == 3 {
			c.Map(1)
			c.Status(bloomFacts[i].name)
		} else {
			c.Array(1)
		}
		c.bloomFact(i, b)
		return
	}
	c.Error(errInfoUnknown)
}

func (c *Ctx) bloomFact(i int, b *store.Bloom) {
	if n, ok := bloomFacts[i].of(b); ok {
		c.Int(int64(n))
	} else {
		c.Null()
	}
}

func bfcard(c *Ctx) {
	b, err := c.DB.Bloom(c.Args[1])
	switch {
	case c.fail(err):
	case b == nil:
		c.Int(0)
	default:
		c.Int(int64(b.Len()))
	}
}
