package zset

import (
	"bytes"
	"errors"
	"math"
	"slices"

	"github.com/tidwall/geoindex"
	"github.com/tidwall/geoindex/child"

	"quarry/store/geo"
	"quarry/store/internal/listpack"
)

// A set whose scores are geohashes, or whose keys are codes of cells (package geo), is a spatial index
// as it stands: a node of its tree holds an interval of codes, an interval of codes lies in at most two small
// rectangles of cells, and a rectangle has a least distance from anywhere. So the search for what
// is nearest needs nothing that is stored for it.
//
// It is best-first and begins at the bottom. The leaf where the place searched from would lie is read first,
// and, until k rows are found, what is nearest in the nodes above it, from the lowest on: that bounds the answer. Of the
// other children of the nodes on the way up to the root, those that may hold anything nearer than the bound are the
// roots of a search by geoindex, whose queue stays short: for ten rows of a million about three nodes are queued and
// three leaves read (BenchmarkNearest). No leaf is read twice.
//
// What is too far is told by integers: the cells that rows within the bound can lie in are
// a box (geo.Gate), computed when the bound has shrunk, which children and rows are compared with
// before any distance is computed. Rows go from their leaf straight into a heap of the k best.

// Space is a metric: what a search asks about cells and rows. A row's value is nil in a set without values.
//
// Rows are ranked by a number that is cheap to compute and grows with the distance but for rounding; the order
// of the answer is that of the distances themselves, and of the members' bytes where they are equal.
type Space interface {
	// Seed is the code of the cell where the search begins.
	Seed() uint64
	// Gate is a box with every cell that a row with a rank of at most bound can lie in.
	Gate(bound float64) geo.Gate
	// Bound is a lower bound of the ranks of rows in the cells x0 to x1 and y0 to y1. Of a single cell
	// of a set without values it is the Rank of its rows.
	Bound(x0, x1, y0, y1 uint32) float64
	// Rank is the row's rank.
	Rank(code uint64, r *Row) float64
	// Slack is how far apart the ranks of two rows, the greater one given, are at most, if their distances
	// are in the other order, or equal.
	Slack(rank float64) float64
	// Distance is the row's distance.
	Distance(code uint64, r *Row) float64
	// Admits reports whether the row may be in the answer. It is asked after the rank, as it may take longer.
	Admits(h *Hit) bool
}

// Hit is a row that a search has found. It is valid as long as the set does not change.
type Hit struct {
	Distance float64 // NaN if it has not been asked for yet (Near.Measure)
	Rank     float64
	Code     uint64
	leaf     uint32
	pos      uint32 // in the leaf; a packed set's: in the listpack
}

// ErrSearchLimit says that a search has read more rows than it may.
var ErrSearchLimit = errors.New("zset: search limit")

// Near searches sets, one at a time. It keeps its buffers: reuse one to allocate nothing that grows with
// the set. The zero Near is ready.
type Near struct {
	set   *Set
	space Space

	k       int
	limit   int // rows that may be read; 0: any number
	visited int
	err     error

	bound   float64 // rows of a greater rank are not in the answer
	slack   float64 // Slack of the greatest rank of the hits
	gate    geo.Gate
	gateFor float64 // the bound that gate was made for; NaN: none
	gateLo  uint64  // the least and the greatest key of rows in the gate
	gateHi  uint64

	hits            []Hit // of Nearest: a heap with the last one first
	hit             Hit   // the row that is looked at
	row             Row   // of a hit in leaf rowLeaf, at rowPos
	rowLeaf, rowPos uint32
	last            []byte // members in comparisons
	other           []byte

	index    *geoindex.Index // of the Near itself
	distance func(_, _ [2]float64, data any, _ bool) float64
	visit    func(_, _ [2]float64, data any, _ float64) bool
	nodes    []node // what geoindex has been given
	roots    []child.Child
}

// node is a child in an inner node, as the search sees it: its rows' keys are from lo to hi.
type node struct {
	lb     float64 // lower bound of their ranks
	turn   float64 // what it is queued by: lb and a trace of place
	place  uint64  // where it is among the nodes of the tree, as turnOf wants it
	lo, hi uint64
	id     uint32
	level  int // 0: a leaf
}

