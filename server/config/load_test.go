package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes a file in dir and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func get(c *Config, name string) string {
	pairs := c.Get(func(n string) bool { return n == name })
	if len(pairs) != 1 {
		return "(nothing)"
	}
	return pairs[0].Value
}

func TestLoadSources(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "quarry.conf", "# head\r\nport 7001\r\n\r\n  MaxMemory\t4GB  \ntimeout 5\nport 7002\n")
	f := func(stdin, name, want string, args ...string) {
		t.Helper()
		c, err := load(args, strings.NewReader(stdin))
		if err != nil {
			t.Errorf("%q: %v", args, err)
		} else if got := get(c, name); got != want {
			t.Errorf("%q: %s is %q, want %q", args, name, got, want)
		}
	}
	f("", "port", "7002", file)
	f("", "maxmemory", "4294967296", file)
	f("", "port", "7003", file, "--port", "7003")
	f("", "timeout", "5", file, "--port", "7003")
	f("port 7004", "port", "7004", "-")
	f("port 7004", "timeout", "5", file, "-")
	f("port 7004", "port", "7005", file, "-", "--port", "7005")
	f("", "bind", "127.0.0.1 ::1", "--bind", "127.0.0.1", "::1", "--port", "7006")
	f("", "port", "7006", "--bind", "127.0.0.1", "::1", "--PORT", "7006")
	f("", "slowlog-log-slower-than", "-1", "--slowlog-log-slower-than", "-1")
	f("", "save", "", "--save", "--port", "7007")
	f("", "requirepass", "two words", "--requirepass", "two words")
	f("", "requirepass", "", "--requirepass", "")
	f("", "event-loops", "auto", "--event-loops", "AUTO")
	f("", "event-loops", "3", "--event-loops", "3")
	f("", "unixsocketperm", "770", "--unixsocketperm", "0770")
	f("", "hz", "500", "--hz", "9999")
	f("", "zset-max-listpack-entries", "7", "--zset-max-ziplist-entries", "7")
	f("", "dir", dir, "--dir", dir)
	f("", "client-output-buffer-limit", "normal 1048576 2000 3 slave 268435456 67108864 60 pubsub 0 0 0",
		"--client-output-buffer-limit", "normal", "1mb", "2k", "3", "--client-output-buffer-limit", "pubsub", "0", "0", "0")
	f("", "client-output-buffer-limit", "normal 1 2 3 slave 268435456 67108864 60 pubsub 1 1 1",
		"--client-output-buffer-limit", "normal 1 2 3 pubsub 1 1 1")
	f("bind '127.0.0.1  -::1'", "bind", "127.0.0.1 -::1", "-")
	f("requirepass \"\\x4a\\x4B\"", "requirepass", "JK", "-")
	f("requirepass \"\\x\x144\"", "requirepass", "x\x144", "-") // a control byte is no digit
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	f := func(text, want string) {
		t.Helper()
		file := write(t, dir, "quarry.conf", text)
		_, err := Load([]string{file})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v, want an Error", text, err)
		} else if got := strings.ReplaceAll(err.Error(), file, "FILE"); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	f("port 1\nmaxmemroy 4gb", "FILE, line 2: 'maxmemroy 4gb': unknown directive, did you mean 'maxmemory'?")
	f("ZSET-MAX-ZIPLIST-ENTRY 3", "FILE, line 1: 'ZSET-MAX-ZIPLIST-ENTRY 3': unknown directive, did you mean 'zset-max-ziplist-entries'?")
	f("inklude x", "FILE, line 1: 'inklude x': unknown directive, did you mean 'include'?")
	f("rename-command FLUSHALL x", "FILE, line 1: 'rename-command FLUSHALL x': unknown directive")
	f("tls-port 6380", "FILE, line 1: 'tls-port 6380': unknown directive")
	f("# a\n\n  port abc ", "FILE, line 3: 'port abc': argument couldn't be parsed into an integer")
	f("port 010", "FILE, line 1: 'port 010': argument couldn't be parsed into an integer")
	f("port 65536", "FILE, line 1: 'port 65536': argument must be between 0 and 65535 inclusive")
	f("port", "FILE, line 1: 'port': wrong number of arguments")
	f("port 1 # comment", "FILE, line 1: 'port 1 # comment': wrong number of arguments")
	f("port \"1", "FILE, line 1: 'port \"1': Unbalanced quotes in configuration line")
	f("port 1\x00 2", "FILE, line 1: 'port 1\x00 2': zero byte in configuration line")
	f("maxmemory 3 gb", "FILE, line 1: 'maxmemory 3 gb': wrong number of arguments")
	f("maxmemory 3tb", "FILE, line 1: 'maxmemory 3tb': argument must be a memory value")
	f("event-loops 65", "FILE, line 1: 'event-loops 65': argument must be between 1 and 64 inclusive")
	f("shards 12", "FILE, line 1: 'shards 12': argument must be a power of two")
	f("unixsocketperm 888", "FILE, line 1: 'unixsocketperm 888': argument couldn't be parsed as an octal number")
	f("unixsocketperm 1777", "FILE, line 1: 'unixsocketperm 1777': argument must be between 0 and 777 inclusive")
	f("front-end nio", "FILE, line 1: 'front-end nio': argument(s) must be one of the following: auto, epoll, redcon")
	f("protected-mode on", "FILE, line 1: 'protected-mode on': argument must be 'yes' or 'no'")
	f("daemonize yes", "FILE, line 1: 'daemonize yes': the server stays in the foreground: only 'no' is possible")
	f("save 900", `FILE, line 1: 'save 900': Invalid save parameters`)
	f("dbfilename a/b", `FILE, line 1: 'dbfilename a/b': must be a file name, not a path, and not empty`)
	f("aof-use-rdb-preamble no", "FILE, line 1: 'aof-use-rdb-preamble no': the base of the log is always a snapshot: only 'yes' is possible")
	f("client-output-buffer-limit normal 1 2",
		"FILE, line 1: 'client-output-buffer-limit normal 1 2': Wrong number of arguments in buffer limit configuration.")
	f("bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
		"FILE, line 1: 'bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17': Too many bind addresses specified.")
	f("dir /nowhere/at/all", "FILE, line 1: 'dir /nowhere/at/all': stat /nowhere/at/all: no such file or directory")
	f("include", "FILE, line 1: 'include': wrong number of arguments")
	f("include /nowhere.conf", "FILE, line 1: 'include /nowhere.conf': open /nowhere.conf: no such file or directory")
	f("include [", "FILE, line 1: 'include [': syntax error in pattern")
}

