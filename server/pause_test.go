package server

import (
	"fmt"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/server/eventloop"
)

// pausedClients checks how many clients wait for the end of a pause.
func (s *Server) pausedClients(t *testing.T, want int) {
	t.Helper()
	if n := len(s.pause.waiting); n != want {
		t.Errorf("%d clients wait for the end of the pause, want %d", n, want)
	}
	if got := s.Info([]string{"clients"}); !strings.Contains(got, "blocked_clients:"+string(rune('0'+want))+"\r\n") {
		t.Errorf("INFO does not count %d blocked clients: %s", want, got)
	}
}

func TestPauseOfWrites(t *testing.T) {
	s := testServer(t, nil)
	c, first, second := s.connect(t), s.connect(t), s.connect(t)
	c.do("CLIENT PAUSE 100000 WRITE", "+OK|")
	second.do("PUBLISH news x", "")
	first.Feed([]byte("GET k\r\nINCR k\r\nGET k\r\n"))
	first.got("$-1|")
	first.do("GET k", "")
	c.do("GET k", "$-1|")
	c.do("INCR", "-ERR wrong number of arguments for 'incr' command|")
	s.pausedClients(t, 2)
	if !strings.Contains(c.send("CLIENT LIST ID 2"), " flags=b ") {
		t.Error("CLIENT LIST does not show that a client waits")
	}
	if got := s.Info([]string{"clients"}); !strings.Contains(got, "paused_reason:client_pause\r\npaused_actions:write\r\n") {
		t.Errorf("INFO says nothing of the pause: %s", got)
	}
	c.do("CLIENT UNPAUSE", "+OK|")
	first.got(":1|$1|1|$1|1|")
	second.got(":0|")
	s.pausedClients(t, 0)
	c.do("INCR k", ":2|")
}

func TestPauseOfAll(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	c.do("CLIENT PAUSE 100000", "+OK|")
	c.do("CLIENT UNPAUSE", "") // as in Redis
	other.do("PING", "")
	other.do("NOSUCH", "") // comes after it
	s.pausedClients(t, 2)
	s.unpause(s.pause.number + 1) // the timer of another pause
	other.got("")
	s.unpause(s.pause.number)
	other.got("+PONG|-ERR unknown command 'NOSUCH', with args beginning with: |")
	c.got("+OK|")
	s.pausedClients(t, 0)
}

// TestOverlappingPauses: the stricter mode and the later end hold.
func TestOverlappingPauses(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	c.do("CLIENT PAUSE 100000 WRITE", "+OK|")
	end := s.pause.end
	c.do("CLIENT PAUSE 1 ALL", "+OK|")
	if s.pause.end != end {
		t.Errorf("the pause ends at %d, want %d", s.pause.end, end)
	}
	other.do("GET k", "")
	s.unpause(0)
	other.got("$-1|")
	c.do("CLIENT PAUSE 9223372036854775807 WRITE", "+OK|")
	other.do("DEL k", "")
	other.Closed()
	s.pausedClients(t, 0)
}

// TestPauseInTransaction: what MULTI would queue waits, and EXEC if anything it runs may change data.
func TestPauseInTransaction(t *testing.T) {
	s := testServer(t, nil)
	c, reader, writer, late := s.connect(t), s.connect(t), s.connect(t), s.connect(t)
	for _, client := range []*testClient{reader, writer, late} {
		client.do("MULTI", "+OK|")
		client.do("GET k", "+QUEUED|")
	}
	writer.do("INCR k", "+QUEUED|")
	c.do("CLIENT PAUSE 100000 WRITE", "+OK|")
	reader.do("EXEC", "*1|$-1|")
	writer.do("EXEC", "")
	late.do("INCR k", "")
	late.do("EXEC", "")
	s.pausedClients(t, 2)
	c.do("CLIENT UNPAUSE", "+OK|")
	writer.got("*2|$-1|:1|")
	late.got("+QUEUED|*2|$1|1|:2|")
}

