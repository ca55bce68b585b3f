package resp

import (
	"bytes"
	"errors"
	"slices"
)

// Limits bounds what one client may send. The zero value allows nothing; start
// from [DefaultLimits].
type Limits struct {
	MaxArgs   int   // arguments of one command
	MaxBulk   int64 // bytes of one argument (proto-max-bulk-len)
	MaxInline int   // bytes of an inline command, or of a line with a count or length
	MaxQuery  int64 // bytes of an unfinished command (client-query-buffer-limit)
}

// DefaultLimits are Redis' own.
func DefaultLimits() Limits {
	return Limits{MaxArgs: 1024 * 1024, MaxBulk: 512 << 20, MaxInline: 64 << 10, MaxQuery: 1 << 30}
}

// What a client may send before it is authenticated.
const (
	guestMaxArgs = 10
	guestMaxBulk = 16 << 10
)

// What a Framer keeps between commands. A larger buffer or argument list is
// given back by the Release that follows the command it was needed for.
const (
	keepBytes = 64 << 10
	keepArgs  = 1024
)

// pullBytes is the least number of bytes by which an unfinished command in the
// Framer's own buffer is completed, so that one of many short arguments takes
// few steps. What is copied beyond its end is read where it was fed.
const pullBytes = 512

// ErrQueryLimit is Next's error for an unfinished command of more than
// Limits.MaxQuery bytes. Redis closes such a connection without a word.
var ErrQueryLimit = errors.New("client query buffer limit exceeded")

// The protocol errors, in Redis' words. The client gets them after "-ERR " and
// the connection is closed.
var (
	errCount       = errors.New("Protocol error: invalid multibulk length")
	errCountLine   = errors.New("Protocol error: too big mbulk count string")
	errGuestCount  = errors.New("Protocol error: unauthenticated multibulk length")
	errLength      = errors.New("Protocol error: invalid bulk length")
	errLengthLine  = errors.New("Protocol error: too big bulk count string")
	errGuestLength = errors.New("Protocol error: unauthenticated bulk length")
	errInlineLine  = errors.New("Protocol error: too big inline request")
	errQuotes      = errors.New("Protocol error: unbalanced quotes in request")
)

// Framer cuts a stream of bytes into commands, however the stream is cut into
// pieces:
//
//	f.Feed(piece)
//	for {
//		args, ok, err := f.Next()
//		...
//	}
//	f.Release()
//
// A command that lies whole in the piece is returned as slices of it, without
// a copy. Release keeps what is unfinished in a buffer of the Framer's own,
// which the next pieces complete: only the command that straddles two pieces
// is copied. Where parsing stopped is remembered, so no argument is looked at
// twice and a stream in pieces of one byte costs a constant per byte.
//
// The zero value is usable after Reset. A Framer belongs to one connection and
// is not safe for concurrent use.
type Framer struct {
	limits *Limits
	large  Buffers
	guest  bool  // not authenticated: the small limits hold
	err    error // what Next fails with from now on

	// The bytes. in is what is being parsed: either fed itself (own is false),
	// or buf (own is true), which goes on with fed at base:
	//
	//	buf  [ consumed | start ... pos ... | base: copy of fed's first bytes ]
	in    []byte
	start int // in: where the unfinished command begins
	pos   int // in: the first byte not parsed
	own   bool
	buf   []byte
	fed   []byte // borrowed from Feed to Release
	base  int

	// The unfinished command.
	left  int    // arguments to come; 0: its first line comes first
	bulk  int    // length of the argument at pos; -1: its length line comes first
	seen  int    // bytes at pos already known not to end the line
	never bool   // the line at pos holds a zero byte: its end is never found
	spans []span // arguments found so far

	args    [][]byte // of the commands that Next has returned or is about to, since it parsed last
	scratch []byte   // words of an inline command that were quoted

	// Commands that Ahead found; the first so many have been returned by Next.
	ahead    []framed
	returned int
	peeking  bool // Ahead is parsing
}

// Buffers are where a Framer has its large buffers from, of more than 64 KiB.
type Buffers interface {
	// Large is an empty slice for so many bytes or more.
	Large(bytes int) []byte
	// Recycle takes a slice back that is not used any more.
	Recycle(b []byte)
}

// made are Buffers that are made anew each time.
type made struct{}

func (made) Large(bytes int) []byte { return make([]byte, 0, bytes) }
func (made) Recycle([]byte)         {}

// SetBuffers has f take its large buffers from b, and give them back there. Without, it makes them.
func (f *Framer) SetBuffers(b Buffers) { f.large = b }

// framed is a command that was found: where it begins in Framer.in, and its arguments.
type framed struct {
	start int
	args  [][]byte
}

// span is an argument's place, relative to the beginning of its command since
// that moves when the command's buffer grows.
type span struct{ off, len int }

