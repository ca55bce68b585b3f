package server

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"

	"quarry/commands"
	"quarry/server/resp"
	"quarry/store"
)

// Replay: the effects that a log holds run again, through the command table, before clients are served.
//
// One goroutine reads the log and calls Apply. Each worker owns a part of the shards; a command whose keys are all
// of one worker's shards is copied into that worker's batch, and runs when the batch is full:
//
//	log ─► Apply ─┬─► batch ─► worker 0: shards 0, 2, 4 ...
//	              ├─► batch ─► worker 1: shards 1, 3, 5 ...
//	              └─► anything else: all batches run to their end, then the command, here
//
// The changes of a key stay in order, those of different keys need none. A transaction is taken apart: nobody sees
// what is halfway done, it is only that one without its EXEC must leave nothing behind, so it is kept until then.
//
// A worker locks its shards once for a batch and asks for the memory of several calls ahead (store.DB.Prefetch), as
// the gate does in a pipeline. Where commands of several workers' keys come often, handing over costs more than
// running side by side gains: after each of them some run in the reader's goroutine.
//
// For what runs here no time passes (store.DB.Timeless): a key whose time is over is still there, since the log says
// when it went; and there are no clients, no events, no statistics, and no maxmemory: what was there fits.

const (
	batchCalls = 512
	batchBytes = 64 << 10
	// batchesPerWorker: one is filled, one runs, and the others wait for either.
	batchesPerWorker = 4
	// inlineCalls is how many calls in a row must be of one worker's keys before calls are handed over again.
	inlineCalls = 64
)

// replayer runs a log. Its methods are called by one goroutine. Finish is to be called whatever Apply said.
type replayer struct {
	srv     *Server
	workers []*replayWorker
	running sync.WaitGroup // batches
	ended   sync.WaitGroup // workers

	here   replayRun // runs what is not handed over
	locks  locks
	inline int // so many calls more are not handed over

	db     int // that SELECT has chosen
	seen   int64
	keys   []int
	name   []byte         // as the last command was called
	spec   *commands.Spec // and what that is
	queue  *replayBatch   // what came since MULTI
	queued []*replayBatch // and did not fit, in order; queue is the last
	// Those that are not run like others.
	selects, begins, commits, gives *commands.Spec

	mu       sync.Mutex
	failure  error // of the first command that failed,
	failedAt int64 // which that is
	failed   atomic.Bool
}

// replayBatch is a number of calls with copies of their arguments.
type replayBatch struct {
	calls []replayCall
	args  [][]byte // of all calls, one after the other; slices of bytes, which never grows
	bytes []byte
}

// replayCall is a call in a batch.
type replayCall struct {
	spec *commands.Spec
	db   int
	args int
	seq  int64 // its place in the log
}

// replayRun is what a goroutine that runs commands of a log owns.
type replayRun struct {
	ctx commands.Ctx
	db  *store.DB
	out resp.Writer
}

// replayWorker runs batches, whose calls are of its shards.
type replayWorker struct {
	r       *replayer
	shards  []int
	run     replayRun
	filling *replayBatch
	full    chan *replayBatch
	free    chan *replayBatch
	sought  []store.Lookup
}

// noClient is the client of what comes from a log: it waits for nothing, as in a transaction.
type noClient struct{ commands.Client }

func (noClient) InMulti() bool { return true }

// replayHost is the server for what comes from a log: limits held when it was written, and may be others now.
type replayHost struct{ *Server }

func (replayHost) MaxBulk() int64 { return math.MaxInt64 }

// newReplayer makes a replayer with so many workers. No command runs until it has finished.
func newReplayer(s *Server, workers int) *replayer {
	workers = max(1, min(workers, s.store.Shards()))
	r := &replayer{
		srv: s, locks: locks{store: s.store},
		selects: s.table.ByName("select"), begins: s.table.ByName("multi"), commits: s.table.ByName("exec"), gives: s.table.ByName("discard"),
	}
	r.here.init(s)
	s.store.SetMaxMemory(0)
	for i := range workers {
		w := &replayWorker{r: r, full: make(chan *replayBatch, batchesPerWorker), free: make(chan *replayBatch, batchesPerWorker)}
		for shard := i; shard < s.store.Shards(); shard += workers {
			w.shards = append(w.shards, shard)
		}
		w.run.init(s)
		w.filling = newReplayBatch(batchBytes)
		for range batchesPerWorker - 1 {
			w.free <- newReplayBatch(batchBytes)
		}
		r.workers = append(r.workers, w)
		r.ended.Go(w.loop)
	}
	return r
}

