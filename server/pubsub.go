package server

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"quarry/commands"
)

// How a message gets from PUBLISH to those who listen
//
//	publisher (any loop, or a keyspace event under a shard's lock)
//	    │ pubsub.mu, short: who listens, on which loops? a number; one job a loop
//	    ▼
//	inbox of a loop ──► delivery (the loop's own): a slice of sessions a turn
//	                        │ a pointer to the message's bytes
//	                        ▼
//	                    Session.backlog ──► Output
//
// A message is encoded once for each protocol, and its bytes are shared by all
// who get it until they are sent. The publisher's work does not depend on how
// many there are: the subscribers of a topic are kept in one list a loop, and
// each loop with a list that is not empty gets one job. It hands the message out in
// slices, so that its other connections are served meanwhile; whoever has its turn in
// a slice gets all that waits for it, so that it is one write.
//
// # Order
//
// Jobs are numbered under pubsub.mu and every inbox has them in that order: all
// subscribers see the messages of all publishers in one order. A session gets what its
// inbox holds before it runs a command of its own, and what its command published to itself
// after that command's reply: whoever has been told that something was published, and makes
// the subscriber ask for something, will not see the answer come before the message. That, and
// handing out in slices, is why each session has the number of the last job that was looked at for
// it (seen), and each subscription the number at which it began.
//
// A session that moves to another loop takes what its old loop has for it along,
// and counts for the new one from then on, under one hold of pubsub.mu. Its arrival stands in the
// new inbox as a job: those behind it wait until the new loop has attached it.
//
// # Bounds
//
// Jobs not done yet are bounded: clients that publish, or bring about keyspace events, wait when
// there are too many (hold), and if a single command brings too many, those are
// not kept and who should get them is closed, as one that does not read. What a session has
// not sent is bounded by client-output-buffer-limit pubsub and, for all together, by limits.go.

const (
	// sliceMessages is how many messages a loop hands out before its other connections have
	// their turn, sliceLooks how many subscribers it looks at for that. A write takes some
	// microseconds, and io_uring's batch is 256.
	sliceMessages = 256
	sliceLooks    = 16 << 10
	// lookAhead is how many jobs are looked through for others that a session gets, too.
	lookAhead = 128

	// Publishers wait from so many messages that are to be handed out, or bytes in
	// jobs, and go on at half of it.
	maxPending     = 64 << 10
	maxQueuedBytes = 32 << 20
	// From lostBytes on messages are not kept.
	lostBytes = 128 << 20

	// messageBytes is about what a message takes beside its text.
	messageBytes = 160
)

// topic is what clients subscribe to.
type topic struct {
	kind  commands.Topics
	name  []byte
	pos   int     // in pubsub.patterns
	total int     // clients; pubsub.mu
	at    []party // by loop
}

// party is a topic's subscribers on one loop.
type party struct {
	count   int           // of them; pubsub.mu. A session that is on its way counts where it goes
	members []*membership // the loop's own, like all that follows
	cursor  int           // those before it have had their turn for the job that is being done
	upto    uint64        // while a job is being done: what its members will have got at least
	done    uint64        // the members have got the jobs up to here
}

// membership is a session's subscription to a topic; the session's loop's own.
type membership struct {
	session *Session
	topic   *topic
	since   uint64 // the last job when it began
	pos     int    // in party.members
	nth     int    // in session.members
}

// job is a message for a loop's subscribers of a topic, or an arrival.
type job struct {
	seq     uint64
	to      *topic
	count   int      // of receivers
	msg     *message // nil: it was not kept
	arrival *arrival
}

// arrival is a session that has left another loop for this one.
type arrival struct{ attached bool }

// inbox holds a loop's jobs; pubsub.mu.
type inbox struct {
	jobs   []job
	spare  []job         // the slice taken last time
	called bool          // the loop will look
	last   atomic.Uint64 // number of the last job that was put
}

// pubsub is who listens to what.
type pubsub struct {
	srv  *Server
	seed maphash.Seed

	clients atomic.Int64 // that are subscribed
	topics  atomic.Int64 // that are subscribed to
	pending atomic.Int64 // messages to be handed out
	queued  atomic.Int64 // bytes of messages in jobs
	shared  atomic.Int64 // bytes of all messages
	waiting atomic.Int32 // len(held)

	mu       sync.Mutex // after the shards' locks and parked.mu, before the mailboxes'
	seq      uint64     // of the last job
	kinds    [topicKinds]directory
	patterns []*topic
	inboxes  []inbox // by loop
	held     []*Session

	channel, text []byte // scratch of publishEvent
}

