package server

import (
	"regexp"
	"strings"
	"testing"
)

var stamp = regexp.MustCompile(`\+\d{9,}\.\d{6} `)

// shown is what a monitor has been sent, with "T" for times and "|" for line breaks.
func (c *testClient) shown(want string) {
	c.t.Helper()
	c.srv.transport.(*testTransport).rest()
	got := strings.ReplaceAll(stamp.ReplaceAllString(c.turn(), "T "), "\r\n", "|")
	if got != want {
		c.t.Errorf("shown\n%s, want\n%s", got, want)
	}
}

// monitored makes a monitor on another loop than the client whose commands it is to see.
func monitored(t *testing.T) (s *Server, m, c *testClient) {
	s = testServer(t, nil)
	m, c = s.on(t, 1, 2), s.on(t, 0, 2)
	m.do("MONITOR", "+OK|")
	return s, m, c
}

func TestMonitor(t *testing.T) {
	s, m, c := monitored(t)
	c.Feed(respOf("SELECT 5\nzadd board 1 ada\nNOSUCH\nGET\nCLIENT LIST\nCLIENT ID\nAUTH secret\nSELECT 0\nBLPOP q 0\n"))
	c.turn()
	const who = ` 127.0.0.1:40001] `
	m.shown(`T [5` + who + `"SELECT" "5"|T [5` + who + `"zadd" "board" "1" "ada"|T [5` + who + `"CLIENT" "ID"|` +
		`T [5` + who + `"AUTH" "(redacted)"|T [0` + who + `"SELECT" "0"|T [0` + who + `"BLPOP" "q" "0"|`)
	s.on(t, 0, 3).send("RPUSH q x")
	m.shown(`T [0 127.0.0.1:40002] "HELLO" "3"|T [0 127.0.0.1:40002] "RPUSH" "q" "x"|`) // and not BLPOP again
	s.empty(t)
}

// TestMonitoredTransaction: what is queued is shown when it is run, EXEC after it.
func TestMonitoredTransaction(t *testing.T) {
	_, m, c := monitored(t)
	for _, f := range [][2]string{
		{"MULTI", `"MULTI"`}, {"INCR k", ``}, {"CONFIG GET port", ``}, {"GET k", ``},
		{"EXEC", `"INCR" "k"#"GET" "k"#"EXEC"`},
		{"MULTI", `"MULTI"`}, {"INCR k", ``}, {"DISCARD", `"DISCARD"`},
		{"MULTI", `"MULTI"`}, {"MONITOR", ``},
	} {
		want := ""
		for line := range strings.SplitSeq(f[1], "#") {
			if line != "" {
				want += "T [0 127.0.0.1:40001] " + line + "|"
			}
		}
		c.send(f[0])
		m.shown(want)
	}
	c.do("EXEC", "*1|-ERR MONITOR isn't allowed for DENY BLOCKING client|")
}

func TestMonitorsArgumentsAreQuoted(t *testing.T) {
	_, m, c := monitored(t)
	c.Feed([]byte("*2\r\n$4\r\nECHO\r\n$13\r\n\x00\x1f a\"\\\n\r\t\a\b\x7f\xff\r\n"))
	c.turn()
	m.shown(`T [0 127.0.0.1:40001] "ECHO" "\x00\x1f a\"\\\n\r\t\a\b\x7f\xff"|`)
	var all []byte
	for b := range 256 {
		if got := appendQuoted(nil, []byte{byte(b)}); len(got) != quotedSize([]byte{byte(b)}) {
			t.Errorf("%q has %d bytes, not %d", got, len(got), quotedSize([]byte{byte(b)}))
		}
		all = append(all, byte(b))
	}
	args := [][]byte{all, all, {}}
	w := c.w
	if b := w.line(c.Session, args, w.lineSize(args)); int64(cap(b)) > w.lineSize(args)*5/4 {
		t.Errorf("a line of %d bytes takes %d", len(b), cap(b))
	}
}

