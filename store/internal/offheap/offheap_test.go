package offheap

import (
	"bytes"
	"runtime"
	"testing"
)

func newRegion(t *testing.T) *Region {
	t.Helper()
	r, err := NewRegion()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := r.Used(); n != 0 {
			t.Errorf("%d pages are still in use at the end", n)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestAccessorsReadWhatWasWritten(t *testing.T) {
	p := NewPages(newRegion(t))
	defer p.Truncate(0)
	b := p.W(p.Append(0), 128, 64)
	b.Zero(0, 64)
	b.SetU8(0, 0xfe)
	b.SetU16(1, 0xbeef) // unaligned on purpose
	b.SetU32(5, 0xdeadbeef)
	b.SetU64(9, 1<<63|7)
	b.Copy(20, []byte("hello"))
	b.Move(22, 20, 5)
	if b.U8(0) != 0xfe || b.U16(1) != 0xbeef || b.U32(5) != 0xdeadbeef || b.U64(9) != 1<<63|7 {
		t.Error("a number came back changed")
	}
	if got := b.Bytes(20, 7); string(got) != "hehello" || cap(got) != 7 {
		t.Errorf("bytes %q, capacity %d", got, cap(got))
	}
	// Numbers are little-endian wherever we build: files of the same bytes are read everywhere.
	if got := b.Bytes(5, 4); !bytes.Equal(got, []byte{0xef, 0xbe, 0xad, 0xde}) {
		t.Errorf("u32 lies as % x", got)
	}
	if sub := b.Sub(20, 7); string(sub.Bytes(2, 5)) != "hello" {
		t.Error("a part of a block lies elsewhere")
	}
	if again := p.R(0, 128+20, 7); string(again.Bytes(0, 7)) != "hehello" {
		t.Error("reading through the page differs")
	}
}

func TestPagesKeepTheirPlaces(t *testing.T) {
	r := newRegion(t)
	p := NewPages(r)
	for i := range 5 {
		p.W(p.Append(0), 0, 8).SetU64(0, uint64(i))
	}
	p.Drop(1)
	p.Drop(3)
	if r.Used() != 3 || p.Len() != 5 || p.Has(1) || !p.Has(4) {
		t.Fatalf("%d pages in use, %d places", r.Used(), p.Len())
	}
	p.Put(3, 0)
	for _, i := range []uint32{0, 2, 4} {
		if got := p.R(i, 0, 8).U64(0); got != uint64(i) {
			t.Errorf("page %d holds %d", i, got)
		}
	}
	c := p.Clone()
	p.W(0, 0, 8).SetU64(0, 99)
	if c.R(0, 0, 8).U64(0) != 0 || c.R(4, 0, 8).U64(0) != 4 || c.Has(1) {
		t.Error("a clone shares a page, or lacks one")
	}
	for c.DropSome(2) > 0 {
	}
	p.Truncate(0)
	if r.Used() != 0 || r.Peak() != 8 {
		t.Errorf("%d pages in use at the end, %d at the most", r.Used(), r.Peak())
	}
}

// TestTrimGivesMemoryBack also proves that frames are reused: the resident pages do not grow
// when as many are taken as were given.
func TestTrimGivesMemoryBack(t *testing.T) {
	r := newRegion(t)
	p := NewPages(r)
	for range 600 {
		p.W(p.Append(0), 0, 8).SetU64(0, 1)
	}
	p.Truncate(0)
	if r.Resident() != 600 {
		t.Fatalf("%d pages resident", r.Resident())
	}
	for r.Trim(100) {
	}
	if r.Resident() != 256 {
		t.Fatalf("%d pages resident after trimming, 256 are kept", r.Resident())
	}
	for range 600 {
		p.W(p.Append(0), 0, 8).SetU64(0, 2)
	}
	if r.Resident() != 600 {
		t.Errorf("%d pages resident when as many are in use again", r.Resident())
	}
	for i := range uint32(600) {
		if p.R(i, 0, 8).U64(0) != 2 {
			t.Fatalf("page %d lost what was written", i)
		}
	}
	p.Truncate(0)
}

func TestTouchStampsOncePerEpoch(t *testing.T) {
	r := newRegion(t)
	p := NewPages(r)
	p.Append(0)
	defer p.Truncate(0)
	before := p.words[0]
	p.W(0, 0, 8)
	if p.words[0] != before {
		t.Error("a page of this epoch was stamped again")
	}
	v := r.NewView()
	v.Cut()
	v.Retire()
	v.Free()
	p.R(0, 0, 8)
	if p.words[0] != before {
		t.Error("reading stamped a page")
	}
	p.W(0, 0, 8)
	if uint32(p.words[0]) != r.epoch || p.words[0]>>32 != before>>32 {
		t.Errorf("word %x after a touch in epoch %d, was %x", p.words[0], r.epoch, before)
	}
}

// TestReadyRefusesAhead: what Ready promised can be taken; what is refused has changed nothing.
func TestReadyRefusesAhead(t *testing.T) {
	r := newRegion(t)
	p := NewPages(r)
	p.Append(0)
	r.Limit(3)
	if !r.Ready(3) || r.Ready(4) {
		t.Fatalf("3 pages are left: Ready(3) %v, Ready(4) %v", r.Ready(3), r.Ready(4))
	}
	for range 3 {
		p.Append(0)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a page that is not there was taken")
			}
		}()
		p.Append(0)
	}()
	if r.Used() != 4 || r.Resident() != 4 || r.Peak() != 4 || p.Len() != 4 {
		t.Errorf("%d pages in use, %d resident, %d at the most, %d in the list; 4 were taken", r.Used(), r.Resident(), r.Peak(), p.Len())
	}
	p.Drop(2)
	if !r.Ready(1) || r.Ready(2) {
		t.Error("a page that came back is not ready, or counts twice")
	}
	p.Put(2, 0)
	p.Truncate(0)
}

