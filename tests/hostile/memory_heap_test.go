//go:build heapalloc

package hostile

// storeOnHeap is what the store's pages may add to the Go heap: they lie there in this
// build, and stay for reuse. The race detector keeps several bytes for each of them.
const storeOnHeap = 64 << 20
