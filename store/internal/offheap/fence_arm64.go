package offheap

// fence orders what was read or written before it and after it as others see it (fence_arm64.s).
//
//go:noescape
func fence()
