package bench

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"quarry/tests/harness"
)

// TestFields prints the README's tables of fields, which Redis does not have.
func TestFields(t *testing.T) {
	s := newSettings(t)
	f := newFields(s.rows)
	t.Run("filters", func(t *testing.T) { s.compare(t, filterWorkloads(f)) })
	t.Run("rounds", s.games)
	t.Run("crowd", func(t *testing.T) { s.crowd(t, crowdsOfFields(f)) })
	t.Run("memory", func(t *testing.T) { s.memoryOfFields(t, f.plane) })
}

// fieldKind is a field, whose members have one numeric field, and globeKind one with places on the
// globe, which needs to be made first.
var (
	fieldKind = &kind{row: (*generator).huntPutFirst}
	globeKind = &kind{row: (*generator).huntPutFirst, create: "HUNT.CREATE KEY FIELD SPACE GEO"}
)

// sight is how far players look in a plane.
const sight = 256

// planeSide is that of the square that members of a field lie on, in millionths, for so many of them to
// be in sight of somewhere inside.
func planeSide(members, inSight int) int {
	return int(sight * math.Sqrt(math.Pi*float64(members)/float64(inSight)) * millionth)
}

// fieldPopulations are those of fields.
type fieldPopulations struct{ plane, globe *population }

func newFields(rows int) fieldPopulations {
	return fieldPopulations{
		plane: &population{name: "members of a plane", prefix: "plane:", keys: 1, size: rows, member: appendPlayer,
			at: uniform(0, 0, planeSide(rows, 100)), kind: fieldKind, target: 64},
		globe: &population{name: "members of a globe", prefix: "globe:", keys: 1, size: rows, member: appendPlayer,
			at: uniform(westLon, southLat, side(rows)), kind: globeKind},
	}
}

// huntPutFirst adds member n where it is at first, with a level from 0 to 99.
func (g *generator) huntPutFirst(dst []byte, key, n int) []byte {
	dst = g.appendKey(append(dst, "*9\r\n$8\r\nHUNT.PUT\r\n"...), key)
	dst = appendBulkInt(append(dst, "$6\r\nFIELDS\r\n$1\r\n1\r\n$5\r\nlevel\r\n"...), level(n))
	return g.appendMember(g.appendNear(dst, n, 0), n)
}

func level(n int) int { return n % 100 }

// huntMove moves a random member to where it may be from where it is at first, up to jitter millionths away.
func huntMove(jitter int) func(g *generator, dst []byte) []byte {
	return func(g *generator, dst []byte) []byte {
		n := g.place()
		dst = g.appendKey(append(dst, "*5\r\n$8\r\nHUNT.PUT\r\n"...), g.key())
		return g.appendMember(g.appendNear(dst, n, jitter), n)
	}
}

// huntNearest searches for the 10 members nearest to a place up to jitter millionths from a random member,
// with further options.
func huntNearest(jitter int, options ...string) func(g *generator, dst []byte) []byte {
	call := fmt.Appendf(nil, "*%d\r\n$11\r\nHUNT.NEARBY\r\n", 7+len(options))
	end := []byte("$5\r\nCOUNT\r\n$2\r\n10\r\n")
	for _, word := range slices.Backward(options) {
		end = append(appendBulk(nil, []byte(word)), end...)
	}
	return func(g *generator, dst []byte) []byte {
		dst = append(g.appendKey(append(dst, call...), g.key()), "$6\r\nFROMXY\r\n"...)
		return append(g.appendNear(dst, g.place(), jitter), end...)
	}
}

// filterWorkloads are one search that ever fewer members pass the filter of.
func filterWorkloads(f fieldPopulations) []*workload {
	search := func(name, title string, options ...string) *workload {
		return &workload{name: name, title: title, command: "hunt.nearby", on: f.plane, finds: 10, next: huntNearest(100*millionth, options...)}
	}
	return []*workload{
		search("near-field", "nearest 10"),
		search("near-field-50", "nearest 10 of the half that passes a filter", "WHERE", "level", "0", "49"),
		search("near-field-10", "nearest 10 of the 10 % that pass", "WHERE", "level", "0", "9"),
		search("near-field-1", "nearest 10 of the 1 % that pass", "WHERE", "level", "0", "0"),
	}
}

// crowdsOfFields move and search at once.
func crowdsOfFields(f fieldPopulations) []crowd {
	return []crowd{
		{
			"members of a plane",
			&workload{name: "move-plane", title: "HUNT.PUT, moves of some units", command: "hunt.put", on: f.plane, next: huntMove(5 * millionth)},
			&workload{name: "near-plane", title: "nearest 10 within 256 units", command: "hunt.nearby", on: f.plane, finds: 10,
				next: huntNearest(100*millionth, "BYRADIUS", strconv.Itoa(sight))},
		},
		{
			"members of a globe",
			&workload{name: "move-globe", title: "HUNT.PUT, moves of some metres", command: "hunt.put", on: f.globe, next: huntMove(moveJitter)},
			&workload{name: "near-globe", title: "nearest 10 within 1 km", command: "hunt.nearby", on: f.globe, finds: 10,
				next: huntNearest(searchJitter, "BYRADIUS", "1", "KM")},
		},
	}
}

