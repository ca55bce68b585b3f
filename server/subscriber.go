package server

import (
	"bytes"
	"slices"

	"quarry/commands"
	"quarry/server/config"
)

// subscriber is a session's part in pub/sub; it belongs to the session's loop.
type subscriber struct {
	mine   []*membership
	byName map[*topic]*membership // of many
	counts [topicKinds]int
	seen   uint64 // the last job that was looked at for the session
	coming *arrival
	backlog
}

// manyTopics is how many subscriptions a session looks through before it has a map of them.
const manyTopics = 8

// member is the session's subscription to a topic, nil if it has none.
func (s *subscriber) member(t *topic) *membership {
	if s.byName != nil {
		return s.byName[t]
	}
	for _, m := range s.mine {
		if m.topic == t {
			return m
		}
	}
	return nil
}

func (s *subscriber) add(m *membership) {
	m.nth = len(s.mine)
	s.mine = append(s.mine, m)
	s.counts[m.topic.kind]++
	if s.byName == nil && len(s.mine) > manyTopics {
		s.byName = map[*topic]*membership{}
		for _, m := range s.mine {
			s.byName[m.topic] = m
		}
	} else if s.byName != nil {
		s.byName[m.topic] = m
	}
}

func (s *subscriber) drop(m *membership) {
	last := len(s.mine) - 1
	s.mine[m.nth] = s.mine[last]
	s.mine[m.nth].nth = m.nth
	s.mine[last] = nil
	s.mine = s.mine[:last]
	s.counts[m.topic.kind]--
	if last == 0 {
		s.mine, s.byName = nil, nil
	} else if s.byName != nil {
		delete(s.byName, m.topic)
	}
}

// ---- commands.Client ----

// Subscribed reports whether the session is subscribed to anything. To MONITOR is not that.
func (s *Session) Subscribed() bool { return len(s.mine) > s.counts[monitorTopic] }

// listens reports whether there may be messages for the session.
func (s *subscriber) listens() bool { return len(s.mine) > 0 }

// Subscribe is SUBSCRIBE and its kin, for one name.
func (s *Session) Subscribe(kind commands.Topics, name []byte) (count int) {
	p := &s.srv.pubsub
	p.mu.Lock()
	t := p.find(kind, name)
	if t != nil && s.member(t) != nil {
		p.mu.Unlock()
		return s.subscriptions(kind)
	}
	if t == nil {
		t = p.open(kind, name)
	}
	t.total++
	t.at[s.w.index].count++
	m := &membership{session: s, topic: t, since: p.seq}
	p.mu.Unlock()
	if !s.listens() {
		s.seen = m.since
	}
	p.count(m, !s.Subscribed(), 1)
	s.add(m)
	s.w.delivery.join(m)
	s.showTopics()
	return s.subscriptions(kind)
}

// Unsubscribe is UNSUBSCRIBE and its kin, for one name. What was published before comes first.
func (s *Session) Unsubscribe(kind commands.Topics, name []byte) (count int) {
	if m, upto := s.resign(kind, name); m != nil {
		s.w.delivery.collect()
		s.w.delivery.catchUp(s, upto)
		if !s.InMulti() { // in the middle of EXEC's reply it has to wait
			s.w.flush(s)
		}
		s.forget(m)
		s.showTopics()
	}
	return s.subscriptions(kind)
}

// resign ends a subscription as far as publishers are concerned: no job after upto is for it.
func (s *Session) resign(kind commands.Topics, name []byte) (m *membership, upto uint64) {
	p := &s.srv.pubsub
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.find(kind, name)
	if t == nil {
		return nil, 0
	}
	if m = s.member(t); m != nil {
		p.resign(m, s.w.index)
	}
	return m, p.seq
}

// resign takes a subscription out of the counts.
func (p *pubsub) resign(m *membership, loop int) {
	t := m.topic
	t.at[loop].count--
	if t.total--; t.total == 0 {
		p.close(t)
	}
}

