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
	if len(p.list) > setsKept {
		clear(p.list[setsKept:])
		p.list = p.list[:setsKept]
	}
	p.used = 0
}

// end is begin for one that may not come back soon.
func (p *pool[T]) end() {
	if len(p.list) > setsKept {
		p.list = slices.Clone(p.list[:setsKept])
	}
}
