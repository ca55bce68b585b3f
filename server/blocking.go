package server

import (
	"bytes"
	"cmp"
	"container/list"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"quarry/commands"
	"quarry/server/resp"
	"quarry/store"
)

// A client whose command calls commands.Ctx.Block is parked: its command waits
// in a queue of every key it named, in the order clients came, until
//
//   - one of the keys gets data: the worker whose command brought it runs the
//     parked command again, while the key's shard is still locked, and posts
//     the reply to the client's loop; or
//   - its time is up, CLIENT UNBLOCK names it, or it is gone.
//
// Whichever comes first sets parked.done under parked.mu. The queues of a shard
// belong to the shard's lock. A served command leaves the queue it was served
// from at once and the others when its own loop hears of it; until then those
// who find it there see that it is done.

// maxParkMS is a hundred years: what clients may ask for does not fit the clock.
const maxParkMS = 100 * 365 * 24 * 3600 * 1000

// errUnblocked is the reply to CLIENT UNBLOCK ... ERROR.
const errUnblocked = "UNBLOCKED client unblocked via CLIENT UNBLOCK"

// parked is a command that waits. Its fields do not change, except done, and
// place.left.
type parked struct {
	session   *Session
	spec      *commands.Spec
	args      [][]byte // copies
	db        int
	proto     int
	noTouch   bool
	timed     bool // it has a timeout
	onTimeout func(commands.Reply)
	places    []place
	dest      string // a key that it adds to when it is served (moves.go),
	moves     bool   // if it does

	mu   sync.Mutex
	done bool // it is decided how the waiting ends
}

// place is where a command stands in the queue of one key.
type place struct {
	owner *parked
	shard int
	key   waitKey
	elem  *list.Element
	left  bool // guarded by the shard's lock
}

type waitKey struct {
	db  int
	key string
}

// queues are the clients waiting for keys of one shard, under its lock: lists
// of *place, so that who is found in a queue is also found out of it at once. A
// command may name a million keys.
type queues map[waitKey]*list.List

// claim decides how the waiting ends, for the first who asks.
func (p *parked) claim() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return false
	}
	p.done = true
	return true
}

// park has the session wait for the keys of block, whose shards are locked.
func (s *Session) park(c *commands.Ctx, block commands.Block, now int64) {
	p := &parked{
		session: s, spec: c.Spec, db: s.db, proto: s.proto, noTouch: s.noTouch,
		timed: block.TimeoutMS > 0, onTimeout: block.OnTimeout,
		places: make([]place, 0, len(block.Keys)), // the queues point into it: it never grows
		dest:   string(block.Dest), moves: block.Dest != nil,
	}
	p.args = copyArgs(c.Args)
	for _, key := range block.Keys {
		s.srv.enqueue(p, waitKey{s.db, string(key)})
	}
	s.view.argv.Store(copySize(p.args))
	s.parked.Store(p)
	s.srv.blocked.Add(1)
	if p.timed {
		s.conn.SetTimer(now + min(block.TimeoutMS, maxParkMS)*int64(time.Millisecond))
	}
}

// enqueue adds p to the queue of a key; once, also if the command names the key
// twice: since all its shards are locked, p is the last there if it is there.
func (s *Server) enqueue(p *parked, key waitKey) {
	shard := s.store.ShardOf([]byte(key.key))
	waiting := s.queues[shard][key]
	if waiting == nil {
		waiting = list.New()
		s.queues[shard][key] = waiting
		s.blockingKeys.Add(1)
	} else if waiting.Back().Value.(*place).owner == p {
		return
	}
	p.places = append(p.places, place{owner: p, shard: shard, key: key})
	at := &p.places[len(p.places)-1]
	at.elem = waiting.PushBack(at)
	if p.moves {
		s.moves.add(shard, key.key, p.dest)
	}
	s.store.AddWaiter(shard, 1)
}

