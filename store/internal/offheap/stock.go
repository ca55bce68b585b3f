package offheap

import "unsafe"

// stock is the memory of a view: frames of the region, cut into chunks of 1 KiB. A chunk is named by
//
//	31       6 5     0
//	+----------+-------+
//	|   frame  | chunk |     0: none, as there is no frame 0
//	+----------+-------+
//
// Frames are touched before they are needed: who changes data must not wait for the system to
// clear 2 MiB. The places of the copies of a page's chunks are in a table, a quarter of a chunk, that
// is made with the first copy:
//
//	0 u32 place of the copy[64]     meaningful where keptPage.saved says so; 0: it has been passed
//
// All of it is guarded by the view's lock.
type stock struct {
	frames []uint32 // all of them
	ready  []uint32 // those that are not in use yet
	cur    uint32   // the chunk that is cut off next, 0 if a frame is to be opened first
	free   []uint32 // chunks that have been given back

	tables []uint32 // free ones: chunk<<2 | quarter
}

const (
	frameChunks = PageSize / chunkBytes
	tableBytes  = 4 * frameChunks

	// firstStock is how many frames a view begins with at most, and what its reader keeps in stock.
	firstStock = 64
)

// fill has n frames in stock, less if the store is small or there is no memory. They are touched while nobody waits.
func (v *View) fill(n int) {
	n = min(n, 2+int(v.r.Used()/8))
	v.mu.Lock()
	missing := n - len(v.ready)
	v.mu.Unlock()
	var list []uint32
	for range missing {
		f, ok := v.r.borrow()
		if !ok {
			break
		}
		p := v.r.frame(f)
		for o := 0; o < PageSize && !protectedBuild; o += 4096 {
			*(*byte)(unsafe.Add(p, o)) = 0
		}
		list = append(list, f)
	}
	v.mu.Lock()
	v.frames, v.ready = append(v.frames, list...), append(v.ready, list...)
	v.mu.Unlock()
}

// reserve makes sure that n chunks can be had, and reports false if they cannot.
func (v *View) reserve(n int) bool {
	have := len(v.free) + len(v.ready)*frameChunks
	if v.cur != 0 {
		have += frameChunks - int(v.cur%frameChunks)
	}
	for ; have < n; have += frameChunks {
		f, ok := v.r.borrow()
		if !ok {
			return false
		}
		v.frames, v.ready = append(v.frames, f), append(v.ready, f)
	}
	return true
}

// newChunk takes a chunk; it has been reserved.
func (v *View) newChunk() (at uint32) {
	v.r.saved.Add(chunkBytes)
	if n := len(v.free); n > 0 {
		at = v.free[n-1]
		v.free = v.free[:n-1]
	} else {
		if v.cur == 0 {
			n := len(v.ready) - 1
			v.cur, v.ready = v.ready[n]<<6, v.ready[:n]
		}
		at = v.cur
		if v.cur++; v.cur%frameChunks == 0 {
			v.cur = 0
		}
	}
	v.r.unprotect(at >> 6)
	return at
}

func (v *View) dropChunk(at uint32) {
	v.r.saved.Add(-chunkBytes)
	v.free = append(v.free, at)
}

// newTable makes a table without copies; a chunk has been reserved for it.
func (v *View) newTable() (t uint32) {
	n := len(v.tables)
	if n == 0 {
		at := v.newChunk()
		v.tables = append(v.tables, at<<2|3, at<<2|2, at<<2|1, at<<2)
		n = 4
	}
	t, v.tables = v.tables[n-1], v.tables[:n-1]
	v.table(t).Zero(0, tableBytes)
	return t
}

// table is a table. It is written with the view locked only; what saved tells of may be read without.
func (v *View) table(t uint32) Block {
	v.r.unprotect(t >> 8)
	return writeBlock(v.r.frame(t>>8), t&0xff*tableBytes, tableBytes)
}

// dropTable gives a table and the copies it names back.
func (v *View) dropTable(t uint32, saved uint64) {
	table := v.table(t)
	for c := range frameChunks {
		if at := table.U32(4 * c); at != 0 && saved>>c&1 != 0 {
			v.dropChunk(at)
		}
	}
	v.tables = append(v.tables, t)
}

// drain gives all frames back.
func (v *View) drain() {
	used := int64(0)
	for range v.tables { // quarters: all tables have been dropped
		used += chunkBytes / 4
	}
	v.r.saved.Add(-used)
	v.r.giveLent(v.frames...)
	v.stock = stock{}
}

// chunk is the memory of a chunk of any frame.
func (r *Region) chunk(at uint32) unsafe.Pointer {
	return unsafe.Add(r.frame(at>>6), uintptr(at%frameChunks)<<chunkShift)
}

// copyChunk copies a chunk whose owner's lock is held.
func copyChunk(to, from unsafe.Pointer) {
	*(*[chunkBytes]byte)(to) = *(*[chunkBytes]byte)(from)
}
