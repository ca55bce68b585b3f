package server

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"quarry/commands"
	"quarry/store"
)

// What tests from outside of the package see of servers and clients without a network.

// NewTestServer makes a server that has no network and all commands.
func NewTestServer(t *testing.T, args ...string) *Server { return testServer(t, nil, args...) }

// Connect makes a client.
func (s *Server) Connect(t *testing.T) *testClient { return s.connect(t) }

// Rest does what the event loops have to do for each other.
func (s *Server) Rest() { s.transport.(*testTransport).rest() }

// Upkeep does all background work that there is.
func (s *Server) Upkeep() {
	s.look()
	for s.upkeep(cronBurst) {
		s.Rest()
	}
}

// Sound checks the data, and that no command has panicked.
func (s *Server) Sound() error {
	if n := s.damage.panics.Load(); n != 0 {
		return fmt.Errorf("%d commands have panicked", n)
	}
	return s.Check()
}

// Forgotten checks that nothing remembers the clients that have left.
func (s *Server) Forgotten(t *testing.T) {
	t.Helper()
	s.free(t)
	s.noneWaits(t)
	s.empty(t)
	if n, bytes := len(s.pause.waiting), s.waitingInput.Load(); n != 0 || bytes != 0 {
		t.Errorf("%d clients wait for the end of a pause, %d bytes with those who wait", n, bytes)
	}
	if a, b := s.pubsub.clients.Load(), s.pubsub.topics.Load(); a|b != 0 {
		t.Errorf("%d clients are subscribed to %d topics", a, b)
	}
}

// Turn does what a loop does after a batch and returns what the client was sent.
func (c *testClient) Turn() string { return c.turn() }

// Due says that the time has come that the session waits for, if it does.
func (c *testClient) Due() {
	if c.conn.timer != 0 {
		c.conn.timer = 0
		c.Expired()
	}
}

// Leave is the end of the connection, whoever ends it.
func (c *testClient) Leave() error {
	if c.conn.gone {
		return errors.New("the client is gone already")
	}
	c.conn.gone = true
	c.Closed()
	return nil
}

// Gone reports whether the connection has ended.
func (c *testClient) Gone() bool { return c.conn.gone }

// recorder is a journal that keeps all that is logged, as a log file has it. It is safe at once.
type recorder struct {
	mu   sync.Mutex
	db   int
	text []byte
}

func (r *recorder) Append(db int, effects []byte) (end int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if db != r.db {
		r.db = db
		r.text = commands.AppendCommand(r.text, []byte("SELECT"), strconv.AppendInt(nil, int64(db), 10))
	}
	r.text = append(r.text, effects...)
	return int64(len(r.text))
}

func (r *recorder) Appended() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.text))
}

func (r *recorder) Committed() int64 { return r.Appended() }
func (r *recorder) Commit()          {}
func (r *recorder) Refusal() string  { return "" }

// Record has the server keep a log from now on.
func (s *Server) Record() *recorder {
	r := &recorder{}
	s.setJournal(r)
	return r
}

// Text is the log so far.
func (r *recorder) Text() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text
}

// Replay runs a log.
func (s *Server) Replay(workers int, log []byte) error {
	r := newReplayer(s, workers)
	var args [][]byte
	for len(log) > 0 {
		args, log = nextCommand(args[:0], log)
		if r.Apply(args) != nil {
			break
		}
	}
	return r.Finish()
}

// Data is all the data, and the server's time.
func (s *Server) Data() (data *store.Store, nowMS int64) { return s.store, s.wallMS(s.clock()) }