// leave takes p out of the queue of a key, whose shard is locked.
func (s *Server) leave(at *place) {
	if at.left {
		return
	}
	at.left = true
	waiting := s.queues[at.shard][at.key]
	waiting.Remove(at.elem)
	if p := at.owner; p.moves {
		s.moves.remove(at.shard, at.key.key, p.dest)
	}
	if waiting.Len() == 0 {
		delete(s.queues[at.shard], at.key)
		s.blockingKeys.Add(-1)
	}
	if len(at.owner.places) > keepInts && len(s.queues[at.shard]) == 0 {
		s.queues[at.shard] = queues{} // a map keeps the room it once needed
	}
	s.store.AddWaiter(at.shard, -1)
}

// unpark ends the waiting of p, whose end has been claimed: reply writes the
// answer. It is called where the session's methods are, with no shard locked.
func (s *Session) unpark(p *parked, reply func(w *resp.Writer)) {
	if s.parked.Load() != p {
		return // the connection was closed meanwhile
	}
	s.endPark(p)
	w := s.w
	if s.out == nil {
		s.out = w.buffer()
	}
	w.out.SetBuffer(s.out)
	w.out.SetProto(s.proto)
	w.hear(s)
	w.mark, w.answered = w.out.Mark(), nil
	reply(&w.out)
	w.failed(w.mark)
	w.hush(s, w.mark)
	s.out = w.out.Bytes()
	s.run()
}

// endPark takes a command whose end has been claimed out of all queues.
func (s *Session) endPark(p *parked) {
	s.srv.blocked.Add(-1)
	s.parked.Store(nil)
	s.view.argv.Store(0)
	s.conn.SetTimer(0)
	for i := range p.places {
		s.srv.lockAndLeave(&p.places[i])
	}
}

func (s *Server) lockAndLeave(at *place) {
	s.store.Lock(at.shard)
	defer s.store.Unlock(at.shard)
	s.leave(at)
}

// expirePark is the timeout of the parked command.
func (s *Session) expirePark() {
	if p := s.parked.Load(); p != nil && p.claim() {
		s.unpark(p, func(w *resp.Writer) { p.onTimeout(w) })
	}
}

// abandonPark ends the waiting of a session that is gone.
func (s *Session) abandonPark() {
	if p := s.parked.Load(); p != nil {
		p.claim() // served just now or not: there is no one to be told
		s.endPark(p)
	}
}

// unblock is CLIENT UNBLOCK; any goroutine may call it. It reports whether the
// session was parked.
func (s *Session) unblock(withError bool) bool {
	p := s.parked.Load()
	if p == nil || !p.claim() {
		return false
	}
	s.conn.Post(func() {
		s.unpark(p, func(w *resp.Writer) {
			if withError {
				w.Error(errUnblocked)
				return
			}
			p.onTimeout(w)
		})
	})
	return true
}

// serving runs parked commands whose keys have got data, for one worker. It
// has a Ctx and a DB of its own: those of the worker are in use by the command
// that brought the data.
type serving struct {
	w     *worker
	ctx   commands.Ctx
	db    *store.DB
	out   resp.Writer
	ready []waitKey
}

func (v *serving) init(w *worker) {
	v.w, v.db = w, w.srv.store.NewDB()
	v.ctx = commands.Ctx{Reply: &v.out, DB: v.db, Rand: w.srv.rand, Host: w.srv}
}

// keys serves the clients that wait for the keys, in the order in which the
// keys got data, and then those who wait for what the served commands brought.
// Each served command stops waiting, so this ends.
func (v *serving) keys(ready []store.ReadyKey) {
	v.note(ready)
	v.serveNoted()
}

// databases tries the keys that are waited for in some databases, with all shards
// locked: SWAPDB gives them other keys without naming these.
func (v *serving) databases(swapped []int) {
	srv := v.w.srv
	hasKeys := map[int]bool{}
	for _, db := range swapped {
		hasKeys[db] = srv.store.Size(db) > 0
	}
	for _, q := range srv.queues {
		for key := range q {
			if !hasKeys[key.db] {
				continue
			}
			v.db.Begin(key.db, v.w.ctx.NowMS)
			if v.db.Has([]byte(key.key)) {
				v.ready = append(v.ready, key)
			}
		}
	}
	slices.SortFunc(v.ready, func(a, b waitKey) int {
		return cmp.Or(cmp.Compare(a.db, b.db), cmp.Compare(a.key, b.key))
	})
	v.serveNoted()
}

