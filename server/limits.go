package server

import (
	"crypto/subtle"
	"log/slog"
	"math"
	"time"

	"quarry/server/config"
	"quarry/server/resp"
)

const (
	// A reply buffer has bufferBytes at first; one that has grown beyond
	// keepBytes is not used again. A worker keeps up to spareBytes of them.
	bufferBytes = 4 << 10
	keepBytes   = 64 << 10
	spareBytes  = 8 << 20

	// parkedInput is how much input of a parked client is read: enough to
	// notice that it hangs up.
	parkedInput = 64 << 10

	// A client may have as much unsent output as client-output-buffer-limit
	// lets it, by default any amount, as in Redis: a driver may write a huge
	// pipeline before it reads the first reply. Only while all clients together
	// have more than stallTotal unsent, those with more than stallBytes run no
	// further commands until they have read their replies.
	stallBytes = 1 << 20
	stallTotal = 256 << 20

	// lingerSeconds is how long a client may take to read the last replies of
	// a connection that is closing.
	lingerSeconds = 10

	// reservedFDs are descriptors that are no clients: listeners, epoll, files.
	reservedFDs = 32
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
	if !s.clients.add(session, s.maxClients()) {
		s.counters.rejected.Add(1)
		return nil, errTooMany
	}
	s.counters.connections.Add(1)
	return session, ""
}

// maxClients is maxclients, or less where the system allows fewer descriptors.
func (s *Server) maxClients() int { return min(s.cfg.MaxClients.Load(), s.clientFDs) }

// checkFDs finds out how many clients the system's descriptor limit allows.
func (s *Server) checkFDs() {
	s.clientFDs = math.MaxInt
	limit, ok := maxFDs()
	if !ok || limit > math.MaxInt32 {
		return
	}
	s.clientFDs = max(int(limit)-reservedFDs, 1)
	if wanted := s.cfg.MaxClients.Load(); wanted > s.clientFDs {
		s.log.Warn("the system's limit of open files allows fewer clients than maxclients (see ulimit -n)",
			slog.Int("maxclients", wanted), slog.Int("allowed", s.clientFDs))
	}
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
	limit := s.srv.cfg.OutputBuffers.For(config.Normal)
	unsent := int64(len(s.out) - s.sent)
	if limit.Soft == 0 || unsent <= limit.Soft {
		s.softSince = 0
	} else if s.softSince == 0 {
		s.softSince = now
	}
	lasted := s.softSince != 0 && now-s.softSince > int64(limit.SoftSeconds)*int64(time.Second)
	if (limit.Hard != 0 && unsent > limit.Hard) || lasted {
		s.srv.log.Warn("client does not read its replies; closed for client-output-buffer-limit",
			slog.String("client", s.Info()), slog.Int64("unsent", unsent))
		s.aborted = true
		s.out, s.sent = nil, 0
		s.account()
	}
}

// checkTime closes a session whose time is up.
func (s *Session) checkTime() {
	now := s.srv.clock()
	s.checkOutput(now)
	seconds := now / int64(time.Second)
	idle := seconds - s.view.active.Load()
	timeout := int64(s.srv.cfg.Timeout.Load())
	switch {
	case s.closing && seconds-s.closingSince > lingerSeconds:
		s.aborted = true
	case timeout > 0 && idle > timeout && s.parked.Load() == nil:
		s.srv.log.Debug("closing an idle client", slog.String("client", s.view.addr))
		s.aborted = true
	}
}

// samePassword compares without telling by its time how much is right. With no
// password set every one is right, as for Redis' default user.
func samePassword(given, wanted string) bool {
	return wanted == "" || subtle.ConstantTimeCompare([]byte(given), []byte(wanted)) == 1
}
