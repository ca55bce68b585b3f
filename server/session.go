package server

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"quarry/commands"
	"quarry/server/eventloop"
	"quarry/server/resp"
)

// endpoint is a session's way to its connection; a transport implements it.
type endpoint interface {
	// Post has fn run where the session's other methods are run, and what it
	// wrote sent. It may be called by any goroutine; when the connection is
	// gone, nothing happens.
	Post(fn func())
	// SetTimer has Session.Expired called at a time of the server's clock; 0 clears it.
	SetTimer(at int64)
	// Notify says that the session has output, or wants something else, though none of its
	// methods was called. It is called where they are.
	Notify()
	FD() int
	// RemoteAddr and LocalAddr are ip:port, or the path of a Unix socket and ":0".
	RemoteAddr() string
	LocalAddr() string
	// Unix says that it is a Unix socket, Loopback that the client is on this machine.
	Unix() bool
	Loopback() bool
}

// Session is one connection: bytes go in by Feed, replies come out by Output.
// It has no socket, and its methods are called by one goroutine at a time; what
// others may read is in view, killed, parked and paused.
//
// Input is run as far as it goes in a turn. What stops it earlier:
//
//	more     the turn is over; Resume goes on
//	stalled  too much is unsent; Resume goes on when it is sent
//	held     what it published is to be handed out first; goOn goes on
//	barrier  input is run, output waits until the log is safe
//	parked   a blocking command waits; input is kept, unpark goes on
//	paused   CLIENT PAUSE has a command wait; input is kept, goOnPostponed goes on
//	closing  nothing is run any more, the output is sent first
//	aborted  nothing is run any more, the output is tried once
type Session struct {
	srv    *Server
	conn   endpoint
	w      *worker // of the goroutine that runs the session now
	framer resp.Framer
	limits resp.Limits // what framer reads; a copy of *limitsOf
	// limitsOf is the server's limits that were copied.
	limitsOf *resp.Limits

	out  []byte // replies; nil if there are none
	sent int    // how many bytes of out are sent

	id             int64
	db             int
	proto          int
	authenticated  bool
	noTouch        bool
	silence        silence
	more           bool
	stalled        bool
	held           bool
	closing        bool
	aborted        bool
	closingSince   int64 // seconds of the server's clock: when closing began, or the client last took some output
	softSince      int64 // since when the output is over the soft limit; 0: it is not
	accounted      int64 // what the server's total of unsent bytes includes for this session
	accountedInput int64 // the same of the input of clients that wait

	subscriber

	barrier    int64   // up to where the log has to be safe before output is sent; 0: nowhere
	owingSince int64   // by the server's clock: since when output waits for that; 0: it does not
	awaited    *worker // that has the session in its list of those who wait for the log

	multi     *transaction             // MULTI was called; nil: not
	watched   atomic.Pointer[watchSet] // by WATCH; nil: nothing
	parked    atomic.Pointer[parked]   // the blocking command that waits, if any
	postponed [][]byte                 // a copy of the command that a pause has held up: the next to be run
	paused    atomic.Bool              // it waits for the end of the pause
	killed    atomic.Bool              // by CLIENT KILL
	view      view
}

// view is what other goroutines may read of a session: CLIENT LIST and KILL.
// It is kept up to date as things happen or at the end of a turn.
type view struct {
	created    int64 // seconds of the server's clock
	fd         int
	addr       string
	laddr      string
	unix       bool
	active     atomic.Int64 // seconds of the server's clock
	cmd        atomic.Pointer[commands.Spec]
	db         atomic.Int32
	proto      atomic.Int32
	queued     atomic.Int64 // bytes of input waiting
	inputCap   atomic.Int64 // memory held for input
	argv       atomic.Int64 // which the command that waits takes
	unsent     atomic.Int64 // bytes of output waiting for the client
	multi      atomic.Int64 // commands queued since MULTI; -1: there was none
	multiBytes atomic.Int64 // which they take
	watched    atomic.Int64 // keys
	taken      atomic.Int64 // seconds of the server's clock: when it last took some, or began to wait
	closing    atomic.Bool
	noEvict    atomic.Bool
	noTouch    atomic.Bool
	topics     [topicKinds]atomic.Int32 // subscriptions

	mu      sync.Mutex // guards the names
	name    string
	libName string
	libVer  string
	user    string
}

// silence is what CLIENT REPLY asked for.
type silence uint8

const (
	answering silence = iota
	silent            // OFF: until ON
	skipNext          // SKIP: the command after this one
	skipThis
)

// hushed reports whether the client does not want to hear what is being answered.
func (s *Session) hushed() bool { return s.silence == silent || s.silence == skipThis }

// newSession makes the session of a connection that has been let in.
func newSession(srv *Server, conn endpoint, id int64) *Session {
	s := &Session{srv: srv, conn: conn, id: id, proto: 2}
	s.limitsOf = srv.limits.Load()
	s.limits = *s.limitsOf
	s.framer.Reset(&s.limits)
	s.login(srv.cfg.RequirePass.Load() == "")
	v := &s.view
	v.created = srv.seconds()
	v.fd, v.addr, v.laddr, v.unix = conn.FD(), conn.RemoteAddr(), conn.LocalAddr(), conn.Unix()
	v.user = defaultUser
	v.active.Store(v.created)
	v.proto.Store(2)
	v.multi.Store(-1)
	return s
}

