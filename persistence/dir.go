package persistence

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"quarry/persistence/vfs"
)

// Dir is the directory of the append-only files, locked by this process.
// Open, Recover, Start, in this order; one goroutine.
type Dir struct {
	o    Options
	fs   vfs.FS
	path string // of the directory itself
	lock io.Closer
	m    *manifest
	meta meta
	// Where the log goes on, known after Recover.
	recovered bool
	pos, seq  int64
	lastIncr  int64 // the highest number given to an incremental file by this process
}

const (
	lockName       = "quarry.lock"
	metaName       = "quarry.meta"
	reserveName    = "quarry.reserve"
	manifestSuffix = ".manifest"
	tempPrefix     = "temp-"
	cutInfix       = ".cut-"
)

// Open locks the directory and reads the manifest; a single append-only file
// of Redis before 7 in Options.Dir is moved in, as Redis 7 does. A directory
// that another process uses is vfs.ErrLocked, one of a later version ErrNewer.
func Open(o Options) (*Dir, error) {
	d := newDir(o)
	if err := d.makeDir(); err != nil {
		return nil, err
	}
	lock, err := d.fs.Lock(d.file(lockName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("the directory %s is in use by another process: %w", d.path, err)
	} else if err != nil {
		return nil, err
	}
	d.lock = lock
	if err := d.read(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// makeDir makes the directory, durably.
func (d *Dir) makeDir() error {
	if info, err := d.fs.Stat(d.path); err == nil && info.Dir {
		return nil
	}
	if err := d.fs.MkdirAll(d.path); err != nil {
		return err
	}
	return d.fs.SyncDir(d.o.Dir)
}

func newDir(o Options) *Dir {
	o = o.withDefaults()
	return &Dir{o: o, fs: o.FS, path: filepath.Join(o.Dir, o.AppendDir), m: &manifest{}}
}

// file is the path of a file in the directory.
func (d *Dir) file(name string) string { return filepath.Join(d.path, name) }

// read reads what says which files there are.
func (d *Dir) read() error {
	if err := d.readMeta(); err != nil {
		return err
	}
	if err := d.readManifest(); err != nil {
		return err
	}
	if d.wantsUpgrade() {
		return d.upgrade()
	}
	return nil
}

func (d *Dir) readManifest() error {
	path := d.file(d.o.AppendFile + manifestSuffix)
	text, err := vfs.ReadFile(d.fs, path, maxManifestBytes)
	if errors.Is(err, vfs.ErrNotExist) {
		return d.orphaned()
	} else if err != nil {
		return err
	}
	m, err := parseManifest(text)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", path, err, ErrDamaged)
	}
	d.m = m
	return nil
}

// orphaned refuses a directory that has a base and what followed it, and no manifest: somebody has removed that, and to
// begin anew would overwrite them. (A base alone is what a crash leaves of a first start, commands alone
// what one leaves of a log that was being turned on.)
func (d *Dir) orphaned() error {
	names, err := d.fs.List(d.path)
	if err != nil {
		return nil // there is no directory yet
	}
	base, incr := "", ""
	for _, name := range names {
		if !strings.HasPrefix(name, d.o.AppendFile+".") {
			continue
		}
		if info, err := d.fs.Stat(d.file(name)); err != nil || info.SizeBytes == 0 {
			continue
		}
		switch {
		case strings.HasSuffix(name, ".base.rdb"), strings.HasSuffix(name, ".base.aof"):
			base = name
		case strings.HasSuffix(name, ".incr.aof"):
			incr = name
		}
	}
	if base == "" || incr == "" {
		return nil
	}
	return fmt.Errorf("%s holds %s and %s, but no manifest: it has been removed; put it back, or move these files away: %w",
		d.path, base, incr, ErrDamaged)
}

// wantsUpgrade tells the three states in which Redis 7 takes over a single
// file of an older version: no directory or no manifest in it, or a manifest
// that names that file, which was not moved yet.
func (d *Dir) wantsUpgrade() bool {
	if !d.exists(filepath.Join(d.o.Dir, d.o.AppendFile)) {
		return false
	}
	if d.m.empty() {
		return true
	}
	return d.m.base != nil && len(d.m.incrs) == 0 && d.m.base.name == d.o.AppendFile && !d.exists(d.file(d.o.AppendFile))
}

// sameBoot reports whether the machine has been running since the log was written, of a directory that has not been started yet.
func (d *Dir) sameBoot() bool { return d.o.Boot != "" && d.meta.boot == d.o.Boot }

func (d *Dir) exists(path string) bool {
	info, err := d.fs.Stat(path)
	return err == nil && !info.Dir
}

// upgrade makes the single file the base: named first, moved then, so that
// each point in between is one of the states of wantsUpgrade.
func (d *Dir) upgrade() error {
	m := &manifest{base: &fileInfo{d.o.AppendFile, 1, typeBase}}
	if err := d.writeManifest(m); err != nil {
		return err
	}
	if err := d.fs.Rename(filepath.Join(d.o.Dir, d.o.AppendFile), d.file(d.o.AppendFile)); err != nil {
		return err
	}
	if err := d.fs.SyncDir(d.path); err != nil {
		return err
	}
	d.o.Log.Info("Moved an append-only file of the old form into the directory of the log", "file", d.o.AppendFile, "directory", d.path)
	return d.fs.SyncDir(d.o.Dir)
}

// Empty reports that there is no data of a log: a first start.
func (d *Dir) Empty() bool { return d.m.empty() }

// Close ends the use of a directory on which no log was started.
func (d *Dir) Close() error { return d.lock.Close() }

// writeManifest puts a manifest in place of the one there, durably, and makes
// it d's own. Of errUncertain see replaceFile; it is d's own then, too.
func (d *Dir) writeManifest(m *manifest) error {
	err := replaceFile(d.fs, d.file(d.o.AppendFile+manifestSuffix), d.file(tempPrefix+d.o.AppendFile+manifestSuffix), func(w io.Writer) error {
		_, err := w.Write(appendManifest(nil, m))
		return err
	})
	if err == nil || errors.Is(err, errUncertain) {
		d.m = m
	}
	return err
}

// errUncertain is a file that has its new content, which a loss of power may undo.
var errUncertain = errors.New("it is not known to be on the disk")

// replaceFile writes a file under another name, syncs it, gives it its name
// and syncs the directory. Where it fails, path is what it was; with
// errUncertain it is all new, and may be what it was after a crash: whatever
// either of the two speaks of must stay.
func replaceFile(fs vfs.FS, path, temp string, write func(io.Writer) error) (err error) {
	f, err := fs.Create(temp)
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = fs.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(fs, temp))
	}
	if err := fs.SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: %w", err, errUncertain)
	}
	return nil
}

