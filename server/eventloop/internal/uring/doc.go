// Package uring sends to, or receives from, many sockets by one system call.
// It is the second fence of the house, beside store/internal/offheap: it speaks
// io_uring, whose queues are memory shared with the kernel, and so needs unsafe.
//
// # Why only this much of io_uring
//
// A [Ring] does one thing: operations are queued, [Ring.Submit] has the kernel
// carry them all out, and none is left behind. Every one is non-blocking
// (MSG_DONTWAIT), so the kernel neither parks it nor hands it to another
// thread: when Submit returns, the buffers are the caller's again. Readiness is
// still epoll's business. So a loop looks as it does with read and write, and
// where there is no io_uring it uses these.
//
// Measured on loopback, one loop, PING, 50 connections, requests per processor-second
// of the server, medians of 7 and 9 rounds in one run each: sends batched this
// way 1.24 and 1.52 times those of one write per connection, receives batched too
// 1.27, a loop wholly on io_uring (multishot receive, no epoll) 1.36 and 1.58 with
// DEFER_TASKRUN, but 1.08 with 1,000 connections, where batches of both have
// 1.44. Pipelined 16 deep: 1.23, 1.26, 1.26. What is saved is less the calls themselves than
// the changes between processes: a client that was sent a reply wakes up, reads it and sleeps again
// before the next write, while sends of one call wake it once for all. So the gain is
// there where clients run on the server's processors; with one client thread, or the
// client on a processor of its own, nothing is gained, and nothing lost.
//
// # The queues
//
//	submission queue entry, 64 bytes          completion queue entry, 16 bytes
//	 0 u8  operation (26 send, 27 receive)     0 u64 the entry's name
//	 4 i32 descriptor                          8 i32 bytes, or -errno
//	16 u64 address                            12 u32 flags
//	24 u32 length
//	28 u32 MSG_ flags
//	32 u64 name: the position in the batch
//
// Head and tail of each ring are free-running counters in shared memory: who
// adds moves the tail, who takes moves the head, with release and acquire
// ordering. The layouts are those of the kernel's include/uapi/linux/io_uring.h.
package uring
