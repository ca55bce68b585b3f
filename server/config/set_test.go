package config

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func mustLoad(t *testing.T, args ...string) *Config {
	t.Helper()
	c, err := Load(args)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pairs makes pairs of name, value, name, value ...
func pairs(words ...string) []Pair {
	var list []Pair
	for i := 0; i < len(words); i += 2 {
		list = append(list, Pair{words[i], words[i+1]})
	}
	return list
}

func TestGet(t *testing.T) {
	c := mustLoad(t, "--zset-max-listpack-entries", "9")
	glob := func(pattern string) func(string) bool {
		return func(name string) bool {
			ok, err := filepath.Match(pattern, name)
			return ok && err == nil
		}
	}
	got := c.Get(glob("zset-max-*-entries"))
	if len(got) != 2 || got[0] != (Pair{"zset-max-listpack-entries", "9"}) || got[1] != (Pair{"zset-max-ziplist-entries", "9"}) {
		t.Errorf("a name and its alias: %v", got)
	}
	if got := c.Get(glob("nosuch")); len(got) != 0 {
		t.Errorf("an unknown name: %v", got)
	}
	if got := c.Get(glob("*")); len(got) != len(byName) {
		t.Errorf("* lists %d of %d names", len(got), len(byName))
	}
}

func TestSet(t *testing.T) {
	c := mustLoad(t)
	f := func(name, want string, words ...string) {
		t.Helper()
		if err := c.Set(pairs(words...)); err != nil {
			t.Errorf("%q: %v", words, err)
		} else if got := get(c, name); got != want {
			t.Errorf("%q: %s is %q, want %q", words, name, got, want)
		}
	}
	f("maxmemory", "1073741824", "MAXMEMORY", "1gb", "timeout", "3")
	f("timeout", "3")
	f("hz", "1", "hz", "0")
	f("protected-mode", "no", "protected-mode", "NO")
	f("zset-max-listpack-entries", "4", "zset-max-ziplist-entries", "3", "zset-max-listpack-entries", "4")
	f("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 1 1 1",
		"client-output-buffer-limit", "normal 1mb 2kb 30  normal 0 0 0 pubsub 1 1 1")
	f("client-output-buffer-limit", "normal 0 0 0 slave 1 2 3 pubsub 1 1 1", "client-output-buffer-limit", "replica 1 2 3")
	f("client-output-buffer-limit", "normal 0 0 0 slave 1 2 3 pubsub 1 1 1", "client-output-buffer-limit", "")
	f("latency-tracking-info-percentiles", "1 99.99 30", "latency-tracking-info-percentiles", "1 99.99 30")
	f("latency-tracking-info-percentiles", "", "latency-tracking-info-percentiles", "")
	f("requirepass", "a b", "requirepass", "a b")
	f("save", "", "save", "")
	f("save", "3600 1 300 100", "save", "3600 1 300 100")
	f("appendonly", "no", "appendonly", "no")
}

// The texts are those of redis-server 7.0 but for the options it has not.
func TestSetErrors(t *testing.T) {
	c := mustLoad(t)
	before := c.Get(func(string) bool { return true })
	f := func(want string, words ...string) {
		t.Helper()
		if err := c.Set(pairs(words...)); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", words, err, want)
		}
		for i, p := range c.Get(func(string) bool { return true }) {
			if p != before[i] {
				t.Fatalf("%q: %s is %q, was %q", words, p.Name, p.Value, before[i].Value)
			}
		}
	}
	refused := func(want string, words ...string) {
		t.Helper()
		name, reason, _ := strings.Cut(want, ": ")
		f("ERR CONFIG SET failed (possibly related to argument '"+name+"') - "+reason, words...)
	}
	f("ERR Unknown option or number of arguments for CONFIG SET - 'NoSuch'", "maxmemory", "1mb", "NoSuch", "1")
	f("ERR Unknown option or number of arguments for CONFIG SET - 'port2'", "timeout", "-1", "port2", "2", "databases", "3")
	refused("databases: can't set immutable config", "databases", "16", "nosuch", "1")
	refused("dir: can't set protected config", "dir", "/")
	refused("maxmemory: duplicate parameter", "maxmemory", "1mb", "maxmemory", "2mb", "nosuch", "3")
	refused("Maxmemory: duplicate parameter", "maxmemory", "1mb", "Maxmemory", "2mb")
	refused("maxmemory-policy: argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, "+
		"volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction", "maxmemory", "5", "maxmemory-policy", "foo")
	refused("MaxMemory: argument must be a memory value", "MaxMemory", "1.5gb")
	refused("timeout: argument must be between 0 and 2147483647 inclusive", "timeout", "-1")
	refused("timeout: argument couldn't be parsed into an integer", "timeout", "")
	refused("timeout: argument couldn't be parsed into an integer", "timeout", "12 ")
	refused("slowlog-log-slower-than: argument must be between -1 and 9223372036854775807 inclusive", "slowlog-log-slower-than", "-5")
	refused("maxclients: argument must be between 1 and 4294967295 inclusive", "maxclients", "0")
	refused("proto-max-bulk-len: argument must be between 1048576 and 4294967295 inclusive", "proto-max-bulk-len", "1")
	refused("proto-max-bulk-len: argument must be between 1048576 and 4294967295 inclusive", "proto-max-bulk-len", "4294967296")
	refused("protected-mode: argument must be 'yes' or 'no'", "protected-mode", "maybe")
	refused("client-output-buffer-limit: Wrong number of arguments in buffer limit configuration.", "client-output-buffer-limit", "normal 1 2")
	refused("client-output-buffer-limit: Invalid client class specified in buffer limit configuration.", "client-output-buffer-limit", "master 1 2 3")
	refused("client-output-buffer-limit: Error in hard, soft or soft_seconds setting in buffer limit configuration.", "client-output-buffer-limit", "normal 1x 1 1")
	refused("client-output-buffer-limit: Error in hard, soft or soft_seconds setting in buffer limit configuration.", "client-output-buffer-limit", "normal 1 1 -3")
	refused("latency-tracking-info-percentiles: Invalid latency-tracking-info-percentiles parameters", "latency-tracking-info-percentiles", "50 abc")
	refused("latency-tracking-info-percentiles: latency-tracking-info-percentiles parameters should sit between [0.0,100.0]", "latency-tracking-info-percentiles", "50 101")
	refused("save: Invalid save parameters", "save", "900")
}

