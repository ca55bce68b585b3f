package table

import (
	"bytes"
	"strings"
	"testing"

	"quarry/store/internal/dict"
	"quarry/store/internal/listpack"
	"quarry/store/internal/slab"
)

// of makes a table of n keys, of a length each, and of values as long.
func (k *kit) of(pairs bool, n, length int) *Table {
	m := &model{kit: k, pairs: pairs}
	m.env().Create(&m.t)
	for i := range n {
		var value []byte
		if pairs {
			value = padded(length, 1000+i)
		}
		m.t.Put(padded(length, i), value)
	}
	return &m.t
}

// setList puts a listpack in place of a packed table's.
func (t *Table) setList(elements ...listpack.Element) {
	t.list.Resized(8000).Init()
	t.list.Write().Insert(listpack.HeaderSize, elements...)
}

// some is the name of the i-th element that a walk passes.
func (t *Table) some(i int) slab.Ref {
	var it dict.Iter
	var refs [dict.BucketRefs]uint32
	it.Seek(&t.d)
	for n := it.Next(&refs); ; n = it.Next(&refs) {
		if i < n {
			return slab.Ref(refs[i])
		}
		i -= n
	}
}

// swap puts the ref of one element in the place of another's.
func (t *Table) swap(of, by slab.Ref) {
	for p := t.d.Find(t.sp.HashOf(uint32(of))); p.Next(); {
		if p.Ref() == uint32(of) {
			p.Replace(uint32(by))
			return
		}
	}
}

