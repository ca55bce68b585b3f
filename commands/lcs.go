package commands

import (
	"math/bits"

	"quarry/store"
)

var lcsCommands = []Spec{
	{
		Name: "LCS", Group: StringGroup, Since: "7.0.0",
		Summary:    "Finds the longest common subsequence of two strings, its length, or where it lies in them",
		Complexity: "O(N*M/64) for strings of N and M bytes",
		Arity:      -3, Flags: ReadOnly, Keys: KeyRange(1, 2, 1, RO|AccessOp),
		Args: []Arg{
			keyArg("key1"), keyArg("key2"), optional(token("LEN")), optional(token("IDX")),
			optional(withToken("MINMATCHLEN", intArg("len"))), optional(token("WITHMATCHLEN")),
		},
		Run: lcs,
	},
}

// What is bounded: Redis fills a table of a number of 32 bits for each pair of bytes, and
// refuses one that is larger than proto-max-bulk-len. Here a pair takes a bit, and 64 of them are
// found at once: the largest table is 16 MiB and takes about 10 ms. Larger ones are refused
// even if proto-max-bulk-len would allow them, and so are very long strings, which Redis compares
// with very short ones.
const (
	lcsMaxCells  = 1 << 27 // Redis' 512 MiB
	lcsMaxString = 1 << 20

	errLCSTypes  = "ERR The specified keys must contain string values"
	errLCSBoth   = "ERR If you want both the length and indexes, please just use IDX."
	errLCSLong   = "ERR String too long for LCS"
	errLCSMemory = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
	errLCSFailed = "ERR Insufficient memory, failed allocating transient memory for LCS"
)

// lcsOptions are the options of LCS.
type lcsOptions struct {
	length, index, withLength bool
	minLength                 int64
}

func (c *Ctx) lcsOptions(args [][]byte) (o lcsOptions, ok bool) {
	for i := 0; i < len(args); i++ {
		switch {
		case equalFold(args[i], "IDX"):
			o.index = true
		case equalFold(args[i], "LEN"):
			o.length = true
		case equalFold(args[i], "WITHMATCHLEN"):
			o.withLength = true
		case equalFold(args[i], "MINMATCHLEN") && i+1 < len(args):
			i++
			if o.minLength, ok = parseInt(args[i]); !ok {
				c.Error(errNotInt)
				return o, false
			}
		default:
			c.Error(errSyntax)
			return o, false
		}
	}
	if o.index && o.length {
		c.Error(errLCSBoth)
		return o, false
	}
	return o, true
}

func lcs(c *Ctx) {
	a, errA := c.DB.String(c.Args[1])
	b, errB := c.DB.String(c.Args[2])
	if errA != nil || errB != nil {
		c.Error(errLCSTypes)
		return
	}
	o, ok := c.lcsOptions(c.Args[3:])
	if !ok || !c.lcsFits(lenOf(a), lenOf(b)) {
		return
	}
	first := bytesOf(a)
	t := newLCSTable(first, bytesOf(b), !o.length)
	switch {
	case o.length:
		c.Int(int64(t.length))
	case o.index:
		c.lcsMatches(t, o)
	default:
		text := make([]byte, t.length)
		n := len(text)
		t.matches(func(a, _, length int) {
			n -= length
			copy(text[n:], first[a:a+length])
		})
		c.Bulk(text)
	}
}

// lenOf and bytesOf are of a string that may be missing.
func lenOf(s *store.String) int {
	if s == nil {
		return 0
	}
	return s.Len()
}

func bytesOf(s *store.String) []byte {
	if s == nil {
		return nil
	}
	return s.Bytes()
}

// lcsFits reports whether strings of that length may be compared, or answers why not.
func (c *Ctx) lcsFits(n, m int) bool {
	most := func(cells int64) bool { return int64(n)+1 <= cells/(int64(m)+1) }
	switch {
	case !most(c.Host.MaxBulk() / 4):
		c.Error(errLCSMemory)
	case !most(lcsMaxCells):
		c.Error(errLCSFailed)
	case max(n, m) > lcsMaxString:
		c.Error(errLCSLong)
	default:
		return true
	}
	return false
}

// lcsMatches answers IDX: where the pieces of the subsequence lie in both strings, the last first.
func (c *Ctx) lcsMatches(t *lcsTable, o lcsOptions) {
	c.Map(2)
	c.Str("matches")
	mark, n := c.Defer(), 0
	t.matches(func(a, b, length int) {
		if int64(length) < o.minLength {
			return
		}
		n++
		if o.withLength {
			c.Array(3)
		} else {
			c.Array(2)
		}
		for _, start := range [...]int{a, b} {
			c.Array(2)
			c.Int(int64(start))
			c.Int(int64(start + length - 1))
		}
		if o.withLength {
			c.Int(int64(length))
		}
	})
	c.Patch(mark, n)
	c.Str("len")
	c.Int(int64(t.length))
}