func removeIfThere(fs vfs.FS, path string) error {
	if err := fs.Remove(path); !errors.Is(err, vfs.ErrNotExist) {
		return err
	}
	return nil
}

// incrName and baseName are the names Redis gives.
func (d *Dir) incrName(seq int64) string {
	return d.o.AppendFile + "." + strconv.FormatInt(seq, 10) + ".incr.aof"
}

func (d *Dir) baseName(seq int64) string {
	return d.o.AppendFile + "." + strconv.FormatInt(seq, 10) + ".base.rdb"
}

// tidy removes what a crash left behind: temporary files, files of the history,
// and files of a rewrite that no manifest names. It follows a recovery that
// succeeded. Side files of cuts, and what we do not know, stay.
func (d *Dir) tidy() error {
	if err := d.forget(); err != nil {
		return err
	}
	names, err := d.fs.List(d.path)
	if err != nil {
		return err
	}
	for _, name := range names {
		if d.leftover(name) {
			d.o.Log.Info("Removing a file that an unfinished rewrite has left", "file", d.file(name))
			if err := removeIfThere(d.fs, d.file(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// leftover reports whether a file is one of ours, by its name, that nothing names.
func (d *Dir) leftover(name string) bool {
	if strings.HasPrefix(name, tempPrefix+d.o.AppendFile) || name == tempPrefix+metaName {
		return true
	}
	rest, ours := strings.CutPrefix(name, d.o.AppendFile+".")
	number, suffix, _ := strings.Cut(rest, ".")
	if !ours || suffix != "incr.aof" && suffix != "base.rdb" && suffix != "base.aof" {
		return false
	}
	if _, err := strconv.ParseInt(number, 10, 64); err != nil {
		return false
	}
	named := d.m.base != nil && d.m.base.name == name
	for _, f := range d.m.incrs {
		named = named || f.name == name
	}
	return !named
}
