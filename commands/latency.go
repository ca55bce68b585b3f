package commands

import (
	"fmt"
	"strings"
)

var latencyCommands = []Spec{
	{
		Name: "LATENCY", Group: ServerGroup, Since: "2.8.13",
		Summary: "Looks at what held clients up, and at how long commands take", Complexity: "Depends on the subcommand",
		Arity: -2,
		Subs: []Spec{
			{
				Name: "DOCTOR", Group: ServerGroup, Since: "2.8.13",
				Summary: "Reports in words on what held clients up", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Tips: latencyTips,
				Run:  latencyDoctor,
			},
			{
				Name: "GRAPH", Group: ServerGroup, Since: "2.8.13",
				Summary: "Draws the spikes of an event in letters", Complexity: "O(1)",
				Arity: 3, Flags: Admin | NoScript | Loading | Stale,
				Tips: latencyTips,
				Args: []Arg{stringArg("event")},
				Run:  latencyGraph,
			},
			{
				Name: "HELP", Group: ServerGroup, Since: "2.8.13",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale,
				Run: help,
			},
			{
				Name: "HISTOGRAM", Group: ServerGroup, Since: "7.0.0",
				Summary:    "Counts the calls of some commands, or of all that were called, by how long they took: for each limit in microseconds those that took no longer",
				Complexity: "O(N) for N commands",
				Arity:      -2, Flags: Admin | NoScript | Loading | Stale,
				Tips: latencyTips,
				Args: []Arg{optional(multiple(stringArg("command")))},
				Run:  latencyHistogram,
			},
			{
				Name: "HISTORY", Group: ServerGroup, Since: "2.8.13",
				Summary: "Lists the spikes of an event, the highest of each second: Unix time and milliseconds", Complexity: "O(1)",
				Arity: 3, Flags: Admin | NoScript | Loading | Stale,
				Tips: latencyTips,
				Args: []Arg{stringArg("event")},
				Run:  latencyHistory,
			},
			{
				Name: "LATEST", Group: ServerGroup, Since: "2.8.13",
				Summary: "Lists the events with their last spike, Unix time and milliseconds, and their highest", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Tips: latencyTips,
				Run:  latencyLatest,
			},
			{
				Name: "RESET", Group: ServerGroup, Since: "2.8.13",
				Summary: "Forgets the spikes of some events, or of all, and tells of how many", Complexity: "O(1)",
				Arity: -2, Flags: Admin | NoScript | Loading | Stale,
				Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				Args: []Arg{optional(multiple(stringArg("event")))},
				Run:  latencyReset,
			},
		},
	},
}

var latencyTips = []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}

// latencyEvent finds an event by name.
func (c *Ctx) latencyEvent(name []byte) (LatencyEvent, bool) {
	events, _ := c.Host.LatencyEvents()
	for _, e := range events {
		if e.Name == string(name) {
			return e, true
		}
	}
	return LatencyEvent{}, false
}

func latencyLatest(c *Ctx) {
	events, _ := c.Host.LatencyEvents()
	c.Array(len(events))
	for _, e := range events {
		last := e.Samples[len(e.Samples)-1]
		c.Array(4)
		c.Str(e.Name)
		c.Int(last.UnixSec)
		c.Int(last.MS)
		c.Int(e.MaxMS)
	}
}

func latencyHistory(c *Ctx) {
	e, _ := c.latencyEvent(c.Args[2])
	c.Array(len(e.Samples))
	for _, s := range e.Samples {
		c.Array(2)
		c.Int(s.UnixSec)
		c.Int(s.MS)
	}
}

func latencyReset(c *Ctx) {
	var names []string
	for _, arg := range c.Args[2:] {
		names = append(names, string(arg))
	}
	c.Int(int64(c.Host.LatencyReset(names)))
}

// latencyHistogram leaves out commands that there are none of, or that were never called. A container
// stands for its subcommands.
func latencyHistogram(c *Ctx) {
	table := c.Host.Table()
	known := make([]*LatencyTimes, len(table.All())) // a million arguments may name one command
	var called []*Spec
	add := func(spec *Spec) {
		i := spec.Index()
		if known[i] == nil {
			times := c.Host.LatencyTimes(spec)
			known[i] = &times
		}
		if known[i].Calls > 0 {
			called = append(called, spec)
		}
	}
	if len(c.Args) == 2 {
		for _, spec := range table.All() {
			add(spec)
		}
	}
	for _, name := range c.Args[2:] {
		if spec := table.ByName(string(name)); spec != nil {
			add(spec)
			for i := range spec.Subs {
				add(&spec.Subs[i])
			}
		}
	}
	c.Map(len(called))
	for _, spec := range called {
		times := known[spec.Index()]
		c.Str(spec.FullName())
		c.Map(2)
		c.Str("calls")
		c.Int(times.Calls)
		c.Str("histogram_usec")
		c.Map(len(times.Buckets))
		for _, b := range times.Buckets {
			c.Int(b.US)
			c.Int(b.Calls)
		}
	}
}

