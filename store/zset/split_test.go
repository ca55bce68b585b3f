package zset

import (
	"bytes"
	"fmt"
	"testing"
)

// TestSplitKeepsThePrefix: three long rows fit a leaf only because of the prefix they
// share with a fourth. When that one goes to the other half of a split, they must keep it.
func TestSplitKeepsThePrefix(t *testing.T) {
	short := func(i int) []byte { return append(bytes.Repeat([]byte{'s'}, maxInline-1), byte(i)) }
	long := func(i int) []byte { return padded("long", maxInline+1, i) }
	for _, tc := range []struct {
		name         string
		longs, after int // long members, and short ones behind them in the end
	}{{"appended", 48, 1}, {"in the middle", 40, 26}} {
		t.Run(tc.name, func(t *testing.T) {
			k := newKit(t, Limits{})
			defer k.close()
			var s Set
			k.envs[0].Create(&s)
			want := map[string]float64{}
			add := func(m []byte, score float64) {
				t.Helper()
				s.Add(m, score, 0)
				want[string(m)] = score
				if err := check(&s); err != nil {
					t.Fatalf("%d members: %v", len(want), err)
				}
			}
			for i := range 3 {
				add(short(i), float64(i))
			}
			add(short(3), 1e5)
			for i := range tc.longs {
				add(long(i), float64(10+i))
			}
			for i := range tc.after {
				add(short(4+i), 2e5+float64(i))
			}
			for m, score := range want {
				if got, ok := s.Score([]byte(m)); !ok || got != score {
					t.Errorf("%.20q: %v, %v, want %v", m, got, ok, score)
				}
			}
			k.envs[0].Free(s.Handle())
		})
	}
}

// TestPlanOfAPart: any part of rows that fit a leaf fits one too.
func TestPlanOfAPart(t *testing.T) {
	src := newSeeded(7)
	for round := range 3000 {
		var rows []row
		prefix := bytes.Repeat([]byte{'p'}, src.intN(maxInline-2))
		for i := range 1 + src.intN(maxLeafRows) {
			if src.intN(3) == 0 {
				rows = append(rows, row{long: 1})
			} else {
				rows = append(rows, row{suf: fmt.Appendf(bytes.Clone(prefix), "%d", i%97)})
			}
		}
		_, whole := plan(rows)
		for range 5 {
			from := src.intN(len(rows))
			to := from + 1 + src.intN(len(rows)-from)
			if _, part := plan(rows[from:to]); whole <= blockSize && part > blockSize {
				t.Fatalf("round %d: %d rows take %d bytes, %d of them %d", round, len(rows), whole, to-from, part)
			}
		}
	}
}
