package server

import (
	"slices"
	"sync/atomic"

	"quarry/store"
)

// maxShared is how many commands in a row may share one locking of a shard.
const maxShared = 64

// locks are the shards a worker has locked, always in ascending order.
//
// Commands of one batch for the same single shard share one locking: it is
// kept after the command, and released by the first command for anything else,
// by a command without keys (which may take locks itself), after maxShared
// commands, and at the end of the session's turn.
type locks struct {
	store  *store.Store
	held   []int // ascending
	shared int   // commands that have used the present locking
	waited bool  // for another worker, since this was cleared last
}

// keys locks the shards of the keys at the given positions of args.
func (l *locks) keys(args [][]byte, at []int) {
	switch len(at) {
	case 0:
		l.release()
	case 1:
		l.one(l.store.ShardOf(args[at[0]]))
	default:
		l.several(args, at)
	}
}

// one locks a single shard, or goes on with its lock.
func (l *locks) one(shard int) {
	if len(l.held) == 1 && l.held[0] == shard && l.shared < maxShared {
		l.shared++
		return
	}
	l.release()
	l.lock(shard)
	l.held = append(l.held, shard)
}

func (l *locks) lock(shard int) {
	if !l.store.TryLock(shard) {
		l.waited = true
		l.store.Lock(shard)
	}
}

func (l *locks) several(args [][]byte, at []int) {
	l.release()
	for _, i := range at {
		l.held = append(l.held, l.store.ShardOf(args[i]))
	}
	slices.Sort(l.held)
	l.held = slices.Compact(l.held)
	for _, shard := range l.held {
		l.lock(shard)
	}
}

// set locks the shards of a set.
func (l *locks) set(shards *shardSet) {
	var room [16]int
	switch list := shards.appendTo(room[:0]); len(list) {
	case 1:
		l.one(list[0])
	default:
		l.release()
		for _, shard := range list {
			l.lock(shard)
			l.held = append(l.held, shard)
		}
	}
}

// more locks further shards. The others are given up meanwhile, for the sake of the order.
func (l *locks) more(shards []int) {
	all := append(shards, l.held...)
	l.release()
	slices.Sort(all)
	for _, shard := range slices.Compact(all) {
		l.lock(shard)
		l.held = append(l.held, shard)
	}
}

// all locks every shard.
func (l *locks) all() {
	l.release()
	for shard := range l.store.Shards() {
		l.lock(shard)
		l.held = append(l.held, shard)
	}
}

// done says that a command is finished: a single shard stays locked.
func (l *locks) done() {
	if len(l.held) > 1 {
		l.release()
	}
}

// release unlocks everything.
func (l *locks) release() {
	for _, shard := range l.held {
		l.store.Unlock(shard)
	}
	l.held = l.held[:0]
	if cap(l.held) > keepInts {
		l.held = nil // a command may name a million keys
	}
	l.shared = 0
}

// errDamaged refuses to change a shard that a panic may have left half changed.
const errDamaged = "MISCONF Writes to this part of the keyspace are refused: a command failed in the middle of a change. " +
	"Its data can still be read. See the server's log."

// damage knows the shards that may be half changed, and counts panics.
type damage struct {
	panics atomic.Int64
	count  atomic.Int32 // damaged shards
	shards []atomic.Bool
}

// of reports whether any of the shards is damaged.
func (d *damage) of(shards []int) bool {
	if d.count.Load() == 0 {
		return false
	}
	return slices.ContainsFunc(shards, func(i int) bool { return d.shards[i].Load() })
}

func (d *damage) mark(shards []int) {
	d.panics.Add(1)
	for _, i := range shards {
		if !d.shards[i].Swap(true) {
			d.count.Add(1)
		}
	}
}
