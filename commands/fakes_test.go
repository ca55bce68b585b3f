package commands

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"quarry/store"
)

// textReply writes replies as one line of text: [a "b" 3] for aggregates, {k v}
// for maps. It knows when the one reply a handler owes is complete, and fails on more.
type textReply struct {
	t     *testing.T
	proto int
	text  strings.Builder
	open  []openAggregate
	done  bool
	many  bool  // the command may answer more than once
	marks []int // lengths of open at Mark and Defer
}

// openAggregate is an aggregate that still awaits elements; a negative count is not known yet.
type openAggregate struct {
	left  int
	close string
}

func (r *textReply) scalar(s string) {
	if r.done && !r.many {
		r.t.Fatalf("a second reply %s after %s", s, r.text.String())
	}
	if n := r.text.Len(); n > 0 && !strings.HasSuffix(r.text.String(), "[") && !strings.HasSuffix(r.text.String(), "{") {
		r.text.WriteByte(' ')
	}
	r.text.WriteString(s)
	r.finish()
}

// finish counts one element and closes what is complete.
func (r *textReply) finish() {
	for {
		if len(r.open) == 0 {
			r.done = true
			return
		}
		top := &r.open[len(r.open)-1]
		top.left--
		if top.left != 0 {
			return
		}
		r.text.WriteString(top.close)
		r.open = r.open[:len(r.open)-1]
	}
}

func (r *textReply) begin(n int, open, close string) {
	if n == 0 {
		r.scalar(open + close)
		return
	}
	if n := r.text.Len(); n > 0 && !strings.HasSuffix(r.text.String(), "[") {
		r.text.WriteByte(' ')
	}
	r.text.WriteString(open)
	r.open = append(r.open, openAggregate{n, close})
}

func (r *textReply) Proto() int                { return r.proto }
func (r *textReply) Status(s string)           { r.scalar(s) }
func (r *textReply) Error(msg string)          { r.scalar("-" + msg) }
func (r *textReply) Int(n int64)               { r.scalar(strconv.FormatInt(n, 10)) }
func (r *textReply) Bulk(b []byte)             { r.Str(string(b)) }
func (r *textReply) Str(s string)              { r.scalar(strconv.Quote(s)) }
func (r *textReply) Double(f float64)          { r.scalar(fmt.Sprint(f)) }
func (r *textReply) BulkDouble(f float64)      { r.Str(fmt.Sprint(f)) }
func (r *textReply) Bool(b bool)               { r.scalar(fmt.Sprint(b)) }
func (r *textReply) Null()                     { r.scalar("nil") }
func (r *textReply) NullArray()                { r.scalar("nil") }
func (r *textReply) Array(n int)               { r.begin(n, "[", "]") }
func (r *textReply) Map(n int)                 { r.begin(2*n, "{", "}") }
func (r *textReply) Set(n int)                 { r.begin(n, "[", "]") }
func (r *textReply) Push(n int)                { r.begin(n, "[", "]") }
func (r *textReply) Verbatim(format, s string) { r.scalar(format + ":" + strconv.Quote(s)) }
func (r *textReply) BeginBulk(n int)           { r.t.Fatalf("a bulk string of %d bytes in pieces", n) }
func (r *textReply) Raw(b []byte)              { r.t.Fatalf("raw bytes %q", b) }
func (r *textReply) Mark() int                 { return r.text.Len() }

// Undo knows only the mark of an empty reply.
func (r *textReply) Undo(m int) {
	if m != 0 {
		r.t.Fatalf("Undo to %d", m)
	}
	r.text.Reset()
	r.open, r.done = nil, false
}

// Defer begins an aggregate that nothing but Patch closes.
func (r *textReply) DeferSet() int { return r.Defer() }

func (r *textReply) Defer() int {
	r.begin(-1, "[", "]")
	r.marks = append(r.marks, len(r.open))
	return len(r.marks) - 1
}

func (r *textReply) Patch(mark, n int) {
	top := r.open[len(r.open)-1]
	if written := -1 - top.left; len(r.open) != r.marks[mark] || written != n {
		r.t.Fatalf("Patch says %d elements, %d were written", n, written)
	}
	r.open = r.open[:len(r.open)-1]
	r.text.WriteString(top.close)
	r.finish()
}

