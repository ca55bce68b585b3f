// Package table is the unordered collection of keys behind hashes and sets: the fields of a
// hash, each with a value, or the members of a set. All of it lies off-heap; a table costs the Go heap
// nothing, a large one a few words.
//
// # Four forms
//
//   - Ints and Packed (packed.go): one listpack, as in Redis up to its thresholds and 32 KiB.
//   - Medium and Large (hashed.go): a hash table (package dict) over one object an element
//     (space.go), in the shard's heap or in a heap of the table's own.
//
// OBJECT ENCODING and the thresholds are Redis 7.2's: a set of integers is an intset until it has
// too many of them or another member, then a listpack if that may be, then a hashtable; and a table
// never becomes packed again.
//
// # Memory
//
// An element of a hashed table takes its object, of 2 bytes and the key in a set and of 4 bytes,
// key and value in a hash, rounded up to a size class of 16 bytes, and 7 to 8 bytes in the dict:
// 24 for a member of 10 bytes, where Redis needs 24 for the entry, 8 to 16 for its place in the
// table and 16 for the string. What a large table wastes is a page of 64 KiB begun for each size
// class its elements have, and for three of the dict.
//
// # Cost
//
// Every operation on a key is O(1) in a hashed table and touches 3 cache lines out of cache: the
// dict's bucket and one or two of the element. None does work in proportion to the table, but
// for what is bounded: a medium table becoming large, or moving to another shard, copies at most
// mediumLen elements. Dropping one hands it to Reclaim.
//
// What takes time in proportion, under the caller's lock, is what is asked for as a whole: a
// walk (Iter), and CopyTo of a large table, at the speed of memory.
package table
