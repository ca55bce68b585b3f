package server

import (
	"bytes"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"quarry/commands"
	"quarry/server/resp"
	"quarry/store"
)

// How much of a turn one session may take before the others get theirs.
const (
	turnTime   = 500 * time.Microsecond
	turnOutput = 1 << 20 // bytes
)

// worker is what a goroutine that runs commands owns: nothing here is shared
// and nothing is allocated per command. An event loop has one for its sessions.
type worker struct {
	srv   *Server
	stats *stats
	watch *stopwatch
	ctx   commands.Ctx
	db    *store.DB
	out   resp.Writer // writes to the buffer of the session that has its turn
	locks locks
	keys  []int // positions of a call's keys
	buffers
	serving serving // of parked clients

	awaiting, spare []*Session  // whose output waits for the log; room for the next such list
	awaits          atomic.Bool // there are any, and the log is to say when it has become safe
	owing           bool        // the output of some session of the batch is to wait for the log
	nested          bool        // EXEC runs its commands,
	effects         collected   // which have these effects

	changes atomic.Int64 // commands that have changed data; written by the worker only

	queues  []*transaction // that no session needs now
	queued  [][]byte       // the arguments of the transaction that is running
	swapped []int          // databases that the command, or the transaction, has exchanged

	sought     []store.Lookup // by the commands that come next (prefetch),
	prefetched int            // so many of which have their memory on its way

	name  []byte         // as the last command was called
	named *commands.Spec // and what that is
	spec  *commands.Spec // the command that is running
	mark  int            // in out: where its reply begins
	ends  int64          // when the turn is over,
	full  int            // or with how much in out

	waited int64 // the clock when a lock had been waited for
	unrun  int   // commands that were queued or refused since the clock was read for such

	// intact says that the arguments of the last command that ran still lie
	// where ctx has them.
	intact bool

	index    int            // of the event loop
	delivery delivery       // of messages
	loud     bool           // the last command may have published something
	answered *commands.Spec // who wrote the reply; nil: the gate itself
}

// addWorker makes one more worker.
func (s *Server) addWorker() {
	s.workers = append(s.workers, s.newWorker())
	s.pubsub.inboxes = make([]inbox, len(s.workers))
}

func (s *Server) newWorker() *worker {
	w := &worker{srv: s, index: len(s.workers), stats: s.counters.newLoop(), db: s.store.NewDB(), locks: locks{store: s.store}}
	w.delivery.w, w.delivery.most = w, sliceMessages
	w.watch = s.counters.newStopwatch(w.stats)
	w.ctx = commands.Ctx{Reply: &w.out, DB: w.db, Rand: s.rand, Host: s}
	w.out.SetGrow(w.Grow)
	w.serving.init(w)
	return w
}

// begin starts a session's turn.
func (w *worker) begin(s *Session) {
	w.watch.begin(s)
	w.ends = w.watch.now() + int64(turnTime)
	w.full = len(s.out) + s.turnOutput()
	w.spec, w.mark, w.prefetched, w.intact, w.swapped = nil, 0, 0, false, w.swapped[:0]
	w.effects.bytes = w.effects.bytes[:0] // a panic may have left some
	w.ctx.Client = s
	setInt64(&s.view.active, w.watch.now()/int64(time.Second))
	if s.out == nil {
		s.out = w.buffer()
	}
	w.out.SetBuffer(s.out)
	w.out.SetProto(s.proto)
	if limits := w.srv.limits.Load(); limits != s.limitsOf {
		s.limits, s.limitsOf = *limits, limits
	}
	if !s.authenticated {
		s.framer.SetAuthenticated(s.Authenticated()) // requirepass may have changed
	}
}

// end ends the turn, whatever ended it: a panic of a handler too.
func (w *worker) end(s *Session) {
	if p := recover(); p != nil {
		w.crashed(s, p)
	}
	w.endNested()
	w.locks.release()
	w.watch.end(w.last())
	w.forget()
	s.out = w.out.Bytes()
	w.out.SetBuffer(nil)
	if len(s.out) == 0 {
		w.Recycle(s.out)
		s.out = nil
	}
	s.framer.Release()
	if s.unsent() > countBytes {
		s.account()
	}
	s.show()
	s.checkOutput(w.watch.now())
}

