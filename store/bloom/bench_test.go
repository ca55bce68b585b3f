package bloom

import "testing"

func BenchmarkHas(b *testing.B) {
	for _, c := range []struct {
		name string
		p    Params
		n    uint64
	}{
		{"1000 items", Params{Capacity: 1000, Rate: 0.01, Expansion: 2}, 1000},
		{"1 M items", Params{Capacity: 1_000_000, Rate: 0.01, Expansion: 2}, 1_000_000},
		{"1 M items in 14 links", Params{Capacity: 100, Rate: 0.01, Expansion: 2}, 1_000_000},
	} {
		k := newKit(b)
		f := k.make(0, c.p)
		k.fill(f, c.n)
		items := make([][]byte, 1<<16)
		for _, there := range []bool{true, false} {
			for i := range items {
				items[i] = item(i * 7919 % int(c.n))
				if !there {
					items[i] = append(items[i], 'x')
				}
			}
			name := c.name
			if !there {
				name += ", others"
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for i := range b.N {
					f.Has(items[i&(1<<16-1)])
				}
			})
		}
		k.close()
	}
}

func BenchmarkAdd(b *testing.B) {
	k := newKit(b)
	f := k.make(0, Params{Capacity: 100, Rate: 0.01, Expansion: 2})
	b.ReportAllocs()
	for i := range b.N {
		if _, err := f.Add(item(i)); err != nil {
			b.Fatal(err)
		}
	}
}
