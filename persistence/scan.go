package persistence

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// scanner reads incremental files one after the other, checks their groups and
// hands on the commands. Its state is where the stream is between two groups.
type scanner struct {
	apply    func(args [][]byte) error
	progress func(bytes int64)
	key      uint64
	keyKnown bool
	placed   bool  // pos is that of a line or of the manifest, not only a beginning
	numbered bool  // seq is that of a line
	pos, seq int64 // of the last line, and of what was applied since
	groups   int64
	commands int64
	args     [][]byte
}

// fileScan is the reading of one file.
//
// A file of ours is lines and groups by turns; in others there are stretches
// of bare commands, which another server has appended. Which it is, is told by
// what comes first: our header, or anything else. Behind our last line a bare
// command is the part of a group that was never finished, and not applied,
// unless the log was closed there, or Redis' own marks follow (see foreign).
type fileScan struct {
	*scanner
	w      *window
	path   string
	good   int64 // all up to here is applied
	at     int64 // read up to here
	open   bool  // bare commands are somebody's, and applied as they come
	marked bool  // a mark of Redis stands between good and at
	opened int64 // offset where bare commands began to be somebody's
	multi  int64 // offset of a MULTI without EXEC; -1: none
	before int64 // position of that MULTI in the stream
}

// applyError is an error of the caller's apply: the end of it all.
type applyError struct{ err error }

func (e *applyError) Error() string { return e.err.Error() }
func (e *applyError) Unwrap() error { return e.err }

// file reads a file to its end. fault is the first place that cannot be used,
// nothing behind which was applied; Torn is not decided yet. err is an error of
// reading or of apply.
func (s *scanner) file(w *window, path string, from int64) (good int64, fault *Fault, err error) {
	f := &fileScan{scanner: s, w: w, path: path, good: from, at: from, opened: from, open: true, multi: -1}
	reason, err := f.run()
	err0 := err
	var failed *applyError
	switch {
	case errors.As(err, &failed):
		return f.good, nil, fmt.Errorf("%s, a command before offset %d: %w", path, f.at, failed.err)
	case errors.Is(err, errShort) || errors.Is(err, errForm):
		reason = err.Error()
	case err != nil:
		return f.good, nil, err
	}
	if f.multi >= 0 {
		s.pos = f.before
	}
	if reason == "" {
		return f.good, nil, nil
	}
	fault = &Fault{File: path, Offset: f.good, Reason: reason}
	fault.ours, err = f.ours()
	fault.Torn = !fault.ours && (errors.Is(err0, errShort) || reason == errNoExec)
	return f.good, fault, err
}

// ours reports whether what cannot be used behind good would be a group or a
// line of ours, so that our lines tell whether it is damage. In a file that
// begins like none, and where nothing but zeros follows, it is: that is what a
// loss of power makes of a write. What Redis wrote is Redis' to judge.
func (f *fileScan) ours() (bool, error) {
	if !f.open {
		return !f.marked, nil
	}
	if f.good == 0 {
		if b, err := f.w.need(0, min(len(lineTag), int(f.w.size))); err != nil || string(b) == lineTag || b[0] == 0 {
			return err == nil, err
		}
	}
	return f.w.zeros(f.good)
}

// run reads the file; reason says why it cannot be used from f.good on.
func (f *fileScan) run() (reason string, err error) {
	for f.at < f.w.size {
		f.w.hold = f.good
		first, err := f.w.need(f.at, 1)
		if err != nil {
			return "", err
		}
		if first[0] == '#' {
			reason, err = f.comment()
		} else {
			err = f.bare()
		}
		if reason != "" || err != nil {
			return reason, f.short(err)
		}
	}
	return f.end()
}

// short applies what was complete before a file that ends within a command,
// where that is Redis' to decide.
func (f *fileScan) short(err error) error {
	if errors.Is(err, errShort) && f.marked && !f.open {
		return errors.Join(f.adopt(f.at), err)
	}
	return err
}