// fakeClient notes what handlers ask for.
type fakeClient struct {
	debugs                bool
	monitors              bool
	name, libName, libVer string
	user                  string
	db, proto             int
	loggedIn              bool
	password              string // of the user default
	reply                 ReplyMode
	noEvict, noTouch      bool
	closing, wasReset     bool
	aborted               bool
	multi, unwatched      bool
	outcome               ExecOutcome     // of Exec
	set                   func(proto int) // tells the Reply
	topics                [TopicKinds][]string
	published             string
}

func (f *fakeClient) ID() int64           { return 7 }
func (f *fakeClient) Name() string        { return f.name }
func (f *fakeClient) SetName(name string) { f.name = name }
func (f *fakeClient) SetLibName(s string) { f.libName = s }
func (f *fakeClient) SetLibVer(s string)  { f.libVer = s }
func (f *fakeClient) User() string        { return f.user }
func (f *fakeClient) Select(index int)    { f.db = index }
func (f *fakeClient) Database() int       { return f.db }
func (f *fakeClient) SetProto(version int) {
	f.proto = version
	f.set(version)
}
func (f *fakeClient) Authenticated() bool { return f.loggedIn }
func (f *fakeClient) Authenticate(user, password string) bool {
	if user != defaultUser || f.password != "" && password != f.password {
		return false
	}
	f.user, f.loggedIn = user, true
	return true
}
func (f *fakeClient) Reset()               { f.wasReset = true }
func (f *fakeClient) CloseAfterReply()     { f.closing = true }
func (f *fakeClient) Abort()               { f.aborted = true }
func (f *fakeClient) Addr() string         { return "1.2.3.4:5" }
func (f *fakeClient) SetReply(m ReplyMode) { f.reply = m }
func (f *fakeClient) SetNoEvict(on bool)   { f.noEvict = on }
func (f *fakeClient) SetNoTouch(on bool)   { f.noTouch = on }
func (f *fakeClient) Info() string         { return "id=7" }
func (f *fakeClient) InMulti() bool        { return f.multi }
func (f *fakeClient) Multi() bool {
	was := f.multi
	f.multi = true
	return !was
}
func (f *fakeClient) Exec() ExecOutcome { return f.outcome }
func (f *fakeClient) Discard() bool {
	was := f.multi
	f.multi = false
	return was
}
func (f *fakeClient) Watch(key []byte, expires bool) {}
func (f *fakeClient) Unwatch()                       { f.unwatched = true }

func (f *fakeClient) Subscribe(kind Topics, name []byte) int {
	if !slices.Contains(f.topics[kind], string(name)) {
		f.topics[kind] = append(f.topics[kind], string(name))
		slices.Sort(f.topics[kind])
	}
	return f.count(kind)
}

func (f *fakeClient) Unsubscribe(kind Topics, name []byte) int {
	f.topics[kind] = slices.DeleteFunc(f.topics[kind], func(s string) bool { return s == string(name) })
	return f.count(kind)
}

func (f *fakeClient) count(kind Topics) int {
	if kind == ShardChannels {
		return len(f.topics[kind])
	}
	return len(f.topics[Channels]) + len(f.topics[Patterns])
}

func (f *fakeClient) Subscriptions(kind Topics) (names [][]byte) {
	for _, s := range f.topics[kind] {
		names = append(names, []byte(s))
	}
	return names
}

func (f *fakeClient) Subscribed() bool { return f.count(Channels)+f.count(ShardChannels) > 0 }

func (f *fakeClient) Monitor() bool {
	was := f.monitors
	f.monitors = true
	return !was
}
func (f *fakeClient) MayDebug() bool { return f.debugs }
func (f *fakeClient) Publish(kind Topics, channel, message []byte) int {
	f.published = fmt.Sprintf("%d %s %s", kind, channel, message)
	return 3
}

// fakeHost answers from fields and notes what it was asked.
type fakeHost struct {
	busy     bool // a snapshot is being written
	spikes   []LatencyEvent
	monitors bool
	times    map[string]LatencyTimes
	summed   int // how often times was asked for
	table    *Table
	config   []KV
	asked    string // the last question, with its arguments
	err      error
	slow     []SlowEntry
	denied   []Denial
	killed   int
	unblocks bool
}

