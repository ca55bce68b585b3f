// Package server is the process: listeners, sessions, the gate every command
// passes, transactions, blocked clients, the list of clients, background work, shutdown.
//
//	bytes ─► transport ─► Session ─► worker (the gate) ─► handler ─► package store
//	            ◄── output ──┘  ◄── reply ──┘
//
// A transport (event loops, or redcon's server) moves bytes and nothing else. A
// [Session] is one connection as a state machine without a socket: bytes go in,
// commands are run, replies come out. A worker is what a goroutine that runs
// commands owns; the sessions of an event loop share one. State belongs to a
// session, to a worker, to a shard (under its lock) or to the configuration.
//
// # Locks
//
// In this order, each only if needed: shards in ascending index (package
// store), then parked.mu of one parked client, then pubsub.mu or pause.mu, then the mailbox of a loop.
// The locks of the list of clients, of a session's names (view.mu) and of the
// counters are taken last, and nothing under them.
//
// A transaction is run with the shards of all its commands locked; what in it takes locks
// outside of one finds all of them taken (commands.LocksShards, store.DB.HoldAll).
//
// Reading order: session.go, gate.go, locks.go, buffers.go, transaction.go, watch.go, observer.go,
// blocking.go, pause.go, pubsub.go, subscriber.go, monitor.go, clients.go, limits.go, server.go,
// listen.go, transport.go, cron.go; then host.go, info.go, stats.go, stopwatch.go and latency.go for what is counted and shown, redconfront.go
// for the portable transport.
package server
