package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/persistence"
	"quarry/server/config"
)

// logged makes a data directory whose log has the given calls, a line each.
func logged(t *testing.T, dir string, calls ...string) {
	t.Helper()
	d, err := persistence.Open(persistence.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	log, err := d.Start()
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range calls {
		log.Append(0, respOf(call))
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// recovering is a server that has loaded a directory, as one does at its start.
func recovering(t *testing.T, dir string) *Server {
	t.Helper()
	cfg, err := config.Load([]string{"--dir", dir})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(cfg, slog.New(slog.DiscardHandler), commands.NewCommandTable())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.endPersistence(); s.persist.dir = nil; s.Close() })
	s.addWorker()
	s.transport = &testTransport{}
	if err := s.openDir(); err != nil {
		t.Fatal(err)
	}
	if err := s.recoverData(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestExport(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "to")
	logged(t, dir, "SET a 1", "ZADD board 1 x 2 y", "BF.RESERVE filter 0.01 100", "HUNT.PUT field 1 2 m", "SET late 1 PXAT 99999999999999")
	var out bytes.Buffer
	if code := Export([]string{dir}, &out); code != 0 || !strings.Contains(out.String(), "3 keys that Redis can read, 2 that it cannot\n") {
		t.Fatalf("%d, %s", code, out.String())
	}
	out.Reset()
	if code := Export([]string{dir, to, "--databases", "20"}, &out); code != 0 {
		t.Fatalf("%d, %s", code, out.String())
	}
	for _, want := range []string{"left out: database 0, key \"filter\", a Bloom filter\n", "left out: database 0, key \"field\", a field\n", "written to " + to} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	for name, file := range map[string]string{"redis-check-aof": "appendonlydir/appendonly.aof.manifest", "redis-check-rdb": "dump.rdb"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Log(name, "is not installed")
			continue
		}
		if text, err := exec.Command(path, filepath.Join(to, file)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	if code := Export([]string{dir, to}, &out); code != 1 || !strings.Contains(out.String(), "holds a log already") {
		t.Errorf("over another log: %s", out.String())
	}
	if n := recovering(t, to).keys(); n != 3 {
		t.Errorf("%d keys are loaded of what was exported", n)
	}
	if code := Export(nil, io.Discard); code != 1 {
		t.Error("without a directory")
	}
}

// A file of Redis before 7: an RDB with commands behind it.
func TestOldLogIsTakenOver(t *testing.T) {
	from, dir := t.TempDir(), t.TempDir()
	logged(t, from, "SET a 1", "SET b 2")
	s := recovering(t, from)
	view, err := s.store.Cut(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	var old bytes.Buffer
	if err := s.writeRDB(&saving{}, &old, view, true); err != nil {
		t.Fatal(err)
	}
	old.Write(respOf("SELECT 0\nSET c 3\nSET a 4"))
	if err := os.WriteFile(filepath.Join(dir, "appendonly.aof"), old.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if n := recovering(t, dir).keys(); n != 3 {
		t.Errorf("%d keys are loaded", n)
	}
}