// Feed takes bytes that arrived and runs the commands that are complete.
func (s *Session) Feed(in []byte) {
	s.w.stats.readBytes(len(in))
	s.framer.Feed(in)
	s.run()
}

// Resume goes on with input that was fed earlier.
func (s *Session) Resume() { s.run() }

// run runs commands until the input, the turn or the session's state ends it.
func (s *Session) run() {
	w := s.w
	if s.overdrawn() {
		s.giveUp("client without the password does not read its replies; closed")
		return
	}
	w.begin(s)
	defer w.end(s)
	s.more, s.stalled = false, false
	if s.waits() && int64(s.framer.Buffered()) > s.limits.MaxQuery {
		s.protocolError(resp.ErrQueryLimit)
		return
	}
	for s.runnable() {
		if w.turnOver(s) {
			s.more = s.framer.Buffered() > 0 || s.postponed != nil
			return
		}
		if s.postponed == nil && s.framer.Done() {
			return // and leaves the arguments of the last command where they are
		}
		w.hear(s)
		w.intact = false
		args, ok, err := s.nextCommand()
		if err != nil {
			s.protocolError(err)
			return
		}
		if !ok {
			return
		}
		w.execute(s, args)
		if w.loud && s.hold() {
			return
		}
	}
}

// nextCommand is the one that was postponed, or the next of the input.
func (s *Session) nextCommand() (args [][]byte, ok bool, err error) {
	if args = s.postponed; args != nil {
		s.postponed = nil
		s.view.argv.Store(0)
		return args, true, nil
	}
	return s.framer.Next()
}

// runnable says whether the next command may be run. It notices the moment at
// which too much output is waiting.
func (s *Session) runnable() bool {
	if s.closing || s.aborted || s.held || s.killed.Load() || s.waits() || s.srv.stopping.Load() {
		return false
	}
	if unsent := s.unsent(); unsent > countBytes && s.srv.crowded() && unsent > s.srv.share() {
		s.stalled = true
		return false
	}
	return true
}

// protocolError answers what is no command and closes the connection: where
// the next command begins is not known. Redis closes a client that went over
// the query buffer limit without a word.
func (s *Session) protocolError(err error) {
	if err == resp.ErrQueryLimit {
		s.cutOff("client went over client-query-buffer-limit; closed")
		s.srv.counters.queryOverflows.Add(1)
		return
	}
	s.srv.log.Debug("protocol error", slog.Any("err", err), slog.String("client", s.view.addr))
	w := s.w
	w.mark, w.answered = w.out.Mark(), nil
	w.out.Error("ERR " + err.Error())
	w.failed(w.mark)
	w.hush(s, w.mark)
	s.CloseAfterReply()
}

// Wants says what the transport is to do next.
func (s *Session) Wants() eventloop.Wants {
	switch {
	case s.aborted || s.killed.Load():
		return eventloop.Abort
	case s.owes():
		return s.wantsOwing()
	case s.closing:
		return eventloop.Close
	case s.more:
		return eventloop.More
	case s.stalled:
		return eventloop.Drain | eventloop.Mute
	case s.held, s.accountedInput > 0 && s.srv.waitingInput.Load() > waitingTotal:
		return eventloop.Mute
	}
	return 0
}

// wantsOwing is Wants of a session whose output waits for the log.
func (s *Session) wantsOwing() eventloop.Wants {
	switch {
	case s.closing, s.stalled, s.held:
		return eventloop.Mute
	case s.more:
		return eventloop.More
	}
	return 0
}

// unsent is how many bytes are to be sent.
func (s *Session) unsent() int { return len(s.out) - s.sent + s.waiting }

// Output is the beginning of what is to be sent; with nothing left, or while that waits for the log, it is empty.
func (s *Session) Output() []byte {
	if s.barrier != 0 && s.owes() {
		return nil
	}
	if s.waiting > 0 {
		return s.gather()
	}
	return s.out[s.sent:]
}

// Sent says that n more bytes of the output have been sent; none, if the
// client takes no more for now. When all are, the buffer goes back to the worker:
// an idle session has none.
func (s *Session) Sent(n int) {
	if n > 0 {
		s.w.stats.wroteBytes(n)
	}
	if own := min(n, len(s.out)-s.sent); own < n {
		s.sentMessages(n - own)
		s.sent += own
	} else {
		s.sent += n
	}
	switch {
	case s.sent == len(s.out):
		s.w.Recycle(s.out)
		s.out, s.sent = nil, 0
		if s.accounted == 0 && s.waiting == 0 {
			return // as nearly always
		}
	case cap(s.out) > keepBytes && cap(s.out) > fillFactor*(len(s.out)-s.sent):
		// A client that is never quite up to date must not keep all it was ever sent, nor a large buffer for little.
		out := append(s.w.sized(len(s.out)-s.sent), s.out[s.sent:]...)
		s.w.Recycle(s.out)
		s.out, s.sent = out, 0
	}
	if n > 0 {
		s.progress()
	}
	s.account()
}

