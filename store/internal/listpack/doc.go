// Package listpack is the packed form of small values: a short run of
// elements in one piece of memory, without pointers, walked from the front.
// Small sorted sets, hashes, sets and lists are all kept so. The package works
// on plain bytes; whose memory it is, and when it must grow, is the caller's
// business.
//
// # Bytes
//
// A list begins with four bytes of header, numbers little-endian:
//
//	0  u16  size: bytes in use, header included (4 to 65535)
//	2  u16  count: number of elements
//	4       the elements, one after another
//	size    free, up to the end of the memory
//
// An element begins with a tag, which says what it is and how long:
//
//	00..7f  string of 0 to 127 bytes, which follow; the tag is the length
//	80..87  integer below 0; its 8..1 low bytes follow, 80 has eight, 87 has one
//	88..f7  integer from 0 to 2^52-1 in steps of sixteen tags: 88+16k+h is followed by
//	        k = 0..6 bytes, of which h is the high nibble (4, 12, 20 ... 52 bits)
//	f8      integer from 2^52; eight bytes follow
//	f9      float64, eight bytes follow
//	fa      string of 128 bytes and more; u16 length and the bytes follow
//	fb..ff  not used
//
// Integers and floats are big-endian. The pair ("ada", 4660) is
//
//	03 61 64 61   a8 12 34
//
// and the pair ("42", -2) is
//
//	92 2a   87 fe
//
// # One form per value
//
// A string that is the canonical decimal form of an int64 ("0", "-7", "123",
// but not "+1", "007", "-0") is always stored as that integer, and every integer
// in the shortest form it has. So two elements are equal exactly when their bytes
// are: Find never decodes anything. Check demands it of memory from outside.
//
// # Why there is no back-length
//
// An element cannot be walked backwards over: that would take a byte or more
// behind each, 2 of the 25 bytes of a sorted set's usual pair (8 % of every small
// board). What it would buy is little: a forward walk passes 256 elements of 128
// pairs in 0.2 us where values are equally long and in 0.85 us where no two
// neighbours are (BenchmarkWalk; see Length for why they differ), and one such
// walk that remembers positions serves a whole backward one. Lists that are
// popped at their end find it the same way, being as short as all packed values.
package listpack