// game is a field with moving players and a hundred things for each of them.
type game struct {
	title   string
	players int
	side    int // of the square that all of it lies on, in millionths
	*population
}

// thingsAPlayer is how many things there are for each player.
const thingsAPlayer = 100

// newGame makes a game that has so many of its things in sight of a place inside, or all of them.
func newGame(players, inSight int) *game {
	things := players * thingsAPlayer
	g := &game{title: fmt.Sprintf("%d of %s things in sight", inSight, thousands(float64(things))), players: players, side: planeSide(things, inSight)}
	if inSight == things {
		// The square in which everything is in sight of its middle.
		g.title, g.side = "all of "+thousands(float64(things))+" things in sight", sight*millionth*14/10
	}
	member := func(dst []byte, n int) []byte {
		if n < players {
			return appendPlayer(dst, n)
		}
		return appendPadded(append(dst, "thing:"...), n, 12)
	}
	g.population = &population{name: "a game", prefix: "game" + strconv.Itoa(inSight) + ":", keys: 1, size: players + things, member: member,
		at: uniform(0, 0, g.side), kind: fieldKind}
	return g
}

// workload is what each client does every round: its player moves and looks for what is near.
func (g *game) workload() *workload {
	return &workload{name: "round", title: g.title, command: "hunt.nearby", on: g.population, replies: 2, finds: 10,
		next: func(of *generator, dst []byte) []byte { return of.round(dst, g.players, g.side) }}
}

// stride is how far a player moves in a round along each axis, at most: 120 units a second.
const stride = 2 * millionth

func (g *generator) round(dst []byte, players, side int) []byte {
	player := g.client % players
	if !g.placed {
		g.x, g.y = g.on.at(player)
		g.placed = true
	}
	g.x = min(max(g.x+g.random.IntN(2*stride+1)-stride, 0), side)
	g.y = min(max(g.y+g.random.IntN(2*stride+1)-stride, 0), side)
	dst = g.appendKey(append(dst, "*5\r\n$8\r\nHUNT.PUT\r\n"...), 0)
	dst = g.appendMember(appendBulkMillionths(appendBulkMillionths(dst, g.x), g.y), player)
	dst = append(g.appendKey(append(dst, "*9\r\n$11\r\nHUNT.NEARBY\r\n"...), 0), "$10\r\nFROMMEMBER\r\n"...)
	dst = g.appendMember(dst, player)
	return append(dst, "$8\r\nBYRADIUS\r\n$3\r\n256\r\n$6\r\nNOSELF\r\n$5\r\nCOUNT\r\n$2\r\n10\r\n"...)
}

// roundsASecond is how often every player moves and looks around.
const roundsASecond = 60

// games measures what players wait for whose game goes on 60 times a second, on a server with one
// loop.
func (s settings) games(t *testing.T) {
	on := startQuarry(t, "--event-loops", "1")
	list := table{{"game", "rounds/s:", "p50:", "p99:", "p99.9:", "max:", "sent late, p99.9:", "search itself, p50:", "p99:", "p99.9:", "target, p50:", "p99:"}}
	for _, inSight := range []int{thingsAPlayer, s.players * thingsAPlayer} {
		g := newGame(s.players, inSight)
		g.fill(t, on)
		var all []openResult
		var own [][]float64
		for round := range s.rounds {
			on.Dial(t).Want("OK", "CONFIG", "RESETSTAT")
			seed := uint64(round)
			all = append(all, openTogether(t, stream{
				load:     load{on, g.workload(), s.players, 1, s.duration, seed},
				requests: newRounds(time.Second/roundsASecond, s.players, seed),
			})[0])
			own = append(own, ownTimes(t, on, "hunt.nearby"))
			t.Logf("%s: %v, sent late by %v, searches themselves %v", g.title, all[round].replied, all[round].sentLate, own[round])
		}
		cells := append([]string{g.title, thousands(float64(s.players * roundsASecond))}, summary(all).cells()...)
		for k := range own[0] {
			var values []float64
			for _, times := range own {
				values = append(values, times[k])
			}
			cells = append(cells, decimal(median(values)/1000, 3))
		}
		list.add(append(cells, "0.05", "1")...)
	}
	publish(t, fmt.Sprintf("Milliseconds from when a round of one of %d players was due, in which it moves and looks for the nearest 10 within %d units, to its\n"+
		"replies, and those that searches take by the server's own clock; %d rounds a second, one loop; medians of %d rounds of %v, the longest of all.\n%s\n\n%s",
		s.players, sight, roundsASecond, s.rounds, s.duration, machine(t, on), list))
}

// ownTimes are p50, p99 and p99.9 of a command's running times as the server has taken them, in µs.
func ownTimes(t *testing.T, on *peer, command string) []float64 {
	t.Helper()
	text := harness.Field(on.Dial(t).Do("INFO", "latencystats").Str, "latency_percentiles_usec_"+command)
	times := make([]float64, 3)
	if _, err := fmt.Sscanf(text, "p50=%g,p99=%g,p99.9=%g", &times[0], &times[1], &times[2]); err != nil {
		t.Fatalf("times of %s: %q: %v", command, text, err)
	}
	return times
}

