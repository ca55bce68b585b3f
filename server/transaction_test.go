package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"quarry/commands"
	"quarry/server/eventloop"
)

// exec queues the lines in a transaction and checks what EXEC answers.
func (c *testClient) exec(want string, lines ...string) {
	c.t.Helper()
	c.do("MULTI", "+OK|")
	for _, line := range lines {
		c.do(line, "+QUEUED|")
	}
	c.do("EXEC", want)
}

// free checks that no shard is locked, and that nobody watches anything.
func (s *Server) free(t *testing.T) {
	t.Helper()
	for i := range s.store.Shards() {
		shardFree(s, i)
		if n := len(s.watches[i]); n != 0 {
			t.Errorf("%d keys of shard %d are watched", n, i)
		}
	}
	if a, b, n := s.watching.Load(), s.observing.Load(), s.watchedKeys.Load(); a != 0 || b != 0 || n != 0 {
		t.Errorf("%d clients watch %d keys, %d observe", a, n, b)
	}
	if n := s.queued.Load(); n != 0 {
		t.Errorf("%d bytes are queued", n)
	}
}

func TestTransaction(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	c.do("MULTI", "+OK|")
	c.do("ZADD a 1 m", "+QUEUED|")
	c.do("ZADD b 2 n", "+QUEUED|")
	other.do("EXISTS a b", ":0|")
	c.do("ZRANGE a 0 -1", "+QUEUED|")
	c.do("EXEC", "*3|:1|:1|*1|$1|m|")
	other.do("EXISTS a b", ":2|")
	c.do("EXEC", "-ERR EXEC without MULTI|")
	c.exec("*3|:0|-ERR value is not a valid float|:1|", "ZADD a 1 m", "ZINCRBY a x m", "ZCARD a")
	c.Feed(respOf("ZCARD a\nMULTI\nZADD a 1 x\nDISCARD\nMULTI\nZCARD a\nZCARD b\nEXEC\nPING\n"))
	c.got(":1|+OK|+QUEUED|+OK|+OK|+QUEUED|+QUEUED|*2|:1|:1|+PONG|")
	s.free(t)
}

// TestBrokenTransaction: what the gate refuses spoils the transaction, what a handler answers does not.
func TestBrokenTransaction(t *testing.T) {
	s := testServer(t, nil, "--maxmemory", "100mb")
	const broken = "-EXECABORT Transaction discarded because of previous errors.|"
	for refused, answer := range map[string]string{
		"nosuch":      "-ERR unknown command 'nosuch', with args beginning with: |",
		"ZADD a":      "-ERR wrong number of arguments for 'zadd' command|",
		"SHUTDOWN":    "-ERR Command not allowed inside a transaction|",
		"MULTI x":     "-ERR wrong number of arguments for 'multi' command|",
		"DISCARD x":   "-ERR wrong number of arguments for 'discard' command|",
		"CLIENT nope": "-ERR unknown subcommand 'nope'. Try CLIENT HELP.|",
	} {
		c := s.connect(t)
		c.do("WATCH k", "+OK|")
		c.do("MULTI", "+OK|")
		c.do("ZADD a 1 m", "+QUEUED|")
		c.do(refused, answer)
		c.do("ZADD a 1 m", "+QUEUED|")
		c.do("EXEC", broken)
		c.do("EXISTS a", ":0|")
		s.free(t)
	}
	c := s.connect(t)
	c.do("MULTI", "+OK|")
	c.do("MULTI", "-ERR MULTI calls can not be nested|")
	c.do("WATCH k", "-ERR WATCH inside MULTI is not allowed|")
	c.do("EXEC", "*0|")
	c.do("ZADD k 1 m", ":1|")
	c.do("WATCH k", "+OK|")
	c.do("MULTI", "+OK|")
	c.do("EXEC now", "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command|")
	c.do("DISCARD", "-ERR DISCARD without MULTI|")
	s.free(t)
}

