//go:build invariants

package offheap

import (
	"bytes"
	"fmt"
	"unsafe"
)

// Witnesses reports whether views are checked: then Store.Cut has them keep all owners at once, so that also what is
// changed without a touch before the first one is noticed.
const Witnesses = true

// witness is a copy of each page of the cut, made when the view came to know the owner. Everything that is read of the view is
// compared with it: a change without a touch, or a protocol that is wrong, shows.
type witness struct{ pages [][]byte }

func (k *keep) witnessAll() {
	k.witness.pages = make([][]byte, len(k.pages))
	for i := range k.pages {
		if f := k.pages[i].frame; f != 0 {
			k.witness.pages[i] = bytes.Clone(unsafe.Slice((*byte)(k.v.r.frame(f)), PageSize))
		}
	}
}

func (k *keep) check(got []byte, i, off uint32) {
	if want := k.witness.pages[i][off:][:len(got)]; !bytes.Equal(got, want) {
		panic(fmt.Sprintf("offheap: %d bytes at %d of page %d of a view are not those of the cut", len(got), off, i))
	}
}
