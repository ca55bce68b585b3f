package field

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"quarry/store/internal/hash"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// kit is the surroundings of the fields under test: one region and two shards.
type kit struct {
	testing.TB
	region *offheap.Region
	envs   [2]*Env
	fields []*modeled
	now    int64
}

func newKit(t testing.TB) *kit {
	t.Helper()
	region, err := offheap.NewRegion()
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{TB: t, region: region, now: 1_000_000}
	for i := range k.envs {
		k.envs[i] = NewEnv(slab.New(region), hash.New(0x9e3779b97f4a7c15))
	}
	return k
}

// close frees all fields and fails if one byte, object or page is left.
func (k *kit) close() {
	k.Helper()
	for _, m := range k.fields {
		m.drop()
	}
	for i, e := range k.envs {
		for e.Reclaim(1) {
		}
		if e.Heap.Live() != 0 || e.Arenas() != 0 {
			k.Errorf("shard %d: %d objects and %d large sets are left", i, e.Heap.Live(), e.Arenas())
		}
		e.Heap.Close()
	}
	if n := k.region.Used(); n != 0 {
		k.Errorf("%d pages of the region are left", n)
	}
	if err := k.region.Close(); err != nil {
		k.Error(err)
	}
}

// check checks all fields, of which nothing may be left over.
func (k *kit) check() error {
	for i, e := range k.envs {
		a, err := e.Heap.Audit()
		if err != nil {
			return err
		}
		owned := map[uint32]bool{}
		for _, m := range k.fields {
			if m.shard != i || m.f.Ref() == 0 {
				continue
			}
			before := a.Bytes()
			err := e.Check(m.f.Ref(), a, func(n uint32) error {
				if owned[n] {
					return fmt.Errorf("large set %d has two owners", n)
				}
				owned[n] = true
				return nil
			})
			if err != nil {
				return err
			}
			if len(owned) == 0 && m.f.Bytes() != a.Bytes()-before {
				return fmt.Errorf("a field of %d bytes says %d", a.Bytes()-before, m.f.Bytes())
			}
		}
		if err := a.Rest(); err != nil {
			return err
		}
		if len(owned) != e.Arenas() {
			return fmt.Errorf("%d large sets have owners, of %d", len(owned), e.Arenas())
		}
	}
	return nil
}

// record is a member as anyone would keep it.
type record struct {
	x, y, z   float64
	expiresAt int64
	seq       int64
	hasSeq    bool
	numbers   map[string]float64
	tags      map[string]string
	payload   []byte // nil: none
}

func (r *record) clone() *record {
	c := *r
	c.numbers, c.tags = maps.Clone(r.numbers), maps.Clone(r.tags)
	return &c
}

func (r *record) equal(o *record) bool {
	return r.x == o.x && r.y == o.y && r.z == o.z && r.expiresAt == o.expiresAt && r.seq == o.seq && r.hasSeq == o.hasSeq &&
		maps.Equal(r.numbers, o.numbers) && maps.Equal(r.tags, o.tags) &&
		bytes.Equal(r.payload, o.payload) && (r.payload == nil) == (o.payload == nil)
}

// modeled is a field beside a model of it.
type modeled struct {
	k     *kit
	shard int
	f     Field
	rows  map[string]*record
	shape Shape
	made  bool // by Create
}

// create makes a field of a shape; with made false one that a first Put makes.
func (k *kit) create(s Shape, made bool) *modeled {
	m := &modeled{k: k, rows: map[string]*record{}, shape: s, made: made}
	if made {
		m.env().Open(m.env().Create(s), &m.f)
	} else {
		m.env().None(&m.f)
	}
	k.fields = append(k.fields, m)
	return m
}

func (m *modeled) env() *Env { return m.k.envs[m.shard] }

func (m *modeled) drop() {
	if m.f.Ref() != 0 {
		m.env().Free(m.f.Ref())
	}
	m.rows = map[string]*record{}
}

// empty does what the store does with a field that has lost its last row.
func (m *modeled) empty() {
	if m.f.Ref() != 0 && m.f.Rest() == 0 && !m.f.Created() {
		m.env().Free(m.f.Ref())
		m.env().None(&m.f)
	}
}

// alive is the model's record of a member that has not expired.
func (m *modeled) alive(member string) *record {
	if r := m.rows[member]; r != nil && !past(r.expiresAt, m.k.now) {
		return r
	}
	return nil
}

