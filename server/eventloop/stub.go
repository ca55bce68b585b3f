//go:build !linux

package eventloop

import (
	"context"
	"net"
)

// Supported says whether this system has what a Group needs.
const Supported = false

// Group is the loops; on this system there are none, New fails.
type Group struct{}

// New fails with ErrUnsupported.
func New(Options) (*Group, error) { return nil, ErrUnsupported }

// Run fails with ErrUnsupported.
func (g *Group) Run(context.Context, []net.Listener) error { return ErrUnsupported }

// Post drops fn.
func (g *Group) Post(loop int, fn func()) {}

// Loops is the number of loops: there are none.
func (g *Group) Loops() int { return 0 }

// Working is the number of loops that serve connections: none do.
func (g *Group) Working() int { return 0 }

// Conn is a connection of a loop; on this system there are none.
type Conn struct{}

// FD is -1, which is no descriptor.
func (c *Conn) FD() int { return -1 }

// RemoteAddr is empty.
func (c *Conn) RemoteAddr() string { return "" }

// LocalAddr is empty.
func (c *Conn) LocalAddr() string { return "" }

// Unix is false.
func (c *Conn) Unix() bool { return false }

// Loopback is false.
func (c *Conn) Loopback() bool { return false }

// Post drops fn.
func (c *Conn) Post(fn func()) {}

// Notify does nothing.
func (c *Conn) Notify() {}

// SetTimer does nothing.
func (c *Conn) SetTimer(at int64) {}
