package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// retry repeats a call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// onFD runs a system call on the descriptor of f, which stays open meanwhile.
func onFD(f *os.File, op string, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = retry(func() error { return call(int(fd)) }) }); err != nil {
		return err
	}
	if failed != nil {
		return &PathError{Op: op, Path: f.Name(), Err: failed}
	}
	return nil
}

func syncData(f *os.File) error { return onFD(f, "fdatasync", unix.Fdatasync) }

func syncRange(f *os.File, offset, length int64, wait bool) error {
	flags := unix.SYNC_FILE_RANGE_WRITE
	if wait {
		flags |= unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	}
	err := onFD(f, "sync_file_range", func(fd int) error { return unix.SyncFileRange(fd, offset, length, flags) })
	return supported(err)
}

func preallocate(f *os.File, offset, length int64) error {
	err := onFD(f, "fallocate", func(fd int) error {
		return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, offset, length)
	})
	return supported(err)
}

// supported puts ErrUnsupported in place of the errors that say so.
func supported(err error) error {
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ESPIPE) {
		return ErrUnsupported
	}
	return err
}

func lockFile(f *os.File) error {
	err := onFD(f, "flock", func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return &PathError{Op: "lock", Path: f.Name(), Err: ErrLocked}
	}
	return err
}

func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Statfs(dir, &st) }); err != nil {
		return 0, &PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(st.Bavail) * st.Bsize, nil
}

func fileID(fi fs.FileInfo) [2]uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return [2]uint64{st.Dev, st.Ino}
	}
	return [2]uint64{}
}