// Reset makes f ready for a new connection. What limits points to is read at
// every argument, so a change takes effect at once; only the goroutine that
// calls Next may make it.
func (f *Framer) Reset(limits *Limits) {
	*f = Framer{limits: limits, large: made{}, bulk: -1}
}

// SetAuthenticated(false) puts the small limits in force that hold before
// AUTH, from the next argument on. A Framer starts without them.
func (f *Framer) SetAuthenticated(yes bool) {
	if f.guest != yes {
		return
	}
	f.unpeek()
	f.rewind() // Ahead may have begun a command, or failed at one
	f.guest = !yes
}

// Buffered is the number of bytes that have arrived and are not part of a
// command returned by Next.
func (f *Framer) Buffered() int {
	n := len(f.in) - f.start
	if f.returned < len(f.ahead) {
		n = len(f.in) - f.ahead[f.returned].start
	}
	if f.own {
		n += len(f.fed) - (len(f.buf) - f.base)
	}
	return n
}

// Done reports whether Next has looked at all bytes that have arrived and found no
// error: it would only say that more are needed, and what it returned last would not be valid any more.
func (f *Framer) Done() bool {
	return f.err == nil && f.pos == len(f.in) && f.returned == len(f.ahead) && (!f.own || len(f.buf)-f.base == len(f.fed))
}

// Cap is the memory f holds for its buffers, in bytes.
func (f *Framer) Cap() int {
	const sliceBytes, spanBytes, framedBytes = 24, 16, 32
	return cap(f.buf) + cap(f.scratch) + cap(f.args)*sliceBytes + cap(f.spans)*spanBytes + cap(f.ahead)*framedBytes
}

// Feed hands newly read bytes to f, to be parsed by Next. They are borrowed
// until Release. A Feed without one first releases what was fed before.
func (f *Framer) Feed(b []byte) {
	if f.fed != nil {
		f.Release()
	}
	f.fed, f.base = b, len(f.buf)
	if len(f.buf) == 0 {
		f.in, f.start, f.pos, f.own = b, 0, 0, false
	}
}

// Release ends the loan of what was fed: what Next has not returned yet is
// copied, the rest forgotten.
func (f *Framer) Release() {
	f.unpeek()
	large := max(len(f.fed), cap(f.buf), cap(f.scratch)) > keepBytes
	if f.own {
		f.compact()
		f.take(len(f.fed))
	} else {
		rest := f.in[f.start:]
		f.buf = f.buf[:0]
		f.pos -= f.start
		f.start = 0
		f.grow(len(rest))
		f.buf = append(f.buf, rest...)
	}
	f.in, f.own, f.fed, f.base = f.buf, true, nil, len(f.buf)
	f.trim()
	if large {
		// The arguments of old commands, also those beyond the lengths, would
		// keep the memory alive that they lay in.
		clear(f.args[:cap(f.args)])
		clear(f.ahead[:cap(f.ahead)])
	}
}

// Rest gives all memory back that an idle connection can do without: what
// Release keeps makes sense for one that goes on soon. With an unfinished
// command it does nothing. It is called after Release.
func (f *Framer) Rest() {
	if f.Buffered() > 0 {
		return
	}
	f.in, f.buf, f.scratch, f.args, f.spans, f.ahead, f.returned = nil, nil, nil, nil, nil, nil, 0
	f.start, f.pos, f.base = 0, 0, 0
}

// trim gives back what a large command needed and nothing uses any more.
func (f *Framer) trim() {
	if cap(f.buf) > max(keepBytes, 4*len(f.buf)) {
		f.move(len(f.buf))
		f.in = f.buf
	}
	if cap(f.scratch) > keepBytes {
		f.scratch = nil
	}
	if f.left == 0 && cap(f.spans) > keepArgs {
		f.spans = nil
	}
	if cap(f.args) > keepArgs {
		f.args = nil
	}
}

// Next returns the next whole command: its name and arguments, at least one.
// ok is false if more bytes are needed first. An error is a protocol error, in
// Redis' words without the leading "ERR ", or ErrQueryLimit; the connection
// must then be closed, and every further Next returns the same.
//
// args and its elements are valid until the next Next, Feed or Release.
func (f *Framer) Next() (args [][]byte, ok bool, err error) {
	if f.returned < len(f.ahead) {
		f.returned++
		return f.ahead[f.returned-1].args, true, nil
	}
	f.ahead, f.returned, f.args = f.ahead[:0], 0, f.args[:0]
	for !f.command() {
		if f.err != nil {
			return nil, false, f.err
		}
		if f.pull() {
			continue
		}
		if int64(len(f.in)-f.start) > f.limits.MaxQuery {
			f.err = ErrQueryLimit
		}
		return nil, false, f.err
	}
	return f.args, true, nil
}

