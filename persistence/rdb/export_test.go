package rdb

// Checksum is the checksum of bytes.
func Checksum(b []byte) uint64 { return checksum(0, b) }
