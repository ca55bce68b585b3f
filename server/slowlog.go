package server

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"quarry/commands"
	"quarry/server/config"
)

// What an entry keeps of a command, as in Redis: arguments past the limit are
// counted, bytes past the limit as well.
const (
	slowMaxArgs  = 32
	slowMaxBytes = 128
)

// redacted is shown instead of a secret.
var redacted = []byte("(redacted)")

// slowlog keeps the last slowlog-max-len commands that took long.
type slowlog struct {
	cfg *config.Config

	mu      sync.Mutex
	entries []commands.SlowEntry // oldest first
	nextID  int64
}

// add enters a command of a client. args belongs to the log from now on.
func (sl *slowlog) add(c caller, ns int64, args [][]byte) {
	e := commands.SlowEntry{UnixSec: time.Now().Unix(), DurationUS: ns / 1000, Args: args}
	if c != nil {
		e.Addr, e.Name = c.Addr(), c.Name()
	}
	sl.mu.Lock()
	defer sl.mu.Unlock()
	e.ID = sl.nextID
	sl.nextID++
	sl.entries = append(sl.entries, e)
	if drop := len(sl.entries) - sl.cfg.SlowlogMaxLen.Load(); drop > 0 {
		clear(sl.entries[:drop]) // append moves the rest to the front when it needs room
		sl.entries = sl.entries[drop:]
	}
}

// last lists the n newest entries, all for a negative n, newest first.
func (sl *slowlog) last(n int) []commands.SlowEntry {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if n < 0 || n > len(sl.entries) {
		n = len(sl.entries)
	}
	list := slices.Clone(sl.entries[len(sl.entries)-n:])
	slices.Reverse(list)
	return list
}

func (sl *slowlog) length() int {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	return len(sl.entries)
}

// reset drops the entries; their numbers are not used again.
func (sl *slowlog) reset() {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	sl.entries = nil
}

// slowArgs copies the arguments of a call, cut to the limits, secrets hidden.
func slowArgs(c *commands.Ctx) [][]byte {
	shown := len(c.Args)
	if shown > slowMaxArgs {
		shown = slowMaxArgs - 1 // the last one says how many are missing
	}
	args := make([][]byte, 0, slowMaxArgs)
	for i, arg := range c.Args[:shown] {
		switch {
		case c.IsSecret(i):
			args = append(args, redacted)
		case len(arg) > slowMaxBytes:
			args = append(args, fmt.Appendf(nil, "%s... (%d more bytes)", arg[:slowMaxBytes], len(arg)-slowMaxBytes))
		default:
			args = append(args, slices.Clone(arg))
		}
	}
	if shown < len(c.Args) {
		args = append(args, fmt.Appendf(nil, "... (%d more arguments)", len(c.Args)-shown))
	}
	return args
}

// groupSlowArgs stands for the arguments of calls that were timed together.
func groupSlowArgs(s *commands.Spec, calls int) [][]byte {
	args := [][]byte{[]byte(s.FullName())}
	if calls > 1 {
		args = append(args, fmt.Appendf(nil, "(one of %d pipelined calls)", calls))
	}
	return args
}
