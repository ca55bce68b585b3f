package server

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"quarry/persistence/rdb"
	"quarry/persistence/vfs"
)

// TestExport: what Redis can hold is written, the rest is listed.
func TestExport(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	for _, line := range []string{"SET a 1", "ZADD z 1 x", "SELECT 3", "RPUSH l 1 2", "BF.ADD b x", "HUNT.PUT w 1 1 m"} {
		c.send(line)
	}
	to := filepath.Join(t.TempDir(), "new")
	var out bytes.Buffer
	if err := s.exportTo(to, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`left out: database 3, MBbloom-- "b"`, `left out: database 3, hunt-field "w"`, "3 keys are exported", "2 are left out"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("not said: %s\n%s", want, &out)
		}
	}
	for _, name := range []string{"dump.rdb", "appendonlydir/appendonly.aof.1.base.rdb"} {
		copied := testServer(t, nil)
		file, err := vfs.ReadFile(vfs.OS, filepath.Join(to, name), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		stats, err := rdb.Load(bytes.NewReader(file), copied.store, rdb.LoadOptions{Workers: 1})
		if err != nil || stats.Keys != 3 {
			t.Errorf("%s: %d keys, %v", name, stats.Keys, err)
		}
		d := copied.connect(t)
		d.do("ZSCORE z x", "$1|1|")
	}
	if err := s.exportTo(to, &out); err == nil {
		t.Error("a directory is written to twice")
	}
}
