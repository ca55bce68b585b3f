// Package dict is the hash table of the store: a set of 32-bit refs found by
// the hash of what they name. What a ref names (a key's record, a hash's field,
// a set's member) the table never sees: [Table.Find] yields the refs whose hash
// may be the wanted one, and the caller compares.
//
// # Linear hashing
//
// A table of n buckets, 2^l <= n < 2^(l+1), has split its first n-2^l buckets
// of level l in two. It grows by splitting the next one, at most one per
// insertion, and shrinks by merging the last one back, at most one per deletion:
// no operation ever does more than a bucket's worth of work, and there are
// never two tables to look into. It splits above 9.6 refs a bucket, which
// leaves a sixth of the buckets with an overflow bucket, 7 to 8 bytes a ref in
// all, and merges below 6.
//
// # Layout
//
// Everything lies in the slab heap of the shard. The header:
//
//	 0 u32 refs in the table
//	 4 main array: u32 root | u32 buckets | u32 log2 of the capacity
//	16 overflow array: likewise
//	28 u32 note: the owner's
//
// A bucket fills a cache line. The refs of a chain (a main bucket and the
// overflow buckets linked to it) are dense: only the last bucket has empty slots,
// and only at its end, and no overflow bucket is empty.
//
//	 0 12 x u8  tags: the hash's top byte, never 0; 0 marks an empty slot
//	12 u32      next bucket of the chain: index in the overflow array + 1, 0 none
//	16 12 x u32 refs; in an overflow bucket the last is not a ref but the index
//	            of the main bucket, so that the bucket can be moved
//
// The overflow array is dense as well: its last bucket moves into a hole. So both
// arrays shrink from the end, and their memory goes back (array.go).
package dict