// forget takes a subscription that has been resigned out of the lists.
func (s *Session) forget(m *membership) {
	s.w.delivery.leave(m)
	s.drop(m)
	s.srv.pubsub.count(m, !s.Subscribed(), -1)
}

// count keeps the numbers of clients: by is 1 when a subscription begins, -1 when one ends;
// only says that it is the client's only one.
func (p *pubsub) count(m *membership, only bool, by int32) {
	switch {
	case m.topic.kind == monitorTopic:
		p.srv.monitors.Add(by)
	case only:
		p.clients.Add(int64(by))
	}
}

// subscriptions is the number that the answer to a command for a kind shows.
func (s *Session) subscriptions(kind commands.Topics) int {
	if kind == commands.ShardChannels {
		return s.counts[kind]
	}
	return s.counts[commands.Channels] + s.counts[commands.Patterns]
}

// Subscriptions lists the names of a kind that the session is subscribed to, sorted.
func (s *Session) Subscriptions(kind commands.Topics) (names [][]byte) {
	for _, m := range s.mine {
		if m.topic.kind == kind {
			names = append(names, m.topic.name)
		}
	}
	slices.SortFunc(names, bytes.Compare)
	return names
}

// Publish is PUBLISH and SPUBLISH.
func (s *Session) Publish(kind commands.Topics, channel, text []byte) (receivers int) {
	return s.srv.pubsub.publish(kind, channel, text)
}

// resignAll ends all subscriptions at once, some at a time so that publishers do not wait long.
func (s *Session) resignAll() {
	for s.listens() {
		s.resignPart()
	}
	s.showTopics()
}

// resignRest ends the subscriptions of a session that is gone, which gets nothing any more. Of very many, each turn of its
// loop ends some: nobody waits for that.
func (s *Session) resignRest() {
	s.resignPart()
	if s.listens() {
		s.srv.transport.Post(s.w.index, s.resignRest)
	}
}

// resignPart ends up to resignMost subscriptions.
func (s *Session) resignPart() {
	p := &s.srv.pubsub
	part := s.mine[max(len(s.mine)-resignMost, 0):]
	p.mu.Lock()
	for _, m := range part {
		p.resign(m, s.w.index)
	}
	p.mu.Unlock()
	for len(part) > 0 {
		last := len(part) - 1
		m := part[last]
		part = part[:last]
		s.forget(m)
	}
}

const resignMost = 256

// showTopics brings view up to date.
func (s *Session) showTopics() {
	for kind, n := range s.counts {
		s.view.topics[kind].Store(int32(n))
	}
}

// ---- moving ----

// Attach gives the session the worker of an event loop.
func (s *Session) Attach(loop int) {
	s.w, s.awaited = s.srv.workers[loop], nil
	s.framer.SetBuffers(s.w)
	if s.coming != nil {
		s.arrive()
	}
}

// Detach takes what the loop has for the session along and makes it count for another one.
func (s *Session) Detach(to int) {
	if !s.listens() {
		return
	}
	d := &s.w.delivery
	s.coming = &arrival{}
	upto := s.srv.pubsub.move(s, d.w.index, to)
	d.collect()
	d.catchUp(s, upto)
	for _, m := range s.mine {
		d.leave(m)
	}
}

// move lets a session count for another loop from the job on that it returns.
func (p *pubsub) move(s *Session, from, to int) (seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range s.mine {
		m.topic.at[from].count--
		m.topic.at[to].count++
	}
	p.seq++
	p.enqueue(to, job{seq: p.seq, arrival: s.coming})
	return p.seq
}

// arrive joins the new loop's lists, and gets what was published since Detach.
func (s *Session) arrive() {
	d := &s.w.delivery
	for _, m := range s.mine {
		d.join(m)
	}
	s.coming.attached = true
	s.coming = nil
	s.getMessages()
	p := &s.srv.pubsub
	p.mu.Lock()
	p.call(d.w.index)
	p.mu.Unlock()
}

