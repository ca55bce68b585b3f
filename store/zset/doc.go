// Package zset is the sorted set: members in the order of (score, member bytes),
// found by member through a hash index and by rank through counts of subtrees. All of
// it lies off-heap; a set costs the Go heap nothing, a large one a few words.
//
// # Three forms
//
//   - Packed (packed.go): up to 128 short members in one listpack, as in Redis.
//   - Medium and Large (tree.go): a counted B+tree (leaf.go, inner.go) with a linear-hashing
//     index (index.go) over blocks of 1 KiB. They differ only in where the blocks lie
//     (space.go): in one object of the shard's heap, or in pages of the set's own.
//
// A tree differs from Redis' skip list and hash table in that a member's bytes lie
// in its leaf, once, without what its neighbours share, and that nothing points at a row: the
// index names leaves, separators are strings of their own. So there is no record to chase, no allocator of small
// objects to fragment, and a row costs
//
//	11     fingerprint, offset and key in the leaf
//	 1     length of the suffix
//	~6     suffix of "player:%012d" among a million neighbours by random scores
//	 5     leaves are about 81 % full
//	 6.6   index: 64 bytes a bucket for 12 rows, and overflow buckets for every fifth
//	 0.7   inner nodes: 20 bytes a leaf of 33 rows
//
// or 31 bytes after random inserts and 32 after random updates, where Redis needs 102 to
// 118; 44 to 48 when members share nothing (BenchmarkMillion reports them).
//
// A tree may be of rows with values (valued.go): the same code, with a few bytes more in each entry.
//
// # Cost
//
// Every operation on a member is O(log n) with a base of about 40, and touches 4 to 6
// cache lines out of cache. None does work in proportion to the set: the index
// grows and shrinks by one bucket at a time, leaves are rewritten one at a time, memory is
// given back by moving at most one block per removal (compact), and a large set is dropped by
// unhooking its arena.
//
// Nor does a change move or hash long members that it does not name: their hashes lie
// in the leaves, and a set with more of them than can be moved at once is large. A
// comparison of members reads what they have in common; so does a new separator.
//
// What takes time in proportion, under the caller's lock, is what is asked for as a whole:
//
//   - RemoveRange: 10 to 100 ns a row, unless it is all of the set.
//   - CopyTo of a large set: its pages, 3 to 10 GB/s, and its long members one by one.
//
// # Limits
//
// An index slot names one of 2^24 blocks: a set ends, in a panic, at 16 GiB of rows, some
// 500 million of 31 bytes. Its long members have a heap of their own, of 64 GiB (package
// slab). A shard's packed and medium sets share one of 64 GiB with its keys.
//
// # Where to read on
//
// set.go is the whole interface, but for rows with values (valued.go), searches by place (near.go) and filling a set in order (build.go). header.go,
// leaf.go, inner.go and index.go draw the bytes; check.go states the invariants by verifying them.
package zset
