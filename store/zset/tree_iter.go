package zset

// treeIter walks the rows of a tree from a rank on, leaf by leaf.
type treeIter struct {
	t       *tree
	id      uint32
	l       leaf // block id
	pos     int
	n       int // rows in l
	reverse bool
	ahead   bool // there is a row to step to
	fresh   bool // the next step stays on the row that seek found
	buf     []byte
}

func (it *treeIter) seek(t *tree, rank int, reverse bool) {
	it.t, it.reverse = t, reverse
	it.ahead = rank >= 0 && rank < t.count
	it.fresh = true
	if it.ahead {
		id, pos := t.leafAt(rank)
		it.enter(id)
		it.pos = pos
	}
}

func (it *treeIter) enter(id uint32) {
	it.id, it.l = id, leaf{it.t.read(id)}
	it.l.Prefetch(prefetchLines)
	it.n = it.l.n()
}

// prefetchRows is how many rows before the end of a leaf the next one is asked for.
const prefetchRows = 6

// prefetchNext asks for the leaf that follows.
func (it *treeIter) prefetchNext() {
	if next := it.after(); next != 0 {
		it.t.read(next).Prefetch(prefetchLines)
	}
}

// after is the leaf that follows in the direction of the walk, or 0.
func (it *treeIter) after() uint32 {
	if it.reverse {
		return it.l.U32(leafPrev)
	}
	return it.l.U32(leafNext)
}

func (it *treeIter) step() bool {
	if !it.ahead {
		return false
	}
	if it.fresh {
		it.fresh = false
		return true
	}
	ahead := it.n - it.pos
	if it.reverse {
		it.pos--
		ahead = it.pos
	} else {
		it.pos++
	}
	if ahead == prefetchRows {
		it.prefetchNext()
	}
	if it.pos >= 0 && it.pos < it.n {
		return true
	}
	id := it.after()
	if id == 0 {
		it.ahead = false
		return false
	}
	it.t.pass(it.id)
	it.enter(id)
	it.pos = 0
	if it.reverse {
		it.pos = it.n - 1
	}
	return true
}

// pass tells a view that is read once that a leaf is behind.
func (t *tree) pass(id uint32) {
	if t.ar != nil && t.ar.frozen && t.env.Once {
		t.ar.nodes.Pass(id/pageBlocks, id%pageBlocks<<blockShift, blockSize)
	}
}

func (it *treeIter) member() []byte {
	suffix, long := it.l.entry(it.pos)
	if long != 0 {
		return it.t.readLong(&it.buf, long)
	}
	it.buf = append(append(it.buf[:0], it.l.prefix()...), suffix...)
	return it.buf
}

func (it *treeIter) number() float64 { return scoreOf(it.l.key(it.pos)) }
