package store

// loose is what a value knows that may belong to no key yet: one that a command makes of others, of
// which there may be much more than of the command's arguments. Where it is to be
// stored, memory is looked for as it grows (Bound).
type loose struct {
	loose   bool
	bounded bool
	full    bool
	grown   int64 // bytes since memory was looked for
}

const (
	// boundStep is how many bytes a bounded value grows by between two looks for memory.
	boundStep = 32 << 10
	// boundElement is what an element is taken to need beside its bytes.
	boundElement = 32
)

// Bound has the value look for memory as it grows, for it is to be stored. One that is only answered may go
// beyond maxmemory until then, as the answer does.
func (l *loose) Bound() { l.bounded = true }

// Full reports whether a value with bounds has found no room. It should grow no more, and be discarded.
func (l *loose) Full() bool { return l.full }

// grow notes an element of n bytes that was added.
func (l *loose) grow(s *Store, n int) {
	if !l.bounded {
		return
	}
	if l.grown += int64(n) + boundElement; l.grown >= boundStep {
		l.full = l.full || !s.Room(l.grown)
		l.grown = 0
	}
}
