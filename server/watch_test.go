package server

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestWatch: which changes let EXEC fail.
func TestWatch(t *testing.T) {
	const stale = "*-1|"
	for _, tc := range []struct {
		before, watched string // separated by ;
		change          string
		fails           bool
	}{
		{"ZADD k 1 m", "k", "ZADD k 2 m", true},
		{"ZADD k 1 m", "k", "ZADD k 1 m", false},
		{"ZADD k 1 m", "k", "ZADD j 1 m", false},
		{"ZADD k 1 m", "j k", "ZREM k m", true},
		{"ZADD k 1 m", "k", "ZREM k n", false},
		{"ZADD k 1 m", "k", "EXPIRE k 100", true},
		{"ZADD k 1 m", "k", "PERSIST k", false},
		{"ZADD k 1 m", "k", "TOUCH k", false},
		{"ZADD k 1 m", "k", "DEL k", true},
		{"", "k", "DEL k", false},
		{"", "k", "ZADD k 1 m", true},
		{"", "k", "ZADD k 1 m;DEL k", true},
		{"ZADD k 1 m", "k", "RENAME k j", true},
		{"ZADD j 1 m", "k", "RENAME j k", true},
		{"ZADD k 1 m", "k", "RENAME k k", false},
		{"ZADD j 1 m", "k", "COPY j k", true},
		{"ZADD k 1 m", "k", "COPY k j", false},
		{"ZADD k 1 m", "k", "MOVE k 1", true},
		{"SELECT 1;ZADD k 1 m;SELECT 0", "k", "SELECT 1;MOVE k 0;SELECT 0", true},
		{"ZADD k 1 m", "k", "SELECT 1;ZADD k 1 m", false},
		{"ZADD j 1 m", "k", "ZUNIONSTORE k 1 j", true},
		{"ZADD k 1 m", "k", "ZUNIONSTORE k 1 none", true},
		{"", "k", "ZUNIONSTORE k 1 none", false},
		{"ZADD k 1 m", "k", "FLUSHDB", true},
		{"", "k", "FLUSHDB", false},
		{"ZADD k 1 m", "k", "SELECT 1;FLUSHDB", false},
		{"ZADD k 1 m", "k", "SELECT 1;FLUSHALL", true},
		{"ZADD k 1 m", "k", "SWAPDB 0 1", true},
		{"SELECT 1;ZADD k 1 m;SELECT 0", "k", "SWAPDB 0 1", true},
		{"SELECT 1;ZADD j 1 m;SELECT 0", "k", "SWAPDB 0 1", false},
		{"SELECT 2;ZADD k 1 m;SELECT 0", "k", "SWAPDB 1 2", false},
		{"ZADD k 1 m", "k", "SWAPDB 0 0", false},
	} {
		s := testServer(t, nil)
		c, other := s.connect(t), s.connect(t)
		for line := range strings.SplitSeq(tc.before, ";") {
			c.send(line)
		}
		for _, own := range []bool{false, true} {
			c.do("WATCH "+tc.watched, "+OK|")
			by := other
			if own {
				by = c
				by.send("FLUSHALL")
				c.do("UNWATCH", "+OK|")
				for line := range strings.SplitSeq(tc.before, ";") {
					c.send(line)
				}
				c.do("WATCH "+tc.watched, "+OK|")
			}
			for line := range strings.SplitSeq(tc.change, ";") {
				by.send(line)
			}
			c.do("MULTI", "+OK|")
			c.do("PING", "+QUEUED|")
			want := "*1|+PONG|"
			if tc.fails {
				want = stale
			}
			if got := strings.ReplaceAll(c.send("EXEC"), "\r\n", "|"); got != want {
				t.Errorf("%+v, own %t: %s", tc, own, got)
			}
			s.free(t)
		}
	}
}