func TestOnChange(t *testing.T) {
	c := mustLoad(t, "--timeout", "1")
	var calls []int
	c.OnChange("timeout", func() error { calls = append(calls, c.Timeout.Load()); return nil })
	set := func(words ...string) error { return c.Set(pairs(words...)) }
	if err := set("timeout", "2"); err != nil || len(calls) != 1 || calls[0] != 2 {
		t.Fatalf("%v, calls %v", err, calls)
	}
	if err := set("timeout", "2"); err != nil || len(calls) != 1 {
		t.Errorf("no change: %v, calls %v", err, calls)
	}
	refuse := errors.New("not today")
	c.OnChange("maxclients", func() error {
		if c.MaxClients.Load() > 100 {
			return refuse
		}
		return nil
	})
	if err := set("maxclients", "100"); err != nil {
		t.Fatal(err)
	}
	err := set("timeout", "3", "maxclients", "200", "hz", "50")
	if want := "ERR CONFIG SET failed (possibly related to argument 'maxclients') - not today"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if c.Timeout.Load() != 2 || c.MaxClients.Load() != 100 || c.HZ.Load() != 10 {
		t.Errorf("not taken back: timeout %d maxclients %d hz %d", c.Timeout.Load(), c.MaxClients.Load(), c.HZ.Load())
	}
	if len(calls) != 3 || calls[1] != 3 || calls[2] != 2 {
		t.Errorf("the hook that had accepted was called with %v, want 2 3 2", calls)
	}
}

func TestOnChangeUnknown(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a hook on no option was taken")
		}
	}()
	mustLoad(t).OnChange("nosuch", func() error { return nil })
}

// Readers see one of the values that were set, never a mixture; the race
// detector watches.
func TestConcurrentReaders(t *testing.T) {
	c := mustLoad(t)
	const limit = "normal 1 1 1"
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 200 {
				l := c.OutputBuffers.For(Normal)
				if l != (OutputLimit{}) && l != (OutputLimit{1, 1, 1}) {
					t.Errorf("read %v", l)
				}
				get(c, "client-output-buffer-limit")
			}
		})
	}
	for _, v := range []string{limit, "normal 0 0 0", limit} {
		if err := c.Set(pairs("client-output-buffer-limit", v)); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}