// directory finds topics by name. It is in parts so that listing a million names
// does not keep publishers waiting.
type directory struct {
	count int
	parts [directoryParts]map[string]*topic
}

const directoryParts = 64

func (p *pubsub) init(srv *Server) {
	p.srv, p.seed = srv, maphash.MakeSeed()
}

// part is where a name is, or belongs.
func (p *pubsub) part(kind commands.Topics, name []byte) *map[string]*topic {
	return &p.kinds[kind].parts[maphash.Bytes(p.seed, name)%directoryParts]
}

// find is the topic of a name, nil if there is none.
func (p *pubsub) find(kind commands.Topics, name []byte) *topic {
	if p.kinds[kind].count == 0 {
		return nil
	}
	return (*p.part(kind, name))[string(name)]
}

// open is the topic of a name; it is made if there is none.
func (p *pubsub) open(kind commands.Topics, name []byte) *topic {
	if t := p.find(kind, name); t != nil {
		return t
	}
	t := &topic{kind: kind, name: slices.Clone(name), at: make([]party, len(p.srv.workers))}
	part := p.part(kind, name)
	if *part == nil {
		*part = map[string]*topic{}
	}
	(*part)[string(name)] = t
	p.kinds[kind].count++
	p.topics.Add(1)
	if kind == commands.Patterns {
		t.pos = len(p.patterns)
		p.patterns = append(p.patterns, t)
	}
	return t
}

// close forgets a topic that nobody is subscribed to.
func (p *pubsub) close(t *topic) {
	part := p.part(t.kind, t.name)
	delete(*part, string(t.name))
	if len(*part) == 0 {
		*part = nil // a map keeps the room it once needed
	}
	p.kinds[t.kind].count--
	p.topics.Add(-1)
	if t.kind == commands.Patterns {
		last := len(p.patterns) - 1
		p.patterns[t.pos] = p.patterns[last]
		p.patterns[t.pos].pos = t.pos
		p.patterns[last] = nil
		p.patterns = p.patterns[:last]
	}
}

// ---- publishing ----

// publish sends text to who listens to a channel and returns how many get it.
func (p *pubsub) publish(kind commands.Topics, channel, text []byte) (receivers int) {
	if p.topics.Load() == 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.send(kind, channel, text)
}

// send is publish under the lock.
func (p *pubsub) send(kind commands.Topics, channel, text []byte) (receivers int) {
	verb := "message"
	if kind == commands.ShardChannels {
		verb = "smessage"
	}
	if t := p.find(kind, channel); t != nil {
		p.put(t, p.encode(verb, nil, channel, text))
		receivers += t.total
	}
	if kind != commands.Channels {
		return receivers
	}
	for _, t := range p.patterns {
		if commands.GlobMatch(t.name, channel, false) {
			p.put(t, p.encode("pmessage", t.name, channel, text))
			receivers += t.total
		}
	}
	return receivers
}

// put gives every loop with subscribers of t its job.
func (p *pubsub) put(t *topic, m *message) {
	p.seq++
	for loop := range t.at {
		count := t.at[loop].count
		if count == 0 {
			continue
		}
		if m != nil {
			m.refs.Add(1)
			p.queued.Add(m.size)
		}
		p.pending.Add(int64(count))
		p.enqueue(loop, job{seq: p.seq, to: t, count: count, msg: m})
	}
}

// enqueue puts a job into an inbox and has its loop look there.
func (p *pubsub) enqueue(loop int, j job) {
	in := &p.inboxes[loop]
	in.jobs = append(in.jobs, j)
	in.last.Store(j.seq)
	p.call(loop)
}

// call has a loop deliver.
func (p *pubsub) call(loop int) {
	if in := &p.inboxes[loop]; !in.called {
		in.called = true
		p.srv.transport.Post(loop, p.srv.workers[loop].delivery.deliver)
	}
}

// take returns a loop's jobs. The slice is the caller's until the next take.
func (p *pubsub) take(loop int) []job {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := &p.inboxes[loop]
	taken := in.jobs
	in.jobs, in.spare = in.spare[:0], taken
	if cap(taken) > keepInts {
		in.spare = nil
	}
	return taken
}

// done takes a job out of the counts.
func (p *pubsub) done(j *job) {
	p.pending.Add(-int64(j.count))
	if j.msg != nil {
		p.queued.Add(-j.msg.size)
		j.msg.release()
	}
	if p.waiting.Load() > 0 && !p.full(2) {
		p.letGo()
	}
}

