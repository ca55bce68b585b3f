// Package list is the list: byte strings in the order they were put in, reached from
// both ends and by number. All of it lies off-heap; a list costs the Go heap
// nothing, a large one a few words.
//
// # Three forms
//
//   - Packed (leaf.go): one listpack, up to list-max-listpack-size, as in Redis.
//   - Medium and Large (tree.go): a B+tree ordered by position. Its leaves are
//     listpacks of up to 4 KiB (leaf.go), its inner nodes count the elements below each
//     child (inner.go). Elements that do not go into a leaf are children of their own. The forms differ
//     only in where the nodes lie (space.go): in the shard's heap, or in one of the list's own.
//
// Redis' quicklist is a chain of listpacks of 8 KiB, which is walked from the nearer end: a place in the middle
// of a million elements is some hundreds of nodes away. In a tree with counts it is three, and whatever
// happens there, LSET, LINSERT, LTRIM, LRANGE, finds it so. Nodes of half the size halve
// what a change in the middle moves.
//
// Nothing is compressed, whatever list-compress-depth says.
//
// # Memory
//
// An element of up to 127 bytes takes its length and one byte, in Redis two. To that
// come 12 bytes an inner node has for each leaf, and 4 a leaf has for its mark: a
// million elements of 12 bytes take 13.2 each (TestTallTree). A packed list is one object of
// exactly its size class; one of three elements of 10 bytes takes 48 bytes, where Redis has
// the object, the quicklist, its node and a listpack, 144 in all.
//
// # Cost
//
// Pushing and popping touch one leaf and the nodes above it. A place is found in O(log n) with a base
// of 84 and a walk over part of one leaf, some 150 ns in a million elements. A walk
// costs 1 to 3 ns an element, and that is what LREM, LPOS and LINSERT take that look for a value.
//
// No operation but those and CopyTo does work in proportion to the list: dropping a large one unhooks
// its arena, cutting a part off unhooks subtrees, and both are freed by Reclaim in slices.
//
// # Limits
//
// A list ends, in a panic, at the 64 GiB of its heap (package slab). A shard's packed and
// medium lists share one of 64 GiB with its keys.
//
// # Where to read on
//
// list.go is the whole interface, and iter.go. leaf.go and inner.go draw the bytes; check.go states
// the invariants by verifying them.
package list
