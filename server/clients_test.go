package server

import (
	"regexp"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/server/eventloop"
)

// lineForm has the fields of CLIENT LIST in the order of Redis 7.2.
var lineForm = regexp.MustCompile(`^id=\d+ addr=\S+ laddr=\S+ fd=\d+ name=\S* age=\d+ idle=\d+ flags=\w+ db=\d+ sub=0 psub=0 ssub=0 ` +
	`multi=-1 watch=0 qbuf=\d+ qbuf-free=\d+ argv-mem=\d+ multi-mem=\d+ rbs=\d+ rbp=\d+ obl=\d+ oll=\d+ omem=\d+ tot-mem=\d+ ` +
	`events=rw? cmd=\S+ user=default redir=-1 resp=[23] lib-name=\S* lib-ver=\S*$`)

// field is the value of a field of a line.
func field(line, name string) string {
	for _, f := range strings.Fields(line) {
		if value, ok := strings.CutPrefix(f, name+"="); ok {
			return value
		}
	}
	return "?"
}

func TestClientLine(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	check := func(name, want string) {
		t.Helper()
		line := c.Info()
		if !lineForm.MatchString(line) {
			t.Fatalf("not of the form: %s", line)
		}
		if got := field(line, name); got != want {
			t.Errorf("%s=%s, want %s", name, got, want)
		}
	}
	check("id", "1")
	check("addr", "127.0.0.1:40000")
	check("laddr", "127.0.0.1:6379")
	check("fd", "7")
	check("cmd", "NULL")
	check("flags", "N")
	for _, call := range [][2]string{{"PING", "ping"}, {"GET", "get"}, {"NOSUCH", "NULL"}, {"CLIENT KILL", "client|kill"}, {"CLIENT NOSUCH", "NULL"}} {
		c.send(call[0])
		check("cmd", call[1])
	}
	check("events", "r")
	for _, line := range []string{"CLIENT SETNAME me", "CLIENT SETINFO LIB-NAME lib", "CLIENT SETINFO LIB-VER 1.2", "SELECT 5", "HELLO 3"} {
		c.send(line)
	}
	check("name", "me")
	check("lib-name", "lib")
	check("lib-ver", "1.2")
	check("db", "5")
	check("resp", "3")
	check("cmd", "hello")
	c.send("CLIENT NO-EVICT on")
	check("cmd", "client|no-evict")
	check("flags", "e")
	c.send("CLIENT NO-TOUCH on")
	check("flags", "eT")
	c.send("BZPOPMIN q 0")
	check("flags", "beT")
	c.Feed([]byte("PING\r\n"))
	check("qbuf", "6")
	c.view.active.Add(-3)
	check("idle", "3")
	other := s.connect(t)
	other.send("SELECT 5")
	other.do("ZADD q 1 a", ":1|")
	c.turn()
	c.send("RESET")
	check("flags", "N")
	check("db", "0")
	check("name", "")
	check("resp", "2")
	c.Feed([]byte("ZADD z 1 a 2 b\r\n"))
	c.Sent(1)
	check("events", "rw")
	check("omem", "3")
	c.turn()
	c.Feed([]byte("QUIT\r\n"))
	check("flags", "c")
	c.turn()
}

func text(s string) *string { return &s }

func TestClientFilters(t *testing.T) {
	s := testServer(t, nil)
	for range 3 {
		s.connect(t)
	}
	s.clients.get(2).view.created -= 100
	f := func(f commands.ClientFilter, want string) {
		t.Helper()
		var ids []string
		for line := range strings.Lines(s.ClientList(f)) {
			ids = append(ids, field(line, "id"))
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
	f(commands.ClientFilter{}, "1 2 3")
	f(commands.ClientFilter{IDs: []int64{3, 1, 9}}, "3 1")
	f(commands.ClientFilter{IDs: []int64{2, 2}}, "2 2")
	f(commands.ClientFilter{IDs: []int64{1, 2}, MaxAge: 50}, "2")
	f(commands.ClientFilter{Addr: text("127.0.0.1:40001")}, "2")
	f(commands.ClientFilter{Addr: text("")}, "")
	f(commands.ClientFilter{LAddr: text("127.0.0.1:6379")}, "1 2 3")
	f(commands.ClientFilter{LAddr: text("127.0.0.1:1")}, "")
	f(commands.ClientFilter{LAddr: text("")}, "")
	f(commands.ClientFilter{Type: "normal"}, "1 2 3")
	f(commands.ClientFilter{Type: "pubsub"}, "")
	f(commands.ClientFilter{User: "default"}, "1 2 3")
	f(commands.ClientFilter{User: "other"}, "")
	f(commands.ClientFilter{SkipMe: true, Self: 2}, "1 3")
	f(commands.ClientFilter{MaxAge: 50}, "2")
	f(commands.ClientFilter{MaxAge: 50, SkipMe: true, Self: 2}, "")
}

func TestClientKill(t *testing.T) {
	s := testServer(t, nil)
	a, b, c := s.connect(t), s.connect(t), s.connect(t)
	a.do("CLIENT KILL 127.0.0.1:40001", "+OK|")
	if b.Wants() != eventloop.Abort {
		t.Errorf("the killed client wants %b", b.Wants())
	}
	a.do("CLIENT KILL 127.0.0.1:40001", "-ERR No such client|")
	a.do("CLIENT KILL ID 2", ":0|")
	d := s.connect(t)
	a.do("CLIENT KILL ID 4 ADDR 127.0.0.1:40003 LADDR 127.0.0.1:6379", ":1|")
	d.turn()
	if !d.conn.gone {
		t.Error("a client killed by its id and addresses is still there")
	}
	a.do(`CLIENT KILL ""`, "-ERR No such client|")
	a.do(`CLIENT KILL ADDR ""`, ":0|")
	a.do(`CLIENT KILL LADDR "" SKIPME no`, ":0|")
	b.turn()
	a.Feed([]byte("PING\r\nCLIENT KILL ID 1 SKIPME no\r\nPING\r\n"))
	a.got("+PONG|:1|")
	if !a.conn.gone {
		t.Error("who killed itself is still there")
	}
	c.do("CLIENT KILL TYPE normal", ":0|")
	if got := s.clients.count(); got != 1 {
		t.Errorf("%d clients, want 1", got)
	}
}
