package config

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Config holds every option. Make one with [Load].
type Config struct {
	Bind            Strings
	Port            Int
	ProtectedMode   Bool
	UnixSocket      String
	UnixSocketPerm  Int
	TCPBacklog      Int
	TCPKeepalive    Int // seconds
	Timeout         Int // seconds
	FrontEnd        Enum
	EventLoops      Int // 0: auto
	IOUring         Bool
	MaxClients      Int
	RequirePass     String
	ACLLogMaxLen    Int
	ProtoMaxBulkLen Bytes
	QueryBuffer     Bytes
	OutputBuffers   OutputLimits

	MaxMemory             Bytes // never 0: see deriveMaxMemory
	MaxMemoryPolicy       Enum
	Databases             Int
	Shards                Int
	ListMaxSize           Int
	ListCompressDepth     Int
	ZSetMaxEntries        Int
	ZSetMaxValue          Bytes
	HashMaxEntries        Int
	HashMaxValue          Bytes
	SetMaxIntEntries      Int
	SetMaxEntries         Int
	SetMaxValue           Bytes
	HuntSearchLimit       Int
	LazyfreeLazyEviction  Bool
	LazyfreeLazyExpire    Bool
	LazyfreeLazyServerDel Bool
	LazyfreeLazyUserDel   Bool
	LazyfreeLazyUserFlush Bool

	NotifyKeyspaceEvents           Events
	SlowlogLogSlowerThan           Int // microseconds; negative: never
	SlowlogMaxLen                  Int
	LatencyTracking                Bool
	LatencyTrackingInfoPercentiles Percentiles
	LatencyMonitorThreshold        Int
	EnableDebugCommand             Enum

	Dir       String // absolute
	LogLevel  Enum
	LogFile   String
	PIDFile   String
	Daemonize Bool
	HZ        Int // from 1 to 500

	AppendOnly             Bool
	AppendFsync            Enum
	AppendDirName          String
	AppendFilename         String
	AutoRewritePercentage  Int
	AutoRewriteMinSize     Bytes
	AOFLoadTruncated       Bool
	AOFUsePreamble         Bool
	AOFTimestamps          Bool
	AOFIncrementalSync     Bool
	NoAppendFsyncOnRewrite Bool
	Save                   SavePoints
	DBFilename             String
	RDBCompression         Bool
	RDBChecksum            Bool
	RDBIncrementalSync     Bool
	StopWritesOnSaveError  Bool
	SnapshotMemoryLimit    Bytes // 0: half of maxmemory

	mu    sync.Mutex // guards the values as given, and hooks
	file  string     // absolute path of the configuration file, or ""
	hooks map[*option][]func() error
}

// change says whether CONFIG SET may change an option.
type change uint8

const (
	anytime   change = iota
	immutable        // fixed at the start
	protected        // as immutable, in the words Redis has for options that touch the host's files
)

// option is a row of the table. The kind of its values follows from the field
// it points at.
type option struct {
	group   string // heading in the sample file
	name    string
	alias   string // an older name, known and shown as well
	at      func(c *Config) field
	def     string // the words of the default, as in a file
	min     int64
	max     int64
	auto    bool     // Int: the word auto stands for 0
	octal   bool     // Int: in octal
	choices []string // Enum
	change  change
	// check refuses a value that its kind allows.
	check func(v any) error
	// derive is the value in effect for the value given, where they differ.
	derive func(v any) any
	// fixed says why only the default is accepted, for options that clients
	// and tools read but that nothing can be chosen about yet.
	fixed string
	doc   string // the block above the option in the sample file
}

const (
	headNetwork = "Network"
	headLimits  = "Clients and limits"
	headMemory  = "Memory and data"
	headEvents  = "Keyspace events"
	headWatch   = "Slow log and latency"
	headProcess = "Process"
	headDisk    = "Persistence"
)

const alwaysLazy = "memory is always given back in the background: only 'yes' is possible"