func (m *modeled) members() (list []string) {
	for member := range m.rows {
		if m.alive(member) != nil {
			list = append(list, member)
		}
	}
	slices.Sort(list)
	return list
}

// put puts a member in both, and compares the outcomes.
func (m *modeled) put(member string, x, y, z float64, c *Change) Outcome {
	m.k.Helper()
	want := m.putModel(member, x, y, z, c)
	got := m.f.Put([]byte(member), x, y, z, c, m.k.now)
	m.empty()
	if got != want {
		m.k.Fatalf("Put(%q) is %d, want %d", member, got, want)
	}
	return got
}

func (m *modeled) putModel(member string, x, y, z float64, c *Change) Outcome {
	old := m.alive(member)
	if old != nil && c.Only == NX || old == nil && c.Only == XX || old != nil && c.HasSeq && old.hasSeq && c.Seq < old.seq {
		return Nop
	}
	if !c.KeepTTL && c.ExpiresAt != 0 && c.ExpiresAt <= m.k.now {
		delete(m.rows, member)
		if old != nil {
			return Removed
		}
		return Nop
	}
	r := &record{numbers: map[string]float64{}, tags: map[string]string{}}
	if old != nil {
		r = old.clone()
	}
	r.x, r.y, r.z = x, y, z
	if !c.KeepTTL {
		r.expiresAt = c.ExpiresAt
	}
	if c.HasSeq {
		r.seq, r.hasSeq = c.Seq, true
	}
	for i, name := range c.Names {
		r.numbers[string(name)] = c.Values[i]
	}
	for _, t := range c.Tags {
		r.tags[string(t.Name)] = string(t.Text)
	}
	if c.HasPayload {
		r.payload = append([]byte{}, c.Payload...)
	}
	m.rows[member] = r
	switch {
	case old == nil:
		return Added
	case old.equal(r):
		return Same
	}
	return Changed
}

// remove removes a member from both.
func (m *modeled) remove(member string) {
	m.k.Helper()
	want := m.alive(member) != nil
	got := m.f.Remove([]byte(member), m.k.now)
	m.empty()
	if want {
		delete(m.rows, member)
	}
	if got != want {
		m.k.Fatalf("Remove(%q) is %v", member, got)
	}
}

// expire removes some of what has expired.
func (m *modeled) expire(max int) {
	m.k.Helper()
	due := 0
	for member, r := range m.rows {
		if past(r.expiresAt, m.k.now) {
			due++
			delete(m.rows, member)
		}
	}
	sum := 0
	for m.f.Ref() != 0 {
		n := m.f.Expire(m.k.now, max)
		sum += n
		if n > max || sum > due || m.f.Rest() == 0 && n == 0 && sum < due {
			m.k.Fatalf("Expire removes %d, %d in all, of %d", n, sum, due)
		}
		if n < max {
			break
		}
	}
	left := len(m.rows)
	if m.f.Ref() != 0 && (m.f.Rest() != left || m.f.Due() != 0 && past(m.f.Due(), m.k.now)) {
		m.k.Fatalf("%d rows are left of %d, due %d at %d", m.f.Rest(), left, m.f.Due(), m.k.now)
	}
	m.empty()
}

// recordOf is what the field says of a member.
func (m *modeled) recordOf(member string) *record {
	var rec Record
	if !m.f.Get([]byte(member), m.k.now, Deep, &rec) {
		return nil
	}
	return rec.clone()
}

func (rec *Record) clone() *record {
	r := &record{x: rec.X, y: rec.Y, z: rec.Z, expiresAt: rec.ExpiresAt, numbers: map[string]float64{}, tags: map[string]string{}}
	r.seq, r.hasSeq = rec.Seq()
	for i := range rec.Numbers() {
		name, v := rec.Number(i)
		r.numbers[string(name)] = v
	}
	for _, t := range rec.Tags() {
		r.tags[string(t.Name)] = string(t.Text)
	}
	if payload, ok := rec.Payload(); ok {
		r.payload = append([]byte{}, payload...)
	}
	return r
}

