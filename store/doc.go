// Package store is the data: shards, the keyspace in them, expiry and memory
// accounting. It speaks Go types and returns sentinel errors; it knows nothing
// of the protocol.
//
// A key belongs to the shard of its slot, CRC16 of the key or of its hash tag
// modulo 16384, so that a later split over machines moves whole shards. Every
// function that takes a key needs that key's shard to be locked by the caller
// (package server's gate); functions that take the locks themselves say so.
//
// Reading order: shard.go (a shard and its databases, lock order), record.go (a
// key's record), db.go and zset.go (what a command sees), expire.go, use.go,
// scan.go, tick.go, memory.go, check.go.
package store
