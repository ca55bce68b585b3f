//go:build heapalloc

package offheap

// eagerViews has a cut copy everything.
const eagerViews = true
