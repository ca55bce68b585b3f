package store

import (
	"bytes"
	"slices"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
	"quarry/store/table"
	"quarry/store/zset"
)

// Lookup is what a command will look for: a key and, in a sorted set, hash, set or field, a
// member or field of a hash; nil: none.
type Lookup struct{ Key, Member []byte }

const (
	// PrefetchMax is how many lookups Prefetch takes: what more would bring drives
	// what came first out of the nearest cache.
	PrefetchMax = zset.PrefetchMax
	// prefetchFrom is the memory in use, in pages, below which it lies in caches anyway.
	prefetchFrom = 4 << 20 / offheap.PageSize
)

// glance is how far Prefetch has come with a lookup.
type glance struct {
	sh   *shard // nil: nothing to look at
	hash uint64 // of the key, then of the member
	rec  slab.Ref
	set  zset.Handle
	fld  slab.Ref   // a field, whose set of places set is to be; 0: it is none
	env  *table.Env // nil: it is no hash or set
	tab  table.Handle
	same bool // the key is that of the lookup before
}

// Prefetch asks the processor for the memory that the given lookups in d's database
// will read. From a key to a row it is up to five places, each of which names the next:
//
//	bucket of the directory, record, head of the value, bucket of the index, leaf or element
//
// A large set of places has its index named by the head of the field; that is read by then.
//
// One lookup waits for each of them in turn; of many lookups, each step is taken
// for all before the next, so that they wait together. held are the shards that the caller
// has locked; others are locked meanwhile if nobody has. It answers nothing, counts
// nothing and changes nothing, not even what has expired.
//
// Measured, pipelines of 16, against none: ZSCORE in one set of a million rows 1.33
// times the requests per processor-second, ZADD on 100,000 boards of 10 1.2 times, ZREVRANK on boards
// of 200 1.4 times.
func (d *DB) Prefetch(list []Lookup, held []int) {
	if d.s.region.Used() < prefetchFrom {
		return
	}
	list = list[:min(len(list), PrefetchMax)]
	var all [PrefetchMax]glance
	var room [PrefetchMax]int
	at, locked := all[:len(list)], room[:0]
	for i := range list {
		g := &at[i]
		if i > 0 && bytes.Equal(list[i].Key, list[i-1].Key) {
			*g = at[i-1]
			g.same = true
			continue
		}
		n := d.s.ShardOf(list[i].Key)
		if !slices.Contains(held, n) && !slices.Contains(locked, n) {
			if !d.s.TryLock(n) {
				continue
			}
			locked = append(locked, n)
		}
		if sh := d.s.shards[n]; sh.dbs[d.index].keys.Exists() {
			g.sh, g.hash = sh, sh.hash.Sum(list[i].Key)
			sh.dbs[d.index].keys.Prefetch(g.hash)
		}
	}
	d.glanceAtValues(at)
	d.glanceAtMembers(list, at)
	for _, n := range locked {
		d.s.Unlock(n)
	}
}

// glanceAtValues goes on from the directories' buckets to the heads of the values.
func (d *DB) glanceAtValues(at []glance) {
	for i := range at {
		g := &at[i]
		switch {
		case g.sh == nil:
		case g.same:
			g.rec = at[i-1].rec
		default:
			if p := g.sh.dbs[d.index].keys.Find(g.hash); p.Next() { // most likely it
				g.rec = slab.Ref(p.Ref())
				g.sh.heap.R(g.rec).Prefetch(1)
			}
		}
	}
	for i := range at {
		g := &at[i]
		switch {
		case g.rec == 0:
			g.sh = nil
		case g.same:
			g.set, g.fld, g.env, g.tab = at[i-1].set, at[i-1].fld, at[i-1].env, at[i-1].tab
		default:
			g.head()
		}
	}
}

// head goes on from a record to the head of its value.
func (g *glance) head() {
	switch t := g.sh.typeOf(g.rec); t {
	case TypeZSet:
		g.set = g.sh.zsetOf(g.rec)
		g.sh.sets.PrefetchHead(g.set)
	case TypeField:
		g.fld = g.sh.fieldOf(g.rec)
		g.sh.heap.R(g.fld).Prefetch(1)
	case TypeList:
		g.sh.lists.PrefetchHead(g.sh.listOf(g.rec))
	case TypeHash, TypeSet:
		g.env, g.tab = g.sh.kinds[t].(tableKind).env, g.sh.tableOf(g.rec)
		g.env.PrefetchHead(g.tab)
	}
}

// glanceAtMembers goes on from the heads of values to the rows or elements of the members.
func (d *DB) glanceAtMembers(list []Lookup, at []glance) {
	var open *glance
	for i := range at {
		g := &at[i]
		if g.fld != 0 {
			g.set = g.sh.fields.Places(g.fld)
		}
		if !g.wants(list[i].Member) {
			continue
		}
		open = d.open(g, open)
		if g.env != nil {
			g.hash = d.glanceTable.PrefetchIndex(list[i].Member)
		} else {
			g.hash = d.glance.PrefetchIndex(list[i].Member)
		}
	}
	for i := range at {
		g := &at[i]
		if !g.wants(list[i].Member) {
			continue
		}
		open = d.open(g, open)
		if g.env != nil {
			d.glanceTable.PrefetchElement(g.hash)
		} else {
			d.glance.PrefetchRow(g.hash)
		}
	}
}

// wants reports whether a member is to be found through an index.
func (g *glance) wants(member []byte) bool {
	return g.sh != nil && member != nil && (g.set.Enc > zset.Packed || g.tab.Enc > table.Packed)
}

// open makes d.glance, or d.glanceTable, the value of g, unless that is open as the one of last. It
// returns g.
func (d *DB) open(g, last *glance) *glance {
	switch {
	case last != nil && g.sh == last.sh && g.env == last.env && g.set == last.set && g.fld == last.fld && g.tab == last.tab:
	case g.env != nil:
		g.env.Open(g.tab, &d.glanceTable)
	case g.fld != 0:
		g.sh.fields.Sets.Open(g.set, &d.glance)
	default:
		g.sh.sets.Open(g.set, &d.glance)
	}
	return g
}
