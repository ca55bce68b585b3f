package list

import (
	"bytes"
	"strings"
	"testing"

	"quarry/store/internal/listpack"
)

// firstAbove is the first leaf, or long element, of a tree, and the node above it.
func (t *tree) firstAbove() (p inner, at child) {
	t.seek(0)
	return t.w(t.path[1]), t.here()
}

func TestCheckFindsDamage(t *testing.T) {
	const long = 5 // elements that are long, at the front
	leafAt := func(t *tree, index int) *leaf {
		t.seek(index)
		p := t.leafOf(t.here())
		return &p
	}
	for _, c := range []struct {
		name   string
		n      int
		enc    Encoding
		want   string
		damage func(l *List)
	}{
		{"an encoding that is none", 100, Packed, "encoding", func(l *List) { l.enc = 99 }},
		{"a list elsewhere", 100, Packed, "no object", func(l *List) { l.p.ref++ }},
		{"a listpack's count", 100, Packed, "listpack", func(l *List) { l.p.mutable()[2]++ }},
		{"a listpack's size", 100, Packed, "listpack", func(l *List) { l.p.mutable()[0]++ }},
		{"a float", 100, Packed, "no string", func(l *List) {
			e := listpack.Float(0.5)
			l.p.replace(listpack.HeaderSize, &e)
		}},
		{"the mark's place", 100, Packed, "the mark", func(l *List) { l.p.setMark(mark{listpack.HeaderSize + 1, 0}) }},
		{"the mark's number", 100, Packed, "the mark", func(l *List) { l.p.setMark(mark{listpack.HeaderSize, 1}) }},
		{"a mark past the end", 100, Packed, "the mark", func(l *List) { l.p.setMark(mark{60_000, 60_000}) }},
		{"an empty leaf", 1, Packed, "without elements", func(l *List) { l.p.mutable().Init() }},

		{"the number of elements", 3000, Medium, "the root says", func(l *List) { l.t.count++ }},
		{"the root's number", 3000, Medium, "the root says", func(l *List) { l.t.w(l.t.root).SetU64(innerTotal, 3001) }},
		{"the level", 3000, Medium, "level", func(l *List) { l.t.w(l.t.root).SetU8(innerLevel, 2) }},
		{"the height", 3000, Medium, "height", func(l *List) { l.t.height = 17 }},
		{"too many children", 3000, Medium, "children", func(l *List) { l.t.w(l.t.root).SetU16(innerN, 85) }},
		{"no children", 3000, Medium, "children", func(l *List) { l.t.w(l.t.root).SetU16(innerN, 0) }},
		{"a count", 3000, Medium, "counts", func(l *List) {
			p, at := l.t.firstAbove()
			at.count++
			p.set(0, at)
		}},
		{"two counts", 3000, Medium, "counts", func(l *List) {
			p := l.t.w(l.t.root)
			a, b := p.child(2), p.child(3)
			a.count, b.count = a.count-1, b.count+1
			p.set(2, a)
			p.set(3, b)
		}},
		{"a leaf twice", 3000, Medium, "two owners", func(l *List) {
			p := l.t.w(l.t.root)
			p.set(2, p.child(3))
		}},
		{"a leaf elsewhere", 3000, Medium, "no object", func(l *List) {
			p := l.t.w(l.t.root)
			at := p.child(2)
			at.ref = 0xfffff000
			p.set(2, at)
		}},
		{"a leaf that is free", 3000, Medium, "no object", func(l *List) { l.t.heap.Free(l.t.r(l.t.root).child(2).ref) }},
		{"a leaf that is said to be a long element", 3000, Medium, "", func(l *List) {
			p := l.t.w(l.t.root)
			at := p.child(2)
			at.long = true
			p.set(2, at)
		}},
		{"a leaf's mark", 3000, Medium, "the mark", func(l *List) { leafAt(&l.t, 1000).setMark(mark{listpack.HeaderSize, 7}) }},
		{"a leaf that has lost an element", 3000, Medium, "counts", func(l *List) {
			p := leafAt(&l.t, 1000)
			p.remove(listpack.HeaderSize, 0, 1)
		}},

		{"the root", 100_000, Large, "the arena has", func(l *List) { l.t.ar.heap.SetMark(l.t.ar.heap.Mark() + 1) }},
		{"a lower node's level", 100_000, Large, "level", func(l *List) { l.t.w(l.t.r(l.t.root).child(1).ref).SetU8(innerLevel, 2) }},
		{"a node that is said to be a long element", 100_000, Large, "long element", func(l *List) {
			p := l.t.w(l.t.root)
			at := p.child(1)
			at.long = true
			p.set(1, at)
		}},
		{"a node in a circle", 100_000, Large, "", func(l *List) {
			p := l.t.w(l.t.root)
			at := p.child(1)
			at.ref = l.t.root
			p.set(1, at)
		}},
		{"a long element's length", 100_000, Large, "blob", func(l *List) {
			_, at := l.t.firstAbove()
			l.t.heap.W(at.ref).SetU32(4, 100_000)
		}},
		{"a long element that is short", 100_000, Large, "long element of", func(l *List) {
			p, at := l.t.firstAbove()
			at.ref = l.t.heap.PutBlob([]byte("short"))
			p.set(0, at)
		}},
		{"a long element's chain", 100_000, Large, "blob", func(l *List) {
			_, at := l.t.firstAbove()
			l.t.heap.W(at.ref).SetU32(0, 0)
		}},
		{"a long element that is said to be a leaf", 100_000, Large, "", func(l *List) {
			p, at := l.t.firstAbove()
			at.long = false
			p.set(0, at)
		}},
		{"an object that nobody owns", 100_000, Large, "no owner", func(l *List) { l.t.heap.Alloc(10) }},
		{"the heap", 100_000, Large, "slab", func(l *List) {
			l.t.heap.Alloc(10)
			l.t.heap.Free(l.t.heap.Alloc(10) + 5)
		}},
		{"a dropped part that is not", 100_000, Large, "two owners", func(l *List) {
			l.t.ar.dropped = append(l.t.ar.dropped, dropped{l.t.r(l.t.root).child(1).ref, 1})
		}},
		{"a dropped part that is lost", 100_000, Large, "no owner", func(l *List) {
			l.RemoveRange(20_000, 50_000)
			if len(l.t.ar.dropped) == 0 {
				panic("nothing was dropped")
			}
			l.t.ar.dropped = nil
		}},
		{"a dropped part's children", 100_000, Large, "", func(l *List) {
			l.RemoveRange(20_000, 50_000)
			l.t.w(l.t.ar.dropped[0].ref).SetU16(innerN, 1000)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKit(t, -2)
			var l List
			k.envs[0].Create(&l)
			for i := range c.n {
				if c.enc == Large && i < long {
					l.Push(false, bytes.Repeat([]byte{'x'}, 50_000))
				} else {
					l.Push(false, number(i))
				}
			}
			if l.enc != Packed {
				k.envs[0].Open(l.Handle(), &l)
			}
			if l.Encoding() != c.enc {
				t.Fatalf("encoding %d", l.Encoding())
			}
			if err := check(&l); err != nil {
				t.Fatal(err)
			}
			c.damage(&l)
			if err := check(&l); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check says %v, want %q", err, c.want)
			}
			if err := k.region.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
