package server

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"

	"quarry/server/config"
	"quarry/server/resp"
)

const (
	// A large reply buffer whose client has taken so much that the rest is not a fillFactor-th of it is
	// exchanged for another.
	fillFactor = 2

	// A client that waits for data or for the end of a pause is read on, up to
	// client-query-buffer-limit as in Redis: only so its hanging up is noticed, which
	// comes after all it has sent, and nothing is given to one that is gone. But while all who wait have
	// more than waitingTotal of input, those with more than parkedInput are not read.
	parkedInput  = 64 << 10
	waitingTotal = 256 << 20

	// A client may have as much unsent output as client-output-buffer-limit
	// lets it, by default any amount, as in Redis: a driver may write a huge
	// pipeline before it reads the first reply. Only while all clients together
	// have more than stallTotal unsent, those with more than their share run no
	// further commands until they have read their replies: with stallBytes, or
	// less if there are so many clients that this would come to more than stallTotal
	// again. Below countBytes a client's part may not be in the total. Published
	// messages are in it once, however many clients wait for them; since a subscriber that runs no
	// commands is sent more all the same, one with more than its share is closed.
	stallBytes = 1 << 20
	stallTotal = 256 << 20
	countBytes = 16 << 10

	// laggardSeconds is how long a client may have more than its share, and read
	// nothing, while others are stalled. Then it is closed, the one with the
	// most first: it may never read, and the others would wait for ever.
	laggardSeconds = 10

	// guestOutput is how much unsent output a client without the password may
	// have: about what Redis leaves to one, since CVE-2025-21605.
	guestOutput = 16 << 10

	// lingerSeconds is how long a client may read nothing of the last replies of
	// a connection that is closing.
	lingerSeconds = 10

	// pointerBytes is what a message that waits for a client takes of it alone.
	pointerBytes = 8

	// restSeconds is after how long an idle client's input buffer is given back.
	restSeconds = 10

	// reservedFDs are descriptors that are no clients: files, and what Go has for
	// itself. To them come the listeners, and those of the event loops: epoll, a
	// way to wake it, and io_uring.
	reservedFDs = 32
	loopFDs     = 3
)

const defaultUser = "default"

// errTooMany and errProtected refuse connections. The first sentence of the
// second is what clients know from Redis.
const (
	errTooMany   = "-ERR max number of clients reached\r\n"
	errProtected = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set " +
		"for the default user. In this mode connections are only accepted from the loopback interface. " +
		"To serve other machines, either set a password (directive requirepass, or CONFIG SET requirepass from this machine), " +
		"or turn the mode off (protected-mode no) if no stranger can reach this port.\r\n"
)

// admit says why a connection is not let in, or makes its session.
func (s *Server) admit(conn endpoint) (*Session, string) {
	if !conn.Loopback() && s.cfg.ProtectedMode.Load() && s.cfg.RequirePass.Load() == "" {
		s.counters.rejected.Add(1)
		return nil, errProtected
	}
	session := newSession(s, conn, s.clients.newID())
	if !s.clients.add(session, s.cfg.MaxClients.Load()) {
		s.counters.rejected.Add(1)
		return nil, errTooMany
	}
	s.counters.connections.Add(1)
	return session, ""
}

// checkFDs finds out how many clients the system's descriptor limit allows.
func (s *Server) checkFDs() {
	s.clientFDs = math.MaxInt
	if limit, ok := maxFDs(); ok && limit <= math.MaxInt32 {
		s.clientFDs = max(int(limit)-s.ownFDs(), 1)
	}
}

// lowerMaxClients makes maxclients what the system allows, as Redis does at its
// start.
func (s *Server) lowerMaxClients() error {
	wanted := s.cfg.MaxClients.Load()
	if wanted <= s.clientFDs {
		return nil
	}
	s.log.Warn("the system's limit of open files allows fewer clients than maxclients (see ulimit -n)",
		slog.Int("maxclients", wanted), slog.Int("allowed", s.clientFDs))
	return s.cfg.Set([]config.Pair{{Name: "maxclients", Value: strconv.Itoa(s.clientFDs)}})
}

// ownFDs is how many descriptors the server needs for itself.
func (s *Server) ownFDs() int {
	const unix = 1 // listener
	return reservedFDs + loopFDs*s.loops() + len(s.cfg.Bind.Load()) + unix
}

// accountInput brings the total of input up to date that waits with its client: the arguments of
// the command that waits, and what has come after them.
func (s *Session) accountInput() {
	own := int64(0)
	if input := int64(s.framer.Buffered()) + s.view.argv.Load(); input > parkedInput && s.waits() && !s.aborted {
		own = input
	}
	if own != s.accountedInput {
		s.srv.waitingInput.Add(own - s.accountedInput)
		s.accountedInput = own
	}
}

// copyArgs copies a command's arguments for as long as it waits.
func copyArgs(args [][]byte) [][]byte {
	copies := make([][]byte, len(args))
	for i, arg := range args {
		copies[i] = bytes.Clone(arg)
	}
	return copies
}

