package rdb

import (
	"encoding/binary"
	"errors"
	"math"

	"quarry/store"
	"quarry/store/bloom"
	"quarry/store/field"
)

// Values of Quarry's own types are rows of records, each a string; package doc draws them.
const (
	ownVersion = 1 // of both

	fieldCreated = 1
	fieldBounded = 2

	thingExpires = 1
	thingSeq     = 2
	thingPayload = 4

	fieldNumber = 9 // bytes
)

// record is a record that is being written.
type record struct{ b []byte }

func (r *record) byte(b byte)     { r.b = append(r.b, b) }
func (r *record) u32(n uint32)    { r.b = binary.LittleEndian.AppendUint32(r.b, n) }
func (r *record) u64(n uint64)    { r.b = binary.LittleEndian.AppendUint64(r.b, n) }
func (r *record) float(f float64) { r.u64(math.Float64bits(f)) }
func (r *record) length(n int)    { r.b = appendLength(r.b, uint64(n)) }
func (r *record) str(b []byte)    { r.length(len(b)); r.b = append(r.b, b...) }

// bloom writes a Bloom filter.
func (w *writer) bloom(f *bloom.Filter) {
	var s bloom.State
	f.State(&s)
	runs := 0
	count := func(uint32, []byte) error { runs++; return nil }
	_ = f.EachRun(count) // it has no errors of its own
	w.length(uint64(1 + runs))
	var r record
	r.byte(ownVersion)
	r.u64(s.Seed)
	r.u32(s.Expansion)
	r.u64(s.Capacity)
	r.u64(s.Left)
	r.float(s.Rate)
	for _, l := range s.Links {
		r.u32(l.Lanes)
		r.u32(l.Blocks)
	}
	w.plain(r.b)
	_ = f.EachRun(func(first uint32, blocks []byte) error {
		w.length(uint64(4 + len(blocks)))
		w.u32(first)
		w.raw(blocks)
		w.room()
		return w.err
	})
}

// plain writes a string as it is.
func (w *writer) plain(b []byte) {
	w.length(uint64(len(b)))
	w.raw(b)
}

// field writes a field.
func (w *writer) field(e *store.Entry) {
	w.length(uint64(1 + e.Len()))
	f := e.Field()
	s := f.Shape()
	var r record
	var index [256]byte // of names, by their numbers
	flags, names := byte(0), 0
	if f.Created() {
		flags |= fieldCreated
	}
	if s.Bounded {
		flags |= fieldBounded
	}
	r.b = append(r.b, ownVersion, flags, byte(s.Space), byte(s.Dims))
	if s.Bounded {
		for _, c := range []float64{s.Bounds.MinX, s.Bounds.MinY, s.Bounds.MaxX, s.Bounds.MaxY} {
			r.float(c)
		}
	}
	f.EachNumbered(func(n uint8, name []byte) {
		index[n] = byte(names)
		names++
		r.str(name)
	})
	w.plain(r.b)
	dims := s.Dims
	var rec field.Record
	for it := e.Members(); w.err == nil && it.Next(); w.room() {
		it.Read(&rec)
		r.b = r.b[:0]
		r.str(it.Member())
		r.thing(&rec, dims, &index)
		w.str(r.b)
	}
}

// thing writes what a member of a field has.
func (r *record) thing(rec *field.Record, dims int, index *[256]byte) {
	seq, hasSeq := rec.Seq()
	payload, hasPayload := rec.Payload()
	flags := byte(0)
	for flag, has := range map[byte]bool{thingExpires: rec.ExpiresAt != 0, thingSeq: hasSeq, thingPayload: hasPayload} {
		if has {
			flags |= flag
		}
	}
	r.byte(flags)
	r.float(rec.X)
	r.float(rec.Y)
	if dims == 3 {
		r.float(rec.Z)
	}
	if rec.ExpiresAt != 0 {
		r.u64(uint64(rec.ExpiresAt))
	}
	if hasSeq {
		r.u64(uint64(seq))
	}
	r.length(rec.Numbers())
	for i := range rec.Numbers() {
		n, v := rec.Numbered(i)
		r.byte(index[n])
		r.float(v)
	}
	r.length(len(rec.Tags()))
	for _, t := range rec.Tags() {
		r.str(t.Name)
		r.str(t.Text)
	}
	r.b = append(r.b, payload...) // to the end
}

