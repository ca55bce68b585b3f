package persistence

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart, by errors.Is.
var (
	// ErrDamaged is data on the disk that is not what was written there.
	ErrDamaged = errors.New("the data on the disk is damaged")
	// ErrNewer is a directory written by a version that this one cannot read.
	ErrNewer = errors.New("written by a newer version of Quarry")
	// ErrClosed is a log that was closed.
	ErrClosed = errors.New("the log is closed")
	// ErrRewriting is a rewrite asked for while another runs.
	ErrRewriting = errors.New("a rewrite of the log is in progress")
)

// Fault is a place where a file does not hold what it should. It is
// ErrDamaged, unless Torn says that a write was merely not finished.
type Fault struct {
	File   string // path
	Offset int64  // where the first byte is that cannot be used
	Reason string
	Torn   bool // nothing behind Offset was ever known to be on the disk
	ours   bool // our lines decide whether it is Torn
}

// Error names the file, the offset and the reason.
func (f *Fault) Error() string {
	return fmt.Sprintf("%s, offset %d: %s", f.File, f.Offset, f.Reason)
}

// Unwrap is ErrDamaged for damage, nil for a torn tail.
func (f *Fault) Unwrap() error {
	if f.Torn {
		return nil
	}
	return ErrDamaged
}
