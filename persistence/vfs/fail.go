package vfs

import (
	"fmt"
	"io"
	"path/filepath"
)

// Op is an operation that is about to happen.
type Op struct {
	Kind string // create, write, sync ...: the name of the method in small letters
	Path string
	To   string // of a rename
	Size int    // of a write; of others what they are about: offset, length, size
}

// String is the operation on one line: kind, base names, size.
func (o Op) String() string {
	s := o.Kind + " " + filepath.Base(o.Path)
	if o.To != "" {
		s += " " + filepath.Base(o.To)
	}
	if o.Kind == "write" {
		s += fmt.Sprintf(" %d", o.Size)
	}
	return s
}

// Reads reports an operation that changes nothing.
func (o Op) Reads() bool {
	switch o.Kind {
	case "open", "append", "list", "stat", "fstat", "freebytes", "readat", "close", "lock":
		return true
	}
	return false
}

// Short is an error of a write of which the first N bytes have succeeded.
type Short struct {
	N   int
	Err error
}

// Error is that of Err.
func (s *Short) Error() string { return s.Err.Error() }

// Unwrap returns Err.
func (s *Short) Unwrap() error { return s.Err }

// Hooked is a file system that asks before each operation: an error of the
// hook is that of the operation, which then does not happen. A *[Short] lets a
// write happen in part. The hook may be called by several goroutines at once.
type Hooked struct {
	FS
	Hook func(Op) error
}

func (h *Hooked) file(op Op, open func(string) (File, error)) (File, error) {
	if err := h.Hook(op); err != nil {
		return nil, &PathError{Op: op.Kind, Path: op.Path, Err: err}
	}
	f, err := open(op.Path)
	if err != nil {
		return nil, err
	}
	return &hookedFile{f, h, op.Path}, nil
}

func (h *Hooked) ask(op Op) error {
	if err := h.Hook(op); err != nil {
		return &PathError{Op: op.Kind, Path: op.Path, Err: err}
	}
	return nil
}

// Open asks, and opens a file.
func (h *Hooked) Open(path string) (File, error) {
	return h.file(Op{Kind: "open", Path: path}, h.FS.Open)
}

// Create asks, and makes a file.
func (h *Hooked) Create(path string) (File, error) {
	return h.file(Op{Kind: "create", Path: path}, h.FS.Create)
}

// Append asks, and opens a file.
func (h *Hooked) Append(path string) (File, error) {
	return h.file(Op{Kind: "append", Path: path}, h.FS.Append)
}

// Rename asks, and renames.
func (h *Hooked) Rename(from, to string) error {
	if err := h.ask(Op{Kind: "rename", Path: from, To: to}); err != nil {
		return err
	}
	return h.FS.Rename(from, to)
}

// Remove asks, and removes.
func (h *Hooked) Remove(path string) error {
	if err := h.ask(Op{Kind: "remove", Path: path}); err != nil {
		return err
	}
	return h.FS.Remove(path)
}

// MkdirAll asks, and makes directories.
func (h *Hooked) MkdirAll(path string) error {
	if err := h.ask(Op{Kind: "mkdirall", Path: path}); err != nil {
		return err
	}
	return h.FS.MkdirAll(path)
}

// List asks, and lists.
func (h *Hooked) List(dir string) ([]string, error) {
	if err := h.ask(Op{Kind: "list", Path: dir}); err != nil {
		return nil, err
	}
	return h.FS.List(dir)
}

// Stat asks, and looks.
func (h *Hooked) Stat(path string) (Info, error) {
	if err := h.ask(Op{Kind: "stat", Path: path}); err != nil {
		return Info{}, err
	}
	return h.FS.Stat(path)
}

// SyncDir asks, and syncs a directory.
func (h *Hooked) SyncDir(dir string) error {
	if err := h.ask(Op{Kind: "syncdir", Path: dir}); err != nil {
		return err
	}
	return h.FS.SyncDir(dir)
}

// Lock asks, and locks.
func (h *Hooked) Lock(path string) (io.Closer, error) {
	if err := h.ask(Op{Kind: "lock", Path: path}); err != nil {
		return nil, err
	}
	return h.FS.Lock(path)
}

// FreeBytes asks, and measures.
func (h *Hooked) FreeBytes(dir string) (int64, error) {
	if err := h.ask(Op{Kind: "freebytes", Path: dir}); err != nil {
		return 0, err
	}
	return h.FS.FreeBytes(dir)
}

type hookedFile struct {
	File
	h    *Hooked
	path string
}

func (f *hookedFile) ReadAt(p []byte, offset int64) (int, error) {
	if err := f.h.ask(Op{Kind: "readat", Path: f.path, Size: len(p)}); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, offset)
}

func (f *hookedFile) Write(p []byte) (int, error) {
	err := f.h.Hook(Op{Kind: "write", Path: f.path, Size: len(p)})
	if err == nil {
		return f.File.Write(p)
	}
	n := 0
	if short, ok := err.(*Short); ok {
		n, _ = f.File.Write(p[:min(short.N, len(p))])
	}
	return n, &PathError{Op: "write", Path: f.path, Err: err}
}

func (f *hookedFile) Sync() error {
	if err := f.h.ask(Op{Kind: "sync", Path: f.path}); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *hookedFile) SyncRange(offset, length int64, wait bool) error {
	if err := f.h.ask(Op{Kind: "syncrange", Path: f.path, Size: int(length)}); err != nil {
		return err
	}
	return f.File.SyncRange(offset, length, wait)
}

func (f *hookedFile) Preallocate(offset, length int64) error {
	if err := f.h.ask(Op{Kind: "preallocate", Path: f.path, Size: int(offset + length)}); err != nil {
		return err
	}
	return f.File.Preallocate(offset, length)
}

func (f *hookedFile) Truncate(size int64) error {
	if err := f.h.ask(Op{Kind: "truncate", Path: f.path, Size: int(size)}); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *hookedFile) Stat() (Info, error) {
	if err := f.h.ask(Op{Kind: "fstat", Path: f.path}); err != nil {
		return Info{}, err
	}
	return f.File.Stat()
}

func (f *hookedFile) Close() error {
	if err := f.h.ask(Op{Kind: "close", Path: f.path}); err != nil {
		return err
	}
	return f.File.Close()
}
