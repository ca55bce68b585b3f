//go:build !heapalloc

package hostile

// storeOnHeap is what the store's pages may add to the Go heap.
const storeOnHeap = 0
