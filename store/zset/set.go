package zset

import (
	"fmt"

	"quarry/store/internal/hash"
	"quarry/store/internal/heaplist"
	"quarry/store/internal/slab"
)

// Encoding is the form a set has.
type Encoding uint8

// The encodings. Medium and Large answer to Redis' name "skiplist".
const (
	Packed Encoding = 1 + iota // one packed blob in the shard's heap: "listpack"
	Medium                     // a tree in one extent of the shard's heap
	Large                      // a tree in an arena of its own
)

// Name is the encoding as OBJECT ENCODING names it.
func (e Encoding) Name() string {
	if e == Packed {
		return "listpack"
	}
	return "skiplist"
}

// Handle names a set: it is what a key's record keeps. The zero Handle is no set.
type Handle struct {
	Enc Encoding
	Ref uint32 // a slab.Ref in the shard's heap, or the arena's number
}

// Limits are the thresholds up to which a set stays packed.
type Limits struct {
	PackedEntries int // zset-max-listpack-entries
	PackedValue   int // zset-max-listpack-value, bytes
}

// Flags are the conditions of ZADD.
type Flags uint8

// The flags of Add.
const (
	NX   Flags = 1 << iota // only add
	XX                     // only update
	GT                     // update only to a greater score
	LT                     // update only to a smaller score
	Incr                   // the score is an increment
)

// Outcome is what Add did.
type Outcome uint8

// The outcomes of Add.
const (
	Nop     Outcome = iota // a condition was not met; nothing changed
	Same                   // the member is there with this score already
	Added                  // a new member
	Updated                // an existing member has a new score
	NaN                    // the increment would give NaN; nothing changed
)

// Env is what the sorted sets of one shard share: the heap of small values,
// the arenas of large ones, scratch space. It is guarded by the shard's lock.
type Env struct {
	Heap   *slab.Heap
	Limits *Limits
	Hash   hash.Hasher // of members; the same in all shards
	Once   bool        // of a view: each set is walked once, and nothing is kept for another time

	arenas slab.Arenas[*arena] // large sets by Handle.Ref

	rows   rowSet
	slots  []hashed
	chain  []uint32
	member []byte
	extra  [maxExtra]byte
}

// scratchMax is what scratch space is kept of: a longer member gets memory of its own.
const scratchMax = 64 << 10

// Cut is the large sets that an Env has at one moment.
type Cut struct{ sets slab.Cut[*arena] }

// Cut is the large sets there are now.
func (e *Env) Cut() Cut { return Cut{e.arenas.Cut()} }

// Freeze gives e, which is new and has a heap of a view, the large sets of a cut. Sets of a view can be opened, tell Len, Encoding
// and Handle, and be walked by an Iter, in both directions, rows and tails included. Anything else panics.
func (e *Env) Freeze(c Cut, open slab.Opener) { e.arenas.Freeze(c.sets, open) }

// Leave forgets the large sets of a view that have been opened. If done, nobody will read them any more.
func (e *Env) Leave(done bool) { e.arenas.Leave(done) }

// Arenas is the number of large sets there are.
func (e *Env) Arenas() int { return e.arenas.Len() }

// Set is an open sorted set. It is valid while the shard's lock is held. A
// change may move the set: afterwards its Handle must be stored again.
//
// A Set is made by Env.Open or Env.Create into memory of the caller's, so that
// opening one allocates nothing.
type Set struct {
	env *Env
	enc Encoding
	p   packed
	t   tree
}

// Open makes s the set that h names.
func (e *Env) Open(h Handle, s *Set) {
	s.env, s.enc = e, h.Enc
	switch h.Enc {
	case Packed:
		s.p = packed{heaplist.List{Heap: e.Heap, Ref: slab.Ref(h.Ref)}}
	case Medium:
		s.t.openMedium(e, slab.Ref(h.Ref))
	default:
		s.t.openLarge(e, h.Ref)
	}
}

// Create makes s a new empty set, packed if the limits allow one member.
func (e *Env) Create(s *Set) {
	s.env, s.enc = e, Packed
	s.p = packed{heaplist.New(e.Heap)}
}

// Free gives the set's memory back. A large set is only unhooked; Reclaim
// returns its pages later, a slice at a time.
func (e *Env) Free(h Handle) {
	if h.Enc == Packed {
		e.Heap.Free(slab.Ref(h.Ref))
		return
	}
	var s Set
	e.Open(h, &s)
	s.t.beginWrite()
	s.t.free()
}

// Reclaim gives back up to n pages of freed large sets and reports whether there are more.
func (e *Env) Reclaim(n int) bool { return e.arenas.Reclaim(n) }

// MoveTo moves the set that h names to another shard's Env, whose lock is held
// too, and returns its name there. O(1) for large sets, a copy of at most
// 32 KiB and, of a medium set, of 64 KiB of long members for others.
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

// CopyTo copies the set that h names into an Env, this one or another shard's,
// and returns the copy's name there. It copies memory, not row by row.
func (e *Env) CopyTo(h Handle, to *Env) Handle {
	var s Set
	e.Open(h, &s)
	if h.Enc == Packed {
		c := s.p.CopyTo(to.Heap)
		return Handle{Packed, uint32(c.Ref)}
	}
	return s.t.copyTo(to)
}

// Handle is the set's present name; store it after every change.
func (s *Set) Handle() Handle {
	if s.enc == Packed {
		return Handle{Packed, uint32(s.p.Ref)}
	}
	return s.t.handle()
}

// Encoding is the form the set has.
func (s *Set) Encoding() Encoding { return s.Handle().Enc }

// Len is the number of members.
func (s *Set) Len() int {
	if s.enc == Packed {
		return s.p.len()
	}
	return s.t.count
}

