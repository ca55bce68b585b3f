package vfs

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Mem is a file system in memory that can lose power. It keeps what is durable
// apart from what is not: of a file its content at the last Sync and the
// changes since, of names those at the last SyncDir and the changes since.
type Mem struct {
	mu      sync.Mutex
	names   map[string]*memNode // as they are seen
	durable map[string]*memNode // as SyncDir left them
	pending []nameChange        // between the two, in order
	locks   map[string]bool
	limit   int64 // of all files together; 0: none
	lastID  uint64
	dead    error
}

// memNode is a file or a directory.
type memNode struct {
	id      uint64
	dir     bool
	data    []byte
	room    int64 // preallocated up to here
	synced  []byte
	changes []dataChange // since synced
}

// nameChange is one operation on names: to a node, or nil, for each path. A
// rename has two paths and is kept or lost as one.
type nameChange struct {
	paths []string
	nodes []*memNode
}

// dataChange is a write at an offset, or, without bytes, a new length.
type dataChange struct {
	at    int64
	bytes []byte
}

// NewMem makes an empty file system whose directory "/" is there.
func NewMem() *Mem {
	root := &memNode{id: 1, dir: true}
	return &Mem{names: map[string]*memNode{"/": root}, durable: map[string]*memNode{"/": root}, locks: map[string]bool{}, lastID: 1}
}

// Limit sets how many bytes all files together may have; 0: any number.
func (m *Mem) Limit(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limit = bytes
}

// Die lets every operation from now on fail with err: the process that uses
// this file system is over. Crash can still be called.
func (m *Mem) Die(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = err
}

// Loss is what becomes of what was not synced.
type Loss int

const (
	// LoseNothing is the end of a process: the system has all that was written,
	// and what was not synced can be lost later.
	LoseNothing Loss = iota
	// LoseAll is a loss of power that finds nothing of it on the disk.
	LoseAll
	// LoseSome is a loss of power that finds parts of it there: for each file a
	// beginning of what was written since, zeros in place of some of its
	// sectors; of the changes of names the first few.
	LoseSome
)

// Crash returns the file system as it is found after a crash. r decides what
// LoseSome loses. The file system itself is not changed.
func (m *Mem) Crash(loss Loss, r *rand.Rand) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := NewMem()
	after.limit, after.lastID = m.limit, m.lastID
	copies := map[*memNode]*memNode{}
	if loss == LoseNothing {
		after.names, after.durable = copyNames(m.names, copies, (*memNode).copy), copyNames(m.durable, copies, (*memNode).copy)
		for _, c := range m.pending {
			after.pending = append(after.pending, c.copy(copies))
		}
		return after
	}
	names := maps.Clone(m.durable)
	kept := 0
	if loss == LoseSome {
		kept = r.IntN(len(m.pending) + 1)
	}
	for _, c := range m.pending[:kept] {
		c.apply(names)
	}
	maps.DeleteFunc(names, func(p string, _ *memNode) bool { return !reachable(names, p) })
	after.names = copyNames(names, copies, func(n *memNode) *memNode { return n.after(loss, r) })
	after.durable = maps.Clone(after.names)
	return after
}

// copyNames copies names and what they stand for, each node once, in the order of the names.
func copyNames(names map[string]*memNode, copies map[*memNode]*memNode, copyNode func(*memNode) *memNode) map[string]*memNode {
	all := map[string]*memNode{}
	for _, p := range slices.Sorted(maps.Keys(names)) {
		n := names[p]
		if copies[n] == nil {
			copies[n] = copyNode(n)
		}
		all[p] = copies[n]
	}
	return all
}

func (n *memNode) copy() *memNode {
	c := *n
	c.data, c.synced, c.changes = slices.Clone(n.data), slices.Clone(n.synced), slices.Clone(n.changes)
	return &c
}

func (c *nameChange) copy(copies map[*memNode]*memNode) nameChange {
	to := nameChange{c.paths, make([]*memNode, len(c.nodes))}
	for i, n := range c.nodes {
		if n != nil && copies[n] == nil {
			copies[n] = n.copy()
		}
		if n != nil {
			to.nodes[i] = copies[n]
		}
	}
	return to
}

// reachable reports whether all directories above a path are there.
func reachable(names map[string]*memNode, path string) bool {
	for path != "/" {
		path = filepath.Dir(path)
		if n := names[path]; n == nil || !n.dir {
			return false
		}
	}
	return true
}

func (c *nameChange) apply(names map[string]*memNode) {
	for i, p := range c.paths {
		if c.nodes[i] == nil {
			delete(names, p)
		} else {
			names[p] = c.nodes[i]
		}
	}
}

