package bench

import (
	"fmt"
	"testing"
	"time"
)

// crowd is a population of which all move while others search in it.
type crowd struct {
	title        string
	move, search *workload
}

// mostWaiting is the p99.9 that neither moves nor searches of a crowd may exceed, in milliseconds.
const mostWaiting = 15

// crowd measures Quarry with moves and searches at once, each at a fixed rate.
func (s settings) crowd(t *testing.T, crowds []crowd) {
	on := startQuarry(t)
	list := table{{"rows", "request", "requests/s:", "p50:", "p99:", "p99.9:", "max:", "sent late, p99.9:", "target:", "cores busy:"}}
	for _, c := range crowds {
		c.move.on.fill(t, on)
		var moves, searches []openResult
		var cores []float64
		for round := range s.rounds {
			seed, start, cpu := uint64(round), time.Now(), on.cpuTime(t)
			r := openTogether(t,
				stream{load: load{on, c.move, s.conns, 1, s.duration, seed}, requests: newSchedule(s.moves, 2*seed)},
				stream{load: load{on, c.search, s.conns, 1, s.duration, seed}, requests: newSchedule(s.searches, 2*seed+1)})
			cores = append(cores, float64(on.cpuTime(t)-cpu)/float64(time.Since(start)))
			t.Logf("%s: moves %v, searches %v, sent late by %v", c.title, r[0].replied, r[1].replied, r[0].sentLate)
			moves, searches = append(moves, r[0]), append(searches, r[1])
		}
		list.add(append(append([]string{c.title, c.move.title, thousands(s.moves)}, summary(moves).cells()...), target(mostWaiting), decimal(median(cores), 2))...)
		list.add(append(append([]string{c.title, c.search.title, thousands(s.searches)}, summary(searches).cells()...), target(mostWaiting), "")...)
	}
	publish(t, fmt.Sprintf("Milliseconds from when a request was due to its reply, %s rows, moves and searches at once on %d connections each,\n"+
		"medians of %d rounds of %v, the longest of all.\n%s\n\n%s",
		thousands(float64(s.rows)), s.conns, s.rounds, s.duration, machine(t, on), list))
}