// TestReadyAsksTheSystem: more than is accessible is made so, more than there are addresses is refused at once.
func TestReadyAsksTheSystem(t *testing.T) {
	r := newRegion(t)
	if !r.Ready(1000) || r.ready.Load() < 1000 {
		t.Errorf("1000 pages cannot be had; %d are ready", r.ready.Load())
	}
	before := r.backed()
	if r.Ready(int64(r.capacity()) + 1) {
		t.Error("more pages than there are addresses are ready")
	}
	if r.backed() != before {
		t.Errorf("%d pages were made accessible for a refusal", r.backed()-before)
	}
}

// TestTrimTakesTheOldest: the page given back last is taken first, and no page is lost or taken
// twice, in whatever portions they are trimmed.
func TestTrimTakesTheOldest(t *testing.T) {
	r := newRegion(t)
	r.give() // nothing
	frames := make([]uint32, 2000)
	for i := range frames {
		frames[i] = r.take()
	}
	r.give(frames...)
	for portion := 1; r.Trim(portion); portion = portion%37 + 1 {
	}
	if r.Resident() != 256 {
		t.Errorf("%d pages resident after trimming", r.Resident())
	}
	seen := map[uint32]bool{}
	for i := range frames {
		f := r.take()
		if want := frames[len(frames)-1-i]; i < 256 && f != want {
			t.Fatalf("frame %d is taken as number %d, want %d", f, i, want)
		}
		if seen[f] {
			t.Fatalf("frame %d is taken twice", f)
		}
		seen[f] = true
	}
	if r.Resident() != 2000 {
		t.Errorf("%d pages resident", r.Resident())
	}
	r.give(frames...)
}

// BenchmarkTrim trims 16 pages of a million that are free: its cost must not depend on that million.
func BenchmarkTrim(b *testing.B) {
	r, err := NewRegion()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	r.take()
	frames := make([]uint32, 1<<20)
	for i := range frames {
		frames[i] = 1 // that it is one page again and again matters to nobody
	}
	for b.Loop() {
		if len(r.warm) < 1<<19 {
			r.warm, r.coldest, r.cold = append(r.warm[:0], frames...), 0, r.cold[:0]
		}
		r.Trim(16)
	}
}

// TestEndOfPage: nothing, at the very end of any page, may be looked at. With memory of Go's the race detector
// would see a pointer that leaves its allocation.
func TestEndOfPage(t *testing.T) {
	pages := NewPages(newRegion(t))
	for range 200 { // more than a piece of what the system is asked for
		i := pages.Append(0)
		if b := pages.R(i, 0, PageSize).Bytes(PageSize, 0); len(b) != 0 {
			t.Fatalf("%d bytes", len(b))
		}
		runtime.GC()
	}
	pages.Truncate(0)
}
