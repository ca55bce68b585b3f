package commands

import (
	"time"

	"quarry/store"
)

// Client is the calling connection as handlers see it; server's session is one.
// Its methods are called by the session's own goroutine.
type Client interface {
	ID() int64
	Name() string
	// SetName sets the name shown by CLIENT LIST; it has been validated.
	SetName(name string)
	SetLibName(s string)
	SetLibVer(s string)
	// User is the name of the authenticated user; "default" without AUTH.
	User() string
	// Select changes the selected database; index is in range.
	Select(index int)
	Database() int
	// SetProto changes the protocol of all replies from this one on: 2 or 3.
	SetProto(version int)
	Authenticated() bool
	// Authenticate checks a user's password and, if right, logs the client in.
	Authenticate(user, password string) bool
	// Reset is the RESET command: RESP2, database 0, no name, logged out if a password is set.
	Reset()
	// Addr is the client's address.
	Addr() string
	// MayDebug reports whether enable-debug-command allows the client to call DEBUG.
	MayDebug() bool
	// Abort ends the connection at once: what the client has sent already is not run any more.
	Abort()
	// CloseAfterReply ends the connection when what was written so far has been sent.
	CloseAfterReply()
	// SetReply sets what CLIENT REPLY asks for.
	SetReply(m ReplyMode)
	SetNoEvict(on bool)
	SetNoTouch(on bool)
	// Info is the client's line of CLIENT LIST, without the line break.
	Info() string
	// InMulti reports whether a transaction is open. A command for which it is runs inside it, unless it is
	// one that is NotQueued.
	InMulti() bool
	// Multi opens a transaction, and reports false if one is open.
	Multi() bool
	// Exec ends the transaction, which is open, and answers what its commands do; unless, as it says, they are not run.
	Exec() ExecOutcome
	// Discard ends the transaction and what Watch said, and reports false if none is open.
	Discard() bool
	// Watch has the next transaction run only if nothing changes key, which expires or not, until then. Its shard is locked.
	Watch(key []byte, expires bool)
	Unwatch()
	// Subscribe adds a subscription, if it is not there already, and Unsubscribe ends one, if it is there. They return
	// how many there are then: of channels and patterns together, or of shard channels.
	Subscribe(kind Topics, name []byte) (count int)
	Unsubscribe(kind Topics, name []byte) (count int)
	// Subscriptions lists the names the client is subscribed to, sorted.
	Subscriptions(kind Topics) [][]byte
	// Subscribed reports whether there is any subscription.
	Subscribed() bool
	// Monitor has the client shown the commands of all clients, and reports false if it is already.
	Monitor() bool
	// Publish sends a message to who listens to a channel and returns to how many clients. Those that listen
	// in several ways get it, and are counted, several times.
	Publish(kind Topics, channel, message []byte) (receivers int)
}

// ReplyMode is CLIENT REPLY's ON, OFF or SKIP.
type ReplyMode uint8

// The reply modes.
const (
	ReplyOn ReplyMode = iota
	ReplyOff
	ReplySkip
)

// ExecOutcome is what becomes of a transaction.
type ExecOutcome uint8

// The outcomes.
const (
	Executed   ExecOutcome = iota
	ExecBroken             // a command was refused when it was to be queued
	ExecStale              // a key that the client watches has changed
)

// KV is a name and its value.
type KV struct{ Name, Value string }

// ClientFilter selects clients for CLIENT LIST and CLIENT KILL; zero fields
// select everything.
type ClientFilter struct {
	IDs []int64
	// Addr and LAddr are ip:port; nil any. They are pointers because "" is an address
	// that a client can ask for, and nobody has.
	Addr   *string
	LAddr  *string
	Type   string // normal, master, replica, pubsub; "" any
	User   string
	SkipMe bool
	MaxAge int64 // seconds; 0 any
	Self   int64 // id of the caller, for SkipMe
}

// SlowEntry is one entry of SLOWLOG.
type SlowEntry struct {
	ID         int64
	UnixSec    int64
	DurationUS int64
	Args       [][]byte // already cut to SLOWLOG's limits
	Addr, Name string
}

// Denial is one entry of ACL LOG: refused logins that are alike.
type Denial struct {
	ID, Count            int64
	Context              string // toplevel or multi
	Object               string // the command, as sent
	User                 string
	Client               string // what Client.Info said of the last one's connection
	CreatedMS, UpdatedMS int64
}

// LatencyEvent is something that held clients up for latency-monitor-threshold or longer, with the highest
// sample of each second, oldest first; there is one at least. MaxMS is the highest of all, also of those that are gone.
type LatencyEvent struct {
	Name    string
	Samples []LatencySample
	MaxMS   int64
}

// LatencySample is a spike of so many milliseconds.
type LatencySample struct{ UnixSec, MS int64 }

// LatencyTimes says how long a command's calls took, as far as latency-tracking has counted them.
type LatencyTimes struct {
	Calls   int64
	Buckets []LatencyBucket // only those with more calls than the one before
}

// LatencyBucket says how many calls took no longer than some microseconds.
type LatencyBucket struct{ US, Calls int64 }

// MemoryStat is a figure of MEMORY STATS: bytes, a number of something, or a ratio.
type MemoryStat struct {
	Name    string
	IsFloat bool
	Int     int64
	Float   float64
}

