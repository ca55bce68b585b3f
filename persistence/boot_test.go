package persistence

import (
	"errors"
	"testing"

	"quarry/persistence/vfs"
)

// TestSameBoot: while the machine runs what was written is there, so that a group which is not whole in front of a line is damage;
// after a loss of power it is what was not on the disk yet.
func TestSameBoot(t *testing.T) {
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("/data"))
	o := Options{FS: mem, Dir: "/data", Policy: EverySec, Boot: "monday"}
	d, err := Open(o)
	must(t, err)
	l, err := d.Start()
	must(t, err)
	for _, value := range []string{"1", "2"} {
		l.Append(0, commandOf("SET", "0", value))
		l.Commit()
	}
	path := "/data/appendonlydir/appendonly.aof.1.incr.aof"
	for boot, damaged := range map[string]bool{"monday": true, "tuesday": false, "": false} {
		copied := mem.Crash(vfs.LoseNothing, nil)
		copied.Flip(path, 120, 1)
		o.FS, o.Boot = copied, boot
		d, err := Open(o)
		must(t, err)
		_, err = d.Recover(nil, func([][]byte) error { return nil }, nil)
		if errors.Is(err, ErrDamaged) != damaged {
			t.Errorf("booted on %q: %v", boot, err)
		}
		must(t, d.Close())
	}
	must(t, l.Close())
}

// TestNoManifest: files of a log without it are not overwritten.
func TestNoManifest(t *testing.T) {
	whole, o, _ := written(t, true)
	for _, left := range []string{"", "base", "incr"} {
		mem := whole.Crash(vfs.LoseNothing, nil)
		f, err := mem.Create("/data/appendonlydir/appendonly.aof.1.base.rdb")
		must(t, err)
		_, err = f.Write([]byte("REDIS0009"))
		must(t, err)
		names, err := mem.List("/data/appendonlydir")
		must(t, err)
		for _, name := range names {
			path := "/data/appendonlydir/" + name
			if name == "appendonly.aof.manifest" || left == "base" && match(name, ".incr.aof") || left == "incr" && match(name, ".base.rdb") {
				must(t, mem.Remove(path))
			}
		}
		o.FS = mem
		d, err := Open(o)
		if errors.Is(err, ErrDamaged) != (left == "") {
			t.Errorf("%q is left: %v", left, err)
		}
		if err == nil {
			must(t, d.Close())
		}
	}
}

func match(name, end string) bool { return len(name) > len(end) && name[len(name)-len(end):] == end }
