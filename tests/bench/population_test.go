package bench

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"testing"
)

// smallestRows is what every population can be made with.
const smallestRows = 1000

// population is data to measure with: boards of equal size whose members have
// the same names in each. Scores are random integers below a million.
type population struct {
	name   string // as it stands in the tables
	prefix string // of the keys; the number of the board follows
	boards int
	size   int // members of a board
	member func(dst []byte, n int) []byte
	target float64 // bytes a row that it may take; 0 says nothing
}

func (p *population) rows() int { return p.boards * p.size }

func (p *population) appendKey(dst []byte, board int) []byte {
	return appendPadded(append(dst, p.prefix...), board, 7)
}

func (p *population) key(board int) string { return string(p.appendKey(nil, board)) }

// populations are all there are.
type populations struct {
	players, random, sizes          *population
	boards10, boards200, boards2000 *population
}

// newPopulations makes those of about rows rows each.
func newPopulations(rows int) populations {
	single := func(name string, member func([]byte, int) []byte, target float64) *population {
		return &population{name: name, prefix: name + ":", boards: 1, size: rows, member: member, target: target}
	}
	many := func(size, boards int) *population {
		name := "boards of " + strconv.Itoa(size)
		return &population{name: name, prefix: "board" + strconv.Itoa(size) + ":", boards: boards, size: size, member: appendPlayer}
	}
	return populations{
		players:    single("19-byte members", appendPlayer, 36),
		random:     single("random 16-byte members", appendRandom, 50),
		sizes:      single("members of 8 to 512 bytes", appendAnySize, 0),
		boards10:   many(10, rows/10),
		boards200:  many(200, rows/100),
		boards2000: many(2000, rows/1000),
	}
}

func (p populations) all() []*population {
	return []*population{p.players, p.random, p.sizes, p.boards10, p.boards200, p.boards2000}
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

// filler returns what appends the ZADDs of all rows of p, one a call, board by
// board and member by member, with scores that depend on seed.
func (p *population) filler(seed uint64) func(dst []byte) []byte {
	g := newGenerator(p, nil, seed)
	board, n := 0, 0
	return func(dst []byte) []byte {
		dst = g.appendZadd(dst, board, n)
		if n++; n == p.size {
			board, n = board+1, 0
		}
		return dst
	}
}

func TestMembersDiffer(t *testing.T) {
	const rows = 20_000
	for _, p := range newPopulations(rows).all() {
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
	p := &population{prefix: "b:", boards: 2, size: 2, member: appendPlayer}
	next := p.filler(1)
	for _, want := range [][2]string{
		{"b:0000000", "player:000000000000"}, {"b:0000000", "player:000000000001"},
		{"b:0000001", "player:000000000000"}, {"b:0000001", "player:000000000001"},
	} {
		request := words(t, next(nil))
		if request[0] != "ZADD" || request[1] != want[0] || request[3] != want[1] {
			t.Errorf("got %q, want ZADD %s <score> %s", request, want[0], want[1])
		}
	}
}
