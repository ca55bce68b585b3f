package server

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"quarry/server/config"
)

func testConfig(t *testing.T, args ...string) *config.Config {
	t.Helper()
	cfg, err := config.Load(args)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestLogLevels(t *testing.T) {
	cfg := testConfig(t)
	var out bytes.Buffer
	log := newLogger(cfg, &out).With("part", "test")
	f := func(level, want string) {
		t.Helper()
		if err := cfg.Set([]config.Pair{{Name: "loglevel", Value: level}}); err != nil {
			t.Fatal(err)
		}
		out.Reset()
		for _, l := range []slog.Level{slog.LevelDebug, LevelVerbose, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			log.Log(t.Context(), l, "a line\nof two", "level", 7)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			_, rest, _ := strings.Cut(line, " level=")
			name, rest, _ := strings.Cut(rest, " ")
			if rest != `msg="a line\nof two" part=test level=7`+"\n" {
				t.Errorf("the line is %q", line)
			}
			got = append(got, name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("loglevel %s lets %q through, want %q", level, got, want)
		}
	}
	f("debug", "debug verbose notice warning error")
	f("verbose", "verbose notice warning error")
	f("notice", "notice warning error")
	f("warning", "warning error")
}

func TestOpenLog(t *testing.T) {
	dir := t.TempDir()
	log, file, err := OpenLog(testConfig(t, "--dir", dir, "--logfile", "q.log"))
	if err != nil {
		t.Fatal(err)
	}
	log.Info("hello")
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "q.log"))
	if err != nil || !strings.Contains(string(text), "level=notice msg=hello") {
		t.Errorf("%q, %v", text, err)
	}
	if _, _, err := OpenLog(testConfig(t, "--logfile", filepath.Join(dir, "none", "q.log"))); err == nil {
		t.Error("a log in a directory that is not there")
	}
	if _, file, err := OpenLog(testConfig(t)); err != nil || file.Close() != nil {
		t.Errorf("standard output: %v", err)
	}
}

func TestPIDFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.pid")
	remove, err := WritePIDFile(testConfig(t, "--pidfile", path))
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("the file holds %q", text)
	}
	remove()
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is still there")
	}
	if remove, err = WritePIDFile(testConfig(t)); err != nil {
		t.Error(err)
	}
	remove()
	if _, err = WritePIDFile(testConfig(t, "--pidfile", path+"/none")); err == nil {
		t.Error("a file below a file that is not there")
	}
}

func TestWarnOpen(t *testing.T) {
	f := func(want bool, args ...string) {
		t.Helper()
		var out bytes.Buffer
		cfg := testConfig(t, args...)
		warnOpen(cfg, newLogger(cfg, &out))
		if got := out.Len() > 0; got != want {
			t.Errorf("%q: warned %v", args, got)
		}
	}
	f(false)
	f(false, "--protected-mode", "no")
	f(false, "--protected-mode", "no", "--bind", "127.0.0.1", "-::1")
	f(false, "--bind", "*")
	f(false, "--bind", "*", "--protected-mode", "no", "--requirepass", "x")
	f(true, "--bind", "*", "--protected-mode", "no")
	f(true, "--bind", "127.0.0.1", "10.0.0.1", "--protected-mode", "no")
}
