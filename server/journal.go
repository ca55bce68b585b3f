package server

import (
	"strconv"
	"sync/atomic"
	"time"

	"quarry/commands"
)

// The gate's side of the append-only log. What a command changed is appended to the log as commands that
// do the same again, its effects, while the command's shards are locked: so the log has the changes of
// each key in their order. Nothing waits for the disk there. What waits are replies: each session knows up
// to which position the log has to be safe before its output may leave (Session.barrier), and
// at the end of a batch, before anything is sent, one write makes it so for all sessions of the loop.
//
//	command ─► effects ─► journal.Append ─► position ─► Session.barrier
//	                                                        │
//	end of batch ─► journal.Commit ─► Committed() ≥ barrier? ─► Output
//	                                        no: worker.awaiting, until committed() posts
//
// "Safe" is written to the file under appendfsync everysec and no, and synced under always. Under always a
// command that reads waits, too, for the last change of its shards.

// journal is the log as the gate uses it: *persistence.Log.
type journal interface {
	// Append adds effects, whole RESP commands of a database, and returns the position behind them.
	Append(db int, effects []byte) (end int64)
	// Commit has what is appended written, now or soon.
	Commit()
	// Committed is the position up to which replies may leave, Appended that of the end.
	Committed() int64
	Appended() int64
	// Refusal is the error that changes are refused with, "" if they are not.
	Refusal() string
}

// journaling is a server's journal and what the gate knows of it.
type journaling struct {
	log atomic.Pointer[journal] // nil: there is none
	// always says that replies wait for the disk itself; ends are then the positions behind the last change
	// of each shard, written with the shard locked.
	always atomic.Bool
	ends   []shardEnd
}

type shardEnd struct {
	at atomic.Int64
	tx *worker  // that runs a transaction with this shard locked; under its lock
	_  [48]byte // no two in a cache line
}

// setJournal has commands logged from now on, or with nil not any more. All shards are locked, or no
// command runs yet.
func (s *Server) setJournal(log journal) {
	if log == nil {
		s.journal.log.Store(nil)
		return
	}
	s.journal.log.Store(&log)
}

// journalNow is the journal, nil if there is none.
func (s *Server) journalNow() journal {
	if p := s.journal.log.Load(); p != nil {
		return *p
	}
	return nil
}

// record logs what the command that ran has changed, if anything; in a transaction it is kept until its end.
// Under always, who has only looked waits for what he may have seen.
func (w *worker) record(s *Session, c *commands.Ctx, db int) {
	if c.Changed() {
		w.changed()
	}
	if !c.Journal {
		return
	}
	if w.nested {
		w.collect(db, c.TakeEffects())
		return
	}
	if effects := c.TakeWhole(); len(effects) > 0 {
		s.owe(w.append(db, effects))
	} else if w.srv.journal.always.Load() {
		s.owe(w.seen(c.Spec))
	}
}

func (w *worker) changed() { w.changes.Store(w.changes.Load() + 1) }

// append appends effects of a command whose shards are locked.
func (w *worker) append(db int, effects []byte) (end int64) {
	j := &w.srv.journal
	log := w.srv.journalNow()
	if log == nil {
		return 0
	}
	end = log.Append(db, effects)
	if j.always.Load() {
		for _, shard := range w.locks.held {
			j.ends[shard].at.Store(end)
		}
	}
	return end
}

// seen is the position behind the last change that a command which has changed nothing may have seen: SETNX, too,
// tells that there is such a key.
func (w *worker) seen(spec *commands.Spec) (end int64) {
	if spec.Flags&(commands.ReadOnly|commands.Write) == 0 {
		return 0
	}
	if len(w.locks.held) == 0 { // it has looked at all shards, one after the other
		if log := w.srv.journalNow(); log != nil {
			return log.Appended()
		}
	}
	for _, shard := range w.locks.held {
		end = max(end, w.srv.journal.ends[shard].at.Load())
	}
	return end
}

var (
	multiEffect = []byte("*1\r\n$5\r\nMULTI\r\n")
	execEffect  = []byte("*1\r\n$4\r\nEXEC\r\n")
)

// collected are the effects of a transaction's commands, from its MULTI on.
type collected struct {
	bytes []byte
	db    int // of what comes next in bytes
	first int // database the log is at when they begin
}

// collect keeps the effects of a transaction's command.
func (w *worker) collect(db int, effects []byte) {
	if len(effects) == 0 {
		return
	}
	t := &w.effects
	if len(t.bytes) == 0 {
		t.bytes = append(t.bytes, multiEffect...)
		t.db, t.first = db, db
	}
	t.turnTo(db)
	t.bytes = append(t.bytes, effects...)
}

// turnTo has what follows be of another database.
func (t *collected) turnTo(db int) {
	if t.db == db {
		return
	}
	t.db = db
	number := strconv.Itoa(db)
	// In small letters, as in the log itself: capitals are the mark of Redis there.
	t.bytes = append(t.bytes, "*2\r\n$6\r\nselect\r\n$"...)
	t.bytes = strconv.AppendInt(t.bytes, int64(len(number)), 10)
	t.bytes = append(t.bytes, "\r\n"...)
	t.bytes = append(t.bytes, number...)
	t.bytes = append(t.bytes, "\r\n"...)
}

// endNested is called when the commands of a transaction have run, or one has panicked, with their shards still locked.
func (w *worker) endNested() {
	if w.nested {
		w.nested = false
		for _, shard := range w.locks.held {
			w.srv.journal.ends[shard].tx = nil
		}
	}
}

