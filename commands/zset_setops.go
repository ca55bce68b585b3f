package commands

import (
	"cmp"
	"math"
	"slices"

	"quarry/store"
	"quarry/store/table"
	"quarry/store/zset"
)

var (
	weightsArg   = optional(withToken("WEIGHTS", multiple(doubleArg("weight"))))
	aggregateArg = optional(withToken("AGGREGATE", oneOf("aggregate",
		token("SUM"), token("MIN"), token("MAX"), since("8.8.0", token("COUNT")))))
	aggregateHistory = [][2]string{{"8.8.0", "The aggregate `COUNT`."}}
)

const (
	unionComplexity = "O(N)+O(M*log(M)), N members being in the inputs together and M in the result"
	interComplexity = "O(N*K)+O(M*log(M)), N members being in the smallest of K inputs and M in the result"
	diffComplexity  = "O(N*K) or O(L*log(N)), whichever is less: the first of K inputs has N members, the others L together"
)

// destinationKeys is the destination and the inputs of a STORE form.
func destinationKeys() []Keys {
	return append(KeyAt(1, OW|UpdateOp), KeyNum(2, RO|AccessOp)...)
}

var zsetSetopsCommands = []Spec{
	{
		Name: "ZUNION", Group: SortedSet, Since: "6.2.0",
		Summary:    "Lists the members that are in any of several sorted sets, with their scores combined",
		Complexity: unionComplexity,
		Arity:      -3, Flags: ReadOnly, Keys: KeyNum(1, RO|AccessOp),
		History: aggregateHistory,
		Args:    []Arg{intArg("numkeys"), multiple(keyArg("key")), weightsArg, aggregateArg, withScoresArg},
		Run:     func(c *Ctx) { c.combineGeneric((*Ctx).union, false) },
	},
	{
		Name: "ZINTER", Group: SortedSet, Since: "6.2.0",
		Summary:    "Lists the members that are in all of several sorted sets, with their scores combined",
		Complexity: interComplexity,
		Arity:      -3, Flags: ReadOnly, Keys: KeyNum(1, RO|AccessOp),
		History: aggregateHistory,
		Args:    []Arg{intArg("numkeys"), multiple(keyArg("key")), weightsArg, aggregateArg, withScoresArg},
		Run:     func(c *Ctx) { c.combineGeneric((*Ctx).intersect, false) },
	},
	{
		Name: "ZDIFF", Group: SortedSet, Since: "6.2.0",
		Summary:    "Lists the members of a sorted set that are in none of several others",
		Complexity: diffComplexity,
		Arity:      -3, Flags: ReadOnly, Keys: KeyNum(1, RO|AccessOp),
		Args: []Arg{intArg("numkeys"), multiple(keyArg("key")), withScoresArg},
		Run:  zdiff,
	},
	{
		Name: "ZUNIONSTORE", Group: SortedSet, Since: "2.0.0",
		Summary:    "Stores the union of several sorted sets, with their scores combined",
		Complexity: unionComplexity,
		Arity:      -4, Flags: Write | DenyOOM | Verbatim | SelfPropagate, Keys: destinationKeys(),
		History: aggregateHistory,
		Args:    []Arg{keyArg("destination"), intArg("numkeys"), multiple(keyArgOf("key", 1)), weightsArg, aggregateArg},
		Run:     func(c *Ctx) { c.combineGeneric((*Ctx).union, true) },
	},
	{
		Name: "ZINTERSTORE", Group: SortedSet, Since: "2.0.0",
		Summary:    "Stores the intersection of several sorted sets, with their scores combined",
		Complexity: interComplexity,
		Arity:      -4, Flags: Write | DenyOOM | Verbatim | SelfPropagate, Keys: destinationKeys(),
		History: aggregateHistory,
		Args:    []Arg{keyArg("destination"), intArg("numkeys"), multiple(keyArgOf("key", 1)), weightsArg, aggregateArg},
		Run:     func(c *Ctx) { c.combineGeneric((*Ctx).intersect, true) },
	},
	{
		Name: "ZDIFFSTORE", Group: SortedSet, Since: "6.2.0",
		Summary:    "Stores the members of a sorted set that are in none of several others",
		Complexity: diffComplexity,
		Arity:      -4, Flags: Write | DenyOOM | Verbatim, Keys: destinationKeys(),
		Args: []Arg{keyArg("destination"), intArg("numkeys"), multiple(keyArgOf("key", 1))},
		Run:  zdiffstore,
	},
	{
		Name: "ZINTERCARD", Group: SortedSet, Since: "7.0.0",
		Summary:    "Counts the members that are in all of several sorted sets",
		Complexity: "O(N*K), N members being in the smallest of K inputs",
		Arity:      -3, Flags: ReadOnly, Keys: KeyNum(1, RO|AccessOp),
		Args: []Arg{intArg("numkeys"), multiple(keyArg("key")), optional(withToken("LIMIT", intArg("limit")))},
		Run:  zintercard,
	},
}

