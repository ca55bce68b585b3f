// Package crash kills the real binary at random moments under load and looks at what it
// has after the next start. It has only tests.
//
//	go test ./tests/crash                                                  40 rounds, a minute or so
//	go test ./tests/crash -run TestKill -rounds 2000 -timeout 120m         as many as one has time for
//	go test ./tests/crash -run TestKill -seed 7 -rounds 20                 other random choices
//
// # What must be true
//
// Several writers change keys of their own, each over its connection: one call at a time, many
// in one write, or transactions; calls of all types. Every call that was answered must have happened,
// and what was sent and not answered may have happened up to some point, in
// order, and a transaction as a whole or not at all. So what a writer's keys hold after
// a restart is one of few states, and which ones it may be is computed by the same calls on
// a server in the test's own process that keeps nothing on disk: its replies must be those that were
// given before the crash, too. The state found is where the next round begins.
//
// Two more clients hand numbers over, one pushing and one waiting in BLPOP: none may be lost or be there twice.
//
// Readers watch counters that only grow: with appendfsync always no value that anybody has seen may be lost,
// acknowledged to its writer or not. (With everysec it may, in the instant before the writer is answered.) Keys that were given milliseconds to live must not come back.
//
// # Rounds
//
// Each has a moment of its own, from microseconds after the load began to tenths of a second, alone or
// after BGSAVE or BGREWRITEAOF (whose first thing is to begin another file) was called, and some kill the
// server again while it loads. Half of them are made with appendfsync everysec, half
// with always. A process that dies loses nothing that it has given to the system, so this shows that replies
// come after write(2), that groups are whole and that what is half written is cut; what a loss
// of power costs is the business of the tests of package persistence, on a file system made for it.
//
// The same directories start redis-server where they hold Redis' types only, with equal contents (redis_test.go). A disk that is
// full refuses writes, loses nothing and recovers by itself (disk_test.go).
package crash
