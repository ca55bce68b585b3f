package bench

import (
	"bytes"
	"testing"
)

// replies counts the replies of RESP2 in a stream of bytes that comes in pieces. It
// builds nothing, since the generator shares its cores with the servers;
// that the replies are right is another test's business.
type replies struct {
	errors  int64
	misses  int64  // nulls and empty arrays: what was asked for is not there
	sum     int64  // of the integer replies
	first   []byte // line of the first error
	line    []byte // the part of a line that has come
	skip    int    // bytes of a bulk string still to come, its line end included
	pending int    // values still to come until the reply is whole
}

// feed takes the next bytes and returns how many replies they complete.
func (r *replies) feed(b []byte) (done int) {
	for len(b) > 0 {
		if r.skip > 0 {
			n := min(r.skip, len(b))
			r.skip -= n
			b = b[n:]
		} else if i := bytes.IndexByte(b, '\n'); i < 0 {
			r.line = append(r.line, b...)
			return done
		} else {
			r.header(r.whole(b[:i]))
			b = b[i+1:]
		}
		if r.skip == 0 && r.pending == 0 {
			done++
		}
	}
	return done
}

// whole is a line that ends with rest, which lies in r.line where it is not rest alone.
func (r *replies) whole(rest []byte) []byte {
	if len(r.line) == 0 {
		return rest
	}
	line := append(r.line, rest...)
	r.line = line[:0]
	return line
}

// header takes the line that begins a value.
func (r *replies) header(line []byte) {
	top := r.pending == 0
	if !top {
		r.pending--
	}
	kind, n := line[0], number(line[1:])
	switch kind {
	case '-':
		if r.errors++; r.first == nil {
			r.first = bytes.Clone(line)
		}
	case ':':
		r.sum += n
	case '$':
		if n >= 0 {
			r.skip = int(n) + len("\r\n")
		}
	case '*':
		r.pending += max(int(n), 0)
	}
	if top && (kind == '$' && n < 0 || kind == '*' && n <= 0) {
		r.misses++
	}
}

// number reads the decimal number that b begins with.
func number(b []byte) (n int64) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		return -n
	}
	return n
}

func TestRepliesAreCounted(t *testing.T) {
	for _, c := range []struct {
		in                  string
		done                int
		errors, misses, sum int64
	}{
		{"+OK\r\n", 1, 0, 0, 0},
		{":12\r\n:-2\r\n", 2, 0, 0, 10},
		{"$3\r\na\r\n\r\n$0\r\n\r\n", 2, 0, 0, 0},
		{"$-1\r\n*-1\r\n*0\r\n", 3, 0, 3, 0},
		{"-ERR no\r\n-ERR 5\r\n", 2, 2, 0, 0},
		{"*2\r\n$1\r\na\r\n$2\r\n10\r\n:1\r\n", 2, 0, 0, 1},
		{"*2\r\n*1\r\n:1\r\n*0\r\n+x\r\n", 2, 0, 0, 1},
		{"*1\r\n$-1\r\n", 1, 0, 0, 0},
		{"*2\r\n:1\r\n", 0, 0, 0, 1},
		{"$3\r\nab", 0, 0, 0, 0},
	} {
		for size := 1; size <= len(c.in); size++ {
			var r replies
			done := 0
			for in := []byte(c.in); len(in) > 0; {
				n := min(size, len(in))
				done += r.feed(in[:n])
				in = in[n:]
			}
			if done != c.done || r.errors != c.errors || r.misses != c.misses || r.sum != c.sum {
				t.Errorf("%q in pieces of %d: %d replies, %d errors, %d misses, sum %d; want %d, %d, %d, %d",
					c.in, size, done, r.errors, r.misses, r.sum, c.done, c.errors, c.misses, c.sum)
			}
		}
	}
}

func TestRepliesKeepTheFirstError(t *testing.T) {
	var r replies
	r.feed([]byte(":1\r\n-WRONGTYPE x\r\n-ERR y\r\n"))
	if got := string(r.first); got != "-WRONGTYPE x\r" {
		t.Errorf("kept %q", got)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	in := []byte("*2\r\n$1\r\na\r\n$2\r\n10\r\n:1\r\n$-1\r\n")
	var r replies
	r.feed(in[:1])
	r.feed(in[1:])
	if n := testing.AllocsPerRun(1000, func() { r.feed(in[:6]); r.feed(in[6:]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
