package slab

// Arenas are the memories of a shard's large values, each of which has its own, by
// number. So such a value is renamed, moved to another shard or dropped by
// handing over a pointer; the pages of dropped ones go back in slices.
type Arenas[A interface {
	comparable
	// CloseSome gives up to n pages back and reports whether there are more.
	CloseSome(n int) bool
}] struct {
	list   []A      // by number; the zero A where there is none
	vacant []uint32 // such places
	grave  []A      // dropped; Reclaim gives their pages back
}

// Add takes an arena in and returns its number.
func (t *Arenas[A]) Add(a A) uint32 {
	if n := len(t.vacant); n > 0 {
		number := t.vacant[n-1]
		t.vacant = t.vacant[:n-1]
		t.list[number] = a
		return number
	}
	t.list = append(t.list, a)
	return uint32(len(t.list) - 1)
}

// At is the arena of a number.
func (t *Arenas[A]) At(number uint32) A { return t.list[number] }

// Take takes an arena out.
func (t *Arenas[A]) Take(number uint32) A {
	var none A
	a := t.list[number]
	t.list[number] = none
	t.vacant = append(t.vacant, number)
	return a
}

// Bury takes an arena out and leaves it to Reclaim.
func (t *Arenas[A]) Bury(number uint32) { t.grave = append(t.grave, t.Take(number)) }

// Reclaim gives back up to n pages of buried arenas and reports whether there are more.
func (t *Arenas[A]) Reclaim(n int) bool {
	if last := len(t.grave) - 1; last >= 0 && !t.grave[last].CloseSome(n) {
		var none A
		t.grave[last] = none
		t.grave = t.grave[:last]
	}
	return len(t.grave) > 0
}

// Freeze returns the table with what fn makes of each arena that is not buried.
func (t *Arenas[A]) Freeze(fn func(A) A) Arenas[A] {
	var none A
	c := Arenas[A]{list: make([]A, len(t.list))}
	for i, a := range t.list {
		if a != none {
			c.list[i] = fn(a)
		}
	}
	return c
}

// Len is the number of arenas, without those buried.
func (t *Arenas[A]) Len() int { return len(t.list) - len(t.vacant) }
