package field

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"quarry/store/internal/hash"
	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// Env is what the fields of one shard share. It is guarded by the shard's lock.
type Env struct {
	Heap *slab.Heap
	Sets zset.Env // places and deadlines

	// Scratch space.
	value, tail, oldTail, hashes, text []byte
	thing                              thing
	numbers                            []number
	tags                               []Tag
	due                                []byte // members whose time is over, one after the other
	ends                               []int
	iter                               zset.Iter
}

// timesLimits: a field with few deadlines keeps them packed.
var timesLimits = zset.Limits{PackedEntries: 64, PackedValue: 64}

// scratchKept is how much of each scratch space a call may leave behind.
const scratchKept = 64 << 10

// NewEnv makes the environment of a shard.
func NewEnv(heap *slab.Heap, h hash.Hasher) *Env {
	return &Env{Heap: heap, Sets: zset.Env{Heap: heap, Limits: &timesLimits, Hash: h}}
}

// Cut is the large sets of fields that an Env has at one moment.
type Cut struct{ sets zset.Cut }

// Cut is the large sets of fields there are now.
func (e *Env) Cut() Cut { return Cut{e.Sets.Cut()} }

// Freeze gives e, which is new and has a heap of a view, the large sets of a cut. Fields of a view can be opened, asked for what
// lies in their heads, and be walked by an Iter; see zset.Env.Freeze.
func (e *Env) Freeze(c Cut, open slab.Opener, once bool) {
	e.Sets.Freeze(c.sets, open)
	e.Sets.Once = once
}

// Leave forgets the large sets of a view that have been opened. If done, nobody will read them any more.
func (e *Env) Leave(done bool) { e.Sets.Leave(done) }

// Arenas is the number of large sets of its fields, of which each may have two.
func (e *Env) Arenas() int { return e.Sets.Arenas() }

// Reclaim gives back up to n pages of dropped large sets and reports whether there are more.
func (e *Env) Reclaim(n int) bool { return e.Sets.Reclaim(n) }

// Field is an open field, valid while the shard's lock is held. It is opened into memory of the
// caller's, so that opening one allocates nothing. The zero Ref names none.
type Field struct {
	env    *Env
	ref    slab.Ref // 0: it is not stored yet
	head   head
	grid   grid
	places zset.Set // open if head.places names one
	times  zset.Set // likewise
	opened bool     // times is open
	names  names
}

// Open makes f the field that ref names.
func (e *Env) Open(ref slab.Ref, f *Field) {
	f.env, f.ref, f.head, f.opened = e, ref, e.readHead(ref), false
	f.grid = newGrid(&f.head.shape)
	f.names = names{e.Heap, f.head.names}
	if f.head.places.Ref != 0 || f.head.places.Enc != 0 {
		e.Sets.Open(f.head.places, &f.places)
	}
}

// None makes f what a missing key looks like: an empty field of a plane, which is stored with its first member.
func (e *Env) None(f *Field) {
	f.env, f.ref, f.opened = e, 0, false
	f.head = head{shape: Shape{Space: Plane, Dims: firstDimension}}
	f.grid = newGrid(&f.head.shape)
	f.names = names{heap: e.Heap}
}

// Create stores an empty field that stays when it is empty, and returns its name. The shape has been checked.
func (e *Env) Create(s Shape) slab.Ref { return e.newHead(&head{shape: s, created: true}) }

// Free gives a field's memory back; what is large of it is left to Reclaim.
func (e *Env) Free(ref slab.Ref) {
	h := e.readHead(ref)
	for _, set := range [...]zset.Handle{h.places, h.times} {
		if set != (zset.Handle{}) {
			e.Sets.Free(set)
		}
	}
	n := names{e.Heap, h.names}
	n.free()
	e.Heap.Free(ref)
}

// MoveTo moves a field to another shard's Env, whose lock is held too, and returns its name there.
func (e *Env) MoveTo(ref slab.Ref, to *Env) slab.Ref {
	if e == to {
		return ref
	}
	moved := e.transfer(ref, to, e.Sets.MoveTo)
	n := names{e.Heap, e.readHead(ref).names}
	n.free()
	e.Heap.Free(ref)
	return moved
}

