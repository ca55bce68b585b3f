package dict

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// fixture is a table whose refs' hashes a test chooses, with a map beside it as the model.
type fixture struct {
	t      testing.TB
	heap   *slab.Heap
	table  Table
	hashes map[uint32]uint64 // of the refs in the table
}

func (f *fixture) HashOf(ref uint32) uint64 { return f.hashes[ref] }

func (f *fixture) HashSoon(uint32) {}

func newFixture(t testing.TB) *fixture {
	r, err := offheap.NewRegion()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, heap: slab.New(r), hashes: map[uint32]uint64{}}
	f.table = Make(f.heap, f)
	t.Cleanup(func() {
		f.drain()
		if live := f.heap.Live(); live != 0 {
			t.Errorf("%d objects are left in the heap", live)
		}
		if err := f.heap.Check(); err != nil {
			t.Error(err)
		}
		f.heap.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) drain() {
	if !f.table.Exists() {
		return
	}
	for f.table.Drain(100, func(ref uint32) { delete(f.hashes, ref) }) {
	}
	if len(f.hashes) != 0 {
		f.t.Errorf("Drain did not pass %d refs", len(f.hashes))
	}
}

func (f *fixture) insert(ref uint32, hash uint64) {
	f.hashes[ref] = hash
	f.table.Insert(hash, ref)
}

func (f *fixture) find(ref uint32) (Probe, bool) {
	p := f.table.Find(f.hashes[ref])
	for p.Next() {
		if p.Ref() == ref {
			return p, true
		}
	}
	return p, false
}

func (f *fixture) delete(ref uint32) {
	p, ok := f.find(ref)
	if !ok {
		f.t.Fatalf("ref %#x is not found", ref)
	}
	p.Delete()
	delete(f.hashes, ref)
}

// checkTable is what the table's own check finds; each ref must be known, and come once.
func (f *fixture) checkTable(table *Table) error {
	a, err := f.heap.Audit()
	if err != nil {
		return err
	}
	seen := map[uint32]bool{}
	return table.Check(a, func(ref uint32) error {
		if _, known := f.hashes[ref]; !known || seen[ref] {
			return fmt.Errorf("ref %#x: known %v, seen %v", ref, known, seen[ref])
		}
		seen[ref] = true
		return nil
	})
}

func (f *fixture) check() {
	f.t.Helper()
	if err := f.checkTable(&f.table); err != nil {
		f.t.Fatal(err)
	}
	if f.table.Len() != len(f.hashes) {
		f.t.Fatalf("Len is %d, want %d", f.table.Len(), len(f.hashes))
	}
	if got, want := f.table.Bytes(), f.heap.Bytes(); got != want {
		f.t.Fatalf("Bytes is %d, the heap holds %d", got, want)
	}
}

// TestModel does random insertions and deletions under hashes of different quality.
func TestModel(t *testing.T) {
	hashes := []struct {
		name string
		of   func(*rand.Rand) uint64
	}{
		{"uniform", (*rand.Rand).Uint64},
		{"tag 0", func(r *rand.Rand) uint64 { return r.Uint64() >> 8 }},
		{"few buckets", func(r *rand.Rand) uint64 { return r.Uint64() &^ 0xfffff0 }},
		{"all equal", func(*rand.Rand) uint64 { return 7 << 56 }},
	}
	for _, h := range hashes {
		t.Run(h.name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			f := newFixture(t)
			var refs []uint32
			next := uint32(1)
			for step := range 6000 {
				grow := step/1000%2 == 0 // three waves up and down
				if len(refs) == 0 || rnd.IntN(4) == 0 != grow {
					f.insert(next, h.of(rnd))
					refs = append(refs, next)
					next++
				} else {
					i := rnd.IntN(len(refs))
					f.delete(refs[i])
					refs[i] = refs[len(refs)-1]
					refs = refs[:len(refs)-1]
				}
				if step%50 == 0 {
					f.check()
				}
			}
			f.check()
			for _, ref := range refs {
				if _, ok := f.find(ref); !ok {
					t.Fatalf("ref %#x is not found", ref)
				}
			}
			for _, ref := range refs {
				f.delete(ref)
			}
			f.check()
			if got, most := f.table.Bytes(), int64(slab.Class(headerSize)+2*bucketSize); got > most {
				t.Errorf("the empty table takes %d bytes, more than %d", got, most)
			}
		})
	}
}

// TestManyBuckets crosses every border of the array's shape (array.go) up and down.
func TestManyBuckets(t *testing.T) {
	if testing.Short() {
		t.Skip("a million refs")
	}
	const refs = 1_400_000 // 146,000 buckets: a node of nodes
	f := newFixture(t)
	hash := func(ref uint32) uint64 { return uint64(ref) * 0x9e3779b97f4a7c15 >> 3 * 0xd6e8feb86659fd93 }
	for ref := uint32(1); ref <= refs; ref++ {
		f.insert(ref, hash(ref))
	}
	if n := f.table.len(mainArray); n <= nodeBuckets {
		t.Fatalf("%d buckets: the third shape is not reached", n)
	}
	f.check()
	if perRef := float64(f.table.Bytes()) / refs; perRef > 8.5 {
		t.Errorf("%.1f bytes per ref", perRef)
	}
	for ref := uint32(1); ref <= refs-100; ref++ {
		f.delete(ref)
		if ref%200_000 == 0 {
			f.check()
		}
	}
	f.check()
	if b := f.table.Bytes(); b > segmentSize { // 11 MB before
		t.Errorf("the table of 100 refs takes %d bytes after a mass deletion", b)
	}
}

func TestSmallTableIsSmall(t *testing.T) {
	f := newFixture(t)
	for ref := uint32(1); ref <= 3; ref++ {
		f.insert(ref, uint64(ref)<<40)
	}
	if b := f.table.Bytes(); b != 96 {
		t.Errorf("a table of 3 refs takes %d bytes, want 96", b)
	}
}

func TestNote(t *testing.T) {
	f := newFixture(t)
	if n := f.table.Note(); n != 0 {
		t.Errorf("the note of a new table is %d", n)
	}
	f.table.SetNote(1<<32 - 1)
	for ref := uint32(1); ref <= 1000; ref++ {
		f.insert(ref, uint64(ref)<<40)
	}
	f.check()
	if n := f.table.Note(); n != 1<<32-1 {
		t.Errorf("the note is %#x", n)
	}
}

// TestIter: a walk passes every ref once, whatever the chains.
func TestIter(t *testing.T) {
	for _, mask := range []uint64{1<<64 - 1, 7, 0} {
		f := newFixture(t)
		rnd := rand.New(rand.NewPCG(1, 8))
		var it Iter
		var refs [BucketRefs]uint32
		for n := uint32(0); n < 200; n++ {
			seen := map[uint32]bool{}
			it.Seek(&f.table)
			for k := it.Next(&refs); k > 0; k = it.Next(&refs) {
				for _, ref := range refs[:k] {
					if seen[ref] {
						t.Fatalf("ref %d is passed twice", ref)
					}
					seen[ref] = true
				}
			}
			if len(seen) != int(n) {
				t.Fatalf("%d refs of %d are passed", len(seen), n)
			}
			f.insert(n+1, rnd.Uint64()&mask)
		}
	}
}

// TestCopyTo: a copy has the same shape over other refs, and changes as any table.
func TestCopyTo(t *testing.T) {
	for _, refs := range []uint32{0, 1, 12, 200, 20_000} {
		f := newFixture(t)
		rnd := rand.New(rand.NewPCG(4, 4))
		for ref := uint32(1); ref <= refs; ref++ {
			f.insert(ref, rnd.Uint64()&^(7<<16))
		}
		const away = 1 << 20
		for ref := uint32(1); ref <= refs; ref++ {
			f.hashes[ref+away] = f.hashes[ref]
		}
		c := f.table.CopyTo(f.heap, f, func(ref uint32) uint32 { return ref + away })
		for _, table := range []*Table{&f.table, &c} {
			if err := f.checkTable(table); err != nil || table.Len() != int(refs) {
				t.Fatalf("%d refs: %d, %v", refs, table.Len(), err)
			}
		}
		if got, want := f.table.Bytes()+c.Bytes(), f.heap.Bytes(); got != want {
			t.Errorf("the tables have %d bytes, the heap holds %d", got, want)
		}
		f.table.Drain(int(refs), func(uint32) {})
		f.table = c
		for ref := uint32(1); ref <= refs; ref++ {
			delete(f.hashes, ref)
			f.delete(ref + away)
		}
		f.check()
	}
}

func TestReplace(t *testing.T) {
	f := newFixture(t)
	f.insert(1, 42)
	p, _ := f.find(1)
	delete(f.hashes, 1)
	f.hashes[9] = 42
	p.Replace(9)
	f.check()
	if _, ok := f.find(9); !ok {
		t.Error("the new ref is not found")
	}
}

