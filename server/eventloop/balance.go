package eventloop

import "time"

// window is how often the load is looked at.
const window = 100 * time.Millisecond

// The thresholds of balance, in loops' worth of load, and for how many windows
// they must be passed. Going up is quick, since clients wait; going down is
// slow, since every move costs and load that went may come back.
const (
	hotLoad     = 0.85 // per working loop
	coolLoad    = 0.60 // per loop that would remain
	hotWindows  = 2
	coolWindows = 5
)

// balance decides how many loops work.
//
// Load is the smaller of two measures: the time the loops did not sleep, and
// the processor time of the process. Either alone errs: a loop that waits for
// a processor which the clients use does not sleep either, but another loop
// would only make that worse; and a process may burn processors (collecting
// garbage, say) while its loops are idle.
type balance struct {
	working, limit int
	hot, cool      int // windows in a row above and below
}

// step takes the load of the last window and returns how many loops are to work.
func (b *balance) step(load float64) int {
	b.hot++
	b.cool++
	if load <= hotLoad*float64(b.working) {
		b.hot = 0
	}
	if load >= coolLoad*float64(b.working-1) {
		b.cool = 0
	}
	switch {
	case b.hot >= hotWindows && b.working < b.limit:
		b.working++
		b.hot, b.cool = 0, 0
	case b.cool >= coolWindows && b.working > 1:
		b.working--
		b.hot, b.cool = 0, 0
	}
	return b.working
}

// share picks which of a loop's connections go to another loop so that about
// part of their recent activity goes with them. It walks
// them once and gives each to the side that lacks more.
type share struct {
	part        float64
	moved, kept float64
}

// move decides about the next connection.
func (s *share) move(activity uint32) bool {
	a := float64(activity) + 0.001 // idle ones are spread too
	if (s.moved + a) <= s.part*(s.moved+s.kept+a)+a/2 {
		s.moved += a
		return true
	}
	s.kept += a
	return false
}