// getMessages takes over what the loop's inbox has for the session.
func (s *Session) getMessages() {
	d := &s.w.delivery
	if last := d.inbox().last.Load(); last > s.seen {
		d.collect()
		d.catchUp(s, last)
	}
}

// ---- messages to be sent ----

// backlog is the messages that are to be sent when Session.out has been. Their bytes are
// shared; they are copied only if several small ones can be sent at once, or a reply has to come after them.
type backlog struct {
	list    []*message // those before next are done
	next    int
	partly  int // bytes of the next one that are sent
	waiting int // bytes that are not
}

const (
	// gatherBytes is up to how many bytes of messages are copied to be sent at once. A
	// message with directMessage bytes is not.
	gatherBytes   = keepBytes
	directMessage = 16 << 10
	// keepMessages is how many messages the list has room for when it is empty.
	keepMessages = 64
)

// receive takes over a message; nil is one that was not kept.
func (s *Session) receive(m *message) {
	switch {
	case s.closing || s.aborted:
	case m == nil:
		s.overflow("client is sent more at once than the server keeps; closed")
	default:
		if s.srv.journal.always.Load() {
			s.oweAll() // it may tell of a change that may be lost still
		}
		m.refs.Add(1)
		s.list = append(s.list, m)
		s.waiting += len(m.text)
	}
}

// pop is done with the next message.
func (b *backlog) pop() {
	b.list[b.next].release()
	b.list[b.next] = nil
	b.next++
	b.partly = 0
	switch {
	case b.next == len(b.list):
		b.list, b.next = b.list[:0], 0
		if cap(b.list) > keepMessages {
			b.list = nil
		}
	case b.next > keepMessages && b.next > len(b.list)/2:
		n := copy(b.list, b.list[b.next:])
		clear(b.list[n:])
		b.list, b.next = b.list[:n], 0
	}
}

// dropAll gives up what has not been sent.
func (b *backlog) dropAll() {
	for b.next < len(b.list) {
		b.pop()
	}
	b.waiting = 0
}

// rest is what is not sent of the next message.
func (s *Session) rest() []byte { return s.list[s.next].in(s.proto)[s.partly:] }

// gather is Output with messages in the backlog.
func (s *Session) gather() []byte {
	if s.sent == len(s.out) {
		if first := s.rest(); len(s.list)-s.next == 1 || len(first) >= directMessage {
			return first
		}
		if s.out == nil {
			s.out = s.w.buffer()
		}
		s.out, s.sent = s.out[:0], 0
	}
	for s.waiting > 0 {
		b := s.rest()
		if len(b) >= directMessage || len(s.out)-s.sent+len(b) > gatherBytes {
			break
		}
		s.out = append(s.out, b...)
		s.waiting -= len(b)
		s.pop()
	}
	return s.out[s.sent:]
}

// sentMessages says that n bytes of the backlog have been sent.
func (s *Session) sentMessages(n int) {
	s.waiting -= n
	for n > 0 {
		left := len(s.rest())
		if n < left {
			s.partly += n
			return
		}
		n -= left
		s.pop()
	}
}

// flush copies the backlog to the output that the worker writes.
func (w *worker) flush(s *Session) {
	for s.waiting > 0 {
		b := s.rest()
		w.out.Raw(b)
		s.waiting -= len(b)
		s.pop()
	}
}

// ---- bounds ----

// class is what client-output-buffer-limit knows the session as.
func (s *Session) class() config.Class {
	if s.Subscribed() {
		return config.PubSub
	}
	return config.Normal
}

// overflow closes a session that does not read fast enough.
func (s *Session) overflow(why string) {
	s.srv.counters.overflows.Add(1)
	s.giveUp(why)
}

// hold has the session wait if what its last command published cannot be handed out as fast.
func (s *Session) hold() bool {
	s.held = s.srv.pubsub.hold(s)
	return s.held
}

// goOn ends that.
func (s *Session) goOn() {
	s.held = false
	s.run()
}
