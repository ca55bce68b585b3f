package list

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// number is an element that tells its number.
func number(n int) []byte { return binary.BigEndian.AppendUint32([]byte("element:"), uint32(n)) }

// numbered makes a list of the elements of number 0 to n-1.
func numbered(k *kit, n int) *model {
	m := k.newModel(seeded(1), elementKinds[0])
	for i := range n {
		m.list.Push(false, number(i))
	}
	return m
}

// is checks that the list consists of the numbers of want, at some places and in length.
func (m *model) is(want []int) {
	m.Helper()
	if err := check(&m.list); err != nil {
		m.fail("%v", err)
	}
	if m.list.Len() != len(want) {
		m.fail("%d elements, not %d", m.list.Len(), len(want))
	}
	for i := 0; i < len(want); i += max(1, min(97, len(want)-1-i)) {
		m.it.Seek(&m.list, i, 1, false)
		if !m.it.Next() || !bytes.Equal(m.it.Value(), number(want[i])) {
			m.fail("element %d is %q, not of number %d", i, m.it.Value(), want[i])
		}
	}
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// TestTallTree takes a list of three levels apart in large pieces, which Reclaim frees.
func TestTallTree(t *testing.T) {
	k := newKit(t, -2)
	defer k.close()
	const n = 3_000_000
	m := numbered(k, n)
	want := upTo(n)
	if m.list.t.height != 3 {
		t.Errorf("%d levels", m.list.t.height)
	}
	if got := float64(m.list.Bytes()) / n; got > 13.3 {
		t.Errorf("an element of 12 bytes takes %.2f", got)
	}
	m.is(want)
	for _, cut := range [][2]int{{0, 1000}, {n - 500_000, 400_000}, {1_000_000, 1_000_001}, {5, 3}, {100, 700_000}, {0, 600_000}, {50, 90_000}, {99, 100}} {
		start, size := cut[0], cut[1]
		size = min(size, len(want)-start)
		m.list.RemoveRange(start, size)
		m.reopen()
		want = slices.Delete(want, start, start+size)
		m.is(want)
		if size > 100_000 {
			if len(m.env().littered) != 1 || !m.env().Reclaim(1) {
				t.Errorf("after %d elements were removed, nothing is to be freed", size)
			}
			m.is(want)
		}
		for m.env().Reclaim(10) {
		}
		m.is(want)
	}
}

// TestDroppedPartsMove moves and copies a large list that has parts still to be freed.
func TestDroppedPartsMove(t *testing.T) {
	k := newKit(t, -2)
	defer k.close()
	m := numbered(k, 300_000)
	for i := range 3 {
		m.list.Push(true, bytes.Repeat([]byte{'x'}, (i+1)*200_000))
	}
	want := upTo(300_000)
	m.list.RemoveRange(3, 250_000)
	m.list.RemoveRange(0, 3) // long ones
	want = want[250_000:]
	m.reopen()
	m.is(want)
	h := k.envs[0].MoveTo(m.list.Handle(), k.envs[1])
	m.shard = 1
	m.env().Open(h, &m.list)
	m.is(want)
	if k.envs[0].Reclaim(1) {
		t.Error("the list has left something behind")
	}
	c := &model{kit: k}
	k.models = append(k.models, c)
	c.env().Open(k.envs[1].CopyTo(h, k.envs[0]), &c.list)
	c.is(want)
	for k.envs[1].Reclaim(1) {
	}
	m.is(want)
	c.is(want)
	if m.list.Bytes() >= c.list.Bytes() {
		t.Errorf("%d bytes after reclaiming, %d without", m.list.Bytes(), c.list.Bytes())
	}
}

// TestQueueGivesMemoryBack pushes and pops at all ends.
func TestQueueGivesMemoryBack(t *testing.T) {
	k := newKit(t, -2)
	defer k.close()
	m := k.newModel(seeded(1), elementKinds[0])
	for _, front := range []bool{true, false} {
		for i := range 200_000 {
			m.list.Push(front, number(i))
		}
		full := m.list.Bytes()
		for m.list.Len() > 10_000 {
			start := 0
			if front {
				start = m.list.Len() - 1
			}
			m.list.RemoveRange(start, 1)
		}
		if m.list.Bytes() > full/8 {
			t.Errorf("a twentieth of the list takes %d of %d bytes", m.list.Bytes(), full)
		}
		if err := check(&m.list); err != nil {
			t.Fatal(err)
		}
		for m.list.Len() > 0 {
			m.list.RemoveRange(m.list.Len()-1, 1)
		}
		if m.list.Handle() != (Handle{Packed, 0}) {
			t.Errorf("an empty list is %+v", m.list.Handle())
		}
	}
}

// TestForms walks a list through its forms and back.
func TestForms(t *testing.T) {
	k := newKit(t, -2)
	defer k.close()
	m := k.newModel(seeded(1), elementKinds[0])
	var forms []Encoding
	note := func() {
		if e := m.list.Encoding(); len(forms) == 0 || forms[len(forms)-1] != e {
			forms = append(forms, e)
		}
	}
	for i := range 20_000 {
		m.list.Push(false, number(i))
		note()
	}
	for m.list.Len() > 1 {
		m.list.RemoveRange(m.list.Len()/2, 1)
		note()
	}
	if want := []Encoding{Packed, Medium, Large, Medium, Packed}; !slices.Equal(forms, want) {
		t.Errorf("the forms are %v, not %v", forms, want)
	}
	m.list.Set(0, bytes.Repeat([]byte{'x'}, 10_000))
	if m.list.Encoding() != Medium || m.list.Encoding().Name() != "quicklist" {
		t.Errorf("a list of a long element is %v", m.list.Encoding())
	}
	m.list.Set(0, []byte("x"))
	if m.list.Encoding() != Packed || m.list.Encoding().Name() != "listpack" {
		t.Errorf("a list of a short element is %v", m.list.Encoding())
	}
}

// TestNothingIsAllocated by what commands do to lists that are there.
func TestNothingIsAllocated(t *testing.T) {
	for _, n := range []int{1, 100, 2000, 100_000} {
		k := newKit(t, -2)
		m := numbered(k, n)
		v := []byte("a new element")
		got := testing.AllocsPerRun(1000, func() {
			m.reopen()
			m.list.Push(true, v)
			m.list.Push(false, v)
			m.list.Insert(n/2, v)
			m.list.Set(n/2, v)
			for m.it.Seek(&m.list, n/2, 3, true); m.it.Next(); {
				m.it.Value()
			}
			m.list.RemoveRange(n/2, 1)
			m.list.RemoveRange(0, 1)
			m.list.RemoveRange(m.list.Len()-1, 1)
			m.reopen()
		})
		if got != 0 {
			t.Errorf("%d elements: %v allocations", n, got)
		}
		k.close()
	}
}

func BenchmarkEnds(b *testing.B) {
	for _, c := range []struct {
		name  string
		value func(i int) []byte
	}{
		{"3 bytes", func(int) []byte { return []byte("xyz") }},
		{"numbers", func(i int) []byte { return []byte{'1' + byte(i%7), '0' + byte(i%10)}[:1+i%2] }},
		{"12 bytes", number},
		{"mixed", func(i int) []byte { return []byte("some bytes of a mixed length")[:i*7919%28] }},
	} {
		for _, n := range []int{10, 500, 1_000_000} {
			for _, from := range []bool{true, false} {
				b.Run(c.name+map[bool]string{true: " pushed and popped at the front", false: " pushed at the front and popped at the back"}[from]+" of "+size(n), func(b *testing.B) {
					k := newKit(b, -2)
					m := k.newModel(seeded(1), elementKinds[0])
					for i := range n {
						m.list.Push(false, c.value(i))
					}
					for i := range b.N {
						m.list.Push(true, c.value(i))
						at := m.list.Len() - 1
						if from {
							at = 0
						}
						m.it.Seek(&m.list, at, 1, false)
						m.it.Next()
						m.it.Value()
						m.list.RemoveRange(at, 1)
					}
					b.StopTimer()
					k.close()
				})
			}
		}
	}
}

func size(n int) string {
	return map[int]string{10: "10", 500: "500", 1_000_000: "1M"}[n]
}

func BenchmarkMiddle(b *testing.B) {
	k := newKit(b, -2)
	m := numbered(k, 1_000_000)
	b.Run("look", func(b *testing.B) {
		for i := range b.N {
			m.it.Seek(&m.list, i*7919%1_000_000, 1, false)
			m.it.Next()
			m.it.Value()
		}
	})
	b.Run("insert and remove", func(b *testing.B) {
		v := number(1)
		for i := range b.N {
			m.list.Insert(i*7919%1_000_000, v)
			m.list.RemoveRange(i*104729%1_000_000, 1)
		}
	})
	b.Run("search", func(b *testing.B) {
		match := MatchOf([]byte("element that is not there"))
		for i := 0; i < b.N; i += m.list.Len() {
			for m.it.Seek(&m.list, 0, m.list.Len(), false); m.it.Next(); {
				m.it.Is(&match)
			}
		}
	})
	k.close()
}