// last is the call that ran last, nil if its arguments are gone.
func (w *worker) last() *commands.Ctx {
	if !w.intact {
		return nil
	}
	return &w.ctx
}

// keepInts is how long a list of keys or shards may be that a command leaves behind.
const keepInts = 1024

// forget lets go of what the turn's commands lay in, and of large lists.
func (w *worker) forget() {
	w.ctx.End()
	w.db.End()
	if len(w.sought) > 0 {
		clear(w.sought[:cap(w.sought)])
		w.sought = w.sought[:0]
	}
	if cap(w.keys) > keepInts {
		w.keys = nil
	}
	if len(w.queued) > 0 {
		w.forgetQueue()
	}
}

// turnOver says that others are to have their turn: time is up, or there is
// output enough to be sent first.
func (w *worker) turnOver(s *Session) bool {
	s.out = w.out.Bytes()
	return w.watch.now() > w.ends || len(s.out) > w.full
}

// execute is the gate: every command of every client passes here.
func (w *worker) execute(s *Session, args [][]byte) {
	w.mark = w.out.Mark()
	spec, refusal := w.admit(s, args)
	if refusal == "" && w.srv.pause.mode.Load() != notPaused && s.postpone(spec, args) {
		w.prefetched, w.loud = 0, false
		return
	}
	queued := s.multi != nil && refusal == "" && !spec.Has(commands.NotQueued)
	if refusal == "" && !queued {
		refusal = w.lock(s, spec, args)
	}
	switch {
	case refusal != "":
		w.refuse(s, spec, refusal)
	case queued:
		w.queue(s, spec, args)
	default:
		w.run(s, spec, args)
		w.settle(s)
	}
	if queued || refusal != "" {
		w.noteUnrun()
	}
	w.prefetched = max(w.prefetched-1, 0)
	w.locks.done()
	w.loud = spec != nil && spec.Has(commands.PubSubFlag) || w.srv.events.Load() != 0 || w.srv.monitors.Load() != 0
	w.answered = spec
	if queued {
		w.answered = nil
	}
	w.hush(s, w.mark)
}

// noteUnrun reads the clock from time to time while commands are queued or refused: nobody times them, but
// they take time of the turn.
func (w *worker) noteUnrun() {
	const clockEvery = 64
	if w.unrun++; w.unrun == clockEvery {
		w.unrun = 0
		w.watch.lap()
	}
}

// hear lets messages that the session is to get come before what is written next.
func (w *worker) hear(s *Session) {
	if s.listens() {
		s.getMessages()
	}
	if s.waiting > 0 {
		w.flush(s)
	}
}

// admit finds the command and says why it may not run, if so: in Redis' order.
func (w *worker) admit(s *Session, args [][]byte) (spec *commands.Spec, refusal string) {
	cmd, sub := w.lookup(args)
	switch {
	case cmd == nil:
		return nil, commands.UnknownCommand(args)
	case sub != nil:
		cmd = sub
	case cmd.Subs != nil && len(args) > 1:
		return nil, commands.UnknownSubcommand(cmd, args) // the container has not been called
	}
	switch {
	case !cmd.ArityOK(len(args)):
		return cmd, commands.WrongArity(cmd)
	case !s.authenticated && !cmd.Has(commands.NoAuth) && !s.Authenticated():
		return cmd, commands.ErrNoAuth
	case w.srv.persist.loading.Load() && !cmd.Has(commands.Loading):
		return cmd, errLoading
	case s.multi != nil:
		return cmd, w.admitInMulti(s, cmd, args)
	case cmd.Has(commands.DenyOOM) && !w.srv.store.Room(size(args)):
		return cmd, commands.ErrOOM
	case cmd.Has(commands.Write) && w.srv.errMisconf() != "":
		return cmd, w.srv.errMisconf()
	case s.proto == 2 && s.Subscribed() && !cmd.Has(commands.InSubscribed):
		return cmd, commands.NotWhileSubscribed(cmd)
	case s.monitors() && s.touchesData(cmd):
		return cmd, errReplica
	}
	return cmd, ""
}

