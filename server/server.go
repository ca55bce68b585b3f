package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"quarry/commands"
	"quarry/server/config"
	"quarry/server/resp"
	"quarry/store"
	"quarry/store/list"
	"quarry/store/table"
	"quarry/store/zset"
)

// Server is one running server. It implements commands.Host: host.go, clients.go.
type Server struct {
	cfg      *config.Config
	log      *slog.Logger
	table    *commands.Table
	store    *store.Store
	counters *counters
	rand     func() uint64

	transport transport // set by Run
	workers   []*worker // by event loop
	listeners []net.Listener
	sockets   []socketFile

	clients      registry
	clientFDs    int // how many clients the system has descriptors for
	limits       atomic.Pointer[resp.Limits]
	unsent       atomic.Int64 // bytes of output waiting for all clients
	blocked      atomic.Int64 // parked clients
	queues       []queues     // of parked clients, by shard, under its lock
	blockingKeys atomic.Int64 // that parked clients wait for: the length of all queues together
	queued       atomic.Int64 // bytes that transactions have queued
	waitingInput atomic.Int64 // bytes of clients that wait (limits.go)

	pause      pause
	lazyExpiry bool // DEBUG SET-ACTIVE-EXPIRE 0; pause.mu

	journal journaling
	persist persistState

	observer    observer
	observing   atomic.Int64 // clients that watch keys, and what else wants to know of changed keys
	watching    atomic.Int64 // clients that watch keys
	watches     []watchTable // by shard, under its lock
	watchedKeys atomic.Int64 // the length of all watches together
	forgotten   forgotten    // watches that nobody waits for
	moves       moves        // what some of them will do to other keys
	damage      damage
	pubsub      pubsub
	events      atomic.Uint32 // keyspace events that are published, see notify.go
	monitors    atomic.Int32  // clients that MONITOR

	rested          int64        // when restBuffers was called last, in seconds; cron's own
	purging         atomic.Bool  // MEMORY PURGE has the runtime give memory back
	crossProtocolAt atomic.Int64 // when the log last spoke of it, in seconds of the clock; 0: never

	wallOffset atomic.Int64 // what the clock is behind Unix time, in nanoseconds
	wallShift  atomic.Int64 // what Unix time has been moved by: ShiftTime
	done       context.Context
	stop       context.CancelFunc
	stopping   atomic.Bool // SHUTDOWN: no more commands are run
	running    atomic.Bool
}