// options is the table: the one place that knows an option.
var options = []option{
	{group: headNetwork, name: "bind", at: func(c *Config) field { return &c.Bind }, def: "127.0.0.1",
		change: immutable, check: checkBind,
		doc: "Addresses to listen on, at most 16. '*' is every IPv4 address, '::*' every IPv6 address; an\n" +
			"address after '-' may be missing on this machine."},
	{group: headNetwork, name: "port", at: func(c *Config) field { return &c.Port }, def: "6379", max: math.MaxUint16,
		change: immutable,
		doc:    "TCP port to listen on; 0 for none."},
	{group: headNetwork, name: "protected-mode", at: func(c *Config) field { return &c.ProtectedMode }, def: "yes",
		doc: "While no password is set, serve only clients on this machine."},
	{group: headNetwork, name: "unixsocket", at: func(c *Config) field { return &c.UnixSocket }, def: `""`,
		change: immutable,
		doc:    "Path of a Unix socket to listen on; empty for none."},
	{group: headNetwork, name: "unixsocketperm", at: func(c *Config) field { return &c.UnixSocketPerm }, def: "0",
		max: 0o777, octal: true, change: immutable,
		doc: "Permissions of the Unix socket, in octal; 0 leaves what the umask gives."},
	{group: headNetwork, name: "tcp-backlog", at: func(c *Config) field { return &c.TCPBacklog }, def: "511",
		max: math.MaxInt32, change: immutable,
		doc: "How many connections may wait to be accepted."},
	{group: headNetwork, name: "tcp-keepalive", at: func(c *Config) field { return &c.TCPKeepalive }, def: "300",
		max: math.MaxInt32,
		doc: "Seconds after which a silent connection is probed; 0 for never."},
	{group: headNetwork, name: "timeout", at: func(c *Config) field { return &c.Timeout }, def: "0", max: math.MaxInt32,
		doc: "Seconds after which an idle client is disconnected; 0 for never."},
	{group: headNetwork, name: "front-end", at: func(c *Config) field { return &c.FrontEnd }, def: "auto",
		choices: []string{"auto", "epoll", "redcon"}, change: immutable,
		doc: "What serves connections: epoll (event loops, Linux only), redcon (a goroutine per connection, on\n" +
			"every system), or auto: epoll where there is one."},
	{group: headNetwork, name: "event-loops", at: func(c *Config) field { return &c.EventLoops }, def: "auto",
		min: 1, max: 64, auto: true, change: immutable,
		doc: "How many event loops may run commands. One is the most efficient; auto uses more only while one is\n" +
			"not enough. With redcon, how many connections may run commands at a time."},
	{group: headNetwork, name: "io-uring", at: func(c *Config) field { return &c.IOUring }, def: "yes", change: immutable,
		doc: "With epoll: read and write all connections that are ready by one system call, where the kernel\n" +
			"lets the process have an io_uring (Linux 5.19; many containers do not)."},

	{group: headLimits, name: "maxclients", at: func(c *Config) field { return &c.MaxClients }, def: "10000",
		min: 1, max: math.MaxUint32,
		doc: "How many clients may be connected."},
	{group: headLimits, name: "requirepass", at: func(c *Config) field { return &c.RequirePass }, def: `""`,
		doc: "Password that clients must give with AUTH or HELLO; empty for none."},
	{group: headLimits, name: "acllog-max-len", at: func(c *Config) field { return &c.ACLLogMaxLen }, def: "128",
		max: math.MaxInt64,
		doc: "How many refused logins ACL LOG keeps."},
	{group: headLimits, name: "proto-max-bulk-len", at: func(c *Config) field { return &c.ProtoMaxBulkLen }, def: "512mb",
		min: 1 << 20, max: math.MaxUint32, // the store keeps lengths of 32 bits
		doc: "The longest argument a client may send."},
	{group: headLimits, name: "client-query-buffer-limit", at: func(c *Config) field { return &c.QueryBuffer }, def: "1gb",
		min: 1 << 20, max: math.MaxInt64,
		doc: "How much unprocessed input a client may have before it is disconnected."},
	{group: headLimits, name: "client-output-buffer-limit", at: func(c *Config) field { return &c.OutputBuffers },
		def: "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
		doc: "Per class of client (normal, replica, pubsub): hard limit, soft limit, seconds. A client whose\n" +
			"unread replies pass the hard limit, or stay above the soft limit for that long, is disconnected.\n" +
			"0 is no limit. A line may name one class or several; the others keep theirs."},

	{group: headMemory, name: "maxmemory", at: func(c *Config) field { return &c.MaxMemory }, def: "0",
		max: math.MaxInt64, derive: deriveMaxMemory,
		doc: "Memory for data. When it is used up, commands that need more are refused with an OOM error; nothing\n" +
			"is dropped. 0 is three quarters of the machine's memory, or of what its control group allows;\n" +
			"CONFIG GET shows the number in bytes. Units: k, m, g are powers of 1000, kb, mb, gb of 1024."},
	{group: headMemory, name: "maxmemory-policy", at: func(c *Config) field { return &c.MaxMemoryPolicy }, def: "noeviction",
		choices: []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
			"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"},
		doc: "What to do when maxmemory is reached. The names of Redis' policies are accepted, but this version\n" +
			"evicts nothing: under each of them commands that need memory are refused, as under noeviction.\n" +
			"Under an lfu policy OBJECT FREQ tells how often a key is used, else OBJECT IDLETIME how long not."},
	{group: headMemory, name: "databases", at: func(c *Config) field { return &c.Databases }, def: "16",
		min: 1, max: 1 << 14, change: immutable,
		doc: "How many databases there are for SELECT."},
	{group: headMemory, name: "shards", at: func(c *Config) field { return &c.Shards }, def: "16",
		min: 1, max: 1 << 10, change: immutable, check: checkPowerOfTwo,
		doc: "How many independently locked parts the data is kept in: a power of two."},
	{group: headMemory, name: "zset-max-listpack-entries", alias: "zset-max-ziplist-entries",
		at: func(c *Config) field { return &c.ZSetMaxEntries }, def: "128", max: math.MaxInt64,
		doc: "Sorted sets of up to this many members, none longer than the value below, are kept in one packed\n" +
			"piece of memory."},
	{group: headMemory, name: "zset-max-listpack-value", alias: "zset-max-ziplist-value",
		at: func(c *Config) field { return &c.ZSetMaxValue }, def: "64", max: math.MaxInt64,
		doc: "The longest member, in bytes, of a packed sorted set."},
	{group: headMemory, name: "hash-max-listpack-entries", alias: "hash-max-ziplist-entries",
		at: func(c *Config) field { return &c.HashMaxEntries }, def: "512", max: math.MaxInt64,
		doc: "Hashes of up to this many fields, no field and no value longer than the value below, are kept in\n" +
			"one packed piece of memory."},
	{group: headMemory, name: "hash-max-listpack-value", alias: "hash-max-ziplist-value",
		at: func(c *Config) field { return &c.HashMaxValue }, def: "64", max: math.MaxInt64,
		doc: "The longest field or value, in bytes, of a packed hash."},
	{group: headMemory, name: "set-max-intset-entries",
		at: func(c *Config) field { return &c.SetMaxIntEntries }, def: "512", max: math.MaxInt64,
		doc: "Sets of up to this many integers, and nothing else, are kept in one packed piece of memory."},
	{group: headMemory, name: "set-max-listpack-entries",
		at: func(c *Config) field { return &c.SetMaxEntries }, def: "128", max: math.MaxInt64,
		doc: "Other sets of up to this many members, none longer than the value below, likewise."},
	{group: headMemory, name: "set-max-listpack-value",
		at: func(c *Config) field { return &c.SetMaxValue }, def: "64", max: math.MaxInt64,
		doc: "The longest member, in bytes, of a packed set that is not all integers."},
	{group: headMemory, name: "list-max-listpack-size", alias: "list-max-ziplist-size",
		at: func(c *Config) field { return &c.ListMaxSize }, def: "-2", min: math.MinInt32, max: math.MaxInt32,
		doc: "Up to which size a list is kept in one packed piece of memory. -1 to -5 are 4, 8, 16, 32 and 64 KiB,\n" +
			"of which 32 are the most there can be; a positive number is a number of elements, in 8 KiB at most."},
	{group: headMemory, name: "list-compress-depth", at: func(c *Config) field { return &c.ListCompressDepth },
		def: "0", max: math.MaxInt32,
		doc: "In Redis, how many pieces at either end of a list are not compressed. Accepted; nothing is compressed."},
	{group: headMemory, name: "hunt-search-limit", at: func(c *Config) field { return &c.HuntSearchLimit },
		def: "1000000", max: math.MaxInt64,
		doc: "How many members one HUNT.NEARBY may look at: then it ends with an error. 0 for any number."},
	{group: headMemory, name: "lazyfree-lazy-eviction", at: func(c *Config) field { return &c.LazyfreeLazyEviction },
		def: "yes", fixed: alwaysLazy,
		doc: "Memory of evicted keys is given back in the background. It always is; so are the next four."},
	{group: headMemory, name: "lazyfree-lazy-expire", at: func(c *Config) field { return &c.LazyfreeLazyExpire },
		def: "yes", fixed: alwaysLazy,
		doc: "The same for keys that expire."},
	{group: headMemory, name: "lazyfree-lazy-server-del", at: func(c *Config) field { return &c.LazyfreeLazyServerDel },
		def: "yes", fixed: alwaysLazy,
		doc: "The same for values that a command such as RENAME replaces."},
	{group: headMemory, name: "lazyfree-lazy-user-del", at: func(c *Config) field { return &c.LazyfreeLazyUserDel },
		def: "yes", fixed: alwaysLazy,
		doc: "The same for DEL: it does what UNLINK does."},
	{group: headMemory, name: "lazyfree-lazy-user-flush", at: func(c *Config) field { return &c.LazyfreeLazyUserFlush },
		def: "yes", fixed: alwaysLazy,
		doc: "The same for FLUSHDB and FLUSHALL: without an option they do what ASYNC asks for."},

	{group: headEvents, name: "notify-keyspace-events", at: func(c *Config) field { return &c.NotifyKeyspaceEvents }, def: `""`,
		doc: "Which changes of keys are published, a letter for each class: g (DEL, EXPIRE, RENAME and what else any\n" +
			"type knows), $ strings, l lists, s sets, h hashes, z sorted sets, x expired keys, e evicted keys, n new\n" +
			"keys, m keys that are read and missing; t and d (streams, modules) are known, A is all but n and m.\n" +
			"K publishes them on __keyspace@<db>__:<key>, E on __keyevent@<db>__:<event>; without one of the two, and\n" +
			"with the empty string, nothing is published."},

	{group: headWatch, name: "slowlog-log-slower-than", at: func(c *Config) field { return &c.SlowlogLogSlowerThan },
		def: "10000", min: -1, max: math.MaxInt64,
		doc: "Commands that take at least this many microseconds are entered in SLOWLOG; 0 enters every\n" +
			"command, -1 none."},
	{group: headWatch, name: "slowlog-max-len", at: func(c *Config) field { return &c.SlowlogMaxLen }, def: "128",
		max: math.MaxInt64,
		doc: "How many entries SLOWLOG keeps."},
	{group: headWatch, name: "latency-tracking", at: func(c *Config) field { return &c.LatencyTracking }, def: "yes",
		doc: "Keep a histogram of the running times of every command, for INFO latencystats."},
	{group: headWatch, name: "latency-tracking-info-percentiles",
		at: func(c *Config) field { return &c.LatencyTrackingInfoPercentiles }, def: "50 99 99.9",
		doc: "The percentiles that INFO latencystats shows."},
	{group: headWatch, name: "latency-monitor-threshold", at: func(c *Config) field { return &c.LatencyMonitorThreshold },
		def: "0", max: math.MaxInt64,
		doc: "What takes at least this many milliseconds is shown by LATENCY; 0 turns that off. While it is on every\n" +
			"command is timed by itself, which costs pipelines of small commands about a fifth."},

	{group: headWatch, name: "enable-debug-command", at: func(c *Config) field { return &c.EnableDebugCommand }, def: "no",
		choices: []string{"no", "yes", "local"}, change: immutable,
		doc: "Who may call DEBUG, which can stop the server for any time: nobody (no), everybody (yes), or clients\n" +
			"on this machine (local)."},

	{group: headProcess, name: "dir", at: func(c *Config) field { return &c.Dir }, def: "./",
		change: protected, check: checkDir, derive: deriveDir,
		doc: "The data directory: the append-only log and snapshots are here, and relative paths of logfile,\n" +
			"pidfile and unixsocket start from it. One server at a time may use it."},
	{group: headProcess, name: "loglevel", at: func(c *Config) field { return &c.LogLevel }, def: "notice",
		choices: []string{"debug", "verbose", "notice", "warning"},
		doc:     "The least severe log lines to write: debug, verbose, notice or warning."},
	{group: headProcess, name: "logfile", at: func(c *Config) field { return &c.LogFile }, def: `""`, change: immutable,
		doc: "File to append the log to; empty for standard output."},
	{group: headProcess, name: "pidfile", at: func(c *Config) field { return &c.PIDFile }, def: `""`, change: immutable,
		doc: "File that holds the process id while the server runs; empty for none."},
	{group: headProcess, name: "daemonize", at: func(c *Config) field { return &c.Daemonize }, def: "no",
		change: immutable, fixed: "the server stays in the foreground: only 'no' is possible",
		doc: "The server stays in the foreground, for a service manager or container to look after."},
	{group: headProcess, name: "hz", at: func(c *Config) field { return &c.HZ }, def: "10",
		max: math.MaxInt32, derive: deriveHZ,
		doc: "How often a second background work (idle clients, statistics, expired keys) is looked at; taken to\n" +
			"be from 1 to 500."},

	{group: headDisk, name: "appendonly", at: func(c *Config) field { return &c.AppendOnly }, def: "yes",
		doc: "Keep an append-only log of all changes, which is loaded at the start: nothing that was acknowledged is\n" +
			"lost when the process ends, however it does. With 'no' data lives as long as the process, but for snapshots."},
	{group: headDisk, name: "appendfsync", at: func(c *Config) field { return &c.AppendFsync }, def: "everysec",
		choices: []string{"always", "everysec", "no"},
		doc: "When the log is synced to the disk, which is what survives a loss of power. always: before a change\n" +
			"is acknowledged, or shown to anybody; everysec: within a second; no: when the system likes. In all three\n" +
			"a change is in the log file before it is acknowledged, so that the end of the process loses nothing."},
	{group: headDisk, name: "appenddirname", at: func(c *Config) field { return &c.AppendDirName }, def: "appendonlydir",
		change: immutable, check: checkBaseName,
		doc: "Directory of the log's files, in dir."},
	{group: headDisk, name: "appendfilename", at: func(c *Config) field { return &c.AppendFilename }, def: "appendonly.aof",
		change: immutable, check: checkBaseName,
		doc: "What the names of the log's files begin with."},
	{group: headDisk, name: "auto-aof-rewrite-percentage", at: func(c *Config) field { return &c.AutoRewritePercentage },
		def: "100", max: math.MaxInt32,
		doc: "Rewrite the log when it has grown by so many percent since the last time; 0: only when asked to."},
	{group: headDisk, name: "auto-aof-rewrite-min-size", at: func(c *Config) field { return &c.AutoRewriteMinSize },
		def: "64mb", max: math.MaxInt64,
		doc: "Do not rewrite a log smaller than this."},
	{group: headDisk, name: "aof-load-truncated", at: func(c *Config) field { return &c.AOFLoadTruncated }, def: "yes",
		doc: "Start with a log whose end is torn, as a crash leaves it: the end, which was never acknowledged, is cut off\n" +
			"and kept beside it. With 'no' the server refuses to start then. Damage is never loaded."},
	{group: headDisk, name: "aof-use-rdb-preamble", at: func(c *Config) field { return &c.AOFUsePreamble }, def: "yes",
		fixed: "the base of the log is always a snapshot: only 'yes' is possible",
		doc:   "The base of a rewritten log is a snapshot."},
	{group: headDisk, name: "aof-timestamp-enabled", at: func(c *Config) field { return &c.AOFTimestamps }, def: "no",
		fixed: "the log has annotations of its own: only 'no' is possible",
		doc:   "In Redis, whether the log has the time of changes."},
	{group: headDisk, name: "aof-rewrite-incremental-fsync", at: func(c *Config) field { return &c.AOFIncrementalSync }, def: "yes",
		fixed: "what is written is always handed to the disk bit by bit: only 'yes' is possible",
		doc:   "A rewrite hands to the disk what it has written bit by bit."},
	{group: headDisk, name: "no-appendfsync-on-rewrite", at: func(c *Config) field { return &c.NoAppendFsyncOnRewrite }, def: "no",
		fixed: "a sync never holds changes up here: only 'no' is possible",
		doc:   "In Redis, whether the log is not synced while it is rewritten."},
	{group: headDisk, name: "save", at: func(c *Config) field { return &c.Save }, def: `""`,
		doc: "Write a snapshot by itself after so many seconds if so many changes have been made, for one or more such\n" +
			"pairs: 3600 1 300 100. Empty: only when asked to. The log does not need it."},
	{group: headDisk, name: "dbfilename", at: func(c *Config) field { return &c.DBFilename }, def: "dump.rdb",
		change: protected, check: checkBaseName,
		doc: "File of the snapshot, in dir. Where there is no log yet, it is loaded at the start: a file of Redis, too."},
	{group: headDisk, name: "rdbcompression", at: func(c *Config) field { return &c.RDBCompression }, def: "yes",
		doc: "Compress long strings in snapshots."},
	{group: headDisk, name: "rdbchecksum", at: func(c *Config) field { return &c.RDBChecksum }, def: "yes",
		change: immutable,
		doc:    "Put a checksum at the end of snapshots."},
	{group: headDisk, name: "rdb-save-incremental-fsync", at: func(c *Config) field { return &c.RDBIncrementalSync }, def: "yes",
		fixed: "what is written is always handed to the disk bit by bit: only 'yes' is possible",
		doc:   "A snapshot hands to the disk what it has written bit by bit."},
	{group: headDisk, name: "stop-writes-on-bgsave-error", at: func(c *Config) field { return &c.StopWritesOnSaveError }, def: "yes",
		doc: "Refuse changes while snapshots that save asks for fail."},
	{group: headDisk, name: "snapshot-memory-limit", at: func(c *Config) field { return &c.SnapshotMemoryLimit }, def: "0",
		max: math.MaxInt64,
		doc: "How much memory may go to copies of what changes while a snapshot or a rewrite of the log is being written.\n" +
			"From there on changes wait, a little at a time, for the writing. 0 is half of maxmemory."},
}