func TestCommandLineErrors(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		_, err := load(args, strings.NewReader("hz ten"))
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", args, err, want)
		}
	}
	f("command line: '--prot 1': unknown directive, did you mean 'port'?", "--prot", "1")
	f("command line: '--port': wrong number of arguments", "--port", "--hz", "1")
	f("command line: '--port 1 2': wrong number of arguments", "--port", "1", "2")
	f("command line: '--': unknown directive", "--")
	f("command line: '-p 1': not a directive: those begin with --, and the configuration file is the first argument", "-p", "1")
	f("stdin, line 1: 'hz ten': argument couldn't be parsed into an integer", "-")
	f("open nofile.conf: no such file or directory", "nofile.conf")
}

func TestHelpAndVersion(t *testing.T) {
	for args, want := range map[string]error{"-h": ErrHelp, "--help": ErrHelp, "-v": ErrVersion, "--version": ErrVersion} {
		if c, err := Load([]string{args}); c != nil || !errors.Is(err, want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestInclude(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.part", "hz 20\nport 7001\n")
	write(t, dir, "b.part", "port 7002\n")
	file := write(t, dir, "main.conf", "include "+dir+"/*.part\ninclude "+dir+"/none*\ntimeout 9\n")
	c, err := Load([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	if get(c, "hz") != "20" || get(c, "port") != "7002" || get(c, "timeout") != "9" || c.File() != file {
		t.Errorf("hz %s port %s timeout %s file %s", get(c, "hz"), get(c, "port"), get(c, "timeout"), c.File())
	}
}

func TestIncludeErrors(t *testing.T) {
	dir := t.TempDir()
	part := write(t, dir, "a.part", "# x\nhz ten\n")
	file := write(t, dir, "main.conf", "port 1\ninclude "+part+"\n")
	_, err := Load([]string{file})
	if want := part + ", line 2: 'hz ten': argument couldn't be parsed into an integer"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	circle := write(t, dir, "circle.conf", "include "+filepath.Join(dir, "circle.conf"))
	if _, err = Load([]string{circle}); err == nil || !strings.Contains(err.Error(), "more than 16 includes") {
		t.Errorf("a circle: %v", err)
	}
}

func TestFileLimits(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load([]string{dir}); err == nil {
		t.Error("a directory was read")
	}
	if _, err := Load([]string{filepath.Join(dir, "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	long := write(t, dir, "long.conf", strings.Repeat("#", maxFileBytes+1))
	if _, err := Load([]string{long}); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a file past the limit: %v", err)
	}
}

func TestSplitWords(t *testing.T) {
	f := func(line string, want ...string) {
		t.Helper()
		if got, err := splitWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v, want %q", line, got, err, want)
		}
	}
	f("")
	f(" \t a  b\v\fc ", "a", "b", "c")
	f(`"a b" c`, "a b", "c")
	f(`'a b' ""`, "a b", "")
	f(`"\n\r\t\b\a\"\\\q" '\n\''`, "\n\r\t\b\a\"\\q", `\n'`)
	f(`"\x41\xfF\xg0\x4"`, "A\xffxg0x4")
	f(`foo"bar baz"`, "foobar baz")
	f(`a\b`, `a\b`)
	f("caf\xc3\xa9", "caf\xc3\xa9")
}

func TestSplitWordsErrors(t *testing.T) {
	for _, line := range []string{`"`, `'`, `"a`, `"a\"`, `"a"b`, `'a'b`, `"a" "b`, `"\`, `'\`} {
		if words, err := splitWords(line); err == nil {
			t.Errorf("%s: %q, want an error", line, words)
		}
	}
}

func TestQuoteWord(t *testing.T) {
	for _, word := range []string{"", "plain", "a b", `"`, "'", `\x`, "\n\x00\xff", "#x", "a#b", "é"} {
		got, err := splitWords(quoteWord(word))
		if err != nil || len(got) != 1 || got[0] != word {
			t.Errorf("%q is written %s and read %q, %v", word, quoteWord(word), got, err)
		}
	}
}

func TestParseBytes(t *testing.T) {
	f := func(s string, want int64) {
		t.Helper()
		if got, ok := parseBytes(s); !ok || got != want {
			t.Errorf("%q: %d %v, want %d", s, got, ok, want)
		}
	}
	f("0", 0)
	f("17", 17)
	f("17b", 17)
	f("2k", 2000)
	f("2kb", 2048)
	f("2M", 2000000)
	f("2mB", 2<<20)
	f("2g", 2000000000)
	f("4Gb", 4<<30)
	f("9223372036854775807", 1<<63-1)
	f("8589934591gb", 8589934591<<30)
}

func TestParseBytesErrors(t *testing.T) {
	for _, s := range []string{"", "b", "gb", "-1", "+1", "1.5gb", "1 gb", "1tb", "1kib", "0x10",
		"9223372036854775808", "8589934592gb", "99999999999999999999"} {
		if n, ok := parseBytes(s); ok {
			t.Errorf("%q: %d, want an error", s, n)
		}
	}
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1: "1", 1000: "1000", 1024: "1kb", 3 << 20: "3mb", 5 << 30: "5gb", 1<<30 + 1<<20: "1025mb"} {
		if got := formatBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		if got := nearest(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	f("maxmemory-polcy", "maxmemory-policy")
	f("maxclient", "maxclients")
	f("slave-read-only", "")
	f("x", "")
	f("", "")
	f(strings.Repeat("x", 1000), "")
}

func TestDistance(t *testing.T) {
	f := func(a, b string, want int) {
		t.Helper()
		if got := distance(a, b); got != want {
			t.Errorf("%s, %s: %d, want %d", a, b, got, want)
		}
	}
	f("", "", 0)
	f("abc", "", 3)
	f("", "abc", 3)
	f("kitten", "sitting", 3)
	f("port", "prot", 2)
	f("port", "port", 0)
}