func (v *serving) serveNoted() {
	defer v.forget()
	for i := 0; i < len(v.ready); i++ {
		v.key(v.ready[i])
	}
}

// forget makes v ready for the next time, also after a panic: which keys have
// data is forgotten, and what the served clients' commands and replies took.
func (v *serving) forget() {
	clear(v.ready)
	if v.ready = v.ready[:0]; cap(v.ready) > keepInts {
		v.ready = nil
	}
	v.ctx.End()
	v.db.End()
	v.takeLarge()
}

// takeLarge returns the reply that was written, for good, if it is large.
func (v *serving) takeLarge() []byte {
	b := v.out.Bytes()
	if cap(b) <= keepBytes {
		return nil
	}
	v.out.SetBuffer(nil)
	return b
}

func (v *serving) note(ready []store.ReadyKey) {
	for _, r := range ready {
		v.ready = append(v.ready, waitKey{r.DB, string(r.Key)})
	}
}

// key serves those who wait for one key, the first come first, while it holds data.
func (v *serving) key(key waitKey) {
	srv := v.w.srv
	shard := srv.store.ShardOf([]byte(key.key))
	waiting := srv.queues[shard][key]
	if waiting == nil {
		return
	}
	for e := waiting.Front(); e != nil; {
		at := e.Value.(*place)
		e = e.Next()
		v.db.Begin(key.db, v.w.ctx.NowMS)
		if !v.db.Has([]byte(key.key)) {
			return
		}
		if v.serve(at.owner, key, shard) {
			srv.leave(at)
		}
	}
}

// serve runs a parked command for a key and reports whether that ended its
// waiting. Commands that want another type than the key has go on waiting.
func (v *serving) serve(p *parked, key waitKey, shard int) (done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done || p.session.killed.Load() {
		return true // and what there is stays for the next, or for nobody
	}
	defer func() {
		if cause := recover(); cause != nil {
			p.done, done = true, true
			v.w.srv.crashed(p.spec, p.changes(v.w.srv.store, shard), cause, debug.Stack())
			s := p.session
			s.conn.Post(func() { s.aborted = true })
		}
	}()
	begun := v.w.srv.clock()
	v.run(p, key)
	if v.out.Len() == 0 {
		return false
	}
	p.done = true
	s, reply := p.session, v.takeLarge()
	if reply == nil {
		reply = bytes.Clone(v.out.Bytes())
	}
	v.w.watch.served(s, &v.ctx, v.w.srv.clock()-begun)
	end := v.record(p)
	s.conn.Post(func() {
		if s.parked.Load() == p {
			s.owe(end)
		}
		s.unpark(p, func(w *resp.Writer) { w.Raw(reply) })
	})
	v.note(v.db.ReadyKeys())
	return true
}

// record logs what a served command has changed, and returns the position behind that.
func (v *serving) record(p *parked) (end int64) {
	if v.ctx.Changed() {
		v.w.changed()
	}
	if !v.ctx.Journal {
		return 0
	}
	if effects := v.ctx.TakeWhole(); len(effects) > 0 {
		end = v.w.append(p.db, effects)
	}
	return end
}

// changes are the shards that p changes when a key of one of them serves it.
func (p *parked) changes(st *store.Store, shard int) []int {
	if !p.moves {
		return []int{shard}
	}
	return []int{shard, st.ShardOf([]byte(p.dest))}
}

// run calls the handler of a parked command for one key.
func (v *serving) run(p *parked, key waitKey) {
	v.out.Reset()
	v.out.SetProto(p.proto)
	c := &v.ctx
	c.Begin(p.spec, p.args)
	c.Client, c.Served, c.NowMS = p.session, []byte(key.key), v.w.ctx.NowMS
	v.db.Begin(p.db, c.NowMS)
	if p.noTouch {
		v.db.NoTouch()
	}
	if p.moves && !slices.Contains(v.w.locks.held, v.w.srv.store.ShardOf([]byte(p.dest))) {
		panic(fmt.Sprintf("server: %s is served while the shard of its destination is not locked", p.spec.FullName()))
	}
	c.Journal = v.w.srv.journal.log.Load() != nil
	v.w.srv.observe(c)
	p.spec.Run(c)
}
