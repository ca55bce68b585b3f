// Package persistence is bytes on the disk and back: the append-only log,
// snapshots, recovery. What a command means it does not know: it writes what it
// is given and hands back what it reads.
//
// # Files
//
// The layout is Redis 7's multi-part append-only file, in a directory of its own:
//
//	appendonlydir/
//	    appendonly.aof.manifest      which files there are, in which order
//	    appendonly.aof.3.base.rdb    the data at one moment, an RDB (package rdb)
//	    appendonly.aof.5.incr.aof    what was done since, commands
//	    appendonly.aof.6.incr.aof    and since, while a new base is made, or after one failed
//	    quarry.meta                  which Quarry, with which configuration, wrote this; the key of the lines
//	    quarry.lock                  held while a process uses the directory
//	    quarry.reserve               room that a rewrite on a full disk may use
//	    *.cut-<offset>               what a recovery has cut off a file
//	    temp-*                       not finished; removed at the next start
//
// # Manifest
//
// One line for each file: the base, the history (files to be deleted), the
// incremental files. A name with other than plain characters is quoted as
// Redis does. The last lines are comments, which Redis skips:
//
//	file appendonly.aof.3.base.rdb seq 3 type b
//	file appendonly.aof.5.incr.aof seq 5 type i
//	#quarry position 5265
//	#quarry xxhash64 0f1e2d3c4b5a6978
//
// The position is that of the stream where the base ends (see below). The last
// is the hash of all bytes before it. One that does not agree is damage; one
// that is missing (Redis has written the manifest) is not.
//
// # Incremental files
//
// Commands in Redis' protocol, and lines that begin with '#', which Redis skips
// between commands. Each write is a group of commands with a line behind it:
//
//	#Q1 h 11 5265 0 5265 8f31d09b6c2e7a45 77aa0b1c2d3e4f50\r\n
//	*2\r\n$6\r\nselect\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n
//	#Q1 g 12 5315 50 5265 9c1185a5c5e9fc54 3b5ea1c5f2d0a7be\r\n
//	 |  | |  |    |  |    |                |
//	 |  | |  |    |  |    |                check: xxhash64, seeded with the key, of the line before it
//	 |  | |  |    |  |    xxhash64 of the group's bytes; in a header the key
//	 |  | |  |    |  position that was on the disk when the line was made
//	 |  | |  |    length of the group in bytes
//	 |  | |  position behind the group
//	 |  | number of the line, over all files
//	 |  kind
//	 tag and version
//
// Numbers are decimal, hashes 16 digits of hexadecimal. A position counts the
// bytes of commands, not those of lines, from the first the directory has seen,
// over all its files. Kinds: h, header, where a process begins to write to a
// file; g, a group; s, nothing but a synced position, when nothing else is
// written; c, closed in order. A group never ends within a MULTI, and a file
// never begins within one. Each file begins with database 0 selected.
//
// The key is a random number of the directory: clients can store bytes that
// look like a line, but none that are believed.
//
// Quarry writes "select", Redis "SELECT". Redis begins what it appends with
// that command; where it has gone on with a file of ours its commands are
// told from an unfinished group of ours by it.
//
// # What is damage and what is not
//
// Reading goes line by line; nothing of a group is applied before its line and
// its hash are seen to be right. At the first place that is not right, the rest
// of the files is searched for a line that says that bytes behind this place
// were on the disk when it was written, or, as long as the machine has not been started again since (quarry.meta knows), for any
// line that is right: what was written before it must be there. If there is one, the place is damage,
// and the directory is refused. If there is none, it is the tail of a write
// that was cut short: what is behind it goes to a side file.
//
// Stretches without lines are Redis' own: cut at the last complete command, and
// before a MULTI without its EXEC, in the last file only; anything else that
// is wrong is damage.
//
// # What a crash leaves behind
//
//	while a group is written    a part of it, or all without the line: cut
//	before a sync (power)       any part of the bytes since the last sync: cut at the first group that is not whole
//	while a manifest is written a temporary file; the old manifest counts
//	while a rewrite begins      an empty incremental file, named by the manifest or not
//	after the cut               two incremental files, read in order; no base of the rewrite
//	after the base is renamed   a base that no manifest names: removed
//	after the new manifest      files of the history: removed
//
// Reading order: options.go, dir.go, manifest.go, meta.go, line.go, log.go,
// writer.go, sync.go, room.go, state.go, start.go, rewrite.go, then window.go,
// command.go, scan.go, recover.go, and snapshot.go.
package persistence
