// Package contents writes what a store or a server holds as text, key by key, for tests that compare two of them: a
// server and what came of its log, a snapshot and what was loaded of it, Quarry and Redis.
package contents