func TestTransactionOutOfMemory(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.do("MULTI", "+OK|")
	s.store.SetMaxMemory(1)
	c.do("ZCARD a", "-OOM command not allowed when used memory > 'maxmemory'.|")
	c.do("EXEC", "-EXECABORT Transaction discarded because of previous errors.|")
	s.store.SetMaxMemory(0)
	c.do("MULTI", "+OK|")
	c.do("ZADD a 1 m", "+QUEUED|")
	s.store.SetMaxMemory(1)
	c.do("EXEC", "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.|")
	s.store.SetMaxMemory(0)
	c.do("MULTI", "+OK|")
	c.do("ZCARD a", "+QUEUED|")
	s.store.SetMaxMemory(1)
	c.do("EXEC", "*1|:0|")
	s.free(t)
}

// TestQueueIsBounded: a queue is part of the query, and of what is held against maxmemory.
func TestQueueIsBounded(t *testing.T) {
	s := testServer(t, nil, "--client-query-buffer-limit", "1mb")
	c, other := s.connect(t), s.connect(t)
	c.do("MULTI", "+OK|")
	line := "ECHO " + strings.Repeat("x", 10_000) + "\n"
	c.Feed(respOf(strings.Repeat(line, 50)))
	c.turn()
	if n := s.queued.Load(); n < 480_000 || n > 520_000 {
		t.Errorf("%d bytes are counted as queued", n)
	}
	if info := other.send("CLIENT LIST"); !strings.Contains(info, "flags=x ") ||
		!strings.Contains(info, " multi=50 ") || !strings.Contains(info, " multi-mem=501000 ") {
		t.Error(info)
	}
	s.store.SetMaxMemory(s.store.Memory().Used + 500_000)
	other.do("MULTI", "+OK|")
	other.do("ECHO "+strings.Repeat("x", 30_000), "-OOM command not allowed when used memory > 'maxmemory'.|")
	s.store.SetMaxMemory(0)
	c.Feed(respOf(strings.Repeat(line, 60)))
	c.turn()
	if !c.conn.gone {
		t.Error("a client queues without bound")
	}
	other.do("DISCARD", "+OK|")
	s.free(t)
}

// TestEveryCommandInTransaction runs every command of the table between two others that have keys of
// their own: none takes a lock that is held.
func TestEveryCommandInTransaction(t *testing.T) {
	s := testServer(t, nil)
	if out := s.connect(t).send("ZADD key 1 m"); out != ":1\r\n" {
		t.Fatal(out)
	}
	for _, spec := range s.table.All() {
		if spec.Run == nil || spec.Has(commands.NotQueued) || spec.Has(commands.NoMulti) || spec.FullName() == "client|reply" {
			continue
		}
		for _, call := range sampleCalls(spec) {
			watchdog := time.AfterFunc(30*time.Second, func() { panic("deadlock in " + strings.Join(call, " ")) })
			c := s.connect(t)
			c.do("MULTI", "+OK|")
			c.do("ZADD before 1 m", "+QUEUED|")
			c.Feed(respOf(strings.Join(call, " ") + "\n"))
			c.got("+QUEUED|")
			c.do("ZADD after 1 m", "+QUEUED|")
			if out := c.send("EXEC"); !strings.HasPrefix(out, "*3\r\n:") || c.InMulti() {
				t.Errorf("%s: %q", call, out)
			}
			s.unpause(0)
			c.killed.Store(true)
			c.turn()
			s.free(t)
			watchdog.Stop()
		}
	}
	if n := s.damage.panics.Load(); n != 0 {
		t.Errorf("%d panics", n)
	}
}

