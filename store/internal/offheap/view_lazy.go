//go:build !heapalloc

package offheap

const eagerViews = false
