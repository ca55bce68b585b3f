//go:build !linux

package vfs

import (
	"io/fs"
	"os"
)

// Systems other than Linux: durable, without the calls that only spread or
// foresee work. The lock is the file itself being held open; where the system
// has no lock that ends with the process, two servers on one directory are not
// told apart.

func syncData(f *os.File) error { return f.Sync() }

func syncRange(*os.File, int64, int64, bool) error { return ErrUnsupported }

func preallocate(*os.File, int64, int64) error { return ErrUnsupported }

func lockFile(*os.File) error { return nil }

func freeBytes(string) (int64, error) { return 0, ErrUnsupported }

func fileID(fs.FileInfo) [2]uint64 { return [2]uint64{} }