const (
	errWeight        = "ERR weight value is not a float"
	errNegativeLimit = "ERR LIMIT can't be negative"
)

// input is one operand of the set algebra: a sorted set, or a plain set, whose members have
// score 1. There is no such key if it is neither.
type input struct {
	set    *zset.Set
	plain  *store.Set
	weight float64
}

const plainScore = 1 // of the members of a plain set

func (in *input) len() int {
	switch {
	case in.set != nil:
		return in.set.Len()
	case in.plain != nil:
		return in.plain.Len()
	}
	return 0
}

func (in *input) score(member []byte) (score float64, ok bool) {
	switch {
	case in.set != nil:
		return in.set.Score(member)
	case in.plain != nil:
		return plainScore, in.plain.Has(member)
	}
	return 0, false
}

// inputIter walks the rows of an input: those of a sorted set in order.
type inputIter struct {
	rows    *zset.Iter
	members *table.Iter
}

// walk places it before the first row; an input is walked at a time.
func (c *Ctx) walk(in *input) (it inputIter) {
	switch {
	case in.len() == 0:
	case in.set != nil:
		c.iter.Seek(in.set, 0, false)
		it.rows = &c.iter
	default:
		c.members.Seek(&in.plain.Table)
		it.members = &c.members
	}
	return it
}

func (it inputIter) next() bool {
	return it.rows != nil && it.rows.Next() || it.members != nil && it.members.Next()
}

func (it inputIter) member() []byte {
	if it.rows != nil {
		return it.rows.Member()
	}
	return it.members.Key()
}

func (it inputIter) score() float64 {
	if it.rows != nil {
		return it.rows.Score()
	}
	return plainScore
}

// aggregate is how the scores of a member of several inputs become one.
type aggregate uint8

const (
	aggSum aggregate = iota
	aggMin
	aggMax
	aggCount // the weights are added, the scores are nothing to it
)

// weighted is what a score contributes.
func (a aggregate) weighted(score, weight float64) float64 {
	if a == aggCount {
		return weight
	}
	return float64(score * weight)
}

// join combines two contributions. A sum that is not a number is 0; as the
// second operand of MIN and MAX, NaN changes nothing.
func (a aggregate) join(x, y float64) float64 {
	switch {
	case a == aggMin && y < x, a == aggMax && y > x:
		return y
	case a == aggMin, a == aggMax:
		return x
	}
	return orZero(x + y)
}

func orZero(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return f
}

// setops is what a command of the set algebra asks for.
type setops struct {
	inputs     []input
	aggregate  aggregate
	newer      bool // the call has COUNT, which Redis 7.0 has not
	withScores bool
	limit      int64 // 0: none
}

// clause is an option that a command of the set algebra may have.
type clause uint8

const (
	weightsClause    clause = 1 << iota // WEIGHTS and AGGREGATE
	withScoresClause                    // WITHSCORES
	limitClause                         // LIMIT
)

// parseSetops opens the inputs that numkeys, at args[at], announces, and reads the
// options after them. If something is wrong, in the order Redis looks for it, it answers the error.
func (c *Ctx) parseSetops(at int, allowed clause) (o setops, ok bool) {
	rest := c.Args[at+1:]
	n, ok := parseInt(c.Args[at])
	switch {
	case !ok:
		c.Error(errNotInt)
		return o, false
	case n < 1:
		c.Error("ERR at least 1 input key is needed for '" + c.Spec.FullName() + "' command")
		return o, false
	case n > int64(len(rest)):
		c.Error(errSyntax)
		return o, false
	}
	if o.inputs, ok = c.openInputs(rest[:n]); !ok {
		return o, false
	}
	if problem := o.parseOptions(rest[n:], allowed); problem != "" {
		c.Error(problem)
		return o, false
	}
	return o, true
}

// openInputs opens what the keys hold.
func (c *Ctx) openInputs(keys [][]byte) (inputs []input, ok bool) {
	inputs = make([]input, len(keys))
	for i, key := range keys {
		inputs[i].weight = 1
		if c.DB.Kind(key) == store.TypeSet {
			inputs[i].plain, _ = c.DB.Set(key)
			continue
		}
		z, err := c.DB.ZSet(key)
		if c.fail(err) {
			return nil, false
		}
		if z != nil {
			inputs[i].set = &z.Set
		}
	}
	return inputs, true
}

