package offheap

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A View is the memory of a region as it was at one moment, the cut. Owners go on changing their pages where they
// are: before a chunk of 1 KiB is changed for the first time after the cut, its bytes are copied to the
// view's memory (stock.go). Who reads a view (frozen.go) takes such a copy where there is one, and the page itself else, and needs
// no lock for it.
//
// Why chunks, when pages are of 64 KiB: a random ZADD in a large set changes three pages. To copy
// them takes 20 us, so that a queue of tens of milliseconds builds up behind the first thousand writes
// after a cut; to copy three chunks takes a microsecond. A chunk is also a node of a sorted set.
//
// What a view keeps of an owner is made when the owner first touches a page after the cut, gives one back, or is opened by
// who reads: till then nothing has changed since the cut. So a cut costs the same whatever there is.
//
// Locks: those of owners, then a view's, then the region's.
type View struct {
	r     *Region
	epoch uint32 // pages stamped with it, or a later one, are newer than the cut

	broken atomic.Bool // there was no memory for a copy: nothing is kept any more, and nothing can be read

	mu     sync.Mutex
	owners map[*Pages]*keep
	stock
}

// viewList is the views that have been cut and not ended, the oldest first. It is never changed, but replaced.
type viewList []*View

// keep is what a view keeps of an owner.
type keep struct {
	v     *View
	pages []keptPage
	tags  []uint8
	mark  uint64

	// closed: nobody reads the owner in this view any more, so nothing is kept. Set with the view locked.
	closed  atomic.Bool
	orphans []*orphan // pages that the owner has given up; guarded by the view's lock

	witness // checks of builds with tag invariants
}

// keptPage is a page of the cut.
type keptPage struct {
	// saved has a bit for each chunk that is not to be read in the page any more: a copy has been made, or it has
	// been passed. It is set before the chunk is changed.
	saved atomic.Uint64
	frame uint32 // 0: no page
	table uint32 // where the places of the copies are (stock.go), 0 if there is none; guarded by the view's lock
}

// orphan is a frame that its owner has given up and views keep: the last one gives it back.
type orphan struct {
	frame uint32
	users atomic.Int32
}

const (
	chunkShift = 10
	chunkBytes = 1 << chunkShift
	allChunks  = ^uint64(0)
)

// chunksOf has the bits of the chunks that n bytes at off lie in.
func chunksOf(off uint32, n int) uint64 {
	if n <= 0 {
		return 0
	}
	first, last := off>>chunkShift, (off+uint32(n)-1)>>chunkShift
	return allChunks << first & (allChunks >> (63 - last))
}

// NewView makes a view ready to be cut: this is what can be done without locks.
func (r *Region) NewView() *View {
	v := &View{r: r, owners: map[*Pages]*keep{}}
	v.fill(firstStock)
	return v
}

// Cut is the moment that the view shows. All locks that guard users of the region must be held.
func (v *View) Cut() {
	r := v.r
	r.protect()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.epoch++
	v.epoch = r.epoch
	var list viewList
	if old := r.views.Load(); old != nil {
		list = append(list, *old...)
	}
	list = append(list, v)
	r.views.Store(&list)
}

// Retire ends keeping for the view. Changes that are on their way may still keep something: between Retire and Free each lock that
// guards a user of the region must have been free once.
func (v *View) Retire() {
	r := v.r
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.views.Load()
	if old == nil {
		return
	}
	var list viewList
	for _, o := range *old {
		if o != v {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		r.views.Store(nil)
		return
	}
	r.views.Store(&list)
}

// Free gives the view's memory back. Nobody may be reading.
func (v *View) Free() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, k := range v.owners {
		k.closed.Store(true)
		v.giveUp(k)
		k.pages, k.tags = nil, nil // the owner may know k until it is next touched
	}
	v.owners = nil
	v.drain()
}

// Views is the number of views that have been cut and not ended.
func (r *Region) Views() int {
	if list := r.views.Load(); list != nil {
		return len(*list)
	}
	return 0
}

// Hold has every view keep what the owner is now, if it has not yet: before something of the owner changes that lies in no page, and before its
// lock becomes another one.
func (p *Pages) Hold() {
	if views := p.r.views.Load(); views != p.seen {
		p.attach(views)
	}
}

// attach finds, or makes, what each view keeps of the owner.
func (p *Pages) attach(views *viewList) {
	var kept []*keep
	if views != nil {
		for _, v := range *views {
			kept = append(kept, v.keepOf(p))
		}
	}
	p.kept, p.seen = kept, views
}