// CopyTo copies a field into an Env, this one or another shard's, and returns the copy's name there.
func (e *Env) CopyTo(ref slab.Ref, to *Env) slab.Ref { return e.transfer(ref, to, e.Sets.CopyTo) }

func (e *Env) transfer(ref slab.Ref, to *Env, set func(zset.Handle, *zset.Env) zset.Handle) slab.Ref {
	h := e.readHead(ref)
	for _, s := range [...]*zset.Handle{&h.places, &h.times} {
		if *s != (zset.Handle{}) {
			*s = set(*s, &to.Sets)
		}
	}
	n := names{e.Heap, h.names}
	h.names = n.copyTo(to.Heap)
	return to.newHead(&h)
}

// Bytes is the memory of a field, size classes and pages included.
func (e *Env) Bytes(ref slab.Ref) int64 {
	var f Field
	e.Open(ref, &f)
	return f.Bytes()
}

// Places is the field's set of places, in Sets; the zero Handle if it is empty.
func (e *Env) Places(ref slab.Ref) zset.Handle {
	r := e.Heap.R(ref)
	return zset.Handle{Enc: zset.Encoding(r.U8(headPlacesEnc)), Ref: r.U32(headPlaces)}
}

// Due is a time before which no member of the field expires; 0 if none ever does.
func (e *Env) Due(ref slab.Ref) int64 { return int64(e.Heap.R(ref).U64(headDue)) }

// Due is a time before which no member expires; 0 if none ever does.
func (f *Field) Due() int64 { return f.head.due }

// Ref is the field's name; 0 if it is not stored.
func (f *Field) Ref() slab.Ref { return f.ref }

// Shape is what the field was made with.
func (f *Field) Shape() *Shape { return &f.head.shape }

// Created reports whether the field stays when it is empty.
func (f *Field) Created() bool { return f.head.created }

// Bytes is the memory of the field, size classes and pages included.
func (f *Field) Bytes() int64 {
	n := int64(f.env.Heap.Cap(f.ref)) + f.names.bytes()
	if f.hasPlaces() {
		n += f.places.Bytes()
	}
	if f.hasTimes() {
		n += f.times.Bytes()
	}
	return n
}

func (f *Field) hasPlaces() bool { return f.head.places != (zset.Handle{}) }

// hasTimes opens the set of deadlines, if there is one.
func (f *Field) hasTimes() bool {
	if f.head.times == (zset.Handle{}) {
		return false
	}
	if !f.opened {
		f.env.Sets.Open(f.head.times, &f.times)
		f.opened = true
	}
	return true
}

// size is the number of rows, expired or not.
func (f *Field) size() int {
	if f.hasPlaces() {
		return f.places.Len()
	}
	return 0
}

// expired is the number of rows of members whose time is over.
func (f *Field) expired(nowMS int64) int {
	if f.head.due == 0 || !past(f.head.due, nowMS) || !f.hasTimes() {
		return 0
	}
	return f.times.CountBelow(float64(nowMS), false)
}

// past reports whether a member that expires at atMS, 0 for never, is no more; in its last millisecond it is
// still there, as keys are.
func past(atMS, nowMS int64) bool { return atMS != 0 && nowMS > atMS }

// Len is the number of members at a time.
func (f *Field) Len(nowMS int64) int { return f.size() - f.expired(nowMS) }

// Expiring is how many members will expire.
func (f *Field) Expiring(nowMS int64) int {
	if !f.hasTimes() {
		return 0
	}
	return f.times.Len() - f.expired(nowMS)
}

// Gone reports whether the field that ref names has members, all of which have expired, and does not stay
// without.
func (e *Env) Gone(ref slab.Ref, nowMS int64) bool {
	r := e.Heap.R(ref)
	if r.U8(headFlags)&flagCreated != 0 || !past(int64(r.U64(headDue)), nowMS) {
		return false
	}
	var f Field
	e.Open(ref, &f)
	return f.Len(nowMS) == 0
}

// Rest is how many rows there are, expired ones included: the field may go when there are none.
func (f *Field) Rest() int { return f.size() }