func latencyGraph(c *Ctx) {
	e, ok := c.latencyEvent(c.Args[2])
	if !ok {
		c.Error("ERR No samples available for event '" + string(cString(c.Args[2])) + "'")
		return
	}
	c.Verbatim("txt", e.graph(c.Host.NowUS()/1e6))
}

// graphRows is how many lines the columns of a graph may take; each is drawn in steps of a third of one.
const graphRows = 4

// graph draws the samples as columns, the highest in all rows and the lowest flat, and under each
// how long ago that was.
func (e *LatencyEvent) graph(now int64) string {
	low, high := e.Samples[0].MS, e.Samples[0].MS
	for _, s := range e.Samples {
		low, high = min(low, s.MS), max(high, s.MS)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n", e.Name, high, low, e.MaxMS)
	b.WriteString(strings.Repeat("-", 80) + "\n")
	for row := graphRows - 1; row >= 0; row-- {
		for _, s := range e.Samples {
			b.WriteByte(graphCell(s.MS-low, max(high-low, 1), row))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	var labels []string
	for _, s := range e.Samples {
		labels = append(labels, ago(now-s.UnixSec))
	}
	for line := 0; ; line++ {
		letters, any := make([]byte, len(labels)), false
		for i, label := range labels {
			letters[i] = ' '
			if line < len(label) {
				letters[i], any = label[line], true
			}
		}
		if !any {
			return b.String()
		}
		b.Write(append(letters, '\n'))
	}
}

// graphCell is what a column of n of most shows in a row, of which 0 is the lowest.
func graphCell(n, most int64, row int) byte {
	const steps = "_o#"
	step := int(float64(n)*graphRows*float64(len(steps))/float64(most)) - row*len(steps)
	switch {
	case step < 0:
		return ' '
	case step < len(steps):
		return steps[step]
	case row == graphRows-1:
		return steps[len(steps)-1]
	}
	return '|'
}

// ago is a time span in one unit.
func ago(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprint(seconds, "s")
	case seconds < 3600:
		return fmt.Sprint(seconds/60, "m")
	case seconds < 24*3600:
		return fmt.Sprint(seconds/3600, "h")
	}
	return fmt.Sprint(seconds/(24*3600), "d")
}

// latencyAdvice is what may be done about the events.
var latencyAdvice = map[string]string{
	"command": "SLOWLOG GET names the commands that took long. What they take grows with their size: " +
		"ask for fewer elements at once (LIMIT, COUNT, SCAN and its kin), and look for large keys with redis-cli --memkeys.",
	"fast-command": "Commands that do little took long, so that something else did: the machine has too little processor time " +
		"or memory (look for swapping and for neighbours), or they waited for a slow command that had the same shard locked.",
	"command-unblocking": "What a blocked client was served took long: pop fewer elements at once.",
	"expire-cycle": "To remove expired keys is done in slices far shorter than a millisecond; that one took longer means " +
		"that the machine did not let it run.",
}

func latencyDoctor(c *Ctx) {
	events, on := c.Host.LatencyEvents()
	var b strings.Builder
	switch {
	case len(events) == 0 && !on:
		b.WriteString("Latency monitoring is off: CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n")
	case len(events) == 0:
		b.WriteString("Nothing has taken as long as latency-monitor-threshold since the monitor was turned on or reset.\n")
	default:
		b.WriteString("There were spikes:\n\n")
		for i := range events {
			fmt.Fprintf(&b, "%d. %s\n", i+1, events[i].report())
		}
		b.WriteString("\nWhat may help:\n\n")
		for i := range events {
			fmt.Fprintf(&b, "- %s: %s\n", events[i].Name, latencyAdvice[events[i].Name])
		}
	}
	c.Verbatim("txt", b.String())
}

// report sums an event's samples up.
func (e *LatencyEvent) report() string {
	n := float64(len(e.Samples))
	var sum, deviation float64
	for _, s := range e.Samples {
		sum += float64(s.MS) / n
	}
	for _, s := range e.Samples {
		deviation += max(float64(s.MS)-sum, sum-float64(s.MS)) / n
	}
	period := float64(e.Samples[len(e.Samples)-1].UnixSec-e.Samples[0].UnixSec) / max(n-1, 1)
	return fmt.Sprintf("%s: %d latency spikes (average %.0fms, mean deviation %.0fms, period %.2f sec). Worst all time event %dms.",
		e.Name, len(e.Samples), sum, deviation, period, e.MaxMS)
}
