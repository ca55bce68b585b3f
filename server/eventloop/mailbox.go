package eventloop

import (
	"sync"
	"sync/atomic"
)

// post is a function to be run by a loop; with a connection, only if that is
// still open, and by the loop that owns it then.
type post struct {
	c  *Conn
	fn func()
}

// mailbox holds the posts for a loop. Any goroutine may put, the loop takes.
//
// The loop is woken once, however many posts it finds. It says that it is
// about to sleep before it looks into the mailbox for the last time, and put
// looks whether it sleeps after it has added: one of the two sees the other.
type mailbox struct {
	mu     sync.Mutex
	posts  []post
	spare  []post // the slice taken last time
	asleep atomic.Bool
	wake   func()
}

// put adds a post. before, if not nil, is called when no one can come between
// it and the post.
func (m *mailbox) put(p post, before func()) {
	m.mu.Lock()
	if before != nil {
		before()
	}
	m.posts = append(m.posts, p)
	m.mu.Unlock()
	if m.asleep.Load() && m.asleep.CompareAndSwap(true, false) {
		m.wake()
	}
}

// sleep announces that the loop is going to wait. It returns false if there
// are posts already.
func (m *mailbox) sleep() bool {
	m.asleep.Store(true)
	m.mu.Lock()
	empty := len(m.posts) == 0
	m.mu.Unlock()
	return empty
}

// awake says that the loop waits no more.
func (m *mailbox) awake() { m.asleep.Store(false) }

// take returns the posts. The slice is the caller's, to be cleared, until the
// next take.
func (m *mailbox) take() []post {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.posts) == 0 {
		return nil
	}
	taken := m.posts
	m.posts, m.spare = m.spare[:0], taken
	return taken
}
