package commands

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"quarry/store"
)

var (
	sortPatternKeys = Keys{
		Unknown: true, Access: RO | AccessOp,
		Notes: "What BY and GET look at: named after the elements that are sorted",
	}
	sortStoreKey = Keys{
		Unknown: true, Access: OW | UpdateOp, Find: findSortStore,
		Notes: "What STORE names, which may stand anywhere among the options",
	}
	sortArgs = []Arg{
		keyArg("key"),
		optional(withToken("BY", Arg{Name: "pattern", Type: TypePattern, Key: 1})),
		optional(withToken("LIMIT", block("offset_count", intArg("offset"), intArg("count")))),
		optional(withToken("GET", Arg{Name: "pattern", Type: TypePattern, Key: 1, Multiple: true, MultipleToken: true})),
		optional(oneOf("order", token("ASC"), token("DESC"))),
		optional(namedToken("sorting", "ALPHA")),
	}
)

var sortCommands = []Spec{
	{
		Name: "SORT", Group: Generic, Since: "1.0.0",
		Summary:    "Answers or stores the elements of a list, a set or a sorted set in order, or what other keys keep for them",
		Complexity: "O(N*log(N)) for N elements, O(N) if they are not sorted",
		Arity:      -2, Flags: Write | DenyOOM | Dangerous, Cats: sortCats,
		Keys:  append(KeyAt(1, RO|AccessOp), sortPatternKeys, sortStoreKey),
		Roams: sortRoams,
		Args:  append(slices.Clone(sortArgs), optional(withToken("STORE", keyArgOf("destination", 2)))),
		Run:   func(c *Ctx) { c.sortGeneric(true) },
	},
	{
		Name: "SORT_RO", Group: Generic, Since: "7.0.0",
		Summary:    "Is SORT without the option to store the result",
		Complexity: "O(N*log(N)) for N elements, O(N) if they are not sorted",
		Arity:      -2, Flags: ReadOnly | Dangerous, Cats: sortCats,
		Keys:  append(KeyAt(1, RO|AccessOp), sortPatternKeys),
		Roams: sortRoams,
		Args:  sortArgs,
		Run:   func(c *Ctx) { c.sortGeneric(false) },
	},
}

var sortCats = []string{"@set", "@sortedset", "@list"}

const errSortScore = "ERR One or more scores can't be converted into double"

// sortOption is the number of arguments that an option of SORT takes, -1 if a is none.
func sortOption(a []byte) int {
	switch {
	case equalFold(a, "LIMIT"):
		return 2
	case equalFold(a, "BY"), equalFold(a, "GET"), equalFold(a, "STORE"):
		return 1
	case equalFold(a, "ASC"), equalFold(a, "DESC"), equalFold(a, "ALPHA"):
		return 0
	}
	return -1
}

// findSortStore is the position of the key that a call of SORT stores at, 0 if it does not. The last STORE counts.
func findSortStore(args [][]byte) int {
	at := 0
	for i := 2; i < len(args); i++ {
		n := max(sortOption(args[i]), 0)
		if equalFold(args[i], "STORE") && i+1 < len(args) {
			at = i + 1
		}
		i += n
	}
	return at
}

// sortRoams reports whether a call looks at keys that it does not name: those its patterns stand for.
func sortRoams(args [][]byte) bool {
	for i := 2; i < len(args); i++ {
		n := max(sortOption(args[i]), 0)
		if n == 1 && i+1 < len(args) && !equalFold(args[i], "STORE") && bytes.IndexByte(args[i+1], '*') >= 0 {
			return true
		}
		i += n
	}
	return false
}

// sorting is what a call of SORT asks for.
type sorting struct {
	by     []byte // nil: the elements themselves
	plain  bool   // BY a pattern without a place for the element: not sorted
	gets   [][]byte
	offset int64
	count  int64 // below 0: all
	desc   bool
	alpha  bool
	store  []byte // nil: answered
}

// sortRow is an element with what it is sorted by. Rows are slices of the arena of their call.
type sortRow struct {
	element []byte
	key     []byte // ALPHA; nil: BY names a key that is not there
	score   float64
}

