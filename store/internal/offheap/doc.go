// Package offheap is the fence: the only place in Quarry that maps memory or
// imports unsafe. A [Region] hands out pages of 64 KiB; a [Pages] is one
// owner's list of pages, addressed by index; a [Block] is a place in a page,
// read and written through accessors.
//
// # Why not the Go heap
//
// The collector never sees what lies here: no pointer leads in or out, a
// member costs no object, and the heap stays a few megabytes whatever the data.
//
// # Touch before every mutation
//
// Memory is changed only through blocks that W returned. W compares the page's
// epoch with the region's: of a page that a snapshot view may still be reading, what is
// changed for the first time after the cut is copied before, 1 KiB at a time (view.go); the page stays where it is. With tag
// invariants a block knows its bounds and whether it came from W: an access out
// of bounds, or a change through a block from R, panics at the place that forgot.
//
// # Builds
//
// Default: one reservation of address space, frames made accessible as they are
// used, huge pages advised. Tag heapalloc: frames are Go memory, so that the race
// detector and the checks of unsafe pointers see them; same tests, same code above.
package offheap
