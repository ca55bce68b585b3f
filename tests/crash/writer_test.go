package crash

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"quarry/tests/harness"
)

// writer changes keys of its own, and knows what they must hold.
type writer struct {
	maker
	db        int
	reference *harness.Conn // to the server that says what must be true

	// Since the last look: what was answered, and how, and what was sent and not answered.
	answered []answer
	flight   []step
	mayflies []string    // keys that were to live for milliseconds
	refused  int         // calls that were answered with an error of the disk
	pause    atomic.Bool // end after the next answers
	grown    atomic.Int64
}

// answer is a step and its replies.
type answer struct {
	step
	replies []string
}

// errUnexpected is a reply that no crash explains.
var errUnexpected = errors.New("unexpected reply")

// work sends steps to a server until it ends or the writer is told to. An error is something
// that may not be.
func (w *writer) work(addr string) error {
	c, err := harness.DialConn(addr)
	if err != nil {
		return nil // it has been killed
	}
	defer c.Close()
	if v, err := c.Call("SELECT", strconv.Itoa(w.db)); err != nil || v.Kind == harness.Closed {
		return nil
	}
	for !w.pause.Load() {
		steps := w.batch()
		var out []byte
		for _, s := range steps {
			out = s.encode(out)
		}
		fly := w.IntN(10) == 0
		if fly {
			out = w.mayfly(out)
		}
		n, err := w.exchange(c, out, steps, fly)
		w.flight = steps[n:]
		if errors.Is(err, errUnexpected) {
			return err
		}
		if err != nil {
			return nil
		}
	}
	return nil
}

// batch is what is sent in one write.
func (w *writer) batch() []step {
	n := 1
	if w.IntN(3) == 0 {
		n += w.IntN(24)
	}
	steps := make([]step, n)
	for i := range steps {
		steps[i] = w.step(w.IntN(5) == 0)
	}
	return steps
}

// mayfly appends a call that makes a key that soon expires. It is not among the keys that are compared.
func (w *writer) mayfly(out []byte) []byte {
	key := fmt.Sprintf("%smayfly:%d", w.prefix, w.Uint64())
	w.mayflies = append(w.mayflies, key)
	return harness.AppendCommand(out, "SET", key, "x", "PX", strconv.Itoa(1+w.IntN(40)))
}

// exchange sends steps, and a mayfly behind them, and reads their replies. It returns how many steps were answered.
func (w *writer) exchange(c *harness.Conn, out []byte, steps []step, fly bool) (n int, err error) {
	if err := c.SendRaw(out); err != nil {
		return 0, err
	}
	for i, s := range steps {
		a := answer{step: s}
		for range s.replies() {
			v, err := c.Receive()
			if err != nil {
				return i, err
			}
			a.replies = append(a.replies, v.String())
		}
		last := a.replies[len(a.replies)-1]
		switch {
		case slices.ContainsFunc(a.replies, isRefusal):
			w.refused++
			continue
		case strings.HasPrefix(last, "(error) LOADING"), strings.HasPrefix(last, "(error) EXECABORT"):
			return i, fmt.Errorf("%w: %q: %s", errUnexpected, s, last)
		}
		w.answered = append(w.answered, a)
		w.grown.Add(1)
	}
	if fly {
		if _, err := c.Receive(); err != nil {
			return len(steps), err
		}
	}
	return len(steps), nil
}

// isRefusal reports whether a reply says that the server cannot write to its disk. A transaction was then
// refused as a whole, or call by call.
func isRefusal(reply string) bool { return strings.Contains(reply, "MISCONF") }

// look compares a server's keys with what they may be. The reference then holds what was found.
func (w *writer) look(c *harness.Conn) error {
	if err := w.selectDB(c); err != nil {
		return err
	}
	if err := w.catchUp(); err != nil {
		return err
	}
	diff, err := w.compare(c)
	if err != nil {
		return err
	}
	for i := 0; diff != "" && i < len(w.flight); i++ {
		if _, err := w.apply(w.flight[i]); err != nil {
			return err
		}
		again, err := w.compare(c)
		if err != nil {
			return err
		}
		if again == "" {
			diff = ""
		}
	}
	if diff != "" {
		return fmt.Errorf("%s: %s\n%d steps were in flight: %.1000q", w.prefix, diff, len(w.flight), w.flight)
	}
	w.flight = nil
	return w.lookForMayflies(c)
}

func (w *writer) selectDB(c *harness.Conn) error {
	v, err := c.Call("SELECT", strconv.Itoa(w.db))
	if err == nil && v.Str != "OK" {
		err = fmt.Errorf("SELECT: %s", v)
	}
	return err
}

// catchUp has the reference do what was answered. It must give the same replies.
func (w *writer) catchUp() error {
	for _, a := range w.answered {
		replies, err := w.apply(a.step)
		if err != nil {
			return err
		}
		for i, r := range replies {
			if r != a.replies[i] {
				return fmt.Errorf("%s: reply %d to %.500q was\n%.500s\nand should be\n%.500s", w.prefix, i, a.step, a.replies[i], r)
			}
		}
	}
	w.answered = w.answered[:0]
	return nil
}

// apply has the reference do a step.
func (w *writer) apply(s step) (replies []string, err error) {
	if err := w.reference.SendRaw(s.encode(nil)); err != nil {
		return nil, err
	}
	for range s.replies() {
		v, err := w.reference.Receive()
		if err != nil {
			return nil, err
		}
		replies = append(replies, v.String())
	}
	return replies, nil
}

// compare describes the first key that differs from the reference's, "" if none does.
func (w *writer) compare(c *harness.Conn) (diff string, err error) {
	for _, kind := range w.kinds {
		got, err := contents(c, w.key(kind))
		if err != nil {
			return "", err
		}
		want, err := contents(w.reference, w.key(kind))
		if err != nil {
			return "", err
		}
		if got != want {
			return fmt.Sprintf("%s is\n%s\nand should be\n%s", kind, cut(got, want), cut(want, got)), nil
		}
	}
	return "", nil
}

// cut is the part of a text around the first place where it differs from another.
func cut(text, other string) string {
	const around = 200
	i := 0
	for i < len(text) && i < len(other) && text[i] == other[i] {
		i++
	}
	return fmt.Sprintf("(%d bytes, differ at %d) %q", len(text), i, text[max(0, i-around):min(len(text), i+around)])
}

// lookForMayflies fails if a key is there whose time is over.
func (w *writer) lookForMayflies(c *harness.Conn) error {
	if len(w.mayflies) == 0 {
		return nil
	}
	time.Sleep(50 * time.Millisecond) // the last one may just have been made
	v, err := c.Call(append([]string{"EXISTS"}, w.mayflies...)...)
	if err == nil && (v.Kind != harness.Int || v.Int != 0) {
		err = fmt.Errorf("%s: of %d keys whose time is over there are %s", w.prefix, len(w.mayflies), v)
	}
	w.mayflies = w.mayflies[:0]
	return err
}
