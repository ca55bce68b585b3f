package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"quarry/persistence/vfs"
)

// RecoverStats says what a recovery has found.
type RecoverStats struct {
	Files     int   // read, the base included
	Bytes     int64 // of them
	BaseBytes int64
	Groups    int64 // with a checksum
	Commands  int64
	Cut       []Cut // what was taken off the end
	Took      time.Duration
}

// Cut is what was taken off a file's end: a write that was not finished.
type Cut struct {
	File   string // path
	Offset int64
	Bytes  int64
	SideAt string // the path of the file that keeps it
	Reason string
}

// BaseReader gives a base RDB. Where the base is a file of commands that begins
// with an RDB (of Redis before 7), the loader must not have the bytes behind
// it: one that reads ahead calls End.
type BaseReader struct {
	w    *window
	at   int64
	end  int64
	tell func(bytes int64)
}

// Read reads on.
func (r *BaseReader) Read(p []byte) (int, error) {
	n := int(min(int64(len(p)), r.w.size-r.at, windowAheadBytes))
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	b, err := r.w.need(r.at, n)
	r.at += int64(len(b))
	r.tell(r.at)
	return copy(p, b), err
}

// End says that the RDB has used the first n bytes only.
func (r *BaseReader) End(n int64) { r.end = n }

// Recover feeds what the directory holds: base gets the base RDB with its
// size (a *[BaseReader]), apply every command of the other files in order, with
// arguments that are valid during the call only, progress now and then what is
// done of how many bytes. Of a group nothing is applied before its checksum
// holds. A torn tail is cut, kept in a side file and logged. Damage is a
// *[Fault], and then, as with every error, nothing is changed on the disk.
func (d *Dir) Recover(base func(r io.Reader, size int64) error, apply func(args [][]byte) error, progress func(done, total int64)) (RecoverStats, error) {
	begun := d.o.Now()
	r := newReading(d, base, apply, progress)
	defer r.close()
	fault, err := r.all()
	if err != nil {
		return r.stats, err
	}
	if fault != nil {
		if !fault.Torn {
			return r.stats, fault
		}
		cuts, err := d.cutFrom(fault, r.files)
		r.stats.Cut = cuts
		if err != nil {
			return r.stats, err
		}
	}
	d.recovered, d.pos, d.seq = true, r.scan.pos, r.scan.seq
	if r.scan.keyKnown {
		d.meta.key = r.scan.key
	}
	r.stats.Took = time.Duration(d.o.Now() - begun)
	return r.stats, nil
}

// reading is one reading of all the files of a directory.
type reading struct {
	d        *Dir
	base     func(r io.Reader, size int64) error
	progress func(done, total int64)
	scan     scanner
	files    []openFile
	stats    RecoverStats
	done     int64 // bytes of files that are read
	told     int64 // what progress was last told
	reports  []FileReport
}

type openFile struct {
	info fileInfo
	path string
	f    vfs.File
	w    *window
}

func newReading(d *Dir, base func(io.Reader, int64) error, apply func([][]byte) error, progress func(done, total int64)) *reading {
	if progress == nil {
		progress = func(done, total int64) {}
	}
	r := &reading{d: d, base: base, progress: progress}
	r.scan = scanner{apply: apply, progress: r.tell, key: d.meta.key, keyKnown: d.meta.key != 0, pos: max(d.m.pos, 0), placed: d.m.pos >= 0}
	return r
}

// progressStepBytes is how often progress is told.
const progressStepBytes = 1 << 20

func (r *reading) tell(bytes int64) {
	if now := r.done + bytes; now-r.told >= progressStepBytes {
		r.told = now
		r.progress(now, r.stats.Bytes)
	}
}

func (r *reading) close() {
	for _, f := range r.files {
		f.f.Close()
	}
}

// open opens every file, so that one that is missing is found before anything is read.
func (r *reading) open() error {
	list := r.d.m.incrs
	if r.d.m.base != nil {
		list = append([]fileInfo{*r.d.m.base}, list...)
	}
	for _, info := range list {
		path := r.d.file(info.name)
		f, err := r.d.fs.Open(path)
		if errors.Is(err, vfs.ErrNotExist) {
			return fmt.Errorf("%s is named by the manifest and is missing: %w", path, ErrDamaged)
		} else if err != nil {
			return err
		}
		w, err := newWindow(f)
		if err != nil {
			return errors.Join(err, f.Close())
		}
		r.files = append(r.files, openFile{info, path, f, w})
		r.stats.Bytes += w.size
	}
	r.stats.Files = len(r.files)
	return nil
}

