package bench

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/tests/harness"
)

// smallestRows is what every population can be made with.
const smallestRows = 1000

// population is data to measure with: keys of equal size whose members have
// the same names in each. Scores are random integers below a million.
type population struct {
	name   string // as it stands in the tables
	prefix string // of the keys; the number of the key follows
	keys   int
	size   int // members of a key
	member func(dst []byte, n int) []byte
	at     func(n int) (x, y int) // where member n is at first, in millionths; nil: nowhere
	kind   *kind
	target float64 // bytes a row that it may take; 0 says nothing
}

// kind is what populations of one type have in common. Either their keys are made by one command
// each, or their rows are.
type kind struct {
	// whole appends the command that makes a key with all its rows and answers how
	// many those are.
	whole func(g *generator, dst []byte, key int) []byte
	// row appends the command that adds member n to a key and answers 1, update one that
	// changes a random member.
	row    func(g *generator, dst []byte, key, n int) []byte
	update func(g *generator, dst []byte) []byte
	// create is the command that makes an empty key KEY, where one is needed.
	create string
	// dump is the command that shows what the key KEY holds.
	dump string
}

var (
	boardKind  = &kind{row: (*generator).appendZadd, update: (*generator).zadd, dump: "ZRANGE KEY 0 -1 WITHSCORES"}
	stringKind = &kind{whole: (*generator).setnx, dump: "GET KEY"}
	hashKind   = &kind{whole: (*generator).hsetAll, dump: "HGETALL KEY"}
	setKind    = &kind{whole: (*generator).saddAll, dump: "SMEMBERS KEY"}
	listKind   = &kind{whole: (*generator).rpushAll, dump: "LRANGE KEY 0 -1"}
)

func (p *population) rows() int { return p.keys * p.size }

func (p *population) appendKey(dst []byte, n int) []byte {
	return appendPadded(append(dst, p.prefix...), n, 7)
}

func (p *population) key(n int) string { return string(p.appendKey(nil, n)) }

// dump asks a server what a key holds. The order of what has none is made the same everywhere.
func (p *population) dump(c *harness.Client, key string) harness.Value {
	v := c.Do(forKey(p.kind.dump, key)...)
	if p.kind == hashKind || p.kind == setKind {
		return v.Sorted()
	}
	return v
}

// forKey are the words of a command for a key in place of KEY.
func forKey(command, key string) []string {
	words := strings.Fields(command)
	words[1] = key
	return words
}

// populations are all there are that Redis has, too.
type populations struct {
	players, random, sizes          *population
	boards10, boards200, boards2000 *population
	// What lives beside boards.
	strings, counters, hashes, names, numbers, lists *population
	// Sorted sets of places.
	places, towns *population
}

// newPopulations makes boards and sets of places of about rows rows each, and as many keys of what lives beside
// boards.
func newPopulations(rows int) populations {
	single := func(name string, member func([]byte, int) []byte, target float64) *population {
		return &population{name: name, prefix: name + ":", keys: 1, size: rows, member: member, kind: boardKind, target: target}
	}
	many := func(size, keys int) *population {
		name := "boards of " + strconv.Itoa(size)
		return &population{name: name, prefix: "board" + strconv.Itoa(size) + ":", keys: keys, size: size, member: appendPlayer, kind: boardKind}
	}
	beside := func(name, prefix string, k *kind, size int, member func([]byte, int) []byte) *population {
		return &population{name: name, prefix: prefix, keys: rows, size: size, member: member, kind: k}
	}
	geo := func(name, prefix string, at func(int) (int, int)) *population {
		return &population{name: name, prefix: prefix, keys: 1, size: rows, member: appendPlayer, at: at, kind: geoKind, target: 36}
	}
	return populations{
		strings:    beside("strings of 16 bytes", "token:", stringKind, 1, appendText),
		counters:   beside("counters", "counter:", stringKind, 1, appendNumber),
		hashes:     beside("hashes of five fields", "profile:", hashKind, 5, appendField),
		names:      beside("sets of ten names", "friends:", setKind, 10, appendPlayer),
		numbers:    beside("sets of ten numbers", "items:", setKind, 10, appendNumber),
		lists:      beside("lists of ten elements", "inbox:", listKind, 10, appendText),
		players:    single("19-byte members", appendPlayer, 36),
		random:     single("random 16-byte members", appendRandom, 50),
		sizes:      single("members of 8 to 512 bytes", appendAnySize, 0),
		boards10:   many(10, rows/10),
		boards200:  many(200, rows/100),
		boards2000: many(2000, rows/1000),
		places:     geo("places", "places:", uniform(westLon, southLat, side(rows))),
		towns:      geo("places in towns", "towns:", clustered(westLon, southLat, side(rows), max(1, rows/2000))),
	}
}

func (p populations) boards() []*population {
	return []*population{p.players, p.random, p.sizes, p.boards10, p.boards200, p.boards2000}
}

