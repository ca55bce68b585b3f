package differential

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/tests/harness"
)

// side is one of the two servers: its address, the two connections calls come
// from, one that looks at the state, and one that listens to keyspace events.
type side struct {
	addr   string
	conns  [2]*harness.Conn
	look   *harness.Conn
	listen *harness.Conn
}

// session is both servers with nothing in them.
type session struct {
	oracle, quarry side
	queues         [2]queue // of the connections
}

func newSession(oracle, quarry string) *session {
	return &session{oracle: side{addr: oracle}, quarry: side{addr: quarry}}
}

// reset empties both servers and makes all connections anew.
func (s *session) reset(entries string) error {
	s.queues = [2]queue{}
	for _, side := range []*side{&s.oracle, &s.quarry} {
		if err := side.reset(entries); err != nil {
			return fmt.Errorf("%s: %w", side.addr, err)
		}
	}
	return nil
}

func (s *side) close() {
	for _, c := range append(s.conns[:], s.look, s.listen) {
		if c != nil {
			c.Close()
		}
	}
}

func (s *side) reset(entries string) (err error) {
	s.close()
	if s.look, err = harness.DialConn(s.addr); err != nil {
		return err
	}
	for _, call := range [][]string{
		{"FLUSHALL"},
		{"CONFIG", "SET", "zset-max-listpack-entries", entries, "zset-max-listpack-value", "64",
			"hash-max-listpack-entries", entries, "hash-max-listpack-value", "64", "list-max-listpack-size", entries},
	} {
		if v, err := s.look.Call(call...); err != nil || v.Str != "OK" {
			return fmt.Errorf("%q answers %s, %v", call, v, err)
		}
	}
	for i := range s.conns {
		if err := s.connect(i); err != nil {
			return err
		}
	}
	return s.subscribe()
}

// subscribe has listen hear all keyspace events.
func (s *side) subscribe() (err error) {
	if v, err := s.look.Call("CONFIG", "SET", "notify-keyspace-events", "KEAmn"); err != nil || v.Str != "OK" {
		return fmt.Errorf("notify-keyspace-events: %s, %v", v, err)
	}
	if s.listen, err = harness.DialConn(s.addr); err == nil {
		_, err = s.listen.CallSeveral(1, "PSUBSCRIBE", "__key*__:*")
	}
	return err
}

// events lists the events since the last call, as channel and message. Keys that expire
// by themselves do so sooner or later: of them nothing is said.
func (s *side) events() (list []string, err error) {
	if err := s.listen.Send("PING", "fence"); err != nil {
		return nil, err
	}
	for {
		v, err := s.listen.ReceiveMessage()
		if err != nil || v.Elems[0].Str == "pong" {
			return list, err
		}
		channel, message := v.Elems[2].Str, v.Elems[3].Str
		if message != "expired" && !strings.HasSuffix(channel, "__:expired") {
			list = append(list, fmt.Sprintf("%s %q", channel, message))
		}
	}
}

// sortMisses puts the keys that one after the other were not there into an order: SORT looks for them in
// that of a hash table.
func sortMisses(events []string) {
	isMiss := func(e string) bool { return strings.Contains(e, "keymiss") }
	for i := 0; i < len(events); i++ {
		j := i
		for j < len(events) && isMiss(events[j]) {
			j++
		}
		slices.Sort(events[i:j])
		i = j
	}
}

