package offheap

// fence orders what was read or written before it and after it as others see it. This processor keeps loads in their order, and
// stores, and an atomic store waits for all before it.
func fence() {}
