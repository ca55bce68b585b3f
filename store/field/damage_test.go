package field

import (
	"strings"
	"testing"

	"quarry/store/zset"
)

// TestCheckFindsDamage damages a sound field in each way that Check promises to notice.
func TestCheckFindsDamage(t *testing.T) {
	row := func(m *modeled, change func(value []byte) []byte) {
		r, _ := m.f.places.Row([]byte("a"))
		m.f.places.Put([]byte("a"), r.Key, change(append([]byte{}, r.Value...)), nil, true)
	}
	for _, c := range []struct {
		name, want string
		damage     func(m *modeled)
	}{
		{"space", "space 7", func(m *modeled) { m.env().Heap.W(m.f.ref).SetU8(headSpace, 7) }},
		{"dimensions", "4 dimensions", func(m *modeled) { m.env().Heap.W(m.f.ref).SetU8(headDims, 4) }},
		{"other dimensions", "in 3 dimensions", func(m *modeled) { m.env().Heap.W(m.f.ref).SetU8(headDims, 3) }},
		{"bounds", "bounds must be", func(m *modeled) { m.env().Heap.W(m.f.ref).SetU8(headFlags, flagBounded) }},
		{"forms", "sets of forms", func(m *modeled) { m.env().Heap.W(m.f.ref).SetU8(headPlacesEnc, uint8(zset.Packed)) }},
		{"no places", "it is empty", func(m *modeled) {
			m.env().Sets.Free(m.f.head.places)
			m.env().Sets.Free(m.f.head.times)
			w := m.env().Heap.W(m.f.ref)
			w.Zero(headPlacesEnc, 2)
			w.Zero(headPlaces, 8)
			w.SetU64(headDue, 0)
		}},
		{"due too late", "due is", func(m *modeled) { m.env().Heap.W(m.f.ref).SetU64(headDue, 1<<40) }},
		{"no due", "due 0", func(m *modeled) { m.env().Heap.W(m.f.ref).SetU64(headDue, 0) }},
		{"a deadline that is none", "deadlines for", func(m *modeled) {
			m.f.hasTimes()
			m.f.times.Add([]byte("nobody"), 2_000_000, 0)
			m.f.storeTimes()
		}},
		{"another deadline", "the deadline is", func(m *modeled) {
			m.f.hasTimes()
			m.f.times.Add([]byte("a"), 3_000_000, 0)
			m.f.storeTimes()
		}},
		{"a short value", "bytes", func(m *modeled) { row(m, func(b []byte) []byte { return b[:10] }) }},
		{"a longer value", "bytes, not", func(m *modeled) { row(m, func(b []byte) []byte { return append(b, 0) }) }},
		{"flags", "flags 0x9a", func(m *modeled) { row(m, func(b []byte) []byte { b[0] |= 1 << 7; return b }) }},
		{"the place", "key", func(m *modeled) { row(m, func(b []byte) []byte { b[valueHead+7]++; return b }) }},
		{"a place that is none", "finite", func(m *modeled) {
			row(m, func(b []byte) []byte { b[valueHead+6], b[valueHead+7] = 0xf0, 0x7f; return b })
		}},
		{"a number's name", "members have", func(m *modeled) { row(m, func(b []byte) []byte { b[valueHead+3*wordSize] = 9; return b }) }},
		{"a hash", "is not that of tag", func(m *modeled) { row(m, func(b []byte) []byte { b[len(b)-1]++; return b }) }},
		{"the tail", "flags", func(m *modeled) {
			r, _ := m.f.places.Row([]byte("a"))
			m.f.places.Put([]byte("a"), r.Key, append([]byte{}, r.Value...), nil, false)
		}},
		{"uses of a name", "members have", func(m *modeled) { m.f.names.use([]number{{id: 0}}, 1) }},
		{"the number of names", "names", func(m *modeled) { m.env().Heap.W(m.f.names.ref).SetU16(0, 300) }},
		{"a name's length", "does not end", func(m *modeled) { m.env().Heap.W(m.f.names.ref).SetU8(namesHead+4, 200) }},
		{"the head elsewhere", "", func(m *modeled) { m.f.ref++ }},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKit(t)
			m := k.create(shapes[0], false)
			m.put("a", 1, 2, 0, &Change{ExpiresAt: 2_000_000, Names: [][]byte{[]byte("hp")}, Values: []float64{5},
				Tags: []Tag{{[]byte("kind"), []byte("coin")}}, HasPayload: true, Payload: []byte("x")})
			m.put("b", 3, 4, 0, &Change{})
			if err := k.check(); err != nil {
				t.Fatal(err)
			}
			c.damage(m)
			if err := k.check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check says %v, want %q", err, c.want)
			}
			if err := k.region.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
