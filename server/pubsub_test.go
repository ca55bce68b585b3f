package server

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"quarry/commands"
	"quarry/server/config"
	"quarry/server/eventloop"
)

// on makes a client of a worker that speaks a protocol.
func (s *Server) on(t *testing.T, worker, proto int) *testClient {
	t.Helper()
	c := s.connect(t)
	if worker != 0 {
		c.Detach(worker)
		c.Attach(worker)
	}
	c.send(fmt.Sprint("HELLO ", proto))
	return c
}

// heard sends what is to be sent, with "|" for line breaks and without the lengths of strings.
func (c *testClient) heard() string { return brief(c.turn()) }

func brief(replies string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(replies, "\r\n"), "\r\n") {
		if line != "" && line[0] != '$' {
			b.WriteString(line + "|")
		}
	}
	return b.String()
}

func (c *testClient) says(line, want string) {
	c.t.Helper()
	if got := brief(c.send(line)); got != want {
		c.t.Errorf("%s: %s, want %s", line, got, want)
	}
}

func (c *testClient) hears(want string) {
	c.t.Helper()
	c.srv.transport.(*testTransport).rest()
	if got := c.heard(); got != want {
		c.t.Errorf("heard %s, want %s", got, want)
	}
}

// empty checks that nothing is under way and nothing is counted any more.
func (s *Server) empty(t *testing.T) {
	t.Helper()
	p := &s.pubsub
	if a, b, c, d := p.pending.Load(), p.queued.Load(), p.shared.Load(), s.unsent.Load(); a|b|c|d != 0 {
		t.Errorf("%d messages to be handed out, %d bytes in jobs, %d bytes of messages, %d unsent", a, b, c, d)
	}
}

func TestMessages(t *testing.T) {
	s := testServer(t, nil)
	ada, bob, cyd := s.on(t, 0, 2), s.on(t, 1, 3), s.on(t, 0, 2)
	ada.says("SUBSCRIBE news", "*3|subscribe|news|:1|")
	bob.says("PSUBSCRIBE n*", ">3|psubscribe|n*|:1|")
	bob.says("SUBSCRIBE news", ">3|subscribe|news|:2|")
	cyd.says("PUBLISH news hello", ":3|")
	ada.hears("*3|message|news|hello|")
	bob.hears(">3|message|news|hello|>4|pmessage|n*|news|hello|")
	s.empty(t)
}

// A session hears what was published before it runs a command, though its loop has not come to it yet.
func TestMessagesComeFirst(t *testing.T) {
	s := testServer(t, nil)
	bob, cyd := s.on(t, 1, 3), s.on(t, 0, 2)
	bob.send("SUBSCRIBE a b")
	cyd.says("PUBLISH a 1", ":1|")
	bob.says("PING", ">3|message|a|1|+PONG|")
	cyd.says("PUBLISH a 2", ":1|")
	bob.says("UNSUBSCRIBE a", ">3|message|a|2|>3|unsubscribe|a|:1|")
	cyd.says("PUBLISH a 3", ":0|")
	cyd.says("PUBLISH b 4", ":1|")
	bob.says("SUBSCRIBE a", ">3|message|b|4|>3|subscribe|a|:2|")
	bob.hears("")
	s.empty(t)
}

// What a client publishes to itself comes after the reply, and before the next one.
func TestOwnMessages(t *testing.T) {
	s := testServer(t, nil)
	bob := s.on(t, 1, 3)
	bob.send("SUBSCRIBE a")
	bob.Feed(respOf("PUBLISH a 1\nPING\nPUBLISH a 2\n"))
	bob.hears(":1|>3|message|a|1|+PONG|:1|>3|message|a|2|")
	bob.Feed(respOf("MULTI\nPUBLISH a 3\nSUBSCRIBE b\nPUBLISH b 4\nUNSUBSCRIBE a\nPING\nEXEC\nPING\n"))
	bob.hears("+OK|+QUEUED|+QUEUED|+QUEUED|+QUEUED|+QUEUED|" +
		"*5|:1|>3|subscribe|b|:2|:1|>3|unsubscribe|a|:1|+PONG|>3|message|a|3|>3|message|b|4|+PONG|")
	s.empty(t)
}

