// Package vfs is what the persistence of Quarry asks of a file system, and three
// answers: the operating system's, one in memory that can lose power, and one
// that lets chosen operations of another fail.
//
// The interface is small on purpose: files are written at their end only and
// read at any offset, and every call that makes something durable is a call of
// its own, so that a test can count them, fail each, and lose power after each.
//
// What is promised, and what [Mem] takes literally:
//
//   - What is written is seen by every reader at once, but survives a loss of
//     power only after File.Sync. Until then any part of it may be there.
//   - A new name, a rename and a removal survive only after SyncDir of the
//     directory; until then the latest of them may be undone, oldest last.
//     File.Sync does not make the name durable.
//   - Rename over a name is atomic: the name is the old file or the new one.
//   - Space that was preallocated is there for writes, and does not change the
//     size of the file.
//
// Reading order: vfs.go, os.go (os_linux.go, os_other.go), mem.go, fail.go.
package vfs