// Nodes with the same bound have their turn in the order of the set, since of rows at the same
// distance the first members are wanted: where many rows are in one cell, the others are not read then. The last bits of the
// bound tell the order: a node's number among its siblings, at most 50, above the numbers of its children.
const (
	placeBits   = 6
	placeLevels = 4 // of all nodes above these the first children of the first children ... are taken for the first

	// Turns are not bounds: what is past the bound by so little may come before what is not.
	turnSlack = 1 + 1e-8
)

// placeOf is the place of child i of a node on a level.
func placeOf(parent uint64, level, i int) uint64 {
	return parent + uint64(i)<<(placeBits*min(level-1, placeLevels-1))
}

func turnOf(lb float64, place uint64) float64 {
	return math.Float64frombits(math.Float64bits(lb) + place)
}

// prefetchNodes is how many nodes are asked for when they are queued. Of more, most are not read soon, or never.
const prefetchNodes = 16

// What a search may leave behind: nodes, hits, and bytes of a member.
const (
	nodesKept  = 1 << 10
	hitsKept   = 1 << 14
	memberKept = 64 << 10
)

// Trim gives back the memory that a search for many rows, or among long members, has taken. Its hits are not valid any longer.
func (n *Near) Trim() {
	if cap(n.hits) > hitsKept {
		n.hits = nil
	}
	if cap(n.nodes) > nodesKept {
		n.nodes, n.roots = nil, nil
	}
	if cap(n.last) > memberKept {
		n.last = nil
	}
	if cap(n.other) > memberKept {
		n.other = nil
	}
}

// begin readies n for a search.
func (n *Near) begin(s *Set, sp Space, k int, bound float64, limit int) {
	n.set, n.space = s, sp
	n.k, n.limit, n.visited, n.err = k, limit, 0, nil
	n.bound, n.slack, n.gateFor = bound, 0, math.NaN()
	n.rowLeaf = 0 // no leaf: block 0 is the header
	n.hits, n.nodes, n.roots = n.hits[:0], n.nodes[:0], n.roots[:0]
	if n.index == nil {
		n.index = geoindex.Wrap(view{n})
		n.distance = func(_, _ [2]float64, data any, _ bool) float64 { return data.(*node).turn }
		n.visit = func(_, _ [2]float64, data any, _ float64) bool { return n.visitLeaf(data.(*node)) }
	}
}

// Nearest finds the k nearest rows of s, of those that have a rank of at most bound and that the
// space admits, the nearest first. It returns ErrSearchLimit if more than limit rows had to be read for that; 0 is
// no limit. The hits are valid until n is used again; not all know their distances (Measure). O(log N) and what lies nearer than the last hit.
func (n *Near) Nearest(s *Set, sp Space, k int, bound float64, limit int) ([]Hit, error) {
	n.begin(s, sp, k, bound, limit)
	switch {
	case k <= 0:
	case s.enc == Packed:
		n.eachPacked(n.offer)
	default:
		n.index.Nearby(n.distance, n.visit)
	}
	if n.err != nil {
		return nil, n.err
	}
	n.order(n.hits)
	return n.hits, nil
}

// view is the set as geoindex sees it: a tree whose items are leaves. Only Children is ever called.
type view struct{ n *Near }

// Children implements geoindex.Interface. The roots are what is left to search after the seed.
func (v view) Children(parent any, reuse []child.Child) []child.Child {
	if parent == nil {
		v.n.roots = v.n.seed(v.n.roots)
		return v.n.roots
	}
	nd := parent.(*node)
	if nd.lb > v.n.bound || v.n.err != nil {
		return reuse
	}
	from := len(v.n.nodes)
	v.n.expand(nd, -1)
	return v.n.enqueue(from, reuse)
}

// The rest of geoindex.Interface: changes and other searches go to the set itself.

func (view) Insert(_, _ [2]float64, _ any) { panic("zset: a view is only searched") }
func (view) Delete(_, _ [2]float64, _ any) { panic("zset: a view is only searched") }
func (view) Replace(_, _ [2]float64, _ any, _, _ [2]float64, _ any) {
	panic("zset: a view is only searched")
}
func (view) Search(_, _ [2]float64, _ func(_, _ [2]float64, _ any) bool) {
	panic("zset: a view is only searched")
}
func (view) Scan(func(_, _ [2]float64, _ any) bool) { panic("zset: a view is only searched") }
func (view) Bounds() (_, _ [2]float64)              { panic("zset: a view is only searched") }

