//go:build !heapalloc

package rdb_test

// storeBytes is what an empty store takes of Go memory.
const storeBytes = 0