// keepOf is what the view keeps of an owner, whose lock is held, or for which it has been made already.
func (v *View) keepOf(p *Pages) *keep {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.owners[p]
	if k == nil {
		k = v.newKeep(p)
		v.owners[p] = k
	}
	return k
}

// known is what the view keeps of an owner already, whoever holds its lock; nil if there is nothing.
func (v *View) known(p *Pages) *keep {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.owners[p]
}

// newKeep copies an owner's page table. Pages that have been added since the cut have been stamped with its
// epoch, or a later one; no other has, as a page is stamped by touch, which comes here first.
func (v *View) newKeep(p *Pages) *keep {
	k := &keep{v: v, mark: p.mark, pages: make([]keptPage, len(p.words)), tags: append([]uint8(nil), p.tags...)}
	for i, w := range p.words {
		if w != 0 && uint32(w) < v.epoch {
			k.pages[i].frame = uint32(w >> 32)
		}
	}
	k.witnessAll()
	return k
}

// touch has the views keep what they want of the n bytes at off of page i before these are changed. If there is nothing
// left of the page that a view wants, the page is stamped, so that touch is not called for it again in this epoch.
//
//go:noinline
func (p *Pages) touch(i, off uint32, n int) {
	if p.frozen != nil {
		panic("offheap: a view is not to be changed")
	}
	p.Hold()
	w, want, done := p.words[i], chunksOf(off, n), true
	for _, k := range p.kept {
		if !k.covers(i, w) {
			continue
		}
		saved := k.pages[i].saved.Load()
		if want&^saved != 0 {
			saved = k.v.save(k, i, want)
		}
		done = done && saved == allChunks
	}
	p.r.unprotect(uint32(w >> 32))
	if done {
		p.words[i] = w&^0xffffffff | uint64(p.r.epoch)
	}
}

// covers reports whether the owner's page i of word w is one of the cut. A frame that the view keeps is not used again
// while it does, so that frames tell.
func (k *keep) covers(i uint32, w uint64) bool {
	return !k.closed.Load() && int(i) < len(k.pages) && k.pages[i].frame == uint32(w>>32)
}

// save copies the chunks of page i that are wanted, and are not saved yet; it returns those that are.
func (v *View) save(k *keep, i uint32, want uint64) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if k.closed.Load() || v.broken.Load() {
		return allChunks
	}
	pg := &k.pages[i]
	want &^= pg.saved.Load()
	if want == 0 {
		return pg.saved.Load()
	}
	if !v.reserve(bits.OnesCount64(want) + 1) {
		v.broken.Store(true)
		return allChunks
	}
	if pg.table == 0 {
		pg.table = v.newTable()
	}
	table := v.table(pg.table)
	for b := want; b != 0; b &= b - 1 {
		c := bits.TrailingZeros64(b)
		at := v.newChunk()
		copyChunk(v.r.chunk(at), v.r.chunk(pg.frame<<6|uint32(c)))
		table.SetU32(4*c, at)
	}
	return pg.saved.Or(want) | want
}

// part is called with a page that its owner gives up, and reports whether views keep its frame.
func (p *Pages) part(i uint32) bool {
	p.Hold()
	var users []*keep
	w := p.words[i]
	for _, k := range p.kept {
		if k.covers(i, w) && k.pages[i].saved.Load() != allChunks {
			users = append(users, k)
		}
	}
	if len(users) == 0 {
		return false
	}
	return p.r.adopt(uint32(w>>32), users)
}

// adopt gives a frame to views, and reports false if all of them are through with the owner by now.
func (r *Region) adopt(frame uint32, users []*keep) bool {
	o, last := &orphan{frame: frame}, false
	o.users.Store(int32(len(users)))
	for _, k := range users {
		k.v.mu.Lock()
		if k.closed.Load() {
			last = o.users.Add(-1) == 0
		} else {
			k.orphans = append(k.orphans, o)
		}
		k.v.mu.Unlock()
	}
	if !last {
		r.used.Add(-1)
		r.lend(1)
	}
	return !last
}

// close ends keeping of an owner.
func (k *keep) close() {
	v := k.v
	v.mu.Lock()
	defer v.mu.Unlock()
	if !k.closed.Load() {
		k.closed.Store(true)
		v.giveUp(k)
	}
}

// giveUp gives back what the view keeps of an owner. Who looks at its pages still finds them saved, or closed.
func (v *View) giveUp(k *keep) {
	for i := range k.pages {
		if pg := &k.pages[i]; pg.table != 0 {
			v.dropTable(pg.table, pg.saved.Load())
			pg.table = 0
		}
	}
	for _, o := range k.orphans {
		if o.users.Add(-1) == 0 {
			v.r.giveLent(o.frame)
		}
	}
	k.orphans = nil
}