// all reads everything, up to the first fault.
func (r *reading) all() (*Fault, error) {
	if err := r.open(); err != nil {
		return nil, err
	}
	defer func() { r.stats.Groups, r.stats.Commands = r.scan.groups, r.scan.commands }()
	for i, f := range r.files {
		read := r.one
		if f.info.kind == typeBase {
			read = r.first
		}
		groups, commands := r.scan.groups, r.scan.commands
		fault, err := read(f)
		r.reports = append(r.reports, FileReport{f.info.name, f.info.kind == typeBase, f.w.size, r.scan.groups - groups, r.scan.commands - commands})
		if err != nil {
			return nil, err
		}
		if fault != nil {
			return fault, r.judge(fault, r.files[i:])
		}
		r.done += f.w.size
		f.w.buf = nil
	}
	r.progress(r.stats.Bytes, r.stats.Bytes)
	return nil, nil
}

// first reads the base: an RDB, commands, or an RDB with commands behind it.
func (r *reading) first(f openFile) (*Fault, error) {
	r.stats.BaseBytes = f.w.size
	magic, err := f.w.need(0, int(min(5, f.w.size)))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(magic, []byte("REDIS")) {
		if len(magic) > 0 && magic[0] != '*' && magic[0] != '#' {
			return &Fault{File: f.path, Reason: "neither an RDB nor commands"}, nil
		}
		return r.one(f)
	}
	in := &BaseReader{w: f.w, tell: r.tell}
	if err := r.base(in, f.w.size); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	end := in.at
	if in.end > 0 {
		end = in.end
	}
	r.tell(end)
	if end >= f.w.size {
		return nil, nil
	}
	return r.rest(f, end)
}

func (r *reading) one(f openFile) (*Fault, error) { return r.rest(f, 0) }

// rest reads the commands of a file from an offset on. What is no incremental
// file of ours leaves no trace in the stream's positions.
func (r *reading) rest(f openFile, from int64) (*Fault, error) {
	pos := r.scan.pos
	_, fault, err := r.scan.file(f.w, f.path, from)
	if f.info.kind == typeBase {
		r.scan.pos = pos
	}
	return fault, err
}

// judge decides whether a fault is a torn tail: nothing of what it concerns is
// known to have been on the disk. files begin with the faulty one.
func (r *reading) judge(fault *Fault, files []openFile) error {
	if !fault.ours {
		// Redis cuts the last file only, and no base.
		fault.Torn = fault.Torn && r.nothingIn(files[1:])
		return nil
	}
	from := fault.Offset
	for _, f := range files {
		sure, err := confirms(f.w, from, r.scan.pos, r.scan.key, r.d.sameBoot())
		if err != nil || sure {
			fault.Reason += "; the log says further on that it was written"
			return err
		}
		from = 0
	}
	fault.Torn = true
	return nil
}

func (r *reading) nothingIn(files []openFile) bool {
	for _, f := range files {
		if f.w.size > 0 {
			return false
		}
	}
	return true
}

// cutFrom takes a fault and all behind it off the files. The bytes are in side
// files, durably, before they go; the last file is cut first, so that a crash
// in between leaves a tail that is cut next time.
func (d *Dir) cutFrom(fault *Fault, files []openFile) (cuts []Cut, err error) {
	offset := int64(-1)
	for _, f := range files {
		switch {
		case f.path == fault.File:
			offset = fault.Offset
		case offset >= 0:
			offset = 0
		}
		if offset >= 0 && offset < f.w.size {
			cuts = append(cuts, Cut{f.path, offset, f.w.size - offset, fmt.Sprintf("%s%s%d", f.path, cutInfix, offset), fault.Reason})
		}
	}
	for i := len(cuts) - 1; i >= 0; i-- {
		c := &cuts[i]
		if err := d.cut(c); err != nil {
			return cuts[i+1:], fmt.Errorf("cutting an unfinished write off %s: %w", c.File, err)
		}
		d.o.Log.Warn("Cut an unfinished write off the end of the log", "file", c.File, "offset", c.Offset, "bytes", c.Bytes, "kept_in", c.SideAt, "reason", c.Reason)
	}
	return cuts, nil
}

// cut keeps the end of a file beside it and takes it off.
func (d *Dir) cut(c *Cut) error {
	f, err := d.fs.Append(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	if c.SideAt, err = d.freeName(c.SideAt); err != nil {
		return err
	}
	err = replaceFile(d.fs, c.SideAt, d.file(tempPrefix+d.o.AppendFile+".cut"), func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(f, c.Offset, c.Bytes))
		return err
	})
	if err != nil {
		return err
	}
	if err := f.Truncate(c.Offset); err != nil {
		return err
	}
	return f.Sync()
}

// freeName is a name for a side file that no other cut at the same place has taken.
func (d *Dir) freeName(path string) (string, error) {
	for i := range 1000 {
		name := path
		if i > 0 {
			name = fmt.Sprintf("%s.%d", path, i)
		}
		if !d.exists(name) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s and a thousand more names of side files are taken", path)
}
