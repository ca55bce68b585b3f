package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rewritten loads a file, applies changes, rewrites it and returns its new
// text; the file read again must give the same configuration.
func rewritten(t *testing.T, file string, changes ...string) string {
	t.Helper()
	c := mustLoad(t, file)
	if err := c.Set(pairs(changes...)); err != nil {
		t.Fatal(err)
	}
	if err := c.Rewrite(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	again := mustLoad(t, file).Get(func(string) bool { return true })
	for i, p := range c.Get(func(string) bool { return true }) {
		if again[i] != p {
			t.Errorf("%s was %q and reads back as %q", p.Name, p.Value, again[i].Value)
		}
	}
	return string(text)
}

func TestRewrite(t *testing.T) {
	f := func(before, want string, changes ...string) {
		t.Helper()
		file := write(t, t.TempDir(), "quarry.conf", before)
		if got := rewritten(t, file, changes...); got != want {
			t.Errorf("%q:\n got %q\nwant %q", changes, got, want)
		}
	}
	f("# head\n\n MAXMEMORY   4gb\nport 7001 ", "# head\n\n MAXMEMORY   4gb\nport 7001 ")
	f("# head\nhz 20\n# tail\n", "# head\nhz 30\n# tail\n", "hz", "30")
	f("hz 20\n# a\nhz 30\n# b\n", "# a\nhz 40\n# b\n", "hz", "40")
	f("hz 20\n", "hz 10\n", "hz", "10")
	f("hz 20", "hz 20\n\n"+rewriteHead+"\nrequirepass \"a \\\"b\\x01\"\n", "requirepass", "a \"b\x01")
	f("", "\n"+rewriteHead+"\nmaxmemory 3gb\n", "maxmemory", "3gb")
	f("# x\n\n"+rewriteHead+"\nhz 20\n", "# x\n\n"+rewriteHead+"\nhz 20\ntimeout 3\n", "timeout", "3")
	f("zset-max-ziplist-value 32\n", "zset-max-listpack-value 1kb\n", "zset-max-ziplist-value", "1024")
	f("requirepass x\n", "requirepass \"\"\n", "requirepass", "")
	f("maxmemory 1gb\n", "maxmemory 0\n", "maxmemory", "0")
	f("client-output-buffer-limit normal 1 1 1\n# p\nclient-output-buffer-limit pubsub 2 2 2\n",
		"# p\nclient-output-buffer-limit normal 3 3 3 slave 268435456 67108864 60 pubsub 2 2 2\n",
		"client-output-buffer-limit", "normal 3 3 3")
	f("latency-tracking-info-percentiles 50\n", "latency-tracking-info-percentiles \"\"\n", "latency-tracking-info-percentiles", "")
}

func TestRewriteKeepsIncludes(t *testing.T) {
	dir := t.TempDir()
	part := write(t, dir, "part", "hz 20\n")
	include := "include " + part + "\n"
	file := write(t, dir, "quarry.conf", "hz 15\n"+include)
	if got, want := rewritten(t, file), "hz 15\n"+include; got != want {
		t.Errorf("without a change %q, want %q", got, want)
	}
	if got, want := rewritten(t, file, "hz", "30"), "hz 30\n"+include+"\n"+rewriteHead+"\nhz 30\n"; got != want {
		t.Errorf("a line that an include undoes: %q, want %q", got, want)
	}
	if got, want := rewritten(t, file, "hz", "10"), include+"\n"+rewriteHead+"\nhz 10\n"; got != want {
		t.Errorf("back at the default: %q, want %q", got, want)
	}
}

func TestRewriteCommandLine(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "quarry.conf", "port 7001\n")
	c := mustLoad(t, file, "--port", "7002", "--hz", "30")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Rewrite(); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	if want := "port 7002\n\n" + rewriteHead + "\nhz 30\n"; string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestRewriteLink: the file that a link names is replaced, not the link.
func TestRewriteLink(t *testing.T) {
	dir := t.TempDir()
	file := write(t, t.TempDir(), "real.conf", "hz 20\n")
	link := filepath.Join(dir, "quarry.conf")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	rewritten(t, link, "hz", "30")
	if text, _ := os.ReadFile(file); string(text) != "hz 30\n" {
		t.Errorf("the file says %q", text)
	}
	if to, err := os.Readlink(link); to != file {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

// TestRewriteGone: a file that was removed is made again, for its owner alone.
func TestRewriteGone(t *testing.T) {
	file := write(t, t.TempDir(), "quarry.conf", "requirepass x\n")
	c := mustLoad(t, file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := c.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
}

func TestRewriteErrors(t *testing.T) {
	f := func(c *Config, want string) {
		t.Helper()
		if err := c.Rewrite(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f(mustLoad(t), "ERR The server is running without a config file")
	dir := t.TempDir()
	file := write(t, dir, "quarry.conf", "hz 20\n")
	c := mustLoad(t, file)
	write(t, dir, "quarry.conf", "hzz 20\n")
	f(c, "ERR Rewriting config file: "+file+", line 1: 'hzz 20': unknown directive")
	if text, _ := os.ReadFile(file); string(text) != "hzz 20\n" {
		t.Errorf("a file that cannot be read was changed: %q", text)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	f(c, "ERR Rewriting config file: open ")
}
