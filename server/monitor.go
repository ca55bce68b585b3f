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

// monitor shows monitors a command that has been run.
func (w *worker) monitor(s *Session, spec *commands.Spec, args [][]byte) {
	if spec.Flags&(commands.SkipMonitor|commands.Admin) != 0 {
		return
	}
	p := &w.srv.pubsub
	var m *message
	if length := w.lineSize(args); p.keeps(length) {
		m = p.message(w.line(s, args, length))
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

// lineSize is about the length of what line returns: a binary argument's is four times its own.
func (w *worker) lineSize(args [][]byte) (bytes int64) {
	const head = 96 // the time, the database, the client
	bytes = head
	for i, arg := range args {
		bytes += int64(quotedSize(w.shown(i, arg)) + len(" "))
	}
	return bytes
}

// shown is an argument as monitors may see it.
func (w *worker) shown(i int, arg []byte) []byte {
	if w.ctx.IsSecret(i) {
		return redacted
	}
	return arg
}

// line is what monitors are shown of the command that has been run.
func (w *worker) line(s *Session, args [][]byte, length int64) []byte {
	b := make([]byte, 0, length)
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
		b = appendQuoted(append(b, ' '), w.shown(i, arg))
	}
	return append(b, '\r', '\n')
}

const escaped = "\\\"\n\r\t\a\b" // and escapes are what stands for them

// quotedSize is how many bytes appendQuoted appends.
func quotedSize(text []byte) int {
	n := len(`""`) + len(text)
	for _, c := range text {
		if c >= ' ' && c <= '~' && c != '"' && c != '\\' {
			continue
		}
		n += len(`\x00`) - 1
		if strings.IndexByte(escaped, c) >= 0 {
			n -= len("x0")
		}
	}
	return n
}

// appendQuoted appends text between quotes, so that it is printable and can be read back.
func appendQuoted(b, text []byte) []byte {
	const (
		escapes = "\\\"nrtab"
		hex     = "0123456789abcdef"
	)
	b = append(b, '"')
	for _, c := range text {
		if c >= ' ' && c <= '~' && c != '"' && c != '\\' {
			b = append(b, c)
		} else if i := strings.IndexByte(escaped, c); i >= 0 {
			b = append(b, '\\', escapes[i])
		} else {
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	return append(b, '"')
}