// ReloadOptions are those of DEBUG RELOAD; FromLog is DEBUG LOADAOF.
type ReloadOptions struct{ FromLog, NoSave, NoFlush, Merge bool }

// ShutdownOptions are SHUTDOWN's.
type ShutdownOptions struct{ NoSave, Save, Now, Force, Abort bool }

// Host is what handlers need from the process; package server implements it.
// All methods may be called from any event loop and take no shard lock, and so
// must not be called with one held unless they say otherwise.
type Host interface {
	// Table is the command table.
	Table() *Table
	// ConfigGet lists the options whose names match any of the glob patterns, in table order.
	ConfigGet(patterns [][]byte) []KV
	// ConfigSet sets all the pairs or none; the error's text is what follows
	// "ERR CONFIG SET failed ..." as Redis words it, ready to send.
	ConfigSet(pairs []KV) error
	// ConfigRewrite writes the configuration file anew; its error text is ready to send.
	ConfigRewrite() error
	ConfigResetStat()
	// Info is the text of INFO for the sections asked for (lower case; none: the default ones).
	Info(sections []string) string
	// ClientList is one line per client, each with its line break. With IDs it is
	// in their order, and who is named twice is listed twice.
	ClientList(f ClientFilter) string
	// ClientKill closes the clients that match, after they got what was sent, and says how many.
	ClientKill(f ClientFilter) int
	// ClientUnblock ends the blocking command of a client as if it timed out or,
	// withError, with -UNBLOCKED; false if it is not blocked.
	ClientUnblock(id int64, withError bool) bool
	// ClientExists reports whether there is a client with the id.
	ClientExists(id int64) bool
	// ClientPause holds up the commands of all clients, or those that may change data, for some time;
	// what clients are waiting for then comes when that is over, or ClientUnpause ends it.
	ClientPause(ms int64, all bool)
	ClientUnpause()
	SlowlogGet(n int) []SlowEntry // n < 0: all; newest first
	SlowlogLen() int
	SlowlogReset()
	// Deny enters a refused login into ACL LOG; its ID, Count and UpdatedMS are the log's to set.
	Deny(d Denial)
	Denials(n int) []Denial // n >= 0; the last updated first
	DenialsReset()
	// LatencyEvents lists what has been noted, by name, and says whether latency-monitor-threshold is set.
	LatencyEvents() (events []LatencyEvent, on bool)
	// LatencyReset forgets some events, all if none are named, and says how many that were.
	LatencyReset(events []string) int
	LatencyTimes(spec *Spec) LatencyTimes
	MemoryStats() []MemoryStat
	// MemoryDoctor and MemoryAllocator are reports for people.
	MemoryDoctor() string
	MemoryAllocator() string
	// MemoryPurge begins to give memory that is kept for reuse back to the system.
	MemoryPurge()
	// Check looks whether the data is sound, locking one shard after the other.
	Check() error
	// SetActiveExpire has expired keys removed in the background, or not. It may be called with shards locked, as may Sleep.
	SetActiveExpire(on bool)
	// Sleep waits, but no longer than until the server ends.
	Sleep(d time.Duration)
	// Shutdown begins an orderly end, from when on no client's commands are run; the text of its error is ready to send
	// ("ERR No shutdown in progress." for an Abort that comes too late).
	Shutdown(o ShutdownOptions) error
	// WarnCrossProtocol logs that a client speaks HTTP, which is an attack by way of
	// somebody's browser.
	WarnCrossProtocol(addr string)
	// PubSubNames lists the names that clients are subscribed to, PubSubTopics counts them, and
	// PubSubCount counts the clients that are subscribed to one.
	PubSubNames(kind Topics) []string
	PubSubTopics(kind Topics) int
	PubSubCount(kind Topics, name []byte) int
	// LastSave is when the data was last saved, in Unix seconds, or when the server started.
	LastSave() int64
	// Save writes a snapshot and waits for its end; others go on meanwhile. No shard is locked. The texts of the errors
	// of this and the next ones are ready to send.
	Save() error
	// BGSave begins to write a snapshot, or if another job runs and schedule is set, has it written after that; status is the answer.
	BGSave(schedule bool) (status string, err error)
	// BGRewriteAOF begins to rewrite the log, or has it rewritten after what runs now, or after the transaction.
	BGRewriteAOF(inMulti bool) (status string, err error)
	// Reload replaces all data by what a snapshot holds, or with fromLog the log. No shard is locked.
	Reload(o ReloadOptions) error
	// MemoryMap is a report of what the pages of data are used for.
	MemoryMap() string
	// Databases is the number of databases.
	Databases() int
	// MaxBulk is proto-max-bulk-len, how long a string may be. It may be asked while a shard is locked.
	MaxBulk() int64
	// SearchLimit is hunt-search-limit, how many members a search may look at; 0: any number. It may be asked as MaxBulk may.
	SearchLimit() int
	// Dump is the payload that DUMP answers for a value, if it has no more than max bytes. The shard is locked.
	Dump(e *store.Entry, max int64) ([]byte, error)
	// Restore makes a payload's value that of a key, whose shard is locked. It fails with ErrDumpChecksum, ErrDumpFormat or
	// store.ErrOOM, and has changed nothing then.
	Restore(d *store.DB, key []byte, r *Restoring) error
	// NowUS is the server's clock in Unix microseconds, which only TIME asks for.
	NowUS() int64
}
