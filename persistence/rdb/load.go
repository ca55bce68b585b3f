package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"sync/atomic"

	"quarry/store"
)

// LoadOptions say how a file is loaded.
type LoadOptions struct {
	// NowMS is the time: that by which uses of keys are noted, and before which keys have expired. These are left out, unless the
	// file is the base of a log, whose commands count on them; 0: none has.
	NowMS int64
	// Size is the size of the file, 0 if it is not known: then a length that is a lie is noticed later.
	Size int64
	// Workers is how many goroutines build what another one reads, 1 at least.
	Workers int
	// Log is told of what is left out; nil: nobody is.
	Log *slog.Logger
}

// Stats is what has been loaded.
type Stats struct {
	Keys    int64
	Expired int64 // keys that were left out, their time being over
	Empty   int64 // keys that were left out since they had no elements
	Skipped int64 // libraries of functions, and what modules say of themselves: left out
	Version int
	AOFBase bool // the file says that it is the base of a log
}

// queued is how many chunks wait for a builder.
const queued = 4

// loader reads a file on the caller's goroutine and has it built by others, by shard.
type loader struct {
	decoder
	o       LoadOptions
	s       *store.Store
	stats   Stats
	db      int
	valkey  bool
	noSum   bool
	entry   entry  // the key that comes next
	said    bool   // something is said of it
	name    []byte // the key
	workers []*worker
	trash   chunk
	free    chan *chunk
	broken  atomic.Bool
	done    sync.WaitGroup
}

// worker builds the keys of some shards.
type worker struct {
	builder
	filling *chunk
	pass    func() // the decoder's
	queue   chan *chunk
	err     error
	empty   int64
}

// Load fills an empty store with what a file says. Nobody else uses the store meanwhile, but for figures that take no lock. After an
// error, an *Error if it is the file's, the store holds a part. A reader with a method End(offset int64), as that of a log's base, is
// told where the file ends, and may have more; nothing may follow with others.
func Load(r io.Reader, s *store.Store, o LoadOptions) (Stats, error) {
	l := newLoader(r, s, o)
	defer l.stop()
	err := l.file()
	if err == nil {
		for _, w := range l.workers {
			l.send(w)
		}
	}
	l.stop()
	for _, w := range l.workers {
		l.stats.Keys += w.keys
		l.stats.Empty += w.empty
		if w.err != nil && (err == nil || errors.Is(err, errBroken)) {
			err = w.err
		}
	}
	return l.stats, err
}

// Check reads a file as Load does, and builds nothing: the form of all that is in it, and its checksum.
func Check(r io.Reader, o LoadOptions) (Stats, error) {
	l := newReader(r, nil, o)
	err := l.file()
	return l.stats, err
}

// newReader makes a loader that has nobody build anything.
func newReader(r io.Reader, s *store.Store, o LoadOptions) *loader {
	l := &loader{o: o, s: s}
	l.src, l.buf, l.left = r, make([]byte, readSize), math.MaxInt64
	if o.Size > 0 {
		l.left = o.Size
	}
	return l
}

func newLoader(r io.Reader, s *store.Store, o LoadOptions) *loader {
	l := newReader(r, s, o)
	n := max(1, min(o.Workers, s.Shards()))
	l.free = make(chan *chunk, n*(queued+2))
	for range n {
		w := &worker{queue: make(chan *chunk, queued), filling: new(chunk)}
		w.builder = builder{s: s, d: s.NewDB(), maker: s.NewMaker(), loading: true, nowMS: o.NowMS}
		w.maker.DeferTimes()
		w.skip = func(key []byte) {
			w.empty++
			l.warn("a key without elements is left out", slog.String("key", fmt.Sprintf("%.128q", key)))
		}
		w.pass = func() {
			l.send(w)
			l.out = w.filling
			if l.broken.Load() {
				l.fail(errBroken)
			}
		}
		l.workers = append(l.workers, w)
		l.done.Add(1)
		go l.build(w)
	}
	return l
}

func (l *loader) warn(what string, args ...any) {
	if l.o.Log != nil {
		l.o.Log.Warn(what, args...)
	}
}

// build is the goroutine of a worker. After an error it takes chunks and does nothing.
func (l *loader) build(w *worker) {
	defer l.done.Done()
	for c := range w.queue {
		if w.err == nil {
			if w.err = w.apply(c); w.err != nil {
				l.broken.Store(true)
			}
		}
		c.reset()
		select {
		case l.free <- c:
		default:
		}
	}
	w.discard()
	w.maker.FinishTimes()
}

// send hands a worker the chunk that was filled for it.
func (l *loader) send(w *worker) {
	if len(w.filling.parts) == 0 {
		return
	}
	w.queue <- w.filling
	select {
	case w.filling = <-l.free:
	default:
		w.filling = new(chunk)
	}
}

// stop ends the workers.
func (l *loader) stop() {
	for _, w := range l.workers {
		if w.queue != nil {
			close(w.queue)
		}
	}
	l.done.Wait()
	for _, w := range l.workers {
		w.queue = nil
	}
}

// errBroken stands for the error of a worker.
var errBroken = errors.New("building failed")

// file reads all of it.
func (l *loader) file() error {
	l.head()
	for l.err == nil && l.item() {
		if l.broken.Load() {
			return errBroken
		}
	}
	if l.err == nil {
		l.tail()
	}
	if l.err != nil {
		return l.problem()
	}
	return nil
}