// Bytes is the memory the set takes, in bytes, size classes and pages included.
func (s *Set) Bytes() int64 {
	if s.enc == Packed {
		return s.p.Bytes()
	}
	return s.t.bytes()
}

// Score is the score of a member.
func (s *Set) Score(member []byte) (score float64, ok bool) {
	if s.enc == Packed {
		return s.p.score(member)
	}
	return s.t.score(member)
}

// Add adds member with score, or changes its score, under the conditions f.
// score is not NaN. It returns what was done and the member's score now (for
// Nop, the score it has, 0 if it is not there). -0 is stored as 0. member is copied.
func (s *Set) Add(member []byte, score float64, f Flags) (Outcome, float64) {
	if s.enc == Packed {
		o, now, fits := s.p.add(member, score, f, s.env.Limits)
		if fits {
			return o, now
		}
		s.unpack()
	}
	return s.t.add(member, score, f)
}

// unpack makes a tree of a packed set.
func (s *Set) unpack() {
	old := s.p
	s.t.fill(s.env, old.scan)
	old.Free()
	s.enc = Medium
}

// Remove removes a member and reports whether it was there.
func (s *Set) Remove(member []byte) bool {
	if s.enc == Packed {
		return s.p.remove(member)
	}
	return s.t.remove(member)
}

// Rank is the member's position, 0 for the lowest, and its score. O(log n).
func (s *Set) Rank(member []byte) (rank int, score float64, ok bool) {
	if s.enc == Packed {
		return s.p.rank(member)
	}
	return s.t.rank(member)
}

// CountBelow is the number of members with a score below the given one, or
// equal to it if inclusive: the rank a range bound has. O(log n).
func (s *Set) CountBelow(score float64, inclusive bool) int {
	if s.enc == Packed {
		return s.p.countBelow(score, inclusive)
	}
	return s.t.countBelow(score, inclusive)
}

// CountBelowLex is the number of members whose bytes are below the given ones,
// or equal if inclusive, in a set where all scores are equal. O(log n). Where they
// are not, a packed set counts the members before the first that is not below, in the
// set's order, as Redis does; for others the answer is unspecified, as in Redis.
func (s *Set) CountBelowLex(member []byte, inclusive bool) int {
	if s.enc == Packed {
		return s.p.countBelowLex(member, inclusive)
	}
	return s.t.countBelowLex(member, inclusive)
}

// RemoveRange removes the n members from rank start on, calling fn (may be nil)
// with each before it is removed, and returns how many were removed. member is
// valid during the call only; fn must not use the set. O(log n + n rows); but for fn, all
// members of a tree go at once; a long part of a large set goes leaf by leaf, at 10 to
// 70 ns a row, a short one at 100.
func (s *Set) RemoveRange(start, n int, fn func(member []byte, score float64)) int {
	if s.enc == Packed {
		return s.p.removeRange(start, n, fn)
	}
	if start == 0 && n >= s.t.count && s.t.count > 0 {
		return s.removeAll(fn)
	}
	return s.t.removeRange(start, n, fn)
}

// removeAll drops the tree as Free does, and begins anew.
func (s *Set) removeAll(fn func(member []byte, score float64)) int {
	n := s.t.count
	if fn != nil {
		s.t.eachRank(0, n, fn)
	}
	s.t.beginWrite()
	s.t.free()
	if s.t.valued() {
		s.env.CreateValued(s)
	} else {
		s.env.Create(s)
	}
	return n
}

// Scan calls fn for the members of the next part of the hash order, at least
// count of them unless the end comes first, or count times ten buckets are passed, as
// in a set that has lost most of its members. It returns the cursor of the rest,
// 0 at the end, and starts with cursor 0. A member that is in the set from the
// first call to the last is passed to fn at least once, whatever happens to the
// set in between; others may or may not. fn must not change the set. For a
// packed set one call passes all. member is valid during the call only.
func (s *Set) Scan(cursor uint64, count int, fn func(member []byte, score float64)) uint64 {
	if s.enc == Packed {
		s.p.scan(fn)
		return 0
	}
	return s.t.scan(cursor, count, func(l leaf, pos int) {
		fn(s.t.readMember(&s.t.env.member, l, pos), scoreOf(l.key(pos)))
	})
}

// Check walks the whole structure and names the first broken place, and in a the objects of the
// shard's heap that it consists of.
func (s *Set) Check(a *slab.Audit) error {
	switch s.enc {
	case Packed:
		return s.p.check(a)
	case Medium, Large:
		return s.t.check(a)
	}
	return fmt.Errorf("zset: encoding %d", s.enc)
}

// Iter walks a set by rank, up or down. The zero Iter is ready for Seek; the set must
// not change while it walks. It keeps a buffer: reuse one to allocate nothing.
type Iter struct {
	enc    Encoding
	packed packedIter
	tree   treeIter
}

// Seek places it on the member of the given rank; with reverse it walks
// towards lower ranks. Next must be called before the first Member.
func (it *Iter) Seek(s *Set, rank int, reverse bool) {
	it.enc = s.enc
	if s.enc == Packed {
		it.packed.seek(&s.p, rank, reverse)
		return
	}
	it.tree.seek(&s.t, rank, reverse)
}

// Next moves to the next member (after Seek: onto the first) and reports whether there is one.
func (it *Iter) Next() bool {
	if it.enc == Packed {
		return it.packed.step()
	}
	return it.tree.step()
}

// Member is the member's bytes, valid until the next call of Next or Seek.
func (it *Iter) Member() []byte {
	if it.enc == Packed {
		return it.packed.member()
	}
	return it.tree.member()
}

// Score is the member's score.
func (it *Iter) Score() float64 {
	if it.enc == Packed {
		return it.packed.number()
	}
	return it.tree.number()
}
