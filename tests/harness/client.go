package harness

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// replyTimeout ends a test whose server never answers; nothing asserts on it.
const replyTimeout = 20 * time.Second

// Conn is a connection that speaks RESP. Its methods return errors; [Client]
// is the same for the body of a test.
type Conn struct {
	net.Conn
	r      reader
	pushes []Value
}

// NewConn speaks RESP over a connection that exists.
func NewConn(c net.Conn) *Conn {
	return &Conn{Conn: c, r: reader{in: bufio.NewReaderSize(c, 64<<10)}}
}

// DialConn connects to a TCP address.
func DialConn(addr string) (*Conn, error) {
	c, err := net.DialTimeout("tcp", addr, replyTimeout)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// AppendCommand appends the encoding of a command to dst.
func AppendCommand[S ~string | ~[]byte](dst []byte, args ...S) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(args)), 10)
	dst = append(dst, "\r\n"...)
	for _, a := range args {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(a)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(dst, a...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// Send writes one command and does not wait.
func (c *Conn) Send(args ...string) error {
	return c.SendRaw(AppendCommand(nil, args...))
}

// SendRaw writes bytes as they are.
func (c *Conn) SendRaw(b []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(replyTimeout)); err != nil {
		return err
	}
	_, err := c.Write(b)
	return err
}

// Receive reads the next reply. Pushes before it are kept for Pushes.
func (c *Conn) Receive() (Value, error) {
	for {
		v, err := c.receiveAny()
		if err != nil || v.Kind != Push {
			return v, err
		}
		c.pushes = append(c.pushes, v)
	}
}

func (c *Conn) receiveAny() (Value, error) {
	if err := c.SetReadDeadline(time.Now().Add(replyTimeout)); err != nil {
		return Value{}, err
	}
	c.r.raw = c.r.raw[:0]
	return c.r.value()
}

// ReceivePush returns the oldest push not yet asked for, and waits for it.
func (c *Conn) ReceivePush() (Value, error) {
	if len(c.pushes) > 0 {
		v := c.pushes[0]
		c.pushes = c.pushes[1:]
		return v, nil
	}
	v, err := c.receiveAny()
	if err == nil && v.Kind != Push {
		return v, protocolError("%s where a push was awaited", v)
	}
	return v, err
}

// ReceiveMessage returns the oldest message of pub/sub not yet asked for, and waits for
// it: in RESP3 a push, in RESP2 an array.
func (c *Conn) ReceiveMessage() (Value, error) {
	if len(c.pushes) > 0 {
		return c.ReceivePush()
	}
	v, err := c.receiveAny()
	if err == nil && v.Kind != Push && v.Kind != Array {
		return v, protocolError("%s where a message was awaited", v)
	}
	return v, err
}

// CallSeveral is Call for a command that answers n times, by pushes in RESP3, unless it is
// refused or queued. What else is pushed meanwhile is kept for ReceiveMessage.
func (c *Conn) CallSeveral(n int, args ...string) (Value, error) {
	all := Value{Kind: Several}
	if err := c.Send(args...); err != nil {
		return Value{Kind: Closed}, nil
	}
	for len(all.Elems) < n {
		v, err := c.receiveAny()
		switch {
		case IsClosed(err):
			return Value{Kind: Closed}, nil
		case err != nil || v.IsError() || v.Kind == Status:
			return v, err
		case len(v.Elems) > 0 && strings.HasSuffix(v.Elems[0].Str, "message"):
			c.pushes = append(c.pushes, v)
		default:
			all.Elems = append(all.Elems, v)
		}
	}
	if n == 1 {
		return all.Elems[0], nil
	}
	return all, nil
}

// Call sends a command and reads its reply. If the server closes the
// connection instead, the reply is of kind Closed and err is nil.
func (c *Conn) Call(args ...string) (Value, error) {
	err := c.Send(args...)
	if err != nil {
		return Value{Kind: Closed}, nil
	}
	v, err := c.Receive()
	if IsClosed(err) {
		return Value{Kind: Closed}, nil
	}
	return v, err
}

// Raw is the encoding of the last value received; valid until the next one.
func (c *Conn) Raw() []byte { return c.r.raw }

// IsClosed reports whether err says that the other side ended the connection.
func IsClosed(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &op) && !op.Timeout()
}

// Client is a Conn that ends the test when the connection fails.
type Client struct {
	*Conn
	t testing.TB
}

// Dial connects to addr; the connection is closed in t's Cleanup.
func Dial(t testing.TB, addr string) *Client {
	t.Helper()
	c, err := DialConn(addr)
	if err != nil {
		t.Fatalf("connecting to %s: %v", addr, err)
	}
	t.Cleanup(func() { c.Close() })
	return &Client{c, t}
}

// Do sends a command and returns its reply.
func (c *Client) Do(args ...string) Value {
	c.t.Helper()
	v, err := c.Call(args...)
	if err != nil {
		c.t.Fatalf("%q: %v", args, err)
	}
	return v
}

// Pipeline sends several commands in one write and returns their replies.
func (c *Client) Pipeline(commands ...[]string) []Value {
	c.t.Helper()
	var out []byte
	for _, args := range commands {
		out = AppendCommand(out, args...)
	}
	// Written beside reading: a pipeline may be larger than all buffers between the two sides.
	wrote := make(chan error, 1)
	go func() { wrote <- c.SendRaw(out) }()
	replies := make([]Value, 0, len(commands))
	for range commands {
		replies = append(replies, c.Next())
	}
	if err := <-wrote; err != nil {
		c.t.Fatalf("writing a pipeline: %v", err)
	}
	return replies
}

// Next reads one reply.
func (c *Client) Next() Value {
	c.t.Helper()
	v, err := c.Receive()
	if err != nil {
		c.t.Fatalf("reading a reply: %v", err)
	}
	return v
}

// Want runs a command and compares its reply as transcripts draw it.
func (c *Client) Want(want string, args ...string) {
	c.t.Helper()
	if got := c.Do(args...).String(); got != want {
		c.t.Errorf("%q:\ngot  %s\nwant %s", args, got, want)
	}
}

// WantClosed reads until the server ends the connection, and returns what it
// said before.
func (c *Client) WantClosed() []Value {
	c.t.Helper()
	var said []Value
	for {
		v, err := c.Receive()
		if IsClosed(err) {
			return said
		}
		if err != nil {
			c.t.Fatalf("waiting for the end of the connection: %v", err)
		}
		said = append(said, v)
	}
}

// Field finds the value of a line "name:value" (INFO) or of a word "name=value"
// (CLIENT LIST) in a text; "" if there is none.
func Field(text, name string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), name+":"); ok {
			return v
		}
		for _, word := range strings.Fields(line) {
			if v, ok := strings.CutPrefix(word, name+"="); ok {
				return v
			}
		}
	}
	return ""
}
