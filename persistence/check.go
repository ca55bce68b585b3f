package persistence

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"quarry/persistence/vfs"
)

// CheckOptions say what is examined, and who judges what is in the files.
type CheckOptions struct {
	FS   vfs.FS // vfs.OS
	Dir  string // the working directory of a server, or the directory of the log itself
	Boot string // as Options.Boot
	Base func(r io.Reader, size int64) error
	// Apply gets each command of the incremental files; nil: their form is all that is looked at.
	Apply func(args [][]byte) error
}

// Report says what a directory holds, and what is wrong with it.
type Report struct {
	Path        string // of the directory of the log
	Version     string // of the Quarry that wrote it last; "": none, or not known
	Fingerprint string
	Files       []FileReport
	History     []string // files to be deleted that are there still
	Kept        []string // side files of earlier cuts
	Position    int64    // of the end of what is whole
	Fault       *Fault   // the first place that is wrong; nil: none
	Lost        int64    // bytes behind it
	Cut         []Cut    // what Repair has done
}

// FileReport is about one file that was read.
type FileReport struct {
	Name             string
	Base             bool
	Bytes            int64
	Groups, Commands int64
}

// Check reads a directory without changing it. The error is why it could not
// be read to an end; what is found to be torn or damaged in the commands is in
// the report. A directory that a server uses is vfs.ErrLocked.
func Check(o CheckOptions) (Report, error) {
	return examine(o, false)
}

// Repair is Check, and cuts off what is torn or damaged: the fault and all
// behind it, which is kept in side files. Nothing else is changed. A base or a
// manifest cannot be repaired.
func Repair(o CheckOptions) (Report, error) {
	return examine(o, true)
}

func examine(o CheckOptions, repair bool) (rep Report, err error) {
	d, err := find(o)
	if err != nil {
		return rep, err
	}
	rep.Path = d.path
	lock, err := d.fs.Lock(d.file(lockName))
	if err != nil {
		return rep, fmt.Errorf("%s is in use, or cannot be locked: %w", d.path, err)
	}
	defer lock.Close()
	if err := errors.Join(d.readMeta(), d.readManifest()); err != nil {
		return rep, err
	}
	rep.Version, rep.Fingerprint = d.meta.version, d.meta.fingerprint
	if err := rep.look(d); err != nil {
		return rep, err
	}
	apply := o.Apply
	if apply == nil {
		apply = func([][]byte) error { return nil }
	}
	r := newReading(d, o.Base, apply, nil)
	defer r.close()
	rep.Fault, err = r.all()
	rep.Files, rep.Position = r.reports, r.scan.pos
	if err != nil || rep.Fault == nil {
		return rep, err
	}
	rep.Lost = r.behind(rep.Fault)
	if repair {
		if d.m.base != nil && rep.Fault.File == d.file(d.m.base.name) && !rep.Fault.Torn {
			return rep, fmt.Errorf("a base cannot be repaired: %w", rep.Fault)
		}
		rep.Cut, err = d.cutFrom(rep.Fault, r.files)
	}
	return rep, err
}

// find makes a Dir of the directory with a manifest at or below o.Dir.
func find(o CheckOptions) (*Dir, error) {
	opts := Options{FS: o.FS, Dir: o.Dir, Boot: o.Boot}.withDefaults()
	for _, at := range []string{".", opts.AppendDir} {
		names, err := opts.FS.List(filepath.Join(o.Dir, at))
		if err != nil && !errors.Is(err, vfs.ErrNotExist) {
			return nil, err
		}
		for _, name := range names {
			if file, ok := strings.CutSuffix(name, manifestSuffix); ok && !strings.HasPrefix(name, tempPrefix) {
				opts.AppendDir, opts.AppendFile = at, file
				return newDir(opts), nil
			}
		}
	}
	return nil, fmt.Errorf("%s: there is no manifest (*%s) in it, nor in %s below", o.Dir, manifestSuffix, opts.AppendDir)
}

// look notes what there is besides the data.
func (rep *Report) look(d *Dir) error {
	names, err := d.fs.List(d.path)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.Contains(name, cutInfix) {
			rep.Kept = append(rep.Kept, name)
		}
	}
	for _, f := range d.m.history {
		if d.exists(d.file(f.name)) {
			rep.History = append(rep.History, f.name)
		}
	}
	return nil
}

// behind is how many bytes lie behind a fault.
func (r *reading) behind(fault *Fault) (n int64) {
	found := false
	for _, f := range r.files {
		if found {
			n += f.w.size
		} else if f.path == fault.File {
			found = true
			n += f.w.size - fault.Offset
		}
	}
	return n
}