// CLIENT REPLY silences replies, not pushes.
func TestPushesInSpiteOfSilence(t *testing.T) {
	s := testServer(t, nil)
	bob := s.on(t, 0, 3)
	bob.says("CLIENT REPLY SKIP", "")
	bob.says("SUBSCRIBE a", ">3|subscribe|a|:1|")
	bob.says("CLIENT REPLY OFF", "")
	bob.says("SUBSCRIBE", "")
	bob.says("SUBSCRIBE b", ">3|subscribe|b|:2|")
	bob.says("PUBLISH a 1", "")
	bob.hears(">3|message|a|1|")
	bob.says("MULTI", "")
	bob.says("SUBSCRIBE c", "")
	bob.says("PING", "")
	bob.says("EXEC", ">3|subscribe|c|:3|")
	bob.says("CLIENT REPLY ON", "+OK|")
}

// All who get a message are sent the same bytes.
func TestMessagesAreShared(t *testing.T) {
	s := testServer(t, nil)
	var clients []*testClient
	for i := range 6 {
		c := s.on(t, i%2, 2+i/2%2)
		c.send("SUBSCRIBE a")
		clients = append(clients, c)
	}
	s.pubsub.publish(commands.Channels, []byte("a"), []byte("hello"))
	s.transport.(*testTransport).rest()
	first := map[int]*byte{}
	for _, c := range clients {
		out := c.Output()
		if first[c.proto] == nil {
			first[c.proto] = &out[0]
		}
		if &out[0] != first[c.proto] {
			t.Errorf("client %d has bytes of its own", c.id)
		}
		c.heard()
	}
	s.empty(t)
}

// Several messages are sent at once, and large ones are not copied.
func TestBacklogIsGathered(t *testing.T) {
	s := testServer(t, nil)
	bob := s.on(t, 0, 2)
	bob.send("SUBSCRIBE a")
	big := strings.Repeat("x", directMessage)
	for _, text := range []string{"1", "2", big, "3", big} {
		s.pubsub.publish(commands.Channels, []byte("a"), []byte(text))
	}
	s.transport.(*testTransport).rest()
	var all strings.Builder
	for i, large := range []bool{false, true, false, true} {
		out := bob.Output()
		if large != (len(out) > 100) || len(out) > directMessage+100 {
			t.Fatalf("part %d has %d bytes", i, len(out))
		}
		for len(out) > 0 { // bit by bit
			n := min(len(out), 7)
			all.Write(out[:n])
			bob.Sent(n)
			out = out[n:]
			if now := bob.Output(); len(out) > 0 && !bytes.HasPrefix(now, out) {
				t.Fatalf("after %d bytes it goes on with other ones", all.Len())
			}
		}
	}
	want := fmt.Sprintf("*3|message|a|1|*3|message|a|2|*3|message|a|%s|*3|message|a|3|*3|message|a|%s|", big, big)
	if got := brief(all.String()); got != want {
		t.Errorf("got %.200s", got)
	}
	s.empty(t)
}

// A subscriber that does not read is closed, and others are not.
func TestSlowSubscribers(t *testing.T) {
	s := testServer(t, nil, "--client-output-buffer-limit", "pubsub", "1000", "0", "0")
	slow, quick, cyd := s.on(t, 1, 2), s.on(t, 1, 2), s.on(t, 0, 2)
	slow.send("SUBSCRIBE a")
	quick.send("SUBSCRIBE a")
	text := strings.Repeat("x", 400)
	for range 5 {
		cyd.says("PUBLISH a "+text, ":2|")
		quick.hears("*3|message|a|" + text + "|")
	}
	if slow.Wants() != eventloop.Abort || slow.unsent() != 0 {
		t.Errorf("it wants %v and has %d bytes", slow.Wants(), slow.unsent())
	}
	if info := s.Info([]string{"stats"}); !strings.Contains(info, "client_output_buffer_limit_disconnections:1\r\n") {
		t.Errorf("INFO has %s", info)
	}
	slow.turn()
	cyd.says("PUBLISH a 1", ":1|")
	quick.hears("*3|message|a|1|")
	s.empty(t)
}

