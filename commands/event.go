package commands

import "quarry/store"

// Class is a class of keyspace events, as notify-keyspace-events names them by a letter.
type Class uint16

// The classes, with their letters.
const (
	ClassGeneric Class = 1 << iota // g: what any type can have done to it
	ClassString                    // $
	ClassList                      // l
	ClassSet                       // s
	ClassHash                      // h
	ClassZSet                      // z
	ClassExpired                   // x
	ClassEvicted                   // e
	ClassMiss                      // m
	ClassNew                       // n
	ClassModule                    // d: of the types that are none of Redis' own
)

// Observer is told of changed keys as the running command changes them, their
// shards being locked: it marks the clients that WATCH them and publishes keyspace events.
type Observer interface {
	Modified(db int, class Class, event string, key []byte)
	// Flushing and Swapping are called, with all shards locked, before a database is emptied or two are
	// exchanged. d is the command's, to look at keys.
	Flushing(d *store.DB, db int)
	Swapping(d *store.DB, a, b int)
}

// Modified says that the command has changed, made or removed key. Handlers call it where Redis calls
// signalModifiedKey and notifyKeyspaceEvent, which is nearly always in one place:
// after the change, once for each event, and not at all where nothing was changed: what it is called for is logged (effect.go). It
// costs next to nothing while nobody observes.
func (c *Ctx) Modified(class Class, event string, key []byte) {
	c.changed = true
	if c.Observer != nil {
		c.Observer.Modified(c.DB.Index(), class, event, key)
	}
}

// ModifiedIn is Modified for a key of another database.
func (c *Ctx) ModifiedIn(db int, class Class, event string, key []byte) {
	c.changed = true
	if c.Observer != nil {
		c.Observer.Modified(db, class, event, key)
	}
}

// flush empties a database.
func (c *Ctx) flush(db int) {
	c.changed = true
	if c.Observer != nil {
		c.Observer.Flushing(c.DB, db)
	}
	c.DB.Store().FlushDB(db)
}

// swap exchanges two databases; clients that wait for keys may find them there.
func (c *Ctx) swap(a, b int) {
	if a == b {
		return
	}
	c.changed = true
	if c.Observer != nil {
		c.Observer.Swapping(c.DB, a, b)
	}
	c.DB.Store().SwapDB(a, b)
	c.swapped, c.hasSwapped = [2]int{a, b}, true
}