// events compares what both sides have told of their keys since the last call.
func (s *session) events() (string, error) {
	a, err := s.oracle.events()
	if err != nil {
		return "", fmt.Errorf("events of redis: %w", err)
	}
	b, err := s.quarry.events()
	if err != nil {
		return "", fmt.Errorf("events of quarry: %w", err)
	}
	sortMisses(a)
	sortMisses(b)
	if slices.Equal(a, b) {
		return "", nil
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	from := max(i-2, 0)
	return fmt.Sprintf("events differ:\nredis tells of\n%s\nquarry tells of\n%s",
		strings.Join(a[from:min(i+6, len(a))], "\n"), strings.Join(b[from:min(i+6, len(b))], "\n")), nil
}

// connect makes connection i, 0 in RESP2 and 1 in RESP3.
func (s *side) connect(i int) (err error) {
	if s.conns[i], err = harness.DialConn(s.addr); err == nil && i == 1 {
		_, err = s.conns[i].Call("HELLO", "3")
	}
	return err
}

// call runs a call. A connection that the server closed is made anew.
func (s *side) call(c call) (harness.Value, error) {
	v, err := s.conns[c.conn].Call(c.args...)
	if err == nil && v.Kind == harness.Closed {
		s.conns[c.conn].Close()
		err = s.connect(c.conn)
	}
	return v, err
}

// step runs one call on both sides and describes how the replies differ; "" if they do not.
func (s *session) step(c call) (string, error) {
	a, err := s.oracle.call(c)
	if err != nil {
		return "", fmt.Errorf("redis, %s: %w", c, err)
	}
	b, err := s.quarry.call(c)
	if err != nil {
		return fmt.Sprintf("redis answers\n%s\nquarry fails: %v", brief(a), err), nil
	}
	if s.queues[c.conn].same(c.args, a, b, same) {
		return "", nil
	}
	return fmt.Sprintf("redis answers\n%s\nquarry answers\n%s", brief(a), brief(b)), nil
}

// brief draws a reply, a long one cut.
func brief(v harness.Value) string {
	const most = 2000
	if s := v.String(); len(s) > most {
		return s[:most] + " ..."
	}
	return v.String()
}

// states compares the events and all data of both sides and describes the first difference.
func (s *session) states() (string, error) {
	if diff, err := s.events(); err != nil || diff != "" {
		return diff, err
	}
	defer s.events() // to look at keys brings some about
	a, err := s.oracle.dump()
	if err != nil {
		return "", fmt.Errorf("dump of redis: %w", err)
	}
	b, err := s.quarry.dump()
	if err != nil {
		return "", fmt.Errorf("dump of quarry: %w", err)
	}
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || !a[i].equal(b[i]) {
			return fmt.Sprintf("end states differ:\nredis has\n%s\nquarry has\n%s", entryAt(a, i), entryAt(b, i)), nil
		}
	}
	return "", nil
}

// entry is one key in a dump.
type entry struct {
	db       int
	key      string
	kind     string // TYPE
	encoding string
	ttlMS    int64 // PTTL
	members  harness.Value
}

func (e entry) equal(f entry) bool {
	return e.db == f.db && e.key == f.key && e.kind == f.kind && sameEncoding(e, f) &&
		(e.ttlMS < 0) == (f.ttlMS < 0) && max(e.ttlMS-f.ttlMS, f.ttlMS-e.ttlMS) < slack &&
		(equal(e.members, f.members) || slices.Contains(distPool, e.key) && nearScores(e.members, f.members)) &&
		(e.kind != "string" || exact(e.members, f.members))
}

// nearScores compares flat lists of members and scores that are distances, computed with sines that differ in the last bit.
func nearScores(a, b harness.Value) bool {
	if len(a.Elems) != len(b.Elems) {
		return false
	}
	for i := 0; i+1 < len(a.Elems); i += 2 {
		x, err := strconv.ParseFloat(a.Elems[i+1].Str, 64)
		y, err2 := strconv.ParseFloat(b.Elems[i+1].Str, 64)
		if a.Elems[i].Str != b.Elems[i].Str || err != nil || err2 != nil || math.Abs(x-y) > 1e-12*x {
			return false
		}
	}
	return true
}

// sameEncoding lets the oracle, e, lack the packed forms that sets and lists have had since 7.2.
func sameEncoding(e, f entry) bool {
	return e.encoding == f.encoding || f.encoding == "listpack" &&
		(e.kind == "set" && e.encoding == "hashtable" || e.kind == "list" && e.encoding == "quicklist")
}

