package table

import (
	"math/bits"

	"quarry/store/internal/heaplist"
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// A packed table is a listpack of keys, in a set, or of keys and values in turn, in a
// hash, in the order in which they came. One of integers only (Ints) is kept
// ascending, as Redis' intset is. As it is a listpack of keys otherwise like any other, giving up
// the order is all it takes to make it Packed.

// stride is the number of a packed table's elements of listpack for each of its own.
func (t *Table) stride() int {
	if t.env.home.pairs {
		return 2
	}
	return 1
}

// findPacked is the position of a key, 0 if it is not there.
func (t *Table) findPacked(l listpack.List, key []byte) (pos int) {
	if len(key) > slab.MaxSize {
		return 0
	}
	e := listpack.String(key)
	if t.enc == Ints {
		return findInt(l, &e)
	}
	return t.findElement(l, &e)
}

// findInt is findPacked in a list of integers that ascend.
func findInt(l listpack.List, key *listpack.Element) (pos int) {
	if _, ok := key.Int(); !ok {
		return 0
	}
	pos, there := l.SearchInt(key)
	if !there {
		return 0
	}
	return pos
}

// findElement is findPacked for a key that is an element of a listpack already.
func (t *Table) findElement(l listpack.List, key *listpack.Element) (pos int) {
	pos, _ = l.Find(key, t.env.home.pairs)
	return pos
}

// pair is the element at pos.
func (t *Table) pair(l listpack.List, pos int) (key, value []byte) {
	key = l.Bytes(pos, &t.room.keyDigits)
	if t.env.home.pairs {
		value = l.Bytes(l.Next(pos), &t.room.valueDigits)
	}
	return key, value
}

// eachPacked calls fn for all elements.
func (t *Table) eachPacked(fn func(key, value []byte)) {
	if t.enc == 0 {
		return
	}
	l := t.list.Read()
	for pos, size := listpack.HeaderSize, l.Size(); pos < size; pos = l.Skip(pos, t.stride()) {
		fn(t.pair(l, pos))
	}
}

// begin gives a table without elements the form for its first one.
func (t *Table) begin(key, value []byte) {
	lim := t.env.Limits
	if _, ok := intOf(key); ok && !t.env.home.pairs && lim.IntEntries > 0 {
		t.enc = Ints
	} else if lim.PackedEntries > 0 && t.mayPack(key, value) {
		t.enc = Packed
	} else {
		t.startHashed()
		return
	}
	t.list = heaplist.New(t.env.home.heap)
}

// mayPack reports whether key and value are short enough for a packed table.
func (t *Table) mayPack(key, value []byte) bool {
	most := t.env.Limits.PackedValue
	return len(key) <= most && len(value) <= most &&
		len(key)+len(value) <= slab.MaxSize-listpack.HeaderSize-2*longHead
}

// longHead is what a listpack takes for a string beside its bytes, at most.
const longHead = 3

// intOf is the integer that a key is the decimal form of.
func intOf(key []byte) (v int64, ok bool) {
	if len(key) > slab.MaxSize {
		return 0, false
	}
	e := listpack.String(key)
	return e.Int()
}

// putInt adds a key to a table of integers. If fits is false it has not: the table
// has another form then, unless it is no table of integers any more.
func (t *Table) putInt(key []byte) (added, fits bool) {
	l := t.list.Read()
	v, ok := intOf(key)
	if !ok {
		t.leaveInts(l, key)
		return false, false
	}
	e := listpack.Int(v)
	pos, there := l.SearchInt(&e)
	if there {
		return false, true
	}
	size := l.Size() + e.Size()
	if l.Len() >= t.env.Limits.IntEntries || size > slab.MaxSize {
		t.unpack()
		return false, false
	}
	t.list.Resized(size).Insert(pos, e)
	return true, true
}

// leaveInts makes a table of integers another one, before it gets a key that is none.
func (t *Table) leaveInts(l listpack.List, key []byte) {
	lim := t.env.Limits
	if l.Len() < lim.PackedEntries && t.mayPack(key, nil) && longestInt(l) <= lim.PackedValue {
		t.enc = Packed
		return
	}
	t.unpack()
}

// longestInt is the number of characters of the longest integer in an ascending list: the
// first or the last.
func longestInt(l listpack.List) int {
	if l.Len() == 0 {
		return 0
	}
	var digits listpack.Scratch
	first := len(l.Bytes(listpack.HeaderSize, &digits))
	return max(first, len(l.Bytes(l.Skip(listpack.HeaderSize, l.Len()-1), &digits)))
}

// putPacked does what Put says. fits is false, and nothing is changed, if the table
// may not take the form that follows.
func (t *Table) putPacked(key, value []byte) (added, fits bool) {
	if len(key) > slab.MaxSize {
		return false, false
	}
	l, k := t.list.Read(), listpack.String(key)
	pos := t.findElement(l, &k)
	if pos != 0 && !t.env.home.pairs {
		return false, true
	}
	n := l.Len() / t.stride()
	if pos == 0 {
		n++
	}
	if !t.mayPack(key, value) || n > t.env.Limits.PackedEntries { // the limit may have become lower
		return false, false
	}
	if pos != 0 {
		return false, t.replace(l, l.Next(pos), value)
	}
	if t.env.home.pairs {
		return t.appendPair(l, k, listpack.String(value))
	}
	end := l.Size()
	size := end + k.Size()
	if size > slab.MaxSize {
		return false, false
	}
	t.list.Resized(size).Insert(end, k)
	return true, true
}

// appendPair adds a key and its value to a hash, for putPacked.
func (t *Table) appendPair(l listpack.List, key, value listpack.Element) (added, fits bool) {
	end := l.Size()
	size := end + key.Size() + value.Size()
	if size > slab.MaxSize {
		return false, false
	}
	w := t.list.Resized(size)
	w.Insert(end, key)
	w.Insert(w.Size(), value)
	return true, true
}

// replace puts a value in place of the one at pos and reports whether there is room.
func (t *Table) replace(l listpack.List, pos int, value []byte) bool {
	v := listpack.String(value)
	size := l.Size() + v.Size() - (l.Next(pos) - pos)
	if size > slab.MaxSize {
		return false
	}
	w := t.list.Resized(max(size, l.Size()))
	w.Replace(pos, v)
	t.list.Resized(size)
	return true
}

// unpack makes a packed table a hashed one.
func (t *Table) unpack() {
	old := t.list
	l := old.Read()
	t.startHashed()
	var digits [2]listpack.Scratch
	for pos, size := listpack.HeaderSize, l.Size(); pos < size; pos = l.Next(pos) {
		key, value := l.Bytes(pos, &digits[0]), []byte(nil)
		if t.env.home.pairs {
			pos = l.Next(pos)
			value = l.Bytes(pos, &digits[1])
		}
		t.insert(key, t.sp.hash.Sum(key), value)
	}
	old.Free()
}

// below makes a random number one from 0 to n-1.
func below(random uint64, n int) int {
	hi, _ := bits.Mul64(random, uint64(n))
	return int(hi)
}