// TestWatchEnds: when a client has not to fear changes any more.
func TestWatchEnds(t *testing.T) {
	s := testServer(t, nil)
	for _, ends := range []string{"UNWATCH", "MULTI;DISCARD", "MULTI;EXEC", "MULTI;nosuch;EXEC", "MULTI;EXEC now", "EXEC now", "RESET"} {
		for _, late := range []bool{false, true} {
			c, other := s.connect(t), s.connect(t)
			c.do("WATCH k l", "+OK|")
			if late {
				other.send("ZINCRBY k 1 m")
			}
			for line := range strings.SplitSeq(ends, ";") {
				c.send(line)
			}
			s.free(t)
			other.send("ZINCRBY k 1 m")
			c.exec("*0|")
		}
	}
	c, other := s.connect(t), s.connect(t)
	c.do("WATCH k", "+OK|")
	other.do("WATCH k", "+OK|")
	c.killed.Store(true)
	c.turn()
	other.do("DEL k", ":1|")
	other.exec("*-1|", "PING")
	s.free(t)
}

func TestWatchExpiry(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	for _, by := range []string{"PING", "EXISTS k", "RANDOMKEY"} {
		c.do("ZADD k 1 m", ":1|")
		c.do("PEXPIRE k 1000", ":1|")
		c.do("WATCH k", "+OK|")
		s.ShiftTime(2 * time.Second)
		other.send(by)
		c.exec("*-1|", "PING")
	}
	c.do("ZADD k 1 m", ":1|")
	c.do("PEXPIRE k 1000", ":1|")
	c.do("WATCH k", "+OK|")
	s.ShiftTime(2 * time.Second)
	s.upkeep(0)
	c.exec("*-1|", "PING")

	// What has expired before it is watched is a key that is not there.
	for _, change := range []string{"EXISTS k", "DEL k", "FLUSHALL", "SWAPDB 0 1"} {
		c.do("ZADD k 1 m", ":1|")
		c.do("PEXPIRE k 1000", ":1|")
		s.ShiftTime(2 * time.Second)
		c.do("WATCH k", "+OK|")
		other.send(change)
		c.exec("*1|+PONG|", "PING")
	}
	other.do("SELECT 1", "+OK|")
	other.do("ZADD k 1 m", ":1|")
	other.do("PEXPIRE k 1000", ":1|")
	c.do("WATCH k", "+OK|")
	s.ShiftTime(2 * time.Second)
	other.do("SWAPDB 0 1", "+OK|")
	c.exec("*1|+PONG|", "PING")
	s.free(t)
}

// TestWatchOfMortalKeys: only keys that have a time are looked at by EXEC, so one that gets it later must count as changed.
func TestWatchOfMortalKeys(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	c.do("ZADD k 1 m", ":1|")
	c.do("ZADD j 1 m", ":1|")
	c.do("PEXPIRE j 1000", ":1|")
	c.do("WATCH k", "+OK|")
	if w := c.watched.Load(); len(w.mortal) != 0 {
		t.Errorf("%v", w.mortal)
	}
	c.do("WATCH j", "+OK|")
	if w := c.watched.Load(); len(w.mortal) != 1 {
		t.Errorf("%v", w.mortal)
	}
	c.exec("*1|+PONG|", "PING")
	c.do("WATCH k", "+OK|")
	other.do("PEXPIRE k 1000", ":1|")
	s.ShiftTime(2 * time.Second)
	c.exec("*-1|", "PING")
	s.free(t)
}

// TestServedWatch: a parked command that is served changes the key.
func TestServedWatch(t *testing.T) {
	s := testServer(t, nil)
	c, parked, other := s.connect(t), s.connect(t), s.connect(t)
	parked.do("BZPOPMIN a b 0", "")
	c.do("WATCH b", "+OK|")
	other.exec("*1|:1|", "ZADD b 1 m")
	parked.got("*3|$1|b|$1|m|$1|1|")
	c.exec("*-1|", "PING")
	s.free(t)
}