func (p populations) beside() []*population {
	return []*population{p.strings, p.counters, p.hashes, p.names, p.numbers, p.lists}
}

// appendPlayer appends player n's name, player:%012d.
func appendPlayer(dst []byte, n int) []byte {
	return appendPadded(append(dst, "player:"...), n, 12)
}

// appendPadded appends n in decimal with at least width digits.
func appendPadded(dst []byte, n, width int) []byte {
	var digits [20]byte
	i := len(digits)
	for ; n > 0 || width > 0; n, width = n/10, width-1 {
		i--
		digits[i] = byte('0' + n%10)
	}
	return append(dst, digits[i:]...)
}

// appendText appends 16 letters and digits; different for every n below 58 million.
func appendText(dst []byte, n int) []byte {
	const fiveDigits = 36 * 36 * 36 * 36
	from := int(mix(uint64(n))>>32) & 511
	return append(strconv.AppendInt(dst, int64(fiveDigits+n), 36), letters[from:from+11]...)
}

// appendNumber appends a number of seven digits.
func appendNumber(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(1_000_000+n), 10) }

// fields are those of a profile.
var fields = [...]string{"name", "level", "guild", "gold", "seen"}

func appendField(dst []byte, n int) []byte { return append(dst, fields[n]...) }

// appendRandom appends 16 bytes that have no pattern; different for every n.
func appendRandom(dst []byte, n int) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, mix(uint64(n)))
	return binary.LittleEndian.AppendUint64(dst, mix(^uint64(n)))
}

// mix is splitmix64's finalizer: one to one, and every bit depends on all.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// letters are what long members are filled with: random, so that nothing gains by
// comparing or compressing them well.
var letters = func() (b [1024]byte) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return b
}()

// appendAnySize appends a member of 8 to 512 bytes: its length is at most
// twice a power of two from 8 to 256, each half as likely as the one before.
func appendAnySize(dst []byte, n int) []byte {
	h := mix(uint64(n))
	length := 8
	for bit := h; bit&1 == 1 && length < 256; bit >>= 1 {
		length *= 2
	}
	length += int(h>>16) & (length - 1)
	start := len(dst)
	dst = append(strconv.AppendInt(dst, int64(n), 36), ':')
	from := int(h>>32) & 511
	return append(dst, letters[from:from+max(0, start+length-len(dst))]...)
}

// filler returns what appends the commands that make p, one a call, and how many there are:
// those of all rows, key by key and member by member, or one for each key. Scores depend on
// seed.
func (p *population) filler(seed uint64) (next func(dst []byte) []byte, calls int) {
	g := newGenerator(p, nil, seed)
	key, n := 0, 0
	if p.kind.whole != nil {
		return func(dst []byte) []byte {
			dst = p.kind.whole(g, dst, key)
			key++
			return dst
		}, p.keys
	}
	return func(dst []byte) []byte {
		dst = p.kind.row(g, dst, key, n)
		if n++; n == p.size {
			key, n = key+1, 0
		}
		return dst
	}, p.rows()
}

func TestMembersDiffer(t *testing.T) {
	const rows = 20_000
	all := newPopulations(rows)
	for _, p := range slices.Concat(all.boards(), all.beside(), all.geo()) {
		seen := map[string]bool{}
		for n := range p.size {
			seen[string(p.member(nil, n))] = true
		}
		if len(seen) != p.size {
			t.Errorf("%s: %d members of %d differ", p.name, len(seen), p.size)
		}
	}
}

func TestMemberLengths(t *testing.T) {
	if got := string(appendPlayer(nil, 42)); got != "player:000000000042" {
		t.Errorf("player 42 is %q", got)
	}
	if got := len(appendRandom(nil, 7)); got != 16 {
		t.Errorf("a random member has %d bytes", got)
	}
	shortest, longest, sum := 1<<30, 0, 0
	const members = 20_000
	for n := range members {
		l := len(appendAnySize(nil, n))
		shortest, longest, sum = min(shortest, l), max(longest, l), sum+l
	}
	if mean := sum / members; shortest != 8 || longest < 400 || longest > 512 || mean < 20 || mean > 60 {
		t.Errorf("members of any size have %d to %d bytes, %d on average", shortest, longest, mean)
	}
}

func TestFillerMakesEveryRow(t *testing.T) {
	p := &population{prefix: "b:", keys: 2, size: 2, member: appendPlayer, kind: boardKind}
	next, calls := p.filler(1)
	if calls != 4 {
		t.Errorf("%d calls", calls)
	}
	for _, want := range [][2]string{
		{"b:0000000", "player:000000000000"}, {"b:0000000", "player:000000000001"},
		{"b:0000001", "player:000000000000"}, {"b:0000001", "player:000000000001"},
	} {
		request := words(t, next(nil))[0]
		if request[0] != "ZADD" || request[1] != want[0] || request[3] != want[1] {
			t.Errorf("got %q, want ZADD %s <score> %s", request, want[0], want[1])
		}
	}
}
