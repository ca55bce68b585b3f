// Package field is the field of HUNT.PUT and its kin: members with a place on a plane or on the globe, a deadline,
// numeric fields, tags and a payload, found by name and by place. All of it lies off-heap.
//
// # What it is made of
//
//	head (head.go), one object ──► places: a valued zset.Set, in the order of the cells
//	                          ├──► deadlines: a zset.Set of the members that expire, by time
//	                          └──► names of numeric fields (names.go), one object
//
// The key of a place is the interleaved number of its cell in a grid of 2^32 x 2^32 (grid.go), so that the search of package
// zset, which knows nothing of what keys mean, finds what is near. The row's value (value.go) has the exact coordinates, and
// what filters ask for; whatever is longer is the row's tail. z is not in the key: worlds are flat.
//
// # Deadlines
//
// A member whose time is over is missing for every method, exactly; its row stays until Expire meets it. Len is the number of rows
// less the deadlines that have passed, which the set of deadlines counts. Due is a time that no deadline is
// before: the store finds by it which fields are to be looked after. It is allowed to be too early, so that most changes
// need not write it.
//
// # Memory
//
// A member of a plane with one numeric field takes, beside its name,
//
//	11   fingerprint, offset and key in the leaf
//	 2   lengths of the name's rest and of the value
//	27   value: flags, x, y, one numeric field
//	     all this by the fill of leaves, and the index's 6.6 and the inner nodes' 1 (package zset)
//
// BenchmarkMillion reports it. A member that expires takes its name and about 25 bytes in the deadlines. The first member of a
// field takes 4 KiB, as the smallest tree does.
//
// # Cost
//
// A change is O(log n) for each member, and a move to a place nearby writes one leaf. A member's numeric fields and tags are
// few (MaxNames, MaxTags), so what is done with all of them is bounded. What takes time in proportion is what zset.Set says.
//
// # Where to read on
//
// field.go is the interface but for searches, which search.go begins. check.go states the invariants.
package field