func (c *Ctx) sortGeneric(mayStore bool) {
	s, problem := parseSort(c.Args[2:], mayStore)
	if problem != "" {
		c.Error(problem)
		return
	}
	in, err := c.openSortable(c.Args[1])
	if c.fail(err) {
		return
	}
	if s.plain && in.set != nil && s.store != nil {
		s.plain, s.alpha, s.by = false, true, nil // what is stored must not depend on a hash table's order
	}
	start, end := s.window(in.len())
	rows, ok := c.sorted(&s, in, start, end)
	switch {
	case !ok:
		c.Error(errSortScore)
	case s.store != nil:
		c.storeSorted(&s, rows)
	default:
		c.replySorted(&s, rows)
	}
}

func parseSort(args [][]byte, mayStore bool) (s sorting, problem string) {
	s.count = -1
	for i := 0; i < len(args); i++ {
		a, n := args[i], sortOption(args[i])
		store := equalFold(a, "STORE")
		if n < 0 || i+n >= len(args) || store && !mayStore {
			return s, errSyntax
		}
		switch {
		case equalFold(a, "ASC"), equalFold(a, "DESC"):
			s.desc = equalFold(a, "DESC")
		case equalFold(a, "ALPHA"):
			s.alpha = true
		case equalFold(a, "LIMIT"):
			var ok, also bool
			s.offset, ok = parseInt(args[i+1])
			s.count, also = parseInt(args[i+2])
			if !ok || !also {
				return s, errNotInt
			}
		case store:
			s.store = args[i+1]
		case equalFold(a, "BY"):
			s.by = args[i+1]
			s.plain = s.plain || bytes.IndexByte(s.by, '*') < 0
		default:
			s.gets = append(s.gets, args[i+1])
		}
		i += n
	}
	return s, ""
}

// window is the part [start, end) of n sorted elements that LIMIT leaves.
func (s *sorting) window(n int) (start, end int) {
	start = int(min(max(s.offset, 0), int64(n)))
	if s.count < 0 {
		return start, n
	}
	return start, start + int(min(s.count, int64(n-start)))
}

// sortable is what SORT sorts; all fields are nil if there is no such key.
type sortable struct {
	list *store.List
	set  *store.Set
	zset *store.ZSet
}

func (c *Ctx) openSortable(key []byte) (in sortable, err error) {
	switch c.DB.Kind(key) {
	case store.TypeSet:
		in.set, err = c.DB.Set(key)
	case store.TypeZSet:
		in.zset, err = c.DB.ZSet(key)
	default:
		in.list, err = c.DB.List(key)
	}
	return in, err
}

func (in *sortable) len() int {
	switch {
	case in.list != nil:
		return in.list.Len()
	case in.set != nil:
		return in.set.Len()
	case in.zset != nil:
		return in.zset.Len()
	}
	return 0
}

// each calls fn with the elements of places [start, end) in the value's own order, or from its other end.
func (c *Ctx) each(in *sortable, start, end int, reverse bool, fn func(element []byte)) {
	n := end - start
	if n <= 0 {
		return
	}
	switch {
	case in.list != nil:
		first := start
		if reverse {
			first = in.len() - end
		}
		for c.elements.Seek(&in.list.List, first, n, reverse); c.elements.Next(); {
			fn(c.elements.Value())
		}
	case in.set != nil:
		c.members.Seek(&in.set.Table)
		for i := 0; i < end && c.members.Next(); i++ {
			if i >= start {
				fn(c.members.Key())
			}
		}
	case in.zset != nil:
		rank := start
		if reverse {
			rank = in.len() - 1 - start
		}
		c.iter.Seek(&in.zset.Set, rank, reverse)
		for ; n > 0 && c.iter.Next(); n-- {
			fn(c.iter.Member())
		}
	}
}

