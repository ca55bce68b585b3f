package server

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/server/eventloop"
)

// got checks what a client has been sent meanwhile.
func (c *testClient) got(want string) {
	c.t.Helper()
	if got := strings.ReplaceAll(c.turn(), "\r\n", "|"); got != want {
		c.t.Errorf("got %q, want %q", got, want)
	}
}

// noneWaits checks that no queue and no counter remembers a parked client.
func (s *Server) noneWaits(t *testing.T) {
	t.Helper()
	for shard, q := range s.queues {
		if len(q) != 0 {
			t.Errorf("shard %d still has queues: %v", shard, q)
		}
	}
	if n, keys := s.blocked.Load(), s.blockingKeys.Load(); n != 0 || keys != 0 {
		t.Errorf("%d blocked clients and %d keys are counted", n, keys)
	}
	for shard, m := range s.moves.shards {
		if len(m) != 0 {
			t.Errorf("shard %d still has moves: %v", shard, m)
		}
	}
	if n := s.moves.parked.Load(); n != 0 {
		t.Errorf("%d parked moves are counted", n)
	}
}

func TestServedInOrder(t *testing.T) {
	s := testServer(t, nil)
	first, second, third, giver := s.connect(t), s.connect(t), s.connect(t), s.connect(t)
	first.do("BZPOPMIN q 0", "")
	second.do("BZPOPMAX q 0", "")
	third.do("BZMPOP 0 1 q MIN COUNT 2", "")
	giver.do("ZADD q 1 a 2 b 3 c", ":3|")
	first.got("*3|$1|q|$1|a|$1|1|")
	second.got("*3|$1|q|$1|c|$1|3|")
	third.got("*2|$1|q|*1|*2|$1|b|$1|2|")
	giver.do("EXISTS q", ":0|")
	s.noneWaits(t)
}

// TestSeveralKeys: the key that got data first in the command serves, once,
// and a key named twice is waited for once.
func TestSeveralKeys(t *testing.T) {
	s := testServer(t, nil)
	c, giver := s.connect(t), s.connect(t)
	c.do("BZPOPMIN a b a c 0", "")
	giver.do("ZADD c 1 x", ":1|")
	giver.do("ZADD b 1 y", ":1|")
	c.got("*3|$1|c|$1|x|$1|1|")
	giver.do("ZCARD b", ":1|")
	c.do("BZPOPMIN a b c 0", "*3|$1|b|$1|y|$1|1|")
	s.noneWaits(t)
}

// TestManyKeys: waiting for very many keys is no quadratic work; it takes
// minutes else, with the shards of all of them locked.
func TestManyKeys(t *testing.T) {
	const n = 300_000
	s := testServer(t, nil)
	c, giver := s.connect(t), s.connect(t)
	in := fmt.Appendf(nil, "*%d\r\n$8\r\nBZPOPMIN\r\n", n+3)
	for i := range n {
		in = fmt.Appendf(in, "$7\r\nk%06d\r\n", i)
	}
	c.Feed(append(in, "$7\r\nk000000\r\n$1\r\n0\r\n"...))
	c.got("")
	if got := len(c.parked.Load().places); got != n {
		t.Errorf("waits in %d queues, want %d", got, n)
	}
	giver.do("ZADD k123456 1 a", ":1|")
	c.got("*3|$7|k123456|$1|a|$1|1|")
	s.noneWaits(t)
}

// TestWrongKey: a key of another kind than wanted serves no one, and the
// client goes on waiting. Databases are kept apart.
func TestWrongKey(t *testing.T) {
	s := testServer(t, nil)
	c, giver := s.connect(t), s.connect(t)
	c.do("SELECT 1", "+OK|")
	c.do("BZPOPMIN q 0", "")
	giver.do("ZADD q 1 a", ":1|")
	c.got("")
	giver.do("ZADD other 1 a", ":1|")
	giver.do("RENAME other q2", "+OK|")
	c.got("")
	giver.do("MOVE q 1", ":1|")
	c.got("*3|$1|q|$1|a|$1|1|")
	s.noneWaits(t)
}

// TestRenameServes: a key can get its data by other ways than ZADD.
func TestRenameServes(t *testing.T) {
	s := testServer(t, nil)
	c, giver := s.connect(t), s.connect(t)
	for _, how := range []string{"RENAME src q", "COPY src q", "ZUNIONSTORE q 1 src", "ZRANGESTORE q src 0 -1", "ZINCRBY q 1 a"} {
		giver.send("DEL src q")
		giver.send("ZADD src 1 a")
		c.do("BZPOPMIN q 0", "")
		giver.send(how)
		if got := strings.ReplaceAll(c.turn(), "\r\n", "|"); got != "*3|$1|q|$1|a|$1|1|" {
			t.Errorf("%s: %q", how, got)
		}
	}
	giver.send("SELECT 1")
	giver.send("ZADD q 1 a")
	c.do("BZPOPMIN q 0", "")
	giver.do("SWAPDB 0 1", "+OK|")
	c.got("*3|$1|q|$1|a|$1|1|")
	s.noneWaits(t)
}