// While all clients together have much unsent, subscribers with more than their share are closed.
// A message counts once, however many have it.
func TestCrowdedSubscribers(t *testing.T) {
	s := testServer(t, nil)
	cyd := s.on(t, 0, 2)
	var all []*testClient
	for i := range 50 {
		c := s.on(t, 1, 2)
		c.send(fmt.Sprintf("SUBSCRIBE a own%d", i))
		all = append(all, c)
	}
	text := make([]byte, 1<<20)
	for range 20 { // to each; 1 GB if they were copies
		s.pubsub.publish(commands.Channels, []byte("a"), text)
		s.transport.(*testTransport).rest()
	}
	if s.crowded() {
		t.Fatalf("%d bytes of messages", s.pubsub.shared.Load())
	}
	s.pubsub.shared.Add(stallTotal) // what others might have
	cyd.says("PUBLISH own3 x", ":1|")
	s.transport.(*testTransport).rest()
	if all[3].Wants() != eventloop.Abort || all[4].Wants() == eventloop.Abort {
		t.Errorf("they want %v and %v", all[3].Wants(), all[4].Wants())
	}
	s.pubsub.shared.Add(-stallTotal)
	for _, c := range all {
		c.aborted = true
		c.turn()
	}
	s.empty(t)
}

// Publishers wait while there is too much to hand out, and then go on.
func TestPublishersWait(t *testing.T) {
	s := testServer(t, nil)
	cyd := s.on(t, 0, 2)
	var all []*testClient
	for range 100 {
		c := s.on(t, 1, 2)
		c.send("SUBSCRIBE a")
		all = append(all, c)
	}
	const messages = 3000
	cyd.Feed(bytes.Repeat(respOf("PUBLISH a 1\n"), messages))
	replies := strings.Count(cyd.turn(), ":100")
	if !cyd.held || cyd.Wants() != eventloop.Mute || replies > maxPending/100+1 {
		t.Fatalf("held %t, wants %v after %d replies", cyd.held, cyd.Wants(), replies)
	}
	for replies < messages {
		s.transport.(*testTransport).rest()
		for _, c := range all {
			c.turn()
		}
		if len(cyd.conn.posts) == 0 {
			t.Fatal("nobody tells the publisher to go on")
		}
		replies += strings.Count(cyd.turn(), ":100")
	}
	s.transport.(*testTransport).rest()
	for _, c := range all {
		c.turn()
	}
	s.empty(t)
}

// If a single command brings too many messages, who should get them is closed.
func TestMessagesThatAreNotKept(t *testing.T) {
	s := testServer(t, nil, "--client-output-buffer-limit", "pubsub", "0", "0", "0")
	bob := s.on(t, 1, 2)
	bob.send("SUBSCRIBE a")
	text := make([]byte, lostBytes/4)
	for range 6 {
		s.pubsub.publish(commands.Channels, []byte("a"), text)
	}
	if queued := s.pubsub.queued.Load(); queued > 2*lostBytes {
		t.Errorf("%d bytes are queued", queued)
	}
	s.transport.(*testTransport).rest()
	if bob.Wants() != eventloop.Abort {
		t.Errorf("it wants %v", bob.Wants())
	}
	bob.turn()
	s.empty(t)
}

// With 10,000 subscribers a loop does a bounded part a turn; a message is there once; and all get
// all messages in order, those who run commands meanwhile too.
func TestManySubscribers(t *testing.T) {
	const subscribers, messages = 10_000, 5
	s := testServer(t, nil)
	s.clientFDs = 2 * subscribers // there are no sockets
	if err := s.cfg.Set([]config.Pair{{Name: "maxclients", Value: fmt.Sprint(2 * subscribers)}}); err != nil {
		t.Fatal(err)
	}
	cyd := s.on(t, 0, 2)
	var all []*testClient
	for i := range subscribers {
		c := s.connect(t)
		if i%2 == 1 {
			c.Detach(1)
			c.Attach(1)
		}
		c.send("SUBSCRIBE a")
		all = append(all, c)
	}
	want := ""
	for i := range messages {
		cyd.says(fmt.Sprint("PUBLISH a ", i), fmt.Sprintf(":%d|", subscribers))
		want += fmt.Sprintf("*3|message|a|%d|", i)
	}
	if shared := s.pubsub.shared.Load(); shared > messages*1000 {
		t.Errorf("%d bytes for %d messages", shared, messages)
	}
	transport, turns := s.transport.(*testTransport), 0
	served := func() (n int) {
		for _, c := range all {
			if c.waiting > 0 {
				n++
			}
		}
		return n
	}
	last := all[subscribers-2] // of loop 0: its turn is late
	for before := 0; transport.step(0); turns++ {
		now := served()
		if now-before > sliceMessages {
			t.Fatalf("%d sessions in a turn", now-before)
		}
		if before = now; turns == 2 {
			last.says("PING", want+"*2|pong|")
		}
		cyd.says("PING", "+PONG|")
	}
	if turns < subscribers/2/sliceMessages {
		t.Errorf("%d turns", turns)
	}
	transport.rest()
	for i, c := range all {
		if got := c.heard(); got != want && c != last {
			t.Fatalf("client %d heard %s", i, got)
		}
	}
	last.hears("")
	s.empty(t)
}

