package server

import (
	"log/slog"
	"math/bits"

	"quarry/commands"
	"quarry/store"
)

// Between MULTI and EXEC the gate queues a client's commands: it checks what it checks for all commands, and copies the arguments.
// EXEC locks the shards of all their keys, and of the watched ones, in ascending
// order, looks whether the watched keys have changed, runs the commands one after the other, serves the parked
// clients whose keys have got data, and only then unlocks. A command of the queue finds more shards locked than its own, but never fewer; one
// that would lock shards itself (commands.LocksShards) finds all of them locked.

// transaction is what is queued since MULTI. Workers keep some of them for the next.
type transaction struct {
	broken bool // a command was refused: EXEC will refuse, too

	calls  []queuedCall
	bytes  []byte // of all arguments, one after the other,
	ends   []int  // and where each of them ends
	shards shardSet
	flags  commands.Flag // of any of the calls

	keyless bool // a call has no keys

	size      int64 // what CLIENT LIST shows as multi-mem
	accounted int64 // what the server's total of queued bytes includes for it
}

// queuedCall is a command and the number of its arguments.
type queuedCall struct {
	spec *commands.Spec
	args int
}

const (
	// argBytes is what an argument takes beside its bytes.
	argBytes = 8
	// A transaction that has grown beyond keepQueued arguments or keepBytes is not used
	// again. A worker keeps up to spareQueues of them.
	keepQueued  = 1024
	spareQueues = 16
)

// shardSet is a set of shards.
type shardSet [store.MaxShards / 64]uint64

func (set *shardSet) add(shard int) { set[shard/64] |= 1 << (shard % 64) }

func (set *shardSet) join(other *shardSet) {
	for i, word := range other {
		set[i] |= word
	}
}

// appendTo appends the shards to dst, in ascending order.
func (set *shardSet) appendTo(dst []int) []int {
	for i, word := range set {
		for ; word != 0; word &= word - 1 {
			dst = append(dst, i*64+bits.TrailingZeros64(word))
		}
	}
	return dst
}

// InMulti reports whether MULTI has been called, and neither EXEC nor DISCARD since.
func (s *Session) InMulti() bool { return s.multi != nil }

// Multi opens a transaction, unless one is open.
func (s *Session) Multi() bool {
	if s.multi != nil {
		return false
	}
	s.multi = s.w.transaction()
	return true
}

// Discard ends the transaction, if there is one. No shard is locked.
func (s *Session) Discard() bool {
	open := s.multi != nil
	if open {
		s.forsake()
	}
	return open
}

// forsake ends the transaction, if there is one, and forgets what is watched. No shard is locked.
func (s *Session) forsake() {
	s.dropTransaction()
	s.Unwatch()
}

// dropTransaction ends the transaction.
func (s *Session) dropTransaction() {
	if t := s.multi; t != nil {
		s.multi = nil
		s.srv.queued.Add(-t.accounted)
		s.w.reuse(t)
	}
}

// Exec ends the transaction and runs it, if nothing is against that. The gate has locked
// what it takes.
func (s *Session) Exec() commands.ExecOutcome {
	broken := s.multi.broken
	if broken || s.stale() {
		s.w.locks.release() // watches are given up with none held
		s.forsake()
		if broken {
			return commands.ExecBroken
		}
		return commands.ExecStale
	}
	s.unwatch(s.srv.unlist)
	s.w.runQueue(s)
	s.dropTransaction()
	return commands.Executed
}

// transaction is an empty one.
func (w *worker) transaction() *transaction {
	last := len(w.queues) - 1
	if last < 0 {
		return &transaction{}
	}
	t := w.queues[last]
	w.queues = w.queues[:last]
	return t
}

// reuse takes a transaction back, unless it has grown large or there are enough.
func (w *worker) reuse(t *transaction) {
	if cap(t.bytes) > keepBytes || cap(t.ends) > keepQueued || cap(t.calls) > keepQueued || len(w.queues) == spareQueues {
		return
	}
	*t = transaction{calls: t.calls[:0], bytes: t.bytes[:0], ends: t.ends[:0]}
	w.queues = append(w.queues, t)
}

// admitInMulti says why a command may not be queued, or EXEC not be run, if so.
func (w *worker) admitInMulti(s *Session, spec *commands.Spec, args [][]byte) (refusal string) {
	t := s.multi
	switch {
	case spec.Has(commands.NoMulti):
		return commands.ErrNoMulti
	case spec.Has(commands.RunsQueue):
		switch {
		case t.flags&commands.DenyOOM != 0 && !w.srv.store.Room(t.size):
			return commands.ErrOOM
		case t.flags&commands.Write != 0:
			return w.srv.errMisconf()
		}
	case s.monitors() && s.touchesData(spec):
		return errReplica
	case spec.Has(commands.Write) && w.srv.errMisconf() != "":
		return w.srv.errMisconf()
	case !spec.Has(commands.NotQueued) && !w.srv.store.Allows(size(args)+w.srv.queued.Load()):
		return commands.ErrOOM
	}
	return ""
}

