package crash

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quarry/tests/harness"
)

// trial is a data directory, the server that has it now, and who writes to it.
type trial struct {
	*testing.T
	random  *rand.Rand
	args    []string // directives of the server
	dir     string
	server  *harness.Process
	writers []*writer
	handoff handoff
	seen    []atomic.Int64 // the greatest value of each writer's counter that anyone has read
}

const (
	writers = 12
	ballast = 20_000 // rows that nobody changes, so that saving and loading take their time
)

func newTrial(t *testing.T, seed uint64, kinds []string, args ...string) *trial {
	t.Helper()
	tr := &trial{T: t, random: rand.New(rand.NewPCG(seed, 1)), args: args, dir: t.TempDir(), seen: make([]atomic.Int64, writers)}
	reference := harness.Start(t, harness.Options{Args: []string{"--appendonly", "no", "--save", ""}})
	for i := range writers {
		w := &writer{maker: maker{rand.New(rand.NewPCG(seed, uint64(i))), fmt.Sprintf("w%d:", i), kinds}, db: i % 3}
		w.reference = reference.Dial(t).Conn
		if err := w.selectDB(w.reference); err != nil {
			t.Fatal(err)
		}
		tr.writers = append(tr.writers, w)
	}
	tr.start()
	tr.addBallast()
	return tr
}

// ballastDB is where nobody writes.
const ballastDB = "9"

func (tr *trial) addBallast() {
	c := tr.server.Dial(tr)
	defer c.Close()
	c.Want("OK", "SELECT", ballastDB)
	for i := 0; i < ballast; {
		call := []string{"ZADD", "ballast"}
		for range 1000 {
			call = append(call, strconv.Itoa(i*7%ballast), fmt.Sprintf("row:%07d", i))
			i++
		}
		c.Do(call...)
	}
}

// start starts the server; it has loaded its data when that returns.
func (tr *trial) start() {
	tr.Helper()
	tr.server = harness.StartBinary(tr, append([]string{"--dir", tr.dir}, tr.args...)...)
	tr.ready()
}

// ready waits until the server has loaded its data.
func (tr *trial) ready() {
	tr.Helper()
	c := tr.server.Dial(tr)
	defer c.Close()
	harness.Eventually(tr, "the server has loaded its data", func() bool { return c.Do("PING").Str == "PONG" })
}

// kill ends the server as a crash would.
func (tr *trial) kill() {
	tr.Helper()
	if err := tr.server.Signal(os.Kill); err != nil {
		tr.Fatal(err)
	}
	tr.server.Wait(tr)
}

// load lets the writers and readers work while do runs, which is to end with the server killed, or
// all writers told to pause.
func (tr *trial) load(do func()) {
	tr.Helper()
	var group sync.WaitGroup
	failures := make(chan error, len(tr.writers)+readers)
	for _, w := range tr.writers {
		w.pause.Store(false)
		group.Go(func() {
			if err := w.work(tr.server.Addr); err != nil {
				failures <- err
			}
		})
	}
	if h := &tr.handoff; h.connect(tr.server.Addr) {
		giver, taker := h.conns[0], h.conns[1]
		group.Go(func() { h.give(giver) })
		group.Go(func() { h.take(taker) })
	}
	stop := make(chan struct{})
	for range readers {
		seed := tr.random.Uint64()
		group.Go(func() { tr.watch(tr.server.Addr, rand.New(rand.NewPCG(seed, 2)), stop) })
	}
	harness.Eventually(tr, "a writer is answered", func() bool {
		return slices.ContainsFunc(tr.writers, func(w *writer) bool { return w.grown.Load() > 0 })
	})
	do()
	close(stop)
	tr.handoff.close()
	group.Wait()
	close(failures)
	for err := range failures {
		tr.Error(err)
	}
	if tr.Failed() {
		tr.FailNow()
	}
}

// rest has the writers end after their next answers.
func (tr *trial) rest() {
	for _, w := range tr.writers {
		w.pause.Store(true)
	}
}

// readers is how many connections watch the counters.
const readers = 2

// watch reads counters until the server ends, and notes the greatest values.
func (tr *trial) watch(addr string, random *rand.Rand, stop chan struct{}) {
	c, err := harness.DialConn(addr)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		select {
		case <-stop:
			return
		default:
		}
		i := random.IntN(len(tr.writers))
		w := tr.writers[i]
		if err := c.SendRaw(harness.AppendCommand(harness.AppendCommand(nil, "SELECT", strconv.Itoa(w.db)), "GET", w.prefix+kindCounter)); err != nil {
			return
		}
		if _, err := c.Receive(); err != nil {
			return
		}
		v, err := c.Receive()
		if err != nil {
			return
		}
		if n, err := strconv.ParseInt(v.Str, 10, 64); err == nil {
			greatest(&tr.seen[i], n)
		}
	}
}

func greatest(a *atomic.Int64, n int64) {
	for old := a.Load(); n > old; old = a.Load() {
		if a.CompareAndSwap(old, n) {
			return
		}
	}
}

// look compares everything with what it may be.
func (tr *trial) look() {
	tr.Helper()
	tr.lookAt(tr.server)
}

func (tr *trial) lookAt(server *harness.Process) {
	tr.Helper()
	c := server.Dial(tr)
	defer c.Close()
	for i, w := range tr.writers {
		if err := w.look(c.Conn); err != nil {
			tr.Error(err)
			continue
		}
		// With everysec a value may be read before the change is in the file, as long as its writer has no reply.
		if !slices.Contains(tr.args, "always") {
			tr.seen[i].Store(0)
		}
		if n, _ := strconv.ParseInt(c.Do("GET", w.prefix+kindCounter).Str, 10, 64); n < tr.seen[i].Load() {
			tr.Errorf("%s counts %d, and %d was read before", w.prefix, n, tr.seen[i].Load())
		}
	}
	if err := tr.handoff.look(c.Conn); err != nil {
		tr.Errorf("handed over: %v", err)
	}
	tr.lookAtSizes(c)
	if tr.Failed() {
		tr.Logf("the server says:\n%.4000s", server.Output())
		tr.FailNow()
	}
}

// lookAtSizes compares how many keys there are, of which the writers may not know, and the ballast.
func (tr *trial) lookAtSizes(c *harness.Client) {
	for db := range 3 {
		c.Want("OK", "SELECT", strconv.Itoa(db))
		for _, w := range tr.writers {
			if w.db != db {
				continue
			}
			want, err := w.reference.Call("DBSIZE")
			if err != nil {
				tr.Fatal(err)
			}
			// Not DBSIZE, which may count what has expired.
			if got := c.Do("KEYS", "*").Strings(); len(got) != int(want.Int) {
				tr.Errorf("database %d has %d keys, %d are known: %.500s", db, len(got), want.Int, strings.Join(got, " "))
			}
			break
		}
	}
	c.Want("OK", "SELECT", ballastDB)
	if n := c.Do("ZCARD", "ballast"); n.Int != ballast {
		tr.Errorf("the ballast has %s rows", n)
	}
	c.Want("(int) 1", "DBSIZE") // nothing else was ever there
}

// moment is a random time up to most, short ones as likely as long ones.
func (tr *trial) moment(most time.Duration) time.Duration {
	const least = 50 * time.Microsecond
	return time.Duration(float64(least) * math.Pow(float64(most)/float64(least), tr.random.Float64()))
}
