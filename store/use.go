package store

import (
	"math"

	"quarry/store/internal/slab"
)

// A record's use word says when its key was last used, or, under an LFU policy
// (SetLFU), how often. As in Redis, switching the policy leaves the words as
// they are, and they make sense again after a while.
//
//	LRU  31                                0
//	     |  Unix time in seconds           |
//	LFU  31                  8 7           0
//	     |  Unix time, minutes |  counter  |    minutes modulo 2^24
//
// The counter grows logarithmically: at value c it grows with probability
// 1/(10(c-5)+1), so that 255 stands for about a million uses, and it falls by one
// for each minute without any. A new key starts with 5, so as not to look like the coldest.
const (
	lfuStart  = 5
	lfuFactor = 10
	lfuMax    = 255

	minuteMask = 1<<24 - 1
)

// newUse is the use word of a key made now.
func (d *DB) newUse() uint32 {
	if d.s.lfu.Load() {
		return d.minute()<<8 | lfuStart
	}
	return d.seconds()
}

func (d *DB) seconds() uint32 { return secondsOf(d.clockMS) }
func (d *DB) minute() uint32  { return minuteOf(d.clockMS) }

func secondsOf(ms int64) uint32 { return uint32(ms / 1000) }
func minuteOf(ms int64) uint32  { return uint32(ms/60_000) & minuteMask }

// use notes that a key was used, unless NoTouch forbids it.
func (d *DB) use(sh *shard, rec slab.Ref) {
	if !d.noTouch {
		d.noteUse(sh, rec)
	}
}

// noteUse notes that a key was used. The record is written to at most once a second
// (LRU), or when the counter changes: a read should not dirty memory.
func (d *DB) noteUse(sh *shard, rec slab.Ref) {
	old := sh.heap.R(rec).U32(recUse)
	now := d.seconds()
	if d.s.lfu.Load() {
		now = d.minute()<<8 | uint32(d.countUse(decayed(d.clockMS, old)))
	}
	if now != old {
		sh.heap.W(rec).SetU32(recUse, now)
	}
}

// decayed is the counter of a use word after the minutes that have passed.
func decayed(nowMS int64, use uint32) uint8 {
	minutes := (minuteOf(nowMS) - use>>8) & minuteMask
	return uint8(use&lfuMax) - uint8(min(minutes, use&lfuMax))
}

// countUse is the counter after one more use.
func (d *DB) countUse(c uint8) uint8 {
	if c == lfuMax {
		return c
	}
	odds := uint64(max(int(c)-lfuStart, 0)*lfuFactor + 1)
	if d.s.rand() < math.MaxUint64/odds {
		c++
	}
	return c
}

// idleSeconds is the time since a key was used.
func idleSeconds(nowMS int64, use uint32) int64 {
	return max(0, int64(int32(secondsOf(nowMS)-use)))
}