// TestPausedInput: what a client sends while it waits is kept, and not read without end.
func TestPausedInput(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	c.do("CLIENT PAUSE 100000 WRITE", "+OK|")
	other.do("CLIENT REPLY SKIP", "")
	other.do("SET k v", "")
	other.do("GET k", "")
	if other.Wants() != 0 {
		t.Errorf("wants %b", other.Wants())
	}
	other.Feed(respOf("ECHO " + strings.Repeat("x", parkedInput+1)))
	s.waitingInput.Add(waitingTotal) // of others
	if other.Wants() != eventloop.Mute {
		t.Errorf("with much unread input: wants %b", other.Wants())
	}
	c.do("CLIENT UNPAUSE", "+OK|")
	if got := other.turn(); !strings.HasPrefix(got, "$1\r\nv\r\n$65537\r\nxxx") { // SET's reply is skipped
		t.Errorf("got %.40q", got)
	}
}

// TestPausedArguments: what a command that waits takes is counted.
func TestPausedArguments(t *testing.T) {
	s := testServer(t, nil)
	c, paused, blocked := s.connect(t), s.connect(t), s.connect(t)
	argv := func(id int, want string) {
		t.Helper()
		if got := c.send(fmt.Sprint("CLIENT LIST ID ", id)); !strings.Contains(got, " argv-mem="+want+" ") {
			t.Errorf("want argv-mem=%s: %s", want, got)
		}
	}
	c.do("CLIENT PAUSE 100000 WRITE", "+OK|")
	paused.Feed(respOf("SET k " + strings.Repeat("x", parkedInput)))
	paused.got("")
	if got := c.send("CLIENT LIST ID 2"); !strings.Contains(got, " cmd=set ") {
		t.Error(got)
	}
	argv(2, "65612") // SET, k, x..., and three slices
	if n := s.waitingInput.Load(); n != 65612 {
		t.Errorf("%d bytes are said to wait", n)
	}
	s.waitingInput.Add(waitingTotal) // of others
	if paused.Wants() != eventloop.Mute {
		t.Errorf("wants %b", paused.Wants())
	}
	s.waitingInput.Add(-waitingTotal)
	c.do("CLIENT UNPAUSE", "+OK|")
	paused.got("+OK|")
	argv(2, "0")
	blocked.Feed(respOf("BLPOP " + strings.Repeat("q", parkedInput) + " 0"))
	blocked.got("")
	argv(3, "65614")
	blocked.Closed()
	c.do("CLIENT PAUSE 100000 WRITE", "+OK|")
	paused.Feed(respOf("SET k " + strings.Repeat("x", parkedInput)))
	paused.got("")
	paused.Closed()
	if n := s.waitingInput.Load(); n != 0 {
		t.Errorf("%d bytes are said to wait when all are gone", n)
	}
}

// TestWhatAPauseOfWritesHolds: every command that changes data, or that tells others something.
func TestWhatAPauseOfWritesHolds(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	for _, spec := range s.table.All() {
		want := spec.Has(commands.Write) || spec.FullName() == "publish" || spec.FullName() == "spublish"
		if got := c.mayChange(spec); got != want {
			t.Errorf("%s: held up is %v", spec.FullName(), got)
		}
	}
}

// TestPauseKeepsExpiredKeys: nothing is deleted behind the scenes while there is a pause.
func TestPauseKeepsExpiredKeys(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.do("SET k v PX 1", "+OK|")
	c.do("CLIENT PAUSE 100000 WRITE", "+OK|")
	later := s.wallMS(s.clock()) + 1000
	tick := func() int {
		for s.store.Tick(later) {
		}
		return s.store.Size(0)
	}
	if n := tick(); n != 1 {
		t.Errorf("%d keys in the pause, want 1", n)
	}
	c.do("CLIENT UNPAUSE", "+OK|")
	if n := tick(); n != 0 {
		t.Errorf("%d keys after the pause, want 0", n)
	}
}
