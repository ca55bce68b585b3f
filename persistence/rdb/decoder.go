package rdb

import (
	"errors"
	"math"
	"strconv"

	"quarry/store"
)

var (
	errPairs = errors.New("a name has no value")
	errScore = errors.New("a score is no number")
)

// decoder takes values apart, whatever their form: what comes out is chunks.
type decoder struct {
	reader
	out  *chunk
	pass func() // is called when out is full, and may exchange it
	cur  *part  // the part that is being written, the last of out
}

// begin begins a value.
func (d *decoder) begin(key []byte, e entry) {
	d.out.add(key)
	d.out.parts = append(d.out.parts, part{entry: e, first: true})
	d.cur = &d.out.parts[len(d.out.parts)-1]
}

// end ends it.
func (d *decoder) end() {
	d.cur.last = true
	if d.out.full() {
		d.pass()
	}
}

// split passes the part on that is being written, and begins another of the same value.
func (d *decoder) split() {
	e := d.cur.entry
	d.pass()
	d.out.parts = append(d.out.parts, part{entry: e})
	d.cur = &d.out.parts[len(d.out.parts)-1]
}

// add adds a string to the value. Those that belong together come in pairs.
func (d *decoder) add(b []byte) {
	d.out.add(b)
	d.cur.strings++
}

// ready is called between elements.
func (d *decoder) ready() {
	if d.out.full() {
		d.split()
	}
}

// hint reads the number of elements.
func (d *decoder) hint() uint64 {
	n := d.length()
	d.cur.hint = int(min(n, math.MaxInt32))
	return n
}

// text reads a string that is a value; a long one piece by piece.
func (d *decoder) text() {
	if d.peek() >= encoded {
		d.pieces(d.str())
		return
	}
	for n := d.length(); n > 0 && d.err == nil; {
		k := min(n, chunkBytes)
		d.add(d.take(k))
		d.ready()
		n -= k
	}
}

// pieces adds a string that is all there.
func (d *decoder) pieces(b []byte) {
	for len(b) > 0 {
		n := min(len(b), 4*chunkBytes)
		d.add(b[:n])
		d.ready()
		b = b[n:]
	}
}

// strings reads the elements of a list or set.
func (d *decoder) strings() {
	for n := d.hint(); n > 0 && d.err == nil; n-- {
		d.add(d.str())
		d.ready()
	}
}

// records reads a value of Quarry's own.
func (d *decoder) records() { d.strings() }

// pairs reads a hash.
func (d *decoder) pairs() {
	for n := d.hint(); n > 0 && d.err == nil; n-- {
		d.add(d.str())
		d.add(d.str())
		d.ready()
	}
}

// rows reads a sorted set.
func (d *decoder) rows() {
	for n := d.hint(); n > 0 && d.err == nil; n-- {
		d.add(d.str())
		d.out.scores = append(d.out.scores, math.Float64frombits(d.u64()))
		d.ready()
	}
}

// textRows reads a sorted set with scores in digits, each with its length, or 253, 254 or 255 for NaN and the infinities.
func (d *decoder) textRows() {
	for n := d.hint(); n > 0 && d.err == nil; n-- {
		d.add(d.str())
		score := 0.0
		switch size := d.byte(); size {
		case 253:
			score = math.NaN()
		case 254:
			score = math.Inf(1)
		case 255:
			score = math.Inf(-1)
		default:
			score = d.number(d.take(uint64(size)))
		}
		d.out.scores = append(d.out.scores, score)
		d.ready()
	}
}

// number reads a score's digits.
func (d *decoder) number(b []byte) float64 {
	for _, c := range b {
		if c == '_' || c == 'x' || c == 'X' { // which are Go's
			d.fail(errScore)
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		d.fail(errScore)
	}
	return f
}

// element adds an entry of a packed form: of a sorted set members and scores come by turns.
func (d *decoder) element(v []byte, odd bool) {
	if d.cur.typ == store.TypeZSet && odd {
		d.out.scores = append(d.out.scores, d.number(v))
	} else {
		d.add(v)
	}
	if odd || d.cur.typ == store.TypeSet || d.cur.typ == store.TypeList {
		d.ready()
	}
}

// each adds all that a walker finds in the string that comes next.
func (d *decoder) each(walk func(b []byte, fn func(v []byte) error) error) {
	b := d.str()
	if d.err != nil {
		return
	}
	odd := true
	err := walk(b, func(v []byte) error {
		odd = !odd
		d.element(v, odd)
		return d.err
	})
	switch {
	case err != nil:
		d.fail(err)
	case !odd && (d.cur.typ == store.TypeZSet || d.cur.typ == store.TypeHash):
		d.fail(errPairs)
	}
}

func (d *decoder) ziplist()  { d.each(eachZiplist) }
func (d *decoder) listpack() { d.each(eachListpack) }
func (d *decoder) intset()   { d.each(eachIntset) }
func (d *decoder) zipmap()   { d.each(eachZipmap) }

// quicklist reads a list of ziplists.
func (d *decoder) quicklist() {
	for n := d.length(); n > 0 && d.err == nil; n-- {
		d.ziplist()
	}
}

// quicklist2 reads a list of listpacks, and of elements too long for one.
func (d *decoder) quicklist2() {
	for n := d.length(); n > 0 && d.err == nil; n-- {
		switch form := d.length(); form {
		case quicklistPlain:
			d.add(d.str())
			d.ready()
		case quicklistListpack:
			d.listpack()
		default:
			d.failf("a node of a list has form %d", form)
		}
	}
}