// Len implements geoindex.Interface.
func (v view) Len() int { return v.n.set.Len() }

// enqueue hands the nodes from number from on, those that may still hold anything, to geoindex.
func (n *Near) enqueue(from int, to []child.Child) []child.Child {
	soon := len(n.nodes)-from <= prefetchNodes
	for i := from; i < len(n.nodes); i++ {
		if nd := &n.nodes[i]; nd.lb <= n.bound {
			if soon {
				n.set.t.r(nd.id).Prefetch(prefetchLines)
			}
			to = append(to, child.Child{Data: nd, Item: nd.level == 0})
		}
	}
	return to
}

// seed reads the leaf where the search begins and returns what else may hold a part of the answer.
func (n *Near) seed(roots []child.Child) []child.Child {
	t := &n.set.t
	var path [maxHeight + 1]node
	path[t.height] = node{hi: math.MaxUint64, id: t.root, level: t.height}
	key := t.keyOfCode(n.space.Seed())
	for h := t.height; h > 0; h-- {
		up := &path[h]
		p := t.innerR(up.id)
		p.Prefetch(prefetchLines) // expand reads it all
		i := t.seek(p, key, nil)
		t.at[h] = i
		lo, hi := p.childKeys(i, up.lo, up.hi)
		path[h-1] = node{place: placeOf(up.place, h, i), lo: lo, hi: hi, id: p.child(i), level: h - 1}
	}
	t.r(path[0].id).Prefetch(prefetchLines)
	n.scanSeed(path[0].id, key)
	for h := 1; h <= t.height && n.err == nil; h++ {
		from := len(n.nodes)
		n.expand(&path[h], t.at[h])
		if len(n.hits) < n.k {
			n.drain(from)
		}
		roots = n.enqueue(from, roots)
	}
	return roots
}

// drain looks through the nodes from number from on, best first, until there are k hits, and leaves those that are
// still to be looked at. What is done here geoindex need not queue: as long as anything may be near enough, and with a
// filter that few rows pass that takes long, nodes would be queued by the hundreds, and memory with them.
func (n *Near) drain(from int) {
	for i := len(n.nodes)/2 + from/2; i >= from; i-- {
		n.nodeDown(from, i)
	}
	for len(n.nodes) > from && len(n.hits) < n.k && n.err == nil {
		last := len(n.nodes) - 1
		best := n.nodes[from]
		n.nodes[from] = n.nodes[last]
		n.nodes = n.nodes[:last]
		n.nodeDown(from, from)
		if best.level == 0 {
			n.scanLeaf(best.id)
			continue
		}
		n.expand(&best, -1)
		for i := last; i < len(n.nodes); i++ {
			n.nodeUp(from, i)
		}
	}
}

// nodeUp and nodeDown restore a heap of nodes that begins at number from, in which none has its turn before the one above it.
func (n *Near) nodeUp(from, i int) {
	for i > from {
		up := from + (i-from-1)/2
		if n.nodes[up].turn <= n.nodes[i].turn {
			return
		}
		n.nodes[up], n.nodes[i] = n.nodes[i], n.nodes[up]
		i = up
	}
}

func (n *Near) nodeDown(from, i int) {
	for {
		down := from + 2*(i-from) + 1
		if down >= len(n.nodes) {
			return
		}
		if down+1 < len(n.nodes) && n.nodes[down+1].turn < n.nodes[down].turn {
			down++
		}
		if n.nodes[i].turn <= n.nodes[down].turn {
			return
		}
		n.nodes[i], n.nodes[down] = n.nodes[down], n.nodes[i]
		i = down
	}
}

// visitLeaf is what geoindex calls with one leaf after the other, the nearest first.
func (n *Near) visitLeaf(nd *node) bool {
	if nd.lb <= n.bound {
		n.scanLeaf(nd.id)
	}
	return nd.lb <= n.bound*turnSlack && n.err == nil
}

// childKeys are the least and the greatest key that child i may have, in a node that may have those from lo to hi.
func (p inner) childKeys(i int, lo, hi uint64) (uint64, uint64) {
	if i > 0 {
		lo = p.key(i)
	}
	if i+1 < p.n() {
		if hi = p.key(i + 1); p.sep(i+1) == 0 {
			hi--
		}
	}
	return lo, hi
}

