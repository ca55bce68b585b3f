package persistence

import (
	"log/slog"
	"time"

	"quarry/persistence/vfs"
)

// Policy is when what is written is brought to the disk.
type Policy uint8

// The policies, as the directive appendfsync names them.
const (
	// EverySec syncs what is written within a second; a loss of power costs that much.
	EverySec Policy = iota
	// Always counts a write as committed when it is synced.
	Always
	// No leaves it to the operating system.
	No
)

// Options is what a directory and its log need from outside. Zero values stand
// for what each line names.
type Options struct {
	FS         vfs.FS // vfs.OS
	Dir        string // the working directory: "."
	AppendDir  string // the directory of the log's files in it: appendonlydir
	AppendFile string // what their names begin with: appendonly.aof
	Policy     Policy
	Log        *slog.Logger // nothing is logged
	Now        func() int64 // monotonic nanoseconds: the process's clock
	WallMS     func() int64 // Unix milliseconds: the system's clock
	OnCommit   func()       // called by the log's own goroutines when Committed has moved or Refusal has changed; must not call the log's Close
	OnFatal    func(error)  // a sync failed under Always: nothing more is acknowledged, the process should end
	OnDistrust func(error)  // a sync failed under EverySec: the log refuses writes until a rewrite has succeeded; start one
	Event      func(name string, d time.Duration)
	// Key draws the number that log lines are checked with: of crypto/rand.
	Key func() uint64
	// Version and Fingerprint of the configuration are noted in quarry.meta for whoever examines the directory.
	Version, Fingerprint string
	// Boot names the machine's last start: as long as it is the same, what was written is there, synced or not. "": not known.
	Boot string
	// BufferBytes is how much may wait to be written before writes are refused: 1 GiB.
	BufferBytes int64
	// GroupBytes is how long a group may grow before another begins; single appends may be longer: 16 MiB.
	GroupBytes int64
	// ChunkBytes is how much room is preallocated at a time: 16 MiB. Negative: none.
	ChunkBytes int64
	// ReserveBytes is the least size of the file that is kept for a rewrite on a
	// full disk: 32 MiB. Negative: none.
	ReserveBytes int64

	// tick is how often the goroutines look for work that nobody announces: 100 ms.
	tick time.Duration
	// still leaves the goroutines out: a test does their steps itself, in an order that it knows.
	still bool
}

func (o Options) withDefaults() Options {
	def(&o.FS, vfs.OS)
	def(&o.Dir, ".")
	def(&o.AppendDir, "appendonlydir")
	def(&o.AppendFile, "appendonly.aof")
	def(&o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		begun := time.Now()
		o.Now = func() int64 { return int64(time.Since(begun)) }
	}
	if o.WallMS == nil {
		o.WallMS = func() int64 { return time.Now().UnixMilli() }
	}
	if o.OnCommit == nil {
		o.OnCommit = func() {}
	}
	if o.OnFatal == nil {
		o.OnFatal = func(error) {}
	}
	if o.OnDistrust == nil {
		o.OnDistrust = func(error) {}
	}
	if o.Event == nil {
		o.Event = func(string, time.Duration) {}
	}
	if o.Key == nil {
		o.Key = randomKey
	}
	def(&o.Version, "unknown")
	def(&o.BufferBytes, 1<<30)
	def(&o.GroupBytes, 16<<20)
	def(&o.ChunkBytes, 16<<20)
	def(&o.ReserveBytes, 32<<20)
	def(&o.tick, 100*time.Millisecond)
	return o
}

// def puts a default in place of the zero value.
func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
