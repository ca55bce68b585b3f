package zset

import (
	"bytes"
	"fmt"
	"math"

	"quarry/store/internal/heaplist"
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// packed is a small set: one object of the shard's heap that holds a listpack of
//
//	member, score, member, score, ...
//
// in ascending order of (score, member bytes). Members are strings (those that
// read as integers are kept as such); a score is an integer element if it is a
// whole number up to 2^53 in magnitude, else a float element, so that every
// score has one form and comes back bit by bit. Ten 19-byte members with scores
// below a million take 230 bytes and the 4 of the header.
//
// Everything is found by walking from the front.
type packed struct{ heaplist.List }

// maxWhole is the magnitude up to which every whole number is a float64.
const maxWhole = 1 << 53

// len is the number of members.
func (p *packed) len() int { return p.Read().Len() / 2 }

// scoreElement is the one form a score has. It is not NaN and not -0.
func scoreElement(score float64) listpack.Element {
	if math.Abs(score) <= maxWhole && score == math.Trunc(score) {
		return listpack.Int(int64(score))
	}
	return listpack.Float(score)
}

// findPair is the position and the rank of a member; rank is -1 if it is not there.
func findPair(l listpack.List, member []byte) (pos, rank int) {
	if len(member) > slab.MaxSize {
		return 0, -1
	}
	e := listpack.String(member)
	pos, index := l.Find(&e, true)
	return pos, index >> 1 // -1 stays -1
}

// score is the score of a member.
func (p *packed) score(member []byte) (score float64, ok bool) {
	_, score, ok = p.rank(member)
	return score, ok
}

// rank is the member's position and score.
func (p *packed) rank(member []byte) (rank int, score float64, ok bool) {
	l := p.Read()
	pos, rank := findPair(l, member)
	if rank < 0 {
		return 0, 0, false
	}
	return rank, l.Number(l.Next(pos)), true
}

// add does what Set.Add says. fits is false, and nothing is changed, if the set
// may not take the form that follows: the caller makes a tree of it and adds there.
func (p *packed) add(member []byte, score float64, f Flags, lim *Limits) (o Outcome, now float64, fits bool) {
	l := p.Read()
	pos, rank := findPair(l, member)
	if rank < 0 {
		return p.insert(l, member, score, f, lim)
	}
	old := l.Number(l.Next(pos))
	o, now = decide(old, score, f)
	if o != Updated {
		return o, now, true
	}
	return o, now, p.update(l, pos, rank, member, old, now)
}

// insert adds a member that is not there.
func (p *packed) insert(l listpack.List, member []byte, score float64, f Flags, lim *Limits) (o Outcome, now float64, fits bool) {
	if f&XX != 0 {
		return Nop, 0, true
	}
	score += 0 // -0 + 0 is 0
	m, s, size, fits := newPair(l, member, score, lim)
	if !fits {
		return Nop, 0, false
	}
	b := bound{score, member, tieByMember}
	pos, _ := b.seek(l, listpack.HeaderSize, 0)
	p.Resized(size).Insert(pos, m, s)
	return Added, score, true
}

// newPair is a member and its score, which is not -0, as elements, and the size of the list with them;
// fits is false if the set may not have it.
func newPair(l listpack.List, member []byte, score float64, lim *Limits) (m, s listpack.Element, size int, fits bool) {
	if l.Len()/2 >= lim.PackedEntries || len(member) > lim.PackedValue || len(member) > slab.MaxSize {
		return m, s, 0, false
	}
	m, s = listpack.String(member), scoreElement(score)
	size = l.Size() + m.Size() + s.Size()
	return m, s, size, size <= slab.MaxSize
}

// update gives the member at pos, of the given rank, a new score, and its pair
// the place that goes with it. It reports whether there is room.
func (p *packed) update(l listpack.List, pos, rank int, member []byte, old, score float64) bool {
	scorePos := l.Next(pos)
	after := l.Next(scorePos)
	s := scoreElement(score)
	size := l.Size() + s.Size() - (after - scorePos)
	if size > slab.MaxSize {
		return false
	}
	b := bound{score, member, tieByMember}
	to := 0
	if score > old {
		to, _ = b.seek(l, after, rank+1)
	} else {
		to, _ = b.seek(l, listpack.HeaderSize, 0)
	}
	l = p.Resized(max(size, l.Size()))
	if to == pos || to == after { // the order stays
		l.Replace(scorePos, s)
		return true
	}
	l.Delete(pos, 2)
	if to > pos {
		to -= after - pos
	}
	l.Insert(to, listpack.String(member), s)
	return true
}

// A bound is a place in the order, between two pairs: before all members of
// its score, after them, or before its own member among them.
type bound struct {
	score  float64
	member []byte
	tie    tie
}

type tie uint8

const (
	tieBefore tie = iota
	tieAfter
	tieByMember
)

// isAfter reports whether the pair at pos comes before the bound.
func (b *bound) isAfter(l listpack.List, pos int) bool {
	s := l.Number(l.Next(pos))
	if s != b.score || b.tie == tieBefore {
		return s < b.score
	}
	if b.tie == tieAfter {
		return true
	}
	var scratch listpack.Scratch
	return bytes.Compare(l.Bytes(pos, &scratch), b.member) < 0
}

// boundStep is the number of pairs that seek passes between two looks at a
// score: passing a pair costs a fifth of reading its score.
const boundStep = 8

// seek is the position and the rank of the first pair after the bound; it begins
// at pos, whose rank is given and which does not lie behind that pair.
func (b *bound) seek(l listpack.List, pos, rank int) (int, int) {
	n := l.Len() / 2
	for rank+boundStep < n {
		next := l.Skip(pos, 2*boundStep)
		if !b.isAfter(l, next) {
			break
		}
		pos, rank = next, rank+boundStep
	}
	for rank < n && b.isAfter(l, pos) {
		pos, rank = l.Skip(pos, 2), rank+1
	}
	return pos, rank
}

// remove removes a member.
func (p *packed) remove(member []byte) bool {
	l := p.Read()
	pos, rank := findPair(l, member)
	if rank < 0 {
		return false
	}
	p.Cut(pos, 2)
	return true
}

// removeRange does what Set.RemoveRange says.
func (p *packed) removeRange(start, n int, fn func(member []byte, score float64)) int {
	l := p.Read()
	n = min(n, l.Len()/2-start)
	if start < 0 || n <= 0 {
		return 0
	}
	pos := l.Skip(listpack.HeaderSize, 2*start)
	if fn != nil {
		eachPair(l, pos, n, fn)
	}
	p.Cut(pos, 2*n)
	return n
}

// eachPair calls fn for the n pairs from pos on.
func eachPair(l listpack.List, pos, n int, fn func(member []byte, score float64)) {
	var scratch listpack.Scratch
	for range n {
		scorePos := l.Next(pos)
		fn(l.Bytes(pos, &scratch), l.Number(scorePos))
		pos = l.Next(scorePos)
	}
}

// scan passes all members.
func (p *packed) scan(fn func(member []byte, score float64)) {
	l := p.Read()
	eachPair(l, listpack.HeaderSize, l.Len()/2, fn)
}

// countBelow does what Set.CountBelow says.
func (p *packed) countBelow(score float64, inclusive bool) int {
	b := bound{score: score, tie: tieBefore}
	if inclusive {
		b.tie = tieAfter
	}
	_, rank := b.seek(p.Read(), listpack.HeaderSize, 0)
	return rank
}

// countBelowLex is the number of members before the first one, in the set's
// order, that is not below the given one.
func (p *packed) countBelowLex(member []byte, inclusive bool) int {
	l := p.Read()
	var scratch listpack.Scratch
	n := 0
	for pos, size := listpack.HeaderSize, l.Size(); pos < size; pos = l.Skip(pos, 2) {
		if c := bytes.Compare(l.Bytes(pos, &scratch), member); c > 0 || c == 0 && !inclusive {
			break
		}
		n++
	}
	return n
}

// check verifies the list, the pairs, the forms of the scores, the order, and that no member is there twice.
func (p *packed) check(a *slab.Audit) error {
	if err := p.Check(a); err != nil {
		return err
	}
	l := p.Read()
	if l.Len()%2 != 0 {
		return fmt.Errorf("zset: %d elements are no pairs", l.Len())
	}
	for pos, rank := listpack.HeaderSize, 0; pos < l.Size(); pos, rank = l.Skip(pos, 2), rank+1 {
		if err := checkPair(l, pos, rank); err != nil {
			return err
		}
	}
	return nil
}

// checkPair verifies the pair at pos against its rank and the pair that follows.
func checkPair(l listpack.List, pos, rank int) error {
	var scratch, nextScratch listpack.Scratch
	if l.Kind(pos) == listpack.FloatKind {
		return fmt.Errorf("zset: member of rank %d is no string", rank)
	}
	member := l.Bytes(pos, &scratch)
	scorePos := l.Next(pos)
	score := l.Number(scorePos)
	if l.Kind(scorePos) == listpack.StringKind || math.IsNaN(score) || score == 0 && math.Signbit(score) {
		return fmt.Errorf("zset: %q has no score", member)
	}
	after := l.Next(scorePos)
	if e := scoreElement(score); !l.Equal(scorePos, &e) {
		return fmt.Errorf("zset: the score of %q, %v, is not in its form", member, score)
	}
	if _, first := findPair(l, member); first != rank {
		return fmt.Errorf("zset: %q is there twice, at ranks %d and %d", member, first, rank)
	}
	if after == l.Size() {
		return nil
	}
	next, nextScore := l.Bytes(after, &nextScratch), l.Number(l.Next(after))
	if nextScore < score || nextScore == score && bytes.Compare(next, member) <= 0 {
		return fmt.Errorf("zset: (%v, %q) at rank %d comes before (%v, %q)", score, member, rank, nextScore, next)
	}
	return nil
}