// after is the node as it is found after a crash.
func (n *memNode) after(loss Loss, r *rand.Rand) *memNode {
	c := &memNode{id: n.id, dir: n.dir, room: n.room}
	data := slices.Clone(n.synced)
	if loss == LoseSome {
		data = n.torn(data, r)
	}
	c.data, c.synced = data, slices.Clone(data)
	return c
}

const sectorBytes = 512

// torn applies a beginning of the changes to data, the last of them in part,
// and leaves out some sectors.
func (n *memNode) torn(data []byte, r *rand.Rand) []byte {
	old := int64(len(data))
	for _, c := range n.changes[:r.IntN(len(n.changes)+1)] {
		data = c.apply(data)
	}
	if extra := int64(len(data)) - old; extra > 0 && r.IntN(2) == 0 {
		data = data[:old+r.Int64N(extra+1)]
	}
	if r.IntN(2) == 0 {
		for at := old; at < int64(len(data)); at = (at/sectorBytes + 1) * sectorBytes {
			if r.IntN(3) == 0 {
				clear(data[at:min(int64(len(data)), (at/sectorBytes+1)*sectorBytes)])
			}
		}
	}
	return data
}

func (c *dataChange) apply(data []byte) []byte {
	if c.bytes == nil {
		return data[:min(c.at, int64(len(data)))]
	}
	for int64(len(data)) < c.at {
		data = append(data, 0)
	}
	return append(data[:c.at], c.bytes...)
}

// Flip changes bits of a file's content, synced or not: damage.
func (m *Mem) Flip(path string, offset int64, mask byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.names[clean(path)]; n != nil && offset < int64(len(n.data)) {
		n.data[offset] ^= mask
	}
}

func clean(path string) string { return filepath.Clean("/" + path) }

func pathError(op, path string, err error) error { return &PathError{Op: op, Path: path, Err: err} }

// look finds a node.
func (m *Mem) look(op, path string) (*memNode, error) {
	if m.dead != nil {
		return nil, pathError(op, path, m.dead)
	}
	if n := m.names[clean(path)]; n != nil {
		return n, nil
	}
	return nil, pathError(op, path, ErrNotExist)
}

// change applies a change of names, not durably.
func (m *Mem) change(c nameChange) {
	c.apply(m.names)
	m.pending = append(m.pending, c)
}

// Open opens a file for reading.
func (m *Mem) Open(path string) (File, error) { return m.open("open", path) }

// Append opens a file that exists.
func (m *Mem) Append(path string) (File, error) { return m.open("append", path) }

func (m *Mem) open(op, path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.look(op, path)
	if err != nil {
		return nil, err
	}
	return &memFile{m: m, n: n, path: path}, nil
}

// Create makes an empty file. One of that name loses its content at once, as with O_TRUNC.
func (m *Mem) Create(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.look("create", filepath.Dir(clean(path))); err != nil {
		return nil, err
	}
	n := m.names[clean(path)]
	if n != nil {
		n.data, n.room = n.data[:0:0], 0
		n.changes = append(n.changes, dataChange{at: 0})
	} else {
		n = m.node(false)
		m.change(nameChange{[]string{clean(path)}, []*memNode{n}})
	}
	return &memFile{m: m, n: n, path: path}, nil
}

func (m *Mem) node(dir bool) *memNode {
	m.lastID++
	return &memNode{id: m.lastID, dir: dir}
}

// Rename gives a file another name.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.look("rename", from)
	if err != nil {
		return err
	}
	if _, err := m.look("rename", filepath.Dir(clean(to))); err != nil {
		return err
	}
	m.change(nameChange{[]string{clean(from), clean(to)}, []*memNode{nil, n}})
	return nil
}

// Remove takes a name away.
func (m *Mem) Remove(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.look("remove", path); err != nil {
		return err
	}
	m.change(nameChange{[]string{clean(path)}, []*memNode{nil}})
	return nil
}

// MkdirAll makes directories.
func (m *Mem) MkdirAll(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead != nil {
		return pathError("mkdir", path, m.dead)
	}
	at := "/"
	for part := range strings.SplitSeq(strings.Trim(clean(path), "/"), "/") {
		at = filepath.Join(at, part)
		if n := m.names[at]; n == nil {
			m.change(nameChange{[]string{at}, []*memNode{m.node(true)}})
		} else if !n.dir {
			return pathError("mkdir", path, syscall.ENOTDIR)
		}
	}
	return nil
}

