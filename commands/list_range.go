package commands

import (
	"math"

	"quarry/store/list"
)

var listRangeCommands = []Spec{
	{
		Name: "LLEN", Group: ListGroup, Since: "1.0.0",
		Summary:    "Answers the number of a list's elements",
		Complexity: "O(1)",
		Arity:      2, Flags: ReadOnly | Fast, Keys: KeyAt(1, RO),
		Args: []Arg{keyArg("key")},
		Run:  llen,
	},
	{
		Name: "LINDEX", Group: ListGroup, Since: "1.0.0",
		Summary:    "Answers the element at a place in a list, counted from 0 or, below it, from the end",
		Complexity: "O(log(N)), N being the length of the list",
		Arity:      3, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key"), intArg("index")},
		Run:  lindex,
	},
	{
		Name: "LRANGE", Group: ListGroup, Since: "1.0.0",
		Summary:    "Answers a part of a list",
		Complexity: "O(log(N)+M), M elements being answered of a list of N",
		Arity:      4, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{keyArg("key"), intArg("start"), intArg("stop")},
		Run:  lrange,
	},
	{
		Name: "LPOS", Group: ListGroup, Since: "6.0.6",
		Summary:    "Answers the places of an element in a list",
		Complexity: "O(N), N elements being looked at: all of the list, or fewer if matches are found early or MAXLEN is given",
		Arity:      -3, Flags: ReadOnly, Keys: KeyAt(1, RO|AccessOp),
		Args: []Arg{
			keyArg("key"), stringArg("element"), optional(withToken("RANK", intArg("rank"))),
			optional(withToken("COUNT", intArg("num-matches"))), optional(withToken("MAXLEN", intArg("len"))),
		},
		Run: lpos,
	},
}

func llen(c *Ctx) {
	l, err := c.DB.List(c.Args[1])
	switch {
	case c.fail(err):
	case l == nil:
		c.Int(0)
	default:
		c.Int(int64(l.Len()))
	}
}

func lindex(c *Ctx) {
	l, err := c.DB.List(c.Args[1])
	if c.fail(err) {
		return
	}
	if l == nil {
		c.Null()
		return
	}
	index, ok := parseInt(c.Args[2])
	if !ok {
		c.Error(errNotInt)
		return
	}
	at, ok := placeIn(l.Len(), index)
	if !ok {
		c.Null()
		return
	}
	c.Bulk(c.elementAt(l, at))
}

// placeIn is the number of the element that an index, counted from the end if it is
// negative, names in a list of n.
func placeIn(n int, index int64) (at int, ok bool) {
	if index < 0 {
		index += int64(n)
	}
	return int(index), 0 <= index && index < int64(n)
}

func lrange(c *Ctx) {
	start, stop, ok := c.parseInterval()
	if !ok {
		return
	}
	l, err := c.DB.List(c.Args[1])
	switch {
	case c.fail(err):
	case l == nil:
		c.Array(0)
	default:
		lo, hi := rankInterval(start, stop, l.Len())
		c.replyElements(l, lo, hi-lo, false)
	}
}

// parseInterval reads the start and stop of LRANGE and LTRIM; if something is wrong it answers the error.
func (c *Ctx) parseInterval() (start, stop int64, ok bool) {
	start, ok = parseInt(c.Args[2])
	if ok {
		stop, ok = parseInt(c.Args[3])
	}
	if !ok {
		c.Error(errNotInt)
	}
	return start, stop, ok
}

// lposOptions are what LPOS is asked for.
type lposOptions struct {
	skip    int  // matches not to be answered
	reverse bool // it is searched from the end
	count   int  // of matches to be answered
	listed  bool // COUNT was given: they are answered as an array
	maxLen  int  // elements to be looked at
}

const (
	errRankZero  = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
	errRankRange = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
	errPosCount  = "ERR COUNT can't be negative"
	errMaxLen    = "ERR MAXLEN can't be negative"
)

func parseLpos(args [][]byte) (o lposOptions, problem string) {
	o = lposOptions{count: 1, maxLen: math.MaxInt}
	for ; len(args) > 0 && problem == ""; args = args[2:] {
		if len(args) == 1 {
			return o, errSyntax
		}
		switch n, ok := parseInt(args[1]); {
		case equalFold(args[0], "RANK"):
			problem = o.setRank(n, ok)
		case equalFold(args[0], "COUNT"):
			o.count, o.listed = int(n), true
			if problem = notNegative(n, ok, errPosCount); n == 0 {
				o.count = math.MaxInt
			}
		case equalFold(args[0], "MAXLEN"):
			o.maxLen = int(n)
			if problem = notNegative(n, ok, errMaxLen); n == 0 {
				o.maxLen = math.MaxInt
			}
		default:
			problem = errSyntax
		}
	}
	return o, problem
}

func notNegative(n int64, ok bool, otherwise string) (problem string) {
	if !ok || n < 0 {
		return otherwise
	}
	return ""
}

func (o *lposOptions) setRank(n int64, ok bool) (problem string) {
	switch {
	case !ok:
		return errNotInt
	case n == 0:
		return errRankZero
	case n == math.MinInt64:
		return errRankRange
	}
	o.reverse = n < 0
	o.skip = int(max(n, -n)) - 1
	return ""
}

func lpos(c *Ctx) {
	o, problem := parseLpos(c.Args[3:])
	if problem != "" {
		c.Error(problem)
		return
	}
	l, err := c.DB.List(c.Args[1])
	switch {
	case c.fail(err):
	case l == nil && o.listed:
		c.Array(0)
	case l == nil:
		c.Null()
	case o.listed:
		mark := c.Defer()
		c.Patch(mark, c.eachPlace(&l.List, &o, func(at int) { c.Int(int64(at)) }))
	default:
		if c.eachPlace(&l.List, &o, func(at int) { c.Int(int64(at)) }) == 0 {
			c.Null()
		}
	}
}

// eachPlace calls fn with the places that LPOS is to answer and returns how many there are.
func (c *Ctx) eachPlace(l *list.List, o *lposOptions, fn func(at int)) (found int) {
	n := min(l.Len(), o.maxLen)
	start, at, step := 0, 0, 1
	if o.reverse {
		start, at, step = l.Len()-n, l.Len()-1, -1
	}
	skip, match := o.skip, list.MatchOf(c.Args[2])
	for c.elements.Seek(l, start, n, o.reverse); found < o.count && c.elements.Next(); at += step {
		switch {
		case !c.elements.Is(&match):
		case skip > 0:
			skip--
		default:
			fn(at)
			found++
		}
	}
	return found
}