// EachName calls fn for the names of the numeric fields that members have.
func (f *Field) EachName(fn func(name []byte)) {
	f.EachNumbered(func(_ uint8, name []byte) { fn(name) })
}

// Condition is whether Put adds and changes.
type Condition uint8

// The conditions.
const (
	Always Condition = iota
	NX               // only add
	XX               // only change
)

// Change is what Put gives a member beside its place. What is not named stays as it is.
type Change struct {
	Only    Condition
	KeepTTL bool
	// ExpiresAt is when the member goes, Unix ms; 0: never. It takes the place of a deadline the member has, unless KeepTTL.
	ExpiresAt  int64
	HasSeq     bool // the member is ignored if it has a greater one
	Seq        int64
	Names      [][]byte // of numeric fields
	Values     []float64
	Tags       []Tag
	HasPayload bool
	Payload    []byte

	numbers []number // Names and Values, by id, each once
	tags    []Tag    // Tags by name, each once
	ready   bool
}

// Forget is Reset that lets go of what the change has named.
func (c *Change) Forget() {
	clear(c.Names[:cap(c.Names)])
	clear(c.Tags[:cap(c.Tags)])
	clear(c.tags[:cap(c.tags)])
	c.Reset()
}

// Reset makes c a change of nothing, keeping its memory.
func (c *Change) Reset() {
	*c = Change{Names: c.Names[:0], Values: c.Values[:0], Tags: c.Tags[:0], numbers: c.numbers[:0], tags: c.tags[:0]}
}

// The reasons for which a change is refused.
var (
	ErrTooManyNames = errors.New("a field has at most 255 different numeric fields")
	ErrTooManyTags  = errors.New("a member has at most 64 tags")
)

// Refuses says why there can be nothing at a place; z is 0 in two dimensions.
func (f *Field) Refuses(x, y, z float64) error {
	if !(z >= -coordinateMax && z <= coordinateMax) {
		return ErrCoordinate
	}
	return f.grid.refuses(x, y)
}

// RefusesNames says why a change's numeric fields cannot be had.
func (f *Field) RefusesNames(c *Change) error {
	if !f.names.room(c.Names) {
		return ErrTooManyNames
	}
	return nil
}

// RefusesTags says why a member cannot have a change's tags beside those it has.
func (f *Field) RefusesTags(member []byte, c *Change, nowMS int64) error {
	if len(c.Tags) == 0 {
		return nil
	}
	n := len(c.sortedTags())
	if r, ok := f.row(member, nowMS); ok && viewOf(r).has(hasTags) {
		tail := f.tailHead(r)
		if n+int(tail[5]) > MaxTags {
			n = len(mergeTags(nil, tailTags(tail), c.tags))
		}
	}
	if n > MaxTags {
		return ErrTooManyTags
	}
	return nil
}

// Outcome is what Put did.
type Outcome uint8

// The outcomes of Put.
const (
	Nop     Outcome = iota // a condition was not met
	Same                   // all is as it was
	Added                  // a new member
	Changed                // anything of it is different
	Removed                // its deadline has come already
)

func viewOf(r zset.Row) view { return view{r.Value} }

// row finds a member that has not expired.
func (f *Field) row(member []byte, nowMS int64) (r zset.Row, ok bool) {
	if !f.hasPlaces() {
		return r, false
	}
	r, ok = f.places.Row(member)
	return r, ok && !past(viewOf(r).expiresAt(), nowMS)
}

// tailOf reads a row's tail; valid until called again.
func (f *Field) tailOf(r zset.Row) []byte {
	if !r.HasTail() {
		return nil
	}
	e := f.env
	e.oldTail = f.places.AppendTail(trimmed(e.oldTail), r)
	return e.oldTail
}

// tailHead reads what a row's tail has before the payload; valid until tailOf or it is called again.
func (f *Field) tailHead(r zset.Row) []byte {
	if !r.HasTail() {
		return nil
	}
	e := f.env
	e.oldTail = f.places.AppendTailHead(trimmed(e.oldTail), r, tailHead)
	n := int(binary.LittleEndian.Uint32(e.oldTail))
	e.oldTail = f.places.AppendTailHead(e.oldTail[:0], r, n)
	return e.oldTail
}

