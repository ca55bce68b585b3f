package list

import (
	"bytes"
	crand "crypto/rand"
	"encoding/binary"
	"flag"
	"slices"
	"testing"
)

// The public API of List against a slice of slices: random calls, the structure checked after
// every few of them, and at the end not a byte left. A run is decided by its seed alone.
//
//	go test ./store/list -run Model -long          minutes instead of seconds
//	go test ./store/list -run 'TestModel$' -seed=7 one run again
//	go test ./store/list -run xxx -fuzz FuzzModel -fuzzminimizetime 1x

var (
	long    = flag.Bool("long", false, "run the model test for minutes instead of seconds")
	oneSeed = flag.Uint64("seed", 0, "run the model test with this seed only")
)

func seeds(n int) (list []uint64) {
	if *oneSeed != 0 {
		return []uint64{*oneSeed}
	}
	if *long {
		n *= 50
	}
	for i := range n {
		list = append(list, uint64(i+1))
	}
	var fresh [8]byte
	_, _ = crand.Read(fresh[:]) // never fails
	return append(list, binary.LittleEndian.Uint64(fresh[:]))
}

// limitsTried are values of list-max-listpack-size.
var limitsTried = []int{-2, 1, 4, -1, -5, 128, 0, 1 << 30}

// at is a place in the list: often an end.
func (m *model) at(n int) int {
	switch {
	case n <= 1 || m.src.intN(4) == 0:
		return 0
	case m.src.intN(3) == 0:
		return n - 1
	}
	return m.src.intN(n)
}

func (m *model) push() {
	v, front := m.kind.make(m.src), m.src.intN(2) == 0
	n := 1
	if m.src.intN(8) == 0 {
		n = 1 + m.src.intN(300)
	}
	m.do("push %d of %d bytes, front %v", n, len(v), front)
	for range min(n, 1+200_000/(len(v)+1)) {
		m.list.Push(front, v)
		if front {
			m.want = slices.Insert(m.want, 0, v)
		} else {
			m.want = append(m.want, v)
		}
	}
}

func (m *model) insert() {
	v, i := m.kind.make(m.src), m.at(len(m.want)+1)
	m.do("insert %d bytes at %d", len(v), i)
	m.list.Insert(i, v)
	m.want = slices.Insert(m.want, i, v)
}

func (m *model) set() {
	if len(m.want) == 0 {
		return
	}
	v, i := m.kind.make(m.src), m.at(len(m.want))
	m.do("set %d to %d bytes", i, len(v))
	m.list.Set(i, v)
	m.want[i] = v
}

func (m *model) remove() {
	start := m.at(len(m.want))
	n := 1 + m.src.intN(3)
	switch m.src.intN(10) {
	case 0:
		n = m.src.intN(len(m.want) + 1)
	case 1:
		n = m.src.intN(500)
	}
	m.do("remove %d from %d", n, start)
	n = min(n, len(m.want)-start)
	if got := m.list.RemoveRange(start, n); got != n {
		m.fail("%d are removed", got)
	}
	m.want = slices.Delete(m.want, start, start+n)
}

func (m *model) removeEqual() {
	v := m.kind.make(m.src)
	if len(m.want) > 0 && m.src.intN(4) != 0 {
		v = m.want[m.at(len(m.want))]
	}
	limit := len(m.want) + 1
	if m.src.intN(2) == 0 {
		limit = 1 + m.src.intN(20)
	}
	reverse := m.src.intN(2) == 0
	m.do("remove %d equal to %.20q, reverse %v", limit, v, reverse)
	want := m.dropEqual(v, limit, reverse)
	if got := m.list.RemoveEqual(v, limit, reverse); got != want {
		m.fail("%d are removed, not %d", got, want)
	}
}

func (m *model) dropEqual(v []byte, limit int, reverse bool) (n int) {
	if reverse {
		slices.Reverse(m.want)
		defer func() { slices.Reverse(m.want) }()
	}
	v = bytes.Clone(v)
	m.want = slices.DeleteFunc(m.want, func(e []byte) bool {
		gone := n < limit && bytes.Equal(e, v)
		if gone {
			n++
		}
		return gone
	})
	return n
}

// move goes to the other shard, or leaves for a copy there.
func (m *model) move() {
	other := 1 - m.shard
	h := m.list.Handle()
	if m.src.intN(2) == 0 {
		m.do("move")
		h = m.env().MoveTo(h, m.envs[other])
	} else {
		m.do("copy")
		n := m.env().CopyTo(h, m.envs[other])
		m.env().Free(h)
		h = n
	}
	m.shard = other
	m.env().Open(h, &m.list)
}

func (m *model) look() {
	start := m.at(len(m.want))
	m.do("look at %d", start)
	m.same(start, 1+m.src.intN(50), m.src.intN(2) == 0)
}

func (m *model) one() {
	switch r := m.src.intN(100); {
	case r < 40:
		m.push()
	case r < 55:
		m.insert()
	case r < 62:
		m.set()
	case r < 82:
		m.remove()
	case r < 88:
		m.removeEqual()
	case r < 90:
		m.move()
	case r < 91:
		m.do("reclaim")
		m.env().Reclaim(1)
	default:
		m.look()
	}
	m.reopen()
}

func TestModel(t *testing.T) {
	for _, seed := range seeds(24) {
		src := seeded(seed)
		k := newKit(t, limitsTried[src.intN(len(limitsTried))])
		m := k.newModel(src, elementKinds[src.intN(len(elementKinds))])
		t.Logf("seed %d: limit %d, elements %s", seed, k.limits.Size, m.kind.name)
		for i := range 3000 {
			m.one()
			if i%20 == 0 {
				m.check()
			}
		}
		m.check()
		k.close()
	}
}

func FuzzModel(f *testing.F) {
	for seed := range uint64(4) {
		src, data := seeded(seed), make([]byte, 2000)
		for i := range data {
			data[i] = byte(src.intN(256))
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src := &fuzzed{data}
		k := newKit(t, limitsTried[src.intN(len(limitsTried))])
		m := k.newModel(src, elementKinds[src.intN(len(elementKinds))])
		for src.more() && m.step < 500 {
			m.one()
			if len(m.want) < 200 || m.step%50 == 0 { // all of a long list takes long
				m.check()
			}
		}
		m.check()
		k.close()
	})
}
