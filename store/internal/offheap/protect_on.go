//go:build writeprotect && !heapalloc

package offheap

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// With tag writeprotect all memory is write-protected when a view is cut, and a page that is touched is not any more: a change of
// a page that was not touched is a fault at the place that forgot.

// protectedBuild: frames that nobody knows of yet are not to be written to.
const protectedBuild = true

// protect protects all frames but those of views. Their owners' locks are held.
func (r *Region) protect() {
	var views viewList
	if list := r.views.Load(); list != nil {
		views = *list
	}
	for _, v := range views {
		v.mu.Lock()
		defer v.mu.Unlock()
	}
	if err := unix.Mprotect(r.usable[:r.enabled], unix.PROT_READ); err != nil {
		panic(fmt.Sprintf("offheap: protecting pages: %v", err))
	}
	for _, v := range views {
		for _, f := range v.frames {
			r.unprotect(f)
		}
	}
}

// unprotect makes a frame writable.
func (r *Region) unprotect(f uint32) {
	at := int(f) << PageShift
	if err := unix.Mprotect(r.usable[at:at+PageSize], unix.PROT_READ|unix.PROT_WRITE); err != nil {
		panic(fmt.Sprintf("offheap: unprotecting a page: %v", err))
	}
}
