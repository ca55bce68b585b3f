package transcript

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"quarry/commands"
	"quarry/tests/harness"
)

// Player plays the blocks of one transcript against one server, with a
// connection for each client the transcript names.
type Player struct {
	Addr  string
	Proto int // 2 or 3
	// Advance moves the server's clock; Check walks its structures. Either may
	// be nil, and the directive then does nothing.
	Advance func(d time.Duration)
	Check   func() error

	conns   map[string]*harness.Conn
	current string
	watch   *harness.Conn // asks how many clients are parked
}

// Play does what b says and returns the answers, for the directives that have any.
func (p *Player) Play(b *Block) ([]harness.Value, error) {
	switch b.Directive {
	case Client:
		p.current = b.Arg
	case Run:
		return p.run(b.Calls)
	case Parks:
		return nil, p.park(b.Calls[0])
	case Read:
		c, err := p.conn()
		if err != nil {
			return nil, err
		}
		v, err := c.Receive()
		return []harness.Value{v}, err
	case Hear:
		return p.hear(b.Arg)
	case Advance:
		if p.Advance != nil {
			d, err := time.ParseDuration(b.Arg + "ms")
			if err != nil {
				return nil, err
			}
			p.Advance(d)
		}
	case Check:
		if p.Check != nil {
			return nil, p.Check()
		}
	}
	return nil, nil
}

// Close closes the connections.
func (p *Player) Close() {
	for _, c := range p.conns {
		c.Close()
	}
	if p.watch != nil {
		p.watch.Close()
	}
}

// conn is the connection of the current client, made at its first use.
func (p *Player) conn() (*harness.Conn, error) {
	if c := p.conns[p.current]; c != nil {
		return c, nil
	}
	c, err := harness.DialConn(p.Addr)
	if err != nil {
		return nil, err
	}
	if p.conns == nil {
		p.conns = map[string]*harness.Conn{}
	}
	p.conns[p.current] = c
	if p.Proto == 3 {
		// Where a password is set the transcript itself shows the handshake.
		v, err := c.Call("HELLO", "3")
		if err != nil || v.Kind != harness.Map && !strings.HasPrefix(v.Str, "NOAUTH") {
			return nil, fmt.Errorf("HELLO 3 answers %s, %v", v, err)
		}
	}
	return c, nil
}

func (p *Player) run(calls [][]string) ([]harness.Value, error) {
	replies := make([]harness.Value, len(calls))
	for i, call := range calls {
		c, err := p.conn()
		if err != nil {
			return nil, err
		}
		if n := answersTo(call); n > 0 {
			replies[i], err = c.CallSeveral(n, call...)
		} else {
			replies[i], err = c.Call(call...)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", call, err)
		}
		if replies[i].Kind == harness.Closed {
			c.Close()
			delete(p.conns, p.current)
		}
	}
	return replies, nil
}

var table = commands.NewCommandTable()

// answersTo is how often a command answers that may do so more than once, else 0. UNSUBSCRIBE without
// a name is to be called by clients with one subscription at most.
func answersTo(call []string) int {
	if s := table.ByName(call[0]); s == nil || !s.Has(commands.PushReplies) {
		return 0
	}
	return max(len(call)-1, 1)
}

// hear reads messages.
func (p *Player) hear(count string) ([]harness.Value, error) {
	c, err := p.conn()
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return nil, err
	}
	messages := make([]harness.Value, n)
	for i := range messages {
		if messages[i], err = c.ReceiveMessage(); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// park sends a blocking command and returns when the server counts one parked
// client more: what follows then meets it waiting.
func (p *Player) park(call []string) error {
	c, err := p.conn()
	if err != nil {
		return err
	}
	before, err := p.parked()
	if err != nil {
		return err
	}
	if err := c.Send(call...); err != nil {
		return err
	}
	for tries := 0; ; tries++ {
		now, err := p.parked()
		if err != nil {
			return err
		}
		if now > before {
			return nil
		}
		if tries == 5000 {
			return fmt.Errorf("%q does not park its client", call)
		}
		time.Sleep(time.Millisecond)
	}
}

func (p *Player) parked() (int, error) {
	if p.watch == nil {
		var err error
		if p.watch, err = harness.DialConn(p.Addr); err != nil {
			return 0, err
		}
	}
	v, err := p.watch.Call("INFO", "clients")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(harness.Field(v.Str, "blocked_clients"))
}
