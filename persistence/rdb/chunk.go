package rdb

import (
	"fmt"

	"quarry/store"
)

// What is read goes to who builds it in chunks: parts of values, of many or of one that is large, with their bytes in one piece. So
// neither the size of a file nor that of a value says how much is in between.
const (
	chunkBytes = 64 << 10
	chunkWords = 4096
)

// chunk is some parts. Their strings, keys included, follow each other in bytes, and so do their scores.
type chunk struct {
	parts  []part
	bytes  []byte
	ends   []uint32 // of the strings
	scores []float64
}

// part is a part of a value: the first one, which begins with the key, the last one, both, or one in between.
type part struct {
	entry
	first, last bool
	strings     int // of the value
}

// entry is what is said of a key beside its value.
type entry struct {
	typ      store.Type
	db       int
	hint     int // elements
	expireAt int64
	using    store.Using
	offset   int64 // where it begins in the file
}

func (c *chunk) reset() {
	if cap(c.bytes) > 4*chunkBytes {
		c.bytes = nil
	}
	c.parts, c.bytes, c.ends, c.scores = c.parts[:0], c.bytes[:0], c.ends[:0], c.scores[:0]
}

// add adds a string.
func (c *chunk) add(b []byte) {
	c.bytes = append(c.bytes, b...)
	c.ends = append(c.ends, uint32(len(c.bytes)))
}

func (c *chunk) full() bool { return len(c.bytes) >= chunkBytes || len(c.ends) >= chunkWords }

// builder makes values of chunks, on one goroutine.
type builder struct {
	s       *store.Store
	d       *store.DB
	maker   *store.Maker
	own     own
	loading bool  // nobody else uses the store: shards are locked here, and no key expires
	nowMS   int64 // loading, what uses of keys are noted by
	replace bool
	dry     bool             // values are made, but not put in place
	skip    func(key []byte) // is told of keys without elements, which are left out; nil: they are an error
	keys    int64

	key    []byte // that is being built
	open   bool
	shard  int
	bytes  []byte // of the chunk
	ends   []uint32
	start  uint32
	scores []float64
}

// next is the chunk's next string.
func (b *builder) next() []byte {
	end := b.ends[0]
	s := b.bytes[b.start:end:end]
	b.start, b.ends = end, b.ends[1:]
	return s
}

// apply builds what a chunk says.
func (b *builder) apply(c *chunk) error {
	b.bytes, b.ends, b.start, b.scores = c.bytes, c.ends, 0, c.scores
	for i := range c.parts {
		p := &c.parts[i]
		if p.first {
			b.key = append(b.key[:0], b.next()...)
			b.shard = b.s.ShardOf(b.key)
		}
		if err := b.applyPart(p); err != nil {
			return &Error{Offset: p.offset, Key: append([]byte(nil), b.key...), Err: err}
		}
	}
	return nil
}

func (b *builder) applyPart(p *part) error {
	if b.loading {
		b.s.Lock(b.shard)
		defer b.s.Unlock(b.shard)
	}
	if p.first {
		b.maker.Begin(b.key, p.typ, p.hint)
		b.open, b.own.first = true, true
	}
	err := b.elements(p)
	if err == nil && p.last {
		if b.loading {
			b.d.Begin(p.db, b.nowMS)
			b.d.Timeless()
		}
		err = b.put(p)
	}
	switch {
	case err == nil:
		if p.last {
			b.open = false
			b.keys++
		}
		return nil
	case err == store.ErrEmpty && b.skip != nil:
		b.skip(b.key)
		err = nil
	}
	b.maker.Discard()
	b.open = false
	return err
}

// put completes the value.
func (b *builder) put(p *part) error {
	if !b.dry {
		return b.maker.Put(b.d, p.expireAt, p.using, b.replace)
	}
	err := b.maker.Check()
	if err == nil {
		b.maker.Discard()
	}
	return err
}

// discard gives up the value that is being built, if there is one.
func (b *builder) discard() {
	if !b.open {
		return
	}
	if b.loading {
		b.s.Lock(b.shard)
		defer b.s.Unlock(b.shard)
	}
	b.maker.Discard()
	b.open = false
}

// elements adds the strings of a part to its value.
func (b *builder) elements(p *part) (err error) {
	n := p.strings
	switch p.typ {
	case store.TypeString:
		for ; n > 0 && err == nil; n-- {
			err = b.maker.Text(b.next())
		}
	case store.TypeHash:
		if n%2 != 0 {
			return errPairs
		}
		for ; n > 0 && err == nil; n -= 2 {
			name := b.next()
			err = b.maker.Pair(name, b.next())
		}
	case store.TypeSet:
		for ; n > 0 && err == nil; n-- {
			err = b.maker.Member(b.next())
		}
	case store.TypeList:
		for ; n > 0 && err == nil; n-- {
			err = b.maker.Element(b.next())
		}
	case store.TypeZSet:
		for ; n > 0 && err == nil; n-- {
			err = b.maker.Row(b.next(), b.scores[0])
			b.scores = b.scores[1:]
		}
	case store.TypeBloom:
		for ; n > 0 && err == nil; n-- {
			err = b.own.bloomRecord(b.maker, b.next())
		}
	default:
		for ; n > 0 && err == nil; n-- {
			err = b.own.fieldRecord(b.maker, b.next())
		}
	}
	return err
}

// Error is what is wrong with a file or a payload.
type Error struct {
	Offset int64  // in bytes: where it was seen or, of what is wrong with a value as a whole, where that begins
	Key    []byte // nil: it is not about a key
	Err    error
}

// Error says where, of which key, and what.
func (e *Error) Error() string {
	if e.Key == nil {
		return fmt.Sprintf("RDB, byte %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("RDB, byte %d, key %.128q: %v", e.Offset, e.Key, e.Err)
}

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }
