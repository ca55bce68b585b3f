package bench

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"quarry/tests/harness"
)

// memoryBeside measures what keys take, by the growth of what the server accounts for and
// of its process, each kind of key in servers of its own.
func (s settings) memoryBeside(t *testing.T) {
	list := &table{{"keys", "used_memory, Quarry:", "Redis:", "ratio:", "RSS, Quarry:", "Redis:", "ratio:", "target:"}}
	source := ""
	for _, p := range newPopulations(s.rows).beside() {
		t.Run(p.name, func(t *testing.T) {
			peers := startPeers(t)
			source = machine(t, peers[:]...)
			var used, resident [2]float64
			for i, on := range peers {
				used[i], resident[i] = growth(t, on, p)
			}
			list.add(p.title(), decimal(used[0], 1), decimal(used[1], 1), decimal(used[0]/used[1], 2),
				decimal(resident[0], 1), decimal(resident[1], 1), decimal(resident[0]/resident[1], 2), "1")
		})
	}
	publish(t, fmt.Sprintf("Bytes a key, as the server accounts for them and as its process grows.\n%s\n\n%s", source, list))
}

// growth fills an empty server with p and returns by how many bytes a key its used_memory
// and its resident set have grown.
func growth(t *testing.T, on *peer, p *population) (used, resident float64) {
	t.Helper()
	c := on.Dial(t)
	usedBefore, residentBefore := info(t, c, "memory", "used_memory"), harness.RSS(t, on.Pid())
	p.fill(t, on)
	return float64(info(t, c, "memory", "used_memory")-usedBefore) / float64(p.keys),
		float64(harness.RSS(t, on.Pid())-residentBefore) / float64(p.keys)
}

const channel = "news"

// publishers is how many connections publish.
const publishers = 4

// publishing measures deliveries per server-CPU-second.
func (s settings) publishing(t *testing.T) {
	peers := startPeers(t)
	list := table{{"messages", "pipeline:", "Quarry:", "Redis:", "ratio:", "of rounds:", "target:"}}
	for _, depth := range s.pipelines {
		var p pair
		for round := range s.rounds {
			for turn := range peers {
				i := (round + turn) % len(peers)
				p[i] = append(p[i], s.deliver(t, peers[i], depth))
			}
		}
		m := p.medians(closedResult.perCPUSecond)
		least, greatest := p.ratios()
		list.add("PUBLISH to "+thousands(float64(s.subscribers)), strconv.Itoa(depth), thousands(m[0]), thousands(m[1]),
			decimal(m[0]/m[1], 2), decimal(least, 2)+" to "+decimal(greatest, 2), "1.5")
	}
	publish(t, fmt.Sprintf("Messages delivered per server-CPU-second, %d publishers, medians of %d rounds of %v.\n%s\n\n%s",
		publishers, s.rounds, s.duration, machine(t, peers[:]...), list))
}

// deliver lets publishers send messages of 16 bytes, depth at once, and waits until every
// subscriber has all of them; what it calls requests are deliveries.
func (s settings) deliver(t *testing.T, on *peer, depth int) closedResult {
	t.Helper()
	subscribed := subscribe(t, on, s.subscribers)
	var lanes []*lane
	for i := range publishers {
		g := &generator{random: newRandom(uint64(i))}
		l, err := dialLane(on, func(dst []byte) []byte {
			return g.appendText(append(dst, "*3\r\n$7\r\nPUBLISH\r\n$4\r\n"+channel+"\r\n"...))
		})
		if err != nil {
			t.Fatal(err)
		}
		defer l.conn.Close()
		lanes = append(lanes, l)
	}
	ended := make(chan error, len(lanes)+len(subscribed))
	for _, l := range subscribed {
		go func() { ended <- l.drain() }()
	}
	cpu, start := on.cpuTime(t), time.Now()
	repeated := make(chan error, len(lanes))
	for _, l := range lanes {
		go func() { repeated <- l.repeat(depth, start.Add(s.duration)) }()
	}
	var sent, received int64
	for range lanes {
		if err := <-repeated; err != nil {
			t.Fatalf("%s: %v", on.name, err)
		}
	}
	for _, l := range lanes {
		sent += l.sent
		received += l.replies.sum
	}
	if want := sent * int64(s.subscribers); received != want {
		t.Fatalf("%s: PUBLISH counts %d receivers, not %d", on.name, received, want)
	}
	for _, l := range subscribed {
		harness.Eventually(t, "a subscriber has all messages", func() bool { return l.got.Load() == sent+1 }) // one is SUBSCRIBE's
	}
	r := closedResult{requests: received, elapsed: time.Since(start), cpu: on.cpuTime(t) - cpu}
	for _, l := range subscribed {
		l.conn.Close()
	}
	for range subscribed {
		if err := <-ended; err != nil {
			t.Fatalf("%s: %v", on.name, err)
		}
	}
	t.Logf("PUBLISH x %d, %s: %s messages/s, %s deliveries per CPU second", depth, on.name,
		thousands(float64(sent)/r.elapsed.Seconds()), thousands(r.perCPUSecond()))
	return r
}

