package zset

import "quarry/store/internal/listpack"

// packedWindow is the number of positions that a backward walk remembers.
const packedWindow = 64

// packedIter walks a packed set. A listpack is only walked forwards; backwards, one
// pass remembers the positions of a window of pairs, which are then visited
// in reverse. A set of up to 64 members takes one such pass, one of 128 two.
type packedIter struct {
	l       listpack.List
	reverse bool
	left    int // pairs to come; backwards that is the next one's rank + 1
	pos     int // of the pair the iterator is on
	score   int // position of its score
	next    int // forwards: position of the next pair
	first   int // backwards: lowest rank in the window
	window  [packedWindow]uint16
	scratch listpack.Scratch
}

// seek places it before the pair of the given rank.
func (it *packedIter) seek(p *packed, rank int, reverse bool) {
	it.l, it.reverse = p.Read(), reverse
	n := it.l.Len() / 2
	it.left = 0
	if rank < 0 || rank >= n {
		return
	}
	if reverse {
		it.left = rank + 1
		it.fill()
		return
	}
	it.left = n - rank
	it.next = it.l.Skip(listpack.HeaderSize, 2*rank)
}

// fill remembers the pairs of the next ranks downwards.
func (it *packedIter) fill() {
	it.first = max(0, it.left-packedWindow)
	pos := it.l.Skip(listpack.HeaderSize, 2*it.first)
	memberLen, scoreLen := 0, 0
	for i := range it.left - it.first {
		it.window[i] = uint16(pos)
		memberLen = it.l.Length(pos, memberLen)
		pos += memberLen
		scoreLen = it.l.Length(pos, scoreLen)
		pos += scoreLen
	}
}

// step moves to the next pair and reports whether there is one.
func (it *packedIter) step() bool {
	if it.left == 0 {
		return false
	}
	if it.reverse {
		if it.left == it.first {
			it.fill()
		}
		it.pos = int(it.window[it.left-1-it.first])
		it.score = it.l.Next(it.pos)
	} else {
		it.pos = it.next
		it.score = it.l.Next(it.pos)
		it.next = it.l.Next(it.score)
	}
	it.left--
	return true
}

// member is the member's bytes, valid until the next step.
func (it *packedIter) member() []byte { return it.l.Bytes(it.pos, &it.scratch) }

// number is the member's score.
func (it *packedIter) number() float64 { return it.l.Number(it.score) }