// sampleCalls are calls of a command: without its options, and with all of them.
func sampleCalls(spec *commands.Spec) [][]string {
	var calls [][]string
	for _, options := range []bool{false, true} {
		var call []string
		if spec.Parent() != nil {
			call = append(call, spec.Parent().Name)
		}
		call = appendSample(append(call, spec.Name), spec.Args, options)
		for len(call) < max(spec.Arity, -spec.Arity) {
			call = append(call, "1")
		}
		if spec.Arity > 0 {
			call = call[:spec.Arity]
		}
		calls = append(calls, call)
	}
	return calls
}

func appendSample(call []string, args []commands.Arg, options bool) []string {
	for _, a := range args {
		if a.Optional && !options {
			continue
		}
		if a.Token != "" {
			call = append(call, a.Token)
		}
		switch a.Type {
		case commands.TypeToken:
		case commands.TypeOneOf:
			call = appendSample(call, a.Sub[:1], true)
		case commands.TypeBlock:
			call = appendSample(call, a.Sub, options)
		case commands.TypeKey:
			call = append(call, "key")
		default:
			call = append(call, "1")
		}
	}
	return call
}

// TestTransactionServes: who waits for a key that a transaction fills is served when it is done.
func TestTransactionServes(t *testing.T) {
	s := testServer(t, nil)
	waiting, giver := s.connect(t), s.connect(t)
	waiting.do("BZPOPMIN q 0", "")
	giver.exec("*3|:1|:1|:2|", "ZADD q 2 a", "ZADD q 1 b", "ZCARD q")
	waiting.got("*3|$1|q|$1|b|$1|1|")
	giver.do("ZCARD q", ":1|")
	giver.do("DEL q", ":1|")
	waiting.do("BZPOPMIN q 0", "")
	giver.exec("*2|:1|:1|", "ZADD q 2 a", "DEL q")
	waiting.got("")
	giver.exec("*5|+OK|:2|+OK|+OK|*3|$1|q|$1|a|$1|1|", "SELECT 3", "ZADD q 1 a 2 b", "SELECT 0", "SWAPDB 0 3", "BZPOPMIN q 0")
	waiting.got("*3|$1|q|$1|b|$1|2|")
	giver.exec("*2|*-1|*-1|", "BZPOPMAX q 0", "BZMPOP 0 1 q MIN")
	s.noneWaits(t)
	s.free(t)
}

// TestPanicInTransaction: all of its shards are suspect, nothing of it is answered.
func TestPanicInTransaction(t *testing.T) {
	s := testServer(t, fakeTable())
	victim, other := s.connect(t), s.connect(t)
	victim.do("MULTI", "-ERR unknown command 'MULTI', with args beginning with: |")
	victim.Multi()
	victim.do("WRITE a", "+QUEUED|")
	victim.do("BREAK b", "+QUEUED|")
	victim.do("RUNQUEUE", "")
	if !victim.conn.gone {
		t.Error("the victim's connection is open")
	}
	other.do("write a", "-"+errDamaged+"|")
	other.do("write b", "-"+errDamaged+"|")
	other.Multi()
	other.do("WRITE a", "+QUEUED|")
	other.do("RUNQUEUE", "-EXECABORT Transaction discarded because of: "+errDamaged+"|")
	s.free(t)
}

// TestTransactionReplyModes: CLIENT REPLY inside a transaction takes effect in the middle of EXEC's answer, as in Redis.
func TestTransactionReplyModes(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.exec("*3|+PONG|", "PING", "CLIENT REPLY OFF", "PING")
	c.do("PING", "")
	c.do("CLIENT REPLY ON", "+OK|")
	c.exec("*3|+PONG|+PONG|", "PING", "CLIENT REPLY SKIP", "PING")
	c.do("PING", "")
	c.do("PING", "+PONG|")
	c.Feed(respOf("CLIENT REPLY OFF\nMULTI\nPING\nCLIENT REPLY ON\nPING\nEXEC\nPING\n"))
	c.got("+OK|+PONG|+PONG|")
	c.Feed(respOf("MULTI\nPING\nCLIENT REPLY SKIP\nCLIENT REPLY SKIP\nEXEC\nPING\nPING\nCLIENT REPLY SKIP\nMULTI\nEXEC\n"))
	c.got("+OK|+QUEUED|+QUEUED|+QUEUED|*3|+PONG|+PONG|*0|")
}

