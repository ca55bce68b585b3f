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

// A loop that was added is on trial: it stays if more is served than before, by
// at least the factor worthwhile, or if the loops find time to sleep again.
// If all that clients want lies behind one lock, or if they need the processors themselves,
// neither is so, and the loop only costs. Then the next trial waits, twice as long
// each time one fails.
const (
	worthwhile   = 1.15
	trialWindows = 4 // the first of them, in which connections move, does not count
	restMin      = 32
	restMax      = 512
)

// sample is what balance needs to know of a window.
type sample struct {
	// awake is the time the loops did not sleep, processor the processor time
	// of the process; both in loops' worth.
	awake, processor float64
	served           float64 // bytes received
}

// load is the smaller of two measures. Either alone errs: a loop that waits for
// a processor which the clients use does not sleep either, but another loop
// would only make that worse; and a process may burn processors (collecting
// garbage, say) while its loops are idle.
func (s sample) load() float64 { return min(s.awake, s.processor) }

// balance decides how many loops work.
type balance struct {
	working, limit int
	hot, cool      int     // windows in a row above and below
	hotServed      float64 // bytes received in the windows that hot counts

	trial   int     // windows left of the newest loop's trial; 0: there is none
	before  float64 // bytes received a window without it,
	during  sample  // the sum of its windows that count
	rest    int     // windows in which no trial begins
	failure int     // for how many windows the next failed trial rests
}

// step takes in the last window and returns how many loops are to work.
func (b *balance) step(s sample) int {
	b.rest = max(b.rest-1, 0)
	if b.trial > 0 {
		b.try(s)
		return b.working
	}
	b.hot++
	b.cool++
	b.hotServed += s.served
	if s.load() <= hotLoad*float64(b.working) {
		b.hot, b.hotServed = 0, 0
	}
	if s.load() >= coolLoad*float64(b.working-1) {
		b.cool = 0
	}
	switch {
	case b.hot >= hotWindows && b.working < b.limit && b.rest == 0:
		b.before = b.hotServed / float64(b.hot)
		b.trial, b.during = trialWindows, sample{}
		b.change(+1)
	case b.cool >= coolWindows && b.working > 1:
		b.change(-1)
	}
	return b.working
}

// try takes in a window of a trial and, with its last one, decides.
func (b *balance) try(s sample) {
	const counted = trialWindows - 1
	b.trial--
	if b.trial < counted {
		b.during.awake += s.awake / counted
		b.during.served += s.served / counted
	}
	if b.trial > 0 {
		return
	}
	if b.during.served >= worthwhile*b.before || b.during.awake <= hotLoad*float64(b.working) {
		b.failure = 0
		return
	}
	b.failure = min(max(2*b.failure, restMin), restMax)
	b.rest = b.failure
	b.change(-1)
}

func (b *balance) change(by int) {
	b.working += by
	b.hot, b.cool, b.hotServed = 0, 0, 0
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
