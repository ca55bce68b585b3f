package commands

import (
	"cmp"
	"slices"

	"quarry/store"
	"quarry/store/table"
)

var setAlgebraCommands = []Spec{
	algebraSpec("SINTER", "1.0.0", "Answers the members that all of the sets have", "O(N*M) for M sets, the smallest of N members", sinter),
	algebraStoreSpec("SINTERSTORE", "Stores the members that all of the sets have",
		"O(N*M) for M sets, the smallest of N members", RW, func(c *Ctx) { c.storeAlgebra(intersectSets, "sinterstore") }),
	{
		Name: "SINTERCARD", Group: SetGroup, Since: "7.0.0",
		Summary:    "Counts the members that all of the sets have, up to a limit",
		Complexity: "O(N*M) for M sets, the smallest of N members",
		Arity:      -3, Flags: ReadOnly, Keys: KeyNum(1, RO|AccessOp),
		Args: []Arg{intArg("numkeys"), multiple(keyArg("key")), optional(withToken("LIMIT", intArg("limit")))},
		Run:  sintercard,
	},
	algebraSpec("SUNION", "1.0.0", "Answers the members that any of the sets has", "O(N) for N members in all", sunion),
	algebraStoreSpec("SUNIONSTORE", "Stores the members that any of the sets has",
		"O(N) for N members in all", OW, func(c *Ctx) { c.storeAlgebra(uniteSets, "sunionstore") }),
	algebraSpec("SDIFF", "1.0.0", "Answers the members of the first set that no other has", diffSetsComplexity, sdiff),
	algebraStoreSpec("SDIFFSTORE", "Stores the members of the first set that no other has",
		diffSetsComplexity, OW, func(c *Ctx) { c.storeAlgebra(subtractSets, "sdiffstore") }),
}

const diffSetsComplexity = "O(N) for N members in all, or less"

// algebraSpec is the row of a command that combines the sets of all its keys and answers the result.
func algebraSpec(name, since, summary, complexity string, run func(*Ctx)) Spec {
	return Spec{
		Name: name, Group: SetGroup, Since: since, Summary: summary, Complexity: complexity,
		Arity: -2, Flags: ReadOnly, Keys: KeyRange(1, -1, 1, RO|AccessOp),
		Tips: []string{"nondeterministic_output_order"},
		Args: []Arg{multiple(keyArg("key"))},
		Run:  run,
	}
}

// algebraStoreSpec is the row of a command that stores it at its first key.
func algebraStoreSpec(name, summary, complexity string, dst Access, run func(*Ctx)) Spec {
	return Spec{
		Name: name, Group: SetGroup, Since: "1.0.0", Summary: summary, Complexity: complexity,
		Arity: -3, Flags: Write | DenyOOM | Verbatim,
		Keys: []Keys{
			{Index: 1, Step: 1, Access: dst | UpdateOp},
			{Index: 2, Last: -1, Step: 1, Access: RO | AccessOp},
		},
		Args: []Arg{keyArg("destination"), multiple(keyArgOf("key", 1))},
		Run:  run,
	}
}

// combine calls fn with the members of a combination of sets, nil standing for a key that
// is not there. A member may be passed more than once if it is stored: uniteSets does.
// It ends early when fn returns false.
type combine func(c *Ctx, sets []*store.Set, fn func(member []byte) bool)

// openSets opens what the keys hold; if one is no set it answers the error.
func (c *Ctx) openSets(keys [][]byte) (sets []*store.Set, ok bool) {
	sets = make([]*store.Set, len(keys))
	for i, key := range keys {
		var err error
		if sets[i], err = c.DB.Set(key); c.fail(err) {
			return nil, false
		}
	}
	return sets, true
}

// intersectSets passes what all have. The smallest is walked; the others are asked in the
// order of their sizes, since one with few members is the likeliest to lack one.
func intersectSets(c *Ctx, sets []*store.Set, fn func(member []byte) bool) {
	if slices.Contains(sets, nil) {
		return
	}
	slices.SortStableFunc(sets, func(a, b *store.Set) int { return cmp.Compare(a.Len(), b.Len()) })
	others := ask(sets[0], sets[1:])
	for c.members.Seek(&sets[0].Table); c.members.Next(); {
		if others.all(c) && !fn(c.members.Key()) {
			return
		}
	}
}

// asked are sets that are asked for the members of another one, in that one's order: where
// that and they are integers, both ascend, and they are walked along with it.
type asked []askedSet

type askedSet struct {
	*store.Set
	along *table.Iter // nil: the set is asked for each member
	at    int64       // the integer that along is at
	ended bool
}

// alongMost is how many times as many members a set may have to be walked along: each step costs a fraction of a search.
const alongMost = 8

func ask(first *store.Set, others []*store.Set) asked {
	list := make(asked, len(others))
	for i, s := range others {
		list[i].Set = s
		if first.Encoding() == table.Ints && s.Encoding() == table.Ints && s.Len() <= alongMost*first.Len() {
			list[i].along = &table.Iter{}
			list[i].along.Seek(&s.Table)
			list[i].step()
		}
	}
	return list
}

// step moves along to the next integer.
func (a *askedSet) step() {
	if a.ended = !a.along.Next(); !a.ended {
		a.at = a.along.Int()
	}
}

// has reports whether the set has the member that c.members is at.
func (a *askedSet) has(c *Ctx) bool {
	if a.along == nil {
		return a.Has(c.members.Key())
	}
	n := c.members.Int()
	for !a.ended && a.at < n {
		a.step()
	}
	return !a.ended && a.at == n
}