// end is the file's end, behind a complete command or line.
func (f *fileScan) end() (reason string, err error) {
	if f.marked && !f.open {
		if err := f.adopt(f.at); err != nil {
			return "", err
		}
	}
	switch {
	case f.multi >= 0:
		f.good = min(f.good, f.multi)
		return errNoExec, nil
	case f.good < f.at:
		return "the last commands have no line that confirms them", nil
	}
	return "", nil
}

// bare reads a command outside of a confirmed group.
func (f *fileScan) bare() error {
	if f.open {
		return f.theirs()
	}
	next, err := f.w.skip(f.at)
	if err != nil {
		return err
	}
	from := f.at
	f.at = next
	f.marked = f.marked || f.foreign(from, next)
	return nil
}

// errNoExec is the reason of a fault that Redis cuts, too.
const errNoExec = "a MULTI without its EXEC"

// selectMark is how Redis begins whenever it goes on with a file; Quarry writes
// the name of that command in small letters.
var selectMark = []byte("*2\r\n$6\r\nSELECT\r\n")

// foreign reports whether the command at from is one that only Redis writes:
// it has loaded, and so accepted, all before it.
func (f *fileScan) foreign(from, next int64) bool {
	if next-from < int64(len(selectMark)) {
		return false
	}
	b, err := f.w.need(from, len(selectMark))
	return err == nil && bytes.Equal(b, selectMark)
}

// comment reads a line that begins with '#'.
func (f *fileScan) comment() (reason string, err error) {
	text, err := f.w.lineAt(f.at, maxLineBytes+1)
	if err != nil {
		return "", err
	}
	from := f.at
	f.at += int64(len(text))
	if !bytes.HasPrefix(text, []byte(lineTag)) {
		return f.note(text), nil
	}
	l, ok := parseLine(text, f.key)
	if !ok || l.kind == lineHeader && f.keyKnown && l.hash != f.key || l.kind != lineHeader && !f.keyKnown {
		return "the line that confirms the group is damaged", nil
	}
	if l.kind == lineGroup {
		return f.group(from, &l)
	}
	return f.mark(from, &l)
}

// note is a comment of somebody else: time stamps of Redis, for one.
func (f *fileScan) note(text []byte) (reason string) {
	if !f.open && !f.marked && !bytes.HasPrefix(text, []byte("#TS:")) {
		return "the line that confirms the group is damaged"
	}
	f.marked = true
	if f.open && f.multi < 0 {
		f.good = f.at
	}
	return ""
}

// group is the line behind a group of ours, which began at f.good.
func (f *fileScan) group(from int64, l *line) (reason string, err error) {
	switch {
	case f.open:
		f.good = f.opened
		return "a group without the header of the file before it", nil
	case l.seq != f.seq+1:
		return fmt.Sprintf("group %d follows line %d: one in between is missing", l.seq, f.seq), nil
	case l.start() != f.pos || l.length != from-f.good:
		return fmt.Sprintf("group %d has another length than its line says", l.seq), nil
	}
	sum, err := f.sum(f.good, from)
	if err != nil {
		return "", err
	}
	if sum != l.hash {
		return fmt.Sprintf("the checksum of group %d is not that of its bytes", l.seq), nil
	}
	if err := f.applyAll(f.good, from); err != nil {
		return "", err
	}
	f.groups++
	f.take(l)
	return "", nil
}

// mark is one of the lines that confirm no bytes.
func (f *fileScan) mark(from int64, l *line) (reason string, err error) {
	if f.marked && !f.open {
		if err := f.adopt(from); err != nil {
			return "", err
		}
		f.open = true
	}
	switch {
	case l.length != 0 || f.multi >= 0 || f.open && l.kind != lineHeader:
		return "a line that cannot stand here", nil
	case f.good != from:
		return "commands without a line that confirms them", nil
	case f.numbered && l.seq != f.seq+1:
		return fmt.Sprintf("line %d follows line %d: one in between is missing", l.seq, f.seq), nil
	case f.placed && l.end != f.pos:
		return fmt.Sprintf("line %d is at position %d of the stream and says %d", l.seq, f.pos, l.end), nil
	}
	if l.kind == lineHeader {
		f.key, f.keyKnown = l.hash, true
	}
	f.take(l)
	f.open = l.kind == lineClosed
	return "", nil
}

