package bench

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"quarry/tests/harness"
)

// TestPeers prints the README's tables of boards.
func TestPeers(t *testing.T) {
	s := newSettings(t)
	t.Run("speed", func(t *testing.T) { s.speed(t, s.boards) })
	t.Run("latency", func(t *testing.T) { s.latency(t, s.boards) })
	t.Run("memory", func(t *testing.T) { s.memory(t, newPopulations(s.rows).boards()) })
}

// TestBeside prints the README's tables of what lives beside boards.
func TestBeside(t *testing.T) {
	s := newSettings(t)
	t.Run("speed", func(t *testing.T) { s.speed(t, s.beside) })
	t.Run("publish", s.publishing)
	t.Run("memory", s.memoryBeside)
	t.Run("expiry", s.expiry)
}

// fill makes the rows of p on a server that does not have them, and checks that all
// are there.
func (p *population) fill(t *testing.T, on *peer) {
	t.Helper()
	if p.kind.create != "" {
		c := on.Dial(t)
		for n := range p.keys {
			c.Want("OK", forKey(p.kind.create, p.key(n))...)
		}
	}
	next, calls := p.filler(1)
	added := transfer(t, on, next, calls)
	if int(added) != p.rows() {
		t.Fatalf("%s, %s: %d rows of %d", on.name, p.name, added, p.rows())
	}
}

// transfer sends requests over one connection, many at a time, and returns the
// sum of their integer replies.
func transfer(t *testing.T, on *peer, next func(dst []byte) []byte, requests int) int64 {
	t.Helper()
	const depth = 500
	l, err := dialLane(on, next)
	if err != nil {
		t.Fatal(err)
	}
	defer l.conn.Close()
	for requests > 0 {
		n := min(depth, requests)
		if err := l.exchange(n); err != nil {
			t.Fatalf("%s: %v", on.name, err)
		}
		requests -= n
	}
	if l.replies.errors > 0 {
		t.Fatalf("%s: %d errors, the first %q", on.name, l.replies.errors, l.replies.first)
	}
	return l.replies.sum
}

// needed are the populations that workloads need, each once.
func needed(list []*workload) (populations []*population) {
	for _, w := range list {
		for _, p := range append([]*population{w.on}, w.also...) {
			if !slices.Contains(populations, p) {
				populations = append(populations, p)
			}
		}
	}
	return populations
}

func fillFor(t *testing.T, on *peer, list []*workload) {
	t.Helper()
	for _, p := range needed(list) {
		p.fill(t, on)
	}
}

// pair holds what the rounds of a measurement showed, for Quarry and for Redis.
type pair [2][]closedResult

// inTurns measures both servers, round by round, with the same requests. Who
// comes first changes.
func (s settings) inTurns(t *testing.T, peers [2]*peer, w *workload, depth int) (p pair) {
	t.Helper()
	for round := range s.rounds {
		for turn := range peers {
			i := (round + turn) % len(peers)
			p[i] = append(p[i], s.closed(t, peers[i], w, depth, round))
		}
	}
	return p
}

// closed is one measurement of a server.
func (s settings) closed(t *testing.T, on *peer, w *workload, depth, round int) closedResult {
	t.Helper()
	r := load{on, w, s.conns, depth, s.duration, uint64(round)}.closed(t)
	t.Logf("%s x %d, %s: %d connections, %s requests/s, %s per CPU second", w.name, depth, on.name,
		r.conns, thousands(r.perSecond()), thousands(r.perCPUSecond()))
	return r
}

// medians are those of a figure of the results of both.
func (p pair) medians(figure func(closedResult) float64) (m [2]float64) {
	for i, results := range p {
		var values []float64
		for _, r := range results {
			values = append(values, figure(r))
		}
		m[i] = median(values)
	}
	return m
}

// ratios are the least and the greatest of the rounds, in requests per CPU second.
func (p pair) ratios() (least, greatest float64) {
	var list []float64
	for round := range p[0] {
		list = append(list, p[0][round].perCPUSecond()/p[1][round].perCPUSecond())
	}
	return slices.Min(list), slices.Max(list)
}

const noneAsked = "none of the workloads asked for is measured so"

func (s settings) speed(t *testing.T, workloads []*workload) {
	if len(workloads) == 0 {
		t.Log(noneAsked)
		return
	}
	peers := startPeers(t)
	for _, p := range peers {
		fillFor(t, p, workloads)
	}
	list := table{{"request", "pipeline:", "Quarry:", "Redis:", "ratio:", "of rounds:", "target:"}}
	for _, w := range workloads {
		for _, depth := range s.pipelines {
			p := s.inTurns(t, peers, w, depth)
			m := p.medians(closedResult.perCPUSecond)
			least, greatest := p.ratios()
			list.add(w.title, strconv.Itoa(depth), thousands(m[0]), thousands(m[1]), decimal(m[0]/m[1], 2),
				decimal(least, 2)+" to "+decimal(greatest, 2), target(w.targets[depth]))
		}
	}
	publish(t, fmt.Sprintf("Requests per server-CPU-second, %s rows, %s, medians of %d rounds of %v.\n%s\n\n%s",
		thousands(float64(s.rows)), s.connections(workloads), s.rounds, s.duration, machine(t, peers[:]...), list))
}

// connections says how many there are when workloads are measured.
func (s settings) connections(workloads []*workload) string {
	text := strconv.Itoa(s.conns) + " connections"
	if slices.ContainsFunc(workloads, func(w *workload) bool { return w.heavy }) {
		text += " (fewer where a request takes milliseconds)"
	}
	return text
}

// compare measures Quarry alone with workloads on one population, in turns, and says what each costs
// compared with the first.
func (s settings) compare(t *testing.T, workloads []*workload) {
	on := startQuarry(t)
	fillFor(t, on, workloads)
	list := table{{"request", "pipeline:", "per CPU second:", "CPU, µs:", "cost by the first's:", "of rounds:", "target:"}}
	for _, depth := range s.pipelines {
		rounds := make([][]closedResult, len(workloads))
		for round := range s.rounds {
			for turn := range workloads {
				i := (round + turn) % len(workloads)
				rounds[i] = append(rounds[i], s.closed(t, on, workloads[i], depth, round))
			}
		}
		for i, w := range workloads {
			// What the first answers in the time that this one takes for one request.
			p := pair{rounds[0], rounds[i]}
			m := p.medians(closedResult.perCPUSecond)
			least, greatest := p.ratios()
			list.add(w.title, strconv.Itoa(depth), thousands(m[1]), decimal(1e6/m[1], 1), decimal(m[0]/m[1], 2),
				decimal(least, 2)+" to "+decimal(greatest, 2), target(w.limit))
		}
	}
	publish(t, fmt.Sprintf("Quarry's requests per server-CPU-second, %s rows, %s, medians of %d rounds of %v.\n%s\n\n%s",
		thousands(float64(workloads[0].on.rows())), s.connections(workloads), s.rounds, s.duration, machine(t, on), list))
}

// latency measures at half of the capacity: of the slower one for both, and of
// each one's own.
func (s settings) latency(t *testing.T, workloads []*workload) {
	peers := startPeers(t)
	open := slices.DeleteFunc(slices.Clone(workloads), func(w *workload) bool { return !w.open })
	if len(open) == 0 {
		t.Log(noneAsked)
		return
	}
	for _, p := range peers {
		fillFor(t, p, open)
	}
	list := table{{"request", "at half of", "server", "requests/s:", "p50:", "p99:", "p99.9:", "max:", "sent late, p99.9:"}}
	for _, w := range open {
		capacity := s.inTurns(t, peers, w, 1).medians(closedResult.perSecond)
		slower := min(capacity[0], capacity[1]) / 2
		for _, half := range []struct {
			of    string
			rates [2]float64
		}{
			{"the slower's", [2]float64{slower, slower}},
			{"its own", [2]float64{capacity[0] / 2, capacity[1] / 2}},
		} {
			for i, r := range s.openInTurns(t, peers, w, half.rates) {
				list.add(append([]string{w.title, half.of, peers[i].name, thousands(half.rates[i])}, r.cells()...)...)
			}
		}
	}
	publish(t, fmt.Sprintf("Milliseconds from when a request was due to its reply, not pipelined, %s rows, %d connections,\n"+
		"medians of %d rounds of %v, the longest of all.\n%s\n\n%s",
		thousands(float64(s.rows)), s.conns, s.rounds, s.duration, machine(t, peers[:]...), list))
}

// openInTurns measures each server at its rate.
func (s settings) openInTurns(t *testing.T, peers [2]*peer, w *workload, rates [2]float64) (m [2]openResult) {
	t.Helper()
	var rounds [2][]openResult
	for round := range s.rounds {
		for turn := range peers {
			i := (round + turn) % len(peers)
			r := load{peers[i], w, s.conns, 1, s.duration, uint64(round)}.openLoop(t, rates[i])
			if q := r.replied; !slices.IsSorted(q[:]) || q[0] <= 0 {
				t.Fatalf("%s, %s: quantiles out of order: %v", peers[i].name, w.name, q)
			}
			t.Logf("%s, %s at %s requests/s: %v, sent late by %v", w.name, peers[i].name, thousands(rates[i]), r.replied, r.sentLate)
			rounds[i] = append(rounds[i], r)
		}
	}
	for i := range rounds {
		m[i] = summary(rounds[i])
	}
	return m
}

// summary has the median of each quantile over the rounds, and the longest times of all.
func summary(rounds []openResult) openResult {
	var replied, sentLate []quantiles
	for _, r := range rounds {
		replied, sentLate = append(replied, r.replied), append(sentLate, r.sentLate)
	}
	return openResult{medianQuantiles(replied), medianQuantiles(sentLate)}
}

func medianQuantiles(rounds []quantiles) (m quantiles) {
	for k := range m {
		var values []time.Duration
		for _, q := range rounds {
			values = append(values, q[k])
		}
		m[k] = median(values)
		if k == longest {
			m[k] = slices.Max(values)
		}
	}
	return m
}

// cells are all quantiles of the replies, and one that says how far to trust them.
func (r openResult) cells() []string {
	var list []string
	for _, d := range r.replied {
		list = append(list, milliseconds(d))
	}
	return append(list, milliseconds(r.sentLate[longest-1]))
}

// What is measured is the same work: both servers give the same replies to every
// workload and hold the same rows after it.
func TestPeersAnswerAlike(t *testing.T) {
	peers := startPeers(t)
	all := allWorkloads()
	var clients [2]*harness.Client
	for i, p := range peers {
		fillFor(t, p, all)
		clients[i] = p.Dial(t)
	}
	const requests = 200
	for _, w := range all {
		g := w.generator(1)
		for range requests {
			for _, request := range words(t, w.next(g, nil)) {
				mine, theirs := clients[0].Do(request...), clients[1].Do(request...)
				if mine.IsError() || mine.Nil || mine.String() != theirs.String() {
					t.Fatalf("%s: %q: Quarry says %s, Redis %s", w.name, request, mine, theirs)
				}
				if w.finds > 0 && len(mine.Elems) != w.finds {
					t.Fatalf("%s: %q finds %s", w.name, request, mine)
				}
			}
		}
	}
	for _, p := range needed(all) {
		for n := range p.keys {
			mine, theirs := p.dump(clients[0], p.key(n)), p.dump(clients[1], p.key(n))
			if mine.String() != theirs.String() || p.kind.row != nil && len(mine.Elems) != 2*p.size {
				t.Fatalf("%s: Quarry has %s, Redis %s", p.key(n), mine, theirs)
			}
		}
	}
}

func TestSummary(t *testing.T) {
	got := summary([]openResult{
		{quantiles{1, 20, 300, 4000}, quantiles{0, 0, 7, 8}},
		{quantiles{3, 10, 200, 5000}, quantiles{0, 1, 9, 9}},
		{quantiles{2, 30, 100, 6000}, quantiles{1, 2, 3, 4}},
	})
	if want := (openResult{quantiles{2, 20, 200, 6000}, quantiles{0, 1, 7, 9}}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRatios(t *testing.T) {
	second := func(requests int64) closedResult {
		return closedResult{requests: requests, elapsed: 2 * time.Second, cpu: time.Second}
	}
	p := pair{{second(400), second(600), second(500)}, {second(100), second(100), second(250)}}
	if m := p.medians(closedResult.perCPUSecond); m != [2]float64{500, 100} {
		t.Errorf("medians %v", m)
	}
	if m := p.medians(closedResult.perSecond); m != [2]float64{250, 50} {
		t.Errorf("medians of requests a second %v", m)
	}
	if least, greatest := p.ratios(); least != 2 || greatest != 6 {
		t.Errorf("ratios from %v to %v", least, greatest)
	}
}
