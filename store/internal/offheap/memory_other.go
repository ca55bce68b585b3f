//go:build !linux && !heapalloc

package offheap

const mapNoReserve = 0

// adviseHuge does nothing: these systems choose page sizes themselves.
func adviseHuge([]byte) {}
