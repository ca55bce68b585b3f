package server

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quarry/commands"
)

func TestConfigGetPatterns(t *testing.T) {
	s := infoServer(t)
	f := func(want int, patterns ...string) {
		t.Helper()
		var list [][]byte
		for _, p := range patterns {
			list = append(list, []byte(p))
		}
		if got := s.ConfigGet(list); len(got) != want {
			t.Errorf("%q: %v, want %d options", patterns, got, want)
		}
	}
	f(1, "port")
	f(1, "PORT", "port", "p?rt")
	f(4, "zset-max-*")
	f(2, "MaxMemory*")
	f(0, "nosuch", "")
	f(2, "hz", "timeout")
}

func TestConfigSetReachesTheServer(t *testing.T) {
	s := infoServer(t)
	err := s.ConfigSet([]commands.KV{{Name: "maxmemory", Value: "64mb"}, {Name: "maxmemory-policy", Value: "allkeys-lfu"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.store.Memory().MaxMemory; got != 64<<20 {
		t.Errorf("the store's limit is %d", got)
	}
	if err := s.ConfigSet([]commands.KV{{Name: "nosuch", Value: "1"}}); err == nil {
		t.Error("an unknown option was set")
	}
}

// TestObjectWithoutConfig: OBJECT, which runs with a shard locked, does not wait
// for the configuration. It hangs else, and the test's own deadline tells where.
func TestObjectWithoutConfig(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.do("ZADD z 1 a", ":1|")
	s.cfg.OnChange("timeout", func() error {
		c.do("OBJECT IDLETIME z", ":0|")
		return nil
	})
	if err := s.ConfigSet([]commands.KV{{Name: "timeout", Value: "5"}}); err != nil {
		t.Error(err)
	}
}

func TestConfigRewriteHost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "quarry.conf")
	if err := os.WriteFile(file, []byte("hz 20\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := infoServer(t, file)
	if err := s.ConfigSet([]commands.KV{{Name: "hz", Value: "30"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.ConfigRewrite(); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); string(text) != "hz 30\n" {
		t.Errorf("the file is %q", text)
	}
	if err := infoServer(t).ConfigRewrite(); err == nil || err.Error() != "ERR The server is running without a config file" {
		t.Errorf("without a file: %v", err)
	}
}

// brokenDir is a data directory in which no snapshot can be written.
func brokenDir(t *testing.T) string {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "dump.rdb", "in-the-way"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestShutdownIsTheEnd: nothing that came behind it is run, on any connection.
func TestShutdownIsTheEnd(t *testing.T) {
	s := testServer(t, nil, "--dir", brokenDir(t))
	c, other := s.connect(t), s.connect(t)
	other.do("ZADD k 1 a", ":1|")
	c.Feed([]byte("PING\r\nSHUTDOWN SAVE\r\nSHUTDOWN NOSAVE\r\nZADD k 2 b\r\n"))
	if got := c.turn(); got != "+PONG\r\n-ERR Errors trying to SHUTDOWN. Check logs.\r\n" || !c.conn.gone {
		t.Errorf("%q, gone: %t", got, c.conn.gone)
	}
	other.do("ZADD k 3 c", "")
	if n := s.store.Size(0); n != 1 || s.counters.total().commands[s.table.ByName("zadd").Index()].calls != 1 {
		t.Error("a command was run after SHUTDOWN")
	}
}

// TestCrossProtocolWarning: a page may send requests without end, the log says so once a minute.
func TestCrossProtocolWarning(t *testing.T) {
	var log bytes.Buffer
	s := testServer(t, nil)
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	for range 3 {
		c := s.connect(t)
		c.do("Host: 127.0.0.1:6379", "")
		if !c.conn.gone {
			t.Error("the connection is open")
		}
	}
	if n := strings.Count(log.String(), "possible attack"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, &log)
	}
	if stats := s.Info([]string{"commandstats"}); strings.Contains(stats, "host:") {
		t.Errorf("counted as a command:\n%s", stats)
	}
}

func TestShutdown(t *testing.T) {
	f := func(o commands.ShutdownOptions, want string) {
		t.Helper()
		s := infoServer(t, "--dir", brokenDir(t))
		err := s.Shutdown(o)
		if want == "" {
			if err != nil || s.done.Err() == nil {
				t.Errorf("%+v: %v, stopped: %v", o, err, s.done.Err())
			}
		} else if err == nil || err.Error() != want || s.done.Err() != nil {
			t.Errorf("%+v: %v, stopped: %v; want %s", o, err, s.done.Err(), want)
		}
	}
	f(commands.ShutdownOptions{}, "")
	f(commands.ShutdownOptions{NoSave: true, Now: true}, "")
	f(commands.ShutdownOptions{Save: true, Force: true}, "")
	f(commands.ShutdownOptions{Save: true}, "ERR Errors trying to SHUTDOWN. Check logs.")
	f(commands.ShutdownOptions{Abort: true}, "ERR No shutdown in progress.")
}