// compare compares all that can be read.
func (m *modeled) compare() {
	m.k.Helper()
	if err := m.k.check(); err != nil {
		m.k.Fatal(err)
	}
	want := m.members()
	if n := m.f.Len(m.k.now); n != len(want) {
		m.k.Fatalf("%d members, want %d", n, len(want))
	}
	if m.f.Ref() != 0 {
		if gone := m.env().Gone(m.f.Ref(), m.k.now); gone != (len(want) == 0 && !m.made) {
			m.k.Fatalf("Gone is %v with %d members", gone, len(want))
		}
	}
	seen, cursor := map[string]bool{}, uint64(0)
	for {
		cursor = m.f.Scan(cursor, 10, m.k.now, func(member []byte) { seen[string(member)] = true })
		if cursor == 0 {
			break
		}
	}
	if len(seen) != len(want) {
		m.k.Fatalf("Scan passes %d members, want %d", len(seen), len(want))
	}
	expiring := 0
	for _, member := range want {
		if r := m.rows[member]; r.expiresAt != 0 {
			expiring++
		}
		if got := m.recordOf(member); got == nil || !got.equal(m.rows[member]) {
			m.k.Fatalf("member %q is\n%+v, want\n%+v", member, got, m.rows[member])
		}
	}
	if n := m.f.Expiring(m.k.now); n != expiring {
		m.k.Fatalf("%d members expire, want %d", n, expiring)
	}
}

// drawer draws changes and places.
type drawer struct {
	*rand.Rand
	shape Shape
}

func (d *drawer) chance(n int) bool { return d.IntN(n) == 0 }

// place draws a place: often one where others are, or on a line with them, sometimes at an end of the world.
func (d *drawer) place() (x, y, z float64) {
	minX, minY, maxX, maxY := -100.0, -100.0, 100.0, 100.0
	switch s := &d.shape; {
	case s.Space == Geo:
		minX, minY, maxX, maxY = -180, -90, 180, 90
	case s.Bounded:
		minX, minY, maxX, maxY = s.Bounds.MinX, s.Bounds.MinY, s.Bounds.MaxX, s.Bounds.MaxY
	}
	x, y = d.coordinate(minX, maxX), d.coordinate(minY, maxY)
	if d.shape.Dims == 3 {
		z = d.coordinate(-50, 50)
	}
	return x, y, z
}

func (d *drawer) coordinate(min, max float64) float64 {
	switch d.IntN(8) {
	case 0:
		return min
	case 1:
		return max
	case 2:
		return min + (max-min)*float64(d.IntN(5))/4
	case 3:
		if d.shape.Space == Plane && !d.shape.Bounded {
			return math.Ldexp(d.Float64()-0.5, d.IntN(1500)-750)
		}
	case 4:
		return math.Nextafter(min+(max-min)*float64(d.IntN(5))/4, max)
	}
	return clamp(min+(max-min)*d.Float64(), min, max)
}

func clamp(x, lo, hi float64) float64 { return math.Min(math.Max(x, lo), hi) }

func (d *drawer) change(now int64) *Change {
	c := &Change{}
	switch d.IntN(12) {
	case 0:
		c.Only = NX
	case 1:
		c.Only = XX
	}
	switch d.IntN(8) {
	case 0:
		c.KeepTTL = true
	case 1, 2:
		c.ExpiresAt = now + int64(d.IntN(3000)) - 200
	}
	if d.chance(5) {
		c.HasSeq, c.Seq = true, int64(d.IntN(20))-5
	}
	if d.chance(2) {
		for range 1 + d.IntN([]int{1, 3, 30}[d.IntN(3)]) {
			c.Names = append(c.Names, fmt.Appendf(nil, "n%d", d.IntN(40)))
			c.Values = append(c.Values, float64(d.IntN(10)))
		}
	}
	if d.chance(4) {
		for range 1 + d.IntN(6) {
			c.Tags = append(c.Tags, Tag{fmt.Appendf(nil, "t%d", d.IntN(30)), []byte(strings.Repeat("x", d.IntN(4)))})
		}
	}
	if d.chance(8) {
		c.HasPayload, c.Payload = true, []byte(strings.Repeat("p", []int{0, 5, 3000}[d.IntN(3)]))
	}
	return c
}

// shapes are what fields are made with in tests; the first is what Put makes.
var shapes = []Shape{
	{Space: Plane, Dims: 2},
	{Space: Plane, Dims: 3},
	{Space: Plane, Dims: 2, Bounded: true, Bounds: Bounds{0, 0, 4096, 4096}},
	{Space: Plane, Dims: 3, Bounded: true, Bounds: Bounds{-1000, 7, -999, 1e7}},
	{Space: Plane, Dims: 2, Bounded: true, Bounds: Bounds{1e15, -3e-300, 1e15 + 1, 3e-300}},
	{Space: Geo, Dims: 2},
	{Space: Geo, Dims: 3},
}