func (o *setops) parseOptions(args [][]byte, allowed clause) (problem string) {
	for len(args) > 0 {
		used := 0
		switch a := args[0]; {
		case allowed&weightsClause != 0 && equalFold(a, "WEIGHTS"):
			used, problem = o.parseWeights(args)
		case allowed&weightsClause != 0 && equalFold(a, "AGGREGATE"):
			used, problem = o.parseAggregate(args)
		case allowed&withScoresClause != 0 && equalFold(a, "WITHSCORES"):
			o.withScores, used = true, 1
		case allowed&limitClause != 0 && equalFold(a, "LIMIT"):
			used, problem = o.parseLimit(args)
		default:
			return errSyntax
		}
		if problem != "" {
			return problem
		}
		args = args[used:]
	}
	return ""
}

func (o *setops) parseWeights(args [][]byte) (used int, problem string) {
	if len(args) <= len(o.inputs) {
		return 0, errSyntax
	}
	for i := range o.inputs {
		var ok bool
		if o.inputs[i].weight, ok = parseFloat(args[1+i]); !ok {
			return 0, errWeight
		}
	}
	return 1 + len(o.inputs), ""
}

func (o *setops) parseAggregate(args [][]byte) (used int, problem string) {
	if len(args) < 2 {
		return 0, errSyntax
	}
	switch a := args[1]; {
	case equalFold(a, "SUM"):
		o.aggregate = aggSum
	case equalFold(a, "MIN"):
		o.aggregate = aggMin
	case equalFold(a, "MAX"):
		o.aggregate = aggMax
	case equalFold(a, "COUNT"):
		o.aggregate, o.newer = aggCount, true
	default:
		return 0, errSyntax
	}
	return 2, ""
}

func (o *setops) parseLimit(args [][]byte) (used int, problem string) {
	if len(args) < 2 {
		return 0, errSyntax
	}
	var ok bool
	if o.limit, ok = parseInt(args[1]); !ok || o.limit < 0 {
		return 0, errNegativeLimit
	}
	return 2, ""
}

// smallestFirst puts the inputs into the order in which Redis combines them,
// which decides how sums round. Equal ones keep their order.
func (o *setops) smallestFirst() {
	slices.SortStableFunc(o.inputs, func(a, b input) int { return cmp.Compare(a.len(), b.len()) })
}

// combineGeneric answers or stores what op gathers. The result is built off-heap, in
// a set that belongs to no key yet: whatever its size the Go heap does not
// grow, it is in order when it is done, and the destination may be an input.
func (c *Ctx) combineGeneric(op func(c *Ctx, result *store.ZSet, o *setops), stored bool) {
	at, allowed := 1, weightsClause|withScoresClause
	if stored {
		at, allowed = 2, weightsClause
	}
	o, ok := c.parseSetops(at, allowed)
	if !ok {
		return
	}
	o.smallestFirst()
	if stored {
		result := c.DB.NewZSet(c.Args[1])
		result.Bound()
		op(c, result, &o)
		c.storeZSet(result, c.Args[1], c.Spec.FullName())
		if c.changed && o.newer {
			c.setEffects(c.Args[1], &result.Set)
		}
		return
	}
	result := c.DB.NewZSet(c.Args[2])
	op(c, result, &o)
	result.Built()
	c.replyRows(&result.Set, 0, result.Len(), false, c.rowShape(o.withScores))
	result.Discard()
}

// askMost is up to how many inputs are asked for each member of a union: to look for a member in
// another input takes a fraction of the time of moving it in the result.
const askMost = 4

// union adds the members of all inputs to result, until it is full.
func (c *Ctx) union(result *store.ZSet, o *setops) {
	if len(o.inputs) <= askMost {
		c.unionAsking(result, o)
		return
	}
	for i := range o.inputs {
		in := &o.inputs[i]
		for it := c.walk(in); it.next() && !result.Full(); {
			member := it.member()
			score := orZero(o.aggregate.weighted(it.score(), in.weight))
			if out, before := result.Add(member, score, zset.NX); out == zset.Nop {
				result.Add(member, o.aggregate.join(before, score), 0)
			}
		}
	}
}

// unionAsking is union that adds each member once, when it comes to the first input that has it, with
// the scores in all others.
func (c *Ctx) unionAsking(result *store.ZSet, o *setops) {
	for i := range o.inputs {
		in := &o.inputs[i]
		for it := c.walk(in); it.next() && !result.Full(); {
			member := it.member()
			if inAnyInput(o.inputs[:i], member) {
				continue
			}
			score := orZero(o.aggregate.weighted(it.score(), in.weight))
			for j := range o.inputs[i+1:] {
				other := &o.inputs[i+1+j]
				if s, ok := other.score(member); ok {
					score = o.aggregate.join(score, orZero(o.aggregate.weighted(s, other.weight)))
				}
			}
			result.Append(member, score) // a single input is in order
		}
	}
}