func TestCheckFindsDamage(t *testing.T) {
	text := func(s string) listpack.Element { return listpack.String([]byte(s)) }
	for _, c := range []struct {
		name      string
		pairs     bool
		n, length int
		enc       Encoding
		want      string
		damage    func(t *Table)
	}{
		{"an encoding that is none", false, 5, 8, Packed, "encoding", func(t *Table) { t.enc = 99 }},
		{"a list that is none", false, 5, 8, Packed, "listpack", func(t *Table) { t.list.Write()[2]++ }},
		{"a list that is longer than its object", false, 5, 8, Packed, "listpack", func(t *Table) { t.list.Write()[1] = 1 }},
		{"a list elsewhere", false, 5, 8, Packed, "no object", func(t *Table) { t.list.Ref++ }},
		{"a key without value", true, 5, 8, Packed, "elements", func(t *Table) { t.setList(text("a")) }},
		{"a float as key", true, 5, 8, Packed, "no string", func(t *Table) { t.setList(listpack.Float(0.5), text("a")) }},
		{"a float as value", true, 5, 8, Packed, "no string", func(t *Table) { t.setList(text("a"), listpack.Float(0.5)) }},
		{"a key twice", true, 5, 8, Packed, "twice", func(t *Table) { t.setList(text("a"), text("b"), text("a"), text("c")) }},
		{"a member twice", false, 5, 8, Packed, "twice", func(t *Table) { t.setList(text("a"), text("b"), text("a")) }},
		{"a member among integers", false, 5, 0, Ints, "among integers", func(t *Table) { t.setList(text("1"), text("a")) }},
		{"integers out of order", false, 5, 0, Ints, "comes before", func(t *Table) { t.setList(text("2"), text("1")) }},
		{"an integer twice", false, 5, 0, Ints, "comes before", func(t *Table) { t.setList(text("2"), text("2")) }},
		{"integers in a hash", true, 5, 0, Packed, "encoding", func(t *Table) { t.enc = Ints }},
		{"a float among integers", false, 5, 0, Ints, "no string", func(t *Table) { t.setList(text("1"), listpack.Float(2)) }},

		{"the note", true, 600, 8, Medium, "the note says", func(t *Table) { t.d.SetNote(t.d.Note() + 16) }},
		{"too many elements", false, 5000, 8, Large, "", func(t *Table) { t.enc, t.sp = Medium, &t.env.home }},
		{"another key", true, 600, 8, Medium, "hash", func(t *Table) { t.sp.heap.W(t.some(9)).SetU8(t.sp.keyAt(), 'x') }},
		{"a longer key", true, 600, 8, Medium, "", func(t *Table) { t.sp.heap.W(t.some(9)).SetU16(0, 9) }},
		{"a key past the object", true, 600, 8, Medium, "key ends", func(t *Table) { t.sp.heap.W(t.some(9)).SetU16(0, 900) }},
		{"a longer value", true, 600, 8, Medium, "takes", func(t *Table) { t.sp.heap.W(t.some(9)).SetU16(lenSize, 100) }},
		{"a value that is said to be a blob", true, 600, 8, Medium, "no object", func(t *Table) { t.sp.heap.W(t.some(9)).SetU16(lenSize, longLen) }},
		{"an element that is free", true, 600, 8, Medium, "no object", func(t *Table) { t.sp.heap.Free(t.some(9)) }},
		{"an element in the place of another", false, 600, 8, Medium, "", func(t *Table) { t.swap(t.some(9), t.some(300)) }},
		{"no element", false, 600, 8, Medium, "no object", func(t *Table) { t.swap(t.some(9), 0xfff000) }},
		{"a key twice, hashed", true, 600, 8, Medium, "twice", func(t *Table) {
			key, value := bytes.Clone(t.sp.key(t.some(9), nil)), bytes.Clone(t.sp.value(t.some(9), nil))
			t.insert(key, t.sp.hash.Sum(key), value)
		}},
		{"an element twice", true, 600, 8, Medium, "two owners", func(t *Table) {
			ref := t.some(9)
			t.d.Insert(t.sp.HashOf(uint32(ref)), uint32(ref))
		}},
		{"the hash of a long key", true, 20, 20_000, Large, "hash", func(t *Table) {
			w := t.sp.heap.W(t.some(9))
			w.SetU64(t.sp.keyAt()+blobSize, w.U64(t.sp.keyAt()+blobSize)^1<<63)
		}},
		{"the bytes of a long key", true, 20, 20_000, Large, "hash", func(t *Table) { t.sp.heap.WriteBlob(t.sp.keyBlob(t.some(9)), 19_000, []byte("x")) }},
		{"the length of a long key", true, 20, 20_000, Large, "blob", func(t *Table) { t.sp.heap.W(t.sp.keyBlob(t.some(9))).SetU32(4, 40_000) }},
		{"a short key that is a blob", true, 20, 20_000, Large, "is no blob", func(t *Table) {
			w := t.sp.heap.W(t.some(9))
			w.SetU32(t.sp.keyAt(), uint32(t.sp.heap.PutBlob([]byte("short"))))
		}},
		{"the chain of a long value", true, 20, 40_000, Large, "blob goes on", func(t *Table) { t.sp.heap.W(t.sp.valueBlob(t.some(9))).SetU32(0, 0) }},
		{"a long value of another", true, 20, 40_000, Large, "two owners", func(t *Table) {
			a, b := t.some(3), t.some(9)
			t.sp.heap.W(a).SetU32(t.sp.valueAt(a), uint32(t.sp.valueBlob(b)))
		}},
		{"an object that nobody owns", false, 5000, 8, Large, "no owner", func(t *Table) { t.sp.heap.Alloc(10) }},
		{"an arena of another table", false, 5000, 8, Large, "another arena", func(t *Table) { t.env.arenas.At(t.slot).head++ }},
		{"a list that is hashed", false, 5, 8, Packed, "", func(t *Table) {
			t.enc, t.sp = Medium, &t.env.home
			t.d = t.sp.dictOf(t.list.Ref)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKit(t, Limits{512, 128, 64}, c.pairs)
			table := k.of(c.pairs, c.n, c.length)
			if table.enc != c.enc {
				t.Fatalf("encoding %d", table.enc)
			}
			if err := check(table); err != nil {
				t.Fatal(err)
			}
			c.damage(table)
			if err := check(table); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check says %v, want %q", err, c.want)
			}
			if err := k.region.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCheckFindsDamageOfDropped: what waits to be freed is sound too.
func TestCheckFindsDamageOfDropped(t *testing.T) {
	for _, damage := range []func(d *dict.Table){
		func(d *dict.Table) { d.SetNote(d.Note() + 16) },
		func(d *dict.Table) { d.Insert(1, 0xfff000) },
	} {
		k := newKit(t, Limits{512, 128, 64}, true)
		table := k.of(true, 1000, 8)
		env := table.env
		env.Free(table.Handle())
		env.Reclaim(3)
		checkDropped := func() error {
			a, err := env.home.heap.Audit()
			if err != nil {
				t.Fatal(err)
			}
			if err := env.CheckDropped(a); err != nil {
				return err
			}
			return a.Rest()
		}
		if err := checkDropped(); err != nil || len(env.graves) != 1 || env.graves[0].Len() >= 1000 {
			t.Fatal(err, env.graves)
		}
		damage(&env.graves[0])
		if checkDropped() == nil {
			t.Error("Check finds nothing")
		}
		if err := k.region.Close(); err != nil {
			t.Error(err)
		}
	}
}