// account brings the totals of unsent output up to date: when the client has
// not taken all of it, and at the end of a turn that leaves much.
func (s *Session) account() {
	own := int64(len(s.out) - s.sent + (len(s.list)-s.next)*pointerBytes)
	if own != s.accounted {
		if s.view.unsent.Load() == 0 {
			s.view.taken.Store(s.srv.seconds())
		}
		s.srv.unsent.Add(own - s.accounted)
		s.accounted = own
	}
	setInt64(&s.view.unsent, int64(s.unsent()))
}

// Expired is called when the time set with endpoint.SetTimer has come.
func (s *Session) Expired() { s.expirePark() }

// Sweep is called about once a second.
func (s *Session) Sweep() { s.checkTime() }

// Closed is called when the connection is gone.
func (s *Session) Closed() {
	s.aborted = true
	s.abandonPark()
	s.dropPostponed()
	s.forsake()
	s.resignRest()
	s.dropAll()
	s.out, s.sent = nil, 0
	s.account()
	s.accountInput()
	s.srv.clients.remove(s)
}

// show brings view up to date at the end of a turn.
func (s *Session) show() {
	setInt64(&s.view.queued, int64(s.framer.Buffered()))
	setInt64(&s.view.inputCap, int64(s.framer.Cap()))
	setInt64(&s.view.watched, int64(s.watches()))
	s.accountInput()
	s.publishMulti()
}

// setInt64 stores only what is new: a store costs other processors their copy.
func setInt64(to *atomic.Int64, n int64) {
	if to.Load() != n {
		to.Store(n)
	}
}

// ---- commands.Client ----

// ID is the client's number.
func (s *Session) ID() int64 { return s.id }

// Addr is the client's address.
func (s *Session) Addr() string { return s.view.addr }

// Name is what CLIENT SETNAME set.
func (s *Session) Name() string {
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	return s.view.name
}

// SetName sets the client's name.
func (s *Session) SetName(name string) { s.setText(&s.view.name, name) }

// SetLibName notes the name of the client's library.
func (s *Session) SetLibName(name string) { s.setText(&s.view.libName, name) }

// SetLibVer notes the version of the client's library.
func (s *Session) SetLibVer(version string) { s.setText(&s.view.libVer, version) }

func (s *Session) setText(field *string, text string) {
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	*field = text
}

// User is the name of the user: there is one.
func (s *Session) User() string { return defaultUser }

// Select changes the database.
func (s *Session) Select(index int) {
	s.db = index
	s.view.db.Store(int32(index))
}

// Database is the selected database.
func (s *Session) Database() int { return s.db }

// SetProto changes the protocol, from the next thing written on.
func (s *Session) SetProto(version int) {
	s.proto = version
	s.w.out.SetProto(version)
	s.view.proto.Store(int32(version))
}

// Authenticated reports whether the client may run commands that need a login.
func (s *Session) Authenticated() bool {
	return s.authenticated || s.srv.cfg.RequirePass.Load() == ""
}

// Authenticate checks a user's password and logs the client in if it is right.
func (s *Session) Authenticate(user, password string) bool {
	if user != defaultUser || !samePassword(password, s.srv.cfg.RequirePass.Load()) {
		return false
	}
	s.login(true)
	return true
}

func (s *Session) login(in bool) {
	s.authenticated = in
	s.framer.SetAuthenticated(in)
}

// Reset makes the session what it was when it began, except for its id.
func (s *Session) Reset() {
	s.resignAll()
	s.SetProto(2)
	s.Select(0)
	s.SetName("")
	if s.silence != skipThis { // a SKIP before this very call still holds for its reply
		s.silence = answering
	}
	s.SetNoEvict(false)
	s.SetNoTouch(false)
	s.forsake()
	s.login(s.srv.cfg.RequirePass.Load() == "")
}

// MayDebug reports whether the client may call DEBUG.
func (s *Session) MayDebug() bool {
	allowed := s.srv.cfg.EnableDebugCommand.Load()
	return allowed == "yes" || allowed == "local" && s.conn.Loopback()
}

// Abort runs nothing more and closes at once.
func (s *Session) Abort() { s.aborted = true }

// CloseAfterReply runs nothing more and closes when the output is sent.
func (s *Session) CloseAfterReply() {
	s.closing = true
	s.closingSince = s.srv.seconds()
	s.view.closing.Store(true)
}

// SetReply is CLIENT REPLY.
func (s *Session) SetReply(m commands.ReplyMode) {
	switch {
	case m == commands.ReplyOn:
		s.silence = answering
	case m == commands.ReplyOff:
		s.silence = silent
	case s.silence != silent:
		s.silence = skipNext
	}
}

// SetNoEvict is CLIENT NO-EVICT.
func (s *Session) SetNoEvict(on bool) { s.view.noEvict.Store(on) }

// SetNoTouch is CLIENT NO-TOUCH.
func (s *Session) SetNoTouch(on bool) {
	s.noTouch = on
	s.view.noTouch.Store(on)
}