func (list asked) all(c *Ctx) bool {
	for i := range list {
		if !list[i].has(c) {
			return false
		}
	}
	return true
}

func (list asked) any(c *Ctx) bool {
	for i := range list {
		if list[i].has(c) {
			return true
		}
	}
	return false
}

// uniteSets passes what any has, members of several sets several times. uniteOnce passes them once.
func uniteSets(c *Ctx, sets []*store.Set, fn func(member []byte) bool) {
	for _, s := range sets {
		if s == nil {
			continue
		}
		for c.members.Seek(&s.Table); c.members.Next(); {
			if !fn(c.members.Key()) {
				return
			}
		}
	}
}

// subtractSets passes what the first has and no other. The others are asked for each of
// its members, the largest, which is the likeliest to have it, first. Where they are many and small
// they are united off-heap before, and asked at once; Redis takes their members out of a copy of the first set
// then, which is larger.
func subtractSets(c *Ctx, sets []*store.Set, fn func(member []byte) bool) {
	first := sets[0]
	if first == nil {
		return
	}
	others, total := make([]*store.Set, 0, len(sets)-1), 0
	for _, s := range sets[1:] {
		if s != nil {
			others = append(others, s)
			total += s.Len()
		}
	}
	if len(others) > 1 && first.Len()*(len(others)-1) > 2*total { // to add takes twice as long as to ask
		union := c.DB.NewSet(c.Args[1])
		defer union.Discard()
		uniteSets(c, others, func(member []byte) bool { union.Add(member); return true })
		others = append(others[:0], union)
	}
	slices.SortStableFunc(others, func(a, b *store.Set) int { return cmp.Compare(b.Len(), a.Len()) })
	asked := ask(first, others)
	for c.members.Seek(&first.Table); c.members.Next(); {
		if !asked.any(c) && !fn(c.members.Key()) {
			return
		}
	}
}

// replyAlgebra answers a combination that passes each member once.
func (c *Ctx) replyAlgebra(op combine) {
	sets, ok := c.openSets(c.Args[1:])
	if !ok {
		return
	}
	mark, n := c.DeferSet(), 0
	op(c, sets, func(member []byte) bool {
		c.Bulk(member)
		n++
		return true
	})
	c.Patch(mark, n)
}

func sinter(c *Ctx) { c.replyAlgebra(intersectSets) }

func sdiff(c *Ctx) { c.replyAlgebra(subtractSets) }

func sunion(c *Ctx) { c.replyAlgebra(uniteOnce) }

// uniteOnce asks of the members of each set but the largest whether a larger one has them. Where sets are so many that
// this takes longer, the union is gathered off-heap, in a set that belongs to no key.
func uniteOnce(c *Ctx, sets []*store.Set, fn func(member []byte) bool) {
	sets = slices.DeleteFunc(sets, func(s *store.Set) bool { return s == nil })
	slices.SortStableFunc(sets, func(a, b *store.Set) int { return cmp.Compare(b.Len(), a.Len()) })
	asked, total := 0, 0
	for i, s := range sets {
		asked += i * s.Len()
		total += s.Len()
	}
	if asked > 2*total { // to add takes twice as long as to ask
		union := c.DB.NewSet(c.Args[1])
		defer union.Discard()
		uniteSets(c, sets, func(member []byte) bool { union.Add(member); return true })
		sets = []*store.Set{union}
	}
	for i, s := range sets {
		larger := ask(s, sets[:i])
		for c.members.Seek(&s.Table); c.members.Next(); {
			if !larger.any(c) && !fn(c.members.Key()) {
				return
			}
		}
	}
}

// storeAlgebra stores a combination at the first key, which may be an input.
func (c *Ctx) storeAlgebra(op combine, event string) {
	sets, ok := c.openSets(c.Args[2:])
	if !ok {
		return
	}
	dst := c.Args[1]
	result := c.DB.NewSet(dst)
	result.Bound()
	op(c, sets, func(member []byte) bool { result.Add(member); return !result.Full() })
	if result.Full() {
		result.Discard()
		c.Error(ErrOOM)
		return
	}
	existed := c.DB.Has(dst)
	n := result.StoreAt()
	switch {
	case n > 0:
		c.Modified(ClassSet, event, dst)
	case existed:
		c.Modified(ClassGeneric, "del", dst)
	}
	c.Int(int64(n))
}

func sintercard(c *Ctx) {
	n, ok := parseInt(c.Args[1])
	rest := c.Args[2:]
	switch {
	case !ok || n < 1:
		c.Error(errNumKeys)
		return
	case n > int64(len(rest)):
		c.Error(errNumKeysArgs)
		return
	}
	limit, problem := parseCardLimit(rest[n:])
	if problem != "" {
		c.Error(problem)
		return
	}
	sets, ok := c.openSets(rest[:n])
	if !ok {
		return
	}
	count := int64(0)
	intersectSets(c, sets, func([]byte) bool {
		count++
		return count != limit
	})
	c.Int(count)
}

const errNumKeysArgs = "ERR Number of keys can't be greater than number of args"

// parseCardLimit reads SINTERCARD's options; 0 is no limit.
func parseCardLimit(args [][]byte) (limit int64, problem string) {
	for ; len(args) > 0; args = args[2:] {
		if !equalFold(args[0], "LIMIT") || len(args) == 1 {
			return 0, errSyntax
		}
		var ok bool
		if limit, ok = parseInt(args[1]); !ok || limit < 0 {
			return 0, errNegativeLimit
		}
	}
	return limit, ""
}
