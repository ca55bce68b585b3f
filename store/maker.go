package store

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"quarry/store/bloom"
	"quarry/store/field"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
	"quarry/store/list"
	"quarry/store/table"
	"quarry/store/zset"
)

// What is wrong with a value that a Maker is to make, or with its key.
var (
	// ErrTwice: a member, or a field of a hash, comes twice.
	ErrTwice = errors.New("an element is there twice")
	// ErrEmpty: there are no elements.
	ErrEmpty = errors.New("the value has no elements")
	// ErrNaN: a score is not a number.
	ErrNaN = errors.New("a score is not a number")
	// ErrTooLong: a string is longer than a string can be.
	ErrTooLong = fmt.Errorf("a string is longer than %d bytes", int64(MaxString))
	// ErrExists: there is such a key.
	ErrExists = errors.New("the key exists")
)

// Maker makes keys of what a file or a payload says, one after the other: Begin, then what the value consists of, in any number of
// calls, then Put, or Discard if it is not to be. What it gets is copied, and checked: it may come from a stranger. Nobody sees the
// value before Put, and after an error only Discard is allowed.
//
// The shard of the key is locked in every call; between two of them it need not be.
type Maker struct {
	s   *Store
	sh  *shard
	typ Type
	key []byte

	text  []byte // a string, as long as it is no large one
	large *text
	set   zset.Set
	rows  zset.Builder
	built bool // rows is done with set
	table table.Table
	env   *table.Env // the table's
	list  list.List
	bloom bloom.Filter
	bits  bool // bloom is one
	field field.Field
	loose

	due map[part][]dueKey // nil: times go into their index at once
}

// part is a shard's part of a database.
type part struct {
	sh    *shard
	index int
}

// dueKey is a key that expires, on its way into the time index.
type dueKey struct {
	atMS int64
	rec  slab.Ref
}

// NewMaker makes a Maker for one goroutine. After Bound it looks for room as values grow, and fails with ErrOOM.
func (s *Store) NewMaker() *Maker { return &Maker{s: s, loose: loose{loose: true}} }

// Maker is one for the goroutine of d. It looks for room as values grow.
func (d *DB) Maker() *Maker {
	if d.maker == nil {
		d.maker = d.s.NewMaker()
		d.maker.Bound()
	}
	return d.maker
}

// DeferTimes has the time indexes made by FinishTimes, which is faster for very many keys. Until then the store is only used by Makers.
func (m *Maker) DeferTimes() { m.due = map[part][]dueKey{} }

// FinishTimes puts the keys that expire into the time indexes; no value is begun. It locks one shard after the other.
func (m *Maker) FinishTimes() {
	for p, list := range m.due {
		slices.SortFunc(list, func(a, b dueKey) int {
			return cmp.Or(cmp.Compare(a.atMS, b.atMS), cmp.Compare(a.rec, b.rec))
		})
		p.sh.lock()
		p.sh.addTimes(&p.sh.dbs[p.index], list, &m.rows)
		p.sh.unlock()
	}
	clear(m.due)
}

// addTimes puts keys into a time index, in order.
func (sh *shard) addTimes(db *database, list []dueKey, rows *zset.Builder) {
	if db.times != (zset.Handle{}) {
		sh.times.Open(db.times, &sh.set)
	} else {
		sh.times.Create(&sh.set)
	}
	rows.Start(&sh.set, len(list))
	for _, k := range list {
		rows.Add(sh.nameOf(k.rec), float64(k.atMS))
	}
	rows.Finish()
	sh.storeTimes(db)
}

// setTime has the key that was made expire at a time, 0 for never.
func (m *Maker) setTime(at *spot, atMS int64) {
	switch {
	case m.due == nil:
		at.sh.setExpireAt(at.db, at.rec, atMS)
	case atMS != 0:
		at.sh.heap.W(at.rec).SetU64(recExpire, uint64(atMS))
		p := part{at.sh, at.index}
		m.due[p] = append(m.due[p], dueKey{atMS, at.rec})
	}
}

// Begin begins a value for a key. hint is how many elements it is said to have; it costs nothing if that is not so.
func (m *Maker) Begin(key []byte, t Type, hint int) {
	m.key = append(m.key[:0], key...)
	m.sh, m.typ = m.s.shards[m.s.ShardOf(key)], t
	m.full, m.grown = false, 0
	switch t {
	case TypeString:
		m.text, m.large = kept(m.text), nil
	case TypeHash, TypeSet:
		m.env = m.sh.kinds[t].(tableKind).env
		m.env.Create(&m.table)
	case TypeList:
		m.sh.lists.Create(&m.list)
	case TypeZSet:
		m.sh.sets.Create(&m.set)
		m.rows.Start(&m.set, hint)
		m.built = false
	case TypeBloom:
		m.bits = false
	case TypeField:
		m.sh.fields.None(&m.field)
	}
}

// kept is room to begin anew, unless it is very much.
func kept(b []byte) []byte {
	if cap(b) > blobString {
		return nil
	}
	return b[:0]
}

// count notes an element of n bytes.
func (m *Maker) count(n int) error {
	m.grow(m.s, n)
	if m.full {
		return ErrOOM
	}
	return nil
}

// Text adds a piece to the end of a string.
func (m *Maker) Text(piece []byte) error {
	if m.large == nil && len(m.text)+len(piece) <= blobString {
		m.text = append(m.text, piece...)
		return nil
	}
	if m.large == nil {
		m.large = &text{pages: offheap.NewPages(m.sh.heap.Region())}
		m.large.grow(len(m.text))
		m.large.write(0, m.text, len(m.text))
	}
	at := m.large.len()
	if at+len(piece) > MaxString {
		return ErrTooLong
	}
	if err := m.count(len(piece)); err != nil {
		return err
	}
	m.large.grow(at + len(piece))
	m.large.write(at, piece, len(piece))
	return nil
}