// childrenOf are the children, from i up to but not including end, that may have keys from lo to hi.
func (p inner) childrenOf(lo, hi uint64) (i, end int) {
	i, end = max(p.lowerKey(lo)-1, 0), p.n()
	if hi != math.MaxUint64 {
		end = p.lowerKey(hi + 1)
	}
	return i, end
}

// lowerKey is the first child whose separator has a key at or after key.
func (p inner) lowerKey(key uint64) int {
	base, n := 0, p.n()
	for n > 1 {
		half := n >> 1
		if p.U64(innerKey+8*(base+half-1)) < key {
			base += half
		}
		n -= half
	}
	if p.U64(innerKey+8*base) < key {
		base++
	}
	return base
}

// expand appends those children of an inner node to n.nodes that may hold a part of the answer, but not child skip.
func (n *Near) expand(up *node, skip int) {
	n.tighten()
	t := &n.set.t
	p := t.innerR(up.id)
	// The gate's keys are in a row of children, if also many between are not in the gate.
	for i, end := p.childrenOf(n.gateLo, n.gateHi); i < end; i++ {
		lo, hi := p.childKeys(i, up.lo, up.hi)
		a, b, ok := t.codes(lo, hi)
		if !ok || i == skip {
			continue
		}
		lb, ok := n.reach(a, b)
		if !ok || a == b && n.tied(a, lb, p, i, lo == hi) {
			continue
		}
		place := placeOf(up.place, up.level, i)
		n.nodes = append(n.nodes, node{lb, turnOf(lb, place), place, lo, hi, p.child(i), up.level - 1})
	}
}

// reach is a lower bound of the ranks of rows with codes from a to b; ok is false if none can be in the answer.
func (n *Near) reach(a, b uint64) (lb float64, ok bool) {
	if a == b {
		if !n.gate.Passes(a) {
			return 0, false
		}
		return n.reachRect(a, a)
	}
	first, last := geo.Rectangle(a, b)
	if !n.gate.PassesAny(first, last) {
		return 0, false
	}
	before, after := geo.Halves(a, b)
	lb = math.Inf(1)
	if first, last = geo.Rectangle(a, before); n.gate.PassesAny(first, last) {
		lb, ok = n.reachRect(first, last)
	}
	if first, last = geo.Rectangle(after, b); n.gate.PassesAny(first, last) {
		other, fits := n.reachRect(first, last)
		lb, ok = min(lb, other), ok || fits
	}
	return lb, ok
}

func (n *Near) reachRect(first, last uint64) (lb float64, ok bool) {
	x0, y0 := geo.Deinterleave(first)
	x1, y1 := geo.Deinterleave(last)
	lb = n.space.Bound(x0, x1, y0, y1)
	return lb, lb <= n.bound
}

// tied reports whether nothing of child i of p, all in one cell, comes before the last of k hits. Without this a
// million things at one place would be looked at one by one: no bound is below their distance.
func (n *Near) tied(code uint64, lb float64, p inner, i int, oneKey bool) bool {
	if len(n.hits) < n.k || !oneKey || p.sep(i) == 0 || i == 0 {
		return false
	}
	if !n.asFar(code, lb) {
		return false
	}
	n.last = n.AppendMember(n.last[:0], &n.hits[0])
	return n.set.t.blobHeap().CompareBlob(p.sep(i), n.last) >= 0
}

// asFar reports whether no row in a cell is nearer than the last of k hits.
func (n *Near) asFar(code uint64, lb float64) bool {
	worst := &n.hits[0]
	if n.set.t.valued() {
		return worst.Rank == 0 && n.measure(worst) == 0 // the rows of a cell may lie apart
	}
	return lb >= worst.Rank && n.space.Distance(code, nil) >= n.measure(worst)
}

// tighten makes the gate anew, if the bound has shrunk by so much that it may pay.
func (n *Near) tighten() {
	if !(n.bound >= n.gateFor*0.9) {
		n.gate, n.gateFor = n.space.Gate(n.bound), n.bound
		n.gateLo, n.gateHi = n.set.keysOf(n.gate.Codes())
	}
}

// count notes that rows are about to be read.
func (n *Near) count(rows int) {
	if n.visited += rows; n.limit > 0 && n.visited > n.limit {
		n.err = ErrSearchLimit
	}
}

