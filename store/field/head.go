package field

import (
	"math"

	"quarry/store/internal/slab"
	"quarry/store/zset"
)

// A field is named by its head, an object of the shard's heap, which stays where it is:
//
//	 0 u8  space
//	 1 u8  dimensions
//	 2 u8  1: it was made by HUNT.CREATE, and stays when it is empty; 2: it has bounds
//	 3 u8  form of the set of places
//	 4 u8  form of the set of deadlines
//	 8 u32 the set of places; 0, with form 0, as long as the field is empty
//	12 u32 the set of deadlines; likewise while no member has one
//	16 u32 names of numeric fields (names.go), or 0
//	24 u64 due: a time that no deadline is before; 0 without deadlines
//	32 f64 bounds: least x, least y, greatest x, greatest y
const (
	headSpace      = 0
	headDims       = 1
	headFlags      = 2
	headPlacesEnc  = 3
	headTimesEnc   = 4
	headPlaces     = 8
	headTimes      = 12
	headNames      = 16
	headDue        = 24
	headBounds     = 32
	headSize       = 64
	flagCreated    = 1
	flagBounded    = 2
	firstDimension = 2
	lastDimension  = 3
)

// head is a head as it is open.
type head struct {
	shape   Shape
	created bool
	places  zset.Handle
	times   zset.Handle
	names   slab.Ref
	due     int64
}

func (e *Env) readHead(ref slab.Ref) (h head) {
	r := e.Heap.R(ref)
	flags := r.U8(headFlags)
	h.shape = Shape{Space: Space(r.U8(headSpace)), Dims: int(r.U8(headDims)), Bounded: flags&flagBounded != 0}
	if h.shape.Bounded {
		b := &h.shape.Bounds
		for i, f := range [...]*float64{&b.MinX, &b.MinY, &b.MaxX, &b.MaxY} {
			*f = math.Float64frombits(r.U64(headBounds + 8*i))
		}
	}
	h.created = flags&flagCreated != 0
	h.places = zset.Handle{Enc: zset.Encoding(r.U8(headPlacesEnc)), Ref: r.U32(headPlaces)}
	h.times = zset.Handle{Enc: zset.Encoding(r.U8(headTimesEnc)), Ref: r.U32(headTimes)}
	h.names = slab.Ref(r.U32(headNames))
	h.due = int64(r.U64(headDue))
	return h
}

// newHead stores a head.
func (e *Env) newHead(h *head) slab.Ref {
	ref := e.Heap.Alloc(headSize)
	e.writeHead(ref, h)
	return ref
}

func (e *Env) writeHead(ref slab.Ref, h *head) {
	w := e.Heap.W(ref)
	w.Zero(0, headSize)
	w.SetU8(headSpace, uint8(h.shape.Space))
	w.SetU8(headDims, uint8(h.shape.Dims))
	flags := uint8(0)
	if h.created {
		flags |= flagCreated
	}
	if h.shape.Bounded {
		flags |= flagBounded
		b := &h.shape.Bounds
		for i, f := range [...]float64{b.MinX, b.MinY, b.MaxX, b.MaxY} {
			w.SetU64(headBounds+8*i, math.Float64bits(f))
		}
	}
	w.SetU8(headFlags, flags)
	w.SetU8(headPlacesEnc, uint8(h.places.Enc))
	w.SetU32(headPlaces, h.places.Ref)
	w.SetU8(headTimesEnc, uint8(h.times.Enc))
	w.SetU32(headTimes, h.times.Ref)
	w.SetU32(headNames, uint32(h.names))
	w.SetU64(headDue, uint64(h.due))
}
