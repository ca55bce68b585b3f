package slab

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"quarry/store/internal/offheap"
)

func newHeap(t testing.TB) (*Heap, *offheap.Region) {
	t.Helper()
	r, err := offheap.NewRegion()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return New(r), r
}

// check fails unless the heap's own walk finds nothing, and everything is given back in the end.
func check(t *testing.T, h *Heap) {
	t.Helper()
	if err := h.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestClassesFitTheirPages(t *testing.T) {
	for i, size := range classes {
		if size%unit != 0 || i > 0 && size <= classes[i-1] {
			t.Errorf("class %d of %d bytes", i, size)
		}
	}
	for _, size := range classes {
		n := offheap.PageSize / size
		if size > 4096 && size != offheap.PageSize/n&^(unit-1) {
			t.Errorf("%d bytes fit a page %d times, and so do more", size, n)
		}
		if waste := offheap.PageSize - n*size; waste > offheap.PageSize/16 {
			t.Errorf("%d bytes leave %d of a page", size, waste)
		}
	}
	if classes[len(classes)-1] != MaxSize {
		t.Errorf("the largest class is of %d bytes", classes[len(classes)-1])
	}
	for _, size := range []int{1, 16, 17, 100, 1024, 1025, 4097, 30000, MaxSize} {
		if c := Class(size); c < size || size > 64 && c > size*3/2 {
			t.Errorf("%d bytes take %d", size, c)
		}
	}
}

// TestRandomObjects fills, frees and resizes objects at random: each keeps its
// bytes, no two overlap, and the accounts agree.
func TestRandomObjects(t *testing.T) {
	for seed := uint64(1); seed <= 4; seed++ {
		h, region := newHeap(t)
		rng := rand.New(rand.NewPCG(seed, 7))
		type object struct {
			ref  Ref
			size int
			fill byte
		}
		var live []object
		size := func() int {
			if rng.IntN(10) == 0 {
				return 1 + rng.IntN(MaxSize)
			}
			return 1 + rng.IntN(300)
		}
		verify := func(o object) {
			if got := h.R(o.ref).Bytes(0, o.size); !bytes.Equal(got, bytes.Repeat([]byte{o.fill}, o.size)) {
				t.Fatalf("seed %d: object %#x of %d bytes lost its contents", seed, o.ref, o.size)
			}
		}
		for step := range 20_000 {
			switch n := rng.IntN(10); {
			case n < 5 && len(live) < 2000 || len(live) == 0:
				o := object{size: size(), fill: byte(step)}
				o.ref = h.Alloc(o.size)
				h.W(o.ref).Copy(0, bytes.Repeat([]byte{o.fill}, o.size))
				live = append(live, o)
			case n < 8:
				i := rng.IntN(len(live))
				verify(live[i])
				h.Free(live[i].ref)
				live[i] = live[len(live)-1]
				live = live[:len(live)-1]
			default:
				o := &live[rng.IntN(len(live))]
				verify(*o)
				to := size()
				o.ref = h.Resize(o.ref, to, min(o.size, to))
				o.size = min(o.size, to)
				verify(*o)
			}
			if step%500 == 0 {
				check(t, h)
			}
		}
		for _, o := range live {
			verify(o)
			h.Free(o.ref)
		}
		check(t, h)
		if h.Bytes() != 0 || h.Live() != 0 {
			t.Errorf("seed %d: %d bytes, %d objects left", seed, h.Bytes(), h.Live())
		}
		h.Trim()
		check(t, h)
		if h.Pages() != 0 || region.Used() != 0 {
			t.Errorf("seed %d: %d pages left, %d in the region", seed, h.Pages(), region.Used())
		}
	}
}

func TestMassDeletionGivesPagesBack(t *testing.T) {
	h, _ := newHeap(t)
	refs := make([]Ref, 100_000)
	for i := range refs {
		refs[i] = h.Alloc(64)
	}
	full := h.Pages()
	for _, r := range refs[:90_000] {
		h.Free(r)
	}
	if got := h.Pages(); got > full/8 {
		t.Errorf("%d of %d pages are held for a tenth of the objects", got, full)
	}
	h.Close()
	if h.Pages() != 0 {
		t.Error("pages are left after Close")
	}
}

func TestBlobs(t *testing.T) {
	h, _ := newHeap(t)
	for _, n := range []int{0, 1, 8, 100, MaxSize - 9, MaxSize - 8, MaxSize - 7, 2*MaxSize - 12, 2*MaxSize - 11, 1 << 20} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i * 31)
		}
		r := h.PutBlob(b)
		if got := h.AppendBlob(nil, r); !bytes.Equal(got, b) || h.BlobLen(r) != n {
			t.Errorf("%d bytes came back as %d", n, len(got))
		}
		if h.Bytes() != BlobBytes(n) {
			t.Errorf("%d bytes take %d, BlobBytes says %d", n, h.Bytes(), BlobBytes(n))
		}
		if h.CompareBlob(r, b) != 0 || h.CompareBlob(r, append(b[:n:n], 0)) != -1 {
			t.Errorf("%d bytes compare wrongly", n)
		}
		if n > 0 {
			if h.CompareBlob(r, b[:n-1]) != 1 {
				t.Errorf("%d bytes are not after one less", n)
			}
			c := bytes.Clone(b)
			c[n-1]++
			if h.CompareBlob(r, c) != bytes.Compare(b, c) {
				t.Errorf("%d bytes: the last byte does not count", n)
			}
		}
		h.FreeBlob(r)
		check(t, h)
		if h.Bytes() != 0 {
			t.Errorf("%d bytes left", h.Bytes())
		}
	}
}

// TestPartsOfBlobs copies beginnings of blobs, and compares blobs that differ at one place.
func TestPartsOfBlobs(t *testing.T) {
	h, region := newHeap(t)
	other := New(region)
	lengths := []int{0, 1, 7, 8, 9, 500, MaxSize - 9, MaxSize - 8, MaxSize - 7, 2*MaxSize - 12, 2*MaxSize - 11, 3 * MaxSize}
	whole := make([]byte, 3*MaxSize)
	for i := range whole {
		whole[i] = byte(i * 31)
	}
	r := h.PutBlob(whole)
	for _, n := range lengths {
		for _, to := range []*Heap{h, other} {
			before := to.Bytes()
			c := to.CopyBlob(h, r, n)
			if got := to.AppendBlob(nil, c); !bytes.Equal(got, whole[:n]) {
				t.Errorf("the first %d bytes are copied as %d", n, len(got))
			}
			if got := to.Bytes() - before; got != BlobBytes(n) {
				t.Errorf("a copy of %d bytes takes %d", n, got)
			}
			to.FreeBlob(c)
		}
		if n == len(whole) {
			continue
		}
		c := bytes.Clone(whole)
		c[n]++
		s := h.PutBlob(c)
		if got := h.CommonBlobs(r, s); got != n {
			t.Errorf("blobs that differ at byte %d share %d", n, got)
		}
		if got := h.CommonBytes(r, c); got != n {
			t.Errorf("a blob and bytes that differ at byte %d share %d", n, got)
		}
		if got := h.CommonBytes(r, whole[:n]); got != n {
			t.Errorf("a blob shares %d bytes with its first %d", got, n)
		}
		h.FreeBlob(s)
	}
	h.FreeBlob(r)
	for _, h := range []*Heap{h, other} {
		check(t, h)
		if h.Bytes() != 0 {
			t.Errorf("%d bytes left", h.Bytes())
		}
	}
}