// TestPipelineAfterBlocking: what was sent behind a blocking command runs when
// that has its reply.
func TestPipelineAfterBlocking(t *testing.T) {
	s := testServer(t, nil)
	c, giver := s.connect(t), s.connect(t)
	c.Feed(respOf("PING\nBZPOPMIN q 0\nZCARD q\nBZPOPMIN q 0\nPING\n"))
	c.got("+PONG|")
	giver.do("ZADD q 1 a 2 b", ":2|")
	c.got("*3|$1|q|$1|a|$1|1|:1|*3|$1|q|$1|b|$1|2|+PONG|")
	s.noneWaits(t)
}

func TestEndsOfWaiting(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	c.do("BZPOPMIN q 10", "")
	if c.conn.timer == 0 {
		t.Error("no timer is set")
	}
	c.Expired()
	c.got("*-1|")
	c.do("BZPOPMIN q 9000000000000", "")
	if c.conn.timer <= s.clock() {
		t.Error("a very long timeout is over at once")
	}
	c.Expired()
	c.got("*-1|")
	if c.conn.timer != 0 {
		t.Error("the timer is still set")
	}
	c.send("HELLO 3")
	c.do("BZPOPMIN q 0", "")
	if c.conn.timer != 0 {
		t.Error("a timer is set for no timeout")
	}
	other.do("CLIENT UNBLOCK 1", ":1|")
	other.do("CLIENT UNBLOCK 1", ":0|")
	c.got("_|")
	c.do("BZPOPMIN q 0", "")
	other.do("CLIENT UNBLOCK 1 ERROR", ":1|")
	c.got("-UNBLOCKED client unblocked via CLIENT UNBLOCK|")
	if n := s.workers[0].stats.errors["UNBLOCKED"]; n != 1 {
		t.Errorf("%d errors of this kind are counted", n)
	}
	c.do("BZPOPMIN q 0", "")
	c.Closed()
	other.do("CLIENT UNBLOCK 1", ":0|")
	other.do("ZADD q 1 a", ":1|")
	other.do("ZCARD q", ":1|")
	s.noneWaits(t)
}

// TestOneEnd: of two ends of waiting that meet, one counts.
func TestOneEnd(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	c.do("BZPOPMIN q 10", "")
	other.do("ZADD q 1 a", ":1|")
	c.Expired() // served, but the client's loop does not know yet
	other.do("CLIENT UNBLOCK 1", ":0|")
	c.got("*3|$1|q|$1|a|$1|1|")

	c.do("BZPOPMIN q 10", "")
	other.do("CLIENT UNBLOCK 1", ":1|")
	other.do("ZADD q 1 a", ":1|") // does not serve who is unblocked
	c.got("*-1|")
	other.do("ZCARD q", ":1|")
	s.noneWaits(t)
}

// chainTable has MOVEALL dst src: it waits for src and puts its members in dst.
func chainTable(run func(c *commands.Ctx)) *commands.Table {
	return commands.NewTable([]commands.Spec{
		{Name: "ADD", Group: commands.Generic, Since: "1", Summary: "test", Arity: 2, Flags: commands.Write | commands.Verbatim,
			Keys: commands.KeyAt(1, commands.RW), Run: func(c *commands.Ctx) {
				z, _ := c.DB.ZSetForWrite(c.Args[1])
				z.Add([]byte("m"), 1, 0)
				c.OK()
			}},
		{Name: "WAIT", Group: commands.Generic, Since: "1", Summary: "test", Arity: 3, Flags: commands.Write | commands.Verbatim | commands.Blocking,
			Keys: commands.KeyRange(1, 2, 1, commands.RW), Run: run},
		{Name: "TICK", Group: commands.Generic, Since: "1", Summary: "test", Arity: 1, Flags: commands.Fast,
			Run: func(c *commands.Ctx) { c.Int(1) }},
	})
}

func waitOrMove(c *commands.Ctx) {
	if c.Served == nil {
		c.Block(c.Args[1:2], 0, func(r commands.Reply) { r.Null() })
		return
	}
	z, _ := c.DB.ZSetForWrite(c.Served)
	z.Remove([]byte("m"))
	to, _ := c.DB.ZSetForWrite(c.Args[2])
	to.Add([]byte("m"), 1, 0)
	c.OK()
}

// TestChain: a served command makes the key of another ready, in a ring; it ends.
func TestChain(t *testing.T) {
	s := testServer(t, chainTable(waitOrMove))
	var ring []*testClient
	for _, keys := range []string{"{x}1 {x}2", "{x}2 {x}3", "{x}3 {x}1", "{x}1 {x}2"} {
		c := s.connect(t)
		c.do("WAIT "+keys, "")
		ring = append(ring, c)
	}
	s.connect(t).do("ADD {x}1", "+OK|")
	for _, c := range ring {
		c.got("+OK|")
	}
	s.noneWaits(t)
}