func TestOpenFindsWhatRefNames(t *testing.T) {
	f := newFixture(t)
	for ref := uint32(1); ref <= 50; ref++ {
		f.insert(ref, uint64(ref)<<50)
	}
	f.table = Open(f.heap, f.table.Ref(), f)
	f.check()
	if _, ok := f.find(50); !ok {
		t.Error("a ref is not found")
	}
}

// TestScanGuarantee scans while the table grows and shrinks: what is there from
// the first call to the last must be passed.
func TestScanGuarantee(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		f := newFixture(t)
		const stable = 300
		for ref := uint32(1); ref <= stable; ref++ {
			f.insert(ref, rnd.Uint64())
		}
		seen := map[uint32]bool{}
		extra := uint32(stable)
		churn := func() {
			for range rnd.IntN(60) {
				if round%3 == 0 || round%3 == 1 && rnd.IntN(2) == 0 || extra == stable {
					extra++
					f.insert(extra, rnd.Uint64())
				} else {
					f.delete(extra)
					extra--
				}
			}
		}
		for range rnd.IntN(100) {
			churn()
		}
		calls := 0
		for cursor := uint32(0); ; {
			cursor = f.table.Scan(cursor, func(ref uint32) { seen[ref] = true })
			if cursor == 0 {
				break
			}
			if calls++; calls > 100_000 {
				t.Fatal("the scan does not end")
			}
			churn()
		}
		for ref := uint32(1); ref <= stable; ref++ {
			if !seen[ref] {
				t.Fatalf("round %d: ref %d was there all the time and was not passed", round, ref)
			}
		}
	}
}

// TestScanOfQuietTablePassesAllOnce also holds that cursors are small numbers while the table is.
func TestScanOfQuietTablePassesAllOnce(t *testing.T) {
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(5, 6))
	for n := uint32(0); n < 500; n++ {
		seen := map[uint32]int{}
		for cursor := uint32(0); ; {
			cursor = f.table.Scan(cursor, func(ref uint32) { seen[ref]++ })
			if cursor == 0 {
				break
			}
			if cursor >= 2*f.table.len(mainArray) {
				t.Fatalf("cursor %d in a table of %d buckets", cursor, f.table.len(mainArray))
			}
		}
		for ref := uint32(1); ref <= n; ref++ {
			if seen[ref] != 1 {
				t.Fatalf("ref %d of %d was passed %d times", ref, n, seen[ref])
			}
		}
		f.insert(n+1, rnd.Uint64())
	}
}

func TestRandomIsFair(t *testing.T) {
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(7, 8))
	if _, ok := f.table.Random(rnd.Uint64); ok {
		t.Fatal("a ref of an empty table")
	}
	const refs, draws = 100, 100_000
	for ref := uint32(1); ref <= refs; ref++ {
		f.insert(ref, rnd.Uint64())
	}
	var hits [refs + 1]int
	for range draws {
		ref, ok := f.table.Random(rnd.Uint64)
		if !ok {
			t.Fatal("no ref")
		}
		hits[ref]++
	}
	chi := 0.0
	for _, h := range hits[1:] {
		d := float64(h) - draws/refs
		chi += d * d / (draws / refs)
	}
	if chi > 180 { // 99 degrees of freedom: 99.9999 % lie below
		t.Errorf("chi square is %.0f", chi)
	}
}

// TestRandomFindsTheLastOne: where a draw cannot hit, a walk must.
func TestRandomFindsTheLastOne(t *testing.T) {
	f := newFixture(t)
	for ref := uint32(1); ref <= 12; ref++ {
		f.insert(ref, uint64(ref%2))
	}
	for ref := uint32(2); ref <= 12; ref++ { // two buckets stay, one is empty
		f.delete(ref)
	}
	for _, bucket := range []uint64{0, 1} {
		misses := func() uint64 { return bucket<<63 | 0xffffffff } // always the last slot
		if ref, ok := f.table.Random(misses); !ok || ref != 1 {
			t.Errorf("Random is %d, %v", ref, ok)
		}
	}
}

// header adds to a number of an array's part of the header.
func (f *fixture) header(a array, field int, add uint32) {
	h := f.heap.W(f.table.head)
	h.SetU32(int(a)+field, h.U32(int(a)+field)+add)
}

