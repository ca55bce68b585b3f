// Package commands holds what a Redis client sees: one [Spec] row and one
// handler per command, side by side in the file of their family.
//
// A handler reads its arguments from a [Ctx], calls package store, and writes
// its answer through a [Reply]. It takes no lock (the gate in package server
// has taken the locks its Spec names), reads no clock ([Ctx.NowMS] is stamped
// once for the command) and touches no socket or file. What it needs from the
// process (configuration, INFO, the list of clients) comes through [Host].
//
// Reading order: spec.go (the table and all that follows from it), ctx.go,
// reply.go, args.go, errors.go, then any family, say zset_add.go.
package commands