// Pair adds a field with its value to a hash.
func (m *Maker) Pair(name, value []byte) error { return m.put(name, value) }

// Member adds a member to a set.
func (m *Maker) Member(member []byte) error { return m.put(member, nil) }

func (m *Maker) put(key, value []byte) error {
	if !m.table.Put(key, value) {
		return ErrTwice
	}
	return m.count(len(key) + len(value))
}

// Element adds an element to the end of a list.
func (m *Maker) Element(v []byte) error {
	m.list.Push(false, v)
	return m.count(len(v))
}

// Row adds a member to a sorted set. It is fast for rows in order, up or down. That a member is there twice may also be found by Put.
func (m *Maker) Row(member []byte, score float64) error {
	if math.IsNaN(score) {
		return ErrNaN
	}
	if !m.rows.Add(member, score) {
		return ErrTwice
	}
	return m.count(len(member))
}

// Bloom makes the value, which has nothing yet, a Bloom filter, and Bits sets blocks of its bits: see bloom.Env.Rebuild.
func (m *Maker) Bloom(s *bloom.State) error {
	err := m.sh.blooms.Rebuild(s, &m.bloom)
	m.bits = err == nil
	return bloomError(err)
}

// Bits sets blocks of a Bloom filter's bits.
func (m *Maker) Bits(first uint32, blocks []byte) error {
	return bloomError(m.bloom.SetBits(first, blocks))
}

// Field gives a field its shape and the names of its numeric fields, before its members come: see field.Env.Rebuild.
func (m *Maker) Field(s field.Shape, created bool, names [][]byte) error {
	return m.sh.fields.Rebuild(s, created, names, &m.field)
}

// Thing puts a member into a field: see field.Field.Restore.
func (m *Maker) Thing(member []byte, x, y, z float64, c *field.Change) error {
	if err := m.field.Restore(member, x, y, z, c); err != nil {
		return err
	}
	return m.count(len(member) + len(c.Payload))
}

// Using says how a key that is made has been used: for so many seconds not at all, or so often as a counter says, which counts for
// an LFU policy, and the other one for all others. Below 0: it is used now.
type Using struct {
	IdleSec int64
	Freq    int
}

// UsedNow says that a key is new.
func UsedNow() Using { return Using{-1, -1} }

func (d *DB) useOf(u Using) uint32 {
	switch {
	case d.s.lfu.Load() && u.Freq >= 0:
		return d.minute()<<8 | uint32(u.Freq)&lfuMax
	case !d.s.lfu.Load() && u.IdleSec >= 0:
		return d.seconds() - uint32(min(u.IdleSec, int64(d.seconds())))
	}
	return d.newUse()
}

// Put completes the value and makes it that of its key, in d's database, in place of what is there if replace says so, else it fails
// with ErrExists. The key expires at expireAtMS, if that is not 0.
func (m *Maker) Put(d *DB, expireAtMS int64, u Using, replace bool) error {
	at := d.find(m.key)
	if at.rec != 0 && !replace {
		return ErrExists
	}
	v, err := m.finish()
	if err != nil {
		return err
	}
	if at.rec != 0 {
		at.delete()
		at.gone = false
	}
	at.make(m.key, v, d.useOf(u))
	m.setTime(&at, expireAtMS)
	d.signal(&at, m.key)
	m.typ, m.large = None, nil
	return nil
}

// Check completes the value and says what is wrong with it, as Put does. Then it is to be discarded.
func (m *Maker) Check() error {
	v, err := m.finish()
	if err == nil && m.typ == TypeString {
		m.sh.freeText(v.enc, v.ref)
		m.large = nil
	}
	return err
}

// finish completes the value and checks what can only be checked as a whole.
func (m *Maker) finish() (v value, err error) {
	switch m.typ {
	case TypeString:
		return m.finishText(), nil
	case TypeHash, TypeSet:
		return tableValue(m.typ, m.table.Handle()), emptiness(m.table.Len())
	case TypeList:
		return listValue(m.list.Handle()), emptiness(m.list.Len())
	case TypeZSet:
		m.built = true
		if !m.rows.Finish() {
			return v, ErrTwice
		}
		return zsetValue(m.set.Handle()), emptiness(m.set.Len())
	case TypeBloom:
		if !m.bits {
			return v, ErrEmpty
		}
		return bloomValue(m.bloom.Handle()), m.bloom.CheckBits()
	default:
		if m.field.Ref() == 0 || m.field.Rest() == 0 && !m.field.Created() {
			return v, ErrEmpty
		}
		return fieldValue(m.field.Ref()), nil
	}
}

func emptiness(n int) error {
	if n == 0 {
		return ErrEmpty
	}
	return nil
}

func (m *Maker) finishText() value {
	if m.large != nil {
		return value{typ: TypeString, enc: strLarge, ref: m.sh.texts.Add(m.large)}
	}
	return m.sh.stringValue(m.key, m.text, 0)
}

// Discard frees what has been made of a value that was not put.
func (m *Maker) Discard() {
	switch m.typ {
	case TypeString:
		if m.large != nil {
			m.large.pages.Truncate(0)
		}
	case TypeHash, TypeSet:
		m.env.Free(m.table.Handle())
	case TypeList:
		m.sh.lists.Free(m.list.Handle())
	case TypeZSet:
		if !m.built {
			m.rows.Finish()
		}
		m.sh.sets.Free(m.set.Handle())
	case TypeBloom:
		if m.bits {
			m.sh.blooms.Free(m.bloom.Handle())
		}
	case TypeField:
		if m.field.Ref() != 0 {
			m.sh.fields.Free(m.field.Ref())
		}
	}
	m.typ, m.large = None, nil
}