// TestCheckFindsDamageOfNodes damages the nodes above segments.
func TestCheckFindsDamageOfNodes(t *testing.T) {
	for name, damage := range map[string]func(f *fixture, root slab.Ref){
		"a segment elsewhere": func(f *fixture, root slab.Ref) { f.heap.W(root).SetU32(8, 0xfffff000) },
		"a segment twice":     func(f *fixture, root slab.Ref) { f.heap.W(root).SetU32(8, f.heap.R(root).U32(4)) },
		"no segment":          func(f *fixture, root slab.Ref) { f.heap.W(root).SetU32(8, 0) },
		"one bucket more":     func(f *fixture, _ slab.Ref) { f.header(mainArray, arrayLen, 1) },
		"one bucket less":     func(f *fixture, _ slab.Ref) { f.header(mainArray, arrayLen, ^uint32(0)) },
		"segments exchanged": func(f *fixture, root slab.Ref) {
			w := f.heap.W(root)
			a, b := w.U32(4), w.U32(8)
			w.SetU32(4, b)
			w.SetU32(8, a)
		},
		"a segment that is free": func(f *fixture, root slab.Ref) { f.heap.Free(slab.Ref(f.heap.R(root).U32(8))) },
	} {
		r, err := offheap.NewRegion()
		if err != nil {
			t.Fatal(err)
		}
		f := &fixture{t: t, heap: slab.New(r), hashes: map[uint32]uint64{}}
		f.table = Make(f.heap, f)
		rnd := rand.New(rand.NewPCG(1, 1))
		for ref := uint32(1); ref <= 10_000; ref++ {
			f.insert(ref, rnd.Uint64())
		}
		f.check()
		damage(f, slab.Ref(f.heap.R(f.table.head).U32(int(mainArray))))
		if f.checkTable(&f.table) == nil {
			t.Errorf("%s: Check finds nothing", name)
		}
		f.heap.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckFindsDamage(t *testing.T) {
	damages := map[string]func(f *fixture){
		"count":      func(f *fixture) { f.table.addLen(1) },
		"tag":        func(f *fixture) { f.table.mutable(0, 0).SetU8(0, 1+f.table.bucket(0, 0).U8(0)%255) },
		"ref":        func(f *fixture) { setSlot(f.table.mutable(0, 0), 0, 5, 0) },
		"wrong home": func(f *fixture) { f.hashes[refAt(f.table.bucket(0, 0), 0)] ^= 1 },
		"owner":      func(f *fixture) { f.table.mutable(0, 1).SetU32(bucketOwner, 99) },
		"far link":   func(f *fixture) { f.table.mutable(0, 0).SetU32(bucketNext, 1<<20) },
		"circle":     func(f *fixture) { f.table.mutable(0, 1).SetU32(bucketNext, 1) },
		"cut chain":  func(f *fixture) { f.table.mutable(0, 0).SetU32(bucketNext, 0) },
		"shared chain": func(f *fixture) {
			f.table.mutable(1, 0).SetU32(bucketNext, 1)
		},
		"twice": func(f *fixture) {
			b := f.table.mutable(0, 0)
			setSlot(b, 1, b.U8(0), refAt(b, 0))
		},
		"behind the end": func(f *fixture) {
			tail := f.table.tail(0)
			setSlot(f.table.mutable(0, tail), slots(tail)-1, 0, 7)
		},
		"unknown ref":    func(f *fixture) { setSlot(f.table.mutable(0, 0), 0, 3, 99) },
		"capacity":       func(f *fixture) { f.header(mainArray, arrayBits, 1) },
		"large capacity": func(f *fixture) { f.header(mainArray, arrayBits, 20) },
		"root":           func(f *fixture) { f.header(mainArray, arrayRoot, 1) },
		"overflow more":  func(f *fixture) { f.header(overArray, arrayLen, 1) },
		"overflow less":  func(f *fixture) { f.header(overArray, arrayLen, ^uint32(0)) },
		"overflow root":  func(f *fixture) { f.header(overArray, arrayRoot, 1<<31) },
		"shared root": func(f *fixture) {
			f.header(overArray, arrayRoot, f.table.heap.R(f.table.head).U32(int(mainArray))-f.table.heap.R(f.table.head).U32(int(overArray)))
		},
		"hole":        func(f *fixture) { setSlot(f.table.mutable(0, 0), 3, 0, 0) },
		"lost bucket": func(f *fixture) { f.table.push(overArray) },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			r, err := offheap.NewRegion()
			if err != nil {
				t.Fatal(err)
			}
			f := &fixture{t: t, heap: slab.New(r), hashes: map[uint32]uint64{}}
			f.table = Make(f.heap, f)
			for ref := uint32(1); ref <= 20; ref++ {
				f.insert(ref, 3<<56|uint64(ref%4<<8)) // one long chain in bucket 0
			}
			if err := f.checkTable(&f.table); err != nil {
				t.Fatal(err)
			}
			damage(f)
			if err := f.checkTable(&f.table); err == nil {
				t.Error("Check finds nothing")
			}
			f.heap.Close()
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHotPathsAllocateNothing(t *testing.T) {
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(9, 9))
	for ref := uint32(1); ref <= 1000; ref++ {
		f.insert(ref, rnd.Uint64())
	}
	hash := f.hashes[500]
	if n := testing.AllocsPerRun(1000, func() {
		p := f.table.Find(hash)
		for p.Next() {
			if p.Ref() == 500 {
				p.Delete()
				f.table.Insert(hash, 500)
				return
			}
		}
		t.Fatal("not found")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzTable lets the fuzzer choose operations and hashes: two bytes an operation. A map says what must be there.
func FuzzTable(f *testing.F) {
	f.Add([]byte("\x01\x01\x02\x02\x81\x01"))
	f.Add(make([]byte, 200))
	f.Add([]byte("\x85\x01\x85\x02\xf4\x00\x88\x07\xf8\x00\xa0\x03\xf0\x02\xf4\x00\xfc\x14\xf8\x00\xf0\x05"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		f := newFixture(t)
		var refs []uint32
		next := uint32(1)
		insert := func(hash uint64) {
			f.insert(next, hash)
			refs = append(refs, next)
			next++
		}
		remove := func(i int) {
			f.delete(refs[i])
			refs[i] = refs[len(refs)-1]
			refs = refs[:len(refs)-1]
		}
		for step := 0; len(ops) >= 2 && step < 400; step++ {
			op, arg := ops[0], ops[1]
			ops = ops[2:]
			switch {
			case op < 0x80:
				insert(uint64(op)<<56 | uint64(arg))
			case op < 0xa0: // many, whose hashes differ in some of their bits
				rnd := rand.New(rand.NewPCG(uint64(arg), 0))
				for range 100 {
					insert(rnd.Uint64() >> (2 * (op & 31)))
				}
			case op < 0xf0 && len(refs) > 0:
				remove(int(arg) % len(refs))
			case op < 0xf4:
				for range len(refs) * int(arg%8) / 8 {
					remove(int(op+arg) % len(refs))
				}
			case op < 0xf8:
				f.scanAll()
			case op < 0xfc:
				f.table.SetNote(uint32(arg))
				f.table = Open(f.heap, f.table.Ref(), f)
			case len(refs) > 0:
				f.swapForCopy(refs)
			}
			if step%8 == 0 {
				f.check()
			}
		}
		f.check()
		f.scanAll()
	})
}

// scanAll checks that a scan passes each ref once.
func (f *fixture) scanAll() {
	seen := map[uint32]bool{}
	for cursor := uint32(0); ; {
		cursor = f.table.Scan(cursor, func(ref uint32) {
			if _, known := f.hashes[ref]; !known || seen[ref] {
				f.t.Fatalf("ref %d is passed: known %v, before %v", ref, known, seen[ref])
			}
			seen[ref] = true
		})
		if cursor == 0 {
			break
		}
	}
	if len(seen) != len(f.hashes) {
		f.t.Fatalf("%d refs of %d are passed", len(seen), len(f.hashes))
	}
}

// swapForCopy puts a copy, whose refs have other names, in the table's place.
func (f *fixture) swapForCopy(refs []uint32) {
	const away = 1 << 31
	for _, ref := range refs {
		f.hashes[ref^away] = f.hashes[ref]
	}
	c := f.table.CopyTo(f.heap, f, func(ref uint32) uint32 { return ref ^ away })
	for f.table.Drain(100, func(uint32) {}) {
	}
	for i, ref := range refs {
		delete(f.hashes, ref)
		refs[i] = ref ^ away
	}
	f.table = c
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []uint32{1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := newFixture(b)
			rnd := rand.New(rand.NewPCG(1, 1))
			hashes := make([]uint64, n+1)
			for ref := uint32(1); ref <= n; ref++ {
				hashes[ref] = rnd.Uint64()
				f.insert(ref, hashes[ref])
			}
			ref := uint32(0)
			for b.Loop() {
				ref = ref*1664525%n + 1
				p := f.table.Find(hashes[ref])
				for p.Next() && p.Ref() != ref {
				}
			}
		})
	}
}