// TestPanicWhileServing closes the parked client, not the one that brought the
// data, and the shard to writes.
func TestPanicWhileServing(t *testing.T) {
	s := testServer(t, chainTable(func(c *commands.Ctx) {
		if c.Served != nil {
			panic("as asked")
		}
		c.Block(c.Args[1:], 0, nil)
	}))
	c, giver := s.connect(t), s.connect(t)
	c.do("WAIT {x}1 {x}2", "")
	giver.do("ADD {x}1", "+OK|")
	giver.do("TICK", ":1|")
	c.got("")
	if !c.conn.gone {
		t.Error("the parked client's connection is open")
	}
	giver.do("ADD {x}1", "-"+errDamaged+"|")
	if n := s.damage.panics.Load(); n != 1 {
		t.Errorf("%d panics", n)
	}
	s.noneWaits(t)
}

// TestPanicBetweenServing: what was left to serve when it came is forgotten.
func TestPanicBetweenServing(t *testing.T) {
	s := testServer(t, nil)
	c, giver := s.connect(t), s.connect(t)
	c.do("BZPOPMIN {q}1 {q}2 0", "")
	shard := s.store.ShardOf([]byte("{q}1"))
	waiting := s.queues[shard][waitKey{0, "{q}1"}]
	at := waiting.Front().Value
	waiting.Front().Value = "no place"
	giver.do("ZADD {q}1 1 a", "")
	if n := s.damage.panics.Load(); n != 1 || !giver.conn.gone {
		t.Fatalf("%d panics", n)
	}
	if left := s.workers[0].serving.ready; len(left) != 0 {
		t.Errorf("left to serve: %v", left)
	}
	waiting.Front().Value = at
}

// TestPanicWhileLeaving: it leaves no shard locked.
func TestPanicWhileLeaving(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.do("BZPOPMIN q 0", "")
	p := c.parked.Load()
	func() {
		defer func() { _ = recover() }()
		broken := &parked{session: c.Session, places: []place{{shard: 0, key: waitKey{0, "other"}}}}
		c.endPark(broken)
		t.Error("no panic")
	}()
	shardFree(s, 0)
	c.parked.Store(p)
	s.blocked.Add(1)
	c.Closed()
	s.noneWaits(t)
}

// TestLargeServedReply: it does not stay with the worker.
func TestLargeServedReply(t *testing.T) {
	s := testServer(t, nil)
	c, giver := s.connect(t), s.connect(t)
	member := strings.Repeat("m", 2*keepBytes)
	c.do("BZMPOP 0 1 q MIN", "")
	giver.do("ZADD q 1 "+member[:1000], ":1|")
	c.got("*2|$1|q|*1|*2|$1000|" + member[:1000] + "|$1|1|")
	c.do("BZMPOP 0 1 q MIN", "")
	giver.Feed(respOf("ZADD q 1 " + member + "\n"))
	giver.got(":1|")
	c.got("*2|$1|q|*1|*2|$131072|" + member + "|$1|1|")
	if n := cap(s.workers[0].serving.out.Bytes()); n > keepBytes {
		t.Errorf("a buffer of %d bytes is kept", n)
	}
}

// TestKillParked: CLIENT KILL ends the waiting.
func TestKillParked(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	c.do("BZPOPMIN q 0", "")
	other.do("CLIENT KILL ID 1", ":1|")
	if c.Wants() != eventloop.Abort {
		t.Errorf("wants %b", c.Wants())
	}
	c.got("")
	s.noneWaits(t)
}

// TestKilledIsNotServed: a client that CLIENT KILL has ended takes nothing any more, though its loop may not
// have heard of it yet; what comes is for the next.
func TestKilledIsNotServed(t *testing.T) {
	s := testServer(t, nil)
	c, next, other := s.connect(t), s.connect(t), s.connect(t)
	c.do("BLPOP q 0", "")
	other.do("CLIENT KILL ID 1", ":1|")
	other.do("RPUSH q a", ":1|")
	other.do("LLEN q", ":1|")
	next.do("BLPOP q 0", "*2|$1|q|$1|a|")
	c.got("")
	s.noneWaits(t)
}

// TestQueuesGiveBackTheirRoom: after a command that waited for very many keys the
// queues are as they were.
func TestQueuesGiveBackTheirRoom(t *testing.T) {
	s := testServer(t, nil)
	p := &parked{places: make([]place, 0, keepInts+1)}
	for i := range keepInts + 1 {
		s.enqueue(p, waitKey{0, fmt.Sprint("{same}", i)})
	}
	shard := p.places[0].shard
	before := reflect.ValueOf(s.queues[shard]).Pointer()
	for i := range p.places {
		s.leave(&p.places[i])
	}
	if after := reflect.ValueOf(s.queues[shard]).Pointer(); len(s.queues[shard]) != 0 || after == before {
		t.Error("the map of a queue that was long is kept")
	}
}
