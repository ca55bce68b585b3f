package server

import (
	"strings"
	"testing"

	"quarry/commands"
)

func TestListsServeInOrder(t *testing.T) {
	s := testServer(t, nil)
	first, second, third, giver := s.connect(t), s.connect(t), s.connect(t), s.connect(t)
	first.do("BLPOP q 0", "")
	second.do("BRPOP other q 0", "")
	third.do("BLMPOP 0 1 q LEFT COUNT 2", "")
	giver.do("LPUSH q a b c d", ":4|")
	first.got("*2|$1|q|$1|d|")
	second.got("*2|$1|q|$1|a|")
	third.got("*2|$1|q|*2|$1|c|$1|b|")
	giver.do("EXISTS q", ":0|")
	s.noneWaits(t)
}

// TestWaysToServeAList: a list can come by other ways than LPUSH.
func TestWaysToServeAList(t *testing.T) {
	s := testServer(t, nil)
	c, giver := s.connect(t), s.connect(t)
	for _, how := range []string{
		"RPUSH q a", "RENAME src q", "COPY src q", "LMOVE src q LEFT LEFT", "RPOPLPUSH src q", "BLMOVE src q LEFT LEFT 0", "BRPOPLPUSH src q 0",
	} {
		giver.send("DEL src q")
		giver.send("RPUSH src a")
		c.do("BLPOP q 0", "")
		giver.send(how)
		if got := strings.ReplaceAll(c.turn(), "\r\n", "|"); got != "*2|$1|q|$1|a|" {
			t.Errorf("%s: %q", how, got)
		}
	}
	s.noneWaits(t)
}

// TestMovesMeet: a served move brings data to a key of another shard, where others wait. In a ring each
// moves once.
func TestMovesMeet(t *testing.T) {
	s := testServer(t, nil)
	keys := strings.Fields("a b c d e f g h a")
	var ring []*testClient
	shards := map[int]bool{}
	for i, to := range keys[1:] {
		c := s.connect(t)
		c.do("BLMOVE "+keys[i]+" "+to+" LEFT RIGHT 0", "")
		ring = append(ring, c)
		shards[s.store.ShardOf([]byte(to))] = true
	}
	if len(shards) < 3 {
		t.Fatalf("the keys are of %d shards", len(shards))
	}
	giver := s.connect(t)
	giver.do("RPUSH a x", ":1|")
	for _, c := range ring {
		c.got("$1|x|")
	}
	giver.do("LRANGE a 0 -1", "*1|$1|x|")
	s.noneWaits(t)
	s.free(t)
}

// TestOrderOfMoves: all who wait for a key are served before those who wait where it was moved to.
func TestOrderOfMoves(t *testing.T) {
	s := testServer(t, nil)
	mover, end, next, giver := s.connect(t), s.connect(t), s.connect(t), s.connect(t)
	mover.do("BLMOVE q r LEFT RIGHT 0", "")
	end.do("BLPOP r q 0", "")
	next.do("BLPOP q 0", "")
	giver.do("RPUSH q a b c", ":3|")
	mover.got("$1|a|")
	end.got("*2|$1|q|$1|b|")
	next.got("*2|$1|q|$1|c|")
	giver.do("LRANGE r 0 -1", "*1|$1|a|")
	s.noneWaits(t)
}

// TestMoveToWrongType: who waits is told when served, and the element stays.
func TestMoveToWrongType(t *testing.T) {
	s := testServer(t, nil)
	c, d, giver := s.connect(t), s.connect(t), s.connect(t)
	giver.do("SET to v", "+OK|")
	c.do("BRPOPLPUSH q to 0", "")
	d.do("BLPOP q 0", "")
	giver.do("RPUSH q a", ":1|")
	c.got("-WRONGTYPE Operation against a key holding the wrong kind of value|")
	d.got("*2|$1|q|$1|a|")
	// A source of another type serves nobody.
	c.do("BLMOVE s q LEFT LEFT 0", "")
	giver.do("SET s v", "+OK|")
	giver.do("DEL s", ":1|")
	giver.do("ZADD s 1 v", ":1|")
	c.got("")
	giver.do("DEL s", ":1|")
	giver.do("RPUSH s b", ":1|")
	c.got("$1|b|")
	s.noneWaits(t)
}

// TestMovesAndTransactions: EXEC serves when all of it has been done, and in it nothing blocks.
func TestMovesAndTransactions(t *testing.T) {
	s := testServer(t, nil)
	a, b, giver := s.connect(t), s.connect(t), s.connect(t)
	a.do("BLMOVE q r LEFT RIGHT 0", "")
	b.do("BLMOVE r other LEFT RIGHT 0", "")
	giver.exec("*3|:1|*1|$1|x|:2|", "RPUSH q x", "LRANGE q 0 -1", "RPUSH q y")
	a.got("$1|x|")
	b.got("$1|x|")
	giver.do("LRANGE other 0 -1", "*1|$1|x|")
	giver.do("LPOP q", "$1|y|")
	giver.exec("*5|*-1|*-1|*-1|$-1|$-1|", "BLPOP q 0", "BRPOP q r 0", "BLMPOP 0 1 q LEFT", "BLMOVE q r LEFT LEFT 0", "BRPOPLPUSH q r 0")
	a.do("BLPOP q 0", "")
	giver.exec("*2|:1|:1|", "RPUSH q x", "DEL q")
	a.got("")
	giver.exec("*3|:1|:1|:1|", "RPUSH q x", "DEL q", "RPUSH q y")
	a.got("*2|$1|q|$1|y|")
	s.noneWaits(t)
	s.free(t)
}

// TestEndsOfMoves: a move that has stopped waiting leads nowhere any more.
func TestEndsOfMoves(t *testing.T) {
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	for range 2 {
		c.do("BLMOVE q r LEFT LEFT 1", "")
		c.Expired()
		c.got("*-1|")
		c.do("BRPOPLPUSH q r 1", "")
		other.do("CLIENT UNBLOCK 1", ":1|")
		c.got("*-1|")
	}
	s.noneWaits(t)
	c.do("BLMOVE q q LEFT LEFT 0", "")
	c.Closed()
	other.do("RPUSH q a", ":1|")
	other.do("LLEN q", ":1|")
	s.noneWaits(t)
}

// TestMovesInOtherDatabases: MOVE brings data where it does not say.
func TestMovesInOtherDatabases(t *testing.T) {
	s := testServer(t, nil)
	c, d, giver := s.connect(t), s.connect(t), s.connect(t)
	for _, client := range []*testClient{c, d} {
		client.do("SELECT 1", "+OK|")
	}
	c.do("BLMOVE q r LEFT LEFT 0", "")
	d.do("BLPOP r 0", "")
	giver.do("RPUSH q a", ":1|")
	c.got("")
	giver.do("MOVE q 1", ":1|")
	c.got("$1|a|")
	d.got("*2|$1|r|$1|a|")
	s.noneWaits(t)
}

// TestPanicWhileMoving closes the shards of both keys to writes.
func TestPanicWhileMoving(t *testing.T) {
	s := testServer(t, chainTable(func(c *commands.Ctx) {
		if c.Served != nil {
			panic("as asked")
		}
		c.BlockMove(c.Args[1:2], c.Args[2], 0, nil)
	}))
	c, giver := s.connect(t), s.connect(t)
	c.do("WAIT a b", "")
	giver.do("ADD a", "+OK|")
	giver.do("TICK", ":1|")
	c.got("")
	for _, key := range []string{"a", "b"} {
		giver.do("ADD "+key, "-"+errDamaged+"|")
	}
	s.noneWaits(t)
	s.free(t)
}