// lookup is Table.Lookup. A pipeline mostly repeats one name, spelled alike:
// the last one is tried first. Containers need their subcommand looked up.
func (w *worker) lookup(args [][]byte) (cmd, sub *commands.Spec) {
	if bytes.Equal(args[0], w.name) && w.named != nil {
		return w.named, nil
	}
	cmd, sub = w.srv.table.Lookup(args)
	if cmd != nil && cmd.Subs == nil {
		w.name, w.named = append(w.name[:0], args[0]...), cmd
	}
	return cmd, sub
}

// size is about the memory that storing the arguments takes.
func size(args [][]byte) (bytes int64) {
	for _, a := range args {
		bytes += int64(len(a))
	}
	return bytes
}

// lock locks the shards of the call's keys, and no others. A call whose keys
// cannot be told from its arguments is malformed: the handler says how.
func (w *worker) lock(s *Session, spec *commands.Spec, args [][]byte) (refusal string) {
	flags := spec.Flags
	if w.srv.store.Crowded() && s.flagsOf(spec)&commands.Write != 0 {
		w.yield()
	}
	switch {
	case spec.LocksAll(args):
		w.locks.all()
	case flags&commands.RunsQueue != 0:
		flags = w.lockQueue(s)
	default:
		w.keys, _ = spec.AppendKeys(w.keys[:0], args)
		w.locks.keys(args, w.keys)
		if flags&commands.Write != 0 && w.srv.moves.parked.Load() > 0 {
			w.lockDests(appendAt(nil, args, w.keys))
		}
	}
	if flags&commands.Write != 0 && w.srv.damage.of(w.locks.held) {
		return errDamaged
	}
	return ""
}

// crowdedPause is how long a change waits while the copies that views need take all the memory they may.
const crowdedPause = 200 * time.Microsecond

// yield lets who writes a view out come forward, which needs fewer copies then.
func (w *worker) yield() {
	w.locks.release()
	time.Sleep(crowdedPause)
	w.watch.lap()
}

// run calls the handler.
func (w *worker) run(s *Session, spec *commands.Spec, args [][]byte) {
	w.spec = spec
	s.view.show(spec)
	c := &w.ctx
	c.Begin(spec, args)
	c.NowMS = w.srv.wallMS(w.now())
	w.db.Begin(s.db, c.NowMS)
	if s.noTouch {
		w.db.NoTouch()
	}
	c.Journal = w.srv.journal.log.Load() != nil
	w.srv.observe(c)
	if spec.KeyFirst() && w.prefetched == 0 {
		w.prefetch(s, spec, args)
	}
	w.watch.run(spec, args)
	spec.Run(c)
	w.intact = true
	w.record(s, c, w.db.Index())
	w.watch.done(c, w.failed(w.mark))
	if w.srv.monitors.Load() > 0 {
		w.monitor(s, spec, args)
	}
	w.noteSwapped()
	w.spec = nil
}

// noteSwapped keeps in mind which databases the last command has exchanged.
func (w *worker) noteSwapped() {
	a, b, ok := w.ctx.Swapped()
	if !ok {
		return
	}
	for _, db := range []int{a, b} {
		if !slices.Contains(w.swapped, db) {
			w.swapped = append(w.swapped, db)
		}
	}
}

// now is the clock as it was read last, by the stopwatch or, if a lock had to be
// waited for, after that: no command is run at a time before that of one that
// has changed the same keys.
func (w *worker) now() int64 {
	if w.locks.waited {
		w.locks.waited = false
		w.waited = w.srv.clock()
	}
	return max(w.watch.now(), w.waited)
}