// sorted is the part [start, end) of the sorted elements. They are copied: sorting
// reads them many times, and they may be numbers in packed forms. ok is false if one that is to be
// compared as a number is none.
func (c *Ctx) sorted(s *sorting, in sortable, start, end int) (rows []sortRow, ok bool) {
	var text []byte
	keep := func(b []byte) []byte {
		if cap(text)-len(text) < len(b) {
			text = make([]byte, 0, max(64<<10, len(b)))
		}
		text = append(text, b...)
		return text[len(text)-len(b) : len(text) : len(text)]
	}
	from, to := 0, in.len()
	if s.plain {
		from, to = start, end
	}
	rows, ok = make([]sortRow, 0, to-from), true
	c.each(&in, from, to, s.plain && s.desc, func(element []byte) {
		rows = append(rows, sortRow{element: keep(element)})
	})
	if s.plain {
		return rows, true
	}
	for i := range rows {
		r := &rows[i]
		by, there := r.element, true
		if s.by != nil {
			by, there = c.lookUpPattern(s.by, r.element)
		}
		switch {
		case !there:
		case s.alpha && s.by == nil:
			r.key = by
		case s.alpha:
			r.key = keep(by)
		default:
			if r.score, there = parseSortScore(by); !there {
				ok = false
			}
		}
	}
	slices.SortStableFunc(rows, s.compare)
	return rows[start:end], ok
}

// compare orders two rows. Elements of one score are in the order of their bytes. What
// is not stored is compared as C's strcoll does where no locale is set: up to the first NUL.
func (s *sorting) compare(a, b sortRow) int {
	order := 0
	switch {
	case !s.alpha:
		if order = cmp.Compare(a.score, b.score); order == 0 {
			order = bytes.Compare(a.element, b.element)
		}
	case a.key == nil || b.key == nil:
		order = int(oneIf(a.key != nil) - oneIf(b.key != nil))
	case s.store != nil:
		order = bytes.Compare(a.key, b.key)
	default:
		order = bytes.Compare(cString(a.key), cString(b.key))
	}
	if s.desc {
		return -order
	}
	return order
}

// parseSortScore reads a number as strtod does, all of it but for spaces in front.
func parseSortScore(b []byte) (f float64, ok bool) {
	b = cString(b)
	if len(b) == 0 {
		return 0, true
	}
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	f, rangeErr, ok := scanFloat(b)
	return f, ok && !rangeErr && !math.IsNaN(f)
}

// lookUpPattern is what the key that a pattern stands for keeps: the element in place of
// the first "*", and, if "->" and a name follow, that field of a hash. "#" is the
// element itself. It is valid until the next look-up.
func (c *Ctx) lookUpPattern(pattern, element []byte) (value []byte, ok bool) {
	if len(pattern) == 1 && pattern[0] == '#' {
		return element, true
	}
	star := bytes.IndexByte(pattern, '*')
	if star < 0 {
		return nil, false
	}
	rest, field := pattern[star+1:], []byte(nil)
	if i := bytes.Index(rest, []byte("->")); i >= 0 && i+2 < len(rest) {
		rest, field = rest[:i], rest[i+2:]
	}
	c.picked = append(append(append(c.picked[:0], pattern[:star]...), element...), rest...)
	if field == nil {
		s, err := c.DB.String(c.picked)
		if err != nil || s == nil {
			return nil, false
		}
		return s.Bytes(), true
	}
	h, err := c.DB.Hash(c.picked)
	if err != nil || h == nil {
		return nil, false
	}
	return h.Get(field)
}

func (c *Ctx) replySorted(s *sorting, rows []sortRow) {
	c.Array(len(rows) * max(1, len(s.gets)))
	for _, r := range rows {
		if len(s.gets) == 0 {
			c.Bulk(r.element)
		}
		for _, pattern := range s.gets {
			if value, ok := c.lookUpPattern(pattern, r.element); ok {
				c.Bulk(value)
			} else {
				c.Null()
			}
		}
	}
}

// storeSorted stores the result as a list. What is not there is an empty element.
func (c *Ctx) storeSorted(s *sorting, rows []sortRow) {
	result := c.DB.NewList(s.store)
	for _, r := range rows {
		if len(s.gets) == 0 {
			result.Push(false, r.element)
		}
		for _, pattern := range s.gets {
			value, _ := c.lookUpPattern(pattern, r.element)
			result.Push(false, value)
		}
	}
	existed := c.DB.Has(s.store)
	n := result.StoreAt()
	switch {
	case n > 0:
		c.Modified(ClassList, "sortstore", s.store)
	case existed:
		c.Modified(ClassGeneric, "del", s.store)
	}
	c.Int(int64(n))
}