// scanLeaf offers the rows of a leaf.
func (n *Near) scanLeaf(id uint32) {
	l := n.set.t.leafR(id)
	if n.set.t.valued() {
		l.Prefetch(prefetchLines) // values lie all over it
	}
	rows := l.n()
	if rows == 0 || n.leafTied(id, l, rows) {
		return
	}
	if n.count(rows); n.err != nil {
		return
	}
	n.tighten()
	n.scanRows(id, l, 0, rows)
}

// scanRows offers the rows of a leaf from i on up to but not including end.
func (n *Near) scanRows(id uint32, l leaf, i, end int) {
	t := &n.set.t
	keys := l.keys()
	// What is before the gate's first key, and behind its last, need not be looked at.
	i = max(i, l.lowerKey(n.gateLo, end))
	for ; i < end && l.U64(keys+8*i) <= n.gateHi; i++ {
		code, ok := t.code(l.U64(keys + 8*i))
		if ok && n.gate.Passes(code) {
			n.hit = Hit{Distance: math.NaN(), Code: code, leaf: id, pos: uint32(i)}
			n.offer()
			if n.bound < n.gateFor*0.25 {
				n.tighten() // the first k rows bound the answer at last
			}
		}
	}
}

// scanSeed offers the rows of the leaf where the search begins: first those around the key where the place searched from would be, since
// these bound the answer soon.
func (n *Near) scanSeed(id uint32, key uint64) {
	l := n.set.t.leafR(id)
	rows := l.n()
	if n.count(rows); n.err != nil {
		return
	}
	n.tighten()
	at := l.lowerKey(key, rows)
	from, to := max(0, at-(n.k+1)/2), min(rows, at+(n.k+1)/2)
	n.scanRows(id, l, from, to)
	n.scanRows(id, l, 0, from)
	n.scanRows(id, l, to, rows)
}

// leafTied is tied for a leaf whose rows are all in one cell: they are in the order of their members.
func (n *Near) leafTied(id uint32, l leaf, rows int) bool {
	key := l.key(0)
	code, ok := n.set.t.code(key)
	if len(n.hits) < n.k || l.key(rows-1) != key || !ok {
		return false
	}
	x, y := geo.Deinterleave(code)
	n.hit = Hit{Code: code, leaf: id}
	return n.asFar(code, n.space.Bound(x, x, y, y)) && n.compareMembers(&n.hit, &n.hits[0]) >= 0
}

// offer takes n.hit among the k best, if it is one of them. It always reports true: more are wanted.
func (n *Near) offer() bool {
	h := &n.hit
	h.Rank = n.space.Rank(h.Code, n.Row(h))
	if !(h.Rank <= n.bound) {
		return true
	}
	full := len(n.hits) == n.k
	if full && !n.before(h, &n.hits[0]) || !n.space.Admits(h) {
		return true
	}
	if full {
		n.hits[0] = *h
		n.sink(0)
	} else {
		n.hits = append(n.hits, *h)
		n.slack = max(n.slack, n.space.Slack(h.Rank))
		n.rise(len(n.hits) - 1)
	}
	if len(n.hits) == n.k {
		worst := n.hits[0].Rank
		n.slack = n.space.Slack(worst)
		n.bound = min(n.bound, worst+n.slack)
	}
	return true
}

// rise and sink restore the heap, in which no hit comes before one above it.
func (n *Near) rise(i int) {
	for i > 0 {
		up := (i - 1) / 2
		if !n.before(&n.hits[up], &n.hits[i]) {
			return
		}
		n.hits[up], n.hits[i] = n.hits[i], n.hits[up]
		i = up
	}
}

func (n *Near) sink(i int) {
	for {
		down := 2*i + 1
		if down >= len(n.hits) {
			return
		}
		if down+1 < len(n.hits) && n.before(&n.hits[down], &n.hits[down+1]) {
			down++
		}
		if !n.before(&n.hits[i], &n.hits[down]) {
			return
		}
		n.hits[i], n.hits[down] = n.hits[down], n.hits[i]
		i = down
	}
}

// before reports whether a comes before b, neither of which is ranked after the hits.
func (n *Near) before(a, b *Hit) bool {
	d := a.Rank - b.Rank
	return d < -n.slack || d <= n.slack && n.precedes(a, b)
}