// byName finds a row by its name or alias, in lower case.
var byName = indexOptions()

func indexOptions() map[string]*option {
	m := map[string]*option{}
	for i := range options {
		o := &options[i]
		m[o.name] = o
		if o.alias != "" {
			m[o.alias] = o
		}
	}
	return m
}

func lookup(name string) *option { return byName[strings.ToLower(name)] }

// read parses and checks the words of a directive on top of the value base.
func (o *option) read(f field, base any, words []string) (any, error) {
	v, err := f.parse(o, base, words)
	if err != nil {
		return nil, err
	}
	if o.fixed != "" && !o.same(f, v, o.defaultOf(f)) {
		return nil, errors.New(o.fixed)
	}
	if o.check != nil {
		if err := o.check(v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// defaultOf is the default as a value. The table is wrong if it does not parse;
// a test reads every row.
func (o *option) defaultOf(f field) any {
	words, _ := splitWords(o.def)
	v, _ := f.parse(o, [classes]OutputLimit{}, words)
	return v
}

// same reports whether two values of the option are written alike.
func (o *option) same(f field, a, b any) bool {
	return slices.Equal(f.words(o, a), f.words(o, b))
}

const maxBindAddresses = 16

func checkBind(v any) error {
	if len(v.([]string)) > maxBindAddresses {
		return errors.New("Too many bind addresses specified.")
	}
	return nil
}

// checkBaseName refuses what is not the name of a file in a directory.
func checkBaseName(v any) error {
	if name := v.(string); name == "" || name == "." || name == ".." || filepath.Base(name) != name {
		return errors.New("must be a file name, not a path, and not empty")
	}
	return nil
}

func checkPowerOfTwo(v any) error {
	if n := v.(int); n&(n-1) != 0 {
		return errors.New("argument must be a power of two")
	}
	return nil
}

func checkDir(v any) error {
	info, err := os.Stat(v.(string))
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return errors.New("not a directory")
	}
	return nil
}

// deriveDir makes the directory absolute, as CONFIG GET shows it. Where the
// working directory is gone the path is left as it is.
func deriveDir(v any) any {
	if abs, err := filepath.Abs(v.(string)); err == nil {
		return abs
	}
	return v
}

func deriveHZ(v any) any { return min(max(v.(int), 1), 500) }

// deriveMaxMemory turns 0 into three quarters of the memory there is: the rest
// is for connections, the Go runtime and the page cache.
func deriveMaxMemory(v any) any {
	if v.(int64) != 0 {
		return v
	}
	return AvailableMemory() / 4 * 3
}

// Path is a file's path, a relative one taken from dir.
func (c *Config) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.Dir.Load(), name)
}
