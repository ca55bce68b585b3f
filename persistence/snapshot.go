package persistence

import (
	"bufio"
	"errors"
	"io"
	"path/filepath"

	"quarry/persistence/vfs"
)

// WriteSnapshot writes a file as a whole: under another name beside it, synced,
// renamed, the directory synced. path is what it was before or all new,
// whatever happens in between. A snapshot that failed leaves nothing behind.
func WriteSnapshot(fs vfs.FS, path string, write func(io.Writer) error) error {
	temp := filepath.Join(filepath.Dir(path), tempPrefix+filepath.Base(path))
	return replaceFile(fs, path, temp, func(w io.Writer) error {
		b := newBulk(w.(vfs.File))
		return errors.Join(write(b), b.flush())
	})
}

const (
	bulkBufferBytes = 1 << 20
	// bulkStepBytes is how much is written between two orders to bring it to the
	// disk: without them the last sync finds all of it, and every other sync waits.
	bulkStepBytes = 8 << 20
)

// bulk writes a long file in a way that other writers hardly notice.
type bulk struct {
	f       vfs.File
	w       *bufio.Writer
	written int64 // given to f
	ordered int64 // ordered to be written back
}

func newBulk(f vfs.File) *bulk {
	b := &bulk{f: f}
	b.w = bufio.NewWriterSize(bulkFile{b}, bulkBufferBytes)
	return b
}

// Write buffers p.
func (b *bulk) Write(p []byte) (int, error) { return b.w.Write(p) }

func (b *bulk) flush() error { return b.w.Flush() }

type bulkFile struct{ b *bulk }

// Write passes full buffers on, and has each step brought to the disk while
// the next is made; the one before must be there by then, so that at most two
// steps wait.
func (f bulkFile) Write(p []byte) (int, error) {
	b := f.b
	n, err := b.f.Write(p)
	b.written += int64(n)
	if err != nil || b.written-b.ordered < bulkStepBytes {
		return n, err
	}
	if b.ordered >= bulkStepBytes {
		err = b.f.SyncRange(b.ordered-bulkStepBytes, bulkStepBytes, true)
	}
	if err == nil {
		err = b.f.SyncRange(b.ordered, b.written-b.ordered, false)
	}
	b.ordered = b.written
	if errors.Is(err, vfs.ErrUnsupported) {
		err = nil
	}
	return n, err
}
