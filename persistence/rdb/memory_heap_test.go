//go:build heapalloc

package rdb_test

// storeBytes is what a store takes of Go memory: here its pages are, and all that it is asked whether there is room for; which
// proves nothing of what is decoded.
const storeBytes = 1 << 40
