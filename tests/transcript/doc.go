// Package transcript reads and plays transcripts: what clients send and what
// they get, as text. They lie in commands/testdata, one beside each file of
// commands; commands' own test plays them through [Run], and the differential
// test plays them against a real redis-server.
//
// A transcript is blocks separated by blank lines. A block is comments (#), a
// directive, commands, ---- and the answers:
//
//	# Equal scores are ordered by member bytes; rank counts from 0.
//	run
//	ZADD board 10 bob 10 ada
//	ZRANK board bob
//	----
//	(int) 2
//	(int) 1
//
// Words are separated by blanks; a word in double quotes has the escapes of Go
// ("\x00\r\n"). Answers are drawn with their types: OK, (error) ERR ..., (int) 2,
// "bulk string", (nil), (nil array), (double) 1.5, (array 2) and (map 1) with
// their elements indented below. They are RESP2's; where RESP3's differ, all
// answers of the block follow again after "---- resp3".
//
// A command with several answers (SUBSCRIBE with two channels) has them as elements of (answers 2).
//
// Directives:
//
//	run            the commands, one at a time, each with its answer
//	run unordered  the same, arrays sorted: the order of the answer means nothing
//	run shape      the same, only types and nesting: the values differ from run to run
//	block          one command that parks its client; goes on once the server says so
//	read           the answer to a parked command
//	hear <n>       n messages that are pushed to the client
//	client <name>  what follows comes from this connection; it is made when first named
//	advance <ms>   moves the time that expiry sees
//	check          every structure of the store is walked
//
// Each transcript is played for {thresholds as they are, no packed values} x
// {1, 8 shards} x {RESP2, RESP3}, and its answers must not depend on the first
// two. `go test ./commands -rewrite` writes the answers anew: commit a change
// only if you can explain it.
package transcript