// Ahead finds up to n of the commands that Next will return next, as far as
// they have arrived, lie in one piece of memory and are not inline, and returns
// how many there are. Peek looks at them. What Next returned before stays valid.
func (f *Framer) Ahead(n int) int {
	f.peeking = true
	for len(f.ahead)-f.returned < n {
		start, first := f.start, len(f.args)
		if !f.command() {
			break
		}
		f.ahead = append(f.ahead, framed{start, f.args[first:len(f.args):len(f.args)]})
	}
	f.peeking = false
	return len(f.ahead) - f.returned
}

// Peek is command i of those that Ahead found, valid as long as what Next
// returned last.
func (f *Framer) Peek(i int) [][]byte { return f.ahead[f.returned+i].args }

// unpeek lets commands that Ahead found and Next did not return be parsed
// again: with other limits, or in other memory.
func (f *Framer) unpeek() {
	if f.returned == len(f.ahead) {
		return
	}
	f.start = f.ahead[f.returned].start
	f.ahead = f.ahead[:f.returned]
	f.rewind()
}

// rewind has the unfinished command parsed again from its beginning.
func (f *Framer) rewind() {
	f.pos, f.left, f.bulk, f.seen, f.never, f.err = f.start, 0, -1, 0, false, nil
}

// command parses on to the end of the next command and appends its arguments to
// f.args; false if in ends first or f.err is set. Commands without arguments
// (*0, *-1, empty lines) are passed over.
func (f *Framer) command() bool {
	if f.err != nil {
		return false
	}
	for f.left == 0 {
		f.start = f.pos
		if f.pos == len(f.in) {
			return false
		}
		if f.in[f.pos] == '*' {
			if !f.count() {
				return false
			}
			continue
		}
		if f.peeking || !f.inline() {
			return false
		}
		if len(f.args) > 0 {
			f.start = f.pos
			return true
		}
	}
	if !f.bulks() {
		return false
	}
	first := len(f.args)
	f.args = slices.Grow(f.args, len(f.spans))[:first+len(f.spans)]
	args, b := f.args[first:], f.in[f.start:f.pos]
	for i, s := range f.spans {
		end := s.off + s.len
		args[i] = b[s.off:end:end]
	}
	f.start = f.pos
	return true
}

// count parses the first line of a command: *<number of arguments>\r\n.
func (f *Framer) count() bool {
	n, end := plain(f.in, f.pos+1)
	if end > 0 {
		f.pos, f.seen = end, 0
	} else {
		line, ok := f.line('\r', errCountLine)
		if !ok {
			return false
		}
		if n, ok = integer(line[1:]); !ok {
			return f.fail(errCount)
		}
	}
	switch {
	case n > int64(f.limits.MaxArgs):
		return f.fail(errCount)
	case n > guestMaxArgs && f.guest:
		return f.fail(errGuestCount)
	}
	f.left = int(max(n, 0))
	f.spans = f.spans[:0]
	return true
}

// bulks parses the arguments that are left: $<length>\r\n<bytes>\r\n each.
func (f *Framer) bulks() bool {
	for ; f.left > 0; f.left-- {
		if f.bulk < 0 && !f.length() {
			return false
		}
		if len(f.in)-f.pos-len("\r\n") < f.bulk {
			return false
		}
		f.spans = append(f.spans, span{f.pos - f.start, f.bulk})
		f.pos += f.bulk + len("\r\n")
		f.bulk = -1
	}
	return true
}

// length parses an argument's first line: $<length>\r\n.
func (f *Framer) length() bool {
	var n int64
	end := 0
	if f.pos < len(f.in) && f.in[f.pos] == '$' {
		n, end = plain(f.in, f.pos+1)
	}
	if end > 0 {
		f.pos, f.seen = end, 0
	} else {
		first := f.pos
		line, ok := f.line('\r', errLengthLine)
		if !ok {
			return false
		}
		if f.in[first] != '$' {
			return f.fail(errNotBulk(f.in[first]))
		}
		if n, ok = integer(line[1:]); !ok {
			return f.fail(errLength)
		}
	}
	switch {
	case n < 0 || n > f.limits.MaxBulk:
		return f.fail(errLength)
	case n > guestMaxBulk && f.guest:
		return f.fail(errGuestLength)
	}
	f.bulk = int(n)
	return true
}

// errNotBulk words the error for an argument that begins with c. Redis makes
// blanks of line breaks in its error lines.
func errNotBulk(c byte) error {
	if c == '\r' || c == '\n' {
		c = ' '
	}
	return errors.New("Protocol error: expected '$', got '" + string([]byte{c}) + "'")
}

func (f *Framer) fail(err error) bool {
	f.err = err
	return false
}

