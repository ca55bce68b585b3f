package server

import (
	"quarry/commands"
	"quarry/store"
)

// observer is who commands and the store tell of changed keys, with the keys'
// shards locked. One serves all workers, and the goroutine that reclaims expired keys.
//
// The gate gives it to a command only while somebody is interested: it looks at
// Server.observing when the command's shards are locked, and who becomes interested
// in a key counts himself there under the lock of its shard. So nothing is missed, and
// when nobody is interested a command pays for one load.
type observer struct{ srv *Server }

// Observing reports whether anybody wants to know: the log wants to know of keys that expire. Nobody is told of what is loaded.
func (o *observer) Observing() bool {
	return (o.srv.observing.Load() > 0 || o.srv.journal.log.Load() != nil) && !o.srv.persist.loading.Load()
}

// Modified is called after a command has changed a key.
func (o *observer) Modified(db int, class commands.Class, event string, key []byte) {
	o.srv.touch(db, key)
	o.srv.publishEvent(db, class, event, key)
}

// Created is called when a key has been made.
func (o *observer) Created(db int, key []byte) {
	o.srv.publishEvent(db, commands.ClassNew, "new", key)
}

// Missed is called when a command finds no key to read.
func (o *observer) Missed(db int, key []byte) {
	o.srv.publishEvent(db, commands.ClassMiss, "keymiss", key)
}

// Expired is called before the store deletes a key whose time is over.
func (o *observer) Expired(db int, key []byte) {
	o.srv.logDelete(db, key)
	o.Modified(db, commands.ClassExpired, "expired", key)
}

// MembersExpired is called when the time of some members of a field is over.
func (o *observer) MembersExpired(db int, key []byte, nowMS int64, gone bool) {
	if gone {
		o.srv.logDelete(db, key)
	} else {
		o.srv.logPurge(db, key, nowMS)
	}
	o.Modified(db, commands.ClassModule, "hunt.expired", key)
	if gone {
		o.Modified(db, commands.ClassGeneric, "del", key)
	}
}

// Flushing is called before a database is emptied: that changes the watched keys that are there.
func (o *observer) Flushing(d *store.DB, db int) {
	if o.srv.store.Size(db) > 0 { // of the databases most are empty, and what is watched may be very much
		o.srv.touchAll(db, func(key []byte) bool { return d.HasIn(db, key) })
	}
}

// Swapping is called before two databases are exchanged: that changes the watched keys
// that are in either.
func (o *observer) Swapping(d *store.DB, a, b int) {
	inEither := func(key []byte) bool { return d.HasIn(a, key) || d.HasIn(b, key) }
	o.srv.touchAll(a, inEither)
	o.srv.touchAll(b, inEither)
}

// observe gives a command its observer, if anybody is interested. The command's shards are locked.
func (s *Server) observe(c *commands.Ctx) {
	c.Observer = nil
	if s.observing.Load() > 0 {
		c.Observer = &s.observer
	}
}
