package field

import (
	"fmt"

	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// Check walks the whole field and names the first broken place. It proves that: the head and both sets are sound; every
// row's value and tail are of the form that value.go draws, with its key that of its place and its place one that
// is allowed; the deadlines are those of the rows, and none is before Due; and names are used as often as is
// noted. In a it names the objects of the shard's heap, and it calls own with the number of each large set.
func (e *Env) Check(ref slab.Ref, a *slab.Audit, own func(number uint32) error) error {
	if err := a.Own(ref, headSize); err != nil {
		return err
	}
	if err := e.checkHead(ref); err != nil {
		return err
	}
	var f Field
	e.Open(ref, &f)
	for _, h := range [...]zset.Handle{f.head.places, f.head.times} {
		if h.Enc == zset.Large {
			if err := own(h.Ref); err != nil {
				return err
			}
		}
	}
	c := checker{f: &f, times: map[string]int64{}}
	if err := c.places(a); err != nil {
		return err
	}
	if err := c.deadlines(a); err != nil {
		return err
	}
	if f.size() == 0 && !f.head.created {
		return fmt.Errorf("field: it is empty")
	}
	return f.names.check(a, &c.uses)
}

func (e *Env) checkHead(ref slab.Ref) error {
	r := e.Heap.R(ref)
	h := e.readHead(ref)
	s := &h.shape
	if s.Space > Geo || s.Dims != firstDimension && s.Dims != lastDimension || r.U8(headFlags) > flagCreated|flagBounded {
		return fmt.Errorf("field: space %d, %d dimensions, flags %d", s.Space, s.Dims, r.U8(headFlags))
	}
	if err := s.Check(); err != nil {
		return fmt.Errorf("field: %w", err)
	}
	if h.places.Enc != 0 && h.places.Enc != zset.Medium && h.places.Enc != zset.Large || h.times.Enc > zset.Large {
		return fmt.Errorf("field: sets of forms %d and %d", h.places.Enc, h.times.Enc)
	}
	return nil
}

type checker struct {
	f     *Field
	times map[string]int64 // the deadlines that rows have
	uses  [256]uint32      // rows that have each numeric field
}

func (c *checker) places(a *slab.Audit) error {
	f := c.f
	if !f.hasPlaces() {
		return nil
	}
	if err := f.places.Check(a); err != nil {
		return err
	}
	if f.places.Len() == 0 {
		return fmt.Errorf("field: an empty set of places")
	}
	var it zset.Iter
	for it.Seek(&f.places, 0, false); it.Next(); {
		if err := c.row(it.Row(), it.Member()); err != nil {
			return fmt.Errorf("member %q: %w", it.Member(), err)
		}
	}
	return nil
}

func (c *checker) row(r zset.Row, member []byte) error {
	if err := checkValue(r.Value); err != nil {
		return err
	}
	f, v := c.f, viewOf(r)
	tail := f.tailOf(r)
	if err := checkTail(v, tail); err != nil {
		return err
	}
	if v.has(hasZ) != (f.head.shape.Dims == lastDimension) {
		return errValue("flags %#x in %d dimensions", v.flags(), f.head.shape.Dims)
	}
	if err := f.Refuses(v.x(), v.y(), v.z()); err != nil {
		return errValue("%w: %v %v %v", err, v.x(), v.y(), v.z())
	}
	if key := f.grid.code(v.x(), v.y()); key != r.Key {
		return errValue("key %#x at %v %v, not %#x", r.Key, v.x(), v.y(), key)
	}
	if at := v.expiresAt(); at != 0 {
		c.times[string(member)] = at
	}
	t := &f.env.thing
	t.read(v, tail)
	for _, n := range t.numbers {
		c.uses[n.id]++
	}
	return c.hashes(v, t.tags)
}

// hashes checks that a value's hashes are those of the first tags.
func (c *checker) hashes(v view, tags []Tag) error {
	b := v.hashes()
	for i := range len(b) / hashSize {
		if h := c.f.env.tagHash(tags[i].Name, tags[i].Text); !hasHash(b[i*hashSize:(i+1)*hashSize], h) {
			return errValue("hash %d is not that of tag %q", i, tags[i].Name)
		}
	}
	return nil
}

func (c *checker) deadlines(a *slab.Audit) error {
	f := c.f
	n := 0
	if f.hasTimes() {
		if err := f.times.Check(a); err != nil {
			return err
		}
		if n = f.times.Len(); n == 0 {
			return fmt.Errorf("field: an empty set of deadlines")
		}
	}
	if n != len(c.times) || (n == 0) != (f.head.due == 0) {
		return fmt.Errorf("field: %d deadlines for %d members, due %d", n, len(c.times), f.head.due)
	}
	if n == 0 {
		return nil
	}
	var it zset.Iter
	for it.Seek(&f.times, 0, false); it.Next(); {
		if at := c.times[string(it.Member())]; float64(at) != it.Score() || at < f.head.due || f.head.due < 0 {
			return fmt.Errorf("field: member %q expires at %d, the deadline is %v, due is %d", it.Member(), at, it.Score(), f.head.due)
		}
	}
	return nil
}