// queue puts a command in the queue, unless EXEC will not run it anyway. The queue is part of a client's
// query: one that makes it larger than it may be is closed.
func (w *worker) queue(s *Session, spec *commands.Spec, args [][]byte) {
	w.out.Status("QUEUED")
	s.view.show(spec)
	t := s.multi
	if t.broken || s.touched() {
		return
	}
	w.keys, _ = spec.AppendKeys(w.keys[:0], args)
	if len(w.keys) == 0 {
		t.keyless = true
	}
	for _, i := range w.keys {
		t.shards.add(w.srv.store.ShardOf(args[i]))
	}
	t.add(spec, args)
	if spec.LocksAll(args) {
		t.flags |= commands.AllShards
	}
	if t.size-t.accounted > countBytes {
		w.srv.queued.Add(t.size - t.accounted)
		t.accounted = t.size
	}
	if t.size > s.limits.MaxQuery {
		s.cutOff("client queues more than client-query-buffer-limit; closed")
	}
}

func (t *transaction) add(spec *commands.Spec, args [][]byte) {
	for _, arg := range args {
		t.bytes = append(t.bytes, arg...)
		t.ends = append(t.ends, len(t.bytes))
	}
	t.calls = append(t.calls, queuedCall{spec, len(args)})
	t.flags |= spec.Flags
	t.size = int64(len(t.bytes) + argBytes*len(t.ends))
}

// appendArgs appends the arguments of all calls, one call after the other.
func (t *transaction) appendArgs(dst [][]byte) [][]byte {
	start := 0
	for _, end := range t.ends {
		dst = append(dst, t.bytes[start:end:end])
		start = end
	}
	return dst
}

// lockQueue locks what EXEC needs, and nothing if it will not run anything, and returns the flags of what it runs.
func (w *worker) lockQueue(s *Session) (flags commands.Flag) {
	t := s.multi
	switch {
	case t == nil || t.broken || s.touched():
		w.locks.release()
		return 0
	case t.flags&(commands.AllShards|commands.LocksShards) != 0:
		w.locks.all()
	default:
		shards := t.shards
		if watched := s.watched.Load(); watched != nil {
			shards.join(&watched.shards)
		}
		w.locks.set(&shards)
		if t.flags&commands.Write != 0 && w.srv.moves.parked.Load() > 0 {
			w.lockDests(w.queuedKeys(t))
		}
	}
	return t.flags
}

// runQueue runs the commands of the transaction and answers what they answer.
func (w *worker) runQueue(s *Session) {
	t, c, exec := s.multi, &w.ctx, w.spec
	own := c.Args
	if t.keyless {
		s.publishMulti() // it may look at its own client
	}
	w.queued = t.appendArgs(w.queued[:0])
	w.prefetchQueue(t)
	if len(w.locks.held) == w.srv.store.Shards() {
		w.db.HoldAll()
	}
	w.out.Array(len(t.calls))
	w.hushQueued(s, w.mark)
	w.watch.nest()
	w.nested = true
	for _, shard := range w.locks.held {
		w.srv.journal.ends[shard].tx = w
	}
	rest := w.queued
	for _, q := range t.calls {
		w.runQueued(s, q.spec, rest[:q.args:q.args])
		rest = rest[q.args:]
	}
	w.endNested()
	w.recordQueue(s)
	w.watch.unnest(c)
	w.spec, w.mark = exec, w.out.Mark()
	c.Begin(exec, own)
}

// runQueued calls the handler of one of them.
func (w *worker) runQueued(s *Session, spec *commands.Spec, args [][]byte) {
	c, mark := &w.ctx, w.out.Mark()
	w.spec = spec
	c.Begin(spec, args)
	w.db.Next(s.db)
	if s.noTouch {
		w.db.NoTouch()
	}
	w.srv.observe(c)
	w.watch.run(spec, args)
	if spec.Has(commands.DenyOOM) && !w.srv.store.Ready(size(args)) {
		c.Error(commands.ErrOOM) // maxmemory has been looked at before, but what EXEC has run since may have taken all there is
	} else {
		spec.Run(c)
	}
	w.intact = true
	w.record(s, c, w.db.Index())
	w.watch.done(c, w.failed(mark))
	if w.srv.monitors.Load() > 0 {
		w.monitor(s, spec, args)
	}
	w.noteSwapped()
	w.hushQueued(s, mark)
}

// hushQueued takes back what was written since mark inside EXEC while CLIENT REPLY asks for silence.
func (w *worker) hushQueued(s *Session, mark int) {
	if s.hushed() && !w.hasPushes(w.spec, mark) {
		w.out.Undo(mark)
	}
}

// prefetchQueue asks for the memory that the first commands of the queue will read.
func (w *worker) prefetchQueue(t *transaction) {
	w.sought = w.sought[:0]
	rest := w.queued
	for _, q := range t.calls[:min(len(t.calls), store.PrefetchMax)] {
		if sought, ok := q.spec.Sought(rest[:q.args]); ok {
			w.sought = append(w.sought, sought)
		}
		rest = rest[q.args:]
	}
	if len(w.sought) > 1 {
		w.db.Prefetch(w.sought, w.locks.held)
	}
}

// forgetQueue lets go of what the last transaction lay in.
func (w *worker) forgetQueue() {
	if cap(w.queued) > keepQueued {
		w.queued = nil
		return
	}
	clear(w.queued[:cap(w.queued)])
	w.queued = w.queued[:0]
}

// publishMulti shows others how the transaction stands.
func (s *Session) publishMulti() {
	calls, bytes := int64(-1), int64(0)
	if t := s.multi; t != nil {
		calls, bytes = int64(len(t.calls)), t.size
	}
	setInt64(&s.view.multi, calls)
	setInt64(&s.view.multiBytes, bytes)
}

// cutOff closes a client that has sent more than it may.
func (s *Session) cutOff(why string) {
	s.srv.log.Warn(why, slog.String("client", s.Info()))
	s.aborted = true
}
