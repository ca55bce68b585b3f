package list

import (
	"quarry/store/internal/offheap"
	"quarry/store/internal/slab"
)

// An inner node is an object of a heap that names up to fanout children in the list's
// order, and counts the elements below each:
//
//	 0 u8  level: 1 if the children are leaves and long elements, else theirs plus 1
//	 1 u8  free
//	 2 u16 n: number of children
//	 4 u32 free
//	 8 u64 the root's: number of elements of the list
//	16 the children, 12 bytes each:
//	     u32 ref
//	     u64 number of elements below it; the top bit says that it is one long
//	         element: a blob
//
// It is as large as it must be, up to 1 KiB.
const (
	innerLevel    = 0
	innerN        = 2
	innerTotal    = 8
	innerChildren = 16
	childSize     = 12
	childCount    = 4
	childLong     = 1 << 63

	innerMax  = 1024
	fanout    = (innerMax - innerChildren) / childSize // 84
	maxHeight = 16                                     // far more than 2^64 elements need
)

// child is what an inner node knows of a child.
type child struct {
	ref   slab.Ref
	count int
	long  bool
}

// inner is an inner node's memory.
type inner struct{ offheap.Block }

func (p inner) level() int { return int(p.U8(innerLevel)) }

func (p inner) n() int { return int(p.U16(innerN)) }

func (p inner) count(i int) int {
	return int(p.U64(innerChildren+i*childSize+childCount) &^ childLong)
}

func (p inner) child(i int) child {
	at := innerChildren + i*childSize
	count := p.U64(at + childCount)
	return child{slab.Ref(p.U32(at)), int(count &^ childLong), count&childLong != 0}
}

func (p inner) set(i int, c child) {
	at := innerChildren + i*childSize
	count := uint64(c.count)
	if c.long {
		count |= childLong
	}
	p.SetU32(at, uint32(c.ref))
	p.SetU64(at+childCount, count)
}

// insert puts c before child i; there is room for it.
func (p inner) insert(i int, c child) {
	n, at := p.n(), innerChildren+i*childSize
	p.Move(at+childSize, at, (n-i)*childSize)
	p.set(i, c)
	p.SetU16(innerN, uint16(n+1))
}

// sum is the number of elements below the node.
func (p inner) sum() (sum int) {
	for i := range p.n() {
		sum += p.count(i)
	}
	return sum
}

// sizeOfInner is the size of the object of a node with n children.
func sizeOfInner(n int) int { return innerChildren + n*childSize }

// locate is the child that has the element of number index, and how many elements come
// before it in that child; total is the number of elements below the node. It begins at
// the nearer end. index may be total: the place after the last element of the last child.
func (p inner) locate(index, total int) (i, offset int) {
	if index >= total/2 {
		i = p.n() - 1
		start := total - p.count(i)
		for index < start {
			i--
			start -= p.count(i)
		}
		return i, index - start
	}
	for i = 0; index >= p.count(i); i++ {
		index -= p.count(i)
	}
	return i, index
}
