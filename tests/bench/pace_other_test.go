//go:build !linux

package bench

import "time"

func wakeOnTime() error { return nil }

// pause sleeps as finely as the runtime can.
func pause(d time.Duration) { time.Sleep(d) }
