package bench

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// wakeOnTime asks the kernel to end the sleeps of this thread when they are to
// end, not up to 50 microseconds later.
func wakeOnTime() error {
	const slackNS = 1000
	return unix.Prctl(unix.PR_SET_TIMERSLACK, slackNS, 0, 0, 0)
}

// pause sleeps in the kernel, for d or less.
func pause(d time.Duration) {
	request := syscall.NsecToTimespec(int64(d))
	// A signal ends it early, which the caller sees on the clock.
	_ = syscall.Nanosleep(&request, nil)
}
