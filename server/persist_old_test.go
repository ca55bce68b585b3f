package server

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
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