// TestTransactionCounts: queued commands are counted when they run, and EXEC as one more.
func TestTransactionCounts(t *testing.T) {
	s := testServer(t, nil, "--slowlog-log-slower-than", "0")
	c := s.connect(t)
	c.exec("*3|:1|:1|-ERR value is not a valid float|", "ZADD a 1 m", "ZCARD a", "ZINCRBY a x m")
	c.do("MULTI", "+OK|")
	c.do("ZADD a 1 n", "+QUEUED|")
	c.do("ZADD", "-ERR wrong number of arguments for 'zadd' command|")
	c.do("EXEC", "-EXECABORT Transaction discarded because of previous errors.|")
	c.exec("*0|")
	sum := s.counters.total()
	for name, want := range map[string]commandStats{
		"multi": {calls: 3}, "exec": {calls: 3, failed: 1}, "zadd": {calls: 1, rejected: 1}, "zcard": {calls: 1}, "zincrby": {calls: 1, failed: 1},
	} {
		got := sum.commands[s.table.ByName(name).Index()]
		if got.calls != want.calls || got.failed != want.failed || got.rejected != want.rejected || got.ns <= 0 {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	var inner int64
	for _, name := range []string{"zadd", "zcard", "zincrby"} {
		inner += sum.commands[s.table.ByName(name).Index()].ns
	}
	if outer := sum.commands[s.table.ByName("exec").Index()].ns; outer < inner {
		t.Errorf("EXEC took %d ns, what it ran %d", outer, inner)
	}
	var slow []string
	for _, e := range s.SlowlogGet(-1) {
		slow = append(slow, string(e.Args[0]))
	}
	if got := strings.Join(slow, " "); got != "MULTI MULTI ZINCRBY ZCARD ZADD MULTI" {
		t.Errorf("slow log: %s", got)
	}
}

// TestTransactionAllocatesNothing, once a worker has run one like it.
func TestTransactionAllocatesNothing(t *testing.T) {
	_, c := benchSession(t, commands.NewCommandTable())
	in := respOf(strings.Repeat("MULTI\nZADD a 1 m\nZADD b 2 m\nZINCRBY c 1 m\nEXEC\n", 20))
	if n := testing.AllocsPerRun(100, func() {
		c.Feed(in)
		for c.Wants() == eventloop.More {
			c.Resume()
		}
		c.Sent(len(c.Output()))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLargeTransactionIsForgotten: it leaves no large memory behind.
func TestLargeTransactionIsForgotten(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	for _, end := range []string{"EXEC", "DISCARD", "RESET"} {
		c.do("MULTI", "+OK|")
		for i := range 3 {
			c.Feed(respOf(strings.Repeat(fmt.Sprintf("ZADD k%d 1 m\n", i), 2*keepQueued)))
			c.turn()
		}
		c.send(end)
		if len(c.w.queues) != 0 || cap(c.w.queued) != 0 || c.multi != nil {
			t.Errorf("%s: %d queues, %d arguments, %v", end, len(c.w.queues), cap(c.w.queued), c.multi)
		}
	}
	s.free(t)
}

// BenchmarkTransaction is our own work for MULTI, three small writes and EXEC, in one write.
func BenchmarkTransaction(b *testing.B) {
	s, c := benchSession(b, commands.NewCommandTable())
	in := respOf("MULTI\nZADD key:000001 1 m\nZADD key:000002 2 m\nZINCRBY key:000003 1 m\nEXEC\n")
	b.ReportAllocs()
	for b.Loop() {
		c.Feed(in)
		c.Sent(len(c.Output()))
	}
	s.Close()
}
