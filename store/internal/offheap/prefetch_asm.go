//go:build amd64 || arm64

package offheap

import "unsafe"

// prefetch asks for n cache lines from p on (prefetch_amd64.s, prefetch_arm64.s).
//
//go:noescape
func prefetch(p unsafe.Pointer, n int)