// TestWhatMonitorsMayDo: no more than replicas, and they are not paused.
func TestWhatMonitorsMayDo(t *testing.T) {
	s, m, c := monitored(t)
	for _, line := range []string{"GET k", "SET k v", "DBSIZE", "PUBLISH news x", "FLUSHALL"} {
		m.do(line, "-ERR Replica can't interact with the keyspace|")
	}
	m.do("MONITOR", "") // as in Redis
	m.send("MULTI")
	m.shown(`T [0 127.0.0.1:40000] "MULTI"|`)
	m.do("GET k", "-ERR Replica can't interact with the keyspace|")
	m.send("DISCARD")
	m.shown(`T [0 127.0.0.1:40000] "DISCARD"|`)
	if list := c.send("CLIENT LIST"); !strings.Contains(list, " flags=O ") || strings.Contains(list, "flags=OP") {
		t.Error(list)
	}
	c.do("CLIENT KILL TYPE pubsub", ":0|")
	if got := s.Info([]string{"clients"}); !strings.Contains(got, "pubsub_clients:0\r\n") {
		t.Error(got)
	}
	c.do("CLIENT PAUSE 100000", "+OK|")
	m.shown("")
	m.Feed([]byte("PING\r\n"))
	m.shown(`+PONG|T [0 127.0.0.1:40000] "PING"|`)
	s.unpause(0)
	m.send("SUBSCRIBE news")
	m.shown(`T [0 127.0.0.1:40000] "SUBSCRIBE" "news"|`)
	c.do("PUBLISH news hello", ":1|")
	m.shown(`*3|$7|message|$4|news|$5|hello|T [0 127.0.0.1:40001] "PUBLISH" "news" "hello"|`)
	m.do("UNSUBSCRIBE", "*3|$11|unsubscribe|$4|news|:0|")
	m.shown(`T [0 127.0.0.1:40000] "UNSUBSCRIBE"|`)
	m.Feed([]byte("CLIENT REPLY SKIP\r\n"))
	m.shown(`T [0 127.0.0.1:40000] "CLIENT" "REPLY" "SKIP"|`)
	c.do("PING", "+PONG|")
	m.shown("")
	m.do("PING", "") // and its line
	m.shown("")
	m.do("PING", "+PONG|")
	m.shown(`T [0 127.0.0.1:40000] "PING"|`)
	m.do("CLIENT REPLY OFF", "")
	c.do("PING", "+PONG|")
	m.shown("")
	m.Feed([]byte("CLIENT REPLY ON\r\nHELLO 3\r\n"))
	if got := m.turn(); !strings.Contains(got, "PLY\" \"ON\"\r\n%7\r\n") {
		t.Errorf("%q", got)
	}
	m.shown(`T [0 127.0.0.1:40000] "HELLO" "3"|`) // a line, in RESP3 too
	m.do("RESET", "+RESET|")
	c.do("PING", "+PONG|")
	m.do("GET k", "$-1|")
	m.shown("")
	if n := s.monitors.Load(); n != 0 {
		t.Errorf("%d monitors", n)
	}
	s.empty(t)
}

// TestMonitorsThatDoNotRead are closed for what clients of their class may have unsent, and
// clients wait while much is under way to a loop.
func TestMonitorsThatDoNotRead(t *testing.T) {
	s, m, c := monitored(t)
	c.Feed([]byte("*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$26\r\nclient-output-buffer-limit\r\n$17\r\nnormal 100000 0 0\r\n"))
	if got := c.turn(); !strings.HasSuffix(got, "+OK\r\n") {
		t.Fatal(got)
	}
	long := strings.Repeat("x", 10_000)
	for range 12 {
		c.send("ECHO " + long)
		s.transport.(*testTransport).rest()
	}
	m.turn()
	if !m.conn.gone {
		t.Error("a monitor that does not read stays")
	}
	if n := s.counters.overflows.Load(); n != 1 {
		t.Errorf("%d clients are counted as closed", n)
	}
	s.empty(t)
}