// trimmed is scratch space to begin anew, which is not kept if a call needed very much.
func trimmed(b []byte) []byte {
	if cap(b) > scratchKept {
		return nil
	}
	return b[:0]
}

// Put puts a member at a place, which has been checked, and changes what c says. nowMS is the time. A
// deadline that has come is a removal. member and what c names is copied. O(log n); a move to
// a place nearby, of a member without spilled parts, writes one leaf.
func (f *Field) Put(member []byte, x, y, z float64, c *Change, nowMS int64) Outcome {
	var r zset.Row
	have, dead := false, false
	if f.hasPlaces() {
		if r, have = f.places.Row(member); have && past(viewOf(r).expiresAt(), nowMS) {
			have, dead = false, true
		}
	}
	if have && c.Only == NX || !have && c.Only == XX {
		return Nop
	}
	if have && c.HasSeq {
		if seq, ok := viewOf(r).seq(); ok && c.Seq < seq {
			return Nop
		}
	}
	if c.ExpiresAt != 0 && !c.KeepTTL && c.ExpiresAt <= nowMS {
		if have || dead {
			f.remove(member, r)
		}
		if have {
			return Removed
		}
		return Nop
	}
	if dead {
		f.remove(member, r)
	}
	f.prepare(c)
	if !have {
		f.add(member, x, y, z, c)
		return Added
	}
	return f.change(member, r, x, y, z, c)
}

// prepare stores the field, if it is not yet, and gives names their numbers.
func (f *Field) prepare(c *Change) {
	if f.ref == 0 {
		f.ref = f.env.newHead(&f.head)
	}
	if !f.hasPlaces() {
		f.env.Sets.CreateValued(&f.places)
		f.storePlaces()
	}
	if c.ready {
		return
	}
	c.ready = true
	c.sortedTags()
	c.numbers = c.numbers[:0]
	var given [256]bool
	for i, name := range c.Names {
		id := f.names.give(name, &given)
		given[id] = true
		n := number{id, c.Values[i]}
		if at, ok := slices.BinarySearchFunc(c.numbers, id, compareID); ok {
			c.numbers[at] = n
		} else {
			c.numbers = slices.Insert(c.numbers, at, n)
		}
	}
	f.storeNames()
}

func compareID(n number, id uint8) int { return int(n.id) - int(id) }

// sortedTags sorts the change's tags by name; of those with one name the last counts.
func (c *Change) sortedTags() []Tag {
	if len(c.tags) == 0 {
		for _, t := range c.Tags {
			at, ok := slices.BinarySearchFunc(c.tags, t.Name, func(t Tag, name []byte) int { return bytes.Compare(t.Name, name) })
			if ok {
				c.tags[at] = t
			} else {
				c.tags = slices.Insert(c.tags, at, t)
			}
		}
	}
	return c.tags
}

// setPlace puts the place, the deadline and the sequence of a change into a thing that has those of before.
func (f *Field) setPlace(t *thing, x, y, z float64, c *Change) {
	t.x, t.y, t.z, t.hasZ = x+0, y+0, z+0, f.head.shape.Dims == lastDimension // -0 is 0
	if !c.KeepTTL {
		t.expiresAt = c.ExpiresAt
	}
	if c.HasSeq {
		t.seq, t.hasSeq = c.Seq, true
	}
}

// add adds a member that has no row.
func (f *Field) add(member []byte, x, y, z float64, c *Change) {
	e := f.env
	t := &e.thing
	*t = thing{numbers: append(t.numbers[:0], c.numbers...), tags: append(t.tags[:0], c.tags...)}
	f.setPlace(t, x, y, z, c)
	t.payload, t.hasPayload = c.Payload, c.HasPayload
	f.names.use(c.numbers, 1)
	f.write(member, t)
	f.setDeadline(member, 0, t.expiresAt)
}

// write stores a thing in full.
func (f *Field) write(member []byte, t *thing) {
	value, tail := f.encode(t)
	f.places.Put(member, f.grid.code(t.x, t.y), value, tail, false)
	f.storePlaces()
}

