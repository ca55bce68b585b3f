package store

import "slices"

// pool keeps the values that a DB opens, so that opening one allocates nothing.
type pool[T any] struct {
	list []*T
	used int // since Begin
}

// next takes a value from the pool; it is as it was left.
func (p *pool[T]) next() *T {
	if p.used == len(p.list) {
		p.list = append(p.list, new(T))
	}
	p.used++
	return p.list[p.used-1]
}

// begin gives the values back, and drops those that only a command of very many needs.
func (p *pool[T]) begin() {
	if len(p.list) > poolKept {
		clear(p.list[poolKept:])
		p.list = p.list[:poolKept]
	}
	p.used = 0
}

// poolKept is how many a command that opened many may leave behind.
const poolKept = 64

// end is begin for one that may not come back soon; forget lets go of the caller's memory
// that a value names.
func (p *pool[T]) end(forget func(*T)) {
	if len(p.list) > poolKept {
		p.list = slices.Clone(p.list[:poolKept])
	}
	for _, v := range p.list {
		forget(v)
	}
}