// precedes is before where the ranks do not tell; apart, so that the rest is compiled into its callers.
//
//go:noinline
func (n *Near) precedes(a, b *Hit) bool { return n.Compare(a, b) < 0 }

// Compare orders two hits as the answer does: by distance, then by member.
func (n *Near) Compare(a, b *Hit) int {
	switch x, y := n.measure(a), n.measure(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return n.compareMembers(a, b)
}

func (n *Near) compareMembers(a, b *Hit) int {
	n.last = n.AppendMember(n.last[:0], a)
	n.other = n.AppendMember(n.other[:0], b)
	return bytes.Compare(n.last, n.other)
}

// measure is a hit's distance.
func (n *Near) measure(h *Hit) float64 {
	if math.IsNaN(h.Distance) {
		h.Distance = n.space.Distance(h.Code, n.Row(h))
	}
	return h.Distance
}

// Measure sees to it that the hits know their distances.
func (n *Near) Measure(hits []Hit) {
	for i := range hits {
		n.measure(&hits[i])
	}
}

// insertionMax is how many hits are sorted by insertion: without a call for each comparison.
const insertionMax = 24

// Sort puts hits in order, the nearest first, and Measures them.
func (n *Near) Sort(hits []Hit) {
	n.order(hits)
	n.Measure(hits)
}

// order puts hits in order. It measures only those whose ranks do not tell: an exact distance costs as much as all the rest of
// looking at a row.
func (n *Near) order(hits []Hit) {
	if len(hits) == 0 {
		return // there may have been no search: of what cannot have any
	}
	last := 0.0
	for i := range hits {
		last = max(last, hits[i].Rank)
	}
	n.slack = n.space.Slack(last)
	if len(hits) <= insertionMax {
		for i := 1; i < len(hits); i++ {
			for j := i; j > 0 && n.before(&hits[j], &hits[j-1]); j-- {
				hits[j], hits[j-1] = hits[j-1], hits[j]
			}
		}
		return
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		if d := a.Rank - b.Rank; d > n.slack {
			return 1
		} else if d < -n.slack {
			return -1
		}
		return n.Compare(&a, &b)
	})
}

// Range finds the rows with a rank of at most bound that the space admits and whose codes lie in the ranges: one
// range after the other, in the order of the set within each; the first most of them, 0 for all. It returns
// ErrSearchLimit as Nearest does. O(log N) for each range, and what lies in both it and the gate.
func (n *Near) Range(s *Set, sp Space, bound float64, most, limit int, ranges ...geo.Range) ([]Hit, error) {
	n.begin(s, sp, most, bound, limit)
	n.tighten()
	gateLo, gateHi := n.gateLo, n.gateHi
	for _, r := range ranges {
		lo, hi := s.keysOf(r.From, r.To-1)
		n.gateLo, n.gateHi = max(gateLo, lo), min(gateHi, hi)
		if s.enc == Packed {
			n.eachPacked(func() bool { return n.hit.Code < r.From || n.hit.Code >= r.To || n.take() })
		} else {
			n.walk(s.t.root, s.t.height, 0, math.MaxUint64, r)
		}
		if n.err != nil {
			return nil, n.err
		}
		if n.enough() {
			break
		}
	}
	return n.hits, nil
}

func (n *Near) enough() bool { return n.k > 0 && len(n.hits) >= n.k }

// take adds n.hit, which is in the range, to the answer, if it belongs there, and reports whether more are wanted.
func (n *Near) take() bool {
	h := &n.hit
	h.Rank = n.space.Rank(h.Code, n.Row(h))
	if h.Rank <= n.bound && n.space.Admits(h) {
		n.hits = append(n.hits, *h)
	}
	return !n.enough()
}

// walk takes what is in the range r below a node, whose keys are from lo to hi, and reports whether more is wanted.
func (n *Near) walk(id uint32, level int, lo, hi uint64, r geo.Range) bool {
	if level == 0 {
		return n.walkLeaf(id, r)
	}
	t := &n.set.t
	p := t.innerR(id)
	for i, end := p.childrenOf(n.gateLo, n.gateHi); i < end; i++ {
		clo, chi := p.childKeys(i, lo, hi)
		a, b, ok := t.codes(clo, chi)
		if !ok || b < r.From || a >= r.To {
			continue
		}
		if _, ok := n.reach(a, b); ok && !n.walk(p.child(i), level-1, clo, chi, r) {
			return false
		}
	}
	return true
}

