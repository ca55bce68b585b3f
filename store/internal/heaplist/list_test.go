package heaplist

import (
	"bytes"
	"fmt"
	"testing"

	"quarry/store/internal/listpack"
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// FuzzList grows, shrinks and copies a list as the fuzzer decides: it holds what it was given, its object fits
// it within a third, and no other object is left.
func FuzzList(f *testing.F) {
	f.Add([]byte("\x05\x20\x01\x05\x80\x02\x03"))
	f.Add([]byte("\xff\xff\xff\xff\xfe\xfe\xfe\xfe\xfe\xfe\x00\x01\x02"))
	f.Add(bytes.Repeat([]byte("S"), 600)) // up to the largest object
	f.Fuzz(func(t *testing.T, ops []byte) {
		region, err := offheap.NewRegion()
		if err != nil {
			t.Fatal(err)
		}
		heaps := [2]*slab.Heap{slab.New(region), slab.New(region)}
		l := New(heaps[0])
		var want []string
		for step := 0; step < 300 && step+1 < len(ops); step += 2 {
			op, n := ops[step], int(ops[step+1])
			switch {
			case op < 0x90:
				text := fmt.Sprintf("%0*d", n*int(op%5), step)
				e := listpack.String([]byte(text))
				size := l.Read().Size() + e.Size()
				if size > slab.MaxSize {
					continue
				}
				l.Resized(size).Insert(l.Read().Size(), e)
				want = append(want, text)
			case op < 0xf0 && len(want) > 0:
				i := n % len(want)
				k := 1 + int(op)%min(4, len(want)-i)
				l.Cut(l.Read().Skip(listpack.HeaderSize, i), k)
				want = append(want[:i], want[i+k:]...)
			default:
				c := l.CopyTo(heaps[n%2])
				l.Free()
				l = c
			}
			same(t, &l, want)
		}
		l.Free()
		for _, h := range heaps {
			if h.Live() != 0 {
				t.Errorf("%d objects are left", h.Live())
			}
			h.Close()
		}
		if err := region.Close(); err != nil {
			t.Error(err)
		}
	})
}

// same checks the list and what is in it.
func same(t *testing.T, l *List, want []string) {
	t.Helper()
	a, err := l.Heap.Audit()
	if err == nil {
		if err = l.Check(a); err == nil {
			err = a.Rest()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	r := l.Read()
	if r.Len() != len(want) {
		t.Fatalf("%d elements, not %d", r.Len(), len(want))
	}
	var scratch listpack.Scratch
	pos := listpack.HeaderSize
	for i, text := range want {
		if got := string(r.Bytes(pos, &scratch)); got != text {
			t.Fatalf("element %d is %.40q, not %.40q", i, got, text)
		}
		pos = r.Next(pos)
	}
	if room, size := int(l.Bytes()), r.Size(); room > slab.Class(min(size*4/3+1, slab.MaxSize)) {
		t.Fatalf("%d bytes in an object of %d", size, room)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	for name, damage := range map[string]func(l *List){
		"count":              func(l *List) { l.Write()[2]++ },
		"size":               func(l *List) { l.Write()[0]++ },
		"size past the end":  func(l *List) { l.Write()[1]++ },
		"an element's bytes": func(l *List) { l.Write()[listpack.HeaderSize] = 0xff },
		"name":               func(l *List) { l.Ref++ },
		"free":               func(l *List) { l.Free() },
	} {
		region, err := offheap.NewRegion()
		if err != nil {
			t.Fatal(err)
		}
		l := New(slab.New(region))
		for i := range 20 {
			e := listpack.String(fmt.Appendf(nil, "element %d", i))
			l.Resized(l.Read().Size()+e.Size()).Insert(l.Read().Size(), e)
		}
		damage(&l)
		a, err := l.Heap.Audit()
		if err != nil {
			t.Fatal(err)
		}
		if l.Check(a) == nil {
			t.Errorf("%s: not found", name)
		}
		if err := region.Close(); err != nil {
			t.Error(err)
		}
	}
}