// line finds the line at pos and moves pos behind it. The line ends at the
// first end byte: '\n', or '\r', which one more byte must follow. ok is false if
// the end has not arrived, or if it is too far away, which fails with tooLong.
func (f *Framer) line(end byte, tooLong error) (line []byte, ok bool) {
	rest := f.in[f.pos:]
	i := f.lineEnd(rest, end)
	if i > f.limits.MaxInline || i < 0 && len(rest) > f.limits.MaxInline {
		return nil, f.fail(tooLong)
	}
	width := 1
	if end == '\r' {
		width = len("\r\n")
	}
	if i < 0 || i+width > len(rest) {
		return nil, false
	}
	f.pos += i + width
	f.seen = 0
	return rest[:i], true
}

// lineEnd is the index in rest, the unfinished line, of its end byte, or -1.
// It searches what is new since the last time.
func (f *Framer) lineEnd(rest []byte, end byte) int {
	if f.never {
		return -1
	}
	i := bytes.IndexByte(rest[f.seen:], end)
	if i < 0 {
		f.never = bytes.IndexByte(rest[f.seen:], 0) >= 0
		f.seen = len(rest)
		return -1
	}
	i += f.seen
	if f.never = bytes.IndexByte(rest[f.seen:i], 0) >= 0; f.never {
		return -1
	}
	f.seen = i
	return i
}

// plain reads the digits at b[i:] up to "\r" and the byte after it, and returns
// the number and where the next line begins. That is 0 if the line is not
// complete or is not this simple; then line and integer decide.
func plain(b []byte, i int) (n int64, next int) {
	const maxDigits = 9
	digits := 0
	for ; i < len(b)-1 && digits <= maxDigits; i++ {
		c := b[i] - '0'
		if c > 9 {
			if b[i] == '\r' && digits > 0 {
				return n, i + len("\r\n")
			}
			return 0, 0
		}
		if n == 0 && digits > 0 { // a leading zero is an error
			return 0, 0
		}
		n = n*10 + int64(c)
		digits++
	}
	return 0, 0
}

// integer reads b as a 64-bit integer in the one form Redis allows here: no
// plus sign, no leading zero, no blank.
func integer(b []byte) (n int64, ok bool) {
	const maxDigits = 19
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > maxDigits || b[0] == '0' && (len(b) > 1 || negative) {
		return 0, false
	}
	var u uint64 // 19 digits fit
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	switch {
	case negative && u <= 1<<63:
		return -int64(u), true
	case !negative && u < 1<<63:
		return int64(u), true
	}
	return 0, false
}

// pull makes more of what was fed available to the parser; false if there is
// no more.
func (f *Framer) pull() bool {
	if !f.own {
		return false
	}
	copied := len(f.buf) - f.base
	if f.start < f.base {
		f.compact()
		f.take(copied + max(f.missing(), pullBytes))
		f.in = f.buf
		return len(f.buf)-f.base > copied
	}
	// The unfinished command began in fed: it is read from there.
	f.start -= f.base
	f.pos -= f.base
	f.in, f.own, f.buf = f.fed, false, f.buf[:0]
	return len(f.fed) > copied
}

// missing is how many bytes the argument at pos needs, if that is known.
func (f *Framer) missing() int {
	if f.left == 0 || f.bulk < 0 {
		return 0
	}
	return f.bulk + len("\r\n") - (len(f.in) - f.pos)
}

// compact drops the consumed beginning of buf.
func (f *Framer) compact() {
	if f.start == 0 {
		return
	}
	f.buf = f.buf[:copy(f.buf, f.buf[f.start:])]
	f.base -= f.start
	f.pos -= f.start
	f.start = 0
}

// take copies fed to the end of buf, up to its first n bytes in all.
func (f *Framer) take(n int) {
	fresh := f.fed[len(f.buf)-f.base : min(n, len(f.fed))]
	if len(fresh) == 0 {
		return
	}
	f.grow(len(fresh))
	f.buf = append(f.buf, fresh...)
}

// grow makes room in buf for n more bytes: twice the room there was, since
// what a client announces is not believed, but no more than an argument that
// is half here still needs.
func (f *Framer) grow(n int) {
	need := len(f.buf) + n
	if need <= cap(f.buf) {
		return
	}
	room := max(need, 2*cap(f.buf))
	if f.left > 0 && f.bulk >= 0 && f.pos+f.bulk+len("\r\n") >= need {
		room = min(room, f.pos+f.bulk+len("\r\n"))
	}
	f.move(room)
}

// move copies buf to a slice with that much room.
func (f *Framer) move(room int) {
	old := f.buf
	if room > keepBytes {
		f.buf = f.large.Large(room)
	} else {
		f.buf = make([]byte, 0, room)
	}
	f.buf = append(f.buf, old...)
	if cap(old) > keepBytes {
		f.large.Recycle(old)
	}
}