// lcsTable tells L(r, c), how long the longest common subsequence of the first r bytes
// of one string and the first c of the other is. Its rows are the bytes of the shorter string, its
// columns those of the longer one. L(r, c) is L(r, c-1) or one more, so that a bit tells it:
//
//	row r:   word 0   word 1   ...     bit c-1, from the lowest one of word 0 on, is
//	        +--------+--------+---     0 if L(r, c) is L(r, c-1) + 1, else 1
//
// A row follows from the one before it and from where the row's byte is among the columns, 64
// columns at a time (the way of Crochemore, Iliopoulos, Pinzon and Reid).
type lcsTable struct {
	rows, columns []byte
	rowsAreB      bool // the second of the two strings, not the first
	words         int  // in a row
	bits          []uint64
	masks         [256][]uint64 // where each byte of rows is in columns, as bits
	length        int           // L of all
}

// newLCSTable compares a and b. Unless whole, there is nothing but the length.
func newLCSTable(a, b []byte, whole bool) *lcsTable {
	t := &lcsTable{rows: a, columns: b}
	if len(a) > len(b) {
		t.rows, t.columns, t.rowsAreB = b, a, true
	}
	t.words = (len(t.columns) + 63) / 64
	t.findBytes()
	kept := 1
	if whole {
		kept += len(t.rows)
	}
	t.bits = make([]uint64, kept*t.words)
	row := t.row(0)
	for i := range row {
		row[i] = ^uint64(0)
	}
	for r, char := range t.rows {
		next := row
		if whole {
			next = t.row(r + 1)
		}
		nextRow(next, row, t.masks[char])
		row = next
	}
	t.length = zeros(row, len(t.columns))
	return t
}

// findBytes fills masks.
func (t *lcsTable) findBytes() {
	for _, char := range t.rows {
		if t.masks[char] == nil {
			t.masks[char] = make([]uint64, t.words)
		}
	}
	for c, char := range t.columns {
		if mask := t.masks[char]; mask != nil {
			mask[c/64] |= 1 << (c % 64)
		}
	}
}

func nextRow(next, row, mask []uint64) {
	carry := uint64(0)
	for i, word := range row {
		sum, over := bits.Add64(word, word&mask[i], carry)
		next[i], carry = sum|word&^mask[i], over
	}
}

func (t *lcsTable) row(r int) []uint64 { return t.bits[r*t.words : (r+1)*t.words] }

// zeros counts them among the first n bits.
func zeros(row []uint64, n int) int {
	count := 0
	for _, word := range row[:n/64] {
		count += bits.OnesCount64(^word)
	}
	if n%64 > 0 {
		count += bits.OnesCount64(^row[n/64] << (64 - n%64))
	}
	return count
}

// at is L(r, c), 0 above the table.
func (t *lcsTable) at(r, c int) int {
	if r < 0 {
		return 0
	}
	return zeros(t.row(r), c)
}

// step is L(r, c) - L(r, c-1).
func (t *lcsTable) step(r, c int) int { return int(^t.row(r)[(c-1)/64] >> ((c - 1) % 64) & 1) }

// matches calls fn with the pieces of the one subsequence that Redis finds, the last first:
// where it begins in the first and in the second string, and its length.
func (t *lcsTable) matches(fn func(a, b, length int)) {
	r, c, length := len(t.rows), len(t.columns), 0
	emit := func() {
		switch {
		case length == 0:
		case t.rowsAreB:
			fn(c, r, length)
		default:
			fn(r, c, length)
		}
		length = 0
	}
	here, above := t.length, t.at(r-1, c) // L(r, c) and L(r-1, c)
	for r > 0 && c > 0 {
		if t.masks[t.rows[r-1]][(c-1)/64]>>((c-1)%64)&1 == 1 {
			r, c, here, length = r-1, c-1, here-1, length+1
			above = t.at(r-1, c)
			continue
		}
		emit()
		before := here - t.step(r, c) // L(r, c-1)
		// Of two ways as good, the second string is the one that gets shorter.
		if above > before || above == before && t.rowsAreB {
			r, here = r-1, above
			above = t.at(r-1, c)
		} else {
			above -= t.step(r-1, c)
			c, here = c-1, before
		}
	}
	emit()
}
