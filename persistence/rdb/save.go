package rdb

import (
	"fmt"
	"io"

	"quarry/store"
)

// Source is what Save reads: a *store.View.
type Source interface {
	// Databases is the number of databases.
	Databases() int
	// Size is how many keys a database has, and how many of them expire.
	Size(db int) (keys, expires int64)
	// Walk calls fn for each key of a database until fn fails, and returns its error.
	Walk(db int, fn func(*store.Entry) error) error
}

// Aux is a field that says something about the file.
type Aux struct{ Name, Value string }

// The names of fields.
const (
	auxBits    = "redis-bits"
	auxCTime   = "ctime"
	auxMemory  = "used-mem"
	auxBase    = "aof-base"
	auxBaseOld = "aof-preamble"
)

// Uses is what a file says of the uses of keys, besides nothing.
type Uses uint8

// What there is.
const (
	NoUses Uses = iota
	Idle        // for how long they have not been used, which a server needs that evicts by it
	Freq        // how often they are used, likewise
)

// SaveOptions say how a file is written.
type SaveOptions struct {
	Compress   bool // long strings, by LZF
	Checksum   bool
	AOFBase    bool  // the file is the base of a log
	CTimeUnix  int64 // the time, in seconds
	UsedMemory int64 // bytes
	Uses       Uses
	Aux        []Aux // more of them
	// Leave says which keys are left out, such as those of types that Redis has not (store.Type.IsRedis); nil: none are.
	Leave func(e *store.Entry) bool
	// Progress is called every 256 KiB or so with the number of keys that have been written; its error ends Save. nil: nobody is told.
	Progress func(keys int64) error
}

// saver is a file that is being written.
type saver struct {
	writer
	o    SaveOptions
	keys int64
}

// Save writes all that src has as an RDB file. It keeps some 300 KiB in memory, and up to the length of the longest element.
func Save(w io.Writer, src Source, o SaveOptions) error {
	s := &saver{o: o}
	defer s.done()
	s.w, s.noSum, s.compress = w, !o.Checksum, o.Compress
	if o.Progress != nil {
		s.passed = func() error { return o.Progress(s.keys) }
	}
	s.head()
	for db := range src.Databases() {
		keys, expires := src.Size(db)
		if keys == 0 {
			continue
		}
		s.byte(codeSelectDB)
		s.length(uint64(db))
		s.byte(codeResizeDB)
		s.length(uint64(keys))
		s.length(uint64(expires))
		if err := src.Walk(db, s.entry); err != nil {
			return err
		}
	}
	s.byte(codeEnd)
	s.flush()
	s.u64(s.sum) // 0 without a checksum
	s.flush()
	return s.err
}

// head writes what comes before the data.
func (s *saver) head() {
	s.buf = fmt.Appendf(s.buf, "%s%04d", magic, writeVersion)
	for _, a := range s.o.Aux {
		s.aux(a.Name, a.Value)
	}
	s.auxInt(auxBits, 64)
	s.auxInt(auxCTime, s.o.CTimeUnix)
	s.auxInt(auxMemory, s.o.UsedMemory)
	base := int64(0)
	if s.o.AOFBase {
		base = 1
	}
	s.auxInt(auxBase, base)
}

// entry writes a key.
func (s *saver) entry(e *store.Entry) error {
	if s.o.Leave != nil && s.o.Leave(e) {
		return nil
	}
	if at := e.ExpireAt(); at != 0 {
		s.byte(codeExpireMS)
		s.u64(uint64(at))
	}
	switch s.o.Uses {
	case Idle:
		s.byte(codeIdle)
		s.length(uint64(e.IdleSec()))
	case Freq:
		s.byte(codeFreq)
		s.byte(e.Freq())
	}
	s.byte(codeOf(e.Type()))
	s.str(e.Key())
	s.value(e)
	s.room()
	s.keys++
	return s.err
}