func newReplayBatch(size int) *replayBatch {
	return &replayBatch{
		calls: make([]replayCall, 0, batchCalls), args: make([][]byte, 0, 4*batchCalls), bytes: make([]byte, 0, size),
	}
}

func (run *replayRun) init(s *Server) {
	run.db = s.store.NewDB()
	run.ctx = commands.Ctx{Reply: &run.out, DB: run.db, Rand: s.rand, Host: replayHost{s}}
}

// Apply takes the next command of the log, whose arguments are valid during the call only. It returns the error
// of a command that failed: of this one or, since they run later, of an earlier one.
func (r *replayer) Apply(args [][]byte) error {
	if r.failed.Load() {
		return r.err()
	}
	r.seen++
	if len(args) == 0 {
		return r.fail(r.seen, nil, "no command")
	}
	spec, problem := r.lookup(args)
	switch {
	case problem != "":
		return r.fail(r.seen, args, problem)
	case spec == r.selects:
		return r.selectDB(args)
	case spec == r.begins, spec == r.commits, spec == r.gives:
		return r.transaction(spec, args)
	case !spec.Has(commands.Write):
		return r.fail(r.seen, args, "it changes nothing, so that no log has it")
	case r.queue != nil:
		r.enqueue(replayCall{spec, r.db, len(args), r.seen}, args)
		return nil
	}
	return r.dispatch(replayCall{spec, r.db, len(args), r.seen}, args)
}

// Finish waits until all commands have run, drops a transaction that has no end, and returns what Apply does.
func (r *replayer) Finish() error {
	r.drain()
	for _, w := range r.workers {
		close(w.full)
	}
	r.ended.Wait()
	if r.queue != nil {
		r.srv.log.Warn("the log ends within a transaction, which is left out")
		r.endQueue()
	}
	return errors.Join(r.err(), r.srv.setMaxMemory())
}

// lookup finds the command. A log mostly repeats one name, spelled alike.
func (r *replayer) lookup(args [][]byte) (spec *commands.Spec, problem string) {
	if spec = r.spec; spec == nil || !bytes.Equal(args[0], r.name) {
		cmd, sub := r.srv.table.Lookup(args)
		switch {
		case cmd == nil:
			return nil, commands.UnknownCommand(args)
		case sub != nil:
			return sub, ""
		case cmd.Subs != nil:
			return cmd, ""
		}
		spec = cmd
		r.name, r.spec = append(r.name[:0], args[0]...), cmd
	}
	if !spec.ArityOK(len(args)) {
		return nil, commands.WrongArity(spec)
	}
	return spec, ""
}

func (r *replayer) selectDB(args [][]byte) error {
	n, err := strconv.Atoi(string(args[1]))
	if err != nil || n < 0 || n >= r.srv.store.Databases() {
		return r.fail(r.seen, args, fmt.Sprintf("there are %d databases", r.srv.store.Databases()))
	}
	r.db = n
	return nil
}

// transaction begins or ends one.
func (r *replayer) transaction(spec *commands.Spec, args [][]byte) error {
	switch {
	case (spec == r.begins) == (r.queue != nil):
		if r.queue != nil {
			return r.fail(r.seen, args, "it is in a transaction")
		}
		return r.fail(r.seen, args, "it is in no transaction")
	case spec == r.begins:
		r.queue = newReplayBatch(0)
		r.queued = append(r.queued[:0], r.queue)
		return nil
	}
	defer r.endQueue()
	if spec == r.gives {
		return nil
	}
	for _, b := range r.queued {
		rest := b.args
		for _, call := range b.calls {
			if err := r.dispatch(call, rest[:call.args:call.args]); err != nil {
				return err
			}
			rest = rest[call.args:]
		}
	}
	return nil
}