// copySize is about the memory that such copies take.
func copySize(args [][]byte) int64 {
	const header = 24 // of a slice
	return size(args) + header*int64(len(args))
}

// checkMaxClients refuses a maxclients that the system has no descriptors for.
func (s *Server) checkMaxClients() error {
	if s.cfg.MaxClients.Load() > s.clientFDs {
		return fmt.Errorf("The operating system is not able to handle the specified number of clients, try with %d", s.clientFDs)
	}
	return nil
}

// loadLimits takes over the options that bound a client's input.
func (s *Server) loadLimits() error {
	limits := resp.DefaultLimits()
	limits.MaxBulk = s.cfg.ProtoMaxBulkLen.Load()
	limits.MaxQuery = s.cfg.QueryBuffer.Load()
	s.limits.Store(&limits)
	return nil
}

// checkOutput closes a session that does not read what it is sent, as
// client-output-buffer-limit says: over the hard limit at once, over the soft
// limit when that has lasted.
func (s *Session) checkOutput(now int64) {
	limit := s.srv.cfg.OutputBuffers.For(s.class())
	unsent := int64(s.unsent())
	if limit.Soft == 0 || unsent <= limit.Soft {
		s.softSince = 0
	} else if s.softSince == 0 {
		s.softSince = now
	}
	lasted := s.softSince != 0 && now-s.softSince > int64(limit.SoftSeconds)*int64(time.Second)
	if (limit.Hard != 0 && unsent > limit.Hard) || lasted {
		s.overflow("client does not read what it is sent; closed for client-output-buffer-limit")
	} else if s.waiting > 0 && s.srv.crowded() && unsent > int64(s.srv.share()) {
		s.overflow("client does not read its messages while all clients together have much unsent; closed")
	}
}

// giveUp closes a session that does not read, and forgets its output.
func (s *Session) giveUp(why string) {
	s.srv.log.Warn(why, slog.String("client", s.Info()), slog.Int("unsent", s.unsent()))
	s.aborted = true
	s.dropAll()
	s.out, s.sent = nil, 0
	s.account()
}

// overdrawn says that a session which has not logged in does not read its replies.
func (s *Session) overdrawn() bool {
	return s.unsent() > guestOutput && !s.Authenticated()
}

// crowded says that all clients together have too much unsent.
func (s *Server) crowded() bool { return s.unsent.Load()+s.pubsub.shared.Load() > stallTotal }

// share is how much unsent output each client may have while it is crowded.
func (s *Server) share() int {
	return min(stallBytes, max(stallTotal/max(s.clients.count(), 1), countBytes))
}

// turnOutput is how much output a turn of the session may bring. While it is
// crowded, or for a guest, that is little: much more than it may leave unsent
// would come about in the last turn before that is noticed.
func (s *Session) turnOutput() int {
	switch {
	case s.srv.crowded():
		return s.srv.share()
	case !s.Authenticated():
		return guestOutput
	}
	return turnOutput
}

// cutLaggard closes the client with the most unsent output of those who have
// long read nothing, if that is what holds others up. It is called often: the next
// one is closed when it has shown that this was not enough.
func (s *Server) cutLaggard() {
	if !s.crowded() {
		return
	}
	now, most := s.seconds(), int64(s.share())
	var worst *Session
	for _, c := range s.clients.all() {
		if unsent := c.view.unsent.Load(); unsent > most && now-c.view.taken.Load() > laggardSeconds {
			worst, most = c, unsent
		}
	}
	if worst != nil && s.kill(worst) {
		s.log.Warn("client reads nothing while all clients together have much unsent; closed",
			slog.String("client", worst.Info()), slog.Int64("unsent", most))
	}
}

// progress notes that the client has taken some of its output: it is not idle,
// and it is given time for the rest.
func (s *Session) progress() {
	now := s.srv.seconds()
	setInt64(&s.view.active, now)
	setInt64(&s.view.taken, now)
	s.closingSince = now
}

// checkTime closes a session whose time is up, and looks after what only time
// brings about.
func (s *Session) checkTime() {
	now := s.srv.clock()
	s.checkOutput(now)
	seconds := now / int64(time.Second)
	idle := seconds - s.view.active.Load()
	if idle > restSeconds {
		s.framer.Rest()
		s.show()
	}
	if s.stalled && !s.srv.crowded() {
		s.run()
	}
	timeout := int64(s.srv.cfg.Timeout.Load())
	switch {
	case s.forlorn(now):
		s.srv.log.Warn("client closed without a reply: its change could not be written to the log so far", slog.String("client", s.view.addr))
		s.aborted = true
	case s.closing && seconds-s.closingSince > lingerSeconds:
		s.aborted = true
	case timeout > 0 && idle > timeout && !s.waits() && !s.listens():
		s.srv.log.Debug("closing an idle client", slog.String("client", s.view.addr))
		s.aborted = true
	}
}

// samePassword compares without telling by its time how much is right, nor how
// long the right one is: sums are equally long. With no password set every one
// is right, as for Redis' default user.
func samePassword(given, wanted string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(wanted))
	return wanted == "" || subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