func inAnyInput(inputs []input, member []byte) bool {
	for i := range inputs {
		if _, ok := inputs[i].score(member); ok {
			return true
		}
	}
	return false
}

// intersect adds the members that all inputs have to result, until it is full.
func (c *Ctx) intersect(result *store.ZSet, o *setops) {
	for it := c.walk(&o.inputs[0]); it.next() && !result.Full(); {
		if score, in := o.scoreInAll(it.member(), it.score()); in {
			result.Append(it.member(), score)
		}
	}
}

// scoreInAll combines the scores of a member of the first input if all others have it.
func (o *setops) scoreInAll(member []byte, first float64) (score float64, ok bool) {
	score = orZero(o.aggregate.weighted(first, o.inputs[0].weight))
	for i := range o.inputs[1:] {
		in := &o.inputs[i+1]
		s, ok := in.score(member)
		if !ok {
			return 0, false
		}
		score = o.aggregate.join(score, o.aggregate.weighted(s, in.weight))
	}
	return score, true
}

func zintercard(c *Ctx) {
	o, ok := c.parseSetops(1, limitClause)
	if !ok {
		return
	}
	o.smallestFirst()
	n := int64(0)
	for it := c.walk(&o.inputs[0]); it.next(); {
		if _, in := o.scoreInAll(it.member(), 0); !in {
			continue
		}
		if n++; n == o.limit {
			break
		}
	}
	c.Int(n)
}

func zdiff(c *Ctx) {
	o, ok := c.parseSetops(1, withScoresClause)
	if !ok {
		return
	}
	shape := c.rowShape(o.withScores)
	mark, n := c.Defer(), 0
	c.difference(&o, c.Args[2], func(member []byte, score float64) {
		c.row(member, score, shape)
		n++
	})
	if shape == flat {
		n *= 2
	}
	c.Patch(mark, n)
}

func zdiffstore(c *Ctx) {
	o, ok := c.parseSetops(2, 0)
	if !ok {
		return
	}
	result := c.DB.NewZSet(c.Args[1])
	result.Bound()
	c.difference(&o, c.Args[1], func(member []byte, score float64) {
		if !result.Full() {
			result.Append(member, score)
		}
	})
	c.storeZSet(result, c.Args[1], c.Spec.FullName())
}

// difference calls fn, in order, with the rows of the first input whose
// members are in no other. Either every row is looked up in the others, or
// the others' members are looked up in the first, and what is found is left
// out when the first is walked: whichever takes fewer steps. near is a key of the
// call, in whose shard notes may be kept.
func (c *Ctx) difference(o *setops, near []byte, fn func(member []byte, score float64)) {
	first, others := &o.inputs[0], o.inputs[1:]
	if first.plain != nil {
		ordered := c.DB.NewZSet(near)
		defer ordered.Discard()
		for it := c.walk(first); it.next(); {
			ordered.Add(it.member(), plainScore, 0)
		}
		first = &input{set: &ordered.Set, weight: 1}
	}
	lookups, total := first.len()*len(others), 0
	for i := range others {
		total += others[i].len()
	}
	if lookups <= 2*total { // a member found has to be noted, too
		c.differenceByLookup(first, others, fn)
		return
	}
	c.differenceByNotes(first, others, near, fn)
}

func (c *Ctx) differenceByLookup(first *input, others []input, fn func(member []byte, score float64)) {
	// The largest is the likeliest to have the member.
	slices.SortStableFunc(others, func(a, b input) int { return cmp.Compare(b.len(), a.len()) })
	for it := c.walk(first); it.next(); {
		member := it.member()
		found := slices.ContainsFunc(others, func(in input) bool {
			_, ok := in.score(member)
			return ok
		})
		if !found {
			fn(member, it.score())
		}
	}
}

// differenceByNotes gathers what is left out as a sorted set of its own, off-heap,
// and then walks it beside the first input: both are in the same order.
func (c *Ctx) differenceByNotes(first *input, others []input, near []byte, fn func(member []byte, score float64)) {
	out := c.DB.NewZSet(near)
	defer out.Discard()
	for i := range others {
		for it := c.walk(&others[i]); it.next(); {
			if score, found := first.score(it.member()); found {
				out.Add(it.member(), score, zset.NX)
			}
		}
	}
	c.other.Seek(&out.Set, 0, false)
	more := out.Len() > 0 && c.other.Next()
	for it := c.walk(first); it.next(); {
		if more && string(it.member()) == string(c.other.Member()) {
			more = c.other.Next()
			continue
		}
		fn(it.member(), it.score())
	}
}