// full says that there is an nth of what publishers may have under way.
func (p *pubsub) full(nth int64) bool {
	return p.pending.Load() > maxPending/nth || p.queued.Load() > maxQueuedBytes/nth
}

// hold has a session that publishes wait, if it must.
func (p *pubsub) hold(s *Session) bool {
	if !p.full(1) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting.Store(int32(len(p.held) + 1)) // before the last look: done looks at it after it has counted
	if !p.full(2) {
		p.waiting.Store(int32(len(p.held)))
		return false
	}
	p.held = append(p.held, s)
	return true
}

// letGo has the sessions go on that wait.
func (p *pubsub) letGo() {
	p.mu.Lock()
	held := p.held
	p.held = nil
	p.waiting.Store(0)
	p.mu.Unlock()
	for _, s := range held {
		s.conn.Post(s.goOn)
	}
}

// ---- commands.Host ----

// PubSubNames lists the topics of a kind, sorted.
func (s *Server) PubSubNames(kind commands.Topics) []string {
	p := &s.pubsub
	var names []string
	for i := range directoryParts {
		p.mu.Lock()
		for name := range p.kinds[kind].parts[i] {
			names = append(names, name)
		}
		p.mu.Unlock()
	}
	slices.Sort(names)
	return names
}

// PubSubTopics counts the topics of a kind.
func (s *Server) PubSubTopics(kind commands.Topics) int {
	s.pubsub.mu.Lock()
	defer s.pubsub.mu.Unlock()
	return s.pubsub.kinds[kind].count
}

// PubSubCount counts the subscribers of a topic.
func (s *Server) PubSubCount(kind commands.Topics, name []byte) int {
	s.pubsub.mu.Lock()
	defer s.pubsub.mu.Unlock()
	if t := s.pubsub.find(kind, name); t != nil {
		return t.total
	}
	return 0
}

// ---- a loop's part ----

// delivery hands messages to the sessions of a loop; it is the loop's own.
type delivery struct {
	w    *worker
	most int   // messages in a turn
	jobs []job // in order; those before head are done
	head int
	now  int64 // the clock when the turn began
}

// deliver does what a turn may take and is called again for the rest.
func (d *delivery) deliver() {
	p := &d.w.srv.pubsub
	p.mu.Lock()
	p.inboxes[d.w.index].called = false
	p.mu.Unlock()
	d.collect()
	d.now = p.srv.clock()
	looks, messages := sliceLooks, d.most
	for d.head < len(d.jobs) {
		j := &d.jobs[d.head]
		if j.arrival != nil && !j.arrival.attached {
			return // Attach calls again
		}
		if j.arrival == nil && !d.do(j, &looks, &messages) {
			break
		}
		d.pop()
	}
	if d.head < len(d.jobs) {
		p.mu.Lock()
		p.call(d.w.index)
		p.mu.Unlock()
	}
}

// collect takes over what is in the inbox.
func (d *delivery) collect() {
	if n := len(d.jobs); n > 0 && d.jobs[n-1].seq >= d.inbox().last.Load() {
		return
	}
	if d.head == len(d.jobs) || d.head > len(d.jobs)/2 {
		n := copy(d.jobs, d.jobs[d.head:])
		clear(d.jobs[n:])
		d.jobs, d.head = d.jobs[:n], 0
		if n == 0 && cap(d.jobs) > keepInts {
			d.jobs = nil
		}
	}
	taken := d.w.srv.pubsub.take(d.w.index)
	d.jobs = append(d.jobs, taken...)
	clear(taken)
}

func (d *delivery) inbox() *inbox { return &d.w.srv.pubsub.inboxes[d.w.index] }

// pop is done with the first job.
func (d *delivery) pop() {
	j := &d.jobs[d.head]
	d.head++
	if j.arrival == nil {
		d.w.srv.pubsub.done(j)
	}
	*j = job{seq: j.seq}
}

// do goes on handing out the first job and reports whether that is done.
func (d *delivery) do(j *job, looks, messages *int) (done bool) {
	party := &j.to.at[d.w.index]
	if party.done >= j.seq {
		return true
	}
	if party.cursor == 0 {
		party.upto = d.jobs[min(d.head+lookAhead, len(d.jobs))-1].seq
	}
	for party.cursor < len(party.members) {
		if *looks <= 0 || *messages <= 0 {
			return false
		}
		m := party.members[party.cursor]
		party.cursor++ // first: a session that panics does not get its turn again and again
		*looks--
		if m.session.seen < party.upto {
			*messages -= d.serve(m.session)
		}
	}
	party.cursor, party.done = 0, party.upto
	return true
}