// subscribe opens connections that listen.
func subscribe(t *testing.T, on *peer, n int) []*lane {
	t.Helper()
	list := make([]*lane, n)
	for i := range list {
		l, err := dialLane(on, func(dst []byte) []byte { return harness.AppendCommand(dst, "SUBSCRIBE", channel) })
		if err != nil {
			t.Fatal(err)
		}
		l.in = make([]byte, 4<<10) // there are many
		if err := l.exchange(1); err != nil {
			t.Fatalf("%s: %v", on.name, err)
		}
		list[i] = l
	}
	return list
}

// drain reads until the connection is closed.
func (l *lane) drain() error {
	for {
		if _, err := l.receive(); err != nil {
			if harness.IsClosed(err) {
				return nil
			}
			return err
		}
	}
}

// expiryRate is how many requests a second there are while keys expire: few, so that
// only what holds a command up shows.
const expiryRate = 2000

// expiry has all strings of a server expire in one millisecond and looks at what clients of
// other keys notice.
func (s settings) expiry(t *testing.T) {
	p, peers := newPopulations(s.rows), startPeers(t)
	var rounds [2][]expiryResult
	for _, on := range peers {
		p.counters.fill(t, on)
	}
	for round := range s.rounds {
		for turn := range peers {
			i := (round + turn) % len(peers)
			rounds[i] = append(rounds[i], s.expireAll(t, peers[i], p))
		}
	}
	list := table{{"server", "before, p99.9:", "longest:", "meanwhile, p99.9:", "longest:", "of rounds:", "sent late:", "all gone after, s:", "target:"}}
	for i, on := range peers {
		of := func(figure func(expiryResult) time.Duration) (values []time.Duration) {
			for _, r := range rounds[i] {
				values = append(values, figure(r))
			}
			return values
		}
		most := of(func(r expiryResult) time.Duration { return r.meanwhile.replied[longest] })
		goal := ""
		if on.name == quarry {
			goal = "2"
		}
		list.add(on.name,
			milliseconds(median(of(func(r expiryResult) time.Duration { return r.before.replied[longest-1] }))),
			milliseconds(median(of(func(r expiryResult) time.Duration { return r.before.replied[longest] }))),
			milliseconds(median(of(func(r expiryResult) time.Duration { return r.meanwhile.replied[longest-1] }))),
			milliseconds(median(most)), milliseconds(slices.Min(most))+" to "+milliseconds(slices.Max(most)),
			milliseconds(median(of(func(r expiryResult) time.Duration { return r.meanwhile.sentLate[longest] }))),
			decimal(median(of(func(r expiryResult) time.Duration { return r.gone })).Seconds(), 2), goal)
	}
	publish(t, fmt.Sprintf("Milliseconds that INCR takes from when it was due, %s a second, before and while %s keys expire at once,\n"+
		"medians of %d rounds, and the longest and how late the sender was of each.\n%s\n\n%s",
		thousands(expiryRate), thousands(float64(s.rows)), s.rounds, machine(t, peers[:]...), list))
}

// expiryResult is what clients noticed before and while keys expired, and after what time all
// of them were gone.
type expiryResult struct {
	before, meanwhile openResult
	gone              time.Duration
}

func (s settings) expireAll(t *testing.T, on *peer, p populations) (r expiryResult) {
	t.Helper()
	work := &workload{name: "incr", command: "incr", on: p.counters, next: (*generator).incr}
	l := load{on, work, s.conns, 1, 3 * s.duration, 1}
	r.before = l.openLoop(t, expiryRate)
	due := s.fillToExpire(t, on, p.strings)
	c := on.Dial(t)
	ended := make(chan struct{})
	var failure error
	go func() {
		defer close(ended)
		r.gone, failure = untilGone(c.Conn, p.counters.keys, due)
	}()
	time.Sleep(time.Until(due.Add(-s.duration / 10)))
	r.meanwhile = l.openLoop(t, expiryRate)
	<-ended
	if failure != nil {
		t.Fatalf("%s: %v", on.name, failure)
	}
	t.Logf("%s: before %v, meanwhile %v, sent late by %v, all gone after %v", on.name, r.before.replied, r.meanwhile.replied, r.meanwhile.sentLate, r.gone)
	return r
}

// fillToExpire makes p on a server and has all of its keys expire at the moment that it returns,
// which is still to come.
func (s settings) fillToExpire(t *testing.T, on *peer, p *population) (due time.Time) {
	t.Helper()
	c := on.Dial(t)
	others := c.Do("DBSIZE").Int
	for patience := 500 * time.Millisecond; ; patience *= 2 {
		start := time.Now()
		p.fill(t, on)
		due = time.Now().Add(2*time.Since(start) + patience).Truncate(time.Millisecond)
		at, key := strconv.FormatInt(due.UnixMilli(), 10), 0
		transfer(t, on, func(dst []byte) []byte {
			dst = harness.AppendCommand(dst, "PEXPIREAT", p.key(key), at)
			key++
			return dst
		}, p.keys)
		if time.Now().Before(due) {
			return due
		}
		harness.Eventually(t, "what was late is gone", func() bool { return c.Do("DBSIZE").Int == others })
	}
}

// untilGone waits until a server has no more than so many keys, and says how long after the moment due that was.
func untilGone(c *harness.Conn, keys int, due time.Time) (time.Duration, error) {
	for {
		v, err := c.Call("DBSIZE")
		switch since := time.Since(due); {
		case err != nil:
			return 0, err
		case v.Int <= int64(keys):
			return since, nil
		case since > patience:
			return 0, errors.New("keys that have expired stay")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
