package eventloop

import (
	"slices"
	"testing"
)

func TestBalance(t *testing.T) {
	for _, tc := range []struct {
		name  string
		limit int
		load  []float64
		want  []int
	}{
		{"idle", 4, []float64{0, 0, 0}, []int{1, 1, 1}},
		{"up after two hot windows", 4, []float64{.9, .9, .9}, []int{1, 2, 2}},
		{"one hot window is none", 4, []float64{.9, .5, .9, .5}, []int{1, 1, 1, 1}},
		{"not beyond the limit", 1, []float64{1, 1, 1, 1}, []int{1, 1, 1, 1}},
		{"further up", 3, []float64{1, 1, 1.8, 1.8, 2.7, 2.7}, []int{1, 2, 2, 3, 3, 3}},
		{"down after five cool windows", 2, []float64{1, 1, .5, .5, .5, .5, .5, .5}, []int{1, 2, 2, 2, 2, 2, 1, 1}},
		{"stays where it is between", 2, []float64{1, 1, .7, .7, .7, .7, .7, .7}, []int{1, 2, 2, 2, 2, 2, 2, 2}},
	} {
		b := balance{working: 1, limit: tc.limit}
		var got []int
		for _, load := range tc.load {
			got = append(got, b.step(load))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestShare: half of the activity moves, whether it is spread evenly or sits
// in a few connections, and a part of 1 is everything.
func TestShare(t *testing.T) {
	for _, activity := range [][]uint32{
		slices.Repeat([]uint32{10}, 40),
		{1000, 1000, 0, 0, 0, 0, 0, 0},
		{0, 0, 0, 0, 500, 7, 7, 500, 3},
		make([]uint32, 20),
	} {
		half, all := share{part: 0.5}, share{part: 1}
		moved, total, most := 0, 0, 0
		count := 0
		for _, a := range activity {
			total, most = total+int(a), max(most, int(a))
			if half.move(a) {
				moved += int(a)
				count++
			}
			if !all.move(a) {
				t.Errorf("%v: a part of 1 keeps a connection", activity)
			}
		}
		if diff := 2*moved - total; diff > most || diff < -most {
			t.Errorf("%v: %d of %d moves", activity, moved, total)
		}
		if count == 0 || count == len(activity) {
			t.Errorf("%v: %d of %d connections move", activity, count, len(activity))
		}
	}
}