// problem is the error with its place.
func (l *loader) problem() error {
	var e *Error
	if errors.As(l.err, &e) {
		return e
	}
	return &Error{Offset: l.offset(), Err: l.err}
}

// head reads magic and version.
func (l *loader) head() {
	b := l.take(headSize)
	if b == nil {
		return
	}
	digits, isMagic := b[len(magic):], string(b[:len(magic)]) == magic
	if string(b[:len(valkeyMagic)]) == valkeyMagic {
		digits, isMagic, l.valkey = b[len(valkeyMagic):], true, true
	}
	if !isMagic {
		l.failf("this is no RDB file: it begins with %q", b)
		return
	}
	v, err := strconv.ParseUint(string(digits), 10, 16)
	if err != nil || !readable(int(v), l.valkey) {
		l.failf("version %q of the format is not known", digits)
		return
	}
	l.stats.Version = int(v)
	l.noSum = v < checksumSince
}

// readable reports whether a version can be read.
func readable(v int, valkey bool) bool {
	if valkey {
		return v >= oldestValkey && v <= newestValkey
	}
	return v >= 1 && v <= newestRedis
}

// item reads what comes next, and reports false at the end.
func (l *loader) item() bool {
	if !l.said {
		l.entry = entry{db: l.db, using: store.UsedNow(), offset: l.offset()}
	}
	code := l.byte()
	switch code {
	case codeEnd:
		return false
	case codeSelectDB:
		n := l.length()
		if l.s != nil && n >= uint64(l.s.Databases()) {
			l.failf("database %d, and there are only %d", n, l.s.Databases())
		}
		l.db, l.entry.db = int(n), int(n)
	case codeExpireSec:
		l.expireAt(int64(int32(l.u32())) * 1000)
	case codeExpireMS:
		l.expireAt(int64(l.u64()))
	case codeIdle:
		l.said = true
		l.entry.using.IdleSec = int64(min(l.length(), math.MaxInt64))
	case codeFreq:
		l.said = true
		l.entry.using.Freq = int(l.byte())
	case codeAux:
		l.aux()
	case codeResizeDB:
		l.length()
		l.length()
	case codeSlotInfo:
		l.length()
		l.length()
		l.length()
	case codeFunction:
		l.str()
		l.stats.Skipped++
		l.warn("a library of functions is left out")
	case codeFunctionOld:
		l.fail(errors.New("functions in the form of a release candidate of Redis 7.0"))
	case codeModuleAux:
		l.moduleAux()
	default:
		l.key(code)
	}
	return l.err == nil
}

// expireAt notes when the next key expires; a time before all times, which is not 0, for who says that it expired before.
func (l *loader) expireAt(ms int64) { l.entry.expireAt, l.said = max(ms, 1), true }

// aux reads a field that says something about the file.
func (l *loader) aux() {
	name := string(l.str())
	value := string(l.str())
	if name == auxBase || name == auxBaseOld {
		l.stats.AOFBase = l.stats.AOFBase || value == "1"
	}
}

// moduleAux skips what a module says: its name, then values with their kinds.
func (l *loader) moduleAux() {
	l.length()
	for l.err == nil {
		switch kind := l.length(); kind {
		case moduleEnd:
			l.stats.Skipped++
			l.warn("what a module has saved is left out")
			return
		case moduleInt, moduleUint:
			l.length()
		case moduleFloat:
			l.take(4)
		case moduleDouble:
			l.take(8)
		case moduleString:
			l.str()
		default:
			l.failf("a module's value of kind %d", kind)
		}
	}
}

// key reads a key and its value.
func (l *loader) key(code byte) {
	l.name = append(l.name[:0], l.str()...)
	key := l.name
	if l.err != nil {
		return
	}
	form, ok := layoutOf(code)
	if !ok {
		l.err = &Error{l.entry.offset, key, fmt.Errorf("%s (type %d)", refusal(code), code)}
		return
	}
	l.entry.typ = form.typ
	l.direct(key)
	l.begin(key, l.entry)
	form.read(&l.decoder)
	if l.err != nil {
		l.err = &Error{l.offset(), key, l.err}
		return
	}
	l.end()
	l.said = false
}

// direct has the key go to who builds it, or nowhere, if its time is over.
func (l *loader) direct(key []byte) {
	at := l.entry.expireAt
	if l.s == nil {
		l.stats.Keys++
		l.out, l.pass = &l.trash, l.trash.reset
		l.trash.reset()
		return
	}
	if at != 0 && at < l.o.NowMS && !l.stats.AOFBase {
		l.stats.Expired++
		l.out, l.pass = &l.trash, l.trash.reset
		l.trash.reset()
		return
	}
	w := l.workers[l.s.ShardOf(key)%len(l.workers)]
	l.out, l.pass = w.filling, w.pass
}

// tail reads what follows the end: the checksum, and nothing.
func (l *loader) tail() {
	if !l.noSum {
		sum := l.checksum()
		if b := l.take(8); b != nil {
			if want := binary.LittleEndian.Uint64(b); want != 0 && want != sum {
				l.failf("the checksum is %#x, of what is there %#x", want, sum)
			}
		}
	}
	if l.err != nil {
		return
	}
	if more, ok := l.src.(interface{ End(offset int64) }); ok {
		more.End(l.offset()) // commands may follow
		return
	}
	if l.r < l.w || l.fill(1) {
		l.fail(errors.New("something follows the end"))
	} else if l.err == errShort {
		l.err = nil
	}
}
