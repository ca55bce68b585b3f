// Package rdb reads and writes RDB files, Redis' snapshots, and the payloads of DUMP and RESTORE. This is the specification of the
// format, as far as Quarry writes it, and of what else it reads.
//
// # File
//
//	"REDIS" "0009"        magic and version
//	items
//	255                   the end
//	u64                   checksum of all before, little-endian; 0: there is none
//
// Quarry writes version 9, in which Redis 5 and all later ones read the types that they have in common. It reads versions 1 to 16 of
// Redis, of which those before 5 have no checksum, and Valkey's ("VALKEY" and three digits) 80 and 81: later versions of both have
// added types and codes, and an unknown one is refused. The checksum is a CRC of 64 bits, see crc.go. Nothing may follow it.
//
// An item is a key or says something of the file, of the keys that follow, or of the next one:
//
//	250 string string                  a field: its name and value
//	254 length                         the database of the keys that follow
//	251 length length                  how many keys it has, and how many of them expire
//	252 u64                            the next key expires at this time, Unix ms, little-endian
//	253 u32                            likewise in seconds                                                   (read only)
//	248 length                         it was not used for so many seconds
//	249 u8                             so often was it used, by a counter of LFU
//	0..26, 208, 209, string, value     a key, with the type of its value
//	247 ... | 245 string | 244 3 lengths   what modules say, functions, sizes of slots: left out             (read only)
//
// A field of Quarry's is quarry-ver, its version; Redis passes over it. aof-base is 1 if a log follows: then keys whose
// time is over are kept.
//
// # Lengths and strings
//
// A length has 1, 2, 5 or 9 bytes, and a string is a length and so many bytes, a short form of an integer, or compressed: see
// reader.go, and lzf.go. Integers of up to 32 bits are always written short; strings of 21 bytes to 1 MiB are compressed, if the caller
// wants that and it saves 4 bytes.
//
// # Values
//
//	0 string     string
//	1 list       length, strings
//	2 set        length, strings
//	4 hash       length, of each pair two strings
//	5 sorted set length, of each member a string and f64, little-endian; highest first
//
// These five are written, whatever the encoding in memory. Redis packs values into strings that it writes as they are; all
// its forms are read: 3 (sorted set with scores in digits), 9 (zipmap), 10, 12 and 13 (ziplist), 11 (intset), 14 and 18 (lists of
// ziplists, and of listpacks), 16, 17 and 20 (listpack). See packed.go. Streams (15, 19, 21, 26), hashes whose fields expire
// (22 to 25) and types of modules (6, 7) are refused, with the name of the key.
//
// # Quarry's own types
//
// A Bloom filter (208) and a field (209) are a length and so many strings, the records. Redis refuses a file that has them: "Unknown
// RDB encoding type". Numbers in records are little-endian, their lengths and strings have the forms of the file that are no integers
// and not compressed, in up to 5 bytes. The first record of a filter, and the others:
//
//	u8 1 | u64 seed | u32 expansion | u64 capacity | u64 left | f64 rate | of each link: u32 lanes | u32 blocks
//	u32 first block | blocks of 64 bytes
//
// Capacity, left and rate are those of the last link (package bloom's State); blocks whose bits are all 0 may be left
// out. Since the seed is there, a filter answers as before wherever it is loaded. The first record of a field, and the others, one for each member:
//
//	u8 1 | u8 flags: 1 it stays when it is empty, 2 it has bounds | u8 space: 0 plane, 1 globe | u8 dimensions |
//	    4 f64 bounds: least x, least y, greatest x, greatest y | of each numeric field: string
//	string member | u8 flags | f64 x | f64 y | f64 z | i64 expires | i64 SEQ | length, of each number: u8 index of its name | f64 |
//	    length, of each tag: string name, string text | payload
//
// where flags say what there is, 1 expires, 2 SEQ, 4 payload, and there is z in three dimensions.
//
// # Payloads
//
// DUMP's payload is a type's byte, a value, u16 version and u64 checksum of all before. Redis restores what Quarry dumps, and
// the other way around.
//
// # Reading
//
// Whatever is read may be damaged, or made to do harm. A length is believed only as far as there are bytes; what is packed is
// walked entry by entry, each of which must be where the one before says; members come once, and scores are numbers. What is wrong is an Error
// with the place, never a panic, and memory grows with what is there, not with what is said.
//
// Load reads on one goroutine, which takes values apart and puts them into chunks (chunk.go), and builds on others, each for some
// of the shards. A chunk is some 64 KiB; a value that is larger comes in parts. Sorted sets go to zset.Builder, which takes them in order, at 0.1 to 0.2 us a member.
package rdb
