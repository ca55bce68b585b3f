package server

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"quarry/commands"
	"quarry/server/config"
)

// As in Redis: a login that is refused like one of the last few not long ago is counted there. Who guesses
// passwords fills one entry and does not push out the others.
const (
	denialGroupAmong = 10
	denialGroupMS    = 60_000
)

// denialMaxUser is how many bytes of a user's name are kept, denialMaxClient how many of what describes the
// client, with the name it gave itself: both are chosen by whom we do not know.
const (
	denialMaxUser   = 1024
	denialMaxClient = 4096
)

// cut is a copy of the beginning of text, so that the rest is not kept with it.
func cut(text string, most int) string { return strings.Clone(text[:min(len(text), most)]) }

// denials keeps the last acllog-max-len refused logins.
type denials struct {
	cfg   *config.Config
	total atomic.Int64 // that there were, also of those that are gone

	mu      sync.Mutex
	entries []commands.Denial // the last updated first
	nextID  int64
}

// add enters a refused login, of which context, object, user, client and the time of creation are set.
func (l *denials) add(d commands.Denial) {
	l.total.Add(1)
	d.User, d.Client = cut(d.User, denialMaxUser), cut(d.Client, denialMaxClient)
	d.Count, d.UpdatedMS = 1, d.CreatedMS
	l.mu.Lock()
	defer l.mu.Unlock()
	isRepeat := func(e commands.Denial) bool {
		return e.Context == d.Context && e.Object == d.Object && e.User == d.User && d.CreatedMS-e.UpdatedMS <= denialGroupMS
	}
	if i := slices.IndexFunc(l.entries[:min(len(l.entries), denialGroupAmong)], isRepeat); i >= 0 {
		earlier := l.entries[i]
		d.Count += earlier.Count
		d.ID, d.CreatedMS = earlier.ID, earlier.CreatedMS
		l.entries = slices.Delete(l.entries, i, i+1)
	} else {
		d.ID = l.nextID
		l.nextID++
	}
	l.entries = slices.Insert(l.entries, 0, d)
	if most := l.cfg.ACLLogMaxLen.Load(); len(l.entries) > most {
		l.entries = slices.Delete(l.entries, most, len(l.entries))
	}
}

// last lists the n entries that were updated last.
func (l *denials) last(n int) []commands.Denial {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries[:min(n, len(l.entries))])
}

// reset drops the entries; their numbers are not used again.
func (l *denials) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}