// serve gives a session what waits for it, as far as that is looked for.
func (d *delivery) serve(s *Session) (messages int) {
	ahead := d.jobs[min(d.head+lookAhead, len(d.jobs))-1].seq
	messages = d.catchUp(s, ahead)
	s.checkOutput(d.now)
	s.conn.Notify()
	return messages
}

// catchUp hands a session the messages of the jobs up to one that it has not got yet.
func (d *delivery) catchUp(s *Session, upto uint64) (messages int) {
	if s.seen >= upto {
		return 0
	}
	jobs := d.jobs[d.head:]
	first, _ := slices.BinarySearchFunc(jobs, s.seen+1, func(j job, seq uint64) int { return cmp.Compare(j.seq, seq) })
	for i := first; i < len(jobs) && jobs[i].seq <= upto; i++ {
		j := &jobs[i]
		if m := s.member(j.to); m != nil && m.since < j.seq && !(j.to.kind == monitorTopic && s.hushed()) {
			s.receive(j.msg)
			messages++
		}
	}
	s.seen = upto
	return messages
}

// join and leave keep the list of a topic's subscribers.
func (d *delivery) join(m *membership) {
	party := &m.topic.at[d.w.index]
	m.pos = len(party.members)
	party.members = append(party.members, m)
}

// leave fills the gap so that nobody changes sides of the cursor.
func (d *delivery) leave(m *membership) {
	party := &m.topic.at[d.w.index]
	gap, last := m.pos, len(party.members)-1
	if gap < party.cursor {
		party.cursor--
		gap = party.move(party.cursor, gap)
	}
	if gap != last {
		party.move(last, gap)
	}
	party.members[last] = nil
	party.members = party.members[:last]
	if last == 0 {
		party.members = nil
	}
}

// move moves a member to a gap, and returns where there is one now.
func (p *party) move(from, gap int) int {
	p.members[gap] = p.members[from]
	p.members[gap].pos = gap
	return from
}

// ---- messages ----

// message is a published text, encoded for those who get it. It is counted while
// a job or a session has it.
type message struct {
	p     *pubsub
	refs  atomic.Int32
	size  int64  // as it is counted in jobs
	text  []byte // for one protocol,
	proto int
	line  bool                   // for monitors: the same for all protocols
	other atomic.Pointer[[]byte] // and for the other, made when it is wanted
}

// encode makes what subscribers of a channel, or of a pattern that matches it, get; nil
// if there are so many messages already that it is not kept.
func (p *pubsub) encode(verb string, pattern, channel, text []byte) *message {
	if !p.keeps(0) {
		return nil
	}
	const around = len("*4\r\n$8\r\npmessage\r\n") + 3*len("$18446744073709551615\r\n\r\n")
	b := make([]byte, 0, around+len(pattern)+len(channel)+len(text))
	parts := 3
	if pattern != nil {
		parts = 4
	}
	b = appendLine(b, '*', parts)
	b = appendText(appendLine(b, '$', len(verb)), verb, "\r\n")
	if pattern != nil {
		b = appendWord(b, pattern)
	}
	b = appendWord(appendWord(b, channel), text)
	return p.message(b)
}

// keeps reports whether there is room for a message with about so many bytes.
func (p *pubsub) keeps(bytes int64) bool { return p.queued.Load()+bytes <= lostBytes }

// message makes one of its text.
func (p *pubsub) message(text []byte) *message {
	m := &message{p: p, text: text, proto: 2, size: int64(len(text)) + messageBytes}
	p.shared.Add(m.size)
	return m
}

func appendWord(b, word []byte) []byte {
	b = append(appendLine(b, '$', len(word)), word...)
	return append(b, '\r', '\n')
}

// in is the message's encoding for a protocol. The two differ in their first byte: an array, a push.
func (m *message) in(proto int) []byte {
	if proto == m.proto || m.line {
		return m.text
	}
	if b := m.other.Load(); b != nil {
		return *b
	}
	b := slices.Clone(m.text)
	b[0] = '>'
	if m.other.CompareAndSwap(nil, &b) {
		m.p.shared.Add(int64(len(b)))
		return b
	}
	return *m.other.Load()
}

// release gives up one claim to the message.
func (m *message) release() {
	if m.refs.Add(-1) == 0 {
		m.drop()
	}
}

// drop takes a message that nobody has a claim to out of the count.
func (m *message) drop() {
	bytes := m.size
	if b := m.other.Load(); b != nil {
		bytes += int64(len(*b))
	}
	m.p.shared.Add(-bytes)
}
