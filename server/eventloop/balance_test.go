package eventloop

import (
	"slices"
	"testing"
)

// windows makes samples of loads, measured alike both ways, in which nothing more is
// served the more loops work.
func windows(loads ...float64) []sample {
	var list []sample
	for _, l := range loads {
		list = append(list, sample{awake: l, processor: l, served: 1000})
	}
	return list
}

func TestBalance(t *testing.T) {
	gain := func(list []sample, from int, factor float64) []sample {
		for i := from; i < len(list); i++ {
			list[i].served *= factor
		}
		return list
	}
	for _, tc := range []struct {
		name  string
		limit int
		in    []sample
		want  []int
	}{
		{"idle", 4, windows(0, 0, 0), []int{1, 1, 1}},
		{"up after two hot windows", 4, windows(.9, .9, .9), []int{1, 2, 2}},
		{"one hot window is none", 4, windows(.9, .5, .9, .5), []int{1, 1, 1, 1}},
		{"not beyond the limit", 1, windows(1, 1, 1, 1), []int{1, 1, 1, 1}},
		{"awake without a processor", 2, []sample{{1, .4, 9}, {1, .4, 9}, {1, .4, 9}}, []int{1, 1, 1}},
		{"further up, since more is served", 3, gain(windows(1, 1, 2, 2, 2, 2, 2, 2, 2), 2, 1.5),
			[]int{1, 2, 2, 2, 2, 2, 2, 3, 3}},
		{"stays, since loops sleep again", 2, windows(.9, .9, 1.1, 1.1, 1.1, 1.1, 1.1), []int{1, 2, 2, 2, 2, 2, 2}},
		{"back, since nothing is gained", 2, gain(windows(1, 1, 2, 2, 2, 2, 1, 1, 1), 2, 1.1),
			[]int{1, 2, 2, 2, 2, 1, 1, 1, 1}},
		{"down after five cool windows", 2, windows(1, 1, .5, .5, .5, .5, .5, .5, .5, .5, .5),
			[]int{1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1}},
		{"stays where it is between", 2, windows(1, 1, .7, .7, .7, .7, .7, .7, .7, .7, .7),
			[]int{1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}},
	} {
		b := balance{working: 1, limit: tc.limit}
		var got []int
		for _, s := range tc.in {
			got = append(got, b.step(s))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestBalanceRests: trials that fail become rare, and are as frequent as ever
// after one that did not.
func TestBalanceRests(t *testing.T) {
	b := balance{working: 1, limit: 2}
	var rests []int
	useful := false
	for since, before := 0, 1; len(rests) < 9; since++ {
		s := sample{awake: float64(before), processor: float64(before), served: 1000}
		if useful && before == 2 {
			s.served *= 2
		}
		now := b.step(s)
		switch {
		case now > before:
			rests = append(rests, since)
			useful = len(rests) == 7
		case now < before:
			since = 0
		case useful && before == 2 && b.trial == 0: // it was a success; now the load goes
			for range coolWindows {
				now = b.step(sample{})
			}
			since, useful = 0, false
		}
		before = now
	}
	want := []int{1, 32, 64, 128, 256, 512, 512, 2, 32}
	for i, w := range want {
		if rests[i] < w-1 || rests[i] > w+1 {
			t.Fatalf("windows before each trial: %v, want about %v", rests, want)
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
