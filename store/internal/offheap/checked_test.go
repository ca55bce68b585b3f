//go:build invariants

package offheap

import (
	"strings"
	"testing"
)

// panics runs fn and fails unless it panics with a message that holds want.
func panics(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if msg, _ := recover().(string); !strings.Contains(msg, want) {
			t.Errorf("panicked with %q, want ... %s ...", msg, want)
		}
	}()
	fn()
}

func TestForgottenTouchPanics(t *testing.T) {
	p := NewPages(newRegion(t))
	defer p.Truncate(0)
	p.Append(0)
	panics(t, "not touched", func() { p.R(0, 0, 64).SetU8(0, 1) })
	panics(t, "not touched", func() { p.R(0, 0, 64).Sub(8, 8).Mutable(0, 8) })
	panics(t, "not touched", func() { p.R(0, 0, 64).Move(0, 8, 8) })
}

func TestOutOfBoundsPanics(t *testing.T) {
	p := NewPages(newRegion(t))
	defer p.Truncate(0)
	p.Append(0)
	b := p.W(0, 64, 16)
	panics(t, "of a block of 16", func() { b.U64(9) })
	panics(t, "of a block of 16", func() { b.U8(-1) })
	panics(t, "of a block of 16", func() { b.Copy(10, []byte("seven..")) })
	panics(t, "of a block of 16", func() { b.Sub(8, 9) })
	panics(t, "out of the page", func() { p.R(0, PageSize-8, 16) })
}