func (h *fakeHost) Table() *Table { return h.table }
func (h *fakeHost) ConfigGet(patterns [][]byte) []KV {
	var found []KV
	for _, kv := range h.config {
		for _, p := range patterns {
			if GlobMatch(p, []byte(kv.Name), true) {
				found = append(found, kv)
				break
			}
		}
	}
	return found
}
func (h *fakeHost) ConfigSet(pairs []KV) error { return h.note(h.err, "set %v", pairs) }
func (h *fakeHost) ConfigRewrite() error       { return h.note(h.err, "rewrite") }
func (h *fakeHost) ConfigResetStat()           { h.note(nil, "resetstat") }
func (h *fakeHost) Info(sections []string) string {
	h.note(nil, "info %q", sections)
	return "# Server\r\n"
}
func (h *fakeHost) ClientList(f ClientFilter) string {
	h.note(nil, "list %s", drawFilter(f))
	return "id=7\n"
}
func (h *fakeHost) ClientKill(f ClientFilter) int {
	h.note(nil, "kill %s", drawFilter(f))
	return h.killed
}

// drawFilter writes a filter; an address that is given is quoted.
func drawFilter(f ClientFilter) string {
	addr := func(s *string) string {
		if s == nil {
			return ""
		}
		return strconv.Quote(*s)
	}
	return fmt.Sprintf("{IDs:%v Addr:%s LAddr:%s Type:%s User:%s SkipMe:%t MaxAge:%d Self:%d}",
		f.IDs, addr(f.Addr), addr(f.LAddr), f.Type, f.User, f.SkipMe, f.MaxAge, f.Self)
}
func (h *fakeHost) ClientUnblock(id int64, withError bool) bool {
	h.note(nil, "unblock %d %t", id, withError)
	return h.unblocks
}
func (h *fakeHost) ClientExists(id int64) bool            { return id == 1 }
func (h *fakeHost) ClientPause(ms int64, all bool)        { h.note(nil, "pause %d %t", ms, all) }
func (h *fakeHost) ClientUnpause()                        { h.note(nil, "unpause") }
func (h *fakeHost) SlowlogGet(n int) []SlowEntry          { h.note(nil, "slowlog %d", n); return h.slow }
func (h *fakeHost) SlowlogLen() int                       { return len(h.slow) }
func (h *fakeHost) SlowlogReset()                         { h.slow = nil }
func (h *fakeHost) LatencyEvents() ([]LatencyEvent, bool) { return h.spikes, h.monitors }
func (h *fakeHost) LatencyTimes(spec *Spec) LatencyTimes {
	h.summed++
	return h.times[spec.FullName()]
}
func (h *fakeHost) LatencyReset(events []string) int {
	h.note(nil, "latency reset %q", events)
	return len(events)
}
func (h *fakeHost) MemoryStats() []MemoryStat {
	return []MemoryStat{{Name: "keys.count", Int: 3}, {Name: "fragmentation", IsFloat: true, Float: 1.5}}
}
func (h *fakeHost) MemoryDoctor() string             { return "well" }
func (h *fakeHost) MemoryAllocator() string          { return "pages" }
func (h *fakeHost) MemoryPurge()                     { h.note(nil, "purge") }
func (h *fakeHost) Check() error                     { return h.note(h.err, "check") }
func (h *fakeHost) SetActiveExpire(on bool)          { h.note(nil, "expire %v", on) }
func (h *fakeHost) Sleep(d time.Duration)            { h.note(nil, "sleep %v", d) }
func (h *fakeHost) Deny(d Denial)                    { h.denied = append(h.denied, d) }
func (h *fakeHost) Denials(n int) []Denial           { return h.denied[:min(n, len(h.denied))] }
func (h *fakeHost) DenialsReset()                    { h.denied = nil }
func (h *fakeHost) Shutdown(o ShutdownOptions) error { return h.note(h.err, "shutdown %+v", o) }
func (h *fakeHost) WarnCrossProtocol(addr string)    { h.note(nil, "warn of %s", addr) }
func (h *fakeHost) PubSubNames(kind Topics) []string { return []string{"board:1", "board:2", "news"} }
func (h *fakeHost) PubSubTopics(kind Topics) int     { return 3 }
func (h *fakeHost) Save() error                      { return nil }