var errRecord = errors.New("a record of Quarry's own is damaged")

// fields takes a record apart. After the first that is not there, bad is set and all are 0.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) take(n int) []byte {
	if n < 0 || n > len(f.b) {
		f.b, f.bad = nil, true
		return nil
	}
	b := f.b[:n]
	f.b = f.b[n:]
	return b
}

func (f *fields) byte() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) u32() uint32 {
	if b := f.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (f *fields) u64() uint64 {
	if b := f.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (f *fields) float() float64 { return math.Float64frombits(f.u64()) }

// length reads what record.length has written.
func (f *fields) length() int {
	b := f.byte()
	switch {
	case b>>6 == 0:
		return int(b)
	case b>>6 == 1:
		return int(b&63)<<8 | int(f.byte())
	case b == length32:
		if b := f.take(4); b != nil {
			return int(binary.BigEndian.Uint32(b))
		}
	}
	f.b, f.bad = nil, true
	return 0
}

func (f *fields) str() []byte { return f.take(f.length()) }

// own builds values of Quarry's own types out of their records.
type own struct {
	first  bool // the record that comes is the first
	links  []bloom.Link
	names  [][]byte
	dims   int
	change field.Change
}

// bloomRecord reads a record of a Bloom filter.
func (o *own) bloomRecord(m *store.Maker, b []byte) error {
	f := fields{b: b}
	if !o.first {
		first := f.u32()
		if f.bad || len(f.b) == 0 {
			return errRecord
		}
		return m.Bits(first, f.b)
	}
	o.first = false
	if f.byte() != ownVersion {
		return errRecord
	}
	s := bloom.State{Seed: f.u64(), Expansion: f.u32(), Capacity: f.u64(), Left: f.u64(), Rate: f.float(), Links: o.links[:0]}
	for len(f.b) > 0 && len(s.Links) <= bloom.MaxLinks {
		s.Links = append(s.Links, bloom.Link{Lanes: f.u32(), Blocks: f.u32()})
	}
	o.links = s.Links
	if f.bad {
		return errRecord
	}
	return m.Bloom(&s)
}

// fieldRecord reads a record of a field.
func (o *own) fieldRecord(m *store.Maker, b []byte) error {
	f := fields{b: b}
	if !o.first {
		return o.thing(m, &f)
	}
	o.first = false
	version, flags := f.byte(), f.byte()
	s := field.Shape{Space: field.Space(f.byte()), Dims: int(f.byte()), Bounded: flags&fieldBounded != 0}
	if s.Bounded {
		s.Bounds = field.Bounds{MinX: f.float(), MinY: f.float(), MaxX: f.float(), MaxY: f.float()}
	}
	o.names = o.names[:0]
	for len(f.b) > 0 && len(o.names) <= field.MaxNames {
		o.names = append(o.names, append([]byte(nil), f.str()...))
	}
	if f.bad || version != ownVersion || flags > fieldCreated|fieldBounded {
		return errRecord
	}
	o.dims = s.Dims
	return m.Field(s, flags&fieldCreated != 0, o.names)
}

// thing reads a member of a field.
func (o *own) thing(m *store.Maker, f *fields) error {
	c := &o.change
	c.Reset()
	member := f.str()
	flags := f.byte()
	x, y, z := f.float(), f.float(), 0.0
	if o.dims == 3 {
		z = f.float()
	}
	if flags&thingExpires != 0 {
		if c.ExpiresAt = int64(f.u64()); c.ExpiresAt <= 0 {
			return errRecord
		}
	}
	if c.HasSeq = flags&thingSeq != 0; c.HasSeq {
		c.Seq = int64(f.u64())
	}
	before := -1
	for n := f.length(); n > 0 && !f.bad; n-- {
		i := int(f.byte())
		if i <= before || i >= len(o.names) {
			return errRecord
		}
		before = i
		c.Names, c.Values = append(c.Names, o.names[i]), append(c.Values, f.float())
	}
	for n := f.length(); n > 0 && !f.bad; n-- {
		c.Tags = append(c.Tags, field.Tag{Name: f.str(), Text: f.str()})
	}
	c.HasPayload, c.Payload = flags&thingPayload != 0, f.b
	if f.bad || flags > thingExpires|thingSeq|thingPayload || !c.HasPayload && len(f.b) > 0 {
		return errRecord
	}
	return m.Thing(member, x, y, z, c)
}
