package store

import "errors"

var (
	// ErrWrongType: the key holds a value of another type.
	ErrWrongType = errors.New("wrong type")
	// ErrOOM: the command needs more memory than maxmemory leaves.
	ErrOOM = errors.New("out of memory")
)
