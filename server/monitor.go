package server

import (
	"strings"

	"quarry/commands"
)

// MONITOR shows a client every command that any client runs, as a line:
//
//	+1700000000.000001 [0 127.0.0.1:50000] "ZADD" "board" "1" "ada\n"
//
// with the time, the database and the client. A line is a message to a topic that
// only monitors listen to: pub/sub brings it to them, in one order for all, and bounds what may
// be under way. A command's line is put while the shards of its keys are locked, so that the
// lines of commands that change one key are in the order of the changes. Inside EXEC every
// command has its line, and EXEC one after them.
//
// As in Redis a monitor is a kind of replica: it runs no commands that read or change data, and
// is never paused.

const (
	monitorTopic = commands.TopicKinds // beside what clients subscribe to
	topicKinds   = commands.TopicKinds + 1
)

const errReplica = "ERR Replica can't interact with the keyspace"

// Monitor has the session shown the commands of all clients, and reports false if it is already.
func (s *Session) Monitor() bool {
	if s.monitors() {
		return false
	}
	s.Subscribe(monitorTopic, nil)
	return true
}

// monitors reports whether MONITOR has been called.
func (s *Session) monitors() bool { return s.counts[monitorTopic] > 0 }

// monitor shows monitors a command that has been run, if there are any.
func (w *worker) monitor(s *Session, spec *commands.Spec, args [][]byte) {
	p := &w.srv.pubsub
	if w.srv.monitors.Load() == 0 || spec.Flags&(commands.SkipMonitor|commands.Admin) != 0 {
		return
	}
	var m *message
	if p.keeps(size(args)) {
		m = p.message(w.line(s, args))
		m.line = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.find(monitorTopic, nil); t != nil {
		p.put(t, m)
	} else if m != nil {
		m.drop()
	}
}

// line is what monitors are shown of the command that has been run.
func (w *worker) line(s *Session, args [][]byte) []byte {
	b := make([]byte, 0, 64+2*size(args))
	now := w.srv.NowUS()
	b = appendNumber(b, "+", now/1e6)
	micros := appendNumber(nil, "", 1e6+now%1e6)
	b = appendText(b, ".", string(micros[1:]))
	b = appendNumber(b, " [", int64(s.db))
	addr := s.view.addr
	if s.view.unix {
		addr = "unix:" + strings.TrimSuffix(addr, ":0")
	}
	b = appendText(b, " ", addr)
	b = append(b, ']')
	for i, arg := range args {
		if w.ctx.IsSecret(i) {
			arg = redacted
		}
		b = appendQuoted(append(b, ' '), arg)
	}
	return append(b, '\r', '\n')
}

// appendQuoted appends text between quotes, so that it is printable and can be read back.
func appendQuoted(b, text []byte) []byte {
	const (
		escaped = "\\\"\n\r\t\a\b"
		letters = "\\\"nrtab"
		hex     = "0123456789abcdef"
	)
	b = append(b, '"')
	for _, c := range text {
		if i := strings.IndexByte(escaped, c); i >= 0 {
			b = append(b, '\\', letters[i])
		} else if c < ' ' || c > '~' {
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return append(b, '"')
}