// encode makes a value and a tail, in scratch space.
func (f *Field) encode(t *thing) (value, tail []byte) {
	e := f.env
	e.hashes = e.hashes[:0]
	for _, g := range t.tags {
		e.hashes = binary.LittleEndian.AppendUint32(e.hashes, e.tagHash(g.Name, g.Text))
	}
	value, inline := t.appendValue(e.value[:0], e.hashes)
	e.value = value
	tail = t.appendTail(trimmed(e.tail), inline)
	if tail != nil {
		e.tail = tail
	}
	return value, tail
}

// tagHash is the hash of a tag that is kept in values.
func (e *Env) tagHash(name, text []byte) uint32 {
	e.text = append(append(append(e.text[:0], uint8(len(name))), name...), text...)
	return uint32(e.Sets.Hash.Sum(e.text))
}

// change changes a member that has row r.
func (f *Field) change(member []byte, r zset.Row, x, y, z float64, c *Change) Outcome {
	v := viewOf(r)
	was := v.expiresAt()
	if len(c.tags) == 0 && !c.HasPayload && (len(c.numbers) == 0 || !v.has(moreNumbers)) {
		if o, ok := f.changeValue(member, r, x, y, z, c); ok {
			f.setDeadline(member, was, f.env.thing.expiresAt)
			return o
		}
	}
	e := f.env
	t := &e.thing
	old := f.tailHead(r)
	t.read(v, old)
	f.setPlace(t, x, y, z, c)
	f.mergeNumbers(t, c.numbers)
	if len(c.tags) > 0 {
		e.tags = mergeTags(e.tags[:0], tagsOf(old), c.tags)
		t.tags = append(t.tags[:0], e.tags...)
	}
	if c.HasPayload {
		t.payload, t.hasPayload = c.Payload, true
	}
	value, tail := f.encode(t)
	tail, kept := f.completeTail(tail, r, old, c)
	if kept && bytes.Equal(value, r.Value) {
		return Same
	}
	f.places.Put(member, f.grid.code(t.x, t.y), value, tail, kept)
	f.storePlaces()
	f.setDeadline(member, was, t.expiresAt)
	return Changed
}

// completeTail gives a new tail the payload that row r has, whose tail begins with old, if the change does not give one, and
// reports whether the row's tail may stay. A payload that stays is not even read: a call may name a member many times.
func (f *Field) completeTail(tail []byte, r zset.Row, old []byte, c *Change) (_ []byte, kept bool) {
	same := bytes.HasPrefix(tail, old) && (len(tail) == len(old) || c.HasPayload)
	switch {
	case c.HasPayload:
		return tail, same && bytes.Equal(tail, f.tailOf(r))
	case same:
		return tail, true
	case viewOf(r).has(hasPayload):
		tail = append(tail, f.tailOf(r)[len(old):]...)
		f.env.tail = tail
	}
	return tail, false
}

// changeValue is change where the tail may stay as it is; ok is false if the value has no room for that. The
// thing in scratch space has the deadline then.
func (f *Field) changeValue(member []byte, r zset.Row, x, y, z float64, c *Change) (o Outcome, ok bool) {
	e, v := f.env, viewOf(r)
	t := &e.thing
	t.expiresAt = v.expiresAt()
	t.seq, t.hasSeq = v.seq()
	f.setPlace(t, x, y, z, c)
	value := t.appendHead(e.value[:0])
	value[0] |= v.flags() & (hasPayload | hasTags | moreNumbers | moreTags)
	count := int(v.b[1] & nibble)
	if len(c.numbers) == 0 {
		value = append(value, v.numbers()...)
	} else {
		t.numbers = readNumbers(t.numbers[:0], v.numbers())
		added := f.mergedNumbers(t, c.numbers)
		if count = len(t.numbers); count > nibble {
			return Nop, false
		}
		value = appendNumbers(value, t.numbers)
		if len(value)+len(v.hashes()) <= zset.MaxValue {
			f.names.use(added, 1)
		}
	}
	value = append(value, v.hashes()...)
	e.value = value
	if len(value) > zset.MaxValue {
		return Nop, false
	}
	value[1] = uint8(count) | v.b[1]&^nibble
	if bytes.Equal(value, r.Value) {
		return Same, true
	}
	f.places.Put(member, f.grid.code(t.x, t.y), value, nil, true)
	f.storePlaces()
	return Changed, true
}

