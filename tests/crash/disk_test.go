//go:build linux

package crash

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"quarry/tests/harness"
)

// TestDiskRefuses: while the disk takes no more, writes are refused and reads go on, what was acknowledged stays, and
// when there is room again, all goes on by itself.
func TestDiskRefuses(t *testing.T) {
	for _, policy := range []string{"everysec", "always"} {
		for _, disk := range []struct {
			name string
			make func(*testing.T) disk
		}{{"limit of file size", newFileLimit}, {"full tmpfs", newFullDisk}} {
			t.Run(policy+", "+disk.name, func(t *testing.T) {
				d := disk.make(t)
				if d == nil {
					return
				}
				tr := newTrial(t, uint64(time.Now().UnixNano()), allKinds, "--dir", d.dir(), "--appendonly", "yes", "--appendfsync", policy)
				tr.dir = d.dir()
				tr.refusing(d)
				if !testing.Short() {
					tr.refusing(d)
				}
			})
		}
	}
}

// disk is a place for data that can be made full.
type disk interface {
	dir() string
	full(tr *trial)
	free(tr *trial)
}

// refusing takes the server through a time without room, and kills it afterwards.
func (tr *trial) refusing(d disk) {
	tr.Helper()
	always := slices.Contains(tr.args, "always")
	tr.Cleanup(func() {
		if tr.Failed() {
			tr.Logf("the server says:\n%.4000s", tr.server.Output())
		}
	})
	tr.load(func() {
		time.Sleep(20 * time.Millisecond)
		d.full(tr)
		harness.Eventually(tr, "writes are refused", func() bool { return isRefusal(tr.probe()) })
		c := tr.server.Dial(tr)
		defer c.Close()
		c.Want("OK", "SELECT", ballastDB)
		// With appendfsync always a read may wait for what was written before it, and end with it.
		if v := c.Do("ZCARD", "ballast"); v.Int != ballast && (v.Kind != harness.Closed || !always) {
			tr.Errorf("a read while writes are refused: %s", v)
		}
		time.Sleep(100 * time.Millisecond) // writers are refused, too
		d.free(tr)
		harness.Eventually(tr, "writes are taken again", func() bool { return tr.probe() == "(int) 0" })
		time.Sleep(20 * time.Millisecond)
		tr.rest()
	})
	refused := 0
	for _, w := range tr.writers {
		refused += w.refused
		w.refused = 0
	}
	tr.look() // memory is what the answers say
	tr.load(func() {
		time.Sleep(20 * time.Millisecond)
		tr.kill()
	})
	tr.start()
	tr.look() // and so is the disk
	tr.Logf("%d steps were refused", refused)
}

// probe tries to write, over a connection of its own: one whose change could not be logged may be closed without a reply.
func (tr *trial) probe() string {
	c := tr.server.Dial(tr)
	defer c.Close()
	c.Want("OK", "SELECT", ballastDB)
	return c.Do("ZADD", "ballast", "0", "row:0000000").String() // which it has
}

// fileLimit lets the process's files grow no more: write(2) fails then with EFBIG, after
// what fits. It needs no rights.
type fileLimit struct{ path string }

func newFileLimit(t *testing.T) disk { return &fileLimit{t.TempDir()} }

func (f *fileLimit) dir() string { return f.path }

func (f *fileLimit) full(tr *trial) { limitFiles(tr, uint64(largestFile(tr, f.path)+50_000)) }

func (f *fileLimit) free(tr *trial) { limitFiles(tr, unix.RLIM_INFINITY) }

func limitFiles(tr *trial, bytes uint64) {
	tr.Helper()
	limit := unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(tr.server.Pid(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		tr.Fatal(err)
	}
}

// largestFile is the size of the largest file of a log.
func largestFile(tr *trial, dir string) (most int64) {
	err := filepath.WalkDir(filepath.Join(dir, "appendonlydir"), func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(d.Name()) != ".aof" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		most = max(most, info.Size())
		return nil
	})
	if err != nil {
		tr.Fatal(err)
	}
	return most
}

// fullDisk is a small file system in memory, filled up by a file that is removed again.
type fullDisk struct{ path string }

const diskBytes = "128m"

// newFullDisk mounts it; nil where that is not allowed, as in many containers: the limit
// of file size stands for it there.
func newFullDisk(t *testing.T) disk {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size="+diskBytes); err != nil {
		t.Logf("no file system can be mounted here (%v); the limit of file size has to do", err)
		return nil
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &fullDisk{dir}
}

func (f *fullDisk) dir() string { return f.path }

func (f *fullDisk) filler() string { return filepath.Join(f.path, "filler") }

// full leaves nothing free.
func (f *fullDisk) full(tr *trial) {
	file, err := os.Create(f.filler())
	if err != nil {
		tr.Fatal(err)
	}
	defer file.Close()
	for chunk := make([]byte, 64<<10); len(chunk) > 0; {
		if n, err := file.Write(chunk); err != nil {
			chunk = chunk[:n/2]
		}
	}
}

func (f *fullDisk) free(tr *trial) {
	if err := os.Remove(f.filler()); err != nil {
		tr.Error(err)
	}
}