// TestRandomSubscribers compares what sessions hear with a simple model while they
// subscribe, move between loops, come and go, and loops do slices of their work in any order.
func TestRandomSubscribers(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomSubscribers(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

// listener is a session and what it should have heard.
type listener struct {
	*testClient
	loop  int
	topic map[string]bool
	want  []string
	got   []string
}

// run runs a command, however many turns that takes.
func (l *listener) run(line string) {
	for l.Feed(respOf(line)); l.more; {
		l.Resume()
	}
}

// take notes what the session is sent; what it is told of subscriptions is left out.
func (l *listener) take() {
	text := l.turn()
	for part := range strings.SplitSeq(text, "*") {
		if lines := strings.Split(part, "\r\n"); len(lines) > 6 && lines[2] == "message" {
			l.got = append(l.got, lines[4]+" "+lines[6])
		}
	}
}

func randomSubscribers(t *testing.T, rng *rand.Rand) {
	s := testServer(t, nil)
	for _, w := range s.workers {
		w.delivery.most = 1 + rng.IntN(4)
	}
	transport := s.transport.(*testTransport)
	topics := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}[:1+rng.IntN(12)]
	listeners := make([]*listener, 8)
	for i := range listeners {
		listeners[i] = &listener{testClient: s.on(t, i%2, 2), loop: i % 2, topic: map[string]bool{}}
	}
	for n := range 2000 {
		l, topic := listeners[rng.IntN(len(listeners))], topics[rng.IntN(len(topics))]
		switch rng.IntN(12) {
		case 0:
			l.run("SUBSCRIBE " + topic)
			l.topic[topic] = true
		case 1:
			l.run("UNSUBSCRIBE " + topic)
			delete(l.topic, topic)
		case 2:
			transport.step(rng.IntN(2))
		case 3:
			l.take()
		case 4:
			l.Detach(1 - l.loop)
			for range rng.IntN(3) { // meanwhile
				switch rng.IntN(2) {
				case 0:
					publishTo(t, s, listeners, topics[rng.IntN(len(topics))], n)
				default:
					transport.step(rng.IntN(2))
				}
			}
			l.loop = 1 - l.loop
			l.Attach(l.loop)
		case 5:
			l.run("PING")
		case 6:
			if rng.IntN(20) == 0 {
				l.Closed()
				l.check(t)
				*l = listener{testClient: s.on(t, l.loop, 2), loop: l.loop, topic: map[string]bool{}}
			}
		default:
			publishTo(t, s, listeners, topic, n)
		}
	}
	transport.rest()
	for _, l := range listeners {
		l.take()
		if !slices.Equal(l.got, l.want) {
			t.Errorf("session %d heard %d messages, not %d:\n%q\n%q", l.id, len(l.got), len(l.want), l.got, l.want)
		}
	}
	s.empty(t)
}

// check lets a session that is gone have missed the last messages.
func (l *listener) check(t *testing.T) {
	if len(l.got) > len(l.want) || !slices.Equal(l.got, l.want[:len(l.got)]) {
		t.Errorf("session %d heard %q, not %q", l.id, l.got, l.want)
	}
}

func publishTo(t *testing.T, s *Server, listeners []*listener, topic string, n int) {
	text, count := fmt.Sprint(n), 0
	for _, l := range listeners {
		if l.topic[topic] {
			l.want = append(l.want, topic+" "+text)
			count++
		}
	}
	if got := s.pubsub.publish(commands.Channels, []byte(topic), []byte(text)); got != count {
		t.Fatalf("%d receivers, not %d", got, count)
	}
}

// What CLIENT LIST, CLIENT KILL and INFO show.
func TestSubscribersAreShown(t *testing.T) {
	s := testServer(t, nil)
	bob, cyd := s.on(t, 1, 3), s.on(t, 0, 2)
	bob.send("SUBSCRIBE a b")
	bob.send("PSUBSCRIBE *")
	bob.send("SSUBSCRIBE s t u")
	line := cyd.send("CLIENT LIST TYPE pubsub")
	if !strings.Contains(line, " flags=P db=0 sub=2 psub=1 ssub=3 ") || strings.Count(line, "id=") != 1 {
		t.Error(line)
	}
	info := s.Info([]string{"stats", "clients"})
	for _, want := range []string{"pubsub_channels:2", "pubsub_patterns:1", "pubsubshard_channels:3", "pubsub_clients:1"} {
		if !strings.Contains(info, want+"\r\n") {
			t.Errorf("no %s in %s", want, info)
		}
	}
	bob.says("RESET", "+RESET|")
	line = cyd.send("CLIENT LIST TYPE pubsub")
	if strings.Count(line, "id=") != 0 || s.pubsub.topics.Load() != 0 || s.pubsub.clients.Load() != 0 {
		t.Error(line, s.pubsub.topics.Load(), s.pubsub.clients.Load())
	}
}

// Events do not come while nobody chose their class, and cost nothing then.
func TestEventClasses(t *testing.T) {
	s := testServer(t, nil)
	bob, cyd := s.on(t, 1, 2), s.on(t, 0, 2)
	bob.send("PSUBSCRIBE *")
	for _, c := range []struct{ letters, want string }{
		{`""`, ""}, {"z", ""}, {"KE", ""}, {"Eg", ""},
		{"Ez", "*4|pmessage|*|__keyevent@0__:zadd|k|"},
		{"Kz", "*4|pmessage|*|__keyspace@0__:k|zadd|"},
		{"AKE", "*4|pmessage|*|__keyspace@0__:k|zadd|*4|pmessage|*|__keyevent@0__:zadd|k|"},
		{"AKEn", "*4|pmessage|*|__keyspace@0__:k|new|*4|pmessage|*|__keyevent@0__:new|k|" +
			"*4|pmessage|*|__keyspace@0__:k|zadd|*4|pmessage|*|__keyevent@0__:zadd|k|"},
	} {
		cyd.says("CONFIG SET notify-keyspace-events "+c.letters, "+OK|")
		cyd.says("ZADD k 1 a", ":1|")
		bob.hears(c.want)
		if observing := s.observer.Observing(); observing != (len(c.letters) > 1 && c.letters[0] != 'z' && c.letters != `""`) {
			t.Errorf("%s: observing %t", c.letters, observing)
		}
		cyd.says("CONFIG SET notify-keyspace-events \"\"", "+OK|")
		cyd.says("DEL k", ":1|")
	}
	s.empty(t)
}

// TestManySubscriptionsEnd: those of a client that is gone end some at a time, and messages for the others are nobody's.
func TestManySubscriptionsEnd(t *testing.T) {
	const n = 3*resignMost + 1
	s := testServer(t, nil)
	c, other := s.connect(t), s.connect(t)
	for i := range n {
		c.Subscribe(commands.Channels, fmt.Append(nil, "c", i))
	}
	c.Closed()
	for left := n - resignMost; left > 0; left -= resignMost {
		if got := s.PubSubTopics(commands.Channels); got != left {
			t.Errorf("%d subscriptions are left, want %d", got, left)
		}
		other.send("PUBLISH c0 hello")
		s.transport.(*testTransport).step(0)
	}
	if got := s.PubSubTopics(commands.Channels); got != 0 {
		t.Errorf("%d subscriptions are left", got)
	}
	if got := s.pubsub.clients.Load(); got != 0 {
		t.Errorf("%d clients are counted", got)
	}
	for s.transport.(*testTransport).step(0) {
	}
	s.empty(t)
}