func (h *fakeHost) BGSave(schedule bool) (string, error) {
	if h.busy {
		return "", errors.New("ERR Background save already in progress")
	}
	h.busy = true
	return fmt.Sprintf("Background saving started %t", schedule), nil
}

func (h *fakeHost) BGRewriteAOF(inMulti bool) (string, error) {
	return fmt.Sprintf("Background append only file rewriting started %t", inMulti), nil
}

func (h *fakeHost) Reload(o ReloadOptions) error {
	if o.Merge {
		return fmt.Errorf("ERR asked for %+v", o)
	}
	return nil
}

func (h *fakeHost) MemoryMap() string { return "map" }

func (h *fakeHost) LastSave() int64                          { return 1_700_000_000 }
func (h *fakeHost) Databases() int                           { return 16 }
func (h *fakeHost) MaxBulk() int64                           { return 512 << 20 }
func (h *fakeHost) SearchLimit() int                         { return 0 }
func (h *fakeHost) PubSubCount(kind Topics, name []byte) int { return len(name) }
func (h *fakeHost) NowUS() int64                             { return 1767225600_000123 }

// Payloads are strings without a proof.
func (h *fakeHost) Dump(e *store.Entry, max int64) ([]byte, error) {
	if e.Type() != store.TypeString || int64(e.Len()) > max {
		return nil, store.ErrTooLong
	}
	payload := []byte("text:")
	for p := e.Parts(); p.More(); {
		payload = append(payload, p.Next()...)
	}
	return payload, nil
}

func (h *fakeHost) Restore(d *store.DB, key []byte, r *Restoring) error {
	text, ok := bytes.CutPrefix(r.Payload, []byte("text:"))
	if !ok {
		return ErrDumpFormat
	}
	if r.Check {
		return nil
	}
	m := d.Store().NewMaker()
	m.Begin(key, store.TypeString, 0)
	return errors.Join(m.Text(text), m.Put(d, r.ExpireAtMS, r.Using, r.Replace))
}

func (h *fakeHost) note(err error, format string, args ...any) error {
	h.asked = fmt.Sprintf(format, args...)
	return err
}

// fakes are a client and a process to run the commands of that need no store.
type fakes struct {
	t      *testing.T
	client *fakeClient
	host   *fakeHost
	ctx    Ctx // of the last call
}

func newFakes(t *testing.T) *fakes {
	return &fakes{t: t, client: &fakeClient{loggedIn: true, proto: 2}, host: &fakeHost{table: NewCommandTable()}}
}

// call runs one command line, split at blanks ("" is the empty word), as the
// gate would, and returns the answer: "" if there is none.
func (f *fakes) call(line string) string {
	f.t.Helper()
	var args [][]byte
	for _, word := range strings.Fields(line) {
		args = append(args, []byte(strings.ReplaceAll(strings.Trim(word, `"`), "_", " ")))
	}
	s, sub := f.host.table.Lookup(args)
	if s == nil {
		f.t.Fatalf("%s: no such command", line)
	}
	r := &textReply{t: f.t, proto: f.client.proto}
	f.client.set = func(version int) { r.proto = version }
	switch {
	case sub != nil:
		s = sub
	case s.subs != nil && len(args) > 1:
		return "-" + UnknownSubcommand(s, args)
	}
	if !s.ArityOK(len(args)) {
		return "-" + WrongArity(s)
	}
	r.many = s.Has(PushReplies)
	f.ctx = Ctx{Reply: r, Client: f.client, Host: f.host}
	f.ctx.Begin(s, args)
	s.Run(&f.ctx)
	if r.text.Len() > 0 && !r.done {
		f.t.Fatalf("%s: the reply is not complete: %s", line, r.text.String())
	}
	return r.text.String()
}

// answers checks the answers to a table of calls.
func (f *fakes) answers(table [][2]string) {
	f.t.Helper()
	for _, c := range table {
		if got := f.call(c[0]); got != c[1] {
			f.t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}