// List returns the names in a directory.
func (m *Mem) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.look("list", dir); err != nil {
		return nil, err
	}
	var list []string
	for p := range m.names {
		if p != "/" && filepath.Dir(p) == clean(dir) {
			list = append(list, filepath.Base(p))
		}
	}
	slices.Sort(list)
	return list, nil
}

// Stat says what a name stands for.
func (m *Mem) Stat(path string) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.look("stat", path)
	if err != nil {
		return Info{}, err
	}
	return n.info(), nil
}

func (n *memNode) info() Info {
	return Info{SizeBytes: int64(len(n.data)), Dir: n.dir, ID: [2]uint64{0, n.id}}
}

// SyncDir makes durable what happened to the names of a directory.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.look("syncdir", dir); err != nil {
		return err
	}
	var rest []nameChange
	for _, c := range m.pending {
		if slices.ContainsFunc(c.paths, func(p string) bool { return filepath.Dir(p) == clean(dir) }) {
			c.apply(m.durable)
		} else {
			rest = append(rest, c)
		}
	}
	m.pending = rest
	return nil
}

// Lock takes a lock file.
func (m *Mem) Lock(path string) (io.Closer, error) {
	f, err := m.Append(path)
	if errors.Is(err, ErrNotExist) {
		f, err = m.Create(path)
	}
	if err != nil {
		return nil, err
	}
	f.Close() // the lock is kept by name
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[clean(path)] {
		return nil, pathError("lock", path, ErrLocked)
	}
	m.locks[clean(path)] = true
	return &memLock{m, clean(path)}, nil
}

type memLock struct {
	m    *Mem
	path string
}

// Close lets the lock go.
func (l *memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	delete(l.m.locks, l.path)
	return nil
}

// FreeBytes is what the limit leaves.
func (m *Mem) FreeBytes(string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead != nil {
		return 0, m.dead
	}
	if m.limit == 0 {
		return 1 << 40, nil
	}
	return max(0, m.limit-m.used()), nil
}

func (m *Mem) used() (sum int64) {
	for _, n := range m.names {
		sum += n.takes()
	}
	return sum
}

func (n *memNode) takes() int64 { return max(int64(len(n.data)), n.room) }

// grant reports how many of more bytes node may take.
func (m *Mem) grant(n *memNode, upto int64) int64 {
	more := upto - n.takes()
	if m.limit == 0 || more <= 0 {
		return upto
	}
	return min(upto, n.takes()+max(0, m.limit-m.used()))
}

type memFile struct {
	m      *Mem
	n      *memNode
	path   string
	closed bool
}

// use is the beginning of every operation on an open file. m.mu is held.
func (f *memFile) use(op string) error {
	switch {
	case f.m.dead != nil:
		return pathError(op, f.path, f.m.dead)
	case f.closed:
		return pathError(op, f.path, errClosed)
	}
	return nil
}

var errClosed = errors.New("file already closed")

func (f *memFile) ReadAt(p []byte, offset int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.use("read"); err != nil {
		return 0, err
	}
	if offset >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[offset:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Write(p []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.use("write"); err != nil {
		return 0, err
	}
	at := int64(len(f.n.data))
	n := int(f.m.grant(f.n, at+int64(len(p))) - at)
	if n > 0 {
		f.n.data = append(f.n.data, p[:n]...)
		f.n.changes = append(f.n.changes, dataChange{at, slices.Clone(p[:n])})
	}
	if n < len(p) {
		return n, pathError("write", f.path, syscall.ENOSPC)
	}
	return n, nil
}

func (f *memFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return pathError("close", f.path, errClosed)
	}
	f.closed = true
	return nil
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.use("sync"); err != nil {
		return err
	}
	f.n.synced, f.n.changes = slices.Clone(f.n.data), nil
	return nil
}

func (f *memFile) SyncRange(int64, int64, bool) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.use("syncrange")
}

func (f *memFile) Preallocate(offset, length int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.use("preallocate"); err != nil {
		return err
	}
	if f.m.grant(f.n, offset+length) < offset+length {
		return pathError("preallocate", f.path, syscall.ENOSPC)
	}
	f.n.room = max(f.n.room, offset+length)
	return nil
}

func (f *memFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.use("truncate"); err != nil {
		return err
	}
	f.n.room = 0
	if size < int64(len(f.n.data)) {
		f.n.data = f.n.data[:size:size]
		f.n.changes = append(f.n.changes, dataChange{at: size})
	}
	return nil
}

func (f *memFile) Stat() (Info, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.use("stat"); err != nil {
		return Info{}, err
	}
	return f.n.info(), nil
}