// keepEffects is how much room for effects a transaction leaves behind.
const keepEffects = 64 << 10

// recordQueue logs what a transaction has changed, as one transaction.
func (w *worker) recordQueue(s *Session) {
	t := &w.effects
	switch {
	case len(t.bytes) > 0:
		t.turnTo(t.first)
		t.bytes = append(t.bytes, execEffect...)
		s.owe(w.append(t.first, t.bytes))
	case w.srv.journal.always.Load():
		s.owe(w.seenByQueue(s))
	}
	if t.bytes = t.bytes[:0]; cap(t.bytes) > keepEffects {
		t.bytes = nil
	}
}

// seenByQueue is seen for a transaction.
func (w *worker) seenByQueue(s *Session) (end int64) {
	if s.multi.keyless {
		if log := w.srv.journalNow(); log != nil {
			return log.Appended()
		}
	}
	for _, shard := range w.locks.held {
		end = max(end, w.srv.journal.ends[shard].at.Load())
	}
	return end
}

// logDelete logs that a key's time is over. Its shard is locked, and the command
// that met it, if any, has not been logged yet.
func (s *Server) logDelete(db int, key []byte) {
	if log := s.journalNow(); log != nil {
		var room [128]byte
		s.logBy(log, db, key, commands.AppendCommand(room[:0], deleteName, key))
	}
}

// logPurge logs that members of a field, all whose time is before nowMS, are no more. Its shard is locked.
func (s *Server) logPurge(db int, key []byte, nowMS int64) {
	if log := s.journalNow(); log != nil {
		var room [128]byte
		s.logBy(log, db, key, commands.AppendCommand(room[:0], purgeName, key, strconv.AppendInt(nil, nowMS, 10)))
	}
}

// logBy logs what time has brought about: in a transaction that has the key's shard, in its place, since the transaction
// may have made the key, or exchanged databases.
func (s *Server) logBy(log journal, db int, key, effects []byte) {
	if w := s.journal.ends[s.store.ShardOf(key)].tx; w != nil {
		w.collect(db, effects)
		return
	}
	log.Append(db, effects)
}

var deleteName, purgeName = []byte("DEL"), []byte("HUNT.PURGE")

// owe has the session's output wait until the log is safe up to a position.
func (s *Session) owe(end int64) {
	if end > s.barrier {
		s.barrier = end
		s.w.owing = true
	}
}

// oweAll has the session's output wait until all that is in the log now is safe.
func (s *Session) oweAll() {
	if log := s.srv.journalNow(); log != nil {
		s.owe(log.Appended())
	}
}

// owes reports whether the output has to wait for the log. Who asks is told when it has not to any more.
func (s *Session) owes() bool {
	if s.barrier == 0 {
		return false
	}
	log := s.srv.journalNow()
	if log == nil || log.Committed() >= s.barrier {
		s.barrier, s.owingSince = 0, 0
		return false
	}
	w := s.w
	if s.owingSince == 0 {
		s.owingSince = max(w.srv.clock(), 1)
	}
	if s.awaited != w {
		s.awaited = w
		w.awaiting = append(w.awaiting, s)
	}
	w.awaits.Store(true)
	// Whoever commits looks at awaits afterwards: one of the two sees what the other has done.
	if log.Committed() >= s.barrier {
		s.barrier, s.owingSince = 0, 0
		return false
	}
	return true
}

// holdTime is how long replies wait for a log that does not work: then the connection is closed, so that the client
// knows that it does not know what became of its change. The change is in memory, and gets into the log when that works again.
const holdTime = 2 * time.Second

// forlorn reports whether the session's output has waited long for a log that does not work.
func (s *Session) forlorn(now int64) bool {
	if s.owingSince == 0 || now-s.owingSince < int64(holdTime) {
		return false
	}
	log := s.srv.journalNow()
	return log != nil && log.Refusal() != ""
}

// commit makes the log safe for the sessions of a loop's batch: before their output is sent.
func (s *Server) commit(loop int) {
	w := s.workers[loop]
	if !w.owing {
		return
	}
	w.owing = false
	if log := s.journalNow(); log != nil {
		log.Commit()
	}
}

// lingerTime is for how long a loop lets requests gather while replies wait for the disk.
const lingerTime = 50 * time.Microsecond

// linger has a loop wait a little, under always, while replies of its sessions wait for a sync: the clients that
// are not waiting then send what is run together, and share the next sync. It costs them no more than a part of a sync, and saves
// a turn of the loop for each.
func (s *Server) linger(loop int) {
	if s.journal.always.Load() && len(s.workers[loop].awaiting) > 0 {
		time.Sleep(lingerTime)
	}
}

// committed is called when more of the log has become safe, or it works, or does not, by any goroutine.
func (s *Server) committed() {
	for loop, w := range s.workers {
		if w.awaits.Swap(false) {
			s.transport.Post(loop, w.release)
		}
	}
}

// release has the sessions looked at that wait for the log.
func (w *worker) release() {
	list := w.awaiting
	w.awaiting = w.spare[:0]
	for i, s := range list {
		list[i] = nil
		if s.awaited == w {
			s.awaited = nil
			s.conn.Notify() // it comes back here if it has to wait longer
		}
	}
	w.spare = list[:0]
}

// errMisconf is what changes are refused with, "" if they are not: the log cannot be written, or the last snapshot could not.
func (s *Server) errMisconf() string {
	if log := s.journalNow(); log != nil {
		if refusal := log.Refusal(); refusal != "" {
			return refusal
		}
	}
	return s.persist.snapshotRefusal()
}