func (r *replayer) endQueue() {
	r.queue = nil
	clear(r.queued)
	r.queued = r.queued[:0]
}

// enqueue keeps a call of a transaction.
func (r *replayer) enqueue(call replayCall, args [][]byte) {
	if !r.queue.fits(args) {
		r.queue = newReplayBatch(batchBytes)
		r.queued = append(r.queued, r.queue)
	}
	r.queue.add(call, args)
}

// dispatch hands a call to the worker that has all its keys, or runs it when all others have.
func (r *replayer) dispatch(call replayCall, args [][]byte) error {
	w := r.owner(call.spec, args)
	switch {
	case w == nil:
		r.drain()
		if r.failed.Load() {
			return r.err()
		}
		r.inline = inlineCalls
	case r.inline > 0:
		r.inline--
	default:
		if !w.filling.fits(args) {
			w.flush()
		}
		w.filling.add(call, args)
		return nil
	}
	return r.runHere(call, args)
}

// owner is the worker that has the shards of all keys of a call; nil: there is none, or keys are not all that the call is about.
func (r *replayer) owner(spec *commands.Spec, args [][]byte) *replayWorker {
	var ok bool
	r.keys, ok = spec.AppendKeys(r.keys[:0], args)
	if !ok || len(r.keys) == 0 || spec.LocksAll(args) {
		return nil
	}
	at := r.workerOf(args[r.keys[0]])
	for _, i := range r.keys[1:] {
		if r.workerOf(args[i]) != at {
			return nil
		}
	}
	return r.workers[at]
}

func (r *replayer) workerOf(key []byte) int { return r.srv.store.ShardOf(key) % len(r.workers) }

// drain waits until all that has been handed over has run.
func (r *replayer) drain() {
	for _, w := range r.workers {
		if len(w.filling.calls) > 0 {
			w.flush()
		}
	}
	r.running.Wait()
}

// runHere runs a call while no worker runs any.
func (r *replayer) runHere(call replayCall, args [][]byte) error {
	run := &r.here
	defer r.locks.release()
	defer r.recover(call.seq, args)
	if !r.srv.store.Ready(size(args)) {
		return r.fail(call.seq, args, commands.ErrOOM)
	}
	run.begin(r.srv)
	if call.spec.LocksAll(args) {
		r.locks.all()
		run.db.HoldAll()
	} else {
		r.locks.keys(args, r.keys)
	}
	if problem := run.call(call, args); problem != "" {
		return r.fail(call.seq, args, problem)
	}
	for _, shard := range r.locks.held {
		r.srv.store.Tidy(shard)
	}
	run.end()
	return r.err() // a panic is noted after that
}

// recover makes a failure of a panic.
func (r *replayer) recover(seq int64, args [][]byte) {
	if cause := recover(); cause != nil {
		r.fail(seq, args, fmt.Sprintf("panic: %v\n%s", cause, debug.Stack()))
	}
}

// fail notes that a command failed, unless an earlier one has, and returns the error.
func (r *replayer) fail(seq int64, args [][]byte, problem string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure == nil || seq < r.failedAt {
		r.failure = fmt.Errorf("command %d of the log, %s: %s", seq, abridged(args), problem)
		r.failedAt = seq
		r.failed.Store(true)
	}
	return r.failure
}

func (r *replayer) err() error {
	if !r.failed.Load() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure
}

// abridged is the beginning of a call, for an error.
func abridged(args [][]byte) string {
	const words, bytes = 3, 64
	var b []byte
	for i, arg := range args[:min(len(args), words)] {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendQuote(b, string(arg[:min(len(arg), bytes)]))
	}
	if len(args) > words {
		b = append(b, " ..."...)
	}
	return string(b)
}

// fits reports whether there is room for another call; an empty batch has room for any.
func (b *replayBatch) fits(args [][]byte) bool {
	return len(b.calls) < batchCalls && int64(len(b.bytes))+size(args) <= int64(cap(b.bytes)) || len(b.calls) == 0
}