func TestWatchInfo(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	c.do("WATCH a b a", "+OK|")
	c.do("WATCH b c", "+OK|")
	if info := other.send("CLIENT LIST"); !strings.Contains(info, " watch=3 ") || !strings.Contains(other.send("INFO clients"), "watching_clients:1\r\n") {
		t.Error(info)
	}
	late := s.connect(t)
	late.do("WATCH c b", "+OK|")
	keys := func(want string) {
		t.Helper()
		if got := s.Info([]string{"clients"}); !strings.Contains(got, "total_watched_keys:"+want+"\r\n") {
			t.Errorf("want %s keys: %s", want, got)
		}
	}
	keys("3")
	other.do("ZADD b 1 m", ":1|")
	keys("2")
	late.do("UNWATCH", "+OK|")
	keys("2")
	late.Closed()
	if info := other.send("CLIENT LIST"); !strings.Contains(info, "flags=d ") || strings.Contains(info, " watch=3 ") {
		t.Error(info)
	}
	c.do("WATCH d", "+OK|")
	c.do("MULTI", "+OK|")
	c.do("PING", "+QUEUED|")
	if info := other.send("CLIENT LIST"); !strings.Contains(info, "flags=xd ") || !strings.Contains(info, " multi=0 ") {
		t.Error(info)
	}
	c.do("EXEC", "*-1|")
	s.free(t)
}

// listed is how many keys are in the tables of watches.
func (s *Server) listed() (n int) {
	for _, table := range s.watches {
		n += len(table)
	}
	return n
}

// TestManyWatches: watching a million keys is linear; forgetting them is not the client's work, and their number is bounded.
func TestManyWatches(t *testing.T) {
	const n = 300_000
	s := testServer(t, nil)
	in := fmt.Appendf(nil, "*%d\r\n$5\r\nWATCH\r\n", n+1)
	for i := range n {
		in = fmt.Appendf(in, "$7\r\nk%06d\r\n", i)
	}
	c, other := s.connect(t), s.connect(t)
	for range 2 {
		c.Feed(in)
		c.got("+OK|")
	}
	if c.watches() != n {
		t.Errorf("watches %d keys", c.watches())
	}
	other.Feed(in)
	other.got("+OK|")
	other.do("FLUSHALL", "+OK|")
	other.do("UNWATCH", "+OK|")
	c.exec("*1|:1|", "ZADD k000001 1 m")

	// They are left to cron, and what becomes of them is nothing to what the clients watch next.
	if n := s.listed(); n < 100_000 {
		t.Errorf("%d keys are still in the tables", n)
	}
	c.do("WATCH k000002", "+OK|")
	other.do("ZADD k000003 1 m", ":1|")
	c.exec("*1|+PONG|", "PING")
	c.do("WATCH k000002", "+OK|")
	other.do("ZADD k000002 1 m", ":1|")
	for before := s.listed(); s.forget(0); before = s.listed() {
		if n := before - s.listed(); n > forgetSlice {
			t.Fatalf("%d watches are forgotten at once", n)
		}
	}
	if s.forgotten.bytes != 0 {
		t.Errorf("%d bytes are still to be forgotten", s.forgotten.bytes)
	}
	c.exec("*-1|", "PING")
	s.free(t)
	for i, table := range s.watches {
		if table != nil {
			t.Errorf("the table of shard %d keeps its room", i)
		}
	}
	for range 3 { // so much that is to be forgotten makes clients forget themselves
		s.forgotten.bytes = forgottenBytes + 1
		c.Feed(in)
		c.got("+OK|")
		c.do("UNWATCH", "+OK|")
		s.free(t)
	}
	bounded := testServer(t, nil, "--client-query-buffer-limit", "1mb")
	c = bounded.connect(t)
	for i := 0; i < 10_000 && !c.conn.gone; i++ {
		c.send(fmt.Sprintf("WATCH k%06d", i))
	}
	if !c.conn.gone {
		t.Error("a client watches without bound")
	}
	for bounded.forget(0) {
	}
	bounded.free(t)
}