// memoryOfFields measures what a member takes beside its name.
func (s settings) memoryOfFields(t *testing.T, p *population) {
	on := startQuarry(t)
	empty := harness.RSS(t, on.Pid())
	p.fill(t, on)
	f := measureFootprint(t, on, p, empty)
	name := float64(len(p.member(nil, 0)))
	list := table{{"rows", "MEMORY USAGE:", "beside the name:", "RSS:", "RSS / used_memory:", "target beside the name:"}}
	list.add(p.title()+" with a numeric field", decimal(f.accounted, 1), decimal(f.accounted-name, 1), decimal(f.resident, 1), decimal(f.ratio, 2), target(p.target))
	publish(t, fmt.Sprintf("Bytes a member of a field, whose names have %.0f.\n%s\n\n%s", name, machine(t, on), list))
}

// fieldWorkloads are all that fields are measured with.
func fieldWorkloads(f fieldPopulations) []*workload {
	list := filterWorkloads(f)
	for _, c := range crowdsOfFields(f) {
		list = append(list, c.search, c.move)
	}
	const players = 10
	for _, inSight := range []int{thingsAPlayer, players * thingsAPlayer} {
		list = append(list, newGame(players, inSight).workload())
	}
	return list
}

// What is measured is what it says: searches in fields find the members that are nearest, of those that
// pass the filter, and rounds those around the player.
func TestFieldsAnswerRight(t *testing.T) {
	on := startQuarry(t)
	list := fieldWorkloads(newFields(smallestRows))
	fillFor(t, on, list)
	maps := map[*population]fieldMap{}
	for _, p := range needed(list) {
		maps[p] = newMap(p)
	}
	c := on.Dial(t)
	for _, w := range list {
		g := w.generator(1)
		for range 20 {
			for _, request := range words(t, w.next(g, nil)) {
				maps[w.on].check(t, request, c.Do(request...))
			}
		}
	}
}

// The search without a radius is the one within a radius that holds everything.
func TestNearestIsTheSame(t *testing.T) {
	on := startQuarry(t)
	list := reachWorkloads(newPopulations(smallestRows))
	bounded, free := named(list, "nearest"), named(list, "nearest-hunt")
	bounded.on.fill(t, on)
	c := on.Dial(t)
	a, b := bounded.generator(1), free.generator(1)
	for range 20 {
		one, other := words(t, bounded.next(a, nil))[0], words(t, free.next(b, nil))[0]
		if got, want := c.Do(other...), c.Do(one...); got.String() != want.String() || len(got.Elems) != 10 {
			t.Fatalf("%q: %s; %q: %s", other, got, one, want)
		}
	}
}

// fieldMap knows where all members of a field are.
type fieldMap struct {
	*population
	at map[string]placed
}

type placed struct {
	x, y  float64
	level int
}

func newMap(p *population) fieldMap {
	m := fieldMap{p, map[string]placed{}}
	for n := range p.size {
		x, y := p.at(n)
		m.at[string(p.member(nil, n))] = placed{float64(x) / millionth, float64(y) / millionth, level(n)}
	}
	return m
}

// check compares the reply to a move or a search with what it should be.
func (m fieldMap) check(t *testing.T, request []string, got harness.Value) {
	t.Helper()
	if request[0] == "HUNT.PUT" {
		name := request[4]
		m.at[name] = placed{coordinate(t, request[2]), coordinate(t, request[3]), m.at[name].level}
		if got.String() != "(int) 0" {
			t.Fatalf("%q: %s", request, got)
		}
		return
	}
	want := m.nearest(t, request)
	var names []string
	for _, e := range got.Elems {
		names = append(names, e.Str)
	}
	if !slices.Equal(names, want) {
		t.Fatalf("%q: %s, want %q", request, got, want)
	}
}

// nearest measures the way to every member that a search may find.
func (m fieldMap) nearest(t *testing.T, request []string) (names []string) {
	t.Helper()
	var from placed
	most, self := 100, ""
	if request[2] == "FROMMEMBER" {
		self = request[3]
		from = m.at[self]
	} else {
		from = placed{coordinate(t, request[3]), coordinate(t, request[4]), 0}
	}
	if i := slices.Index(request, "WHERE"); i > 0 {
		most, _ = strconv.Atoi(request[i+3])
	}
	for name, p := range m.at {
		if p.level <= most && name != self {
			names = append(names, name)
		}
	}
	way := func(a placed) float64 { return math.Hypot(a.x-from.x, a.y-from.y) }
	if m.kind == globeKind {
		way = func(a placed) float64 { return haversine(a, from) }
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(way(m.at[a]), way(m.at[b])), strings.Compare(a, b))
	})
	return names[:10]
}

// haversine grows with the distance of two places on the globe.
func haversine(a, b placed) float64 {
	const degree = math.Pi / 180
	u, v := math.Sin((a.y-b.y)*degree/2), math.Sin((a.x-b.x)*degree/2)
	return u*u + math.Cos(a.y*degree)*math.Cos(b.y*degree)*v*v
}

func coordinate(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
