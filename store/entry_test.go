package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"quarry/store/bloom"
	"quarry/store/field"
)

// describe is an entry in words: what all its readers answer.
func describe(e *Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d %d %s", e.Database(), e.ExpireAt(), e.Len(), e.Encoding())
	var list []string
	switch e.Type() {
	case TypeString:
		for p := e.Parts(); p.More(); {
			b.WriteString(" " + string(p.Next()))
		}
	case TypeHash, TypeSet:
		for it := e.Pairs(); it.Next(); {
			list = append(list, fmt.Sprintf("%s=%s", it.Key(), it.Value()))
		}
		slices.Sort(list)
	case TypeList:
		for it := e.Items(); it.Next(); {
			list = append(list, string(it.Value()))
		}
	case TypeZSet:
		for _, reverse := range []bool{false, true} {
			for it := e.Rows(reverse); it.Next(); {
				list = append(list, fmt.Sprintf("%s=%v", it.Member(), it.Score()))
			}
		}
	case TypeBloom:
		var s bloom.State
		e.Bloom().State(&s)
		list = append(list, fmt.Sprint(s))
	case TypeField:
		list = append(list, fmt.Sprint(*e.Field().Shape(), e.Field().Created()))
		e.Field().EachNumbered(func(n uint8, name []byte) { list = append(list, fmt.Sprintf("%d:%s", n, name)) })
		var rec field.Record
		for it := e.Members(); it.Next(); {
			it.Read(&rec)
			payload, _ := rec.Payload()
			text := fmt.Sprintf("%s@%v,%v until %d: %q %s", it.Member(), rec.X, rec.Y, rec.ExpiresAt, payload, rec.Tags())
			for i := range rec.Numbers() {
				n, v := rec.Numbered(i)
				text += fmt.Sprintf(" %d=%v", n, v)
			}
			list = append(list, text)
		}
	}
	for _, text := range list {
		b.WriteString(" " + text)
	}
	return b.String()
}

func TestEntry(t *testing.T) {
	f := newFixture(t, Options{Shards: 4, Seed: 1})
	f.run(3, func(d *DB) {
		d.SetString([]byte("s"), []byte("text"), false)
		d.SetExpireAt([]byte("s"), startMS+5)
		h, _ := d.HashForWrite([]byte("h"))
		h.Put([]byte("a"), []byte("1"))
		h.Put([]byte("b"), []byte("2"))
		set, _ := d.SetForWrite([]byte("set"))
		for i := range 3 {
			set.Add(fmt.Append(nil, i))
		}
		l, _ := d.ListForWrite([]byte("l"))
		for _, v := range []string{"y", "z"} {
			l.Push(false, []byte(v))
		}
		l.Push(true, []byte("x"))
		z, _ := d.ZSetForWrite([]byte("z"))
		z.Add([]byte("low"), -1, 0)
		z.Add([]byte("high"), 2.5, 0)
		b, _ := d.NewBloom([]byte("b"), bloom.Params{Capacity: 10, Rate: 0.1})
		if _, err := b.Add([]byte("item")); err != nil {
			t.Error(err)
		}
		d.CreateField([]byte("e"), field.Shape{Space: field.Geo, Dims: 2})
		p, _ := d.FieldForWrite([]byte("p"))
		p.Put([]byte("m"), 1, 2, 0, &field.Change{
			ExpiresAt: startMS + 1, Names: [][]byte{[]byte("gold")}, Values: []float64{7},
			Tags: []field.Tag{{Name: []byte("k"), Text: []byte("v")}}, HasPayload: true, Payload: []byte("pay"),
		})
	})
	f.now += 2 // the field's member has expired, and is not removed yet
	seed := f.s.bloomSeed()
	want := map[string]string{
		"s":   "3 1700000000005 4 embstr text",
		"h":   "3 0 2 listpack a=1 b=2",
		"set": "3 0 3 intset 0= 1= 2=",
		"l":   "3 0 3 listpack x y z",
		"z":   "3 0 2 listpack low=-1 high=2.5 high=2.5 low=-1",
		"b":   fmt.Sprintf("3 0 1 raw {%d 0 10 9 0.1 [{1 1}]}", seed),
		"e":   "3 0 0 field {1 2 false {0 0 0 0}} true",
		"p":   `3 0 1 field {0 2 false {0 0 0 0}} false 0:gold m@1,2 until 1700000000001: "pay" [{k v}] 0=7`,
	}
	got := map[string]string{}
	err := f.s.Walk(3, f.now, func(e *Entry) error {
		got[string(e.Key())] = describe(e)
		return nil
	})
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("the walk passes\n%v\nwant\n%v\n%v", got, want, err)
	}
	f.run(3, func(d *DB) {
		d.Begin(3, f.now-2) // the member lives
		for key, text := range want {
			if e, ok := d.Entry([]byte(key)); !ok || describe(e) != text {
				t.Errorf("%s is %s, want %s", key, describe(e), text)
			}
		}
		if _, ok := d.Entry([]byte("none")); ok {
			t.Error("a key that is not there has an entry")
		}
	})
}

// TestEntryLeavesNoTrace: neither a use nor a hit.
func TestEntryLeavesNoTrace(t *testing.T) {
	f := newFixture(t, Options{Seed: 1})
	key := []byte("k")
	f.run(0, func(d *DB) { d.SetString(key, []byte("v"), false) })
	f.now += 9000
	before := f.s.Counters()
	f.run(0, func(d *DB) {
		e, _ := d.Entry(key)
		describe(e)
		if e.IdleSec() != 9 {
			t.Errorf("not used for %d s", e.IdleSec())
		}
	})
	if after := f.s.Counters(); after != before {
		t.Errorf("%+v, before %+v", after, before)
	}
	f.s.SetLFU(true)
	f.run(0, func(d *DB) { d.SetString([]byte("counted"), nil, false) })
	f.run(0, func(d *DB) {
		if e, _ := d.Entry([]byte("counted")); e.Freq() != lfuStart {
			t.Errorf("a counter of %d", e.Freq())
		}
	})
}