// mergeNumbers gives a thing numeric fields, and notes which are new to it.
func (f *Field) mergeNumbers(t *thing, list []number) { f.names.use(f.mergedNumbers(t, list), 1) }

// mergedNumbers gives a thing numeric fields and returns those that are new to it; in scratch space.
func (f *Field) mergedNumbers(t *thing, list []number) (added []number) {
	if len(list) == 0 {
		return nil
	}
	e := f.env
	e.numbers = e.numbers[:0]
	for _, n := range list {
		if at, ok := slices.BinarySearchFunc(t.numbers, n.id, compareID); ok {
			t.numbers[at] = n
		} else {
			e.numbers = append(e.numbers, n)
		}
	}
	if len(e.numbers) > 0 {
		t.numbers = append(t.numbers, e.numbers...)
		slices.SortFunc(t.numbers, func(a, b number) int { return int(a.id) - int(b.id) })
	}
	return e.numbers
}

// tagsOf walks the tags of a tail, which may be nil.
func tagsOf(tail []byte) tagWalk {
	if len(tail) == 0 {
		return tagWalk{}
	}
	return tailTags(tail)
}

// mergeTags appends to dst the tags of a walk and those of a list, all by name; the list's take the place of others.
func mergeTags(dst []Tag, w tagWalk, list []Tag) []Tag {
	for w.next() {
		for len(list) > 0 && bytes.Compare(list[0].Name, w.tag.Name) < 0 {
			dst, list = append(dst, list[0]), list[1:]
		}
		if len(list) == 0 || !bytes.Equal(list[0].Name, w.tag.Name) {
			dst = append(dst, w.tag)
		}
	}
	return append(dst, list...)
}

// setDeadline keeps the set of deadlines in step.
func (f *Field) setDeadline(member []byte, was, atMS int64) {
	if was == atMS {
		return
	}
	if !f.hasTimes() {
		f.env.Sets.Create(&f.times)
		f.opened = true
	}
	if atMS == 0 {
		f.times.Remove(member)
	} else {
		f.times.Add(member, float64(atMS), 0)
	}
	f.storeTimes()
	if atMS != 0 && (f.head.due == 0 || atMS < f.head.due) {
		f.setDue(atMS)
	}
}

func (f *Field) setDue(atMS int64) {
	f.head.due = atMS
	f.env.Heap.W(f.ref).SetU64(headDue, uint64(atMS))
}

// storePlaces keeps the head in step with the set of places after a change.
func (f *Field) storePlaces() {
	h := f.places.Handle()
	if f.places.Len() == 0 && f.head.places != (zset.Handle{}) {
		f.env.Sets.Free(h)
		h = zset.Handle{}
	}
	if h != f.head.places {
		f.head.places = h
		w := f.env.Heap.W(f.ref)
		w.SetU8(headPlacesEnc, uint8(h.Enc))
		w.SetU32(headPlaces, h.Ref)
	}
}

// storeTimes is storePlaces for the deadlines. Without any, none is due.
func (f *Field) storeTimes() {
	h := f.times.Handle()
	if f.times.Len() == 0 {
		f.env.Sets.Free(h)
		h, f.opened = zset.Handle{}, false
		f.setDue(0)
	}
	if h != f.head.times {
		f.head.times = h
		w := f.env.Heap.W(f.ref)
		w.SetU8(headTimesEnc, uint8(h.Enc))
		w.SetU32(headTimes, h.Ref)
	}
}

func (f *Field) storeNames() {
	if f.names.ref != f.head.names {
		f.head.names = f.names.ref
		f.env.Heap.W(f.ref).SetU32(headNames, uint32(f.names.ref))
	}
}

