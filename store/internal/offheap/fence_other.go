//go:build !amd64 && !arm64

package offheap

import "sync/atomic"

var fenced atomic.Int64

// fence orders what was read or written before it and after it as others see it.
func fence() { fenced.Add(1) }
