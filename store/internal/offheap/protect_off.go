//go:build !writeprotect || heapalloc

package offheap

const protectedBuild = false

func (r *Region) protect()         {}
func (r *Region) unprotect(uint32) {}
