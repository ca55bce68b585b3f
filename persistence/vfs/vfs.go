package vfs

import (
	"errors"
	"io"
	"io/fs"
)

// Errors that callers tell apart. They are compared with errors.Is; an
// operating system's own errors wrap or equal them.
var (
	// ErrNotExist is a name that is not there.
	ErrNotExist = fs.ErrNotExist
	// ErrLocked is a lock that another process, or another open directory of this one, holds.
	ErrLocked = errors.New("vfs: locked by another process")
	// ErrUnsupported is an operation that the file system does not offer.
	ErrUnsupported = errors.ErrUnsupported
)

// FS is a file system. Paths are those of the operating system. Any goroutine
// may call.
type FS interface {
	// Open opens a file for reading.
	Open(path string) (File, error)
	// Create makes an empty file for writing, in place of one of that name.
	Create(path string) (File, error)
	// Append opens a file that exists, for reading and for writing at its end.
	Append(path string) (File, error)
	// Rename gives a file another name, in place of what had it; atomic, durable after SyncDir.
	Rename(from, to string) error
	// Remove takes a name away; an open file of that name lives on until it is closed.
	Remove(path string) error
	// MkdirAll makes a directory and those above it, where missing.
	MkdirAll(path string) error
	// List returns the names in a directory, sorted.
	List(dir string) ([]string, error)
	// Stat says what a name stands for.
	Stat(path string) (Info, error)
	// SyncDir makes the names in a directory durable as they are.
	SyncDir(dir string) error
	// Lock takes a lock file for this process, making the file where it is
	// missing, and fails with ErrLocked where somebody holds it. It ends with
	// Close, and with the process.
	Lock(path string) (io.Closer, error)
	// FreeBytes is the space that this process may still use where dir is.
	FreeBytes(dir string) (int64, error)
}

// Info is what Stat tells.
type Info struct {
	SizeBytes int64
	Dir       bool
	// ID is equal for two names exactly when they stand for the same file.
	ID [2]uint64
}

// File is an open file. Sync, SyncRange and Preallocate may be called while
// another goroutine writes.
type File interface {
	// ReadAt reads as io.ReaderAt asks.
	io.ReaderAt
	// Write appends at the end of the file. Where it fails, the first n bytes are written.
	io.Writer
	io.Closer
	// Sync makes the content durable, and the size (fdatasync).
	Sync() error
	// SyncRange begins to bring bytes to the disk, waits for earlier ones where
	// wait is set, and promises nothing: it only spreads the work of a later Sync.
	SyncRange(offset, length int64, wait bool) error
	// Preallocate sees to it that the bytes up to offset+length find room, and
	// leaves the size as it is. ErrUnsupported where that is not to be had.
	Preallocate(offset, length int64) error
	// Truncate cuts the file to a size and gives back what is preallocated beyond.
	Truncate(size int64) error
	// Stat says how long the file is.
	Stat() (Info, error)
}

// ReadFile returns the content of a file of at most limit bytes.
func ReadFile(fs FS, path string, limit int64) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.SizeBytes > limit {
		return nil, &PathError{Op: "read", Path: path, Err: errors.New("file is too long")}
	}
	b := make([]byte, info.SizeBytes)
	n, err := f.ReadAt(b, 0)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}

// PathError is an error with the operation and the path it met.
type PathError = fs.PathError