func (n *Near) walkLeaf(id uint32, r geo.Range) bool {
	t := &n.set.t
	l := t.leafR(id)
	rows := l.n()
	if n.count(rows); n.err != nil {
		return false
	}
	keys := l.keys()
	for i := range rows {
		code, ok := t.code(l.U64(keys + 8*i))
		if !ok || code < r.From || code >= r.To || !n.gate.Passes(code) {
			continue
		}
		if n.hit = (Hit{Distance: math.NaN(), Code: code, leaf: id, pos: uint32(i)}); !n.take() {
			return false
		}
	}
	return true
}

// eachPacked calls fn with each row of a packed set as n.hit, until it returns false.
func (n *Near) eachPacked(fn func() bool) {
	l := n.set.p.Read()
	n.count(l.Len() / 2)
	for pos := listpack.HeaderSize; pos < l.Size() && n.err == nil; pos = l.Skip(pos, 2) {
		code, ok := codeOfScore(l.Number(l.Next(pos)))
		if !ok {
			continue
		}
		if n.hit = (Hit{Distance: math.NaN(), Code: code, pos: uint32(pos)}); !fn() {
			return
		}
	}
}

// Row is the row of a hit in a set with values, nil in others. It is valid until the next call.
func (n *Near) Row(h *Hit) *Row {
	if n.set.enc == Packed || !n.set.t.valued() {
		return nil
	}
	if h.leaf != n.rowLeaf || h.pos != n.rowPos {
		n.rowLeaf, n.rowPos = h.leaf, h.pos
		n.row = n.set.t.leafR(h.leaf).rowAt(int(h.pos))
	}
	return &n.row
}

// AppendMember appends the member of a hit to dst.
func (n *Near) AppendMember(dst []byte, h *Hit) []byte {
	if n.set.enc == Packed {
		var scratch listpack.Scratch
		return append(dst, n.set.p.Read().Bytes(int(h.pos), &scratch)...)
	}
	t := &n.set.t
	l := t.leafR(h.leaf)
	suffix, long := l.entry(int(h.pos))
	if long != 0 {
		return t.blobHeap().AppendBlob(dst, long)
	}
	return append(append(dst, l.prefix()...), suffix...)
}

// ---- keys and codes ----

// Codes of scores are whole numbers below geo.CodeEnd, 2^54: a geohash of 52 bits, whose cell numbers may be one past the last (the
// places on the 180th meridian, or as far north as geohashes go). What comes after the point is cut off, as
// Redis does. A member with another score is nowhere, and never found.
func codeOfScore(score float64) (code uint64, ok bool) {
	if score >= 0 && score < geo.CodeEnd {
		return uint64(score), true
	}
	return 0, false
}

// code is the code of a row with a key; ok is false if it is nowhere.
func (t *tree) code(key uint64) (code uint64, ok bool) {
	if t.valued() {
		return key, true
	}
	if key-zeroKey < endKey-zeroKey {
		return uint64(math.Float64frombits(key &^ (1 << 63))), true
	}
	return 0, false
}

// zeroKey is the key of the first code, and endKey the first that is none's.
var zeroKey, endKey = keyOf(0), keyOf(geo.CodeEnd)

// codes are the codes of rows with keys from lo to hi; ok is false if there are none.
func (t *tree) codes(lo, hi uint64) (a, b uint64, ok bool) {
	if t.valued() {
		return lo, hi, true
	}
	if lo >= endKey || hi < zeroKey {
		return 0, 0, false
	}
	a, _ = t.code(max(lo, zeroKey))
	b, _ = t.code(min(hi, endKey-1))
	return a, b, true
}

// keyOfCode is the least key of a row with a code.
func (t *tree) keyOfCode(code uint64) uint64 {
	if t.valued() {
		return code
	}
	return keyOf(float64(code))
}

// keysOf are bounds of the keys of rows with codes from lo to hi. They are wider by what codes of 54 bits are rounded by as scores.
func (s *Set) keysOf(lo, hi uint64) (first, last uint64) {
	if s.enc == Packed {
		return 0, 0 // it has none
	}
	if s.t.valued() {
		return lo, hi
	}
	return keyOf(float64(min(lo, geo.CodeEnd))) - 1, keyOf(float64(min(hi, geo.CodeEnd) + 1))
}