// add copies a call, for which there is room.
func (b *replayBatch) add(call replayCall, args [][]byte) {
	if n := size(args); n > int64(cap(b.bytes)) {
		b.bytes = make([]byte, 0, n)
	}
	b.calls = append(b.calls, call)
	for _, arg := range args {
		start := len(b.bytes)
		b.bytes = append(b.bytes, arg...)
		b.args = append(b.args, b.bytes[start:len(b.bytes):len(b.bytes)])
	}
}

// reset empties the batch, and lets go of what a very long command has left.
func (b *replayBatch) reset() {
	b.calls, b.args = b.calls[:0], b.args[:0]
	if b.bytes = b.bytes[:0]; cap(b.bytes) > batchBytes {
		b.bytes = make([]byte, 0, batchBytes)
	}
	if cap(b.args) > 8*batchCalls {
		b.args = make([][]byte, 0, 4*batchCalls)
	}
}

// flush has the batch run that is being filled.
func (w *replayWorker) flush() {
	w.r.running.Add(1)
	w.full <- w.filling
	w.filling = <-w.free
}

func (w *replayWorker) loop() {
	for b := range w.full {
		if !w.r.failed.Load() {
			w.batch(b)
		}
		b.reset()
		w.free <- b
		w.r.running.Done()
	}
}

// batch runs a batch.
func (w *replayWorker) batch(b *replayBatch) {
	st := w.r.srv.store
	for _, shard := range w.shards {
		st.Lock(shard)
	}
	defer func() {
		for _, shard := range w.shards {
			st.Unlock(shard)
		}
	}()
	if !st.Ready(int64(len(b.bytes))) {
		w.r.fail(b.calls[0].seq, b.args[:b.calls[0].args], commands.ErrOOM)
		return
	}
	w.run.begin(w.r.srv)
	w.calls(b)
	w.run.end()
	for _, shard := range w.shards {
		st.Tidy(shard)
	}
}

// calls runs the calls of a batch until one fails.
func (w *replayWorker) calls(b *replayBatch) {
	rest, ahead := b.args, 0
	for i := range b.calls {
		call := &b.calls[i]
		if ahead == 0 {
			ahead = w.prefetch(b.calls[i:], rest)
		}
		ahead--
		args := rest[:call.args:call.args]
		rest = rest[call.args:]
		if !w.call(call, args) {
			return
		}
	}
}

func (w *replayWorker) call(call *replayCall, args [][]byte) bool {
	defer w.r.recover(call.seq, args)
	if problem := w.run.call(*call, args); problem != "" {
		w.r.fail(call.seq, args, problem)
		return false
	}
	return true
}

// prefetch asks for the memory that the next calls will read, and returns how many calls that are.
func (w *replayWorker) prefetch(calls []replayCall, args [][]byte) int {
	calls = calls[:min(len(calls), store.PrefetchMax)]
	w.sought = w.sought[:0]
	for i := range calls {
		call := &calls[i]
		if call.db != calls[0].db {
			calls = calls[:i]
			break
		}
		if sought, ok := call.spec.Sought(args[:call.args]); ok {
			w.sought = append(w.sought, sought)
		}
		args = args[call.args:]
	}
	if len(w.sought) > 1 {
		w.run.db.Next(calls[0].db)
		w.run.db.Prefetch(w.sought, w.shards)
	}
	return len(calls)
}

// begin is called before the first call of several.
func (run *replayRun) begin(s *Server) {
	run.ctx.Client = noClient{}
	run.db.Begin(0, s.wallMS(s.clock()))
	run.db.Timeless()
}

// end lets go of what the last calls lay in.
func (run *replayRun) end() {
	run.ctx.End()
	run.db.End()
}

// call runs a call whose shards are locked and returns the error that it answers, if any.
func (run *replayRun) call(call replayCall, args [][]byte) (problem string) {
	run.db.Next(call.db)
	run.ctx.Begin(call.spec, args)
	call.spec.Run(&run.ctx)
	if reply := run.out.Bytes(); len(reply) > 0 && reply[0] == '-' {
		problem = string(bytes.TrimRight(reply[1:], "\r\n"))
	}
	if run.out.Reset(); cap(run.out.Bytes()) > keepBytes {
		run.out.SetBuffer(nil)
	}
	return problem
}
