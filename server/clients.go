package server

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"quarry/commands"
)

// registry is the list of clients. Those being killed are not in it any more.
type registry struct {
	next atomic.Int64 // the last id given

	mu   sync.Mutex
	byID map[int64]*Session
}

func (r *registry) newID() int64 { return r.next.Add(1) }

// add enters a session unless there are limit of them already.
func (r *registry) add(s *Session, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.byID) >= limit {
		return false
	}
	if r.byID == nil {
		r.byID = map[int64]*Session{}
	}
	r.byID[s.id] = s
	return true
}

// remove takes a session out and reports whether it was there.
func (r *registry) remove(s *Session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.byID[s.id]
	delete(r.byID, s.id)
	return ok
}

// count is the number of clients.
func (r *registry) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byID)
}

func (r *registry) get(id int64) *Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}

// all lists the sessions in the order they came.
func (r *registry) all() []*Session {
	r.mu.Lock()
	list := make([]*Session, 0, len(r.byID))
	for _, s := range r.byID {
		list = append(list, s)
	}
	r.mu.Unlock()
	slices.SortFunc(list, func(a, b *Session) int { return cmp.Compare(a.id, b.id) })
	return list
}

// chosen lists the sessions with the ids, in this order and as often as they are
// named, or all if there are no ids.
func (r *registry) chosen(ids []int64) []*Session {
	if len(ids) == 0 {
		return r.all()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*Session
	for _, id := range ids {
		if s := r.byID[id]; s != nil {
			list = append(list, s)
		}
	}
	return list
}

// ClientList is CLIENT LIST: a line for each client that matches.
func (s *Server) ClientList(f commands.ClientFilter) string {
	var b []byte
	for _, client := range s.clients.chosen(f.IDs) {
		if client.matches(&f) {
			b = append(client.appendInfo(b), '\n')
		}
	}
	return string(b)
}

// ClientKill closes the clients that match and returns their number. They are
// off the list at once and gone when their loops have heard of it.
func (s *Server) ClientKill(f commands.ClientFilter) int {
	killed := 0
	for _, client := range s.clients.chosen(f.IDs) {
		if client.matches(&f) && s.kill(client) {
			killed++
		}
	}
	return killed
}

// kill closes a client and reports whether it is the first to do so.
func (s *Server) kill(client *Session) bool {
	if !s.clients.remove(client) {
		return false
	}
	client.killed.Store(true)
	client.conn.Post(func() {}) // its loop asks what it wants: to be closed
	return true
}

// ClientExists reports whether there is a client with the id.
func (s *Server) ClientExists(id int64) bool { return s.clients.get(id) != nil }

// ClientUnblock is CLIENT UNBLOCK.
func (s *Server) ClientUnblock(id int64, withError bool) bool {
	client := s.clients.get(id)
	return client != nil && client.unblock(withError)
}

// matches reports whether the client is one that f selects; f.IDs has been looked at.
func (s *Session) matches(f *commands.ClientFilter) bool {
	v := &s.view
	switch {
	case f.Addr != nil && *f.Addr != v.addr:
	case f.LAddr != nil && *f.LAddr != v.laddr:
	case f.Type != "" && f.Type != s.kind():
	case f.User != "" && f.User != defaultUser:
	case f.SkipMe && f.Self == s.id:
	case f.MaxAge > 0 && s.srv.seconds()-v.created < f.MaxAge:
	default:
		return true
	}
	return false
}

// kind is the client's type as filters name it.
func (s *Session) kind() string {
	if s.view.subscribed() {
		return "pubsub"
	}
	return "normal"
}

// subscribed reports whether the client is subscribed to anything.
func (v *view) subscribed() bool {
	for kind := range v.topics[:monitorTopic] {
		if v.topics[kind].Load() > 0 {
			return true
		}
	}
	return false
}

// show notes the last command that was called; nil: there is none of that name.
func (v *view) show(spec *commands.Spec) {
	if v.cmd.Load() != spec { // a store costs other processors their copy
		v.cmd.Store(spec)
	}
}

// Info is the client's line of CLIENT LIST. Any goroutine may ask.
func (s *Session) Info() string { return string(s.appendInfo(nil)) }

// appendInfo appends the line. What belongs to features that are not there
// (tracking) has the value it has for a client of Redis
// that does not use them.
func (s *Session) appendInfo(b []byte) []byte {
	v := &s.view
	now := s.srv.seconds()
	queued, inputCap, unsent := v.queued.Load(), v.inputCap.Load(), v.unsent.Load()
	v.mu.Lock()
	name, libName, libVer, user := v.name, v.libName, v.libVer, v.user
	v.mu.Unlock()
	cmd := "NULL"
	if spec := v.cmd.Load(); spec != nil {
		cmd = spec.FullName()
	}
	events := "r"
	if unsent > 0 {
		events = "rw"
	}
	b = appendNumber(b, "id=", s.id)
	b = appendText(b, " addr=", v.addr)
	b = appendText(b, " laddr=", v.laddr)
	b = appendNumber(b, " fd=", int64(v.fd))
	b = appendText(b, " name=", name)
	b = appendNumber(b, " age=", now-v.created)
	b = appendNumber(b, " idle=", max(now-v.active.Load(), 0))
	b = appendText(b, " flags=", s.flags())
	b = appendNumber(b, " db=", int64(v.db.Load()))
	b = appendNumber(b, " sub=", int64(v.topics[commands.Channels].Load()))
	b = appendNumber(b, " psub=", int64(v.topics[commands.Patterns].Load()))
	b = appendNumber(b, " ssub=", int64(v.topics[commands.ShardChannels].Load()))
	b = appendNumber(b, " multi=", v.multi.Load())
	b = appendNumber(b, " watch=", s.watchedKeys())
	b = appendNumber(b, " qbuf=", queued)
	b = appendNumber(b, " qbuf-free=", max(inputCap-queued, 0))
	b = appendNumber(b, " argv-mem=", v.argv.Load())
	b = appendNumber(b, " multi-mem=", v.multiBytes.Load())
	b = appendNumber(b, " rbs=", bufferBytes)
	b = append(b, " rbp=0 obl=0"...)
	b = appendNumber(b, " oll=", min(unsent, 1))
	b = appendNumber(b, " omem=", unsent)
	b = appendNumber(b, " tot-mem=", sessionBytes+inputCap+unsent+v.argv.Load()+v.multiBytes.Load())
	b = appendText(b, " events=", events)
	b = appendText(b, " cmd=", cmd)
	b = appendText(b, " user=", user)
	b = appendNumber(b, " redir=-1 resp=", int64(v.proto.Load()))
	b = appendText(b, " lib-name=", libName)
	return appendText(b, " lib-ver=", libVer)
}

// watchedKeys is how many keys the client watches: none, as in Redis, once one of them was changed.
func (s *Session) watchedKeys() int64 {
	if s.touched() {
		return 0
	}
	return s.view.watched.Load()
}

// sessionBytes is about what a session takes beside its buffers.
const sessionBytes = 1024

// flags are the letters CLIENT LIST shows for a client's state.
func (s *Session) flags() string {
	v := &s.view
	var b strings.Builder
	for _, f := range []struct {
		letter byte
		set    bool
	}{
		{'O', v.topics[monitorTopic].Load() > 0},
		{'P', v.subscribed()},
		{'x', v.multi.Load() >= 0},
		{'b', s.waits()},
		{'d', s.touched()},
		{'c', v.closing.Load()},
		{'U', v.unix},
		{'e', v.noEvict.Load()},
		{'T', v.noTouch.Load()},
	} {
		if f.set {
			b.WriteByte(f.letter)
		}
	}
	if b.Len() == 0 {
		return "N"
	}
	return b.String()
}

func appendNumber(b []byte, label string, n int64) []byte {
	return strconv.AppendInt(append(b, label...), n, 10)
}

func appendText(b []byte, label, text string) []byte {
	return append(append(b, label...), text...)
}