// New makes a server and binds its addresses, so that clients may connect from
// now on; they are served when Run is called. Close it in any case.
func New(cfg *config.Config, log *slog.Logger) (*Server, error) {
	s, err := newServer(cfg, log, commands.NewCommandTable())
	if err != nil {
		return nil, err
	}
	if err := s.openDir(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// newServer makes a server without a network, for the given commands.
func newServer(cfg *config.Config, log *slog.Logger, table *commands.Table) (*Server, error) {
	s := &Server{cfg: cfg, log: log, table: table, rand: rand.Uint64}
	s.persist.init()
	s.observer.srv = s
	var err error
	s.store, err = store.Open(store.Options{
		Shards:    cfg.Shards.Load(),
		Databases: cfg.Databases.Load(),
		MaxMemory: cfg.MaxMemory.Load(),
		Limits:    s.storeLimits(),
		Rand:      s.rand,
		Observer:  &s.observer,
	})
	if err != nil {
		return nil, fmt.Errorf("memory for data: %w", err)
	}
	s.counters = newCounters(cfg, table)
	s.syncWall()
	s.queues = make([]queues, s.store.Shards())
	s.moves = newMoves(s.store.Shards())
	for i := range s.queues {
		s.queues[i] = queues{}
	}
	s.watches = make([]watchTable, s.store.Shards())
	s.pubsub.init(s)
	s.damage.shards = make([]atomic.Bool, s.store.Shards())
	s.journal.ends = make([]shardEnd, s.store.Shards())
	s.done, s.stop = context.WithCancel(context.Background())
	s.checkFDs()
	if err := s.lowerMaxClients(); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	s.follow()
	return s, nil
}

// follow keeps what is derived from the configuration up to date.
func (s *Server) follow() {
	s.loadLimits()
	s.setPolicy()
	s.setEvents()
	s.setViewLimit()
	for name, fn := range map[string]func() error{
		"proto-max-bulk-len":          s.loadLimits,
		"client-query-buffer-limit":   s.loadLimits,
		"maxclients":                  s.checkMaxClients,
		"maxmemory":                   s.setMaxMemory,
		"maxmemory-policy":            s.setPolicy,
		"notify-keyspace-events":      s.setEvents,
		"appendfsync":                 s.setFsync,
		"appendonly":                  s.setAppendOnly,
		"save":                        s.setSavePoints,
		"stop-writes-on-bgsave-error": s.setSavePoints,
		"snapshot-memory-limit":       s.setViewLimit,
	} {
		s.cfg.OnChange(name, fn)
	}
	for _, name := range thresholds {
		s.cfg.OnChange(name, s.setStoreLimits)
	}
}

func (s *Server) setMaxMemory() error {
	s.store.SetMaxMemory(s.cfg.MaxMemory.Load())
	return s.setViewLimit()
}

// thresholds are the options that decide between packed and other forms of values.
var thresholds = []string{
	"zset-max-listpack-entries", "zset-max-listpack-value", "hash-max-listpack-entries", "hash-max-listpack-value",
	"set-max-intset-entries", "set-max-listpack-entries", "set-max-listpack-value",
	"list-max-listpack-size",
}

func (s *Server) setStoreLimits() error {
	s.store.SetLimits(s.storeLimits())
	return nil
}

func (s *Server) storeLimits() store.Limits {
	c := s.cfg
	return store.Limits{
		List: list.Limits{Size: s.cfg.ListMaxSize.Load()},
		ZSet: zset.Limits{PackedEntries: c.ZSetMaxEntries.Load(), PackedValue: int(c.ZSetMaxValue.Load())},
		Hash: table.Limits{PackedEntries: c.HashMaxEntries.Load(), PackedValue: int(c.HashMaxValue.Load())},
		Set: table.Limits{
			IntEntries:    c.SetMaxIntEntries.Load(),
			PackedEntries: c.SetMaxEntries.Load(),
			PackedValue:   int(c.SetMaxValue.Load()),
		},
	}
}

// AddListener has Run serve one more listener, which it takes over.
func (s *Server) AddListener(ln net.Listener) { s.listeners = append(s.listeners, ln) }

// Addrs are the addresses the server listens on.
func (s *Server) Addrs() []net.Addr {
	var addrs []net.Addr
	for _, ln := range s.listeners {
		addrs = append(addrs, ln.Addr())
	}
	return addrs
}

// Run serves until ctx ends or a client sends SHUTDOWN. Then no connection is
// accepted any more, what can be sent at once is sent, and all are closed.
func (s *Server) Run(ctx context.Context) error {
	if len(s.listeners) == 0 {
		return errors.New("nothing to listen on: port is 0 and unixsocket is not set, or bind is empty")
	}
	if s.running.Swap(true) {
		return errors.New("server: Run was called before")
	}
	var err error
	if s.transport, err = s.newTransport(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.done, cancel)()
	defer context.AfterFunc(ctx, s.stop)() // for who sleeps
	var background sync.WaitGroup
	var failed error
	s.persist.loading.Store(true)
	loaded := make(chan struct{})
	background.Go(func() {
		defer close(loaded)
		if failed = s.recoverData(ctx); failed != nil {
			cancel()
		}
	})
	s.awaitLittle(loaded)
	background.Go(func() { s.cron(ctx) })
	warnOpen(s.cfg, s.log)
	s.logReady()
	err = s.transport.Run(ctx, s.listeners)
	s.stopping.Store(true)
	cancel()
	background.Wait()
	err = errors.Join(failed, err, s.endPersistence())
	s.log.Info("server is down")
	return err
}

// Clients that connect at the start wait in the backlog before they are served with -LOADING, for longer where
// there is little to load: such a server never says so.
const (
	loadingGrace  = 100 * time.Millisecond
	loadingLittle = 4 << 20 // bytes
	littleGrace   = 5 * time.Second
)

// awaitLittle waits for the end of loading, unless there is much to load.
func (s *Server) awaitLittle(loaded <-chan struct{}) {
	for begun := s.clock(); ; {
		select {
		case <-loaded:
			return
		case <-time.After(loadingGrace):
		}
		if s.persist.load.total.Load() > loadingLittle || s.clock()-begun > int64(littleGrace) {
			return
		}
	}
}

// Close gives everything back. Run must have returned, if it was called.
func (s *Server) Close() error {
	s.stop()
	for _, ln := range s.listeners {
		ln.Close() // if a transport has had it, it is closed already
	}
	s.removeSockets()
	s.ClientUnpause() // and its timer
	s.stopping.Store(true)
	s.endJob() // which may be reading what is given back now
	var err error
	if !s.running.Load() && s.persist.dir != nil {
		err = s.persist.dir.Close()
	}
	return errors.Join(err, s.store.Close())
}

// Check walks every structure of the store, a shard at a time, and names the
// first broken place.
func (s *Server) Check() error {
	for shard := range s.store.Shards() {
		s.store.Lock(shard)
		err := s.store.Check(shard)
		s.store.Unlock(shard)
		if err != nil {
			return fmt.Errorf("shard %d: %w", shard, err)
		}
	}
	return nil
}

// clock is the server's clock: nanoseconds since it was made, never going back.
func (s *Server) clock() int64 { return s.counters.clock() }

func (s *Server) seconds() int64 { return s.clock() / int64(time.Second) }

// wallMS is the Unix time in milliseconds at a time of the clock. One clock
// serves for both, so that a command needs one reading; now and then syncWall
// makes up for what the system's time was set by.
func (s *Server) wallMS(clock int64) int64 {
	return (clock + s.wallOffset.Load()) / int64(time.Millisecond)
}

func (s *Server) syncWall() {
	s.wallOffset.Store(time.Now().UnixNano() + s.wallShift.Load() - s.clock())
}

// ShiftTime moves the Unix time that commands see by d, for tests of expiry
// that would have to sleep else. Timeouts of clients run on.
func (s *Server) ShiftTime(d time.Duration) {
	s.wallShift.Add(int64(d))
	s.syncWall()
}
