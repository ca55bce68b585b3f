package commands

import (
	"bytes"
	"encoding/binary"
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
		Arity:      -2, Flags: Write | DenyOOM | Dangerous | Verbatim | SelfPropagate, Cats: sortCats,
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

// sortRow is an element with what it is sorted by.
type sortRow struct {
	element []byte
	key     []byte // ALPHA; nil: BY names a key that is not there
	score   float64
}

// sortPlace stands for a row while rows are sorted: places move, rows do not. Its prefix is in the rows' order, as far as
// it tells them apart.
type sortPlace struct {
	prefix uint64
	row    uint32
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
	r := sorter{c: c, sorting: s, in: in}
	r.start, r.end = s.window(in.len())
	if !s.plain {
		if problem := r.sort(); problem != "" {
			c.Error(problem)
			return
		}
	}
	if s.store != nil {
		r.storeResult()
	} else {
		r.answer()
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

// each calls fn with the elements of places [start, end) in the value's own order, or in that from its other end,
// until it returns false.
func (c *Ctx) each(in *sortable, start, end int, reverse bool, fn func(element []byte) bool) {
	n := end - start
	if n <= 0 {
		return
	}
	first := start
	if reverse {
		first = in.len() - 1 - start
	}
	switch {
	case in.list != nil:
		if reverse {
			first -= n - 1
		}
		for c.elements.Seek(&in.list.List, first, n, reverse); c.elements.Next() && fn(c.elements.Value()); {
		}
	case in.set != nil:
		c.members.Seek(&in.set.Table)
		for i := 0; i < end && c.members.Next() && (i < start || fn(c.members.Key())); i++ {
		}
	case in.zset != nil:
		c.iter.Seek(&in.zset.Set, first, reverse)
		for ; n > 0 && c.iter.Next() && fn(c.iter.Member()); n-- {
		}
	}
}

// sorter is a call of SORT at work.
type sorter struct {
	sorting
	c          *Ctx
	in         sortable
	start, end int         // the places that are asked for
	rows       []sortRow   // all there are; not kept if the order is that of the value
	places     []sortPlace // those asked for, in order
	text       []byte      // the block that keep fills
	kept       int         // bytes of rows and texts
}

const (
	// maxSortBytes is how much of the Go heap a call may fill with what it sorts.
	maxSortBytes = 1 << 30
	sortRowBytes = 56 + 16 // with its place
	// textBlock is how much room for texts is made at a time; less while there are few.
	textBlock = 64 << 10

	errSortTooLarge = "ERR SORT needs more than 1 GB of memory for elements and what they are sorted by"
)

// sort gathers the rows in order, or says what is wrong. Elements are copied: sorting reads them
// many times, and they may be numbers in packed forms.
func (r *sorter) sort() (problem string) {
	n := r.in.len()
	if n > maxSortBytes/sortRowBytes {
		return errSortTooLarge
	}
	r.kept = n * sortRowBytes
	r.rows = make([]sortRow, 0, n)
	r.c.each(&r.in, 0, n, false, func(element []byte) bool {
		copied, ok := r.keep(element)
		r.rows = append(r.rows, sortRow{element: copied})
		return ok
	})
	if len(r.rows) < n || r.kept > maxSortBytes {
		return errSortTooLarge
	}
	r.places = make([]sortPlace, n)
	for i := range r.rows {
		if problem = r.weigh(&r.rows[i]); problem != "" {
			return problem
		}
		r.places[i] = sortPlace{r.prefix(&r.rows[i]), uint32(i)}
	}
	r.places = firstSorted(r.places, r.end, r.compare)[r.start:]
	return ""
}

// prefix is a number that is in the order of the rows: where it is smaller, so is the row.
func (r *sorter) prefix(row *sortRow) (p uint64) {
	if r.alpha {
		var first [8]byte
		copy(first[:], r.comparable(row.key))
		p = binary.BigEndian.Uint64(first[:])
	} else if p = math.Float64bits(row.score + 0); p>>63 == 0 { // -0 is 0
		p |= 1 << 63
	} else {
		p = ^p
	}
	if r.desc {
		return ^p
	}
	return p
}

// keep copies b; ok is false if there is too much.
func (r *sorter) keep(b []byte) (copied []byte, ok bool) {
	if r.kept += len(b); r.kept > maxSortBytes {
		return nil, false
	}
	if cap(r.text)-len(r.text) < len(b) {
		r.text = make([]byte, 0, max(min(r.kept, textBlock), len(b)))
	}
	r.text = append(r.text, b...)
	return r.text[len(r.text)-len(b) : len(r.text) : len(r.text)], true
}

// weigh finds what a row is sorted by.
func (r *sorter) weigh(row *sortRow) (problem string) {
	if r.by == nil {
		if r.alpha {
			row.key = row.element
			return ""
		}
		return scoreRow(row, row.element)
	}
	value, found := r.c.lookUpPattern(r.by, row.element)
	switch {
	case !found:
		return ""
	case !r.alpha && value.len() > maxNumberText:
		return errSortScore
	case !r.alpha:
		return scoreRow(row, value.text())
	case r.kept+value.len() > maxSortBytes:
		return errSortTooLarge
	}
	row.key, _ = r.keep(value.text())
	return ""
}

// maxNumberText is how long the text of a number may be: a longer one is not even read.
const maxNumberText = 64 << 10

func scoreRow(row *sortRow, text []byte) (problem string) {
	var ok bool
	if row.score, ok = parseSortScore(text); !ok {
		return errSortScore
	}
	return ""
}

// firstSorted is the first n rows of all in order. Where these are few they are gathered in a heap, largest
// first, and no more is sorted.
func firstSorted[T any](rows []T, n int, compare func(a, b T) int) []T {
	if n > len(rows)/8 {
		slices.SortFunc(rows, compare)
		return rows[:n]
	}
	first := rows[:n]
	for i := n/2 - 1; i >= 0; i-- {
		siftDown(first, i, compare)
	}
	for _, row := range rows[n:] {
		if n > 0 && compare(row, first[0]) < 0 {
			first[0] = row
			siftDown(first, 0, compare)
		}
	}
	slices.SortFunc(first, compare)
	return first
}

// siftDown lets the row at i sink below those that are larger.
func siftDown[T any](heap []T, i int, compare func(a, b T) int) {
	for child := 2*i + 1; child < len(heap); child = 2*i + 1 {
		if child+1 < len(heap) && compare(heap[child], heap[child+1]) < 0 {
			child++
		}
		if compare(heap[i], heap[child]) >= 0 {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// compare orders two rows by their places.
func (r *sorter) compare(a, b sortPlace) int {
	switch {
	case a.prefix < b.prefix:
		return -1
	case a.prefix > b.prefix:
		return 1
	}
	return r.compareRows(&r.rows[a.row], &r.rows[b.row])
}

// comparable is a key as it is compared. What is not stored is compared as C's strcoll does where no
// locale is set: up to the first NUL.
func (s *sorting) comparable(key []byte) []byte {
	if s.store != nil {
		return key
	}
	return cString(key)
}

// compareRows orders two rows. Those that are equal are in the order of the elements' bytes: Redis leaves that
// open where texts are equal, but what is stored should be certain.
func (s *sorting) compareRows(a, b *sortRow) int {
	order := 0
	switch {
	case !s.alpha: // the prefixes were all
	case a.key == nil || b.key == nil:
		order = int(oneIf(a.key != nil) - oneIf(b.key != nil))
	default:
		order = bytes.Compare(s.comparable(a.key), s.comparable(b.key))
	}
	if order == 0 {
		order = bytes.Compare(a.element, b.element)
	}
	if s.desc {
		return -order
	}
	return order
}

// smallestNormal is the smallest number of full precision.
const smallestNormal = 0x1p-1022

// parseSortScore reads a number as strtod does, spaces in front included. Nothing is 0. What is so small that it
// loses digits is refused as what is too large; hexadecimal numbers of that size lose none, if they are not long.
func parseSortScore(b []byte) (f float64, ok bool) {
	b = cString(b)
	if len(b) == 0 {
		return 0, true
	}
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	f, rangeErr, ok := scanFloat(b)
	if f != 0 && math.Abs(f) < smallestNormal && !isHex(b) {
		rangeErr = true
	}
	return f, ok && !rangeErr
}

// found is what a pattern leads to, valid until the next look-up: a string of any length, or a text.
type found struct {
	str   *store.String // nil: it is a text
	plain []byte
}

func (v *found) len() int {
	if v.str != nil {
		return v.str.Len()
	}
	return len(v.plain)
}

// text is the whole of it, never nil.
func (v *found) text() []byte {
	b := v.plain
	if v.str != nil {
		b = v.str.Bytes()
	}
	if b == nil {
		return []byte{}
	}
	return b
}

// lookUpPattern finds what a pattern stands for: the value of the key that it becomes with the element in place of
// its first "*", or, if "->" and a name follow, that field of the hash at that key.
// "#" is the element itself. ok is false if there is no such thing.
func (c *Ctx) lookUpPattern(pattern, element []byte) (v found, ok bool) {
	if len(pattern) == 1 && pattern[0] == '#' {
		return found{plain: element}, true
	}
	star := bytes.IndexByte(pattern, '*')
	if star < 0 {
		return v, false
	}
	rest, field := pattern[star+1:], []byte(nil)
	if i := bytes.Index(rest, []byte("->")); i >= 0 && i+2 < len(rest) {
		rest, field = rest[:i], rest[i+2:]
	}
	c.picked = append(append(append(c.picked[:0], pattern[:star]...), element...), rest...)
	if field == nil {
		if v.str, _ = c.DB.String(c.picked); v.str == nil {
			return v, false
		}
		v.str.Close() // it stays as it is until another is opened
		return v, true
	}
	h, _ := c.DB.Hash(c.picked)
	if h == nil {
		return v, false
	}
	h.Close()
	v.plain, ok = h.Get(field)
	return v, ok
}

// each calls fn with the elements of the result until it returns false.
func (r *sorter) each(fn func(element []byte) bool) {
	if r.plain {
		r.c.each(&r.in, r.start, r.end, r.desc, fn)
		return
	}
	for _, p := range r.places {
		if !fn(r.rows[p.row].element) {
			return
		}
	}
}

// answer answers the elements, or what GET's patterns lead to from each. That may be of any
// size, and is bounded as what comes repeatedly is by repeats.
func (r *sorter) answer() {
	c, n := r.c, r.end-r.start
	if len(r.gets) == 0 {
		c.Array(n)
		r.each(func(element []byte) bool { c.Bulk(element); return true })
		return
	}
	if n > maxRepeatBytes/repeatRowBytes/len(r.gets) {
		c.Error(errOutOfRange)
		return
	}
	mark, bytes := c.Mark(), 0
	c.Array(n * len(r.gets))
	r.each(func(element []byte) bool {
		for _, pattern := range r.gets {
			v, ok := c.lookUpPattern(pattern, element)
			if bytes += v.len() + repeatRowBytes; bytes > maxRepeatBytes {
				return false
			}
			c.foundOrNull(v, ok)
		}
		return true
	})
	if bytes > maxRepeatBytes {
		c.Undo(mark)
		c.Error(errOutOfRange)
	}
}

func (c *Ctx) foundOrNull(v found, ok bool) {
	switch {
	case !ok:
		c.Null()
	case v.str != nil:
		c.bulkPart(v.str, 0, v.len())
	default:
		c.Bulk(v.plain)
	}
}

// storeResult stores the same as a list. What is not there is an empty element.
func (r *sorter) storeResult() {
	c, dst := r.c, r.store
	result := c.DB.NewList(dst)
	result.Bound()
	r.each(func(element []byte) bool {
		if len(r.gets) == 0 {
			result.Push(false, element)
			return !result.Full()
		}
		for _, pattern := range r.gets {
			v, _ := c.lookUpPattern(pattern, element)
			if result.Push(false, v.text()); result.Full() {
				return false
			}
		}
		return true
	})
	if result.Full() {
		result.Discard()
		c.Error(ErrOOM)
		return
	}
	existed := c.DB.Has(dst)
	n := result.StoreAt()
	switch {
	case n > 0:
		c.Modified(ClassList, "sortstore", dst)
	case existed:
		c.Modified(ClassGeneric, "del", dst)
	}
	if c.changed && r.alpha && r.by != nil { // where texts are equal, Redis leaves open what comes first
		c.listEffects(dst, result)
	}
	c.Int(int64(n))
}
