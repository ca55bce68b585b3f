package persistence

import (
	"bytes"
	"errors"
	"io"

	"quarry/persistence/vfs"
)

const (
	// windowAheadBytes is how much is read at a time.
	windowAheadBytes = 1 << 20
	// windowHoldBytes is the most that is kept of a group for its second
	// reading; of a longer one the beginning is read from the file again.
	windowHoldBytes = 32 << 20
)

// errShort is a file that ends where more must follow; errForm is text that is no command.
var (
	errShort = errors.New("the file ends within a command")
	errForm  = errors.New("this is not the form of a command")
)

// window reads a file by offsets, mostly forward, and keeps one stretch of it
// in memory: what is asked for, and from hold on, as far as windowHoldBytes go.
// Memory follows what the file has, never what lengths in it announce.
type window struct {
	f    vfs.File
	size int64
	at   int64 // offset of buf[0]
	buf  []byte
	hold int64
}

func newWindow(f vfs.File) (*window, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &window{f: f, size: info.SizeBytes}, nil
}

// need returns n bytes from offset, valid until the next call.
func (w *window) need(offset int64, n int) ([]byte, error) {
	if i := offset - w.at; i >= 0 && i+int64(n) <= int64(len(w.buf)) {
		return w.buf[i : i+int64(n)], nil
	}
	if offset < 0 || n < 0 || offset > w.size || int64(n) > w.size-offset {
		return nil, errShort
	}
	if err := w.fill(offset, offset+int64(n)); err != nil {
		return nil, err
	}
	return w.buf[offset-w.at:][:n], nil
}

// fill makes [from, to) part of the window.
func (w *window) fill(from, to int64) error {
	keep := from
	if w.hold >= w.at && w.hold < from && to-w.hold <= windowHoldBytes {
		keep = w.hold
	}
	kept := 0
	if keep >= w.at && keep < w.at+int64(len(w.buf)) {
		kept = copy(w.buf, w.buf[keep-w.at:])
	} else {
		keep = from
	}
	upto := min(w.size, max(to, keep+int64(kept)+windowAheadBytes))
	length := int(upto - keep)
	if length > cap(w.buf) {
		b := make([]byte, length+length/4)
		copy(b, w.buf[:kept])
		w.buf = b
	}
	w.at, w.buf = keep, w.buf[:length]
	n, err := w.f.ReadAt(w.buf[kept:], keep+int64(kept))
	if n == length-kept {
		return nil
	}
	w.buf = w.buf[:kept+n]
	if err == io.EOF || err == nil {
		err = io.ErrUnexpectedEOF // the file was longer a moment ago
	}
	return err
}

// lineAt returns the text from offset to the next "\n", that included; at most
// limit bytes. Without a "\n" in them: errShort at the file's end, else errForm.
func (w *window) lineAt(offset int64, limit int) ([]byte, error) {
	n := int(min(int64(limit), w.size-offset))
	// What is in memory is mostly enough, and costs no read.
	if have := w.at + int64(len(w.buf)) - offset; offset >= w.at && have > 0 {
		b := w.buf[offset-w.at:]
		b = b[:min(len(b), n)]
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return b[:i+1], nil
		}
	}
	b, err := w.need(offset, n)
	if err != nil {
		return nil, err
	}
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1], nil
	}
	if n < limit {
		return nil, errShort
	}
	return nil, errForm
}

// zeros reports whether nothing but zero bytes follow offset, and at least one.
func (w *window) zeros(offset int64) (bool, error) {
	if offset >= w.size {
		return false, nil
	}
	for offset < w.size {
		b, err := w.need(offset, int(min(windowAheadBytes, w.size-offset)))
		if err != nil {
			return false, err
		}
		for _, c := range b {
			if c != 0 {
				return false, nil
			}
		}
		offset += int64(len(b))
	}
	return true, nil
}