// Remove removes a member and reports whether it was there. One that has expired was not, and is left to Expire.
func (f *Field) Remove(member []byte, nowMS int64) bool {
	r, ok := f.row(member, nowMS)
	if ok {
		f.remove(member, r)
	}
	return ok
}

// remove removes a member that has row r.
func (f *Field) remove(member []byte, r zset.Row) {
	v := viewOf(r)
	f.env.numbers = readNumbers(f.env.numbers[:0], v.numbers())
	if v.has(moreNumbers) {
		f.env.numbers = readNumbers(f.env.numbers, tailNumbers(f.tailHead(r)))
	}
	f.names.use(f.env.numbers, -1)
	was := v.expiresAt()
	f.places.Remove(member)
	f.storePlaces()
	f.setDeadline(member, was, 0)
}

// Expire removes up to max members whose time is over, earliest first, and returns how many that were. Then Due
// is exact, unless there are more.
func (f *Field) Expire(nowMS int64, max int) (removed int) {
	if !f.hasTimes() {
		return 0
	}
	e := f.env
	e.due, e.ends = trimmed(e.due), e.ends[:0]
	e.iter.Seek(&f.times, 0, false)
	for len(e.ends) < max && e.iter.Next() && e.iter.Score() < float64(nowMS) {
		e.due = append(e.due, e.iter.Member()...)
		e.ends = append(e.ends, len(e.due))
	}
	start := 0
	for _, end := range e.ends {
		member := e.due[start:end]
		if r, ok := f.places.Row(member); ok {
			f.remove(member, r)
		}
		start = end
	}
	if f.hasTimes() {
		e.iter.Seek(&f.times, 0, false)
		e.iter.Next()
		f.setDue(int64(min(e.iter.Score(), 1<<62))) // a time that comes is exact
	}
	return len(e.ends)
}

// Record is a member as reads see it. What is in it is valid until the field changes or the
// next call of any method.
type Record struct {
	X, Y, Z   float64
	ExpiresAt int64 // 0: never
	thing     thing
	f         *Field
}

// Depth is how much of a member a read looks at.
type Depth uint8

// The depths.
const (
	Shallow Depth = iota // place, deadline and SEQ
	Middle               // numeric fields and tags, too
	Deep                 // the payload, too
)

// Get reads a member.
func (f *Field) Get(member []byte, nowMS int64, depth Depth, rec *Record) bool {
	r, ok := f.row(member, nowMS)
	if ok {
		f.Read(r, depth, rec)
	}
	return ok
}

// Read takes a row apart.
func (f *Field) Read(r zset.Row, depth Depth, rec *Record) {
	var tail []byte
	switch depth {
	case Middle:
		tail = f.tailHead(r)
	case Deep:
		tail = f.tailOf(r)
	}
	rec.f = f
	rec.thing.read(viewOf(r), tail)
	rec.X, rec.Y, rec.Z, rec.ExpiresAt = rec.thing.x, rec.thing.y, rec.thing.z, rec.thing.expiresAt
}

// Numbers is how many numeric fields the member has, Number one of them.
func (r *Record) Numbers() int { return len(r.thing.numbers) }

// Number is the i-th numeric field.
func (r *Record) Number(i int) (name []byte, value float64) {
	n := r.thing.numbers[i]
	return r.f.names.name(n.id), n.value
}

// Tags are the member's tags, by name.
func (r *Record) Tags() []Tag { return r.thing.tags }

// Payload is the member's payload, if it has one.
func (r *Record) Payload() (b []byte, ok bool) { return r.thing.payload, r.thing.hasPayload }

// Seq is the member's SEQ, if it has one.
func (r *Record) Seq() (n int64, ok bool) { return r.thing.seq, r.thing.hasSeq }

// Scan calls fn for members as zset.Set.Scan does, without those that have expired.
func (f *Field) Scan(cursor uint64, count int, nowMS int64, fn func(member []byte)) uint64 {
	if !f.hasPlaces() {
		return 0
	}
	return f.places.ScanRows(cursor, count, func(member []byte, r zset.Row) {
		if !past(viewOf(r).expiresAt(), nowMS) {
			fn(member)
		}
	})
}
