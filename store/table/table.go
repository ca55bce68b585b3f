package table

import (
	"quarry/store/internal/dict"
	"quarry/store/internal/hash"
	"quarry/store/internal/heaplist"
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// Encoding is the form a table has. The zero Encoding is that of a table without elements,
// which takes no memory.
type Encoding uint8

// The encodings. Medium and Large answer to Redis' name "hashtable".
const (
	Ints   Encoding = 1 + iota // keys that are all integers, ascending, in one object: "intset"
	Packed                     // keys, or pairs, in one object: "listpack"
	Medium                     // a hash table in the shard's heap
	Large                      // a hash table in an arena of its own
)

// Name is the encoding as OBJECT ENCODING names it.
func (e Encoding) Name() string {
	switch e {
	case Ints:
		return "intset"
	case Packed:
		return "listpack"
	}
	return "hashtable"
}

// Handle names a table: it is what a key's record keeps. The zero Handle is the table
// without elements.
type Handle struct {
	Enc Encoding
	Ref uint32 // a slab.Ref in the shard's heap, or the arena's number
}

// Limits are the thresholds up to which a table stays packed.
type Limits struct {
	IntEntries    int // set-max-intset-entries; not used with pairs
	PackedEntries int // {hash,set}-max-listpack-entries
	PackedValue   int // {hash,set}-max-listpack-value: bytes of a key or value
}

// Env is what the hashes, or the sets, of one shard share: the heap of small tables,
// the arenas of large ones. It is guarded by the shard's lock. NewEnv makes it.
type Env struct {
	Limits *Limits

	home   space // where the elements of medium tables lie
	arenas slab.Arenas[*arena]
	graves []dict.Table // medium tables that were dropped
}

// NewEnv makes the surroundings of tables in a heap: of hashes if they have pairs, else of
// sets. All shards have the same hasher.
func NewEnv(heap *slab.Heap, h hash.Hasher, pairs bool) *Env {
	return &Env{home: space{heap: heap, hash: h, pairs: pairs}}
}

// Cut is the large tables that an Env has at one moment.
type Cut struct{ tables slab.Cut[*arena] }

// Cut is the large tables there are now.
func (e *Env) Cut() Cut { return Cut{e.arenas.Cut()} }

// Freeze gives e, which is new and has a heap of a view, the large tables of a cut. Tables of a view can be read in all ways.
func (e *Env) Freeze(c Cut, open slab.Opener) { e.arenas.Freeze(c.tables, open) }

// Leave forgets the large tables of a view that have been opened. If done, nobody will read them any more.
func (e *Env) Leave(done bool) { e.arenas.Leave(done) }

// Arenas is the number of large tables there are.
func (e *Env) Arenas() int { return e.arenas.Len() }

// Table is an open table. It is valid while the shard's lock is held. A change may
// move the table: afterwards its Handle must be stored again.
//
// A Table is made by Env.Open or Env.Create into memory of the caller's, so that
// opening one allocates nothing.
type Table struct {
	env  *Env
	enc  Encoding
	list heaplist.List // Ints, Packed
	d    dict.Table    // Medium, Large
	sp   *space        // where their elements lie
	slot uint32        // Large: the arena's number
	room room
}

// Open makes t the table that h names.
func (e *Env) Open(h Handle, t *Table) {
	t.env, t.enc = e, h.Enc
	switch h.Enc {
	case 0:
	case Ints, Packed:
		t.list = heaplist.List{Heap: e.home.heap, Ref: slab.Ref(h.Ref)}
	case Medium:
		t.sp, t.d = &e.home, e.home.dictOf(slab.Ref(h.Ref))
	default:
		a := e.arenas.At(h.Ref)
		t.sp, t.d, t.slot = &a.space, a.dictOf(a.head), h.Ref
	}
}

// Create makes t a new table. Its form is chosen when it gets its first element.
func (e *Env) Create(t *Table) { e.Open(Handle{}, t) }

// Free gives the table's memory back, at once if that is little work; Reclaim returns
// the rest later, a slice at a time.
func (e *Env) Free(h Handle) {
	switch h.Enc {
	case 0:
	case Ints, Packed:
		e.home.heap.Free(slab.Ref(h.Ref))
	case Medium:
		e.bury(e.home.dictOf(slab.Ref(h.Ref)))
	default:
		e.arenas.Bury(h.Ref)
	}
}

// MoveTo moves the table that h names to another shard's Env, whose lock is held
// too, and returns its name there. O(1) for large tables, a copy for others.
func (e *Env) MoveTo(h Handle, to *Env) Handle {
	if e == to {
		return h
	}
	if h.Enc == Large {
		return Handle{Large, to.arenas.Add(e.arenas.Take(h.Ref))}
	}
	n := e.CopyTo(h, to)
	e.Free(h)
	return n
}

// CopyTo copies the table that h names into an Env, this one or another shard's,
// and returns the copy's name there. A large one is copied page by page.
func (e *Env) CopyTo(h Handle, to *Env) Handle {
	switch h.Enc {
	case 0:
		return h
	case Ints, Packed:
		l := heaplist.List{Heap: e.home.heap, Ref: slab.Ref(h.Ref)}
		c := l.CopyTo(to.home.heap)
		return Handle{h.Enc, uint32(c.Ref)}
	case Medium:
		d := e.home.dictOf(slab.Ref(h.Ref))
		c := copyElements(&d, &e.home, &to.home)
		return Handle{Medium, uint32(c.Ref())}
	}
	return Handle{Large, to.arenas.Add(e.arenas.At(h.Ref).clone())}
}

// Handle is the table's present name; store it after every change.
func (t *Table) Handle() Handle {
	switch t.enc {
	case 0:
		return Handle{}
	case Ints, Packed:
		return Handle{t.enc, uint32(t.list.Ref)}
	case Medium:
		return Handle{Medium, uint32(t.d.Ref())}
	}
	return Handle{Large, t.slot}
}

// Encoding is the form the table has.
func (t *Table) Encoding() Encoding { return t.enc }

// Len is the number of elements.
func (t *Table) Len() int {
	switch t.enc {
	case 0:
		return 0
	case Ints, Packed:
		return t.list.Read().Len() / t.stride()
	}
	return t.d.Len()
}

// Bytes is the memory the table takes, in bytes, size classes and pages included.
func (t *Table) Bytes() int64 {
	switch t.enc {
	case 0:
		return 0
	case Ints, Packed:
		return t.list.Bytes()
	case Medium:
		return t.d.Bytes() + int64(t.d.Note())
	}
	return t.env.arenas.At(t.slot).bytes()
}

// Has reports whether there is a key.
func (t *Table) Has(key []byte) bool {
	switch t.enc {
	case 0:
		return false
	case Ints, Packed:
		return t.findPacked(t.list.Read(), key) != 0
	}
	_, ref := t.find(key, t.sp.hash.Sum(key))
	return ref != 0
}

// Get is the value of a key. It is no copy if it lies in one piece, and valid until the
// table changes or the next call of a method that answers keys or values.
func (t *Table) Get(key []byte) (value []byte, ok bool) {
	switch t.enc {
	case 0:
		return nil, false
	case Ints, Packed:
		l := t.list.Read()
		pos := t.findPacked(l, key)
		if pos == 0 {
			return nil, false
		}
		return l.Bytes(l.Next(pos), &t.room.valueDigits), true
	}
	_, ref := t.find(key, t.sp.hash.Sum(key))
	if ref == 0 {
		return nil, false
	}
	return t.sp.value(ref, &t.room.value), true
}

// ValueLen is the length of a key's value, which is not read.
func (t *Table) ValueLen(key []byte) (n int, ok bool) {
	if t.enc <= Packed {
		value, ok := t.Get(key)
		return len(value), ok
	}
	_, ref := t.find(key, t.sp.hash.Sum(key))
	if ref == 0 {
		return 0, false
	}
	return t.sp.valueLen(ref), true
}

// Put gives a key a value and reports whether the key is new. A set has no values: value is nil.
// Both are copied; value must not lie in the table.
func (t *Table) Put(key, value []byte) (added bool) {
	if t.enc == 0 {
		t.begin(key, value)
	}
	if t.enc == Ints {
		if added, fits := t.putInt(key); fits {
			return added
		}
	}
	if t.enc == Packed {
		if added, fits := t.putPacked(key, value); fits {
			return added
		}
		t.unpack()
	}
	return t.putHashed(key, value)
}

// Remove removes a key and reports whether it was there.
func (t *Table) Remove(key []byte) bool {
	switch t.enc {
	case 0:
		return false
	case Ints, Packed:
		pos := t.findPacked(t.list.Read(), key)
		if pos != 0 {
			t.list.Cut(pos, t.stride())
		}
		return pos != 0
	}
	return t.removeHashed(key)
}

// Random is an element, all equally likely; rnd is the source. The table has some. Both slices
// are valid as that of Get.
func (t *Table) Random(rnd func() uint64) (key, value []byte) {
	if t.enc <= Packed {
		l := t.list.Read()
		return t.pair(l, l.Skip(listpack.HeaderSize, t.stride()*below(rnd(), t.Len())))
	}
	ref, _ := t.d.Random(rnd)
	return t.element(slab.Ref(ref))
}

// Scan calls fn for the elements of the next part of the hash order, at least
// count of them unless the end comes first, or count times ten buckets are passed, as
// in a table that has lost most of its elements. It returns the cursor of the rest,
// 0 at the end, and starts with cursor 0. An element that is in the table from the
// first call to the last is passed to fn at least once, whatever happens to the
// table in between; others may or may not. fn must not change the table. For a
// packed table one call passes all. key and value are valid during the call only.
func (t *Table) Scan(cursor uint64, count int, fn func(key, value []byte)) uint64 {
	if t.enc <= Packed {
		t.eachPacked(fn)
		return 0
	}
	passed, at := 0, uint32(cursor)
	for visits := 0; ; visits++ {
		at = t.d.Scan(at, func(ref uint32) {
			fn(t.element(slab.Ref(ref)))
			passed++
		})
		if at == 0 || passed >= count || visits/10 >= count {
			return uint64(at)
		}
	}
}