// prefetch looks ahead in a pipeline: the memory that the next calls will read to
// find their keys and members is asked for at once, instead of by one call after the other.
func (w *worker) prefetch(s *Session, spec *commands.Spec, args [][]byte) {
	if s.framer.Buffered() == 0 {
		return
	}
	first, ok := spec.Sought(args)
	if !ok {
		return
	}
	w.sought = append(w.sought[:0], first)
	for i := range s.framer.Ahead(store.PrefetchMax - 1) {
		next := s.framer.Peek(i)
		its := spec
		if !bytes.Equal(next[0], args[0]) {
			if its, _ = w.srv.table.Lookup(next); its == nil {
				break
			}
		}
		sought, ok := its.Sought(next)
		if !ok {
			break
		}
		w.sought = append(w.sought, sought)
	}
	if len(w.sought) > 1 {
		w.db.Prefetch(w.sought, w.locks.held)
		w.prefetched = len(w.sought)
	}
}

// failed reports whether the reply that begins at mark is an error, and counts
// it under its code if so.
func (w *worker) failed(mark int) bool {
	reply := w.out.Bytes()[mark:]
	if len(reply) == 0 || reply[0] != '-' {
		return false
	}
	w.stats.errorReply(reply)
	return true
}

// settle does what the command brought about: it parks its own client, and
// serves parked clients whose keys have got data, all before the locks go.
func (w *worker) settle(s *Session) {
	if block, ok := w.ctx.Blocked(); ok {
		s.park(&w.ctx, block, w.watch.now())
	}
	if ready := w.db.ReadyKeys(); len(ready) > 0 {
		w.serving.keys(ready)
	}
	if len(w.swapped) > 0 {
		if w.srv.blocked.Load() > 0 {
			w.serving.databases(w.swapped)
		}
		w.swapped = w.swapped[:0]
	}
}

// refuse answers a command that was not run. It spoils a transaction that is open.
func (w *worker) refuse(s *Session, spec *commands.Spec, refusal string) {
	s.view.show(spec)
	if spec != nil {
		w.stats.reject(spec)
	}
	switch {
	case spec != nil && spec.Has(commands.RunsQueue):
		w.locks.release()
		s.forsake()
		refusal = commands.ExecAbort(refusal)
	case s.multi != nil:
		s.multi.broken = true
	}
	w.out.Error(refusal)
	w.failed(w.mark)
}

// hush takes the reply back that CLIENT REPLY asked not to hear. A parked
// command has its reply still to come. Pushes are heard.
func (w *worker) hush(s *Session, mark int) {
	if s.silence == answering {
		return
	}
	if s.monitors() {
		s.getMessages() // the line of this very command is heard or not like its reply
	}
	switch s.silence {
	case skipNext:
		s.silence = skipThis
	case skipThis:
		if s.parked.Load() != nil {
			break
		}
		s.silence = answering
	}
	if !w.hasPushes(w.answered, mark) {
		w.out.Undo(mark)
	}
}

// hasPushes reports whether a command has answered with pushes, which are heard in
// spite of CLIENT REPLY.
func (w *worker) hasPushes(spec *commands.Spec, mark int) bool {
	reply := w.out.Bytes()[mark:]
	return spec != nil && spec.Has(commands.PushReplies) && len(reply) > 0 && reply[0] != '-'
}

// crashed closes a connection whose command panicked. What the command has done
// halfway is not known: its shards take no more changes. That holds for reads
// too, which delete keys that have expired and make sets for their results.
func (w *worker) crashed(s *Session, cause any) {
	w.out.Undo(min(w.mark, w.out.Len()))
	s.aborted = true
	var shards []int
	if w.spec != nil {
		shards = w.locks.held
	}
	w.srv.crashed(w.spec, shards, cause, debug.Stack())
	w.spec = nil
}

// crashed enters a panic in the log and in the counters and marks the shards
// it may have damaged.
func (s *Server) crashed(spec *commands.Spec, shards []int, cause any, stack []byte) {
	name := "none"
	if spec != nil {
		name = spec.FullName()
	}
	s.damage.mark(shards)
	s.log.Error("a command panicked; its connection is closed",
		slog.String("command", name), slog.Any("panic", cause),
		slog.Any("shards closed to writes", shards), slog.String("stack", string(stack)))
}