// take goes on behind a line.
func (f *fileScan) take(l *line) {
	f.pos, f.seq, f.placed, f.numbered = l.end, l.seq, true, true
	f.good, f.opened, f.marked = f.at, f.at, false
	f.progress(f.good)
}

// adopt applies the bare commands between good and end as Redis would.
func (f *fileScan) adopt(end int64) error {
	if err := f.applyAll(f.good, end); err != nil {
		return err
	}
	if f.multi < 0 {
		f.good = end
	}
	return nil
}

// applyAll applies the commands in [from, to), notes passed over.
func (f *fileScan) applyAll(from, to int64) error {
	for from < to {
		text, err := f.w.need(from, 1)
		if err != nil {
			return err
		}
		if text[0] == '#' {
			text, err = f.w.lineAt(from, maxLineBytes+1)
			if err != nil {
				return err
			}
			from += int64(len(text))
			continue
		}
		if from, err = f.one(from); err != nil {
			return err
		}
	}
	return nil
}

// theirs applies a bare command of somebody else and moves good behind it,
// unless a MULTI is waiting for its EXEC.
func (f *fileScan) theirs() error {
	next, err := f.one(f.at)
	if err != nil {
		return err
	}
	f.at = next
	if f.multi < 0 {
		f.good = next
		f.progress(next)
	}
	return nil
}

// one applies the command at from and returns where it ends.
func (f *fileScan) one(from int64) (next int64, err error) {
	args, next, err := f.w.command(from, f.args)
	if err != nil {
		return 0, err
	}
	f.args = args
	switch {
	case f.multi < 0 && len(args) == 1 && bytes.EqualFold(args[0], []byte("MULTI")):
		f.multi, f.before = from, f.pos
	case f.multi >= 0 && len(args) == 1 && bytes.EqualFold(args[0], []byte("EXEC")):
		f.multi = -1
	}
	if err := f.apply(args); err != nil {
		return 0, &applyError{err}
	}
	f.commands++
	f.pos += next - from
	return next, nil
}

// sum hashes [from, to).
func (f *fileScan) sum(from, to int64) (uint64, error) {
	if to-from <= windowAheadBytes {
		b, err := f.w.need(from, int(to-from))
		return xxhash.Sum64(b), err
	}
	var d xxhash.Digest
	d.Reset()
	for from < to {
		b, err := f.w.need(from, int(min(windowAheadBytes, to-from)))
		if err != nil {
			return 0, err
		}
		d.Write(b)
		from += int64(len(b))
	}
	return d.Sum64(), nil
}

// confirms looks behind a fault for a line that says that bytes of the stream
// behind pos were on the disk when it was written. Lines are found by their
// look, and believed for their check, which only who knows the key can make. With written a line need not say so: the machine
// has not lost its power since, so that what was written before a line is there.
func confirms(w *window, from, pos int64, key uint64, written bool) (bool, error) {
	w.hold = w.size
	tag := []byte(lineTag)
	for from < w.size {
		b, err := w.need(from, int(min(windowAheadBytes, w.size-from)))
		if err != nil {
			return false, err
		}
		i := bytes.Index(b, tag)
		if i < 0 {
			from += int64(max(1, len(b)-len(tag)+1))
			continue
		}
		from += int64(i)
		text, err := w.lineAt(from, maxLineBytes+1)
		if err == nil {
			if l, ok := parseLine(text, key); ok && (l.kind != lineHeader || l.hash == key) && (l.synced > pos || written && l.end > pos) {
				return true, nil
			}
		} else if !errors.Is(err, errShort) && !errors.Is(err, errForm) {
			return false, err
		}
		from++
	}
	return false, nil
}
