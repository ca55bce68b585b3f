package crash

import (
	"fmt"
	"strconv"

	"quarry/tests/harness"
)

// handoff is a list that one client pushes numbers to and another waits at: a push and the pop that it serves are two
// changes, of two clients, in one go.
type handoff struct {
	next     int
	given    map[int]bool // and acknowledged
	flight   int          // the one that is in flight, 0: none
	received map[int]bool
	conns    [2]*harness.Conn
}

const (
	handoffKey = "handoff"
	handoffDB  = "8"
)

// connect makes both connections; false if the server is gone already.
func (h *handoff) connect(addr string) bool {
	if h.given == nil {
		h.given, h.received = map[int]bool{}, map[int]bool{}
	}
	for i := range h.conns {
		c, err := harness.DialConn(addr)
		if err != nil {
			return false
		}
		h.conns[i] = c
		if v, err := c.Call("SELECT", handoffDB); err != nil || v.Str != "OK" {
			return false
		}
	}
	return true
}

// close ends both clients.
func (h *handoff) close() {
	for i, c := range h.conns {
		if c != nil {
			c.Close()
			h.conns[i] = nil
		}
	}
}

// give pushes numbers until the connection ends.
func (h *handoff) give(c *harness.Conn) {
	for {
		h.next++
		h.flight = h.next
		if c.Send("RPUSH", handoffKey, strconv.Itoa(h.next)) != nil {
			return
		}
		v, err := c.Receive()
		if err != nil {
			return
		}
		h.flight = 0
		if v.Kind == harness.Int {
			h.given[h.next] = true
		}
	}
}

// take waits for numbers until the connection ends.
func (h *handoff) take(c *harness.Conn) {
	for c.Send("BLPOP", handoffKey, "0") == nil {
		v, err := c.Receive()
		if err != nil {
			return
		}
		if len(v.Elems) == 2 {
			n, _ := strconv.Atoi(v.Elems[1].Str)
			h.received[n] = true
		}
	}
}

// look compares the list with what was acknowledged, and begins anew: a number that was given is in the
// list or has been received, not both; the reply to one pop may have been on its way.
func (h *handoff) look(c *harness.Conn) error {
	if v, err := c.Call("SELECT", handoffDB); err != nil || v.Str != "OK" {
		return fmt.Errorf("SELECT: %v %w", v, err)
	}
	v, err := c.Call("LRANGE", handoffKey, "0", "-1")
	if err != nil {
		return err
	}
	left, last := map[int]bool{}, 0
	for _, s := range v.Strings() {
		n, _ := strconv.Atoi(s)
		switch {
		case h.received[n]:
			return fmt.Errorf("%d was handed over and is still there", n)
		case n <= last, !h.given[n] && n != h.flight:
			return fmt.Errorf("%d is left and was never given in this order: %v", n, v.Strings())
		}
		left[n], last = true, n
	}
	lost := 0
	for n := range h.given {
		if !left[n] && !h.received[n] {
			lost++
		}
	}
	if lost > 1 {
		return fmt.Errorf("%d of %d numbers given are neither left nor received", lost, len(h.given))
	}
	if _, err := c.Call("DEL", handoffKey); err != nil {
		return err
	}
	h.given, h.received, h.flight = nil, nil, 0
	return nil
}