// contents reads a whole value, by its type. What has no order is sorted.
var contents = map[string][]string{
	"string": {"GET"},
	"hash":   {"HGETALL"},
	"set":    {"SMEMBERS"},
	"list":   {"LRANGE", "0", "-1"},
	"zset":   {"ZRANGE", "0", "-1", "WITHSCORES"},
}

// members orders the contents of a value of a type.
func members(kind string, v harness.Value) harness.Value {
	switch kind {
	case "hash":
		return byMember(v)
	case "set":
		return v.Sorted()
	}
	return v
}

func entryAt(dump []entry, i int) string {
	if i >= len(dump) {
		return "nothing more"
	}
	e := dump[i]
	return fmt.Sprintf("db %d, key %q: %s, %s, PTTL %d\n%s", e.db, e.key, e.kind, e.encoding, e.ttlMS, brief(e.members))
}

// databases is how many SELECT knows.
const databases = 16

// dump reads everything, ordered by database and key.
func (s *side) dump() ([]entry, error) {
	var dump []entry
	for db := range databases {
		if _, err := s.look.Call("SELECT", fmt.Sprint(db)); err != nil {
			return nil, err
		}
		keys, err := s.look.Call("KEYS", "*")
		if err != nil {
			return nil, err
		}
		names := keys.Strings()
		slices.Sort(names)
		for _, key := range names {
			e, err := s.entry(db, key)
			if err != nil {
				return nil, err
			}
			dump = append(dump, e)
		}
	}
	return dump, nil
}

func (s *side) entry(db int, key string) (entry, error) {
	e := entry{db: db, key: key}
	for _, part := range []struct {
		call []string
		into func(v harness.Value)
	}{
		{[]string{"TYPE", key}, func(v harness.Value) { e.kind = v.Str }},
		{[]string{"OBJECT", "ENCODING", key}, func(v harness.Value) { e.encoding = v.Str }},
		{[]string{"PTTL", key}, func(v harness.Value) { e.ttlMS = v.Int }},
	} {
		v, err := s.look.Call(part.call...)
		if err != nil {
			return e, fmt.Errorf("%q: %w", part.call, err)
		}
		part.into(v)
	}
	call := contents[e.kind]
	if call == nil {
		return e, nil // it has expired meanwhile
	}
	v, err := s.look.Call(slices.Insert(slices.Clone(call), 1, key)...)
	if err != nil {
		return e, fmt.Errorf("%q: %w", call, err)
	}
	e.members = members(e.kind, v)
	return e, nil
}

// script is what happened: calls in order from empty servers.
type script struct {
	entries string // zset- and hash-max-listpack-entries at the start
	calls   []call
}

func (s script) String() string {
	lines := []string{fmt.Sprintf("(zset- and hash-max-listpack-entries %s)", s.entries)}
	for _, c := range s.calls {
		lines = append(lines, c.String())
	}
	return strings.Join(lines, "\n")
}

// replay runs a script from empty servers and describes the first difference.
func (s *session) replay(sc script) (string, error) {
	if err := s.reset(sc.entries); err != nil {
		return "", err
	}
	for _, c := range sc.calls {
		if diff, err := s.step(c); err != nil || diff != "" {
			return diff, err
		}
	}
	return s.states()
}

// minimise drops calls, in ever smaller chunks, as long as the servers still
// differ at the end, and returns the short script and its difference. The
// difference is "" if the script does not show one when it is run again.
func (s *session) minimise(t *testing.T, sc script) (script, string) {
	try := func(calls []call) string {
		diff, err := s.replay(script{sc.entries, calls})
		if err != nil {
			t.Fatal(err)
		}
		return diff
	}
	diff := try(sc.calls)
	if diff == "" {
		return sc, ""
	}
	for chunk := max(len(sc.calls)/2, 1); ; chunk /= 2 {
		for at := 0; at < len(sc.calls); {
			rest := slices.Delete(slices.Clone(sc.calls), at, min(at+chunk, len(sc.calls)))
			if d := try(rest); d != "" {
				sc.calls, diff = rest, d
			} else {
				at += chunk
			}
		}
		if chunk == 1 {
			return sc, diff
		}
	}
}
