package field

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

var seed = flag.Uint64("seed", 1, "of random tests; 0 draws one")

func newRand(t testing.TB) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("go test ./store/field -run '%s' -seed=%d", t.Name(), s)
	return rand.New(rand.NewPCG(s, 3))
}

// TestModel: everything that can be done to fields of all shapes, against maps.
func TestModel(t *testing.T) {
	for i, s := range shapes {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			k := newKit(t)
			defer k.close()
			d := &drawer{newRand(t), s}
			m := k.create(s, i > 0)
			steps := 4000
			if testing.Short() {
				steps = 1000
			}
			for step := range steps {
				m.step(d, step)
				if step%200 == 0 {
					m.compare()
				}
			}
			m.compare()
		})
	}
}

// step does one thing.
func (m *modeled) step(d *drawer, step int) {
	member := fmt.Sprintf("m%d", d.IntN(300))
	if d.chance(50) {
		member = fmt.Sprintf("%0600d", d.IntN(10))
	}
	k := m.k
	switch n := d.IntN(100); {
	case n < 75:
		x, y, z := d.place()
		m.put(member, x, y, z, d.change(k.now))
	case n < 85:
		m.remove(member)
	case n < 92:
		k.now += int64(d.IntN(300))
	case n < 95:
		m.expire(1 + d.IntN(5))
	case n < 98 && m.f.Ref() != 0:
		m.move()
	case n < 99 && m.f.Ref() != 0:
		m.copy()
	case step%1500 == 0:
		for _, member := range m.members() {
			m.remove(member)
		}
	}
}

// move takes the field to the other shard.
func (m *modeled) move() {
	to := m.k.envs[1-m.shard]
	ref := m.env().MoveTo(m.f.Ref(), to)
	m.shard = 1 - m.shard
	to.Open(ref, &m.f)
}

// copy goes on with a copy in one of the shards, after a change of it that the other must not have.
func (m *modeled) copy() {
	shard := int(m.k.now & 1)
	to := m.k.envs[shard]
	ref := m.env().CopyTo(m.f.Ref(), to)
	other := &modeled{k: m.k, shard: shard, rows: map[string]*record{}, shape: m.shape, made: m.made}
	for member, r := range m.rows {
		other.rows[member] = r.clone()
	}
	to.Open(ref, &other.f)
	m.k.fields = append(m.k.fields, other)
	for _, member := range other.members() {
		other.put(member, m.rows[member].x, m.rows[member].y, m.rows[member].z, &Change{HasPayload: true, Payload: []byte("copy")})
	}
	m.compare()
	other.compare()
	other.drop()
	m.k.fields = m.k.fields[:len(m.k.fields)-1]
}
